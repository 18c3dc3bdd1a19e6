/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs of events. */

#include "ctl/fleet/programs.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_USEC      (1000 * 1000)
#define END_STEP_USEC (20 * 1000)

/* A program that has ended stays as long as its group has processes, which are ended with the run. */
typedef struct FleetProgram {
        pid_t pid; /* and its group's */
        bool ended;
        FleetEventRecord *event;
} FleetProgram;

/* Between fork and exec: a group of its own, so that its children can be ended with it and Ctrl-C does not
 * reach it. If shruthictl is killed, the program is told; its children are not. */
static void program_set_up(gpointer unused)
{
        sigset_t none;

        (void) signal(SIGPIPE, SIG_DFL);
        (void) setpgid(0, 0);
        (void) dup2(STDERR_FILENO, STDOUT_FILENO);
        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
}

void fleet_programs_start(FleetRun *run, char **command, FleetEventRecord *event)
{
        g_auto(GStrv) environment = g_get_environ();
        g_autoptr(GError) error = NULL;
        FleetProgram *program;
        pid_t pid;

        environment = g_environ_setenv(environment, "SHRUTHI_FLEET", run->plan->name, true);
        environment = g_environ_setenv(environment, "SHRUTHI_SEED", run->plan->seed, true);
        if (run->results)
                environment = g_environ_setenv(environment, "SHRUTHI_RESULTS", run->results, true);

        /* Its standard input is /dev/null: the terminal would stop it, as it is in the background. */
        if (!g_spawn_async(run->plan->directory, command, environment, G_SPAWN_DO_NOT_REAP_CHILD,
                            program_set_up, NULL, &pid, &error)) {
                event->ended = fleet_run_now(run);
                event->problem = g_strdup(error->message);
                return;
        }

        program = g_new0(FleetProgram, 1);
        *program = (FleetProgram){.pid = pid, .event = event};
        g_ptr_array_add(run->programs, program);
}

static void program_note(FleetRun *run, FleetProgram *program, int status)
{
        program->ended = true;
        program->event->ended = fleet_run_now(run);
        if (WIFSIGNALED(status))
                program->event->problem = g_strdup_printf("ended by signal %d", WTERMSIG(status));
        else if (WEXITSTATUS(status) != 0)
                program->event->problem = g_strdup_printf("exit status %d", WEXITSTATUS(status));
}

void fleet_programs_reap(FleetRun *run)
{
        for (guint i = run->programs->len; i > 0; i--) {
                FleetProgram *program = run->programs->pdata[i - 1];
                int status;

                if (!program->ended && waitpid(program->pid, &status, WNOHANG) == program->pid)
                        program_note(run, program, status);
                if (program->ended && kill(-program->pid, 0) < 0)
                        g_ptr_array_remove_index_fast(run->programs, i - 1);
        }
}

static void programs_signal(const FleetRun *run, int number)
{
        for (guint i = 0; i < run->programs->len; i++) {
                const FleetProgram *program = run->programs->pdata[i];

                (void) kill(-program->pid, number);
                /* Its group is there a moment later than itself. */
                if (!program->ended)
                        (void) kill(program->pid, number);
        }
}

/* What is known of them is noted already. */
static void programs_end_reap(FleetRun *run)
{
        for (guint i = run->programs->len; i > 0; i--) {
                FleetProgram *program = run->programs->pdata[i - 1];

                program->ended = program->ended || waitpid(program->pid, NULL, WNOHANG) == program->pid;
                if (program->ended && kill(-program->pid, 0) < 0)
                        g_ptr_array_remove_index_fast(run->programs, i - 1);
        }
}

void fleet_programs_end(FleetRun *run)
{
        int64_t until = g_get_monotonic_time() + END_USEC;

        fleet_programs_reap(run);
        for (guint i = 0; i < run->programs->len; i++) {
                FleetEventRecord *event = ((FleetProgram *) run->programs->pdata[i])->event;

                /* Only a child that it left is there still. */
                if (event->ended != FLEET_NEVER)
                        continue;
                event->cut = true;
                event->problem = g_strdup("still ran when the run was over");
                event->ended = fleet_run_now(run);
        }

        programs_signal(run, SIGTERM);
        while (run->programs->len > 0 && g_get_monotonic_time() < until) {
                programs_end_reap(run);
                g_usleep(END_STEP_USEC);
        }
        programs_signal(run, SIGKILL);
        programs_end_reap(run);
        g_ptr_array_set_size(run->programs, 0);
}
