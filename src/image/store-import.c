/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Importing images into the store: copied beside their place, hashed, flushed to disk, renamed. */

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/paths.h"
#include "common/size.h"
#include "common/string-util.h"
#include "common/users.h"
#include "image/digest.h"
#include "image/fingerprint.h"
#include "image/inspect.h"
#include "image/store-private.h"
#include "image/store.h"

#define IMAGE_MODE 0440 /* readable by us and, through the directory's group, by QEMU; writable by nobody */

/* A temporary file on its way into the store; removed at the end of the scope unless it was committed. */
typedef struct Temporary {
        char *path;
        int fd;
} Temporary;

static void temporary_clear(Temporary *temporary)
{
        if (temporary->fd >= 0) {
                (void) unlink(temporary->path);
                temporary->fd = close_safe(temporary->fd);
        }
        g_clear_pointer(&temporary->path, g_free);
}

#define _cleanup_temporary_ __attribute__((cleanup(temporary_clear)))

static int temporary_open(Temporary *ret, Error *ret_error)
{
        g_autofree char *path = g_build_filename(paths_images(), STORE_TEMPORARY_PREFIX "XXXXXX", NULL);
        int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);

        if (fd < 0)
                return error_set_errno(ret_error, errno,
                                "Cannot write into the image store %s (`systemd-tmpfiles --create` creates "
                                "it)",
                                paths_images());

        *ret = (Temporary){.path = g_steal_pointer(&path), .fd = fd};
        return 0;
}

static int error_set_write(Error *ret_error, int r, uint64_t size)
{
        g_autofree char *shown = size_format(size);

        if (r == -ENOSPC || r == -EDQUOT)
                return error_set(ret_error, ERROR_FAILED,
                                "Not enough space for the image (%s) on the file system of %s: free some "
                                "space there, or remove unused images with `shruthictl image prune`",
                                shown, paths_images());

        return error_set_errno(ret_error, r, "Cannot write the image (%s) into %s", shown, paths_images());
}

static int error_set_changed(Error *ret_error)
{
        return error_set(ret_error, ERROR_BUSY,
                        "The image changed while it was read: try again when it has been written "
                        "completely");
}

/* Whether an open file shows no sign that its content was changed. */
static bool content_looks_same(const struct stat *a, const struct stat *b)
{
        return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
                        a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int image_look(int fd, uint64_t size_max, struct stat *ret, Error *ret_error)
{
        int flags = fcntl(fd, F_GETFL);
        struct stat st;

        if (flags < 0 || fstat(fd, &st) < 0)
                return error_set_errno(ret_error, errno, "Cannot inspect the image");
        if (!S_ISREG(st.st_mode))
                return error_set(ret_error, ERROR_INVALID_IMAGE,
                                "The image is not a regular file: use the file itself, not a directory, "
                                "device or pipe");
        if (flags & O_PATH || (flags & O_ACCMODE) == O_WRONLY)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "The image is not open for reading: open it read-only and pass it again");
        if ((uint64_t) st.st_size > size_max) {
                g_autofree char *size = size_format((uint64_t) st.st_size), *max = size_format(size_max);

                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "The image has %s, more than the maximum of %s: make it smaller, or raise "
                                "ImageSizeMax= in shruthi.conf",
                                size, max);
        }

        *ret = st;
        return 0;
}

static int image_check_file(int fd, const StoreLimits *limits, struct stat *ret, Error *ret_error)
{
        int r = image_look(fd, limits ? limits->image_size : UINT64_MAX, ret, ret_error);

        if (r >= 0 && ret->st_size == 0)
                return error_set(ret_error, ERROR_INVALID_IMAGE,
                                "The image is empty: copy or download it again");
        return r;
}

int image_examine(int fd, uint64_t size_max, const int *stop, uint64_t *ret_size, char **ret_digest,
                ImageInfo **ret_info, Error *ret_error)
{
        _cleanup_image_info_ ImageInfo *info = NULL;
        g_autofree char *digest = NULL;
        struct stat before, after;
        int r;

        r = image_look(fd, size_max, &before, ret_error);
        if (r >= 0)
                r = image_inspect(fd, IMAGE_ARCHITECTURE_UNKNOWN, &info, ret_error);
        if (r < 0)
                return r;

        r = digest_of_fd(fd, (uint64_t) before.st_size, stop, &digest);
        if (r == -ECANCELED)
                return error_set(ret_error, ERROR_CANCELED, "The caller has disconnected");
        if (r < 0 && r != -ENODATA)
                return error_set_errno(ret_error, r, "Cannot read the image");
        if (r < 0 || fstat(fd, &after) < 0 || !content_looks_same(&before, &after))
                return error_set_changed(ret_error);

        *ret_size = (uint64_t) before.st_size;
        *ret_digest = g_steal_pointer(&digest);
        *ret_info = g_steal_pointer(&info);
        return 0;
}

/* Copies exactly size bytes, so that a file that grows meanwhile cannot fill the disk; zeros become holes.
 * Hashes what it wrote. */
static int copy_and_hash(int from, int to, uint64_t size, char **ret_digest, Error *ret_error)
{
        g_autofree uint8_t *buffer = g_malloc(DIGEST_BUFFER_SIZE);
        _cleanup_digest_ Digest *digest = digest_new();
        uint64_t done = 0;
        int r;

        while (done < size) {
                size_t want = MIN(size - done, (uint64_t) DIGEST_BUFFER_SIZE);
                ssize_t n = pread_all(from, buffer, want, (off_t) done);

                if (n < 0)
                        return error_set_errno(ret_error, (int) n, "Cannot read the image");
                if ((size_t) n < want)
                        return error_set_changed(ret_error);

                r = write_sparse(to, buffer, want, (off_t) done);
                if (r < 0)
                        return error_set_write(ret_error, r, size);

                digest_update(digest, buffer, want);
                done += want;
        }

        if (ftruncate(to, (off_t) size) < 0)
                return error_set_write(ret_error, -errno, size);
        *ret_digest = digest_finish(digest);
        return 0;
}

/* A clone shares its blocks with the original until one of them is written: nothing is copied, and no room
 * is used. */
static int image_take(int from, int to, uint64_t size, char **ret_digest, Error *ret_error)
{
        struct stat st;
        int r;

        if (ioctl(to, FICLONE, from) < 0)
                return copy_and_hash(from, to, size, ret_digest, ret_error);

        if (fstat(to, &st) < 0 || (uint64_t) st.st_size != size)
                return error_set_changed(ret_error);
        r = digest_of_fd(to, size, NULL, ret_digest);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read the image in the store");

        return 0;
}

static int check_room(const StoreLimits *limits, uint64_t size, Error *ret_error)
{
        g_autofree char *max = NULL, *shown = NULL, *used = NULL;
        uint64_t total;
        int r;

        if (!limits || limits->store_size == UINT64_MAX)
                return 0;

        r = store_total(&total, ret_error);
        if (r < 0)
                return r;
        if (total <= limits->store_size && size <= limits->store_size - total)
                return 0;

        max = size_format(limits->store_size);
        shown = size_format(size);
        used = size_format(total);
        return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                        "The image (%s) does not fit into the store, which holds %s of at most %s: remove "
                        "unused images with `shruthictl image prune`, or raise StoreSizeMax= in "
                        "shruthi.conf", shown, used,
                        max);
}

static int check_free_space(const StoreLimits *limits, uint64_t size, Error *ret_error)
{
        return !limits ? 0
                       : file_system_check_room(paths_images(), size, limits->free_min, "the image",
                                         "free some space there, or remove unused images with `shruthictl "
                                         "image prune`",
                                         ret_error);
}

static int check_share(const StoreLimits *limits, uint64_t size, Error *ret_error)
{
        g_autofree char *max = NULL, *shown = NULL, *used = NULL, *user = NULL;
        uint64_t total;
        int r;

        if (!limits || limits->user == 0 || limits->user_size == UINT64_MAX)
                return 0;

        r = store_total_of(limits->user, &total, ret_error);
        if (r < 0)
                return r;
        if (total <= limits->user_size && size <= limits->user_size - total)
                return 0;

        max = size_format(limits->user_size);
        shown = size_format(size);
        used = size_format(total);
        user = user_name(limits->user);
        return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                        "The image (%s) and the other images of user %s in the store (%s) exceed the limit "
                        "of the user (StoreSizeMaxPerUser=%s in shruthi.conf): remove a unikernel that is "
                        "not needed, and the next import removes its image",
                        shown, user, used, max);
}

/* An image that somebody else has already imported counts for both. Under the store's lock. */
static int take_share(const char *digest, uint64_t size, const StoreLimits *limits, Error *ret_error)
{
        int r;

        if (!limits || limits->user == 0 || store_is_of(digest, limits->user, NULL))
                return 0;

        r = check_share(limits, size, ret_error);
        if (r < 0)
                return r;
        r = store_owners_add(digest, limits->user);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot record the owner of image %s", digest) : 0;
}

/* Gives a finished copy its name. An image that is stored already stays as it is, if it is intact; it needs
 * no copy. */
static int temporary_commit(Temporary *temporary, const char *digest, uint64_t size,
                const StoreLimits *limits, Error *ret_error)
{
        g_autofree char *path = store_path(digest), *verified = store_verified_dir();
        _cleanup_fingerprint_ Fingerprint fingerprint = {};
        _cleanup_close_ int lock = -EBADF;
        struct stat st;
        int r;

        /* Slow, so before the lock. */
        if (temporary->fd >= 0 && (fchmod(temporary->fd, IMAGE_MODE) < 0 || fsync(temporary->fd) < 0))
                return error_set_write(ret_error, -errno, size);

        r = store_lock(&lock, ret_error);
        if (r < 0)
                return r;

        if (store_verify(digest, NULL) >= 0) {
                r = take_share(digest, size, limits, ret_error);
                if (r < 0)
                        return r;
                temporary_clear(temporary);
        } else if (temporary->fd < 0) {
                return error_set(ret_error, ERROR_BUSY,
                                "The image was removed from the store meanwhile: try again");
        } else {
                /* A record without its image was left by an interrupted removal: the image belongs to nobody
                 * now. */
                if (access(path, F_OK) < 0 && errno == ENOENT)
                        store_owners_forget(digest);
                r = check_room(limits, size, ret_error);
                if (r >= 0)
                        r = take_share(digest, size, limits, ret_error);
                if (r < 0)
                        return r;
                if (rename(temporary->path, path) < 0)
                        return error_set_write(ret_error, -errno, size);
                if (fstat(temporary->fd, &st) >= 0) {
                        fingerprint = fingerprint_make(&st, fingerprint_now(), digest);
                        (void) fingerprint_write(verified, store_file_name(digest), &fingerprint);
                }
                temporary->fd = close_safe(temporary->fd);
        }

        if (fsync(lock) < 0)
                return error_set_errno(
                                ret_error, errno, "Cannot write the image store %s to disk", paths_images());
        return 0;
}

/* For when there is no room for a copy: an image that is stored already needs none. */
static bool find_stored(int fd, uint64_t size, char **ret_digest)
{
        g_autofree char *digest = NULL;

        if (digest_of_fd(fd, size, NULL, &digest) < 0 || store_verify(digest, NULL) < 0)
                return false;

        *ret_digest = g_steal_pointer(&digest);
        return true;
}

int store_import(
                int fd, const char *expected, const StoreLimits *limits, char **ret_digest, Error *ret_error)
{
        _cleanup_temporary_ Temporary temporary = {.fd = -EBADF};
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *digest = NULL;
        struct stat before, after;
        int r;

        r = expected ? store_check_digest(expected, ret_error) : 0;
        if (r < 0)
                return r;
        r = image_check_file(fd, limits, &before, ret_error);
        if (r < 0)
                return r;
        r = check_free_space(limits, (uint64_t) before.st_size, &error);
        if (r < 0 && !find_stored(fd, (uint64_t) before.st_size, &digest)) {
                error_move(ret_error, &error);
                return r;
        }
        if (r >= 0) {
                r = temporary_open(&temporary, ret_error);
                if (r >= 0)
                        r = image_take(fd, temporary.fd, (uint64_t) before.st_size, &digest, ret_error);
                if (r < 0)
                        return r;
        }
        if (fstat(fd, &after) < 0 || !content_looks_same(&before, &after))
                return error_set_changed(ret_error);
        if (expected && strcmp(expected, digest) != 0)
                return error_set(ret_error, ERROR_DIGEST_MISMATCH,
                                "Image digest is %s, expected %s: the image is damaged or a different one, "
                                "download it again",
                                digest, expected);

        r = temporary_commit(&temporary, digest, (uint64_t) before.st_size, limits, ret_error);
        if (r < 0)
                return r;

        *ret_digest = g_steal_pointer(&digest);
        return 0;
}

static int image_open(const char *path, int *ret_fd, Error *ret_error)
{
        g_autofree char *shown = text_for_display(path, 200);
        int fd;

        /* An administrator wrote the path in the definition, and it may be a link to the current version.
         * Non-blocking, so that a FIFO there is refused and not waited for. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd >= 0) {
                *ret_fd = fd;
                return 0;
        }

        if (errno == ENOENT)
                return error_set(ret_error, ERROR_NO_SUCH_IMAGE,
                                "Cannot read the image %s as user %s: there is no such file", shown,
                                g_get_user_name());
        if (errno == EACCES)
                return error_set(ret_error, ERROR_NO_SUCH_IMAGE,
                                "Cannot read the image %s as user %s: permission denied. Let that user "
                                "read it (`setfacl -m u:%s:r FILE`, and x on the directories above), or "
                                "import it with `shruthictl image import` and use its digest",
                                shown, g_get_user_name(), g_get_user_name());

        return error_set_errno(
                        ret_error, errno, "Cannot read the image %s as user %s", shown, g_get_user_name());
}

static char *path_stamp_name(const char *path)
{
        g_autofree char *digest = digest_of_text(path);

        return g_strdup(store_file_name(digest));
}

int store_lookup_path(const char *path, char **ret_digest)
{
        g_autofree char *dir = store_paths_dir(), *name = path_stamp_name(path);
        _cleanup_fingerprint_ Fingerprint fingerprint = {};
        int r;

        r = fingerprint_read(dir, name, &fingerprint);
        if (r < 0)
                return r;

        *ret_digest = g_steal_pointer(&fingerprint.digest);
        return 0;
}

int store_import_path(const char *path, const StoreLimits *limits, char **ret_digest, Error *ret_error)
{
        g_autofree char *dir = store_paths_dir(), *name = path_stamp_name(path), *digest = NULL,
                        *stored = NULL;
        g_autofree char *shown = text_for_display(path, 200);
        _cleanup_fingerprint_ Fingerprint fingerprint = {}, fresh = {};
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int64_t now;
        int r;

        r = image_open(path, &fd, ret_error);
        if (r < 0)
                return r;
        r = image_check_file(fd, limits, &st, ret_error);
        if (r < 0) {
                error_prefix(ret_error, "%s", shown);
                return r;
        }

        if (fingerprint_read(dir, name, &fingerprint) >= 0 && fingerprint_proves(&fingerprint, &st)) {
                stored = store_path(fingerprint.digest);
                if (access(stored, F_OK) >= 0) {
                        *ret_digest = g_steal_pointer(&fingerprint.digest);
                        return 0;
                }
        }

        now = fingerprint_now();
        r = store_import(fd, NULL, limits, &digest, ret_error);
        if (r < 0) {
                error_prefix(ret_error, "%s", shown);
                return r;
        }

        /* Uses the attributes from before: if the file was touched since, they no longer match. */
        fresh = fingerprint_make(&st, now, digest);
        r = fingerprint_write(dir, name, &fresh);
        if (r < 0)
                log_debug("Cannot record the digest of %s: %s", shown, g_strerror(-r));

        *ret_digest = g_steal_pointer(&digest);
        return 0;
}

bool store_path_has(const char *path, const char *digest)
{
        g_autofree char *dir = store_paths_dir(), *name = path_stamp_name(path), *now = NULL;
        _cleanup_fingerprint_ Fingerprint fingerprint = {};
        _cleanup_close_ int fd = -EBADF;
        struct stat before, after;
        uint64_t size;

        if (image_open(path, &fd, NULL) < 0 || image_check_file(fd, NULL, &before, NULL) < 0)
                return false;
        if (fingerprint_read(dir, name, &fingerprint) >= 0 && fingerprint_proves(&fingerprint, &before))
                return g_str_equal(fingerprint.digest, digest);

        /* A file of another size need not be hashed. */
        if (store_size(digest, &size, NULL) >= 0 && size != (uint64_t) before.st_size)
                return false;

        return digest_of_fd(fd, (uint64_t) before.st_size, NULL, &now) >= 0 && fstat(fd, &after) >= 0 &&
               content_looks_same(&before, &after) && g_str_equal(now, digest);
}
