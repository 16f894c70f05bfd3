#!/usr/bin/env bash
# run.sh BUILD [--update] [--short] [--part K/N] [NAME ...] - run the tests of the command line; of N
# parts, the K-th, so that several processors can share them. --short leaves out those whose comment
# has a line that begins with "Long:", whole corridors that a sanitized build walks for minutes.
#
# A test is a file NAME.test of four parts, each begun by a line of its own:
#
#     -- script      run by bash in an empty folder; assay and assay-serve are on the path
#     -- stdout      what must be on standard output, to the byte
#     -- stderr      what must be on standard error
#     -- exit N      and the exit code
#
# Lines before the first part are a comment. In what is expected ${out} stands for the empty
# folder, ${data} for a small made-up bank (script: "$data/labelled_users.csv"), ${bundle} for the
# bundle of a run on it and ${repository} for the root of the source; a script may use them too.
# --update writes what was seen into the files:
# read the difference before it is committed.
set -uo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 1 ] || [ ! -x "$1/assay" ]; then
    echo "usage: tests/cli/run.sh BUILD [--update] [--short] [--part K/N] [NAME ...]" >&2
    exit 2
fi
build=$(cd "$1" && pwd)
shift
update=no
[ "${1:-}" = --update ] && update=yes && shift
short=no
[ "${1:-}" = --short ] && short=yes && shift
part_number=1
parts=1
if [ "${1:-}" = --part ]; then
    part_number=${2%/*}
    parts=${2#*/}
    shift 2
fi
export PATH="$build:$PATH"
repository=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
data=$work/data
bundle=$work/run/bundle
export repository data bundle

# The bank and the bundle that tests share.
make_shared() {
    assay synth --customers 200 --seed 7 --out "$data" &&
        assay run --customers "$data/labelled_users.csv" \
            --transactions "$data/labelled_transactions.csv" \
            --score-customers "$data/unlabelled_users.csv" \
            --score-transactions "$data/unlabelled_transactions.csv" \
            --trials 3 --folds 2 --repeats 1 --shuffles 2 --out "$work/run"
}
if ! make_shared >"$work/log" 2>&1; then
    cat "$work/log" >&2
    echo "the bank or the bundle that tests share could not be made" >&2
    exit 1
fi

# part FILE NAME: the lines of one part.
part() { awk -v want="-- $2" '/^-- (script|stdout|stderr|exit [0-9]+)$/ { on = $0 == want; next } on' "$1"; }

# named: absolute folders as the names that stand for them; the empty folder is inside none.
named() { sed -e "s|$out|\${out}|g" -e "s|$data|\${data}|g" -e "s|$bundle|\${bundle}|g" -e "s|$repository|\${repository}|g"; }

ran=0
failed=0
number=0
left_out=
for file in "$here"/*.test; do
    name=$(basename "$file" .test)
    if [ $# -gt 0 ]; then
        case " $* " in *" $name "*) ;; *) continue ;; esac
    fi
    number=$((number + 1))
    [ $((number % parts)) -eq $((part_number % parts)) ] || continue
    if [ $short = yes ] && awk '/^-- script$/ { exit } /^Long:/ { found = 1 } END { exit !found }' "$file"; then
        left_out="$left_out $name"
        continue
    fi
    out=$work/$name
    mkdir "$out"
    export out
    part "$file" script >"$work/script"
    began=$SECONDS
    (cd "$out" && bash "$work/script") >"$work/stdout" 2>"$work/stderr" </dev/null
    code=$?
    took=$((SECONDS - began))
    [ $took -lt 5 ] || echo "$name took $took s"
    {
        awk '/^-- script$/ { exit } { print }' "$file"
        echo "-- script"
        cat "$work/script"
        echo "-- stdout"
        named <"$work/stdout"
        echo "-- stderr"
        named <"$work/stderr"
        echo "-- exit $code"
    } >"$work/seen"
    ran=$((ran + 1))
    if [ $update = yes ]; then
        cp "$work/seen" "$file"
    elif ! diff -u "$file" "$work/seen" >"$work/diff"; then
        failed=$((failed + 1))
        echo "FAILED $name: expected (-) and seen (+)"
        tail -n +3 "$work/diff"
    fi
    rm -rf "$out"
done
[ $ran -gt 0 ] || { echo "no test was run" >&2 && exit 1; }
[ -z "$left_out" ] || echo "left out because of --short:$left_out"
echo "cli: $((ran - failed)) of $ran tests passed"
[ $failed -eq 0 ]
