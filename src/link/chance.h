/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The chance of emulated links. Each number is a function of the link, the packet's number on it, from 0,
 * and what it is for, so that the fate of one packet does not depend on what happened to others: the key of
 * a link is the first 16 bytes of the SHA-256 of "shruthi-links 1", a newline, the seed, a newline, the
 * sender's name, a newline and the receiver's; the number is SipHash-2-4 (Aumasson and Bernstein, 2012) by
 * that key of 16 bytes: the packet's number and the purpose's, each of 64 bits, little-endian.
 * shruthi.fleet(5) documents it: the numbers never change. Pure. */

typedef struct LinkKey {
        uint64_t words[2];
} LinkKey;

void link_key_init(LinkKey *key, const char *seed, const char *from, const char *to);

/* What a number is for. The values are part of the format. */
typedef enum LinkChance {
        CHANCE_LOSS = 0,
        CHANCE_BURST_LOSS = 1, /* in the state that the chain is in */
        CHANCE_BURST_TURN = 2, /* whether it leaves that state */
        CHANCE_DUPLICATE = 3,
        CHANCE_REORDER = 4,
        CHANCE_CORRUPT = 5,
        CHANCE_CORRUPT_BIT = 6,
        CHANCE_JITTER = 7,
        CHANCE_JITTER_SECOND = 8, /* of the two that a normal distribution takes */
        CHANCE_COPY_JITTER = 9,   /* of a duplicate */
        CHANCE_COPY_JITTER_SECOND = 10,
} LinkChance;

uint64_t link_chance(const LinkKey *key, uint64_t number, LinkChance chance);

/* Whether that chance, whose share is in billionths (SHAPE_WHOLE), comes true: the upper 32 bits, times a
 * thousand million and divided by 2^32, are less. */
bool link_chance_hits(const LinkKey *key, uint64_t number, LinkChance chance, uint32_t share);

/* Uniform in (0, 1], from the upper 53 bits. */
double link_chance_unit(const LinkKey *key, uint64_t number, LinkChance chance);
