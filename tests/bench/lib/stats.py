# SPDX-License-Identifier: LGPL-2.1-or-later
"""The figures that are made of samples. Pure."""

import math


def percentile(values, percent):
    """By nearest rank: always one of the samples, and with fewer than a hundred the 99th is the largest."""
    if not values:
        raise ValueError("no samples")
    rank = math.ceil(percent * len(values) / 100)
    return sorted(values)[max(rank, 1) - 1]


def median(values):
    if not values:
        raise ValueError("no samples")
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def trend(values):
    """How much each sample is above the one before it: the median of the slopes between all pairs (Theil and Sen),
    which a few that were disturbed do not tilt."""
    n = len(values)
    if n < 2:
        raise ValueError("a line needs two samples")
    return median([(values[j] - values[i]) / (j - i) for i in range(n) for j in range(i + 1, n)])


def steps(rows):
    """Each row's samples above those of the row before it; the first's above nothing."""
    befores = [[0] * len(rows[0]), *rows] if rows else []
    return [[now - then for now, then in zip(row, before)] for row, before in zip(rows, befores)]


def summary(values):
    return {"n": len(values), "min": min(values), "median": median(values), "p99": percentile(values, 99)}


def ratio(subject, other):
    """How the medians compare; None where there is nothing to divide by."""
    below = median(other)
    return median(subject) / below if below else None
