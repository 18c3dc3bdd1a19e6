/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "common/error.h"

#define DIGEST_LIST_SIZE_MAX (1024 * 1024)

/* Finds the digest of a file in what sha256sum(1) has written, lines "HEX  FILE" or "HEX *FILE", by the name
 * of the file without its folder. data is of unknown origin. VERIFICATION_FAILED: not listed, listed with
 * two digests, or no such list. Pure. */
int digest_list_find(const char *data, size_t size, const char *file, char **ret_digest, Error *ret_error);
