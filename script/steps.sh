# shellcheck shell=bash
# steps.sh - run a command as a named step; sourced by script/check and script/test.
#
# A step that passes costs one line: its name, its duration and, where it has one,
# a summary. What it printed stays in build/log; a step that fails shows it and stops.

step_summary= # a step's command may leave a few words here

# step NAME COMMAND... runs COMMAND (a program, or a function of the caller).
step() {
    local name=$1 began log status=0
    shift
    mkdir -p build/log
    log=build/log/${name//[^a-zA-Z0-9]/-}.log
    began=$EPOCHREALTIME
    step_summary=
    # Not in a pipeline or a subshell: the command may set the caller's variables.
    # A function is run with errexit off here, so it ends with what it means to return.
    "$@" >"$log" 2>&1 </dev/null || status=$?
    printf '%-28s %-6s %6s s  %s\n' "$name" "$([ $status -eq 0 ] && echo ok || echo FAILED)" \
        "$(seconds_since "$began")" "$step_summary"
    [ $status -eq 0 ] && return 0
    # The beginning has the cause as often as the end: show all, but keep a bound.
    if [ "$(wc -l <"$log")" -gt 400 ]; then
        head -n 100 "$log"
        echo "... the rest is in $log; what says so itself that it failed: ..."
        sed '1,100d' "$log" | head -n -300 | grep -n 'FAILED\|^not ok\|Traceback' | head -n 50
        echo "..."
        tail -n 300 "$log"
    else
        cat "$log"
    fi
    echo "stopped: the step '$name' failed; its output is above and in $log"
    return "$status"
}

seconds_since() {
    awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'
}
