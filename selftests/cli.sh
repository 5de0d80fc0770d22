#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The command vmlab: every subcommand, its JSON, and bad input: one sentence, and an exit status.

# shellcheck disable=SC2317,SC2154 # functions are called through "check"; coproc names its pid
cd "$(dirname "$0")" || exit
. ./lib.sh

vmlab=${VMLAB:-../tools/vmlab/vmlab}
[ -x "$vmlab" ] || vmlab=$(command -v vmlab) || skip_all "the command vmlab is not built"

work=$(mktemp -d /tmp/vmlab-cli.XXXXXX)
trap 'rm -rf "$work"' EXIT

exec 7<>/dev/vmlab
head -c 10000 /dev/zero | tr '\0' v >&7
id=$(sed -n 's/^vmlab-\(region\|id\):\t//p' /proc/self/fdinfo/7)

is_json() {
	"$@" >"$work/json" || return
	if command -v jq >/dev/null; then
		jq -e . "$work/json" >/dev/null
	else
		python3 -m json.tool "$work/json" >/dev/null
	fi
}

says() {
	local wanted=$1
	shift
	"$@" >"$work/out" || { cat "$work/out"; return 1; }
	grep -qE -- "$wanted" "$work/out" || { cat "$work/out"; return 1; }
}

# refuses STATUS PATTERN ARGUMENT...: exits so, prints nothing on stdout and one sentence (and, for a wrong command
# line, where help is) on stderr.
refuses() {
	local wanted=$1 pattern=$2 status=0
	shift 2
	"$vmlab" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	[ "$status" = "$wanted" ] && [ ! -s "$work/out" ] && head -n 1 "$work/err" | grep -qE "^vmlab.*($pattern)" &&
		[ "$(grep -cvE '^Try ' "$work/err")" = 1 ] && return
	echo "status $status"
	cat "$work/out" "$work/err"
	return 1
}

same_as_fdinfo() {
	local resident
	resident=$(awk '$1 == "vmlab-resident:" { print $2 * 4096 }' /proc/self/fdinfo/7)
	[ "$resident" -gt 0 ] && says "\"resident_bytes\": $resident\b" "$vmlab" stat --json --fd 7
}

map_of_a_process() {
	coproc toucher { exec python3 -c '
import mmap, os, sys
fd = os.open("/dev/vmlab", os.O_RDWR)
m = mmap.mmap(fd, 64 * 4096)
m[0] = 1
m[32 * 4096] = 1
print("ready", flush=True)
sys.stdin.read()'; }
	local pid=$toucher_PID ready status=0
	read -r ready <&"${toucher[0]}"
	[ "$ready" = ready ] && says '2 pages in memory.*2 mapped' "$vmlab" map "$pid" &&
		is_json "$vmlab" map --json "$pid" || status=1
	kill "$pid"
	return "$status"
}

stays_plain() {
	"$vmlab" map --fd 7 >"$work/out" && ! grep -q $'\033' "$work/out" &&
		"$vmlab" map --color=always --fd 7 >"$work/out" && grep -q $'\033' "$work/out"
}

demo_on_a_file() {
	head -c 50000 /dev/urandom >"$work/file"
	cp "$work/file" "$work/before"
	"$vmlab" demo "$work/file" >"$work/out" 2>&1 || { tail -n 20 "$work/out"; return 1; }
	cmp "$work/file" "$work/before"
}

demo_json() {
	is_json "$vmlab" demo --json "$work/file" || return
	! grep -q '"holds": false' "$work/json"
}

# A stranger sees no region of root's.
stranger_sees_nothing() {
	[ "$(id -u)" = 0 ] || return 0
	! setpriv --reuid 65534 --clear-groups "$vmlab" ls 2>&1 | grep -q "^ *$id "
}

no_command() {
	local status=0
	"$vmlab" >"$work/out" 2>"$work/err" || status=$?
	[ "$status" = 2 ] && [ ! -s "$work/out" ] && grep -q '^Usage: vmlab' "$work/err"
}

full_output() {
	! "$vmlab" ls >/dev/full 2>"$work/err"
}

plan 33
check "stat of the module" says '^regions +[1-9]' "$vmlab" stat
check "stat of the module, JSON" is_json "$vmlab" stat --json
check "stat of a region by id" says '^resident +12 KiB' "$vmlab" stat "$id"
check "stat of a region by descriptor" says '^resident +12 KiB' "$vmlab" stat --fd 7
check "stat of a region, JSON" is_json "$vmlab" stat --json "$id"
check "stat says what fdinfo says" same_as_fdinfo
check "ls finds the region" says "^ *$id +[a-z]+ +$$ +" "$vmlab" ls
check "ls, JSON" is_json "$vmlab" ls --json
check "map of a descriptor" says '3 pages in memory' "$vmlab" map --fd 7
check "map, JSON" is_json "$vmlab" map --json --fd 7
check "map of a process" map_of_a_process
check "colours only on demand" stays_plain
check "demo on a file" demo_on_a_file
check "demo, JSON, and all it claims holds" demo_json
check "help" says 'demo' "$vmlab" help
check "help on a command" says '--json' "$vmlab" help stat
check "version" says '[0-9]' "$vmlab" --version
check "strangers see nothing" stranger_sees_nothing
check "output that cannot be written is an error" full_output

check "no command" no_command
check "unknown command" refuses 2 'no command' nonsense
check "unknown option" refuses 2 'option' stat --nonsense
check "stat: not a number" refuses 2 'id of a region' stat x
check "stat: too much" refuses 2 'too' stat 1 2
check "stat: no such region" refuses 1 'no region' stat 99999999
check "stat: number out of range" refuses 2 'id of a region' stat 99999999999999999999999
check "stat: descriptor of something else" refuses 1 'not a region' stat --fd 0
check "map: nothing named" refuses 2 'give' map
check "map: no such process" refuses 1 'no process' map 99999999
check "map: process without regions" refuses 1 'no region' map 1
check "map: descriptor that is not open" refuses 1 'not open' map --fd 99
check "demo: no such file" refuses 1 'cannot be opened' demo /nonexistent
check "demo: directory" refuses 1 'regular file' demo /tmp
finish
