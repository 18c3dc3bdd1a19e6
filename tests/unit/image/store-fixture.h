/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <string.h>

#include "common/error.h"

/* A store in a folder of its own for each test, and ways to change things in it behind its back. */

/* echo -n abc | sha256sum */
#define ABC_HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC "sha256:" ABC_HEX
#define OTHER "sha256:0000000000000000000000000000000000000000000000000000000000000000"

typedef struct StoreFixture {
        char *dir;
        char *file; /* a source outside of the store */
} StoreFixture;

void store_set_up(StoreFixture *f, const void *data);
void store_tear_down(StoreFixture *f, const void *data);

/* Makes a file of that content, or gives it that content. */
void file_put(const char *path, const char *text);

/* Writes into the file as it is (same inode), after making it writable. */
void file_overwrite(const char *path, const char *text);

/* What waiting for a minute between a file's last change and its hashing would have done to the fingerprint.
 */
void fingerprint_let_age(const char *dir_name, const char *name);

/* Under which name the store remembers a path. */
char *path_stamp_name(const char *path);

/* Puts text into the fixture's file and that into the store. */
char *import_text(const StoreFixture *f, const char *text);
void import_only(const StoreFixture *f, const char *text);

/* The names in the store's directory, sorted, without the memories. */
char *store_names(void);
#define assert_store_holds(expected)                                                                        \
        G_STMT_START                                                                                        \
        {                                                                                                   \
                g_autofree char *_names = store_names();                                                    \
                g_assert_cmpstr(_names, ==, expected);                                                      \
        }                                                                                                   \
        G_STMT_END

/* That a function failed with that code, and a sentence that has part in it; clears the error. */
void assert_refused(int r, Error *error, ErrorCode code, const char *part);
