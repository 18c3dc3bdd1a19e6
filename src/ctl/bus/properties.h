/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "ctl/cli/ctl.h"

/* Properties as the verbs "show" print them. */

typedef int (*PropertiesGetter)(Ctl *ctl, const char *name, JsonObject **ret_properties, Error *ret_error);

/* What everybody may know of a unikernel and, where the caller may, its details; strictly: where they may
 * not, that is an error. */
int unikernel_get_all_properties(
                Ctl *ctl, const char *name, bool strictly, JsonObject **ret_properties, Error *ret_error);

/* How its last run ended, or why it is paused, in words, where the caller may know that; NULL: nothing to
 * tell. properties are those that everybody may know. Free with g_free(). */
char *unikernel_get_reason(Ctl *ctl, const char *name, JsonObject *properties);

/* The same behind the result and the exit status: "exit-status (7): …"; NULL as above. Free with g_free().
 */
char *unikernel_format_end(Ctl *ctl, const char *name, JsonObject *properties);

/* Of each name (or once of NULL, if there is none), which is a kind ("volume ", "": a unikernel) of
 * thing, what collect gets, as KEY=VALUE: all, or those of --property=; with --json= an object where one
 * was asked for by its name (single), else an array. Owners have their name beside their number. What
 * fails, or has none of the properties, is told and left out. Returns the exit status: that of the first
 * failure. */
int properties_show(Ctl *ctl, const char *kind, char **names, bool single, PropertiesGetter collect);
