/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* An update in progress: /var/lib/shruthi/updates/NAME (0640, user shruthi). Written with fsync before the
 * definition is replaced, and removed when the update has ended, so that after a crash or a power failure
 * the next shruthid completes the update. If there is such a file at boot, shruthi-generator has shruthid
 * started. */

typedef enum UpdatePhase {
        UPDATE_PHASE_PROVING,   /* the new generation is being started and watched */
        UPDATE_PHASE_RETURNING, /* it failed, and the former one is being restored */
        UPDATE_PHASE_TRYING,    /* of a rolling update: the new generation is tried as a twin */
        _UPDATE_PHASE_MAX,
        _UPDATE_PHASE_INVALID = -EINVAL,
} UpdatePhase;

const char *update_phase_to_string(UpdatePhase phase); /* "proving", "returning", "trying" */
UpdatePhase update_phase_from_string(const char *text);

typedef struct UpdateRecord {
        UpdatePhase phase;
        uint64_t old_number, new_number; /* generations */
        uint64_t probation_usec;         /* counted from when the guest is ready */
        /* When the former guest began to run, as in RunState, or that which a shutdown has interrupted:
         * how that run ends does not count. 0 if not known. */
        uint64_t old_started;
        uid_t user;           /* who asked for it */
        char *boot_id;        /* of the boot in which it began; empty if a shutdown has interrupted it */
        bool rolling;         /* there is a twin, or was (daemon/change/rolling.h) */
        uint64_t drain_usec;  /* for rolling: how long connections are given to end */
        char *reason;         /* for UPDATE_PHASE_RETURNING: why; or NULL */
} UpdateRecord;

void update_record_clear(UpdateRecord *record);
#define _cleanup_update_record_ __attribute__((cleanup(update_record_clear)))

/* Pure. */
char *update_record_format(const UpdateRecord *record);
int update_record_parse(const char *text, UpdateRecord *ret_record);

int update_record_write(const char *name, const UpdateRecord *record);
int update_record_read(const char *name, UpdateRecord *ret_record);
int update_record_remove(const char *name);

/* The names that have an update in progress. Free with g_strfreev(). */
char **update_records_list(void);
