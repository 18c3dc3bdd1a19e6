/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* src/seal is the service that seals key material. Of its files only this one is used elsewhere, by the
 * daemon's client.
 *
 * The protocol of shruthid and shruthi-seal over /run/shruthi/seal, a socket that preserves packet
 * boundaries. One packet is the request, "VERB NAME[ KEY[ SIZE_MAX]]". If there is content to read, it
 * carries the caller's own descriptor, with SIZE_MAX unless nothing else is to be loaded. One packet is the
 * answer, "ok" and the keys, one per line, or "error", the error's name and its message. No content ever
 * passes as text. Pure. */

typedef enum SealVerb {
        SEAL_SET,
        SEAL_ROTATE, /* set a key that exists already */
        SEAL_REMOVE,
        SEAL_FORGET, /* all keys */
        SEAL_LIST,
        _SEAL_VERB_MAX,
        _SEAL_VERB_INVALID = -EINVAL,
} SealVerb;

const char *seal_verb_to_string(SealVerb verb);
SealVerb seal_verb_from_string(const char *text);

/* Whether the verb names one key, and whether a descriptor comes with it. */
bool seal_verb_takes_key(SealVerb verb);
bool seal_verb_takes_content(SealVerb verb);

typedef struct SealRequest {
        SealVerb verb;
        char *name; /* the unikernel's */
        char *key;  /* NULL if the verb takes none */
        uint64_t size_max; /* bytes that the archive may have; UINT64_MAX: only its own limit */
} SealRequest;

void seal_request_clear(SealRequest *request);
#define _cleanup_seal_request_ __attribute__((cleanup(seal_request_clear)))

#define SEAL_REQUEST_MAX 256
#define SEAL_ANSWER_MAX  (128 * 1024)

/* Checks the name of a key of one unikernel, as ustar_name_is_valid() does, with a message. INVALID_ARGS. */
int seal_key_check(const char *key, Error *ret_error);

/* Free with g_free(). key is NULL if the verb takes none, size_max UINT64_MAX if it is to be left out. */
char *seal_request_format(SealVerb verb, const char *name, const char *key, uint64_t size_max);

/* Parses bytes of unknown origin. INVALID_ARGS, INVALID_NAME. */
int seal_request_parse(const char *data, size_t size, SealRequest *ret, Error *ret_error);

/* keys (or NULL) if r is 0, else the error. Free with g_free(). */
char *seal_answer_format(int r, const Error *error, char *const *keys);

/* Parses an answer: 0 with the keys, or the error that the sealer reported. -EBADMSG if data is no
 * answer. */
int seal_answer_parse(const char *data, size_t size, char ***ret_keys, Error *ret_error);
