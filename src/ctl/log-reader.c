/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* OpenUnikernelLog()'s streams → lines. Without --follow the streams are merged by time; with it they come
 * as they come. */

#include "ctl/log-reader.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "ctl/journal-line.h"
#include "ctl/terminal.h"

#define ENTRY_SIZE_MAX (64 * 1024 * 1024)

typedef struct LogSource {
        int fd;
        GString *buffer;
        bool ended;
        bool pending;     /* line is read and not printed yet */
        JournalLine line;
        char *json;       /* of line */
} LogSource;

static void log_source_free(LogSource *source)
{
        close_safe(source->fd);
        g_string_free(source->buffer, TRUE);
        journal_line_clear(&source->line);
        g_free(source->json);
        g_free(source);
}

static int append_options(sd_bus_message *call, const LogRequest *request)
{
        int r;

        r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0 && request->lines >= 0)
                r = sd_bus_message_append(call, "{sv}", "Lines", "u", (uint32_t) request->lines);
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
                r = append_options(call, request);
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

/* Takes the next complete entry out of the buffer; what is none is passed over. */
static bool log_source_take(LogSource *source)
{
        char *newline;

        while (!source->pending && (newline = memchr(source->buffer->str, '\n', source->buffer->len))) {
                size_t size = (size_t) (newline - source->buffer->str);

                journal_line_clear(&source->line);
                g_clear_pointer(&source->json, g_free);
                if (journal_line_parse(source->buffer->str, size, &source->line) >= 0) {
                        source->json = g_strndup(source->buffer->str, size);
                        source->pending = true;
                }
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

static void log_source_print(LogSource *source, JsonMode json)
{
        Color color = source->line.priority <= 3     ? COLOR_RED
                        : source->line.priority == 4 ? COLOR_YELLOW
                        : source->line.priority == 5 ? COLOR_BOLD
                        : source->line.priority == 7 ? COLOR_GREY
                                                     : COLOR_NONE;

        if (json != JSON_OFF) {
                g_autofree char *shown = json_for_display(source->json);

                puts(shown);
        } else
                printf("%s%s%s\n", color_on(color), source->line.text, color_off(color));
        source->pending = false;
}

/* Until each has its next entry, or has ended. */
static void fill_all(const GPtrArray *sources)
{
        for (guint i = 0; i < sources->len; i++) {
                LogSource *source = sources->pdata[i];

                while (!log_source_take(source) && !source->ended) {
                        (void) poll(&(struct pollfd){.fd = source->fd, .events = POLLIN}, 1, -1);
                        log_source_read(source);
                }
        }
}

static void print_merged(const GPtrArray *sources, JsonMode json)
{
        for (;;) {
                LogSource *next = NULL;

                fill_all(sources);
                for (guint i = 0; i < sources->len; i++) {
                        LogSource *source = sources->pdata[i];

                        if (source->pending && (!next || source->line.usec < next->line.usec))
                                next = source;
                }
                if (!next)
                        return;
                log_source_print(next, json);
        }
}

static void print_followed(const GPtrArray *sources, JsonMode json)
{
        g_autofree struct pollfd *polls = g_new0(struct pollfd, sources->len);

        for (;;) {
                bool open = false;

                for (guint i = 0; i < sources->len; i++) {
                        LogSource *source = sources->pdata[i];

                        while (log_source_take(source))
                                log_source_print(source, json);
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
        g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func((GDestroyNotify) log_source_free);

        for (char **name = names; *name; name++) {
                LogSource *source = NULL;
                int r;

                r = log_source_open(ctl, *name, request, &source, ret_error);
                if (r < 0) {
                        error_prefix(ret_error, "Cannot read the log of %s", *name);
                        return r;
                }
                g_ptr_array_add(sources, source);
        }

        if (request->follow)
                print_followed(sources, request->json);
        else
                print_merged(sources, request->json);
        return 0;
}
