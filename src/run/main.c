/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-run NAME: started by unikernel@NAME.service. */

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/system-calls.h"
#include "common/unikernel-name.h"
#include "config.h"
#include "run/runner.h"
#include "unikernel/exit-parser.h"

static void usage(void)
{
        printf("shruthi-run [--user] NAME\n\n"
               "Starts the unikernel NAME and follows it to its end. Run by unikernel@NAME.service: use\n"
               "\"systemctl start unikernel@NAME\" or \"shruthictl start NAME\".\n\n"
               "  --user     one of the user's own unikernels\n"
               "  --help     this text\n"
               "  --version  the version\n\n"
               "See shruthi-run(8).\n");
}

/* See units/hardening-runner.in. */
static int restrict_system_calls(void)
{
#if HAVE_SECCOMP
        int r = system_calls_restrict(false);
#else
        int r = 1; /* the unit has not left it to us */
#endif

        if (r < 0)
                log_error("Cannot restrict the system calls of shruthi-run: %s", g_strerror(-r));
        if (r == 0)
                log_warning("The system calls of shruthi-run are not restricted: this kernel has no "
                            "CONFIG_SECCOMP_FILTER");
        return r;
}

int main(int argc, char *argv[])
{
        _cleanup_error_ Error error = ERROR_INIT;
        const char *name = argv[argc - 1];
        bool user = argc == 3 && g_str_equal(argv[1], "--user");
        Runner *runner = NULL;
        int r;

        log_open("shruthi-run");
        if (restrict_system_calls() < 0)
                return RUNNER_EXIT_RUNNER;
        if (argc == 2 && g_str_equal(argv[1], "--help")) {
                usage();
                return EXIT_SUCCESS;
        }
        if (argc == 2 && g_str_equal(argv[1], "--version")) {
                printf("shruthi %s\n", SHRUTHI_VERSION);
                return EXIT_SUCCESS;
        }
        if (argc != (user ? 3 : 2)) {
                log_error("shruthi-run requires one name; see shruthi-run --help");
                return RUNNER_EXIT_DEFINITION;
        }

        r = user ? paths_use_user(&error) : 0;
        if (r >= 0)
                r = name_check(name, &error);
        if (r < 0) {
                log_error("%s", error_message(&error, r));
                return RUNNER_EXIT_DEFINITION;
        }

        r = runner_new(name, &runner);
        if (r < 0) {
                log_error("Cannot set up the runner: %s", g_strerror(-r));
                return RUNNER_EXIT_RUNNER;
        }

        r = runner_run(runner);
        runner_free(runner);
        return r;
}
