/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a plane has counted, as text. */

#include "switch/plane-private.h"
#include "switch/protocol.h"

static void append_pair(const Plane *plane, uint32_t from, uint32_t to, GString *out)
{
        g_string_append_printf(out, "%s,%s", plane_member(plane, from)->name, plane_member(plane, to)->name);
        for (PairCounter i = 0; i < _PAIR_COUNTER_MAX; i++)
                g_string_append_printf(out, ",%" G_GUINT64_FORMAT, pairs_get(plane->pairs, from, to, i));
        g_string_append_c(out, '\n');
}

/* The copies of what it has sent to all are in the lines of their receivers. */
static void append_to_all(const PlaneMember *member, GString *out)
{
        if (member->sent_to_all > 0)
                g_string_append_printf(out,
                                "%s,*,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",0,0,0,0,0,0,0,0\n",
                                member->name, member->sent_to_all, member->sent_to_all_bytes);
}

bool plane_append_counters(const Plane *plane, uint32_t *from, GString *out)
{
        if (*from == 0)
                g_string_append(out, SWITCH_COUNTERS_HEAD "\n");
        if (*from >= plane->members->len)
                return false;

        for (uint32_t to = 0; to < MIN(pairs_row_size(plane->pairs, *from), plane->members->len); to++)
                if (pairs_get(plane->pairs, *from, to, PAIR_PACKETS) > 0)
                        append_pair(plane, *from, to, out);
        append_to_all(plane_member(plane, *from), out);
        (*from)++;
        return true;
}

static uint32_t plane_count_mappings(const Plane *plane)
{
        GHashTableIter iter;
        void *box;
        uint32_t n = 0;

        g_hash_table_iter_init(&iter, plane->boxes);
        while (g_hash_table_iter_next(&iter, NULL, &box))
                n += nat_box_mappings(((PlaneBox *) box)->nat);
        return n;
}

void plane_append_summary(const Plane *plane, GString *out)
{
        const struct {
                const char *key;
                uint64_t value;
        } lines[] = {
                        {"packets", plane->totals[PLANE_PACKETS]},
                        {"bytes", plane->totals[PLANE_BYTES]},
                        {"delivered", plane->totals[PLANE_DELIVERED]},
                        {"dropped_lost", plane->totals[PLANE_LOST]},
                        {"dropped_queue", plane->totals[PLANE_QUEUE]},
                        {"dropped_blocked", plane->totals[PLANE_BLOCKED]},
                        {"dropped_source", plane->totals[PLANE_SOURCE]},
                        {"dropped_unknown", plane->totals[PLANE_UNKNOWN]},
                        {"dropped_nat", plane->totals[PLANE_NAT]},
                        {"dropped_receiver", plane->totals[PLANE_RECEIVER]},
                        {"memory_limit_drops", plane->totals[PLANE_MEMORY]},
                        {"late_packets", plane->totals[PLANE_LATE]},
                        {"lateness_p50_usec", lateness_quantile(plane->lateness, 0.5)},
                        {"lateness_p99_usec", lateness_quantile(plane->lateness, 0.99)},
                        {"lateness_max_usec", lateness_max(plane->lateness)},
                        {"in_flight", flight_count(plane->flight)},
                        {"in_flight_bytes", flight_bytes(plane->flight)},
                        {"ports", plane->ports->len},
                        {"members", plane->members->len},
                        {"pairs", plane->n_pairs},
                        {"nat_mappings", plane_count_mappings(plane)},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
                g_string_append_printf(out, "%s=%" G_GUINT64_FORMAT "\n", lines[i].key, lines[i].value);
}
