#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Where the instructions of a row of vmlab-bench go, by function of the guest's kernel.

  profile_table.py SERIES ROW

measures the row whose name has ROW in it, with profile.so watching."""

import bisect
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from figures_text import aligned, number

HERE = Path(__file__).resolve().parent
REPEATS, PAGES = 5, 8192
SIDES_MAX = 4
KERNEL_SPACE = 1 << 63

# Functions with less than this share on all sides are told together.
LEAST = 0.01


def measure(series, row, folder):
    plugin = f"{HERE / 'profile.so'},out={folder}/blocks"
    command = (f"cat /proc/kallsyms >{folder}/kallsyms; "
               f"exec ./vmlab-bench --json --repeats {REPEATS} --pages {PAGES} --row \"$0\"")
    done = subprocess.run(
        [HERE / "../vm/run", "--kernel", series, "--icount", "--plugin", plugin,
         "--share", folder, "--", "sh", "-c", command, row],
        cwd=HERE, text=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"vmlab: measuring on {series} failed")
    return json.loads(done.stdout)


class Symbols:
    """The functions of a kernel, by address."""

    def __init__(self, path):
        found = {}
        for line in path.read_text().splitlines():
            address, kind, name, *module = line.split()
            if kind in "tTwW":
                found.setdefault(int(address, 16), " ".join([name, *module]))
        self.addresses = sorted(found)
        self.names = [found[address] for address in self.addresses]

    def function(self, address):
        if address < KERNEL_SPACE:
            return "(the program itself)"
        i = bisect.bisect_right(self.addresses, address) - 1
        return self.names[i] if i >= 0 else "(elsewhere)"


def by_function(path, symbols):
    """For each side: function -> instructions per page."""
    sides = [Counter() for _ in range(SIDES_MAX)]
    for line in path.read_text().splitlines():
        side, address, instructions = line.split()
        function = symbols.function(int(address, 16))
        sides[int(side)][function] += int(instructions) / (REPEATS * PAGES)
    return [side for side in sides if side]


def cells(side, names):
    instructions = sum(side[name] for name in names)
    if not instructions:
        return ["", ""]
    return [number(instructions), f"{instructions / side.total():.1%}"]


def table(names, sides):
    """NAMES: of the sides. Functions in the order of what vmlab, or else a peer, spends there."""
    functions = sorted(set().union(*sides), key=lambda name: [-side[name] for side in sides])
    main = [name for name in functions
            if any(side[name] >= LEAST * side.total() for side in sides)]
    lines = [["function"] + [cell for name in names for cell in (name, "")]]
    lines += [[name] + [cell for side in sides for cell in cells(side, [name])] for name in main]
    others = [name for name in functions if name not in set(main)]
    lines.append([f"{len(others)} others"] + [c for side in sides for c in cells(side, others)])
    lines.append(["all"] + [c for side in sides for c in cells(side, functions)])
    return aligned(lines, 1)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    series, row = sys.argv[1:]
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="vmlab-profile.") as folder:
        measured = measure(series, row, folder)
        rows = measured["rows"]
        works = list(dict.fromkeys(row["work"] for row in rows))
        if len(works) != 1:
            sys.exit(f"vmlab: ROW=\"{row}\" names {len(works) or 'no'} rows" +
                     "".join("\n  " + work for work in works))
        symbols = Symbols(Path(folder, "kallsyms"))
        sides = by_function(Path(folder, "blocks"), symbols)
    print(f"{works[0]}, Linux {measured['kernel']}: instructions per page, by function\n")
    print(table(["vmlab"] + [row["peer"] for row in rows if row["peer"] != "-"], sides))


if __name__ == "__main__":
    main()
