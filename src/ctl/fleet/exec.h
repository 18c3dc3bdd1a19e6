/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/fleet/state.h"

/* A program of this host, run once for each of some members, several at a time. */

typedef struct FleetCommand {
        const FleetFound *member;
        char **words;       /* filled in */
        char **environment; /* of the caller, and what the member is */
        /* How it went. */
        int status;    /* as of waitpid(2); -1: it was not run */
        char *problem; /* why not */
        bool timed_out;
        int64_t usec;             /* how long it took */
        GString *output, *errors; /* with keep; else NULL */
} FleetCommand;

void fleet_command_free(gpointer data);

typedef struct FleetExec {
        GPtrArray *commands; /* FleetCommand */
        guint jobs;          /* at a time */
        uint64_t timeout;    /* µs for each; UINT64_MAX: none */
        bool keep;           /* what they print is kept, at most 1 MiB of each, and not shown */
        bool escape;         /* control characters are shown as \xNN */
        bool interrupted;
} FleetExec;

/* Runs them; each line that one prints is shown behind the name of its member. SIGINT and SIGTERM end all
 * that run, with their children, and begin no more. */
void fleet_exec_run(FleetExec *exec);

/* Whether it ended with status 0. */
bool fleet_command_succeeded(const FleetCommand *command);

/* "exit status 3", "signal 9", "not run: …". Free with g_free(). */
char *fleet_command_outcome(const FleetCommand *command);

/* Fills in the fields of one word for a member; "{{" is a brace. INVALID_ARGS for a field that is none, with
 * those that are. Free with g_free(). */
int fleet_command_fill(
                const FleetFound *member, guint count, const char *word, char **ret_text, Error *ret_error);

/* Adds SHRUTHI_FLEET, SHRUTHI_UNIKERNEL, … to an environment, which it owns from then on. */
char **fleet_command_environment(const FleetFound *member, guint count, char **environment);
