/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One rule as iptables-nft would write it: the kernel's net/netfilter/nft_compat.c. Called by demand.c. */

#include "antispoof/demand-target.h"

#include <errno.h>
#include <glib.h>
#include <netinet/in.h> /* before the kernel's own, which then gives way */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <string.h>
#include <sys/socket.h>

#include "antispoof/demand-ruleset.h"
#include "antispoof/packet-source.h"
#include "common/netlink.h"

#define BATCH_MAX   512
#define INFO_SIZE   8 /* xt_NFQ_info, aligned as x_tables wants it */
#define NESTING_MAX 4

/* A transaction of one message: begin, message, end. */
typedef struct TargetBatch {
        char data[BATCH_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
        size_t size;
        size_t nested[NESTING_MAX]; /* where attributes begin that are not closed yet */
        unsigned depth;
} TargetBatch;

static struct nlmsghdr *target_batch_add_message(
                TargetBatch *batch, unsigned type, unsigned flags, uint8_t family, uint16_t id)
{
        struct nlmsghdr *header = (struct nlmsghdr *) (batch->data + batch->size);
        struct nfgenmsg *message = NLMSG_DATA(header);

        *header = (struct nlmsghdr){
                        .nlmsg_len = (uint32_t) NLMSG_LENGTH(sizeof *message),
                        .nlmsg_type = (uint16_t) type,
                        .nlmsg_flags = (uint16_t) (NLM_F_REQUEST | flags),
        };
        *message = (struct nfgenmsg){
                        .nfgen_family = family,
                        .version = NFNETLINK_V0,
                        .res_id = g_htons(id),
        };
        batch->size += NLMSG_SPACE(sizeof *message);
        return header;
}

static void target_batch_put(TargetBatch *batch, unsigned type, const void *payload, size_t size)
{
        struct rtattr *attribute = (struct rtattr *) (batch->data + batch->size);

        g_assert(batch->size + RTA_SPACE(size) <= sizeof batch->data);
        attribute->rta_type = (unsigned short) type;
        attribute->rta_len = (unsigned short) RTA_LENGTH(size);
        if (size > 0)
                memcpy(RTA_DATA(attribute), payload, size);
        batch->size += RTA_SPACE(size);
}

static void target_batch_put_text(TargetBatch *batch, unsigned type, const char *text)
{
        target_batch_put(batch, type, text, strlen(text) + 1);
}

static void target_batch_open(TargetBatch *batch, unsigned type)
{
        g_assert(batch->depth < NESTING_MAX);
        batch->nested[batch->depth++] = batch->size;
        target_batch_put(batch, type | NLA_F_NESTED, NULL, 0);
}

static void target_batch_close(TargetBatch *batch)
{
        struct rtattr *attribute = (struct rtattr *) (batch->data + batch->nested[--batch->depth]);

        attribute->rta_len = (unsigned short) (batch->size - batch->nested[batch->depth]);
}

static int demand_target_add_to(uint8_t family)
{
        const union {
                struct xt_NFQ_info info;
                char bytes[INFO_SIZE];
        } target = {.info = {.queuenum = PACKET_SOURCE_NUMBER}};
        const uint32_t revision = 0;
        TargetBatch batch = {};
        struct nlmsghdr *rule;
        size_t begin;

        (void) target_batch_add_message(&batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
        begin = batch.size;
        rule = target_batch_add_message(&batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE,
                        NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK, family, 0);
        target_batch_put_text(&batch, NFTA_RULE_TABLE, DEMAND_TABLE);
        target_batch_put_text(&batch, NFTA_RULE_CHAIN, DEMAND_CHAIN);
        target_batch_open(&batch, NFTA_RULE_EXPRESSIONS);
        target_batch_open(&batch, NFTA_LIST_ELEM);
        target_batch_put_text(&batch, NFTA_EXPR_NAME, "target");
        target_batch_open(&batch, NFTA_EXPR_DATA);
        target_batch_put_text(&batch, NFTA_TARGET_NAME, "NFQUEUE");
        target_batch_put(&batch, NFTA_TARGET_REV, &revision, sizeof revision);
        target_batch_put(&batch, NFTA_TARGET_INFO, &target, sizeof target);
        while (batch.depth > 0)
                target_batch_close(&batch);
        rule->nlmsg_len = (uint32_t) (batch.size - begin);
        (void) target_batch_add_message(&batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);

        return netlink_ask_batch(NETLINK_NETFILTER, batch.data, batch.size);
}

int demand_target_add(void)
{
        int r = demand_target_add_to(NFPROTO_IPV4);

        return r < 0 ? r : demand_target_add_to(NFPROTO_IPV6);
}
