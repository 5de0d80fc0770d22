# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # cache is set by who sources this
#
# Package archives without the machine's own apt: its packages, lists and sources stay as they are. For scripts that
# have set "cache" to the folder where things are kept.

say() { echo "vmlab: $*" >&2; }
die() { say "$*"; exit 1; }

sudo=()
# shellcheck disable=SC2034 # for those who source this
[ "$(id -u)" = 0 ] || sudo=(sudo)

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirrors are those of the machine's own sources of Debian 12; only the suite may be another one.
find_mirrors() {
	local targets
	# shellcheck disable=SC2016 # for apt-get
	targets=$(apt-get indextargets --no-release-info --format '$(RELEASE) $(SITE)' \
		'Created-By: Packages' 'Component: main')
	mirror=$(awk '$1 ~ /^(bookworm|stable)$/ && $2 ~ /^http/ { print $2; exit }' <<<"$targets")
	security=$(awk '$1 ~ /^(bookworm|stable)-security$/ && $2 ~ /^http/ { print $2; exit }' <<<"$targets")
	[ "$mirror" ] || die "this machine's apt sources name no mirror of bookworm to fetch a kernel from"
	security=${security:-$mirror-security}
}

# sources SUITE...: the lines of a sources.list for releases and what goes with them.
sources() {
	local suite
	for suite; do
		case $suite in
		*-security) echo "deb [signed-by=$keyring] $security $suite main" ;;
		*) echo "deb [signed-by=$keyring] $mirror $suite main" ;;
		esac
	done
}

# apt TOOL ARGUMENT...: apt-get or apt-cache on what apt_setup chose.
apt() {
	local tool=$1
	shift
	"$tool" -qq -o Dir::Etc::sourcelist="$apt/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::State="$apt" \
		-o Dir::State::status="$apt/status" -o Dir::Cache="$apt" \
		-o APT::Sandbox::User=root -o APT::Architecture=amd64 \
		-o Acquire::Languages=none "$@"
}

# apt_setup SUITE...: makes "apt" ask for these.
apt_setup() {
	find_mirrors
	apt=$cache/apt/$1
	mkdir -p "$apt/lists/partial" "$apt/archives/partial"
	: >"$apt/status"
	sources "$@" >"$apt/sources.list"
	exec 8>"$apt/lock"
	flock 8
	if [ ! "$(find "$apt/updated" -mmin -60 2>/dev/null)" ]; then
		apt apt-get update || die "cannot fetch the package lists of $* from $mirror"
		touch "$apt/updated"
	fi
	exec 8>&-
}

# The package that PACKAGE depends on and whose name matches PATTERN.
dependency() {
	apt apt-cache depends "$1" |
		awk -v pattern="$2" '$1 == "Depends:" && $2 ~ pattern { print $2; exit }'
}

# download DIR PACKAGE...
download() {
	local dir=$1
	shift
	(cd "$dir" && apt apt-get download "$@") || die "cannot download $*"
}

# unpack ROOT PACKAGE...: what they would install below ROOT.
unpack() {
	local root=$1 deb
	shift
	mkdir "$root/debs"
	download "$root/debs" "$@"
	for deb in "$root"/debs/*.deb; do
		dpkg -x "$deb" "$root"
	done
	rm -r "$root/debs"
}
