/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/containers.h"
#include "daemon/core/manager.h"

/* Asks polkit over its bus interface whether a caller is authorized, by the caller's bus name (never a
 * process ID). Everything but a clear yes is a no: an error, no answer in time, no polkit, a caller that
 * left. Root is authorized without asking, as polkit would answer: user ID 0 according to the bus daemon, or
 * a peer of the private socket. */

#define POLKIT_NAME      "org.freedesktop.PolicyKit1"
#define POLKIT_PATH      "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

typedef enum Decision {
        DECISION_PENDING,
        DECISION_YES,
        DECISION_NO,
        DECISION_CHALLENGE, /* a password would have helped, but the call did not allow asking for one */
} Decision;

/* What polkit and its rules are told about the action. */
typedef struct PolkitDetails {
        const char *verb;      /* in the message "Not authorized to VERB unikernel 'NAME'" */
        const char *unikernel; /* name, or NULL */
        const char *network;   /* the same for a network */
        const char *volume;    /* the same for a volume; at most one of the three is set */
        const char *owner;     /* names */
        const char *group;
        const char *reason; /* why an administrator is needed, for the dialog; or NULL */
        bool quietly;       /* never ask for a password, whatever the call allows */
} PolkitDetails;

/* For a handler, before it changes anything. Returns 1 if the caller is authorized; 0 if polkit has been
 * asked: then the handler returns 1 and is called again with the same message rewound, and looks up
 * everything again; a negative errno with the error to send. Returns 1 for root. */
int polkit_authorize(Manager *manager, sd_bus_message *message, const char *action,
                const PolkitDetails *details, Error *ret_error);

/* When polkit was asked about message, in µs of CLOCK_MONOTONIC; 0 if it was not asked. For a handler,
 * before polkit_authorize(). */
uint64_t polkit_asked_at(const Manager *manager, sd_bus_message *message);

/* Asks polkit about a second action, in a call that is already authorized. done is called once, also when
 * the caller leaves (with DECISION_NO); for root before this returns. */
typedef void (*PolkitDone)(Decision decision, void *userdata);
void polkit_ask(Manager *manager, sd_bus_message *message, const char *action, const PolkitDetails *details,
                PolkitDone done, void *userdata);

/* Sets the error for a decision other than yes. */
int polkit_decision_error(
                Decision decision, const char *action, const PolkitDetails *details, Error *ret_error);

/* Withdraws the queries of a caller that has left. */
void polkit_forget_sender(Manager *manager, const char *sender);

typedef struct Query Query;
void query_free(Query *query);
DEFINE_DESTROY(query)
