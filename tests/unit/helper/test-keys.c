/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each key is said in one way, and read as what was said; check-keys.py sees that all that is listed is
 * said, and read by those who are listed. */

#include <glib.h>

#include "helper/keys.h"

static void test_keys(void)
{
        for (DomainKey key = 0; key < _DOMAIN_KEY_MAX; key++)
                g_assert_cmpint(domain_key_from_string(domain_key_to_string(key)), ==, key);
        g_assert_cmpint(domain_key_from_string("network.0.name"), ==, _DOMAIN_KEY_INVALID);
        g_assert_cmpint(domain_key_from_string(""), ==, _DOMAIN_KEY_INVALID);
        g_assert_null(domain_key_to_string(_DOMAIN_KEY_INVALID));
        g_assert_null(domain_key_to_string(_DOMAIN_KEY_MAX));
}

static void test_fields(void)
{
        for (DomainField field = 0; field < _DOMAIN_FIELD_MAX; field++)
                g_assert_cmpint(domain_field_from_string(domain_field_to_string(field)), ==, field);
        g_assert_cmpint(domain_field_from_string("colour"), ==, _DOMAIN_FIELD_INVALID);
        g_assert_null(domain_field_to_string(_DOMAIN_FIELD_INVALID));
}

static void test_lines(void)
{
        const char *position = "a=1\nnothing\n=\nb=c=d\nlast=";
        g_autoptr(GString) seen = g_string_new(NULL);

        for (char *key, *value; domain_next_line(&position, &key, &value);) {
                g_string_append_printf(seen, "<%s|%s>", key, value);
                g_free(key);
                g_free(value);
        }
        g_assert_cmpstr(seen->str, ==, "<a|1><|><b|c=d><last|>");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/helper/keys/are-read-as-they-are-said", test_keys);
        g_test_add_func("/helper/keys/fields-of-devices-too", test_fields);
        g_test_add_func("/helper/keys/lines-without-a-key-are-skipped", test_lines);
        return g_test_run();
}
