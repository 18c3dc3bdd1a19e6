/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks. */

#include "fleet/results/series.h"

#include "fleet/expansion/text.h"
#include "fleet/results/lateness.h"

static void usage_add(FleetUsage *sum, const FleetUsage *one)
{
        sum->cpu_usec += one->cpu_usec;
        sum->received_bytes += one->received_bytes;
        sum->received_packets += one->received_packets;
        sum->sent_bytes += one->sent_bytes;
        sum->sent_packets += one->sent_packets;
}

/* Whoever reads them takes their differences for rates, which cannot be negative. */
static void usage_keep_up(FleetUsage *usage, const FleetUsage *before)
{
        usage->cpu_usec = MAX(usage->cpu_usec, before->cpu_usec);
        usage->received_bytes = MAX(usage->received_bytes, before->received_bytes);
        usage->received_packets = MAX(usage->received_packets, before->received_packets);
        usage->sent_bytes = MAX(usage->sent_bytes, before->sent_bytes);
        usage->sent_packets = MAX(usage->sent_packets, before->sent_packets);
}

const FleetGroupSample *fleet_record_group_sample(const FleetRecord *record, guint look, guint group)
{
        return &g_array_index(record->groups, FleetGroupSample,
                        look * record->expansion->plan->groups->len + group);
}

static void record_thin_looks(FleetRecord *record)
{
        guint n_groups = record->expansion->plan->groups->len, n = record->hosts->len / 2;
        FleetHostSample *hosts = (FleetHostSample *) (void *) record->hosts->data;
        FleetGroupSample *groups = (FleetGroupSample *) (void *) record->groups->data;

        for (guint i = 0; i < n; i++) {
                hosts[i] = hosts[2 * i];
                for (guint k = 0; k < n_groups; k++)
                        groups[i * n_groups + k] = groups[2 * i * n_groups + k];
        }
        g_array_set_size(record->hosts, n);
        g_array_set_size(record->groups, n * n_groups);
}

void fleet_record_look(FleetRecord *record, const FleetHostSample *host)
{
        const GPtrArray *groups = record->expansion->plan->groups;
        guint n = record->hosts->len;

        if (n > 0 && g_array_index(record->hosts, FleetHostSample, n - 1).usec >= host->usec)
                return;
        if (record->groups->len + groups->len > FLEET_SERIES_MAX && n > 1) {
                record_thin_looks(record);
                n = record->hosts->len;
        }

        for (guint i = 0; i < groups->len; i++) {
                const FleetGroup *group = groups->pdata[i];
                FleetGroupSample sample = {};

                for (guint k = 0; k < group->count; k++) {
                        const FleetMemberRecord *member = &record->members[group->first + k];
                        bool runs = member->state == FLEET_STATE_RUNNING ||
                                    member->state == FLEET_STATE_PAUSED;

                        usage_add(&sample.usage, &member->former);
                        usage_add(&sample.usage, &member->current);
                        sample.running += member->state == FLEET_STATE_RUNNING;
                        sample.memory += runs ? member->memory_now : 0;
                }
                if (n > 0)
                        usage_keep_up(&sample.usage, &fleet_record_group_sample(record, n - 1, i)->usage);
                g_array_append_val(record->groups, sample);
        }
        g_array_append_vals(record->hosts, host, 1);
}

char *fleet_format_usage(const FleetRecord *record)
{
        const GPtrArray *groups = record->expansion->plan->groups;
        g_autoptr(GString) out =
                        g_string_new("time,group,running,cpu_seconds,memory,received_bytes,received_"
                                     "packets,sent_bytes,sent_packets\n");

        for (guint i = 0; i < record->hosts->len; i++)
                for (guint k = 0; k < groups->len; k++) {
                        const FleetGroupSample *sample = fleet_record_group_sample(record, i, k);

                        fleet_append_seconds(out, g_array_index(record->hosts, FleetHostSample, i).usec);
                        g_string_append_c(out, ',');
                        fleet_append_csv(out, ((const FleetGroup *) groups->pdata[k])->name);
                        g_string_append_printf(out, ",%u,", sample->running);
                        fleet_append_seconds(out, (int64_t) sample->usage.cpu_usec);
                        g_string_append_printf(out,
                                        ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT
                                        ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "\n",
                                        sample->memory, sample->usage.received_bytes,
                                        sample->usage.received_packets, sample->usage.sent_bytes,
                                        sample->usage.sent_packets);
                }

        return g_string_free(g_steal_pointer(&out), FALSE);
}

/* A share of the time since the look before; nothing for the first one. */
static void append_share(GString *out, uint64_t part, uint64_t all)
{
        char number[G_ASCII_DTOSTR_BUF_SIZE];

        g_string_append_c(out, ',');
        if (all > 0)
                g_string_append(out, g_ascii_formatd(number, sizeof number, "%.4f",
                                                     (double) part / (double) all));
}

char *fleet_format_host(const FleetRecord *record)
{
        g_autoptr(GString) out = g_string_new("time,busy,stolen,load_average,memory_available\n");
        char number[G_ASCII_DTOSTR_BUF_SIZE];

        for (guint i = 0; i < record->hosts->len; i++) {
                const FleetHostSample *host = &g_array_index(record->hosts, FleetHostSample, i);
                FleetLoad load = {};

                if (i > 0)
                        load = fleet_load_between(&g_array_index(record->hosts, FleetHostSample, i - 1).load,
                                        &host->load);
                fleet_append_seconds(out, host->usec);
                append_share(out, load.busy, load.all);
                append_share(out, load.stolen, load.all);
                g_string_append_printf(out, ",%s,%" G_GUINT64_FORMAT "\n",
                                g_ascii_formatd(number, sizeof number, "%.2f", host->load_average),
                                host->memory_available);
        }

        return g_string_free(g_steal_pointer(&out), FALSE);
}
