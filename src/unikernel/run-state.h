/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"
#include "unikernel/exit-parser.h"
#include "unikernel/timestamps.h"

/* What a runner that comes back after its own death must know of the guest that is still there. A small file
 * of key=value lines in the unikernel's runtime directory, which systemd keeps through a restart; shruthid
 * reads in it when what happened, and whether it is paused. Formatting and parsing are pure. */

typedef struct RunState {
        char *invocation_id;           /* the unit's at the guest's start; "": another; NULL: none */
        Timestamps timestamps;         /* of that start */
        uint64_t started_at;           /* µs since the epoch: when the guest began to run; 0: not known */
        char *paused;                  /* why it does not run now, in words, or NULL */
        uint64_t changed_at;           /* the same of its last pause or its going on; 0: none */
        bool started;                  /* the guest was seen running */
        bool spoke;                    /* … and has written something */
        bool witness;                  /* libvirt is to be asked how it ended */
        char *owner;                   /* user id, or NULL while not known */
        char *image;                   /* digest, or NULL */
        uint64_t memory;               /* bytes; 0: not known */
        char *volumes;                 /* names of those that it writes, spaces between, or NULL */
        uint64_t console_rate;
        uint64_t console_burst;
        uint64_t console_rate_user;  /* of all guests of the owner together */
        uint64_t console_burst_user;
        uint64_t silence_warning_usec; /* 0: none */
        char **ready_checks;           /* of Ready=, other than started (check.h); NULL: none */
        char **reach;                  /* "BRIDGE ADDRESS DEVICE", of the devices of checks; NULL: none */
        uint64_t ready_held;           /* a bit for each of them that has held */
        uint64_t ready_timeout_usec;   /* from when the guest runs; UINT64_MAX: no limit */
        uint64_t ready_deadline;       /* µs, CLOCK_MONOTONIC; 0: it was not seen running yet */
        char **healthy_checks;         /* of Healthy=; NULL: none */
        uint64_t healthy_interval_usec;
        uint64_t healthy_retries;      /* failures in a row that make it sick */
        bool watchdog;                 /* Watchdog=console */
        char *health;                  /* a word of those below, or NULL: nothing is checked */
        ExitParser exit_parser;        /* as of the last line that was consumed */
} RunState;

#define RUN_HEALTH_UNKNOWN "unknown" /* not all of its checks have an answer yet */
#define RUN_HEALTH_HEALTHY "healthy"
#define RUN_HEALTH_FAILING "failing"

#define RUN_STATE_INIT                                                                                      \
        ((RunState){.console_rate = UINT64_MAX,                                                             \
                        .console_burst = UINT64_MAX,                                                        \
                        .console_rate_user = UINT64_MAX,                                                    \
                        .console_burst_user = UINT64_MAX,                                                   \
                        .ready_timeout_usec = UINT64_MAX,                                                   \
                        .healthy_interval_usec = 10000000,                                                  \
                        .healthy_retries = 3,                                                               \
                        .exit_parser = EXIT_PARSER_INIT})

void run_state_clear(RunState *state);
#define _cleanup_run_state_ __attribute__((cleanup(run_state_clear)))

/* Another one, if it is not there yet: a start that is tried again tells its facts again. */
void run_state_add_ready_check(RunState *state, const char *check);
void run_state_add_healthy_check(RunState *state, const char *check);

/* Where a device is, in place of what was known of it before. */
void run_state_add_reach(RunState *state, const char *reach);

/* The bridge and the address of a device; NULL where that is not known. Free with g_free(). */
char *run_state_find_reach(const RunState *state, const char *device, Address *ret_address);

/* All of them have held. A guest of a runner that knew of none is ready as soon as it runs. */
bool run_state_is_ready(const RunState *state);

/* Free with g_free(). */
char *run_state_format(const RunState *state);

/* -EBADMSG when it is not what run_state_format() wrote. Keys that are not known are passed over: a newer
 * runner may have died. */
int run_state_parse(const char *text, RunState *ret_state);

/* As the file "state" of the directory. -ENOENT when there is none. */
int run_state_write(const char *dir, const RunState *state);
int run_state_read(const char *dir, RunState *ret_state);
