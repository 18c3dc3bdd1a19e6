/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* A unikernel's journal for callers who may read it but are in no journal group: a child process journalctl
 * writes it to a pipe, selected by fields that only journald itself writes. A slow reader blocks only that
 * process. */

typedef struct LogOptions {
        bool have_lines;
        uint32_t lines;
        bool follow;
        char *invocation;
        char *boot; /* "all", an offset such as "-1", or an ID; NULL for the current one */
        bool have_since, have_until;
        uint64_t since, until; /* µs since the epoch */
        bool have_priority;
        uint32_t priority; /* of syslog; less important messages are omitted */
} LogOptions;

void log_options_free(LogOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LogOptions, log_options_free)

/* Reads the a{sv} of OpenLog(). */
int log_options_read(sd_bus_message *message, LogOptions **ret_options, Error *ret_error);

/* The command that reads the journal of name: messages from while owner owned it, and systemd's messages
 * about its unit; all messages if owner is NULL. shruthi_uid is the user whose SHRUTHI_UNIKERNEL= and
 * SHRUTHI_OWNER= are trusted; boot_id may be NULL. Pure. */
char **log_stream_command(const char *name, const char *owner, uid_t shruthi_uid, const char *boot_id,
                const LogOptions *options);

/* Finds, in a thread, the ID that journald uses for the current boot. */
void log_stream_find_boot(Manager *manager);

/* uid is the caller's. The name may have belonged to somebody else before: only root sees messages from
 * then. */
int log_stream_open(Manager *manager, const char *name, uid_t owner, uid_t uid, const LogOptions *options,
                int *ret_fd, Error *ret_error);
