/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The store's directory: what is in it, whether it is unchanged, and removing images. store-import.c imports
 * them. */

#include "image/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "image/digest.h"
#include "image/fingerprint.h"
#include "image/store-private.h"

#define LEFT_BEHIND_SEC (60 * 60)

char *store_verified_dir(void)
{
        return g_build_filename(paths_images(), ".verified", NULL);
}

char *store_paths_dir(void)
{
        return g_build_filename(paths_images(), ".paths", NULL);
}

int store_lock(int *ret_fd, Error *ret_error)
{
        _cleanup_close_ int fd = open(paths_images(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return error_set_errno(ret_error, errno,
                                "Cannot open the image store %s (`systemd-tmpfiles --create` creates it)",
                                paths_images());
        while (flock(fd, LOCK_EX) < 0)
                if (errno != EINTR)
                        return error_set_errno(
                                        ret_error, errno, "Cannot lock the image store %s", paths_images());

        *ret_fd = TAKE_FD(fd);
        return 0;
}

int store_check_digest(const char *digest, Error *ret_error)
{
        g_autofree char *shown = NULL;

        if (digest_is_valid(digest))
                return 0;

        shown = text_for_display(digest, 100);
        return error_set(ret_error, ERROR_INVALID_ARGS,
                        "\"%s\" is not a digest: use \"sha256:\" and 64 hexadecimal digits in lower case",
                        shown);
}

static int error_set_no_such_image(Error *ret_error, const char *digest)
{
        return error_set(ret_error, ERROR_NO_SUCH_IMAGE,
                        "There is no image %s in the store: import it with `shruthictl image import FILE`",
                        digest);
}

int store_open(const char *digest, int *ret_fd, Error *ret_error)
{
        g_autofree char *path = store_path(digest);
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        r = store_check_digest(digest, ret_error);
        if (r < 0)
                return r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 && errno == ENOENT)
                return error_set_no_such_image(ret_error, digest);
        if (fd < 0 && errno != ELOOP)
                return error_set_errno(ret_error, errno, "Cannot open the stored image %s", path);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return error_set(ret_error, ERROR_INVALID_IMAGE,
                                "The stored image %s is not a regular file: remove it and import the image "
                                "again",
                                path);

        *ret_fd = TAKE_FD(fd);
        return 0;
}

int store_size(const char *digest, uint64_t *ret_size, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        r = store_open(digest, &fd, ret_error);
        if (r < 0)
                return r;
        if (fstat(fd, &st) < 0)
                return error_set_errno(ret_error, errno, "Cannot inspect the stored image %s", digest);

        *ret_size = (uint64_t) st.st_size;
        return 0;
}

int store_verify(const char *digest, Error *ret_error)
{
        g_autofree char *dir = store_verified_dir(), *actual = NULL;
        _cleanup_fingerprint_ Fingerprint fingerprint = {}, fresh = {};
        _cleanup_close_ int fd = -EBADF;
        struct stat before, after;
        int64_t now;
        int r;

        r = store_open(digest, &fd, ret_error);
        if (r < 0)
                return r;
        if (fstat(fd, &before) < 0)
                return error_set_errno(ret_error, errno, "Cannot inspect the stored image %s", digest);

        if (fingerprint_read(dir, store_file_name(digest), &fingerprint) >= 0 &&
                        strcmp(fingerprint.digest, digest) == 0 && fingerprint_proves(&fingerprint, &before))
                return 0;

        now = fingerprint_now();
        r = digest_of_fd(fd, (uint64_t) before.st_size, NULL, &actual);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read the stored image %s", digest);
        if (strcmp(actual, digest) != 0)
                return error_set(ret_error, ERROR_INVALID_IMAGE,
                                "The stored image %s was changed, its content is now %s: import the "
                                "original again with `shruthictl image import FILE`, which replaces it",
                                digest, actual);

        /* Changed while we read it, but what we read was right: accepted for now, to be verified again. */
        fresh = fingerprint_make(&before, now, digest);
        if (fstat(fd, &after) >= 0 && before.st_ctim.tv_sec == after.st_ctim.tv_sec &&
                        before.st_ctim.tv_nsec == after.st_ctim.tv_nsec) {
                r = fingerprint_write(dir, store_file_name(digest), &fresh);
                if (r < 0)
                        log_debug("Cannot record that %s was verified: %s", digest, g_strerror(-r));
        }

        return 0;
}

static void store_entry_free(gpointer data)
{
        StoreEntry *entry = data;

        g_free(entry->digest);
        g_free(entry);
}

static int entry_compare(const void *a, const void *b)
{
        const StoreEntry *const *x = a, *const *y = b;

        return strcmp((*x)->digest, (*y)->digest);
}

int store_list(GPtrArray **ret_entries, Error *ret_error)
{
        g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(store_entry_free);
        g_autoptr(GError) error = NULL;
        g_autoptr(GDir) dir = g_dir_open(paths_images(), 0, &error);
        const char *name;

        if (!dir)
                return error_set(ret_error, ERROR_FAILED, "Cannot read the image store: %s", error->message);

        while ((name = g_dir_read_name(dir))) {
                g_autofree char *digest = g_strconcat(SHRUTHI_DIGEST_PREFIX, name, NULL);
                g_autofree char *path = store_path(digest);
                StoreEntry *entry;
                struct stat st;

                /* Somebody else has removed what is gone by now. */
                if (!path || lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
                        continue;

                entry = g_new0(StoreEntry, 1);
                *entry = (StoreEntry){
                        .digest = g_steal_pointer(&digest),
                        .size = (uint64_t) st.st_size,
                        .added = (uint64_t) st.st_mtim.tv_sec * G_USEC_PER_SEC +
                                        (uint64_t) st.st_mtim.tv_nsec / 1000,
                };
                g_ptr_array_add(entries, entry);
        }

        g_ptr_array_sort(entries, entry_compare);
        *ret_entries = g_steal_pointer(&entries);
        return 0;
}

bool store_is_of(const char *digest, uid_t user, bool *ret_shared)
{
        return store_owners_have(digest, user, ret_shared);
}

/* user NULL: for all. */
static int sum_up(const uid_t *user, uint64_t *ret_bytes, Error *ret_error)
{
        g_autoptr(GPtrArray) entries = NULL;
        uint64_t total = 0;
        int r;

        r = store_list(&entries, ret_error);
        if (r < 0)
                return r;

        for (guint i = 0; i < entries->len; i++) {
                const StoreEntry *entry = entries->pdata[i];

                if (!user || store_owners_have(entry->digest, *user, NULL))
                        total += entry->size;
        }

        *ret_bytes = total;
        return 0;
}

int store_total(uint64_t *ret_bytes, Error *ret_error)
{
        return sum_up(NULL, ret_bytes, ret_error);
}

int store_total_of(uid_t user, uint64_t *ret_bytes, Error *ret_error)
{
        return sum_up(&user, ret_bytes, ret_error);
}

int store_disown(const char *digest, uid_t user, Error *ret_error)
{
        _cleanup_close_ int lock = -EBADF;
        int r;

        r = store_check_digest(digest, ret_error);
        if (r >= 0)
                r = store_lock(&lock, ret_error);
        if (r < 0)
                return r;

        r = store_owners_remove(digest, user);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot record the owner of image %s", digest) : 0;
}

int store_remove(const char *digest, Error *ret_error)
{
        g_autofree char *verified = store_verified_dir(), *fingerprint = NULL;
        _cleanup_close_ int lock = -EBADF;
        int r;

        r = store_check_digest(digest, ret_error);
        if (r < 0)
                return r;
        r = store_lock(&lock, ret_error);
        if (r < 0)
                return r;

        r = file_remove(paths_images(), store_file_name(digest));
        if (r == -ENOENT)
                return error_set_no_such_image(ret_error, digest);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot remove the stored image %s", digest);

        fingerprint = g_build_filename(verified, store_file_name(digest), NULL);
        (void) unlink(fingerprint);
        store_owners_forget(digest);
        return 0;
}

/* Removes the files in dir that is_garbage accepts. */
static void directory_clean(const char *path, bool (*is_garbage)(const char *dir, const char *name))
{
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *file = g_build_filename(path, name, NULL);

                if (is_garbage(path, name) && unlink(file) < 0)
                        log_debug("Cannot remove %s: %s", file, g_strerror(errno));
        }
}

static bool file_is_old(const char *dir, const char *name)
{
        g_autofree char *file = g_build_filename(dir, name, NULL);
        struct stat st;

        return lstat(file, &st) >= 0 && S_ISREG(st.st_mode) &&
               st.st_mtim.tv_sec + LEFT_BEHIND_SEC < fingerprint_now() / 1000000000;
}

static bool import_is_garbage(const char *dir, const char *name)
{
        return g_str_has_prefix(name, STORE_TEMPORARY_PREFIX) && file_is_old(dir, name);
}

/* A fingerprint of an image that is gone, or an incomplete one. */
static bool fingerprint_is_garbage(const char *dir, const char *name)
{
        _cleanup_fingerprint_ Fingerprint fingerprint = {};
        g_autofree char *path = NULL;

        if (fingerprint_read(dir, name, &fingerprint) < 0)
                return file_is_old(dir, name);

        path = store_path(fingerprint.digest);
        return access(path, F_OK) < 0 && errno == ENOENT;
}

void store_clean(void)
{
        g_autofree char *verified = store_verified_dir(), *paths = store_paths_dir();

        directory_clean(paths_images(), import_is_garbage);
        directory_clean(verified, fingerprint_is_garbage);
        directory_clean(paths, fingerprint_is_garbage);
        store_owners_clean();
}
