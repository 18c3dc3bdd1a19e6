/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads and sets the log level at run time (org.freedesktop.LogControl1(5)). */

#include "daemon/bus/log-control.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"

static int property_get_level(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(reply, "s", log_level_to_string(log_get_max_level()));
}

static int property_set_level(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *value, void *userdata, sd_bus_error *ret_error)
{
        const char *text;
        int level, r;

        r = sd_bus_message_read(value, "s", &text);
        if (r < 0)
                return sd_bus_error_set(ret_error, SD_BUS_ERROR_INVALID_ARGS, "Cannot read the log level");
        level = log_level_from_string(text);
        if (level < 0)
                return sd_bus_error_setf(ret_error, SD_BUS_ERROR_INVALID_ARGS,
                                "Unknown log level; use debug to emerg");

        log_set_max_level(level);
        log_info("Log level set to %s", text);
        return 0;
}

static int property_get_target(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(reply, "s", "journal");
}

static int property_set_target(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *value, void *userdata, sd_bus_error *ret_error)
{
        const char *text;

        if (sd_bus_message_read(value, "s", &text) >= 0 && strcmp(text, "journal") == 0)
                return 0;

        return sd_bus_error_set(
                        ret_error, SD_BUS_ERROR_NOT_SUPPORTED, "Messages are only sent to the journal");
}

static int property_get_identifier(sd_bus *bus, const char *path, const char *interface,
                const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(reply, "s", "shruthid");
}

static const sd_bus_vtable log_control_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", property_get_level, property_set_level, 0,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", property_get_target, property_set_target, 0,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_PROPERTY("SyslogIdentifier", "s", property_get_identifier, 0,
                                SD_BUS_VTABLE_PROPERTY_CONST),
                SD_BUS_VTABLE_END,
};

int log_control_export(sd_bus *bus)
{
        return sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/LogControl1",
                        "org.freedesktop.LogControl1", log_control_vtable, NULL);
}
