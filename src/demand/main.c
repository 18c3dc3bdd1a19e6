/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* shruthi-demand: has unikernels with Activation=traffic started when there is traffic for them, and stopped
 * when there is none. Started by its socket, whenever a definition says so, and at boot; it ends when none
 * does. */

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "config.h"
#include "demand/service.h"

/* Signals for the event loop: shruthi-domain may be a child. */
static int signals_prepare(sd_event *event)
{
        sigset_t set;

        (void) signal(SIGPIPE, SIG_IGN);
        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGCHLD);
        (void) sigaddset(&set, SIGTERM);
        (void) sigaddset(&set, SIGINT);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        (void) sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        (void) sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
        return 0;
}

static int serve(void)
{
        Service *service = NULL;
        sd_event *event = NULL;
        sd_bus *bus = NULL;
        int r;

        r = sd_event_new(&event);
        if (r >= 0)
                r = signals_prepare(event);
        if (r >= 0)
                r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_set_exit_on_disconnect(bus, true);
        if (r >= 0)
                r = service_new(event, bus, SD_LISTEN_FDS_START, &service);
        if (r >= 0)
                r = sd_event_loop(event);
        if (r < 0)
                log_error("shruthi-demand cannot continue: %s", g_strerror(-r));

        service_free(service);
        sd_bus_close_unref(bus);
        sd_event_unref(event);
        return r;
}

int main(int argc, char *argv[])
{
        log_open("shruthi-demand");
        if (argc == 2 && g_str_equal(argv[1], "--version")) {
                printf("shruthi %s\n", SHRUTHI_VERSION);
                return EXIT_SUCCESS;
        }
        if (sd_listen_fds(1) != 1) {
                log_error("shruthi-demand is started by shruthi-demand.socket");
                return EXIT_FAILURE;
        }

        return serve() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
