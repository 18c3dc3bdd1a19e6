/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Key files in systemd's format, read strictly and with their lines: the format of definitions and
 * shruthi.conf. */

#include "common/keyfile.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "common/string-util.h"

#define SHOWN_LENGTH 60 /* characters of a wrong line that a message quotes */

static void entry_free(gpointer data)
{
        KeyFileEntry *entry = data;

        g_free(entry->key);
        g_free(entry->value);
        g_free(entry);
}

static void section_free(gpointer data)
{
        KeyFileSection *section = data;

        g_free(section->type);
        g_free(section->name);
        g_ptr_array_unref(section->entries);
        g_free(section);
}

KeyFile *key_file_new(void)
{
        KeyFile *key_file = g_new(KeyFile, 1);

        *key_file = (KeyFile){
                .sections = g_ptr_array_new_with_free_func(section_free),
                .paths = g_ptr_array_new_with_free_func(g_free),
        };
        return key_file;
}

void key_file_set_lists(KeyFile *key_file, const char *const *keys)
{
        key_file->lists = keys;
}

void key_file_free(KeyFile *key_file)
{
        if (!key_file)
                return;

        g_ptr_array_unref(key_file->sections);
        g_ptr_array_unref(key_file->paths);
        g_free(key_file);
}

KeyFileSection *key_file_find_section(const KeyFile *key_file, const char *type, const char *name)
{
        for (guint i = 0; i < key_file->sections->len; i++) {
                KeyFileSection *section = key_file->sections->pdata[i];

                if (g_str_equal(section->type, type) && g_strcmp0(section->name, name) == 0)
                        return section;
        }

        return NULL;
}

KeyFileEntry *key_file_find_entry(const KeyFileSection *section, const char *key)
{
        for (guint i = 0; i < section->entries->len; i++) {
                KeyFileEntry *entry = section->entries->pdata[i];

                if (g_str_equal(entry->key, key))
                        return entry;
        }

        return NULL;
}

bool key_file_split_header(const char *line, char **ret_type, char **ret_name)
{
        g_autofree char *inner = NULL, *text = g_strstrip(g_strdup(line));
        size_t length = strlen(text), type_length;

        if (length < 3 || text[0] != '[' || text[length - 1] != ']')
                return false;
        inner = g_strstrip(g_strndup(text + 1, length - 2));
        if (strpbrk(inner, "[]"))
                return false;

        type_length = strcspn(inner, " \t");
        if (type_length == 0)
                return false;

        *ret_name = inner[type_length] ? g_strstrip(g_strdup(inner + type_length)) : NULL;
        *ret_type = g_strndup(inner, type_length);
        return true;
}

bool key_file_split_entry(const char *line, char **ret_key, char **ret_value)
{
        const char *equals = strchr(line, '=');
        g_autofree char *key = NULL;

        if (!equals)
                return false;
        key = g_strstrip(g_strndup(line, (size_t) (equals - line)));
        if (key[0] == 0 || strspn(key, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_") != strlen(key))
                return false;

        *ret_key = g_steal_pointer(&key);
        *ret_value = g_strstrip(g_strdup(equals + 1));
        return true;
}

bool key_file_line_continues(const char *line)
{
        size_t length = strlen(line), backslashes = 0;

        while (backslashes < length && line[length - 1 - backslashes] == '\\')
                backslashes++;

        return backslashes % 2 == 1;
}

/* One text being added. Within it nothing may be set twice; what earlier texts set may be set again. */
typedef struct Reader {
        KeyFile *key_file;
        const char *path;
        unsigned line;
        KeyFileSection *section;
        GHashTable *seen; /* sections and entries that this text has set, by address */
        Error *ret_error;
} Reader;

static int G_GNUC_PRINTF(3, 4) refuse(Reader *reader, unsigned line, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = error_setv(reader->ret_error, ERROR_INVALID_DEFINITION, format, ap);
        va_end(ap);
        if (reader->ret_error && reader->path)
                error_prefix(reader->ret_error, "%s:%u", reader->path, line);

        return r;
}

static int refuse_line(Reader *reader, const char *line, unsigned number)
{
        g_autofree char *shown = text_for_display(line, SHOWN_LENGTH);

        return refuse(reader, number, "'%s' is neither KEY=VALUE nor a [SECTION]; a comment begins with '#'",
                        shown);
}

static int read_header(Reader *reader, const char *line)
{
        g_autofree char *type = NULL, *name = NULL, *shown = text_for_display(line, SHOWN_LENGTH);
        KeyFileSection *section;

        if (!key_file_split_header(line, &type, &name))
                return refuse(reader, reader->line,
                                "'%s' is not a section header: write [TYPE] or [TYPE NAME], alone on its "
                                "line",
                                shown);

        section = key_file_find_section(reader->key_file, type, name);
        if (section && g_hash_table_contains(reader->seen, section))
                return refuse(reader, reader->line, "section %s is given twice; join the two", shown);
        if (!section) {
                if (reader->key_file->sections->len >= KEY_FILE_SECTIONS_MAX)
                        return refuse(reader, reader->line, "more than %d sections", KEY_FILE_SECTIONS_MAX);

                section = g_new(KeyFileSection, 1);
                *section = (KeyFileSection){
                        .type = g_steal_pointer(&type),
                        .name = g_steal_pointer(&name),
                        .line = reader->line,
                        .path = reader->path,
                        .entries = g_ptr_array_new_with_free_func(entry_free),
                };
                g_ptr_array_add(reader->key_file->sections, section);
        }

        g_hash_table_add(reader->seen, section);
        reader->section = section;
        return 0;
}

static int read_entry(Reader *reader, const char *line, unsigned number)
{
        g_autofree char *key = NULL, *value = NULL, *shown = text_for_display(line, SHOWN_LENGTH);
        const char *const *lists = reader->key_file->lists;
        KeyFileEntry *entry;

        if (!key_file_split_entry(line, &key, &value))
                return refuse_line(reader, line, number);
        /* White space follows the '\': it was meant to join the next line, and readers think that it
         * does. */
        if (key_file_line_continues(value))
                return refuse(reader, number, "'%s' ends with a '\\' and white space: remove one of the two",
                                shown);
        if (!reader->section)
                return refuse(reader, number, "'%s' is before the first [SECTION]", shown);

        entry = lists && g_strv_contains(lists, key) ? NULL : key_file_find_entry(reader->section, key);
        if (entry && g_hash_table_contains(reader->seen, entry))
                return refuse(reader, number, "key '%s' is given twice, first in line %u; remove one", key,
                                entry->line);
        if (!entry) {
                if (reader->section->entries->len >= KEY_FILE_ENTRIES_MAX)
                        return refuse(reader, number, "more than %d keys in a section",
                                        KEY_FILE_ENTRIES_MAX);

                entry = g_new0(KeyFileEntry, 1);
                entry->key = g_steal_pointer(&key);
                g_ptr_array_add(reader->section->entries, entry);
        }

        g_free(entry->value);
        entry->value = g_steal_pointer(&value);
        entry->line = number;
        entry->section = reader->section;
        entry->path = reader->path;
        g_hash_table_add(reader->seen, entry);
        return 0;
}

/* Refuses lines that are not text: the rest of the code can rely on NUL-terminated UTF-8. */
static int check_line(Reader *reader, const char *line, size_t size)
{
        const char *end;

        if (size > KEY_FILE_LINE_MAX)
                return refuse(reader, reader->line, "the line is longer than %d bytes", KEY_FILE_LINE_MAX);
        if (!g_utf8_validate(line, (gssize) size, &end) && *end)
                return refuse(reader, reader->line, "byte 0x%02x is not UTF-8", (unsigned char)*end);

        for (const char *p = line; p < line + size; p = g_utf8_next_char(p))
                if (*p == '\r')
                        return refuse(reader, reader->line,
                                        "a carriage return: save the file with Unix line ends");
                else if (*p == 0 || (*p != '\t' && g_unichar_iscntrl(g_utf8_get_char(p))))
                        return refuse(reader, reader->line, "control character 0x%02x: remove it",
                                        (unsigned) g_utf8_get_char(p));

        return 0;
}

static int read_line(Reader *reader, GString *joined, unsigned *first, const char *line)
{
        bool continues = key_file_line_continues(line), continuing = *first != 0;
        const char *begin = line + strspn(line, " \t");

        /* As in systemd: a comment between joined lines belongs to none of them. */
        if (*begin == '#' || *begin == ';' || (*begin == 0 && !continuing))
                return 0;
        if (*begin == '[' && !continuing)
                return read_header(reader, line);

        if (!continuing) {
                /* Code that changes the text later looks for the key where an entry begins. */
                if (!strchr(line, '='))
                        return refuse_line(reader, line, reader->line);
                *first = reader->line;
        }
        g_string_append(joined, line);
        if (joined->len > KEY_FILE_LINE_MAX)
                return refuse(reader, *first, "the line is longer than %d bytes", KEY_FILE_LINE_MAX);
        if (continues) {
                joined->str[joined->len - 1] = ' ';
                return 0;
        }

        g_autofree char *whole = g_strdup(joined->str);
        unsigned number = *first;

        g_string_truncate(joined, 0);
        *first = 0;
        return read_entry(reader, whole, number);
}

int key_file_add(KeyFile *key_file, const char *path, const char *text, size_t size, Error *ret_error)
{
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
        g_autoptr(GString) joined = g_string_new(NULL);
        Reader reader = {.key_file = key_file, .seen = seen, .ret_error = ret_error};
        unsigned first = 0;
        int r;

        reader.path = g_strdup(path);
        g_ptr_array_add(key_file->paths, (char *) reader.path);
        if (size > KEY_FILE_SIZE_MAX)
                return error_set(ret_error, ERROR_INVALID_DEFINITION, "%s: the file is larger than %d bytes",
                                path ?: "The text", KEY_FILE_SIZE_MAX);

        while (size > 0) {
                const char *newline = memchr(text, '\n', size);
                size_t length = newline ? (size_t) (newline - text) : size;
                g_autofree char *line = NULL;

                reader.line++;
                r = check_line(&reader, text, length);
                if (r < 0)
                        return r;
                line = g_strndup(text, length);
                r = read_line(&reader, joined, &first, line);
                if (r < 0)
                        return r;

                length += newline ? 1 : 0;
                text += length;
                size -= length;
        }

        if (first != 0)
                return refuse(&reader, reader.line,
                                "the last line ends with '\\', but there is no next line");
        return 0;
}

int key_file_add_path(KeyFile *key_file, const char *path, Error *ret_error)
{
        g_autofree char *text = NULL;
        size_t size = 0;
        int r;

        r = file_read_at(AT_FDCWD, path, KEY_FILE_SIZE_MAX, &text, &size);
        if (r == -ENOENT)
                return r;
        if (r == -E2BIG)
                return error_set(ret_error, ERROR_INVALID_DEFINITION, "%s: the file is larger than %d bytes",
                                path, KEY_FILE_SIZE_MAX);
        if (r == -EISDIR || r == -EBADFD || r == -ENXIO || r == -ELOOP)
                return error_set(ret_error, ERROR_INVALID_DEFINITION, "%s: not a regular file", path);
        if (r < 0)
                return error_set_errno(ret_error, r, "Cannot read %s", path);

        return key_file_add(key_file, path, text, size, ret_error);
}

/* Levenshtein's distance, ignoring case; words here are short. */
static unsigned word_distance(const char *a, const char *b)
{
        size_t n = strlen(b);
        g_autofree unsigned *row = g_new(unsigned, n + 1);

        for (size_t j = 0; j <= n; j++)
                row[j] = (unsigned) j;
        for (size_t i = 1; a[i - 1]; i++) {
                unsigned diagonal = row[0];

                row[0] = (unsigned) i;
                for (size_t j = 1; j <= n; j++) {
                        unsigned replace =
                                        diagonal + (g_ascii_tolower(a[i - 1]) != g_ascii_tolower(b[j - 1]));

                        diagonal = row[j];
                        row[j] = MIN(MIN(row[j], row[j - 1]) + 1, replace);
                }
        }

        return row[n];
}

const char *word_nearest(const char *const *words, const char *word)
{
        unsigned best = MAX(2u, (unsigned) MIN(strlen(word), 64u) / 3) + 1;
        const char *nearest = NULL;

        if (strlen(word) > 64)
                return NULL;

        for (; *words; words++) {
                unsigned distance = word_distance(word, *words);

                if (distance < best && distance < strlen(*words)) {
                        best = distance;
                        nearest = *words;
                }
        }

        return nearest;
}

int key_file_error(const char *path, unsigned line, Error *ret_error, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = error_setv(ret_error, ERROR_INVALID_DEFINITION, format, ap);
        va_end(ap);
        if (path && ret_error)
                error_prefix(ret_error, "%s:%u", path, line);

        return r;
}

int key_file_refuse(const KeyFileEntry *entry, Error *ret_error, const char *format, ...)
{
        g_autofree char *shown = text_for_display(entry->value, SHOWN_LENGTH);
        va_list ap;
        int r;

        va_start(ap, format);
        r = error_setv(ret_error, ERROR_INVALID_DEFINITION, format, ap);
        va_end(ap);
        if (entry->path)
                error_prefix(ret_error, "%s:%u: %s=%s", entry->path, entry->line, entry->key, shown);
        else if (entry->section->name)
                error_prefix(ret_error, "[%s %s] %s=%s", entry->section->type, entry->section->name,
                                entry->key, shown);
        else
                error_prefix(ret_error, "%s=%s", entry->key, shown);

        return r;
}

/* ", did you mean 'Memory'?" or, if nothing is near, all known words. */
static char *suggestion(const char *const *known, const char *word)
{
        const char *nearest = word_nearest(known, word);
        g_autofree char *all = NULL;

        if (nearest)
                return g_strdup_printf(", did you mean '%s'?", nearest);

        all = g_strjoinv(", ", (char **) known);
        return g_strdup_printf("; known are %s", all);
}

int key_file_refuse_key(const KeyFileSection *section, const KeyFileEntry *entry, const char *const *known,
                Error *ret_error)
{
        g_autofree char *shown = text_for_display(entry->key, SHOWN_LENGTH);
        g_autofree char *name = text_for_display(section->name ?: "", SHOWN_LENGTH);
        g_autofree char *suggested = suggestion(known, entry->key);

        return key_file_error(entry->path, entry->line, ret_error, "unknown key '%s' in [%s%s%s]%s", shown,
                        section->type, section->name ? " " : "", name, suggested);
}

int key_file_refuse_section(const KeyFileSection *section, const char *const *known, Error *ret_error)
{
        g_autofree char *shown = text_for_display(section->type, SHOWN_LENGTH);
        g_autofree char *suggested = suggestion(known, section->type);

        return key_file_error(section->path, section->line, ret_error, "unknown section '[%s]'%s",
                        shown, suggested);
}

bool file_is_masked(const char *path)
{
        char target[sizeof "/dev/null"];

        return readlink(path, target, sizeof target) == (ssize_t) strlen("/dev/null") &&
               memcmp(target, "/dev/null", strlen("/dev/null")) == 0;
}

static int compare_names(const void *a, const void *b, void *data)
{
        return strcmp(a, b);
}

char **key_file_list_dropins(const char *const *dirs)
{
        g_autoptr(GTree) by_name = g_tree_new_full(compare_names, NULL, g_free, g_free);
        g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

        for (; *dirs; dirs++) {
                g_autoptr(GDir) dir = g_dir_open(*dirs, 0, NULL);
                const char *name;

                while (dir && (name = g_dir_read_name(dir)))
                        if (name[0] != '.' && g_str_has_suffix(name, ".conf") &&
                                        !g_tree_lookup(by_name, name))
                                g_tree_insert(by_name, g_strdup(name), g_build_filename(*dirs, name, NULL));
        }

        for (GTreeNode *node = g_tree_node_first(by_name); node; node = g_tree_node_next(node))
                if (!file_is_masked(g_tree_node_value(node)))
                        g_ptr_array_add(paths, g_strdup(g_tree_node_value(node)));
        g_ptr_array_add(paths, NULL);

        return (char **) g_ptr_array_free(g_steal_pointer(&paths), FALSE);
}
