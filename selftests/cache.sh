#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The cache of kernels: what is made is whole, made once, and goes when two newer ones of its kind are there.

# shellcheck disable=SC2317,SC2034 # functions are called through "check"; vm/cache.sh uses "cache" and "sudo"
cd "$(dirname "$0")" || exit
. ./lib.sh
. vm/cache.sh

cache=$(mktemp -d /tmp/vmlab-cache-test.XXXXXX)
trap 'rm -rf "$cache"' EXIT
sudo=()
say() { :; }

a=6.1-00000000000a b=6.1-00000000000b c=6.1-00000000000c d=6.1-00000000000d e=6.1-00000000000e other=6.12-00000000000a

# Takes a moment, and writes down that it was called.
make_it() {
	echo "$2" >>"$cache/calls"
	sleep 0.1
	echo "${3:-}" >"$1/content"
}

# One that fails, in a script that ends then (which "set -e" does not do below "check").
fails_to_make() {
	cache=$cache bash -ec '
		. vm/cache.sh
		say() { :; }
		cannot() { touch "$1/half" && false; }
		once "$1" what cannot' - "$1"
}

# Are these, and no others, there, each whole and with its lock?
there() {
	diff <(printf '%s\n' "$@" | sort) <(cd "$cache" && printf '%s\n' */ | tr -d / | sort) &&
		diff <(printf '%s.lock\n' "$@" | sort) <(cd "$cache" && printf '%s\n' *.lock | sort)
}

# Used so many days ago.
used() { touch -d "$2 days ago" "$cache/$1.lock"; }

is_made() { once "$a" what make_it works && [ "$(<"$cache/$a/content")" = works ] && there "$a"; }

is_kept() { once "$a" what make_it again && [ "$(<"$cache/$a/content")" = works ]; }

failure_leaves_nothing() {
	! fails_to_make "$b" && [ ! -e "$cache/$b" ] && [ -e "$cache/$b.new/half" ] && once "$b" what make_it works &&
		[ ! -e "$cache/$b/half" ] && there "$a" "$b"
}

is_made_once() {
	rm "$cache/calls"
	once "$other" what make_it & once "$other" what make_it
	wait $! && [ "$(wc -l <"$cache/calls")" = 1 ] && there "$a" "$b" "$other"
}

older_goes() {
	used "$a" 2
	used "$b" 3
	once "$c" what make_it && there "$a" "$c" "$other"
}

used_one_stays() {
	local status=0
	used "$a" 2
	used "$c" 1
	exec 7<"$cache/$a.lock" && flock -s 7
	once "$d" what make_it 7<&- && there "$a" "$c" "$d" "$other" || status=1
	exec 7<&-
	return "$status"
}

goes_later() {
	used "$c" 2
	used "$d" 1
	touch "$cache/6.1-00000000000f.lock"	# of one that was never made
	once "$e" what make_it && there "$d" "$e" "$other"
}

plan 7
check "is made whole" is_made
check "is not made again" is_kept
check "a failure leaves nothing behind" failure_leaves_nothing
check "two who ask at once have it made once" is_made_once
check "the older of two goes when a third comes" older_goes
check "what is in use stays" used_one_stays
check "and goes when it is not any more" goes_later
finish
