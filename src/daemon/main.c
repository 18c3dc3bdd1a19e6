/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthid: the service behind org.dream.Shruthi. systemd starts it at the first call; it exits when
 * idle. */

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "config.h"
#include "daemon/daemon.h"

static int usage(FILE *file)
{
        (void) fputs("shruthid: the service org.dream.Shruthi; started by systemd.\n\n"
                     "  --help     show this\n"
                     "  --version  show the version\n\n"
                     "See shruthid(8). To use it: shruthictl(1), busctl(1), gdbus(1).\n",
                        file);
        return file == stderr ? 2 : 0;
}

/* Returns -1 to continue, otherwise the exit status. */
static int parse_command_line(int argc, char **argv)
{
        static const struct option options[] = {
                {"help", no_argument, NULL, 'h'},
                {"version", no_argument, NULL, 'V'},
                {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                if (c == 'h')
                        return usage(stdout);
                if (c == 'V') {
                        (void) puts("shruthid " SHRUTHI_VERSION);
                        return 0;
                }
                return usage(stderr);
        }

        return optind < argc ? usage(stderr) : -1;
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

        r = parse_command_line(argc, argv);
        if (r >= 0)
                return r;

        log_open("shruthid");
        block_signals();
        r = daemon_new(&manager, &error);
        if (r < 0) {
                log_error("%s", error_message(&error, r));
                return EXIT_FAILURE;
        }

        return daemon_run(manager) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
