#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The same steps on vmlab, on a memfd and on a model, and that the comparison sees what differs.

# shellcheck disable=SC2317 # functions are called through "check"
cd "$(dirname "$0")" || exit
. ./lib.sh

differ=differ/vmlab-differ
[ -x "$differ" ] || skip_all "differ/vmlab-differ is not built"
[ -e /dev/vmlab ] || skip_all "the module is not loaded"

work=$(mktemp -d /tmp/vmlab-differ-test.XXXXXX)
trap 'rm -rf "$work"' EXIT

alike() {
	"$differ" "$@" --findings "$work" >"$work/out" || {
		cat "$work/out"
		return 1
	}
	sed 's/^/# /' "$work/out" >&3
}

# What was compared had huge pages, and some that were split.
with_huge_pages() {
	alike "$@" && grep -qE '^huge pages: [1-9][0-9]* made, [1-9][0-9]* split' "$work/out"
}

same_seed() {
	"$differ" --seed 5 --steps 100 --verbose >"$work/first" &&
		"$differ" --seed 5 --steps 100 --verbose >"$work/second" &&
		[ "$(grep -c '^p[0-3] ' "$work/first")" -gt 90 ] && diff "$work/first" "$work/second"
}

# spoil STEP...: steps before and after one that the model does not know of.
spoiled() {
	cat >"$work/spoiled" <<-'STEPS'
		p0 opens r0 with 4 pages plain
		p0 opens r1 with 2 pages strict
		p0 maps 2 pages of r0 from page 1 at m0.0 shared rw
		p0 forks p1
		p1 stores 100 bytes at m0.0 + 7 as 1
		p1 spoils r0 at 5000
		p0 truncates r1 to 100
		p0 compares everything
	STEPS
}

# Says where, and in a step or two.
difference_is_found() {
	local status=0
	spoiled
	"$differ" --replay "$work/spoiled" --findings "$work" >"$work/out" || status=$?
	cat "$work/out"
	[ "$status" = 1 ] && grep -q 'FOUND: step 8: .* byte 5000 of ' "$work/out" &&
		grep -q '^8 steps became [34]:$' "$work/out"
}

shrunk_can_be_replayed() {
	local status=0
	"$differ" --replay "$work"/difference-* --findings "$work" >"$work/out" || status=$?
	cat "$work/out"
	[ "$status" = 1 ] && grep -q 'byte 5000 of ' "$work/out"
}

bad_program_is_refused() {
	local status=0
	echo 'p0 opens r9 with 4 pages plain' >"$work/bad"
	"$differ" --replay "$work/bad" 2>"$work/err" || status=$?
	[ "$status" = 2 ] && grep -q 'bad:1: no step' "$work/err"
}

exec 3>&1
plan 6
check "vmlab, a memfd and a model are alike" with_huge_pages --seed 1 --steps 300 --programs 10
check "so they are if pages come and go" with_huge_pages --budget --seed 3 --steps 300 --programs 5
check "a seed gives the same steps" same_seed
check "a difference is found, and shrunk" difference_is_found
check "what it was shrunk to can be replayed" shrunk_can_be_replayed
check "what is no program is refused" bad_program_is_refused
finish
