# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every benchmark begins and ends with. It runs as root in a fresh sandbox, tells how it goes on standard
error, and prints its result as one line of JSON.

  bench = Benchmark("start", "a defined unikernel, from the call to the first byte", starts=(40, 2))
  for i in range(bench.count("starts")): …
  bench.table("call → first byte", "ms", {"SHRUTHI": […], "virsh start": […]})
  bench.goal("≤ 0.55 × virsh start", bench.ratio("SHRUTHI", "virsh start"), 0.55)
  bench.finish()
"""

import argparse
import json
import sys
import time

import host
import stats


class Benchmark:
    def __init__(self, name, title, **counts):
        """counts: each a pair, how many and how many with --quick; each is an option too."""
        parser = argparse.ArgumentParser(prog=name, description=title)
        parser.add_argument("--quick", action="store_true", help="only to see whether it runs")
        for key, (full, quick) in counts.items():
            parser.add_argument(f"--{key}", type=int, help=f"[{full}, with --quick {quick}]")
        options = vars(parser.parse_args())
        self.quick = options["quick"]
        self.counts = {key: options[key] or pair[1 if self.quick else 0] for key, pair in counts.items()}
        self.result = {
            "benchmark": name,
            "title": title,
            "quick": self.quick,
            "counts": self.counts,
            "tables": [],
            "grids": [],
            "goals": [],
            "notes": [],
        }
        host.prepare()
        self.began, self.others_before = time.monotonic(), self.others()
        self.capabilities = host.capabilities()
        self.result["host"] = host.describe()

    @staticmethod
    def others():
        """The processor time of all that is not in the sandbox, in ms."""
        return host.machine_processor_time() - host.all_processor_time()

    def count(self, key):
        return self.counts[key]

    def say(self, text):
        print(f"{self.result['benchmark']}: {text}", file=sys.stderr, flush=True)

    def table(self, title, unit, series, compare=True):
        """The first of the series is what the others are compared with."""
        subject = next(iter(series.values()))
        rows = []
        for name, values in series.items():
            row = {"name": name, **stats.summary(values)}
            if compare and values is not subject:
                row["ratio"] = stats.ratio(subject, values)
            rows.append(row)
        self.result["tables"].append({"title": title, "unit": unit, "rows": rows})

    def grid(self, title, columns, rows):
        """What is no list of samples; columns: their heads, rows: lists of numbers and texts."""
        self.result["grids"].append({"title": title, "columns": columns, "rows": rows})

    def goal(self, text, value, limit, at="most", unit="", proof=None):
        """proof: what was measured beside it that shows why the goal is missed, should it be."""
        goal = {"text": text, "value": value, "limit": limit, "at": at, "unit": unit}
        if proof:
            goal["proof"] = proof
        self.result["goals"].append(goal)

    def note(self, text):
        self.result["notes"].append(text)

    def finish(self):
        # Else libvirt asks QEMU what it can do at each start, for seconds, and nothing here means anything.
        if host.capabilities() != self.capabilities:
            sys.exit(
                "libvirt made its cache of QEMU's capabilities anew during the benchmark (is there a /dev/kvm that "
                "QEMU's user cannot open?): its figures are void"
            )
        self.result["seconds"] = time.monotonic() - self.began
        self.result["others"] = (self.others() - self.others_before) / self.result["seconds"] / 1000
        print(json.dumps(self.result), flush=True)


class Rounds:
    """The compared one after the other, again and again, each time beginning with another: what the machine does
    meanwhile meets them all."""

    def __init__(self, count, peers):
        self.count, self.peers = count, peers

    def __iter__(self):
        for i in range(self.count):
            for j in range(len(self.peers)):
                yield i, self.peers[(i + j) % len(self.peers)]
