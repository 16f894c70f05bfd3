#!/bin/sh
# layers_test - script/check-layers catches what it is for: a small house is built, found
# good, and then spoilt in one way at a time.
set -eu

check=$(cd "$(dirname "$0")/../.." && pwd)/script/check-layers
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
tests=0
failed=0

# Ground floor base; table above it; book and metric side by side; score; cli on top.
house() {
    rm -rf "$home/src"
    for room in base table book metric score cli; do mkdir -p "$home/src/$room"; done
    printf '%s\n' '# the house' 'base' '' 'table' 'book metric # siblings' 'score' 'cli' >"$home/src/LAYERS"
    echo '#include <stdio.h>' >"$home/src/base/base.h"
    printf '%s\n' '#include "table/table.h"' '#include "table/cells.h"' '#include "base/base.h"' \
        '#include <sys/stat.h>' '// #include "cli/cli.h"' '#include "spec_books.inc"' >"$home/src/table/table.c"
    printf '%s\n' '#include "assay.h"' '  #  include "base/base.h"' >"$home/src/score/score.c"
}

plant() { # FILE LINE...
    file=$home/src/$1
    shift
    mkdir -p "$(dirname "$file")"
    printf '%s\n' "$@" >"$file"
}

result() { # CLAIM GOOD
    tests=$((tests + 1))
    if [ "$2" = yes ]; then
        echo "ok $tests - $1"
    else
        failed=$((failed + 1))
        echo "not ok $tests - $1"
        sed 's/^/    /' "$home/said"
    fi
}

passes() { # CLAIM
    if "$check" "$home" >"$home/said" 2>&1 && [ ! -s "$home/said" ]; then good=yes; else good=no; fi
    result "$1" $good
    house
}

# The answer names the file and line, and there is one answer and no more.
catches() { # CLAIM FILE:LINE WORDS
    good=no
    if ! "$check" "$home" >"$home/said" 2>&1 && [ "$(wc -l <"$home/said")" -eq 1 ] &&
        grep -q "^src/$2: .*$3.*; " "$home/said"; then good=yes; fi
    result "$1" $good
    house
}

house
passes "layers_accepts_a_house_in_order"

plant table/up.c '#include "base/base.h"' '#include "score/score.h"'
catches "layers_room_above_is_refused" table/up.c:2 "score stands above table"

plant book/side.h '#include "metric/metric.h"'
catches "layers_sibling_is_refused" book/side.h:1 "on the same floor"

plant cli/inner.c '' '' '#include "table/cells.h"'
catches "layers_inner_header_of_another_room_is_refused" cli/inner.c:3 "inner header of table"

plant cli/deep/deep.c '#include "table/table.h"' '#include "table/deep/table.h"'
catches "layers_holds_in_folders_of_a_room" cli/deep/deep.c:2 "inner header of table"

plant table/angle.c '#include <score/score.h>'
catches "layers_angle_brackets_do_not_hide_a_room" table/angle.c:1 "score stands above table"

plant table/spaced.c '  #  include   "cli/cli.h"'
catches "layers_spaces_do_not_hide_a_room" table/spaced.c:1 "cli stands above table"

plant table/bare.c '#include "table.h"'
catches "layers_include_without_a_room_is_refused" table/bare.c:1 "does not name its room"

plant table/dots.c '#include "../base/base.h"'
catches "layers_dotted_path_is_refused" table/dots.c:1 "no room in src/LAYERS"

plant cli/assay.c '#include "assay.h"'
catches "layers_public_header_is_for_score_alone" cli/assay.c:1 "outside of the library"

plant attic/attic.c '#include "base/base.h"'
catches "layers_unlisted_room_is_refused" attic/attic.c:1 "attic is not in src/LAYERS"

plant attic/empty.c
: >"$home/src/attic/empty.c"
catches "layers_unlisted_room_is_refused_for_an_empty_file" attic/empty.c:1 "attic is not in src/LAYERS"

plant loose.c 'int x;'
catches "layers_file_outside_any_room_is_refused" loose.c:1 "in no room"

echo base >>"$home/src/LAYERS"
catches "layers_room_listed_twice_is_refused" LAYERS:8 "listed twice"

rm "$home/src/LAYERS"
if "$check" "$home" >"$home/said" 2>&1; then good=no; else good=yes; fi
result "layers_without_its_list_fails" $good

echo "$((tests - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
