/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/core/manager.h"

/* A unikernel's journal for who may read it and is in no journal group: a journalctl of ours writes it into
 * a pipe, chosen by fields that only journald itself writes. A reader that is slow makes that one process
 * wait. */

typedef struct LogOptions {
        bool have_lines;
        uint32_t lines;
        bool follow;
        char *invocation;
        char *boot; /* "all", an offset such as "-1", or an ID; NULL: the current one */
        bool have_since, have_until;
        uint64_t since, until; /* µs since the epoch */
        bool have_priority;
        uint32_t priority; /* syslog's; nothing less important than that */
} LogOptions;

void log_options_free(LogOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LogOptions, log_options_free)

/* Reads OpenLog()'s a{sv}. */
int log_options_read(sd_bus_message *message, LogOptions **ret_options, Error *ret_error);

/* The command that reads NAME's journal: what was said while it was owner's, and systemd's word about its
 * unit; owner NULL: all there is. shruthi_uid is the user whose SHRUTHI_UNIKERNEL= and SHRUTHI_OWNER= are
 * trusted; boot_id may be NULL. Pure. */
char **log_stream_command(const char *name, const char *owner, uid_t shruthi_uid, const char *boot_id,
                const LogOptions *options);

/* Finds out, in a thread, which boot journald calls the current one. */
void log_stream_find_boot(Manager *manager);

/* uid is the caller's. The name may have been another's before: only root sees what was said then. */
int log_stream_open(Manager *manager, const char *name, uid_t owner, uid_t uid, const LogOptions *options,
                int *ret_fd, Error *ret_error);
