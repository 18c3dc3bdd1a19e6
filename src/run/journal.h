/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/log.h"

/* The way into the journal, over its native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/).
 * sd_journal_sendv() silently drops the message if the journal is away, and blocks if it is slow; here
 * nothing blocks, and the caller learns that a line was not accepted, so that it can keep the line. */

typedef struct Journal Journal;

/* path: NULL for the journal's own socket. The fields of object go with each message, and are copied; set
 * them again when more of them are known. */
int journal_new(const char *path, const LogObject *object, Journal **ret_journal);
void journal_free(Journal *journal);
void journal_set_object(Journal *journal, const LogObject *object);

/* The connected socket, to wait for room on, or -EBADF while there is none. It changes when the journal's
 * socket is created anew. */
int journal_fd(const Journal *journal);

/* Sends a line of the guest's console, any bytes but '\n'. 0 when the journal's socket has it. -EAGAIN: the
 * queue is full, wait for room; -EHOSTDOWN: nobody listens there, try again in a while. */
int journal_send_line(Journal *journal, const char *text, size_t size);

/* Sends a message of the runner about its unikernel, as log_object() would: waits up to a second for room,
 * then the message is lost. */
void journal_message(Journal *journal, int level, const char *message_id, const char *const *fields,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Whether journald has read all that was sent. It finds the unit of a message by the sender's process, which
 * therefore must not end before that. */
bool journal_is_flushed(const Journal *journal);
