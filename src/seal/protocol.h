/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* src/seal is the service that seals key material. Of its files only this one is called from elsewhere, by
 * the daemon's client.
 *
 * What shruthid and shruthi-seal say to each other over /run/shruthi/seal, a socket that keeps the
 * borders of packets. One packet asks, "VERB NAME[ KEY[ SIZE_MAX]]", and carries the caller's own descriptor
 * where there is a content to be read, with SIZE_MAX, or without one where nothing else is to be loaded; one
 * packet answers, "ok" and the keys in a line each, or "error", the error's name and its message. No
 * content ever passes as text. Pure. */

typedef enum SealVerb {
        SEAL_SET,
        SEAL_ROTATE, /* set a key that is there already */
        SEAL_REMOVE,
        SEAL_FORGET, /* all keys */
        SEAL_LIST,
        _SEAL_VERB_MAX,
        _SEAL_VERB_INVALID = -EINVAL,
} SealVerb;

const char *seal_verb_to_string(SealVerb verb);
SealVerb seal_verb_from_string(const char *text);

/* Whether it names one key, and whether a descriptor comes with it. */
bool seal_verb_takes_key(SealVerb verb);
bool seal_verb_takes_content(SealVerb verb);

typedef struct SealRequest {
        SealVerb verb;
        char *name; /* the unikernel's */
        char *key;  /* NULL where the verb takes none */
        uint64_t size_max; /* bytes that the archive may have; UINT64_MAX: no other limit than its own */
} SealRequest;

void seal_request_clear(SealRequest *request);
#define _cleanup_seal_request_ __attribute__((cleanup(seal_request_clear)))

#define SEAL_REQUEST_MAX 256
#define SEAL_ANSWER_MAX  (128 * 1024)

/* A key of one unikernel: what ustar_name_is_valid() says, with a message. INVALID_ARGS. */
int seal_key_check(const char *key, Error *ret_error);

/* Free with g_free(). key is NULL where the verb takes none, size_max UINT64_MAX where nothing is to be said
 * of it. */
char *seal_request_format(SealVerb verb, const char *name, const char *key, uint64_t size_max);

/* Bytes of unknown origin. INVALID_ARGS, INVALID_NAME. */
int seal_request_parse(const char *data, size_t size, SealRequest *ret, Error *ret_error);

/* keys (or NULL) where r is 0, else the error. Free with g_free(). */
char *seal_answer_format(int r, const Error *error, char *const *keys);

/* The other way: 0 with the keys, or what the sealer said. -EBADMSG for what is no answer. */
int seal_answer_parse(const char *data, size_t size, char ***ret_keys, Error *ret_error);
