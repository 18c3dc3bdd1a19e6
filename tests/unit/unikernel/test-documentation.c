/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manual pages and the shipped configuration name exactly the keys that are read, with the defaults that
 * hold. */

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

static void test_definition_page(void)
{
        static const char *const sections[][2] = {
                {"Unikernel", "[UNIKERNEL]"},
                {"Network", "[NETWORK NAME]"},
                {"Volume", "[VOLUME NAME]"},
                {"Credentials", "[CREDENTIALS NAME]"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(sections); i++) {
                g_auto(GStrv) described = page_keys("data/man/shruthi.unikernel.5", sections[i][1]);
                const char *const *known = definition_keys(sections[i][0]);

                assert_same_keys(known, (const char *const *)described);
                assert_same_keys((const char *const *)described, known);
        }
        g_assert_null(definition_keys("Service"));
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
        g_test_add_func("/documentation/shruthi.unikernel/names-all-keys", test_definition_page);
        g_test_add_func("/documentation/shruthi.conf/names-all-keys", test_conf_page);
        g_test_add_func("/documentation/shruthi.conf/names-all-keys-of-bridges", test_conf_bridge_page);
        g_test_add_func("/documentation/shruthi.conf/gives-all-defaults", test_conf_page_defaults);
        g_test_add_func("/documentation/shipped-configuration/has-the-defaults", test_shipped_conf);
        return g_test_run();
}
