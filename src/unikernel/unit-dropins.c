/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at drop-ins of units. Called to report on them: SHRUTHI itself does not act on their content, which
 * is systemd's own business. */

#include "unikernel/unit-dropins.h"

#include <fcntl.h>
#include <string.h>

#include "common/io.h"
#include "common/keyfile.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "unikernel/guest-slice.h"

#define DROPIN_SIZE_MAX (64 * 1024)
#define SETTINGS_MAX    32

/* Beginnings of the settings of systemd.resource-control(5) that limit; MemoryDenyWriteExecute= and
 * IOSchedulingClass= of systemd.exec(5) are the runner's own. */
static const char *const limits[] = {"AllowedCPUs", "AllowedMemoryNodes", "BlockIODevice", "BlockIORead",
                "BlockIOWeight", "BlockIOWrite", "CPUQuota", "CPUShares", "CPUWeight", "IODevice", "IORead",
                "IOWeight", "IOWrite", "IPAddressAllow", "IPAddressDeny", "MemoryHigh", "MemoryLimit",
                "MemoryLow", "MemoryMax", "MemoryMin", "MemorySwapMax", "MemoryZSwap", "StartupAllowed",
                "StartupBlockIO", "StartupCPU", "StartupIO", "StartupMemory", NULL};

static char **list_unit(const char *unit)
{
        g_autoptr(GPtrArray) dirs = g_ptr_array_new_with_free_func(g_free);

        for (const char *const *dir = paths_unit_directories(); *dir; dir++)
                g_ptr_array_add(dirs, g_strdup_printf("%s/%s.d", *dir, unit));
        g_ptr_array_add(dirs, NULL);
        return key_file_list_dropins((const char *const *) dirs->pdata);
}

static char **list_definition(const char *name)
{
        const char *dirs[] = {paths_config_definitions(), paths_state_definitions(),
                        paths_vendor_definitions(), NULL};
        char **files;

        for (size_t i = 0; dirs[i]; i++)
                dirs[i] = g_strdup_printf("%s/%s" SHRUTHI_DEFINITION_SUFFIX ".d", dirs[i], name);
        files = key_file_list_dropins(dirs);
        for (size_t i = 0; dirs[i]; i++)
                g_free((char *) dirs[i]);

        return files;
}

static void move_all(GPtrArray *to, char **taken)
{
        for (char **s = taken; *s; s++)
                g_ptr_array_add(to, *s);
        g_free(taken);
}

char **unit_dropins_list(const char *name, uid_t owner)
{
        g_autofree char *unit = unit_name_for(name), *slice = guest_slice_name(owner, name);
        GPtrArray *files = g_ptr_array_new();

        move_all(files, list_unit(unit));
        move_all(files, list_unit(slice));
        move_all(files, list_definition(name));
        g_ptr_array_add(files, NULL);
        return (char **) g_ptr_array_free(files, FALSE);
}

/* The links to unit in the *.wants and *.requires of dir. */
static void add_links(GPtrArray *found, const char *dir, const char *unit)
{
        g_autoptr(GDir) entries = g_dir_open(dir, 0, NULL);
        const char *entry;

        while (entries && (entry = g_dir_read_name(entries))) {
                g_autofree char *path = g_build_filename(dir, entry, unit, NULL);

                if ((g_str_has_suffix(entry, ".wants") || g_str_has_suffix(entry, ".requires")) &&
                                g_file_test(path, G_FILE_TEST_IS_SYMLINK))
                        g_ptr_array_add(found, g_steal_pointer(&path));
        }
}

char **unit_links_list(const char *name)
{
        g_autofree char *unit = unit_name_for(name);
        GPtrArray *found = g_ptr_array_new();

        for (const char *const *dir = paths_link_directories(); *dir; dir++)
                add_links(found, *dir, unit);
        g_ptr_array_add(found, NULL);
        return (char **) g_ptr_array_free(found, FALSE);
}

static bool is_limit(const char *line)
{
        const char *value = strchr(line, '=');

        /* An empty value removes a limit. */
        if (!value || value[1 + strspn(value + 1, " \t")] == 0)
                return false;
        for (const char *const *limit = limits; *limit; limit++)
                if (g_str_has_prefix(line, *limit))
                        return true;

        return false;
}

/* "KEY=VALUE", or with the path behind it, for people. */
static void add_limits(GPtrArray *found, const char *path, bool shows_path)
{
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        if (file_read_at(AT_FDCWD, path, DROPIN_SIZE_MAX, &text, NULL) < 0)
                return;

        lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line && found->len < SETTINGS_MAX; line++) {
                g_autofree char *shown = NULL;

                g_strstrip(*line);
                if (!is_limit(*line))
                        continue;
                shown = text_for_display(*line, 120);
                g_ptr_array_add(found,
                                shows_path ? g_strdup_printf("%s (%s)", shown, path) : g_strdup(*line));
        }
}

char **unit_dropins_without_effect(const char *name, const char *slice, bool process)
{
        g_autofree char *unit = unit_name_for(name), *former = guest_slice_former_name(name);
        GPtrArray *found = g_ptr_array_new();
        /* A number is the slice of an owner today. */
        bool replaced = strspn(name, G_CSET_DIGITS) < strlen(name) && g_strcmp0(slice, former) != 0;
        const char *units[] = {unit, SHRUTHI_UNIT_PREFIX SHRUTHI_UNIT_SUFFIX, replaced ? former : NULL};

        if (process && guest_slice_has_controllers())
                units[0] = units[1] = NULL;
        for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
                g_auto(GStrv) files = units[i] ? list_unit(units[i]) : NULL;

                for (char **file = files; file && *file; file++)
                        add_limits(found, *file, true);
        }
        g_ptr_array_add(found, NULL);
        return (char **) g_ptr_array_free(found, FALSE);
}

static void add_limits_of_unit(GPtrArray *found, const char *unit)
{
        g_auto(GStrv) files = list_unit(unit);

        for (const char *const *dir = paths_unit_directories(); *dir; dir++) {
                g_autofree char *path = g_build_filename(*dir, unit, NULL);

                add_limits(found, path, false);
        }
        for (char **file = files; *file; file++)
                add_limits(found, *file, false);
}

char **unit_dropins_list_limits(const char *slice, const char *dir)
{
        g_autofree char *generated = g_strdup_printf("%s/%s.d", dir, slice), *name = g_strdup(slice);
        const char *dirs[] = {generated, NULL};
        g_auto(GStrv) files = key_file_list_dropins(dirs);
        GPtrArray *found = g_ptr_array_new();

        for (char **file = files; *file; file++)
                add_limits(found, *file, false);
        add_limits_of_unit(found, slice);
        for (char *dash = strrchr(name, '-'); dash; dash = strrchr(name, '-')) {
                g_autofree char *above = g_strdup_printf("%.*s.slice", (int) (dash - name + 1), name);

                if (!g_str_equal(above, slice))
                        add_limits_of_unit(found, above);
                *dash = 0;
        }
        add_limits_of_unit(found, "slice");
        g_ptr_array_add(found, NULL);
        return (char **) g_ptr_array_free(found, FALSE);
}
