/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "common/error.h"
#include "unikernel/exit-parser.h"

/* The exit record: how a unikernel last ended, as a file /run/shruthi/results/NAME (0640, user shruthi). The
 * runner writes it before it exits, shruthid reads it. It belongs to one invocation of the unit: readers
 * compare invocation_id (32 hex digits) with systemd's. */

typedef struct ExitRecord {
        char *invocation_id;
        Result result;
        int64_t exit_status; /* of the run, see exit_parser_exit_status(); -1 if not known */
        uint64_t started_at; /* µs since the epoch when the guest began to run; 0: never, or not known */
        char *reason;        /* the message */
        ErrorCode error;     /* why there was no guest; _ERROR_CODE_INVALID: there was one, or not known */
} ExitRecord;

#define EXIT_RECORD_INIT ((ExitRecord){.exit_status = -1, .error = _ERROR_CODE_INVALID})

void exit_record_clear(ExitRecord *exit_record);
#define _cleanup_exit_record_ __attribute__((cleanup(exit_record_clear)))
int exit_record_write(const char *name, const ExitRecord *exit_record);
int exit_record_read(const char *name, ExitRecord *ret_exit_record); /* -ENOENT if there is none */
int exit_record_remove(const char *name);
