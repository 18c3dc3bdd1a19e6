/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "ctl/cli/ctl.h"

/* Shared by history, diff, update and rollback.
 *
 * Reads the generations of a unikernel: JsonObject, the oldest first. Asks for a password only if
 * interactive. */
int history_read(
                Ctl *ctl, const char *name, bool interactive, GPtrArray **ret_generations, Error *ret_error);

/* INVALID_ARGS unless text is the number of a generation that name could have. */
int generation_number_parse(const char *name, const char *text, uint64_t *ret_number, Error *ret_error);

/* The number of the newest generation before the one in force that did not fail, as a rollback chooses it; 0
 * if none. generations are JsonObject, as ListGenerations() has them, the oldest first. Pure. */
uint64_t history_find_former(const GPtrArray *generations);
