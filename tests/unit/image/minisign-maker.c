/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "minisign-maker.h"

#include <gcrypt.h>
#include <glib.h>
#include <string.h>

#include "image/digest.h"
#include "image/signature.h"

static void sexp_copy(gcry_sexp_t from, const char *token, uint8_t *to, size_t size)
{
        gcry_sexp_t found = gcry_sexp_find_token(from, token, 0);
        size_t n;
        const char *data = gcry_sexp_nth_data(found, 1, &n);

        g_assert_nonnull(data);
        g_assert_cmpuint(n, ==, size);
        memcpy(to, data, size);
        gcry_sexp_release(found);
}

static void maker_sign_bytes(
                const MinisignMaker *maker, const void *data, size_t size, uint8_t ret_signature[64])
{
        gcry_sexp_t key, message, signature;

        g_assert_cmpuint(gcry_sexp_build(&key, NULL,
                                         "(private-key (ecc (curve Ed25519) (flags eddsa) (q %b) (d %b)))",
                                         32, maker->public_key, 32, maker->seed),
                        ==, 0);
        g_assert_cmpuint(
                        gcry_sexp_build(&message, NULL, "(data (flags eddsa) (hash-algo sha512) (value %b))",
                                        (int) size, data),
                        ==, 0);
        g_assert_cmpuint(gcry_pk_sign(&signature, message, key), ==, 0);
        sexp_copy(signature, "r", ret_signature, 32);
        sexp_copy(signature, "s", ret_signature + 32, 32);
        gcry_sexp_release(key);
        gcry_sexp_release(message);
        gcry_sexp_release(signature);
}

MinisignMaker minisign_maker_new(uint8_t number)
{
        MinisignMaker maker = {};
        gcry_sexp_t parameters, pair;

        digest_initialise();
        g_assert_cmpuint(gcry_sexp_build(&parameters, NULL,
                                         "(genkey (ecc (curve Ed25519) (flags eddsa transient-key)))"),
                        ==, 0);
        g_assert_cmpuint(gcry_pk_genkey(&pair, parameters), ==, 0);
        sexp_copy(pair, "q", maker.public_key, 32);
        sexp_copy(pair, "d", maker.seed, 32);
        memset(maker.id, number, sizeof maker.id);
        gcry_sexp_release(parameters);
        gcry_sexp_release(pair);
        return maker;
}

char *minisign_maker_key(const MinisignMaker *maker)
{
        uint8_t bytes[42] = "Ed";

        memcpy(bytes + 2, maker->id, 8);
        memcpy(bytes + 10, maker->public_key, 32);
        return g_base64_encode(bytes, sizeof bytes);
}

char *minisign_maker_sign(const MinisignMaker *maker, const void *data, size_t size, bool prehashed,
                const char *trusted_comment)
{
        g_autofree uint8_t *global = g_malloc(64 + strlen(trusted_comment));
        g_autofree char *first = NULL, *second = NULL;
        uint8_t bytes[74], global_signature[64], hashed[SIGNATURE_HASH_SIZE];
        SignatureHash *hash = signature_hash_new();

        signature_hash_update(hash, data, size);
        signature_hash_finish(hash, hashed);
        memcpy(bytes, prehashed ? "ED" : "Ed", 2);
        memcpy(bytes + 2, maker->id, 8);
        maker_sign_bytes(maker, prehashed ? hashed : data, prehashed ? sizeof hashed : size, bytes + 10);
        memcpy(global, bytes + 10, 64);
        memcpy(global + 64, trusted_comment, strlen(trusted_comment));
        maker_sign_bytes(maker, global, 64 + strlen(trusted_comment), global_signature);

        first = g_base64_encode(bytes, sizeof bytes);
        second = g_base64_encode(global_signature, sizeof global_signature);
        return g_strdup_printf("untrusted comment: signature from the test\n%s\ntrusted comment: %s\n%s\n",
                        first, trusted_comment, second);
}
