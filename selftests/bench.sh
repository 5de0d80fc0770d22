#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The benchmark measures every row, and its figures become tables and a chart. What they are does not matter here.

# shellcheck disable=SC2317 # functions are called through "check"
cd "$(dirname "$0")/bench" || exit
# shellcheck source=lib.sh
. ../lib.sh

[ -x vmlab-bench ] || skip_all "vmlab-bench is not built"
command -v python3 >/dev/null || skip_all "python3 is not installed"
! kernel_checks_itself ||
	skip_all "a kernel that checks itself: minutes, for costs that say nothing"
[ "$(nproc)" -ge 2 ] || skip_all "one processor only"

work=$(mktemp -d /tmp/vmlab-bench-test.XXXXXX)
trap 'rm -rf "$work"' EXIT

measure() {
	local file=$work/$1
	shift
	./vmlab-bench --json --pages 128 "$@" >"$file"
}

refused() {
	! ./vmlab-bench "$@"
}

plan 8
check "the cost of each row" measure instructions --repeats 1
check "page faults and shootdowns of each row" measure events --events
check "two threads beside one" measure threads --threads --repeats 1
check "figures of every row" ./test-figures.py rows "$work"
check "events are those that the work has" ./test-figures.py events "$work"
check "tables and chart" ./test-figures.py documents "$work"
check "no pages to touch are refused" refused --pages 0
check "a mode that would be ignored is refused" refused --threads --row unmap
finish
