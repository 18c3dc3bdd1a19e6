/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What systemd put into a unit's folder becomes the archive that the guest reads: the file itself where
 * nothing is to be joined, and never anything that could be written or is not ours. */

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/ustar.h"
#include "domain/plan/credentials.h"
#include "fixture/files.h"

#define DEFINITION "[Unikernel]\nImage=/a\n[Credentials keys]\n"

typedef struct Fixture {
        char *dir;
        GPtrArray *notices;
} Fixture;

static void set_up(Fixture *f, const void *data)
{
        f->dir = g_dir_make_tmp("shruthi-credentials-XXXXXX", NULL);
        f->notices = g_ptr_array_new_with_free_func(g_free);
}

static void tear_down(Fixture *f, const void *data)
{
        fixture_remove_tree(f->dir);
        g_free(f->dir);
        g_ptr_array_unref(f->notices);
}

static Definition *parse(const char *sources)
{
        g_autofree char *text = g_strconcat(DEFINITION, sources, NULL);
        Definition *definition = NULL;

        g_assert_cmpint(definition_parse("a", "f", text, strlen(text), &definition, NULL), ==, 0);
        return definition;
}

/* As shruthi-seal seals it. */
static void put_archive(Fixture *f, const UstarEntry *entries, size_t n)
{
        g_autofree char *path = g_build_filename(f->dir, "shruthi.a", NULL);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);

        g_assert_cmpint(ustar_write(fd, entries, n, NULL), ==, 0);
}

/* NULL: there is none. */
static int open_directory(const char *dir)
{
        int fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -EBADF;

        return dir && fd < 0 ? -errno : fd;
}

static char *open_all(Fixture *f, const char *sources, const char *dir, int *ret_fd)
{
        g_autoptr(Definition) definition = parse(sources);
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(GString) shown = g_string_new(NULL);
        g_autoptr(GArray) entries = NULL;
        g_autofree char *data = NULL;
        _cleanup_close_ int dir_fd = open_directory(dir);
        size_t size;
        int fd = -EBADF;

        if (credentials_open(definition, dir_fd, f->notices, &fd, &error) < 0)
                g_error("%s", error.message);
        g_assert_cmpint(fcntl(fd, F_GETFL) & O_ACCMODE, ==, O_RDONLY);
        g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
        g_assert_cmpint(fd_read_all(fd, USTAR_SIZE_MAX, &data, &size), ==, 0);
        g_assert_cmpint(ustar_parse(data, size, &entries, NULL), ==, 0);
        for (guint i = 0; i < entries->len; i++) {
                const UstarEntry *entry = &g_array_index(entries, UstarEntry, i);

                g_string_append_printf(shown, "%s=%.*s;", entry->name, (int) entry->size,
                                (const char *) entry->data);
        }
        *ret_fd = fd;
        return g_strdup(shown->str);
}

static void assert_archive(Fixture *f, const char *sources, const char *dir, const char *expected)
{
        _cleanup_close_ int fd = -EBADF;
        g_autofree char *shown = open_all(f, sources, dir, &fd);

        g_assert_cmpstr(shown, ==, expected);
}

static void assert_refused(Fixture *f, const char *sources, ErrorCode code, const char *word)
{
        g_autoptr(Definition) definition = parse(sources);
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int dir_fd = open_directory(f->dir);
        int fd = -EBADF;

        g_assert_cmpint(credentials_open(definition, dir_fd, f->notices, &fd, &error), <, 0);
        g_assert_cmpint(error.code, ==, code);
        if (!strstr(error.message, word))
                g_error("'%s' does not say '%s'", error.message, word);
        g_assert_cmpint(fd, ==, -EBADF);
}

static const UstarEntry set[] = {{"tls.key", "SET", 3}, {"token", "T", 1}};

/* There is no second copy of what was set. */
static void test_own_file(Fixture *f, const void *data)
{
        g_autofree char *path = g_build_filename(f->dir, "shruthi.a", NULL), *shown = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct stat file, opened;

        put_archive(f, set, 2);
        shown = open_all(f, "", f->dir, &fd);
        g_assert_cmpstr(shown, ==, "tls.key=SET;token=T;");
        g_assert_cmpint(stat(path, &file), ==, 0);
        g_assert_cmpint(fstat(fd, &opened), ==, 0);
        g_assert_cmpuint(opened.st_ino, ==, file.st_ino);
        g_assert_cmpuint(f->notices->len, ==, 0);
}

/* The device is there all the same. */
static void test_nothing(Fixture *f, const void *data)
{
        g_autofree char *missing = g_build_filename(f->dir, "missing", NULL);

        assert_archive(f, "", f->dir, "");
        assert_archive(f, "", missing, "");
        g_assert_cmpuint(f->notices->len, ==, 0);
}

/* What systemd was not told to load is not taken for nothing. */
static void test_not_told(Fixture *f, const void *data)
{
        g_autofree char *dir = g_steal_pointer(&f->dir);

        assert_refused(f, "", ERROR_CREDENTIALS_DAMAGED, "run 'systemctl daemon-reload'");
        f->dir = g_steal_pointer(&dir);
}

/* What systemd falls back on is no archive, with other sources or without. */
static void test_none_was_set(Fixture *f, const void *data)
{
        fixture_put(f->dir, "shruthi.a", "none");
        assert_archive(f, "", f->dir, "");
        fixture_put(f->dir, "b", "B");
        assert_archive(f, "LoadCredential=b:/x\n", f->dir, "b=B;");
        g_assert_cmpuint(f->notices->len, ==, 0);
}

/* The most that systemd loads on any release is taken, joined too, and a byte more is not, although it lies
 * here. */
static void test_space(Fixture *f, const void *data)
{
        static const char sources[] = "LoadCredential=a:/x\nLoadCredential=b:/y\n";
        g_autofree char *large = g_strnfill(1024 * 1024 - 3 * 4096, 'x'), *shown = NULL;
        _cleanup_close_ int fd = -EBADF;

        /* 253 pages, one, one and the one of what was set; less 512 in each. */
        large[253 * 4096 - 512] = 0;
        fixture_put(f->dir, "a", large);
        large[2 * 4096 - 512] = 0;
        fixture_put(f->dir, "b", large);
        put_archive(f, set, 1);
        shown = open_all(f, sources, f->dir, &fd);
        g_assert_cmpuint(strlen(shown), ==, 255 * 4096 - 2 * 512 + strlen("a=;b=;tls.key=SET;"));

        large[2 * 4096 - 512] = 'x';
        large[2 * 4096 - 511] = 0;
        fixture_put(f->dir, "b", large);
        assert_refused(f, sources, ERROR_LIMIT_EXCEEDED, "takes 1052672 bytes, 4096 of them for what");
        assert_refused(f, sources, ERROR_LIMIT_EXCEEDED, "can load 1048576: name fewer or smaller sources");
}

static void test_joined(Fixture *f, const void *data)
{
        g_autofree char *shown = NULL;
        _cleanup_close_ int fd = -EBADF;

        put_archive(f, set, 2);
        fixture_put(f->dir, "tls.key", "DEFINED");
        fixture_put(f->dir, "empty", "");
        shown = open_all(f, "LoadCredential=tls.key:/x\nLoadCredentialEncrypted=empty:/y\n", f->dir, &fd);
        g_assert_cmpstr(shown, ==, "empty=;tls.key=DEFINED;token=T;");
        g_assert_cmpuint(f->notices->len, ==, 1);
        g_assert_nonnull(strstr(f->notices->pdata[0], "'tls.key' was set and is also in the definition"));
        g_assert_cmpint(fcntl(fd, F_GET_SEALS) & (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK), ==,
                        F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK);
}

/* Others that an administrator gave the unit are not the guest's. */
static void test_only_what_is_named(Fixture *f, const void *data)
{
        fixture_put(f->dir, "a", "A");
        fixture_put(f->dir, "b", "B");
        assert_archive(f, "LoadCredential=a:/x\n", f->dir, "a=A;");
        assert_archive(f, "", f->dir, "");
}

static void test_stores(Fixture *f, const void *data)
{
        assert_archive(f, "LoadCredential=a\nLoadCredentialEncrypted=b:c\n", f->dir, "");
        g_assert_cmpuint(f->notices->len, ==, 2);
        g_assert_nonnull(strstr(f->notices->pdata[1], "'b' was not found in systemd's stores as 'c'"));
}

static void test_refusals(Fixture *f, const void *data)
{
        g_autofree char *large = g_strnfill(USTAR_SIZE_MAX + 1, 'x');
        g_autofree char *folder = g_build_filename(f->dir, "folder", NULL), *link = NULL;

        assert_refused(f, "LoadCredential=a:/x\n", ERROR_CREDENTIALS_DAMAGED, "f:4: systemd did not load");
        g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
        assert_refused(f, "LoadCredential=folder:/x\n", ERROR_CREDENTIALS_DAMAGED, "not a file");
        fixture_put(f->dir, "large", large);
        assert_refused(f, "LoadCredential=large:/x\n", ERROR_LIMIT_EXCEEDED, "more than the 1048064");
        large[USTAR_SIZE_MAX] = 0;
        fixture_put(f->dir, "large", large);
        assert_refused(f, "LoadCredential=large:/x\n", ERROR_LIMIT_EXCEEDED, "takes 1052672 bytes, 4096 of");
        link = g_build_filename(f->dir, "link", NULL);
        g_assert_cmpint(symlink("/etc/hostname", link), ==, 0);
        assert_refused(f, "LoadCredential=link:/x\n", ERROR_FAILED, "'link'");

        fixture_put(f->dir, "shruthi.a", "no archive");
        assert_refused(f, "", ERROR_CREDENTIALS_DAMAGED, "credential remove a --all");
}

#define ADD(path, function)                                                                                 \
        g_test_add("/domain/credentials/" path, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        ADD("what-was-set-is-handed-on-as-it-is", test_own_file);
        ADD("nothing-is-an-empty-archive", test_nothing);
        ADD("not-being-told-of-keys-is-refused", test_not_told);
        ADD("none-was-set-is-an-empty-archive", test_none_was_set);
        ADD("all-together-fit-what-systemd-loads", test_space);
        ADD("both-are-joined-and-the-definition-wins", test_joined);
        ADD("only-what-the-definition-names", test_only_what_is_named);
        ADD("missing-in-the-stores-is-no-error", test_stores);
        ADD("refusals", test_refusals);
        return g_test_run();
}
