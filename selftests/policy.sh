#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A policy in a module of its own (module/sample): pools have it, it stays loaded as long as one has, and is unknown
# afterwards. VMLAB_KO names vmlab's own module, beside which it is.

# shellcheck disable=SC2317 # functions are called through "check"
cd "$(dirname "$0")" || exit
. ./lib.sh

[ "$(id -u)" = 0 ] || skip_all "not root"
lsmod | grep -q '^vmlab ' || skip_all "the module is not loaded"
vmlab=../tools/vmlab/vmlab
ko=${VMLAB_KO:-../build/$(uname -r)/vmlab.ko}
sample=${ko%/*}/vmlab_gclock.ko
[ -e "$sample" ] || skip_all "no $sample"
work=$(mktemp -d)
trap 'umount "$work/mnt" 2>/dev/null; rmmod vmlab_gclock 2>/dev/null; rm -rf "$work"' EXIT

# has POLICY: the pool of descriptor 8; "none" as long as it needs no policy
has() { "$vmlab" pool --fd 8 | grep -qE "^policy +$1\$"; }

unknown() {
	! "$vmlab" pool --policy gclock --fd 8 2>"$work/err" && grep -q 'no such policy' "$work/err" && has none
}

taken() { ! insmod "$sample" name=lru 2>"$work/err" && grep -qi 'busy' "$work/err"; }

# not_a_name NAME...
not_a_name() {
	local name
	for name; do
		! insmod "$sample" name="$name" 2>"$work/err" && grep -q 'Invalid' "$work/err" || return
	done
}

loads() { insmod "$sample" && [ "$(cat /sys/module/vmlab_gclock/parameters/name)" = gclock ]; }

# Through a clone: /dev/fd/8 itself would be another region.
reads_back() { "$vmlab" clone --fd 8 -- head -c 262144 /dev/fd/{} | cmp - "$work/in"; }

# 64 pages that differ, through a pool of 16, twice.
serves() {
	"$vmlab" pool --budget 64K --policy gclock --fd 8 && has gclock || return
	head -c 262144 /dev/urandom >"$work/in" && cat "$work/in" >&8 &&
		"$vmlab" pool --fd 8 | grep -qE '^evicted +[1-9]' && reads_back && reads_back
}

stays() { ! rmmod vmlab_gclock 2>"$work/err" && grep -qi 'in use' "$work/err" && has gclock; }

changes() { "$vmlab" pool --policy arc --fd 8 && has arc && rmmod vmlab_gclock && reads_back; }

mounts() {
	insmod "$sample" && mkdir "$work/mnt" && mount -t vmlab -o budget=64K,policy=gclock none "$work/mnt" || return
	cp "$work/in" "$work/mnt/file" && cmp "$work/in" "$work/mnt/file" && ! rmmod vmlab_gclock 2>/dev/null &&
		findmnt -no OPTIONS "$work/mnt" | grep -q policy=gclock
}

# The pool goes when the last of its pages has, which may be a moment later.
goes() {
	umount "$work/mnt" || return
	for _ in {1..100}; do
		rmmod vmlab_gclock 2>/dev/null && return
		sleep 0.1
	done
	rmmod vmlab_gclock
}

refuses_mount() { ! mount -t vmlab -o policy=gclock none "$work/mnt" 2>/dev/null; }

exec 8<>/dev/vmlab
plan 10
check "a policy that nobody has registered" unknown
check "a name that is taken" taken
check "what is no name" not_a_name "" a-name-that-is-longer-than-any-other two,words UPPER
check "it is loaded" loads
check "a pool has it" serves
check "it stays while a pool has it" stays
check "another one takes over, and it goes" changes
check "a mount has it" mounts
check "it goes when the mount is gone" goes
check "then it is unknown to mounts" refuses_mount
finish
