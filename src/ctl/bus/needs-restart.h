/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "ctl/cli/ctl.h"

/* Running guests whose definitions have changed since they were started, and which need a restart for it. */

/* Whether NAME needs one; says so, unless --quiet. False where that cannot be told. */
bool needs_restart_report(Ctl *ctl, const char *name);

/* The names of all that need one; none where that cannot be told. */
GHashTable *needs_restart_list(Ctl *ctl);
