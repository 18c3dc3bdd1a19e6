#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shows what the benchmarks found. Reads their lines of JSON on standard input:

  report.py tables   each one's tables, as text
  report.py goals    which goals hold, of all of them
  report.py json     all of it as one array
"""

import json
import sys


def number(value):
    """Three figures are what a measurement has."""
    if value is None:
        return "–"
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


def print_tables(result):
    print(f"\n{result['benchmark']}: {result['title']}")
    for table in result["tables"]:
        print_table(table)
    for note in result["notes"]:
        print(f"  {note}")


def print_goals(results):
    rows = [["goal", "limit", "found", ""]]
    for result in results:
        for goal in result["goals"]:
            sign = "≤" if goal["at"] == "most" else "≥"
            unit = f" {goal['unit']}" if goal["unit"] else ""
            rows.append(
                [
                    f"{result['benchmark']}: {goal['text']}",
                    f"{sign} {number(goal['limit'])}{unit}",
                    f"{number(goal['value'])}{unit}",
                    "holds" if holds(goal) else "MISSED",
                ]
            )
    print()
    print_rows(rows)
    goals = [goal for result in results for goal in result["goals"]]
    print(f"\n{sum(map(holds, goals))} of {len(goals)} goals hold.")
    print_conditions(results)


def print_conditions(results):
    """A figure says as much as what it was taken on."""
    host = results[0]["host"]
    print(f"{host['cpus']} processors ({host['model']}), Linux {host['kernel']}, {host['versions']}; by emulation.")
    busiest = max(result["load_before"] for result in results)
    if busiest > 0.5:
        print(f"The machine was busy when a benchmark began (load {busiest:.1f}): these figures prove nothing.")
    if any(result["quick"] for result in results):
        print("With --quick there are too few samples for a figure; it only shows that the benchmarks run.")


def main():
    results = [json.loads(line) for line in sys.stdin if line.strip()]
    if not results:
        sys.exit("report.py: no benchmark has given a result")
    what = sys.argv[1]
    if what == "tables":
        for result in results:
            print_tables(result)
    elif what == "goals":
        print_goals(results)
    else:
        for result in results:
            for goal in result["goals"]:
                goal["holds"] = holds(goal)
        json.dump(results, sys.stdout, indent=2, ensure_ascii=False)
        print()


if __name__ == "__main__":
    main()
