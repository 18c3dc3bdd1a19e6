/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

/* shruthi-domain, asked to do one thing: by shruthi-domain.service, which is quick, or, if that does not
 * answer, by a process of its own. The two differ in nothing else. Either can be killed when libvirt hangs,
 * and keeps libvirt out of the caller's memory; its standard error is the caller's. */

typedef struct DomainCall DomainCall;

typedef struct DomainCallHooks {
        /* What it writes to standard output, in pieces of any size. */
        void (*output)(void *userdata, const char *data, size_t size);
        /* Descriptors for the guest that the caller is to execute, which the hook owns from then on. NULL if
         * the verb hands none. Before the end, perhaps after all of its output. */
        void (*handed)(void *userdata, const int *fds, unsigned n_fds);
        /* Called after all of its output. status: its exit status, or -1 if a signal or the timeout ended
         * it. The call may be freed here. */
        void (*ended)(void *userdata, int status);
} DomainCallHooks;

/* Runs "shruthi-domain WORDS…" (NULL-terminated, at most DOMAIN_WORDS_MAX), "prepare" by the service
 * alone. After usec (UINT64_MAX: never) it is killed. SIGCHLD must be blocked for the event loop. Fails if
 * not even a process can be created. */
int domain_call_new(sd_event *event, const char *const *words, uint64_t usec, const DomainCallHooks *hooks,
                void *userdata, DomainCall **ret_call);

/* Kills it if it still runs. Returns NULL. */
DomainCall *domain_call_free(DomainCall *call);

/* Kills it and reports its end like that of any killed call. */
void domain_call_kill(DomainCall *call);

/* Sets the timeout to usec from now, longer or shorter than before. */
void domain_call_set_timeout(DomainCall *call, uint64_t usec);
