#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Parts of the tools by themselves: the picture of an address space, sentences for errors. Needs no module.

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

plan 2
unit "pictures" vmlab/test-picture
unit "a sentence for each error" lib/test-strerror
finish
