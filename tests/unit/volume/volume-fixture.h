/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/stat.h>

#include "common/error.h"
#include "volume/store.h"

/* A store of volumes in a folder of its own for each test. */

#define OWNER 1000
#define KIB   UINT64_C(1024)
#define MIB   (1024 * KIB)

typedef struct VolumeFixture {
        char *dir;
} VolumeFixture;

void volume_set_up(VolumeFixture *f, const void *data);
void volume_tear_down(VolumeFixture *f, const void *data);

#define volume_test(path, function)                                                                         \
        g_test_add(path, VolumeFixture, NULL, volume_set_up, function, volume_tear_down)

/* Makes one of OWNER without limits. */
void make_volume(const char *name, uint64_t size);

/* What there is of that name, or NULL. Free with volume_free(). */
Volume *find_volume(const char *name);

/* Opens the data behind the store's back. */
int open_data(const char *name, int flags);

/* A lock on one byte of an open file, as QEMU takes them. */
void lock_byte(int fd, off_t byte);

/* All names in the store's directory, sorted: "a b". Free with g_free(). */
char *stored_names(void);
#define assert_stored(expected)                                                                             \
        G_STMT_START                                                                                        \
        {                                                                                                   \
                g_autofree char *_names = stored_names();                                                   \
                g_assert_cmpstr(_names, ==, expected);                                                      \
        }                                                                                                   \
        G_STMT_END

/* That a call failed with that code and a sentence that has part in it; clears the error. */
void assert_refused(int r, Error *error, ErrorCode code, const char *part);
