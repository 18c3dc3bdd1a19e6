/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Copies are the same to the byte, whatever is copied where; and in a file, zeros take no room. */

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "ctl/input/sparse.h"
#include "ctl/input/volume-file.h"

#define KIB 1024
#define MIB (1024 * KIB)

static int new_file(void)
{
        int fd = memfd_create("sparse", MFD_CLOEXEC);

        g_assert_cmpint(fd, >=, 0);
        return fd;
}

/* Data at the beginning, in the middle, not at the border of a block, and perhaps a hole at the end. */
static int new_source(size_t size)
{
        int fd = new_file();

        g_assert_cmpint(ftruncate(fd, (off_t) size), ==, 0);
        g_assert_cmpint(pwrite(fd, "begin", 5, 0), ==, 5);
        g_assert_cmpint(pwrite(fd, "middle", 6, (off_t) size / 2 - 3), ==, 6);
        return fd;
}

static void assert_same(int a, int b, size_t size)
{
        g_autofree char *x = g_malloc(size + 1), *y = g_malloc(size + 1);

        g_assert_cmpint(pread_all(a, x, size + 1, 0), ==, (ssize_t) size);
        g_assert_cmpint(pread_all(b, y, size + 1, 0), ==, (ssize_t) size);
        g_assert_cmpint(memcmp(x, y, size), ==, 0);
}

static uint64_t allocated(int fd)
{
        struct stat st;

        g_assert_cmpint(fstat(fd, &st), ==, 0);
        return (uint64_t) st.st_blocks * 512;
}

static void test_files(void)
{
        static const size_t sizes[] = {16, 4096, 4097, 256 * KIB, 256 * KIB + 1, 3 * MIB, 3 * MIB + 511};

        for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
                _cleanup_close_ int from = new_source(sizes[i]), to = new_file();

                g_assert_cmpint(sparse_copy(from, to), ==, 0);
                assert_same(from, to, sizes[i]);
                g_assert_cmpuint(allocated(to), <=, 16 * KIB);
                g_assert_cmpint(lseek(to, 0, SEEK_CUR), ==, (off_t) sizes[i]);
        }
}

static void test_empty(void)
{
        _cleanup_close_ int from = new_file(), to = new_file();

        g_assert_cmpint(sparse_copy(from, to), ==, 0);
        assert_same(from, to, 0);
}

/* From where it stands. */
static void test_rest(void)
{
        _cleanup_close_ int from = new_source(MIB), to = new_file();
        char data[8] = "";

        g_assert_cmpint(lseek(from, 2, SEEK_SET), ==, 2);
        g_assert_cmpint(sparse_copy(from, to), ==, 0);
        g_assert_cmpint(pread_all(to, data, 3, 0), ==, 3);
        g_assert_cmpstr(data, ==, "gin");
        g_assert_cmpint(lseek(to, 0, SEEK_END), ==, MIB - 2);
}

/* What is in the file already is not taken for zeros. */
static void test_over_old_content(void)
{
        _cleanup_close_ int from = new_source(MIB), to = new_file();
        g_autofree char *old = g_malloc(MIB);

        memset(old, 'x', MIB);
        g_assert_cmpint(write_all(to, old, MIB), ==, 0);
        g_assert_cmpint(lseek(to, 0, SEEK_SET), ==, 0);
        g_assert_cmpint(sparse_copy(from, to), ==, 0);
        assert_same(from, to, MIB);
}

static void test_append(void)
{
        _cleanup_close_ int from = new_source(64 * KIB), to = new_file();
        char data[8] = "";

        g_assert_cmpint(write_all(to, "old", 3), ==, 0);
        g_assert_cmpint(fcntl(to, F_SETFL, O_APPEND), ==, 0);
        g_assert_cmpint(sparse_copy(from, to), ==, 0);
        g_assert_cmpint(lseek(to, 0, SEEK_END), ==, 3 + 64 * KIB);
        g_assert_cmpint(pread_all(to, data, 5, 0), ==, 5);
        g_assert_cmpstr(data, ==, "oldbe");
}

typedef struct Copy {
        int from, to;
} Copy;

static gpointer copy_in_thread(gpointer userdata)
{
        Copy *copy = userdata;
        int r = sparse_copy(copy->from, copy->to);

        close_safe(copy->to);
        return GINT_TO_POINTER(r);
}

static void test_pipe(void)
{
        _cleanup_close_ int from = new_source(3 * MIB), to = new_file(), reader = -EBADF;
        int pipes[2];
        GThread *thread;
        Copy copy;

        g_assert_cmpint(pipe2(pipes, O_CLOEXEC), ==, 0);
        reader = pipes[0];
        copy = (Copy){.from = from, .to = pipes[1]};
        thread = g_thread_new("copy", copy_in_thread, &copy);
        g_assert_cmpint(sparse_copy(reader, to), ==, 0);
        g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(thread)), ==, 0);
        assert_same(from, to, 3 * MIB);
        /* A pipe knows no holes: zeros are seen all the same. */
        g_assert_cmpuint(allocated(to), <=, 64 * KIB);
}

static void test_errors(void)
{
        _cleanup_close_ int from = new_source(64 * KIB), full = open("/dev/full", O_WRONLY | O_CLOEXEC),
                            directory = open("/", O_RDONLY | O_CLOEXEC), to = new_file();

        g_assert_cmpint(sparse_copy(from, full), ==, -ENOSPC);
        g_assert_cmpint(sparse_copy(directory, to), ==, -EISDIR);
}

/* Complete, or not there. */
static void test_output_file(void)
{
        g_autofree char *dir = g_dir_make_tmp("shruthi-sparse-XXXXXX", NULL),
                        *path = g_build_filename(dir, "out", NULL), *text = NULL;
        _cleanup_close_ int from = new_source(64 * KIB), made = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;
        struct stat st;
        GDir *left;

        g_assert_true(g_file_set_contents(path, "old", 3, NULL));
        {
                _cleanup_volume_file_ VolumeFile file = VOLUME_FILE_INIT;

                g_assert_cmpint(volume_file_create(path, &file, &error), ==, 0);
                g_assert_cmpint(volume_file_fill(&file, from, &error), ==, 0);
        }
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_assert_cmpstr(text, ==, "old");

        g_assert_cmpint(lseek(from, 0, SEEK_SET), ==, 0);
        {
                _cleanup_volume_file_ VolumeFile file = VOLUME_FILE_INIT;

                g_assert_cmpint(volume_file_create(path, &file, &error), ==, 0);
                g_assert_cmpint(volume_file_fill(&file, from, &error), ==, 0);
                g_assert_cmpint(volume_file_commit(&file, &error), ==, 0);
        }
        made = open(path, O_RDONLY | O_CLOEXEC);
        assert_same(from, made, 64 * KIB);
        g_assert_cmpint(fstat(made, &st), ==, 0);
        g_assert_cmpuint(st.st_mode & 07777, ==, 0600);

        left = g_dir_open(dir, 0, NULL);
        g_assert_cmpstr(g_dir_read_name(left), ==, "out");
        g_assert_null(g_dir_read_name(left));
        g_dir_close(left);
        g_assert_cmpint(g_unlink(path), ==, 0);
        g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void test_output_refusals(void)
{
        _cleanup_volume_file_ VolumeFile file = VOLUME_FILE_INIT;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(volume_file_create("/nothere/out", &file, &error), ==, -ENOENT);
        g_assert_nonnull(strstr(error.message, "/nothere/out"));
        g_assert_cmpint(volume_file_create("/tmp", &file, &error), ==, -EISDIR);
        /* What is no file stays what it is. */
        g_assert_cmpint(volume_file_create("/dev/null", &file, &error), ==, 0);
        g_assert_null(file.temporary);
        g_assert_cmpint(volume_file_commit(&file, &error), ==, 0);
}

static void test_input(void)
{
        static const struct {
                const char *path, *word;
        } bad[] = {{"/", "a directory"}, {"/dev/null", "a device"}, {"/nothere", "No such file"}};
        g_autofree char *path = g_build_filename(g_get_tmp_dir(), "shruthi-volume-XXXXXX", NULL);
        _cleanup_close_ int written = g_mkstemp(path), fd = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_assert_cmpint(volume_file_open(bad[i].path, &fd, &error), <, 0);
                g_assert_nonnull(strstr(error.message, bad[i].word));
                g_assert_cmpint(fd, ==, -EBADF);
        }
        g_assert_cmpint(volume_file_open(path, &fd, &error), ==, 0);
        g_assert_cmpint(fcntl(fd, F_GETFL) & O_ACCMODE, ==, O_RDONLY);
        g_assert_cmpint(g_unlink(path), ==, 0);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ctl/sparse/files-keep-their-holes", test_files);
        g_test_add_func("/ctl/sparse/nothing-is-nothing", test_empty);
        g_test_add_func("/ctl/sparse/begins-where-it-stands", test_rest);
        g_test_add_func("/ctl/sparse/overwrites-with-zeros", test_over_old_content);
        g_test_add_func("/ctl/sparse/appends", test_append);
        g_test_add_func("/ctl/sparse/through-a-pipe", test_pipe);
        g_test_add_func("/ctl/sparse/says-what-fails", test_errors);
        g_test_add_func("/ctl/volume-file/complete-or-not-there", test_output_file);
        g_test_add_func("/ctl/volume-file/refuses-what-cannot-be-written", test_output_refusals);
        g_test_add_func("/ctl/volume-file/refuses-what-cannot-be-read", test_input);
        return g_test_run();
}
