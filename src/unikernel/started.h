/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unikernel/definition.h"

/* What a running guest was started with: its definition at that time, with all drop-ins merged, as a file in
 * the unikernel's run directory. Written by shruthi-domain at each start, read by shruthid. It lacks the
 * settings that take effect without a start: owner, group, Autostart= and Restart=. */

int started_write(const char *name, const Definition *definition);

/* What NAME's guest was started with, if a start with definition (NULL: none) would give something
 * different; NULL if it would be the same, or that is not known. */
Definition *started_load_other(const char *name, const Definition *definition);

/* The text of that file, unparsed, for snapshot.h; and whether a start with definition would give the guest
 * what such a text, read from path, says. Free with g_free(). */
int started_read(const char *name, char **ret_text, size_t *ret_size);
bool started_equals(const char *name, const char *path, const char *text, size_t size,
                const Definition *definition);

/* Whether both give the guest the same devices, with the same settings. Pure. */
bool started_devices_equal(const Definition *a, const Definition *b);
