/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Called by shruthid, which refuses a port that another unikernel publishes. */

#include "unikernel/publishers.h"

void publisher_free(Publisher *publisher)
{
        if (!publisher)
                return;

        g_free(publisher->name);
        g_clear_pointer(&publisher->ports, g_array_unref);
        g_free(publisher);
}

Publisher *publisher_new(const Definition *definition)
{
        g_autoptr(GArray) all = NULL;
        Publisher *publisher;

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                g_autoptr(GArray) ports = NULL;

                if (!device->publish)
                        continue;
                ports = published_ports_split(device->publish);
                if (!all)
                        all = g_array_new(FALSE, FALSE, sizeof(PublishedPort));
                g_array_append_vals(all, ports->data, ports->len);
        }
        if (!all || all->len == 0)
                return NULL;

        publisher = g_new(Publisher, 1);
        *publisher = (Publisher){.name = g_strdup(definition->name), .ports = g_steal_pointer(&all)};
        return publisher;
}

Publisher *publisher_copy(const Publisher *publisher)
{
        Publisher *copy = g_new(Publisher, 1);

        *copy = (Publisher){.name = g_strdup(publisher->name), .ports = g_array_ref(publisher->ports)};
        return copy;
}

const Publisher *publishers_find(const GPtrArray *publishers, const GArray *ports)
{
        for (guint i = 0; i < publishers->len; i++) {
                const Publisher *publisher = publishers->pdata[i];

                if (published_ports_find_overlap(ports, publisher->ports))
                        return publisher;
        }
        return NULL;
}
