#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The figures of vmlab-bench: measured in VMs, shown, recorded, written into documents.

  figures.py measure [--record] SERIES...   measure on these kernels
  figures.py show [FILE]                    show the last measurement, or a record
  figures.py document                       write the newest record into the documents
  figures.py check                          fail if a document tells another one, or the history
                                            does not have a commit that a record is of
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import figures_chart
import figures_text
import profile_table

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
RECORDS = TOP / "Documentation/performance"
CHART = TOP / "Documentation/performance.svg"
LAST = TOP / "build/bench/figures.json"

# Both, so that a record can stand beside any other.
ALL_SERIES = ["6.1", "6.12"]

# What is measured on each kernel: the VM's options, and the program's. Events are
# the same for any number of pages.
PARTS = {
    "instructions": (["--icount"], []),
    "threads": (["--smp", "2", "--uncharged"], ["--threads"]),
    "events": (["--smp", "2", "--uncharged"], ["--events", "--pages", "2048"]),
}

# Most of what these take is the codec's, and the same on both sides: they are told once more
# without it, with targets.
CODEC = "LZ4_"
WITHOUT_CODEC = {
    "a page of text leaves, lz4": 0.7,
    "a page of text comes back, lz4": 0.6,
    "a page of a program leaves, lz4": 0.7,
    "a page of a program comes back, lz4": 0.6,
}

# More than this share of the machine's time, and its clock says nothing of us.
BUSY = 0.1


def say(text):
    print(text, file=sys.stderr, flush=True)


def output_of(*command):
    return subprocess.run(command, cwd=TOP, check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


# Measuring


def machine_seconds():
    """What all programs of this machine together have used of its processors."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def child_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure_part(series, part):
    vm, options = PARTS[part]
    say(f"vmlab: {series}: {part} ...")
    begin, machine, child = time.monotonic(), machine_seconds(), child_seconds()
    done = subprocess.run(
        [HERE / "../vm/run", "--kernel", series, *vm, "--", "./vmlab-bench", "--json", *options],
        cwd=HERE, text=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    took = time.monotonic() - begin
    if done.returncode:
        sys.exit(f"vmlab: measuring {part} on {series} failed")
    others = (machine_seconds() - machine) - (child_seconds() - child)
    say(f"vmlab: {series}: {part}: {took:.0f} s")
    run = {"series": series, "part": part,
           "others": round(max(0, others / took / os.cpu_count()), 3)}
    run.update(json.loads(done.stdout))
    return run


def without_codec(side):
    return sum(count for name, count in side.items() if not name.startswith(CODEC))


def measure_without_codec(series, work, target):
    _kernel, rows, sides = profile_table.profile(series, work)
    if len(sides) < 2:
        sys.exit(f"vmlab: {work}: not measured by function: {rows[0].get('skipped')}")
    vmlab, peer = sides
    row = {**rows[0], "work": f"{work}: the rest", "headline": False,
           "vmlab": round(without_codec(vmlab), 2), "peer_figure": round(without_codec(peer), 2)}
    ratio = round(row["vmlab"] / row["peer_figure"], 4)
    return {**row, "ratio": ratio, "target": target, "at_least": False, "met": ratio <= target}


def add_without_codec(series, rows):
    """Each behind the row that it is a part of."""
    begin = time.monotonic()
    say(f"vmlab: {series}: functions ...")
    for work, target in WITHOUT_CODEC.items():
        whole = next(row for row in rows if row["work"] == work)
        if "skipped" not in whole:
            rows.insert(rows.index(whole) + 1, measure_without_codec(series, work, target))
    say(f"vmlab: {series}: functions: {time.monotonic() - begin:.0f} s")


def add_events(rows, events):
    """Puts what was counted of a row beside its figures."""
    counted = {(row["work"], row["peer"]): row for row in events}
    for row in rows:
        found = counted.get((row["work"], row["peer"]), {})
        row.update({key: found[key] for key in ("faults", "shootdowns") if key in found})


def measure_series(series):
    instructions, threads, events = (measure_part(series, part) for part in PARTS)
    add_events(instructions["rows"], events["rows"])
    add_without_codec(series, instructions["rows"])
    return [instructions, threads]


def revision():
    """Which state of the sources this is; a tree without git has none."""
    try:
        commit, date = output_of("git", "log", "-1", "--format=%h %cI", "--abbrev=12").split()
        changed = bool(output_of("git", "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        commit, date, changed = None, None, True
    return {"commit": commit, "date": date, "changed": changed}


def measure(series):
    figures = revision()
    figures["qemu"] = output_of("qemu-system-x86_64", "--version").split()[3].split("(")[0]
    figures["runs"] = [run for one in series for run in measure_series(one)]
    return figures


# Files


def dump(figures):
    """JSON with a row on a line, so that two records can be compared by diff."""
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    return re.sub(r"\{\s*(\"work\"[^{}]*?)\s*\}",
                  lambda row: "{" + re.sub(r"\s*\n\s*", " ", row[1]) + "}", text) + "\n"


def records():
    """All records, the oldest first."""
    found = [json.loads(path.read_text()) for path in RECORDS.glob("*.json")]
    return sorted(found, key=lambda figures: figures["date"])


def why_no_record(series):
    now = revision()
    if now["commit"] is None:
        return "there is no git repository here to name the commit"
    if now["changed"]:
        return "the tree has changes that are in no commit"
    if series != ALL_SERIES:
        return f"a record is of all of {', '.join(ALL_SERIES)}"
    return None


def record(figures):
    for run in figures["runs"]:
        if run["part"] == "threads" and run["others"] > BUSY:
            sys.exit(f"vmlab: not recorded: other programs used {run['others']:.0%} of the machine "
                     f"while threads were measured on {run['series']}")
    RECORDS.mkdir(exist_ok=True)
    path = RECORDS / f"{figures['date'][:10]}-{figures['commit'][:7]}.json"
    path.write_text(dump(figures))
    say(f"vmlab: recorded in {path.relative_to(TOP)}")


# Documents


def replace_block(path, text):
    """The file's text, with what stands between its two marks replaced."""
    old = path.read_text()
    begin = re.search(r"^.*figures: written by selftests/bench/figures\.py.*\n", old, re.M)
    end = re.search(r"^.*end of figures.*\n", old, re.M)
    if not begin or not end:
        sys.exit(f"vmlab: {path.relative_to(TOP)} has no place for figures")
    return old[:begin.end()] + "\n" + text + "\n" + old[end.start():]


def documents():
    """What each document has to be."""
    history = records()
    if not history:
        sys.exit("vmlab: no figures are recorded: make bench RECORD=1")
    readme, performance = TOP / "README.md", TOP / "Documentation/performance.rst"
    return {
        CHART: figures_chart.draw(history),
        performance: replace_block(performance, figures_text.literal_block(history[-1])),
        readme: replace_block(readme, figures_text.markdown(history[-1])),
    }


def document():
    for path, text in documents().items():
        path.write_text(text)


def commit_missing(commit):
    """Why a record's figures cannot be measured again; None if they can, or if the history is not here."""
    try:
        if output_of("git", "rev-parse", "--is-shallow-repository") == "true":
            return None
    except (OSError, subprocess.CalledProcessError):
        return None
    done = subprocess.run(["git", "merge-base", "--is-ancestor", commit, "HEAD"], cwd=TOP,
                          stderr=subprocess.DEVNULL)
    return f"{commit} is not in this history" if done.returncode else None


def check():
    missing = list(filter(None, (commit_missing(figures["commit"]) for figures in records())))
    for reason in missing:
        say(f"vmlab: a record is of a commit that cannot be checked out: {reason}")
    stale = [path for path, text in documents().items()
             if not path.exists() or path.read_text() != text]
    for path in stale:
        say(f"vmlab: {path.relative_to(TOP)} tells other figures than the newest record: "
            "selftests/bench/figures.py document")
    sys.exit(bool(stale or missing))


def show(figures):
    print(figures_text.tables(figures))
    history = [old for old in records() if old["commit"] != figures["commit"]]
    if history:
        print("\n" + figures_text.changes(history[-1], figures))


def measure_and_show(args):
    reason = why_no_record(args.series) if args.record else None
    if reason:
        sys.exit(f"vmlab: nothing can be recorded: {reason}")
    figures = measure(args.series)
    LAST.parent.mkdir(parents=True, exist_ok=True)
    LAST.write_text(dump(figures))
    show(figures)
    say(f"\nvmlab: the same for programs: {LAST.relative_to(TOP)}")
    if args.record:
        record(figures)
        document()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("measure")
    command.add_argument("--record", action="store_true", help="keep the figures in Documentation")
    command.add_argument("series", nargs="+", metavar="SERIES")
    command.set_defaults(do=measure_and_show)
    command = commands.add_parser("show")
    command.add_argument("file", nargs="?", type=Path, default=LAST, metavar="FILE")
    command.set_defaults(do=lambda args: show(json.loads(args.file.read_text())))
    commands.add_parser("document").set_defaults(do=lambda args: document())
    commands.add_parser("check").set_defaults(do=lambda args: check())
    args = parser.parse_args()
    args.do(args)


if __name__ == "__main__":
    main()
