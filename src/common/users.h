/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

/* Users and groups by name and number. NSS may ask the network: where nobody may be kept waiting, call
 * functions that look up names in threads only. */

/* No group: chown(2) takes it for "leave as it is", so that no group has this number. */
#define GID_INVALID ((gid_t) -1)

/* Parses a number: digits only; numbers that stand for "none" are refused (systemd's uid_is_valid()). */
int user_number_parse(const char *text, uint32_t *ret);

/* Among unikernels of a user's own (paths_are_of_user()) that user is number 0, as root is among those of
 * the system: their administrator, whose they are unless they say otherwise. All functions here count so;
 * for clients and the journal the number is what it is outside. */
uid_t user_number_here(uid_t uid);
uid_t user_number_outside(uid_t uid);

/* -ESRCH if there is no such name, else another errno. */
int user_find(const char *name, uid_t *ret_uid);
int group_find(const char *name, gid_t *ret_gid);

/* By name or number. The message begins with what ("Owner"): INVALID_ARGS. */
int user_parse(const char *what, const char *text, uid_t *ret_uid, Error *ret_error);
int group_parse(const char *what, const char *text, gid_t *ret_gid, Error *ret_error);

/* The name, or the number as text if it has none. Free with g_free(). */
char *user_name(uid_t uid);
char *group_name(gid_t gid);
