/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The loop of a network's process. Called by parent.c, in the process that it has forked. */

#include "switch/network.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/socket.h"
#include "switch/network-private.h"
#include "switch/rules-file.h"

#define EVENTS_MAX    64
#define IDLE_NSEC     (60 * NSEC_PER_SEC)
#define FLUSH_NSEC    (NSEC_PER_SEC / 2)
#define TIMER_SLACK   1 /* ns; the kernel's default is 50 µs */
#define CONTROL_WORDS 16

uint64_t clock_nsec(int clock)
{
        struct timespec time;

        (void) clock_gettime(clock, &time);
        return (uint64_t) time.tv_sec * NSEC_PER_SEC + (uint64_t) time.tv_nsec;
}

int network_watch(SwitchNetwork *network, LoopSource *source)
{
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};

        return epoll_ctl(network->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) < 0 ? -errno : 0;
}

void network_unwatch(SwitchNetwork *network, LoopSource *source)
{
        if (source->fd >= 0)
                (void) epoll_ctl(network->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
}

/* An event of it may be among those that are still to be looked at. */
void network_bury(SwitchNetwork *network, gpointer taken_object)
{
        g_ptr_array_add(network->graveyard, taken_object);
}

static void network_free_buried(SwitchNetwork *network)
{
        for (guint i = 0; i < network->graveyard->len; i++) {
                LoopSource *source = network->graveyard->pdata[i];

                if (source->kind == SOURCE_PORT)
                        network_port_free(source);
                else
                        network_client_free(source);
        }
        g_ptr_array_set_size(network->graveyard, 0);
}

static bool network_is_buried(const SwitchNetwork *network, const LoopSource *source)
{
        return g_ptr_array_find(network->graveyard, source, NULL);
}

/* -ECONNRESET: the parent has ended, which systemd starts again. */
static int network_hear_parent(SwitchNetwork *network)
{
        char data[CONTROL_WORDS];
        int fd = -EBADF;
        ssize_t n = socket_receive_with_fd(network->control.fd, data, sizeof data, &fd);

        if (n == -EAGAIN || n == -EINTR)
                return 0;
        if (n <= 0)
                return -ECONNRESET;
        if (fd >= 0)
                network_add_client(network, fd);
        return 0;
}

static void network_hear_threads(SwitchNetwork *network)
{
        eventfd_t value;

        (void) eventfd_read(network->news.fd, &value);
        network_take_rules(network);
        network_end_captures(network);
}

static int network_dispatch(SwitchNetwork *network, LoopSource *source)
{
        if (network->graveyard->len > 0 && network_is_buried(network, source))
                return 0;

        switch (source->kind) {
        case SOURCE_PORT:
                network_receive(network, (NetworkPort *) (void *) source);
                network_pass_due(network);
                return 0;
        case SOURCE_CLIENT:
                if (((NetworkClient *) (void *) source)->is_busy)
                        network_close_client(network, (NetworkClient *) (void *) source);
                else
                        network_hear_client(network, (NetworkClient *) (void *) source);
                return 0;
        case SOURCE_ANTISPOOF:
                network_hear_antispoof(network);
                return 0;
        case SOURCE_CONTROL:
                return network_hear_parent(network);
        default:
                network_hear_threads(network);
                return 0;
        }
}

static uint64_t network_next(const SwitchNetwork *network)
{
        return MIN(MIN(plane_next(network->plane), network->idle_nsec),
                        MIN(MIN(network->reconnect_nsec, network->confirm_nsec), network->flush_nsec));
}

/* A kernel or a filter of system calls that does not know epoll_pwait2() waits for whole milliseconds. */
static int network_wait(SwitchNetwork *network, struct epoll_event *events, uint64_t wait_nsec)
{
        static bool is_coarse;
        struct timespec time = {
                        .tv_sec = (time_t) (wait_nsec / NSEC_PER_SEC),
                        .tv_nsec = (long) (wait_nsec % NSEC_PER_SEC),
        };
        int n;

        if (!is_coarse) {
                n = epoll_pwait2(network->epoll_fd, events, EVENTS_MAX,
                                wait_nsec == FLIGHT_NONE ? NULL : &time, NULL);
                if (n >= 0 || (errno != ENOSYS && errno != EPERM))
                        return n;
                is_coarse = true;
                log_warning("The kernel has no timeouts of less than a millisecond: packets will be late");
        }
        return epoll_wait(network->epoll_fd, events, EVENTS_MAX,
                        wait_nsec == FLIGHT_NONE ? -1 : (int) MIN(wait_nsec / NSEC_PER_MSEC, 60000));
}

/* What is to be done at a time. */
static void network_act(SwitchNetwork *network)
{
        uint64_t now = network->now_nsec;

        if (network->reconnect_nsec <= now)
                network_connect_antispoof(network);
        if (network->confirm_nsec <= now)
                network_drop_unconfirmed(network);
        if (network->flush_nsec <= now)
                network_flush_captures(network);
        if (network->captures->len == 0)
                network->flush_nsec = FLIGHT_NONE;
        else if (network->flush_nsec <= now || network->flush_nsec == FLIGHT_NONE)
                network->flush_nsec = now + FLUSH_NSEC;

        if (network->idle_nsec <= now)
                network->has_ended = true;
        if (network->ports->len > 0 || network->clients->len > 0)
                network->idle_nsec = FLIGHT_NONE;
        else if (network->idle_nsec == FLIGHT_NONE)
                network->idle_nsec = now + IDLE_NSEC;
}

static int network_turn(SwitchNetwork *network)
{
        struct epoll_event events[EVENTS_MAX];
        bool is_writing = network_write_counters(network);
        uint64_t next = network_next(network), now = clock_nsec(CLOCK_MONOTONIC);
        int n, r = 0;

        if (is_writing || next <= now)
                n = network_wait(network, events, 0);
        else
                n = network_wait(network, events, next == FLIGHT_NONE ? FLIGHT_NONE : next - now);
        if (n < 0 && errno != EINTR)
                return -errno;

        network->now_nsec = clock_nsec(CLOCK_MONOTONIC);
        priority_keep(&network->priority, network->now_nsec);
        network_pass_due(network);
        for (int i = 0; i < n && r >= 0; i++)
                r = network_dispatch(network, events[i].data.ptr);
        network_free_buried(network);
        network_act(network);
        return r;
}

static int network_begin(SwitchNetwork *network, const SwitchedNetwork *task)
{
        g_autofree char *bridge = NULL;
        Rules *rules = NULL;
        int r;

        *network = (SwitchNetwork){
                        .task = task,
                        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
                        .antispoof = {.kind = SOURCE_ANTISPOOF, .fd = -EBADF},
                        .control = {.kind = SOURCE_CONTROL, .fd = task->control},
                        .news = {.kind = SOURCE_NEWS, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
                        .plane = plane_new(),
                        .ports = g_ptr_array_new(),
                        .clients = g_ptr_array_new(),
                        .captures = g_ptr_array_new_with_free_func(network_capture_free),
                        .graveyard = g_ptr_array_new(),
                        .exchange = exchange_new(),
                        .now_nsec = clock_nsec(CLOCK_MONOTONIC),
                        .confirm_nsec = FLIGHT_NONE,
                        .idle_nsec = FLIGHT_NONE,
                        .flush_nsec = FLIGHT_NONE,
                        .since_usec = (uint64_t) g_get_real_time(),
        };
        network_begin_rules(network);
        if (network->epoll_fd < 0 || network->news.fd < 0)
                return -errno;
        (void) prctl(PR_SET_TIMERSLACK, TIMER_SLACK, 0, 0, 0);

        /* That of a process before this one; else this is what the next one finds. */
        if (rules_file_read(task->directory, task->name, &bridge, &rules) >= 0 &&
                        g_strcmp0(bridge, task->bridge) == 0)
                plane_set_rules(network->plane, g_steal_pointer(&rules));
        else
                (void) rules_file_write(task->directory, task->name, task->bridge, NULL, 0);
        rules_free(rules);

        r = network_watch(network, &network->control);
        if (r >= 0)
                r = network_watch(network, &network->news);
        if (r >= 0)
                network_connect_antispoof(network);
        return r;
}

/* The process ends with it: memory and descriptors are the kernel's to free. */
int network_run(const SwitchedNetwork *task)
{
        SwitchNetwork network;
        int r = network_begin(&network, task);

        while (r >= 0 && !network.has_ended)
                r = network_turn(&network);
        if (r < 0) {
                if (r != -ECONNRESET)
                        log_error("Network %s ends: %s", task->name, g_strerror(-r));
                return r;
        }
        rules_file_remove(task->directory, task->name);
        network_abandon_captures(&network);
        return 0;
}
