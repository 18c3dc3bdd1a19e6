/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A network that is not there when the guest is to start. At boot, and where systemd starts the unit again
 * by itself, it is waited for, and looked for each second. Somebody who asks for the start is told at
 * once. */

#include <errno.h>
#include <glib.h>
#include <systemd/sd-event.h>

#include "common/unikernel-name.h"
#include "run/runner.h"
#include "run/unit-question.h"

/* Below what runner-begin.c leaves of TimeoutStartSec=, and so long that a restart is never one too many for
 * StartLimitBurst=. */
#define NETWORK_PATIENCE_USEC (60 * G_USEC_PER_SEC)
#define NETWORK_LOOK_USEC     (1 * G_USEC_PER_SEC)

static int on_look(sd_event_source *source, uint64_t usec, void *userdata)
{
        Runner *runner = userdata;
        int r;

        runner->network_source = sd_event_source_disable_unref(runner->network_source);
        runner->refusal = RESULT_RUNNER;
        runner->refusal_error = _ERROR_CODE_INVALID;
        g_clear_pointer(&runner->refusal_sentence, g_free);
        r = runner_ask_start(runner);
        if (r < 0)
                runner_fail(runner, RESULT_RUNNER, RUNNER_EXIT_RUNNER, "shruthi-domain cannot be run: %s",
                                g_strerror(-r));
        return 0;
}

/* Whether it is worth it, which is found out once. */
static bool runner_begin_waiting(Runner *runner)
{
        g_autofree char *unit = unit_name_for(runner->name);
        bool unbidden = false;

        if (unit_ask_unbidden(unit, RUNNER_QUESTION_TIMEOUT_USEC, &unbidden) < 0 || !unbidden)
                return false;

        runner->network_deadline = (uint64_t) g_get_monotonic_time() + NETWORK_PATIENCE_USEC;
        journal_message(runner->journal, LOG_NOTICE, NULL, NULL, "%s. It is waited for, %d s at most",
                        runner->refusal_sentence ?: "A network is missing",
                        (int) (NETWORK_PATIENCE_USEC / G_USEC_PER_SEC));
        runner_notify(runner, "STATUS=Waiting for a network");
        return true;
}

bool runner_wait_for_network(Runner *runner)
{
        if (runner->refusal_error != ERROR_NO_SUCH_NETWORK)
                return false;
        if (runner->network_deadline == 0 && !runner_begin_waiting(runner))
                return false;
        if ((uint64_t) g_get_monotonic_time() >= runner->network_deadline)
                return false;
        if (sd_event_add_time_relative(runner->event, &runner->network_source, CLOCK_MONOTONIC,
                            NETWORK_LOOK_USEC, 0, on_look, runner) < 0)
                return false;

        runner->beginning = true;
        return true;
}

bool runner_stop_waiting(Runner *runner)
{
        if (!runner->network_source)
                return false;

        runner->network_source = sd_event_source_disable_unref(runner->network_source);
        return true;
}
