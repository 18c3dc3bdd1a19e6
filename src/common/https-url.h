/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"

#define HTTPS_URL_MAX 2048 /* bytes */

/* Whether text is meant as a URL, and not as a path. */
bool text_is_url(const char *text);

/* Whether text is the URL of a file that may be fetched: https, in printable ASCII, with neither a user nor
 * a password (whoever sees the definition would see them), a query nor a fragment (so that the ending of a
 * signature can be appended). INVALID_ARGS with what would be right. Pure. */
int https_url_check(const char *text, Error *ret_error);
