/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manual pages, the XML of the bus and the shipped configuration name exactly the keys that are read, with
 * the defaults that hold. */

#include <glib.h>
#include <string.h>

#include "common/conf.h"
#include "unikernel/definition.h"

static char *read_source(const char *path)
{
        g_autofree char *full = g_build_filename(g_getenv("SHRUTHI_SOURCE_ROOT"), path, NULL);
        char *text = NULL;

        g_assert_true(g_file_get_contents(full, &text, NULL, NULL));
        return text;
}

/* The keys described in the section of a page whose heading begins so: lines "\fIKEY=\fR" below ".TP". */
static char **page_keys(const char *page, const char *heading)
{
        g_autofree char *text = read_source(page);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_autoptr(GPtrArray) keys = g_ptr_array_new();
        bool within = false;

        for (char **line = lines; *line; line++) {
                if (g_str_has_prefix(*line, ".SH "))
                        within = g_str_has_prefix(*line + strlen(".SH "), heading);
                if (within && line > lines && g_str_equal(line[-1], ".TP") &&
                                g_str_has_prefix(*line, "\\fI") && g_str_has_suffix(*line, "=\\fR"))
                        g_ptr_array_add(keys, g_strndup(*line + 3, strlen(*line) - strlen("\\fI=\\fR")));
        }

        g_ptr_array_add(keys, NULL);
        return (char **)g_ptr_array_free(g_steal_pointer(&keys), FALSE);
}

static void assert_same_keys(const char *const *a, const char *const *b)
{
        for (const char *const *key = a; *key; key++)
                if (!g_strv_contains(b, *key))
                        g_error("%s= stands in one of code and manual page only", *key);
        g_assert_cmpuint(g_strv_length((char **)a), ==, g_strv_length((char **)b));
}

static void complain(const Setting *setting, const char *where)
{
        g_test_message("%s lacks %s= of [%s]", where, setting->key,
                        setting_section_to_string(setting->section));
        g_test_fail();
}

static void test_definition_page(void)
{
        static const char *const headings[_SECTION_MAX] = {
                        [SECTION_UNIKERNEL] = "[UNIKERNEL]",
                        [SECTION_NETWORK] = "[NETWORK NAME]",
                        [SECTION_VOLUME] = "[VOLUME NAME]",
                        [SECTION_CREDENTIALS] = "[CREDENTIALS NAME]",
        };
        size_t n = 0;

        for (SettingSection section = 0; section < _SECTION_MAX; section++) {
                g_auto(GStrv) described = page_keys("data/man/shruthi.unikernel.5", headings[section]);

                for (SettingID id = 0; id < _SETTING_MAX; id++)
                        if (setting_table[id].section == section &&
                                        !g_strv_contains((const char *const *) described,
                                                        setting_table[id].key))
                                complain(&setting_table[id], "data/man/shruthi.unikernel.5");
                n += g_strv_length(described);
        }
        g_assert_cmpuint(n, ==, _SETTING_MAX);
}

/* Each row is whole, and rows are in the order in which definitions are written. */
static void test_setting_table(void)
{
        static const struct {
                SettingType type;
                size_t size;
        } fields[] = {
                        {SETTING_TYPE_BYTES, sizeof(uint64_t)},
                        {SETTING_TYPE_NUMBER, sizeof(unsigned)},
                        {SETTING_TYPE_BOOLEAN, sizeof(bool)},
                        {SETTING_TYPE_FILE, sizeof(char *)},
                        {SETTING_TYPE_LIST, sizeof(char *)},
        };

        for (SettingID id = 0; id < _SETTING_MAX; id++) {
                const Setting *setting = &setting_table[id];

                g_test_message("setting %d", (int) id);
                g_assert_true(setting->key && setting->parse);
                g_assert_true(setting_find(setting->section, setting->key) == setting);
                if (id > 0)
                        g_assert_cmpint(setting->section, >=, setting_table[id - 1].section);
                for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
                        if (setting->type == fields[i].type)
                                g_assert_cmpuint(setting->size, ==, fields[i].size);
                if (setting->type == SETTING_TYPE_TEXT && !setting->format)
                        g_assert_cmpuint(setting->size, ==, sizeof(char *));
                if (setting->is_valid || setting->type == SETTING_TYPE_BYTES ||
                                setting->type == SETTING_TYPE_NUMBER ||
                                setting->type == SETTING_TYPE_BOOLEAN)
                        g_assert_nonnull(setting->takes);
                if (setting->option && setting->section == SECTION_UNIKERNEL)
                        g_assert_true(setting->metavar && setting->help);
        }
        g_assert_null(setting_find(SECTION_UNIKERNEL, "Service"));
}

/* What stands between the first begin and the end after it. */
static char *between(const char *text, const char *begin, const char *end)
{
        g_auto(GStrv) parts = g_strsplit(text, begin, 2), rest = NULL;

        g_assert_nonnull(parts[1]);
        rest = g_strsplit(parts[1], end, 2);
        return g_strdup(rest[0]);
}

/* What the page says of each setting that administrators alone can set, or can set to more. */
static void test_administrator_page(void)
{
        static const char path[] = "data/man/shruthi.unikernel.5";
        g_autofree char *text = read_source(path);

        for (SettingID id = 0; id < _SETTING_MAX; id++) {
                const Setting *setting = &setting_table[id];
                g_autofree char *heading = g_strdup_printf(".TP\n\\fI%s=\\fR\n", setting->key);
                g_autofree char *item = between(text, heading, ".TP\n\\fI");
                g_auto(GStrv) parts = g_strsplit(item, "\n.SH ", 2);

                if ((setting->flags & SETTING_ADMINISTRATOR) && !strstr(parts[0], "dministrator"))
                        complain(setting, "what is said of administrators in data/man/shruthi.unikernel.5");
        }
}

/* What Manager's description says of the settings: of one of them, or of all devices of its section. */
static char *manager_item(const char *text, const Setting *setting)
{
        const char *begin = setting->section == SECTION_NETWORK  ? "\"Networks\" a(sa{sv})"
                            : setting->section == SECTION_VOLUME ? "\"Volumes\" a(sa{sv})"
                            : setting->type == SETTING_TYPE_FILE ? "\"ImageDigest\" s"
                                                                 : "\"Arguments\" s";
        const char *end = setting->section == SECTION_UNIKERNEL ? "\"Networks\"" : "\n      \"";
        g_autofree char *items = between(text, begin, end), *own = NULL, *start = NULL;

        if (setting->section != SECTION_UNIKERNEL)
                return g_steal_pointer(&items);
        start = g_strdup_printf("\n      \"%s\" ", setting->key);
        own = g_strconcat("\n      ", begin, items, NULL);
        return strstr(own, start) ? between(own, start, "\n      \"") : g_strdup("");
}

static void test_manager_xml(void)
{
        static const char path[] = "dbus/org.dream.Shruthi.Manager.xml";
        g_autofree char *text = read_source(path);

        for (SettingID id = 0; id < _SETTING_MAX; id++) {
                const Setting *setting = &setting_table[id];
                g_autofree char *item = NULL, *word = NULL;

                if (setting->type == SETTING_TYPE_SOURCE || id == SETTING_IMAGE)
                        continue;
                item = manager_item(text, setting);
                word = setting->section == SECTION_UNIKERNEL
                                       ? g_strdup_printf("%s ", setting->type == SETTING_TYPE_LIST
                                                                         ? "as"
                                                                         : (char[]){(char) setting->type, 0})
                                       : g_strdup_printf("\"%s\" %c", setting->key, (char) setting->type);
                if (setting->section == SECTION_UNIKERNEL ? !g_str_has_prefix(item, word)
                                                          : !strstr(item, word))
                        complain(setting, path);
                else if ((setting->flags & SETTING_ADMINISTRATOR) && setting->type != SETTING_TYPE_FILE &&
                                !strstr(item, "administer"))
                        complain(setting, "what is said of administrators in "
                                          "dbus/org.dream.Shruthi.Manager.xml");
        }
}

/* GetDetails() tells all that is no property, and what is different from the next start on. */
static void test_unikernel_xml(void)
{
        static const char path[] = "dbus/org.dream.Shruthi.Unikernel.xml";
        g_autofree char *text = read_source(path), *details = between(text, "      GetDetails:\n", "-->"),
                        *next = between(details, "\"NextStart\" a{sv}", "),");

        for (SettingID id = 0; id < _SETTING_MAX; id++) {
                const Setting *setting = &setting_table[id];
                g_autofree char *word = g_strdup_printf("\"%s\"", setting->key),
                                *property = g_strdup_printf("name=%s", word);
                bool shown = strstr(details, word) || strstr(text, property);

                if (setting->type == SETTING_TYPE_SOURCE)
                        continue;
                if (!shown)
                        complain(setting, path);
                if (setting->section == SECTION_UNIKERNEL &&
                                !strstr(next, word) != !!(setting->flags & SETTING_WITHOUT_START))
                        complain(setting, "\"NextStart\" of GetDetails(), or has no place there,");
        }
}

static void test_conf_page(void)
{
        g_auto(GStrv) described = page_keys("data/man/shruthi.conf.5", "[SHRUTHI]");

        assert_same_keys(conf_keys(), (const char *const *)described);
        assert_same_keys((const char *const *)described, conf_keys());
}

static void test_conf_bridge_page(void)
{
        g_auto(GStrv) described = page_keys("data/man/shruthi.conf.5", "[BRIDGE NAME]");

        assert_same_keys(conf_bridge_keys(), (const char *const *)described);
        assert_same_keys((const char *const *)described, conf_bridge_keys());
}

/* The page says each default in a line of its own, or "none". */
static void test_conf_page_defaults(void)
{
        g_autofree char *text = read_source("data/man/shruthi.conf.5");

        for (const char *const *key = conf_keys(); *key; key++) {
                g_autofree char *item = g_strdup_printf(".TP\n\\fI%s=\\fR\n", *key), *expected = NULL;
                g_auto(GStrv) parts = g_strsplit(text, item, 2);
                const char *value = conf_key_default(*key);

                if (value[0])
                        expected = g_strdup_printf("\nDefault: %s.\n", value);
                else
                        expected = g_strdup(g_str_equal(*key, "AllowedBridges") ? "\nDefault: that of\n"
                                                                                : "\nDefault: none.\n");
                g_assert_nonnull(parts[1]);
                char *next = strstr(parts[1], ".TP\n");
                if (next)
                        *next = 0;
                if (!strstr(parts[1], expected))
                        g_error("the page does not give %s='s default '%s'", *key, value);
        }
}

/* Whoever removes a '#' there gets what held before; all keys are there, and it can be read. */
static void test_shipped_conf(void)
{
        g_autofree char *text = read_source("data/shruthi.conf");
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_autoptr(GString) uncommented = g_string_new(NULL);
        g_autoptr(KeyFile) shipped = key_file_new(), all = key_file_new();
        g_autoptr(Conf) conf = NULL;
        const KeyFileSection *section;

        g_assert_cmpint(key_file_add(shipped, "shruthi.conf", text, strlen(text), NULL), ==, 0);
        g_assert_cmpint(conf_parse(shipped, &conf, NULL), ==, 0);

        for (char **line = lines; *line; line++)
                g_string_append_printf(uncommented, "%s\n",
                                g_str_has_prefix(*line, "#") && g_ascii_isupper((*line)[1]) ? *line + 1
                                                                                            : *line);
        g_assert_cmpint(key_file_add(all, "shruthi.conf", uncommented->str, uncommented->len, NULL), ==, 0);
        section = key_file_find_section(all, "Shruthi", NULL);
        g_assert_cmpuint(section->entries->len, ==, g_strv_length((char **)conf_keys()));
        for (guint i = 0; i < section->entries->len; i++) {
                const KeyFileEntry *entry = section->entries->pdata[i];

                g_assert_cmpstr(conf_key_default(entry->key), ==, entry->value);
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/documentation/settings/table", test_setting_table);
        g_test_add_func("/documentation/settings/manager-xml", test_manager_xml);
        g_test_add_func("/documentation/settings/unikernel-xml", test_unikernel_xml);
        g_test_add_func("/documentation/shruthi.unikernel/names-all-keys", test_definition_page);
        g_test_add_func("/documentation/shruthi.unikernel/tells-what-administrators-set",
                        test_administrator_page);
        g_test_add_func("/documentation/shruthi.conf/names-all-keys", test_conf_page);
        g_test_add_func("/documentation/shruthi.conf/names-all-keys-of-bridges", test_conf_bridge_page);
        g_test_add_func("/documentation/shruthi.conf/gives-all-defaults", test_conf_page_defaults);
        g_test_add_func("/documentation/shipped-configuration/has-the-defaults", test_shipped_conf);
        return g_test_run();
}
