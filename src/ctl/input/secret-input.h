/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "common/error.h"

/* Standard input as the content of a key, for shruthid to pass on: a file or pipe as it is; what is typed at
 * a terminal (one line, not shown), and what else there is, through a pipe. */
typedef struct SecretInput {
        int fd;
        pid_t pump; /* copies into the pipe; 0: nobody has to */
} SecretInput;

#define SECRET_INPUT_INIT ((SecretInput){.fd = -EBADF})
void secret_input_clear(SecretInput *input);
#define _cleanup_secret_input_ __attribute__((cleanup(secret_input_clear)))

/* name and key are for the question at a terminal. */
int secret_input_open(const char *name, const char *key, SecretInput *ret, Error *ret_error);
