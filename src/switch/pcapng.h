/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Blocks of a capture (draft-ietf-opsawg-pcapng), in the host's byte order. Pure. */

/* The beginning of a file. */
void pcapng_append_section(GByteArray *out, const char *application);

/* An interface of Ethernet whose times are in ns; the first one is number 0. snaplen 0: all of a frame. */
void pcapng_append_interface(GByteArray *out, const char *name, uint32_t snaplen);

/* A frame, of which captured bytes are kept. sent: by who has the interface; else it got it. nsec: of
 * CLOCK_REALTIME. */
void pcapng_append_packet(GByteArray *out, uint32_t interface, bool sent, uint64_t nsec,
                const uint8_t *frame, size_t captured, size_t size);

/* How many bytes these append. */
size_t pcapng_interface_size(const char *name);
size_t pcapng_packet_size(size_t captured);
