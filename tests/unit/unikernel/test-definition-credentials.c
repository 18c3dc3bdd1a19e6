/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* [Credentials NAME]: lists as systemd reads them, refused where systemd would pass a line over, and the
 * same when written back. */

#include <glib.h>
#include <string.h>

#include "common/paths.h"
#include "fixture/files.h"
#include "unikernel/definition.h"

#define IMAGE "[Unikernel]\nImage=/a\n"
#define KEYS  IMAGE "[Credentials keys]\n"

static Definition *parse(const char *text)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Definition *definition = NULL;

        if (definition_parse("a", "f", text, strlen(text), &definition, &error) < 0)
                g_error("%s", error.message);
        return definition;
}

static const DefinitionSource *source(const Definition *definition, guint i)
{
        const DefinitionDevice *device = definition_credentials(definition);

        g_assert_nonnull(device);
        g_assert_cmpuint(i, <, device->sources->len);
        return device->sources->pdata[i];
}

static void assert_source(
                const Definition *definition, guint i, const char *id, const char *from, bool encrypted)
{
        g_assert_cmpstr(source(definition, i)->id, ==, id);
        g_assert_cmpstr(source(definition, i)->from, ==, from);
        g_assert_cmpint(source(definition, i)->encrypted, ==, encrypted);
}

static void test_sources(void)
{
        g_autoptr(Definition) d = parse(KEYS "LoadCredential=tls.key:/srv/my keys/a:b\n"
                                             "LoadCredentialEncrypted=token:/etc/token\n"
                                             "LoadCredential=plain\n"
                                             "LoadCredential=other:stored\n");
        const DefinitionDevice *device = definition_credentials(d);

        g_assert_cmpint(device->kind, ==, DEVICE_BLOCK);
        g_assert_cmpstr(device->name, ==, "keys");
        g_assert_cmpstr(definition_device_section(device), ==, "Credentials");
        g_assert_true(device->read_only);
        g_assert_cmpuint(device->sources->len, ==, 4);
        assert_source(d, 0, "tls.key", "/srv/my keys/a:b", false);
        assert_source(d, 1, "token", "/etc/token", true);
        assert_source(d, 2, "plain", "plain", false);
        assert_source(d, 3, "other", "stored", false);
        g_assert_cmpuint(source(d, 3)->line, ==, 7);
}

static void test_no_section(void)
{
        g_autoptr(Definition) none = parse(IMAGE "[Volume keys]\nPath=/a\n"), empty = parse(KEYS);

        g_assert_null(definition_credentials(none));
        g_assert_cmpuint(definition_credentials(empty)->sources->len, ==, 0);
        g_assert_true(definition_sources_equal(none, empty));
        g_assert_true(definition_sources_equal(NULL, empty));
}

/* As with systemd's own lists an empty value clears both. */
static void test_empty_value_clears(void)
{
        g_autoptr(Definition) d = parse(
                        KEYS "LoadCredential=a:/a\nLoadCredentialEncrypted=b:/b\nLoadCredential=\n"
                             "LoadCredential=a:/c\n");

        g_assert_cmpuint(definition_credentials(d)->sources->len, ==, 1);
        assert_source(d, 0, "a", "/c", false);
}

/* A drop-in adds to the list, and may say of a name something else. */
static void test_dropins(void)
{
        g_autofree char *root = g_dir_make_tmp("shruthi-test-XXXXXX", NULL);
        g_autoptr(Definition) d = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        paths_set_root(root);
        fixture_put(paths_config_definitions(), "a.unikernel",
                        KEYS "LoadCredential=a:/a\nLoadCredential=b:/b\n");
        fixture_put(paths_config_definitions(), "a.unikernel.d/x.conf",
                        "[Credentials keys]\nLoadCredentialEncrypted=a:/other\nLoadCredential=c:/c\n");
        g_assert_cmpint(definition_load("a", &d, &error), ==, 0);
        g_assert_cmpuint(definition_credentials(d)->sources->len, ==, 3);
        assert_source(d, 0, "b", "/b", false);
        assert_source(d, 1, "a", "/other", true);
        assert_source(d, 2, "c", "/c", false);
        g_assert_true(g_str_has_suffix(source(d, 1)->file, "x.conf"));
        paths_set_root(NULL);
        fixture_remove_tree(root);
}

#define NAME_RULE                                                                                           \
        ": write NAME:/path or NAME; a name has 1 to 99 printable characters without space, '/' and ':', "  \
        "and does not begin with '.'"
#define PATH_RULE                                                                                           \
        ": the source after ':' is neither an absolute path without '//', '.' and '..' nor the name of a "  \
        "credential in one of systemd's stores"

static void test_refusals(void)
{
        static const struct {
                const char *text, *message;
        } cases[] = {
                {KEYS "LoadCredential=:/a\n", "f:4: LoadCredential=:/a" NAME_RULE},
                {KEYS "LoadCredential=/a\n", "f:4: LoadCredential=/a" NAME_RULE},
                {KEYS "LoadCredential=.a:/a\n", "f:4: LoadCredential=.a:/a" NAME_RULE},
                {KEYS "LoadCredential=a b:/a\n", "f:4: LoadCredential=a b:/a" NAME_RULE},
                {KEYS "LoadCredential=ä:/a\n", "f:4: LoadCredential=ä:/a" NAME_RULE},
                {KEYS "LoadCredential=a:/b/../c\n", "f:4: LoadCredential=a:/b/../c" PATH_RULE},
                {KEYS "LoadCredential=a:b/c\n", "f:4: LoadCredential=a:b/c" PATH_RULE},
                {KEYS "LoadCredential=a:..\n", "f:4: LoadCredential=a:.." PATH_RULE},
                {KEYS "LoadCredential=shruthi.a:/a\n",
                                "f:4: LoadCredential=shruthi.a:/a: names that begin with 'shruthi.' are "
                                "reserved for 'shruthictl credential set'; use another name"},
                {KEYS "LoadCredential=a:/a\nLoadCredentialEncrypted=a:/b\n",
                                "f:5: LoadCredentialEncrypted=a:/b: 'a' is given twice, first in line 4; "
                                "remove one"},
                {KEYS "Path=/a\n", "f:4: unknown key 'Path' in [Credentials keys]; known are "
                                   "LoadCredential, LoadCredentialEncrypted"},
                {IMAGE "[Credentials]\n", "f:3: section [Credentials] needs the device's name as in the "
                                          "image's manifest, such as [Credentials keys]"},
                {KEYS "[Credentials more]\n",
                                "f:4: [Credentials more] is the second such section, after [Credentials "
                                "keys] in line 3 of f: a unikernel has only one device for key material; "
                                "join the two"},
                {KEYS "[Volume keys]\nPath=/a\n",
                                "f:4: block device 'keys' also has a section [Credentials keys], in line 3 "
                                "of f; remove one of the two"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                _cleanup_error_ Error error = ERROR_INIT;
                g_autoptr(Definition) d = NULL;

                g_assert_cmpint(definition_parse("a", "f", cases[i].text, strlen(cases[i].text), &d, &error),
                                ==, -EBADMSG);
                g_assert_cmpstr(error.message, ==, cases[i].message);
        }
}

static void test_format_comes_back(void)
{
        static const char section[] = "\n[Credentials keys]\nLoadCredential=a:/srv/100%\n"
                                      "LoadCredentialEncrypted=b\nLoadCredential=c:d\n";
        g_autofree char *text = g_strconcat(IMAGE, section, NULL), *written = NULL;
        g_autoptr(Definition) d = parse(text);

        written = definition_format(d);
        g_assert_true(g_str_has_suffix(written, section));
}

/* What systemd must be told anew. */
static void test_compare(void)
{
        g_autoptr(Definition) d = parse(KEYS "LoadCredential=a:/a\nLoadCredential=b:/b\n");
        g_autoptr(Definition) turned = parse(
                        IMAGE "[Credentials other]\nLoadCredential=b:/b\nLoadCredential=a:/a\n");
        static const char *const differ[] = {
                        KEYS "LoadCredential=a:/a\n",
                        KEYS "LoadCredential=a:/a\nLoadCredential=b:/c\n",
                        KEYS "LoadCredential=a:/a\nLoadCredential=c:/b\n",
                        KEYS "LoadCredential=a:/a\nLoadCredentialEncrypted=b:/b\n",
                        KEYS "LoadCredential=a:/a\nLoadCredential=b:/b\nLoadCredential=c\n",
        };

        g_assert_true(definition_sources_equal(d, turned));
        g_assert_false(definition_sources_equal(d, NULL));
        for (size_t i = 0; i < G_N_ELEMENTS(differ); i++) {
                g_autoptr(Definition) other = parse(differ[i]);

                g_assert_false(definition_sources_equal(d, other));
                g_assert_false(definition_sources_equal(other, d));
        }
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/definition/credentials/sources-in-systemd's-words", test_sources);
        g_test_add_func("/definition/credentials/there-need-be-none", test_no_section);
        g_test_add_func("/definition/credentials/an-empty-value-clears-the-list", test_empty_value_clears);
        g_test_add_func("/definition/credentials/drop-ins-add-and-replace", test_dropins);
        g_test_add_func("/definition/credentials/refusals", test_refusals);
        g_test_add_func("/definition/credentials/come-back-as-written", test_format_comes_back);
        g_test_add_func("/definition/credentials/comparison-sees-each-difference", test_compare);
        return g_test_run();
}
