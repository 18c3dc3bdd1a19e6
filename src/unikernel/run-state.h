/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"
#include "unikernel/exit-parser.h"
#include "unikernel/timestamps.h"

/* What a restarted runner must know about the guest that is still running. A small file of key=value lines
 * in the unikernel's run directory, which systemd keeps through a restart; shruthid reads there when each
 * step happened, and whether the guest is paused. Formatting and parsing are pure. */

typedef struct RunState {
        char *invocation_id;           /* the unit's at the guest's start; "": of another start; NULL if
                                        * none */
        Timestamps timestamps;         /* of that start */
        uint64_t started_at;           /* µs since the epoch when the guest began to run; 0: not known */
        char *paused;                  /* why it is paused, in words; NULL if it runs */
        uint64_t changed_at;           /* µs since the epoch of its last pause or resume; 0: none */
        bool started;                  /* the guest was seen running */
        bool spoke;                    /* … and has written something */
        bool witness;                  /* ask libvirt how it ended */
        char *owner;                   /* user id, or NULL while not known */
        char *slice;                   /* unit that QEMU is in; "": libvirt's choice; NULL: as earlier
                                        * versions had it */
        bool process;                  /* the guest is a process (process.h) */
        char *cgroup;                  /* … in this control group: below /sys/fs/cgroup; NULL: not known */
        char *image;                   /* digest, or NULL */
        uint64_t memory;               /* bytes; 0: not known */
        char *volumes;                 /* names of those that it writes, separated by spaces, or NULL */
        uint64_t console_rate;
        uint64_t console_burst;
        uint64_t console_rate_user;  /* for all guests of the owner together */
        uint64_t console_burst_user;
        uint64_t silence_warning_usec; /* 0: no warning */
        char **ready_checks;           /* of Ready=, except started (check.h); NULL if none */
        char **reach;                  /* "BRIDGE ADDRESS DEVICE", for devices of checks; NULL if none */
        uint64_t ready_held;           /* a bit for each check that has held */
        uint64_t ready_timeout_usec;   /* counted from when the guest runs; UINT64_MAX: no limit */
        uint64_t ready_deadline;       /* µs, CLOCK_MONOTONIC; 0: not seen running yet */
        char **healthy_checks;         /* of Healthy=; NULL if none */
        uint64_t healthy_interval_usec;
        uint64_t healthy_retries;      /* failures in a row that make it unhealthy */
        bool watchdog;                 /* Watchdog=console */
        char *health;                  /* one of the words below, or NULL: nothing is checked */
        ExitParser exit_parser;        /* as of the last line that was consumed */
} RunState;

#define RUN_HEALTH_UNKNOWN "unknown" /* some checks have no answer yet */
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

#define RUN_STATE_FILE "state" /* in the run directory */

void run_state_clear(RunState *state);
#define _cleanup_run_state_ __attribute__((cleanup(run_state_clear)))

/* Add a check, unless it is there already: a start that is tried again reports its facts again. */
void run_state_add_ready_check(RunState *state, const char *check);
void run_state_add_healthy_check(RunState *state, const char *check);

/* Sets where a device is, replacing what was known before. */
void run_state_add_reach(RunState *state, const char *reach);

/* The bridge and the address of a device; NULL if not known. Free with g_free(). */
char *run_state_find_reach(const RunState *state, const char *device, Address *ret_address);

/* Whether all checks of Ready= have held. The guest of a runner that knew no checks is ready as soon as it
 * runs. */
bool run_state_is_ready(const RunState *state);

/* Free with g_free(). */
char *run_state_format(const RunState *state);

/* -EBADMSG if text is not what run_state_format() wrote. Unknown keys are ignored: the runner that died may
 * be newer. */
int run_state_parse(const char *text, RunState *ret_state);

/* The file "state" of the directory. -ENOENT if there is none. */
int run_state_write(const char *dir, const RunState *state);
int run_state_read(const char *dir, RunState *ret_state);
