/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Netfilter's notifications (the kernel's net/netfilter/nf_tables_api.c): of a transaction first what was
 * changed, then, by NFT_MSG_NEWGEN, by whom. */

#include "antispoof/ruleset-watch.h"

#include <errno.h>
#include <glib.h>
#include <netinet/in.h> /* before the kernel's own, which then gives way */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "antispoof/demand-ruleset.h"
#include "antispoof/publication-ruleset.h"
#include "antispoof/ruleset.h"
#include "common/netlink.h"

#define BUFFER_SIZE (64 * 1024)
#define RECEIVE_MAX (1024 * 1024) /* of the socket */
#define COMM_SIZE   16            /* PR_GET_NAME */

/* The attribute that tells the table, of chains, rules, sets and their elements too. */
#define TABLE_ATTRIBUTE NFTA_TABLE_NAME

G_STATIC_ASSERT((int) NFTA_TABLE_NAME == (int) NFTA_CHAIN_TABLE &&
                (int) NFTA_TABLE_NAME == (int) NFTA_RULE_TABLE &&
                (int) NFTA_TABLE_NAME == (int) NFTA_SET_TABLE &&
                (int) NFTA_TABLE_NAME == (int) NFTA_SET_ELEM_LIST_TABLE);

int ruleset_watch_open(RulesetWatch *watch)
{
        const int group = NFNLGRP_NFTABLES, size = RECEIVE_MAX;
        const struct sockaddr_nl address = {.nl_family = AF_NETLINK};
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);

        if (fd < 0)
                return -errno;
        (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
        if (bind(fd, (const struct sockaddr *) &address, sizeof address) < 0 ||
                        setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0) {
                int r = -errno;

                (void) close(fd);
                return r;
        }

        watch->fd = fd;
        return 0;
}

/* Others that have this name are root as well, and may do anything. */
static bool message_is_by_us(const struct nlmsghdr *header)
{
        const char *name = netlink_find_attribute(header, sizeof(struct nfgenmsg), NFTA_GEN_PROC_NAME, 1);
        char own[COMM_SIZE + 1] = "";
        size_t size;

        if (!name || prctl(PR_GET_NAME, own) < 0)
                return false;
        size = RTA_PAYLOAD((const struct rtattr *) (name - RTA_LENGTH(0)));
        return strnlen(name, size) == strlen(own) && memcmp(name, own, strlen(own)) == 0;
}

static bool family_is_forwarded(uint8_t family)
{
        return family == NFPROTO_IPV4 || family == NFPROTO_IPV6;
}

/* Which tables (RulesetTables) it is about; 0: about those of others alone. */
static unsigned message_tables(const struct nlmsghdr *header)
{
        static const struct {
                const char *table;
                bool forwarded; /* of IPv4 and IPv6, else one of ours */
                unsigned tables;
        } known[] = {
                        {RULESET_NAME, false, RULESET_FILTERS},
                        {PUBLICATION_TABLE, false, RULESET_PUBLISHED},
                        {DEMAND_TABLE, true, RULESET_PUBLISHED},
                        {"filter", true, RULESET_PUBLISHED},
                        {"libvirt_network", true, RULESET_PUBLISHED},
        };
        const struct nfgenmsg *message = NLMSG_DATA(header);

        for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
                size_t size = strlen(known[i].table) + 1;
                const char *name = netlink_find_attribute(header, sizeof *message, TABLE_ATTRIBUTE, size);

                if (name && memcmp(name, known[i].table, size) == 0 &&
                                known[i].forwarded == family_is_forwarded(message->nfgen_family))
                        return known[i].tables;
        }
        return 0;
}

typedef struct RulesetReception {
        RulesetWatch *watch;
        unsigned *changed;
} RulesetReception;

static void on_ruleset_message(const struct nlmsghdr *header, void *userdata)
{
        const RulesetReception *reception = userdata;
        RulesetWatch *watch = reception->watch;

        if (NFNL_SUBSYS_ID(header->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
                        header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg)))
                return;

        if (NFNL_MSG_TYPE(header->nlmsg_type) != NFT_MSG_NEWGEN) {
                watch->touched |= message_tables(header);
                return;
        }
        if (watch->touched && !message_is_by_us(header))
                *reception->changed |= watch->touched;
        watch->touched = 0;
}

int ruleset_watch_parse(RulesetWatch *watch, const void *data, size_t size, unsigned *changed)
{
        RulesetReception reception = {.watch = watch, .changed = changed};

        return netlink_parse(data, size, on_ruleset_message, &reception);
}

unsigned ruleset_watch_hear(RulesetWatch *watch)
{
        g_autofree char *buffer = g_malloc(BUFFER_SIZE);
        unsigned changed = 0;

        for (;;) {
                struct sockaddr_nl from = {};
                socklen_t length = sizeof from;
                ssize_t n = recvfrom(watch->fd, buffer, BUFFER_SIZE, 0, (struct sockaddr *) &from, &length);

                if (n < 0 && errno == EINTR)
                        continue;
                /* More than the socket takes: our tables may have been among it. */
                if (n < 0 && errno == ENOBUFS) {
                        changed = RULESET_FILTERS | RULESET_PUBLISHED;
                        continue;
                }
                if (n <= 0)
                        return changed;
                if (from.nl_pid == 0)
                        (void) ruleset_watch_parse(watch, buffer, (size_t) n, &changed);
        }
}
