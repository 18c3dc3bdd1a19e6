/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "seal/plain.h"

#include <unistd.h>

#include "common/io.h"
#include "common/ustar.h"

int plain_make(const GArray *entries, Secret *ret, Error *ret_error)
{
        const UstarEntry *data = (const UstarEntry *) entries->data;
        _cleanup_secret_ Secret secret = {};
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = ustar_write_memfd(data, entries->len, &fd, ret_error);
        if (r >= 0)
                r = secret_new(ustar_size(data, entries->len), &secret, ret_error);
        if (r < 0)
                return r;
        r = secret_read_file(&secret, fd);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read the archive of keys");

        *ret = secret;
        secret = (Secret){};
        return 0;
}

int plain_read(int fd, Secret *secret, Error *ret_error)
{
        int r = secret_read_file(secret, fd);

        if (r == -E2BIG)
                return error_set(ret_error, ERROR_CREDENTIALS_DAMAGED, "It is larger than %zu bytes",
                                secret->capacity);
        return r < 0 ? error_set_errno(ret_error, r, "Cannot read the keys") : 0;
}
