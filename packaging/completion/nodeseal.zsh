#compdef nodeseal
# zsh completion for nodeseal: source <(nodeseal completion zsh)
_nodeseal() {
  local line word directive
  local -a out described space
  # words may be quoted
  out=("${(@f)$("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  directive="${out[-1]#:}"
  [[ "$directive" == <-> ]] || return 1
  for line in "${(@)out[1,-2]}"; do
    word="${line%%$'\t'*}"
    if [[ "$line" == *$'\t'* ]]; then
      described+=("${word//:/\\:}:${line#*$'\t'}")
    else
      described+=("${word//:/\\:}")
    fi
  done
  # of --output=js what stands behind the sign is completed
  if [[ "$words[CURRENT]" == --*=* ]]; then compset -P 1 '*='; fi
  if (( directive & 2 )); then space=(-S ''); fi
  if (( directive & 16 )); then
    _files -/
  elif (( ! (directive & 4) )); then
    _files
  fi
  if (( $#described )); then _describe -V nodeseal described "${space[@]}"; fi
}
if [[ "$funcstack[1]" == _nodeseal ]]; then
  _nodeseal "$@"
else
  compdef _nodeseal nodeseal
fi
