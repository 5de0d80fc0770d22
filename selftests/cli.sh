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
export work
head -c 50000 /dev/urandom >"$work/backing"
cp "$work/backing" "$work/copy"

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

# number KEY: of the JSON that is_json() saw last.
number() { sed -n "s/.*\"$1\": \([0-9]*\),*$/\1/p" "$work/json" | head -n 1; }

says() {
	local wanted=$1
	shift
	"$@" >"$work/out" || { cat "$work/out"; return 1; }
	has_line "$wanted" "$work/out" || { cat "$work/out"; return 1; }
}

# refuses STATUS PATTERN ARGUMENT...: exits so, prints nothing on stdout and one sentence (and, for a wrong command
# line, where help is) on stderr.
refuses() {
	local wanted=$1 pattern=$2 status=0 sentence hint rest
	shift 2
	"$vmlab" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	{
		read -r sentence
		read -r hint
		read -r rest
	} <"$work/err"
	[ "$status" = "$wanted" ] && [ ! -s "$work/out" ] && [[ $sentence =~ ^vmlab.*($pattern) ]] &&
		[[ ! $hint || $hint == "Try "* ]] && [ ! "$rest" ] && return
	echo "status $status"
	cat "$work/out" "$work/err"
	return 1
}

same_as_fdinfo() {
	local resident
	resident=$(awk '$1 == "vmlab-resident:" { print $2 * 4096 }' /proc/self/fdinfo/7)
	[ "$resident" -gt 0 ] && says "\"resident_bytes\": $resident\b" "$vmlab" stat --json --fd 7
}

# with_process WHAT COMMAND...: runs COMMAND while a process has WHAT (hold.c). $pid is the process, $line what it printed.
with_process() {
	local what=$1 status=0
	shift
	coproc process { exec ./hold "$what" "$work/backing"; }
	pid=$process_PID line=
	read -r line <&"${process[0]}"
	[ "$line" ] && "$@" || status=1
	kill "$pid"
	wait "$pid" 2>/dev/null
	return "$status"
}

map_of_a_process() {
	says '2 pages in memory.*2 mapped' "$vmlab" map "$pid" && is_json "$vmlab" map --json "$pid"
}

# What is written to the clone is not the region's, and the picture tells them apart.
clone_of_a_descriptor() {
	says '^vvv$' "$vmlab" clone --fd 7 -- head -c 3 /dev/fd/{} &&
		says '^xvv$' "$vmlab" clone --fd 7 -- sh -c 'printf x >&{}; head -c 3 /dev/fd/{}' &&
		says '^vvv$' "$vmlab" clone --fd 7 -- head -c 3 /dev/fd/{}
}

# Where the kernel does not let the module write-protect pages, a clone unmaps them.
clone_of_a_process() {
	local mapped=2
	case $(uname -r) in 7.*) mapped=0 ;; esac
	says '^A$' "$vmlab" clone "$pid" -- head -c 1 /dev/fd/{} &&
		says "2 pages in memory .* $mapped mapped, 0 dirty, 2 shared" "$vmlab" clone "$pid" -- "$vmlab" map --fd {}
}

map_shows_shared() {
	says '3 pages in memory .* 3 shared' "$vmlab" clone --fd 7 -- "$vmlab" map --fd 7 &&
		says '3 pages in memory .* 0 shared' "$vmlab" map --fd 7 &&
		says '"shared": true' "$vmlab" clone --fd 7 -- "$vmlab" map --json --fd {}
}

stat_shows_copies() {
	# shellcheck disable=SC2016 # the words are for that shell
	says '^copied +1 ' "$vmlab" clone --fd 7 -- sh -c 'printf x >&{}; exec "$0" stat --fd {}' "$vmlab"
}

# The file is as long as the region, and has two pages of it.
snapshot_of_a_process() {
	rm -f "$work/snapshot"
	says '^pages +2 ' "$vmlab" snapshot "$pid" -o "$work/snapshot" &&
		[ "$(stat -c '%s %b %a' "$work/snapshot")" = '262144 16 600' ] &&
		[ "$(tr -d '\0' <"$work/snapshot")" = AB ]
}

snapshot_of_a_descriptor() {
	rm -f "$work/snapshot"
	is_json "$vmlab" snapshot --json --fd 7 -o "$work/snapshot" && [ "$(stat -c %s "$work/snapshot")" = 12288 ] &&
		[ "$(tr -d '\0' <"$work/snapshot")" = "$(head -c 10000 /dev/zero | tr '\0' v)" ]
}

# What the program wrote is in it, and what it never touched comes from the file.
snapshot_of_a_file() {
	rm -f "$work/snapshot"
	says '^pages +13 ' "$vmlab" snapshot "$pid" -o "$work/snapshot" &&
		printf c | dd of="$work/copy" bs=1 seek=20000 conv=notrunc status=none && cmp "$work/copy" "$work/snapshot"
}

# What a file had and nobody read in time cannot be saved: an error, and no file.
snapshot_of_a_file_cut_short() {
	local status=0
	rm -f "$work/snapshot"
	# shellcheck disable=SC2016 # the words are for that shell
	"$vmlab" clone "$pid" -- sh -c 'truncate -s 0 "$work/backing"; exec "$0" snapshot --fd {} -o "$work/snapshot"' \
		"$vmlab" 2>"$work/err" || status=$?
	[ "$status" = 1 ] && has_line 'has become shorter' "$work/err" && [ ! -e "$work/snapshot" ]
}

# It writes a number to its first page and then to its last one: at any moment they differ by one at most.
one_moment() {
	local first last
	for _ in 1 2 3 4 5; do
		rm -f "$work/snapshot"
		"$vmlab" snapshot "$pid" -o "$work/snapshot" >"$work/out" || return
		first=$(od -An -tu8 -N8 "$work/snapshot") last=$(od -An -tu8 -j258048 -N8 "$work/snapshot")
		((first == last || first == last + 1)) || { echo "$first $last"; return 1; }
	done
}

# A child has a copy of its own under the name of its parent's region, which must not be shown for it.
child_of_a_fork() {
	says '1 page in memory' "$vmlab" map "$pid" && says ' cow-fork$' "$vmlab" ls &&
		says '^A$' "$vmlab" clone "$pid" -- head -c 1 /dev/fd/{} &&
		refuses 1 'copied at forks' map "$line" && refuses 1 'copied at forks' snapshot "$line" -o "$work/child" &&
		[ ! -e "$work/child" ]
}

one_of_several() {
	local first
	refuses 1 'several regions' snapshot "$pid" -o "$work/several" || return
	first=$(sed -n 's/.*vmlab:\([0-9]*\) (deleted)$/\1/p' "/proc/$pid/maps" | head -n 1)
	says "\"id\": $first\b" "$vmlab" clone "$pid" "$first" -- sh -c "'$vmlab' stat --json $first" &&
		refuses 1 'does not have region' snapshot "$pid" 99999999 -o "$work/several"
}

status_of_the_command() {
	local status=0
	"$vmlab" clone --fd 7 -- sh -c 'exit 42' || status=$?
	[ "$status" = 42 ]
}

stays_plain() {
	"$vmlab" map --fd 7 >"$work/out" && ! has_line $'\033' "$work/out" &&
		"$vmlab" map --color=always --fd 7 >"$work/out" && has_line $'\033' "$work/out"
}

# 32 pages with a budget of 16: what is no longer in memory is stored, and comes back as it was.
pool_of_a_descriptor() {
	local resident
	says '^budget +none$' "$vmlab" pool --fd 8 && "$vmlab" pool --budget 64K --policy sieve --codec zstd --fd 8 &&
		head -c 131072 /dev/zero | tr '\0' w >&8 &&
		says '^budget +64 KiB$' "$vmlab" pool --fd 8 && has_line '^policy +sieve$' "$work/out" &&
		has_line '^codec +zstd$' "$work/out" && has_line '^evicted +[1-9]' "$work/out" &&
		says '"budget_bytes": 65536,' "$vmlab" pool --json --fd 8 &&
		resident=$(sed -n 's/.*"resident_bytes": \([0-9]*\),/\1/p' "$work/out") &&
		[ "$resident" -le 65536 ] && has_line "\"stored_bytes\": $((131072 - resident))," "$work/out" &&
		has_line '"reason": null' "$work/out"
}

map_shows_stored() {
	says '; (1[6-9]|2[0-9]|3[01]) stored$' "$vmlab" map --fd 8 && says ' O?o?O+' env LC_ALL=C "$vmlab" map --fd 8 &&
		is_json "$vmlab" map --json --fd 8 && has_line '"stored": true' "$work/json"
}

# Of the 128 KiB at most half is in memory; who makes room makes more than he needs.
stat_and_ls_show_stored() {
	local resident stored
	is_json "$vmlab" stat --json --fd 8 && resident=$(number resident_bytes) && stored=$(number stored_bytes) &&
		[ "$resident" -le 65536 ] && [ $((resident + stored)) = 131072 ] &&
		says "^stored +$((stored / 1024)) KiB" "$vmlab" stat --fd 8 && says "^stored +$((stored / 1024)) KiB" "$vmlab" stat &&
		says " $((resident / 1024)) KiB +$((stored / 1024)) KiB +0 B " "$vmlab" ls
}

# Without a budget all is brought in again by who reads it.
pool_without_a_budget() {
	"$vmlab" pool --budget none --fd 8 && says '^budget +none$' "$vmlab" pool --fd 8 &&
		[ "$("$vmlab" clone --fd 8 -- head -c 131072 /dev/fd/{} | cksum)" = \
			"$(head -c 131072 /dev/zero | tr '\0' w | cksum)" ] &&
		says '^stored +0 B$' "$vmlab" pool --fd 8
}

# What the store may not take stays, and who writes more is told.
pool_with_a_full_store() {
	exec 8<>/dev/vmlab
	"$vmlab" pool --budget 64K --store-limit 64K --fd 8 || return
	! head -c 1000000 /dev/urandom >&8 2>"$work/err" && has_line 'No space left' "$work/err" || return
	says '^store errors +[1-9]' "$vmlab" pool --fd 8 && has_line '^the store is at its limit' "$work/out" &&
		says '"reason": "the store is at' "$vmlab" pool --json --fd 8
}

# A file that is the store: made where the limit says how long it may become.
pool_in_a_file() {
	exec 8<>/dev/vmlab
	"$vmlab" pool --budget 64K --store "file:$work/store" --store-limit 256K --fd 8 || return
	head -c 200000 /dev/urandom >"$work/data" && cat "$work/data" >&8 && says '^store +file$' "$vmlab" pool --fd 8 &&
		has_line '^  take +1[0-9][0-9] KiB  of the file, 1.0 to 1, at most 256 KiB$' "$work/out" &&
		[ "$(stat -c %s "$work/store")" -gt 100000 ] && says '"store": "file",' "$vmlab" pool --json --fd 8 &&
		"$vmlab" clone --fd 8 -- head -c 200000 /dev/fd/{} | cmp - "$work/data" || return
	! head -c 1000000 /dev/urandom >&8 2>"$work/err" && says 'store is at its limit' "$vmlab" pool --fd 8
}

# Memory in front of it, which is told beside the file.
pool_in_two_tiers() {
	exec 8<>/dev/vmlab
	! "$vmlab" pool --front 64K --fd 8 2>"$work/err" && has_line 'can have a front' "$work/err" || return
	"$vmlab" pool --budget 64K --store "file:$work/tiers" --store-limit 8M --front 128K --codec zstd --fd 8 &&
		head -c 4194304 /dev/zero | tr '\0' w >&8 && head -c 400000 "$work/data" >&8 &&
		says '^  front +[1-9].* of memory in front of the file, at most 128 KiB$' "$vmlab" pool --fd 8 &&
		has_line '^  moved +[1-9]' "$work/out" && has_line '^codec +zstd$' "$work/out" &&
		is_json "$vmlab" pool --json --fd 8 && [ "$(number front_limit_bytes)" = 131072 ] &&
		[ "$(number moved_pages)" -gt 0 ] && "$vmlab" pool --front 1M --fd 8
}

# 4 MiB with a budget of 64 KiB: most of it leaves, and comes back when there is none any more.
pool_with_histograms() {
	exec 8<>/dev/vmlab
	"$vmlab" pool --latency=on --fd 8 && head -c 65536 /dev/zero | tr '\0' w >&8 &&
		says '^store +none$' "$vmlab" pool --histograms --fd 8 && ! has_line 'evicted before' "$work/out" &&
		"$vmlab" pool --budget 64K --fd 8 && head -c 4194304 /dev/zero | tr '\0' w >&8 &&
		"$vmlab" pool --budget none --fd 8 && "$vmlab" clone --fd 8 -- head -c 4194304 /dev/fd/{} >/dev/null || return
	says '^evicted before it came back: [1-9][0-9]* pages, ' "$vmlab" pool --histograms --fd 8 &&
		has_line '^  from +[0-9]+ +[1-9][0-9]*  #+$' "$work/out" && ! has_line 'not measured' "$work/out" &&
		has_line '^working set +[1-9]' "$work/out" && is_json "$vmlab" pool --histograms --json --fd 8 &&
		has_line '"latency": true' "$work/json" && has_line '"distance":' "$work/json" &&
		[ "$(number swapped_in_pages)" -gt 0 ] && [ "$(number working_set_bytes)" -gt 65536 ] &&
		grep -A1 '"distance":' "$work/json" | has_line "\"count\": $(number swapped_in_pages)," /dev/stdin &&
		"$vmlab" pool --latency=off --fd 8 && says '^Latencies are not measured' "$vmlab" pool --histograms --fd 8
}

# What the store has came to so much less than a page each.
pool_tells_compression() {
	local copies bytes
	is_json "$vmlab" pool --json --fd 8 && copies=$(number copies_pages) bytes=$(number copied_bytes) &&
		[ "$copies" -gt 0 ] && [ "$bytes" -ge 0 ] && [ "$bytes" -lt $((copies * 4096)) ]
}

pool_of_a_process() {
	says '^budget +none$' "$vmlab" pool "$pid" && "$vmlab" pool --budget 1M --policy clock "$pid" &&
		says '^budget +1 MiB$' "$vmlab" pool "$pid" && says '^policy +clock$' "$vmlab" pool "$pid" &&
		is_json "$vmlab" pool --json "$pid"
}

demo_on_a_file() {
	head -c 50000 /dev/urandom >"$work/file"
	cp "$work/file" "$work/before"
	"$vmlab" demo "$work/file" >"$work/out" 2>&1 || { tail -n 20 "$work/out"; return 1; }
	cmp "$work/file" "$work/before"
}

demo_json() {
	is_json "$vmlab" demo --json "$1" || return
	has_line '"holds": true' "$work/json" && ! has_line '"holds": false' "$work/json"
}

# A stranger sees no region of root's.
stranger_sees_nothing() {
	[ "$(id -u)" = 0 ] || return 0
	! setpriv --reuid 65534 --clear-groups "$vmlab" ls 2>&1 | grep -q "^ *$id "
}

# Not even the title is told to whom the story cannot be.
stranger_gets_no_story() {
	local status=0
	setpriv --reuid 65534 --regid 65534 --clear-groups "$vmlab" demo "$1" >"$work/out" 2>"$work/err" || status=$?
	[ "$status" = 1 ] && [ ! -s "$work/out" ] && has_line 'may not use /dev/vmlab' "$work/err"
}

no_command() {
	local status=0
	"$vmlab" >"$work/out" 2>"$work/err" || status=$?
	[ "$status" = 2 ] && [ ! -s "$work/out" ] && has_line '^Usage: vmlab' "$work/err"
}

full_output() {
	! "$vmlab" ls >/dev/full 2>"$work/err"
}

plan 86
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
check "map of a process" with_process two-pages map_of_a_process
check "map shows what is shared" map_shows_shared
check "stat shows what was copied" stat_shows_copies
check "clone of a descriptor's region" clone_of_a_descriptor
check "clone of a process's region" with_process two-pages clone_of_a_process
check "clone exits as the command does" status_of_the_command
check "snapshot of a descriptor's region" snapshot_of_a_descriptor
check "snapshot of a process's region" with_process two-pages snapshot_of_a_process
check "snapshot of a region with a file" with_process changed-file snapshot_of_a_file
check "a file that was cut short gives no snapshot" with_process changed-file snapshot_of_a_file_cut_short
check "a snapshot is of one moment" with_process counting one_moment
exec 8<>/dev/vmlab
check "pool of a descriptor's region" pool_of_a_descriptor
check "map shows what is stored" map_shows_stored
check "stat and ls show what is stored" stat_and_ls_show_stored
check "a pool that has no budget any more" pool_without_a_budget
check "a pool with a full store" pool_with_a_full_store
check "a pool in a file" pool_in_a_file
check "a pool in memory and a file" pool_in_two_tiers
check "a pool and its histograms" pool_with_histograms
check "a pool tells how well pages are compressed" pool_tells_compression
check "pool of a process's region" with_process two-pages pool_of_a_process
exec 8>&-
check "one of several regions" with_process two-regions one_of_several
check "children of forks are not mistaken for their parents" with_process forked child_of_a_fork
check "colours only on demand" stays_plain
check "demo on a file" demo_on_a_file
check "demo, JSON, and all it claims holds" demo_json "$work/file"
check "demo cow holds" demo_json cow
check "demo share holds" demo_json share
check "demo swap holds" demo_json swap
check "help" says 'demo' "$vmlab" help
check "help on a command" says '--json' "$vmlab" help stat
check "version" says '[0-9]' "$vmlab" --version
check "strangers see nothing" stranger_sees_nothing
if [ "$(id -u)" = 0 ]; then
	check "strangers get no story" stranger_gets_no_story cow
else
	skip "strangers get no story" "only root can become one"
fi
check "output that cannot be written is an error" full_output

exec 6</dev/vmlab 9<>/dev/vmlab
: >"$work/empty"
"$vmlab" pool --policy fifo --fd 9
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
check "clone: no command" refuses 2 'what to run' clone --fd 7
check "clone: no region" refuses 2 'give' clone -- true
check "clone: a command that is not there" refuses 1 'cannot be run' clone --fd 7 -- /nonexistent
check "clone: descriptor of something else" refuses 1 'not a region' clone --fd 0 -- true
check "snapshot: no file" refuses 2 'which file' snapshot --fd 7
check "snapshot: a file that exists" refuses 1 'exists' snapshot --fd 7 -o "$work/file"
check "snapshot: process without regions" refuses 1 'no region' snapshot 1 -o "$work/new"
check "snapshot: too much" refuses 2 'one region' snapshot 1 2 3 -o "$work/new"
check "pool: nothing named" refuses 2 'give' pool
check "pool: too much" refuses 2 'one region' pool 1 2 3
check "pool: not a size" refuses 2 'takes a size' pool --budget 12x --fd 7
check "pool: no budget at all" refuses 2 'takes a size' pool --budget 0 --fd 7
check "pool: a budget that is too small" refuses 1 'from 64 KiB' pool --budget 60K --fd 7
check "pool: a budget that is no whole pages" refuses 1 'multiple of the page size' pool --budget 65537 --fd 7
check "pool: a budget beyond memory" refuses 1 "machine's memory" pool --budget 1000T --fd 7
check "pool: no such policy" refuses 1 'no such policy' pool --policy optimal --fd 7
check "pool: no such codec" refuses 1 'no such policy or codec' pool --codec zip --fd 7
check "pool: no such store" refuses 2 'takes zs or file:PATH' pool --store zram --fd 7
check "pool: no file for the store" refuses 1 'no file .*--store-limit' pool --store file:/nonexistent --fd 7
check "pool: a folder for the store" refuses 1 'cannot be the store' pool --store file:/tmp --fd 7
check "pool: an empty file for the store" refuses 1 'not empty or has a limit' pool --store "file:$work/empty" --fd 7
check "pool: another store, too late" refuses 1 'any more' pool --store "file:$work/file" --fd 9
check "pool: a name that is too long" refuses 2 'takes a name' pool --policy least-recently-used --fd 7
check "pool: a codec too late" refuses 1 'any more' pool --codec zstd --fd 9
check "pool: neither on nor off" refuses 2 'takes on or off' pool --latency=yes --fd 7
check "pool: histograms of what is set" refuses 2 'shows nothing' pool --histograms --latency=on --fd 7
check "pool: descriptor that may not write" refuses 1 'not open for writing' pool --budget 1M --fd 6
check "demo: no such file" refuses 1 'cannot be opened' demo /nonexistent
check "demo: directory" refuses 1 'regular file' demo /tmp
finish
