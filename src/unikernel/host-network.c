/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The host's bridges and neighbour tables, from /sys and /proc, and as lines of text. Called by
 * shruthi-neighbours and, for its answer, by shruthi-domain. */

#include "unikernel/host-network.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

static void host_bridge_free(gpointer data)
{
        HostBridge *bridge = data;

        g_free(bridge->name);
        g_free(bridge);
}

static HostNetwork *host_network_new(void)
{
        HostNetwork *network = g_new0(HostNetwork, 1);

        network->bridges = g_ptr_array_new_with_free_func(host_bridge_free);
        return network;
}

void host_network_free(HostNetwork *network)
{
        if (!network)
                return;

        g_ptr_array_unref(network->bridges);
        g_free(network);
}

static void add_bridge(HostNetwork *network, const char *name, unsigned ports)
{
        HostBridge *bridge = g_new(HostBridge, 1);

        *bridge = (HostBridge){.name = g_strdup(name), .ports = ports};
        g_ptr_array_add(network->bridges, bridge);
}

static void read_bridges(const char *root, HostNetwork *network)
{
        g_autofree char *path = g_strconcat(root, "/sys/class/net", NULL);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *ports_path = g_build_filename(path, name, "brif", NULL);
                g_autoptr(GDir) ports = g_dir_open(ports_path, 0, NULL);
                unsigned n = 0;

                if (!ports)
                        continue;
                while (g_dir_read_name(ports))
                        n++;
                add_bridge(network, name, n);
        }
}

/* The first word of text, a number in that base. */
static uint64_t number_of(const char *text, unsigned base)
{
        return text ? g_ascii_strtoull(text, NULL, base) : 0;
}

/* net/core/neighbour.c: the size of the table is the first column below the heading, in hexadecimal digits,
 * and the same for each processor. */
static NeighbourTable read_table(const char *root, const char *family, const char *statistics)
{
        g_autofree char *most_path =
                        g_strdup_printf("%s/proc/sys/net/%s/neigh/default/gc_thresh3", root, family);
        g_autofree char *used_path = g_strdup_printf("%s/proc/net/stat/%s", root, statistics);
        g_autofree char *most = NULL, *used = NULL;
        const char *row;

        (void) g_file_get_contents(most_path, &most, NULL, NULL);
        (void) g_file_get_contents(used_path, &used, NULL, NULL);
        row = used ? strchr(used, '\n') : NULL;
        return (NeighbourTable){.used = number_of(row ? row + 1 : NULL, 16), .most = number_of(most, 10)};
}

HostNetwork *host_network_read(const char *root)
{
        HostNetwork *network = host_network_new();

        read_bridges(root, network);
        network->ipv4 = read_table(root, "ipv4", "arp_cache");
        network->ipv6 = read_table(root, "ipv6", "ndisc_cache");
        return network;
}

const HostBridge *host_network_find_bridge(const HostNetwork *network, const char *name)
{
        for (guint i = 0; i < network->bridges->len; i++) {
                const HostBridge *bridge = network->bridges->pdata[i];

                if (g_str_equal(bridge->name, name))
                        return bridge;
        }

        return NULL;
}

char *host_network_format(const HostNetwork *network)
{
        GString *out = g_string_new(NULL);

        g_string_append_printf(out, "ipv4 %" PRIu64 " %" PRIu64 "\nipv6 %" PRIu64 " %" PRIu64 "\n",
                        network->ipv4.used, network->ipv4.most, network->ipv6.used, network->ipv6.most);
        for (guint i = 0; i < network->bridges->len; i++) {
                const HostBridge *bridge = network->bridges->pdata[i];

                g_string_append_printf(out, "bridge %u %s\n", bridge->ports, bridge->name);
        }
        g_string_append(out, "end\n");

        return g_string_free(out, FALSE);
}

static bool parse_numbers(char **words, uint64_t *ret_first, uint64_t *ret_second)
{
        return g_strv_length(words) == 3 &&
               g_ascii_string_to_unsigned(words[1], 10, 0, UINT64_MAX, ret_first, NULL) &&
               g_ascii_string_to_unsigned(words[2], 10, 0, UINT64_MAX, ret_second, NULL);
}

int host_network_parse(const char *text, HostNetwork **ret_network)
{
        g_autoptr(HostNetwork) network = host_network_new();
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (char **line = lines; *line; line++) {
                g_auto(GStrv) words = g_strsplit(*line, " ", 3);
                uint64_t ports;

                if (g_str_equal(*line, "end")) {
                        *ret_network = g_steal_pointer(&network);
                        return 0;
                }
                if (!words[0])
                        break;
                if (g_str_equal(words[0], "bridge") && g_strv_length(words) == 3 &&
                                g_ascii_string_to_unsigned(words[1], 10, 0, UINT_MAX, &ports, NULL))
                        add_bridge(network, words[2], (unsigned) ports);
                else if (!(g_str_equal(words[0], "ipv4") &&
                                         parse_numbers(words, &network->ipv4.used, &network->ipv4.most)) &&
                                !(g_str_equal(words[0], "ipv6") &&
                                         parse_numbers(words, &network->ipv6.used, &network->ipv6.most)))
                        break;
        }

        return -EBADMSG;
}
