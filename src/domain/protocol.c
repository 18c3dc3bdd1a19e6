/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-domain's lines on standard output. Called by the files of its verbs. */

#include "domain/protocol.h"

#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"

#define VALUE_LENGTH_MAX 4000
#define JOURNAL_ERROR "<3>" /* what the journal takes for an error: sd-daemon(3) */

/* What the signal handler writes: made beforehand, since it may do nothing but write. */
static char guard_lines[512];
static volatile sig_atomic_t guard_size;

static bool in_words;

void protocol_use_words(void)
{
        in_words = true;
}

void protocol_emit(const char *key, const char *format, ...)
{
        g_autofree char *value = NULL, *line = NULL;
        va_list ap;

        va_start(ap, format);
        value = g_strdup_vprintf(format, ap);
        va_end(ap);

        line = text_for_display(value, VALUE_LENGTH_MAX);
        if (!in_words)
                (void) printf("%s=%s\n", key, line);
        else if (g_str_equal(key, "error") || g_str_equal(key, "detail") || g_str_equal(key, "notice"))
                (void) printf(JOURNAL_ERROR "%s\n", line);
        (void) fflush(stdout);
}

Result protocol_result(ErrorCode code)
{
        switch (code) {
        case ERROR_INVALID_NAME:
        case ERROR_NO_SUCH_UNIKERNEL:
        case ERROR_INVALID_DEFINITION:
        case ERROR_INVALID_ARGS:
                return RESULT_DEFINITION;
        case ERROR_INVALID_IMAGE:
        case ERROR_UNSUPPORTED_IMAGE:
        case ERROR_NO_SUCH_IMAGE:
        case ERROR_DIGEST_MISMATCH:
        case ERROR_PATH_NOT_ALLOWED:
                return RESULT_IMAGE;
        case ERROR_DEVICE_MISMATCH:
        case ERROR_ACCESS_DENIED: /* a volume of another user */
        case ERROR_NO_SUCH_VOLUME:
        case ERROR_VOLUME_IN_USE:
        case ERROR_NO_SUCH_NETWORK:
        case ERROR_ADDRESS_IN_USE:
        case ERROR_NO_FREE_ADDRESS:
                return RESULT_DEVICES;
        case ERROR_START_FAILED:
        case ERROR_STOP_FAILED:
        case ERROR_FOREIGN_DOMAIN:
        case ERROR_LIMIT_EXCEEDED:
        case ERROR_NOT_SUPPORTED:
                return RESULT_HOST;
        case ERROR_LIBVIRT_UNAVAILABLE:
                return RESULT_LIBVIRT;
        case ERROR_CREDENTIALS_DAMAGED:
                return RESULT_CREDENTIALS;
        default:
                return RESULT_RUNNER;
        }
}

int protocol_fail(int r, const Error *error)
{
        Result result = protocol_result(error->message ? error->code : ERROR_FAILED);
        g_auto(GStrv) lines = g_strsplit(error_message(error, r), "\n", -1);

        protocol_emit("result", "%s", result_to_string(result));
        protocol_emit("error-name", "%s",
                        error_code_to_bus_name(error->message ? error->code : ERROR_FAILED));
        protocol_emit("error", "%s", lines[0] ?: "");
        for (char **line = lines[0] ? lines + 1 : lines; *line; line++)
                protocol_emit("detail", "%s", *line);

        return result_runner_exit_status(result);
}

static void on_alarm(int signal)
{
        (void) write_all(STDOUT_FILENO, guard_lines, (size_t) guard_size);
        _exit(RUNNER_EXIT_LIBVIRT);
}

void protocol_guard(unsigned seconds, const char *doing)
{
        char head[128] = JOURNAL_ERROR;

        (void) alarm(0);
        if (seconds == 0)
                return;

        if (!in_words)
                (void) g_snprintf(head, sizeof head, "result=%s\nerror-name=%s\nerror=",
                                result_to_string(RESULT_LIBVIRT),
                                error_code_to_bus_name(ERROR_LIBVIRT_UNAVAILABLE));
        (void) g_snprintf(guard_lines, sizeof guard_lines,
                        "%slibvirt did not answer within %u s when asked to %s; look at 'systemctl status "
                        "libvirtd virtqemud'\n",
                        head, seconds, doing);
        guard_size = (sig_atomic_t) strlen(guard_lines);
        (void) signal(SIGALRM, on_alarm);
        (void) alarm(seconds);
}
