/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Called by capture.c. */

#include "switch/pcapng.h"

#include <string.h>

#define BLOCK_SECTION     0x0a0d0d0aU
#define BLOCK_INTERFACE   1U
#define BLOCK_PACKET      6U
#define BYTE_ORDER_MAGIC  0x1a2b3c4dU
#define LINKTYPE_ETHERNET 1
#define OPTION_END        0
#define SHB_USERAPPL      4
#define IF_NAME           2
#define IF_TSRESOL        9
#define EPB_FLAGS         2
#define FLAG_INBOUND      1U
#define FLAG_OUTBOUND     2U
#define NAME_MAX_BYTES    256

/* A packet's block without its data: type, length, interface, time, two sizes; flags, end of options,
 * length. */
#define PACKET_OVERHEAD (7 * 4 + 2 * 4 + 4 + 4)

/* The same of an interface without its name: type, length, link type, snaplen; name, resolution, end of
 * options, length. */
#define INTERFACE_OVERHEAD (4 * 4 + 4 + 2 * 4 + 4 + 4)

static void append32(GByteArray *out, uint32_t value)
{
        g_byte_array_append(out, (const guint8 *) &value, sizeof value);
}

static void append16(GByteArray *out, uint16_t value)
{
        g_byte_array_append(out, (const guint8 *) &value, sizeof value);
}

static void append_padded(GByteArray *out, const void *data, size_t size)
{
        static const guint8 zero[3];

        g_byte_array_append(out, data, (guint) size);
        g_byte_array_append(out, zero, (guint) (-size & 3));
}

static void append_option(GByteArray *out, uint16_t code, const void *data, size_t size)
{
        append16(out, code);
        append16(out, (uint16_t) size);
        append_padded(out, data, size);
}

static guint block_begin(GByteArray *out, uint32_t type)
{
        guint begin = out->len;

        append32(out, type);
        append32(out, 0);
        return begin;
}

/* Its length stands at both ends. */
static void block_end(GByteArray *out, guint begin)
{
        uint32_t length = out->len + (uint32_t) sizeof length - begin;

        append32(out, length);
        memcpy(out->data + begin + sizeof(uint32_t), &length, sizeof length);
}

void pcapng_append_section(GByteArray *out, const char *application)
{
        guint begin = block_begin(out, BLOCK_SECTION);

        append32(out, BYTE_ORDER_MAGIC);
        append16(out, 1);
        append16(out, 0);
        append32(out, UINT32_MAX); /* how long the section is is not said: 64 bits */
        append32(out, UINT32_MAX);
        append_option(out, SHB_USERAPPL, application, strlen(application));
        append_option(out, OPTION_END, NULL, 0);
        block_end(out, begin);
}

void pcapng_append_interface(GByteArray *out, const char *name, uint32_t snaplen)
{
        const uint8_t nanoseconds = 9;
        guint begin = block_begin(out, BLOCK_INTERFACE);

        append16(out, LINKTYPE_ETHERNET);
        append16(out, 0);
        append32(out, snaplen);
        append_option(out, IF_NAME, name, MIN(strlen(name), NAME_MAX_BYTES));
        append_option(out, IF_TSRESOL, &nanoseconds, sizeof nanoseconds);
        append_option(out, OPTION_END, NULL, 0);
        block_end(out, begin);
}

void pcapng_append_packet(GByteArray *out, uint32_t interface, bool sent, uint64_t nsec,
                const uint8_t *frame, size_t captured, size_t size)
{
        const uint32_t flags = sent ? FLAG_OUTBOUND : FLAG_INBOUND;
        guint begin = block_begin(out, BLOCK_PACKET);

        append32(out, interface);
        append32(out, (uint32_t) (nsec >> 32));
        append32(out, (uint32_t) nsec);
        append32(out, (uint32_t) captured);
        append32(out, (uint32_t) size);
        append_padded(out, frame, captured);
        append_option(out, EPB_FLAGS, &flags, sizeof flags);
        append_option(out, OPTION_END, NULL, 0);
        block_end(out, begin);
}

size_t pcapng_interface_size(const char *name)
{
        size_t length = MIN(strlen(name), NAME_MAX_BYTES);

        return INTERFACE_OVERHEAD + length + (-length & 3);
}

size_t pcapng_packet_size(size_t captured)
{
        return PACKET_OVERHEAD + captured + (-captured & 3);
}
