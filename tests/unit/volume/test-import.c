/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Invariant: an imported volume holds the bytes that were given, and zeros to its end; holes cost nothing;
 * a source that is no file, or that is refused, leaves nothing behind. */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "volume-fixture.h"

static int open_source(const VolumeFixture *f, int flags)
{
        g_autofree char *path = g_build_filename(f->dir, "source", NULL);
        int fd = open(path, flags | O_CREAT | O_CLOEXEC, 0600);

        g_assert_cmpint(fd, >=, 0);
        return fd;
}

static int import(const char *name, int fd, uint64_t size, const VolumeLimits *limits, Error *error)
{
        return volume_import(name, &(VolumeContent){.fd = fd, .size = size}, OWNER, 100, limits, error);
}

static void test_content(VolumeFixture *f, const void *data)
{
        _cleanup_close_ int source = open_source(f, O_RDWR), copy = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Volume) volume = NULL;
        g_autofree char *expected = g_malloc0(MIB + 512), *found = g_malloc(MIB + 512);

        /* Written zeros, data across the pieces in which it is copied, an end that is no sector's. */
        memset(expected + 5, 'a', 100);
        memset(expected + 256 * KIB - 10, 'b', 5000);
        memset(expected + 700 * KIB, 'c', 1);
        memset(expected + MIB - 1, 'd', 2);
        g_assert_cmpint(write_all(source, expected, MIB + 1), ==, 0);

        g_assert_cmpint(import("a", source, 0, NULL, &error), ==, 0);
        volume = find_volume("a");
        g_assert_cmpuint(volume->size, ==, MIB + 512);
        g_assert_cmpuint(volume->owner, ==, OWNER);
        g_assert_cmpuint(volume->group, ==, 100);
        copy = open_data("a", O_RDONLY);
        g_assert_cmpint(pread_all(copy, found, MIB + 512, 0), ==, MIB + 512);
        g_assert_cmpint(memcmp(found, expected, MIB + 512), ==, 0);
        assert_stored("a");
}

static void test_holes(VolumeFixture *f, const void *data)
{
        _cleanup_close_ int source = open_source(f, O_RDWR), copy = -EBADF;
        g_autofree char *zeros = g_malloc0(MIB);
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Volume) volume = NULL;
        char text[3];

        g_assert_cmpint(write_all(source, zeros, MIB), ==, 0);
        g_assert_cmpint(pwrite(source, "abc", 3, (off_t) (900 * MIB)), ==, 3);
        g_assert_cmpint(ftruncate(source, (off_t) (1024 * MIB)), ==, 0);

        g_assert_cmpint(import("a", source, 2048 * MIB, NULL, &error), ==, 0);
        volume = find_volume("a");
        g_assert_cmpuint(volume->size, ==, 2048 * MIB);
        g_assert_cmpuint(volume->allocated, <, MIB / 2);
        copy = open_data("a", O_RDONLY);
        g_assert_cmpint(pread(copy, text, 3, (off_t) (900 * MIB)), ==, 3);
        g_assert_cmpint(memcmp(text, "abc", 3), ==, 0);
}

static void test_sources(VolumeFixture *f, const void *data)
{
        _cleanup_close_ int empty = open_source(f, O_RDONLY), writable = open_source(f, O_WRONLY);
        _cleanup_close_ int directory = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int path = open_source(f, O_PATH), device = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        _cleanup_error_ Error error = ERROR_INIT;
        int pipes[2];

        g_assert_cmpint(pipe2(pipes, O_CLOEXEC), ==, 0);
        assert_refused(import("a", empty, 0, NULL, &error), &error, ERROR_INVALID_ARGS, "empty");
        assert_refused(import("a", writable, 0, NULL, &error), &error, ERROR_INVALID_ARGS, "for reading");
        assert_refused(import("a", path, 0, NULL, &error), &error, ERROR_INVALID_ARGS, "for reading");
        assert_refused(import("a", directory, 0, NULL, &error), &error, ERROR_INVALID_ARGS, "neither");
        assert_refused(import("a", device, 0, NULL, &error), &error, ERROR_INVALID_ARGS, "neither");
        assert_refused(import("a", pipes[0], 0, NULL, &error), &error, ERROR_INVALID_ARGS, "neither");
        g_assert_cmpint(import("a", -1, 0, NULL, &error), ==, -EBADF);
        assert_stored("");
        (void) close(pipes[0]);
        (void) close(pipes[1]);
}

static void test_refusals(VolumeFixture *f, const void *data)
{
        static const VolumeLimits limits = {.size_max_user = MIB, .max_user = 9};
        _cleanup_close_ int source = open_source(f, O_RDWR);
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(ftruncate(source, (off_t) (2 * MIB)), ==, 0);
        assert_refused(import("a", source, MIB, NULL, &error), &error, ERROR_INVALID_ARGS, "2M or more");
        assert_refused(import("a", source, 2 * MIB + 1, NULL, &error), &error, ERROR_INVALID_ARGS, "512");
        assert_refused(import("a", source, 0, &limits, &error), &error, ERROR_LIMIT_EXCEEDED,
                        "VolumesSizeMaxPerUser=1M");
        assert_refused(import("../a", source, 0, NULL, &error), &error, ERROR_INVALID_NAME, "../a");
        make_volume("a", MIB);
        assert_refused(import("a", source, 0, NULL, &error), &error, ERROR_VOLUME_EXISTS, "'a'");
        assert_stored("a");
}

/* The position of a descriptor is the giver's affair. */
static void test_position(VolumeFixture *f, const void *data)
{
        _cleanup_close_ int source = open_source(f, O_RDWR), copy = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;
        char text[3];

        g_assert_cmpint(write_all(source, "abc", 3), ==, 0);
        g_assert_cmpint(import("a", source, 0, NULL, &error), ==, 0);
        g_assert_cmpint(lseek(source, 0, SEEK_CUR), ==, 3);
        copy = open_data("a", O_RDONLY);
        g_assert_cmpint(read(copy, text, 3), ==, 3);
        g_assert_cmpint(memcmp(text, "abc", 3), ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        volume_test("/volume/import/keeps-every-byte", test_content);
        volume_test("/volume/import/holes-and-zeros-take-no-room", test_holes);
        volume_test("/volume/import/refuses-what-is-no-file", test_sources);
        volume_test("/volume/import/what-is-refused-leaves-nothing", test_refusals);
        volume_test("/volume/import/begins-at-the-beginning", test_position);
        return g_test_run();
}
