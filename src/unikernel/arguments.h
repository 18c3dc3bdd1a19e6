/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* A guest's command line: one string that passes unchanged, or a list that is quoted for MirageOS. Pure. */

/* Joins a list as MirageOS splits it (space only; '\', '"' and space escaped by '\'). INVALID_ARGS for an
 * empty argument, which cannot be passed. Free with g_free(). */
int arguments_join(const char *const *list, char **ret_arguments, Error *ret_error);

/* Refuses what cannot reach the guest as it is: over DEFINITION_ARGUMENTS_MAX bytes, control characters,
 * invalid UTF-8. */
int arguments_check(const char *arguments, Error *ret_error);
