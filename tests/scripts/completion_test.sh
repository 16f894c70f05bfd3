#!/usr/bin/env bash
# completion_test.sh BUILD - each shell completes what the option tables hold.
set -euo pipefail
export LC_ALL=C

build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export PATH="$build:$PATH"
failed=0

claim() { # claim WHAT EXPECTED SEEN
    [ "$2" = "$3" ] && return 0
    printf 'FAILED %s\n  expected: %s\n  seen:     %s\n' "$1" "$2" "$3"
    failed=1
}

mkdir folder
touch users.csv
for shell in bash zsh fish; do
    for program in assay assay-serve; do
        "$program" completion $shell >"$program.$shell"
        made=$build/made/$program.$shell
        [ $shell != zsh ] || made=$build/made/_$program
        cmp "$program.$shell" "$made" # what is installed
    done
done

# ---- bash: the words of a line in, the candidates out ----
bash_says() {
    # shellcheck disable=SC2016 # the inner shell expands
    bash --norc -c 'source ./assay.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _assay
        printf "%s\n" "${COMPREPLY[@]}"' assay "$@" | sort | tr '\n' ' '
}
claim "bash completes a command" "train " "$(bash_says assay tr)"
claim "bash completes an option" "--score-customers " "$(bash_says assay run --score-c)"
claim "bash knows which command" "" "$(bash_says assay verify --fol | tr -d ' ')"
claim "bash completes a choice" "json text " "$(bash_says assay run --log "")"
claim "bash completes a choice after =" "json " "$(bash_says assay run --log = js)"
claim "bash completes an operand" "fish " "$(bash_says assay completion "fi")"
claim "bash completes a file" "users.csv " "$(bash_says assay run --customers us)"
claim "bash completes a folder and no file" "folder " "$(bash_says assay score --bundle "")"

# ---- fish completes by itself ----
fish_says() { fish --no-config -c "source assay.fish; complete -C '$1'" | cut -f1 | sort | tr '\n' ' '; }
claim "fish completes a command" "train " "$(fish_says 'assay tr')"
claim "fish completes an option" "--score-customers " "$(fish_says 'assay run --score-c')"
claim "fish completes a choice" "json text " "$(fish_says 'assay run --log ')"
claim "fish completes an operand" "fish " "$(fish_says 'assay completion fi')"

# ---- zsh hands its specifications to functions that it brings; these print them ----
zsh_says() {
    # shellcheck disable=SC2016 # zsh expands
    zsh -f -c 'compdef() { :; }
        _describe() { print -l -- ${(P)2}; }
        _arguments() { print -l -- "$@"; }
        source ./assay.zsh; words=("$@"); CURRENT=$#; _assay' zsh "$@"
}
claim "zsh completes commands" "train:learn from labelled customers and leave a bundle for the months after" \
    "$(zsh_says assay tr | grep '^train')"
claim "zsh completes choices" "*--log=[how to talk on stderr; json is one object a line (default text)]:value:(text json)" \
    "$(zsh_says assay run --log | grep -e '--log')"
claim "zsh completes folders" "1" "$(zsh_says assay score --bundle | grep -c -e '--bundle=.*:folder:_files -/$')"

# ---- every option of every command, in every shell ----
count=0
for command in $(assay --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    assay "$command" --help | sed -n '/^Options:/,/^$/s/^  --\([a-z-]*\).*/\1/p' | sort -u >options
    bash_says assay "$command" -- | tr ' ' '\n' | sed -n 's/^--\(.\)/\1/p' | sort -u >bash.options
    zsh_says assay "$command" -- | sed -n "s/^\*--\([a-z-]*\).*/\1/p" | sort -u >zsh.options
    fish_says "assay $command --" | tr ' ' '\n' | sed -n 's/^--\([a-z-]*\).*/\1/p' | sort -u >fish.options
    for shell in bash zsh fish; do
        cmp options $shell.options || failed=1
    done
    count=$((count + $(wc -l <options)))
done
[ "$count" -gt 60 ] || { echo "FAILED: only $count options were seen" && failed=1; }

[ $failed -eq 0 ] && echo "completion: $count options in three shells"
exit $failed
