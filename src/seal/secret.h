/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Memory for secrets: in pages of its own that are kept from swap and core dumps as far as the limits allow,
 * and overwritten before they are freed. */

typedef struct Secret {
        uint8_t *data;
        size_t size, capacity;
} Secret;

int secret_new(size_t capacity, Secret *ret, Error *ret_error);
void secret_clear(Secret *secret);
#define _cleanup_secret_ __attribute__((cleanup(secret_clear)))

/* Appends all that can be read from a pipe or the like until its end. -E2BIG if that exceeds the room,
 * -ETIMEDOUT if the end has not come by deadline (g_get_monotonic_time()). */
int secret_read(Secret *secret, int fd, gint64 deadline);

/* Appends a regular file's content, whatever its descriptor's position. */
int secret_read_file(Secret *secret, int fd);
