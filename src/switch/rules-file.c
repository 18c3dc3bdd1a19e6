/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Called by the parent for the bridge, and by a network's process for the rules. */

#include "switch/rules-file.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>

#include "common/io.h"

#define FILE_MODE 0600

int rules_file_write(
                const char *directory, const char *name, const char *bridge, const char *text, size_t size)
{
        g_autoptr(GString) content = g_string_sized_new(size + IF_NAMESIZE);

        g_string_append_printf(content, "%s\n", bridge);
        if (text)
                g_string_append_len(content, text, (gssize) size);
        return file_replace(directory, name, content->str, content->len, FILE_MODE);
}

int rules_file_read(const char *directory, const char *name, char **ret_bridge, Rules **ret_rules)
{
        g_autofree char *path = g_build_filename(directory, name, NULL), *data = NULL;
        const char *end;
        size_t size;
        int r = file_read_at(AT_FDCWD, path, RULES_SIZE_MAX + IF_NAMESIZE + 1, &data, &size);

        if (r < 0)
                return r;
        end = memchr(data, '\n', size);
        if (!end || end == data || end - data >= IF_NAMESIZE)
                return -EBADMSG;

        if (ret_rules) {
                *ret_rules = NULL;
                if (rules_parse(end + 1, size - (size_t) (end + 1 - data), ret_rules, NULL, NULL) < 0)
                        *ret_rules = rules_new_direct();
        }
        *ret_bridge = g_strndup(data, (gsize) (end - data));
        return 0;
}

void rules_file_remove(const char *directory, const char *name)
{
        (void) file_remove(directory, name);
}
