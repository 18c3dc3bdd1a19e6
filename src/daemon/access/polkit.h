/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/containers.h"
#include "daemon/core/manager.h"

/* May they? Asked of polkit by its bus interface, about the caller's bus name (never a process ID).
 * Everything that is not a clear yes is a no: an error, no answer in time, no polkit, a caller who left.
 * Root may without a question, as polkit would say: user ID 0 by the bus daemon's word, or whom the private
 * socket let in. */

#define POLKIT_NAME      "org.freedesktop.PolicyKit1"
#define POLKIT_PATH      "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

typedef enum Decision {
        DECISION_PENDING,
        DECISION_YES,
        DECISION_NO,
        DECISION_CHALLENGE, /* a password would have helped, and the call did not allow to ask for one */
} Decision;

/* What polkit and its rules are told about what is to be done. */
typedef struct PolkitDetails {
        const char *verb;      /* in the message "Not authorized to VERB unikernel 'NAME'" */
        const char *unikernel; /* name, or NULL */
        const char *network;   /* the same of a network */
        const char *volume;    /* the same of a volume; of these at most one is set */
        const char *owner;     /* names */
        const char *group;
        const char *reason; /* why one has to be an administrator, for the dialog; or NULL */
        bool quietly;       /* no password is asked for, whatever the call allows */
} PolkitDetails;

/* In a handler, above everything that changes something: 1 when the caller may; 0 when polkit has been
 * asked, and the handler returns 1 and is called again with the same message rewound, so that it looks up
 * everything again; a negative errno with the error to answer. For root it is 1. */
int polkit_authorize(Manager *manager, sd_bus_message *message, const char *action,
                const PolkitDetails *details, Error *ret_error);

/* When it was asked about message, in µs of CLOCK_MONOTONIC; 0: it has not been asked. For a handler, above
 * polkit_authorize(). */
uint64_t polkit_asked_at(const Manager *manager, sd_bus_message *message);

/* The same from within a call that has been let in already, for a second action. done is called once, also
 * when the caller leaves (with DECISION_NO); for root before this returns. */
typedef void (*PolkitDone)(Decision decision, void *userdata);
void polkit_ask(Manager *manager, sd_bus_message *message, const char *action, const PolkitDetails *details,
                PolkitDone done, void *userdata);

/* The error that belongs to a decision other than yes. */
int polkit_decision_error(
                Decision decision, const char *action, const PolkitDetails *details, Error *ret_error);

/* The caller is gone: their queries are withdrawn. */
void polkit_forget_sender(Manager *manager, const char *sender);

typedef struct Query Query;
void query_free(Query *query);
DEFINE_DESTROY(query)
