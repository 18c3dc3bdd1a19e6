/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

/* The generator that all chance of a fleet comes from: xoshiro256** (Blackman and Vigna, 2018), whose state
 * of four 64-bit numbers is the SHA-256 of "shruthi-fleet 1", a newline, the seed, a newline and the
 * purpose, read as little-endian. Each purpose has a stream of its own, so that a change in one place of a
 * plan does not change what is drawn for another. shruthi.fleet(5) documents it: the numbers never change.
 * Pure. */

typedef struct FleetRandom {
        uint64_t state[4];
} FleetRandom;

void fleet_random_init(FleetRandom *random, const char *seed, const char *purpose, ...)
                __attribute__((format(printf, 3, 4)));

uint64_t fleet_random_next(FleetRandom *random);

/* Uniform in 0 … below - 1; below is at least 1. Numbers that would favour some are drawn again. */
uint64_t fleet_random_below(FleetRandom *random, uint64_t below);

/* Uniform in (0, 1], from the upper 53 bits. */
double fleet_random_unit(FleetRandom *random);

/* Moves n of the elements of array, drawn without replacement, to its front, in the order drawn (the
 * beginning of a Fisher-Yates shuffle). n is at most its length. */
void fleet_random_draw(FleetRandom *random, GArray *array, guint n);
