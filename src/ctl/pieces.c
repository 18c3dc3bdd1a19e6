/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From the moments of a start to what a person reads of it. Called by verb-analyze.c. */

#include "ctl/pieces.h"

#define BAR_WIDTH 24

/* What went on up to a moment. */
static const char *const piece_names[_MOMENT_MAX] = {
        [MOMENT_CALLED]        = "bus: the call",
        [MOMENT_AUTHORIZED]    = "polkit",
        [MOMENT_REQUESTED]     = "shruthid: its turn",
        [MOMENT_JOB_MADE]      = "systemd: polkit, job",
        [MOMENT_RUNNER_FORKED] = "systemd: up to the fork",
        [MOMENT_RUNNER_BEGAN]  = "systemd: sandbox of the unit",
        [MOMENT_HELPER_ASKED]  = "runner: its turn, console",
        [MOMENT_HELPER_BEGAN]  = "helper: its beginning",
        [MOMENT_PLANNED]       = "helper: definition, image",
        [MOMENT_CONNECTED]     = "libvirt: connection",
        [MOMENT_ADDRESSED]     = "helper: addresses",
        [MOMENT_PREPARED]      = "helper: isolation, volumes",
        [MOMENT_CREATED]       = "libvirt, QEMU: domain",
        [MOMENT_FIRST_BYTE]    = "firmware, guest: first byte",
        [MOMENT_READY]         = "runner: ready",
        [MOMENT_UNIT_ACTIVE]   = "systemd: active",
        [MOMENT_ANSWERED]      = "shruthid: answer",
};

Moment pieces_first(const Moments *moments)
{
        Moment first = _MOMENT_INVALID;

        for (Moment moment = 0; moment < _MOMENT_MAX; moment++)
                if (moments->at[moment] > 0 && ((int) first < 0 || moments->at[moment] < moments->at[first]))
                        first = moment;

        return first;
}

uint64_t pieces_after(const Moments *moments, Moment moment)
{
        if (moments->at[moment] == 0)
                return UINT64_MAX;

        return moments->at[moment] - moments->at[pieces_first(moments)];
}

/* 0: there is none. The first byte is waited for by nobody. */
static uint64_t piece_begin(const Moments *moments, Moment end)
{
        uint64_t begin = 0;

        for (Moment moment = 0; moment < end; moment++)
                if (moment != MOMENT_FIRST_BYTE && moments->at[moment] <= moments->at[end])
                        begin = MAX(begin, moments->at[moment]);

        return begin;
}

static int compare_ends(gconstpointer a, gconstpointer b)
{
        const Piece *x = a, *y = b;
        uint64_t end_x = x->began + x->took, end_y = y->began + y->took;

        if (end_x != end_y)
                return end_x < end_y ? -1 : 1;

        return (int) x->moment - (int) y->moment;
}

GArray *pieces_of(const Moments *moments)
{
        GArray *pieces = g_array_new(FALSE, FALSE, sizeof(Piece));

        for (Moment moment = 0; moment < _MOMENT_MAX; moment++) {
                uint64_t begin = moments->at[moment] > 0 ? piece_begin(moments, moment) : 0;
                Piece piece = {.moment = moment, .what = piece_names[moment]};

                if (begin == 0)
                        continue;
                piece.began = begin - moments->at[pieces_first(moments)];
                piece.took = moments->at[moment] - begin;
                g_array_append_val(pieces, piece);
        }
        g_array_sort(pieces, compare_ends);

        return pieces;
}

char *piece_bar(const Piece *piece, uint64_t whole, bool utf8)
{
        GString *bar = g_string_new(NULL);
        double scale = whole > 0 ? (double) BAR_WIDTH / (double) whole : 0;
        unsigned from = (unsigned) ((double) piece->began * scale + 0.5),
                 to = (unsigned) ((double) (piece->began + piece->took) * scale + 0.5);

        for (unsigned i = 0; i < from; i++)
                g_string_append_c(bar, ' ');
        for (unsigned i = from; i < to; i++)
                g_string_append(bar, utf8 ? "█" : "#");
        if (to <= from)
                g_string_append(bar, utf8 ? "▏" : "|");

        return g_string_free(bar, FALSE);
}

char *pieces_format_time(uint64_t usec)
{
        return g_strdup_printf("%7.1f ms", (double) usec / 1000);
}

static void add_after(
                GString *sum, const Moments *moments, Moment moment, const char *what, const char *since)
{
        if (moments->at[moment] > 0)
                g_string_append_printf(sum, "%s%s %.1f ms after%s", sum->len > 0 ? ", " : "", what,
                                (double) pieces_after(moments, moment) / 1000, sum->len > 0 ? "" : since);
}

char *pieces_sum(const Moments *moments, const GArray *pieces)
{
        Moment first = pieces_first(moments);
        const char *since = (int) first < 0 || first > MOMENT_RUNNER_FORKED ? " the runner began"
                        : first == MOMENT_RUNNER_FORKED                     ? " systemd forked the runner"
                                                                            : " the call";
        GString *sum = g_string_new(NULL);
        const Piece *longest = NULL;

        add_after(sum, moments, MOMENT_FIRST_BYTE, "first byte", since);
        add_after(sum, moments, MOMENT_READY, "ready", since);
        add_after(sum, moments, MOMENT_ANSWERED, "answered", since);
        for (guint i = 0; i < pieces->len; i++) {
                const Piece *piece = &g_array_index(pieces, Piece, i);

                if (!longest || piece->took > longest->took)
                        longest = piece;
        }
        if (longest)
                g_string_append_printf(sum, "%slongest %.1f ms: %s", sum->len > 0 ? "; " : "",
                                (double) longest->took / 1000, longest->what);

        return g_string_free(sum, FALSE);
}

/* Those between two that are known can be missing too. */
static void add_missing(GString *notes, const Moments *moments)
{
        g_autoptr(GString) missing = g_string_new(NULL);

        for (Moment moment = MOMENT_AUTHORIZED; moment < _MOMENT_MAX; moment++) {
                bool of_shruthid = moment <= MOMENT_JOB_MADE || moment == MOMENT_ANSWERED,
                     of_systemd = moment == MOMENT_RUNNER_FORKED || moment == MOMENT_UNIT_ACTIVE;

                if (moments->at[moment] > 0 || moment == MOMENT_FIRST_BYTE ||
                                (of_shruthid && moments->at[MOMENT_CALLED] == 0) ||
                                (of_systemd && moments->at[MOMENT_RUNNER_FORKED] == 0))
                        continue;
                g_string_append_printf(missing, "%s%s", missing->len > 0 ? "; " : "", piece_names[moment]);
        }
        if (missing->len > 0)
                g_string_append_printf(notes, "Not known, or not yet, and part of what comes next: %s.\n",
                                missing->str);
}

char *pieces_notes(const Moments *moments)
{
        GString *notes = g_string_new(NULL);

        if (moments->at[MOMENT_CALLED] == 0)
                g_string_append(notes,
                                "Nothing is known of a call: it was started by systemctl, at boot, by "
                                "another unit, or before shruthid was started.\n");
        if (moments->at[MOMENT_RUNNER_FORKED] == 0)
                g_string_append(notes,
                                "systemd's times are not those of this start: a new runner has adopted the "
                                "guest since.\n");
        if (moments->at[MOMENT_FIRST_BYTE] == 0)
                g_string_append(notes, "The guest has printed nothing yet.\n");
        add_missing(notes, moments);

        return g_string_free(notes, FALSE);
}
