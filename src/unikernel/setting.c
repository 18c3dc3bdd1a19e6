/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is done with a setting by its row in the table. */

#include "unikernel/setting.h"

#include "common/size.h"
#include "common/string-util.h"

static const char *const setting_section_table[_SECTION_MAX] = {
                [SECTION_UNIKERNEL] = "Unikernel",
                [SECTION_NETWORK] = "Network",
                [SECTION_VOLUME] = "Volume",
                [SECTION_CREDENTIALS] = "Credentials",
};
DEFINE_STRING_TABLE(setting_section, SettingSection, setting_section_table, _SECTION_MAX)

const Setting *setting_find(SettingSection section, const char *key)
{
        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (setting_table[id].section == section && g_str_equal(setting_table[id].key, key))
                        return &setting_table[id];

        return NULL;
}

void *setting_field(const Setting *setting, void *owner)
{
        return (char *) owner + setting->offset;
}

/* Text without a formatter of its own has memory of its own. */
static bool setting_is_string(const Setting *setting)
{
        return (setting->type == SETTING_TYPE_TEXT || setting->type == SETTING_TYPE_FILE ||
                               setting->type == SETTING_TYPE_LIST) &&
               !setting->format;
}

char *setting_format(const Setting *setting, const void *owner)
{
        const void *field = (const char *) owner + setting->offset;
        const char *text;

        if (setting->format)
                return setting->format(owner);

        switch (setting->type) {
        case SETTING_TYPE_TEXT:
        case SETTING_TYPE_FILE:
        case SETTING_TYPE_LIST:
                text = *(char *const *) field;
                return text && *text ? g_strdup(text) : NULL;
        case SETTING_TYPE_BYTES:
                return *(const uint64_t *) field > 0 ? size_format_exact(*(const uint64_t *) field) : NULL;
        case SETTING_TYPE_NUMBER:
                return *(const unsigned *) field > 1 ? g_strdup_printf("%u", *(const unsigned *) field)
                                                     : NULL;
        case SETTING_TYPE_BOOLEAN:
                return *(const bool *) field ? g_strdup(setting->flags & SETTING_INVERTED ? "no" : "yes")
                                             : NULL;
        default:
                return NULL;
        }
}

char **setting_split(const Setting *setting, const char *text)
{
        g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
        g_auto(GStrv) parts = g_strsplit_set(text ?: "", setting->flags & SETTING_WORDS ? " \t" : "\n", -1);

        for (char **part = parts; *part; part++)
                if (**part)
                        g_ptr_array_add(values, g_strdup(*part));
        g_ptr_array_add(values, NULL);

        return (char **) g_ptr_array_steal(values, NULL);
}

char *setting_join(const Setting *setting, char *const *values)
{
        return g_strjoinv(setting->flags & SETTING_WORDS ? " " : "\n", (char **) values);
}

void settings_clear_fields(SettingSection section, void *owner)
{
        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (setting_table[id].section == section && setting_is_string(&setting_table[id]))
                        g_clear_pointer((char **) setting_field(&setting_table[id], owner), g_free);
}
