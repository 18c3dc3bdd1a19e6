/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the limits of QEMU's processes. Called by verb-doctor.c, because shruthid's sandbox hides the
 * processes of others. */

#include "ctl/bus/core-files.h"

#include <glib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/names.h"
#include "common/unikernel-name.h"

#define NAMES_SHOWN 3

/* Parses a command line from libvirt: "-name guest=unikernel-NAME,debug-threads=on", and "/dev/fdset/N" for
 * a passed descriptor, which in our domains is only for keys. Returns NULL if it has no keys, or is not
 * ours. */
static char *core_files_keys_holder(const char *cmdline, gsize size)
{
        static const char guest[] = "guest=" SHRUTHI_DOMAIN_PREFIX;
        g_autofree char *name = NULL;
        bool keys = false;

        for (const char *p = cmdline; p < cmdline + size; p += strlen(p) + 1)
                if (!name && g_str_has_prefix(p, guest)) {
                        const char *begin = p + strlen(guest);

                        name = g_strndup(begin, strcspn(begin, ","));
                } else if (strstr(p, "/dev/fdset/"))
                        keys = true;

        return keys && name && name_is_valid(name) ? g_steal_pointer(&name) : NULL;
}

/* The soft limit in a table of proc(5): "Max core file size  0  unlimited  bytes". */
static bool core_files_may_write(const char *limits)
{
        static const char row[] = "Max core file size";
        const char *at = strstr(limits, row);

        if (!at)
                return false;
        at += strlen(row);
        at += strspn(at, " ");
        return !g_str_has_prefix(at, "0 ");
}

static char *core_files_read_of(const char *dir, const char *file, gsize *ret_size)
{
        g_autofree char *path = g_build_filename(dir, file, NULL);
        char *text = NULL;

        return g_file_get_contents(path, &text, ret_size, NULL) ? text : NULL;
}

static void core_files_examine(const char *dir, GPtrArray *names, bool *any)
{
        g_autofree char *cmdline = NULL, *limits = NULL, *name = NULL;
        gsize size = 0;

        cmdline = core_files_read_of(dir, "cmdline", &size);
        name = cmdline ? core_files_keys_holder(cmdline, size) : NULL;
        if (!name)
                return;

        *any = true;
        limits = core_files_read_of(dir, "limits", NULL);
        if (limits && core_files_may_write(limits))
                g_ptr_array_add(names, g_steal_pointer(&name));
}

char *core_files_find(const char *proc, uid_t user, bool *ret_any)
{
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GDir) dir = g_dir_open(proc, 0, NULL);
        g_autoptr(GString) text = g_string_new(NULL);
        const char *pid;
        struct stat st;

        *ret_any = false;
        while (dir && (pid = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(proc, pid, NULL);

                if (g_ascii_isdigit(pid[0]) && stat(path, &st) >= 0 && st.st_uid == user)
                        core_files_examine(path, names, ret_any);
        }
        if (names->len == 0)
                return NULL;

        for (guint i = 0; i < names->len && i < NAMES_SHOWN; i++)
                g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", (const char *) names->pdata[i]);
        if (names->len > NAMES_SHOWN)
                g_string_append_printf(text, " and %u others", names->len - NAMES_SHOWN);
        return g_string_free(g_steal_pointer(&text), FALSE);
}
