/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a running guest was started with. */

#include "unikernel/started.h"

#include <errno.h>
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

static char *started_path(const char *name)
{
        g_autofree char *dir = paths_unikernel_runtime(name);

        return g_build_filename(dir, STARTED_FILE, NULL);
}

int started_read(const char *name, char **ret_text, size_t *ret_size)
{
        g_autofree char *path = started_path(name);

        return file_read_at(AT_FDCWD, path, DEFINITION_SIZE_MAX, ret_text, ret_size);
}

/* Returns 1 and what text says if that is not what now is, 0 if it is. The text may be from another version,
 * whose canonical form differs. */
static int started_parse_other(const char *name, const char *path, const char *text, size_t size,
                const char *now, Definition **ret_definition)
{
        g_autoptr(Definition) started = NULL;
        g_autofree char *then = NULL;

        if (g_strcmp0(text, now) == 0)
                return 0;
        if (definition_parse(name, path, text, size, &started, NULL) < 0)
                return -EBADMSG;

        then = started_format(started);
        if (g_strcmp0(then, now) == 0)
                return 0;
        *ret_definition = g_steal_pointer(&started);
        return 1;
}

/* A text that cannot be read tells nothing. */
Definition *started_load_other(const char *name, const Definition *definition)
{
        g_autofree char *now = definition ? started_format(definition) : NULL, *text = NULL;
        g_autofree char *path = started_path(name);
        Definition *started = NULL;
        size_t size;

        if (started_read(name, &text, &size) < 0 ||
                        started_parse_other(name, path, text, size, now, &started) <= 0)
                return NULL;
        return started;
}

bool started_equals(const char *name, const char *path, const char *text, size_t size,
                const Definition *definition)
{
        g_autofree char *now = started_format(definition);
        g_autoptr(Definition) other = NULL;

        return started_parse_other(name, path, text, size, now, &other) == 0;
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
