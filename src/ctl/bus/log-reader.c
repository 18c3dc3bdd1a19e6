/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints the lines of the streams of OpenUnikernelLog(). Without --follow the streams are merged by time;
 * with it they are printed as they arrive. */

#include "ctl/bus/log-reader.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "ctl/cli/error-context.h"
#include "ctl/output/journal-line.h"
#include "ctl/output/terminal.h"

#define ENTRY_SIZE_MAX (64 * 1024 * 1024)

typedef struct LogSource {
        int fd;
        GString *buffer;
        bool ended;
        bool pending; /* line is read and not printed yet */
        JournalLine line;
} LogSource;

static void log_source_free(gpointer data)
{
        LogSource *source = data;

        close_safe(source->fd);
        g_string_free(source->buffer, TRUE);
        journal_line_clear(&source->line);
        g_free(source);
}

static int log_source_append_options(sd_bus_message *call, const LogRequest *request)
{
        bool timed = request->since > 0 || request->until > 0;
        int r;

        r = sd_bus_message_open_container(call, 'a', "{sv}");
        /* The last lines that match, or that lie between two times, are known only when all are read. */
        if (r >= 0 && request->lines >= 0 && !timed && (!request->grep || request->follow))
                r = sd_bus_message_append(call, "{sv}", "Lines", "u", (uint32_t) request->lines);
        if (r >= 0 && request->since > 0)
                r = sd_bus_message_append(call, "{sv}", "Since", "t", request->since);
        if (r >= 0 && request->until > 0)
                r = sd_bus_message_append(call, "{sv}", "Until", "t", request->until);
        if (r >= 0 && request->invocation)
                r = sd_bus_message_append(call, "{sv}", "Invocation", "s", request->invocation);
        if (r >= 0 && request->boot)
                r = sd_bus_message_append(call, "{sv}", "Boot", "s", request->boot);
        if (r >= 0 && request->priority >= 0)
                r = sd_bus_message_append(call, "{sv}", "Priority", "u", (uint32_t) request->priority);
        if (r >= 0 && request->follow)
                r = sd_bus_message_append(call, "{sv}", "Follow", "b", 1);
        if (r >= 0)
                r = sd_bus_message_close_container(call);

        return r;
}

static int log_source_open(Ctl *ctl, const char *name, const LogRequest *request, LogSource **ret_source,
                Error *ret_error)
{
        _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
        bool no_ask_password = ctl->options.no_ask_password;
        LogSource *source;
        int r, fd;

        r = client_new_call(ctl, "OpenUnikernelLog", &call, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "s", name);
        if (r >= 0)
                r = log_source_append_options(call, request);
        if (r < 0)
                return client_message_error(r, ret_error);

        ctl->options.no_ask_password |= request->quietly;
        r = client_send(ctl, call, &reply, ret_error);
        ctl->options.no_ask_password = no_ask_password;
        if (r < 0)
                return r;
        r = client_read_fd(reply, &fd, ret_error);
        if (r < 0)
                return r;

        source = g_new0(LogSource, 1);
        *source = (LogSource){.fd = fd, .buffer = g_string_new(NULL)};
        *ret_source = source;
        return 0;
}

static bool log_line_is_wanted(const LogRequest *request, const JournalLine *line)
{
        g_autofree char *valid = NULL;

        if (!request->grep)
                return true;

        valid = g_utf8_make_valid(line->message ?: "", -1);
        return g_regex_match(request->grep, valid, 0, NULL);
}

/* Takes the next complete entry from the buffer; skips invalid and unwanted ones. */
static bool log_source_take(LogSource *source, const LogRequest *request)
{
        char *newline;

        while (!source->pending && (newline = memchr(source->buffer->str, '\n', source->buffer->len))) {
                size_t size = (size_t) (newline - source->buffer->str);
                int r;

                journal_line_clear(&source->line);
                r = journal_line_parse(source->buffer->str, size, request->format, &source->line);
                source->pending = r >= 0 && log_line_is_wanted(request, &source->line);
                g_string_erase(source->buffer, 0, (gssize) size + 1);
        }

        return source->pending;
}

static void log_source_read(LogSource *source)
{
        char data[64 * 1024];
        ssize_t n;

        n = read(source->fd, data, sizeof(data));
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return;
        if (n <= 0 || source->buffer->len > ENTRY_SIZE_MAX)
                source->ended = true;
        else
                g_string_append_len(source->buffer, data, n);
}

static void log_entry_print(const JournalLine *line, LogFormat format)
{
        bool plain = format == LOG_FORMAT_JSON || format == LOG_FORMAT_JSON_PRETTY;
        Color color = plain                 ? COLOR_NONE
                      : line->priority <= 3 ? COLOR_RED
                      : line->priority == 4 ? COLOR_YELLOW
                      : line->priority == 5 ? COLOR_BOLD
                      : line->priority == 7 ? COLOR_GREY
                                            : COLOR_NONE;

        printf("%s%s%s\n", color_on(color), line->text, color_off(color));
}

static void log_entry_free(JournalLine *line)
{
        journal_line_clear(line);
        g_free(line);
}

/* Reads until each source has its next entry, or has ended. */
static void log_sources_fill(const GPtrArray *sources, const LogRequest *request)
{
        for (guint i = 0; i < sources->len; i++) {
                LogSource *source = sources->pdata[i];

                while (!log_source_take(source, request) && !source->ended) {
                        (void) poll(&(struct pollfd){.fd = source->fd, .events = POLLIN}, 1, -1);
                        log_source_read(source);
                }
        }
}

/* The source with the earliest entry; NULL if all have ended. */
static LogSource *log_sources_next(const GPtrArray *sources, const LogRequest *request)
{
        LogSource *next = NULL;

        log_sources_fill(sources, request);
        for (guint i = 0; i < sources->len; i++) {
                LogSource *source = sources->pdata[i];

                if (source->pending && (!next || source->line.usec < next->line.usec))
                        next = source;
        }

        return next;
}

/* Prints the last lines of all together, like journalctl. */
static void log_print_merged(const GPtrArray *sources, const LogRequest *request)
{
        g_autoptr(GQueue) last = g_queue_new();
        LogSource *source;
        bool any = false;

        while ((source = log_sources_next(sources, request))) {
                source->pending = false;
                any = true;
                if (request->lines < 0) {
                        log_entry_print(&source->line, request->format);
                        continue;
                }
                g_queue_push_tail(last, g_memdup2(&source->line, sizeof source->line));
                source->line = (JournalLine){};
                if (g_queue_get_length(last) > (guint) request->lines)
                        log_entry_free(g_queue_pop_head(last));
        }
        for (JournalLine *line; (line = g_queue_pop_head(last)); log_entry_free(line))
                log_entry_print(line, request->format);

        if (!any && request->filtered)
                fprintf(stderr, "-- No entries --\n");
}

static void log_print_followed(const GPtrArray *sources, const LogRequest *request)
{
        g_autofree struct pollfd *polls = g_new0(struct pollfd, sources->len);

        for (;;) {
                bool open = false;

                for (guint i = 0; i < sources->len; i++) {
                        LogSource *source = sources->pdata[i];

                        while (log_source_take(source, request)) {
                                log_entry_print(&source->line, request->format);
                                source->pending = false;
                        }
                        polls[i] = (struct pollfd){.fd = source->ended ? -1 : source->fd, .events = POLLIN};
                        open = open || !source->ended;
                }
                if (fflush(stdout) != 0 || !open)
                        return;

                if (poll(polls, sources->len, -1) < 0)
                        continue;
                for (guint i = 0; i < sources->len; i++)
                        if (polls[i].revents)
                                log_source_read(sources->pdata[i]);
        }
}

int log_print(Ctl *ctl, char **names, const LogRequest *request, Error *ret_error)
{
        g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func(log_source_free);

        for (char **name = names; *name; name++) {
                LogSource *source = NULL;
                int r;

                r = log_source_open(ctl, *name, request, &source, ret_error);
                if (r < 0) {
                        error_cannot(ret_error, "read the log of %s", *name);
                        return r;
                }
                g_ptr_array_add(sources, source);
        }

        if (request->follow)
                log_print_followed(sources, request);
        else
                log_print_merged(sources, request);
        return 0;
}
