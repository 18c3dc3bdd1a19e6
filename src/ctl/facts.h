/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "ctl/options.h"

/* What the verbs "show" print: of each thing (JsonObject) all facts as KEY=VALUE, or those of --property=;
 * with --json= an object where it was asked for one by its name (single), else an array. */
void facts_print(const Options *options, const GPtrArray *all, bool single);
