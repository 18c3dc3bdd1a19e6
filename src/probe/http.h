/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "common/address.h"

/* The part of HTTP/1.1 that a probe needs (RFC 9112): a GET, and the status line of the answer. Pure. */

/* The most bytes of an answer that are looked at. */
#define HTTP_ANSWER_MAX 512

/* Free with g_free(). */
char *http_request_format(const Address *address, unsigned port, const char *path);

/* The status in the beginning of an answer: 100 to 599, 0 while its first line is incomplete, or -EBADMSG if
 * it is not HTTP. An answer of HTTP_ANSWER_MAX bytes without a whole line is not HTTP. */
int http_status_parse(const char *data, size_t size);
