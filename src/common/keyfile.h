/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "common/error.h"

/* Key files in systemd's manner, read strictly: sections in order and with their lines, '#' and ';' comments, a
 * backslash at a line's end joins it with the next. GKeyFile knows neither lines nor duplicates. Reading is pure:
 * text in, entries out. Limits: 1 MiB a file, 64 KiB a logical line, valid UTF-8, no control characters but tab. */

typedef struct KeyFileEntry {
        char *key;
        char *value;      /* outer white space removed, quotes kept */
        unsigned line;    /* 1-based line where the key stands */
        const char *path; /* of the file, owned by the KeyFile */
} KeyFileEntry;

typedef struct KeyFileSection {
        char *type;         /* "Network" of [Network service] */
        char *name;         /* "service", or NULL */
        unsigned line;
        const char *path;
        GPtrArray *entries; /* KeyFileEntry, in order */
} KeyFileSection;

typedef struct KeyFile {
        GPtrArray *sections; /* KeyFileSection, in order of first appearance */
        GPtrArray *paths;
} KeyFile;

KeyFile *key_file_new(void);
void key_file_free(KeyFile *key_file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyFile, key_file_free)

/* Adds the text of the file shown as path in errors. In one text a section or a key that stands twice is an error
 * ("FILE:LINE: …"); a later text (a drop-in) may name both again, and its value replaces the earlier (an empty value clears it). */
int key_file_add(KeyFile *key_file, const char *path, const char *text, size_t size, Error *ret_error);

/* Reads the file at path and adds it. -ENOENT without an Error when there is none. */
int key_file_add_path(KeyFile *key_file, const char *path, Error *ret_error);

/* The drop-ins that apply: *.conf of all dirs, by base name, the first directory's winning, sorted by base name; one
 * that links to /dev/null hides the others. Full paths. */
char **key_file_list_dropins(const char *const *dirs);
