#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Parts of the tools by themselves: the picture of an address space, sentences for errors; and whether the interface is
# described as it is. Needs no module.

cd "$(dirname "$0")" || exit
. ./lib.sh

# unit NAME PROGRAM
unit() {
	if [ -x "../tools/$2" ]; then
		check "$1" "../tools/$2"
	else
		skip "$1" "tools/$2 is not built"
	fi
}

plan 3
unit "pictures" vmlab/test-picture
unit "a sentence for each error" lib/test-strerror
check "the syzlang descriptions are those of the interface" fuzz/check-syzlang
finish
