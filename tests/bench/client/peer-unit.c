/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* systemd's own verbs: for SHRUTHI's units, and for a bare unit beside a domain that libvirt is called for,
 * which is the least that a unit for each unikernel can cost. */

#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "common/names.h"

#define SYSTEMD_NAME    "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

static void *systemd_connect(const PeerOptions *options)
{
        sd_bus *bus = bus_connect(options);

        (void) sd_bus_call_method(
                        bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe", NULL, NULL, NULL);
        return bus;
}

/* Of this unit alone: with many workers each would be woken for the jobs of all. Not by sd_bus_add_match(),
 * which finds a third argument only where those before it are strings too. */
static void job_watch(sd_bus *bus, const char *member, const char *unit)
{
        g_autofree char *match =
                        g_strdup_printf("type='signal',sender='" SYSTEMD_NAME "',path='" SYSTEMD_PATH
                                        "',interface='" SYSTEMD_MANAGER "',member='JobRemoved',arg2='%s'",
                                        unit);

        if (sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                            member, NULL, NULL, "s", match) < 0)
                die("%s: the bus does not take '%s'", member, match);
}

/* NULL: the job is done. */
static char *job_wait(sd_bus *bus, const char *job)
{
        for (;;) {
                g_autofree char *problem = NULL;
                sd_bus_message *message = NULL;
                const char *path, *result;
                int r = sd_bus_process(bus, &message);
                bool ours;

                if (r == 0)
                        r = sd_bus_wait(bus, BUS_TIMEOUT_USEC);
                if (r < 0)
                        return g_strdup("the bus is gone");
                ours = message && sd_bus_message_is_signal(message, SYSTEMD_MANAGER, "JobRemoved") > 0 &&
                       sd_bus_message_read(message, "uoss", NULL, &path, NULL, &result) >= 0 &&
                       strcmp(path, job) == 0;
                if (ours && strcmp(result, "done") != 0)
                        problem = g_strdup_printf("the job's result is '%s'", result);
                sd_bus_message_unref(message);
                if (ours)
                        return g_steal_pointer(&problem);
        }
}

/* As systemctl does it: watch, start the unit, wait for the job. */
static char *unit_run(sd_bus *bus, Operation operation, const char *unit)
{
        const char *member = operation == OPERATION_START ? "StartUnit" : "StopUnit";
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        char *problem;
        const char *path;

        job_watch(bus, "AddMatch", unit);
        if (sd_bus_call_method(bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER, member, &error, &reply,
                            "ss", unit, "replace") < 0)
                problem = g_strdup(error.message ?: "no answer");
        else if (sd_bus_message_read(reply, "o", &path) < 0)
                problem = g_strdup("the answer is no job");
        else
                problem = job_wait(bus, path);
        job_watch(bus, "RemoveMatch", unit);

        sd_bus_message_unref(reply);
        sd_bus_error_free(&error);
        return problem;
}

static char *systemd_run(void *connection, const PeerOptions *options, Operation operation, const char *item)
{
        g_autofree char *unit = g_strconcat(SHRUTHI_UNIT_PREFIX, item, SHRUTHI_UNIT_SUFFIX, NULL);

        return unit_run(connection, operation, unit);
}

const Peer peer_systemd = {"systemd", systemd_connect, bus_disconnect, systemd_run};

typedef struct Both {
        sd_bus *bus;
        void *libvirt;
} Both;

static void *both_connect(const PeerOptions *options)
{
        Both *both = g_new0(Both, 1);

        if (!options->unit)
                die("the peer 'unit+libvirt' needs --unit");
        both->bus = systemd_connect(options);
        both->libvirt = peer_libvirt.connect(options);
        return both;
}

static void both_disconnect(void *connection)
{
        Both *both = connection;

        bus_disconnect(both->bus);
        peer_libvirt.disconnect(both->libvirt);
        g_free(both);
}

/* The unit comes before the domain and goes after it, as it must where it stands for it. */
static char *both_run(void *connection, const PeerOptions *options, Operation operation, const char *item)
{
        g_autofree char *unit = fill_in(options->unit, item);
        Both *both = connection;
        char *problem = NULL;

        if (operation == OPERATION_START)
                problem = unit_run(both->bus, operation, unit);
        if (!problem)
                problem = peer_libvirt.run(both->libvirt, options, operation, item);
        if (!problem && operation == OPERATION_STOP)
                problem = unit_run(both->bus, operation, unit);
        return problem;
}

const Peer peer_unit_libvirt = {"unit+libvirt", both_connect, both_disconnect, both_run};
