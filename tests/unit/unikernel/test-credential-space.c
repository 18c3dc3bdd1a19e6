/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is accepted here fits what systemd loads on every release, and the guest's archive. */

#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/ustar.h"
#include "fixture/files.h"
#include "unikernel/credential-space.h"

#define KEYS "[Unikernel]\nImage=/a\n[Credentials keys]\n"

static Definition *parse(const char *text, Error *ret_error)
{
        Definition *definition = NULL;

        (void) definition_parse("a", "f", text, strlen(text), &definition, ret_error);
        return definition;
}

static void test_pages(void)
{
        static const struct {
                uint64_t size, space;
        } cases[] = {
                        {0, 4096},
                        {1, 4096},
                        {4096 - 512, 4096},
                        {4096 - 511, 8192},
                        {4096, 8192},
                        {872448, 214 * 4096},
                        {1024 * 1024 - 512, 1024 * 1024},
                        {1024 * 1024 - 511, 1024 * 1024 + 4096},
                        {UINT64_MAX, 4294971392},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                uint64_t size = cases[i].size, space = credential_space(size);
                UstarEntry entry = {.name = "a", .size = size};

                g_assert_cmpuint(space, ==, cases[i].space);
                if (size > CREDENTIAL_SPACE_MAX)
                        continue;
                /* A tmpfs' pages, systemd's own sum with a name of any length, and the archive's blocks. */
                g_assert_cmpuint((size + 4095) / 4096 * 4096, <=, space);
                g_assert_cmpuint(size + USTAR_NAME_MAX, <=, space);
                g_assert_cmpuint(ustar_size(&entry, 1) - 2 * USTAR_BLOCK, <=, space);
        }
}

static void test_left(void)
{
        static const struct {
                uint64_t sources, left;
        } cases[] = {
                        {0, 1024 * 1024 - 512},
                        {4096, 1024 * 1024 - 4096 - 512},
                        {1024 * 1024 - 4096, 4096 - 512},
                        {1024 * 1024, 0},
                        {UINT32_MAX, 0},
        };
        g_autoptr(Definition) definition = parse(KEYS, NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                uint64_t sources = cases[i].sources, left = credential_space_left(sources);
                _cleanup_error_ Error error = ERROR_INIT;

                g_assert_cmpuint(left, ==, cases[i].left);
                if (left > 0)
                        g_assert_cmpint(credential_space_check(definition, sources, left, false, NULL), ==,
                                        0);
                g_assert_cmpint(credential_space_check(definition, sources, left + 1, true, &error), <, 0);
                g_assert_cmpint(error.code, ==, ERROR_LIMIT_EXCEEDED);
                g_assert_nonnull(strstr(error.message, "takes at least "));
                g_assert_nonnull(strstr(error.message, "[Credentials keys]"));
        }
}

/* What cannot be told counts as empty, what is sealed as the least that can be in it; nothing is opened. */
static void test_known(void)
{
        g_autofree char *dir = g_dir_make_tmp("shruthi-space-XXXXXX", NULL), *text = NULL;
        g_autofree char *large = g_build_filename(dir, "large", NULL),
                        *small = g_build_filename(dir, "small", NULL);
        g_autoptr(Definition) definition = NULL, none = parse("[Unikernel]\nImage=/a\n", NULL);

        fixture_put(dir, "large", "");
        g_assert_cmpint(truncate(large, 10 * 4096 - 511), ==, 0);
        fixture_put(dir, "small", "key");
        text = g_strdup_printf(KEYS
                        "LoadCredential=a:%s\nLoadCredential=b:%s\nLoadCredentialEncrypted=c:%s\n"
                        "LoadCredential=d:%s/missing\nLoadCredential=e:large\nLoadCredential=f:%s\n",
                        large, small, large, dir, dir);
        definition = parse(text, NULL);
        g_assert_cmpuint(credential_space_known(definition), ==, (11 + 7 + 4) * 4096);
        g_assert_cmpuint(credential_space_known(none), ==, 0);
        fixture_remove_tree(dir);
}

/* As systemd-creds writes them: 79 of base64 to a line, around 200 bytes or, with a TPM2 chip, some more. */
static void test_sealed_is_never_taken_for_more(void)
{
        static const uint64_t sizes[] = {0, 1, 4096, 30000, 800000, 1024 * 1024};

        for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
                for (uint64_t around = 100; around <= 3000; around += 2900) {
                        g_autofree char *dir = g_dir_make_tmp("shruthi-space-XXXXXX", NULL);
                        g_autofree char *path = g_build_filename(dir, "sealed", NULL);
                        uint64_t base64 = (sizes[i] + around + 2) / 3 * 4, known;
                        g_autofree char *text = g_strdup_printf(KEYS "LoadCredentialEncrypted=c:%s\n", path);
                        g_autoptr(Definition) definition = parse(text, NULL);

                        fixture_put(dir, "sealed", "");
                        g_assert_cmpint(truncate(path, (off_t) (base64 + base64 / 79 + 1)), ==, 0);
                        known = credential_space_known(definition);
                        g_assert_cmpuint(known, <=, credential_space(sizes[i]));
                        if (sizes[i] >= 800000)
                                g_assert_cmpuint(known, >=, sizes[i] - sizes[i] / 25);
                        fixture_remove_tree(dir);
                }
}

static void test_number(void)
{
        g_autoptr(GString) text = g_string_new(KEYS);
        g_autoptr(Definition) most = NULL, more = NULL, again = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        /* Beside the 1000 keys that can be set. */
        g_assert_cmpuint(USTAR_ENTRIES_MAX, >=, 1000 + CREDENTIAL_SOURCES_MAX);
        for (unsigned i = 0; i < 255; i++)
                g_string_append_printf(text, "LoadCredential=k%u\n", i);
        most = parse(text->str, &error);
        g_assert_nonnull(most);
        g_assert_cmpint(credential_space_check(most, credential_space_known(most), 0, true, &error), ==, 0);

        g_string_append(text, "LoadCredential=more\n");
        more = parse(text->str, &error);
        g_assert_null(more);
        g_assert_nonnull(strstr(error.message, "f:259: "));
        g_assert_nonnull(strstr(error.message, "'more' exceeds the 255 sources"));

        g_string_append(text, "LoadCredential=\nLoadCredential=more\n");
        g_string_erase(text, (gssize) strlen(KEYS), 2 * (gssize) strlen("LoadCredential=k0\n"));
        error_clear(&error);
        again = parse(text->str, &error);
        g_assert_cmpstr(error.message, ==, NULL);
        g_assert_cmpuint(definition_credentials(again)->sources->len, ==, 1);
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/credential-space/whole-pages-with-room-for-the-name", test_pages);
        g_test_add_func("/credential-space/sealed-is-never-taken-for-more", test_sealed_is_never_taken_for_more);
        g_test_add_func("/credential-space/what-is-left-fits-and-a-byte-more-does-not", test_left);
        g_test_add_func("/credential-space/counts-what-can-be-told", test_known);
        g_test_add_func("/credential-space/sources-have-a-number", test_number);
        return g_test_run();
}
