/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/client.h"
#include "daemon/access/polkit.h"

/* A method call that has been let in and is not answered yet. It goes on when the caller leaves; the answer
 * is lost then. What is under way holds names, which are looked up again, and no objects.
 *
 * access/ owns who calls and what they may: clients of the bus and of the private socket, polkit, the count
 * of calls under way, the answer, who is told of what, and when nobody is left and shruthid may go. It knows
 * no unikernel and no network; all rooms after it may call it. */

typedef struct Call {
        Manager *manager;
        sd_bus_message *message;
        char *unikernel;             /* name, or NULL */
        char *owner, *group;         /* names: whose unikernel it was when the caller was let in, or NULL */
        uid_t uid;                   /* the caller's; 0 on the private socket */
        uint64_t called, authorized; /* µs, CLOCK_MONOTONIC; 0 where call_authorize() was not the way */
        unsigned weight;
        gid_t *gids;
        size_t n_gids;
        int *gone; /* the client's; NULL on the private socket */
} Call;

/* Who calls must be known before a call counts as theirs: 1; 0: the message comes again when it is.
 * ret_client (or NULL) as of client_identify(). */
int call_identify(Manager *manager, sd_bus_message *message, Client **ret_client, Error *ret_error);

/* Begins one for a caller that polkit_authorize() has let in. Errors: LIMIT_EXCEEDED. */
int call_begin(Manager *manager, sd_bus_message *message, const char *unikernel, Call **ret_call,
                Error *ret_error);

/* What most handlers do once their arguments are read: polkit, the limits, and the call. false: the handler
 * returns 1, because polkit has been asked or an error has been answered. About a unikernel:
 * unikernel_authorize(). */
bool call_authorize(Manager *manager, sd_bus_message *message, const PolkitDetails *details,
                const char *action, Call **ret_call);

/* Refuses what action (of polkit) stands for where it goes by shruthi.conf and that is broken: INVALID_
 * CONFIGURATION. Those that call_authorize() has let in have been through it. */
int call_check_conf(Manager *manager, const char *action, Error *ret_error);

/* Is not 0 once the caller has left: for threads, where what is done is of use to nobody else. NULL: it is
 * not known. */
const int *call_gone(const Call *call);

/* Whether the caller is in it. */
bool call_in_group(const Call *call, gid_t gid);

/* Answer and end; call is gone afterwards. */
void call_reply(Call *call, const char *types, ...);
void call_send(Call *call, sd_bus_message *reply);
void call_fail(Call *call, Error *error, int r);
int call_new_reply(Call *call, sd_bus_message **ret_reply);

/* Sends reply, or, where r says that there is none, error; an error that is not set says that the reply
 * could not be put together. */
void call_finish(Call *call, sd_bus_message *reply, int r, Error *error);

/* Answers message with error at once. Returns what a handler returns. */
int reply_error(sd_bus_message *message, const Error *error, int r);

/* Why reading the arguments failed, as a handler returns it. */
int reply_invalid_args(sd_bus_message *message, int r);
