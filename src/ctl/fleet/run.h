/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/conf.h"
#include "ctl/bus/client.h"
#include "fleet/expansion/expand.h"
#include "fleet/results/record.h"

/* The folder fleet/ makes fleets of plans (src/fleet): it owns the calls for many members at once, what
 * marks them as a fleet's, and the run of a plan, whose record it fills in. The verbs "fleet …" use it.
 *
 * All that is a fleet's is known from outside this process: members by Fleet= of their definitions and their
 * names, networks by the file of the fleet in the user's state folder (state.h). So it can be killed at any
 * moment, and "fleet down" finds everything. */

typedef struct FleetRun {
        Ctl *ctl;
        const FleetPlan *plan;
        const FleetExpansion *expansion;
        FleetRecord *record;
        GHashTable *members; /* name → its number + 1 */
        int64_t begun;       /* CLOCK_MONOTONIC, µs */
        GQueue *waiting;     /* FleetCall that are not sent yet */
        GList *sent;         /* FleetCall without an answer */
        unsigned in_flight;
        unsigned batches;      /* calls that create members */
        bool *started;         /* for each member: its first start is answered */
        guint *starting;       /* for each member: starts without an answer */
        guint *replaced;       /* for each member: how many of these the plan has ended itself */
        GPtrArray *programs;   /* FleetProgram that run */
        GPtrArray *emulations; /* FleetEmulation: of networks with emulated links (emulation.h) */
        GPtrArray *changes;    /* FleetEventRecord: of those that shruthi-switch is to be told of */
        char *capture_filter;  /* of CaptureFilter=, compiled; NULL: none */
        FleetLoad load;        /* of the processors, when the clock began */
        const char *results;   /* folder; NULL if there is none */
        int results_fd, consoles_fd;
        bool asked;        /* for the counters, and not answered yet */
        bool asked_all;    /* those of all that runs */
        bool removing;     /* what ends now is no failure */
        bool lost;         /* the connection to the bus */
        bool silent;       /* shruthid does not answer any more */
        uint64_t heard;    /* CLOCK_MONOTONIC: its last message, while the run is to end; 0: it is not */
        int64_t asked_at;  /* for the counters, last */
        char *refusal;     /* of a password, which is not asked for again */
        const char *phase; /* for the view */
        uint64_t shown;    /* when the view was drawn last */
        unsigned shown_lines;
} FleetRun;

/* Reads nothing; the caller owns plan and expansion. */
FleetRun *fleet_run_new(Ctl *ctl, const FleetExpansion *expansion);
void fleet_run_free(FleetRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FleetRun, fleet_run_free)

/* µs since the run began. */
int64_t fleet_run_now(const FleetRun *run);

/* Follows the states of the members, from signals. */
int fleet_run_follow(FleetRun *run, Error *ret_error);

/* Notes how busy the processors were from the beginning of the clock on; begins before it, and again with
 * it.
 */
void fleet_run_begin_load(FleetRun *run);
void fleet_run_end_load(FleetRun *run);

/* Adds a look at the host and the members to the record. */
void fleet_run_look(FleetRun *run);

/* From SIGINT, SIGTERM and SIGHUP, whose number is kept: 0 if none has come. The second ends the process. */
void fleet_catch_signals(void);
int fleet_signal(void);

/* Claims the name of the fleet (fleet_state_begin()), and refuses one of which something is there already or
 * for whose members the host lacks memory; then imports the images. On an error the name is free again. */
int fleet_prepare(FleetRun *run, Error *ret_error);

/* Makes networks and members. Members that cannot be created have failed, in the record; an error is
 * returned if more have than Tolerate= allows, with the first of their sentences. */
int fleet_create(FleetRun *run, Error *ret_error);

/* Starts those members that are started at the beginning, at their rates. Does not wait for the last ones.
 */
int fleet_start(FleetRun *run, Error *ret_error);

/* Waits until the barriers hold or, if there is none, all that was started is ready or has failed. */
int fleet_wait_barriers(FleetRun *run, Error *ret_error);

/* Begins the clock, and carries out the schedule until the duration is over. */
int fleet_carry_out(FleetRun *run, Error *ret_error);

/* Asks for the counters of all that runs, or of those of them that are wanted. Once at most at a time. */
void fleet_ask_statistics(FleetRun *run, const bool *wanted);
