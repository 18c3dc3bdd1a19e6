/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* src/fetch is the service that fetches files over https. Of its files only this one is used elsewhere, by
 * the daemon's client.
 *
 * The protocol of shruthid and shruthi-fetch over /run/shruthi/fetch, a socket that preserves packet
 * boundaries, with one request for a connection. One packet is the request, "SIZE_MAX URL". One packet is
 * the answer, "ok" with the descriptor of a file that has no name any more, or "error", the error's name and
 * its message, in lines. Pure. */

#define FETCH_SOCKET      "fetch"
#define FETCH_REQUEST_MAX 4096
#define FETCH_ANSWER_MAX  8192

/* What a fetch may take in all; then shruthi-fetch says that it took too long. */
#define FETCH_SEC 600

typedef struct FetchRequest {
        uint64_t size_max; /* bytes; more is refused */
        char *url;
} FetchRequest;

void fetch_request_clear(FetchRequest *request);
#define _cleanup_fetch_request_ __attribute__((cleanup(fetch_request_clear)))

/* Free with g_free(). */
char *fetch_request_format(const FetchRequest *request);

/* Parses bytes of unknown origin. INVALID_ARGS. */
int fetch_request_parse(const char *data, size_t size, FetchRequest *ret_request, Error *ret_error);

/* error if r is negative. Free with g_free(). */
char *fetch_answer_format(int r, const Error *error);

/* Parses an answer: 0, or the error that shruthi-fetch reported. FAILED if data is no answer. */
int fetch_answer_parse(const char *data, size_t size, Error *ret_error);
