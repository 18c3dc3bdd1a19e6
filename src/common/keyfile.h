/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/error.h"

/* Key files in systemd's manner, read strictly: sections in order and with their lines, '#' and ';'
 * comments, a backslash at a line's end joins it with the next. GKeyFile knows neither lines nor duplicates.
 * Reading is pure: text in, entries out. Limits: 1 MiB a file, 64 KiB a logical line, 256 sections and as
 * many keys in each, valid UTF-8, no control characters but tab. */

#define KEY_FILE_SIZE_MAX     (1024 * 1024)
#define KEY_FILE_LINE_MAX     (64 * 1024)
#define KEY_FILE_SECTIONS_MAX 256
#define KEY_FILE_ENTRIES_MAX  256

typedef struct KeyFileEntry {
        char *key;
        char *value;      /* outer white space removed, quotes kept */
        unsigned line;    /* 1-based line where the key stands */
        const char *path; /* of the file, owned by the KeyFile; NULL: there is none */
        const struct KeyFileSection *section;
} KeyFileEntry;

typedef struct KeyFileSection {
        char *type; /* "Network" of [Network service] */
        char *name; /* "service", or NULL */
        unsigned line;
        const char *path;
        GPtrArray *entries; /* KeyFileEntry, in order */
} KeyFileSection;

typedef struct KeyFile {
        GPtrArray *sections; /* KeyFileSection, in order of first appearance */
        GPtrArray *paths;
        const char *const *lists;
} KeyFile;

KeyFile *key_file_new(void);

/* Before anything is added: which keys (static, ended by NULL) make a list. Each line with one of them is an
 * entry of its own, in one text and in later ones, and an empty value one that clears those before it. */
void key_file_set_lists(KeyFile *key_file, const char *const *keys);

void key_file_free(KeyFile *key_file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyFile, key_file_free)

/* Adds the text of the file shown as path in errors; path NULL: it is of no file, and errors begin with the
 * key and its value. In one text a section or a key that stands twice is an
 * error
 * ("FILE:LINE: …"); a later text (a drop-in) may name both again, and its value replaces the
 * earlier. An empty value is kept as one: users of the entries take it for "as if the key were absent". */
int key_file_add(KeyFile *key_file, const char *path, const char *text, size_t size, Error *ret_error);

/* Reads the file at path and adds it. -ENOENT without an Error when there is none. */
int key_file_add_path(KeyFile *key_file, const char *path, Error *ret_error);

/* Finds a section (name NULL: one without a name) or a key; NULL if there is none. */
KeyFileSection *key_file_find_section(const KeyFile *key_file, const char *type, const char *name);
KeyFileEntry *key_file_find_entry(const KeyFileSection *section, const char *key);

/* Errors about what stands in a line, an entry, a section or a key that should not be there; all
 * INVALID_DEFINITION and "FILE:LINE: …", or without that where there is no file. The second names key and
 * value before the message, the others the nearest of those known (ended by NULL). */
int key_file_error(const char *path, unsigned line, Error *ret_error, const char *format, ...)
                __attribute__((format(printf, 4, 5)));
int key_file_refuse(const KeyFileEntry *entry, Error *ret_error, const char *format, ...)
                __attribute__((format(printf, 3, 4)));
int key_file_refuse_key(const KeyFileSection *section, const KeyFileEntry *entry, const char *const *known,
                Error *ret_error);
int key_file_refuse_section(const KeyFileSection *section, const char *const *known, Error *ret_error);

/* How a text's lines fit together, for those who change it: splits one line's section header ("[TYPE NAME]")
 * or entry ("KEY=…"). False when it is neither. */
bool key_file_split_header(const char *line, char **ret_type, char **ret_name);
bool key_file_split_entry(const char *line, char **ret_key, char **ret_value);

/* True when the line ends with a backslash that joins it with the next: an odd number of them. */
bool key_file_line_continues(const char *line);

/* The one of words (ended by NULL) that word was probably meant to be; NULL if none is near. */
const char *word_nearest(const char *const *words, const char *word);

/* True for a link to /dev/null, by which an administrator hides files of lower precedence. */
bool file_is_masked(const char *path);

/* The drop-ins that apply: *.conf of all dirs, by base name, the first directory's winning, sorted by base
 * name; one that links to /dev/null hides the others. Full paths. */
char **key_file_list_dropins(const char *const *dirs);
