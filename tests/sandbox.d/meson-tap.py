#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the results that "meson test" left in a meson-logs folder as TAP, a line for each test of each program."""

import json
import pathlib
import re
import sys

GOOD = ("OK", "EXPECTEDFAIL")


def subtests(stdout):
    """The results that a program itself printed as TAP, which GLib's test programs do."""
    return re.findall(r"^(ok|not ok) +\d+ *(?:- *)?(.*)$", stdout or "", re.MULTILINE)


def main():
    log = pathlib.Path(sys.argv[1]) / "testlog.json"
    for line in log.read_text().splitlines() if log.exists() else []:
        test = json.loads(line)
        name, result = test["name"].split(" / ")[-1], test["result"]
        results = subtests(test.get("stdout"))
        for verdict, what in results:
            print(f"{verdict} - {name} {what}")
        if result == "SKIP" and not results:
            print(f"ok - {name} # SKIP")
        elif result in GOOD and not results:
            print(f"ok - {name}")
        elif result not in GOOD and result != "SKIP" and all(verdict == "ok" for verdict, _ in results):
            print(f"not ok - {name} ended with {result}")
        if result not in GOOD and result != "SKIP":
            for text in ((test.get("stdout") or "") + (test.get("stderr") or "")).splitlines()[-60:]:
                print(f"# {text}")


main()
