/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Invariants: a volume is there as a whole or not at all; it belongs to one owner, who has no more than the
 * limit however many ask at once; it never gets smaller. */

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "fixture/files.h"
#include "volume-fixture.h"
#include "volume/store.h"

static void test_create(VolumeFixture *f, const void *data)
{
        g_autoptr(Volume) volume = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *path = volume_path("web-storage"), *folder = g_path_get_dirname(path);
        g_autofree char *record = g_build_filename(folder, "volume", NULL);
        struct stat st;

        g_assert_cmpint(volume_create("web-storage", 64 * MIB, OWNER, 100, NULL, &error), ==, 0);
        volume = find_volume("web-storage");
        g_assert_nonnull(volume);
        g_assert_cmpstr(volume->name, ==, "web-storage");
        g_assert_cmpuint(volume->size, ==, 64 * MIB);
        g_assert_cmpuint(volume->allocated, <, MIB);
        g_assert_cmpuint(volume->owner, ==, OWNER);
        g_assert_cmpuint(volume->group, ==, 100);
        g_assert_cmpuint(volume->created, >, 0);

        /* QEMU's group reaches the data and nothing else. */
        g_assert_cmpint(stat(folder, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0710);
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0660);
        g_assert_cmpint(stat(record, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0600);
        assert_stored("web-storage");
}

static void test_umask(VolumeFixture *f, const void *data)
{
        mode_t old = umask(0077);
        g_autofree char *path = volume_path("a"), *folder = g_path_get_dirname(path);
        struct stat st;

        make_volume("a", MIB);
        umask(old);
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0660);
        g_assert_cmpint(stat(folder, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0710);
}

static void test_exists(VolumeFixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Volume) volume = NULL;

        make_volume("a", MIB);
        assert_refused(volume_create("a", 2 * MIB, 0, GID_INVALID, NULL, &error), &error,
                        ERROR_VOLUME_EXISTS, "'a' already");
        volume = find_volume("a");
        g_assert_cmpuint(volume->size, ==, MIB);
        g_assert_cmpuint(volume->owner, ==, OWNER);
        g_assert_cmpuint(volume->group, ==, GID_INVALID);
        assert_stored("a");
}

static void test_names(VolumeFixture *f, const void *data)
{
        static const char *const bad[] = {"", ".", "..", "../a", "a/b", "/a", ".a", "-a", "_a", "a b", "a\n",
                        "\xc3\xa4", "a:b"};
        static const char *const good[] = {"a", "0", "web-storage", "Web_1.0", "a..b"};
        g_autofree char *longest = g_strnfill(VOLUME_NAME_MAX, 'a'), *longer = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_assert_null(volume_path(bad[i]));
                assert_refused(volume_create(bad[i], MIB, OWNER, GID_INVALID, NULL, &error), &error,
                                ERROR_INVALID_NAME, "not a valid volume name");
        }
        for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
                g_assert_true(volume_name_is_valid(good[i]));

        make_volume(longest, MIB);
        longer = g_strconcat(longest, "a", NULL);
        assert_refused(volume_remove(longer, &error), &error, ERROR_INVALID_NAME, "1 to 131");
}

static void test_sizes(VolumeFixture *f, const void *data)
{
        static const uint64_t bad[] = {0, 1, 511, 513, UINT64_MAX, VOLUME_SIZE_MAX + 512};
        _cleanup_error_ Error error = ERROR_INIT;

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                assert_refused(volume_create("a", bad[i], OWNER, GID_INVALID, NULL, &error), &error,
                                ERROR_INVALID_ARGS, "multiple of 512");
        assert_stored("");
        make_volume("a", 512);
}

static void test_limits(VolumeFixture *f, const void *data)
{
        static const VolumeLimits limits = {.size_max_user = 10 * MIB, .max_user = 3};
        _cleanup_error_ Error error = ERROR_INIT;

        make_volume("a", 6 * MIB);
        assert_refused(volume_create("b", 5 * MIB, OWNER, GID_INVALID, &limits, &error), &error,
                        ERROR_LIMIT_EXCEEDED, "VolumesSizeMaxPerUser=10M");
        assert_refused(volume_resize("a", 11 * MIB, &limits, &error), &error, ERROR_LIMIT_EXCEEDED,
                        "VolumesSizeMaxPerUser=10M");
        /* Another's do not count, and those without limits may. */
        g_assert_cmpint(volume_create("other", 5 * MIB, OWNER + 1, GID_INVALID, &limits, &error), ==, 0);
        g_assert_cmpint(volume_create("b", 3 * MIB, OWNER, GID_INVALID, &limits, &error), ==, 0);
        g_assert_cmpint(volume_create("c", MIB, OWNER, GID_INVALID, &limits, &error), ==, 0);
        assert_refused(volume_create("d", 512, OWNER, GID_INVALID, &limits, &error), &error,
                        ERROR_LIMIT_EXCEEDED, "VolumesMaxPerUser=3");
        g_assert_cmpint(volume_remove("b", &error), ==, 0);
        g_assert_cmpint(volume_create("d", 3 * MIB, OWNER, GID_INVALID, &limits, &error), ==, 0);
        make_volume("e", 100 * MIB);
        assert_stored("a c d e other");
}

static void test_list(VolumeFixture *f, const void *data)
{
        g_autofree char *damaged = g_build_filename(paths_volumes(), "damaged", NULL);
        g_autoptr(GPtrArray) volumes = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Volume) volume = NULL;

        make_volume("b", MIB);
        make_volume("a", 2 * MIB);
        fixture_put(damaged, "volume", "OWNER=nobody\n");

        g_assert_cmpint(volume_list(&volumes, &error), ==, 0);
        g_assert_cmpuint(volumes->len, ==, 2);
        g_assert_cmpstr(((Volume *) volumes->pdata[0])->name, ==, "a");
        g_assert_cmpstr(((Volume *) volumes->pdata[1])->name, ==, "b");

        g_assert_cmpint(volume_load("damaged", &volume, &error), <, 0);
        g_assert_nonnull(strstr(error.message, "damaged/volume"));
        error_clear(&error);
        assert_refused(volume_load("c", &volume, &error), &error, ERROR_NO_SUCH_VOLUME,
                        "volume create c --size=");
        g_assert_cmpint(volume_remove("damaged", &error), ==, 0);
        assert_stored("a b");
}

static void test_resize(VolumeFixture *f, const void *data)
{
        _cleanup_close_ int fd = -EBADF;
        g_autoptr(Volume) volume = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        char text[4] = "";

        make_volume("a", MIB);
        fd = open_data("a", O_RDWR);
        g_assert_cmpint(pwrite(fd, "abc", 3, MIB - 3), ==, 3);

        g_assert_cmpint(volume_resize("a", 3 * MIB, NULL, &error), ==, 0);
        g_assert_cmpint(volume_resize("a", 3 * MIB, NULL, &error), ==, 0);
        volume = find_volume("a");
        g_assert_cmpuint(volume->size, ==, 3 * MIB);
        g_assert_cmpint(pread(fd, text, 3, MIB - 3), ==, 3);
        g_assert_cmpstr(text, ==, "abc");

        assert_refused(volume_resize("a", 2 * MIB, NULL, &error), &error, ERROR_INVALID_ARGS, "3M");
        assert_refused(volume_resize("b", MIB, NULL, &error), &error, ERROR_NO_SUCH_VOLUME, "'b'");
        assert_refused(volume_resize("a", 3 * MIB + 1, NULL, &error), &error, ERROR_INVALID_ARGS, "512");
}

static void test_remove(VolumeFixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;
        g_autofree char *path = g_build_filename(paths_volumes(), "a", "data", NULL);
        struct stat st;

        make_volume("a", MIB);
        fd = open(path, O_RDWR | O_CLOEXEC);
        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(pwrite(fd, "content", 7, 0), ==, 7);
        g_assert_cmpint(volume_remove("a", &error), ==, 0);
        assert_stored("");
        /* What somebody still has open takes no room. */
        g_assert_cmpint(fstat(fd, &st), ==, 0);
        g_assert_cmpint(st.st_size, ==, 0);
        g_assert_cmpint(st.st_blocks, ==, 0);
        assert_refused(volume_remove("a", &error), &error, ERROR_NO_SUCH_VOLUME, "'a'");
}

/* What one left that died goes when the next is made; what one is making stays. */
static void test_remains(VolumeFixture *f, const void *data)
{
        g_autofree char *dead = g_build_filename(paths_volumes(), ".new-1-dead", NULL);
        g_autofree char *living = g_build_filename(paths_volumes(), ".new-1-living", NULL);
        static const VolumeLimits limits = {.size_max_user = 64 * KIB, .max_user = 9};
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;

        fixture_put(dead, "data", "x");
        fixture_put(dead, ".volume.AbCd12", "OWNER=10");
        fixture_put(living, "volume", "OWNER=1000\n");
        fixture_put(living, "data", "x");
        fd = open(living, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        g_assert_cmpint(flock(fd, LOCK_EX), ==, 0);

        make_volume("a", 512);
        assert_stored(".new-1-living a");

        /* And what is being made counts. */
        assert_refused(volume_create("b", 63 * KIB + 512, OWNER, GID_INVALID, &limits, &error), &error,
                        ERROR_LIMIT_EXCEEDED, "VolumesSizeMaxPerUser=64K");
}

static pid_t fork_creators(unsigned index, const VolumeLimits *limits)
{
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid > 0)
                return pid;

        /* All of one name, and some of their own. */
        (void) volume_create("same", 512, OWNER, GID_INVALID, limits, NULL);
        for (unsigned i = 0; i < 8; i++) {
                g_autofree char *name = g_strdup_printf("p%u-%u", index, i);
                int r = volume_create(name, 512, OWNER, GID_INVALID, limits, NULL);

                if (r < 0 && r != error_code_to_errno(ERROR_LIMIT_EXCEEDED))
                        _exit(1);
        }
        _exit(0);
}

static void test_many_processes(VolumeFixture *f, const void *data)
{
        static const VolumeLimits limits = {.size_max_user = 512 * 20, .max_user = 1000};
        g_autoptr(GPtrArray) volumes = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        pid_t pids[6];

        for (unsigned i = 0; i < G_N_ELEMENTS(pids); i++)
                pids[i] = fork_creators(i, &limits);
        for (unsigned i = 0; i < G_N_ELEMENTS(pids); i++) {
                int status = 0;

                g_assert_cmpint(waitpid(pids[i], &status, 0), ==, pids[i]);
                g_assert_cmpint(status, ==, 0);
        }

        g_assert_cmpint(volume_list(&volumes, &error), ==, 0);
        g_assert_cmpuint(volumes->len, ==, 20);
}

static void test_room(VolumeFixture *f, const void *data)
{
        g_autofree char *all = NULL, *none = NULL;
        g_autofree char *zeros = g_malloc0(MIB);
        _cleanup_close_ int fd = -EBADF;

        make_volume("a", MIB);
        make_volume("b", MIB);
        make_volume("c", MIB);
        fd = open_data("b", O_RDWR);
        g_assert_cmpint(write_all(fd, zeros, MIB), ==, 0);

        /* One that has all its room wants none. */
        all = volume_list_short_of_space("a b c gone", UINT64_MAX);
        g_assert_cmpstr(all, ==, "a c");
        none = volume_list_short_of_space("a b c", 0);
        g_assert_cmpstr(none, ==, NULL);
        g_assert_null(volume_list_short_of_space("b", UINT64_MAX));
}

static void test_space(VolumeFixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        uint64_t free_bytes = 0, total = 0;

        g_assert_cmpint(volume_space(&free_bytes, &total, &error), ==, 0);
        g_assert_cmpuint(total, >, 0);
        g_assert_cmpuint(free_bytes, <=, total);

        fixture_remove_tree(paths_volumes());
        g_assert_cmpint(volume_space(&free_bytes, &total, &error), ==, -ENOENT);
        error_clear(&error);
        g_assert_cmpint(volume_create("a", MIB, OWNER, GID_INVALID, NULL, &error), ==, -ENOENT);
        g_assert_nonnull(strstr(error.message, "systemd-tmpfiles"));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        volume_test("/volume/store/makes-one-that-is-sparse-and-owned", test_create);
        volume_test("/volume/store/modes-do-not-depend-on-the-umask", test_umask);
        volume_test("/volume/store/refuses-one-that-exists", test_exists);
        volume_test("/volume/store/names-stay-in-the-store", test_names);
        volume_test("/volume/store/refuses-sizes-that-no-disk-has", test_sizes);
        volume_test("/volume/store/keeps-an-owner-within-limits", test_limits);
        volume_test("/volume/store/lists-what-is-sound", test_list);
        volume_test("/volume/store/makes-larger-only", test_resize);
        volume_test("/volume/store/removes", test_remove);
        volume_test("/volume/store/clears-away-what-the-dead-left", test_remains);
        volume_test("/volume/store/keeps-limits-among-many-processes", test_many_processes);
        volume_test("/volume/store/tells-which-may-want-more-room", test_room);
        volume_test("/volume/store/tells-the-room-there-is", test_space);
        return g_test_run();
}
