/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The ports of the host that a definition in the making publishes: whether the caller may have them, and
 * that nobody has them already. In the thread of a change. */

#include <string.h>

#include "common/users.h"
#include "daemon/change/change-work-private.h"
#include "unikernel/listeners.h"
#include "unikernel/publishers.h"

/* Those that the device did not publish before. */
static GArray *device_new_ports(const DefinitionDevice *device, const DefinitionDevice *old)
{
        g_autoptr(GArray) ports = published_ports_split(device->publish);
        g_auto(GStrv) before = g_strsplit(old && old->publish ? old->publish : "", "\n", -1);
        GArray *added = g_array_new(FALSE, FALSE, sizeof(PublishedPort));

        for (guint i = 0; i < ports->len; i++) {
                const PublishedPort *port = &g_array_index(ports, PublishedPort, i);
                g_autofree char *text = published_port_format(port);

                if (!g_strv_contains((const char *const *) before, text))
                        g_array_append_vals(added, port, 1);
        }
        return added;
}

int draft_check_publish(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        g_autoptr(GArray) added = device_new_ports(device, old);
        g_autofree char *allowed = g_strjoinv(" ", draft->conf->publish_ports);

        if (draft_may_administer(draft))
                return 0;

        for (guint i = 0; i < added->len; i++) {
                const PublishedPort *port = &g_array_index(added, PublishedPort, i);
                g_autofree char *text = published_port_format(port);

                if (published_port_is_within(port, draft->conf->publish_ports))
                        continue;
                return draft_needs_administer(draft, ERROR_ACCESS_DENIED,
                                "Network '%s': only an administrator may set Publish=%s; users may publish "
                                "the ports of PublishPorts= of shruthi.conf (%s)",
                                device->name, text, *allowed ? allowed : "none");
        }
        return 0;
}

/* A plain bridge is not the host's to translate addresses on. */
static int draft_check_published_network(const Draft *draft, const DefinitionDevice *device)
{
        const char *bridge = device->network ? NULL : device->bridge ?: draft->conf->bridge_interface;
        const ChangeRequest *request = draft->request;

        if (!bridge || !request->have_networks || network_claim_find(request->claims, device, bridge))
                return 0;
        for (guint i = 0; request->subnets && i < request->subnets->len; i++)
                if (g_str_equal(((const ChangeSubnet *) request->subnets->pdata[i])->bridge, bridge))
                        return 0;

        return error_set(&draft->result->error, ERROR_NO_SUCH_NETWORK, PUBLISH_ON_BRIDGE_MESSAGE,
                        device->name, bridge, device->name);
}

/* Whose ports these are already. It is no secret: who connects to one finds out. */
static int draft_check_publishers(const Draft *draft, const DefinitionDevice *device, const GArray *ports)
{
        const Publisher *other = publishers_find(draft->request->publishers, ports);
        const PublishedPort *port;
        g_autofree char *text = NULL;

        if (!other)
                return 0;
        port = published_ports_find_overlap(ports, other->ports);
        text = published_port_format(port);
        return error_set(&draft->result->error, ERROR_ADDRESS_IN_USE, PUBLISHED_BY_MESSAGE, device->name,
                        text, other->name);
}

int draft_check_ports(const Draft *draft)
{
        const GPtrArray *devices = draft->definition->devices;
        int r = 0;

        for (guint i = 0; r >= 0 && i < devices->len; i++) {
                const DefinitionDevice *device = devices->pdata[i];
                const DefinitionDevice *old = draft_find_old_device(draft, device);
                g_autoptr(GArray) added = device_new_ports(device, old);

                if (device->publish &&
                                (!old || g_strcmp0(old->bridge, device->bridge) != 0 || !old->publish))
                        r = draft_check_published_network(draft, device);
                if (r >= 0)
                        r = draft_check_publishers(draft, device, added);
                if (r >= 0 && draft->request->listeners) {
                        r = listeners_check(draft->request->listeners, added, &draft->result->error);
                        if (r < 0)
                                error_prefix(&draft->result->error, "Network '%s'", device->name);
                }
        }
        return r;
}
