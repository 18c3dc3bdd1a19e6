/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* analyze, and start --time: how long the steps of a start took. */

#include "ctl/verbs/verb-analyze.h"

#include <stdio.h>

#include "common/own-name.h"
#include "common/string-util.h"
#include "ctl/bus/client.h"
#include "ctl/output/pager.h"
#include "ctl/output/start-timing.h"
#include "ctl/output/table.h"
#include "ctl/output/terminal.h"
#include "ctl/output/value.h"

/* The call is answered when the guest runs, but it may still be booting. */
#define FIRST_BYTE_PAUSE_USEC   (50 * 1000)
#define FIRST_BYTE_ATTEMPTS_MAX 60

#define WAITED_USEC (900 * 1000)

typedef struct Analysis {
        Timestamps timestamps;
        bool ran_already; /* these times are not from the requested start */
} Analysis;

static int analysis_read_timestamps(Ctl *ctl, const char *name, Timestamps *ret_timestamps, Error *ret_error)
{
        g_autoptr(JsonObject) times = NULL;
        Timestamps timestamps = {};
        int r;

        r = client_get_object(ctl, "GetUnikernelStartTimes", name, true, &times, ret_error);
        if (r < 0)
                return r;

        for (Timestamp timestamp = 0; timestamp < _TIMESTAMP_MAX; timestamp++)
                timestamps.at[timestamp] = (uint64_t) value_number(times, timestamp_to_string(timestamp));

        *ret_timestamps = timestamps;
        return 0;
}

static int analysis_make(
                Ctl *ctl, const char *name, const uint64_t *sent, Analysis *ret_analysis, Error *ret_error)
{
        Analysis analysis = {};
        int r;

        for (unsigned attempt = 1;; attempt++) {
                r = analysis_read_timestamps(ctl, name, &analysis.timestamps, ret_error);
                if (r < 0)
                        return r;
                if (!sent || analysis.timestamps.at[TIMESTAMP_FIRST_BYTE] > 0 ||
                                attempt > FIRST_BYTE_ATTEMPTS_MAX)
                        break;
                g_usleep(FIRST_BYTE_PAUSE_USEC);
        }

        if (sent && *sent <= analysis.timestamps.at[TIMESTAMP_CALLED])
                analysis.timestamps.at[TIMESTAMP_SENT] = *sent;
        else
                analysis.ran_already = sent != NULL;

        *ret_analysis = analysis;
        return 0;
}

static JsonObject *analysis_to_json(const char *name, const Analysis *analysis, const GArray *phases)
{
        JsonObject *object = json_object_new();
        JsonArray *array = json_array_new();

        for (guint i = 0; i < phases->len; i++) {
                const StartPhase *phase = &g_array_index(phases, StartPhase, i);
                JsonObject *row = json_object_new();

                json_object_set_string_member(row, "Timestamp", timestamp_to_string(phase->timestamp));
                json_object_set_string_member(row, "Step", phase->what);
                json_object_set_member(row, "Began", json_number(phase->began));
                json_object_set_member(row, "Took", json_number(phase->took));
                json_array_add_object_element(array, row);
        }
        json_object_set_string_member(object, "Name", name);
        json_object_set_array_member(object, "Steps", array);
        json_object_set_member(object, "FirstByte",
                        json_number(start_timing_after(&analysis->timestamps, TIMESTAMP_FIRST_BYTE)));
        json_object_set_member(object, "Ready",
                        json_number(start_timing_after(&analysis->timestamps, TIMESTAMP_READY)));
        json_object_set_member(object, "Answered",
                        json_number(start_timing_after(&analysis->timestamps, TIMESTAMP_ANSWERED)));
        return object;
}

static void analysis_print_phases(const Options *options, const GArray *phases)
{
        static const char *const headers[] = {"PIECE", "     BEGAN", "      TOOK", "WHEN", NULL};
        g_autoptr(Table) table = table_new(headers);
        uint64_t whole = 0, longest = 0;

        for (guint i = 0; i < phases->len; i++) {
                const StartPhase *phase = &g_array_index(phases, StartPhase, i);

                whole = MAX(whole, phase->began + phase->took);
                longest = MAX(longest, phase->took);
        }
        for (guint i = 0; i < phases->len; i++) {
                const StartPhase *phase = &g_array_index(phases, StartPhase, i);
                g_autofree char *began = start_timing_format_time(phase->began),
                                *took = start_timing_format_time(phase->took),
                                *bar = start_phase_bar(phase, whole, terminal_has_utf8());
                Color color = phase->took == longest ? COLOR_YELLOW : COLOR_NONE;

                table_add(table, phase->what, color, NULL);
                table_add(table, began, COLOR_NONE, NULL);
                table_add(table, took, color, NULL);
                table_add(table, bar, color == COLOR_NONE ? COLOR_GREEN : color, NULL);
        }

        table_print(table, options, NULL);
}

/* libvirt and QEMU take seconds only if they wait for something. */
static void analysis_print_waiting(const GArray *phases)
{
        g_autofree char *name = NULL;

        for (guint i = 0; i < phases->len; i++) {
                const StartPhase *phase = &g_array_index(phases, StartPhase, i);

                if (phase->timestamp < TIMESTAMP_CONNECTED || phase->timestamp > TIMESTAMP_CREATED ||
                                phase->took < WAITED_USEC || !own_name_of_host_needs_dns(&name))
                        continue;
                printf("libvirt resolves this host's own name, '%s', at each start, and only DNS can "
                       "answer: shruthictl doctor.\n",
                                name);
                return;
        }
}

static void analysis_print(
                const Options *options, const char *name, const Analysis *analysis, const GArray *phases)
{
        g_autofree char *sum = start_timing_sum(&analysis->timestamps, phases),
                        *notes = start_timing_notes(&analysis->timestamps);

        analysis_print_phases(options, phases);
        if (options->no_legend)
                return;

        printf("%s%s: %s.\n", phases->len > 0 ? "\n" : "", name, sum);
        if (analysis->ran_already)
                printf("It was already running: this is the start it came from.\n");
        fputs(notes, stdout);
        analysis_print_waiting(phases);
}

/* The times are lost when the run ends. */
static void analysis_say_what_helps(Error *error, const char *name, bool started)
{
        g_autofree char *message = NULL;

        if (error->code != ERROR_NOT_RUNNING)
                return;

        message = g_strdup_printf(started ? "Unikernel '%s' has already ended, and the timing of its start "
                                            "is gone: shruthictl logs %s"
                                          : "Unikernel '%s' is not running, so there is no start to "
                                            "analyze: shruthictl start --time %s",
                        name, name);
        error_clear(error);
        (void) error_set(error, ERROR_NOT_RUNNING, "%s", message);
}

int analyze_print(Ctl *ctl, char **names, bool single, GHashTable *sent)
{
        g_autoptr(JsonArray) array = json_array_new();
        int r, exit_status = CTL_EXIT_SUCCESS;
        bool first = true;

        for (char **name = names; *name; name++) {
                g_autofree char *shown = text_for_display(*name, 80);
                g_autoptr(GArray) phases = NULL;
                _cleanup_error_ Error error = ERROR_INIT;
                Analysis analysis;

                r = analysis_make(ctl, *name, sent ? g_hash_table_lookup(sent, *name) : NULL, &analysis,
                                &error);
                if (r < 0) {
                        analysis_say_what_helps(&error, shown, sent != NULL);
                        terminal_print_error(&error, r);
                        if (exit_status == CTL_EXIT_SUCCESS)
                                exit_status = ctl_exit_status(ctl, &error);
                        continue;
                }

                phases = start_timing_of(&analysis.timestamps);
                if (ctl->options.json != JSON_OFF) {
                        json_array_add_object_element(array, analysis_to_json(*name, &analysis, phases));
                        continue;
                }
                pager_open(&ctl->options);
                if (!first)
                        putchar('\n');
                first = false;
                analysis_print(&ctl->options, shown, &analysis, phases);
        }

        if (ctl->options.json != JSON_OFF)
                json_print_array(&ctl->options, array, single);
        return exit_status;
}

int verb_analyze(Ctl *ctl, char **operands, Error *ret_error)
{
        g_auto(GStrv) names = NULL;
        int r;

        r = client_expand(ctl, operands, &names, ret_error);
        return r < 0 ? r : analyze_print(ctl, names, operands_are_single(operands), NULL);
}
