/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes OpenMetrics. All points of a metric stand together, in the order of their times, as the format
 * demands. */

#include "fleet/results/openmetrics.h"

#include "fleet/results/series.h"

#define TICKS_PER_SEC 100 /* of FleetLoad */

typedef struct Exposition {
        const FleetRecord *record;
        GString *out;
} Exposition;

static void append_family(
                GString *out, const char *name, const char *type, const char *unit, const char *help)
{
        g_string_append_printf(out, "# TYPE %s %s\n", name, type);
        if (unit)
                g_string_append_printf(out, "# UNIT %s %s\n", name, unit);
        g_string_append_printf(out, "# HELP %s %s\n", name, help);
}

static void append_label(GString *out, const char *name, const char *value)
{
        g_string_append_printf(out, "%s=\"", name);
        for (; *value; value++) {
                if (*value == '\\' || *value == '"')
                        g_string_append_c(out, '\\');
                g_string_append_c(out, *value);
        }
        g_string_append_c(out, '"');
}

/* A point of the fleet, with one more label (NULL: none). */
static void append_point(const Exposition *exposition, const char *name, const char *label,
                const char *value, double number, int64_t usec)
{
        int64_t time = exposition->record->begun_realtime + usec;
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        GString *out = exposition->out;

        g_string_append_printf(out, "%s{", name);
        append_label(out, "fleet", exposition->record->expansion->plan->name);
        if (label) {
                g_string_append_c(out, ',');
                append_label(out, label, value);
        }
        g_string_append_printf(out, "} %s %" G_GINT64_FORMAT ".%06d\n",
                        g_ascii_formatd(text, sizeof text, "%.15g", number), time / G_USEC_PER_SEC,
                        (int) (time % G_USEC_PER_SEC));
}

static void append_states(const Exposition *exposition)
{
        const GArray *samples = exposition->record->samples;

        append_family(exposition->out, "shruthi_fleet_members", "gauge", NULL, "Members by state.");
        for (FleetState state = 0; state < _FLEET_STATE_MAX; state++)
                for (guint i = 0; i < samples->len; i++) {
                        const FleetSample *sample = &g_array_index(samples, FleetSample, i);

                        /* Of several at one time the last counts. */
                        if (i + 1 < samples->len && sample[1].usec <= sample->usec)
                                continue;
                        append_point(exposition, "shruthi_fleet_members", "state",
                                        fleet_state_to_string(state), sample->counts[state], sample->usec);
                }
}

static double number_of_running(const FleetGroupSample *sample)
{
        return sample->running;
}

static double number_of_cpu(const FleetGroupSample *sample)
{
        return (double) sample->usage.cpu_usec / G_USEC_PER_SEC;
}

static double number_of_memory(const FleetGroupSample *sample)
{
        return (double) sample->memory;
}

static double number_of_received_bytes(const FleetGroupSample *sample)
{
        return (double) sample->usage.received_bytes;
}

static double number_of_received_packets(const FleetGroupSample *sample)
{
        return (double) sample->usage.received_packets;
}

static double number_of_sent_bytes(const FleetGroupSample *sample)
{
        return (double) sample->usage.sent_bytes;
}

static double number_of_sent_packets(const FleetGroupSample *sample)
{
        return (double) sample->usage.sent_packets;
}

static void append_groups(const Exposition *exposition)
{
        static const struct {
                const char *name, *unit, *help;
                bool counts;
                double (*number)(const FleetGroupSample *sample);
        } families[] = {
                        {"shruthi_fleet_running_members", NULL, "Members of a group that run.", false,
                                        number_of_running},
                        {"shruthi_fleet_cpu_seconds", "seconds", "Processor time of the members of a group.",
                                        true, number_of_cpu},
                        {"shruthi_fleet_memory_bytes", "bytes", "Memory of the members of a group.", false,
                                        number_of_memory},
                        {"shruthi_fleet_received_bytes", "bytes", "What they have received.", true,
                                        number_of_received_bytes},
                        {"shruthi_fleet_received_packets", NULL, "What they have received, in packets.",
                                        true, number_of_received_packets},
                        {"shruthi_fleet_sent_bytes", "bytes", "What they have sent.", true,
                                        number_of_sent_bytes},
                        {"shruthi_fleet_sent_packets", NULL, "What they have sent, in packets.", true,
                                        number_of_sent_packets},
        };
        const FleetRecord *record = exposition->record;
        const GPtrArray *groups = record->expansion->plan->groups;

        for (size_t f = 0; f < G_N_ELEMENTS(families); f++) {
                g_autofree char *name =
                                g_strconcat(families[f].name, families[f].counts ? "_total" : "", NULL);

                append_family(exposition->out, families[f].name, families[f].counts ? "counter" : "gauge",
                                families[f].unit, families[f].help);
                for (guint k = 0; k < groups->len; k++)
                        for (guint i = 0; i < record->hosts->len; i++)
                                append_point(exposition, name, "group",
                                                ((const FleetGroup *) groups->pdata[k])->name,
                                                families[f].number(fleet_record_group_sample(record, i, k)),
                                                g_array_index(record->hosts, FleetHostSample, i).usec);
        }
}

static double seconds_of(const FleetLoad *load, guint mode)
{
        uint64_t ticks = mode == 0 ? load->busy : mode == 1 ? load->stolen : load->all;

        if (mode == 2)
                ticks -= MIN(ticks, load->busy + load->stolen);
        return (double) ticks / TICKS_PER_SEC;
}

static void append_host(const Exposition *exposition)
{
        static const char *const modes[] = {"busy", "stolen", "idle"};
        const GArray *hosts = exposition->record->hosts;

        append_family(exposition->out, "shruthi_host_cpu_seconds", "counter", "seconds",
                        "Time of all processors of the host since the clock began.");
        for (guint mode = 0; mode < G_N_ELEMENTS(modes); mode++) {
                double most = 0;

                for (guint i = 0; i < hosts->len; i++) {
                        const FleetHostSample *host = &g_array_index(hosts, FleetHostSample, i);

                        /* The kernel's counters go backwards now and then: proc_stat(5). */
                        most = MAX(most, seconds_of(&host->load, mode));
                        append_point(exposition, "shruthi_host_cpu_seconds_total", "mode", modes[mode], most,
                                        host->usec);
                }
        }
        append_family(exposition->out, "shruthi_host_load_average", "gauge", NULL,
                        "Load average of the last minute.");
        for (guint i = 0; i < hosts->len; i++)
                append_point(exposition, "shruthi_host_load_average", NULL, NULL,
                                g_array_index(hosts, FleetHostSample, i).load_average,
                                g_array_index(hosts, FleetHostSample, i).usec);
        append_family(exposition->out, "shruthi_host_memory_available_bytes", "gauge", "bytes",
                        "Memory that the host has available.");
        for (guint i = 0; i < hosts->len; i++)
                append_point(exposition, "shruthi_host_memory_available_bytes", NULL, NULL,
                                (double) g_array_index(hosts, FleetHostSample, i).memory_available,
                                g_array_index(hosts, FleetHostSample, i).usec);
}

char *fleet_format_openmetrics(const FleetRecord *record)
{
        g_autoptr(GString) out = g_string_new(NULL);
        const Exposition exposition = {.record = record, .out = out};

        append_states(&exposition);
        append_groups(&exposition);
        append_host(&exposition);
        g_string_append(out, "# EOF\n");
        return g_string_free(g_steal_pointer(&out), FALSE);
}
