/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Definitions as text: written from scratch, or changed in one place with all else kept as its author wrote
 * it. */

#include <string.h>

#include "common/keyfile.h"
#include "unikernel/definition.h"

static void definition_append_source(GString *out, const DefinitionSource *source)
{
        g_string_append_printf(out, "LoadCredential%s=%s", source->encrypted ? "Encrypted" : "", source->id);
        if (!g_str_equal(source->from, source->id))
                g_string_append_printf(out, ":%s", source->from);
        g_string_append_c(out, '\n');
}

static void definition_append_settings(GString *out, SettingSection section, const void *owner)
{
        for (SettingID id = 0; id < _SETTING_MAX; id++) {
                g_autofree char *value = NULL;
                g_auto(GStrv) lines = NULL;

                if (setting_table[id].section != section)
                        continue;
                value = setting_format(&setting_table[id], owner);
                lines = g_strsplit(value ?: "", "\n", -1);
                for (char **line = lines; *line; line++)
                        g_string_append_printf(out, "%s=%s\n", setting_table[id].key, *line);
        }
}

static void definition_append_device(GString *out, const DefinitionDevice *device)
{
        g_string_append_printf(out, "\n[%s %s]\n", definition_device_section(device), device->name);
        definition_append_settings(out, definition_device_section_type(device), device);
        for (guint i = 0; device->sources && i < device->sources->len; i++)
                definition_append_source(out, device->sources->pdata[i]);
}

char *definition_device_format(const DefinitionDevice *device)
{
        GString *out = g_string_new(NULL);

        definition_append_device(out, device);
        return g_string_free(out, FALSE);
}

char *definition_format(const Definition *definition)
{
        GString *out = g_string_new(NULL);

        g_string_append_printf(out,
                        "# Made by shruthid. 'shruthictl edit %s' changes it; man shruthi.unikernel(5).\n\n",
                        definition->name);
        g_string_append_printf(out, "[%s]\n", setting_section_to_string(SECTION_UNIKERNEL));
        definition_append_settings(out, SECTION_UNIKERNEL, definition);
        for (guint i = 0; definition->devices && i < definition->devices->len; i++)
                definition_append_device(out, definition->devices->pdata[i]);

        return g_string_free(out, FALSE);
}

typedef enum LineKind {
        LINE_OTHER, /* blank, a comment, or invalid */
        LINE_HEADER,
        LINE_ENTRY,  /* its first line */
        LINE_JOINED, /* joined to the line before by its '\' */
} LineKind;

typedef struct Lines {
        GPtrArray *text; /* without newlines */
        GArray *kinds;   /* LineKind */
} Lines;

static void lines_clear(Lines *lines)
{
        g_clear_pointer(&lines->text, g_ptr_array_unref);
        g_clear_pointer(&lines->kinds, g_array_unref);
}

static LineKind line_kind(const Lines *lines, guint i)
{
        return g_array_index(lines->kinds, LineKind, i);
}

static bool line_is_comment(const Lines *lines, guint i)
{
        const char *line = lines->text->pdata[i];

        return line_kind(lines, i) == LINE_OTHER && line[strspn(line, " \t")];
}

static void lines_insert(Lines *lines, guint at, LineKind kind, const char *text)
{
        g_ptr_array_insert(lines->text, (int)at, g_strdup(text));
        g_array_insert_val(lines->kinds, at, kind);
}

static void lines_remove(Lines *lines, guint from, guint to)
{
        if (to > from) {
                g_ptr_array_remove_range(lines->text, from, to - from);
                g_array_remove_range(lines->kinds, from, to - from);
        }
}

/* Splits lines as key_file_add() does. */
static Lines lines_split(const char *text)
{
        Lines lines = {g_ptr_array_new_with_free_func(g_free), g_array_new(FALSE, FALSE, sizeof(LineKind))};
        g_auto(GStrv) split = g_strsplit(text, "\n", -1);
        bool joining = false;

        for (char **line = split; *line && (line[0][0] || line[1]); line++) {
                const char *begin = *line + strspn(*line, " \t");
                bool comment = *begin == '#' || *begin == ';' || (*begin == 0 && !joining);
                LineKind kind = joining         ? LINE_JOINED
                                : comment       ? LINE_OTHER
                                : *begin == '[' ? LINE_HEADER
                                                : LINE_ENTRY;

                if (!comment)
                        joining = (kind == LINE_ENTRY || kind == LINE_JOINED) &&
                                  key_file_line_continues(*line);
                lines_insert(&lines, lines.text->len, kind, *line);
        }

        return lines;
}

static char *lines_join(const Lines *lines)
{
        GString *out = g_string_new(NULL);

        for (guint i = 0; i < lines->text->len; i++)
                g_string_append_printf(out, "%s\n", (const char *)lines->text->pdata[i]);

        return g_string_free(out, FALSE);
}

/* The lines of the section: from its header to the next header or the end of the text. */
static bool lines_find_section(
                const Lines *lines, const char *type, const char *name, guint *ret_begin, guint *ret_end)
{
        for (guint i = 0; i < lines->text->len; i++) {
                g_autofree char *line_type = NULL, *line_name = NULL;
                guint end = i + 1;

                if (line_kind(lines, i) != LINE_HEADER ||
                                !key_file_split_header(lines->text->pdata[i], &line_type, &line_name) ||
                                !g_str_equal(line_type, type) || g_strcmp0(line_name, name) != 0)
                        continue;

                while (end < lines->text->len && line_kind(lines, end) != LINE_HEADER)
                        end++;
                *ret_begin = i;
                *ret_end = end;
                return true;
        }

        return false;
}

/* The lines of the entry within a section: its first one, and the one after those that are joined to it. */
static bool lines_find_entry(const Lines *lines, guint begin, guint end, const char *key, guint *ret_begin,
                guint *ret_end)
{
        for (guint i = begin; i < end; i++) {
                g_autofree char *line_key = NULL, *line_value = NULL;
                guint behind = i + 1;

                if (line_kind(lines, i) != LINE_ENTRY ||
                                !key_file_split_entry(lines->text->pdata[i], &line_key, &line_value) ||
                                !g_str_equal(line_key, key))
                        continue;

                while (behind < end && line_kind(lines, behind) == LINE_JOINED)
                        behind++;
                *ret_begin = i;
                *ret_end = behind;
                return true;
        }

        return false;
}

/* Where a section's own lines end: blank lines and comments after its last entry may belong to the next
 * section. */
static guint lines_last_entry_end(const Lines *lines, guint begin, guint end)
{
        while (end > begin + 1 && line_kind(lines, end - 1) == LINE_OTHER)
                end--;

        return end;
}

static void lines_remove_section(Lines *lines, guint begin, guint end)
{
        guint cut = end;

        /* A comment directly above the next header is about that one. */
        while (end < lines->text->len && cut > begin + 1 && line_is_comment(lines, cut - 1))
                cut--;

        lines_remove(lines, begin, cut);
}

static void lines_add_section(Lines *lines, const char *type, const char *name)
{
        g_autofree char *header =
                        name ? g_strdup_printf("[%s %s]", type, name) : g_strdup_printf("[%s]", type);
        guint n = lines->text->len;

        if (n > 0 && ((const char *)lines->text->pdata[n - 1])[0])
                lines_insert(lines, n++, LINE_OTHER, "");
        lines_insert(lines, n, LINE_HEADER, header);
}

/* Removes all entries of that key, of which a list has several. Returns where the first was, or where a new
 * one belongs. */
static guint lines_remove_entries(Lines *lines, guint begin, guint end, const char *key)
{
        guint at = lines_last_entry_end(lines, begin, end), entry_begin, entry_end;
        bool found = false;

        while (lines_find_entry(lines, begin, end, key, &entry_begin, &entry_end)) {
                lines_remove(lines, entry_begin, entry_end);
                end -= entry_end - entry_begin;
                if (!found)
                        at = entry_begin;
                found = true;
        }

        return at;
}

/* value: for a list, lines separated by '\n'. */
static void lines_insert_entries(Lines *lines, guint at, const char *key, const char *value)
{
        const char *end;

        do {
                g_autofree char *line = NULL;

                end = strchrnul(value, '\n');
                line = g_strdup_printf("%s=%.*s", key, (int) (end - value), value);
                lines_insert(lines, at++, LINE_ENTRY, line);
                value = end + 1;
        } while (*end);
}

char *definition_text_set(const char *text, const char *section_type, const char *section_name,
                const char *key, const char *value)
{
        __attribute__((cleanup(lines_clear))) Lines lines = lines_split(text);
        guint begin = 0, end = 0, entry_begin = 0;
        bool there = lines_find_section(&lines, section_type, section_name, &begin, &end);

        if (!there && value) {
                lines_add_section(&lines, section_type, section_name);
                there = lines_find_section(&lines, section_type, section_name, &begin, &end);
        }
        if (!there || (!key && value))
                return lines_join(&lines);

        if (!key)
                lines_remove_section(&lines, begin, end);
        else
                entry_begin = lines_remove_entries(&lines, begin, end, key);
        if (key && value)
                lines_insert_entries(&lines, entry_begin, key, value);

        return lines_join(&lines);
}
