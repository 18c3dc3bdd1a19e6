/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keys and signatures as minisign makes them, with keys of the test's own, by libgcrypt. */

typedef struct MinisignMaker {
        uint8_t seed[32], id[8], public_key[32];
} MinisignMaker;

/* number tells several keys apart. */
MinisignMaker minisign_maker_new(uint8_t number);

/* As UpdateVerify=minisign: takes it. Free with g_free(). */
char *minisign_maker_key(const MinisignMaker *maker);

/* The content of FILE.minisig. prehashed is false for "minisign -S -l". Free with g_free(). */
char *minisign_maker_sign(const MinisignMaker *maker, const void *data, size_t size, bool prehashed,
                const char *trusted_comment);
