/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The same entries give the same archive, tar(1) reads it, and nothing but such an archive is taken apart.
 */

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/ustar.h"

static const UstarEntry sample[] = {
                {"tls.key", "-----BEGIN-----\n", 16},
                {"a", "", 0},
                {"token", "12345", 5},
};

/* The archive's bytes. Free with g_free(). */
static uint8_t *archive(const UstarEntry *entries, size_t n, size_t *ret_size)
{
        _cleanup_close_ int fd = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;
        char *data;

        g_assert_cmpint(ustar_write_memfd(entries, n, &fd, &error), ==, 0);
        g_assert_cmpint(fd_read_all(fd, USTAR_SIZE_MAX, &data, ret_size), ==, 0);
        g_assert_cmpuint(*ret_size, ==, ustar_size(entries, n));
        return (uint8_t *) data;
}

static void test_form(void)
{
        size_t size, size_again;
        g_autofree uint8_t *data = archive(sample, 3, &size), *again = NULL;
        UstarEntry reversed[] = {sample[2], sample[1], sample[0]};

        g_assert_cmpuint(size, ==, 3 * 512 + 2 * 512 + 1024);
        g_assert_cmpstr((const char *) data, ==, "a");
        g_assert_cmpstr((const char *) data + 512, ==, "tls.key");
        g_assert_cmpstr((const char *) data + 512 + 100, ==, "0000400");
        g_assert_cmpstr((const char *) data + 512 + 124, ==, "00000000020");
        g_assert_cmpstr((const char *) data + 512 + 136, ==, "00000000000");
        g_assert_cmpmem(data + 512 + 257, 8,
                        "ustar\0"
                        "00",
                        8);

        again = archive(reversed, 3, &size_again);
        g_assert_cmpmem(data, size, again, size_again);
}

static void test_empty(void)
{
        static const uint8_t zeros[1024];
        size_t size;
        g_autofree uint8_t *data = archive(NULL, 0, &size);
        g_autoptr(GArray) entries = NULL;

        g_assert_cmpmem(data, size, zeros, sizeof zeros);
        g_assert_cmpint(ustar_parse(data, size, &entries, NULL), ==, 0);
        g_assert_cmpuint(entries->len, ==, 0);
}

static void test_memory_is_sealed(void)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        g_assert_cmpint(ustar_write_memfd(sample, 3, &fd, NULL), ==, 0);
        g_assert_cmpint(fcntl(fd, F_GET_SEALS), ==,
                        F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
        g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
        g_assert_cmpint(write(fd, "x", 1), ==, -1);
        g_assert_cmpint(ftruncate(fd, 0), ==, -1);
        g_assert_cmpint(fstat(fd, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0400);
        g_assert_cmpint(st.st_size % 512, ==, 0);
}

static void test_there_and_back(void)
{
        size_t size;
        g_autofree uint8_t *data = archive(sample, 3, &size);
        g_autoptr(GArray) entries = NULL;
        const UstarEntry *entry;

        g_assert_cmpint(ustar_parse(data, size, &entries, NULL), ==, 0);
        g_assert_cmpuint(entries->len, ==, 3);
        entry = &g_array_index(entries, UstarEntry, 1);
        g_assert_cmpstr(entry->name, ==, "tls.key");
        g_assert_cmpmem(entry->data, entry->size, sample[0].data, sample[0].size);
}

static void test_names(void)
{
        static const struct {
                const char *name;
                bool valid;
        } cases[] = {
                        {"a", true},
                        {"tls.key", true},
                        {"A_b-c+1@x~", true},
                        {"", false},
                        {NULL, false},
                        {".", false},
                        {"..", false},
                        {".hidden", false},
                        {"a/b", false},
                        {"/a", false},
                        {"a:b", false},
                        {"a b", false},
                        {"a\n", false},
                        {"\xc3\xa4", false},
                        {"\x7f", false},
        };
        g_autofree char *longest = g_strnfill(99, 'x'), *longer = g_strnfill(100, 'x');
        UstarEntry twice[] = {{"a", "1", 1}, {"b", "2", 1}, {"a", "3", 1}}, bad = {"a/b", "1", 1};
        _cleanup_close_ int fd = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmpint(ustar_name_is_valid(cases[i].name), ==, cases[i].valid);
        g_assert_true(ustar_name_is_valid(longest));
        g_assert_false(ustar_name_is_valid(longer));

        g_assert_cmpint(ustar_write_memfd(twice, 3, &fd, &error), ==, -EINVAL);
        g_assert_cmpstr(error.message, ==, "'a' is given twice");
        g_assert_cmpint(ustar_write_memfd(&bad, 1, &fd, &error), ==, -EINVAL);
        g_assert_cmpint(fd, ==, -EBADF);
}

static void test_limit(void)
{
        g_autofree char *data = g_malloc0(USTAR_SIZE_MAX + 1);
        g_autofree UstarEntry *many = g_new0(UstarEntry, USTAR_ENTRIES_MAX + 1);
        UstarEntry entry = {"a", data, USTAR_SIZE_MAX - 3 * 512},
                   huge[] = {{"a", data, SIZE_MAX}, {"b", data, SIZE_MAX}};
        _cleanup_close_ int fd = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(ustar_write_memfd(&entry, 1, &fd, NULL), ==, 0);
        fd = close_safe(fd);
        entry.size++;
        g_assert_cmpint(ustar_write_memfd(&entry, 1, &fd, &error), ==, -EDQUOT);
        g_assert_cmpint(error.code, ==, ERROR_LIMIT_EXCEEDED);
        g_assert_nonnull(strstr(error.message, "1048064"));
        g_assert_cmpint(ustar_write_memfd(huge, 2, &fd, NULL), ==, -EDQUOT);
        g_assert_cmpint(ustar_write_memfd(many, USTAR_ENTRIES_MAX + 1, &fd, NULL), ==, -EDQUOT);
}

/* One changed byte anywhere but in the contents, or another length, and it is none of ours. */
static void test_damaged(void)
{
        size_t size;
        g_autofree uint8_t *data = archive(sample, 3, &size);

        for (size_t i = 0; i < size; i++) {
                g_autofree uint8_t *copy = g_memdup2(data, size);
                g_autoptr(GArray) entries = NULL;
                bool content = (i >= 1024 && i < 1024 + 16) || (i >= 2048 && i < 2048 + 5);

                copy[i] ^= 0x15;
                g_assert_cmpint(ustar_parse(copy, size, &entries, NULL), ==, content ? 0 : -EBADMSG);
        }
        for (size_t cut = 0; cut < size; cut++) {
                g_autofree uint8_t *copy = g_memdup2(data, cut);
                g_autoptr(GArray) entries = NULL;

                g_assert_cmpint(ustar_parse(copy, cut, &entries, NULL), ==, -EBADMSG);
        }
}

/* Two good entries in the wrong order, or of the same name. */
static void test_order_is_demanded(void)
{
        size_t size;
        g_autofree uint8_t *data = archive(sample, 3, &size), *copy = g_memdup2(data, size);
        g_autoptr(GArray) entries = NULL;

        memcpy(copy, data + 512, 1024);
        memcpy(copy + 1024, data, 512);
        g_assert_cmpint(ustar_parse(copy, size, &entries, NULL), ==, -EBADMSG);
}

static void test_tar_reads_it(void)
{
        g_autofree char *tar = g_find_program_in_path("tar"), *dir = NULL, *file = NULL, *list = NULL,
                        *content = NULL;
        size_t size;
        g_autofree uint8_t *data = archive(sample, 3, &size);
        int status;

        if (!tar) {
                g_test_skip("tar is not there");
                return;
        }

        dir = g_dir_make_tmp("shruthi-ustar-XXXXXX", NULL);
        file = g_build_filename(dir, "a.tar", NULL);
        g_assert_true(g_file_set_contents(file, (const char *) data, (gssize) size, NULL));

        const char *const list_command[] = {tar, "--utc", "--numeric-owner", "-tvf", file, NULL};
        g_assert_true(g_spawn_sync(
                        NULL, (char **) list_command, NULL, 0, NULL, NULL, &list, NULL, &status, NULL));
        g_assert_cmpint(status, ==, 0);
        g_assert_cmpstr(list, ==,
                        "-r-------- 0/0               0 1970-01-01 00:00 a\n"
                        "-r-------- 0/0              16 1970-01-01 00:00 tls.key\n"
                        "-r-------- 0/0               5 1970-01-01 00:00 token\n");

        const char *const get_command[] = {tar, "-xOf", file, "token", NULL};
        g_assert_true(g_spawn_sync(
                        NULL, (char **) get_command, NULL, 0, NULL, NULL, &content, NULL, &status, NULL));
        g_assert_cmpint(status, ==, 0);
        g_assert_cmpstr(content, ==, "12345");

        g_assert_cmpint(g_unlink(file), ==, 0);
        g_assert_cmpint(g_rmdir(dir), ==, 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/common/ustar/form", test_form);
        g_test_add_func("/common/ustar/empty", test_empty);
        g_test_add_func("/common/ustar/memory-is-sealed", test_memory_is_sealed);
        g_test_add_func("/common/ustar/there-and-back", test_there_and_back);
        g_test_add_func("/common/ustar/names", test_names);
        g_test_add_func("/common/ustar/limit", test_limit);
        g_test_add_func("/common/ustar/damaged", test_damaged);
        g_test_add_func("/common/ustar/order-is-demanded", test_order_is_demanded);
        g_test_add_func("/common/ustar/tar-reads-it", test_tar_reads_it);
        return g_test_run();
}
