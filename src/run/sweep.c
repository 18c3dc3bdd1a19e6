/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The last look for a domain. Called by main.c. */

#include "run/sweep.h"

#include <glib.h>
#include <signal.h>
#include <systemd/sd-event.h>

#include "common/log.h"
#include "common/names.h"
#include "run/helper.h"
#include "unikernel/verdict.h"

typedef struct Sweep {
        sd_event *event;
        Helper *helper;
} Sweep;

static void on_line(void *userdata, const char *key, const char *value)
{
        if (g_str_equal(key, "error") || g_str_equal(key, "detail") || g_str_equal(key, "notice"))
                log_error("%s", value);
}

static void on_ended(void *userdata, int status)
{
        Sweep *task = userdata;

        if (status < 0)
                log_error("libvirt did not end the domain");
        (void) sd_event_exit(task->event, status < 0 ? RUNNER_EXIT_LIBVIRT : status);
}

int sweep(const char *name)
{
        static const HelperHooks hooks = {.line = on_line, .ended = on_ended};
        const char *const arguments[] = {"stop", name, NULL};
        Sweep task = {};
        sigset_t mask;
        int r;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return RUNNER_EXIT_RUNNER;

        r = sd_event_new(&task.event);
        if (r >= 0)
                r = helper_new(task.event, arguments, UINT64_MAX, &hooks, &task, &task.helper);
        if (r >= 0)
                r = sd_event_loop(task.event);
        if (r < 0) {
                log_error("shruthi-domain cannot be run: %s", g_strerror(-r));
                r = RUNNER_EXIT_RUNNER;
        }

        helper_free(task.helper);
        sd_event_unref(task.event);
        return r;
}
