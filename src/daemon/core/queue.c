/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gives places to users in turn. Used for starts and stops, for helpers and for threads. */

#include "daemon/core/queue.h"

#include <glib.h>
#include <stdbool.h>

/* The entries of one user. It exists while the user has an entry that waits or runs. */
typedef struct Line {
        uid_t uid;
        GQueue waiting; /* QueueEntry */
        unsigned running;
} Line;

struct QueueEntry {
        Queue *queue;
        Line *line;
        GList *link; /* in line->waiting; NULL if it runs */
        QueueStart start;
        void *userdata;
};

struct Queue {
        unsigned places, per_user;
        unsigned running, waiting;
        GQueue lines; /* Line; the next in turn is first */
        bool dispatching;
};

Queue *queue_new(unsigned places, unsigned per_user)
{
        Queue *queue = g_new0(Queue, 1);

        queue_set_places(queue, places, per_user);
        g_queue_init(&queue->lines);
        return queue;
}

Queue *queue_free(Queue *queue)
{
        if (!queue)
                return NULL;

        for (Line *line; (line = g_queue_pop_head(&queue->lines));) {
                g_queue_clear_full(&line->waiting, g_free);
                g_free(line);
        }
        g_free(queue);
        return NULL;
}

static bool line_may_run(const Queue *queue, const Line *line)
{
        if (g_queue_is_empty((GQueue *) &line->waiting))
                return false;

        return line->uid == 0 || queue->per_user == 0 || line->running < queue->per_user;
}

static QueueEntry *queue_next(Queue *queue)
{
        if (queue->running >= queue->places)
                return NULL;

        for (GList *l = queue->lines.head; l; l = l->next) {
                Line *line = l->data;
                QueueEntry *entry;

                if (!line_may_run(queue, line))
                        continue;

                entry = g_queue_pop_head(&line->waiting);
                entry->link = NULL;
                queue->waiting--;
                line->running++;
                queue->running++;
                g_queue_unlink(&queue->lines, l);
                g_queue_push_tail_link(&queue->lines, l);
                return entry;
        }

        return NULL;
}

/* An entry may be done as soon as it starts, and call this again: a loop avoids recursion as deep as the
 * queue is long.
 * */
static void queue_dispatch(Queue *queue)
{
        if (queue->dispatching)
                return;

        queue->dispatching = true;
        for (QueueEntry *entry; (entry = queue_next(queue));)
                entry->start(entry, entry->userdata);
        queue->dispatching = false;
}

void queue_set_places(Queue *queue, unsigned places, unsigned per_user)
{
        queue->places = MAX(places, 1);
        queue->per_user = per_user;
        queue_dispatch(queue);
}

static Line *queue_get_line(Queue *queue, uid_t uid)
{
        Line *line;

        for (GList *l = queue->lines.head; l; l = l->next)
                if (((Line *) l->data)->uid == uid)
                        return l->data;

        line = g_new0(Line, 1);
        line->uid = uid;
        g_queue_init(&line->waiting);
        g_queue_push_tail(&queue->lines, line);
        return line;
}

QueueEntry *queue_add(Queue *queue, uid_t uid, QueueStart start, void *userdata)
{
        QueueEntry *entry = g_new0(QueueEntry, 1);

        *entry = (QueueEntry){.queue = queue,
                        .line = queue_get_line(queue, uid),
                        .start = start,
                        .userdata = userdata};
        g_queue_push_tail(&entry->line->waiting, entry);
        entry->link = entry->line->waiting.tail;
        queue->waiting++;

        queue_dispatch(queue);
        return entry;
}

QueueEntry *queue_entry_done(QueueEntry *entry)
{
        Queue *queue;
        Line *line;

        if (!entry)
                return NULL;

        queue = entry->queue;
        line = entry->line;
        if (entry->link) {
                g_queue_delete_link(&line->waiting, entry->link);
                queue->waiting--;
        } else {
                line->running--;
                queue->running--;
        }
        g_free(entry);

        if (line->running == 0 && g_queue_is_empty(&line->waiting)) {
                g_queue_remove(&queue->lines, line);
                g_free(line);
        }
        queue_dispatch(queue);
        return NULL;
}

bool queue_is_busy(const Queue *queue)
{
        return queue->running > 0 || queue->waiting > 0;
}

unsigned queue_count_running(const Queue *queue)
{
        return queue->running;
}

unsigned queue_count_waiting(const Queue *queue)
{
        return queue->waiting;
}
