/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-client calls: how long bus calls take, to one service and to others that answer the same. */

#include "bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "common/names.h"

#define TIMEOUT_USEC (60 * G_USEC_PER_SEC)

typedef struct Calls {
        const char *kind;
        const char *argument;
        char **names;
        unsigned n_names;
        unsigned count;
        unsigned rate;
} Calls;

static char *object_path(const char *unikernel)
{
        char *path = NULL;

        if (sd_bus_path_encode(SHRUTHI_UNIKERNEL_PATH, unikernel, &path) < 0)
                die("'%s' makes no object path", unikernel);
        return path;
}

/* All of them go to the same paths and interfaces of another name. */
static sd_bus_message *make_call(sd_bus *bus, const Calls *calls, const char *name)
{
        sd_bus_message *message = NULL;
        int r;

        if (strcmp(calls->kind, "list") == 0)
                r = sd_bus_message_new_method_call(bus, &message, name, SHRUTHI_OBJECT_PATH,
                                SHRUTHI_INTERFACE_MANAGER, "ListUnikernels");
        else if (strcmp(calls->kind, "managed") == 0)
                r = sd_bus_message_new_method_call(bus, &message, name, SHRUTHI_OBJECT_PATH,
                                "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
        else if (strcmp(calls->kind, "get") == 0) {
                r = sd_bus_message_new_method_call(bus, &message, name, SHRUTHI_OBJECT_PATH,
                                SHRUTHI_INTERFACE_MANAGER, "GetUnikernel");
                if (r >= 0)
                        r = sd_bus_message_append(message, "s", calls->argument);
        } else if (strcmp(calls->kind, "property") == 0) {
                char *path = object_path(calls->argument);

                r = sd_bus_message_new_method_call(
                                bus, &message, name, path, "org.freedesktop.DBus.Properties", "Get");
                if (r >= 0)
                        r = sd_bus_message_append(message, "ss", SHRUTHI_INTERFACE_UNIKERNEL, "State");
                free(path);
        } else if (strcmp(calls->kind, "domains") == 0) {
                r = sd_bus_message_new_method_call(bus, &message, name, "/org/libvirt/QEMU",
                                "org.libvirt.Connect", "ListDomains");
                if (r >= 0)
                        r = sd_bus_message_append(message, "u", (uint32_t) 0);
        } else if (strcmp(calls->kind, "domain") == 0) {
                r = sd_bus_message_new_method_call(bus, &message, name, calls->argument,
                                "org.freedesktop.DBus.Properties", "GetAll");
                if (r >= 0)
                        r = sd_bus_message_append(message, "s", "org.libvirt.Domain");
        } else
                die("there is no kind of call '%s'", calls->kind);

        if (r < 0)
                die("the call cannot be made: %s", g_strerror(-r));
        return message;
}

static void call_named(sd_bus *bus, const Calls *calls, const char *name)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *message = make_call(bus, calls, name), *reply = NULL;
        uint64_t begin = now_usec();
        int r = sd_bus_call(bus, message, TIMEOUT_USEC, &error, &reply);
        uint64_t end = now_usec();

        if (r < 0)
                die("%s to %s: %s", calls->kind, name, error.message ?: g_strerror(-r));
        (void) printf("{\"item\": \"%s\", \"ok\": true, \"begin\": %" G_GUINT64_FORMAT
                      ", \"end\": %" G_GUINT64_FORMAT "}\n",
                        name, begin, end);

        sd_bus_message_unref(message);
        sd_bus_message_unref(reply);
        sd_bus_error_free(&error);
}

static void calls_parse(Calls *calls, int argc, char *argv[])
{
        static const struct option options[] = {
                        {"count", required_argument, NULL, 'c'},
                        {"rate", required_argument, NULL, 'r'},
                        {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0)
                if (c == 'c')
                        calls->count = (unsigned) strtoul(optarg, NULL, 10);
                else if (c == 'r')
                        calls->rate = (unsigned) strtoul(optarg, NULL, 10);
                else
                        exit(2);
        if (argc - optind < 3)
                die("calls needs a kind, an argument and bus names; see bench-client --help");

        calls->kind = argv[optind];
        calls->argument = argv[optind + 1];
        calls->names = argv + optind + 2;
        calls->n_names = g_strv_length(calls->names);
}

int verb_calls(int argc, char *argv[])
{
        Calls calls = {.count = 100};
        sd_bus *bus = NULL;
        uint64_t begin;

        calls_parse(&calls, argc, argv);
        if (sd_bus_open_system(&bus) < 0)
                die("no system bus");
        /* Connected before the clock runs. */
        (void) sd_bus_get_unique_name(bus, &(const char *){NULL});

        begin = now_usec();
        for (unsigned i = 0; i < calls.count; i++) {
                if (calls.rate > 0) {
                        uint64_t due = begin + i * G_USEC_PER_SEC / calls.rate, now = now_usec();

                        if (now < due)
                                g_usleep(due - now);
                }
                /* Each time another one is first. */
                for (unsigned j = 0; j < calls.n_names; j++)
                        call_named(bus, &calls, calls.names[(i + j) % calls.n_names]);
        }

        sd_bus_flush_close_unref(bus);
        return EXIT_SUCCESS;
}
