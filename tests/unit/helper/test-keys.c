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

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/helper/keys/are-read-as-they-are-said", test_keys);
        g_test_add_func("/helper/keys/fields-of-devices-too", test_fields);
        return g_test_run();
}
