/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-switch: forwards between the guests of networks with emulated links. shruthi-switch.socket starts
 * it, and only our own user and root can connect to that. It reads frames of hostile guests and rules of
 * users, so it has no rights: shruthi-antispoof opens the sockets. */

#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "common/names.h"
#include "common/system-calls.h"
#include "common/users.h"
#include "config.h"
#include "switch/parent.h"

static int main_restrict(void)
{
#if HAVE_SECCOMP
        return system_calls_restrict(true);
#else
        return 0;
#endif
}

int main(int argc, char *argv[])
{
        const char *directory = g_getenv("RUNTIME_DIRECTORY");
        uid_t user = 0;
        int r;

        log_open("shruthi-switch");
        (void) signal(SIGPIPE, SIG_IGN);
        if (argc == 2 && g_str_equal(argv[1], "--version")) {
                printf("shruthi %s\n", SHRUTHI_VERSION);
                return EXIT_SUCCESS;
        }
        if (!directory || sd_listen_fds(1) != 1) {
                log_error("shruthi-switch is started by shruthi-switch.socket");
                return EXIT_FAILURE;
        }
        /* Without that user, only root may ask. */
        (void) user_find(SHRUTHI_USER, &user);
        r = main_restrict();
        if (r < 0) {
                log_error("The system calls cannot be restricted: %s", g_strerror(-r));
                return EXIT_FAILURE;
        }

        r = parent_run(SD_LISTEN_FDS_START, user, directory);
        if (r < 0)
                log_error("shruthi-switch ends: %s", g_strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
