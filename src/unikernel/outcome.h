/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "common/error.h"
#include "unikernel/verdict.h"

/* How a unikernel ended last, as a file /run/shruthi/results/NAME (0640, user shruthi): written by the
 * runner before it exits, read by shruthid. Belongs to one invocation of the unit: readers compare
 * invocation_id (32 hex digits) with systemd's. */

typedef struct Outcome {
        char *invocation_id;
        Result result;
        int64_t exit_status; /* of the run, see verdict_exit_status(); -1 not known */
        uint64_t started_at; /* µs since the epoch: when the guest began to run; 0: never, or not known */
        char *reason;        /* the sentence */
        ErrorCode error;     /* why there was no guest; _ERROR_CODE_INVALID: there was one, or not known */
} Outcome;

#define OUTCOME_INIT ((Outcome){.exit_status = -1, .error = _ERROR_CODE_INVALID})

void outcome_clear(Outcome *outcome);
#define _cleanup_outcome_ __attribute__((cleanup(outcome_clear)))
int outcome_write(const char *name, const Outcome *outcome);
int outcome_read(const char *name, Outcome *ret_outcome); /* -ENOENT if there is none */
int outcome_remove(const char *name);
