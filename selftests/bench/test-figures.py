#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""test-figures.py rows|events|documents FOLDER: for ../bench.sh, which measured into FOLDER."""

import json
import sys
import xml.dom.minidom
from pathlib import Path

import figures
import figures_chart
import figures_text

NO_FILE_SYSTEM = ["no loop device, or no mkfs.ext4", "no fault_around_bytes in debugfs"]


def measured(folder):
    parts = {part: json.loads((folder / part).read_text()) for part in figures.PARTS}
    figures.add_events(parts["instructions"]["rows"], parts["events"]["rows"])
    runs = [{"series": "6.1", "part": part, "others": 0.0, **parts[part]}
            for part in ("instructions", "threads")]
    return {"commit": "0123456789ab", "date": "2026-11-24T00:00:00+00:00", "changed": False,
            "qemu": "7.2", "runs": runs}


def found(result, work):
    rows = [row for run in result["runs"] for row in run["rows"] if row["work"].startswith(work)]
    assert rows, f"no row {work}"
    return [row for row in rows if "skipped" not in row]


def test_rows(result):
    for run in result["runs"]:
        for row in run["rows"]:
            if "skipped" in row:
                assert row["skipped"] in NO_FILE_SYSTEM, row
            elif row["unit"] in ("ns/page", "instructions/page"):
                assert row["vmlab"] > 0 and row["peer_figure"] > 0, row
                assert abs(row["ratio"] - row["vmlab"] / row["peer_figure"]) < 0.001, row


def test_events(result):
    for row in found(result, "random first-touch write"):
        assert 0.99 < row["faults"][0] < 1.1, row
    for row in found(result, "sequential first-touch write"):
        assert row["faults"][0] < 0.5 and row["faults"][1] > 0.99, row
        assert row["shootdowns"] == [0, 0], row
    for row in found(result, "write-back"):
        assert row["shootdowns"][0] > 0.5, row


def test_documents(result):
    rows = [row for run in result["runs"] for row in run["rows"]]
    for row in rows:
        row["headline"] = True
        if row.get("unit") == "ns/page":  # no icount here
            row["unit"] = figures_text.INSTRUCTIONS
    missed = next(row for row in rows if row.get("target"))
    missed.update(ratio=7.25, met=False)
    older = json.loads(json.dumps(result))
    older.update(date="2026-11-01T00:00:00+00:00", commit="ba9876543210")
    missed["vmlab"] *= 1.5
    tables, dumped = figures_text.tables(result), json.loads(figures.dump(result))
    chart = figures_chart.draw([older, result])
    xml.dom.minidom.parseString(chart)
    assert dumped == result
    assert "targets MISSED" in tables and "MISSED on 6.1" in tables and "7.25" in chart
    assert "targets MISSED: " in figures_text.markdown(result), "the short table tells it, too"
    assert "+50.0%" in figures_text.changes(older, result)
    for row in rows:
        assert row["work"] in tables, row
        assert "ratio" not in row or row["work"] in figures_text.markdown(result), row


def main():
    test, folder = sys.argv[1:]
    globals()[f"test_{test}"](measured(Path(folder)))


if __name__ == "__main__":
    main()
