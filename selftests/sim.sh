#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The victim policies and vmlab sim: miss counts of another simulator, every hook in any order, traces in each format, bad
# ones too. Needs no module.

# shellcheck disable=SC2317 # functions are called through "check"
cd "$(dirname "$0")" || exit
. ./lib.sh

tools=../tools/vmlab
vmlab=${VMLAB:-$tools/vmlab}
[ -x "$vmlab" ] || vmlab=$(command -v vmlab) || skip_all "the command vmlab is not built"
vmlab=$(readlink -f "$vmlab")

work=$(mktemp -d /tmp/vmlab-sim.XXXXXX)
trap 'rm -rf "$work"' EXIT

traces="zipf scanhot loop phases" frames="100 1000 3000"

# unpack TRACE: to $work/TRACE.txt. Python's lzma does where there is no xz.
unpack() {
	if command -v xz >/dev/null; then
		xz -dc "vectors/$1.txt.xz" >"$work/$1.txt"
	else
		python3 -c 'import lzma, sys; sys.stdout.buffer.write(lzma.open(sys.argv[1]).read())' \
			"vectors/$1.txt.xz" >"$work/$1.txt"
	fi
}

# The counts that are to be, and those that are, both as lines "FRAMES POLICY MISSES".
wanted_counts() {
	awk -F, -v trace="$1" -v frames=" $frames " '$1 == trace && index(frames, " " $4 " ") {
		sub(/^twoq$/, "2q", $5); sub(/^belady$/, "opt", $5); print $4, $5, $6 }' vectors/misses.csv | sort
}

counts() {
	"$vmlab" sim --policy fifo,lru,clock,sieve,arc,2q,lirs,s3fifo,opt --cache "${frames// /,}" --json "$work/$1.txt" |
		sed -n 's/.*"policy": "\(.*\)".*/\1/p; s/.*"\(frames\|misses\)": \([0-9]*\).*/\2/p' |
		while read -r policy && read -r size && read -r misses; do
			echo "$size $policy $misses"
		done | sort
}

counts_are_right() {
	wanted_counts "$1" >"$work/wanted"
	counts "$1" >"$work/counts"
	[ -s "$work/wanted" ] && diff "$work/wanted" "$work/counts"
}

references_are_right() {
	"$vmlab" sim -p fifo -j "$work/loop.txt" >"$work/out" && grep -q '"references": 137872' "$work/out" &&
		grep -q '"distinct": 4774' "$work/out"
}

misses() {
	"$vmlab" sim -j "$@" | sed -n 's/.*"misses": \([0-9]*\).*/\1/p'
}

# The same seed, the same misses; another one, others.
seeds() {
	local one other
	one=$(misses -p random -c 500 --seed 7 "$work/loop.txt") other=$(misses -p random -c 500 --seed 8 "$work/loop.txt")
	[ "$one" = "$(misses -p random -c 500 --seed 7 "$work/loop.txt")" ] && [ "$one" ] && [ "$one" != "$other" ]
}

opt_is_best() {
	local optimum count
	for size in 1 2 7 50% 100000; do
		optimum=$(misses -p opt -c "$size" "$work/small.txt")
		for count in $(misses -c "$size" "$work/small.txt"); do
			((count >= optimum)) || { echo "$count < $optimum with $size"; return 1; }
		done
	done
}

# With a frame for each page only first references miss.
all_fit() {
	[ "$(misses -c 100% -p fifo,lru,clock,2q,arc,sieve,random,opt "$work/small.txt" | sort -u)" = \
		"$(sort -u "$work/small.txt" | wc -l)" ]
}

by_the_paper() {
	local paper counted
	paper=$(misses -p lirs -c 1000 --lirs paper "$work/loop.txt")
	counted=$(misses -p lirs -c 1000 "$work/loop.txt")
	[ "$paper" = 103199 ] && [ "$counted" = 103208 ]
}

convert() {
	rm -f "$work/$3"
	"$vmlab" trace convert "--to=$1" "$work/$2" "$work/$3"
}

# Through all formats and back; what is told apart by its first bytes, compressed or not.
round_trip() {
	convert vmlab small.txt a.vmt && convert csv a.vmt a.csv && convert oracleGeneral a.csv a.oracle &&
		convert vmlab a.oracle b.vmt && convert text b.vmt a.txt && cmp "$work/small.txt" "$work/a.txt" &&
		[ "$(stat -c %s "$work/a.oracle")" = $((24 * $(wc -l <"$work/small.txt"))) ] || return
	for trace in a.vmt a.csv a.oracle a.txt; do
		[ "$(misses -p lru -c 100 "$work/$trace")" = "$(misses -p lru -c 100 "$work/small.txt")" ] || return
	done
}

kinds_and_times_stay() {
	printf 'page,colour,kind,time_ns\n7,red,write,1\n18446744073709551615,,fault,5\n0,blue,read,18446744073709551615\n' \
		>"$work/kinds.csv"
	printf 'time_ns,page,kind\n1,7,write\n5,18446744073709551615,fault\n18446744073709551615,0,read\n' >"$work/wanted"
	convert vmlab kinds.csv kinds.vmt && convert csv kinds.vmt kinds2.csv && cmp "$work/wanted" "$work/kinds2.csv"
}

# When each page comes again: never is -1.
oracle_looks_ahead() {
	printf '5\n6\n5\n5\n' >"$work/few.txt"
	convert oracleGeneral few.txt few.oracle &&
		[ "$(od -An -v -td8 -w8 "$work/few.oracle" | awk 'NR % 3 == 0 { printf "%s ", $1 }')" = "2 -1 3 -1 " ]
}

pipes() {
	"$vmlab" trace convert --to csv --zstd - - <"$work/small.txt" >"$work/piped" &&
		[ "$(od -An -tx1 -N4 "$work/piped")" = " 28 b5 2f fd" ] &&
		[ "$(misses -p lru -c 100 - <"$work/piped")" = "$(misses -p lru -c 100 "$work/small.txt")" ]
}

# Byte by byte, as Documentation/traces.rst says, without compression.
by_the_document() {
	printf 'VMLTRACE\1\0\0\0\50\0\0\0\0\20\0\0\0\0\0\0\7\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0' >"$work/bytes.vmt"
	printf '\1\6\0\2\1\24\3\200\2\7\0\3' >>"$work/bytes.vmt"
	printf 'time_ns,page,kind\n0,3,read\n10,2,write\n6,130,fault\n' >"$work/wanted"
	convert csv bytes.vmt bytes.csv && cmp "$work/wanted" "$work/bytes.csv"
}

# refuses PATTERN ARGUMENT...: status 1, nothing on stdout, one sentence on stderr.
refuses() {
	local pattern=$1 status=0
	shift
	"$vmlab" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	[ "$status" = 1 ] && [ ! -s "$work/out" ] && [ "$(wc -l <"$work/err")" = 1 ] && grep -qE "^vmlab.*$pattern" "$work/err" &&
		return
	echo "status $status"
	cat "$work/out" "$work/err"
	return 1
}

# refuses_bytes PATTERN [--format=NAME] BYTES
refuses_bytes() {
	local pattern=$1 format=--format=auto
	case $2 in --format=*) format=$2; shift ;; esac
	printf '%b' "$2" >"$work/bad"
	refuses "$pattern" sim "$format" "$work/bad"
}

bad_text() {
	refuses_bytes 'line 2: "x" is not a page number' --format=text '1\nx\n3\n' &&
		refuses_bytes 'line 3: "" is not a page number' '1\n2\n\n3\n' &&
		refuses_bytes 'line 1: "-1" is not' '-1\n' && refuses_bytes 'line 1: " 1" is not' ' 1\n' &&
		refuses_bytes 'line 2: "18446744073709551616" is not' '1\n18446744073709551616\n' &&
		refuses_bytes 'is empty' '' && refuses_bytes 'line 1 is too long' "$(printf '%05000d' 1)"
}

bad_csv() {
	refuses_bytes 'line 1 names no column "page"' 'time,kind\n1,read\n' &&
		refuses_bytes 'line 2 has 1 columns' 'page,kind\n1\n' &&
		refuses_bytes 'line 3: "reed" is not "read"' 'page,kind\n1,read\n1,reed\n' &&
		refuses_bytes 'line 2: "1.5" is not a time' 'page,time_ns\n1,1.5\n' &&
		refuses_bytes 'has no references' 'page,kind\n'
}

bad_oracle() {
	head -c 47 "$work/a.oracle" >"$work/bad"
	refuses 'cut off after 1 records' sim --format oracleGeneral "$work/bad" &&
		refuses_bytes 'format is not known' '\1\2\3\4\5' &&
		refuses_bytes 'cut off after 0 records' --format=oracleGeneral '\1\2\3\4\5'
}

# At every length: no trace that was cut off passes for a whole one.
cut_off() {
	local length
	head -n 40 "$work/small.txt" >"$work/short.txt"
	convert vmlab short.txt short.vmt || return
	length=$(stat -c %s "$work/short.vmt")
	for ((bytes = 1; bytes < length; bytes++)); do
		head -c "$bytes" "$work/short.vmt" >"$work/bad"
		refuses '(cut off|damaged|not known|not a page number|cannot be|does not begin)' sim --format vmlab "$work/bad" || return
	done
	head -c -1 "$work/bytes.vmt" >"$work/bad" && refuses 'cut off after 3 records' sim "$work/bad"
}

damaged() {
	local length
	length=$(stat -c %s "$work/a.vmt")
	cp "$work/a.vmt" "$work/bad"
	printf '\252' | dd of="$work/bad" bs=1 seek=$((length / 2)) conv=notrunc status=none
	refuses 'damaged|kind that is not known|should have' sim "$work/bad" || return
	{ head -c -1 "$work/bytes.vmt"; printf '\4'; } >"$work/bad"
	refuses 'has 3 records, and should have 4' sim "$work/bad" || return
	{ cat "$work/bytes.vmt"; printf x; } >"$work/bad"
	refuses 'behind its end' sim "$work/bad" || return
	sed 's/^VMLTRACE./VMLTRACE\x02/' "$work/bytes.vmt" >"$work/bad"
	refuses 'of version 2' sim "$work/bad" || return
	{ head -c 40 "$work/bytes.vmt"; printf '\1\377\377\377\377\377\377\377\377\377\2'; } >"$work/bad"
	refuses 'too large' sim "$work/bad"
}

nothing_is_left_behind() {
	printf '1\nx\n' >"$work/bad"
	refuses 'not a page number' trace convert --to csv "$work/bad" "$work/new" && [ ! -e "$work/new" ] &&
		refuses 'exists' trace convert --to csv "$work/small.txt" "$work/a.csv" && [ -s "$work/a.csv" ] &&
		! "$vmlab" trace convert --to csv "$work/small.txt" - >/dev/full 2>"$work/err"
}

wrong_line() {
	local status=0
	"$vmlab" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	[ "$status" = 2 ] && [ ! -s "$work/out" ] && [ -s "$work/err" ] && return
	echo "status $status"
	return 1
}

wrong_lines() {
	wrong_line sim && wrong_line sim 1 2 && wrong_line sim -p nonsense x && wrong_line sim -c 0 x && wrong_line sim -c 101% x &&
		wrong_line sim -c 1,,2 x && wrong_line sim --format nonsense x && wrong_line sim --seed x x &&
		wrong_line sim --lirs nonsense x && wrong_line trace && wrong_line trace nonsense &&
		wrong_line trace convert --to csv x && wrong_line trace convert x y && wrong_line trace convert --to nonsense x y
}

draws() {
	"$vmlab" sim --curve "--svg=$work/curve.svg" -c 10,100,1000 "$work/small.txt" >"$work/out" &&
		[ "$(wc -l <"$work/out")" = 20 ] && grep -q '^ *10 .* 1000 frames$' "$work/out" && ! grep -q $'\033' "$work/out" &&
		[ "$(grep -c '<polyline' "$work/curve.svg")" = 10 ] &&
		python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$work/curve.svg"
}

# The example of the document, as it is there, is a policy like the others.
example() {
	sed -n '/^\.\. begin example/,/^\.\. end example/s/^    //p' ../Documentation/policies.rst >"$work/example.c"
	[ -s "$work/example.c" ] || { echo "there is no example"; return 1; }
	gcc -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wno-unused-parameter -Werror -I"$tools/kernel" -I../module/policy \
		-c -o "$work/example.o" "$work/example.c" &&
		gcc -o "$work/test-example" "$work/example.o" "$tools/test-policy.o" "$tools"/policy-*.o &&
		"$work/test-example"
}

# And the sample module is the same.
sample() {
	diff -B <(sed -n '/^struct gclock {/,/^const struct/p' "$work/example.c" | sed '/^const struct/d') \
		<(sed -n '/^struct gclock {/,/^static char/p' ../module/sample/gclock.c | sed '/^static char/d')
}

a_million() {
	awk 'BEGIN { for (i = 0; i < 1000000; i++) print (i * 7919 + int(i / 1000)) % 100003 }' >"$work/large.txt"
	"$vmlab" sim -j -p lru,s3fifo "$work/large.txt" | grep -q '"references": 1000000'
}

plan $(($(wc -w <<<"$traces") + 22))
for trace in $traces; do
	unpack "$trace"
	check "$trace: misses are those of libCacheSim" counts_are_right "$trace"
done
[ -e "$work/loop.txt" ] || unpack loop
head -n 5000 "$work/loop.txt" >"$work/small.txt"
check "references and pages are counted" references_are_right
check "LIRS by the paper" by_the_paper
check "random repeats with its seed" seeds
check "nobody is better than opt" opt_is_best
check "all pages fit" all_fit
if [ -x "$tools/test-policy" ]; then
	check "policies, in any order of calls" "$tools/test-policy"
	check "the example of the document" example
	check "which the sample module is, too" sample
else
	skip "policies, in any order of calls" "tools/vmlab/test-policy is not built"
	skip "the example of the document" "tools/vmlab/test-policy is not built"
	skip "which the sample module is, too" "tools/vmlab/test-policy is not built"
fi
check "a trace through all formats and back" round_trip
check "kinds and times survive" kinds_and_times_stay
check "oracleGeneral says when pages come again" oracle_looks_ahead
check "pipes, and compression" pipes
check "a trace written by the document" by_the_document
check "bad text" bad_text
check "bad CSV" bad_csv
check "bad oracleGeneral" bad_oracle
check "a trace of ours, cut off" cut_off
check "a trace of ours, damaged" damaged
check "nothing is left behind, and nothing is lost" nothing_is_left_behind
check "wrong command lines" wrong_lines
check "curves" draws
check "a million references" a_million
finish
