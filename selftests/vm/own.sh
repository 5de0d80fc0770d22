# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # the variables are those of kernel and apt.sh
#
# Kernels that no distribution ships, built for selftests/vm/kernel from the source of 6.1: base.config and KIND.config
# on top of allnoconfig. They have no modules of their own.

# What olddefconfig did not grant, against what the fragments ask for.
own_refused() {
	local config=$1 fragment=$2 line
	grep '^CONFIG_' "$fragment" | while read -r line; do
		case $line in
		*=n) ! grep -q "^${line%=n}=" "$config" ;;
		*) grep -qxF "$line" "$config" ;;
		esac || echo "$line"
	done
}

# A line now and then, for it takes its time; and what is not routine.
own_progress() {
	awk -v what="$1" '
		/^  (CC|AS) / && ++n % 250 == 0 { print "vmlab: " what ": " n " files compiled" }
		!/^  / { print }
		{ fflush() }' >&2
}

# build_own ROOT FINAL KIND
build_own() {
	local root=$1 final=$2 kind=$3 source=$cache/source build=$1/build refused release
	"$vm/../../tools/deps" kernel || exit 1
	mkdir "$build"
	cat "$vm/base.config" "$vm/$kind.config" >"$root/fragment"
	echo "CONFIG_LOCALVERSION=\"-vmlab-$kind\"" >>"$root/fragment"
	make -s -C "$source" O="$build" KCONFIG_ALLCONFIG="$root/fragment" allnoconfig
	refused=$(own_refused "$build/.config" "$root/fragment")
	[ ! "$refused" ] || die "the $kind kernel cannot have ${refused//$'\n'/ }"
	make --no-print-directory -C "$build" -j"$(nproc)" bzImage modules 2>&1 | own_progress "$kind kernel" ||
		die "cannot build the $kind kernel"
	release=$(<"$build/include/config/kernel.release")
	make -s -C "$build" INSTALL_MOD_PATH="$root" modules_install
	mv "$build/arch/x86/boot/bzImage" "$root/image"

	# Modules are built with the scripts, the headers and the symbols.
	find "$build" -name '*.o' ! -path "$build/scripts/*" ! -path "$build/tools/*" -delete
	find "$build" -name '*.a' ! -path "$build/tools/*" -delete
	rm -f "$build"/vmlinux* "$build"/.tmp_* "$build"/arch/x86/boot/compressed/vmlinux*
	# Its path is written down in what was generated.
	grep -rlIF "$build" "$build" | xargs -r sed -i "s,$build,$final/build,g"
	pack_initrd "$root" "$release" >"$root/initrd"
	cat >"$root/fields" <<-END
		release='$release'
		kdir='$final/build'
		image='$final/image'
		modules='$final/lib/modules/$release'
		initrd='$final/initrd'
	END
}
