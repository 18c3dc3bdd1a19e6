/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/error.h"

/* Key files in systemd's format, read strictly: sections in order and with their lines; '#' and ';' begin
 * comments; a backslash at the end of a line joins it with the next. GKeyFile knows neither lines nor
 * duplicates. Reading is pure: text in, entries out. Limits: 1 MiB per file, 64 KiB per logical line, 256
 * sections and as many keys in each; valid UTF-8, no control characters but tab. */

#define KEY_FILE_SIZE_MAX     (1024 * 1024)
#define KEY_FILE_LINE_MAX     (64 * 1024)
#define KEY_FILE_SECTIONS_MAX 256
#define KEY_FILE_ENTRIES_MAX  256

typedef struct KeyFileEntry {
        char *key;
        char *value;      /* outer white space removed, quotes kept */
        unsigned line;    /* 1-based line of the key */
        const char *path; /* of the file, owned by the KeyFile; NULL if none */
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

/* Sets which keys (static, terminated by NULL) are lists; call it before anything is added. Each line with
 * such a key is an entry of its own, in one text and in later ones, and one with an empty value clears those
 * before it. */
void key_file_set_lists(KeyFile *key_file, const char *const *keys);

void key_file_free(KeyFile *key_file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyFile, key_file_free)

/* Adds the text of the file that errors show as path; with path NULL it belongs to no file, and errors begin
 * with the key and its value. Within one text a duplicate section or key is an error ("FILE:LINE: …"); a
 * later text (a drop-in) may repeat both, and its value replaces the earlier one. An empty value is kept as
 * such: users of the entries treat it as if the key were absent. */
int key_file_add(KeyFile *key_file, const char *path, const char *text, size_t size, Error *ret_error);

/* Reads the file at path and adds it. -ENOENT without an Error if there is none. */
int key_file_add_path(KeyFile *key_file, const char *path, Error *ret_error);

/* Finds a section (name NULL: one without a name) or a key; NULL if there is none. */
KeyFileSection *key_file_find_section(const KeyFile *key_file, const char *type, const char *name);
KeyFileEntry *key_file_find_entry(const KeyFileSection *section, const char *key);

/* Report an error in a line, an entry, an unknown key and an unknown section; all are INVALID_DEFINITION and
 * "FILE:LINE: …", or without that prefix if there is no file. The second puts key and value before the
 * message; the last two suggest the nearest of the known ones (terminated by NULL). */
int key_file_error(const char *path, unsigned line, Error *ret_error, const char *format, ...)
                __attribute__((format(printf, 4, 5)));
int key_file_refuse(const KeyFileEntry *entry, Error *ret_error, const char *format, ...)
                __attribute__((format(printf, 3, 4)));
int key_file_refuse_key(const KeyFileSection *section, const KeyFileEntry *entry, const char *const *known,
                Error *ret_error);
int key_file_refuse_section(const KeyFileSection *section, const char *const *known, Error *ret_error);

/* The syntax of single lines, for code that edits a text: split the section header ("[TYPE NAME]") or the
 * entry ("KEY=…") in a line. False if the line is not one. */
bool key_file_split_header(const char *line, char **ret_type, char **ret_name);
bool key_file_split_entry(const char *line, char **ret_key, char **ret_value);

/* True when the line ends with a backslash that joins it with the next: an odd number of them. */
bool key_file_line_continues(const char *line);

/* The element of words (terminated by NULL) that word was probably meant to be; NULL if none is close. */
const char *word_nearest(const char *const *words, const char *word);

/* Whether path is a link to /dev/null, by which an administrator masks files of lower precedence. */
bool file_is_masked(const char *path);

/* The drop-ins that apply: *.conf of all dirs, sorted by base name. Of several with the same base name, the
 * one in the first directory counts; a link to /dev/null masks the others. Full paths. */
char **key_file_list_dropins(const char *const *dirs);
