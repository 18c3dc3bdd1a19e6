/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The folders of snapshots. */

#include "unikernel/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "unikernel/started.h"

#define SAVING          ".saving"
#define SAVED           ".saved"
#define RESTORING       ".restoring"
#define MEMORY_FILE     "memory"
#define DEFINITION_FILE "definition"

static char *snapshot_dir(const char *name, const char *suffix)
{
        g_autofree char *folder = g_strconcat(name, suffix, NULL);

        return g_build_filename(paths_snapshots(), folder, NULL);
}

static int snapshot_remove_dir(const char *name, const char *suffix)
{
        static const char *const files[] = {MEMORY_FILE, DEFINITION_FILE};
        g_autofree char *dir = snapshot_dir(name, suffix);

        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *path = g_build_filename(dir, files[i], NULL);

                if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
                        return -errno;
        }
        file_remove_remains(AT_FDCWD, dir, DEFINITION_FILE);
        return rmdir(dir) < 0 ? -errno : 0;
}

static int snapshot_rename(const char *name, const char *from, const char *to)
{
        g_autofree char *source = snapshot_dir(name, from), *target = snapshot_dir(name, to);

        if (rename(source, target) < 0)
                return -errno;
        return directory_sync(paths_snapshots());
}

static int snapshot_stat(const char *name, const char *suffix, Snapshot *ret_snapshot)
{
        g_autofree char *dir = snapshot_dir(name, suffix), *path = g_build_filename(dir, MEMORY_FILE, NULL);
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
        int r = snapshot_stat(name, SAVED, ret_snapshot);

        return r == 0 ? snapshot_stat(name, RESTORING, ret_snapshot) : r;
}

int snapshot_begin(const char *name, char **ret_path, Error *ret_error)
{
        g_autofree char *dir = snapshot_dir(name, SAVING), *text = NULL;
        size_t size;
        int r;

        r = started_read(name, &text, &size);
        if (r < 0)
                return error_set_errno(
                                ret_error, r, "Cannot read what unikernel '%s' was started with", name);

        (void) snapshot_remove_dir(name, SAVING);
        r = directory_make(paths_snapshots(), 0700);
        if (r >= 0)
                r = directory_make(dir, 0700);
        if (r >= 0)
                r = file_replace(dir, DEFINITION_FILE, text, size, 0600);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot write into %s", dir);

        *ret_path = g_build_filename(dir, MEMORY_FILE, NULL);
        return 0;
}

/* libvirt's file can be read by root only, so its whole file system is flushed. */
static int snapshot_flush(const char *dir)
{
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 || syncfs(fd) < 0 ? -errno : 0;
}

int snapshot_complete(const char *name, Error *ret_error)
{
        g_autofree char *dir = snapshot_dir(name, SAVING);
        int r;

        r = snapshot_flush(dir);
        if (r >= 0) {
                (void) snapshot_remove_dir(name, RESTORING);
                (void) snapshot_remove_dir(name, SAVED);
                r = snapshot_rename(name, SAVING, SAVED);
        }
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

int snapshot_request(const char *name, Error *ret_error)
{
        int r = snapshot_rename(name, SAVED, RESTORING);

        /* One of a request that was interrupted. */
        if (r == -ENOENT) {
                Snapshot snapshot;

                r = snapshot_stat(name, RESTORING, &snapshot);
                if (r == 0)
                        return snapshot_set_none(name, ret_error);
        }
        return r < 0 ? error_set_errno(ret_error, r, "Cannot use the snapshot of '%s'", name) : 0;
}

void snapshot_withdraw(const char *name)
{
        (void) snapshot_rename(name, RESTORING, SAVED);
}

int snapshot_remove(const char *name, Error *ret_error)
{
        int r = snapshot_remove_dir(name, SAVED), other = snapshot_remove_dir(name, RESTORING);

        (void) snapshot_remove_dir(name, SAVING);
        if (r == -ENOENT)
                r = other;
        if (r == -ENOENT)
                return snapshot_set_none(name, ret_error);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot remove the snapshot of '%s'", name) : 0;
}

char *snapshot_requested(const char *name)
{
        g_autofree char *dir = snapshot_dir(name, RESTORING);
        char *path = g_build_filename(dir, MEMORY_FILE, NULL);

        if (access(path, F_OK) < 0)
                g_clear_pointer(&path, g_free);
        return path;
}

int snapshot_check_definition(const char *name, const Definition *definition, Error *ret_error)
{
        g_autofree char *dir = snapshot_dir(name, RESTORING),
                        *path = g_build_filename(dir, DEFINITION_FILE, NULL), *text = NULL;
        size_t size;
        int r;

        r = file_read_at(AT_FDCWD, path, DEFINITION_SIZE_MAX, &text, &size);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read '%s'", path);
        if (started_equals(name, path, text, size, definition))
                return 0;

        return error_set(ret_error, ERROR_SNAPSHOT_UNUSABLE,
                        "Unikernel '%s' has another image or other settings than when it was saved: take "
                        "them back, or start it afresh with 'shruthictl start %s'",
                        name, name);
}
