/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The generator's rights while it reads. */

#include "generator/rights.h"

#include <errno.h>
#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/paths.h"

static bool lowered;

/* Reads passwd(5) itself: other sources of users may not answer yet. */
static gid_t group_of(uid_t uid, gid_t otherwise)
{
        FILE *file = fopen("/etc/passwd", "re");
        gid_t gid = otherwise;

        for (struct passwd *entry; file && (entry = fgetpwent(file));)
                if (entry->pw_uid == uid) {
                        gid = entry->pw_gid;
                        break;
                }
        if (file)
                (void) fclose(file);

        return gid;
}

int rights_lower(void)
{
        struct stat st;
        gid_t gid;

        if (geteuid() != 0 || stat(paths_state_dir(), &st) < 0 || st.st_uid == 0)
                return 0;

        gid = group_of(st.st_uid, st.st_gid);
        lowered = true;
        if (setgroups(1, &gid) < 0 || setegid(gid) < 0 || seteuid(st.st_uid) < 0)
                return -errno;

        return 0;
}

void rights_raise(void)
{
        const gid_t gid = 0;

        if (!lowered)
                return;

        /* A process that was root gets that back by the saved user ID; if it did not, it could write
         * nothing. */
        if (seteuid(0) < 0 || setegid(0) < 0 || setgroups(1, &gid) < 0)
                _exit(EXIT_SUCCESS);
        lowered = false;
}
