/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verifies an image. Whatever the kind, the file is read once, and its digest made of the same bytes. */

#include "daemon/change/source-verify.h"

#include <glib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/size.h"
#include "common/string-util.h"
#include "daemon/change/gpgv.h"
#include "daemon/change/image-access.h"
#include "image/digest-list.h"
#include "image/digest.h"
#include "image/signature.h"

#define COMMENT_SHOWN    200 /* characters */
#define KEYRING_SIZE_MAX (16 * 1024 * 1024)

/* Who gets the bytes, beside the digest. */
typedef struct SourceSinks {
        SignatureHash *hash; /* or NULL */
        Gpgv *gpgv;          /* or NULL */
} SourceSinks;

static int source_look(const SourceImage *image, uint64_t *ret_size, Error *ret_error)
{
        struct stat st;

        if (fstat(image->fd, &st) < 0)
                return error_set_errno(ret_error, errno, "Cannot inspect the image");
        if (!S_ISREG(st.st_mode))
                return error_set(ret_error, ERROR_INVALID_IMAGE,
                                "The image is not a regular file: use the file itself, not a directory, "
                                "device or pipe");
        if ((uint64_t) st.st_size > image->size_max) {
                g_autofree char *size = size_format((uint64_t) st.st_size),
                                *max = size_format(image->size_max);

                return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                                "The image has %s, more than the maximum of %s: make it smaller, or raise "
                                "ImageSizeMax= in shruthi.conf",
                                size, max);
        }

        *ret_size = (uint64_t) st.st_size;
        return 0;
}

static int source_read(int fd, uint64_t size, SourceSinks *sinks, char **ret_digest, Error *ret_error)
{
        g_autofree uint8_t *buffer = g_malloc(DIGEST_BUFFER_SIZE);
        _cleanup_digest_ Digest *digest = digest_new();
        int r = 0;

        for (uint64_t done = 0; r >= 0 && done < size;) {
                size_t want = MIN(size - done, (uint64_t) DIGEST_BUFFER_SIZE);
                ssize_t n = pread_all(fd, buffer, want, (off_t) done);

                if (n < 0)
                        return error_set_errno(ret_error, (int) n, "Cannot read the image");
                if ((size_t) n < want)
                        return error_set(ret_error, ERROR_BUSY,
                                        "The image changed while it was read: try again when it has been "
                                        "written completely");
                digest_update(digest, buffer, want);
                if (sinks->hash)
                        signature_hash_update(sinks->hash, buffer, want);
                if (sinks->gpgv)
                        r = gpgv_write(sinks->gpgv, buffer, want, ret_error);
                done += want;
        }
        if (r < 0)
                return r;

        *ret_digest = digest_finish(digest);
        return 0;
}

static int source_verify_listed(const SourceImage *image, uint64_t size, char **ret_digest, char **ret_words,
                Error *ret_error)
{
        g_autofree char *listed = NULL, *digest = NULL;
        SourceSinks sinks = {};
        int r;

        r = digest_list_find(image->beside, image->beside_size, image->file, &listed, ret_error);
        if (r < 0) {
                error_prefix(ret_error, "%s", image->beside_name);
                return r;
        }
        r = source_read(image->fd, size, &sinks, &digest, ret_error);
        if (r < 0)
                return r;
        if (!g_str_equal(listed, digest))
                return error_set(ret_error, ERROR_DIGEST_MISMATCH,
                                "Image digest is %s, and %s lists %s: the image was changed or damaged, or "
                                "the list is older than it",
                                digest, image->beside_name, listed);

        *ret_words = g_strdup_printf("listed in %s", image->beside_name);
        *ret_digest = g_steal_pointer(&digest);
        return 0;
}

static int source_verify_minisign(const MinisignKey *key, const SourceImage *image, uint64_t size,
                char **ret_digest, char **ret_words, Error *ret_error)
{
        _cleanup_minisign_signature_ MinisignSignature signature = {};
        g_autofree char *digest = NULL, *id = minisign_id_format(key->id), *comment = NULL;
        SourceSinks sinks = {};
        uint8_t hash[SIGNATURE_HASH_SIZE];
        int r;

        r = minisign_signature_parse(image->beside, image->beside_size, &signature, ret_error);
        if (r < 0) {
                error_prefix(ret_error, "%s", image->beside_name);
                return r;
        }
        sinks.hash = signature_hash_new();
        r = source_read(image->fd, size, &sinks, &digest, ret_error);
        signature_hash_finish(sinks.hash, hash);
        if (r < 0)
                return r;
        r = signature_verify(key, &signature, hash, ret_error);
        if (r < 0) {
                error_prefix(ret_error, "%s", image->beside_name);
                return r;
        }

        comment = text_for_display(signature.trusted_comment, COMMENT_SHOWN);
        *ret_words = g_strdup_printf("signed by minisign key %s: %s", id, comment);
        *ret_digest = g_steal_pointer(&digest);
        return 0;
}

/* Without following links, and not by gpgv, which a pipe in its place would block. */
static int source_read_keyring(const char *path, const SourceImage *image, char **ret_data, size_t *ret_size,
                Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        r = image_path_open(path, image->directories, true, &fd, ret_error);
        if (r < 0) {
                error_prefix(ret_error, "The keyring cannot be read by user %s", g_get_user_name());
                ret_error->code = ERROR_VERIFICATION_FAILED;
                return r;
        }
        r = fstat(fd, &st) < 0 ? -errno : 0;
        if (r >= 0 && !S_ISREG(st.st_mode))
                return error_set(ret_error, ERROR_VERIFICATION_FAILED,
                                "The keyring %s is not a regular file: name one that 'gpg --export' has "
                                "written",
                                path);
        if (r >= 0)
                r = fd_read_all(fd, KEYRING_SIZE_MAX, ret_data, ret_size);
        if (r == -E2BIG)
                return error_set(ret_error, ERROR_VERIFICATION_FAILED,
                                "The keyring %s is larger than %d MiB: keep only the keys that sign images",
                                path, KEYRING_SIZE_MAX / 1024 / 1024);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot read the keyring %s", path) : 0;
}

static int source_verify_openpgp(const char *path, const SourceImage *image, uint64_t size,
                char **ret_digest, char **ret_words, Error *ret_error)
{
        g_autofree char *keyring = NULL, *digest = NULL, *fingerprint = NULL;
        GpgvFiles files = {.signature = image->beside, .signature_size = image->beside_size};
        g_autoptr(Gpgv) gpgv = NULL;
        SourceSinks sinks = {};
        int r;

        r = source_read_keyring(path, image, &keyring, &files.keyring_size, ret_error);
        if (r < 0)
                return r;
        files.keyring = keyring;
        r = gpgv_start(&files, &gpgv, ret_error);
        if (r < 0)
                return r;
        sinks.gpgv = gpgv;
        r = source_read(image->fd, size, &sinks, &digest, ret_error);
        if (r < 0)
                return r;
        r = gpgv_finish(gpgv, &fingerprint, ret_error);
        if (r < 0) {
                if (ret_error->code == ERROR_VERIFICATION_FAILED)
                        error_prefix(ret_error, "%s", image->beside_name);
                return r;
        }

        *ret_words = g_strdup_printf("signed by OpenPGP key %s", fingerprint);
        *ret_digest = g_steal_pointer(&digest);
        return 0;
}

int source_verify(const UpdateVerify *verify, const SourceImage *image, char **ret_digest, char **ret_words,
                Error *ret_error)
{
        SourceSinks sinks = {};
        uint64_t size = 0;
        int r;

        r = source_look(image, &size, ret_error);
        if (r < 0)
                return r;

        switch (verify->kind) {
        case UPDATE_VERIFY_MINISIGN:
                return source_verify_minisign(&verify->key, image, size, ret_digest, ret_words, ret_error);
        case UPDATE_VERIFY_OPENPGP:
                return source_verify_openpgp(verify->path, image, size, ret_digest, ret_words, ret_error);
        case UPDATE_VERIFY_SHA256SUMS:
                return source_verify_listed(image, size, ret_digest, ret_words, ret_error);
        default:
                r = source_read(image->fd, size, &sinks, ret_digest, ret_error);
                if (r >= 0)
                        *ret_words = g_strdup("");
                return r;
        }
}
