/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* bench-client: what a benchmark must measure without a script's own time in it. Each of its verbs takes its
 * times with the monotonic clock, in µs, and writes them as lines of JSON on standard output; what they mean
 * is worked out in tests/bench/lib.
 *
 *     main.c          the command line
 *     work.c          starts, stops or defines a list of items, so many at once
 *     peer-*.c        how each of the compared does that
 *     console.c       when each item's first byte came
 *     trace.c         when messages passed on the bus and files were opened
 *     calls.c         the time of bus calls
 *
 * An error is the benchmark's end: die(). */

void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

uint64_t now_usec(void);

/* A copy of text with each "{}" replaced by item. */
char *fill_in(const char *text, const char *item);

/* --- what is compared --- */

typedef enum Operation {
        OPERATION_START,
        OPERATION_STOP,
        OPERATION_DEFINE,
        OPERATION_REMOVE, /* what was defined; of unikernels alone */
        _OPERATION_MAX,
        _OPERATION_INVALID = -EINVAL,
} Operation;

typedef struct PeerOptions {
        const char *xml;    /* file of the domain XML, "{}" for the item */
        const char *digest; /* of the image, for definitions */
        const char *network; /* on which definitions get an address; NULL: they have no network */
        const char *unit;   /* started beside a domain, "{}" for the item */
        char **command;     /* "{}" for the item */
} PeerOptions;

/* A connection is made by each worker before the clock runs, and used by that worker alone. */
typedef struct Peer {
        const char *name;
        void *(*connect)(const PeerOptions *options);
        void (*disconnect)(void *connection);
        /* Returns when the peer says that it is done; NULL, or what went wrong. Free with g_free(). */
        char *(*run)(void *connection, const PeerOptions *options, Operation operation, const char *item);
} Peer;

extern const Peer peer_shruthi;
extern const Peer peer_systemd;
extern const Peer peer_libvirt;
extern const Peer peer_libvirt_dbus;
extern const Peer peer_unit_libvirt;
extern const Peer peer_command;

#define BUS_TIMEOUT_USEC (120 * G_USEC_PER_SEC)

/* A connection to the bus, for those that need nothing else. */
void *bus_connect(const PeerOptions *options);
void bus_disconnect(void *connection);

/* --- the first byte --- */

/* Watches the consoles of a list of items in a thread of its own and takes away what they print. */
typedef struct Consoles Consoles;

/* fifo: the path before ".in" and ".out", both of which are made anew; socket: one that will be there once
 * the item starts. One of them is NULL; "{}" stands for the item. */
Consoles *consoles_watch(const char *fifo, const char *socket, char *const *items, unsigned n_items);

/* Waits until all of them have spoken, or so long. */
void consoles_wait(Consoles *consoles, uint64_t usec);

/* 0: not yet. */
uint64_t consoles_first(Consoles *consoles, unsigned item);

/* --- what happened meanwhile --- */

/* Prints a line for each message on the bus and each time that one of the files is opened, in a thread of
 * its own. Needs to be root. */
void trace_begin(char *const *files);
void trace_end(void);

/* --- the verbs --- */

int verb_work(int argc, char *argv[]);
int verb_calls(int argc, char *argv[]);
