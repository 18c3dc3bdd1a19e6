/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "common/minisign.h"

/* Whether a signature of minisign is that of a key. libgcrypt's Ed25519 and BLAKE2b do the work. */

#define SIGNATURE_HASH_SIZE 64 /* BLAKE2b-512 */

typedef struct SignatureHash SignatureHash;

/* The hash that a prehashed signature is made of. finish frees it. */
SignatureHash *signature_hash_new(void);
void signature_hash_update(SignatureHash *hash, const void *data, size_t size);
void signature_hash_finish(SignatureHash *hash, uint8_t ret_hash[SIGNATURE_HASH_SIZE]);

/* hash is that of the file. Also verifies the trusted comment. VERIFICATION_FAILED: another key (with both
 * IDs), not of this file, or of the file itself and not of its hash: libgcrypt takes at most 64 KiB. */
int signature_verify(const MinisignKey *key, const MinisignSignature *signature,
                const uint8_t hash[SIGNATURE_HASH_SIZE], Error *ret_error);
