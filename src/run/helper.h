/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

/* shruthi-domain, which links libvirt so that the resting runner need not, asked to do one thing. What it
 * says are lines KEY=VALUE; its standard error is the runner's. */

typedef struct Helper Helper;

typedef struct HelperHooks {
        void (*line)(void *userdata, const char *key, const char *value);
        /* After its last line. status: its exit status, or -1 when a signal or the time ended it. The helper
         * may be freed here. */
        void (*ended)(void *userdata, int status);
} HelperHooks;

/* Has "shruthi-domain ARGUMENTS…" (NULL-terminated) done, see helper/call.h. After usec (UINT64_MAX: never)
 * it is killed. */
int helper_new(sd_event *event, const char *const *arguments, uint64_t usec, const HelperHooks *hooks,
                void *userdata, Helper **ret_helper);

/* Kills it if it still runs. */
void helper_free(Helper *helper);

/* Gives it so much longer from now, or shorter. */
void helper_set_timeout(Helper *helper, uint64_t usec);
