# SPDX-License-Identifier: GPL-2.0
"""Figures of vmlab-bench as tables of text."""

INSTRUCTIONS = "instructions/page"
# Units of what is the same whenever it is measured.
STEADY = [INSTRUCTIONS, "of one", "misses", "bytes/page", "bytes"]

# Sections of the tables: title, and which units are in it.
SECTIONS = [
    ("Instructions per page of 4 KiB, one processor", [INSTRUCTIONS]),
    ("Instructions of a single touch, 99th percentile", ["of one"]),
    ("Pages that come back: misses", ["misses"]),
    ("Memory, one processor", ["bytes/page", "bytes"]),
    ("Wall clock, two processors", ["ns/page, wall", "times"]),
]


def number(value):
    """Three significant digits, or all before the point."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:#.3g}".rstrip(".")


def target(row):
    if not row or not row.get("target"):
        return ""
    if row["unit"] == "bytes":
        return f"≤ {row['target'] / (1 << 20):.0f} MiB"
    return f"{'≥' if row['at_least'] else '≤'} {row['target']:g}"


def all_series(figures):
    return list(dict.fromkeys(run["series"] for run in figures["runs"]))


def by_name(figures):
    """(work, peer) -> series -> row, in the order in which they were measured."""
    rows = {}
    for run in figures["runs"]:
        for row in run["rows"]:
            rows.setdefault((row["work"], row["peer"]), {})[run["series"]] = row
    return rows


def any_row(by_series):
    """Of the first kernel that has figures."""
    return next((row for row in by_series.values() if "skipped" not in row), None)


def verdict(by_series):
    missed = [series for series, row in by_series.items() if row.get("met") is False]
    if missed:
        return "MISSED on " + ", ".join(missed)
    row = any_row(by_series)
    return "met" if row and row.get("target") else ""


# Tables: lists of lines, each a list of cells


def aligned(lines, left, spans=()):
    """Columns as wide as they must be, the first LEFT of them flush left, below the first line
    a rule. SPANS: (title, first column, columns) of a line above all others."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    for title, first, columns in spans:
        width = sum(widths[first:first + columns]) + 2 * (columns - 1)
        widths[first] += max(0, len(title) - width)
    drawn = ["  ".join(cell.ljust(width) if i < left else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(line, widths))).rstrip()
             for line in lines]
    drawn.insert(1, "─" * max(map(len, drawn)))
    return "\n".join(spanned(widths, spans) + drawn)


def spanned(widths, spans):
    line = ""
    for title, first, columns in spans:
        start = sum(widths[:first]) + 2 * first
        width = sum(widths[first:first + columns]) + 2 * (columns - 1)
        line = line.ljust(start) + f" {title} ".center(width, "─")
    return [line.rstrip()] if spans else []


def named(rows):
    """Each with the cells that name it; work is said once."""
    before = None
    for (work, peer), by_series in rows:
        yield [work if work != before else "", peer if peer != "-" else ""], by_series
        before = work


def in_units(figures, units):
    return [(name, by_series) for name, by_series in by_name(figures).items()
            if (any_row(by_series) or {}).get("unit") in units]


def cost_cells(row):
    if row is None or "skipped" in row:
        return ["-", "-", "-"]
    return [number(row["vmlab"]), number(row.get("peer_figure")),
            f"{row['ratio']:.2f}" if "ratio" in row else "-"]


def cost_table(figures, units):
    series, left = all_series(figures), 3 if len(units) > 1 else 2
    lines = [["work", "beside", "unit"][:left] + ["vmlab", "peer", "ratio"] * len(series) +
             ["target", ""]]
    for cells, by_series in named(in_units(figures, units)):
        row = any_row(by_series)
        cells += [row["unit"]][:left - 2]
        for one in series:
            cells += cost_cells(by_series.get(one))
        lines.append(cells + [target(row), verdict(by_series)])
    return aligned(lines, left, [(f"Linux {one}", left + 3 * i, 3) for i, one in enumerate(series)])


EVENTS = ["faults", "shootdowns"]


def event_cells(row):
    if row is None or "faults" not in row:
        return ["-"] * 2 * len(EVENTS)
    return [f"{value:.3f}".rstrip("0").rstrip(".") for event in EVENTS for value in row[event]]


def event_table(figures):
    series = all_series(figures)
    lines = [["work", "beside"] + ["vmlab", "peer"] * len(EVENTS) * len(series)]
    counted = [(name, by_series) for name, by_series in in_units(figures, [INSTRUCTIONS])
               if any("faults" in row for row in by_series.values())]
    for cells, by_series in named(counted):
        for one in series:
            cells += event_cells(by_series.get(one))
        lines.append(cells)
    titles = [f"{one}: {event}" for one in series for event in EVENTS]
    return aligned(lines, 2, [(title, 2 + 2 * i, 2) for i, title in enumerate(titles)])


def skipped(figures):
    return [f"not measured on {series}: {work}: {row['skipped']}"
            for (work, _peer), by_series in by_name(figures).items()
            for series, row in by_series.items() if "skipped" in row]


def summary(figures):
    rows = [(name, series, row) for name, by_series in by_name(figures).items()
            for series, row in by_series.items() if row.get("target")]
    missed = [f"  {work}, beside {peer}, on {series}: {number(row.get('ratio', row['vmlab']))} "
              f"({target(row)})" for (work, peer), series, row in rows if not row["met"]]
    if missed:
        return "\n".join([f"{len(missed)} of {len(rows)} targets MISSED:"] + missed)
    return f"All {len(rows)} targets met."


def heading(figures):
    kernels = ", ".join(dict.fromkeys(run["kernel"] for run in figures["runs"]))
    changed = " and uncommitted changes" if figures["changed"] else ""
    return f"vmlab {(figures['commit'] or 'of no commit')[:7]}{changed}, Linux {kernels}, " \
           f"QEMU {figures['qemu']}"


def busy(figures):
    return [f"Other programs used {run['others']:.0%} of the machine while threads were measured "
            f"on {run['series']}." for run in figures["runs"]
            if run["part"] == "threads" and run["others"] > 0.1]


def tables(figures):
    parts = [heading(figures)]
    for title, units in SECTIONS:
        if in_units(figures, units):
            parts.append(f"{title}\n\n{cost_table(figures, units)}")
        if INSTRUCTIONS in units:
            parts.append(f"Page faults and TLB shootdowns per page\n\n{event_table(figures)}")
    return "\n\n".join(parts + skipped(figures) + busy(figures) + [summary(figures)])


def changes(before, after):
    """Which of our own figures are others than they were, but for times: these never are the same."""
    old, found = by_name(before), []
    for (work, peer), by_series in in_units(after, STEADY):
        for series, row in by_series.items():
            was = old.get((work, peer), {}).get(series, {}).get("vmlab")
            now = row.get("vmlab", was)
            if was == 0 and now:
                found.append(f"  {work} on {series}: 0 -> {number(now)}")
            elif was and abs(now / was - 1) > 0.01:
                found.append(f"  {work} on {series}: {number(was)} -> {number(now)} "
                             f"({now / was - 1:+.1%})")
    since = f"since {before['commit'][:7]} of {before['date'][:10]}"
    if not found:
        return f"No figure changed by more than 1 % {since}."
    return "\n".join([f"Changes of more than 1 % {since}:"] + list(dict.fromkeys(found)))


# For documents


def literal_block(figures):
    indented = "\n".join("    " + line if line else "" for line in tables(figures).split("\n"))
    return "::\n\n" + indented + "\n"


def markdown(figures, series="6.1"):
    lines = ["| work | vmlab | peer | ratio | target |", "|---|---|---|---|---|"]
    before = None
    for (work, peer), by_series in by_name(figures).items():
        row = by_series.get(series, {})
        if not row.get("headline"):
            continue
        unit = {"bytes/page": " bytes", "bytes": " bytes"}.get(row["unit"], "")
        ours = [work, number(row["vmlab"]) + unit] if work != before else ["", ""]
        theirs = f"{peer} {number(row['peer_figure'])}" if peer != "-" else ""
        ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
        lines.append("| " + " | ".join([*ours, theirs, ratio, target(row)]) + " |")
        before = work
    # On all kernels, of which the table has one.
    return "\n".join(lines) + "\n\n" + summary(figures).replace(":\n  ", ": ").replace("\n  ", "; ") + "\n"
