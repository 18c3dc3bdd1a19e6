/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/error.h"

/* The names of unikernels and of their units. Pure, but for names_list(). */

/* A unikernel's name: 1 to 63 of a–z, 0–9 and '-', beginning with a letter or digit and not ending with
 * '-', so that it is also a DNS label (RFC 1123) and a host name. */
bool name_is_valid(const char *name);

/* The name under which a rolling update runs the new generation of NAME beside the former one: "NAME_next".
 * It is valid wherever names are read, but name_check_new() refuses it, so it is nobody's. */
#define NAME_TWIN_SUFFIX "_next"
bool name_is_twin(const char *name);
char *name_of_twin(const char *name);

/* The unikernel's own name, if name is that of its twin; otherwise a copy of name. */
char *name_without_twin(const char *name);

/* The same with an error message: INVALID_NAME. */
int name_check(const char *name, Error *ret_error);

/* The same for a unikernel that is to be created. */
int name_check_new(const char *name, Error *ret_error);

/* The entries of a folder that are names; none if it cannot be read, with ret_error (or NULL). Free with
 * g_strfreev(). */
char **names_list(const char *path, GError **ret_error);

/* "unikernel@NAME.service". '-' would be unescaped to '/' by %I, so units only ever use %i. The name must be
 * valid. Free with g_free(). */
char *unit_name_for(const char *name);

/* The name in "unikernel@NAME.service", or -EINVAL if unit is not one of ours. */
int unit_name_parse(const char *unit, char **ret_name);
