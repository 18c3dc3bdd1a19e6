/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Invariant: what QEMU's locks say about a volume is what others hear, and nothing is taken away or read
 * half-written under a guest. The bytes are those of QEMU's block/file-posix.c. */

#include <fcntl.h>
#include <sys/stat.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/io.h"
#include "volume-fixture.h"
#include "volume/lock.h"

#define BYTE_READS        100
#define BYTE_WRITES       101
#define BYTE_RESIZES      103
#define BYTE_NO_WRITER    201

static VolumeUse look(const char *name)
{
        _cleanup_error_ Error error = ERROR_INIT;
        VolumeUse use = _VOLUME_USE_INVALID;

        g_assert_cmpint(volume_look(name, &use, &error), ==, 0);
        return use;
}

static void test_unused(VolumeFixture *f, const void *data)
{
        _cleanup_close_ int fd = -EBADF;

        make_volume("a", MIB);
        fd = open_data("a", O_RDWR);
        g_assert_cmpint(look("a"), ==, VOLUME_UNUSED);
        g_assert_cmpstr(volume_use_to_string(VOLUME_UNUSED), ==, "unused");
}

static void test_writer(VolumeFixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int writer = -EBADF;
        int fd;

        make_volume("a", MIB);
        writer = open_data("a", O_RDWR);
        lock_byte(writer, BYTE_READS);
        lock_byte(writer, BYTE_WRITES);
        lock_byte(writer, BYTE_NO_WRITER);

        g_assert_cmpint(look("a"), ==, VOLUME_WRITTEN);
        assert_refused(volume_export("a", &fd, &error), &error, ERROR_VOLUME_IN_USE, "'a' is being written");
        assert_refused(volume_remove("a", &error), &error, ERROR_VOLUME_IN_USE, "'a' is being written");
        /* Its guest sees that at its next start. */
        g_assert_cmpint(volume_resize("a", 2 * MIB, NULL, &error), ==, 0);

        writer = close_safe(writer);
        g_assert_cmpint(look("a"), ==, VOLUME_UNUSED);
        g_assert_cmpint(volume_remove("a", &error), ==, 0);
}

static void test_readers(VolumeFixture *f, const void *data)
{
        static const off_t bytes[] = {BYTE_READS, BYTE_RESIZES, BYTE_NO_WRITER};
        _cleanup_error_ Error error = ERROR_INIT;

        make_volume("a", MIB);
        for (size_t i = 0; i < G_N_ELEMENTS(bytes); i++) {
                _cleanup_close_ int reader = open_data("a", O_RDONLY), exported = -EBADF;

                lock_byte(reader, bytes[i]);
                g_assert_cmpint(look("a"), ==, VOLUME_READ);
                assert_refused(volume_remove("a", &error), &error, ERROR_VOLUME_IN_USE, "'a' is being read");
                g_assert_cmpint(volume_export("a", &exported, &error), ==, 0);
        }
        g_assert_cmpint(look("a"), ==, VOLUME_UNUSED);
}

static void test_export(VolumeFixture *f, const void *data)
{
        _cleanup_close_ int first = -EBADF, second = -EBADF, passed = -EBADF, writer = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = BYTE_NO_WRITER, .l_len = 1};
        char text[3];

        make_volume("a", MIB);
        writer = open_data("a", O_RDWR);
        g_assert_cmpint(pwrite(writer, "abc", 3, 0), ==, 3);

        g_assert_cmpint(volume_export("a", &first, &error), ==, 0);
        g_assert_cmpint(volume_export("a", &second, &error), ==, 0);
        g_assert_cmpint(fcntl(first, F_GETFL) & O_ACCMODE, ==, O_RDONLY);
        g_assert_cmpint(read(first, text, 3), ==, 3);
        g_assert_cmpint(memcmp(text, "abc", 3), ==, 0);
        g_assert_cmpint(write(first, "x", 1), <, 0);

        /* A QEMU that is to write looks there, and sees it for as long as any copy of it is open. */
        second = close_safe(second);
        passed = dup(first);
        first = close_safe(first);
        g_assert_cmpint(fcntl(writer, F_OFD_GETLK, &lock), ==, 0);
        g_assert_cmpint(lock.l_type, ==, F_RDLCK);
        g_assert_cmpint(look("a"), ==, VOLUME_READ);
        passed = close_safe(passed);
        writer = close_safe(writer);
        g_assert_cmpint(look("a"), ==, VOLUME_UNUSED);

        assert_refused(volume_export("b", &first, &error), &error, ERROR_NO_SUCH_VOLUME, "'b'");
}

/* The lock is the open file description's, and whoever was given that can take the lock off. It counts until
 * it is closed all the same, and those who only look at the data, as a backup does, count for nothing. */
static void test_export_that_unlocks(VolumeFixture *f, const void *data)
{
        _cleanup_close_ int fd = -EBADF, backup = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;
        struct flock unlock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

        make_volume("a", MIB);
        backup = open_data("a", O_RDONLY);
        g_assert_cmpint(look("a"), ==, VOLUME_UNUSED);
        g_assert_cmpint(volume_export("a", &fd, &error), ==, 0);
        g_assert_cmpint(fcntl(fd, F_OFD_SETLK, &unlock), ==, 0);
        backup = close_safe(backup);

        g_assert_cmpint(look("a"), ==, VOLUME_READ);
        volume_settle_exports("a");
        g_assert_cmpint(look("a"), ==, VOLUME_READ);
        assert_refused(volume_remove("a", &error), &error, ERROR_VOLUME_IN_USE, "being read");

        fd = close_safe(fd);
        g_assert_cmpint(look("a"), ==, VOLUME_UNUSED);
        volume_settle_exports("a");
        backup = open_data("a", O_RDONLY);
        g_assert_cmpint(look("a"), ==, VOLUME_UNUSED);
}

/* What is removed takes no room any more, whoever has it open. */
static void test_removed_content(VolumeFixture *f, const void *data)
{
        _cleanup_error_ Error error = ERROR_INIT;
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        make_volume("a", MIB);
        fd = open_data("a", O_RDWR);
        g_assert_cmpint(pwrite(fd, "abc", 3, 0), ==, 3);
        g_assert_cmpint(volume_remove("a", &error), ==, 0);
        g_assert_cmpint(fstat(fd, &st), ==, 0);
        g_assert_cmpint(st.st_nlink, ==, 0);
        g_assert_cmpint(st.st_size, ==, 0);
        g_assert_cmpint(st.st_blocks, ==, 0);
}

/* As a process that writes it has it, and a QEMU. */
static void test_write_lock(VolumeFixture *f, const void *data)
{
        static const off_t taken[] = {BYTE_READS, BYTE_WRITES, BYTE_NO_WRITER};
        _cleanup_close_ int writer = -EBADF, other = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;

        make_volume("a", MIB);
        writer = open_data("a", O_RDWR);
        other = open_data("a", O_RDWR);
        g_assert_cmpint(disk_lock_write(writer), ==, 0);
        g_assert_cmpint(disk_lock_write(writer), ==, 0); /* it does not stand in its own way */
        g_assert_cmpint(look("a"), ==, VOLUME_WRITTEN);
        assert_refused(volume_remove("a", &error), &error, ERROR_VOLUME_IN_USE, "'a' is being written");
        for (off_t byte = BYTE_READS - 1; byte <= BYTE_NO_WRITER + 1; byte++) {
                struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
                bool expected = byte == taken[0] || byte == taken[1] || byte == taken[2];

                g_assert_cmpint(fcntl(other, F_OFD_GETLK, &lock), ==, 0);
                g_assert_cmpint(lock.l_type, ==, expected ? F_RDLCK : F_UNLCK);
        }
}

typedef int (*Locker)(int fd);

/* Two writers, a writer and a reader: never both. Only readers are many. */
static void test_writers_and_readers(VolumeFixture *f, const void *data)
{
        static const struct {
                Locker first, second;
                int first_flags, second_flags, r;
        } cases[] = {
                        {disk_lock_write, disk_lock_write, O_RDWR, O_RDWR, -EAGAIN},
                        {disk_lock_write, disk_lock_read, O_RDWR, O_RDONLY, -EAGAIN},
                        {disk_lock_read, disk_lock_write, O_RDONLY, O_RDWR, -EAGAIN},
                        {disk_lock_read, disk_lock_read, O_RDONLY, O_RDONLY, 0},
        };

        make_volume("a", MIB);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_close_ int first = open_data("a", cases[i].first_flags), again = -EBADF,
                                    second = open_data("a", cases[i].second_flags);

                g_assert_cmpint(cases[i].first(first), ==, 0);
                g_assert_cmpint(cases[i].second(second), ==, cases[i].r);

                /* Who was refused closes it, and leaves nothing behind. */
                second = close_safe(second);
                g_assert_cmpint(look("a"), ==,
                                cases[i].first == disk_lock_write ? VOLUME_WRITTEN : VOLUME_READ);
                first = close_safe(first);
                g_assert_cmpint(look("a"), ==, VOLUME_UNUSED);
                again = open_data("a", cases[i].second_flags);
                g_assert_cmpint(cases[i].second(again), ==, 0);
        }
}

/* What is handed to another process is a copy: whoever took the lock may close it, and what was locked stays so until
 * the last copy is closed. */
static void test_write_lock_of_copies(VolumeFixture *f, const void *data)
{
        _cleanup_close_ int first = -EBADF, copy = -EBADF, elsewhere = -EBADF;
        int go[2];
        char byte;
        pid_t pid;

        make_volume("a", MIB);
        first = open_data("a", O_RDWR);
        g_assert_cmpint(disk_lock_write(first), ==, 0);
        copy = dup(first);
        g_assert_cmpint(pipe2(go, O_CLOEXEC), ==, 0);
        pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                (void) close_safe(go[1]);
                _exit(read(go[0], &byte, 1) == 0 ? 0 : 1);
        }
        (void) close_safe(go[0]);

        first = close_safe(first);
        g_assert_cmpint(look("a"), ==, VOLUME_WRITTEN);
        /* Another descriptor of the file is not a copy. */
        elsewhere = open_data("a", O_RDWR);
        elsewhere = close_safe(elsewhere);
        g_assert_cmpint(look("a"), ==, VOLUME_WRITTEN);
        copy = close_safe(copy);
        g_assert_cmpint(look("a"), ==, VOLUME_WRITTEN);
        (void) close_safe(go[1]);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
        g_assert_cmpint(look("a"), ==, VOLUME_UNUSED);
}

/* What only names the file locks nothing. */
static void test_lock_without_rights(VolumeFixture *f, const void *data)
{
        _cleanup_close_ int path = -EBADF;

        make_volume("a", MIB);
        path = open_data("a", O_PATH);
        g_assert_cmpint(disk_lock_write(path), ==, -EBADF);
        g_assert_cmpint(disk_lock_read(path), ==, -EBADF);
        g_assert_cmpint(disk_lock_write(-1), ==, -EBADF);
        g_assert_cmpint(look("a"), ==, VOLUME_UNUSED);
}

/* Whether somebody else would come to it now. */
static bool turn_is_free(const char *name, bool read_only)
{
        g_autofree char *path = volume_path(name), *folder = g_path_get_dirname(path);
        _cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        g_assert_cmpint(fd, >=, 0);
        return flock(fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) >= 0;
}

/* QEMU's own locks do not serve two that come at the same moment: both may give up. */
static void test_turns(VolumeFixture *f, const void *data)
{
        _cleanup_close_ int writer = -EBADF, reader = -EBADF, other = -EBADF;
        _cleanup_error_ Error error = ERROR_INIT;

        make_volume("a", MIB);
        make_volume("b", MIB);
        g_assert_cmpint(volume_await_turn("a", false, &writer, &error), ==, 0);
        g_assert_false(turn_is_free("a", true));
        g_assert_true(turn_is_free("b", false));

        writer = close_safe(writer);
        g_assert_cmpint(volume_await_turn("a", true, &reader, &error), ==, 0);
        g_assert_cmpint(volume_await_turn("a", true, &other, &error), ==, 0);
        g_assert_false(turn_is_free("a", false));
        reader = close_safe(reader);
        g_assert_false(turn_is_free("a", false));
        other = close_safe(other);
        g_assert_true(turn_is_free("a", false));

        g_assert_cmpint(volume_await_turn("none", false, &writer, &error), ==, -ENOENT);
        g_assert_cmpint(writer, ==, -EBADF);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        volume_test("/volume/lock/an-open-file-is-no-use", test_unused);
        volume_test("/volume/lock/a-writer-keeps-all-others-out", test_writer);
        volume_test("/volume/lock/readers-are-many", test_readers);
        volume_test("/volume/lock/a-writer-locks-as-qemu-does", test_write_lock);
        volume_test("/volume/lock/a-writer-is-alone", test_writers_and_readers);
        volume_test("/volume/lock/is-let-go-with-the-last-copy", test_write_lock_of_copies);
        volume_test("/volume/lock/of-what-is-not-open-is-none", test_lock_without_rights);
        volume_test("/volume/lock/one-comes-to-write-or-many-to-read", test_turns);
        volume_test("/volume/lock/an-export-keeps-writers-out", test_export);
        volume_test("/volume/lock/an-export-that-is-unlocked-does-too", test_export_that_unlocks);
        volume_test("/volume/lock/removed-content-goes-at-once", test_removed_content);
        return g_test_run();
}
