/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SHA-256 (FIPS 180-4) and HMAC with it (RFC 2104). Stands alone, for a test on the host. */

#include <stddef.h>
#include <stdint.h>

enum {
        SHA256_SIZE = 32,
        SHA256_BLOCK = 64,
};

typedef struct Sha256 {
        uint32_t state[8];
        uint64_t n_bytes;
        uint8_t block[SHA256_BLOCK];
} Sha256;

void sha256_init(Sha256 *h);
void sha256_add(Sha256 *h, const void *data, size_t n);
void sha256_end(Sha256 *h, uint8_t ret[SHA256_SIZE]);

/* A key that comes in pieces; one that is longer than a block counts by its hash. */
typedef struct HmacKey {
        Sha256 hash;
        uint8_t first[SHA256_BLOCK];
} HmacKey;

void hmac_key_init(HmacKey *k);
void hmac_key_add(HmacKey *k, const void *data, size_t n);
/* The key is gone afterwards. */
void hmac_end(HmacKey *k, const void *message, size_t n, uint8_t ret[SHA256_SIZE]);
