/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Public keys and signatures of minisign(1): parsing alone; image/signature.h verifies. The format is at
 * https://jedisct1.github.io/minisign/. Pure. */

#define MINISIGN_SIZE_MAX    (16 * 1024) /* of a signature's file */
#define MINISIGN_COMMENT_MAX 8192        /* minisign's own limit */

typedef struct MinisignKey {
        uint8_t id[8];
        uint8_t key[32]; /* Ed25519 */
} MinisignKey;

typedef struct MinisignSignature {
        bool prehashed; /* of the BLAKE2b hash; otherwise of the file itself, as before minisign 0.10 */
        uint8_t id[8];  /* of the key */
        uint8_t signature[64];
        char *trusted_comment;        /* not trusted before global_signature was verified */
        uint8_t global_signature[64]; /* of signature and trusted_comment */
} MinisignSignature;

void minisign_signature_clear(MinisignSignature *signature);
#define _cleanup_minisign_signature_ __attribute__((cleanup(minisign_signature_clear)))

/* The second line of a public key's file, "RWQ…". -EINVAL. */
int minisign_key_parse(const char *text, MinisignKey *ret_key);

/* The ID as minisign shows it, in 16 hexadecimal digits. Free with g_free(). */
char *minisign_id_format(const uint8_t id[8]);

/* The content of FILE.minisig, bytes of unknown origin. VERIFICATION_FAILED with what is wrong. */
int minisign_signature_parse(
                const char *data, size_t size, MinisignSignature *ret_signature, Error *ret_error);
