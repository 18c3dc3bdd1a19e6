/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs that captures are filtered by: a line with the program, and behind it a frame. */

#include "fuzz.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "link/packet-filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
        size_t length = end ? (size_t) (end - data) : size, left = end ? size - length - 1 : 0;
        g_autofree char *text = g_strndup(size > 0 ? (const char *) data : "", length), *again = NULL;
        /* In a block of its own, so that a read beyond its end is seen. */
        g_autofree uint8_t *frame = end ? g_memdup2(end + 1, left) : NULL;
        g_autoptr(PacketFilter) filter = NULL, other = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        if (packet_filter_parse(text, &filter, &error) < 0) {
                if (!error.message)
                        abort();
                return 0;
        }
        again = packet_filter_format(filter);
        if (packet_filter_parse(again, &other, NULL) < 0 ||
                        packet_filter_matches(filter, frame, left) !=
                                        packet_filter_matches(other, frame, left))
                abort();
        return 0;
}
