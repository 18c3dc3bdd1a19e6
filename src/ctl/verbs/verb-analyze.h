/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/cli/ctl.h"

/* Prints how long the steps of the unikernels' starts took. sent (or NULL) maps name → uint64_t, when we
 * sent the call to start it; then they have just been started, and this waits a little for a guest's first
 * byte. single is as in json_print_array(). Returns the exit status. */
int analyze_print(Ctl *ctl, char **names, bool single, GHashTable *sent);
