/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fingerprints and how they are stored: one line of text per file. */

#include "image/fingerprint.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <time.h>

#include "common/io.h"
#include "common/string-util.h"

#define FINGERPRINT_FORMAT "shruthi-stamp-1"
#define STAMP_SIZE_MAX     4096

void fingerprint_clear(Fingerprint *fingerprint)
{
        g_free(fingerprint->digest);
        *fingerprint = (Fingerprint){};
}

static int64_t nsec(const struct timespec *t)
{
        return (int64_t) t->tv_sec * INT64_C(1000000000) + t->tv_nsec;
}

int64_t fingerprint_now(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_REALTIME, &t);
        return nsec(&t);
}

Fingerprint fingerprint_make(const struct stat *st, int64_t hashed, const char *digest)
{
        return (Fingerprint){
                        .device = st->st_dev,
                        .inode = st->st_ino,
                        .size = (uint64_t) st->st_size,
                        .modified = nsec(&st->st_mtim),
                        .changed = nsec(&st->st_ctim),
                        .hashed = hashed,
                        .digest = g_strdup(digest),
        };
}

bool fingerprint_proves(const Fingerprint *fingerprint, const struct stat *st)
{
        return fingerprint->device == st->st_dev && fingerprint->inode == st->st_ino &&
               fingerprint->size == (uint64_t) st->st_size && fingerprint->modified == nsec(&st->st_mtim) &&
               fingerprint->changed == nsec(&st->st_ctim) &&
               MAX(fingerprint->modified, fingerprint->changed) + FINGERPRINT_RACY_NSEC <=
                               fingerprint->hashed;
}

int fingerprint_write(const char *dir, const char *name, const Fingerprint *fingerprint)
{
        g_autofree char *path = g_build_filename(dir, name, NULL), *text = NULL;

        if (mkdir(dir, 0700) < 0 && errno != EEXIST)
                return -errno;

        text = g_strdup_printf(FINGERPRINT_FORMAT " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIi64 " %" PRIi64
                                                  " %" PRIi64 " %s\n",
                        fingerprint->device, fingerprint->inode, fingerprint->size, fingerprint->modified,
                        fingerprint->changed, fingerprint->hashed, fingerprint->digest);
        if (!g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL))
                return -EIO;

        return 0;
}

static bool unsigned_parse(const char *text, uint64_t *ret)
{
        return g_ascii_string_to_unsigned(text, 10, 0, UINT64_MAX, ret, NULL);
}

static bool signed_parse(const char *text, int64_t *ret)
{
        return g_ascii_string_to_signed(text, 10, INT64_MIN / 2, INT64_MAX / 2, ret, NULL);
}

int fingerprint_read(const char *dir, const char *name, Fingerprint *ret)
{
        g_autofree char *path = g_build_filename(dir, name, NULL), *text = NULL;
        g_auto(GStrv) words = NULL;
        Fingerprint fingerprint = {};
        int r;

        r = file_read_at(AT_FDCWD, path, STAMP_SIZE_MAX, &text, NULL);
        if (r < 0)
                return r;

        words = g_strsplit(g_strchomp(text), " ", -1);
        if (g_strv_length(words) != 8 || strcmp(words[0], FINGERPRINT_FORMAT) != 0 ||
                        !unsigned_parse(words[1], &fingerprint.device) ||
                        !unsigned_parse(words[2], &fingerprint.inode) ||
                        !unsigned_parse(words[3], &fingerprint.size) ||
                        !signed_parse(words[4], &fingerprint.modified) ||
                        !signed_parse(words[5], &fingerprint.changed) ||
                        !signed_parse(words[6], &fingerprint.hashed) || !digest_is_valid(words[7]))
                return -ENOENT;

        fingerprint.digest = g_strdup(words[7]);
        *ret = fingerprint;
        return 0;
}
