/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A file beside the run's state. Called by job-run.c and kill.c. */

#include "daemon/state/stopper.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/paths.h"
#include "common/users.h"
#include "daemon/state/unikernel.h"

/* The user's name if it is known without a lookup. */
static char *stopper_name(const Unikernel *unikernel, uid_t uid)
{
        if (uid == 0)
                return paths_are_of_user() ? user_name(uid) : g_strdup("root");
        if (unikernel && unikernel->properties.owner == uid)
                return g_strdup(unikernel_owner_name(unikernel));

        return g_strdup_printf("%u", (unsigned) uid);
}

/* The runner reads at SIGTERM who stopped it ("stopped by user alice"). Without a runner there is no
 * directory, and nothing to write. */
void stopper_write(Manager *manager, const char *name, uid_t uid)
{
        g_autofree char *stopper = stopper_name(unikernel_get(manager, name), uid);
        g_autofree char *dir = paths_unikernel_runtime(name),
                        *path = g_build_filename(dir, "stopped-by", NULL);
        g_autofree char *text = g_strconcat(stopper, "\n", NULL);
        _cleanup_close_ int fd =
                        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

        if (fd < 0 || write_all(fd, text, strlen(text)) < 0)
                log_debug("Cannot tell the runner of '%s' who stops it", name);
}

void stopper_remove(const char *name)
{
        g_autofree char *dir = paths_unikernel_runtime(name),
                        *path = g_build_filename(dir, "stopped-by", NULL);

        (void) unlink(path);
}
