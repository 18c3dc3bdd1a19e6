/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A store in a folder of its own for each test. */

#include "store-fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "fixture/files.h"
#include "image/digest.h"
#include "image/fingerprint.h"
#include "image/store.h"

void store_set_up(StoreFixture *f, const void *data)
{
        f->dir = g_dir_make_tmp("shruthi-store-XXXXXX", NULL);
        g_assert_nonnull(f->dir);
        f->file = g_build_filename(f->dir, "source", NULL);
        paths_set_root(f->dir);
        g_assert_cmpint(g_mkdir_with_parents(paths_images(), 02750), ==, 0);
}

void store_tear_down(StoreFixture *f, const void *data)
{
        paths_set_root(NULL);
        fixture_remove_tree(f->dir);
        g_free(f->file);
        g_free(f->dir);
}

void file_put(const char *path, const char *text)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(write_all(fd, text, strlen(text)), ==, 0);
}

/* Writes into the file as it is (same inode), after making it writable. */
void file_overwrite(const char *path, const char *text)
{
        _cleanup_close_ int fd = -EBADF;

        g_assert_cmpint(chmod(path, 0640), ==, 0);
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(write_all(fd, text, strlen(text)), ==, 0);
}

/* Makes the file look as if it had not been written for a minute: mtime by itself, ctime by making the
 * fingerprint's rule believe that hashing happened later, which is what waiting would do. */
void fingerprint_let_age(const char *dir_name, const char *name)
{
        g_autofree char *dir = g_build_filename(paths_images(), dir_name, NULL);
        _cleanup_fingerprint_ Fingerprint fingerprint = {};

        g_assert_cmpint(fingerprint_read(dir, name, &fingerprint), ==, 0);
        fingerprint.hashed += 60 * INT64_C(1000000000);
        g_assert_cmpint(fingerprint_write(dir, name, &fingerprint), ==, 0);
}

char *path_stamp_name(const char *path)
{
        g_autofree char *digest = digest_of_text(path);

        return g_strdup(digest + strlen("sha256:"));
}

char *import_text(const StoreFixture *f, const char *text)
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

void import_only(const StoreFixture *f, const char *text)
{
        g_autofree char *digest = import_text(f, text);

        g_assert_nonnull(digest);
}

/* The names in the store's directory, sorted, without the memories. */
char *store_names(void)
{
        g_autoptr(GDir) dir = g_dir_open(paths_images(), 0, NULL);
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        const char *name;

        while ((name = g_dir_read_name(dir)))
                if (strcmp(name, ".verified") != 0 && strcmp(name, ".paths") != 0 &&
                                strcmp(name, ".owners") != 0)
                        g_ptr_array_add(names, g_strdup(name));
        g_ptr_array_sort(names, name_compare);
        g_ptr_array_add(names, NULL);
        return g_strjoinv(" ", (char **) names->pdata);
}

void assert_refused(int r, Error *error, ErrorCode code, const char *part)
{
        g_assert_cmpint(r, ==, error_code_to_errno(code));
        g_assert_cmpint(error->code, ==, code);
        g_assert_nonnull(strstr(error->message, part));
        error_clear(error);
}
