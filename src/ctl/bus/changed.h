/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "ctl/cli/ctl.h"

/* What a change of a definition means for a guest that runs: it goes on with what it was started with. */

/* Whether NAME's does; says so, unless --quiet. False where that cannot be told. */
bool changed_needs_restart(Ctl *ctl, const char *name);

/* The names of all whose guests do; none where that cannot be told. */
GHashTable *changed_list(Ctl *ctl);
