/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Logs of members, a few at a time: shruthid takes 16 of one user. */

#include "ctl/fleet/consoles.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"
#include "ctl/fleet/calls.h"
#include "ctl/fleet/view.h"
#include "ctl/output/journal-line.h"
#include "fleet/expansion/text.h"

#define LOGS_AT_ONCE 8
#define CONSOLE_MAX  (64 * 1024 * 1024) /* of the file of one member */
#define ENTRY_MAX    (1024 * 1024)
#define CHUNK        (64 * 1024)

static int results_open(int dir_fd, const char *name)
{
        int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

        return fd < 0 ? -errno : fd;
}

int fleet_results_write_file(int dir_fd, const char *name, const char *text, size_t size)
{
        _cleanup_close_ int fd = results_open(dir_fd, name);

        return fd < 0 ? fd : write_all(fd, text, size);
}

/* What is done with each line of a console. */
typedef struct ConsoleReading {
        GRegex *regex; /* of a barrier; NULL: the lines are collected */
        bool *seen;
        uint64_t *since; /* of a barrier: up to where each console is read */
        char *problem;
        unsigned pending;
} ConsoleReading;

/* One console while it is read. */
typedef struct OneConsole {
        FleetRun *run;
        guint member;
        ConsoleReading *reading;
        int fd;        /* of the file that it is written to; -EBADF for a barrier */
        GString *out;  /* not written yet */
        uint64_t size; /* of what was written */
        bool cut;
} OneConsole;

static int console_flush(OneConsole *console)
{
        int r = console->fd >= 0 ? write_all(console->fd, console->out->str, console->out->len) : 0;

        console->size += console->out->len;
        g_string_truncate(console->out, 0);
        return r;
}

static int console_take_line(OneConsole *console, const JournalLine *line)
{
        FleetRun *run = console->run;
        ConsoleReading *reading = console->reading;
        int64_t usec = (int64_t) line->usec - run->record->begun_realtime;
        g_autofree char *text = g_utf8_make_valid(line->message ?: "", -1), *shown = NULL;

        if (g_strcmp0(line->identifier, fleet_member_at(run->expansion, console->member)->name) != 0)
                return 0;
        if (reading->regex) {
                reading->seen[console->member] = reading->seen[console->member] ||
                                                 g_regex_match(reading->regex, text, 0, NULL);
                reading->since[console->member] = line->usec;
                return 0;
        }

        if (g_str_has_suffix(text, "\r"))
                text[strlen(text) - 1] = '\0';
        (void) fleet_record_add_metric(run->record, console->member, usec, text);
        fleet_append_seconds(console->out, usec);
        if (console->size + console->out->len + strlen(text) > CONSOLE_MAX) {
                g_string_append(console->out, " (the rest is left out: more than 64 MiB)\n");
                console->cut = true;
                return console_flush(console);
        }

        shown = text_for_display(text, ENTRY_MAX);
        g_string_append_printf(console->out, " %s\n", shown);
        return console->out->len >= CHUNK ? console_flush(console) : 0;
}

/* A log that nothing comes from is given up, as whoever sends it may hang. */
static ssize_t console_read_chunk(int fd, char *chunk)
{
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};
        int r;

        do
                r = poll(&pollfd, 1, (int) (FLEET_PATIENCE_USEC / 1000));
        while (r < 0 && errno == EINTR);
        if (r <= 0)
                return r < 0 ? -errno : -ETIMEDOUT;

        r = (int) read(fd, chunk, CHUNK);
        return r < 0 ? -errno : r;
}

/* Lines of JSON until the end; one that is longer than any console's is left out. */
static int console_read(OneConsole *console, int log_fd)
{
        g_autoptr(GString) buffer = g_string_new(NULL);
        g_autofree char *chunk = g_malloc(CHUNK);
        int r = 0;

        while (r >= 0 && !console->cut) {
                ssize_t n = console_read_chunk(log_fd, chunk);
                size_t done = 0;
                char *newline;

                if (n <= 0)
                        return n < 0 ? (int) n : console_flush(console);
                g_string_append_len(buffer, chunk, n);
                while (r >= 0 && !console->cut &&
                                (newline = memchr(buffer->str + done, '\n', buffer->len - done))) {
                        _cleanup_journal_line_ JournalLine line = {};
                        size_t size = (size_t) (newline - buffer->str) - done;

                        if (journal_line_parse(buffer->str + done, size, LOG_FORMAT_CAT, &line) >= 0)
                                r = console_take_line(console, &line);
                        done += size + 1;
                }
                g_string_erase(buffer, 0, (gssize) done);
                if (buffer->len > ENTRY_MAX)
                        g_string_truncate(buffer, 0);
        }

        return r;
}

static void on_console_opened(
                FleetRun *run, guint member, void *userdata, sd_bus_message *reply, const Error *error)
{
        ConsoleReading *reading = userdata;
        const char *name = fleet_member_at(run->expansion, member)->name;
        g_autofree char *file = g_strconcat(name, ".log", NULL);
        g_autoptr(GString) out = g_string_new(NULL);
        _cleanup_error_ Error problem = ERROR_INIT;
        _cleanup_close_ int log_fd = -EBADF, fd = -EBADF;
        OneConsole console = {.run = run, .member = member, .reading = reading, .fd = -EBADF, .out = out};
        int r = 0;

        reading->pending--;
        if (!reading->regex) {
                fd = results_open(run->consoles_fd, file);
                if (fd < 0)
                        (void) error_set_errno(&problem, fd, "consoles/%s", file);
                console.fd = fd;
        }
        if (!reply)
                (void) error_set(&problem, error->code, "%s", error->message);
        else if (!problem.message)
                r = client_read_fd(reply, &log_fd, &problem);
        if (log_fd >= 0)
                r = console_read(&console, log_fd);
        if (r < 0 && !problem.message)
                (void) error_set_errno(&problem, r, "the log ended early");
        if (console.cut)
                (void) error_set(&problem, ERROR_LIMIT_EXCEEDED, "only its first 64 MiB are kept");
        if (problem.message && !reading->problem)
                reading->problem =
                                g_strdup_printf("The console of %s is not whole: %s", name, problem.message);
}

static int console_ask(FleetRun *run, guint member, ConsoleReading *reading, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *message = NULL;
        int r;

        r = client_new_call(run->ctl, "OpenUnikernelLog", &message, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(message, "sa{sv}", fleet_member_at(run->expansion, member)->name, 1,
                        "Since", "t",
                        reading->since && reading->since[member] > 0
                                        ? reading->since[member]
                                        : (uint64_t) run->record->begun_realtime);
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

int fleet_consoles_match(
                FleetRun *run, const FleetBarrier *barrier, bool *seen, uint64_t *since, Error *ret_error)
{
        guint n = run->expansion->members->len;
        g_autofree bool *wanted = g_new0(bool, n);
        g_autoptr(GRegex) regex = g_regex_new(barrier->console, G_REGEX_OPTIMIZE, 0, NULL);
        ConsoleReading reading = {.regex = regex, .seen = seen, .since = since};
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
