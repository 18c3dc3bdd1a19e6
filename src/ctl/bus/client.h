/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "ctl/cli/ctl.h"

/* The folder bus/ owns the conversation with shruthid and what several verbs make of its replies: properties
 * (properties.h), settings as a message (settings-append.h), logs (log-reader.h), notes on changes without
 * effect (overrides.h, needs-restart.h). Verbs use it.
 *
 * Calls to shruthid: over the system bus or, for root where there is none, over /run/shruthi/private. A call
 * first goes out without the wish to be asked for a password; only when the answer is that one would help,
 * the agent is started and the call repeated. No call times out here: shruthid answers when it is done. */

void message_unref_pointer(sd_bus_message **message);
#define _cleanup_message_ __attribute__((cleanup(message_unref_pointer)))

int client_connect(Ctl *ctl, Error *ret_error);

/* A call to a method of the Manager, to be filled and sent. */
int client_new_call(Ctl *ctl, const char *member, sd_bus_message **ret_call, Error *ret_error);

/* Sends it and waits. ret_reply may be NULL. */
int client_send(Ctl *ctl, sd_bus_message *call, sd_bus_message **ret_reply, Error *ret_error);

/* Sends a copy of a call that was sent already and refused for want of a password. */
int client_send_interactively(Ctl *ctl, sd_bus_message *call, sd_bus_message **ret_reply, Error *ret_error);

/* Both at once, with arguments as of sd_bus_message_append(). */
int client_call(Ctl *ctl, const char *member, sd_bus_message **ret_reply, Error *ret_error,
                const char *types, ...);

/* The same without ever asking for a password. */
int client_call_quietly(Ctl *ctl, const char *member, sd_bus_message **ret_reply, Error *ret_error,
                const char *types, ...);

/* A method of the Manager that takes a name and answers with a text. */
int client_get_text(Ctl *ctl, const char *member, const char *name, char **ret_text, Error *ret_error);

/* The same, with a dictionary for an answer; asks for a password only if interactive. */
int client_get_object(Ctl *ctl, const char *member, const char *name, bool interactive,
                JsonObject **ret_object, Error *ret_error);

/* A descriptor of our own for the one that a reply carries. */
int client_read_fd(sd_bus_message *reply, int *ret_fd, Error *ret_error);

/* An error reply, or a failed call, as ours. The message of shruthid is passed on as it is. */
int client_reply_error(const sd_bus_error *e, int r, Error *ret_error);

/* What to say when a message cannot be built or read. */
int client_message_error(int r, Error *ret_error);

/* The same call for many names, several in flight at a time. Prints "Cannot WHAT NAME: …" for each that
 * fails; returns the exit status: that of the first failure. done (or NULL) gets the names
 * for which it succeeded, which stay names' own. */
typedef int (*ClientCallMaker)(
                Ctl *ctl, const char *name, void *userdata, sd_bus_message **ret_call, Error *ret_error);
int client_call_each(Ctl *ctl, char **names, const char *what, ClientCallMaker make, void *userdata,
                GPtrArray *done);

/* To make a call that takes the name and nothing else; userdata is its member. */
int client_make_name_call(
                Ctl *ctl, const char *name, void *userdata, sd_bus_message **ret_call, Error *ret_error);

/* Names and shell patterns → names. A pattern that matches none is NO_SUCH_UNIKERNEL. */
int client_expand(Ctl *ctl, char **patterns, char ***ret_names, Error *ret_error);

/* NO_SUCH_UNIKERNEL with the message for that. */
int client_refuse_name(const char *name, Error *ret_error);

/* One row of ListUnikernels. */
typedef struct UnikernelRow {
        char *name, *state, *unit, *result, *path;
        uint32_t owner;
} UnikernelRow;

/* All rows; elements UnikernelRow. */
int client_list(Ctl *ctl, GPtrArray **ret_rows, Error *ret_error);
bool name_is_pattern(const char *text);

/* Is it one by its name, or what is said without any, and not several or a pattern, whatever that
 * matches? */
bool operands_are_single(char **operands);

/* The properties that everybody may read, of a unikernel or (name NULL) of the Manager. */
int client_get_properties(Ctl *ctl, const char *name, JsonObject **ret_properties, Error *ret_error);
