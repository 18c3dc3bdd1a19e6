/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Results for programs. */

#include "fleet/results/tables.h"

#include <string.h>

#include "common/string-util.h"
#include "fleet/expansion/text.h"
#include "fleet/results/lateness.h"

static void append_key(GString *out, const char *key)
{
        fleet_append_json(out, key);
        g_string_append_c(out, ':');
}

/* Seconds, or null. */
static void append_json_time(GString *out, const char *key, int64_t usec)
{
        append_key(out, key);
        if (usec == FLEET_NEVER)
                g_string_append(out, "null");
        else
                fleet_append_seconds(out, usec);
}

static void append_csv_time(GString *out, int64_t usec)
{
        g_string_append_c(out, ',');
        if (usec != FLEET_NEVER)
                fleet_append_seconds(out, usec);
}

static void run_append_groups(GString *out, const FleetRecord *record)
{
        const GPtrArray *groups = record->expansion->plan->groups;

        g_string_append(out, "  \"Groups\": [");
        for (guint i = 0; i < groups->len; i++) {
                const FleetGroup *group = groups->pdata[i];

                g_string_append_printf(out, "%s\n    {\"Name\": ", i > 0 ? "," : "");
                fleet_append_json(out, group->name);
                g_string_append_printf(out, ", \"Count\": %u, \"Image\": ", group->count);
                fleet_append_json(out, group->image);
                g_string_append(out, ", \"ImageDigest\": ");
                fleet_append_json(out, i < record->digests->len ? record->digests->pdata[i] : NULL);
                g_string_append_c(out, '}');
        }
        g_string_append(out, "\n  ],\n");
}

static void run_append_barriers(GString *out, const FleetRecord *record)
{
        g_string_append(out, "  \"Barriers\": [");
        for (guint i = 0; i < record->barriers->len; i++) {
                const FleetBarrierRecord *barrier = &g_array_index(record->barriers, FleetBarrierRecord, i);

                g_string_append_printf(out, "%s\n    {\"Name\": ", i > 0 ? "," : "");
                fleet_append_json(out, barrier->barrier->name);
                g_string_append_printf(out, ", \"Held\": %s, \"Passed\": %u, \"Members\": %u, ",
                                barrier->held ? "true" : "false", barrier->passed, barrier->all);
                append_json_time(out, "Began", barrier->began);
                g_string_append(out, ", ");
                append_json_time(out, "Ended", barrier->ended);
                g_string_append_c(out, '}');
        }
        g_string_append(out, record->barriers->len > 0 ? "\n  ],\n" : "],\n");
}

/* A number as it is; what is none, as text. */
static void append_summary_value(GString *out, const char *value)
{
        uint64_t number;

        if (number_parse(value, 0, UINT64_MAX, &number) >= 0)
                g_string_append_printf(out, "%" G_GUINT64_FORMAT, number);
        else
                fleet_append_json(out, value);
}

static void run_append_links(GString *out, const FleetRecord *record)
{
        g_string_append(out, "  \"Links\": [");
        for (guint i = 0; record->links && i < record->links->len; i++) {
                const FleetLinksRecord *links = record->links->pdata[i];
                g_autoptr(GPtrArray) problems = fleet_links_problems(record, links);

                g_string_append_printf(out, "%s\n    {\"Network\": ", i > 0 ? "," : "");
                fleet_append_json(out, links->network->name);
                g_string_append_printf(out, ", \"InTime\": %s, \"Problems\": [",
                                problems->len == 0 ? "true" : "false");
                for (guint k = 0; k < problems->len; k++) {
                        g_string_append(out, k > 0 ? ", " : "");
                        fleet_append_json(out, problems->pdata[k]);
                }
                g_string_append(out, "], \"Summary\": {");
                for (guint k = 0; k + 1 < links->summary->len; k += 2) {
                        g_string_append(out, k > 0 ? ", " : "");
                        append_key(out, links->summary->pdata[k]);
                        g_string_append_c(out, ' ');
                        append_summary_value(out, links->summary->pdata[k + 1]);
                }
                g_string_append(out, "}}");
        }
        g_string_append(out, record->links ? "\n  ],\n" : "],\n");
}

static void run_append_load(GString *out, const FleetRecord *record)
{
        double all = record->load.all > 0 ? (double) record->load.all : 1;
        char busy[G_ASCII_DTOSTR_BUF_SIZE], stolen[G_ASCII_DTOSTR_BUF_SIZE];

        g_string_append_printf(out, "  \"Load\": {\"Busy\": %s, \"Stolen\": %s},\n",
                        g_ascii_formatd(busy, sizeof busy, "%.4f", (double) record->load.busy / all),
                        g_ascii_formatd(stolen, sizeof stolen, "%.4f", (double) record->load.stolen / all));
}

char *fleet_format_run(const FleetRecord *record)
{
        const FleetPlan *plan = record->expansion->plan;
        char number[G_ASCII_DTOSTR_BUF_SIZE];
        g_autoptr(GString) out = g_string_new("{\n  \"Format\": 1,\n  \"Fleet\": ");

        fleet_append_json(out, plan->name);
        g_string_append(out, ",\n  \"Seed\": ");
        fleet_append_json(out, plan->seed);
        g_string_append_printf(out, ",\n  \"Began\": %" G_GINT64_FORMAT ",\n  ", record->begun_realtime);
        append_json_time(out, "Clock", record->clock);
        g_string_append(out, ",\n  ");
        append_json_time(out, "Ended", record->ended);
        g_string_append(out, ",\n  ");
        append_json_time(out, "Duration", (int64_t) plan->duration_usec);
        g_string_append_printf(out, ",\n  \"Members\": %u,\n  \"Failed\": %u,\n  \"Tolerate\": %s,\n",
                        record->expansion->members->len, fleet_record_count_failed(record),
                        g_ascii_formatd(number, sizeof number, "%g", plan->tolerate));
        g_string_append_printf(out, "  \"Success\": %s,\n  \"Interrupted\": %s,\n  \"Problem\": ",
                        fleet_record_is_success(record) ? "true" : "false",
                        record->interrupted ? "true" : "false");
        fleet_append_json(out, record->problem);
        g_string_append_printf(out,
                        ",\n  \"EntriesLeftOut\": %u,\n  \"MetricsLeftOut\": %" G_GUINT64_FORMAT ",\n",
                        record->expansion->n_left_out, record->metrics_left_out);
        run_append_groups(out, record);
        run_append_barriers(out, record);
        run_append_links(out, record);
        run_append_load(out, record);
        g_string_append(out, "  \"Host\": {");
        for (guint i = 0; i + 1 < record->facts->len; i += 2) {
                g_string_append(out, i > 0 ? ",\n    " : "\n    ");
                append_key(out, record->facts->pdata[i]);
                g_string_append_c(out, ' ');
                fleet_append_json(out, record->facts->pdata[i + 1]);
        }
        g_string_append(out, "\n  },\n  \"Plan\": ");
        fleet_append_json(out, plan->text);
        g_string_append(out, "\n}\n");

        return g_string_free(g_steal_pointer(&out), FALSE);
}

static void members_append_usage(GString *out, const FleetMemberRecord *record)
{
        const FleetUsage *former = &record->former, *current = &record->current;

        g_string_append_c(out, ',');
        fleet_append_seconds(out, (int64_t) (former->cpu_usec + current->cpu_usec));
        g_string_append_printf(out,
                        ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT
                        ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT,
                        record->memory, former->received_bytes + current->received_bytes,
                        former->received_packets + current->received_packets,
                        former->sent_bytes + current->sent_bytes,
                        former->sent_packets + current->sent_packets);
}

char *fleet_format_members(const FleetRecord *record)
{
        g_autoptr(GString) out = g_string_new("name,group,index,address,created,called,ready,ended,starts,"
                                              "state,failed,result,exit_status,"
                                              "cpu_seconds,memory,received_bytes,received_packets,sent_"
                                              "bytes,sent_packets,problem\n");

        for (guint i = 0; i < record->expansion->members->len; i++) {
                const FleetMemberRecord *member = &record->members[i];
                g_autofree char *address = member->member->addresses->len > 0
                                                           ? fleet_member_address(member->member, 0)
                                                           : g_strdup("");

                fleet_append_csv(out, member->member->name);
                g_string_append_c(out, ',');
                fleet_append_csv(out, member->member->group->name);
                g_string_append_printf(out, ",%u,", member->member->index);
                fleet_append_csv(out, address);
                append_csv_time(out, member->created);
                append_csv_time(out, member->called);
                append_csv_time(out, member->ready);
                append_csv_time(out, member->ended);
                g_string_append_printf(out, ",%u,%s,%s,", member->starts,
                                fleet_state_to_string(member->state), member->failed ? "yes" : "no");
                fleet_append_csv(out, member->result);
                g_string_append_c(out, ',');
                if (member->result)
                        g_string_append_printf(out, "%" G_GINT64_FORMAT, member->exit_status);
                members_append_usage(out, member);
                g_string_append_c(out, ',');
                fleet_append_csv(out, member->problem);
                g_string_append_c(out, '\n');
        }

        return g_string_free(g_steal_pointer(&out), FALSE);
}

/* Times of events are those of the clock, as in the plan. */
static int64_t event_clock(const FleetRecord *record, int64_t usec)
{
        return usec == FLEET_NEVER || record->clock == FLEET_NEVER ? FLEET_NEVER : usec - record->clock;
}

char *fleet_format_events(const FleetRecord *record)
{
        g_autoptr(GString) out = g_string_new(NULL);

        for (guint i = 0; i < record->events->len; i++) {
                const FleetEventRecord *event = record->events->pdata[i];

                g_string_append_printf(out, "{\"verb\":\"%s\",\"cause\":\"%s\",\"who\":",
                                fleet_verb_to_string(event->verb), fleet_cause_to_string(event->cause));
                fleet_append_json(out, event->who);
                g_string_append_c(out, ',');
                append_json_time(out, "planned", event->planned);
                g_string_append_c(out, ',');
                append_json_time(out, "began", event_clock(record, event->began));
                g_string_append_c(out, ',');
                append_json_time(out, "ended", event_clock(record, event->ended));
                g_string_append(out, ",\"problem\":");
                fleet_append_json(out, event->problem);
                g_string_append(out, "}\n");
        }

        return g_string_free(g_steal_pointer(&out), FALSE);
}

char *fleet_format_metrics(const FleetRecord *record)
{
        g_autoptr(GString) out = g_string_new("time,member,metric,value\n");
        char number[G_ASCII_DTOSTR_BUF_SIZE];

        for (guint i = 0; i < record->metrics->len; i++) {
                const FleetMetric *metric = &g_array_index(record->metrics, FleetMetric, i);

                fleet_append_seconds(out, metric->usec);
                g_string_append_c(out, ',');
                fleet_append_csv(out, fleet_member_at(record->expansion, metric->member)->name);
                g_string_append_c(out, ',');
                fleet_append_csv(out, metric->name);
                g_string_append_printf(out, ",%s\n", g_ascii_dtostr(number, sizeof number, metric->value));
        }

        return g_string_free(g_steal_pointer(&out), FALSE);
}

char *fleet_format_states(const FleetRecord *record)
{
        g_autoptr(GString) out = g_string_new("time");

        for (FleetState state = 0; state < _FLEET_STATE_MAX; state++)
                g_string_append_printf(out, ",%s", fleet_state_to_string(state));
        g_string_append_c(out, '\n');
        for (guint i = 0; i < record->samples->len; i++) {
                const FleetSample *sample = &g_array_index(record->samples, FleetSample, i);

                fleet_append_seconds(out, sample->usec);
                for (FleetState state = 0; state < _FLEET_STATE_MAX; state++)
                        g_string_append_printf(out, ",%u", sample->counts[state]);
                g_string_append_c(out, '\n');
        }

        return g_string_free(g_steal_pointer(&out), FALSE);
}

static void junit_append_case(
                GString *out, const char *class, const char *name, int64_t usec, const char *failure)
{
        g_string_append(out, "    <testcase classname=\"");
        fleet_append_html(out, class);
        g_string_append(out, "\" name=\"");
        fleet_append_html(out, name);
        g_string_append(out, "\" time=\"");
        fleet_append_seconds(out, usec == FLEET_NEVER ? 0 : usec);
        if (!failure) {
                g_string_append(out, "\"/>\n");
                return;
        }
        g_string_append(out, "\">\n      <failure message=\"");
        fleet_append_html(out, failure);
        g_string_append(out, "\"/>\n    </testcase>\n");
}

static void junit_append_skipped(GString *out, const char *class, const char *name, const char *why)
{
        g_string_append(out, "    <testcase classname=\"");
        fleet_append_html(out, class);
        g_string_append(out, "\" name=\"");
        fleet_append_html(out, name);
        g_string_append(out, "\">\n      <skipped message=\"");
        fleet_append_html(out, why);
        g_string_append(out, "\"/>\n    </testcase>\n");
}

/* What failed of the events, in a sentence; NULL if nothing has. */
static char *junit_events_failure(const FleetRecord *record)
{
        guint n = fleet_record_count_failed_events(record);

        for (guint i = 0; i < record->events->len; i++) {
                const FleetEventRecord *event = record->events->pdata[i];

                if (fleet_record_event_failed(record, event))
                        return g_strdup_printf("%u of %u failed; the first is %s %s: %s", n,
                                        record->events->len, fleet_verb_to_string(event->verb), event->who,
                                        event->problem);
        }

        return NULL;
}

/* A failure that Tolerate= covers is none for whoever reads the file by its failures: it is skipped there.
 */
char *fleet_format_junit(const FleetRecord *record)
{
        const FleetPlan *plan = record->expansion->plan;
        g_autoptr(GString) cases = g_string_new(NULL), out = g_string_new(NULL);
        guint n = record->expansion->members->len, n_failed = fleet_record_count_failed(record),
              failures = 0, skipped = 0;
        bool tolerated = n_failed > 0 && n_failed <= n * plan->tolerate / 100 + 1e-9;
        bool ended_early = record->interrupted || record->problem;
        const char *run_problem = record->problem       ? record->problem
                                  : record->interrupted ? "It was interrupted by a signal"
                                                        : NULL;
        g_autofree char *class = g_strconcat("fleet.", plan->name, NULL),
                        *events = junit_events_failure(record), *lateness = fleet_record_lateness(record);

        for (guint i = 0; i < n; i++) {
                const FleetMemberRecord *member = &record->members[i];
                const char *problem = member->failed ? member->problem ?: member->result ?: "failed" : NULL;
                int64_t usec = member->ready != FLEET_NEVER && member->called != FLEET_NEVER
                                               ? member->ready - member->called
                                               : FLEET_NEVER;

                failures += problem && !tolerated;
                if (problem && tolerated) {
                        g_autofree char *why = g_strconcat("tolerated: ", problem, NULL);

                        junit_append_skipped(cases, class, member->member->name, why);
                        skipped++;
                } else if (!problem && ended_early && member->called == FLEET_NEVER) {
                        junit_append_skipped(cases, class, member->member->name, "it was not started");
                        skipped++;
                } else
                        junit_append_case(cases, class, member->member->name, usec, problem);
        }
        for (guint i = 0; i < record->barriers->len; i++) {
                const FleetBarrierRecord *barrier = &g_array_index(record->barriers, FleetBarrierRecord, i);
                g_autofree char *name = g_strconcat("barrier ", barrier->barrier->name, NULL),
                                *why = g_strdup_printf("%u of %u members passed it in its time",
                                                barrier->passed, barrier->all);

                failures += !barrier->held;
                junit_append_case(cases, class, name, barrier->ended - barrier->began,
                                barrier->held ? NULL : why);
        }
        failures += events != NULL;
        junit_append_case(cases, class, "events", record->ended, events);
        if (lateness) {
                g_autofree char *why = g_strconcat("The run proves nothing. ", lateness, NULL);

                junit_append_skipped(cases, class, "links", why);
                skipped++;
        } else if (record->links)
                junit_append_case(cases, class, "links", record->ended, NULL);
        failures += run_problem != NULL;
        junit_append_case(cases, class, "run", record->ended, run_problem);

        g_string_append(out,
                        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"");
        fleet_append_html(out, class);
        g_string_append_printf(out, "\" tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"%u\" time=\"",
                        n + record->barriers->len + (record->links ? 3 : 2), failures, skipped);
        fleet_append_seconds(out, record->ended);
        g_string_append_printf(out, "\">\n%s  </testsuite>\n</testsuites>\n", cases->str);

        return g_string_free(g_steal_pointer(&out), FALSE);
}
