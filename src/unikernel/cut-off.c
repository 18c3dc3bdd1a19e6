/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records of what running unikernels are cut off from. */

#include "unikernel/cut-off.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"

#define SIZE_MAX_FILE (64 * 1024) /* for all devices that one can have */

static void cut_off_free(gpointer data)
{
        CutOff *one = data;

        g_free(one->interface);
        g_free(one->device);
        g_free(one->reason);
        g_free(one);
}

GPtrArray *cut_off_new(void)
{
        return g_ptr_array_new_with_free_func(cut_off_free);
}

void cut_off_add(GPtrArray *all, const char *interface, const char *device, const char *reason)
{
        CutOff *one = g_new0(CutOff, 1);

        one->interface = g_strdup(interface);
        one->device = g_strdup(device);
        one->reason = text_for_display(reason, CUT_OFF_REASON_MAX);
        g_ptr_array_add(all, one);
}

const CutOff *cut_off_find(const GPtrArray *all, const char *device)
{
        for (guint i = 0; i < all->len; i++) {
                const CutOff *one = all->pdata[i];

                if (strcmp(one->device, device) == 0)
                        return one;
        }
        return NULL;
}

char *cut_off_format(const GPtrArray *all)
{
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < all->len; i++) {
                const CutOff *one = all->pdata[i];

                g_string_append_printf(text, "%s\t%s\t%s\n", one->interface, one->device, one->reason);
        }
        return g_string_free(text, FALSE);
}

GPtrArray *cut_off_parse(const char *text)
{
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        GPtrArray *all = cut_off_new();

        for (char **line = lines; *line; line++) {
                g_auto(GStrv) parts = g_strsplit(*line, "\t", 3);

                if (g_strv_length(parts) == 3 && parts[0][0] && parts[1][0])
                        cut_off_add(all, parts[0], parts[1], parts[2]);
        }
        return all;
}

GPtrArray *cut_off_read(const char *name)
{
        g_autofree char *path = g_build_filename(paths_cut_off(), name, NULL), *text = NULL;

        return file_read_at(AT_FDCWD, path, SIZE_MAX_FILE, &text, NULL) < 0 ? cut_off_new()
                                                                            : cut_off_parse(text);
}

int cut_off_write(const char *name, const GPtrArray *all)
{
        g_autofree char *path = g_build_filename(paths_cut_off(), name, NULL);
        g_autofree char *text = cut_off_format(all);

        if (all->len > 0)
                return file_replace(paths_cut_off(), name, text, strlen(text), 0600);
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

bool cut_off_is_noted(const char *name)
{
        g_autofree char *path = g_build_filename(paths_cut_off(), name, NULL);

        return access(path, F_OK) >= 0;
}

char **cut_off_list(void)
{
        return names_list(paths_cut_off(), NULL);
}
