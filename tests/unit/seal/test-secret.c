/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All of what a descriptor gives, within size and time, and nothing left behind. */

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/io.h"
#include "seal/secret.h"

static void make_pipe(int *ret_reader, int *ret_writer)
{
        int fds[2];

        g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
        *ret_reader = fds[0];
        *ret_writer = fds[1];
}

static gint64 in_a_minute(void)
{
        return g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
}

static void test_pipe(void)
{
        _cleanup_close_ int reader = -EBADF, writer = -EBADF;
        _cleanup_secret_ Secret secret = {};

        make_pipe(&reader, &writer);
        g_assert_cmpint(secret_new(8, &secret, NULL), ==, 0);
        g_assert_cmpint(write_all(writer, "12345678", 8), ==, 0);
        writer = close_safe(writer);
        g_assert_cmpint(secret_read(&secret, reader, in_a_minute()), ==, 0);
        g_assert_cmpmem(secret.data, secret.size, "12345678", 8);
}

static void test_pipe_too_much(void)
{
        _cleanup_close_ int reader = -EBADF, writer = -EBADF;
        _cleanup_secret_ Secret secret = {};

        make_pipe(&reader, &writer);
        g_assert_cmpint(secret_new(8, &secret, NULL), ==, 0);
        g_assert_cmpint(write_all(writer, "123456789", 9), ==, 0);
        g_assert_cmpint(secret_read(&secret, reader, in_a_minute()), ==, -E2BIG);
}

/* A writer that never closes is not waited for. */
static void test_pipe_without_end(void)
{
        _cleanup_close_ int reader = -EBADF, writer = -EBADF;
        _cleanup_secret_ Secret secret = {};

        make_pipe(&reader, &writer);
        g_assert_cmpint(secret_new(8, &secret, NULL), ==, 0);
        g_assert_cmpint(write_all(writer, "1", 1), ==, 0);
        g_assert_cmpint(secret_read(&secret, reader, g_get_monotonic_time() + 20000), ==, -ETIMEDOUT);
        g_assert_cmpint(secret_read(&secret, reader, g_get_monotonic_time() - 1), ==, -ETIMEDOUT);
}

static void test_file(void)
{
        _cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC);
        _cleanup_secret_ Secret secret = {}, small = {};

        /* The position is at the end, and does not count. */
        g_assert_cmpint(write_all(fd, "12345678", 8), ==, 0);
        g_assert_cmpint(secret_new(8, &secret, NULL), ==, 0);
        g_assert_cmpint(secret_read_file(&secret, fd), ==, 0);
        g_assert_cmpmem(secret.data, secret.size, "12345678", 8);

        g_assert_cmpint(secret_new(7, &small, NULL), ==, 0);
        g_assert_cmpint(secret_read_file(&small, fd), ==, -E2BIG);
}

static void test_write_only(void)
{
        _cleanup_close_ int reader = -EBADF, writer = -EBADF;
        _cleanup_secret_ Secret secret = {};

        make_pipe(&reader, &writer);
        g_assert_cmpint(secret_new(8, &secret, NULL), ==, 0);
        reader = close_safe(reader);
        g_assert_cmpint(secret_read(&secret, writer, in_a_minute()), ==, -EBADF);
}

static void test_clear(void)
{
        Secret secret = {};

        secret_clear(&secret);
        g_assert_cmpint(secret_new(8, &secret, NULL), ==, 0);
        secret_clear(&secret);
        g_assert_null(secret.data);
        g_assert_cmpuint(secret.size, ==, 0);
        secret_clear(&secret);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/seal/secret/reads-a-pipe-to-its-end", test_pipe);
        g_test_add_func("/seal/secret/refuses-more-than-fits", test_pipe_too_much);
        g_test_add_func("/seal/secret/does-not-wait-for-ever", test_pipe_without_end);
        g_test_add_func("/seal/secret/reads-a-whole-file", test_file);
        g_test_add_func("/seal/secret/cannot-read-what-is-for-writing", test_write_only);
        g_test_add_func("/seal/secret/is-cleared-once-and-twice", test_clear);
        return g_test_run();
}
