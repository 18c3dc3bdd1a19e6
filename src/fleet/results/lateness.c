/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Late packets. */

#include "fleet/results/lateness.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/string-util.h"

#define SUMMARY_KEYS_MAX 256

static void links_record_free(gpointer data)
{
        FleetLinksRecord *links = data;

        g_ptr_array_unref(links->summary);
        g_free(links->problem);
        g_free(links);
}

void fleet_record_add_links(
                FleetRecord *record, const FleetNetwork *network, const char *summary, const char *problem)
{
        FleetLinksRecord *links = g_new0(FleetLinksRecord, 1);
        g_auto(GStrv) lines = g_strsplit(summary ?: "", "\n", SUMMARY_KEYS_MAX + 1);

        *links = (FleetLinksRecord){.network = network,
                        .summary = g_ptr_array_new_with_free_func(g_free),
                        .problem = summary ? NULL : g_strdup(problem ?: "it is not known what it counted")};
        for (guint i = 0; lines[i] && i < SUMMARY_KEYS_MAX; i++) {
                const char *equals = strchr(lines[i], '=');

                if (!equals || equals == lines[i])
                        continue;
                g_ptr_array_add(links->summary, g_strndup(lines[i], (size_t) (equals - lines[i])));
                g_ptr_array_add(links->summary, g_strdup(equals + 1));
        }
        if (!record->links)
                record->links = g_ptr_array_new_with_free_func(links_record_free);
        g_ptr_array_add(record->links, links);
}

uint64_t fleet_links_number(const FleetLinksRecord *links, const char *key)
{
        uint64_t number;

        for (guint i = 0; i + 1 < links->summary->len; i += 2)
                if (g_str_equal(links->summary->pdata[i], key) &&
                                number_parse(links->summary->pdata[i + 1], 0, UINT64_MAX, &number) >= 0)
                        return number;

        return 0;
}

/* Then it has counted anew, and so have the numbers of packets, from which chance comes. */
static bool links_were_restarted(const FleetRecord *record, const FleetLinksRecord *links)
{
        return record->clock != FLEET_NEVER &&
               fleet_links_number(links, "since_usec") >
                               (uint64_t) (record->begun_realtime + MAX(record->clock, 0));
}

GPtrArray *fleet_links_problems(const FleetRecord *record, const FleetLinksRecord *links)
{
        GPtrArray *problems = g_ptr_array_new_with_free_func(g_free);
        uint64_t p99 = fleet_links_number(links, "lateness_p99_usec"),
                 overflows = fleet_links_number(links, "receive_overflows"),
                 dropped = fleet_links_number(links, "memory_limit_drops");

        if (links->problem) {
                g_ptr_array_add(problems, g_strdup_printf("Nothing is known of the links of %s: %s",
                                                          links->network->name, links->problem));
                return problems;
        }
        if (links_were_restarted(record, links))
                g_ptr_array_add(problems, g_strdup_printf("On %s, shruthi-switch was restarted while the "
                                                          "plan was carried out, "
                                                          "and what was before is not counted",
                                                          links->network->name));
        if (p99 > FLEET_LATE_USEC)
                g_ptr_array_add(problems,
                                g_strdup_printf("On %s, 1%% of the packets were %" G_GUINT64_FORMAT
                                                ".%03u ms late or more (%" G_GUINT64_FORMAT
                                                " of %" G_GUINT64_FORMAT " by more than 1 ms)",
                                                links->network->name, p99 / 1000, (unsigned) (p99 % 1000),
                                                fleet_links_number(links, "late_packets"),
                                                fleet_links_number(links, "delivered")));
        if (overflows > 0)
                g_ptr_array_add(problems,
                                g_strdup_printf("On %s, %" G_GUINT64_FORMAT
                                                " packets came faster than they were read, and are lost",
                                                links->network->name, overflows));
        if (dropped > 0)
                g_ptr_array_add(problems,
                                g_strdup_printf("On %s, %" G_GUINT64_FORMAT
                                                " packets were lost because more were under way than may be",
                                                links->network->name, dropped));
        return problems;
}

char *fleet_record_lateness(const FleetRecord *record)
{
        g_autoptr(GString) all = g_string_new(NULL);
        g_autofree char *load = NULL;

        for (guint i = 0; record->links && i < record->links->len; i++) {
                g_autoptr(GPtrArray) problems = fleet_links_problems(record, record->links->pdata[i]);

                for (guint k = 0; k < problems->len; k++)
                        g_string_append_printf(all, "%s. ", (const char *) problems->pdata[k]);
        }
        if (all->len == 0)
                return NULL;

        load = fleet_load_format(&record->load);
        g_string_append_printf(all, "The processors were %s.", load);
        return g_string_free(g_steal_pointer(&all), FALSE);
}

int fleet_load_parse(const char *text, FleetLoad *ret_load)
{
        unsigned long long v[8] = {};

        if (sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3], &v[4],
                            &v[5], &v[6], &v[7]) != 8)
                return -EBADMSG;

        *ret_load = (FleetLoad){.busy = v[0] + v[1] + v[2] + v[5] + v[6], .stolen = v[7]};
        ret_load->all = ret_load->busy + ret_load->stolen + v[3] + v[4];
        return 0;
}

/* Some of these counters go backwards now and then: proc_stat(5). */
static uint64_t difference(uint64_t begin, uint64_t end)
{
        return end > begin ? end - begin : 0;
}

FleetLoad fleet_load_between(const FleetLoad *begin, const FleetLoad *end)
{
        return (FleetLoad){.busy = difference(begin->busy, end->busy),
                        .stolen = difference(begin->stolen, end->stolen),
                        .all = difference(begin->all, end->all)};
}

char *fleet_load_format(const FleetLoad *load)
{
        double all = load->all > 0 ? (double) load->all : 1;

        return g_strdup_printf("%.0f%% busy, %.0f%% taken by a host above", (double) load->busy * 100 / all,
                        (double) load->stolen * 100 / all);
}
