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

static bool message_is_about_us(const struct nlmsghdr *header)
{
        const struct nfgenmsg *message = NLMSG_DATA(header);
        const char *name;

        if (message->nfgen_family != NFPROTO_BRIDGE && message->nfgen_family != NFPROTO_INET &&
                        message->nfgen_family != NFPROTO_ARP)
                return false;
        name = netlink_find_attribute(header, sizeof *message, TABLE_ATTRIBUTE, sizeof RULESET_NAME);
        return name && memcmp(name, RULESET_NAME, sizeof RULESET_NAME) == 0;
}

typedef struct RulesetReception {
        RulesetWatch *watch;
        bool *changed;
} RulesetReception;

static void on_ruleset_message(const struct nlmsghdr *header, void *userdata)
{
        const RulesetReception *reception = userdata;
        RulesetWatch *watch = reception->watch;

        if (NFNL_SUBSYS_ID(header->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
                        header->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg)))
                return;

        if (NFNL_MSG_TYPE(header->nlmsg_type) != NFT_MSG_NEWGEN) {
                watch->touched |= message_is_about_us(header);
                return;
        }
        *reception->changed |= watch->touched && !message_is_by_us(header);
        watch->touched = false;
}

int ruleset_watch_parse(RulesetWatch *watch, const void *data, size_t size, bool *changed)
{
        RulesetReception reception = {.watch = watch, .changed = changed};

        return netlink_parse(data, size, on_ruleset_message, &reception);
}

bool ruleset_watch_hear(RulesetWatch *watch)
{
        g_autofree char *buffer = g_malloc(BUFFER_SIZE);
        bool changed = false;

        for (;;) {
                struct sockaddr_nl from = {};
                socklen_t length = sizeof from;
                ssize_t n = recvfrom(watch->fd, buffer, BUFFER_SIZE, 0, (struct sockaddr *) &from, &length);

                if (n < 0 && errno == EINTR)
                        continue;
                /* More than the socket takes: our tables may have been among it. */
                if (n < 0 && errno == ENOBUFS) {
                        changed = true;
                        continue;
                }
                if (n <= 0)
                        return changed;
                if (from.nl_pid == 0)
                        (void) ruleset_watch_parse(watch, buffer, (size_t) n, &changed);
        }
}
