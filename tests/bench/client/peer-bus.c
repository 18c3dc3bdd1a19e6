/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SHRUTHI itself over the bus, and libvirt over it, by libvirt-dbus. */

#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "common/names.h"

#define LIBVIRT_NAME "org.libvirt"
#define LIBVIRT_QEMU "/org/libvirt/QEMU"

void *bus_connect(const PeerOptions *options)
{
        sd_bus *bus = NULL;
        int r = sd_bus_open_system(&bus);

        if (r < 0)
                die("no system bus: %s", g_strerror(-r));
        (void) sd_bus_set_method_call_timeout(bus, BUS_TIMEOUT_USEC);
        return bus;
}

void bus_disconnect(void *connection)
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
        case OPERATION_REMOVE:
                return manager_call(connection, "RemoveUnikernel", "st", item, (uint64_t) 0);
        default:
                if (options->network)
                        return manager_call(connection, "CreateUnikernelFromDigest", "ssa{sv}", item,
                                        options->digest, 1, "Networks", "a(sa{sv})", 1, "service", 2,
                                        "Network", "s", options->network, "Address", "s", "auto");
                return manager_call(connection, "CreateUnikernelFromDigest", "ssa{sv}", item,
                                options->digest, 0);
        }
}

const Peer peer_shruthi = {"shruthi", bus_connect, bus_disconnect, shruthi_run};

static char *libvirt_create(sd_bus *bus, const char *member, const PeerOptions *options, const char *item)
{
        g_autofree char *path = fill_in(options->xml ?: "{}", item), *xml = NULL, *problem = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        if (!g_file_get_contents(path, &xml, NULL, NULL))
                return g_strdup_printf("'%s' cannot be read", path);
        if (strcmp(member, "DomainDefineXML") == 0)
                r = sd_bus_call_method(bus, LIBVIRT_NAME, LIBVIRT_QEMU, "org.libvirt.Connect", member,
                                &error, NULL, "s", xml);
        else
                r = sd_bus_call_method(bus, LIBVIRT_NAME, LIBVIRT_QEMU, "org.libvirt.Connect", member,
                                &error, NULL, "su", xml, (uint32_t) 0);
        if (r < 0)
                problem = g_strdup(error.message ?: "no answer");

        sd_bus_error_free(&error);
        return g_steal_pointer(&problem);
}

static char *libvirt_destroy(sd_bus *bus, const char *item)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        char *problem = NULL;
        const char *path;
        int r;

        r = sd_bus_call_method(bus, LIBVIRT_NAME, LIBVIRT_QEMU, "org.libvirt.Connect", "DomainLookupByName",
                        &error, &reply, "s", item);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0)
                r = sd_bus_call_method(bus, LIBVIRT_NAME, path, "org.libvirt.Domain", "Destroy", &error,
                                NULL, "u", (uint32_t) 0);
        if (r < 0)
                problem = g_strdup(error.message ?: "no answer");

        sd_bus_message_unref(reply);
        sd_bus_error_free(&error);
        return problem;
}

static char *libvirt_dbus_run(
                void *connection, const PeerOptions *options, Operation operation, const char *item)
{
        switch (operation) {
        case OPERATION_START:
                return libvirt_create(connection, "DomainCreateXML", options, item);
        case OPERATION_STOP:
                return libvirt_destroy(connection, item);
        default:
                return libvirt_create(connection, "DomainDefineXML", options, item);
        }
}

const Peer peer_libvirt_dbus = {"libvirt-dbus", bus_connect, bus_disconnect, libvirt_dbus_run};
