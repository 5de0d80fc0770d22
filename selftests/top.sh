#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vmlab top: what it prints, by what it sorts, and its screen on a terminal (top_keys.py).

# shellcheck disable=SC2317,SC2015 # functions are called through "check"
cd "$(dirname "$0")" || exit
. ./lib.sh

vmlab=${VMLAB:-../tools/vmlab/vmlab}
[ -x "$vmlab" ] || vmlab=$(command -v vmlab) || skip_all "the command vmlab is not built"
export vmlab

work=$(mktemp -d /tmp/vmlab-top.XXXXXX)
trap 'rm -rf "$work"' EXIT

# One region with many pages in memory, one with a budget and more pages beyond it, and one with three.
exec 7<>/dev/vmlab 8<>/dev/vmlab 9<>/dev/vmlab
head -c 1000000 /dev/urandom >&7
"$vmlab" pool --budget 64K --policy sieve --fd 8
head -c 2000000 /dev/urandom >&8
head -c 10000 /dev/zero >&9
region_of() { sed -n 's/^vmlab-region:\t//p' "/proc/self/fdinfo/$1"; }
many=$(region_of 7) stored=$(region_of 8) few=$(region_of 9)
pool=$(sed -n 's/^vmlab-pool:\t//p' /proc/self/fdinfo/8)

# once ARGUMENT...: prints one table.
once() { "$vmlab" top --batch 1 --delay 0.1 --bytes "$@" >"$work/out" || { cat "$work/out"; return 1; }; }

# row KIND ID: the words of the row of a pool or a region, whose table begins with that.
row() {
	awk -v kind="$1" -v id="$2" '$1 == "POOL" || $1 == "REGION" { table = $1 }
		table == kind && $1 == id' "$work/out"
}

# Those of our regions that the table has, in their order.
order() {
	awk -v ours=" $many $stored $few " '$1 == "REGION" { regions = 1 }
		regions && index(ours, " " $1 " ") { print $1 }' "$work/out" | xargs
}

prints_so_often() {
	"$vmlab" top --batch 3 --delay 0.1 >"$work/out" && [ "$(grep -c '^vmlab top: [1-9]' "$work/out")" = 3 ] &&
		[ "$(grep -c '^ *REGION .* COMMAND$' "$work/out")" = 3 ]
}

# eventually COMMAND...: what goes on in the background ends by itself.
eventually() {
	local _
	for _ in {1..20}; do
		"$@" && return
	done
	return 1
}

# Nobody does anything: rates are 0, and sizes what fdinfo has.
a_region_at_rest() {
	local pages words
	pages=$(sed -n 's/^vmlab-resident:\t//p' /proc/self/fdinfo/9)
	once || return
	words=$(row REGION "$few" | xargs)
	[ "$words" = "$few 0 0 0 $((pages * 4096)) 0 - $$ top.sh" ] || { echo "$words"; return 1; }
}

a_pool_at_rest() {
	local resident stored words
	resident=$(sed -n 's/^vmlab-pool-resident:\t//p' /proc/self/fdinfo/8)
	stored=$(sed -n 's/^vmlab-pool-stored:\t//p' /proc/self/fdinfo/8)
	once || return
	words=$(row POOL "$pool" | xargs)
	[ "$stored" -gt 400 ] && [ "$words" = \
		"$pool 0 0 0 $((resident * 4096)) $((stored * 4096)) - 65536 1 sieve zs" ] || { echo "$words"; return 1; }
}

sorts() {
	once --sort resident && [ "$(order | cut -d' ' -f1)" = "$many" ] &&
		once --sort stored && [ "$(order)" = "$stored $many $few" ]
}

# Pages are written one after the other, and each has another one leave.
a_region_at_work() {
	local writer evicted
	yes >&8 &
	writer=$!
	"$vmlab" top --batch 1 --delay 2 --bytes --sort evicted >"$work/out"
	kill "$writer"
	wait "$writer" 2>/dev/null
	evicted=$(row REGION "$stored" | awk '{ print $3 }')
	[ "$evicted" -gt 0 ] && [ "$(order | cut -d' ' -f1)" = "$stored" ] || { cat "$work/out"; return 1; }
}

# refuses STATUS PATTERN ARGUMENT...: exits so, after one sentence.
refuses() {
	local wanted=$1 pattern=$2 status=0
	shift 2
	"$vmlab" top "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	[ "$status" = "$wanted" ] && [ ! -s "$work/out" ] && has_line "^vmlab top: .*($pattern)" "$work/err" ||
		{ cat "$work/out" "$work/err"; return 1; }
}

keys() { python3 top_keys.py "$1" "$many" "$stored"; }

plan 15
check "prints so often" prints_so_often
check "a region at rest" eventually a_region_at_rest
check "a pool at rest" eventually a_pool_at_rest
check "sorts by a column" sorts
check "a region at work" a_region_at_work
check "no terminal" refuses 1 'no terminal'
check "not a number of times" refuses 2 'how often' --batch=0
check "not a delay" refuses 2 'from 0.1' --batch=1 --delay=0
check "not a column" refuses 2 'no column' --sort=size
check "too much" refuses 2 'no arguments' 1
why=
command -v python3 >/dev/null || why="python3 is not installed"
! kernel_checks_itself || why="a kernel that checks itself: that takes minutes there"
if [ ! "$why" ]; then
	check "keys sort" keys sort
	check "a region that goes" keys end
	check "a screen of any size" keys resize
	check "an unknown terminal" keys unknown
	check "a terminal that goes" keys hangup
else
	for name in "keys sort" "a region that goes" "a screen of any size" "an unknown terminal" "a terminal that goes"; do
		skip "$name" "$why"
	done
fi
finish
