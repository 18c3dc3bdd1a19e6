/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-domain: the part of SHRUTHI that needs libvirt. Either a process for one request of shruthi-run or
 * shruthid, which read the lines that protocol.h describes; or "serve", a running service that does the same
 * for them. */

#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "common/io.h"
#include "common/log.h"
#include "common/paths.h"
#include "domain/service/observer.h"
#include "domain/service/serve.h"
#include "domain/service/verbs.h"
#include "domain/service/worker.h"

int main(int argc, char *argv[])
{
        static const ServeRoles roles = {.worker = worker_run, .observer = observer_run};
        const char *directory = g_getenv("CREDENTIALS_DIRECTORY");
        _cleanup_close_ int credentials = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;

        log_open("shruthi-domain");
        if (argc > 1 && g_str_equal(argv[1], "--user")) {
                int r = paths_use_user(&error);

                if (r < 0) {
                        log_error("%s", error_message(&error, r));
                        return EXIT_FAILURE;
                }
                argv[1] = argv[0];
                argc--;
                argv++;
        }
        if (argc == 2 && g_str_equal(argv[1], "serve"))
                return serve(&roles);

        /* A process for one request does nothing for a caller that was killed: the next one asks again. */
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

        credentials = directory ? open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : -EBADF;
        if (directory && credentials < 0)
                credentials = -errno;

        return verbs_run(argc, argv, credentials);
}
