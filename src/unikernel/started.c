/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a running guest was started with. */

#include "unikernel/started.h"

#include <fcntl.h>
#include <string.h>

#include "common/io.h"
#include "common/paths.h"

#define STARTED_FILE "started"

/* In one canonical form, so that definitions that start the same guest have the same text. Free with
 * g_free(). */
static char *started_format(const Definition *definition)
{
        Definition started = *definition;

        for (SettingID id = 0; id < _SETTING_MAX; id++)
                if (setting_table[id].flags & SETTING_WITHOUT_START)
                        setting_reset(&setting_table[id], &started);
        return definition_format(&started);
}

int started_write(const char *name, const Definition *definition)
{
        g_autofree char *dir = paths_unikernel_runtime(name), *text = started_format(definition);

        return file_replace(dir, STARTED_FILE, text, strlen(text), 0600);
}

/* The text may be from another version, whose canonical form differs; one that cannot be read tells
 * nothing. */
Definition *started_load_other(const char *name, const Definition *definition)
{
        g_autofree char *now = definition ? started_format(definition) : NULL, *text = NULL, *then = NULL;
        g_autofree char *dir = paths_unikernel_runtime(name),
                        *path = g_build_filename(dir, STARTED_FILE, NULL);
        g_autoptr(Definition) started = NULL;
        size_t size;

        if (file_read_at(AT_FDCWD, path, DEFINITION_SIZE_MAX, &text, &size) < 0 ||
                        g_strcmp0(text, now) == 0 ||
                        definition_parse(name, path, text, size, &started, NULL) < 0)
                return NULL;

        then = started_format(started);
        return g_strcmp0(then, now) == 0 ? NULL : g_steal_pointer(&started);
}

bool started_devices_equal(const Definition *a, const Definition *b)
{
        if (a->devices->len != b->devices->len)
                return false;

        for (guint i = 0; i < a->devices->len; i++) {
                g_autofree char *x = definition_device_format(a->devices->pdata[i]),
                                *y = definition_device_format(b->devices->pdata[i]);

                if (!g_str_equal(x, y))
                        return false;
        }

        return true;
}
