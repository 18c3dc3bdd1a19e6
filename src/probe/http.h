/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "common/address.h"

/* The little of HTTP/1.1 that a probe needs (RFC 9112): a GET, and the status line of the answer. Pure. */

/* As much of the answer is looked at. */
#define HTTP_ANSWER_MAX 512

/* Free with g_free(). */
char *http_request_format(const Address *address, unsigned port, const char *path);

/* The status of an answer that a guest has begun to send: 100 to 599, 0 while its first line is not whole,
 * or -EBADMSG where it is none of HTTP. An answer of HTTP_ANSWER_MAX bytes without a whole line is none. */
int http_status_parse(const char *data, size_t size);
