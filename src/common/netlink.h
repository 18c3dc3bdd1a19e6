/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>

/* Asks the kernel about the network (rtnetlink(7)): neighbours, routes, interfaces; and parses messages that
 * the kernel sends by itself. */

/* Called with each message; ignores messages of a type that it does not know. NULL: none is of interest. */
typedef void (*NetlinkMessage)(const struct nlmsghdr *header, void *userdata);

/* Asks for all objects of a type (RTM_GETNEIGH and the like); size is that of the type's own header.
 * -EAFNOSUPPORT or -EPERM where a sandbox forbids AF_NETLINK. */
int netlink_dump(unsigned short type, size_t size, NetlinkMessage message, void *userdata);

/* The same of another of netlink's protocols: sends the request, which has all of its header, and reads what
 * is answered to its end. */
int netlink_ask(int protocol, const struct nlmsghdr *request, NetlinkMessage message, void *userdata);

/* The same of several messages at once, as a transaction of nftables is; one of them asks for an
 * acknowledgement (NLM_F_ACK). */
int netlink_ask_batch(int protocol, const void *data, size_t size);

/* A message in the making: begun with the type's own header, then one attribute behind the other. Those from
 * netlink_request_open() to netlink_request_close() are nested in that one. */
#define NETLINK_REQUEST_MAX 2048

typedef union NetlinkRequest {
        struct nlmsghdr header;
        char data[NETLINK_REQUEST_MAX];
} NetlinkRequest;

/* flags besides those of a request that is acknowledged. */
void netlink_request_begin(NetlinkRequest *request, unsigned short type, unsigned short flags,
                const void *body, size_t size);
void netlink_request_append(NetlinkRequest *request, unsigned short type, const void *data, size_t size);
void *netlink_request_open(NetlinkRequest *request, unsigned short type);
void netlink_request_close(NetlinkRequest *request, void *nest);

/* A part of it, pure: what recv(2) gave. 1: the end of the dump was in it; 0: more is to come; a negative
 * errno is the kernel's error (-EBADMSG: not netlink's format). */
int netlink_parse(const void *data, size_t size, NetlinkMessage message, void *userdata);

/* The payload of the attribute of that type, of at least least bytes, after a message's own header of size
 * bytes; NULL if there is none. */
const void *netlink_find_attribute(
                const struct nlmsghdr *header, size_t size, unsigned short type, size_t least);
