/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* No change of a file is overlooked, in the store or at a path that a definition names, and what did not
 * change is not read again. */

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/paths.h"
#include "image/fingerprint.h"
#include "image/store.h"
#include "store-fixture.h"

static void test_finds_a_changed_image(StoreFixture *f, const void *data)
{
        g_autofree char *path = store_path(ABC);
        _cleanup_error_ Error error = ERROR_INIT;

        import_only(f, "abc");
        g_assert_cmpint(store_verify(ABC, &error), ==, 0);
        fingerprint_let_age(".verified", ABC_HEX);
        g_assert_cmpint(store_verify(ABC, &error), ==, 0);

        file_overwrite(path, "xyz");
        assert_refused(store_verify(ABC, &error), &error, ERROR_INVALID_IMAGE,
                        "was changed, its content is now sha256:");

        /* Importing the original again heals it. */
        import_only(f, "abc");
        g_assert_cmpint(store_verify(ABC, &error), ==, 0);
}

/* Same size, and mtime put back: the ctime tells. */
static void test_finds_a_change_with_restored_times(StoreFixture *f, const void *data)
{
        g_autofree char *path = store_path(ABC);
        _cleanup_error_ Error error = ERROR_INIT;
        struct timespec times[2];
        struct stat st;

        import_only(f, "abc");
        fingerprint_let_age(".verified", ABC_HEX);
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_usleep(20 * 1000); /* more than a tick of the kernel's clock */
        file_overwrite(path, "abd");
        times[0] = st.st_atim;
        times[1] = st.st_mtim;
        g_assert_cmpint(utimensat(AT_FDCWD, path, times, 0), ==, 0);
        assert_refused(store_verify(ABC, &error), &error, ERROR_INVALID_IMAGE, "was changed");
}

/* The proof that verifying is cheap is that it does not read: the content is wrong and the fingerprint says
 * otherwise. */
static void test_believes_a_stamp_that_fits(StoreFixture *f, const void *data)
{
        g_autofree char *path = store_path(ABC);
        g_autofree char *dir = g_build_filename(paths_images(), ".verified", NULL);
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_fingerprint_ Fingerprint fingerprint = {};
        struct stat st;

        import_only(f, "abc");
        file_overwrite(path, "xyz");
        g_assert_cmpint(stat(path, &st), ==, 0);
        fingerprint = fingerprint_make(&st, fingerprint_now() + FINGERPRINT_RACY_NSEC, ABC);
        g_assert_cmpint(fingerprint_write(dir, ABC_HEX, &fingerprint), ==, 0);
        g_assert_cmpint(store_verify(ABC, &error), ==, 0);

        /* Hashed too soon after the last change: not believed. */
        fingerprint.hashed = MAX(fingerprint.modified, fingerprint.changed) + FINGERPRINT_RACY_NSEC - 1;
        g_assert_cmpint(fingerprint_write(dir, ABC_HEX, &fingerprint), ==, 0);
        assert_refused(store_verify(ABC, &error), &error, ERROR_INVALID_IMAGE, "was changed");
}

static void test_ignores_a_damaged_fingerprint(StoreFixture *f, const void *data)
{
        static const char *const texts[] = {
                        "",
                        "\n",
                        "shruthi-stamp-1",
                        "shruthi-stamp-1 1 2 3 4 5 6 " ABC " 8\n",
                        "shruthi-stamp-1 -1 2 3 4 5 6 " ABC "\n",
                        "shruthi-stamp-1 1 2 3 4 5 9223372036854775807 " ABC "\n",
                        "shruthi-stamp-1 1 2 3 4 5 6 sha256:abc\n",
                        "shruthi-stamp-2 1 2 3 4 5 6 " ABC "\n",
        };
        g_autofree char *dir = g_build_filename(paths_images(), ".verified", NULL);
        g_autofree char *file = g_build_filename(dir, ABC_HEX, NULL);

        import_only(f, "abc");
        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                _cleanup_fingerprint_ Fingerprint fingerprint = {};

                file_put(file, texts[i]);
                g_assert_cmpint(fingerprint_read(dir, ABC_HEX, &fingerprint), ==, -ENOENT);
                g_assert_cmpint(store_verify(ABC, NULL), ==, 0);
        }
}

static void test_takes_a_path_and_sees_its_changes(StoreFixture *f, const void *data)
{
        g_autofree char *name = path_stamp_name(f->file), *digest = NULL, *found = NULL, *changed = NULL,
                        *back = NULL;
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

        fingerprint_let_age(".paths", name);
        g_usleep(20 * 1000);
        file_overwrite(f->file, "xyz");
        times[0] = before.st_atim;
        times[1] = before.st_mtim;
        g_assert_cmpint(utimensat(AT_FDCWD, f->file, times, 0), ==, 0);
        g_assert_cmpint(store_import_path(f->file, NULL, &changed, &error), ==, 0);
        g_assert_cmpstr(changed, !=, ABC);

        /* The path is remembered, the image was removed: taken in again. */
        fingerprint_let_age(".paths", name);
        g_assert_cmpint(store_remove(changed, &error), ==, 0);
        g_assert_cmpint(store_import_path(f->file, NULL, &back, &error), ==, 0);
        g_assert_cmpstr(back, ==, changed);
        g_assert_cmpint(store_verify(back, &error), ==, 0);
}

/* The proof that an unchanged file costs nothing is that it is not read. */
static void test_believes_a_path_that_did_not_change(StoreFixture *f, const void *data)
{
        g_autofree char *name = path_stamp_name(f->file), *digest = NULL;
        g_autofree char *dir = g_build_filename(paths_images(), ".paths", NULL);
        _cleanup_fingerprint_ Fingerprint fingerprint = {};
        struct stat st;

        import_only(f, "abc");
        file_put(f->file, "xyz");
        g_assert_cmpint(stat(f->file, &st), ==, 0);
        fingerprint = fingerprint_make(&st, fingerprint_now() + FINGERPRINT_RACY_NSEC, ABC);
        g_assert_cmpint(fingerprint_write(dir, name, &fingerprint), ==, 0);
        g_assert_cmpint(store_import_path(f->file, NULL, &digest, NULL), ==, 0);
        g_assert_cmpstr(digest, ==, ABC);
}

/* A comparison imports nothing and remembers nothing. */
static void test_compares_a_path(StoreFixture *f, const void *data)
{
        g_autofree char *missing = g_build_filename(f->dir, "missing", NULL);
        g_autofree char *name = path_stamp_name(f->file), *digest = NULL;
        g_autofree char *dir = g_build_filename(paths_images(), ".paths", NULL);
        _cleanup_fingerprint_ Fingerprint fingerprint = {};
        struct stat st;

        g_assert_false(store_path_has(missing, ABC));
        g_assert_false(store_path_has(f->dir, ABC));
        file_put(f->file, "abc");
        g_assert_true(store_path_has(f->file, ABC));
        file_overwrite(f->file, "xyz");
        g_assert_false(store_path_has(f->file, ABC));
        g_assert_cmpint(store_lookup_path(f->file, &digest), ==, -ENOENT);
        assert_store_holds("");

        /* Neither a file of another size nor one that has not changed is read. */
        import_only(f, "abc");
        file_put(f->file, "abcd");
        g_assert_false(store_path_has(f->file, ABC));
        g_assert_cmpint(stat(f->file, &st), ==, 0);
        fingerprint = fingerprint_make(&st, fingerprint_now() + FINGERPRINT_RACY_NSEC, ABC);
        g_assert_cmpint(fingerprint_write(dir, name, &fingerprint), ==, 0);
        g_assert_true(store_path_has(f->file, ABC));
}

static void test_follows_a_link_that_a_definition_names(StoreFixture *f, const void *data)
{
        g_autofree char *link = g_build_filename(f->dir, "current", NULL), *digest = NULL;

        file_put(f->file, "abc");
        g_assert_cmpint(symlink("source", link), ==, 0);
        g_assert_cmpint(store_import_path(link, NULL, &digest, NULL), ==, 0);
        g_assert_cmpstr(digest, ==, ABC);
}

static void test_says_why_a_path_cannot_be_read(StoreFixture *f, const void *data)
{
        g_autofree char *fifo = g_build_filename(f->dir, "fifo", NULL), *digest = NULL;
        g_autofree char *missing = g_build_filename(f->dir, "a\nb", NULL);
        g_autofree char *sentence = g_strdup_printf("as user %s: there is no such file", g_get_user_name());
        const StoreLimits limits = {.image_size = 2, .store_size = UINT64_MAX};
        _cleanup_error_ Error error = ERROR_INIT;

        assert_refused(store_import_path(missing, NULL, &digest, &error), &error, ERROR_NO_SUCH_IMAGE,
                        sentence);
        assert_refused(store_import_path(f->dir, NULL, &digest, &error), &error, ERROR_INVALID_IMAGE,
                        "not a regular file");

        /* A FIFO must not hold us up. */
        g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
        assert_refused(store_import_path(fifo, NULL, &digest, &error), &error, ERROR_INVALID_IMAGE,
                        "not a regular file");

        file_put(f->file, "abc");
        assert_refused(store_import_path(f->file, &limits, &digest, &error), &error, ERROR_LIMIT_EXCEEDED,
                        f->file);
        if (geteuid() != 0) {
                g_assert_cmpint(chmod(f->file, 0), ==, 0);
                assert_refused(store_import_path(f->file, NULL, &digest, &error), &error,
                                ERROR_NO_SUCH_IMAGE, "permission denied. Let that user read it");
        }
        g_assert_null(digest);
        assert_store_holds("");
}

#define ADD(path, function)                                                                                 \
        g_test_add("/image/store/" path, StoreFixture, NULL, store_set_up, function, store_tear_down)

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        umask(022);
        ADD("finds-a-changed-image", test_finds_a_changed_image);
        ADD("finds-a-change-with-restored-times", test_finds_a_change_with_restored_times);
        ADD("believes-a-fingerprint-that-fits", test_believes_a_stamp_that_fits);
        ADD("ignores-a-damaged-fingerprint", test_ignores_a_damaged_fingerprint);
        ADD("takes-a-path-and-sees-its-changes", test_takes_a_path_and_sees_its_changes);
        ADD("believes-a-path-that-did-not-change", test_believes_a_path_that_did_not_change);
        ADD("compares-a-path", test_compares_a_path);
        ADD("follows-a-link-that-a-definition-names", test_follows_a_link_that_a_definition_names);
        ADD("says-why-a-path-cannot-be-read", test_says_why_a_path_cannot_be_read);
        return g_test_run();
}
