#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shows what the benchmarks found. Reads their lines of JSON, or one array of them, on standard input:

  report.py tables     each one's tables, as text
  report.py goals      which goals hold, of all of them
  report.py json       all of it as one array
  report.py markdown   all of it as it stands in README.md
"""

import json
import sys

# So many processors on average, taken by what is not the benchmark, are no quiet machine.
BUSY = 0.2


def number(value):
    """Three figures are what a measurement has."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, int) or value == 0:
        return str(int(value))
    if abs(value) >= 100:
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    if abs(value) >= 1:
        return f"{value:.2f}"
    return f"{value:.3g}"


def holds(goal):
    if goal["value"] is None:
        return False
    return goal["value"] <= goal["limit"] if goal["at"] == "most" else goal["value"] >= goal["limit"]


def print_rows(rows):
    """The first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  " + "  ".join(cells).rstrip())


def print_table(table):
    compared = any("ratio" in row for row in table["rows"])
    rows = [[f"{table['title']} [{table['unit']}]", "n", "min", "median", "p99", "SHRUTHI is" if compared else ""]]
    for row in table["rows"]:
        ratio = row.get("ratio")
        rows.append(
            [row["name"]]
            + [number(row[key]) for key in ("n", "min", "median", "p99")]
            + ["" if ratio is None else f"× {number(ratio)}"]
        )
    print_rows(rows)
    print()


def print_grid(grid):
    """A last column of texts is too long for its place; it stands below."""
    words = isinstance(grid["rows"][0][-1], str)
    columns = grid["columns"][: -1 if words else None]
    print(f"  {grid['title']}")
    print_rows([columns] + [[number(cell) for cell in row[: len(columns)]] for row in grid["rows"]])
    if words:
        print(f"\n  {grid['columns'][-1]}:")
        for row in grid["rows"]:
            if row[-1]:
                print(f"    {row[0]}: {row[-1]}")
    print()


def print_tables(result):
    print(f"\n{result['benchmark']}: {result['title']}")
    for table in result["tables"]:
        print_table(table)
    for grid in result["grids"]:
        print_grid(grid)
    for note in result["notes"]:
        print(f"  {note}")


def limit(goal):
    return f"{'≤' if goal['at'] == 'most' else '≥'} {quantity(goal['limit'], goal)}"


def quantity(value, goal):
    return f"{number(value)} {goal['unit']}".rstrip()


def all_goals(results):
    """→ result, goal"""
    return [(result, goal) for result in results for goal in result["goals"]]


def proofs(results):
    """Of the goals that are missed, what shows why: each said once."""
    found = {}
    for result, goal in all_goals(results):
        if not holds(goal) and goal.get("proof"):
            found.setdefault((result["benchmark"], goal["proof"]), []).append(goal["text"])
    return [f"{name}: {'; '.join(texts)}: {proof}." for (name, proof), texts in found.items()]


def count_of(results):
    goals = [goal for _, goal in all_goals(results)]
    return f"{sum(map(holds, goals))} of {len(goals)} goals hold."


def print_goals(results):
    rows = [["goal", "limit", "found", ""]]
    for result, goal in all_goals(results):
        name = f"{result['benchmark']}: {goal['text']}"
        rows.append([name, limit(goal), quantity(goal["value"], goal), "holds" if holds(goal) else "MISSED"])
    print()
    print_rows(rows)
    print(f"\n{count_of(results)}")
    for proof in proofs(results):
        print(f"  {proof}")
    for line in conditions(results):
        print(line)


def conditions(results):
    """A figure says as much as what it was taken on."""
    host = results[0]["host"]
    lines = [f"{host['cpus']} processors ({host['model']}), Linux {host['kernel']}, {host['versions']}; by emulation."]
    busy = [f"{result['benchmark']} ({result['others']:.1f})" for result in results if result["others"] > BUSY]
    if busy:
        lines.append(
            "The machine did something else, with so many processors, during "
            f"{', '.join(busy)}: what was found there may prove nothing."
        )
    if any(result["quick"] for result in results):
        lines.append("With --quick there are too few samples for a figure; it only shows that the benchmarks run.")
    return lines


def markdown_rows(rows):
    """The first is the head; all but the first column are figures, to the right, where they are."""
    cells = [[number(cell).replace("|", "\\|") for cell in row] for row in rows]
    figures = [all(not isinstance(row[i], str) for row in rows[1:]) for i in range(len(rows[0]))]
    marks = ["---:" if figure else "---" for figure in figures]
    return ["| " + " | ".join(row) + " |" for row in [cells[0], marks, *cells[1:]]]


def markdown_table(table):
    compared = any("ratio" in row for row in table["rows"])
    rows = [[f"{table['title']} [{table['unit']}]", "n", "min", "median", "p99"] + ["SHRUTHI is ×"] * compared]
    for row in table["rows"]:
        rows.append([row[key] for key in ("name", "n", "min", "median", "p99")] + [row.get("ratio")] * compared)
    return markdown_rows(rows)


def markdown(results):
    lines = [" ".join(conditions(results)), "", "### Goals", ""]
    rows = [["benchmark", "goal", "limit", "found", ""]]
    for result, goal in all_goals(results):
        mark = "holds" if holds(goal) else "**missed**"
        rows.append([result["benchmark"], goal["text"], limit(goal), quantity(goal["value"], goal), mark])
    lines += [*markdown_rows(rows), "", count_of(results)]
    if proofs(results):
        lines += ["", "### Goals that are missed, and the measurement that shows why", ""]
        lines += [f"- {proof}" for proof in proofs(results)]
    for result in results:
        lines += ["", f"### {result['benchmark']}: {result['title']}"]
        for table in result["tables"]:
            lines += ["", *markdown_table(table)]
        for grid in result["grids"]:
            lines += ["", f"{grid['title'][:1].upper()}{grid['title'][1:]}:", ""]
            lines += markdown_rows([grid["columns"], *grid["rows"]])
        if result["notes"]:
            lines += ["", *(f"- {note}" for note in result["notes"])]
    return "\n".join(lines)


def read(text):
    """Lines, or what "json" has made of them."""
    if text.lstrip().startswith("["):
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def main():
    results = read(sys.stdin.read())
    if not results:
        sys.exit("report.py: no benchmark has given a result")
    what = sys.argv[1]
    if what == "tables":
        for result in results:
            print_tables(result)
    elif what == "goals":
        print_goals(results)
    elif what == "markdown":
        print(markdown(results))
    else:
        for result in results:
            for goal in result["goals"]:
                goal["holds"] = holds(goal)
        json.dump(results, sys.stdout, indent=2, ensure_ascii=False)
        print()


if __name__ == "__main__":
    main()
