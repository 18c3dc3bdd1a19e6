/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Logs of members, a few at a time: shruthid takes 16 of one user. */

#include "ctl/fleet/consoles.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"
#include "ctl/fleet/calls.h"
#include "ctl/fleet/view.h"
#include "ctl/output/journal-line.h"
#include "fleet/text.h"

#define LOGS_AT_ONCE 8
#define ENTRY_MAX    (1024 * 1024)
#define CHUNK        (64 * 1024)

int fleet_results_write_file(int dir_fd, const char *name, const char *text, size_t size)
{
        _cleanup_close_ int fd =
                        openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

        return fd < 0 ? -errno : write_all(fd, text, size);
}

/* What is done with each line of a console. */
typedef struct ConsoleReading {
        GRegex *regex; /* of a barrier; NULL: the lines are collected */
        bool *seen;
        char *problem;
        unsigned pending;
} ConsoleReading;

static void console_take_line(
                FleetRun *run, guint member, ConsoleReading *reading, const JournalLine *line, GString *out)
{
        int64_t usec = (int64_t) line->usec - run->record->begun_realtime;
        g_autofree char *text = g_utf8_make_valid(line->message ?: "", -1), *shown = NULL;

        if (g_strcmp0(line->identifier, fleet_member_at(run->expansion, member)->name) != 0)
                return;
        if (reading->regex) {
                reading->seen[member] =
                                reading->seen[member] || g_regex_match(reading->regex, text, 0, NULL);
                return;
        }

        if (g_str_has_suffix(text, "\r"))
                text[strlen(text) - 1] = '\0';
        shown = text_for_display(text, ENTRY_MAX);
        fleet_append_seconds(out, usec);
        g_string_append_printf(out, " %s\n", shown);
        (void) fleet_record_add_metric(run->record, member, usec, text);
}

/* Lines of JSON until the end; one that is longer than any console's is left out. */
static int console_read(FleetRun *run, guint member, ConsoleReading *reading, int fd, GString *out)
{
        g_autoptr(GString) buffer = g_string_new(NULL);
        g_autofree char *chunk = g_malloc(CHUNK);

        for (;;) {
                ssize_t n = read(fd, chunk, CHUNK);
                char *newline;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                g_string_append_len(buffer, chunk, n);
                while ((newline = memchr(buffer->str, '\n', buffer->len))) {
                        _cleanup_journal_line_ JournalLine line = {};
                        size_t size = (size_t) (newline - buffer->str);

                        if (journal_line_parse(buffer->str, size, LOG_FORMAT_CAT, &line) >= 0)
                                console_take_line(run, member, reading, &line, out);
                        g_string_erase(buffer, 0, (gssize) size + 1);
                }
                if (buffer->len > ENTRY_MAX)
                        g_string_truncate(buffer, 0);
        }
}

static void on_console_opened(
                FleetRun *run, guint member, void *userdata, sd_bus_message *reply, const Error *error)
{
        ConsoleReading *reading = userdata;
        const char *name = fleet_member_at(run->expansion, member)->name;
        g_autoptr(GString) out = g_string_new(NULL);
        _cleanup_error_ Error problem = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;
        int r;

        reading->pending--;
        if (reply) {
                r = client_read_fd(reply, &fd, &problem);
                if (r >= 0)
                        r = console_read(run, member, reading, fd, out);
                if (r < 0 && !problem.message)
                        (void) error_set_errno(&problem, r, "the log ended early");
        }
        if ((!reply || problem.message) && !reading->problem)
                reading->problem = g_strdup_printf("Cannot read the console of %s: %s", name,
                                reply ? problem.message : error->message);
        if (!reading->regex) {
                g_autofree char *file = g_strconcat(name, ".log", NULL);

                r = fleet_results_write_file(run->consoles_fd, file, out->str, out->len);
                if (r < 0 && !reading->problem)
                        reading->problem = g_strdup_printf(
                                        "Cannot write consoles/%s: %s", file, g_strerror(-r));
        }
}

static int console_ask(FleetRun *run, guint member, ConsoleReading *reading, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *message = NULL;
        int r;

        r = client_new_call(run->ctl, "OpenUnikernelLog", &message, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(message, "sa{sv}", fleet_member_at(run->expansion, member)->name, 1,
                        "Since", "t", (uint64_t) run->record->begun_realtime);
        if (r < 0)
                return client_message_error(r, ret_error);

        reading->pending++;
        fleet_call_now(run, message, on_console_opened, member, reading);
        return 0;
}

static int consoles_read(FleetRun *run, const bool *wanted, ConsoleReading *reading, Error *ret_error)
{
        guint next = 0, n = run->expansion->members->len;
        int r = 0;

        while (r >= 0 && (next < n || reading->pending > 0)) {
                if (next == n || reading->pending >= LOGS_AT_ONCE) {
                        r = fleet_pump(run, UINT64_MAX, ret_error);
                        continue;
                }
                if (wanted[next] && run->record->members[next].state != FLEET_STATE_ABSENT)
                        r = console_ask(run, next, reading, ret_error);
                next++;
        }

        return r;
}

int fleet_consoles_match(FleetRun *run, const FleetBarrier *barrier, bool *seen, Error *ret_error)
{
        guint n = run->expansion->members->len;
        g_autofree bool *wanted = g_new0(bool, n);
        g_autoptr(GRegex) regex = g_regex_new(barrier->console, G_REGEX_OPTIMIZE, 0, NULL);
        ConsoleReading reading = {.regex = regex, .seen = seen};
        int r;

        for (guint i = 0; i < n; i++) {
                const FleetMemberRecord *record = &run->record->members[i];

                wanted[i] = !seen[i] && record->called != FLEET_NEVER &&
                            (barrier->group ? record->member->group == barrier->group
                                            : !record->member->group->late);
        }
        r = consoles_read(run, wanted, &reading, ret_error);
        g_free(reading.problem);
        return r;
}

int fleet_consoles_collect(FleetRun *run, char **ret_problem, Error *ret_error)
{
        guint n = run->expansion->members->len;
        g_autofree bool *wanted = g_new0(bool, n);
        ConsoleReading reading = {};
        int r;

        fleet_view_phase(run, "collecting");
        for (guint i = 0; i < n; i++)
                wanted[i] = run->record->members[i].called != FLEET_NEVER;
        r = consoles_read(run, wanted, &reading, ret_error);
        *ret_problem = reading.problem;
        return r;
}
