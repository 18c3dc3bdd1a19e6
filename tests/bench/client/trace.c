/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What others do meanwhile, seen from outside and without holding anybody up: messages on the bus (as its
 * monitor), and the opening of files, which for a program is its start (inotify tells of an execve() too).
 */

#include "bench.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

/* So that the last messages are there too. */
#define GRACE_USEC (200 * 1000)

typedef struct Trace {
        char *const *files;
        int *watches;
        unsigned n_files;
        int inotify_fd;
        int stop_fd;
        sd_bus *bus;
        pthread_t thread;
} Trace;

static Trace trace = {.inotify_fd = -EBADF, .stop_fd = -EBADF};

static void print_message(sd_bus_message *message, uint64_t usec)
{
        uint64_t cookie = 0, reply_cookie = 0;
        uint8_t type;

        (void) sd_bus_message_get_type(message, &type);
        (void) sd_bus_message_get_cookie(message, &cookie);
        (void) sd_bus_message_get_reply_cookie(message, &reply_cookie);
        (void) printf("{\"event\": \"bus\", \"usec\": %" G_GUINT64_FORMAT
                      ", \"type\": %u, \"sender\": \"%s\", \"destination\": \"%s\", \"member\": \"%s\", "
                      "\"cookie\": %" G_GUINT64_FORMAT ", \"reply\": %" G_GUINT64_FORMAT "}\n",
                        usec, type, sd_bus_message_get_sender(message) ?: "",
                        sd_bus_message_get_destination(message) ?: "",
                        sd_bus_message_get_member(message) ?: "", cookie, reply_cookie);
}

static void bus_read(void)
{
        for (;;) {
                sd_bus_message *message = NULL;
                int r = sd_bus_process(trace.bus, &message);

                if (r < 0)
                        die("the bus dropped its monitor: %s", g_strerror(-r));
                if (message)
                        print_message(message, now_usec());
                sd_bus_message_unref(message);
                if (r == 0)
                        return;
        }
}

static void files_read(void)
{
        char events[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
        ssize_t n = read(trace.inotify_fd, events, sizeof events);
        uint64_t usec = now_usec();

        for (char *p = events; n > 0 && p < events + n;) {
                const struct inotify_event *event = (const struct inotify_event *) p;

                for (unsigned i = 0; i < trace.n_files; i++)
                        if (trace.watches[i] == event->wd)
                                (void) printf("{\"event\": \"open\", \"usec\": %" G_GUINT64_FORMAT
                                              ", \"file\": \"%s\", \"name\": \"%s\"}\n",
                                                usec, trace.files[i], event->len > 0 ? event->name : "");
                p += sizeof *event + event->len;
        }
}

static void *trace_follow(void *userdata)
{
        struct pollfd polled[] = {
                        {.fd = sd_bus_get_fd(trace.bus), .events = POLLIN},
                        {.fd = trace.inotify_fd, .events = POLLIN},
                        {.fd = trace.stop_fd, .events = POLLIN},
        };

        for (;;) {
                bus_read();
                files_read();
                if (polled[2].revents)
                        return NULL;
                (void) poll(polled, G_N_ELEMENTS(polled), -1);
        }
}

static void become_monitor(void)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_new(&trace.bus);
        if (r >= 0)
                r = sd_bus_set_address(trace.bus, "unix:path=/run/dbus/system_bus_socket");
        if (r >= 0)
                r = sd_bus_set_bus_client(trace.bus, true);
        if (r >= 0)
                r = sd_bus_set_monitor(trace.bus, true);
        if (r >= 0)
                r = sd_bus_start(trace.bus);
        if (r >= 0)
                r = sd_bus_call_method(trace.bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                "org.freedesktop.DBus.Monitoring", "BecomeMonitor", &error, NULL, "asu", 0,
                                (uint32_t) 0);
        if (r < 0)
                die("cannot monitor the bus: %s", error.message ?: g_strerror(-r));
}

void trace_begin(char *const *files)
{
        become_monitor();
        trace.files = files;
        trace.n_files = g_strv_length((char **) files);
        trace.watches = g_new(int, trace.n_files);
        trace.inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        trace.stop_fd = eventfd(0, EFD_CLOEXEC);
        for (unsigned i = 0; i < trace.n_files; i++) {
                trace.watches[i] = inotify_add_watch(trace.inotify_fd, files[i], IN_OPEN | IN_CREATE);
                if (trace.watches[i] < 0)
                        die("'%s' cannot be watched: %s", files[i], g_strerror(errno));
        }

        if (pthread_create(&trace.thread, NULL, trace_follow, NULL) != 0)
                die("no thread for the trace");
}

void trace_end(void)
{
        uint64_t one = 1;

        g_usleep(GRACE_USEC);
        if (write(trace.stop_fd, &one, sizeof one) < 0)
                die("the trace cannot be stopped: %s", g_strerror(errno));
        (void) pthread_join(trace.thread, NULL);
}
