#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vmlab run: programs do the same with their memory in a region as without, and within a budget.

# shellcheck disable=SC2317 # functions are called through "check"
cd "$(dirname "$0")" || exit
. ./lib.sh

vmlab=${VMLAB:-../tools/vmlab/vmlab}
[ -x "$vmlab" ] || vmlab=$(command -v vmlab) || skip_all "the command vmlab is not built"
[ "$(ls /usr/lib/*/libjemalloc.so.2 /usr/lib/libjemalloc.so.2 2>/dev/null)" ] || skip_all "libjemalloc2 is not installed"

work=$(mktemp -d /tmp/vmlab-run.XXXXXX)
trap 'rm -rf "$work"' EXIT
python=/usr/bin/python3

# figure NAME: what --stat said of it, without the unit.
figure() { sed -n "s/^ *$1 *\([0-9.]*\).*/\1/p" "$work/stat" | head -n 1; }

# What is the same without us: on 7.x all but two lines of heap, as Documentation/run.rst says.
comparable() {
	if [[ $(uname -r) = 7.* ]]; then
		grep -Ev '^(dofork|a hole in it): ' "$1"
	else
		cat "$1"
	fi
}

# within OPTION... -- COMMAND...: its output is what it is without us.
within() {
	local options=() status=0 wanted=0
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	"$@" >"$work/wanted" 2>&1 || wanted=$?
	"$vmlab" run "${options[@]}" -- "$@" >"$work/out" 2>"$work/stat" || status=$?
	[ "$status" = "$wanted" ] || { cat "$work/out" "$work/stat"; echo "status $status instead of $wanted"; return 1; }
	diff <(comparable "$work/wanted") <(comparable "$work/out") || { cat "$work/stat"; return 1; }
}

# Every mapping is one of the region's, but for those that are meant to be the kernel's.
all_ours() {
	within --stat -- ./heap munmap madvise mremap && [ "$(figure 'mapped in regions')" ] &&
		[ "$(figure 'first touch')" -gt 0 ] && ! grep 'could not be mapped' "$work/stat"
}

kernel_is_counted() {
	within --stat -- ./heap mprotect && grep -q 'left to the kernel .* 1 mapping: .*growing' "$work/stat"
}

evicts() {
	within --budget 1M --stat -- ./heap munmap mremap fork threads && [ "$(figure evicted)" -gt 0 ]
}

children_are_in_the_pool() {
	within --stat -- ./heap exec && [ "$(figure programs)" -ge 10 ] && ! grep 'not all of them' "$work/stat"
}

# runs STATUS COMMAND...
runs() {
	local wanted=$1 status=0
	shift
	"$vmlab" run --stat -- "$@" >"$work/out" 2>"$work/stat" || status=$?
	[ "$status" = "$wanted" ] || { cat "$work/out" "$work/stat"; echo "status $status"; return 1; }
}

killed() {
	runs 139 ./heap killed && grep -q 'ended with status 139' "$work/stat" &&
		[ "$(figure resident | cut -d. -f1)" -ge 4 ]
}

# A signal that only "vmlab run" gets reaches the program.
passes_signals_on() {
	local status=0
	"$vmlab" run -- sh -c 'trap "echo got it; exit 5" TERM; echo ready; while :; do sleep 0.1; done' >"$work/out" &
	until grep -q ready "$work/out"; do sleep 0.1; done
	kill -TERM $!
	wait $! || status=$?
	[ "$status" = 5 ] && grep -q 'got it' "$work/out"
}

# When all is over, no region of the run is left.
nothing_stays() {
	local before
	before=$("$vmlab" ls --json | jq length)
	within --budget 1M -- ./heap fork exec
	for _ in $(seq 50); do
		[ "$("$vmlab" ls --json | jq length)" != "$before" ] || return 0
		sleep 0.1
	done
	return 1
}

exec_begins_anew() {
	runs 0 sh -c './heap small; exec ./heap small' && [ "$(figure programs)" = 3 ]
}

unknown_environment() {
	VMLAB_RUN=1,2,3,4,5,6,7 LD_PRELOAD=$PWD/../tools/run/libvmlab-run.so ./heap small >"$work/out" 2>&1 &&
		VMLAB_RUN=nonsense LD_PRELOAD=$PWD/../tools/run/libvmlab-run.so ./heap small >>"$work/out" 2>&1 &&
		[ "$(grep -c 'right: 100' "$work/out")" = 2 ]
}

sorts() {
	within --budget 1M --stat --policy "$1" --codec "$2" -- "$python" -c '
import random
random.seed(1)
numbers = [random.random() for _ in range(20000)]
numbers.sort()
print(numbers[0], numbers[-1], hash(tuple(numbers)))' && [ "$(figure evicted)" -gt 0 ]
}

# The heap of sort is its file's size at least, and four times the budget.
sorts_a_file() {
	"$python" -c '
import random
random.seed(2)
for _ in range(15000):
    print(random.getrandbits(300))' >"$work/file"
	sort "$work/file" | cksum >"$work/sum"
	"$vmlab" run --budget 384K --stat -- sort -S 40M --parallel=2 "$work/file" 2>"$work/stat" | cksum |
		cmp "$work/sum" && [ "$(figure evicted)" -gt 100 ]
}

# The file is made, and has what does not fit.
sorts_in_a_file() {
	"$vmlab" run --budget 384K --store "file:$work/store" --store-limit 64M --stat -- sort -S 40M "$work/file" \
		2>"$work/stat" | cksum | cmp "$work/sum" && [ "$(figure evicted)" -gt 100 ] &&
		grep -q '^ *stored .* of the file$' "$work/stat" && [ "$(stat -c %s "$work/store")" -gt 400000 ]
}

# Compressed memory comes before it.
sorts_in_two_tiers() {
	rm -f "$work/store"
	"$vmlab" run --budget 384K --store "file:$work/store" --store-limit 64M --front 256K --stat -- \
		sort -S 40M "$work/file" 2>"$work/stat" | cksum | cmp "$work/sum" && [ "$(figure evicted)" -gt 100 ] &&
		grep -q '^ *stored .* of memory, lz4, and in .* of the file$' "$work/stat" && [ -s "$work/store" ]
}

# A loop of eight turns over 256 pages, recorded; and what a simulation makes of it: LRU in half the frames never hits.
records() {
	within --record "$work/trace" -- ./heap loop &&
		"$vmlab" sim --json --policy lru,opt --cache 128 "$work/trace" >"$work/sim" &&
		jq -e '.references >= 2048 and .distinct >= 256 and .results[0].misses >= 2048 and
			.results[1].misses < .results[0].misses' "$work/sim"
}

# It is recorded from somewhere in the middle on, and goes on after that.
records_a_process() {
	local pid status=0
	"$python" -c '
import mmap, os
memory = mmap.mmap(os.open("/dev/vmlab", os.O_RDWR), 256 * 4096)
while True:
    for page in range(256):
        memory[page * 4096] = 1' &
	pid=$!
	until grep -q ' /vmlab:' "/proc/$pid/maps"; do
		kill -0 "$pid" || return
		sleep 0.1
	done
	"$vmlab" record --for 3 --window 64 -o "$work/of-process" "$pid" 2>"$work/err" || status=$?
	kill "$pid" || status=1
	cat "$work/err"
	[ "$status" = 0 ] && grep -qE '^[1-9][0-9]+ references$' "$work/err" &&
		[ "$(stat -c %a "$work/of-process")" = 600 ] &&
		"$vmlab" sim --json --policy lru --cache 128 "$work/of-process" | jq -e '.distinct > 64'
}

# The file is there already, and stays; nothing is run.
records_over_nothing() {
	local status=0
	echo mine >"$work/mine"
	"$vmlab" run --record "$work/mine" -- echo ran >"$work/out" 2>"$work/err" || status=$?
	[ "$status" = 1 ] && [ ! -s "$work/out" ] && [ "$(cat "$work/mine")" = mine ] &&
		grep -q 'cannot be made: File exists' "$work/err"
}

# Each policy has a row, with what happened near what is simulated; half the pages fit.
compares() {
	"$vmlab" run --compare all --budget 512K -- ./heap loop >"$work/out" 2>"$work/stat" || return
	cat "$work/stat"
	[ "$(grep -c '^sum: ' "$work/out")" = 10 ] &&
		awk '$1 ~ /^(random|fifo|clock|lru|2q|arc|sieve|s3fifo|lirs)$/ && $2 > 256 && $3 >= 1 && $5 > 0.5 && $5 < 1.5 { n++ }
			$1 == "opt" && $2 == "-" && $4 > 256 { n++ } END { exit n != 10 }' "$work/stat"
}

# long NAME COMMAND...
long() {
	if kernel_checks_itself; then
		skip "$1" "a kernel that checks itself: that takes minutes there"
	else
		check "$@"
	fi
}

# refuses STATUS PATTERN ARGUMENT...: nothing was run, and one sentence says why.
refuses() {
	local wanted=$1 pattern=$2 status=0
	shift 2
	"$vmlab" run "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	[ "$status" = "$wanted" ] && [ ! -s "$work/out" ] && head -n 1 "$work/err" | grep -qE "^vmlab run.*($pattern)" &&
		return
	echo "status $status"
	cat "$work/out" "$work/err"
	return 1
}

plan 43
for step in mmap munmap madvise mremap mprotect fork exec threads errno; do
	check "$step is as without" within -- ./heap $step
done
for step in mmap madvise mprotect fork exec; do
	check "$step is as without, in 256 KiB" within --budget 256K -- ./heap $step
done
check "all that can be is in regions" all_ours
check "what is left to the kernel is counted" kernel_is_counted
check "a budget" evicts
check "children are in the pool" children_are_in_the_pool
check "exec begins anew" exec_begins_anew
check "killed by a signal" killed
check "the exit status" runs 42 sh -c 'exit 42'
check "signals are passed on" passes_signals_on
check "nothing stays" nothing_stays
check "a strange environment" unknown_environment
long "python sorts, with s3fifo" sorts s3fifo lz4
long "sort of four times the budget" sorts_a_file
long "a store in a file" sorts_in_a_file
long "a store in memory and a file" sorts_in_two_tiers
check "references are recorded" records
check "a process's references are recorded" records_a_process
check "a trace is a new file" records_over_nothing
check "policies are compared" compares
check "a comparison without a budget" refuses 2 'takes a --budget' --compare lru -- echo
check "a comparison with a policy" refuses 2 'has no --policy' --compare lru --budget 1M --policy lru -- echo
check "a comparison with too little" refuses 1 'the pool.s settings are not valid' --compare lru --budget 1K -- echo
check "a comparison of what there is not" refuses 2 'no policy "best"' --compare lru,best --budget 1M -- echo
check "a window for nothing" refuses 2 'for --record and --compare' --window 64 -- echo
check "nothing to run" refuses 2 'what to run' --budget 1M
check "no size" refuses 2 'not a size' --budget lots -- echo
check "a budget that is too small" refuses 1 '.' --budget 1K -- echo
check "no such store" refuses 2 'takes zs or file:PATH' --store disk -- echo
check "no such policy" refuses 1 'policy' --policy best -- echo
check "no such program" refuses 127 'cannot be run' -- /nonexistent
finish
