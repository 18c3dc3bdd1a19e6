/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The time of a run, and signals to it. */

#include "ctl/fleet/run.h"

#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

/* The first one ends the run in order; whoever sends another does not want to wait for that. */
static void on_signal(int number)
{
        static const char text[] = "\nEnded at once; what is left of the fleet: shruthictl fleet list\n";

        if (caught && number != SIGHUP) {
                (void) !write(STDERR_FILENO, text, sizeof text - 1);
                _exit(128 + number);
        }
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
