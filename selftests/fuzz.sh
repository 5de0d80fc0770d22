#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The fuzzer: its corpus, some programs made up anew, and what it says when a program hangs.

# shellcheck disable=SC2317 # functions are called through "check"
cd "$(dirname "$0")" || exit
. ./lib.sh

fuzz=fuzz/vmlab-fuzz
[ -x "$fuzz" ] || skip_all "fuzz/vmlab-fuzz is not built"
[ -e /dev/vmlab ] || skip_all "the module is not loaded"
[ "$(id -u)" = 0 ] || skip_all "not root: the fuzzer changes parameters of the module"

work=$(mktemp -d /tmp/vmlab-fuzz-test.XXXXXX)
trap 'rm -rf "$work"' EXIT

guided='' amount='--programs 50'
if [ -e /sys/kernel/debug/kcov ]; then
	guided=yes amount='--seconds 60'
fi

# Should the kernel die, nothing is left of what is written here: the seed is told before, and the program that is being
# run, and one that found something, are written to a folder that stays where there is one ("make check-debug"). SEED=
# makes up the same again.
corpus_and_more() {
	local seed=${SEED:-$((EPOCHSECONDS << 20 ^ $$))}
	echo "# seed $seed" >&3
	# shellcheck disable=SC2086 # two words
	"$fuzz" --seed "$seed" --corpus fuzz/corpus $amount ${guided:+--least-places 2000} \
		--findings "${VMLAB_KEPT:-$work}" >"$work/out" || {
		cat "$work/out"
		return 1
	}
	sed 's/^/# /' "$work/out" >&3
}

same_twice() {
	"$fuzz" --seed 1 --replay fuzz/corpus/zero-as-file >"$work/first" &&
		"$fuzz" --seed 1 --replay fuzz/corpus/zero-as-file >"$work/second" &&
		grep -q '^0 pread .* = 12288$' "$work/first" && diff "$work/first" "$work/second"
}

# Where there are loop devices, each call succeeds: the store is taken, written to, and read from.
stores_on_a_disk() {
	local program
	for program in storing-disk mount-store-disk; do
		"$fuzz" --replay "fuzz/corpus/$program" >"$work/out" && ! grep -E ' = (-|SIG|not|refused)' "$work/out" &&
			grep -qE '^0 (pool_set .* STORE|remount store=file:6) .* = 0$' "$work/out" || return
	done
}

same_seed() {
	"$fuzz" --seed 7 --programs 5 --verbose --threads 1 >"$work/first" &&
		"$fuzz" --seed 7 --programs 5 --verbose --threads 1 >"$work/second" &&
		diff <(names "$work/first") <(names "$work/second")
}

# How often each operation was called, whatever came of it.
names() {
	awk 'NF == 3 && $2 ~ /^[0-9]+$/ { print $1, $2 + $3 }' "$1"
}

hang_is_found() {
	local status=0
	printf '0 open r0 O_RDWR\n0 wait 3000000\n' >"$work/hang"
	"$fuzz" --limit 1 --findings "$work" --replay "$work/hang" >"$work/out" || status=$?
	cat "$work/out"
	[ "$status" = 1 ] && grep -q 'FOUND: the program hung' "$work/out" &&
		grep -qx '0 wait 0x2dc6c0' "$work"/finding-*
}

bad_program_is_refused() {
	local status=0
	echo '0 nonsense r0' >"$work/bad"
	"$fuzz" --replay "$work/bad" >"$work/out" 2>"$work/err" || status=$?
	[ "$status" = 2 ] && grep -q 'bad:1:' "$work/err"
}

exec 3>&1
plan 6
check "the corpus, and programs made up" corpus_and_more
check "a program replayed gives the same results" same_twice
if [ -e /dev/loop-control ]; then
	check "stores on a block device" stores_on_a_disk
else
	skip "stores on a block device" "this kernel offers no loop device"
fi
check "a seed gives the same programs" same_seed
check "a hang is found" hang_is_found
check "what is no program is refused" bad_program_is_refused
finish
