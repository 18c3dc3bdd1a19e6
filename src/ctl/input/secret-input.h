/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "common/error.h"

/* Standard input as the content of a key, for shruthid to pass on: a file or pipe unchanged; a line typed at
 * a terminal (without echo) and any other input through a pipe. */
typedef struct SecretInput {
        int fd;
        pid_t pump; /* copies to the pipe; 0 if not needed */
} SecretInput;

#define SECRET_INPUT_INIT ((SecretInput){.fd = -EBADF})
void secret_input_clear(SecretInput *input);
#define _cleanup_secret_input_ __attribute__((cleanup(secret_input_clear)))

/* name and key are for the prompt on a terminal. */
int secret_input_open(const char *name, const char *key, SecretInput *ret, Error *ret_error);
