/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/error.h"

/* Whether another user (QEMU's) gets to a file: by the modes of the path's components. Access lists are not
 * looked at, so a "no" may be wrong where somebody has set them. */

typedef struct ReachUser {
        uid_t uid;
        gid_t *groups;
        int n_groups;
} ReachUser;

/* -ESRCH if there is no such user, -ENOENT if no such group, which is added to those that they are in. */
int reach_user_init(const char *user, const char *group, ReachUser *ret);
void reach_user_clear(ReachUser *user);
#define _cleanup_reach_user_ __attribute__((cleanup(reach_user_clear)))

/* 0: the user can enter path and everything above it. -EACCES: *ret_where (free with g_free()) is the first
 * that they cannot. Other errors are those of looking. */
int reach_directory(const ReachUser *user, const char *path, char **ret_where);
