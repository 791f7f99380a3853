# bash completion for nodeseal: source <(nodeseal completion bash)
_nodeseal() {
  local rest="${COMP_LINE:0:COMP_POINT}" word trimmed out directive cut
  local -a words=()
  COMPREPLY=()
  # bash parts words at = and : too: what stands together is one word
  for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    trimmed="${rest#"${rest%%[![:space:]]*}"}"
    word="${trimmed:0:${#word}}"
    if [[ ${#words[@]} -eq 0 || "$trimmed" != "$rest" ]]; then
      words+=("$word")
    else
      words[${#words[@]}-1]+="$word"
    fi
    rest="${trimmed:${#word}}"
  done
  out=$(command "${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null) || return 0
  directive="${out##*:}"
  out="${out%:*}"
  [[ "$directive" =~ ^[0-9]+$ ]] || return 0
  # what stands before the last = or : of the word is not replaced
  cut="${words[-1]}"
  if [[ "$cut" == --*=* ]]; then cut="${cut#*=}"; fi
  cut="${cut%"${cut##*[=:]}"}"
  while IFS= read -r word; do
    word="${word%%$'\t'*}"
    if [[ -n "$word" ]]; then COMPREPLY+=("${word#"$cut"}"); fi
  done <<<"$out"
  if ((directive & 2)); then compopt -o nospace; fi
  if ((directive & 16)); then
    compopt -o dirnames
  elif ! ((directive & 4)); then
    compopt -o default
  fi
}
complete -F _nodeseal nodeseal
