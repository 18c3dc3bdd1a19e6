#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Whether the results of a fleet (shruthi.fleet(5)) say of its emulated links what its plan says of them.

    links-proof.py test
    links-proof.py delay CONSOLE DISTRIBUTION LATENCY JITTER CONSTANT CONSTANT-LATENCY RUN
                                                                 (milliseconds; DISTRIBUTION: as in plans)
    links-proof.py constant CONSOLE LATENCY RUN
    links-proof.py loss CONSOLE P SEED FROM TO
    links-proof.py burst CONSOLE P R SEED FROM TO
    links-proof.py same CONSOLE CONSOLE
    links-proof.py differ CONSOLE CONSOLE
    links-proof.py metric CONSOLE NAME LEAST MOST
    links-proof.py share CONSOLE NAME SHARE                      (a metric that counts packets)
    links-proof.py ahead CONSOLE MILLISECONDS SHARE              (those that took less)
    links-proof.py gossip METRICS PEERS RUMOURS

Each says what it found and ends with 1 if that is not so. CONSOLE is what a prober has printed (tests/guest/links.c, with
--probe-print): what became of each packet. The library of Python is all that is needed.

What is asked, and how often a right program is called wrong:

  delay   Kolmogorov and Smirnov's test: the largest distance between the distribution of n measured delays and that of
          the plan is at most 1.95 / sqrt(n), which chance exceeds once in a thousand times. A measured delay is the
          plan's and, beyond it, what the guests and the host took: how much that is, CONSTANT says, the console of a
          prober in the same run whose link has no jitter, and RUN, its run.json. Delays that are too short have no such
          excuse. For those that are too long the plan's distribution is taken later by the 99th hundredth of what was
          beyond it, and lower by one hundredth.
  loss    Whether the packets that were lost are the very ones that shruthi.fleet(5) says: its function of seed, link and
          number is written here once more. Only where the train begins on its link is not known, so the first few
          numbers are tried. Besides, their share is within 3.9 standard deviations of the plan's, which chance
          exceeds once in ten thousand times; so are those of "share" and "ahead".
  burst   The same of Gilbert and Elliott's chain, and that the lengths of bursts are geometric: mean 1 / r.
  gossip  The rounds that push gossip took to reach everybody, on average over the rumours, are within four standard
          deviations of what a simulation of the same process takes. For this average on n peers, Doerr and Kuennemann
          (2014) have proven that it is more than floor(log2 n) + ln n - 1.116 and less than
          ceil(log2 n) + ln n + 2.765 + o(1); the simulation is within these.
"""

import csv
import hashlib
import json
import math
import random
import struct
import sys

MASK = (1 << 64) - 1
CHANCE_LOSS, CHANCE_BURST_LOSS, CHANCE_BURST_TURN = 0, 1, 2
WHOLE = 1000000000
FIRST_NUMBERS = 64
KS_ONE_IN_1000 = 1.95


def rows(path, what):
    """Microseconds of each packet of the last train, None for one that was lost."""
    values = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if len(words) < 4 or words[1] != what or not words[2].endswith(":"):
                continue
            if words[2] == "0:":
                values = []
            assert len(values) == int(words[2][:-1]), f"a line of {path} is missing before {line}"
            values += [None if word == "-" else int(word) for word in words[3:]]
    assert values, f"{path} has no lines '{what}'"
    return values


def forward(path):
    return rows(path, "forward")


def say(holds, text):
    print(text + ("" if holds else " — NOT AS PLANNED"))
    return holds


# Delays.

def normal(x):
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def planned(distribution, latency, jitter):
    """The distribution function of delays. None is below 0."""
    def function(delay):
        x = (delay - latency) / jitter
        if delay < 0:
            return 0
        if distribution == "uniform":
            return min(max((x + 1) / 2, 0), 1)
        if distribution == "normal":
            return normal(x)
        if x <= 0:
            return 0
        if distribution == "exponential":
            return 1 - math.exp(-x)
        assert distribution == "pareto", distribution
        return 1 - (1 + x / 2) ** -3
    return function


def distances(values, function, beyond=0, share=0):
    """By how much too many values are small, and by how much too few: each beyond that much, but for a share."""
    values = sorted(values)
    n = len(values)
    return (max((i + 1) / n - function(v) for i, v in enumerate(values)),
            max(function(v - beyond) - share - i / n for i, v in enumerate(values)))


def beyond_plan(path, latency):
    values = sorted(value / 1000 for value in forward(path) if value is not None)
    return [value - float(latency) for value in values]


def lateness(run):
    """How late the switch itself says that it was at most, but for one packet in a hundred."""
    with open(run, encoding="utf-8") as file:
        return max(float(links["Summary"].get("lateness_p99_usec", 0)) / 1000 for links in json.load(file)["Links"])


def delay(path, distribution, latency, jitter, constant_path, constant_latency, run):
    values = [value / 1000 for value in forward(path) if value is not None]
    function = planned(distribution, float(latency), float(jitter))
    base = beyond_plan(constant_path, constant_latency)
    late = lateness(run)
    beyond = max(base[len(base) * 99 // 100], late, 0)
    few, many = distances(values, function)
    _, excused = distances(values, function, beyond, 0.01)
    limit = KS_ONE_IN_1000 / math.sqrt(len(values))
    return say(few <= limit and excused <= limit,
               f"{distribution}: {len(values)} delays, KS distance {max(few, many):.5f}, limit {limit:.5f}; too short "
               f"{few:.5f}, too long {max(excused, 0):.5f} beyond {beyond:.3f} ms; mean {sum(values) / len(values):.3f} ms")


def constant(path, latency, run):
    """Never before its time; and half of them at most a millisecond after it, or as late as the switch knows it was."""
    beyond = beyond_plan(path, latency)
    median, p99 = beyond[len(beyond) // 2], beyond[len(beyond) * 99 // 100]
    return say(beyond[0] >= -0.002 and median <= max(1, lateness(run)),
               f"constant: {len(beyond)} delays, beyond the plan's: least {beyond[0]:.3f} ms, "
               f"median {median:.3f} ms, p99 {p99:.3f} ms, most {beyond[-1]:.3f} ms")


# Losses: the chance of links, as shruthi.fleet(5) defines it.

def rotate(value, bits):
    return (value << bits | value >> (64 - bits)) & MASK


def siphash(key, words):
    """SipHash-2-4 of whole words."""
    k0, k1 = key
    v = [k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573]

    def turn(times):
        for _ in range(times):
            v[0] = (v[0] + v[1]) & MASK
            v[1] = rotate(v[1], 13) ^ v[0]
            v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & MASK
            v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & MASK
            v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & MASK
            v[1] = rotate(v[1], 17) ^ v[2]
            v[2] = rotate(v[2], 32)

    for word in words + [len(words) * 8 << 56 & MASK]:
        v[3] ^= word
        turn(2)
        v[0] ^= word
    v[2] ^= 0xff
    turn(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def link_key(seed, sender, receiver):
    text = f"shruthi-links 1\n{seed}\n{sender}\n{receiver}".encode()
    return struct.unpack("<QQ", hashlib.sha256(text).digest()[:16])


def hits(key, number, purpose, share):
    return (siphash(key, [number, purpose]) >> 32) * WHOLE >> 32 < round(share * WHOLE)


def losses(key, n, share):
    return [hits(key, number, CHANCE_LOSS, share) for number in range(n)]


def bursts(key, n, p, r):
    """Everything is lost in the bad state, and nothing in the good one."""
    bad, lost = False, []
    for number in range(n):
        lost.append(bad)
        if hits(key, number, CHANCE_BURST_TURN, r if bad else p):
            bad = not bad
    return lost


def find(measured, predicted):
    """Where in predicted the measured ones are, or None."""
    for first in range(FIRST_NUMBERS):
        if predicted[first:first + len(measured)] == measured:
            return first
    return None


def lost_of(path):
    return [value is None for value in forward(path)]


def loss(path, p, seed, sender, receiver):
    measured, p = lost_of(path), float(p)
    n = len(measured)
    first = find(measured, losses(link_key(seed, sender, receiver), n + FIRST_NUMBERS, p))
    fair = near("loss", sum(measured), n, p)
    return say(first is not None, "loss: the very packets that the seed says"
               + (f", from number {first} on" if first is not None else "")) and fair


def near(what, number, n, share):
    limit = 3.9 * math.sqrt(n * share * (1 - share))
    return say(abs(number - n * share) <= limit, f"{what}: {number:g} of {n}, {number / n:.3%}, planned {share:.3%}")


def lengths(lost):
    found, length = [], 0
    for is_lost in lost + [False]:
        if is_lost:
            length += 1
        elif length > 0:
            found.append(length)
            length = 0
    return found


def burst(path, p, r, seed, sender, receiver):
    measured, p, r = lost_of(path), float(p), float(r)
    n, found = len(measured), lengths(lost_of(path))
    mean = sum(found) / max(len(found), 1)
    limit = 3.9 * math.sqrt((1 - r) / r / r / max(len(found), 1))
    fair = say(abs(mean - 1 / r) <= limit, f"burst: {len(found)} bursts, {sum(measured) / n:.3%} lost, planned "
                                           f"{p / (p + r):.3%}; their mean length {mean:.3f}, planned {1 / r:.3f}")
    first = find(measured, bursts(link_key(seed, sender, receiver), n + FIRST_NUMBERS, p, r))
    return say(first is not None, "burst: the very packets that the seed says"
               + (f", from number {first} on" if first is not None else "")) and fair


def same(one, two):
    a, b = lost_of(one), lost_of(two)
    return say(a == b, f"same: {sum(a)} and {sum(b)} of {len(a)} lost, {sum(x != y for x, y in zip(a, b))} differ")


def differ(one, two):
    return say(lost_of(one) != lost_of(two), "differ")


# Metrics.

def metrics(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.split() for line in file]
    return {words[2]: float(words[3]) for words in lines if len(words) == 4 and words[1] == "METRIC"}


def metric(path, name, least, most):
    found = metrics(path).get(name)
    if found is None:
        return say(False, f"{name}: not there")
    return say(float(least) <= found <= float(most), f"{name}: {found:g}, planned {least} to {most}")


def share(path, name, planned_share):
    found = metrics(path)
    if name not in found:
        return say(False, f"{name}: not there")
    return near(name, found[name], int(found["sent"]), float(planned_share))


def ahead(path, limit, planned_share):
    values = [value for value in forward(path) if value is not None]
    return near("ahead", sum(value < float(limit) * 1000 for value in values), len(values), float(planned_share))


def push(n, generator):
    """The rounds of push gossip until all n have heard, one told by each in each round, not itself."""
    heard, n_heard, rounds = [False] * n, 1, 0
    heard[0] = True
    tellers = [0]
    while n_heard < n:
        rounds += 1
        new = []
        for teller in tellers:
            told = generator.randrange(n - 1)
            told += told >= teller
            if not heard[told]:
                heard[told] = True
                new.append(told)
        tellers += new
        n_heard = len(tellers)
    return rounds


def simulate(n, times):
    generator = random.Random(1)
    found = [push(n, generator) for _ in range(times)]
    mean = sum(found) / times
    return mean, math.sqrt(sum((x - mean) ** 2 for x in found) / (times - 1))


def gossip(path, n, rumours):
    n, rumours = int(n), int(rumours)
    heard = {}
    with open(path, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name, _, rumour = row["metric"].partition(":")
            if name == "round":
                heard.setdefault(int(rumour or 0), {})[row["member"]] = float(row["value"])
    if sorted(heard) != list(range(rumours)) or any(len(of) != n for of in heard.values()):
        return say(False, f"gossip: of {n} peers have heard " + ", ".join(str(len(of)) for of in heard.values()))
    rounds = [max(of.values()) for of in heard.values()]
    mean = sum(rounds) / rumours
    expected, deviation = simulate(n, 200000 // n)
    limit = 4 * deviation / math.sqrt(rumours)
    least = math.floor(math.log2(n)) + math.log(n) - 1.116
    most = math.ceil(math.log2(n)) + math.log(n) + 2.765
    proven = say(least < expected < most, f"gossip: a simulation of {n} peers takes {expected:.2f} rounds, "
                                          f"between {least:.2f} and {most:.2f}")
    return say(abs(mean - expected) <= limit,
               f"gossip: {n} peers have heard {rumours} rumours after {mean:.2f} rounds on average "
               f"({min(rounds):g} to {max(rounds):g}); log2 n + ln n = {math.log2(n) + math.log(n):.2f}, "
               f"simulated {expected:.2f} ± {deviation:.2f}") and proven


def test():
    """The means of this program themselves."""
    # The vector of SipHash's authors for 8 bytes 0 to 7 and the key 0 to 15.
    key = struct.unpack("<QQ", bytes(range(16)))
    assert siphash(key, list(struct.unpack("<Q", bytes(range(8))))) == 0x93f5f5799a932462
    generator = random.Random(2)
    n = 20000
    samples = {
        "uniform": [200 + 100 * (2 * generator.random() - 1) for _ in range(n)],
        "normal": [generator.gauss(300, 50) for _ in range(n)],
        "exponential": [50 + generator.expovariate(1 / 100) for _ in range(n)],
        "pareto": [50 + 200 * (generator.random() ** (-1 / 3) - 1) for _ in range(n)],
    }
    plans = {"uniform": (200, 100), "normal": (300, 50), "exponential": (50, 100), "pareto": (50, 100)}
    for name, values in samples.items():
        for other, (latency, jitter) in plans.items():
            held = max(distances(values, planned(other, latency, jitter))) <= KS_ONE_IN_1000 / math.sqrt(n)
            assert held == (name == other), (name, other)
        # What comes later is found, and excused where that is said.
        later, function = [value + 5 for value in values], planned(name, *plans[name])
        assert distances(later, function)[1] > KS_ONE_IN_1000 / math.sqrt(n) > distances(later, function, 5)[1], name
    assert distances([0.5], lambda x: x) == (0.5, 0.5)
    assert lengths([True, True, False, True, False, False, True]) == [2, 1, 1]
    key = link_key("1", "a", "b")
    predicted = losses(key, 5000, 0.05)
    assert find(predicted[7:4000], predicted) == 7 and find(predicted[100:4000], predicted) is None
    assert 150 < sum(predicted) < 350 and predicted != losses(link_key("2", "a", "b"), 5000, 0.05)
    assert abs(simulate(100, 2000)[0] - math.log2(100) - math.log(100)) < 2
    return say(True, "the tests of this program hold")


def main():
    commands = {f.__name__: f for f in (test, delay, constant, loss, burst, same, differ, metric, share, ahead, gossip)}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    try:
        sys.exit(0 if commands[sys.argv[1]](*sys.argv[2:]) else 1)
    except (OSError, AssertionError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


main()
