/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthid: the service behind org.dream.Shruthi. systemd starts it at the first call; it exits when
 * idle. */

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/paths.h"
#include "config.h"
#include "daemon/daemon.h"

static int usage(FILE *file)
{
        (void) fputs("shruthid: the service org.dream.Shruthi; started by systemd.\n\n"
                     "  --user          serve the user's own unikernels on the user's bus\n"
                     "  --make-folders  with --user: make the folders for them, and exit\n"
                     "  --help          show this\n"
                     "  --version       show the version\n\n"
                     "See shruthid(8). To use it: shruthictl(1), busctl(1), gdbus(1).\n",
                        file);
        return file == stderr ? 2 : 0;
}

static int use_user(bool make_folders)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = paths_use_user(&error);

        if (r >= 0 && make_folders)
                r = paths_make_user_folders(&error);
        if (r >= 0)
                return make_folders ? EXIT_SUCCESS : -1;

        log_error("%s", error_message(&error, r));
        return EXIT_FAILURE;
}

/* Returns -1 to continue, otherwise the exit status. */
static int parse_command_line(int argc, char **argv)
{
        static const struct option options[] = {
                {"user", no_argument, NULL, 'u'},
                {"make-folders", no_argument, NULL, 'm'},
                {"help", no_argument, NULL, 'h'},
                {"version", no_argument, NULL, 'V'},
                {},
        };
        bool user = false, make_folders = false;
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                if (c == 'h')
                        return usage(stdout);
                if (c == 'V') {
                        (void) puts("shruthid " SHRUTHI_VERSION);
                        return 0;
                }
                if (c == 'u')
                        user = true;
                else if (c == 'm')
                        make_folders = true;
                else
                        return usage(stderr);
        }

        if (optind < argc || (make_folders && !user))
                return usage(stderr);
        return user ? use_user(make_folders) : -1;
}

/* sd-event reads signals from a descriptor, so they are blocked before the first thread is created
 * (sd_event_add_signal(3)). */
static void block_signals(void)
{
        sigset_t mask;

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGHUP);
        sigaddset(&mask, SIGCHLD);
        (void) sigprocmask(SIG_BLOCK, &mask, NULL);
        (void) signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_daemon_ Manager *manager = NULL;
        int r;

        log_open("shruthid");
        r = parse_command_line(argc, argv);
        if (r >= 0)
                return r;

        block_signals();
        r = daemon_new(&manager, &error);
        if (r < 0) {
                log_error("%s", error_message(&error, r));
                return EXIT_FAILURE;
        }

        return daemon_run(manager) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
