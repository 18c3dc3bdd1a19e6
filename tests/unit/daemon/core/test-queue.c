/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who goes next: never more than there are places, users in turn, and nobody's thousand holds up another's
 * one. */

#include <glib.h>
#include <stdint.h>

#include "daemon/core/queue.h"

typedef struct Log {
        GString *order;
        GPtrArray *running; /* QueueEntry */
} Log;

typedef struct Item {
        Log *log;
        char letter;
} Item;

static void on_start(QueueEntry *entry, void *userdata)
{
        Item *item = userdata;

        g_string_append_c(item->log->order, item->letter);
        g_ptr_array_add(item->log->running, entry);
        g_free(item);
}

static void log_init(Log *log)
{
        log->order = g_string_new(NULL);
        log->running = g_ptr_array_new();
}

static void log_clear(Log *log)
{
        g_string_free(log->order, TRUE);
        g_ptr_array_unref(log->running);
}

static QueueEntry *add(Queue *queue, Log *log, uid_t uid, char letter)
{
        Item *item = g_new(Item, 1);

        *item = (Item){.log = log, .letter = letter};
        return queue_add(queue, uid, on_start, item);
}

static void end_oldest(Log *log)
{
        queue_entry_done(g_ptr_array_remove_index(log->running, 0));
}

static void end_all(Log *log)
{
        while (log->running->len > 0)
                end_oldest(log);
}

/* At no time are more than the places taken, and each that ends lets one in. */
static void test_places(void)
{
        Queue *queue = queue_new(2, 0);
        Log log;

        log_init(&log);
        for (char letter = 'a'; letter <= 'e'; letter++)
                add(queue, &log, 7, letter);
        g_assert_cmpstr(log.order->str, ==, "ab");
        g_assert_cmpuint(queue_count_running(queue), ==, 2);
        g_assert_cmpuint(queue_count_waiting(queue), ==, 3);
        end_oldest(&log);
        g_assert_cmpstr(log.order->str, ==, "abc");
        end_all(&log);
        g_assert_cmpstr(log.order->str, ==, "abcde");
        g_assert_cmpuint(queue_count_running(queue) + queue_count_waiting(queue), ==, 0);
        log_clear(&log);
        queue_free(queue);
}

/* One user's long line does not hold up another's short one. */
static void test_turns(void)
{
        Queue *queue = queue_new(1, 0);
        Log log;

        log_init(&log);
        for (unsigned i = 0; i < 4; i++)
                add(queue, &log, 1000, 'a');
        add(queue, &log, 1001, 'b');
        add(queue, &log, 1001, 'b');
        add(queue, &log, 1002, 'c');
        end_all(&log);
        g_assert_cmpstr(log.order->str, ==, "aabcaba");
        log_clear(&log);
        queue_free(queue);
}

/* A user whose things never end leaves places for others; root may have all. */
static void test_per_user(void)
{
        Queue *queue = queue_new(3, 2);
        Log log;

        log_init(&log);
        for (unsigned i = 0; i < 5; i++)
                add(queue, &log, 1000, 'a');
        g_assert_cmpstr(log.order->str, ==, "aa");
        add(queue, &log, 1001, 'b');
        g_assert_cmpstr(log.order->str, ==, "aab");
        end_all(&log);
        for (unsigned i = 0; i < 3; i++)
                add(queue, &log, 0, 'r');
        g_assert_cmpuint(queue_count_running(queue), ==, 3);
        end_all(&log);
        log_clear(&log);
        queue_free(queue);
}

static void on_start_and_end(QueueEntry *entry, void *userdata)
{
        ++*(unsigned *) userdata;
        /* It is over before it is known outside. */
        queue_entry_done(entry);
}

/* Who gives up waiting is not started later. */
static void test_give_up(void)
{
        Queue *queue = queue_new(1, 0);
        unsigned started = 0;
        Log log;

        log_init(&log);
        add(queue, &log, 1, 'a');
        add(queue, &log, 1, 'b');
        g_assert_null(queue_entry_done(queue_add(queue, 1, on_start_and_end, &started)));
        g_assert_null(queue_entry_done(NULL));
        end_all(&log);
        g_assert_cmpstr(log.order->str, ==, "ab");
        g_assert_cmpuint(started, ==, 0);
        log_clear(&log);
        queue_free(queue);
}

/* Things that are over at once do not pile up on the stack, however many wait. */
static void test_no_recursion(void)
{
        Queue *queue = queue_new(1, 0);
        unsigned started = 0;
        Log log;

        log_init(&log);
        add(queue, &log, 1, 'a');
        for (unsigned i = 0; i < 200000; i++)
                queue_add(queue, 1, on_start_and_end, &started);
        g_assert_cmpuint(started, ==, 0);
        end_all(&log);
        g_assert_cmpuint(started, ==, 200000);
        log_clear(&log);
        queue_free(queue);
}

/* More places let more in at once; fewer take none away. */
static void test_set_places(void)
{
        Queue *queue = queue_new(1, 0);
        Log log;

        log_init(&log);
        for (unsigned i = 0; i < 4; i++)
                add(queue, &log, 1, 'a');
        queue_set_places(queue, 3, 0);
        g_assert_cmpuint(queue_count_running(queue), ==, 3);
        queue_set_places(queue, 0, 0);
        g_assert_cmpuint(queue_count_running(queue), ==, 3);
        end_all(&log);
        g_assert_cmpuint(log.order->len, ==, 4);
        log_clear(&log);
        queue_free(queue);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/daemon/queue/never-more-than-the-places", test_places);
        g_test_add_func("/daemon/queue/users-take-turns", test_turns);
        g_test_add_func("/daemon/queue/one-user-leaves-places-for-others", test_per_user);
        g_test_add_func("/daemon/queue/who-gives-up-is-not-started", test_give_up);
        g_test_add_func("/daemon/queue/does-not-recurse", test_no_recursion);
        g_test_add_func("/daemon/queue/places-can-change", test_set_places);
        return g_test_run();
}
