/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules of clients. They are read from a descriptor that may be slow, and there may be half a million of
 * them, so another thread does that: packets go on meanwhile. */

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/log.h"
#include "switch/network-private.h"
#include "switch/rules-file.h"

typedef struct RulesReading {
        const SwitchedNetwork *task;
        uint32_t client;
        int fd;
        Rules *rules;
        unsigned line;
        Error error;
} RulesReading;

static void rules_reading_free(gpointer data)
{
        RulesReading *reading = data;

        rules_free(reading->rules);
        error_clear(&reading->error);
        (void) close_safe(reading->fd);
        g_free(reading);
}

static int rules_reading_run(RulesReading *reading)
{
        g_autofree char *text = g_malloc(RULES_SIZE_MAX + 1);
        struct stat st;
        ssize_t n;
        int r;

        if (reading->fd < 0 || fstat(reading->fd, &st) < 0 || !S_ISREG(st.st_mode))
                return error_set(&reading->error, ERROR_INVALID_ARGS,
                                "rules need a descriptor of a file, such as memfd_create() makes one");
        n = pread_all(reading->fd, text, RULES_SIZE_MAX + 1, 0);
        if (n < 0)
                return error_set_errno(&reading->error, (int) n, "The rules cannot be read");
        r = rules_parse(text, (size_t) n, &reading->rules, &reading->line, &reading->error);
        if (r < 0)
                return r;
        if (rules_file_write(reading->task->directory, reading->task->name, reading->task->bridge, text,
                            (size_t) n) < 0)
                log_warning("The rules of network %s cannot be kept: they end with this process",
                                reading->task->name);
        return 0;
}

static void on_rules_reading(gpointer data, gpointer userdata)
{
        RulesReading *reading = data;
        SwitchNetwork *network = userdata;

        (void) rules_reading_run(reading);
        g_async_queue_push(network->read, reading);
        (void) eventfd_write(network->news.fd, 1);
}

void network_begin_rules(SwitchNetwork *network)
{
        network->read = g_async_queue_new_full(rules_reading_free);
        network->readers = g_thread_pool_new_full(
                        on_rules_reading, network, rules_reading_free, 1, FALSE, NULL);
}

void network_read_rules(SwitchNetwork *network, NetworkClient *client, int taken_fd)
{
        RulesReading *reading = g_new(RulesReading, 1);

        *reading = (RulesReading){.task = network->task,
                        .client = client->number,
                        .fd = taken_fd,
                        .error = ERROR_INIT};
        network_set_busy(network, client, true);
        (void) g_thread_pool_push(network->readers, reading, NULL);
}

void network_take_rules(SwitchNetwork *network)
{
        RulesReading *reading;

        while ((reading = g_async_queue_try_pop(network->read))) {
                NetworkClient *client = network_find_client(network, reading->client);
                bool done = reading->rules != NULL;

                if (done)
                        plane_set_rules(network->plane, g_steal_pointer(&reading->rules));
                if (client) {
                        network_set_busy(network, client, false);
                        network_answer(network, client, done, reading->line,
                                        done ? "" : error_message(&reading->error, -EIO), -EBADF);
                }
                rules_reading_free(reading);
        }
}

/* One that reads from what never answers is not waited for: the process ends. */
void network_stop_rules(SwitchNetwork *network)
{
        g_thread_pool_free(network->readers, TRUE, FALSE);
}
