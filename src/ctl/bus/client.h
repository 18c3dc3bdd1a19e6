/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "ctl/cli/ctl.h"

/* The folder bus/ owns the calls to shruthid and what several verbs do with its replies: properties
 * (properties.h), settings as a message (settings-append.h), logs (log-reader.h), notes on changes without
 * effect (overrides.h, needs-restart.h). Verbs use it.
 *
 * Calls to shruthid: over the system bus or, for root if there is none, over /run/shruthi/private. A call is
 * first sent without interactive authorization; only if the answer says that a password would help, the
 * agent is started and the call repeated. No call times out here (unless call_timeout is set): shruthid
 * answers when it is done. */

void message_unref_pointer(sd_bus_message **message);
#define _cleanup_message_ __attribute__((cleanup(message_unref_pointer)))

int client_connect(Ctl *ctl, Error *ret_error);

/* Makes a call to a method of the Manager, to be filled in and sent. */
int client_new_call(Ctl *ctl, const char *member, sd_bus_message **ret_call, Error *ret_error);

/* Sends the call and waits. ret_reply may be NULL. */
int client_send(Ctl *ctl, sd_bus_message *call, sd_bus_message **ret_reply, Error *ret_error);

/* Sends a copy of a call that was refused because it needs a password. */
int client_send_interactively(Ctl *ctl, sd_bus_message *call, sd_bus_message **ret_reply, Error *ret_error);

/* Makes and sends a call, with arguments as for sd_bus_message_append(). */
int client_call(Ctl *ctl, const char *member, sd_bus_message **ret_reply, Error *ret_error,
                const char *types, ...);

/* The same without ever asking for a password. */
int client_call_quietly(Ctl *ctl, const char *member, sd_bus_message **ret_reply, Error *ret_error,
                const char *types, ...);

/* The text that a reply consists of. */
int client_read_text(sd_bus_message *reply, char **ret_text, Error *ret_error);

/* Calls a method of the Manager that takes a name and returns a string. */
int client_get_text(Ctl *ctl, const char *member, const char *name, char **ret_text, Error *ret_error);

/* The same for a method that returns a dictionary; asks for a password only if interactive. */
int client_get_object(Ctl *ctl, const char *member, const char *name, bool interactive,
                JsonObject **ret_object, Error *ret_error);

/* Duplicates the descriptor that a reply carries. */
int client_read_fd(sd_bus_message *reply, int *ret_fd, Error *ret_error);

/* Converts an error reply, or a failed call, to our error. The message of shruthid is not changed. */
int client_reply_error(const sd_bus_error *e, int r, Error *ret_error);

/* Sets the error for a message that cannot be built or read. */
int client_message_error(int r, Error *ret_error);

/* Makes the same call for many names, several in flight at a time. Prints "Cannot WHAT NAME: …" for each
 * failure; returns the exit status of the first failure. done (or NULL) gets the names for which it
 * succeeded, which names keeps owning. */
typedef int (*ClientCallMaker)(
                Ctl *ctl, const char *name, void *userdata, sd_bus_message **ret_call, Error *ret_error);
int client_call_each(Ctl *ctl, char **names, const char *what, ClientCallMaker make, void *userdata,
                GPtrArray *done);

/* Makes a call that takes only the name; userdata is its member. */
int client_make_name_call(
                Ctl *ctl, const char *name, void *userdata, sd_bus_message **ret_call, Error *ret_error);

/* The same with the flags of a job, such as StartUnikernel: with --no-block it is not waited for. */
int client_make_job_call(
                Ctl *ctl, const char *name, void *userdata, sd_bus_message **ret_call, Error *ret_error);

/* Expands names and shell patterns to names. NO_SUCH_UNIKERNEL if a pattern matches none. */
int client_expand(Ctl *ctl, char **patterns, char ***ret_names, Error *ret_error);

/* Sets NO_SUCH_UNIKERNEL with its message. */
int client_refuse_name(const char *name, Error *ret_error);

/* One row of ListUnikernels(). */
typedef struct UnikernelRow {
        char *name, *state, *unit, *result, *path;
        uint32_t owner;
} UnikernelRow;

/* All rows; elements UnikernelRow. */
int client_list(Ctl *ctl, GPtrArray **ret_rows, Error *ret_error);
bool name_is_pattern(const char *text);

/* Whether a name matches one of the patterns; all match if there are none. */
bool name_matches(const char *name, char *const *patterns);

/* Whether the operands are one name or none, not several and not a pattern, whatever that matches. */
bool operands_are_single(char **operands);

/* The properties that everybody may read, of a unikernel or (if name is NULL) of the Manager. */
int client_get_properties(Ctl *ctl, const char *name, JsonObject **ret_properties, Error *ret_error);
