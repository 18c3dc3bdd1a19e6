/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signatures of minisign, verified by libgcrypt. */

#include "image/signature.h"

#include <gcrypt.h>
#include <glib.h>
#include <string.h>

#include "image/digest.h"

struct SignatureHash {
        gcry_md_hd_t handle;
};

SignatureHash *signature_hash_new(void)
{
        SignatureHash *hash = g_new0(SignatureHash, 1);
        gcry_error_t error;

        digest_initialise();
        error = gcry_md_open(&hash->handle, GCRY_MD_BLAKE2B_512, 0);
        if (error != 0)
                g_error("libgcrypt has no BLAKE2b: %s", gcry_strerror(error));

        return hash;
}

void signature_hash_update(SignatureHash *hash, const void *data, size_t size)
{
        gcry_md_write(hash->handle, data, size);
}

void signature_hash_finish(SignatureHash *hash, uint8_t ret_hash[SIGNATURE_HASH_SIZE])
{
        memcpy(ret_hash, gcry_md_read(hash->handle, GCRY_MD_BLAKE2B_512), SIGNATURE_HASH_SIZE);
        gcry_md_close(hash->handle);
        g_free(hash);
}

/* RFC 8032, without a context, of at most 64 KiB: gcry_sexp_build() counts in 16 bits. */
static bool ed25519_holds(
                const uint8_t key[32], const uint8_t signature[64], const void *message, size_t size)
{
        gcry_sexp_t s_key = NULL, s_signature = NULL, s_message = NULL;
        gcry_error_t error;

        digest_initialise();
        error = gcry_sexp_build(
                        &s_key, NULL, "(public-key (ecc (curve Ed25519) (flags eddsa) (q %b)))", 32, key);
        if (error == 0)
                error = gcry_sexp_build(&s_signature, NULL, "(sig-val (eddsa (r %b) (s %b)))", 32, signature,
                                32, signature + 32);
        if (error == 0)
                error = gcry_sexp_build(&s_message, NULL,
                                "(data (flags eddsa) (hash-algo sha512) (value %b))", (int) size, message);
        if (error == 0)
                error = gcry_pk_verify(s_signature, s_message, s_key);
        gcry_sexp_release(s_key);
        gcry_sexp_release(s_signature);
        gcry_sexp_release(s_message);
        return error == 0;
}

int signature_verify(const MinisignKey *key, const MinisignSignature *signature,
                const uint8_t hash[SIGNATURE_HASH_SIZE], Error *ret_error)
{
        size_t comment = strlen(signature->trusted_comment), signed_size;
        g_autofree uint8_t *global = NULL;

        if (memcmp(key->id, signature->id, sizeof key->id) != 0) {
                g_autofree char *made = minisign_id_format(signature->id),
                                *wanted = minisign_id_format(key->id);

                return error_set(ret_error, ERROR_VERIFICATION_FAILED,
                                "signed by the minisign key %s, and UpdateVerify= has the key %s", made,
                                wanted);
        }
        if (!signature->prehashed)
                return error_set(ret_error, ERROR_VERIFICATION_FAILED,
                                "of the old kind (minisign before 0.10, or -l): sign the image again with a "
                                "current minisign, without -l");
        if (!ed25519_holds(key->key, signature->signature, hash, SIGNATURE_HASH_SIZE))
                return error_set(ret_error, ERROR_VERIFICATION_FAILED,
                                "not of this image: it was changed, or signed before its last change");

        signed_size = sizeof signature->signature + comment;
        global = g_malloc(signed_size);
        memcpy(global, signature->signature, sizeof signature->signature);
        memcpy(global + sizeof signature->signature, signature->trusted_comment, comment);
        if (!ed25519_holds(key->key, signature->global_signature, global, signed_size))
                return error_set(ret_error, ERROR_VERIFICATION_FAILED, "its trusted comment was changed");

        return 0;
}
