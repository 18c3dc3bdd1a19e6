/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

/* shruthi-domain, asked to do one thing: by shruthi-domain.service, which is quick about it, or where that
 * does not answer by a process of its own. The two differ in nothing else. Either can be killed when libvirt
 * hangs, and keeps libvirt out of the asker's memory; its standard error is the asker's. */

typedef struct DomainCall DomainCall;

typedef struct DomainCallHooks {
        /* What it writes to standard output, in pieces of any size. */
        void (*output)(void *userdata, const char *data, size_t size);
        /* After all of its output. status: its exit status, or -1 when a signal or the time ended it. The
         * call may be freed here. */
        void (*ended)(void *userdata, int status);
} DomainCallHooks;

/* Does "shruthi-domain WORDS…" (NULL-terminated, at most DOMAIN_WORDS_MAX), "prepare" by the service alone.
 * After usec (UINT64_MAX: never) it is killed. The loop's signal mask has SIGCHLD blocked. Fails where not
 * even a process can be made. */
int domain_call_new(sd_event *event, const char *const *words, uint64_t usec, const DomainCallHooks *hooks,
                void *userdata, DomainCall **ret_call);

/* Kills it if it still goes on. Returns NULL. */
DomainCall *domain_call_free(DomainCall *call);

/* Its end is told as that of one that was killed. */
void domain_call_kill(DomainCall *call);

/* Gives it so much longer from now, or shorter. */
void domain_call_set_timeout(DomainCall *call, uint64_t usec);
