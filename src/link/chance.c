/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SipHash-2-4 as in its paper, of 16 bytes: two blocks, and the last with the length alone. */

#include "link/chance.h"

#include <glib.h>
#include <string.h>

#include "link/shape.h"

#define FORMAT     "shruthi-links 1\n"
#define LAST_BLOCK (UINT64_C(16) << 56)

void link_key_init(LinkKey *key, const char *seed, const char *from, const char *to)
{
        g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
        const char *const parts[] = {FORMAT, seed, "\n", from, "\n", to};
        uint8_t digest[32];
        gsize size = sizeof digest;

        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
                g_checksum_update(checksum, (const guchar *) parts[i], (gssize) strlen(parts[i]));
        g_checksum_get_digest(checksum, digest, &size);

        memcpy(key->words, digest, sizeof key->words);
        key->words[0] = GUINT64_FROM_LE(key->words[0]);
        key->words[1] = GUINT64_FROM_LE(key->words[1]);
}

static inline uint64_t turned(uint64_t value, unsigned bits)
{
        return value << bits | value >> (64 - bits);
}

static inline void sip_round(uint64_t v[static 4])
{
        v[0] += v[1];
        v[1] = turned(v[1], 13) ^ v[0];
        v[0] = turned(v[0], 32);
        v[2] += v[3];
        v[3] = turned(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = turned(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = turned(v[1], 17) ^ v[2];
        v[2] = turned(v[2], 32);
}

static inline void sip_block(uint64_t v[static 4], uint64_t block)
{
        v[3] ^= block;
        sip_round(v);
        sip_round(v);
        v[0] ^= block;
}

uint64_t link_chance(const LinkKey *key, uint64_t number, LinkChance chance)
{
        uint64_t v[4] = {
                        key->words[0] ^ UINT64_C(0x736f6d6570736575),
                        key->words[1] ^ UINT64_C(0x646f72616e646f6d),
                        key->words[0] ^ UINT64_C(0x6c7967656e657261),
                        key->words[1] ^ UINT64_C(0x7465646279746573),
        };

        sip_block(v, number);
        sip_block(v, (uint64_t) chance);
        sip_block(v, LAST_BLOCK);
        v[2] ^= 0xff;
        for (int i = 0; i < 4; i++)
                sip_round(v);

        return v[0] ^ v[1] ^ v[2] ^ v[3];
}

bool link_chance_hits(const LinkKey *key, uint64_t number, LinkChance chance, uint32_t share)
{
        if (share == 0)
                return false;
        return (link_chance(key, number, chance) >> 32) * SHAPE_WHOLE >> 32 < share;
}

double link_chance_unit(const LinkKey *key, uint64_t number, LinkChance chance)
{
        return ((double) (link_chance(key, number, chance) >> 11) + 1) / 9007199254740992.0;
}
