/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A guest is never begun with memory that its image cannot be loaded into, and nobody is let believe that it
 * can use what it cannot. */

#include <glib.h>

#include "unikernel/memory.h"

#define MIB  (UINT64_C(1) << 20)
#define HOST (UINT64_C(8192) * MIB)

static const Conf conf = {.memory_default = 32 * MIB};
static const ImageInfo solo5 = {
                .boot = IMAGE_BOOT_MULTIBOOT, .target = SOLO5_TARGET_VIRTIO, .loaded_end = 3 * MIB - 1000};
static const ImageInfo large = {.boot = IMAGE_BOOT_MULTIBOOT, .loaded_end = 40 * MIB};
static const ImageInfo linux_kernel = {.boot = IMAGE_BOOT_LINUX, .loaded_end = 60 * MIB};
static const ImageInfo arm = {
                .boot = IMAGE_BOOT_LINUX, .architecture = IMAGE_ARCHITECTURE_AARCH64, .loaded_end = 3 * MIB};
static const ImageInfo liar = {.boot = IMAGE_BOOT_PVH, .loaded_end = UINT64_MAX};

static void test_default(void)
{
        static const struct {
                const ImageInfo *info;
                uint64_t asked, initrd_size, mib;
        } cases[] = {
                {NULL, 0, 0, 32},
                {&solo5, 0, 0, 32},
                {&solo5, 5 * MIB, 0, 5},
                {&large, 0, 0, 57},
                {&linux_kernel, 0, 0, 256},
                {&linux_kernel, 48 * MIB, 0, 48},
                {&linux_kernel, 0, 300 * MIB, 377},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmpuint(memory_effective(cases[i].asked, cases[i].info, cases[i].initrd_size, &conf),
                                ==, cases[i].mib * MIB);
}

/* The sentence is NULL where that much is right. */
static void test_check(void)
{
        static const struct {
                const ImageInfo *info;
                uint64_t memory, initrd_size;
                const char *sentence;
        } cases[] = {
                {&solo5, 4 * MIB, 0, NULL},
                {&solo5, 3 * MIB, 0, "loading the image takes 4M"},
                {&solo5, 3 * MIB, 0, "3M of memory"},
                {&large, 41 * MIB, 0, NULL},
                {&large, 40 * MIB, 0, "41M"},
                {&linux_kernel, 61 * MIB, 0, NULL},
                {&linux_kernel, 61 * MIB, 10 * MIB, "with its initrd takes 71M"},
                /* The device tree takes up to 4M; the initrd begins at half of the memory, or at 128M. */
                {&arm, 7 * MIB, 0, NULL},
                {&arm, 6 * MIB, 0, "takes 7M"},
                {&arm, 27 * MIB, 10 * MIB, "with its initrd takes 28M"},
                {&arm, 28 * MIB, 10 * MIB, NULL},
                {&arm, 331 * MIB, 200 * MIB, "takes 332M"},
                {&liar, HOST, 0, "too little"},
                {NULL, MIB, 0, NULL},
                {NULL, HOST, 0, NULL},
                {NULL, HOST + MIB, 0, "more than this host has: 8G"},
                {&solo5, HOST * 128, 0, "1T of memory"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                int r = memory_check(cases[i].memory, cases[i].info, cases[i].initrd_size, HOST, &error);

                g_assert_cmpint(r, ==, cases[i].sentence ? -EBADMSG : 0);
                if (cases[i].sentence && !strstr(error.message, cases[i].sentence))
                        g_error("%s", error.message);
        }
}

static void test_use(void)
{
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(memory_check_use(1024 * MIB, &solo5, &error), ==, 0);
        g_assert_cmpint(memory_check_use(20480 * MIB, &large, &error), ==, 0);
        g_assert_cmpint(memory_check_use(1025 * MIB, &solo5, &error), ==, -EBADMSG);
        g_assert_nonnull(strstr(error.message, "the maximum is 1G"));
}

/* What MemoryOverhead= stands for is QEMU's. */
static void test_overhead(void)
{
        static const ImageInfo process = {.boot = IMAGE_BOOT_PROCESS, .target = SOLO5_TARGET_SPT},
                               unknown = {.boot = IMAGE_BOOT_NONE};
        static const Conf with = {.memory_overhead = 48 * MIB};

        g_assert_cmpuint(memory_overhead(&process, &with), ==, MEMORY_OVERHEAD_PROCESS);
        g_assert_cmpuint(memory_overhead(&solo5, &with), ==, 48 * MIB);
        g_assert_cmpuint(memory_overhead(&linux_kernel, &with), ==, 48 * MIB);
        g_assert_cmpuint(memory_overhead(&unknown, &with), ==, 48 * MIB);
        g_assert_cmpuint(memory_overhead(NULL, &with), ==, 48 * MIB);
        g_assert_cmpuint(memory_overhead(&solo5, &conf), ==, 0);
        g_assert_cmpuint(memory_taken(true, &with), ==, 512 * 1024);
        g_assert_cmpuint(memory_taken(false, &with), ==, 48 * MIB);
}

static void test_host(void)
{
        g_assert_cmpuint(memory_of_host(), >, 64 * MIB);
        g_assert_cmpuint(memory_of_host(), <, UINT64_C(1) << 50);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/memory/default-is-what-the-kind-of-image-wants", test_default);
        g_test_add_func("/memory/holds-the-image-and-fits-the-host", test_check);
        g_test_add_func("/memory/is-no-more-than-solo5-can-use", test_use);
        g_test_add_func("/memory/overhead-is-of-qemu", test_overhead);
        g_test_add_func("/memory/of-this-host-is-known", test_host);

        return g_test_run();
}
