/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "ctl/cli/ctl.h"

/* Running guests that need a restart because their definitions have changed since they were started. */

/* Whether NAME needs a restart; prints a note, unless --quiet. False if that is not known. */
bool needs_restart_report(Ctl *ctl, const char *name);

/* The names of all that need a restart; empty if that is not known. */
GHashTable *needs_restart_list(Ctl *ctl);
