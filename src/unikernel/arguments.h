/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "image/image.h"

/* A guest's command line: one string that is passed unchanged, or a list that is joined for the guest.
 * Pure. */

#define ARGUMENTS_MAX 8191 /* bytes that Solo5 keeps of its command line's arguments */

/* Whether a list is quoted for that image. MirageOS' way of quoting is known, and a Solo5 image counts as
 * MirageOS', as does one that is not known yet (NULL). Each of the others splits its command line in its own
 * way. */
bool arguments_are_quoted(const ImageInfo *info);

/* Joins a list by spaces: quoted as MirageOS splits it (at spaces only; '\', '"' and space escaped by '\'),
 * else each argument unchanged. INVALID_ARGS for an empty argument, which cannot be passed. Free with
 * g_free(). */
int arguments_join(const char *const *list, bool quoted, char **ret_arguments, Error *ret_error);

/* Refuses arguments that cannot reach the guest unchanged: over ARGUMENTS_MAX bytes, control characters,
 * invalid UTF-8. */
int arguments_check(const char *arguments, Error *ret_error);
