/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/log.h"

/* The way into the journal, over its native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).
 * sd_journal_sendv() says nothing when the journal is away and drops the message, and blocks when it is
 * slow; here nothing blocks, and the caller learns that a line has not been taken, so that it can keep
 * it. */

typedef struct Journal Journal;

/* path: NULL for the journal's own socket. What object says goes with each message, and is copied; it may be
 * set again when more of it is known. */
int journal_new(const char *path, const LogObject *object, Journal **ret_journal);
void journal_free(Journal *journal);
void journal_set_object(Journal *journal, const LogObject *object);

/* The connected socket, to wait for room on, or -EBADF while there is none. It changes when the journal's
 * socket was made anew. */
int journal_fd(const Journal *journal);

/* A line of the guest's console, any bytes but '\n'. 0 when the journal's socket has it. -EAGAIN: the queue
 * is full, wait for room; -EHOSTDOWN: nobody listens there, try again in a while. */
int journal_send_line(Journal *journal, const char *text, size_t size);

/* A message of the runner about its unikernel, as log_object() would send it: waits up to a second for room,
 * then it is lost. */
void journal_message(Journal *journal, int level, const char *message_id, const char *const *fields,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Whether journald has read all that was sent. It finds the unit of a message by the sender's process, which
 * therefore must not end before. */
bool journal_is_flushed(const Journal *journal);
