/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "ctl/cli/ctl.h"

/* What was done as it was asked for, and does not come to anything, since an administrator has decided
 * otherwise in a file, or their networks have other addresses. Called by create, set, enable, list and
 * status. */

/* Says on standard error which of the settings a drop-in of NAME has the last word about. */
void tell_overrides(Ctl *ctl, const char *name, const CommandSettings *settings, bool image);

/* Says on standard error from which addresses in NAME's arguments nothing gets through, and how it would. */
void tell_blocked_addresses(Ctl *ctl, const char *name);

/* Whether NAME's unit is masked, so that systemd starts it neither at boot nor otherwise. */
bool unit_is_masked(const char *name);
