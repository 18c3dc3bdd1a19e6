/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creating volumes: a folder beside its place, complete and on disk, then renamed. */

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/paths.h"
#include "common/size.h"
#include "volume/raw.h"
#include "volume/store-private.h"

/* QEMU gets access through its group, which everything that is made below the store's directory inherits by
 * its setgid bit: through the folder and into the data, nowhere else. The folder's own setgid bit has no
 * further use. */
#define FOLDER_MODE 0710
#define DATA_MODE   0660
#define RECORD_MODE 0600

#define COPY_SIZE (256 * 1024)

/* A folder on its way into the store; removed at the end of the scope unless it was committed. It is locked
 * as long as its maker lives, so that the next maker sees that it is still in use. */
typedef struct Folder {
        char *name;
        int fd, data_fd;
} Folder;

#define FOLDER_INIT ((Folder){.fd = -EBADF, .data_fd = -EBADF})

static void folder_clear(Folder *folder)
{
        if (folder->name) {
                int store = open(paths_volumes(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                if (store >= 0)
                        (void) volume_folder_remove(store, folder->name);
                store = close_safe(store);
        }
        folder->fd = close_safe(folder->fd);
        folder->data_fd = close_safe(folder->data_fd);
        g_clear_pointer(&folder->name, g_free);
}

#define _cleanup_folder_ __attribute__((cleanup(folder_clear)))

static int refuse_write(Error *ret_error, int r, const char *name)
{
        if (r == -ENOSPC || r == -EDQUOT)
                return error_set(ret_error, ERROR_FAILED,
                                "Not enough space for volume '%s' on the file system of %s: free some space "
                                "there",
                                name, paths_volumes());

        return error_set_errno(ret_error, r, "Cannot create volume '%s' in %s", name, paths_volumes());
}

/* Under the store's lock nobody makes a folder, so an unlocked one has lost its maker. */
static void clear_remains(int store_fd)
{
        int copy = openat(store_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = copy < 0 ? NULL : fdopendir(copy);
        struct dirent *entry;

        if (!dir) {
                copy = close_safe(copy);
                return;
        }

        while ((entry = readdir(dir))) {
                _cleanup_close_ int fd = -EBADF;
                int r;

                if (!g_str_has_prefix(entry->d_name, VOLUME_TEMPORARY_PREFIX))
                        continue;
                fd = openat(store_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
                        continue;
                r = volume_folder_remove(store_fd, entry->d_name);
                if (r < 0)
                        log_debug("Cannot remove %s/%s: %s", paths_volumes(), entry->d_name,
                                        g_strerror(-r));
        }
        (void) closedir(dir);
}

void volume_store_clean(void)
{
        _cleanup_close_ int lock = -EBADF;

        if (volume_store_lock(&lock, NULL) >= 0)
                clear_remains(lock);
}

static int write_record(const Folder *folder, uid_t owner, gid_t group)
{
        g_autofree char *path = g_build_filename(paths_volumes(), folder->name, NULL);
        g_autoptr(GString) text = g_string_new(NULL);

        g_string_append_printf(text, "OWNER=%u\n", owner);
        if (group != GID_INVALID)
                g_string_append_printf(text, "GROUP=%u\n", group);

        return file_create(path, VOLUME_RECORD, text->str, text->len, RECORD_MODE);
}

static int fill_folder(Folder *folder, uint64_t size, uid_t owner, gid_t group)
{
        folder->data_fd = openat(folder->fd, VOLUME_DATA, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, DATA_MODE);
        if (folder->data_fd < 0 || fchmod(folder->data_fd, DATA_MODE) < 0 ||
                        ftruncate(folder->data_fd, (off_t) size) < 0 || fchmod(folder->fd, FOLDER_MODE) < 0)
                return -errno;

        return write_record(folder, owner, group);
}

/* Makes a folder for a volume of that size, if the name is free and its owner's limits allow it. Under the
 * store's lock. */
static int folder_begin(int store_fd, const char *name, uint64_t size, uid_t owner, gid_t group,
                const VolumeLimits *limits, Folder *ret, Error *ret_error)
{
        _cleanup_folder_ Folder folder = FOLDER_INIT;
        int r;

        clear_remains(store_fd);
        if (faccessat(store_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                return error_set(ret_error, ERROR_VOLUME_EXISTS, "Volume '%s' already exists", name);
        r = volume_check_limits(store_fd, name, owner, size, 1, limits, ret_error);
        if (r < 0)
                return r;

        folder.name = g_strdup_printf(VOLUME_TEMPORARY_PREFIX "%d-%08x", getpid(), g_random_int());
        if (mkdirat(store_fd, folder.name, FOLDER_MODE) < 0) {
                g_clear_pointer(&folder.name, g_free);
                return refuse_write(ret_error, -errno, name);
        }
        folder.fd = openat(store_fd, folder.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder.fd < 0 || flock(folder.fd, LOCK_EX | LOCK_NB) < 0)
                return refuse_write(ret_error, -errno, name);
        r = fill_folder(&folder, size, owner, group);
        if (r < 0)
                return refuse_write(ret_error, r, name);

        *ret = folder;
        folder = FOLDER_INIT;
        return 0;
}

/* Gives the folder its name. Under the store's lock. */
static int folder_commit(int store_fd, Folder *folder, const char *name, Error *ret_error)
{
        if (renameat2(store_fd, folder->name, store_fd, name, RENAME_NOREPLACE) < 0)
                return errno == EEXIST ? error_set(ret_error, ERROR_VOLUME_EXISTS,
                                                         "Volume '%s' already exists", name)
                                       : refuse_write(ret_error, -errno, name);
        g_clear_pointer(&folder->name, g_free);

        return fsync(store_fd) < 0 ? refuse_write(ret_error, -errno, name) : 0;
}

static int folder_sync(const Folder *folder)
{
        return fsync(folder->data_fd) < 0 || fsync(folder->fd) < 0 ? -errno : 0;
}

int volume_create(const char *name, uint64_t size, uid_t owner, gid_t group, const VolumeLimits *limits,
                Error *ret_error)
{
        _cleanup_folder_ Folder folder = FOLDER_INIT;
        _cleanup_close_ int lock = -EBADF;
        int r;

        r = volume_name_check(name, ret_error);
        if (r >= 0)
                r = volume_size_check(size, ret_error);
        if (r >= 0)
                r = volume_store_lock(&lock, ret_error);
        if (r >= 0)
                r = folder_begin(lock, name, size, owner, group, limits, &folder, ret_error);
        if (r < 0)
                return r;

        r = folder_sync(&folder);
        if (r < 0)
                return refuse_write(ret_error, r, name);

        return folder_commit(lock, &folder, name, ret_error);
}

/* The source of an import, as it was when the copying began. */
typedef struct VolumeSource {
        int fd;
        bool regular;
        struct stat st;
        uint64_t size;
} VolumeSource;

static int volume_source_look(int fd, VolumeSource *ret, Error *ret_error)
{
        VolumeSource source = {.fd = fd};
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0 || fstat(fd, &source.st) < 0)
                return error_set_errno(ret_error, errno, "Cannot inspect the source of the import");
        source.regular = S_ISREG(source.st.st_mode);
        if (!source.regular && !S_ISBLK(source.st.st_mode))
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The source of the import is neither a file nor a block device: write it "
                                "into a file first");
        if (flags & O_PATH || (flags & O_ACCMODE) == O_WRONLY)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The source of the import is not open for reading: open it read-only and "
                                "pass it again");
        source.size = (uint64_t) source.st.st_size;
        if (!source.regular && ioctl(fd, BLKGETSIZE64, &source.size) < 0)
                return error_set_errno(ret_error, errno, "Cannot read the size of the block device");
        if (source.size == 0)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The source of the import is empty: create an empty volume with 'shruthictl "
                                "volume create'");

        *ret = source;
        return 0;
}

static int refuse_changed(Error *ret_error)
{
        return error_set(ret_error, ERROR_BUSY,
                        "The source of the import changed while it was read: try again when it has been "
                        "written completely");
}

static bool volume_source_is_unchanged(const VolumeSource *source)
{
        struct stat st;

        return !source->regular || (fstat(source->fd, &st) >= 0 && st.st_size == source->st.st_size &&
                                                   st.st_mtim.tv_sec == source->st.st_mtim.tv_sec &&
                                                   st.st_mtim.tv_nsec == source->st.st_mtim.tv_nsec);
}

/* Where the next data begins: offset itself if the source does not tell, size if there is none. */
static uint64_t volume_source_next_data(const VolumeSource *source, uint64_t offset)
{
        off_t found = lseek(source->fd, (off_t) offset, SEEK_DATA);

        if (found < 0)
                return errno == ENXIO ? source->size : offset;

        return CLAMP((uint64_t) found, offset, source->size);
}

/* Copies exactly the size that was seen at the beginning, so that a source that grows meanwhile takes no
 * more. */
static int volume_source_copy(const VolumeSource *source, int to, const char *name, Error *ret_error)
{
        g_autofree char *buffer = NULL;
        uint64_t offset = 0;
        int r;

        /* A clone shares its blocks with the original: nothing is copied, and no room is used. */
        if (source->regular && ioctl(to, FICLONE, source->fd) >= 0)
                return 0;

        buffer = g_malloc(COPY_SIZE);
        while ((offset = volume_source_next_data(source, offset)) < source->size) {
                size_t want = MIN(source->size - offset, (uint64_t) COPY_SIZE);
                ssize_t n = pread_all(source->fd, buffer, want, (off_t) offset);

                if (n < 0)
                        return error_set_errno(ret_error, (int) n, "Cannot read the source of the import");
                if ((size_t) n < want)
                        return refuse_changed(ret_error);
                r = write_sparse(to, buffer, want, (off_t) offset);
                if (r < 0)
                        return refuse_write(ret_error, r, name);
                offset += want;
        }

        return 0;
}

static int volume_source_choose_size(
                const VolumeSource *source, uint64_t asked, uint64_t *ret_size, Error *ret_error)
{
        uint64_t least = source->size > VOLUME_SIZE_MAX ? source->size
                                                        : (source->size + VOLUME_SIZE_UNIT - 1) /
                                                                          VOLUME_SIZE_UNIT *
                                                                          VOLUME_SIZE_UNIT;
        uint64_t size = asked ?: least;
        int r;

        r = volume_size_check(size, ret_error);
        if (r < 0)
                return r;
        if (size < least) {
                g_autofree char *shown = size_format_exact(size), *needed = size_format_exact(least);

                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "A volume of %s is too small for the source of the import: it must have %s "
                                "or more",
                                shown, needed);
        }

        *ret_size = size;
        return 0;
}

/* A clone needs none, which is not known before it is made; a source with holes needs less than its size. */
static int check_free_space(
                const VolumeSource *source, const VolumeLimits *limits, const char *name, Error *ret_error)
{
        uint64_t wanted = source->regular ? MIN(source->size, (uint64_t) source->st.st_blocks * 512)
                                          : source->size;
        g_autofree char *what = g_strdup_printf("volume '%s'", name);

        return !limits ? 0
                       : file_system_check_room(paths_volumes(), wanted, limits->free_min, what,
                                         "free some space there", ret_error);
}

int volume_import(const char *name, const VolumeContent *content, uid_t owner, gid_t group,
                const VolumeLimits *limits, Error *ret_error)
{
        _cleanup_folder_ Folder folder = FOLDER_INIT;
        _cleanup_close_ int lock = -EBADF;
        VolumeSource source = {.fd = -EBADF};
        uint64_t size = content->size;
        int fd = content->fd;
        off_t position;
        int r;

        r = volume_name_check(name, ret_error);
        if (r >= 0)
                r = volume_source_look(fd, &source, ret_error);
        if (r >= 0)
                r = volume_source_choose_size(&source, size, &size, ret_error);
        if (r >= 0)
                r = check_free_space(&source, limits, name, ret_error);
        if (r >= 0)
                r = volume_store_lock(&lock, ret_error);
        if (r >= 0)
                r = folder_begin(lock, name, size, owner, group, limits, &folder, ret_error);
        if (r < 0)
                return r;

        /* Slow, so without the lock. The folder already counts for its owner. */
        lock = close_safe(lock);
        position = lseek(fd, 0, SEEK_CUR);
        r = content->raw ? 0 : volume_check_import(fd, ret_error);
        if (r >= 0)
                r = volume_source_copy(&source, folder.data_fd, name, ret_error);
        /* Looking for data has moved it, also for whoever passed the descriptor. */
        (void) lseek(fd, position, SEEK_SET);
        if (r < 0)
                return r;
        if (!volume_source_is_unchanged(&source))
                return refuse_changed(ret_error);
        if (ftruncate(folder.data_fd, (off_t) size) < 0)
                return refuse_write(ret_error, -errno, name);
        r = folder_sync(&folder);
        if (r < 0)
                return refuse_write(ret_error, r, name);

        r = volume_store_lock(&lock, ret_error);
        return r < 0 ? r : folder_commit(lock, &folder, name, ret_error);
}
