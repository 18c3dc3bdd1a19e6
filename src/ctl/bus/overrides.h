/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "ctl/cli/ctl.h"

/* Settings that were accepted and have no effect: a drop-in overrides them, the unit is masked, or an
 * address is not one of the network's. Called by create, set, enable, list and status. */

/* Says on standard error which of the settings a drop-in of NAME has the last word about. */
void overrides_report(Ctl *ctl, const char *name, const CommandSettings *settings, bool image);

/* Says on standard error from which addresses in NAME's arguments nothing gets through, and how it would. */
void overrides_report_blocked_addresses(Ctl *ctl, const char *name);

/* Whether NAME's unit is masked, so that systemd starts it neither at boot nor otherwise. */
bool unit_is_masked(const char *name);
