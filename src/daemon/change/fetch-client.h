/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/error.h"

/* The client of shruthi-fetch, which answers one request per connection. For the loop. */

/* fd is the file, at its beginning, and the callee's to close; or -EBADF, with r and error. */
typedef void (*FetchDone)(int r, Error *error, int fd, void *userdata);

/* Fetches url, of at most size_max bytes. done is called later, never from here. Errors: those of
 * shruthi-fetch (fetch/fetch.h), FAILED if that does not answer, NOT_SUPPORTED if it was not built,
 * LIMIT_EXCEEDED if too many are being fetched. */
void fetch_start(sd_event *event, const char *url, uint64_t size_max, FetchDone done, void *userdata);
