/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* With what the guest proves that it has a key, see sha256.h. */

#include "sha256.h"

#include "guest.h"

enum {
        ROUNDS = 64,
};

/* clang-format off */
static const uint32_t constants[ROUNDS] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
/* clang-format on */

static uint32_t rotate(uint32_t x, unsigned n)
{
        return x >> n | x << (32 - n);
}

static uint32_t schedule(uint32_t w[16], unsigned i)
{
        uint32_t a = w[(i + 1) % 16], b = w[(i + 14) % 16];

        if (i >= 16)
                w[i % 16] += (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[(i + 9) % 16] +
                             (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
        return w[i % 16];
}

static void block_mix(Sha256 *h)
{
        uint32_t w[16], s[8];

        for (unsigned i = 0; i < 16; i++)
                w[i] = (uint32_t)h->block[4 * i] << 24 | (uint32_t)h->block[4 * i + 1] << 16 |
                       (uint32_t)h->block[4 * i + 2] << 8 | h->block[4 * i + 3];
        memcpy(s, h->state, sizeof(s));

        for (unsigned i = 0; i < ROUNDS; i++) {
                uint32_t a = s[0], e = s[4], t;

                t = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & s[5]) ^ (~e & s[6])) +
                    constants[i] + schedule(w, i);
                for (unsigned j = 7; j > 0; j--)
                        s[j] = s[j - 1];
                s[4] += t;
                s[0] = t + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                       ((a & s[2]) ^ (a & s[3]) ^ (s[2] & s[3]));
        }
        for (unsigned i = 0; i < 8; i++)
                h->state[i] += s[i];
}

void sha256_init(Sha256 *h)
{
        *h = (Sha256){
                        .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                                        0x1f83d9ab, 0x5be0cd19},
        };
}

void sha256_add(Sha256 *h, const void *data, size_t n)
{
        const uint8_t *bytes = data;

        for (size_t i = 0; i < n; i++) {
                h->block[h->n_bytes++ % SHA256_BLOCK] = bytes[i];
                if (h->n_bytes % SHA256_BLOCK == 0)
                        block_mix(h);
        }
}

void sha256_end(Sha256 *h, uint8_t ret[SHA256_SIZE])
{
        uint64_t n_bits = h->n_bytes * 8;
        uint8_t size[8];

        for (unsigned i = 0; i < 8; i++)
                size[i] = (uint8_t)(n_bits >> (56 - 8 * i));
        sha256_add(h, "\x80", 1);
        while (h->n_bytes % SHA256_BLOCK != SHA256_BLOCK - sizeof(size))
                sha256_add(h, "", 1);
        sha256_add(h, size, sizeof(size));

        for (unsigned i = 0; i < SHA256_SIZE; i++)
                ret[i] = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}

void hmac_key_init(HmacKey *k)
{
        *k = (HmacKey){};
        sha256_init(&k->hash);
}

void hmac_key_add(HmacKey *k, const void *data, size_t n)
{
        uint64_t at = k->hash.n_bytes;

        if (at < SHA256_BLOCK)
                memcpy(k->first + at, data, n < SHA256_BLOCK - at ? n : SHA256_BLOCK - at);
        sha256_add(&k->hash, data, n);
}

/* The hash of the key, masked, and what follows. */
static void masked_hash(
                const uint8_t key[SHA256_BLOCK], uint8_t mask, const void *data, size_t n, uint8_t *ret)
{
        uint8_t masked[SHA256_BLOCK];
        Sha256 h;

        for (unsigned i = 0; i < SHA256_BLOCK; i++)
                masked[i] = key[i] ^ mask;
        sha256_init(&h);
        sha256_add(&h, masked, sizeof(masked));
        sha256_add(&h, data, n);
        sha256_end(&h, ret);
}

void hmac_end(HmacKey *k, const void *message, size_t n, uint8_t ret[SHA256_SIZE])
{
        uint8_t inner[SHA256_SIZE];

        if (k->hash.n_bytes > SHA256_BLOCK) {
                memset(k->first, 0, sizeof(k->first));
                sha256_end(&k->hash, k->first);
        }
        masked_hash(k->first, 0x36, message, n, inner);
        masked_hash(k->first, 0x5c, inner, sizeof(inner), ret);
        *k = (HmacKey){};
}
