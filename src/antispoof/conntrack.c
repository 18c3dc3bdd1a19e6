/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel's table of connections, by ctnetlink: all of a family are listed, and those that are meant
 * deleted one by one, by what identifies them. Called by publish.c and demand.c. */

#include "antispoof/conntrack.h"

#include <errno.h>
#include <glib.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "common/netlink.h"

#define TUPLE_MAX 512 /* what stands in a tuple, and the zone */

static const int families[] = {AF_INET, AF_INET6};

typedef struct ConntrackRequest {
        struct nlmsghdr header;
        struct nfgenmsg message;
        char attributes[TUPLE_MAX];
} ConntrackRequest;

typedef struct ConntrackSearch {
        const GArray *guests; /* Address */
        GArray *found;        /* ConntrackRequest: how to delete each; or else NULL, and */
        ConntrackSeen seen;   /* whom each is told to */
        void *userdata;
} ConntrackSearch;

static ConntrackRequest conntrack_request(int message, int family, unsigned short flags)
{
        return (ConntrackRequest){
                        .header = {.nlmsg_len = (uint32_t) NLMSG_LENGTH(sizeof(struct nfgenmsg)),
                                        .nlmsg_type = (uint16_t) (NFNL_SUBSYS_CTNETLINK << 8 | message),
                                        .nlmsg_flags = (uint16_t) (NLM_F_REQUEST | flags)},
                        .message = {.nfgen_family = (uint8_t) family, .version = NFNETLINK_V0},
        };
}

static size_t attribute_size(const void *payload)
{
        return RTA_PAYLOAD((const struct rtattr *) ((const char *) payload - RTA_LENGTH(0)));
}

/* The attribute of that type among those in another's payload. */
static const void *attribute_find(const void *payload, size_t size, unsigned short type, size_t least)
{
        const struct rtattr *attribute = payload;
        int length = (int) size;

        for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length))
                if ((attribute->rta_type & NLA_TYPE_MASK) == type && RTA_PAYLOAD(attribute) >= least)
                        return RTA_DATA(attribute);
        return NULL;
}

static const void *message_find(const struct nlmsghdr *header, unsigned short type, size_t least)
{
        const char *payload = (const char *) NLMSG_DATA(header) + NLMSG_ALIGN(sizeof(struct nfgenmsg));

        return attribute_find(
                        payload, header->nlmsg_len - NLMSG_LENGTH(sizeof(struct nfgenmsg)), type, least);
}

static bool tuple_is_from(const void *tuple, const Address *guest)
{
        bool v4 = guest->family == AF_INET;
        size_t size = v4 ? 4 : ADDRESS_SIZE_MAX;
        const void *ip = attribute_find(tuple, attribute_size(tuple), CTA_TUPLE_IP, 0);
        const void *source =
                        ip ? attribute_find(ip, attribute_size(ip), v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, size)
                           : NULL;

        return source && memcmp(source, guest->bytes, size) == 0;
}

static const Address *tuple_find_guest(const void *tuple, const GArray *guests, int family)
{
        for (guint i = 0; i < guests->len; i++) {
                const Address *guest = &g_array_index(guests, Address, i);

                if (guest->family == family && tuple_is_from(tuple, guest))
                        return guest;
        }
        return NULL;
}

static void request_copy(ConntrackRequest *request, unsigned short type, const void *payload)
{
        size_t size = payload ? attribute_size(payload) : 0, end = NLMSG_ALIGN(request->header.nlmsg_len);
        struct rtattr *attribute = (struct rtattr *) ((char *) request + end);

        if (!payload || end + RTA_SPACE(size) > sizeof *request)
                return;
        attribute->rta_type = type;
        attribute->rta_len = (unsigned short) RTA_LENGTH(size);
        memcpy(RTA_DATA(attribute), payload, size);
        request->header.nlmsg_len = (uint32_t) (end + RTA_SPACE(size));
}

/* One of TCP that both sides have closed is kept for a while, whether the last of them has heard of it or
 * not. */
static ConntrackState connection_state(const struct nlmsghdr *header)
{
        const void *info = message_find(header, CTA_PROTOINFO, 0),
                   *tcp = info ? attribute_find(info, attribute_size(info), CTA_PROTOINFO_TCP, 0) : NULL;
        const uint8_t *state =
                        tcp ? attribute_find(tcp, attribute_size(tcp), CTA_PROTOINFO_TCP_STATE, 1) : NULL;

        if (!state)
                return CONNTRACK_ENDLESS;
        return *state == TCP_CONNTRACK_LAST_ACK || *state == TCP_CONNTRACK_TIME_WAIT ||
                                       *state == TCP_CONNTRACK_CLOSE
                               ? CONNTRACK_CLOSED
                               : CONNTRACK_OPEN;
}

static void connection_tell(
                const ConntrackSearch *search, const Address *guest, const struct nlmsghdr *header)
{
        const void *number = message_find(header, CTA_ID, sizeof(uint32_t));
        uint32_t id = 0;

        if (number)
                memcpy(&id, number, sizeof id);
        search->seen(guest, id, connection_state(header), search->userdata);
}

/* What answers a connection that was translated is the guest; of its own connections it is the client. */
static void on_connection(const struct nlmsghdr *header, void *userdata)
{
        ConntrackSearch *search = userdata;
        const struct nfgenmsg *message = NLMSG_DATA(header);
        ConntrackRequest request;
        const void *original, *reply, *status;
        const Address *guest;
        uint32_t bits;

        if (NFNL_SUBSYS_ID(header->nlmsg_type) != NFNL_SUBSYS_CTNETLINK ||
                        header->nlmsg_len < NLMSG_LENGTH(sizeof *message))
                return;
        original = message_find(header, CTA_TUPLE_ORIG, 0);
        reply = message_find(header, CTA_TUPLE_REPLY, 0);
        status = message_find(header, CTA_STATUS, sizeof bits);
        if (!original || !reply || !status)
                return;
        memcpy(&bits, status, sizeof bits);
        if (!(g_ntohl(bits) & IPS_DST_NAT))
                return;
        guest = tuple_find_guest(reply, search->guests, message->nfgen_family);
        if (!guest)
                return;
        if (!search->found) {
                connection_tell(search, guest, header);
                return;
        }

        request = conntrack_request(IPCTNL_MSG_CT_DELETE, message->nfgen_family, NLM_F_ACK);
        request_copy(&request, CTA_TUPLE_ORIG | NLA_F_NESTED, original);
        request_copy(&request, CTA_ZONE, message_find(header, CTA_ZONE, 2));
        g_array_append_val(search->found, request);
}

static int conntrack_forget_family(const GArray *guests, int family)
{
        g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(ConntrackRequest));
        ConntrackSearch search = {.guests = guests, .found = found};
        ConntrackRequest list = conntrack_request(IPCTNL_MSG_CT_GET, family, NLM_F_DUMP);
        int r;

        r = netlink_ask(NETLINK_NETFILTER, &list.header, on_connection, &search);
        /* One that has ended meanwhile is no more. */
        for (guint i = 0; r >= 0 && i < found->len; i++) {
                const ConntrackRequest *request = &g_array_index(found, ConntrackRequest, i);

                r = netlink_ask(NETLINK_NETFILTER, &request->header, NULL, NULL);
                if (r == -ENOENT)
                        r = 0;
        }
        return r;
}

static bool guests_have_family(const GArray *guests, int family)
{
        for (guint i = 0; i < guests->len; i++)
                if (g_array_index(guests, Address, i).family == family)
                        return true;
        return false;
}


int conntrack_forget(const GArray *guests)
{
        int result = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(families); i++)
                if (guests_have_family(guests, families[i]))
                        result = MIN(result, conntrack_forget_family(guests, families[i]));
        return result;
}

int conntrack_list(const GArray *guests, ConntrackSeen seen, void *userdata)
{
        ConntrackSearch search = {.guests = guests, .seen = seen, .userdata = userdata};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(families); i++) {
                ConntrackRequest list = conntrack_request(IPCTNL_MSG_CT_GET, families[i], NLM_F_DUMP);

                if (guests_have_family(guests, families[i]))
                        r = netlink_ask(NETLINK_NETFILTER, &list.header, on_connection, &search);
        }
        return r;
}

static void on_connection_counted(const Address *guest, uint32_t id, ConntrackState state, void *userdata)
{
        unsigned *count = userdata;

        *count += state == CONNTRACK_OPEN;
}

int conntrack_count(const GArray *guests, unsigned *ret_count)
{
        unsigned count = 0;
        int r;

        r = conntrack_list(guests, on_connection_counted, &count);
        if (r >= 0)
                *ret_count = count;
        return r;
}
