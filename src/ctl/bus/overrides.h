/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "ctl/cli/ctl.h"

/* Settings that were accepted but have no effect: a drop-in overrides them, the unit is masked, or an
 * address is not in the network. Called by create, set, enable, list and status. */

/* Prints on standard error which of the settings a drop-in of NAME overrides. */
void overrides_report(Ctl *ctl, const char *name, const CommandSettings *settings, bool image);

/* Prints on standard error which addresses in NAME's arguments are blocked, and how to allow them. */
void overrides_report_blocked_addresses(Ctl *ctl, const char *name);

/* Whether NAME's unit is masked, so that systemd never starts it. */
bool unit_is_masked(const char *name);
