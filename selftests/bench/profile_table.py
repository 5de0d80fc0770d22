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
    # The names last: the program may load modules.
    command = (f"./vmlab-bench --json --repeats {REPEATS} --pages {PAGES} --row \"$0\" && "
               f"cp /proc/kallsyms /proc/modules {folder}")
    done = subprocess.run(
        [HERE / "../vm/run", "--kernel", series, "--icount", "--plugin", plugin,
         "--share", folder, "--", "sh", "-c", command, row],
        cwd=HERE, text=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"vmlab: measuring on {series} failed")
    return json.loads(done.stdout)


class Symbols:
    """The functions of a kernel, by address."""

    def __init__(self, folder):
        found = {}
        for line in Path(folder, "kallsyms").read_text().splitlines():
            address, kind, name, *module = line.split()
            if kind in "tTwW":
                found.setdefault(int(address, 16), " ".join([name, *module]))
        self.addresses = sorted(found)
        self.names = [found[address] for address in self.addresses]
        modules = [line.split() for line in Path(folder, "modules").read_text().splitlines()]
        self.modules = {f"[{fields[0]}]": int(fields[5], 16) + int(fields[1])
                        for fields in modules}

    def function(self, address):
        if address < KERNEL_SPACE:
            return "(the program itself)"
        name = self.names[max(0, bisect.bisect_right(self.addresses, address) - 1)]
        # Beyond the end of a module is code that the kernel made itself, of BPF for example.
        end = self.modules.get(name.split()[-1])
        return name if end is None or address < end else "(code without a name)"


def by_function(path, symbols, figures):
    """For each side: function -> instructions of what its figure is the cost of."""
    sides = [Counter() for _ in range(SIDES_MAX)]
    for line in path.read_text().splitlines():
        side, address, instructions = line.split()
        sides[int(side)][symbols.function(int(address, 16))] += int(instructions)
    # Of all turns together, while a figure is the median of them.
    return [Counter({name: count * figure / side.total() for name, count in side.items()})
            for side, figure in zip(sides, figures) if side]


def profile(series, work):
    """Its only row's name, or part of it -> the kernel, the rows, and each side by function."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="vmlab-profile.") as folder:
        measured = measure(series, work, folder)
        rows = measured["rows"]
        works = list(dict.fromkeys(row["work"] for row in rows))
        if len(works) != 1:
            sys.exit(f"vmlab: ROW=\"{work}\" names {len(works) or 'no'} rows" +
                     "".join("\n  " + name for name in works))
        figures = [rows[0].get("vmlab")] + [row.get("peer_figure") for row in rows]
        sides = by_function(Path(folder, "blocks"), Symbols(folder), filter(None, figures))
    return measured["kernel"], rows, sides


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
    series, work = sys.argv[1:]
    kernel, rows, sides = profile(series, work)
    print(f"{rows[0]['work']}, Linux {kernel}: {rows[0].get('unit')}, by function\n")
    print(table(["vmlab"] + [row["peer"] for row in rows if row["peer"] != "-"], sides))


if __name__ == "__main__":
    main()
