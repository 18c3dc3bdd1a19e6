/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A guest is given bytes that it can read; what it writes itself is never held against it but where QEMU's own
 * formats could be meant. */

#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/io.h"
#include "volume/raw.h"

static int file_of(const char *bytes, size_t size)
{
        int fd = memfd_create("disk", MFD_CLOEXEC);

        g_assert_cmpint(write_all(fd, bytes, size), ==, 0);
        g_assert_cmpint(ftruncate(fd, 4096), ==, 0);
        return fd;
}

static void test_formats(void)
{
        static const struct {
                const char *bytes;
                size_t size;
                const char *import, *writable, *read_only; /* in the sentence; NULL: it is taken */
        } cases[] = {
#define CASE(text, ...) {text, sizeof(text) - 1, __VA_ARGS__}
                CASE("", NULL, NULL, NULL),
                CASE("plain", NULL, NULL, NULL),
                CASE("QFI\xfb", "-f qcow2 -O raw FILE FILE.raw", "-f qcow2 -O raw /d /d.raw",
                                "/d is a disk image"),
                CASE("KDMV", "--raw", "-f vmdk", "-f vmdk"),
                CASE("# Disk DescriptorFile", "VMDK", "-f vmdk", "-f vmdk"),
                CASE("vhdxfile", "VHDX", "-f vhdx", "-f vhdx"),
                CASE("conectix", "VHD", "-f vpc", "-f vpc"),
                CASE("\x1f\x8b\x08", "with 'gunzip'; to", NULL, "/d is compressed with gzip"),
                CASE("\xfd" "7zXZ\0", "unxz", NULL, "unxz"),
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_close_ int fd = file_of(cases[i].bytes, cases[i].size);
                const char *wanted[] = {cases[i].import, cases[i].writable, cases[i].read_only};

                for (unsigned j = 0; j < G_N_ELEMENTS(wanted); j++) {
                        _cleanup_error_ Error error = ERROR_INIT;
                        int r = j == 0 ? volume_check_import(fd, &error)
                                       : volume_check_file(fd, "/d", j == 2, &error);

                        g_assert_cmpint(r, ==, wanted[j] ? -EINVAL : 0);
                        if (wanted[j] && !strstr(error.message, wanted[j]))
                                g_error("%s", error.message);
                }
        }
}

/* VDI's stands behind its text, and what cannot be read is no reason to refuse it. */
static void test_elsewhere(void)
{
        char bytes[68] = {0};
        _cleanup_close_ int vdi = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;

        memcpy(bytes + 64, "\x7f\x10\xda\xbe", 4);
        vdi = file_of(bytes, sizeof bytes);
        g_assert_cmpint(volume_check_import(vdi, &error), ==, -EINVAL);
        g_assert_nonnull(strstr(error.message, "-f vdi"));
        g_assert_cmpint(volume_check_import(-EBADF, &error), ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

        g_test_add_func("/volume/raw/refuses-other-formats", test_formats);
        g_test_add_func("/volume/raw/looks-where-the-format-is-told", test_elsewhere);

        return g_test_run();
}
