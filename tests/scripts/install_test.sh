#!/usr/bin/env bash
# install_test.sh BUILD - what `cmake --install` leaves is whole, and enough to build and run with.
set -euo pipefail
export LC_ALL=C

build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
repository=$PWD
fail() { echo "FAILED: $*" && exit 1; }

cmake --install "$build" --prefix "$work/prefix" >"$work/log" || fail "$(cat "$work/log")"
DESTDIR=$work/staged cmake --install "$build" --prefix /usr >"$work/log" || fail "$(cat "$work/log")"

# The same files in both; under the prefix they say nothing of where they were made.
(cd "$work/prefix" && find . -type f -o -type l | sort) >"$work/one"
(cd "$work/staged/usr" && find . -type f -o -type l | sort) >"$work/two"
diff "$work/one" "$work/two" || fail "DESTDIR gives other files than a prefix"
prefix=$work/prefix
lib=$(dirname "$(find "$prefix" -name libassay.so)")
for file in bin/assay bin/assay-serve include/assay.h share/assay/schema.yaml share/assay/features.yaml \
    share/assay/policy.yaml share/man/man1/assay.1 share/man/man1/assay-serve.1 \
    share/bash-completion/completions/assay share/zsh/site-functions/_assay \
    share/fish/vendor_completions.d/assay.fish share/doc/assay/LICENSE share/doc/assay/README.md; do
    [ -s "$prefix/$file" ] || fail "$file is not there"
done
grep -q "$work" "$lib/pkgconfig/assay.pc" && fail "assay.pc names the folder it was installed to"
cmp "$repository/spec/schema.yaml" "$prefix/share/assay/schema.yaml"
mandoc -Tlint -W warning "$prefix"/share/man/man1/*.1 || fail "mandoc has a warning about the manual"

# The programs run from there, and their books are the ones that are installed.
cd "$work"
"$prefix/bin/assay" check --schema "$prefix/share/assay/schema.yaml" \
    --features "$prefix/share/assay/features.yaml" --policy "$prefix/share/assay/policy.yaml" >checked
"$prefix/bin/assay" version --json | python3 -c 'import json, sys
v = json.load(sys.stdin)
assert v["program"] == "assay" and v["version"] and v["compiler"] and "yyjson" in v["libraries"], v'

# A bundle, and a program that knows pkg-config alone, in the tree and after the tree was moved.
"$prefix/bin/assay" synth --customers 150 --seed 7 --out data --quiet >/dev/null
"$prefix/bin/assay" train --customers data/labelled_users.csv --transactions data/labelled_transactions.csv \
    --folds 2 --repeats 1 --shuffles 2 --out bundle --quiet >/dev/null
flags=()
# A sanitized library wants its runtime first.
if nm -D "$lib/libassay.so" | grep -q __asan; then flags=(-fsanitize=address -fsanitize=undefined); fi
build_and_run() {
    local pc=$1/pkgconfig out=$2
    # shellcheck disable=SC2046 # flags are words
    gcc -Wall -Werror "${flags[@]}" "$repository/examples/score_one.c" -o "$out" \
        $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs assay)
    LD_LIBRARY_PATH=$1 "./$out" bundle
}
build_and_run "$lib" score_one >first
mv prefix moved
build_and_run "$(dirname "$(find "$work/moved" -name libassay.so)")" score_two >second
cmp first second
grep -q '"reasons"' first || fail "score_one gave no reasons: $(cat first)"
echo "install: $(wc -l <one) files, and examples/score_one.c built with pkg-config alone"
