/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The limits of Bandwidth=, as libvirt sets those of domains (virNetDevBandwidthSet() of its
 * virnetdevbandwidth.c, by tc(8)): what goes to the guest waits in a class of tc-htb(8), what comes from it
 * is dropped beyond the limit, by tc-police(8). */

#include "antispoof/bandwidth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <string.h>
#include <sys/socket.h>

#include "common/netlink.h"

#define ROOT_HANDLE TC_H_MAKE(1U << 16, 0U)
#define ROOT_CLASS  TC_H_MAKE(1U << 16, 1U)
#define LEAF_HANDLE TC_H_MAKE(2U << 16, 0U)
#define INGRESS     TC_H_MAKE(TC_H_INGRESS, 0U)

#define HTB_VERSION   3 /* HTB_VER of the kernel's sch_htb.c */
#define PERTURB_SEC   10
#define FRAME_EXTRA   (ETH_HLEN + 4) /* what a frame has besides the MTU: with a VLAN's tag */
#define NSEC_PER_TICK 64             /* PSCHED_SHIFT of the kernel, the same on all machines */
#define POLICED_MAX   (64 * 1024)    /* bytes of a frame */
#define CELL_LOG      8              /* of a rate table, which the kernel demands and does not use */

typedef struct Shaped {
        int index;
        uint64_t rate;  /* bytes a second */
        unsigned frame; /* the longest */
} Shaped;

static void control_begin(NetlinkRequest *request, unsigned short type, const Shaped *shaped,
                uint32_t parent, uint32_t handle, const char *kind)
{
        struct tcmsg message = {.tcm_ifindex = shaped->index, .tcm_parent = parent, .tcm_handle = handle};

        if (type == RTM_NEWTFILTER)
                message.tcm_info = TC_H_MAKE(1U << 16, htons(ETH_P_ALL));
        netlink_request_begin(request, type, NLM_F_CREATE | NLM_F_EXCL, &message, sizeof message);
        netlink_request_append(request, TCA_KIND, kind, strlen(kind) + 1);
}

static int control_apply(const NetlinkRequest *request)
{
        return netlink_ask(NETLINK_ROUTE, &request->header, NULL, NULL);
}

/* How long so many bytes take. A frame of the greatest MTU at the least rate takes a minute, which fits. */
static uint32_t shaped_ticks(const Shaped *shaped, uint64_t bytes)
{
        return (uint32_t) ((double) bytes * 1e9 / (double) shaped->rate / NSEC_PER_TICK);
}

static struct tc_ratespec shaped_ratespec(const Shaped *shaped)
{
        return (struct tc_ratespec){.linklayer = TC_LINKLAYER_ETHERNET,
                        .cell_log = CELL_LOG,
                        .rate = (uint32_t) MIN(shaped->rate, UINT32_MAX)};
}

static int shaped_add_root(const Shaped *shaped)
{
        const struct tc_htb_glob root = {.version = HTB_VERSION, .rate2quantum = 10, .defcls = 1};
        NetlinkRequest request;
        void *options;

        control_begin(&request, RTM_NEWQDISC, shaped, TC_H_ROOT, ROOT_HANDLE, "htb");
        options = netlink_request_open(&request, TCA_OPTIONS);
        netlink_request_append(&request, TCA_HTB_INIT, &root, sizeof root);
        netlink_request_close(&request, options);
        return control_apply(&request);
}

/* One frame may go at once, or what a millisecond has. */
static int shaped_add_class(const Shaped *shaped)
{
        const uint32_t burst = shaped_ticks(shaped, MAX(shaped->frame, shaped->rate / 1000));
        const struct tc_htb_opt class = {.rate = shaped_ratespec(shaped),
                        .ceil = shaped_ratespec(shaped),
                        .buffer = burst,
                        .cbuffer = burst,
                        .quantum = shaped->frame};
        NetlinkRequest request;
        void *options;

        control_begin(&request, RTM_NEWTCLASS, shaped, ROOT_HANDLE, ROOT_CLASS, "htb");
        options = netlink_request_open(&request, TCA_OPTIONS);
        netlink_request_append(&request, TCA_HTB_PARMS, &class, sizeof class);
        if (shaped->rate > UINT32_MAX) {
                netlink_request_append(&request, TCA_HTB_RATE64, &shaped->rate, sizeof shaped->rate);
                netlink_request_append(&request, TCA_HTB_CEIL64, &shaped->rate, sizeof shaped->rate);
        }
        netlink_request_close(&request, options);
        return control_apply(&request);
}

/* So that one connection does not keep others waiting. */
static int shaped_add_fairness(const Shaped *shaped)
{
        const struct tc_sfq_qopt fair = {.perturb_period = PERTURB_SEC};
        NetlinkRequest request;

        control_begin(&request, RTM_NEWQDISC, shaped, ROOT_CLASS, LEAF_HANDLE, "sfq");
        netlink_request_append(&request, TCA_OPTIONS, &fair, sizeof fair);
        return control_apply(&request);
}

static int shaped_add_ingress(const Shaped *shaped)
{
        NetlinkRequest request;

        control_begin(&request, RTM_NEWQDISC, shaped, TC_H_INGRESS, INGRESS, "ingress");
        return control_apply(&request);
}

/* A second's worth may come at once, as libvirt has it, or one frame. */
static void shaped_append_police(const Shaped *shaped, NetlinkRequest *request)
{
        const struct tc_police police = {.action = TC_ACT_SHOT,
                        .burst = shaped_ticks(shaped, MAX(shaped->frame, shaped->rate)),
                        .mtu = POLICED_MAX,
                        .rate = shaped_ratespec(shaped)};
        static const char table[TC_RTAB_SIZE];
        void *options = netlink_request_open(request, TCA_ACT_OPTIONS);

        netlink_request_append(request, TCA_POLICE_TBF, &police, sizeof police);
        netlink_request_append(request, TCA_POLICE_RATE, table, sizeof table);
        if (shaped->rate > UINT32_MAX)
                netlink_request_append(request, TCA_POLICE_RATE64, &shaped->rate, sizeof shaped->rate);
        netlink_request_close(request, options);
}

/* Of everything, which a key without a mask matches. */
static int shaped_add_filter(const Shaped *shaped)
{
        static const union {
                struct tc_u32_sel selector;
                char space[sizeof(struct tc_u32_sel) + sizeof(struct tc_u32_key)];
        } all = {.selector = {.flags = TC_U32_TERMINAL, .nkeys = 1}};
        const uint32_t class = TC_H_MAKE(INGRESS, 1U);
        void *options, *actions, *action;
        NetlinkRequest request;

        control_begin(&request, RTM_NEWTFILTER, shaped, INGRESS, 0, "u32");
        options = netlink_request_open(&request, TCA_OPTIONS);
        netlink_request_append(&request, TCA_U32_CLASSID, &class, sizeof class);
        netlink_request_append(&request, TCA_U32_SEL, &all, sizeof all);
        actions = netlink_request_open(&request, TCA_U32_ACT);
        action = netlink_request_open(&request, 1);
        netlink_request_append(&request, TCA_ACT_KIND, "police", sizeof "police");
        shaped_append_police(shaped, &request);
        netlink_request_close(&request, action);
        netlink_request_close(&request, actions);
        netlink_request_close(&request, options);
        return control_apply(&request);
}

/* -ENOENT is the kernel's word for a kind that it does not have. */
static int shaped_refuse(int r, const char *interface, const char *modules, Error *ret_error)
{
        return r == -ENOENT ? error_set(ret_error, ERROR_FAILED,
                                              "The kernel cannot apply Bandwidth=: it needs %s", modules)
                            : error_set_errno(ret_error, r, "Cannot apply Bandwidth= to '%s'", interface);
}

static int shaped_limit_in(const Shaped *shaped, const char *interface, Error *ret_error)
{
        int r;

        r = shaped_add_root(shaped);
        if (r >= 0)
                r = shaped_add_class(shaped);
        if (r < 0)
                return shaped_refuse(r, interface, "the module sch_htb", ret_error);
        /* A kernel without it has a queue there, and holds back as much. */
        r = shaped_add_fairness(shaped);
        return r >= 0 || r == -ENOENT ? 0 : shaped_refuse(r, interface, NULL, ret_error);
}

static int shaped_limit_out(const Shaped *shaped, const char *interface, Error *ret_error)
{
        int r;

        r = shaped_add_ingress(shaped);
        if (r < 0)
                return shaped_refuse(r, interface, "the module sch_ingress", ret_error);
        r = shaped_add_filter(shaped);
        return r >= 0 ? 0 : shaped_refuse(r, interface, "the modules cls_u32 and act_police", ret_error);
}

int bandwidth_set(int index, const AntispoofTap *tap, unsigned mtu, Error *ret_error)
{
        Shaped shaped = {.index = index, .frame = mtu + FRAME_EXTRA};
        int r = 0;

        if (tap->rate_in != 0) {
                shaped.rate = tap->rate_in;
                r = shaped_limit_in(&shaped, tap->port.interface, ret_error);
        }
        if (r >= 0 && tap->rate_out != 0) {
                shaped.rate = tap->rate_out;
                r = shaped_limit_out(&shaped, tap->port.interface, ret_error);
        }
        return r;
}
