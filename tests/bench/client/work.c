/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-client work: one operation for each of a list of items, so many at once. */

#include "bench.h"

#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONSOLE_PATIENCE_USEC (60 * G_USEC_PER_SEC)

typedef struct Item {
        const char *name;
        uint64_t begin, end;
        char *problem;
} Item;

typedef struct Work {
        const Peer *peer;
        PeerOptions options;
        Operation operation;
        unsigned at_once;
        const char *fifo, *socket;
        GPtrArray *trace;
        char **names;
        Item *items;
        unsigned n_items;
        unsigned next; /* taken by the workers, atomically */
        pthread_barrier_t connected;
} Work;

static const Peer *const peers[] = {
                &peer_shruthi,
                &peer_systemd,
                &peer_libvirt,
                &peer_libvirt_dbus,
                &peer_unit_libvirt,
                &peer_command,
};

static const char *const operations[_OPERATION_MAX] = {
                [OPERATION_START] = "start",
                [OPERATION_STOP] = "stop",
                [OPERATION_DEFINE] = "define",
                [OPERATION_REMOVE] = "remove",
};

static const Peer *peer_from_string(const char *name)
{
        for (size_t i = 0; i < G_N_ELEMENTS(peers); i++)
                if (strcmp(peers[i]->name, name) == 0)
                        return peers[i];

        die("there is no peer '%s'", name);
}

static Operation operation_from_string(const char *name)
{
        for (int i = 0; i < _OPERATION_MAX; i++)
                if (strcmp(operations[i], name) == 0)
                        return (Operation) i;

        die("there is no operation '%s'", name);
}

static void *worker(void *userdata)
{
        Work *work = userdata;
        void *connection = work->peer->connect(&work->options);

        (void) pthread_barrier_wait(&work->connected);
        for (;;) {
                unsigned i = __atomic_fetch_add(&work->next, 1, __ATOMIC_RELAXED);
                Item *item;

                if (i >= work->n_items)
                        break;
                item = &work->items[i];
                item->begin = now_usec();
                item->problem = work->peer->run(connection, &work->options, work->operation, item->name);
                item->end = now_usec();
        }

        work->peer->disconnect(connection);
        return NULL;
}

static void work_run(Work *work)
{
        g_autofree pthread_t *threads = g_new(pthread_t, work->at_once);

        if (pthread_barrier_init(&work->connected, NULL, work->at_once) != 0)
                die("no barrier for the workers");
        for (unsigned i = 0; i < work->at_once; i++)
                if (pthread_create(&threads[i], NULL, worker, work) != 0)
                        die("no thread for a worker");
        for (unsigned i = 0; i < work->at_once; i++)
                (void) pthread_join(threads[i], NULL);
        (void) pthread_barrier_destroy(&work->connected);
}

static void work_print(Work *work, Consoles *consoles)
{
        for (unsigned i = 0; i < work->n_items; i++) {
                const Item *item = &work->items[i];
                uint64_t first = consoles ? consoles_first(consoles, i) : 0;

                if (item->problem)
                        (void) fprintf(stderr, "bench-client: %s of %s by %s: %s\n",
                                        operations[work->operation], item->name, work->peer->name,
                                        item->problem);
                (void) printf("{\"item\": \"%s\", \"ok\": %s, \"begin\": %" G_GUINT64_FORMAT
                              ", \"end\": %" G_GUINT64_FORMAT,
                                item->name, item->problem ? "false" : "true", item->begin, item->end);
                if (first > 0)
                        (void) printf(", \"first\": %" G_GUINT64_FORMAT, first);
                (void) puts("}");
        }
}

static void work_parse(Work *work, int argc, char *argv[])
{
        enum { AT_ONCE = 1, FIFO, SOCKET, XML, DIGEST, NETWORK, UNIT, TRACE };
        static const struct option options[] = {
                        {"at-once", required_argument, NULL, AT_ONCE},
                        {"fifo", required_argument, NULL, FIFO},
                        {"socket", required_argument, NULL, SOCKET},
                        {"xml", required_argument, NULL, XML},
                        {"digest", required_argument, NULL, DIGEST},
                        {"network", required_argument, NULL, NETWORK},
                        {"unit", required_argument, NULL, UNIT},
                        {"trace", required_argument, NULL, TRACE},
                        {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0)
                switch (c) {
                case AT_ONCE:
                        work->at_once = (unsigned) strtoul(optarg, NULL, 10);
                        break;
                case FIFO:
                        work->fifo = optarg;
                        break;
                case SOCKET:
                        work->socket = optarg;
                        break;
                case XML:
                        work->options.xml = optarg;
                        break;
                case DIGEST:
                        work->options.digest = optarg;
                        break;
                case NETWORK:
                        work->options.network = optarg;
                        break;
                case UNIT:
                        work->options.unit = optarg;
                        break;
                case TRACE:
                        g_ptr_array_add(work->trace, optarg);
                        break;
                default:
                        exit(2);
                }
        if (argc - optind < 3 || work->at_once == 0)
                die("work needs a peer, an operation and items; see bench-client --help");

        work->peer = peer_from_string(argv[optind]);
        work->operation = operation_from_string(argv[optind + 1]);
        work->names = argv + optind + 2;
        while (work->names[work->n_items] && strcmp(work->names[work->n_items], "--") != 0)
                work->n_items++;
        if (work->names[work->n_items])
                work->options.command = work->names + work->n_items + 1;
        work->at_once = MIN(work->at_once, MAX(work->n_items, 1U));
}

int verb_work(int argc, char *argv[])
{
        g_autoptr(GPtrArray) trace = g_ptr_array_new();
        Work work = {.at_once = 1, .trace = trace};
        Consoles *consoles = NULL;
        bool failed = false;

        work_parse(&work, argc, argv);
        work.items = g_new0(Item, work.n_items);
        for (unsigned i = 0; i < work.n_items; i++)
                work.items[i].name = work.names[i];
        if (work.fifo || work.socket)
                consoles = consoles_watch(work.fifo, work.socket, work.names, work.n_items);
        g_ptr_array_add(trace, NULL);
        if (trace->len > 1)
                trace_begin((char *const *) trace->pdata);

        work_run(&work);

        for (unsigned i = 0; i < work.n_items; i++)
                failed |= work.items[i].problem != NULL;
        if (consoles && !failed)
                consoles_wait(consoles, CONSOLE_PATIENCE_USEC);
        if (trace->len > 1)
                trace_end();
        work_print(&work, consoles);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
