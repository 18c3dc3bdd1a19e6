/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The time of a run, and signals to it. */

#include "ctl/fleet/run.h"

#include <signal.h>

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
        caught = number;
}

void fleet_catch_signals(void)
{
        struct sigaction action = {.sa_handler = on_signal};
        static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
                (void) sigaction(numbers[i], &action, NULL);

        /* Whoever reads the output may leave; the run goes on to its results. */
        (void) signal(SIGPIPE, SIG_IGN);
}

int fleet_signal(void)
{
        return caught;
}

int64_t fleet_run_now(const FleetRun *run)
{
        return g_get_monotonic_time() - run->begun;
}
