/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text is a configuration whose values can be relied on, or refused with a sentence. */

#include <glib.h>

#include "common/conf.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(KeyFile) key_file = key_file_new();
        g_autoptr(Conf) conf = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        if (key_file_add(key_file, "f", (const char *) data, size, &error) < 0 ||
                        conf_parse(key_file, &conf, &error) < 0) {
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
                g_assert_true(g_utf8_validate(error.message, -1, NULL));
                return 0;
        }

        g_assert_nonnull(conf->libvirt_uri);
        g_assert_nonnull(conf->allowed_bridges);
        g_assert_nonnull(conf->allowed_networks);
        g_assert_nonnull(conf->image_directories);
        g_assert_nonnull(acceleration_to_string(conf->acceleration));
        g_assert_nonnull(fast_start_to_string(conf->fast_start));
        g_assert_cmpuint(conf->memory_default % (1024 * 1024), ==, 0);
        g_assert_cmpuint(conf->memory_default, >, 0);
        g_assert_cmpuint(conf->starts_in_flight, >, 0);
        g_assert_cmpuint(conf->console_rate, >, 0);
        g_assert_cmpuint(conf->console_burst, >, 0);
        g_assert_cmpuint(conf->message_size_max, >=, 64 * 1024);
        g_assert_true(conf->allowed_bridges[0] || !conf->bridge_interface);
        return 0;
}
