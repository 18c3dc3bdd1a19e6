/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "ctl/cli/ctl.h"

/* Properties, as printed by the verbs "show". */

typedef int (*PropertiesGetter)(Ctl *ctl, const char *name, JsonObject **ret_properties, Error *ret_error);

/* Gets the properties of a unikernel and, if the caller may see them, its details; if strictly, it is an
 * error if the caller may not. */
int unikernel_get_all_properties(
                Ctl *ctl, const char *name, bool strictly, JsonObject **ret_properties, Error *ret_error);

/* The result of its last run, with the exit status if it has one: "exit-status (7)"; "" if there is no
 * result. Free with g_free(). */
char *unikernel_format_result(JsonObject *properties);

/* How its last run ended, or why it is paused, in words, if the caller may see that; NULL if there is
 * nothing to report. properties are those that everybody may read. Free with g_free(). */
char *unikernel_get_reason(Ctl *ctl, const char *name, JsonObject *properties);

/* The same after the result and the exit status: "exit-status (7): …"; NULL as above. Free with
 * g_free(). */
char *unikernel_format_end(Ctl *ctl, const char *name, JsonObject *properties);

/* For each name (or once for NULL, if there is none), prints what collect gets as KEY=VALUE: all, or those
 * of --property=; with --json= an object if one was requested by name (single), otherwise an array. kind is
 * for messages ("volume ", or "" for a unikernel). Owners are shown by number and by name. Names that fail,
 * or have none of the properties, are reported and omitted. Returns the exit status of the first failure. */
int properties_show(Ctl *ctl, const char *kind, char **names, bool single, PropertiesGetter collect);
