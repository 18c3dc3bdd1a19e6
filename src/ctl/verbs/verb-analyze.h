/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/cli/ctl.h"

/* Prints where the starts of the unikernels went. sent (or NULL): name → uint64_t, when the call to start it
 * left us; then they have just been started, and a guest's first byte is waited for a little. Returns the
 * exit status. single: as of json_print_array(). */
int analyze_print(Ctl *ctl, char **names, bool single, GHashTable *sent);
