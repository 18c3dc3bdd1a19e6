/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The folders of snapshots, and the requests to restore them. */

#include "unikernel/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "unikernel/started.h"
#include "volume/store.h"

#define SAVING          ".saving"
#define SAVED           ".saved"
#define LOCK            ".lock"
#define MEMORY_FILE     "memory"
#define DEFINITION_FILE "definition"
#define VOLUMES_FILE    "volumes"
#define VOLUMES_MAX     (64 * 1024) /* bytes */
#define REQUEST_AGE_MAX 600         /* seconds: a start may wait for its turn */

static char *snapshot_path(const char *name, const char *suffix)
{
        g_autofree char *file = g_strconcat(name, suffix, NULL);

        return g_build_filename(paths_snapshots(), file, NULL);
}

static char *snapshot_file(const char *name, const char *suffix, const char *file)
{
        g_autofree char *dir = snapshot_path(name, suffix);

        return g_build_filename(dir, file, NULL);
}

static char *restore_path(const char *name)
{
        return g_build_filename(paths_restores(), name, NULL);
}

static int snapshot_remove_dir(const char *name, const char *suffix)
{
        static const char *const files[] = {MEMORY_FILE, DEFINITION_FILE, VOLUMES_FILE};
        g_autofree char *dir = snapshot_path(name, suffix);

        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *path = g_build_filename(dir, files[i], NULL);

                if (unlink(path) < 0 && errno != ENOENT)
                        return -errno;
                file_remove_remains(AT_FDCWD, dir, files[i]);
        }
        return rmdir(dir) < 0 ? -errno : 0;
}

static int snapshot_stat(const char *name, const char *suffix, Snapshot *ret_snapshot)
{
        g_autofree char *path = snapshot_file(name, suffix, MEMORY_FILE);
        struct stat st;

        if (stat(path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;

        *ret_snapshot = (Snapshot){.size = (uint64_t) st.st_size,
                        .time = (uint64_t) st.st_mtim.tv_sec * G_USEC_PER_SEC +
                                (uint64_t) st.st_mtim.tv_nsec / 1000};
        return 1;
}

int snapshot_find(const char *name, Snapshot *ret_snapshot)
{
        return snapshot_stat(name, SAVED, ret_snapshot);
}

int snapshot_lock(const char *name, int *ret_fd, Error *ret_error)
{
        g_autofree char *path = snapshot_path(name, LOCK);

        for (;;) {
                _cleanup_close_ int fd =
                                open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
                struct stat st;

                if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
                        return error_set(ret_error, ERROR_BUSY,
                                        "The snapshot of unikernel '%s' is being made, used or removed",
                                        name);
                if (fd < 0 || fstat(fd, &st) < 0)
                        return error_set_errno(ret_error, -errno, "Cannot lock '%s'", path);
                /* Whoever had it locked has removed it. */
                if (st.st_nlink == 0)
                        continue;
                *ret_fd = TAKE_FD(fd);
                return 0;
        }
}

int snapshot_begin(const char *name, const char *started, char **ret_path, Error *ret_error)
{
        g_autofree char *dir = snapshot_path(name, SAVING);
        int r;

        (void) snapshot_remove_dir(name, SAVING);
        r = directory_make(dir, 0700);
        if (r >= 0)
                r = file_replace(dir, DEFINITION_FILE, started, strlen(started), 0600);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot write into %s", dir);

        *ret_path = g_build_filename(dir, MEMORY_FILE, NULL);
        return 0;
}

/* A line for each volume: "NAME DEVICE INODE SIZE MODIFIED", or "NAME -" for one that is not there. */
static char *volumes_format(const Definition *definition)
{
        g_autoptr(GString) text = g_string_new(NULL);

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                g_autofree char *stored = device->stored ? volume_path(device->stored) : NULL;
                const char *path = stored ?: device->path;
                struct stat st;

                if (device->kind != DEVICE_BLOCK || device->credentials)
                        continue;
                if (!path || stat(path, &st) < 0)
                        g_string_append_printf(text, "%s -\n", device->name);
                else
                        g_string_append_printf(text, "%s %ju %ju %jd %jd.%09ld\n", device->name,
                                        (uintmax_t) st.st_dev, (uintmax_t) st.st_ino, (intmax_t) st.st_size,
                                        (intmax_t) st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        }
        return g_string_free(g_steal_pointer(&text), FALSE);
}

int snapshot_note_volumes(const char *name, const Definition *definition, Error *ret_error)
{
        g_autofree char *dir = snapshot_path(name, SAVING), *text = volumes_format(definition);
        int r = file_replace(dir, VOLUMES_FILE, text, strlen(text), 0600);

        return r < 0 ? error_set_errno(ret_error, r, "Cannot write into %s", dir) : 0;
}

/* libvirt's file can be read by root only, so its whole file system is flushed. */
static int snapshot_flush(const char *dir)
{
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 || syncfs(fd) < 0 ? -errno : 0;
}

/* At each moment there is the old one or the new one. */
static int snapshot_exchange(const char *name)
{
        g_autofree char *saving = snapshot_path(name, SAVING), *saved = snapshot_path(name, SAVED);
        int r;

        if (rename(saving, saved) < 0) {
                if (errno != ENOTEMPTY && errno != EEXIST)
                        return -errno;
                if (renameat2(AT_FDCWD, saving, AT_FDCWD, saved, RENAME_EXCHANGE) < 0)
                        return -errno;
        }
        r = directory_sync(paths_snapshots());
        if (r >= 0)
                (void) snapshot_remove_dir(name, SAVING);
        return r;
}

int snapshot_complete(const char *name, Error *ret_error)
{
        g_autofree char *dir = snapshot_path(name, SAVING);
        Snapshot snapshot;
        int r;

        r = snapshot_stat(name, SAVING, &snapshot);
        if (r == 0)
                r = -ENOENT;
        if (r >= 0)
                r = snapshot_flush(dir);
        if (r >= 0)
                r = snapshot_exchange(name);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot keep the snapshot %s", dir) : 0;
}

void snapshot_abandon(const char *name)
{
        (void) snapshot_remove_dir(name, SAVING);
}

static int snapshot_set_none(const char *name, Error *ret_error)
{
        return error_set(ret_error, ERROR_NO_SUCH_SNAPSHOT,
                        "There is no snapshot of unikernel '%s'; 'shruthictl snapshot %s' makes one while "
                        "it "
                        "runs",
                        name, name);
}

int snapshot_remove(const char *name, Error *ret_error)
{
        g_autofree char *lock_path = snapshot_path(name, LOCK);
        _cleanup_close_ int lock = -EBADF;
        int r, left;

        if (access(lock_path, F_OK) < 0 && errno == ENOENT)
                return snapshot_set_none(name, ret_error);
        r = snapshot_lock(name, &lock, ret_error);
        if (r < 0)
                return r;

        r = snapshot_remove_dir(name, SAVED);
        left = snapshot_remove_dir(name, SAVING);
        if (r == -ENOENT)
                r = left;
        (void) snapshot_withdraw(name);
        (void) unlink(lock_path);
        if (r == -ENOENT)
                return snapshot_set_none(name, ret_error);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot remove the snapshot of '%s'", name) : 0;
}

int snapshot_request(const char *name, Error *ret_error)
{
        g_autofree char *path = restore_path(name);
        Snapshot snapshot;
        int r;

        r = snapshot_stat(name, SAVED, &snapshot);
        if (r == 0)
                r = snapshot_stat(name, SAVING, &snapshot);
        if (r == 0)
                return snapshot_set_none(name, ret_error);
        if (r >= 0) {
                _cleanup_close_ int fd =
                                open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

                r = fd < 0 || futimens(fd, NULL) < 0 ? -errno : 0;
        }
        return r < 0 ? error_set_errno(ret_error, r, "Cannot use the snapshot of '%s'", name) : 0;
}

bool snapshot_withdraw(const char *name)
{
        g_autofree char *path = restore_path(name);

        return unlink(path) >= 0;
}

bool snapshot_is_requested(const char *name)
{
        g_autofree char *path = restore_path(name);
        struct stat st;

        return stat(path, &st) >= 0 && time(NULL) - st.st_mtime <= REQUEST_AGE_MAX;
}

bool snapshot_take_request(const char *name)
{
        bool requested = snapshot_is_requested(name);

        return snapshot_withdraw(name) && requested;
}

char *snapshot_memory(const char *name, bool whole)
{
        char *path = snapshot_file(name, whole ? SAVED : SAVING, MEMORY_FILE);

        if (access(path, F_OK) < 0)
                g_clear_pointer(&path, g_free);
        return path;
}

static int snapshot_refuse(const char *name, const char *what, Error *ret_error)
{
        return error_set(ret_error, ERROR_SNAPSHOT_UNUSABLE,
                        "Unikernel '%s' cannot continue where it was saved: %s; start it afresh with "
                        "'shruthictl start %s'",
                        name, what, name);
}

/* The first line of b that is not in a at the same place, as the name of its volume. */
static char *volumes_find_other(const char *a, const char *b)
{
        g_auto(GStrv) old = g_strsplit(a, "\n", -1), now = g_strsplit(b, "\n", -1);

        for (guint i = 0; now[i]; i++)
                if (!old[i] || !g_str_equal(old[i], now[i]))
                        return g_strndup(now[i], strcspn(now[i], " "));
        return NULL;
}

static int snapshot_check_volumes(const char *name, const Definition *definition, Error *ret_error)
{
        g_autofree char *path = snapshot_file(name, SAVED, VOLUMES_FILE), *then = NULL;
        g_autofree char *now = volumes_format(definition), *other = NULL, *what = NULL;

        /* It is missing if shruthi-domain was killed before it knew. */
        if (file_read_at(AT_FDCWD, path, VOLUMES_MAX, &then, NULL) < 0)
                then = g_strdup("");
        if (g_str_equal(then, now))
                return 0;

        other = volumes_find_other(then, now);
        what = g_strdup_printf("its volume '%s' was changed since", other ?: "");
        return snapshot_refuse(name, what, ret_error);
}

int snapshot_check(const char *name, const Definition *definition, Error *ret_error)
{
        g_autofree char *path = snapshot_file(name, SAVED, DEFINITION_FILE), *text = NULL;
        size_t size;
        int r;

        r = file_read_at(AT_FDCWD, path, DEFINITION_SIZE_MAX, &text, &size);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read '%s'", path);
        if (!started_equals(name, path, text, size, definition))
                return snapshot_refuse(name, "it has another image or other settings than then", ret_error);

        return snapshot_check_volumes(name, definition, ret_error);
}
