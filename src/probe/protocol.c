/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The packets between the runner and shruthi-probe. Called by both. */

#include "probe/protocol.h"

#include <glib.h>
#include <string.h>

#include "common/http-path.h"
#include "common/string-util.h"

static const char *const probe_kind_table[_PROBE_KIND_MAX] = {
                [PROBE_TCP] = "tcp",
                [PROBE_HTTP] = "http",
                [PROBE_PING] = "ping",
};
DEFINE_STRING_TABLE(probe_kind, ProbeKind, probe_kind_table, _PROBE_KIND_MAX)

void probe_request_clear(ProbeRequest *request)
{
        g_free(request->path);
        *request = (ProbeRequest){};
}

void probe_answer_clear(ProbeAnswer *answer)
{
        g_free(answer->reason);
        *answer = (ProbeAnswer){};
}

char *probe_request_format(const ProbeRequest *request)
{
        char address[ADDRESS_TEXT_MAX];

        if (request->forget)
                return g_strdup_printf("forget %u", request->number);

        address_format_ip(&request->address, address);
        return g_strdup_printf("watch %u %s %s %s %u %u %u%s%s", request->number,
                        probe_kind_to_string(request->kind), request->interface, address, request->port,
                        request->interval_ms, request->timeout_ms, request->path ? " " : "",
                        request->path ?: "");
}

static bool interface_is_valid(const char *name)
{
        for (const char *p = name; *p; p++)
                if (!g_ascii_isgraph(*p) || *p == '/')
                        return false;

        return *name && strlen(name) <= PROBE_INTERFACE_MAX && !g_str_equal(name, ".") &&
               !g_str_equal(name, "..");
}

/* Parses the words that follow "watch". */
static int probe_request_read(char *const *words, ProbeRequest *request)
{
        guint64 port, interval, timeout;

        request->kind = probe_kind_from_string(words[2]);
        if ((int) request->kind < 0 || !interface_is_valid(words[3]) ||
                        address_parse_ip(words[4], &request->address) < 0 ||
                        !address_is_unicast(&request->address) ||
                        number_parse(words[5], 0, 65535, &port) < 0 ||
                        number_parse(words[6], PROBE_TIME_MS_MIN, PROBE_TIME_MS_MAX, &interval) < 0 ||
                        number_parse(words[7], PROBE_TIME_MS_MIN, PROBE_TIME_MS_MAX, &timeout) < 0)
                return -EBADMSG;
        if ((port > 0) != (request->kind != PROBE_PING) ||
                        (words[8] != NULL) != (request->kind == PROBE_HTTP))
                return -EBADMSG;
        if (words[8] && !http_path_is_valid(words[8]))
                return -EBADMSG;

        g_strlcpy(request->interface, words[3], sizeof request->interface);
        request->port = (uint16_t) port;
        request->interval_ms = (unsigned) interval;
        request->timeout_ms = (unsigned) timeout;
        request->path = g_strdup(words[8]);
        return 0;
}

/* NULL if data is not one line of text. */
static char *packet_text(const char *data, size_t size)
{
        if (size == 0 || size > PROBE_PACKET_MAX || memchr(data, 0, size) || memchr(data, '\n', size) ||
                        !g_utf8_validate(data, (gssize) size, NULL))
                return NULL;

        return g_strndup(data, size);
}

int probe_request_parse(const char *data, size_t size, ProbeRequest *ret_request)
{
        _cleanup_probe_request_ ProbeRequest request = {};
        g_autofree char *text = packet_text(data, size);
        g_auto(GStrv) words = text ? g_strsplit(text, " ", -1) : NULL;
        guint n = words ? g_strv_length(words) : 0;
        guint64 number;
        int r;

        if (n < 2 || number_parse(words[1], 0, UINT32_MAX, &number) < 0)
                return -EBADMSG;

        request.number = (unsigned) number;
        request.forget = g_str_equal(words[0], "forget");
        if (request.forget)
                r = n == 2 ? 0 : -EBADMSG;
        else
                r = g_str_equal(words[0], "watch") && (n == 8 || n == 9)
                                    ? probe_request_read(words, &request)
                                    : -EBADMSG;
        if (r < 0)
                return r;

        *ret_request = request;
        request = (ProbeRequest){};
        return 0;
}

char *probe_answer_format(const ProbeAnswer *answer)
{
        g_autofree char *reason = NULL;

        if (!answer->reason)
                return g_strdup_printf("good %u", answer->number);

        reason = text_for_display(answer->reason, PROBE_REASON_MAX);
        return g_strdup_printf("bad %u %s", answer->number, reason);
}

int probe_answer_parse(const char *data, size_t size, ProbeAnswer *ret_answer)
{
        g_autofree char *text = packet_text(data, size);
        g_auto(GStrv) words = text ? g_strsplit(text, " ", 3) : NULL;
        bool good, bad;
        guint64 number;
        guint n = words ? g_strv_length(words) : 0;

        if (n < 2 || number_parse(words[1], 0, UINT32_MAX, &number) < 0)
                return -EBADMSG;
        good = g_str_equal(words[0], "good") && n == 2;
        bad = g_str_equal(words[0], "bad") && n == 3;
        if (!good && !bad)
                return -EBADMSG;

        *ret_answer = (ProbeAnswer){.number = (unsigned) number,
                        .reason = bad ? text_for_display(words[2], PROBE_REASON_MAX) : NULL};
        return 0;
}
