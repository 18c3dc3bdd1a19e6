/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Publish= of [Network NAME]: which ports of the host lead to the guest (how one is written knows
 * published-port.c); and the keys of [Unikernel] about what comes there. */

#include <string.h>

#include "common/published-port.h"
#include "common/time-span.h"
#include "unikernel/definition-private.h"

static unsigned published_ports_count(const GArray *ports)
{
        unsigned n = 0;

        for (guint i = 0; i < ports->len; i++)
                n += published_port_count(&g_array_index(ports, PublishedPort, i));
        return n;
}

/* Each line of the list, in its canonical spelling; one that is empty takes back those before it. */
int definition_parse_publish(DefinitionParser *parser, const KeyFileEntry *entry)
{
        char **lines = &parser->device->publish, *old = *lines;
        g_autoptr(GArray) before = published_ports_split(old), one = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *text = NULL;
        PublishedPort port;
        int r;

        if (!*entry->value) {
                g_clear_pointer(lines, g_free);
                return 0;
        }
        r = published_port_parse(entry->value, &port, &error);
        if (r < 0)
                return key_file_refuse(entry, parser->ret_error, "%s", error_message(&error, r));
        text = published_port_format(&port);
        one = published_ports_split(text);
        if (published_ports_find_overlap(one, before))
                return key_file_refuse(entry, parser->ret_error,
                                "this device publishes some of these ports already: write each once");
        if (before->len >= PUBLISHED_LINES_MAX ||
                        published_ports_count(before) + published_port_count(&port) > PUBLISHED_PORTS_MAX)
                return key_file_refuse(entry, parser->ret_error,
                                "too many: a device has at most %d lines and %d ports", PUBLISHED_LINES_MAX,
                                PUBLISHED_PORTS_MAX);

        *lines = old ? g_strconcat(old, "\n", text, NULL) : g_strdup(text);
        g_free(old);
        return 0;
}

/* Whether an earlier device has one of its ports. */
static const DefinitionDevice *definition_find_publisher(
                const Definition *definition, const DefinitionDevice *device, const GArray *ports)
{
        for (guint i = 0; definition->devices->pdata[i] != device; i++) {
                const DefinitionDevice *other = definition->devices->pdata[i];
                g_autoptr(GArray) others = published_ports_split(other->publish);

                if (published_ports_find_overlap(ports, others))
                        return other;
        }
        return NULL;
}

static int device_check_publish(
                const DefinitionParser *parser, const DefinitionDevice *device, const KeyFileEntry *entry)
{
        bool v4 = device->setting.mode4 != ADDRESS_MODE_NONE,
             v6 = device->setting.mode6 != ADDRESS_MODE_NONE;
        g_autoptr(GArray) ports = published_ports_split(device->publish);
        const DefinitionDevice *other = definition_find_publisher(parser->definition, device, ports);

        if (!v4 && !v6)
                return key_file_refuse(entry, parser->ret_error,
                                "[Network %s] has no address that this host knows: write Address=auto there "
                                "and {%s.address} into Arguments=, or the address that the guest has",
                                device->name, device->name);
        if (device->open)
                return key_file_refuse(entry, parser->ret_error,
                                "[Network %s] also has Isolation=no, so the guest could answer from an "
                                "address of others: remove that",
                                device->name);
        for (guint i = 0; i < ports->len; i++) {
                const Address *address = &g_array_index(ports, PublishedPort, i).address;

                if (address_is_set(address) && !(address->family == AF_INET ? v4 : v6))
                        return key_file_refuse(entry, parser->ret_error,
                                        "[Network %s] has no address of the family of the host's: write one "
                                        "into Address=",
                                        device->name);
        }
        if (other)
                return key_file_refuse(entry, parser->ret_error,
                                "[Network %s] publishes some of these ports too: write each once",
                                other->name);
        return 0;
}

int definition_check_publish(const DefinitionParser *parser, const KeyFile *key_file)
{
        const GPtrArray *devices = parser->definition->devices;

        for (guint i = 0; i < devices->len; i++) {
                const DefinitionDevice *device = devices->pdata[i];
                const KeyFileEntry *last = NULL;
                int r;

                if (!device->publish)
                        continue;
                for (guint j = 0; j < key_file->sections->len; j++) {
                        const KeyFileSection *section = key_file->sections->pdata[j];

                        if (setting_section_from_string(section->type) == SECTION_NETWORK &&
                                        g_strcmp0(section->name, device->name) == 0)
                                last = key_file_find_entry(section, "Publish") ?: last;
                }
                r = last ? device_check_publish(parser, device, last) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

#define IDLE_MIN_USEC UINT64_C(1000000)
#define IDLE_MAX_USEC (UINT64_C(365) * 24 * 60 * 60 * 1000000)

int definition_parse_activation(DefinitionParser *parser, const KeyFileEntry *entry)
{
        return g_str_equal(entry->value, "traffic") ? definition_put_text(parser, entry)
                                                    : definition_refuse_value(parser, entry);
}

int definition_parse_stop_when_idle(DefinitionParser *parser, const KeyFileEntry *entry)
{
        uint64_t usec = 0;

        if (time_span_parse(entry->value, &usec) < 0 || usec < IDLE_MIN_USEC || usec > IDLE_MAX_USEC)
                return definition_refuse_value(parser, entry);

        parser->definition->stop_when_idle_usec = usec;
        return definition_put_text(parser, entry);
}

bool definition_is_on_demand(const Definition *definition)
{
        return definition && definition->activation;
}

static bool definition_publishes(const Definition *definition)
{
        for (guint i = 0; i < definition->devices->len; i++)
                if (((const DefinitionDevice *) definition->devices->pdata[i])->publish)
                        return true;
        return false;
}

/* Called last, when all devices are known. */
int definition_check_activation(const DefinitionParser *parser, const KeyFileSection *unikernel)
{
        const Definition *definition = parser->definition;
        const KeyFileEntry *activation = unikernel ? key_file_find_entry(unikernel, "Activation") : NULL;

        if (activation && definition->activation && !definition_publishes(definition))
                return key_file_refuse(activation, parser->ret_error,
                                "it publishes no port where traffic could come: write Publish= into a "
                                "section [Network NAME]");
        return 0;
}
