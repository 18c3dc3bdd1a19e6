/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "kvm/caller.h"

#include <errno.h>
#include <glib.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "common/names.h"
#include "common/unikernel-name.h"

#define BUS_USEC (15 * G_USEC_PER_SEC)

bool caller_is_starting(const Caller *caller, pid_t pid)
{
        g_autofree char *name = NULL;

        return unit_name_parse(caller->unit, &name) >= 0 && pid > 1 && caller->main == pid &&
               g_str_equal(caller->state, "activating");
}

/* By the bus rather than by /proc: it does not show us processes of other users. */
static int caller_query(sd_bus *bus, pid_t pid, Caller *ret, char **ret_unit, char **ret_state)
{
        sd_bus_message *reply = NULL;
        const char *path;
        uint32_t main_pid;
        int r;

        r = sd_bus_call_method(bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_NAME ".Manager", "GetUnitByPID",
                        NULL, &reply, "u", (uint32_t) pid);
        if (r == -ESRCH || r == -ENOENT) { /* it is in none */
                *ret = (Caller){.unit = "", .state = ""};
                return 0;
        }
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0)
                r = sd_bus_get_property_string(
                                bus, SYSTEMD_NAME, path, SYSTEMD_NAME ".Unit", "Id", NULL, ret_unit);
        if (r >= 0)
                r = sd_bus_get_property_string(bus, SYSTEMD_NAME, path, SYSTEMD_NAME ".Unit", "ActiveState",
                                NULL, ret_state);
        /* Of a scope or a slice there is none. */
        if (r >= 0 && g_str_has_suffix(*ret_unit, ".service"))
                r = sd_bus_get_property_trivial(bus, SYSTEMD_NAME, path, SYSTEMD_NAME ".Service", "MainPID",
                                NULL, 'u', &main_pid);
        else
                main_pid = 0;
        if (r >= 0)
                *ret = (Caller){.unit = *ret_unit, .state = *ret_state, .main = (pid_t) main_pid};

        sd_bus_message_unref(reply);
        return r;
}

int caller_check(int connection)
{
        g_autofree char *unit = NULL, *state = NULL;
        socklen_t size = sizeof(struct ucred);
        struct ucred peer;
        sd_bus *bus = NULL;
        Caller caller;
        int r;

        if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return -errno;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(bus, BUS_USEC);
        if (r >= 0)
                r = caller_query(bus, peer.pid, &caller, &unit, &state);
        if (r >= 0)
                r = caller_is_starting(&caller, peer.pid);
        sd_bus_close_unref(bus);
        return r;
}
