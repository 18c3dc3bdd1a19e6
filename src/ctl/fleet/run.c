/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The time of a run, and signals to it. */

#include "ctl/fleet/run.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/io.h"
#include "ctl/fleet/admission.h"
#include "fleet/results/lateness.h"
#include "fleet/results/series.h"

#define STAT_MAX (16 * 1024 * 1024) /* it has a line for each processor, and a long one of interrupts */

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

static void load_read(FleetLoad *ret_load)
{
        g_autofree char *text = NULL;
        _cleanup_close_ int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);

        if (fd < 0 || fd_read_all(fd, STAT_MAX, &text, NULL) < 0 || fleet_load_parse(text, ret_load) < 0)
                *ret_load = (FleetLoad){};
}

void fleet_run_begin_load(FleetRun *run)
{
        load_read(&run->load);
}

void fleet_run_end_load(FleetRun *run)
{
        FleetLoad now;

        load_read(&now);
        run->record->load = fleet_load_between(&run->load, &now);
}

void fleet_run_look(FleetRun *run)
{
        FleetHostSample host = {.usec = fleet_run_now(run), .memory_available = fleet_memory_available()};
        FleetLoad now;

        load_read(&now);
        host.load = fleet_load_between(&run->load, &now);
        if (getloadavg(&host.load_average, 1) != 1)
                host.load_average = 0;
        if (host.memory_available == UINT64_MAX)
                host.memory_available = 0;
        fleet_record_look(run->record, &host);
}

int64_t fleet_run_now(const FleetRun *run)
{
        return g_get_monotonic_time() - run->begun;
}
