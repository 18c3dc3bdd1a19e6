/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counters of 32 bits, and of 16 for what is rare, whose carries are kept beside them for the few that have
 * any. Called by plane.c. */

#include "switch/pairs.h"

#include <stdbool.h>
#include <string.h>

#define ROW_STEP 64 /* a row is as long as the highest receiver demands, rounded up */
#define N_COMMON PAIR_QUEUE_DROPPED
#define N_RARE   (_PAIR_COUNTER_MAX - PAIR_QUEUE_DROPPED)

typedef struct Pair {
        LinkState state; /* whose mark says that a counter has a carry */
        uint32_t counters[N_COMMON];
} Pair;

typedef struct PairRow {
        Pair *pairs;
        uint16_t (*rare)[N_RARE]; /* NULL: all are 0 */
        uint32_t size;
} PairRow;

struct Pairs {
        GArray *rows;
        uint32_t n_members;
        GHashTable *carries; /* uint64_t → itself and a count, see PairCarry */
};

typedef struct PairCarry {
        gint64 key;
        uint32_t count;
} PairCarry;

G_STATIC_ASSERT(sizeof(Pair) == 32);

static void pair_row_clear(gpointer data)
{
        PairRow *row = data;

        g_free(row->pairs);
        g_free(row->rare);
}

Pairs *pairs_new(void)
{
        Pairs *pairs = g_new(Pairs, 1);

        pairs->n_members = 0;
        pairs->rows = g_array_new(FALSE, TRUE, sizeof(PairRow));
        g_array_set_clear_func(pairs->rows, pair_row_clear);
        pairs->carries = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
        return pairs;
}

void pairs_free(Pairs *pairs)
{
        if (!pairs)
                return;

        g_array_unref(pairs->rows);
        g_hash_table_unref(pairs->carries);
        g_free(pairs);
}

void pairs_set_members(Pairs *pairs, uint32_t n)
{
        pairs->n_members = n;
}

static PairRow *pairs_row(Pairs *pairs, uint32_t from, uint32_t to)
{
        PairRow *row;

        if (from >= pairs->rows->len)
                g_array_set_size(pairs->rows, from + 1);
        row = &g_array_index(pairs->rows, PairRow, from);
        if (to >= row->size) {
                uint32_t size = (MAX(to + 1, pairs->n_members) + ROW_STEP - 1) / ROW_STEP * ROW_STEP,
                         more = size - row->size;

                row->pairs = g_renew(Pair, row->pairs, size);
                memset(row->pairs + row->size, 0, more * sizeof *row->pairs);
                if (row->rare) {
                        row->rare = g_realloc_n(row->rare, size, sizeof *row->rare);
                        memset(row->rare + row->size, 0, more * sizeof *row->rare);
                }
                row->size = size;
        }
        return row;
}

LinkState *pairs_state(Pairs *pairs, uint32_t from, uint32_t to)
{
        return &pairs_row(pairs, from, to)->pairs[to].state;
}

static gint64 carry_key(uint32_t from, uint32_t to, PairCounter counter)
{
        return (gint64) from << 36 | (gint64) to << 4 | counter;
}

static void pairs_carry(Pairs *pairs, uint32_t from, uint32_t to, PairCounter counter)
{
        gint64 key = carry_key(from, to, counter);
        PairCarry *carry = g_hash_table_lookup(pairs->carries, &key);

        if (!carry) {
                carry = g_new(PairCarry, 1);
                *carry = (PairCarry){.key = key};
                g_hash_table_add(pairs->carries, carry);
        }
        carry->count++;
}

void pairs_add(Pairs *pairs, uint32_t from, uint32_t to, PairCounter counter, uint32_t amount)
{
        PairRow *row = pairs_row(pairs, from, to);
        bool carries;

        if (counter < N_COMMON)
                carries = __builtin_add_overflow(
                                row->pairs[to].counters[counter], amount, &row->pairs[to].counters[counter]);
        else {
                uint16_t *value;

                if (!row->rare)
                        row->rare = g_malloc0_n(row->size, sizeof *row->rare);
                value = &row->rare[to][counter - N_COMMON];
                carries = __builtin_add_overflow(*value, (uint16_t) amount, value);
        }
        if (carries) {
                row->pairs[to].state.mark = 1;
                pairs_carry(pairs, from, to, counter);
        }
}

uint64_t pairs_get(const Pairs *pairs, uint32_t from, uint32_t to, PairCounter counter)
{
        const PairRow *row;
        gint64 key = carry_key(from, to, counter);
        const PairCarry *carry;
        uint64_t value;

        if (to >= pairs_row_size(pairs, from))
                return 0;
        row = &g_array_index(pairs->rows, PairRow, from);
        if (counter >= N_COMMON)
                value = row->rare ? row->rare[to][counter - N_COMMON] : 0;
        else
                value = row->pairs[to].counters[counter];
        if (!row->pairs[to].state.mark)
                return value;
        carry = g_hash_table_lookup(pairs->carries, &key);
        return carry ? value + ((uint64_t) carry->count << (counter < N_COMMON ? 32 : 16)) : value;
}

uint32_t pairs_row_size(const Pairs *pairs, uint32_t from)
{
        return from < pairs->rows->len ? g_array_index(pairs->rows, PairRow, from).size : 0;
}
