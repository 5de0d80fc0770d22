# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # the variables are those of apt.sh and of who sources this
#
# The cache's folders: each is there whole or not at all, named by what it is and a hash of what it is made by. For
# scripts that have set "cache" to the folder they are in.
#
# NAME.lock belongs to NAME: held exclusively by who makes or drops it, shared by who uses it for longer; its time is
# that of the last use.

# lock NAME OPTION...: holds its lock (flock's OPTIONs), as descriptor 9. Who drops NAME drops the file, too.
lock() {
	local file=$cache/$1.lock
	shift
	while :; do
		exec 9>>"$file"
		flock "$@" 9 || return
		[ ! "$file" -ef /proc/self/fd/9 ] || return 0
	done
}

# once NAME WHAT FUNCTION [ARG...]: fills CACHE/NAME by FUNCTION NEW FINAL ARG..., unless it is there. Then the older
# ones of its kind have had their time.
once() {
	local name=$1 what=$2 function=$3
	shift 3
	mkdir -p "$cache"
	if [ ! -d "$cache/$name" ]; then
		lock "$name"
		if [ ! -d "$cache/$name" ]; then
			say "$what ..."
			"${sudo[@]}" rm -rf "$cache/$name.new"
			mkdir "$cache/$name.new"
			"$function" "$cache/$name.new" "$cache/$name" "$@"
			mv "$cache/$name.new" "$cache/$name"
			drop_older "$name"
		fi
		exec 9>&-
	fi
	touch "$cache/$name.lock"
}

# What there is of NAME's kind besides itself, last used first.
others() {
	local name=$1 path
	for path in "$cache/${name%-*}"-*; do
		path=${path##*/}
		[[ ! $path =~ ^("${name%-*}"-[0-9a-f]{12}) ]] || echo "${BASH_REMATCH[1]}"
	done | sort -u | while read -r path; do
		[ "$path" = "$name" ] ||
			echo "$(stat -c %Y "$cache/$path.lock" 2>/dev/null || echo 0) $path"
	done | sort -rn | cut -d ' ' -f 2
}

# drop_older NAME: NAME is the newest of its kind. The one that was used last before it stays, for who goes back to
# another branch, and so does what somebody uses right now; the others go, with what was left half made.
drop_older() {
	local other kept=
	while read -r other; do
		if [ -d "$cache/$other" ] && [ ! "$kept" ]; then
			kept=$other
		else
			drop "$other"
		fi
	done < <(others "$1")
}

# A folder that is dropped goes under another name: half of one would be taken for whole. In a shell of its own, whose
# descriptor 9 is another one.
drop() (
	lock "$1" --nonblock || exit 0
	[ ! -d "$cache/$1" ] || mv "$cache/$1" "$cache/$1.new"
	"${sudo[@]}" rm -rf "$cache/$1.new"
	rm "$cache/$1.lock"
)
