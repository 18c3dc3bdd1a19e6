/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Formats the timestamps of a start for display. Called by verb-analyze.c. */

#include "ctl/output/start-timing.h"

#define BAR_WIDTH 24

/* The phases, by the timestamps that end them. */
static const char *const start_phase_names[_TIMESTAMP_MAX] = {
                [TIMESTAMP_CALLED] = "bus: call",
                [TIMESTAMP_AUTHORIZED] = "polkit",
                [TIMESTAMP_REQUESTED] = "shruthid: request",
                [TIMESTAMP_JOB_MADE] = "systemd: polkit, job",
                [TIMESTAMP_RUNNER_FORKED] = "systemd: fork",
                [TIMESTAMP_RUNNER_BEGAN] = "systemd: unit sandbox",
                [TIMESTAMP_HELPER_ASKED] = "runner: startup, console",
                [TIMESTAMP_HELPER_BEGAN] = "helper: startup",
                [TIMESTAMP_PLANNED] = "helper: definition, image",
                [TIMESTAMP_CONNECTED] = "libvirt: connection",
                [TIMESTAMP_ADDRESSED] = "helper: addresses",
                [TIMESTAMP_PREPARED] = "helper: isolation, volumes",
                [TIMESTAMP_CREATED] = "libvirt, QEMU: domain",
                [TIMESTAMP_FIRST_BYTE] = "firmware, guest: first byte",
                [TIMESTAMP_READY] = "runner: ready",
                [TIMESTAMP_UNIT_ACTIVE] = "systemd: active",
                [TIMESTAMP_ANSWERED] = "shruthid: reply",
};

Timestamp start_timing_first(const Timestamps *timestamps)
{
        Timestamp first = _TIMESTAMP_INVALID;

        for (Timestamp timestamp = 0; timestamp < _TIMESTAMP_MAX; timestamp++)
                if (timestamps->at[timestamp] > 0 &&
                                ((int) first < 0 || timestamps->at[timestamp] < timestamps->at[first]))
                        first = timestamp;

        return first;
}

uint64_t start_timing_after(const Timestamps *timestamps, Timestamp timestamp)
{
        if (timestamps->at[timestamp] == 0)
                return UINT64_MAX;

        return timestamps->at[timestamp] - timestamps->at[start_timing_first(timestamps)];
}

/* Returns 0 if there is none. Nothing waits for the first byte. */
static uint64_t start_phase_begin(const Timestamps *timestamps, Timestamp end)
{
        uint64_t begin = 0;

        for (Timestamp timestamp = 0; timestamp < end; timestamp++)
                if (timestamp != TIMESTAMP_FIRST_BYTE && timestamps->at[timestamp] <= timestamps->at[end])
                        begin = MAX(begin, timestamps->at[timestamp]);

        return begin;
}

static int start_phase_compare_ends(gconstpointer a, gconstpointer b)
{
        const StartPhase *x = a, *y = b;
        uint64_t end_x = x->began + x->took, end_y = y->began + y->took;

        if (end_x != end_y)
                return end_x < end_y ? -1 : 1;

        return (int) x->timestamp - (int) y->timestamp;
}

GArray *start_timing_of(const Timestamps *timestamps)
{
        GArray *phases = g_array_new(FALSE, FALSE, sizeof(StartPhase));

        for (Timestamp timestamp = 0; timestamp < _TIMESTAMP_MAX; timestamp++) {
                uint64_t begin =
                                timestamps->at[timestamp] > 0 ? start_phase_begin(timestamps, timestamp) : 0;
                StartPhase phase = {.timestamp = timestamp, .what = start_phase_names[timestamp]};

                if (begin == 0)
                        continue;
                phase.began = begin - timestamps->at[start_timing_first(timestamps)];
                phase.took = timestamps->at[timestamp] - begin;
                g_array_append_val(phases, phase);
        }
        g_array_sort(phases, start_phase_compare_ends);

        return phases;
}

char *start_phase_bar(const StartPhase *phase, uint64_t whole, bool utf8)
{
        GString *bar = g_string_new(NULL);
        double scale = whole > 0 ? (double) BAR_WIDTH / (double) whole : 0;
        unsigned from = (unsigned) ((double) phase->began * scale + 0.5),
                 to = (unsigned) ((double) (phase->began + phase->took) * scale + 0.5);

        for (unsigned i = 0; i < from; i++)
                g_string_append_c(bar, ' ');
        for (unsigned i = from; i < to; i++)
                g_string_append(bar, utf8 ? "█" : "#");
        if (to <= from)
                g_string_append(bar, utf8 ? "▏" : "|");

        return g_string_free(bar, FALSE);
}

char *start_timing_format_time(uint64_t usec)
{
        return g_strdup_printf("%7.1f ms", (double) usec / 1000);
}

static void start_timing_add_after(GString *sum, const Timestamps *timestamps, Timestamp timestamp,
                const char *what, const char *since)
{
        if (timestamps->at[timestamp] > 0)
                g_string_append_printf(sum, "%s%s %.1f ms after%s", sum->len > 0 ? ", " : "", what,
                                (double) start_timing_after(timestamps, timestamp) / 1000,
                                sum->len > 0 ? "" : since);
}

char *start_timing_sum(const Timestamps *timestamps, const GArray *phases)
{
        Timestamp first = start_timing_first(timestamps);
        const char *since = (int) first < 0 || first > TIMESTAMP_RUNNER_FORKED ? " the runner began"
                            : first == TIMESTAMP_RUNNER_FORKED                 ? " systemd forked the runner"
                                                                               : " the call";
        GString *sum = g_string_new(NULL);
        const StartPhase *longest = NULL;

        start_timing_add_after(sum, timestamps, TIMESTAMP_FIRST_BYTE, "first byte", since);
        start_timing_add_after(sum, timestamps, TIMESTAMP_READY, "ready", since);
        start_timing_add_after(sum, timestamps, TIMESTAMP_ANSWERED, "answered", since);
        for (guint i = 0; i < phases->len; i++) {
                const StartPhase *phase = &g_array_index(phases, StartPhase, i);

                if (!longest || phase->took > longest->took)
                        longest = phase;
        }
        if (longest)
                g_string_append_printf(sum, "%slongest %.1f ms: %s", sum->len > 0 ? "; " : "",
                                (double) longest->took / 1000, longest->what);

        return g_string_free(sum, FALSE);
}

/* Timestamps between two known ones can be missing too. */
static void start_timing_add_missing(GString *notes, const Timestamps *timestamps)
{
        g_autoptr(GString) missing = g_string_new(NULL);

        for (Timestamp timestamp = TIMESTAMP_AUTHORIZED; timestamp < _TIMESTAMP_MAX; timestamp++) {
                bool of_shruthid = timestamp <= TIMESTAMP_JOB_MADE || timestamp == TIMESTAMP_ANSWERED,
                     of_systemd = timestamp == TIMESTAMP_RUNNER_FORKED || timestamp == TIMESTAMP_UNIT_ACTIVE;

                if (timestamps->at[timestamp] > 0 || timestamp == TIMESTAMP_FIRST_BYTE ||
                                (of_shruthid && timestamps->at[TIMESTAMP_CALLED] == 0) ||
                                (of_systemd && timestamps->at[TIMESTAMP_RUNNER_FORKED] == 0))
                        continue;
                g_string_append_printf(
                                missing, "%s%s", missing->len > 0 ? "; " : "", start_phase_names[timestamp]);
        }
        if (missing->len > 0)
                g_string_append_printf(notes, "Not known, or not yet, and included in the next phase: %s.\n",
                                missing->str);
}

char *start_timing_notes(const Timestamps *timestamps)
{
        GString *notes = g_string_new(NULL);

        if (timestamps->at[TIMESTAMP_CALLED] == 0)
                g_string_append(notes, "No call is known: it was started by systemctl, at boot, by another "
                                       "unit, or before shruthid was started.\n");
        if (timestamps->at[TIMESTAMP_RUNNER_FORKED] == 0)
                g_string_append(notes, "systemd's times are not of this start: a new runner has since "
                                       "adopted the guest.\n");
        if (timestamps->at[TIMESTAMP_FIRST_BYTE] == 0)
                g_string_append(notes, "The guest has printed nothing yet.\n");
        start_timing_add_missing(notes, timestamps);

        return g_string_free(notes, FALSE);
}
