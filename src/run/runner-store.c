/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What systemd keeps for the unit while there is no runner: the console, the liveness token, and a pidfd of
 * a guest that is a process. */

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "common/io.h"
#include "run/runner-private.h"
#include "unikernel/liveness.h"

#define LIVENESS_STEP_USEC (2 * 1000)

void runner_store(const char *name, int fd)
{
        g_autofree char *text = g_strdup_printf("FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);

        /* FDPOLL=0: otherwise systemd drops it as soon as its other end is closed, and with the console an
         * exit message in it. */
        (void) sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

void runner_unstore(const char *name)
{
        g_autofree char *text = g_strdup_printf("FDSTOREREMOVE=1\nFDNAME=%s", name);

        (void) sd_notify(0, text);
}

void runner_find_stored(RunnerStored *ret_stored)
{
        g_auto(GStrv) names = NULL;
        int n;

        *ret_stored = (RunnerStored){.console = -EBADF, .liveness = -EBADF, .process = -EBADF};
        n = sd_listen_fds_with_names(1, &names);
        for (int i = 0; i < n; i++) {
                int fd = SD_LISTEN_FDS_START + i;
                int *place = g_strcmp0(names[i], RUNNER_STORED_CONSOLE) == 0    ? &ret_stored->console
                             : g_strcmp0(names[i], RUNNER_STORED_LIVENESS) == 0 ? &ret_stored->liveness
                             : g_strcmp0(names[i], RUNNER_STORED_PROCESS) == 0  ? &ret_stored->process
                                                                                : NULL;
                struct stat st;

                if (place && *place < 0 && fstat(fd, &st) >= 0 &&
                                S_ISFIFO(st.st_mode) == (place != &ret_stored->process))
                        *place = fd;
                else
                        (void) close_safe(fd);
        }
}

bool runner_is_told_to_stop(void)
{
        sigset_t pending;

        return sigpending(&pending) >= 0 &&
               (sigismember(&pending, SIGTERM) > 0 || sigismember(&pending, SIGINT) > 0);
}

int runner_acquire_liveness(Runner *runner, int stored)
{
        uint64_t end = (uint64_t) g_get_monotonic_time() + RUNNER_LIVENESS_TIMEOUT_USEC;
        int r;

        if (stored >= 0 && liveness_is_stored(runner->name, stored)) {
                runner->liveness_fd = stored;
                return 0;
        }
        if (stored >= 0) {
                runner_unstore(RUNNER_STORED_LIVENESS);
                (void) close_safe(stored);
        }

        while ((r = liveness_acquire(runner->name, &runner->liveness_fd)) == -EBUSY &&
                        !runner_is_told_to_stop() && (uint64_t) g_get_monotonic_time() < end)
                g_usleep(LIVENESS_STEP_USEC);
        if (r >= 0)
                runner_store(RUNNER_STORED_LIVENESS, runner->liveness_fd);
        return r;
}
