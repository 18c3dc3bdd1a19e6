/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* A limited number of places, given to users in turn (round robin), so that a user who asks for a thousand
 * things at once delays only their own. Pure; it does not know what the entries do. */

typedef struct Queue Queue;
typedef struct QueueEntry QueueEntry;

/* Called when it is the entry's turn, possibly from within queue_add(). The entry holds the place until
 * queue_entry_done(). */
typedef void (*QueueStart)(QueueEntry *entry, void *userdata);

/* places is the total (at least 1). per_user is the maximum for one user, except root; 0 means no such
 * limit. */
Queue *queue_new(unsigned places, unsigned per_user);
Queue *queue_free(Queue *queue);

/* For a change of configuration; entries that have a place keep it. */
void queue_set_places(Queue *queue, unsigned places, unsigned per_user);

QueueEntry *queue_add(Queue *queue, uid_t uid, QueueStart start, void *userdata);

/* Gives the place back, or stops waiting for one, and starts the next entries. Takes NULL and returns
 * NULL. */
QueueEntry *queue_entry_done(QueueEntry *entry);

bool queue_is_busy(const Queue *queue);
unsigned queue_count_running(const Queue *queue);
unsigned queue_count_waiting(const Queue *queue);
