/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Copies sparse files: the content of volumes, at import and export. */

#include "ctl/input/sparse.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"

#define BUFFER_SIZE (256 * 1024)
#define BLOCK_SIZE  4096 /* of most file systems */

typedef struct Output {
        int fd;
        bool holes; /* a regular file at its end: skipped parts are zero */
        off_t at;
} Output;

static Output output_look(int fd)
{
        Output output = {.fd = fd};
        int flags = fcntl(fd, F_GETFL);
        struct stat st;

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || flags < 0 || (flags & O_APPEND))
                return output;

        output.at = lseek(fd, 0, SEEK_CUR);
        output.holes = output.at >= 0 && output.at >= st.st_size;
        return output;
}

static bool sparse_is_zero(const char *data, size_t size)
{
        return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

/* The length of the run of zero blocks, or of other blocks, at data. */
static size_t sparse_measure_run(const char *data, size_t size, bool *ret_zero)
{
        size_t length = 0;

        *ret_zero = sparse_is_zero(data, MIN(size, (size_t) BLOCK_SIZE));
        while (length < size) {
                size_t block = MIN(size - length, (size_t) BLOCK_SIZE);

                if (sparse_is_zero(data + length, block) != *ret_zero)
                        break;
                length += block;
        }

        return length;
}

static int output_pwrite(Output *output, const char *data, size_t size)
{
        while (size > 0) {
                ssize_t n = pwrite(output->fd, data, size, output->at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                size -= (size_t) n;
                output->at += n;
        }

        return 0;
}

static int output_write(Output *output, const char *data, size_t size)
{
        if (!output->holes)
                return write_all(output->fd, data, size);

        while (size > 0) {
                bool zero;
                size_t length = sparse_measure_run(data, size, &zero);
                int r = 0;

                if (zero)
                        output->at += (off_t) length;
                else
                        r = output_pwrite(output, data, length);
                if (r < 0)
                        return r;
                data += length;
                size -= length;
        }

        return 0;
}

static int output_skip(Output *output, char *zeros, off_t size)
{
        memset(zeros, 0, BUFFER_SIZE);
        while (size > 0 && !output->holes) {
                size_t length = (size_t) MIN(size, (off_t) BUFFER_SIZE);
                int r = write_all(output->fd, zeros, length);

                if (r < 0)
                        return r;
                size -= (off_t) length;
        }

        output->at += size;
        return 0;
}

/* Skips a hole in a regular file at this position. Returns its size. */
static off_t sparse_skip_hole(int from)
{
        off_t at = lseek(from, 0, SEEK_CUR), data;
        struct stat st;

        if (at < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode))
                return 0;

        data = lseek(from, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
                data = lseek(from, MAX(at, st.st_size), SEEK_SET);
        if (data < at)
                data = lseek(from, at, SEEK_SET);

        return data < 0 ? -errno : data - at;
}

int sparse_copy(int from, int to)
{
        g_autofree char *buffer = g_malloc(BUFFER_SIZE);
        Output output = output_look(to);
        int r;

        for (;;) {
                off_t hole = sparse_skip_hole(from);
                ssize_t n;

                r = hole < 0 ? (int) hole : hole > 0 ? output_skip(&output, buffer, hole) : 0;
                if (r < 0)
                        return r;
                n = read(from, buffer, BUFFER_SIZE);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                r = output_write(&output, buffer, (size_t) n);
                if (r < 0)
                        return r;
        }

        /* A hole at the end exists only if the file is extended over it. */
        if (output.holes && (ftruncate(to, output.at) < 0 || lseek(to, output.at, SEEK_SET) < 0))
                return -errno;
        return 0;
}
