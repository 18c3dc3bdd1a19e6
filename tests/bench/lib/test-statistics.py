#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests of stats.py and of the table's marks."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import report  # noqa: E402
import stats  # noqa: E402

done = failed = 0


def same(what, expected, found):
    global done, failed
    done += 1
    if found == expected:
        print(f"ok {done} - {what}")
        return
    failed += 1
    print(f"not ok {done} - {what}\n# is {found!r}, should be {expected!r}")


def refused(what, call, *arguments):
    try:
        found = call(*arguments)
    except ValueError:
        found = "refused"
    same(what, "refused", found)


same("the median of an odd number is the one in the middle", 3, stats.median([5, 1, 3]))
same("of an even number the mean of the two in the middle", 2.5, stats.median([4, 1, 3, 2]))
same("one sample is its own median", 7, stats.median([7]))
refused("none has no median", stats.median, [])
hundred = list(range(100, 0, -1))
same("the 99th percentile of 1 to 100 is 99", 99, stats.percentile(hundred, 99))
same("of 1 to 200 it is 198", 198, stats.percentile(list(range(1, 201)), 99))
same("of few samples it is the largest", 9, stats.percentile([1, 9, 2], 99))
same("the 50th of four is the second: it is one of them", 2, stats.percentile([1, 2, 3, 4], 50))
same("the 0th is the smallest", 1, stats.percentile([3, 1, 2], 0))
same("the 100th is the largest", 3, stats.percentile([3, 1, 2], 100))
refused("none has no percentile", stats.percentile, [], 99)
same("a flat line has no slope", 0, stats.trend([4, 4, 4, 4]))
same("each one more is a slope of 1", 1, stats.trend([10, 11, 12]))
same("a line that falls has a negative one", -2, stats.trend([6, 4, 2, 0]))
same("what lies about the line does not tilt it", 0, stats.trend([1, 3, 3, 1]))
same("one that was disturbed does not either", 1, stats.trend([1, 2, 3, 900, 5, 6, 7]))
refused("one point makes no line", stats.trend, [1])
same("steps are above the row before, sample by sample", [[1, 2], [4, 1]], stats.steps([[1, 2], [5, 3]]))
same("no rows have no steps", [], stats.steps([]))
same("a summary has all of them", {"n": 3, "min": 1, "median": 2, "p99": 3}, stats.summary([3, 2, 1]))
same("a ratio is that of the medians", 0.5, stats.ratio([1, 100, 2], [4, 4, 4]))
same("nothing to divide by is no ratio", None, stats.ratio([1], [0]))

same("at most: just so is good", True, report.holds({"value": 3, "limit": 3, "at": "most"}))
same("at most: more is not", False, report.holds({"value": 3.01, "limit": 3, "at": "most"}))
same("at least: just so is good", True, report.holds({"value": 3, "limit": 3, "at": "least"}))
same("at least: less is not", False, report.holds({"value": 2.99, "limit": 3, "at": "least"}))
same("what could not be measured does not hold", False, report.holds({"value": None, "limit": 3, "at": "most"}))
same("three figures of a small number", "0.0123", report.number(0.012345))
same("of one about 1", "1.23", report.number(1.2345))
same("and no digits behind a large one", "12346", report.number(12345.6))
same("a whole number stays one", "7", report.number(7))
same("what is not there is a dash", "–", report.number(None))

table = {
    "title": "start",
    "unit": "ms",
    "rows": [
        {"name": "SHRUTHI", "n": 3, "min": 1.0, "median": 2.0, "p99": 3.0},
        {"name": "virsh | cat", "n": 3, "min": 4.0, "median": 4.0, "p99": 4.0, "ratio": 0.5},
    ],
}
same(
    "markdown has figures to the right, no bar within a cell, and a dash for what is compared with itself",
    [
        "| start [ms] | n | min | median | p99 | SHRUTHI is × |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| SHRUTHI | 3 | 1.00 | 2.00 | 3.00 | – |",
        "| virsh \\| cat | 3 | 4.00 | 4.00 | 4.00 | 0.5 |",
    ],
    report.markdown_table(table),
)
same("figures beside texts", ["| a | b |", "| --- | --- |", "| x | 2.50 |", "| y | soon |"],
     report.markdown_rows([["a", "b"], ["x", 2.5], ["y", "soon"]]))  # fmt: skip


def goal(value, **more):
    return {"text": "quick", "value": value, "limit": 1, "at": "most", "unit": "ms", **more}


result = {
    "benchmark": "start",
    "title": "one start",
    "quick": False,
    "others": 0.02,
    "host": {"cpus": 2, "model": "any", "kernel": "6", "versions": "systemd 252"},
    "tables": [table],
    "grids": [{"title": "pieces", "columns": ["until", "ms"], "rows": [["the end", 3.0]]}],
    "goals": [goal(0.5, proof="unused"), goal(2, proof="libvirt alone takes 1.5 ms"), goal(3)],
    "notes": ["A note."],
}
same("a missed goal is shown with its proof, another with none", ["start: quick: libvirt alone takes 1.5 ms."],
     report.proofs([result]))  # fmt: skip
twice = {**result, "goals": [goal(2, proof="why"), {**goal(3, proof="why"), "text": "small"}]}
same("what shows why two are missed is said once", ["start: quick; small: why."], report.proofs([twice]))
text = report.markdown([result])
for what in (
    "1 of 3 goals hold.", "| start | quick | ≤ 1 ms | 2 ms | **missed** |", "- A note.", "Pieces:",
    "| the end | 3.00 |",
):  # fmt: skip
    same(f"markdown has '{what}'", True, what in text.splitlines())
same("a quiet machine proves something", False, "may prove nothing" in text)
same("a busy one may not", True, "during start (0.7): " in report.markdown([{**result, "others": 0.7}]))
lines = "\n".join(report.json.dumps(one) for one in (result, twice))
same("lines are read", [result, twice], report.read(lines))
same("and an array", [result, twice], report.read(report.json.dumps([result, twice], indent=2)))

print(f"1..{done}")
sys.exit(1 if failed else 0)
