/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counters of interfaces, by RTM_GETSTATS of rtnetlink(7), which tells of nothing else: one question about
 * one interface, or one about all of them. */

#include "unikernel/interface-counters.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <string.h>

#include "common/conf.h"
#include "common/names.h"
#include "common/netlink.h"
#include "common/string-util.h"

#define N_WORDS 7

bool interface_name_is_guests(const char *name)
{
        return g_str_has_prefix(name, SHRUTHI_TAP_PREFIX) && conf_bridge_name_is_valid(name);
}

typedef struct CountersReading {
        GHashTable *names; /* index → name */
        GArray *counters;
} CountersReading;

static void on_stats_message(const struct nlmsghdr *header, void *userdata)
{
        const struct if_stats_msg *message = NLMSG_DATA(header);
        CountersReading *reading = userdata;
        struct { /* how rtnl_link_stats64 begins; of the host's side */
                uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped,
                                tx_dropped;
        } stats;
        InterfaceCounters counters = {};
        const char *name;
        const void *data;

        if (header->nlmsg_type != RTM_NEWSTATS || header->nlmsg_len < NLMSG_LENGTH(sizeof *message))
                return;
        name = g_hash_table_lookup(reading->names, GUINT_TO_POINTER(message->ifindex));
        data = netlink_find_attribute(header, sizeof *message, IFLA_STATS_LINK_64, sizeof stats);
        if (!name || !data)
                return;

        memcpy(&stats, data, sizeof stats); /* it is not aligned */
        g_strlcpy(counters.interface, name, sizeof counters.interface);
        counters.received_bytes = stats.tx_bytes;
        counters.received_packets = stats.tx_packets;
        counters.received_dropped = stats.tx_dropped;
        counters.sent_bytes = stats.rx_bytes;
        counters.sent_packets = stats.rx_packets;
        counters.sent_dropped = stats.rx_dropped;
        g_array_append_val(reading->counters, counters);
}

int interface_counters_parse_netlink(const void *data, size_t size, GHashTable *names, GArray *counters)
{
        CountersReading reading = {.names = names, .counters = counters};

        return netlink_parse(data, size, on_stats_message, &reading);
}

/* index 0: of all. */
static int counters_ask(unsigned index, CountersReading *reading)
{
        struct {
                struct nlmsghdr header;
                struct if_stats_msg body;
        } request = {
                        .header = {.nlmsg_len = sizeof request,
                                        .nlmsg_type = RTM_GETSTATS,
                                        .nlmsg_flags = (uint16_t) (NLM_F_REQUEST |
                                                                   (index == 0 ? NLM_F_DUMP : NLM_F_ACK))},
                        .body = {.ifindex = index, .filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64)},
        };

        return netlink_ask(NETLINK_ROUTE, &request.header, on_stats_message, reading);
}

int interface_counters_read(const char *const *interfaces, GArray *counters, Error *ret_error)
{
        g_autoptr(GHashTable) names = g_hash_table_new(NULL, NULL);
        CountersReading reading = {.names = names, .counters = counters};
        guint before = counters->len;
        unsigned index = 0;
        int r;

        for (const char *const *interface = interfaces; *interface; interface++) {
                unsigned found = if_nametoindex(*interface);

                if (found == 0)
                        continue;
                index = found;
                g_hash_table_insert(names, GUINT_TO_POINTER(index), (char *) *interface);
        }
        if (g_hash_table_size(names) == 0)
                return 0;

        r = counters_ask(g_hash_table_size(names) == 1 ? index : 0, &reading);
        if (r >= 0 || r == -ENODEV) /* it has gone meanwhile */
                return 0;
        g_array_set_size(counters, before);
        return error_set_errno(ret_error, r, "Cannot read the counters of interfaces");
}

const InterfaceCounters *interface_counters_find(const GArray *counters, const char *interface)
{
        for (guint i = 0; i < counters->len; i++) {
                const InterfaceCounters *one = &g_array_index(counters, InterfaceCounters, i);

                if (strcmp(one->interface, interface) == 0)
                        return one;
        }
        return NULL;
}

char *interface_counters_format(const InterfaceCounters *counters)
{
        return g_strdup_printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
                        counters->interface, counters->received_bytes, counters->received_packets,
                        counters->received_dropped, counters->sent_bytes, counters->sent_packets,
                        counters->sent_dropped);
}

int interface_counters_parse(const char *text, InterfaceCounters *ret_counters)
{
        g_auto(GStrv) words = g_strsplit(text, " ", N_WORDS + 1);
        InterfaceCounters counters = {};
        uint64_t *const numbers[] = {&counters.received_bytes, &counters.received_packets,
                        &counters.received_dropped, &counters.sent_bytes, &counters.sent_packets,
                        &counters.sent_dropped};

        if (g_strv_length(words) != N_WORDS || !interface_name_is_guests(words[0]))
                return -EINVAL;
        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
                if (number_parse(words[1 + i], 0, UINT64_MAX, numbers[i]) < 0)
                        return -EINVAL;

        g_strlcpy(counters.interface, words[0], sizeof counters.interface);
        *ret_counters = counters;
        return 0;
}
