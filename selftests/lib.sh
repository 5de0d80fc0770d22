# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# For the tests that are scripts: each calls "plan N", then ok, check and skip N times, then finish.

number=0 failures=0 planned=0

plan() {
	planned=$1
	echo "TAP version 13"
	echo "1..$1"
}

# report STATUS NAME: one result.
report() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number $2"
	else
		echo "not ok $number $2"
		failures=$((failures + 1))
	fi
}

# check NAME COMMAND...: passes if the command does; shows its output if not.
check() {
	local name=$1 output status=0
	shift
	output=$("$@" 2>&1) || status=$?
	[ "$status" = 0 ] || printf '%s (status %s)\n' "$output" "$status" | sed 's/^/# /'
	report "$status" "$name"
}

# has_line PATTERN FILE: one of its lines matches the extended regular expression. Starts no process: on a kernel that
# checks itself each costs a tenth of a second.
has_line() {
	local line
	while IFS= read -r line || [ "$line" ]; do
		[[ $line =~ $1 ]] && return
	done <"$2"
	return 1
}

skip() {
	number=$((number + 1))
	echo "ok $number $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 4
}

# KASAN or KCSAN is in it, and so everything takes its time.
kernel_checks_itself() {
	grep -qE ' (kasan_report|__tsan_read1)$' /proc/kallsyms
}

# A check that was left out on the way is no success.
finish() {
	[ "$number" = "$planned" ] || {
		echo "# $number of $planned results"
		exit 1
	}
	[ "$failures" = 0 ]
	exit
}
