/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The private socket. Its mode lets only root connect; the peer's user is still checked with the kernel,
 * which replaces polkit. */

#include "daemon/access/private.h"

#include <errno.h>
#include <sys/socket.h>

#include "common/io.h"
#include "common/log.h"

#define PROCESS_AT_ONCE 16

static void peer_unref(gpointer bus)
{
        sd_bus_unref(bus);
}

static int on_peer_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        sd_bus *bus = sd_bus_message_get_bus(message);
        Manager *manager = userdata;

        /* The peer leaves the table here, and is freed when this handler drops its own reference. */
        sd_bus_ref(bus);
        g_ptr_array_remove_fast(manager->peers, bus);
        sd_bus_close_unref(bus);
        manager_touch(manager);
        return 0;
}

static int peer_new(Manager *manager, int *fd)
{
        g_autoptr(sd_bus) bus = NULL;
        sd_id128_t id;
        int r;

        r = sd_id128_randomize(&id);
        if (r >= 0)
                r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_description(bus, "private");
        if (r >= 0)
                r = sd_bus_set_fd(bus, *fd, *fd);
        if (r < 0)
                return r;
        *fd = -EBADF;

        r = sd_bus_set_server(bus, 1, id);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus, 1);
        if (r >= 0)
                r = sd_bus_negotiate_creds(bus, 0, SD_BUS_CREDS_EUID);
        if (r >= 0)
                r = manager->hooks->export(manager, bus);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus, NULL, "org.freedesktop.DBus.Local",
                                "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected",
                                on_peer_disconnected, NULL, manager);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                r = sd_bus_attach_event(bus, manager->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;

        g_ptr_array_add(manager->peers, g_steal_pointer(&bus));
        return 0;
}

static int on_peer_connection(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata)
{
        _cleanup_close_ int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        Manager *manager = userdata;
        struct ucred peer;
        socklen_t size = sizeof peer;
        int r;

        if (fd < 0)
                return 0;
        manager_touch(manager);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != 0) {
                log_warning("Rejected connection to the private socket: the peer is not root");
                return 0;
        }
        if (manager->peers->len >= PEERS_MAX) {
                log_warning("Rejected connection to the private socket: too many connections");
                return 0;
        }
        r = peer_new(manager, &fd);
        if (r < 0)
                log_warning("Cannot serve a peer of the private socket: %s", g_strerror(-r));
        return 0;
}

/* A first call that arrives together with the last line of the authentication is read with it, and nothing
 * later wakes the loop to dispatch it (seen with systemd 252 and GDBus). So peers are processed once more
 * after each other event. */
static int on_peers_post(sd_event_source *source, void *userdata)
{
        Manager *manager = userdata;
        g_autoptr(GPtrArray) peers = g_ptr_array_new_with_free_func(peer_unref);

        for (guint i = 0; i < manager->peers->len; i++)
                g_ptr_array_add(peers, sd_bus_ref(manager->peers->pdata[i]));
        for (guint i = 0; i < peers->len; i++)
                for (unsigned round = 0; round < PROCESS_AT_ONCE; round++)
                        if (sd_bus_process(peers->pdata[i], NULL) <= 0)
                                break;

        return 0;
}

int private_listen(Manager *manager, int fd)
{
        int r = sd_event_add_post(manager->event, NULL, on_peers_post, manager);

        if (r < 0)
                return r;

        return sd_event_add_io(
                        manager->event, &manager->listen_source, fd, EPOLLIN, on_peer_connection, manager);
}
