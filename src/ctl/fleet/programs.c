/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs of events. */

#include "ctl/fleet/programs.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct FleetProgram {
        pid_t pid;
        FleetEventRecord *event;
} FleetProgram;

/* Between fork and exec: a group of its own, so that its children can be ended with it and Ctrl-C does not
 * reach it. */
static void program_set_up(gpointer unused)
{
        sigset_t none;

        (void) signal(SIGPIPE, SIG_DFL);
        (void) setpgid(0, 0);
        (void) dup2(STDERR_FILENO, STDOUT_FILENO);
        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
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

        if (!g_spawn_async(run->plan->directory, command, environment,
                            G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CHILD_INHERITS_STDIN, program_set_up, NULL,
                            &pid, &error)) {
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

                if (waitpid(program->pid, &status, WNOHANG) != program->pid)
                        continue;
                program_note(run, program, status);
                g_ptr_array_remove_index_fast(run->programs, i - 1);
        }
}

void fleet_programs_end(FleetRun *run)
{
        fleet_programs_reap(run);
        for (guint i = 0; i < run->programs->len; i++) {
                FleetProgram *program = run->programs->pdata[i];
                int status;

                (void) kill(-program->pid, SIGTERM);
                (void) kill(program->pid, SIGTERM);
                for (unsigned tries = 0; tries < 50 && waitpid(program->pid, &status, WNOHANG) == 0; tries++)
                        g_usleep(20 * 1000);
                (void) kill(-program->pid, SIGKILL);
                (void) waitpid(program->pid, &status, WNOHANG);
                program->event->ended = fleet_run_now(run);
                program->event->problem = g_strdup("still ran when the run was over");
                program->event->cut = true;
        }
        g_ptr_array_set_size(run->programs, 0);
}
