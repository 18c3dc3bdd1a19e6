/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The loader by itself maps nothing outside of the guest's memory, whatever it is told of the image. */

#include "tender/memory.h"

#include <glib.h>
#include <string.h>

#define MEMORY UINT64_C(0x400000)

typedef struct Case {
        const char *path;
        uint64_t end;
        uint64_t address, memory_size; /* of its segment */
        ErrorCode code;
        const char *sentence;
} Case;

static const Case cases[] = {
                {"an end of which the sum wraps", UINT64_MAX - 4096, 0x200000, 4096, ERROR_INVALID_ARGS,
                                "of memory, and is given 4M: raise --memory="},
                {"the last end", UINT64_MAX, 0x200000, 4096, ERROR_INVALID_ARGS, "raise --memory="},
                {"an end in the last 64 KiB", UINT64_MAX - 0xefff, 0x200000, 4096, ERROR_INVALID_ARGS,
                                "raise --memory="},
                {"an end in the stack", MEMORY - 0x10000 + 1, 0x200000, 4096, ERROR_INVALID_ARGS,
                                "The image needs at least 5M of memory, and is given 4M"},
                {"a segment behind the memory", 0x201000, MEMORY, 4096, ERROR_INVALID_IMAGE,
                                "its segment at 0x400000 (4096 bytes) is not within the guest's memory"},
                {"a segment of which the end is behind it", 0x201000, 0x200000, MEMORY - 0x200000 + 1,
                                ERROR_INVALID_IMAGE, "is not within the guest's memory"},
                {"a segment far away", 0x201000, UINT64_C(0x7f0000000000), 4096, ERROR_INVALID_IMAGE,
                                "is not within the guest's memory"},
                {"a segment of which the end wraps", 0x201000, 0x200000, UINT64_MAX - 0xfffff,
                                ERROR_INVALID_IMAGE, "is not within the guest's memory"},
                {"a segment below", 0x201000, SOLO5_IMAGE_MIN - 1, 4096, ERROR_INVALID_IMAGE,
                                "is not within the guest's memory"},
};

static void test_refused(const void *data)
{
        const Case *c = data;
        g_autofree Solo5Image *image = g_new0(Solo5Image, 1);
        _cleanup_error_ Error error = ERROR_INIT;

        image->end = c->end;
        image->n_segments = 1;
        image->segments[0] = (Solo5Segment){.address = c->address, .memory_size = c->memory_size};
        g_assert_cmpint(tender_memory_load(-1, image, &(TenderMemory){.size = MEMORY}, &error), <, 0);
        g_assert_cmpint(error.code, ==, c->code);
        if (!strstr(error.message, c->sentence))
                g_error("\"%s\" is not in: %s", c->sentence, error.message);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *path = g_strdup_printf("/tender/memory/refuses %s", cases[i].path);

                g_test_add_data_func(path, &cases[i], test_refused);
        }
        return g_test_run();
}
