/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each phase of a start begins where it could begin and is never shorter than nothing, whatever is known and
 * in whichever order it came; what is not known is said. */

#include <glib.h>
#include <string.h>

#include "ctl/output/start-timing.h"

#define MS 1000

/* One in which all is known: the guest's first byte comes after the answer. */
static Timestamps full(void)
{
        Timestamps timestamps = {};

        for (Timestamp timestamp = 0; timestamp < _TIMESTAMP_MAX; timestamp++)
                timestamps.at[timestamp] = 1000 * MS + (uint64_t) timestamp * 10 * MS;
        timestamps.at[TIMESTAMP_FIRST_BYTE] = timestamps.at[TIMESTAMP_ANSWERED] + 5 * MS;
        return timestamps;
}

static const StartPhase *find(const GArray *phases, Timestamp timestamp)
{
        for (guint i = 0; i < phases->len; i++)
                if (g_array_index(phases, StartPhase, i).timestamp == timestamp)
                        return &g_array_index(phases, StartPhase, i);

        return NULL;
}

static void assert_phase(const GArray *phases, Timestamp timestamp, uint64_t began, uint64_t took)
{
        const StartPhase *phase = find(phases, timestamp);

        g_assert_nonnull(phase);
        g_assert_cmpuint(phase->began, ==, began * MS);
        g_assert_cmpuint(phase->took, ==, took * MS);
}

static void test_all(void)
{
        Timestamps timestamps = full();
        g_autoptr(GArray) phases = start_timing_of(&timestamps);
        g_autofree char *notes = start_timing_notes(&timestamps);

        g_assert_cmpuint(phases->len, ==, _TIMESTAMP_MAX - 1);
        for (guint i = 0; i < phases->len; i++)
                g_assert_nonnull(g_array_index(phases, StartPhase, i).what);
        assert_phase(phases, TIMESTAMP_CALLED, 0, 10);
        assert_phase(phases, TIMESTAMP_CREATED, 10 * (TIMESTAMP_CREATED - 1), 10);
        /* Both begin when the domain is there. */
        assert_phase(phases, TIMESTAMP_READY, 10 * TIMESTAMP_CREATED, 20);
        g_assert_cmpuint(find(phases, TIMESTAMP_FIRST_BYTE)->began, ==, 10 * TIMESTAMP_CREATED * MS);
        /* The last to end stands last. */
        g_assert_cmpint(g_array_index(phases, StartPhase, phases->len - 1).timestamp, ==,
                        TIMESTAMP_FIRST_BYTE);
        g_assert_cmpstr(notes, ==, "");
}

static void test_what_came_early_begins_nothing_late(void)
{
        Timestamps timestamps = {.at[TIMESTAMP_REQUESTED] = 100 * MS,
                        .at[TIMESTAMP_JOB_MADE] = 130 * MS,
                        .at[TIMESTAMP_RUNNER_FORKED] = 120 * MS,
                        .at[TIMESTAMP_RUNNER_BEGAN] = 160 * MS};
        g_autoptr(GArray) phases = start_timing_of(&timestamps);

        g_assert_cmpuint(phases->len, ==, 3);
        assert_phase(phases, TIMESTAMP_RUNNER_FORKED, 0, 20);
        assert_phase(phases, TIMESTAMP_JOB_MADE, 0, 30);
        assert_phase(phases, TIMESTAMP_RUNNER_BEGAN, 30, 30);
        g_assert_cmpint(g_array_index(phases, StartPhase, 0).timestamp, ==, TIMESTAMP_RUNNER_FORKED);
}

static void test_nothing(void)
{
        Timestamps timestamps = {};
        g_autoptr(GArray) phases = start_timing_of(&timestamps);
        g_autofree char *sum = start_timing_sum(&timestamps, phases),
                        *notes = start_timing_notes(&timestamps);

        g_assert_cmpuint(phases->len, ==, 0);
        g_assert_cmpstr(sum, ==, "");
        g_assert_nonnull(strstr(notes, "printed nothing yet"));
        g_assert_cmpuint(start_timing_after(&timestamps, TIMESTAMP_READY), ==, UINT64_MAX);
}

static void test_sum(void)
{
        Timestamps timestamps = {.at[TIMESTAMP_CALLED] = 500,
                        .at[TIMESTAMP_RUNNER_FORKED] = 700,
                        .at[TIMESTAMP_READY] = 120500,
                        .at[TIMESTAMP_FIRST_BYTE] = 143700,
                        .at[TIMESTAMP_ANSWERED] = 126600};
        g_autoptr(GArray) phases = start_timing_of(&timestamps), again = NULL;
        g_autofree char *sum = start_timing_sum(&timestamps, phases), *by_systemctl = NULL, *adopted = NULL;

        g_assert_cmpstr(sum, ==,
                        "first byte 143.2 ms after the call, ready 120.0 ms after, answered 126.1 ms after; "
                        "longest 143.0 ms: firmware, guest: first byte");

        timestamps.at[TIMESTAMP_CALLED] = timestamps.at[TIMESTAMP_ANSWERED] = 0;
        g_array_unref(phases);
        phases = start_timing_of(&timestamps);
        by_systemctl = start_timing_sum(&timestamps, phases);
        g_assert_nonnull(strstr(by_systemctl, "first byte 143.0 ms after systemd forked the runner"));

        timestamps.at[TIMESTAMP_RUNNER_FORKED] = 0;
        timestamps.at[TIMESTAMP_RUNNER_BEGAN] = 20500;
        again = start_timing_of(&timestamps);
        adopted = start_timing_sum(&timestamps, again);
        g_assert_nonnull(strstr(adopted, "first byte 123.2 ms after the runner began, ready 100.0 ms"));
}

static void test_notes(void)
{
        static const struct {
                Timestamp missing;
                const char *words;
        } cases[] = {
                        {TIMESTAMP_CALLED, "systemctl"},
                        {TIMESTAMP_RUNNER_FORKED, "adopted"},
                        {TIMESTAMP_FIRST_BYTE, "printed nothing"},
                        {TIMESTAMP_CONNECTED, "next phase: libvirt: connection."},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                Timestamps timestamps = full();
                g_autofree char *notes = NULL;

                timestamps.at[cases[i].missing] = 0;
                notes = start_timing_notes(&timestamps);
                g_assert_nonnull(strstr(notes, cases[i].words));
                /* One sentence. */
                g_assert_cmpuint((size_t) (strchr(notes, '\n') - notes), ==, strlen(notes) - 1);
        }
}

static void test_bar(void)
{
        static const struct {
                uint64_t began, took, whole;
                const char *bar;
        } cases[] = {
                        {0, 24, 24, "########################"},
                        {0, 12, 24, "############"},
                        {23, 1, 24, "                       #"},
                        {10, 0, 24, "          |"},
                        {0, 0, 0, "|"},
                        {INT64_MAX - 1, 1, INT64_MAX, "                        |"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                StartPhase phase = {.began = cases[i].began, .took = cases[i].took};
                g_autofree char *bar = start_phase_bar(&phase, cases[i].whole, false);

                g_assert_cmpstr(bar, ==, cases[i].bar);
        }
}

static void test_bar_in_utf8(void)
{
        StartPhase phase = {.began = 12, .took = 2};
        g_autofree char *bar = start_phase_bar(&phase, 24, true);

        g_assert_cmpstr(bar, ==, "            ██");
}

static void test_times_line_up(void)
{
        g_autofree char *small = start_timing_format_time(49), *large = start_timing_format_time(12345678);

        g_assert_cmpstr(small, ==, "    0.0 ms");
        g_assert_cmpstr(large, ==, "12345.7 ms");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ctl/phases/all", test_all);
        g_test_add_func("/ctl/phases/what-came-early-begins-nothing-late",
                        test_what_came_early_begins_nothing_late);
        g_test_add_func("/ctl/phases/nothing", test_nothing);
        g_test_add_func("/ctl/phases/sum", test_sum);
        g_test_add_func("/ctl/phases/notes", test_notes);
        g_test_add_func("/ctl/phases/bar", test_bar);
        g_test_add_func("/ctl/phases/bar-in-utf8", test_bar_in_utf8);
        g_test_add_func("/ctl/phases/times-line-up", test_times_line_up);
        return g_test_run();
}
