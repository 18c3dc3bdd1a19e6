/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/error.h"

/* Whether another user (QEMU's) gets to a file: by the modes of the path's components. Access lists are not
 * looked at, so a "no" may be wrong where somebody has set them. */

typedef struct AccessUser {
        uid_t uid;
        gid_t *groups;
        int n_groups;
} AccessUser;

/* -ESRCH if there is no such user, -ENOENT if no such group, which is added to those that they are in. */
int access_user_init(const char *user, const char *group, AccessUser *ret);
void access_user_clear(AccessUser *user);
#define _cleanup_access_user_ __attribute__((cleanup(access_user_clear)))

/* 0: the user can enter path and everything above it. -EACCES: *ret_where (free with g_free()) is the first
 * that they cannot. Other errors are those of looking. */
int access_check_directory(const AccessUser *user, const char *path, char **ret_where);
