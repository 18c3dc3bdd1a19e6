/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"

/* Packets that the rules of demand-ruleset.h hand over: the kernel keeps them in a queue until a verdict is
 * given (nfnetlink_queue), or, where it has no queues, only tells of them (nfnetlink_log). Of a packet no
 * more is copied than its IP header, and of that only the destination is looked at. */

typedef struct PacketSource {
        int fd;    /* negative: closed */
        bool held; /* they wait for a verdict */
} PacketSource;

#define PACKET_SOURCE_INIT ((PacketSource){.fd = -1})

/* The number of the queue, and of the group of the log: shown in rules, and nobody else's. */
#define PACKET_SOURCE_NUMBER 21320

/* More than so many are dropped, for their senders to try again; each takes some 2 KiB of the kernel's. */
#define PACKET_SOURCE_MAX 8192

/* -EBUSY or -EPERM: another program has it; -EINVAL and the like: the kernel has none. */
int packet_source_open(PacketSource *source, bool held);
void packet_source_close(PacketSource *source);

/* to: where the packet goes, with an address alone; id is for packet_source_release(). */
typedef void (*PacketSeen)(uint32_t id, const Address *to, void *userdata);

/* Reads what has come, but not for so long that others wait. */
void packet_source_hear(const PacketSource *source, PacketSeen seen, void *userdata);

/* The same of what one read(2) gave, pure; -EBADMSG where it is none of netlink's. */
int packet_source_parse(const void *data, size_t size, PacketSeen seen, void *userdata);

typedef enum PacketVerdict {
        PACKET_DROP,
        PACKET_PASS,   /* it goes on its way */
        PACKET_REPEAT, /* the rules that have held it see it again */
} PacketVerdict;

void packet_source_release(const PacketSource *source, uint32_t id, PacketVerdict verdict);
