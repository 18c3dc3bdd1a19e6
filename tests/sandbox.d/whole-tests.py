#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""whole-tests.py BUILD SUITE SLOWNESS [NAME…]: runs the tests of a build folder, without Meson, which takes an emulated
processor long; two at once, each with SLOWNESS times its time. Prints their results as TAP, as meson-tap.py does."""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys


def test_run(test, build, slowness):
    """(exit status or why there is none, what it printed)"""
    environment = {**os.environ, **test["env"]}
    try:
        done = subprocess.run(test["cmd"], cwd=test["workdir"] or build, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
                              timeout=test["timeout"] * slowness)
    except subprocess.TimeoutExpired as error:
        return "took too long", (error.stdout or b"").decode(errors="replace")
    except OSError as error:
        return str(error), ""
    return done.returncode, done.stdout


def test_print(name, status, text):
    results = re.findall(r"^(ok|not ok) +\d+ *(?:- *)?(.*)$", text, re.MULTILINE)
    for verdict, what in results:
        print(f"{verdict} - {name} {what}")
    if status == 77:
        print(f"ok - {name} # SKIP")
    elif status == 0 and not results:
        print(f"ok - {name}")
    elif status != 0 and all(verdict == "ok" for verdict, _ in results):
        print(f"not ok - {name} ended: {status}")
    if status not in (0, 77):
        for line in text.splitlines()[-60:]:
            print(f"# {line}")
    sys.stdout.flush()


def main():
    build, suite, slowness, names = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:]
    tests = [test for test in json.loads((build / "meson-info" / "intro-tests.json").read_text())
             if any(one.split(":")[-1] == suite for one in test["suite"]) and (not names or test["name"] in names)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = {pool.submit(test_run, test, build, slowness): test["name"] for test in tests}
        for future in concurrent.futures.as_completed(running):
            test_print(running[future], *future.result())


main()
