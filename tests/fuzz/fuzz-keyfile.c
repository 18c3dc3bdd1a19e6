/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text is read or refused with its line; what is read is text, and changing one entry leaves all
 * others. */

#include <glib.h>
#include <string.h>

#include "common/keyfile.h"
#include "fuzz.h"
#include "unikernel/definition.h"

static void assert_is_text(const char *text)
{
        g_assert_true(g_utf8_validate(text, -1, NULL));
        for (const char *p = text; *p; p = g_utf8_next_char(p))
                g_assert_true(*p == '\t' || !g_unichar_iscntrl(g_utf8_get_char(p)));
}

static void check(const KeyFile *key_file)
{
        for (guint i = 0; i < key_file->sections->len; i++) {
                const KeyFileSection *section = key_file->sections->pdata[i];

                assert_is_text(section->type);
                assert_is_text(section->name ?: "");
                g_assert_true(key_file_find_section(key_file, section->type, section->name) == section);
                for (guint j = 0; j < section->entries->len; j++) {
                        const KeyFileEntry *entry = section->entries->pdata[j];

                        assert_is_text(entry->key);
                        assert_is_text(entry->value);
                        g_assert_cmpuint(entry->line, >, section->line);
                        g_assert_true(key_file_find_entry(section, entry->key) == entry);
                }
        }
}

static guint count_entries(const KeyFile *key_file)
{
        guint n = 0;

        for (guint i = 0; i < key_file->sections->len; i++)
                n += ((const KeyFileSection *)key_file->sections->pdata[i])->entries->len;

        return n;
}

/* Sets a key that is there in the last section, and one that is not. */
static void check_change(const KeyFile *key_file, const char *text)
{
        const KeyFileSection *section = key_file->sections->pdata[key_file->sections->len - 1];
        g_autoptr(KeyFile) changed = key_file_new();
        g_autofree char *set =
                        definition_text_set(text, section->type, section->name, "NewKey", "new value");
        const KeyFileEntry *entry;

        g_assert_cmpint(key_file_add(changed, "f", set, strlen(set), NULL), ==, 0);
        entry = key_file_find_entry(key_file_find_section(changed, section->type, section->name), "NewKey");
        g_assert_cmpstr(entry->value, ==, "new value");
        if (!key_file_find_entry(section, "NewKey"))
                g_assert_cmpuint(count_entries(changed), ==, count_entries(key_file) + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(KeyFile) key_file = key_file_new();
        _cleanup_error_ Error error = ERROR_INIT;
        int r = key_file_add(key_file, "f", (const char *) data, size, &error);

        if (r < 0) {
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
                g_assert_true(g_str_has_prefix(error.message, "f:"));
                assert_is_text(error.message);
                return 0;
        }

        check(key_file);
        if (key_file->sections->len > 0 && size < KEY_FILE_SIZE_MAX / 2 &&
                        count_entries(key_file) < KEY_FILE_ENTRIES_MAX) {
                g_autofree char *text = g_strndup((const char *) data, size);

                check_change(key_file, text);
        }
        return 0;
}
