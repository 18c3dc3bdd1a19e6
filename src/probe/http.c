/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request of HTTP, and the status of its answer. Called by attempt.c. */

#include "probe/http.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

char *http_request_format(const Address *address, unsigned port, const char *path)
{
        bool brackets = address->family == AF_INET6;
        char text[ADDRESS_TEXT_MAX];

        address_format_ip(address, text);
        return g_strdup_printf(
                        "GET %s HTTP/1.1\r\nHost: %s%s%s:%u\r\nUser-Agent: shruthi-probe\r\nAccept: */*\r\n"
                        "Connection: close\r\n\r\n",
                        path, brackets ? "[" : "", text, brackets ? "]" : "", port);
}

int http_status_parse(const char *data, size_t size)
{
        static const char form[] = "HTTP/1.d ddd";
        size_t length = strlen(form);

        for (size_t i = 0; i < MIN(size, length); i++)
                if (form[i] == 'd' ? !g_ascii_isdigit(data[i]) : data[i] != form[i])
                        return -EBADMSG;
        if (size > length && data[length] != ' ' && data[length] != '\r' && data[length] != '\n')
                return -EBADMSG;
        if (!memchr(data, '\n', MIN(size, (size_t) HTTP_ANSWER_MAX)))
                return size < HTTP_ANSWER_MAX ? 0 : -EBADMSG;
        if (size <= length || data[9] < '1' || data[9] > '5')
                return -EBADMSG;

        return (data[9] - '0') * 100 + (data[10] - '0') * 10 + (data[11] - '0');
}
