/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory for key material. Nothing here goes through buffers of GLib or the C library. */

#include "seal/secret.h"

#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/io.h"

int secret_new(size_t capacity, Secret *ret, Error *ret_error)
{
        void *data = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (data == MAP_FAILED)
                return error_set_errno(ret_error, errno, "Cannot allocate %zu bytes", capacity);

        /* Works without them, too: swap may be encrypted, and the unit allows no core dumps. */
        (void) mlock(data, capacity);
        (void) madvise(data, capacity, MADV_DONTDUMP);

        *ret = (Secret){.data = data, .capacity = capacity};
        return 0;
}

void secret_clear(Secret *secret)
{
        if (!secret->data)
                return;

        explicit_bzero(secret->data, secret->capacity);
        (void) munmap(secret->data, secret->capacity);
        *secret = (Secret){};
}

int secret_read(Secret *secret, int fd, gint64 deadline)
{
        for (;;) {
                struct pollfd poller = {.fd = fd, .events = POLLIN};
                gint64 left = deadline - g_get_monotonic_time();
                uint8_t over;
                ssize_t n;
                int r;

                r = left > 0 ? poll(&poller, 1, (int) MIN(left / 1000 + 1, G_MAXINT)) : 0;
                if (r < 0 && errno == EINTR)
                        continue;
                if (r <= 0)
                        return r < 0 ? -errno : -ETIMEDOUT;

                /* Reading one byte more shows whether there is more than fits. */
                n = secret->size < secret->capacity
                                    ? read(fd, secret->data + secret->size, secret->capacity - secret->size)
                                    : read(fd, &over, sizeof over);
                if (n == 0)
                        return 0;
                if (n < 0 && errno != EINTR && errno != EAGAIN)
                        return -errno;
                if (n > 0 && secret->size == secret->capacity) {
                        explicit_bzero(&over, sizeof over);
                        return -E2BIG;
                }
                if (n > 0)
                        secret->size += (size_t) n;
        }
}

int secret_read_file(Secret *secret, int fd)
{
        ssize_t n = pread_all(fd, secret->data + secret->size, secret->capacity - secret->size, 0);
        uint8_t over;
        int r = 0;

        if (n < 0)
                return (int) n;
        if ((size_t) n == secret->capacity - secret->size && pread_all(fd, &over, sizeof over, n) > 0)
                r = -E2BIG;
        explicit_bzero(&over, sizeof over);
        secret->size += (size_t) n;
        return r;
}
