# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# For the programs whose heap is in a region ("vmlab run"): how much memory they use is measured
# first, and then they have a quarter of that.

set -eu
top=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
vmlab=$top/tools/vmlab/vmlab

# figure NAME: what --stat said of it, in bytes if it is a size.
figure() {
	sed -n "s/^ *$1  *//p" stat | head -n 1 | awk '{
		scale["KiB"] = 1024; scale["MiB"] = 1024 ^ 2; scale["GiB"] = 1024 ^ 3
		printf "%d\n", $1 * ($2 in scale ? scale[$2] : 1)
	}'
}

# A budget of a quarter of $1 bytes.
quarter() {
	budget=$(($1 / 4 / 4096 * 4096))
	echo "of $1 bytes a budget of $budget" >&2
}

# measure COMMAND...: a budget of a quarter of what it has touched; jemalloc gives nothing back.
measure() {
	MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1 "$vmlab" run --stat -- "$@" 2>stat
	quarter "$(figure resident)"
}

# within COMMAND...: runs it in the budget.
within() {
	local status=0
	"$vmlab" run --budget "$budget" --policy s3fifo --stat -- "$@" 2>stat || status=$?
	cat stat >&2
	return $status
}

# It cannot have done without eviction.
evicted() {
	[ "$(figure evicted)" -gt $((budget / 4096)) ] && [ "$(figure 'store errors')" = 0 ]
}

# The machine has no more than 512 MiB.
is_small() {
	[ "$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)" -le 524288 ]
}
