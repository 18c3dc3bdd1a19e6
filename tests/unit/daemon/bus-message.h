/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

/* Messages without a bus: on a connection over a socket pair that nobody serves. */

static inline sd_bus *message_bus(void)
{
        static sd_bus *bus;
        int fds[2];

        if (bus)
                return bus;

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
        g_assert_cmpint(sd_bus_new(&bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(bus, fds[0], fds[0]), >=, 0);
        g_assert_cmpint(sd_bus_negotiate_fds(bus, 1), >=, 0);
        g_assert_cmpint(sd_bus_start(bus), >=, 0);
        return bus;
}

static inline sd_bus_message *message_new(void)
{
        sd_bus_message *m = NULL;

        g_assert_cmpint(sd_bus_message_new_method_call(message_bus(), &m, NULL, "/", "a.b", "M"), >=, 0);
        return m;
}

/* Ready to be read. */
static inline sd_bus_message *message_sealed(sd_bus_message *m)
{
        g_assert_cmpint(sd_bus_message_seal(m, 1, 0), >=, 0);
        g_assert_cmpint(sd_bus_message_rewind(m, 1), >=, 0);
        return m;
}
