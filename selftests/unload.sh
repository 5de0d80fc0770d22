#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module stays while it is used, goes when it is not, leaves nothing behind, and comes back. VMLAB_KO names the
# module's file if it is not where "make module" puts it.

# shellcheck disable=SC2317,SC2154 # functions are called through "check"; coproc names its pid
cd "$(dirname "$0")" || exit
. ./lib.sh

[ "$(id -u)" = 0 ] || skip_all "not root"
lsmod | grep -q '^vmlab ' || skip_all "the module is not loaded"

ko=${VMLAB_KO:-../build/$(uname -r)/vmlab.ko}
[ -e "$ko" ] || ko=$(modinfo -n vmlab 2>/dev/null) || skip_all "no vmlab.ko to load again: set VMLAB_KO"
declare -A parameters
for file in /sys/module/vmlab/parameters/*; do
	parameters[${file##*/}]=$(<"$file")
done

busy() {
	local output
	! output=$(rmmod vmlab 2>&1) && [ -e /dev/vmlab ] && grep -qi 'in use\|busy\|temporarily' <<<"$output"
}

# Held by its descriptor alone, and by a mapping alone, in a process that waits for its input to end.
held() {
	coproc holder { exec ./hold "$1"; }
	local pid=$holder_PID input=${holder[1]} ready status=0
	read -r ready <&"${holder[0]}"
	[ "$ready" = ready ] || return
	busy || status=1
	exec {input}>&-
	wait "$pid" || status=1
	return "$status"
}

mounted() {
	local dir status=0
	dir=$(mktemp -d) && mount -t vmlab none "$dir" || return
	busy || status=1
	umount "$dir" && rmdir "$dir" || status=1
	return "$status"
}

unload() {
	for _ in {1..100}; do
		rmmod vmlab 2>/dev/null && return
		sleep 0.1
	done
	rmmod vmlab
}

nothing_left() {
	[ ! -e /dev/vmlab ] && [ ! -d /sys/module/vmlab ] && [ ! -d /sys/kernel/tracing/events/vmlab ] &&
		! grep -w vmlab /proc/modules /proc/misc /proc/devices /proc/filesystems &&
		! grep '^vmlab' /proc/slabinfo && ! grep -F '[vmlab]' /proc/kallsyms &&
		! grep -F '[vmlab]' /proc/vmallocinfo
}

load() {
	local name arguments=()
	for name in "${!parameters[@]}"; do
		arguments+=("$name=${parameters[$name]}")
	done
	insmod "$ko" "${arguments[@]}" || return
	for name in "${!parameters[@]}"; do
		[ "$(<"/sys/module/vmlab/parameters/$name")" = "${parameters[$name]}" ] || return
	done
	udevadm settle 2>/dev/null
	[ -c /dev/vmlab ]
}

works() {
	local resident
	exec 7<>/dev/vmlab && echo hello >&7 || return
	resident=$(awk '/^vmlab-resident:/ { print $2 }' /proc/self/fdinfo/7)
	exec 7>&-
	[ "$resident" = 1 ]
}

several_times() {
	for _ in {1..10}; do
		unload && load && works || return
	done
}

# Memory is reclaimed all the time, from pools among others.
under_pressure() {
	local reclaims status=0
	while :; do echo 2 >/proc/sys/vm/drop_caches; done &
	reclaims=$!
	for _ in {1..3}; do
		unload && load && gives_pages || status=1
	done
	kill "$reclaims" && wait "$reclaims"
	return "$status"
}

# A pool whose pages are in its store after a while.
gives_pages() {
	local status=1
	exec 7<>/dev/vmlab && head -c 1M /dev/urandom >&7 &&
		../tools/vmlab/vmlab pool --policy lru --fd 7 >/dev/null || return
	for _ in {1..100}; do
		if ../tools/vmlab/vmlab pool --bytes --fd 7 | grep -qE '^resident +0( |$)'; then
			status=0
			break
		fi
		sleep 0.1
	done
	exec 7>&-
	return "$status"
}

refuses_nonsense() {
	unload || return
	! insmod "$ko" max_pages=x 2>/dev/null && ! insmod "$ko" writeback_secs=-1 2>/dev/null &&
		nothing_left && load
}

complaints() {
	! dmesg | grep -E 'Objects remaining in vmlab|kmem_cache_destroy vmlab|vmlab.*leak'
}

plan 14
check "refused while a region is open" held descriptor
check "refused while only a mapping is left" held mapping
check "refused while only a private mapping is left" held private-mapping
check "refused while only a second descriptor is left" held region-descriptor
check "refused while a file system is mounted" mounted
check "unloads once released" unload
check "nothing is left" nothing_left
check "loads again with its parameters" load
check "works again" works
check "unloads and loads several times" several_times
check "the same while memory is reclaimed" under_pressure
check "nonsense as a parameter keeps it out" refuses_nonsense
check "works still" works
check "the kernel did not complain" complaints
finish
