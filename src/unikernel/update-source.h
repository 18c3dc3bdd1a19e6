/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"
#include "common/minisign.h"

/* UpdateFrom= and UpdateVerify=: where the next image of a unikernel comes from, and how it is verified.
 * Pure. */

typedef enum UpdateVerifyKind {
        UPDATE_VERIFY_NOTHING,
        UPDATE_VERIFY_MINISIGN,   /* minisign:KEY; the signature is FILE.minisig */
        UPDATE_VERIFY_OPENPGP,    /* openpgp:KEYRING; FILE.sig or FILE.asc */
        UPDATE_VERIFY_SHA256SUMS, /* sha256sums:LIST */
        _UPDATE_VERIFY_MAX,
        _UPDATE_VERIFY_INVALID = -EINVAL,
} UpdateVerifyKind;

const char *update_verify_kind_to_string(UpdateVerifyKind kind); /* "none", "minisign", … */
UpdateVerifyKind update_verify_kind_from_string(const char *text);

typedef struct UpdateVerify {
        UpdateVerifyKind kind;
        MinisignKey key;
        char *path; /* of a keyring; or of a list of digests, or its URL */
} UpdateVerify;

void update_verify_clear(UpdateVerify *verify);
#define _cleanup_update_verify_ __attribute__((cleanup(update_verify_clear)))

/* text NULL: nothing is verified. INVALID_ARGS with what would be right, to follow "KEY=VALUE: ". */
int update_verify_parse(const char *text, UpdateVerify *ret_verify, Error *ret_error);

/* The same for UpdateFrom=: a path, or a URL (common/https-url.h). */
int update_source_check(const char *text, Error *ret_error);

/* The name of the file, without its folder. */
const char *update_source_file(const char *from);

/* The endings of signatures beside an image, in the order in which they are looked for, terminated by NULL;
 * none if the kind has no such file. */
const char *const *update_verify_endings(UpdateVerifyKind kind);
