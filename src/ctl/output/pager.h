/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/cli/options.h"

/* The pager for long output: $SYSTEMD_PAGER, $PAGER, otherwise less. */

/* Redirects standard output to the pager, once. Does nothing if standard output is not a terminal, with
 * --no-pager, or if the pager is "" or "cat". */
void pager_open(const Options *options);

/* Waits until the user has closed the pager. */
void pager_close(void);
