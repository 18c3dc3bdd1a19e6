/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SHRUTHI itself over the bus, and systemd's own verbs for its units. */

#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "common/names.h"

#define TIMEOUT_USEC (600 * G_USEC_PER_SEC)

static void *bus_connect(const PeerOptions *options)
{
        sd_bus *bus = NULL;
        int r = sd_bus_open_system(&bus);

        if (r < 0)
                die("no system bus: %s", g_strerror(-r));
        (void) sd_bus_set_method_call_timeout(bus, TIMEOUT_USEC);
        return bus;
}

static void bus_disconnect(void *connection)
{
        sd_bus_flush_close_unref(connection);
}

static char *manager_call(sd_bus *bus, const char *member, const char *types, ...)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        char *problem = NULL;
        va_list ap;

        va_start(ap, types);
        if (sd_bus_call_methodv(bus, SHRUTHI_BUS_NAME, SHRUTHI_OBJECT_PATH, SHRUTHI_INTERFACE_MANAGER,
                            member, &error, NULL, types, ap) < 0)
                problem = g_strdup(error.message ?: "no answer");
        va_end(ap);

        sd_bus_error_free(&error);
        return problem;
}

static char *shruthi_run(void *connection, const PeerOptions *options, Operation operation, const char *item)
{
        switch (operation) {
        case OPERATION_START:
                return manager_call(connection, "StartUnikernel", "st", item, (uint64_t) 0);
        case OPERATION_STOP:
                return manager_call(connection, "StopUnikernel", "st", item, (uint64_t) 0);
        default:
                return manager_call(connection, "CreateUnikernelFromDigest", "ssa{sv}", item,
                                options->digest, 0);
        }
}

const Peer peer_shruthi = {"shruthi", bus_connect, bus_disconnect, shruthi_run};

typedef struct UnitJob {
        char *path;
        char *result;
} UnitJob;

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        UnitJob *job = userdata;
        const char *path, *result;

        if (sd_bus_message_read(message, "uoss", NULL, &path, NULL, &result) >= 0 && job->path &&
                        strcmp(job->path, path) == 0 && !job->result)
                job->result = g_strdup(result);
        return 0;
}

/* As systemctl does it: subscribe, start the unit, wait for the job. */
static char *systemd_run(void *connection, const PeerOptions *options, Operation operation, const char *item)
{
        g_autofree char *unit = g_strconcat(SHRUTHI_UNIT_PREFIX, item, SHRUTHI_UNIT_SUFFIX, NULL);
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        sd_bus_slot *slot = NULL;
        char *problem = NULL;
        UnitJob job = {};
        const char *path;

        (void) sd_bus_match_signal(connection, &slot, "org.freedesktop.systemd1",
                        "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved",
                        on_job_removed, &job);
        (void) sd_bus_call_method(connection, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                        "org.freedesktop.systemd1.Manager", "Subscribe", NULL, NULL, NULL);
        if (sd_bus_call_method(connection, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                            "org.freedesktop.systemd1.Manager",
                            operation == OPERATION_START ? "StartUnit" : "StopUnit", &error, &reply, "ss",
                            unit, "replace") < 0)
                problem = g_strdup(error.message ?: "no answer");
        else if (sd_bus_message_read(reply, "o", &path) < 0)
                problem = g_strdup("the answer is no job");
        else
                job.path = g_strdup(path);

        while (!problem && !job.result) {
                int r = sd_bus_process(connection, NULL);

                if (r == 0)
                        r = sd_bus_wait(connection, TIMEOUT_USEC);
                if (r < 0)
                        problem = g_strdup("the bus is gone");
        }
        if (!problem && strcmp(job.result, "done") != 0)
                problem = g_strdup_printf("the job's result is '%s'", job.result);

        g_free(job.path);
        g_free(job.result);
        sd_bus_slot_unref(slot);
        sd_bus_message_unref(reply);
        sd_bus_error_free(&error);
        return problem;
}

const Peer peer_systemd = {"systemd", bus_connect, bus_disconnect, systemd_run};
