/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Which frames a capture keeps: a program of the classic BPF (bpf(4) of the BSDs), as libpcap compiles it
 * for Ethernet. It may come from anybody, so it is verified before it runs: it ends after at most as many
 * steps as it has instructions, and sees the frame and its own memory alone: what Linux adds to such
 * programs (SKF_AD_OFF) is refused. Pure.
 *
 * Its text is COUNT,CODE:JT:JF:K,… in decimal: what "tcpdump -ddd" prints, with ',' for each end of line and
 * ':' for each space. */

#define PACKET_FILTER_MAX        1024        /* instructions */
#define PACKET_FILTER_TEXT_MAX   (24 * 1024) /* bytes: each instruction at its longest */
#define PACKET_FILTER_SOURCE_MAX 4096        /* bytes of what it is compiled of: shruthi-filter(8) */

typedef struct PacketFilter PacketFilter;

void packet_filter_free(PacketFilter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PacketFilter, packet_filter_free)

/* Verifies. INVALID_ARGS; the message names the instruction. */
int packet_filter_parse(const char *text, PacketFilter **ret_filter, Error *ret_error);

/* Free with g_free(). */
char *packet_filter_format(const PacketFilter *filter);

bool packet_filter_matches(const PacketFilter *filter, const uint8_t *frame, size_t size);
