/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Who goes next: a limited number of places, given to users in turn (round robin), so that one who asks for
 * a thousand things at once holds up their own and not those of others. Pure; nothing here knows what is
 * being done. */

typedef struct Queue Queue;
typedef struct QueueEntry QueueEntry;

/* Called when the entry's turn has come; may be from within queue_add(). The place is taken until
 * queue_entry_done(). */
typedef void (*QueueStart)(QueueEntry *entry, void *userdata);

/* places: in all (at least 1). per_user: of these at most so many for one user, root excepted; 0: as many as
 * there are. */
Queue *queue_new(unsigned places, unsigned per_user);
Queue *queue_free(Queue *queue);

/* After a change of configuration; who has a place keeps it. */
void queue_set_places(Queue *queue, unsigned places, unsigned per_user);

QueueEntry *queue_add(Queue *queue, uid_t uid, QueueStart start, void *userdata);

/* Gives the place back, or stops waiting for one; lets the next ones in. Takes NULL and returns NULL. */
QueueEntry *queue_entry_done(QueueEntry *entry);

bool queue_is_busy(const Queue *queue);
unsigned queue_count_running(const Queue *queue);
unsigned queue_count_waiting(const Queue *queue);
