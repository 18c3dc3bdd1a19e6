/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/cli/options.h"

/* The pager for what may be long: $SYSTEMD_PAGER, $PAGER, else less. */

/* Puts standard output into it, once; nothing happens off a terminal, with --no-pager, or when the pager is
 * "" or "cat". */
void pager_open(const Options *options);

/* Waits until the user has left it. */
void pager_close(void);
