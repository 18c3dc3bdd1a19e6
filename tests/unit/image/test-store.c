/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is in the store is what its name says, whole, once, and closed to everybody else; whatever fails leaves
 * nothing behind; and no change of a file is overlooked. */

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "image/digest.h"
#include "image/stamp.h"
#include "image/store.h"

/* echo -n abc | sha256sum */
#define ABC "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OTHER "sha256:0000000000000000000000000000000000000000000000000000000000000000"

typedef struct Fixture {
        char *dir;
        char *file; /* a source outside of the store */
} Fixture;

static void remove_tree(const char *path)
{
        const char *argv[] = {"rm", "-rf", "--", path, NULL};

        g_assert_true(g_spawn_sync(NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                        NULL));
}

static void set_up(Fixture *f, const void *data)
{
        f->dir = g_dir_make_tmp("shruthi-store-XXXXXX", NULL);
        g_assert_nonnull(f->dir);
        f->file = g_build_filename(f->dir, "source", NULL);
        paths_set_root(f->dir);
        g_assert_cmpint(g_mkdir_with_parents(paths_images(), 02750), ==, 0);
}

static void tear_down(Fixture *f, const void *data)
{
        paths_set_root(NULL);
        remove_tree(f->dir);
        g_free(f->file);
        g_free(f->dir);
}

static void file_put(const char *path, const char *text)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(write_all(fd, text, strlen(text)), ==, 0);
}

/* Writes into the file as it is (same inode), after making it writable. */
static void file_overwrite(const char *path, const char *text)
{
        _cleanup_close_ int fd = -EBADF;

        g_assert_cmpint(chmod(path, 0640), ==, 0);
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(write_all(fd, text, strlen(text)), ==, 0);
}

/* Makes the file look as if it had not been written for a minute: mtime by itself, ctime by making the stamp's rule
 * believe that hashing happened later, which is what waiting would do. */
static void stamp_let_age(const char *dir_name, const char *name)
{
        g_autofree char *dir = g_build_filename(paths_images(), dir_name, NULL);
        _cleanup_stamp_ Stamp stamp = {};

        g_assert_cmpint(stamp_read(dir, name, &stamp), ==, 0);
        stamp.hashed += 60 * INT64_C(1000000000);
        g_assert_cmpint(stamp_write(dir, name, &stamp), ==, 0);
}

static char *path_stamp_name(const char *path)
{
        g_autofree char *digest = digest_of_text(path);

        return g_strdup(digest + strlen("sha256:"));
}

static char *import_text(const Fixture *f, const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;
        char *digest = NULL;

        file_put(f->file, text);
        fd = open(f->file, O_RDONLY | O_CLOEXEC);
        g_assert_cmpint(store_import(fd, NULL, NULL, &digest, &error), ==, 0);
        return digest;
}

static int name_compare(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The names in the store's directory, sorted, without the memories. */
static char *store_names(void)
{
        g_autoptr(GDir) dir = g_dir_open(paths_images(), 0, NULL);
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        const char *name;

        while ((name = g_dir_read_name(dir)))
                if (strcmp(name, ".verified") != 0 && strcmp(name, ".paths") != 0)
                        g_ptr_array_add(names, g_strdup(name));
        g_ptr_array_sort(names, name_compare);
        g_ptr_array_add(names, NULL);
        return g_strjoinv(" ", (char **) names->pdata);
}

#define assert_store_holds(expected)                                                                           \
        G_STMT_START                                                                                           \
        {                                                                                                      \
                g_autofree char *_names = store_names();                                                       \
                g_assert_cmpstr(_names, ==, expected);                                                         \
        }                                                                                                      \
        G_STMT_END

static void assert_refused(int r, Error *error, ErrorCode code, const char *part)
{
        g_assert_cmpint(r, ==, error_code_to_errno(code));
        g_assert_cmpint(error->code, ==, code);
        g_assert_nonnull(strstr(error->message, part));
        error_clear(error);
}

static void test_keeps_content_under_its_digest(Fixture *f, const void *data)
{
        g_autofree char *digest = import_text(f, "abc"), *path = store_path(ABC), *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct stat st, dir;

        g_assert_cmpstr(digest, ==, ABC);
        assert_store_holds(ABC + strlen("sha256:"));
        g_assert_null(strchr(path, ' '));
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpint(stat(paths_images(), &dir), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0440);
        g_assert_cmpint(st.st_gid, ==, dir.st_gid);

        g_assert_cmpint(store_open(ABC, &fd, NULL), ==, 0);
        g_assert_cmpint(fd_read_all(fd, 100, &text, NULL), ==, 0);
        g_assert_cmpstr(text, ==, "abc");
}

static void test_keeps_the_same_content_once(Fixture *f, const void *data)
{
        g_autofree char *path = store_path(ABC), *first = import_text(f, "abc"), *second = NULL;
        struct stat before, after;

        g_assert_cmpint(stat(path, &before), ==, 0);
        second = import_text(f, "abc");
        g_assert_cmpstr(first, ==, second);
        g_assert_cmpint(stat(path, &after), ==, 0);
        g_assert_cmpint(before.st_ino, ==, after.st_ino);
        assert_store_holds(ABC + strlen("sha256:"));
}

/* The position of a caller's descriptor is shared with the caller. */
static void test_ignores_the_descriptors_position(Fixture *f, const void *data)
{
        g_autofree char *digest = NULL;
        _cleanup_close_ int fd = -EBADF;

        file_put(f->file, "abc");
        fd = open(f->file, O_RDONLY | O_CLOEXEC);
        g_assert_cmpint(lseek(fd, 2, SEEK_SET), ==, 2);
        g_assert_cmpint(store_import(fd, ABC, NULL, &digest, NULL), ==, 0);
        g_assert_cmpstr(digest, ==, ABC);
        g_assert_cmpint(lseek(fd, 0, SEEK_CUR), ==, 2);
}

/* Larger than any buffer, so that the parts are put together right, and from a memfd, as a client may send one. */
static void test_takes_large_and_memory_files(Fixture *f, const void *data)
{
        size_t size = 3 * DIGEST_BUFFER_SIZE + 17;
        g_autofree uint8_t *bytes = g_malloc(size);
        g_autofree char *digest = NULL, *expected = NULL, *sum = NULL;
        _cleanup_close_ int fd = memfd_create("image", MFD_CLOEXEC);

        for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t) (i * 7 + i / 251);
        g_assert_cmpint(write_all(fd, bytes, size), ==, 0);
        sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, size);
        expected = g_strconcat("sha256:", sum, NULL);

        g_assert_cmpint(store_import(fd, NULL, NULL, &digest, NULL), ==, 0);
        g_assert_cmpstr(digest, ==, expected);
        g_assert_cmpint(store_verify(digest, NULL), ==, 0);
}

static void test_refuses_another_digest_than_demanded(Fixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *digest = NULL;
        _cleanup_close_ int fd = -EBADF;

        file_put(f->file, "abc");
        fd = open(f->file, O_RDONLY | O_CLOEXEC);
        assert_refused(store_import(fd, OTHER, NULL, &digest, &error), &error, ERROR_DIGEST_MISMATCH,
                        "The image is " ABC ", not " OTHER);
        assert_refused(store_import(fd, "sha1:abc", NULL, &digest, &error), &error, ERROR_INVALID_ARGS,
                        "\"sha1:abc\" is no digest");
        g_assert_null(digest);
        assert_store_holds("");
}

static void test_refuses_what_is_no_regular_file(Fixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *digest = NULL;
        int pipe_fds[2], fd;

        g_assert_cmpint(pipe(pipe_fds), ==, 0);
        assert_refused(store_import(pipe_fds[0], NULL, NULL, &digest, &error), &error, ERROR_INVALID_IMAGE,
                        "no regular file");
        close(pipe_fds[0]);
        close(pipe_fds[1]);

        fd = open(f->dir, O_RDONLY | O_CLOEXEC);
        assert_refused(store_import(fd, NULL, NULL, &digest, &error), &error, ERROR_INVALID_IMAGE, "no regular file");
        close(fd);

        fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        assert_refused(store_import(fd, NULL, NULL, &digest, &error), &error, ERROR_INVALID_IMAGE, "no regular file");
        close(fd);

        /* Says that it is a regular file of size 0, and has content all the same. */
        fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
        assert_refused(store_import(fd, NULL, NULL, &digest, &error), &error, ERROR_INVALID_IMAGE, "empty");
        close(fd);

        g_assert_cmpint(store_import(-1, NULL, NULL, &digest, &error), ==, -EBADF);
        assert_store_holds("");
}

static void test_refuses_what_cannot_be_read(Fixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *digest = NULL;
        int fd;

        file_put(f->file, "abc");
        fd = open(f->file, O_WRONLY | O_CLOEXEC);
        assert_refused(store_import(fd, NULL, NULL, &digest, &error), &error, ERROR_INVALID_ARGS, "not open for reading");
        close(fd);
        fd = open(f->file, O_PATH | O_CLOEXEC);
        assert_refused(store_import(fd, NULL, NULL, &digest, &error), &error, ERROR_INVALID_ARGS, "not open for reading");
        close(fd);
        assert_store_holds("");
}

static void test_refuses_too_large_an_image(Fixture *f, const void *data)
{
        const StoreLimits limits = {.image_size = 3, .store_size = UINT64_MAX};
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *digest = NULL;
        _cleanup_close_ int fd = -EBADF;

        file_put(f->file, "abc");
        fd = open(f->file, O_RDWR | O_CLOEXEC);
        g_assert_cmpint(store_import(fd, NULL, &limits, &digest, &error), ==, 0);
        g_assert_cmpint(ftruncate(fd, 4), ==, 0);
        g_clear_pointer(&digest, g_free);
        assert_refused(store_import(fd, NULL, &limits, &digest, &error), &error, ERROR_LIMIT_EXCEEDED,
                        "The image has 4B, more than the 3B");
        assert_store_holds(ABC + strlen("sha256:"));
}

/* What is stored already needs no room. */
static void test_refuses_what_does_not_fit_into_the_store(Fixture *f, const void *data)
{
        const StoreLimits limits = {.image_size = 100, .store_size = 5};
        g_autofree char *first = import_text(f, "abc"), *digest = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = open(f->file, O_RDWR | O_CLOEXEC);

        g_assert_cmpint(store_import(fd, NULL, &limits, &digest, &error), ==, 0);
        g_clear_pointer(&digest, g_free);
        g_assert_cmpint(pwrite(fd, "xyz", 3, 0), ==, 3);
        assert_refused(store_import(fd, NULL, &limits, &digest, &error), &error, ERROR_LIMIT_EXCEEDED,
                        "does not fit into the store, which holds 3B of at most 5B");
        g_assert_cmpint(ftruncate(fd, 2), ==, 0);
        g_assert_cmpint(store_import(fd, NULL, &limits, &digest, &error), ==, 0);
}

/* The disk is full in the midst of writing; here by the limit on a file's size, which writes meet in the same way. */
static void test_leaves_nothing_when_writing_fails(Fixture *f, const void *data)
{
        struct rlimit old, small = {.rlim_cur = DIGEST_BUFFER_SIZE, .rlim_max = RLIM_INFINITY};
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *digest = NULL;
        _cleanup_close_ int fd = memfd_create("image", MFD_CLOEXEC);

        g_assert_cmpint(ftruncate(fd, 2 * DIGEST_BUFFER_SIZE), ==, 0);
        g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
        small.rlim_max = old.rlim_max;
        signal(SIGXFSZ, SIG_IGN);
        g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
        g_assert_cmpint(store_import(fd, NULL, NULL, &digest, &error), ==, -EFBIG);
        g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
        signal(SIGXFSZ, SIG_DFL);

        g_assert_nonnull(strstr(error.message, "Cannot write the image (512K) into "));
        g_assert_null(digest);
        assert_store_holds("");
}

typedef struct Writer {
        int fd;
        off_t size;
        gint started, stop;
} Writer;

/* Writes without end; the time is set by hand, so that every write shows whatever the kernel's clock ticks. */
static void *write_thread(void *data)
{
        Writer *writer = data;

        for (time_t i = 0; !g_atomic_int_get(&writer->stop); i++) {
                const struct timespec times[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};

                g_assert_cmpint(ftruncate(writer->fd, writer->size - i % 2), ==, 0);
                g_assert_cmpint(futimens(writer->fd, times), ==, 0);
                g_atomic_int_set(&writer->started, 1);
        }

        return NULL;
}

/* What is half written must not become an image. */
static void test_refuses_a_file_that_is_being_written(Fixture *f, const void *data)
{
        _cleanup_close_ int fd = memfd_create("image", MFD_CLOEXEC);
        Writer writer = {.fd = fd, .size = 16 * 1024 * 1024};
        GThread *thread = g_thread_new("writer", write_thread, &writer);
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *digest = NULL;

        while (!g_atomic_int_get(&writer.started))
                g_thread_yield();
        for (int i = 0; i < 5; i++)
                assert_refused(store_import(fd, NULL, NULL, &digest, &error), &error, ERROR_BUSY,
                                "was changed while it was read: try again when it is written completely");
        g_atomic_int_set(&writer.stop, 1);
        g_thread_join(thread);
        assert_store_holds("");
}

static void test_says_when_the_store_is_not_there(Fixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(GPtrArray) entries = NULL;
        g_autofree char *digest = NULL;
        _cleanup_close_ int fd = -EBADF;

        remove_tree(paths_images());
        file_put(f->file, "abc");
        fd = open(f->file, O_RDONLY | O_CLOEXEC);
        g_assert_cmpint(store_import(fd, NULL, NULL, &digest, &error), ==, -ENOENT);
        g_assert_nonnull(strstr(error.message, "`systemd-tmpfiles --create` makes it"));
        g_assert_cmpint(store_remove(ABC, &error), ==, -ENOENT);
        g_assert_nonnull(strstr(error.message, "`systemd-tmpfiles --create` makes it"));
        g_assert_cmpint(store_list(&entries, &error), ==, error_code_to_errno(ERROR_FAILED));
        store_clean();
}

static void *import_thread(void *data)
{
        const Fixture *f = data;
        g_autofree char *digest = NULL;
        _cleanup_close_ int fd = open(f->file, O_RDONLY | O_CLOEXEC);

        for (int i = 0; i < 20; i++) {
                g_clear_pointer(&digest, g_free);
                g_assert_cmpint(store_import(fd, ABC, NULL, &digest, NULL), ==, 0);
                g_assert_cmpint(store_verify(digest, NULL), ==, 0);
        }

        return NULL;
}

static void test_concurrent_imports_do_no_harm(Fixture *f, const void *data)
{
        GThread *threads[4];

        file_put(f->file, "abc");
        for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
                threads[i] = g_thread_new("import", import_thread, f);
        for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
                g_thread_join(threads[i]);
        assert_store_holds(ABC + strlen("sha256:"));
}

static void test_finds_a_changed_image(Fixture *f, const void *data)
{
        g_autofree char *digest = import_text(f, "abc"), *path = store_path(ABC), *again = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(store_verify(ABC, &error), ==, 0);
        stamp_let_age(".verified", ABC + strlen("sha256:"));
        g_assert_cmpint(store_verify(ABC, &error), ==, 0);

        file_overwrite(path, "xyz");
        assert_refused(store_verify(ABC, &error), &error, ERROR_INVALID_IMAGE, "was changed, its content is now sha256:");

        /* Importing the original again heals it. */
        again = import_text(f, "abc");
        g_assert_cmpint(store_verify(ABC, &error), ==, 0);
}

/* Same size, and mtime put back: the ctime tells. */
static void test_finds_a_change_with_restored_times(Fixture *f, const void *data)
{
        g_autofree char *digest = import_text(f, "abc"), *path = store_path(ABC);
        _cleanup_error_ Error error = ERROR_INIT;
        struct timespec times[2];
        struct stat st;

        stamp_let_age(".verified", ABC + strlen("sha256:"));
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_usleep(20 * 1000); /* more than a tick of the kernel's clock */
        file_overwrite(path, "abd");
        times[0] = st.st_atim;
        times[1] = st.st_mtim;
        g_assert_cmpint(utimensat(AT_FDCWD, path, times, 0), ==, 0);
        assert_refused(store_verify(ABC, &error), &error, ERROR_INVALID_IMAGE, "was changed");
}

/* The proof that verifying is cheap is that it does not read: the content is wrong and the stamp says otherwise. */
static void test_believes_a_stamp_that_fits(Fixture *f, const void *data)
{
        g_autofree char *digest = import_text(f, "abc"), *path = store_path(ABC);
        g_autofree char *dir = g_build_filename(paths_images(), ".verified", NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_stamp_ Stamp stamp = {};
        struct stat st;

        file_overwrite(path, "xyz");
        g_assert_cmpint(stat(path, &st), ==, 0);
        stamp = stamp_make(&st, stamp_now() + STAMP_RACY_NSEC, ABC);
        g_assert_cmpint(stamp_write(dir, ABC + strlen("sha256:"), &stamp), ==, 0);
        g_assert_cmpint(store_verify(ABC, &error), ==, 0);

        /* Hashed too soon after the last change: not believed. */
        stamp.hashed = MAX(stamp.modified, stamp.changed) + STAMP_RACY_NSEC - 1;
        g_assert_cmpint(stamp_write(dir, ABC + strlen("sha256:"), &stamp), ==, 0);
        assert_refused(store_verify(ABC, &error), &error, ERROR_INVALID_IMAGE, "was changed");
}

static void test_ignores_a_damaged_stamp(Fixture *f, const void *data)
{
        static const char *const texts[] = {
                "", "\n", "shruthi-stamp-1", "shruthi-stamp-1 1 2 3 4 5 6 " ABC " 8\n",
                "shruthi-stamp-1 -1 2 3 4 5 6 " ABC "\n", "shruthi-stamp-1 1 2 3 4 5 9223372036854775807 " ABC "\n",
                "shruthi-stamp-1 1 2 3 4 5 6 sha256:abc\n", "shruthi-stamp-2 1 2 3 4 5 6 " ABC "\n",
        };
        g_autofree char *digest = import_text(f, "abc");
        g_autofree char *dir = g_build_filename(paths_images(), ".verified", NULL);
        g_autofree char *file = g_build_filename(dir, ABC + strlen("sha256:"), NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                _cleanup_stamp_ Stamp stamp = {};

                file_put(file, texts[i]);
                g_assert_cmpint(stamp_read(dir, ABC + strlen("sha256:"), &stamp), ==, -ENOENT);
                g_assert_cmpint(store_verify(ABC, NULL), ==, 0);
        }
}

static void test_knows_what_it_does_not_have(Fixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *path = store_path(ABC);
        int fd = -1;

        assert_refused(store_open(ABC, &fd, &error), &error, ERROR_NO_SUCH_IMAGE, "There is no image " ABC);
        assert_refused(store_verify(ABC, &error), &error, ERROR_NO_SUCH_IMAGE, "There is no image " ABC);
        assert_refused(store_remove(ABC, &error), &error, ERROR_NO_SUCH_IMAGE, "There is no image " ABC);
        assert_refused(store_open("sha256:../../etc/passwd", &fd, &error), &error, ERROR_INVALID_ARGS, "is no digest");
        assert_refused(store_remove("x", &error), &error, ERROR_INVALID_ARGS, "is no digest");
        g_assert_null(store_path("sha256:../x"));
        g_assert_cmpint(fd, ==, -1);

        /* Nothing of ours puts links there, so none is followed. */
        g_assert_cmpint(symlink("/dev/zero", path), ==, 0);
        assert_refused(store_open(ABC, &fd, &error), &error, ERROR_INVALID_IMAGE, "no regular file");
        g_assert_cmpint(store_remove(ABC, &error), ==, 0);
        assert_store_holds("");
}

static void test_lists_images_alone(Fixture *f, const void *data)
{
        g_autofree char *one = import_text(f, "abc"), *two = import_text(f, "xyz12"), *stray = NULL;
        g_autoptr(GPtrArray) entries = NULL;
        const StoreEntry *first, *second;

        stray = g_build_filename(paths_images(), "README", NULL);
        file_put(stray, "x");
        g_assert_cmpint(store_list(&entries, NULL), ==, 0);
        g_assert_cmpuint(entries->len, ==, 2);
        first = g_ptr_array_index(entries, 0);
        second = g_ptr_array_index(entries, 1);
        g_assert_cmpstr(first->digest, <, second->digest);
        g_assert_cmpstr(second->digest, ==, ABC);
        g_assert_cmpuint(second->size, ==, 3);
        g_assert_cmpuint(first->size, ==, 5);
        g_assert_cmpuint(second->added / G_USEC_PER_SEC + 60, >, (uint64_t) g_get_real_time() / G_USEC_PER_SEC);
        g_assert_cmpuint(second->added, <=, (uint64_t) g_get_real_time());
}

static void test_cleans_up_after_imports_that_were_cut_off(Fixture *f, const void *data)
{
        g_autofree char *digest = import_text(f, "abc"), *path_digest = NULL;
        g_autofree char *old = g_build_filename(paths_images(), ".import-OLD", NULL);
        g_autofree char *young = g_build_filename(paths_images(), ".import-YOUNG", NULL);
        g_autofree char *name = path_stamp_name(f->file);
        g_autofree char *stamp = g_build_filename(paths_images(), ".paths", name, NULL);
        const struct timespec hour_ago[2] = {{.tv_sec = time(NULL) - 3700}, {.tv_sec = time(NULL) - 3700}};

        file_put(old, "x");
        file_put(young, "x");
        g_assert_cmpint(utimensat(AT_FDCWD, old, hour_ago, 0), ==, 0);
        g_assert_cmpint(store_import_path(f->file, NULL, &path_digest, NULL), ==, 0);

        store_clean();
        g_assert_false(g_file_test(old, G_FILE_TEST_EXISTS));
        g_assert_true(g_file_test(young, G_FILE_TEST_EXISTS));
        g_assert_true(g_file_test(stamp, G_FILE_TEST_EXISTS));

        g_assert_cmpint(store_remove(digest, NULL), ==, 0);
        store_clean();
        g_assert_false(g_file_test(stamp, G_FILE_TEST_EXISTS));
}

static void test_takes_a_path_and_sees_its_changes(Fixture *f, const void *data)
{
        g_autofree char *name = path_stamp_name(f->file), *digest = NULL, *found = NULL, *changed = NULL, *back = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        struct timespec times[2];
        struct stat before, after;

        g_assert_cmpint(store_lookup_path(f->file, &found), ==, -ENOENT);
        file_put(f->file, "abc");
        g_assert_cmpint(stat(f->file, &before), ==, 0);
        g_assert_cmpint(store_import_path(f->file, NULL, &digest, &error), ==, 0);
        g_assert_cmpstr(digest, ==, ABC);
        g_assert_cmpint(store_lookup_path(f->file, &found), ==, 0);
        g_assert_cmpstr(found, ==, ABC);

        /* The file itself is never touched. */
        g_assert_cmpint(stat(f->file, &after), ==, 0);
        g_assert_cmpint(before.st_mode, ==, after.st_mode);
        g_assert_cmpint(before.st_ctim.tv_nsec, ==, after.st_ctim.tv_nsec);

        stamp_let_age(".paths", name);
        g_usleep(20 * 1000);
        file_overwrite(f->file, "xyz");
        times[0] = before.st_atim;
        times[1] = before.st_mtim;
        g_assert_cmpint(utimensat(AT_FDCWD, f->file, times, 0), ==, 0);
        g_assert_cmpint(store_import_path(f->file, NULL, &changed, &error), ==, 0);
        g_assert_cmpstr(changed, !=, ABC);

        /* The path is remembered, the image was removed: taken in again. */
        stamp_let_age(".paths", name);
        g_assert_cmpint(store_remove(changed, &error), ==, 0);
        g_assert_cmpint(store_import_path(f->file, NULL, &back, &error), ==, 0);
        g_assert_cmpstr(back, ==, changed);
        g_assert_cmpint(store_verify(back, &error), ==, 0);
}

/* The proof that an unchanged file costs nothing is that it is not read. */
static void test_believes_a_path_that_did_not_change(Fixture *f, const void *data)
{
        g_autofree char *name = path_stamp_name(f->file), *first = import_text(f, "abc"), *digest = NULL;
        g_autofree char *dir = g_build_filename(paths_images(), ".paths", NULL);
        _cleanup_stamp_ Stamp stamp = {};
        struct stat st;

        file_put(f->file, "xyz");
        g_assert_cmpint(stat(f->file, &st), ==, 0);
        stamp = stamp_make(&st, stamp_now() + STAMP_RACY_NSEC, ABC);
        g_assert_cmpint(stamp_write(dir, name, &stamp), ==, 0);
        g_assert_cmpint(store_import_path(f->file, NULL, &digest, NULL), ==, 0);
        g_assert_cmpstr(digest, ==, ABC);
}

static void test_follows_a_link_that_a_definition_names(Fixture *f, const void *data)
{
        g_autofree char *link = g_build_filename(f->dir, "current", NULL), *digest = NULL;

        file_put(f->file, "abc");
        g_assert_cmpint(symlink("source", link), ==, 0);
        g_assert_cmpint(store_import_path(link, NULL, &digest, NULL), ==, 0);
        g_assert_cmpstr(digest, ==, ABC);
}

static void test_says_why_a_path_cannot_be_read(Fixture *f, const void *data)
{
        g_autofree char *fifo = g_build_filename(f->dir, "fifo", NULL), *digest = NULL;
        g_autofree char *missing = g_build_filename(f->dir, "a\nb", NULL);
        g_autofree char *sentence = g_strdup_printf("as user %s: there is no such file", g_get_user_name());
        const StoreLimits limits = {.image_size = 2, .store_size = UINT64_MAX};
        _cleanup_error_ Error error = ERROR_INIT;

        assert_refused(store_import_path(missing, NULL, &digest, &error), &error, ERROR_NO_SUCH_IMAGE, sentence);
        assert_refused(store_import_path("/home/nobody-of-that-name/x.virtio", NULL, &digest, &error), &error,
                        ERROR_FAILED, "services see nothing in home directories");
        assert_refused(store_import_path(f->dir, NULL, &digest, &error), &error, ERROR_INVALID_IMAGE,
                        "no regular file");

        /* A FIFO must not hold us up. */
        g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
        assert_refused(store_import_path(fifo, NULL, &digest, &error), &error, ERROR_INVALID_IMAGE, "no regular file");

        file_put(f->file, "abc");
        assert_refused(store_import_path(f->file, &limits, &digest, &error), &error, ERROR_LIMIT_EXCEEDED, f->file);
        if (geteuid() != 0) {
                g_assert_cmpint(chmod(f->file, 0), ==, 0);
                assert_refused(store_import_path(f->file, NULL, &digest, &error), &error, ERROR_FAILED,
                                "permission denied. Let that user read it");
        }
        g_assert_null(digest);
        assert_store_holds("");
}

#define ADD(path, function) g_test_add("/image/store/" path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        umask(022);
        ADD("keeps-content-under-its-digest", test_keeps_content_under_its_digest);
        ADD("keeps-the-same-content-once", test_keeps_the_same_content_once);
        ADD("ignores-the-descriptors-position", test_ignores_the_descriptors_position);
        ADD("takes-large-and-memory-files", test_takes_large_and_memory_files);
        ADD("refuses-another-digest-than-demanded", test_refuses_another_digest_than_demanded);
        ADD("refuses-what-is-no-regular-file", test_refuses_what_is_no_regular_file);
        ADD("refuses-what-cannot-be-read", test_refuses_what_cannot_be_read);
        ADD("refuses-too-large-an-image", test_refuses_too_large_an_image);
        ADD("refuses-what-does-not-fit-into-the-store", test_refuses_what_does_not_fit_into_the_store);
        ADD("leaves-nothing-when-writing-fails", test_leaves_nothing_when_writing_fails);
        ADD("refuses-a-file-that-is-being-written", test_refuses_a_file_that_is_being_written);
        ADD("says-when-the-store-is-not-there", test_says_when_the_store_is_not_there);
        ADD("concurrent-imports-do-no-harm", test_concurrent_imports_do_no_harm);
        ADD("finds-a-changed-image", test_finds_a_changed_image);
        ADD("finds-a-change-with-restored-times", test_finds_a_change_with_restored_times);
        ADD("believes-a-stamp-that-fits", test_believes_a_stamp_that_fits);
        ADD("ignores-a-damaged-stamp", test_ignores_a_damaged_stamp);
        ADD("knows-what-it-does-not-have", test_knows_what_it_does_not_have);
        ADD("lists-images-alone", test_lists_images_alone);
        ADD("cleans-up-after-imports-that-were-cut-off", test_cleans_up_after_imports_that_were_cut_off);
        ADD("takes-a-path-and-sees-its-changes", test_takes_a_path_and_sees_its_changes);
        ADD("believes-a-path-that-did-not-change", test_believes_a_path_that_did_not_change);
        ADD("follows-a-link-that-a-definition-names", test_follows_a_link_that_a_definition_names);
        ADD("says-why-a-path-cannot-be-read", test_says_why_a_path_cannot_be_read);
        return g_test_run();
}
