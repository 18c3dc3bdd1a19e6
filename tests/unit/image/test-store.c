/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is in the store is what its name says, whole, once, and closed to everybody else; whatever fails
 * leaves nothing behind. */

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "fixture/files.h"
#include "image/digest.h"
#include "image/store.h"
#include "store-fixture.h"

static void test_keeps_content_under_its_digest(StoreFixture *f, const void *data)
{
        g_autofree char *digest = import_text(f, "abc"), *path = store_path(ABC), *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct stat st, dir;

        g_assert_cmpstr(digest, ==, ABC);
        assert_store_holds(ABC_HEX);
        g_assert_null(strchr(path, ' '));
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpint(stat(paths_images(), &dir), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0440);
        g_assert_cmpint(st.st_gid, ==, dir.st_gid);

        g_assert_cmpint(store_open(ABC, &fd, NULL), ==, 0);
        g_assert_cmpint(fd_read_all(fd, 100, &text, NULL), ==, 0);
        g_assert_cmpstr(text, ==, "abc");
}

static void test_keeps_the_same_content_once(StoreFixture *f, const void *data)
{
        g_autofree char *path = store_path(ABC), *first = import_text(f, "abc"), *second = NULL;
        struct stat before, after;

        g_assert_cmpint(stat(path, &before), ==, 0);
        second = import_text(f, "abc");
        g_assert_cmpstr(first, ==, second);
        g_assert_cmpint(stat(path, &after), ==, 0);
        g_assert_cmpint(before.st_ino, ==, after.st_ino);
        assert_store_holds(ABC_HEX);
}

/* The position of a caller's descriptor is shared with the caller. */
static void test_ignores_the_descriptors_position(StoreFixture *f, const void *data)
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

/* Larger than any buffer, so that the parts are put together right, and from a memfd, as a client may send
 * one. */
static void test_takes_large_and_memory_files(StoreFixture *f, const void *data)
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

/* What an image is said to be is of one moment: a file that grows or shrinks meanwhile is hashed no further
 * than it was, and nobody is waited for who has disconnected. */
static void test_examines_no_more_than_there_was(StoreFixture *f, const void *data)
{
        g_autofree char *digest = NULL, *examined = NULL;
        _cleanup_image_info_ ImageInfo *info = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;
        const int stop = 1;
        uint64_t size;

        file_put(f->file, "abcdef");
        fd = open(f->file, O_RDONLY | O_CLOEXEC);
        g_assert_cmpint(digest_of_fd(fd, 3, NULL, &digest), ==, 0);
        g_assert_cmpstr(digest, ==, ABC);
        g_assert_cmpint(digest_of_fd(fd, 7, NULL, &examined), ==, -ENODATA);
        g_assert_cmpint(digest_of_fd(fd, 6, &stop, &examined), ==, -ECANCELED);
        g_assert_null(examined);

        assert_refused(image_examine(fd, UINT64_MAX, &stop, &size, &examined, &info, &error), &error,
                        ERROR_CANCELED, "has disconnected");
        assert_refused(image_examine(fd, 5, NULL, &size, &examined, &info, &error), &error,
                        ERROR_LIMIT_EXCEEDED, "ImageSizeMax=");
        file_put(f->file, "abc");
        g_assert_cmpint(image_examine(fd, 5, NULL, &size, &examined, &info, &error), ==, 0);
        g_assert_cmpstr(examined, ==, ABC);
        g_assert_cmpuint(size, ==, 3);
        g_assert_nonnull(info->problem);
}

static int import_for(StoreFixture *f, const char *text, const StoreLimits *limits, char **ret_digest,
                Error *error)
{
        _cleanup_close_ int fd = -EBADF;

        file_put(f->file, text);
        fd = open(f->file, O_RDONLY | O_CLOEXEC);
        return store_import(fd, NULL, limits, ret_digest, error);
}

/* Nobody fills the store alone; what two have taken in counts for both, and what is gone for nobody. */
static void test_counts_for_who_took_it_in(StoreFixture *f, const void *data)
{
        StoreLimits alice = {.image_size = 100, .store_size = 100, .user = 1000, .user_size = 5};
        StoreLimits bob = alice;
        g_autofree char *first = NULL, *second = NULL, *again = NULL, *his = NULL, *refused = NULL;
        g_autofree char *once_more = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        uint64_t total;
        bool shared;

        bob.user = 1001;
        g_assert_cmpint(import_for(f, "abc", &alice, &first, &error), ==, 0);
        g_assert_cmpint(import_for(f, "abc", &alice, &again, &error), ==, 0);
        assert_refused(import_for(f, "def", &alice, &refused, &error), &error, ERROR_LIMIT_EXCEEDED,
                        "StoreSizeMaxPerUser=5B");
        assert_store_holds(ABC_HEX);
        g_assert_true(store_is_of(ABC, 1000, &shared));
        g_assert_false(shared);

        g_assert_cmpint(import_for(f, "abc", &bob, &his, &error), ==, 0);
        g_assert_true(store_is_of(ABC, 1000, &shared));
        g_assert_true(shared);
        g_assert_cmpint(store_total_of(1001, &total, &error), ==, 0);
        g_assert_cmpuint(total, ==, 3);

        g_assert_cmpint(store_disown(ABC, 1001, &error), ==, 0);
        g_assert_false(store_is_of(ABC, 1001, &shared));
        g_assert_true(shared);
        g_assert_true(store_is_of(ABC, 1000, &shared));
        g_assert_false(shared);
        g_assert_cmpint(import_for(f, "abc", &bob, &once_more, &error), ==, 0);
        g_assert_true(store_is_of(ABC, 1001, NULL));

        g_assert_cmpint(store_remove(ABC, &error), ==, 0);
        g_assert_false(store_is_of(ABC, 1000, NULL));
        g_assert_cmpint(import_for(f, "def", &alice, &second, &error), ==, 0);
        g_assert_cmpint(store_total_of(1001, &total, &error), ==, 0);
        g_assert_cmpuint(total, ==, 0);
}

/* What a power cut has disconnected of the record of an image that is gone, or of one in the making, is nobody's share. */
static void test_a_record_without_its_image_counts_for_nobody(StoreFixture *f, const void *data)
{
        StoreLimits bob = {.image_size = 100, .store_size = 100, .user = 1001, .user_size = 5};
        g_autofree char *owners = g_build_filename(paths_images(), ".owners", NULL), *half = NULL, *digest = NULL;
        g_autofree char *begun = g_build_filename(owners, "." ABC_HEX ".AbCd12", NULL);
        _cleanup_error_ Error error = ERROR_INIT;

        half = g_build_filename(owners, ABC_HEX, NULL);
        g_assert_cmpint(mkdir(owners, 0700), ==, 0);
        file_put(half, "1000\n");
        file_put(begun, "10");

        g_assert_cmpint(import_for(f, "abc", &bob, &digest, &error), ==, 0);
        g_assert_false(store_is_of(ABC, 1000, NULL));
        g_assert_true(store_is_of(ABC, 1001, NULL));
        g_assert_false(g_file_test(begun, G_FILE_TEST_EXISTS));
}

/* A file system that others write to is not filled up; what is there already takes nothing. */
static void test_leaves_room_on_the_file_system(StoreFixture *f, const void *data)
{
        StoreLimits limits = {.image_size = 100, .store_size = 100};
        g_autofree char *first = NULL, *again = NULL, *refused = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        g_assert_cmpint(import_for(f, "abc", &limits, &first, &error), ==, 0);
        limits.free_min = UINT64_MAX / 2;
        g_assert_cmpint(import_for(f, "abc", &limits, &again, &error), ==, 0);
        assert_refused(import_for(f, "def", &limits, &refused, &error), &error, ERROR_FAILED,
                        "FreeSpaceMin=");
        assert_store_holds(ABC_HEX);
}

/* An image that is mostly nothing takes as little room as it did. */
static void test_keeps_holes(StoreFixture *f, const void *data)
{
        _cleanup_close_ int fd = memfd_create("image", MFD_CLOEXEC);
        g_autofree char *digest = NULL, *path = NULL;
        struct stat st;

        g_assert_cmpint(ftruncate(fd, 8 << 20), ==, 0);
        g_assert_cmpint(pwrite(fd, "abc", 3, 4 << 20), ==, 3);
        g_assert_cmpint(store_import(fd, NULL, NULL, &digest, NULL), ==, 0);
        g_assert_cmpint(store_verify(digest, NULL), ==, 0);
        path = store_path(digest);
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpint(st.st_size, ==, 8 << 20);
        g_assert_cmpint(st.st_blocks * 512, <, 1 << 20);
}

static void test_refuses_another_digest_than_demanded(StoreFixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *digest = NULL;
        _cleanup_close_ int fd = -EBADF;

        file_put(f->file, "abc");
        fd = open(f->file, O_RDONLY | O_CLOEXEC);
        assert_refused(store_import(fd, OTHER, NULL, &digest, &error), &error, ERROR_DIGEST_MISMATCH,
                        "Image digest is " ABC ", expected " OTHER);
        assert_refused(store_import(fd, "sha1:abc", NULL, &digest, &error), &error, ERROR_INVALID_ARGS,
                        "\"sha1:abc\" is not a digest");
        g_assert_null(digest);
        assert_store_holds("");
}

static void test_refuses_what_is_no_regular_file(StoreFixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *digest = NULL;
        int pipe_fds[2], fd;

        g_assert_cmpint(pipe(pipe_fds), ==, 0);
        assert_refused(store_import(pipe_fds[0], NULL, NULL, &digest, &error), &error, ERROR_INVALID_IMAGE,
                        "not a regular file");
        close(pipe_fds[0]);
        close(pipe_fds[1]);

        fd = open(f->dir, O_RDONLY | O_CLOEXEC);
        assert_refused(store_import(fd, NULL, NULL, &digest, &error), &error, ERROR_INVALID_IMAGE,
                        "not a regular file");
        close(fd);

        fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        assert_refused(store_import(fd, NULL, NULL, &digest, &error), &error, ERROR_INVALID_IMAGE,
                        "not a regular file");
        close(fd);

        /* Says that it is a regular file of size 0, and has content all the same. */
        fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
        assert_refused(store_import(fd, NULL, NULL, &digest, &error), &error, ERROR_INVALID_IMAGE, "empty");
        close(fd);

        g_assert_cmpint(store_import(-1, NULL, NULL, &digest, &error), ==, -EBADF);
        assert_store_holds("");
}

static void test_refuses_what_cannot_be_read(StoreFixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *digest = NULL;
        int fd;

        file_put(f->file, "abc");
        fd = open(f->file, O_WRONLY | O_CLOEXEC);
        assert_refused(store_import(fd, NULL, NULL, &digest, &error), &error, ERROR_INVALID_ARGS,
                        "not open for reading");
        close(fd);
        fd = open(f->file, O_PATH | O_CLOEXEC);
        assert_refused(store_import(fd, NULL, NULL, &digest, &error), &error, ERROR_INVALID_ARGS,
                        "not open for reading");
        close(fd);
        assert_store_holds("");
}

static void test_refuses_too_large_an_image(StoreFixture *f, const void *data)
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
                        "The image has 4B, more than the maximum of 3B");
        assert_store_holds(ABC_HEX);
}

/* What is stored already needs no room. */
static void test_refuses_what_does_not_fit_into_the_store(StoreFixture *f, const void *data)
{
        const StoreLimits limits = {.image_size = 100, .store_size = 5};
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;
        g_autofree char *digest = NULL;

        import_only(f, "abc");
        fd = open(f->file, O_RDWR | O_CLOEXEC);
        g_assert_cmpint(store_import(fd, NULL, &limits, &digest, &error), ==, 0);
        g_clear_pointer(&digest, g_free);
        g_assert_cmpint(pwrite(fd, "xyz", 3, 0), ==, 3);
        assert_refused(store_import(fd, NULL, &limits, &digest, &error), &error, ERROR_LIMIT_EXCEEDED,
                        "does not fit into the store, which holds 3B of at most 5B");
        g_assert_cmpint(ftruncate(fd, 2), ==, 0);
        g_assert_cmpint(store_import(fd, NULL, &limits, &digest, &error), ==, 0);
}

/* The disk is full in the midst of writing; here by the limit on a file's size, which writes meet in the
 * same way. */
static void test_leaves_nothing_when_writing_fails(StoreFixture *f, const void *data)
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

/* Writes without end; the time is set by hand, so that every write shows whatever the kernel's clock
 * ticks. */
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
static void test_refuses_a_file_that_is_being_written(StoreFixture *f, const void *data)
{
        _cleanup_close_ int fd = memfd_create("image", MFD_CLOEXEC);
        Writer writer = {.fd = fd, .size = 16 * 1024 * 1024};
        GThread *thread = g_thread_new("writer", write_thread, &writer);
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        while (!g_atomic_int_get(&writer.started))
                g_thread_yield();
        /* On a busy machine the writer may rest for the whole of an import, which is right to succeed
         * then. */
        do {
                g_autofree char *digest = NULL;

                r = store_import(fd, NULL, NULL, &digest, &error);
                if (r >= 0)
                        g_assert_cmpint(store_remove(digest, NULL), ==, 0);
        } while (r >= 0);
        assert_refused(r, &error, ERROR_BUSY,
                        "changed while it was read: try again when it has been written completely");
        g_atomic_int_set(&writer.stop, 1);
        g_thread_join(thread);
        assert_store_holds("");
}

static void test_says_when_the_store_is_not_there(StoreFixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(GPtrArray) entries = NULL;
        g_autofree char *digest = NULL;
        _cleanup_close_ int fd = -EBADF;

        fixture_remove_tree(paths_images());
        file_put(f->file, "abc");
        fd = open(f->file, O_RDONLY | O_CLOEXEC);
        g_assert_cmpint(store_import(fd, NULL, NULL, &digest, &error), ==, -ENOENT);
        g_assert_nonnull(strstr(error.message, "`systemd-tmpfiles --create` creates it"));
        g_assert_cmpint(store_remove(ABC, &error), ==, -ENOENT);
        g_assert_nonnull(strstr(error.message, "`systemd-tmpfiles --create` creates it"));
        g_assert_cmpint(store_list(&entries, &error), ==, error_code_to_errno(ERROR_FAILED));
        store_clean();
}

static void *import_thread(void *data)
{
        const StoreFixture *f = data;
        g_autofree char *digest = NULL;
        _cleanup_close_ int fd = open(f->file, O_RDONLY | O_CLOEXEC);

        for (int i = 0; i < 20; i++) {
                g_clear_pointer(&digest, g_free);
                g_assert_cmpint(store_import(fd, ABC, NULL, &digest, NULL), ==, 0);
                g_assert_cmpint(store_verify(digest, NULL), ==, 0);
        }

        return NULL;
}

static void test_concurrent_imports_do_no_harm(StoreFixture *f, const void *data)
{
        GThread *threads[4];

        file_put(f->file, "abc");
        for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
                threads[i] = g_thread_new("import", import_thread, f);
        for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
                g_thread_join(threads[i]);
        assert_store_holds(ABC_HEX);
}

static void test_knows_what_it_does_not_have(StoreFixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *path = store_path(ABC);
        int fd = -1;

        assert_refused(store_open(ABC, &fd, &error), &error, ERROR_NO_SUCH_IMAGE, "There is no image " ABC);
        assert_refused(store_verify(ABC, &error), &error, ERROR_NO_SUCH_IMAGE, "There is no image " ABC);
        assert_refused(store_remove(ABC, &error), &error, ERROR_NO_SUCH_IMAGE, "There is no image " ABC);
        assert_refused(store_open("sha256:../../etc/passwd", &fd, &error), &error, ERROR_INVALID_ARGS,
                        "is not a digest");
        assert_refused(store_remove("x", &error), &error, ERROR_INVALID_ARGS, "is not a digest");
        g_assert_null(store_path("sha256:../x"));
        g_assert_cmpint(fd, ==, -1);

        /* Nothing of ours puts links there, so none is followed. */
        g_assert_cmpint(symlink("/dev/zero", path), ==, 0);
        assert_refused(store_open(ABC, &fd, &error), &error, ERROR_INVALID_IMAGE, "not a regular file");
        g_assert_cmpint(store_remove(ABC, &error), ==, 0);
        assert_store_holds("");
}

static void test_lists_images_alone(StoreFixture *f, const void *data)
{
        g_autoptr(GPtrArray) entries = NULL;
        const StoreEntry *first, *second;
        g_autofree char *stray = NULL;

        import_only(f, "abc");
        import_only(f, "xyz12");
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
        g_assert_cmpuint(second->added / G_USEC_PER_SEC + 60, >,
                        (uint64_t) g_get_real_time() / G_USEC_PER_SEC);
        g_assert_cmpuint(second->added, <=, (uint64_t) g_get_real_time());
}

static void test_cleans_up_after_imports_that_were_cut_off(StoreFixture *f, const void *data)
{
        g_autofree char *digest = import_text(f, "abc"), *path_digest = NULL;
        g_autofree char *old = g_build_filename(paths_images(), ".import-OLD", NULL);
        g_autofree char *young = g_build_filename(paths_images(), ".import-YOUNG", NULL);
        g_autofree char *name = path_stamp_name(f->file);
        g_autofree char *fingerprint = g_build_filename(paths_images(), ".paths", name, NULL);
        const struct timespec hour_ago[2] = {{.tv_sec = time(NULL) - 3700}, {.tv_sec = time(NULL) - 3700}};

        file_put(old, "x");
        file_put(young, "x");
        g_assert_cmpint(utimensat(AT_FDCWD, old, hour_ago, 0), ==, 0);
        g_assert_cmpint(store_import_path(f->file, NULL, &path_digest, NULL), ==, 0);

        store_clean();
        g_assert_false(g_file_test(old, G_FILE_TEST_EXISTS));
        g_assert_true(g_file_test(young, G_FILE_TEST_EXISTS));
        g_assert_true(g_file_test(fingerprint, G_FILE_TEST_EXISTS));

        g_assert_cmpint(store_remove(digest, NULL), ==, 0);
        store_clean();
        g_assert_false(g_file_test(fingerprint, G_FILE_TEST_EXISTS));
}

#define ADD(path, function)                                                                                 \
        g_test_add("/image/store/" path, StoreFixture, NULL, store_set_up, function, store_tear_down)

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        umask(022);
        ADD("keeps-content-under-its-digest", test_keeps_content_under_its_digest);
        ADD("keeps-the-same-content-once", test_keeps_the_same_content_once);
        ADD("ignores-the-descriptors-position", test_ignores_the_descriptors_position);
        ADD("takes-large-and-memory-files", test_takes_large_and_memory_files);
        ADD("examines-no-more-than-there-was", test_examines_no_more_than_there_was);
        ADD("counts-for-who-took-it-in", test_counts_for_who_took_it_in);
        ADD("a-record-without-its-image-counts-for-nobody", test_a_record_without_its_image_counts_for_nobody);
        ADD("leaves-room-on-the-file-system", test_leaves_room_on_the_file_system);
        ADD("keeps-holes", test_keeps_holes);
        ADD("refuses-another-digest-than-demanded", test_refuses_another_digest_than_demanded);
        ADD("refuses-what-is-no-regular-file", test_refuses_what_is_no_regular_file);
        ADD("refuses-what-cannot-be-read", test_refuses_what_cannot_be_read);
        ADD("refuses-too-large-an-image", test_refuses_too_large_an_image);
        ADD("refuses-what-does-not-fit-into-the-store", test_refuses_what_does_not_fit_into_the_store);
        ADD("leaves-nothing-when-writing-fails", test_leaves_nothing_when_writing_fails);
        ADD("refuses-a-file-that-is-being-written", test_refuses_a_file_that_is_being_written);
        ADD("says-when-the-store-is-not-there", test_says_when_the_store_is_not_there);
        ADD("concurrent-imports-do-no-harm", test_concurrent_imports_do_no_harm);
        ADD("knows-what-it-does-not-have", test_knows_what_it_does_not_have);
        ADD("lists-images-alone", test_lists_images_alone);
        ADD("cleans-up-after-imports-that-were-cut-off", test_cleans_up_after_imports_that_were_cut_off);
        return g_test_run();
}
