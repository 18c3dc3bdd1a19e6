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


def slope(values):
    """How much each sample is above the one before it: the line of least squares through (0, v0), (1, v1) …"""
    n = len(values)
    if n < 2:
        raise ValueError("a line needs two samples")
    mean_x, mean_y = (n - 1) / 2, sum(values) / n
    above = sum((x - mean_x) * (y - mean_y) for x, y in enumerate(values))
    return above / sum((x - mean_x) ** 2 for x in range(n))


def summary(values):
    return {"n": len(values), "min": min(values), "median": median(values), "p99": percentile(values, 99)}


def ratio(subject, other):
    """How the medians compare; None where there is nothing to divide by."""
    below = median(other)
    return median(subject) / below if below else None
