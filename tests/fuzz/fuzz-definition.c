/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text is a definition or refused with a sentence; a definition that is written down comes back the
 * same. */

#include <glib.h>
#include <string.h>

#include "fuzz.h"
#include "unikernel/arguments.h"
#include "unikernel/definition.h"
#include "volume/store.h"

static void check(const Definition *definition)
{
        g_assert_nonnull(definition->image);
        g_assert_cmpint(arguments_check(definition->arguments, NULL), ==, 0);
        g_assert_cmpuint(definition->memory % (1024 * 1024), ==, 0);
        g_assert_cmpuint(definition->cpus, >=, 1);
        g_assert_cmpuint(definition->devices->len, <=, DEFINITION_DEVICES_MAX);

        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                g_assert_cmpuint(strlen(device->name), >=, 1);
                g_assert_cmpuint(strlen(device->name), <=, MANIFEST_NAME_MAX);
                if (device->kind == DEVICE_BLOCK && !device->credentials)
                        g_assert_true((device->path != NULL) != volume_name_is_valid(device->stored));
                g_assert_false(device->bridge && device->network);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(Definition) definition = NULL, again = NULL;
        g_autofree char *text = NULL, *second = NULL;
        _cleanup_error_ Error error = ERROR_INIT;

        if (definition_parse("a", "f", (const char *) data, size, &definition, &error) < 0) {
                g_assert_cmpint(error.code, ==, ERROR_INVALID_DEFINITION);
                g_assert_true(g_utf8_validate(error.message, -1, NULL));
                for (const char *p = error.message; *p; p++)
                        g_assert_false(g_ascii_iscntrl(*p));
                return 0;
        }

        check(definition);
        text = definition_format(definition);
        g_assert_cmpint(definition_parse("a", "f", text, strlen(text), &again, NULL), ==, 0);
        g_assert_cmpstr(again->arguments, ==, definition->arguments);
        second = definition_format(again);
        g_assert_cmpstr(second, ==, text);
        return 0;
}
