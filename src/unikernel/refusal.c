/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "unikernel/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/unikernel-name.h"

static char *refusal_path(const char *name)
{
        return g_build_filename(paths_refusals(), name, NULL);
}

int refusal_begin(const char *name)
{
        g_autofree char *path = refusal_path(name);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        return fd < 0 ? -errno : 0;
}

int refusal_end(const char *name)
{
        g_autofree char *path = refusal_path(name);

        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

bool refusal_is_noted(const char *name)
{
        g_autofree char *path = refusal_path(name);

        return access(path, F_OK) >= 0;
}

void refusals_end(void)
{
        g_auto(GStrv) names = names_list(paths_refusals(), NULL);

        for (char **name = names; name && *name; name++)
                (void) refusal_end(*name);
}
