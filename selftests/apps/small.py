# SPDX-License-Identifier: GPL-2.0
"""small.py MIB: fills so much memory with what can be compressed to a tenth, and prints a digest of what is there then.

small.py --wanted MIB: prints what that is to be.
"""

import hashlib
import random
import struct
import sys

PAGE = 4096
FILLED = 264

noise = random.Random(1).randbytes(65536)


def content(page):
    start = page % 255 * 256
    return struct.pack("<Q", page) + noise[start:start + FILLED - 8]


def wanted(pages):
    digest = hashlib.sha256()
    for page in range(pages):
        digest.update(content(page))
    return digest


def found(pages):
    memory = bytearray(pages * PAGE)
    for page in range(pages):
        memory[page * PAGE:page * PAGE + FILLED] = content(page)
    digest = hashlib.sha256()
    for page in range(pages):
        digest.update(memory[page * PAGE:page * PAGE + FILLED])
        if memory[page * PAGE + FILLED] or memory[page * PAGE + PAGE - 1]:
            sys.exit(f"page {page} has what nobody wrote")
    return digest


function = wanted if sys.argv[1] == "--wanted" else found
print(function(int(sys.argv[-1]) * 256).hexdigest())
