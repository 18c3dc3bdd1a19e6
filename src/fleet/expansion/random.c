/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Numbers from a seed. */

#include "fleet/expansion/random.h"

#include <stdarg.h>
#include <string.h>

#define FORMAT "shruthi-fleet 1\n"

void fleet_random_init(FleetRandom *random, const char *seed, const char *purpose, ...)
{
        g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
        g_autofree char *text = NULL;
        uint8_t digest[32];
        gsize size = sizeof digest;
        va_list ap;

        va_start(ap, purpose);
        text = g_strdup_vprintf(purpose, ap);
        va_end(ap);

        g_checksum_update(checksum, (const guchar *) FORMAT, strlen(FORMAT));
        g_checksum_update(checksum, (const guchar *) seed, (gssize) strlen(seed));
        g_checksum_update(checksum, (const guchar *) "\n", 1);
        g_checksum_update(checksum, (const guchar *) text, (gssize) strlen(text));
        g_checksum_get_digest(checksum, digest, &size);

        for (size_t i = 0; i < G_N_ELEMENTS(random->state); i++) {
                uint64_t word;

                memcpy(&word, digest + i * sizeof word, sizeof word);
                random->state[i] = GUINT64_FROM_LE(word);
        }
}

static uint64_t rotated(uint64_t value, unsigned bits)
{
        return value << bits | value >> (64 - bits);
}

uint64_t fleet_random_next(FleetRandom *random)
{
        uint64_t *s = random->state, result = rotated(s[1] * 5, 7) * 9, t = s[1] << 17;

        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = rotated(s[3], 45);

        return result;
}

uint64_t fleet_random_below(FleetRandom *random, uint64_t below)
{
        uint64_t least = (0 - below) % below, value; /* 2^64 mod below */

        do
                value = fleet_random_next(random);
        while (value < least);

        return value % below;
}

double fleet_random_unit(FleetRandom *random)
{
        return ((double) (fleet_random_next(random) >> 11) + 1) / 9007199254740992.0;
}

void fleet_random_draw(FleetRandom *random, GArray *array, guint n)
{
        guint size = g_array_get_element_size(array);
        g_autofree char *kept = g_malloc(size);

        for (guint i = 0; i < n; i++) {
                guint other = i + (guint) fleet_random_below(random, array->len - i);
                char *a = array->data + (size_t) i * size, *b = array->data + (size_t) other * size;

                memcpy(kept, a, size);
                memcpy(a, b, size);
                memcpy(b, kept, size);
        }
}
