/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/access/client.h"
#include "daemon/access/polkit.h"

/* A method call that was authorized and is not answered yet. It continues if the caller leaves; only the
 * answer is lost. Work in progress holds names, which are looked up again, and no objects.
 *
 * access/ owns callers and their rights: clients of the bus and of the private socket, polkit, the count of
 * calls in progress, the answer, the subscribers of signals, and the exit of shruthid when it is idle. It
 * knows no unikernels and no networks; all rooms after it may call it. */

typedef struct Call Call;

/* Gets the answer of a part of a call: error NULL, it went well. */
typedef void (*CallAnswered)(const Call *part, const Error *error, int r, void *userdata);

struct Call {
        Manager *manager;
        sd_bus_message *message;
        char *unikernel;             /* name, or NULL */
        char *owner, *group;         /* names, of the unikernel at authorization, or NULL */
        uid_t uid;                   /* of the caller; 0 on the private socket */
        uint64_t called, authorized; /* µs, CLOCK_MONOTONIC; 0 without call_authorize() */
        unsigned weight;
        gid_t *gids;
        size_t n_gids;
        int *gone; /* of the client; NULL on the private socket */
        CallAnswered answered; /* of a part; else NULL */
        void *userdata;
};

/* Identifies the caller, which is needed to count the call. Returns 1 if the caller is known, 0 if the
 * message will be dispatched again once it is. ret_client (or NULL) as in client_identify(). */
int call_identify(Manager *manager, sd_bus_message *message, Client **ret_client, Error *ret_error);

/* Begins a call whose caller polkit_authorize() has authorized. Errors: LIMIT_EXCEEDED. */
int call_begin(Manager *manager, sd_bus_message *message, const char *unikernel, Call **ret_call,
                Error *ret_error);

/* A call for one unikernel of those that another is about, to be done as if its caller had asked for each by
 * itself. What answers it does not reach the caller, but answered, if there is one; call_drop() answers
 * nothing. It is not counted: whoever makes parts limits their number. */
Call *call_new_part(const Call *whole, const char *unikernel, CallAnswered answered, void *userdata);
void call_drop(Call *part);

/* What most handlers do after reading their arguments: ask polkit, check the limits, begin the call. If it
 * returns false, the handler returns 1, because polkit has been asked or an error has been sent. For a call
 * about a unikernel use unikernel_authorize(). */
bool call_authorize(Manager *manager, sd_bus_message *message, const PolkitDetails *details,
                const char *action, Call **ret_call);

/* Returns INVALID_CONFIGURATION if the (polkit) action depends on shruthi.conf and that is broken.
 * call_authorize() has already checked this. */
int call_check_conf(Manager *manager, const char *action, Error *ret_error);

/* Becomes nonzero once the caller has left. For threads whose work is of use to nobody else. NULL if it is
 * not known. */
const int *call_gone(const Call *call);

/* Whether the caller is a member of the group. */
bool call_in_group(const Call *call, gid_t gid);

/* These answer and end the call, and free it. */
void call_reply(Call *call, const char *types, ...);
void call_send(Call *call, sd_bus_message *reply);
void call_fail(Call *call, Error *error, int r);
int call_new_reply(Call *call, sd_bus_message **ret_reply);

/* Sends reply, or error if r is negative; if error is not set, the message says that the reply could not be
 * built. */
void call_finish(Call *call, sd_bus_message *reply, int r, Error *error);

/* Answers message with error at once. Returns what a handler returns. */
int reply_error(sd_bus_message *message, const Error *error, int r);

/* Sends the error for arguments that could not be read. Returns what a handler returns. */
int reply_invalid_args(sd_bus_message *message, int r);
