#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What selftests/vm/run cannot make sense of: one sentence, and status 125, before anything is installed or booted.

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

plan 5
check "an option without its value" missing_values
check "not a positive number" not_numbers
check "a folder that is not there" refuses '--share: /nonexistent/folder is no directory' --share /nonexistent/folder -- true
check "an unknown option" usage_is_told --nonsense
check "no command" usage_is_told --smp 1
finish
