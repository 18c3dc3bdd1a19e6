/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sealed file and the list of names beside it, of a user's own unikernels in one folder. Each is
 * replaced atomically; the list is written first and removed last, and trusted only if it fits the file, so
 * that whoever lists next repairs a crash between the two. */

#include "seal/store.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "seal/archive.h"
#include "seal/creds.h"
#include "seal/plain.h"

/* systemd's own directory, wherever we are installed. */
#define HOST_KEY_DIR "/var/lib/systemd" /* systemd-creds(1) */

#define NAMES_SIZE_MAX (128 * 1024)

typedef struct Store {
        const char *unikernel;
        char *file;          /* "shruthi.NAME": of the credential, and of its file */
        char *digest;        /* of the sealed file; NULL if there is none */
        Secret archive;      /* the memory that entries point into */
        GArray *entries;     /* UstarEntry */
} Store;

static const char *sealed_dir(void)
{
        return paths_are_of_user() ? paths_credentials() : "/etc/credstore.encrypted";
}

static void store_clear(Store *store)
{
        g_clear_pointer(&store->entries, g_array_unref);
        secret_clear(&store->archive);
        g_free(store->file);
        g_free(store->digest);
}

/* A lock for each name, as far as hashes differ: one byte of one file, which needs no cleaning up. The lock
 * of an open file description ends with the process. */
static int store_lock_name(const char *name, int *ret_fd, Error *ret_error)
{
        g_autofree char *path = g_build_filename(paths_credentials(), ".lock", NULL);
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = g_str_hash(name),
                        .l_len = 1};
        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return error_set_errno(ret_error, errno, "Cannot open %s", path);
        while (fcntl(fd, F_OFD_SETLKW, &lock) < 0)
                if (errno != EINTR)
                        return error_set_errno(ret_error, errno, "Cannot lock %s", path);

        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* The sealed file, open, and its digest; -EBADF if there is none. */
static int store_open_sealed(Store *store, int *ret_fd, Error *ret_error)
{
        g_autofree char *path = g_build_filename(sealed_dir(), store->file, NULL), *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        size_t size;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 && errno == ENOENT) {
                *ret_fd = -EBADF;
                return 0;
        }
        if (fd < 0 || fstat(fd, &st) < 0)
                return error_set_errno(ret_error, errno, "Cannot open %s", path);
        if (!S_ISREG(st.st_mode))
                return error_set(ret_error, ERROR_CREDENTIALS_DAMAGED, "%s is not a regular file", path);

        r = fd_read_all(fd, SEAL_TEXT_MAX, &text, &size);
        if (r == -E2BIG)
                return error_set(ret_error, ERROR_CREDENTIALS_DAMAGED,
                                "%s is larger than the %d bytes that systemd loads", path, SEAL_TEXT_MAX);
        if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
                return error_set_errno(ret_error, r < 0 ? r : -errno, "Cannot read %s", path);

        store->digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *) text, size);
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int store_explain_damage(const Store *store, Error *ret_error)
{
        if (ret_error && ret_error->code == ERROR_CREDENTIALS_DAMAGED && paths_are_of_user())
                error_prefix(ret_error,
                                "%s/%s was changed by another program ('shruthictl --user credential remove "
                                "%s --all' removes it)",
                                sealed_dir(), store->file, store->unikernel);
        else if (ret_error && ret_error->code == ERROR_CREDENTIALS_DAMAGED)
                error_prefix(ret_error,
                                "%s/%s was changed, comes from another unikernel or host, or was sealed "
                                "with another host key or TPM2 chip (with the same ones it can be read "
                                "again; 'shruthictl credential remove %s --all' removes it)",
                                sealed_dir(), store->file, store->unikernel);
        return error_code_to_errno(ERROR_CREDENTIALS_DAMAGED);
}

/* The current entries; none if there is no file. */
static int store_unseal(Store *store, int fd, Error *ret_error)
{
        int r;

        if (fd < 0) {
                store->entries = archive_new();
                return 0;
        }

        r = secret_new(USTAR_SIZE_MAX, &store->archive, ret_error);
        if (r < 0)
                return r;
        r = paths_are_of_user() ? plain_read(fd, &store->archive, ret_error)
                                : creds_decrypt(store->file, fd, &store->archive, ret_error);
        if (r == error_code_to_errno(ERROR_CREDENTIALS_DAMAGED))
                return store_explain_damage(store, ret_error);
        if (r < 0)
                return r;

        r = ustar_parse(store->archive.data, store->archive.size, &store->entries, ret_error);
        if (r < 0) {
                (void) error_set(ret_error, ERROR_CREDENTIALS_DAMAGED,
                                "The sealed data is not an archive of keys");
                return store_explain_damage(store, ret_error);
        }

        return 0;
}

/* Writes the digest and the keys, one per line. */
static int store_write_names(const Store *store, const char *digest, Error *ret_error)
{
        g_auto(GStrv) keys = archive_keys(store->entries);
        g_autofree char *joined = g_strjoinv("\n", keys), *text = g_strdup_printf("%s\n%s", digest, joined);
        int r = file_replace(paths_credentials(), store->unikernel, text, strlen(text), 0600);

        return r < 0 ? error_set_errno(ret_error, r, "Cannot write below %s", paths_credentials()) : 0;
}

/* The keys of a list that fits the sealed file, else NULL. */
static char **store_read_names(const Store *store)
{
        g_autofree char *path = g_build_filename(paths_credentials(), store->unikernel, NULL), *text = NULL;
        g_auto(GStrv) lines = NULL;

        if (file_read_at(AT_FDCWD, path, NAMES_SIZE_MAX, &text, NULL) < 0)
                return NULL;
        lines = g_strsplit(text, "\n", -1);
        if (g_strv_length(lines) < 2 || g_strcmp0(lines[0], store->digest) != 0)
                return NULL;

        return g_strdupv(lines + 1);
}

static int store_remove_file(const char *dir, const char *name, Error *ret_error)
{
        int r = file_remove(dir, name);

        return r < 0 && r != -ENOENT ? error_set_errno(ret_error, r, "Cannot remove %s/%s", dir, name) : 0;
}

static int store_forget(const Store *store, Error *ret_error)
{
        int r = store_remove_file(sealed_dir(), store->file, ret_error);

        return r < 0 ? r : store_remove_file(paths_credentials(), store->unikernel, ret_error);
}

static int client_check(int client, Error *ret_error)
{
        struct pollfd poller = {.fd = client, .events = POLLRDHUP};

        if (poll(&poller, 1, 0) > 0 && (poller.revents & (POLLHUP | POLLRDHUP | POLLERR)))
                return error_set(ret_error, ERROR_CANCELED, "The caller has disconnected");

        return 0;
}

static int store_write(const Store *store, const void *data, size_t size, Error *ret_error)
{
        g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, size);
        int r = store_write_names(store, digest, ret_error);

        if (r < 0)
                return r;
        r = file_replace(sealed_dir(), store->file, data, size, 0600);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot write below %s", sealed_dir()) : 0;
}

static int store_seal(const Store *store, int client, Error *ret_error)
{
        g_autofree char *text = NULL;
        size_t size;
        int r;

        r = creds_encrypt(store->file, store->entries, &text, &size, ret_error);
        if (r >= 0)
                r = client_check(client, ret_error);
        if (r < 0)
                return r;

        /* What was sealed with the host's key, which is made at its first use, is worthless without that,
         * and systemd 252 does not flush its directory. */
        (void) directory_sync(HOST_KEY_DIR);
        return store_write(store, text, size, ret_error);
}

static int store_keep_plain(const Store *store, int client, Error *ret_error)
{
        _cleanup_secret_ Secret archive = {};
        int r;

        r = plain_make(store->entries, &archive, ret_error);
        if (r >= 0)
                r = client_check(client, ret_error);
        return r < 0 ? r : store_write(store, archive.data, archive.size, ret_error);
}

static int store_keep(const Store *store, int client, Error *ret_error)
{
        int r;

        if (store->entries->len == 0) {
                r = client_check(client, ret_error);
                return r < 0 ? r : store_forget(store, ret_error);
        }

        return paths_are_of_user() ? store_keep_plain(store, client, ret_error)
                                   : store_seal(store, client, ret_error);
}

static int store_list(Store *store, int fd, char ***ret_keys, Error *ret_error)
{
        char **keys = fd < 0 ? NULL : store_read_names(store);
        int r;

        if (!keys) {
                r = store_unseal(store, fd, ret_error);
                if (r >= 0)
                        r = fd < 0 ? store_forget(store, ret_error)
                                   : store_write_names(store, store->digest, ret_error);
                if (r < 0)
                        return r;
                keys = archive_keys(store->entries);
        }

        *ret_keys = keys;
        return 0;
}

int store_do(const SealRequest *request, const Secret *content, int client, char ***ret_keys,
                Error *ret_error)
{
        __attribute__((cleanup(store_clear))) Store store = {.unikernel = request->name,
                        .file = g_strconcat("shruthi.", request->name, NULL)};
        _cleanup_close_ int lock = -EBADF, fd = -EBADF;
        int r;

        r = store_lock_name(request->name, &lock, ret_error);
        if (r < 0)
                return r;
        file_remove_remains(AT_FDCWD, sealed_dir(), store.file);
        file_remove_remains(AT_FDCWD, paths_credentials(), store.unikernel);

        if (request->verb == SEAL_FORGET)
                return store_forget(&store, ret_error);
        r = store_open_sealed(&store, &fd, ret_error);
        if (r < 0)
                return r == error_code_to_errno(ERROR_CREDENTIALS_DAMAGED)
                                       ? store_explain_damage(&store, ret_error)
                                       : r;
        if (request->verb == SEAL_LIST)
                return store_list(&store, fd, ret_keys, ret_error);

        r = store_unseal(&store, fd, ret_error);
        if (r >= 0 && request->verb == SEAL_REMOVE)
                r = archive_remove(store.entries, request->name, request->key, ret_error);
        else if (r >= 0)
                r = archive_set(store.entries, request->name,
                                &(UstarEntry){.name = request->key,
                                                .data = content->data,
                                                .size = content->size},
                                request->verb == SEAL_ROTATE, ret_error);
        if (r >= 0 && seal_verb_takes_content(request->verb))
                r = archive_check_size(store.entries, request->name, request->size_max, ret_error);
        return r < 0 ? r : store_keep(&store, client, ret_error);
}
