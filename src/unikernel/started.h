/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unikernel/definition.h"

/* What a guest that runs was started with: its definition as it was then, with all drop-ins in it, as a file
 * in the unikernel's runtime directory. Written by shruthi-domain at each start, read by shruthid. What
 * counts without a start stands in none: owner, group, Autostart= and Restart=. */

int started_write(const char *name, const Definition *definition);

/* What NAME's guest was started with, where a start with definition (NULL: there is none) would make
 * something else of it; NULL: the same, or not known. */
Definition *started_load_other(const char *name, const Definition *definition);

/* Whether they give the guest the same devices, with the same settings. Pure. */
bool started_devices_equal(const Definition *a, const Definition *b);
