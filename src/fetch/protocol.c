/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests to shruthi-fetch and its answers, to text and back. */

#include "fetch/protocol.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "common/https-url.h"
#include "common/string-util.h"

#define MESSAGE_SHOWN 1000 /* characters, of at most 4 bytes each */

void fetch_request_clear(FetchRequest *request)
{
        g_clear_pointer(&request->url, g_free);
}

char *fetch_request_format(const FetchRequest *request)
{
        return g_strdup_printf("%" PRIu64 " %s", request->size_max, request->url);
}

int fetch_request_parse(const char *data, size_t size, FetchRequest *ret_request, Error *ret_error)
{
        g_autofree char *text = g_strndup(size > 0 ? data : "", size);
        char *space = strchr(text, ' ');
        uint64_t size_max;
        int r;

        if (space)
                *space = 0;
        if (size == 0 || size > FETCH_REQUEST_MAX || memchr(data, 0, size) || !space ||
                        number_parse(text, 1, INT64_MAX, &size_max) < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS, "Malformed request");
        r = https_url_check(space + 1, ret_error);
        if (r < 0)
                return r;

        *ret_request = (FetchRequest){.size_max = size_max, .url = g_strdup(space + 1)};
        return 0;
}

char *fetch_answer_format(int r, const Error *error)
{
        g_autofree char *message = NULL;

        if (r >= 0)
                return g_strdup("ok");

        message = text_for_display(error_message(error, r), MESSAGE_SHOWN);
        return g_strdup_printf("error\n%s\n%s",
                        error_code_to_bus_name(error->message ? error->code : ERROR_FAILED), message);
}

int fetch_answer_parse(const char *data, size_t size, Error *ret_error)
{
        g_autofree char *text = g_strndup(size > 0 ? data : "", size);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        guint n = g_strv_length(lines);

        if (size == strlen("ok") && g_str_equal(text, "ok"))
                return 0;
        if (n == 3 && g_str_equal(lines[0], "error") && g_utf8_validate(lines[2], -1, NULL)) {
                ErrorCode code = error_code_from_bus_name(lines[1]);

                return error_set(ret_error, (int) code < 0 ? ERROR_FAILED : code, "%s", lines[2]);
        }

        return error_set(ret_error, ERROR_FAILED, "Malformed answer from shruthi-fetch");
}
