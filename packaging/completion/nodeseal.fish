# fish completion for nodeseal: nodeseal completion fish | source
function __nodeseal_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l out (command $words[1] __complete $words[2..-1] "$typed" 2>/dev/null)
    set -l directive (string match -r '^:(\d+)$' -- $out[-1])[2]
    test -n "$directive"; or return 1
    # of --output=js fish replaces the whole word
    set -l flag (string match -r '^--[\w-]+=' -- "$typed")
    if test (count $out) -gt 1
        for line in $out[1..-2]
            printf '%s\n' "$flag$line"
        end
    end
    set -l rest (string replace -r '^--[\w-]+=' '' -- "$typed")
    if test (math "floor($directive / 16) % 2") -eq 1
        __fish_complete_directories "$rest" | string replace -r '^' -- "$flag"
    else if test (math "floor($directive / 4) % 2") -eq 0
        __fish_complete_path "$rest" | string replace -r '^' -- "$flag"
    end
end
complete -c nodeseal -f -a '(__nodeseal_complete)'
