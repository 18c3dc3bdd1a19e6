/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The links of an emulated network, for authorized callers: OpenLinks() connects to shruthi-switch, because
 * only our user may, and names the network. The caller speaks with shruthi-switch from then on. */

#include "daemon/bus/network-bus.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/socket.h"
#include "common/string-util.h"
#include "daemon/state/network-registry.h"
#include "switch/protocol.h"

#define PATIENCE_SEC 5 /* until shruthi-switch takes the connection */

typedef struct LinksOpening {
        Call *call;
        char *name, *bridge;
        int fd;
        int r; /* of the thread */
} LinksOpening;

static void links_opening_free(LinksOpening *opening)
{
        g_free(opening->name);
        g_free(opening->bridge);
        close_safe(opening->fd);
        g_free(opening);
}

static void links_opening_fail(LinksOpening *opening, Error *error, int r)
{
        call_fail(opening->call, error, r);
        links_opening_free(opening);
}

/* In a thread. The socket goes to the caller, who expects one that waits. */
static void links_opening_run(void *userdata)
{
        const struct timeval forever = {};
        LinksOpening *opening = userdata;
        const SwitchRequest request = {
                        .verb = SWITCH_NETWORK, .network = opening->name, .bridge = opening->bridge};
        g_autofree char *text = switch_request_format(&request);
        int r;

        r = socket_connect(SWITCH_SOCKET, SOCK_SEQPACKET, PATIENCE_SEC, &opening->fd);
        if (r >= 0)
                r = socket_send_with_fd(opening->fd, text, -EBADF, 0);
        if (r >= 0 && (setsockopt(opening->fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever) < 0 ||
                                      setsockopt(opening->fd, SOL_SOCKET, SO_SNDTIMEO, &forever,
                                                      sizeof forever) < 0))
                r = -errno;
        opening->r = r;
}

static void links_opening_done(void *userdata)
{
        _cleanup_error_ Error error = ERROR_INIT;
        LinksOpening *opening = userdata;

        if (opening->r < 0) {
                (void) error_set(&error, ERROR_FAILED,
                                "shruthi-switch does not answer (%s): run 'systemctl enable --now "
                                "shruthi-switch.socket', and look at 'journalctl -u shruthi-switch.service'",
                                g_strerror(-opening->r));
                links_opening_fail(opening, &error, opening->r);
                return;
        }

        call_reply(opening->call, "h", opening->fd);
        links_opening_free(opening);
}

/* It may have been removed, or be another's, since the call was authorized. */
static int links_opening_check(const LinksOpening *opening, Error *ret_error)
{
        const Call *call = opening->call;
        Network *network;
        int r;

        r = network_find(call->manager, opening->name, &network, ret_error);
        if (r < 0)
                return r;
        if (g_strcmp0(call->owner, network->loaded.owner_name) != 0 ||
                        g_strcmp0(call->group, network->loaded.group_name) != 0)
                return error_set(ret_error, ERROR_BUSY,
                                "The owner of network '%s' has changed meanwhile; try again", opening->name);
        if (!network->loaded.record->emulated)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "The links of network '%s' are not emulated: create one with 'shruthictl "
                                "network create NAME --emulated'",
                                opening->name);
        return 0;
}

static void on_links_network_seen(int r, Error *error, const GPtrArray *seen, void *userdata)
{
        _cleanup_error_ Error own = ERROR_INIT;
        LinksOpening *opening = userdata;
        const SeenNetwork *one;

        if (r < 0) {
                links_opening_fail(opening, error, r);
                return;
        }
        r = links_opening_check(opening, &own);
        one = r >= 0 ? seen_networks_find(seen, opening->name) : NULL;
        if (r >= 0 && (!one || !one->active || !one->bridge[0]))
                r = error_set(&own, ERROR_NO_SUCH_NETWORK,
                                "Network '%s' is not active in libvirt and is being started; try again",
                                opening->name);
        if (r < 0) {
                links_opening_fail(opening, &own, r);
                return;
        }

        opening->bridge = g_strdup(one->bridge);
        worker_run(opening->call->manager->worker, opening->call->uid, NULL, links_opening_run,
                        links_opening_done, opening);
}

int network_method_open_links(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Network *network = userdata;
        PolkitDetails details = network_polkit_details(network, "open the links of");
        _cleanup_error_ Error error = ERROR_INIT;
        LinksOpening *opening;
        Call *call;
        int r;

        if (!call_authorize(network->manager, message, &details, SHRUTHI_ACTION_OPEN_LINKS, &call))
                return 1;

        opening = g_new(LinksOpening, 1);
        *opening = (LinksOpening){.call = call, .name = g_strdup(network->name), .fd = -EBADF};
        r = links_opening_check(opening, &error);
        if (r < 0)
                links_opening_fail(opening, &error, r);
        else
                networks_look(call->manager, call->uid, on_links_network_seen, opening);
        return 1;
}

int method_open_network_links(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (paths_are_of_user()) {
                r = error_set(&error, ERROR_NOT_SUPPORTED,
                                "A user's own unikernels have no networks of libvirt, and so no emulated "
                                "ones: leave out --user for those of the system");
                return reply_error(message, &error, r);
        }

        return network_method_by_name(message, userdata, network_method_open_links, ret_error);
}
