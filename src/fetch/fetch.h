/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetch/protocol.h"

/* Fetches the URL into a file that has no name any more, and returns it at its beginning. Ends when the peer
 * of client closes the connection. Errors: NO_SUCH_IMAGE if the server has no such file, LIMIT_EXCEEDED,
 * TIMED_OUT, CANCELED; FAILED: anything else, with the reason. */
int fetch_file(const FetchRequest *request, int client, int *ret_fd, Error *ret_error);
