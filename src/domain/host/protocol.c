/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-domain's lines on standard output. Called by the files of its verbs. */

#include "domain/host/protocol.h"

#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"
#include "helper/request.h"

#define VALUE_LENGTH_MAX 4000

/* What the signal handler writes, made beforehand, because the handler may only write. */
static char guard_lines[512];
static volatile sig_atomic_t guard_size;
static volatile sig_atomic_t guard_socket = -EBADF;

__attribute__((format(printf, 2, 0)))
static void protocol_print(const char *key, const char *format, va_list ap)
{
        g_autofree char *value = g_strdup_vprintf(format, ap);
        g_autofree char *line = text_for_display(value, VALUE_LENGTH_MAX);

        (void) printf("%s=%s\n", key, line);
        (void) fflush(stdout);
}

void protocol_emit(DomainKey key, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        protocol_print(domain_key_to_string(key), format, ap);
        va_end(ap);
}

void protocol_emit_field(const char *kind, unsigned index, DomainField field, const char *format, ...)
{
        g_autofree char *key = g_strdup_printf("%s.%u.%s", kind, index, domain_field_to_string(field));
        va_list ap;

        va_start(ap, format);
        protocol_print(key, format, ap);
        va_end(ap);
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
        case ERROR_INVALID_CONFIGURATION:
        case ERROR_START_FAILED:
        case ERROR_STOP_FAILED:
        case ERROR_FOREIGN_DOMAIN:
        case ERROR_NOT_SUPPORTED:
        case ERROR_SNAPSHOT_UNUSABLE:
                return RESULT_HOST;
        case ERROR_LIBVIRT_UNAVAILABLE:
                return RESULT_LIBVIRT;
        case ERROR_CREDENTIALS_DAMAGED:
        case ERROR_LIMIT_EXCEEDED: /* at a start only key material has a limit */
                return RESULT_CREDENTIALS;
        default:
                return RESULT_RUNNER;
        }
}

int protocol_exit_status(ErrorCode code)
{
        return code == ERROR_NO_SUCH_NETWORK ? RUNNER_EXIT_LIBVIRT
                                             : result_runner_exit_status(protocol_result(code));
}

int protocol_fail(int r, const Error *error)
{
        Result result = protocol_result(error->message ? error->code : ERROR_FAILED);
        g_auto(GStrv) lines = g_strsplit(error_message(error, r), "\n", -1);

        protocol_emit(DOMAIN_KEY_RESULT, "%s", result_to_string(result));
        protocol_emit(DOMAIN_KEY_ERROR_NAME, "%s",
                        error_code_to_bus_name(error->message ? error->code : ERROR_FAILED));
        protocol_emit(DOMAIN_KEY_ERROR, "%s", lines[0] ?: "");
        for (char **line = lines[0] ? lines + 1 : lines; *line; line++)
                protocol_emit(DOMAIN_KEY_DETAIL, "%s", *line);

        return protocol_exit_status(error->message ? error->code : ERROR_FAILED);
}

static void on_alarm(int signal)
{
        (void) write_all(STDOUT_FILENO, guard_lines, (size_t) guard_size);
        if (guard_socket >= 0)
                domain_answer_send((int) guard_socket, RUNNER_EXIT_LIBVIRT);
        _exit(RUNNER_EXIT_LIBVIRT);
}

void protocol_guard_answers(int socket)
{
        guard_socket = socket;
}

int protocol_hand_over(const int *fds, unsigned n_fds)
{
        return domain_answer_hand(guard_socket >= 0 ? (int) guard_socket : DOMAIN_HANDS_FD, fds, n_fds);
}

void protocol_guard(unsigned seconds, const char *doing)
{
        (void) alarm(0);
        if (seconds == 0)
                return;

        (void) g_snprintf(guard_lines, sizeof guard_lines,
                        "%s=%s\n%s=%s\n%s=libvirt did not answer within %u s when asked to %s; see "
                        "'systemctl status libvirtd virtqemud'\n",
                        domain_key_to_string(DOMAIN_KEY_RESULT), result_to_string(RESULT_LIBVIRT),
                        domain_key_to_string(DOMAIN_KEY_ERROR_NAME),
                        error_code_to_bus_name(ERROR_LIBVIRT_UNAVAILABLE),
                        domain_key_to_string(DOMAIN_KEY_ERROR), seconds, doing);
        guard_size = (sig_atomic_t) strlen(guard_lines);
        (void) signal(SIGALRM, on_alarm);
        (void) alarm(seconds);
}
