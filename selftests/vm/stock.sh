# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # the variables are those of kernel and apt.sh
#
# Kernels of the distribution, and its kernel source, fetched for selftests/vm/kernel. Each function fills the folder
# ROOT, which will be found at FINAL.

# What leads from the initramfs to the root file system and to the port.
boot_modules="virtio_pci virtio_console virtiofs overlay"

# A kernel image carries its compressed ELF file where the setup header says; the
# last four bytes there are its unpacked length, not part of the stream.
extract_vmlinux() {
	local image=$1 setup offset length tool
	setup=$(od -An -tu1 -j $((0x1f1)) -N 1 "$image")
	offset=$(od -An -tu4 -j $((0x248)) -N 4 "$image")
	length=$(od -An -tu4 -j $((0x24c)) -N 4 "$image")
	offset=$((offset + (setup + 1) * 512))
	case $(od -An -tx1 -j $offset -N 4 "$image" | tr -d ' ') in
	02214c18) tool=lz4 ;;
	fd377a58) tool=xz ;;
	28b52ffd) tool=zstd ;;
	*) die "$image is compressed in a way that this script does not know" ;;
	esac
	dd if="$image" iflag=skip_bytes,count_bytes bs=1M status=none \
		skip=$offset count=$((length - 4)) | $tool -dc
}

# pack_initrd ROOT RELEASE MODULE...: an archive of them and what they need, in load
# order, and unpacked, because init hands the files to the kernel as they are.
pack_initrd() {
	local root=$1 release=$2 tree name path
	shift 2
	tree=$root/initrd.d
	mkdir -p "$tree/modules"
	for name; do
		modprobe -d "$root" -S "$release" --show-depends "$name"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r path; do
		name=$(basename "${path%.xz}")
		case $path in
		*.xz) xz -dc "$path" ;;
		*) cat "$path" ;;
		esac >"$tree/modules/$name"
		echo "/modules/$name" >>"$tree/modules/order"
	done
	(cd "$tree" && find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0)
	rm -r "$tree"
}

# finish_stock ROOT FINAL USR RELEASE VMLINUZ KDIR: adds what it is booted with, and says where all is. Its modules are
# in ROOT/USR/lib/modules.
finish_stock() {
	local root=$1 final=$2 usr=$3 release=$4 vmlinuz=$5 kdir=$6
	depmod -b "$root$usr" "$release"
	extract_vmlinux "$root$vmlinuz" >"$root/vmlinux"
	# shellcheck disable=SC2086 # several names
	pack_initrd "$root$usr" "$release" $boot_modules >"$root/initrd"
	cat >"$root/fields" <<-END
		release='$release'
		kdir='$kdir'
		image='$final/vmlinux'
		modules='$final$usr/lib/modules/$release'
		initrd='$final/initrd'
	END
}

fetch_6.1() { fetch_bookworm "$@" linux-image-cloud-amd64; }
fetch_6.12() { fetch_bookworm "$@" linux-image-6.12-cloud-amd64; }

# fetch_bookworm ROOT FINAL META: the image that META names and its headers, which
# this machine's compiler builds for.
fetch_bookworm() {
	local root=$1 final=$2 meta=$3 image release headers common
	apt_setup bookworm bookworm-security
	image=$(dependency "$meta" '^linux-image-[0-9]')
	[ "$image" ] || die "the archive has no package $meta"
	release=${image#linux-image-}
	headers=linux-headers-$release
	common=$(dependency "$headers" -common)
	unpack "$root" "$image" "$headers" "$common" "$(dependency "$headers" linux-kbuild)"
	rm -r "${root:?}/usr/share"

	# The packages expect to be installed in /.
	sed -i "s,/usr/src/,$final/usr/src/," "$root/usr/src/$headers/Makefile"
	ln -sfn "$final/usr/src/$headers" "$root/lib/modules/$release/build"
	ln -sfn "$final/usr/src/$common" "$root/lib/modules/$release/source"	# bpftrace reads there
	finish_stock "$root" "$final" "" "$release" "/boot/vmlinuz-$release" "$final/usr/src/$headers"
}

# The newest kernel with headers. It wants a newer compiler and C library than this
# machine's: they are in a root of its own, where modules are built by chroot.
fetch_newest() {
	local root=$1 final=$2 headers release tree
	apt_setup trixie-backports
	headers=$(dependency linux-headers-cloud-amd64 '^linux-headers-[0-9]')
	[ "$headers" ] || die "the archive has no headers of a newer kernel"
	release=${headers#linux-headers-}
	tree=$root/root
	"$vm/../../tools/deps" chroot || exit 1
	sources trixie trixie-security trixie-backports | "${sudo[@]}" mmdebstrap --quiet --variant=minbase \
		--architectures=amd64 --include="make,binutils,$headers" \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		trixie "$tree" - || die "cannot make a root with the compiler for $release"
	unpack "$root" "linux-binary-$release" "linux-modules-$release" "linux-base-$release"
	finish_stock "$root" "$final" /usr "$release" "/usr/lib/modules/$release/vmlinuz" "/usr/src/$headers"
	cat >>"$root/fields" <<-END
		chroot='$final/root'
		threads='single'
	END
}

# fetch_source ROOT PATTERN...: what PATTERNs name in the source of 6.1 (all if none).
fetch_source() {
	local root=$1 package=linux-source-6.1
	shift
	apt_setup bookworm bookworm-security
	download "$root" $package
	dpkg --fsys-tarfile "$root"/$package*.deb | tar -xO ./usr/src/$package.tar.xz |
		xz -dc -T0 | tar -x -C "$root" --strip-components=1 --wildcards \
			--no-wildcards-match-slash "${@/#/$package/}"
	rm "$root"/$package*.deb
}

fetch_whole_source() { fetch_source "$1"; }

fetch_kselftest() {
	fetch_source "$1" scripts/subarch.include scripts/checkpatch.pl \
		scripts/const_structs.checkpatch scripts/spelling.txt \
		scripts/coccicheck scripts/coccinelle \
		'tools/testing/selftests/*.*' tools/testing/selftests/kselftest
}
