#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What selftests/vm/run cannot make sense of: one sentence, and status 125, before anything is installed or booted. And
# what selftests/vm/check makes of a run that ended in some way, here instead of in a VM.

# shellcheck disable=SC2317 # functions are called through "check"
cd "$(dirname "$0")" || exit
. ./lib.sh

# refuses PATTERN ARGUMENT...
refuses() {
	local pattern=$1 status=0 said
	shift
	said=$(vm/run "$@" 2>&1 </dev/null) || status=$?
	[ "$status" = 125 ] && [[ $said =~ ^"vmlab: "$pattern ]] && [[ $said != *$'\n'* ]] && return
	echo "status $status: $said"
	return 1
}

# Every option of the usage that has a word in capitals behind it.
missing_values() {
	local option options
	mapfile -t options < <(vm/run --help | sed -n 's/^  \(--[a-z-]*\) [A-Z].*/\1/p')
	[ ${#options[@]} -gt 5 ] || return
	for option in "${options[@]}"; do
		refuses "$option needs a value" "$option" || return
	done
}

not_numbers() {
	local option value
	for option in --smp --mem --timeout; do
		refuses "$option takes a positive number, not \"abc\"" "$option" abc -- true || return
	done
	for value in 0 -1 1.5 2x '' 010 9999999999; do
		refuses "$option takes a positive number, not \"$value\"" "$option" "$value" -- true || return
	done
}

usage_is_told() {
	local status=0
	vm/run "$@" 2>&1 </dev/null | grep -q '^usage: ' || return
	vm/run "$@" >/dev/null 2>&1 </dev/null || status=$?
	[ "$status" = 125 ]
}

must_run=()
# What "vm/check" says of a run that has the output PRINTF and ends by COMMAND. Its status, too.
checked() {
	local format=$1
	shift
	# shellcheck disable=SC2016 # for the inner shell
	vm/check "${must_run[@]}" --here -- sh -c 'printf "$1"; shift; "$@"; exit' - "$format" "$@" 2>&1
}

# is_said PATTERN STATUS PRINTF COMMAND...: that is in the last lines of what is said, and the status.
is_said() {
	local pattern=$1 expected=$2 status=0 said
	shift 2
	said=$(checked "$@") || status=$?
	[ "$status" = "$expected" ] && [[ $said =~ $pattern ]] && return
	echo "status $status: $said"
	return 1
}

passed='# selftests: folder: zero\n# ok 1 one\nok 1 selftests: folder: zero\n'
ended() { is_said "$1" "$2" "$3" sh -c "exit $4"; }

success_is_told() {
	ended $'\n\n1 passed, 0 failed, 0 skipped$' 0 "$passed" 0
}

failure_is_told() {
	ended $'\nfailed: zero one\n1 passed, 1 failed, 0 skipped$' 1 "$passed# not ok 2 one\n" 1
}

end_of_vm_is_told() {
	local status
	for status in 124 125 1; do
		ended $'\n'"failed: the VM, with status $status, last seen in zero "$'\n''1 passed, 1 failed' 1 \
			"$passed" "$status" || return
		ended $'\n# half a li\n'"failed: the VM, with status $status, last seen in zero "$'\n' 1 \
			"$passed# half a li" "$status" || return
	done
}

# Whoever would tell the status, the parent, is dead before.
lost_status_is_told() {
	# shellcheck disable=SC2016 # for the inner shell
	is_said 'failed: the VM, with status lost, last seen in zero' 1 "$passed" \
		sh -c 'kill -9 "$(sed -n s/^PPid:.//p /proc/$PPID/status)"'
}

results_are_counted() {
	local program='# selftests: folder: zero\n# 1..2\n# ok 1 one\n' end='ok 1 selftests: folder: zero\n'
	ended $'\nfailed: zero: 1 of 2 results\n1 passed, 1 failed' 1 "$program$end" 0 &&
		ended $'\n\n2 passed, 0 failed' 0 "$program# ok 2 two\n$end" 0 &&
		ended $'\nfailed: zero: 0 of 2 results\n0 passed, 1 failed' 1 "${program%# ok*}$end" 0
}

# What was skipped, alone or as a whole, is no success in a program that must run.
skips_are_told() {
	local output='# selftests: folder: fuzz.sh\n# ok 1 one\n# ok 2 two # SKIP no loop\nok 1 selftests: folder: fuzz.sh\n'
	output+='# selftests: folder: io\n# 1..0 # SKIP none here\nok 2 selftests: folder: io # SKIP\n'
	local allowed=$'\nskipped: fuzz.sh two: no loop\nskipped: io: .*none here\n1 passed, 0 failed, 2 skipped$'
	ended "$allowed" 0 "$output" 0 || return
	must_run=(--must-run "zero hold")
	ended "$allowed" 0 "$output" 0 || return
	must_run=(--must-run "zero fuzz io")
	ended $'\nfailed: fuzz.sh two: must not be skipped: no loop\nfailed: io: must not be skipped: .*none here\n1 passed, 2 failed, 0 skipped$' 1 "$output" 0
}

plan 14
check "an option without its value" missing_values
check "not a positive number" not_numbers
check "a folder that is not there" refuses '--share: /nonexistent/folder is no directory' --share /nonexistent/folder -- true
check "several processors, each instruction a nanosecond" refuses '--icount has one processor' --icount --smp 4 -- true
check "parameters for no module" refuses '--no-module has no use' --no-module --module-args max_pages=1 -- true
check "an unknown option" usage_is_told --nonsense
check "no command" usage_is_told --smp 1
check "tests passed" success_is_told
check "a test failed" failure_is_told
check "the VM's end is a failure, with half a line before it, too" end_of_vm_is_told
check "a status that is lost is a failure" lost_status_is_told
check "a program with fewer results than it announced" results_are_counted
check "what was skipped, and what must not be" skips_are_told
check "nothing was tested" ended $'\n0 passed, 0 failed, 0 skipped$' 1 'nothing\n' 0
finish
