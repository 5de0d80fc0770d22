#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tools that people trace with can use the tracepoints of vmlab.

# shellcheck disable=SC2317,SC2015 # functions are called through "check"
cd "$(dirname "$0")" || exit
. ./lib.sh

work=$(mktemp -d /tmp/vmlab-trace.XXXXXX)
trap 'rm -rf "$work"' EXIT

[ -d /sys/kernel/tracing/events ] || mount -t tracefs none /sys/kernel/tracing 2>/dev/null ||
	skip_all "tracefs cannot be mounted"
[ -d /sys/kernel/debug/tracing ] || mount -t debugfs none /sys/kernel/debug 2>/dev/null

# with TOOL NAME FUNCTION: the check, if the tool is there.
with() {
	if command -v "$1" >/dev/null; then
		check "$2" "$3"
	else
		skip "$2" "$1 is not installed"
	fi
}

trace_cmd() {
	trace-cmd record -q -e vmlab -o "$work/trace.dat" ./exercise >/dev/null 2>&1 || return
	trace-cmd report -i "$work/trace.dat" >"$work/report" 2>/dev/null
	grep -q 'vmlab_fault:.*first_touch' "$work/report" &&
		grep -q 'vmlab_writeback:.*error=0' "$work/report" &&
		grep -q 'vmlab_mapping:' "$work/report" || { tail -n 20 "$work/report"; return 1; }
}

perf_stat() {
	perf stat -x, -e 'vmlab:*' ./exercise 2>"$work/stat" || { cat "$work/stat"; return 1; }
	awk -F, '/vmlab:vmlab_fault/ && $1 > 10 { found = 1 } END { exit !found }' "$work/stat" ||
		{ cat "$work/stat"; return 1; }
}

perf_record() {
	perf record -q -e vmlab:vmlab_fault -o "$work/perf.data" ./exercise >/dev/null 2>&1 || return
	perf script -i "$work/perf.data" >"$work/script" 2>/dev/null
	grep -q 'vmlab:vmlab_fault: region=[0-9]* address=.*first_touch' "$work/script" ||
		{ tail -n 20 "$work/script"; return 1; }
}

bpf_trace() {
	bpftrace -e 'tracepoint:vmlab:vmlab_fault { @faults = count(); @pages = sum(args->nr); }' \
		-c ./exercise >"$work/bpftrace" 2>&1
	awk '/@faults/ && $2 > 10 { faults = 1 } /@pages/ && $2 > 60 { pages = 1 } END { exit !(faults && pages) }' \
		"$work/bpftrace" || { cat "$work/bpftrace"; return 1; }
}

plan 4
with trace-cmd "trace-cmd records and reports" trace_cmd
with perf "perf counts" perf_stat
with perf "perf records and prints" perf_record
if [ -e "/lib/modules/$(uname -r)/build" ]; then
	with bpftrace "bpftrace counts and reads fields" bpf_trace
else
	skip "bpftrace counts and reads fields" "no headers of this kernel, which bpftrace wants"
fi
finish
