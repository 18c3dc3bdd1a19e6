/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-probe: asks guests over the network whether they answer, for runners, which have no network. One
 * process without threads for all guests of the host. shruthi-probe.socket starts it, and only our own user
 * and root can connect to that; it exits when nobody has for a while. It talks to hostile guests, so it
 * keeps no rights: it opens the raw sockets for echoes first, and then drops its only capability. With
 * --user, in a user's manager, it has none, and shruthi-uplink calls the guests for it. */

#include <glib.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/log.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/users.h"
#include "config.h"
#include "probe/server.h"

static int drop_capabilities(void)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
                        syscall(SYS_capset, &header, none) < 0)
                return -errno;

        return 0;
}

static int serve(Ping *ping)
{
        sd_event *event = NULL;
        ProbeServer *server = NULL;
        uid_t user = 0;
        int r;

        if (sd_listen_fds(1) != 1) {
                log_error("shruthi-probe is started by shruthi-probe.socket");
                return -EINVAL;
        }
        /* Without that user, only root may ask. */
        (void) user_find(SHRUTHI_USER, &user);

        r = sd_event_new(&event);
        if (r >= 0 && ping)
                r = ping_attach(ping, event);
        if (r >= 0)
                r = server_new(event, ping, SD_LISTEN_FDS_START, user, &server);
        if (r >= 0)
                r = sd_event_loop(event);
        if (r < 0)
                log_error("The event loop failed: %s", g_strerror(-r));

        server_free(server);
        sd_event_unref(event);
        return r;
}

static int serve_user(void)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r = paths_use_user(&error);

        if (r < 0) {
                log_error("%s", error_message(&error, r));
                return r;
        }

        return serve(NULL);
}

int main(int argc, char *argv[])
{
        Ping *ping = NULL;
        int r;

        log_open("shruthi-probe");
        (void) signal(SIGPIPE, SIG_IGN);
        if (argc == 2 && g_str_equal(argv[1], "--version")) {
                printf("shruthi %s\n", SHRUTHI_VERSION);
                return EXIT_SUCCESS;
        }

        if (argc == 2 && g_str_equal(argv[1], "--user"))
                return serve_user() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        r = ping_new(&ping);
        if (r < 0) {
                log_error("The sockets for echoes cannot be opened: %s", g_strerror(-r));
                return EXIT_FAILURE;
        }
        r = drop_capabilities();
        if (r < 0)
                log_error("The capability for echoes cannot be given up: %s", g_strerror(-r));
        else
                r = serve(ping);

        ping_free(ping);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
