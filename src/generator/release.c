/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel's groups of our slices, and settings that nobody else has. Called by generate.c. */

#include "generator/release.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"
#include "unikernel/unit-dropins.h"
#include "unikernel/unit-files.h"

/* Sorted after what others may have written: an empty value there removes a limit, and would remove this. */
#define RELEASE_DROPIN "99-shruthi-release.conf"

#define ATTRIBUTE_SIZE_MAX (64 * 1024)
/* Of slices: unikernel.slice, an owner's, a guest's. */
#define SLICE_DEPTH_MAX 3
/* Of devices: a partition of a disk, below what device-mapper has made of it. */
#define DEVICE_DEPTH_MAX 8

static const struct {
        const char *rate, *key;
} disk_limits[] = {
                {"rbps=", "IOReadBandwidthMax"},
                {"wbps=", "IOWriteBandwidthMax"},
                {"riops=", "IOReadIOPSMax"},
                {"wiops=", "IOWriteIOPSMax"},
};

/* NULL if it is not there. */
static char *attribute_read(const char *dir, const char *name)
{
        g_autofree char *path = g_build_filename(dir, name, NULL);
        char *text = NULL;

        return file_read_at(AT_FDCWD, path, ATTRIBUTE_SIZE_MAX, &text, NULL) >= 0 ? g_strstrip(text) : NULL;
}

/* Of a disk: "MAJOR:MINOR". */
static bool device_parse(const char *text, dev_t *ret)
{
        unsigned major, minor;

        if (!text || sscanf(text, "%u:%u", &major, &minor) != 2)
                return false;

        *ret = makedev(major, minor);
        return true;
}

static bool device_rests_on(dev_t upper, dev_t lower, unsigned depth);

static bool device_file_rests_on(const char *dir, const char *file, dev_t lower, unsigned depth)
{
        g_autofree char *text = attribute_read(dir, file);
        dev_t device;

        return device_parse(text, &device) && device_rests_on(device, lower, depth);
}

/* Whether systemd may take lower when a setting means upper: the disk of a partition, or what is below a
 * device of device-mapper. */
static bool device_rests_on(dev_t upper, dev_t lower, unsigned depth)
{
        g_autofree char *name = g_strdup_printf("%u:%u", major(upper), minor(upper)),
                        *dir = g_build_filename(paths_block_devices(), name, NULL),
                        *partition = g_build_filename(dir, "partition", NULL),
                        *slaves = g_build_filename(dir, "slaves", NULL);
        g_autoptr(GDir) entries = NULL;
        bool rests = upper == lower;

        if (rests || depth == 0)
                return rests;
        if (g_file_test(partition, G_FILE_TEST_EXISTS))
                return device_file_rests_on(dir, "../dev", lower, depth - 1);

        entries = g_dir_open(slaves, 0, NULL);
        for (const char *slave; !rests && entries && (slave = g_dir_read_name(entries));) {
                g_autofree char *file = g_build_filename(slave, "dev", NULL);

                rests = device_file_rests_on(slaves, file, lower, depth - 1);
        }

        return rests;
}

/* Whether the setting, which begins with a path, may be about that disk. Of some file systems nobody can
 * tell. */
static bool setting_is_of_disk(const char *setting, dev_t disk)
{
        const char *value = strchr(setting, '=') + 1;
        g_auto(GStrv) words = g_strsplit_set(value + strspn(value, " \t"), " \t", 2);
        struct stat st;
        dev_t device;

        if (!words[0] || stat(words[0], &st) < 0)
                return true;

        device = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
        return major(device) == 0 || device_rests_on(device, disk, DEVICE_DEPTH_MAX);
}

static bool settings_have_disk(char **settings, dev_t disk)
{
        for (char **setting = settings; *setting; setting++)
                if ((g_str_has_prefix(*setting, "IORead") || g_str_has_prefix(*setting, "IOWrite")) &&
                                setting_is_of_disk(*setting, disk))
                        return true;

        return false;
}

static bool settings_have_processors(char **settings)
{
        for (char **setting = settings; *setting; setting++)
                if (g_str_has_prefix(*setting, "AllowedCPUs"))
                        return true;

        return false;
}

/* Appends that no rate in a line of io.max remains: "MAJOR:MINOR rbps=1048576 wbps=max …". */
static void release_disk(GString *text, const char *line)
{
        g_auto(GStrv) words = g_strsplit(line, " ", -1);

        for (char **word = words; *word; word++)
                for (size_t i = 0; i < G_N_ELEMENTS(disk_limits); i++)
                        if (g_str_has_prefix(*word, disk_limits[i].rate) && !g_str_has_suffix(*word, "=max"))
                                g_string_append_printf(text, "%s=/dev/block/%s infinity\n",
                                                disk_limits[i].key, words[0]);
}

/* What lifts limits that the kernel holds for the slice in that group; "" if nothing is to be lifted. */
static char *release_text(const char *group, const char *slice, const char *dir)
{
        g_autoptr(GString) text = g_string_new(NULL);
        g_autofree char *allowed = attribute_read(group, "cpuset.cpus"),
                        *disks = attribute_read(group, "io.max"),
                        *possible = attribute_read(paths_processors(), "possible");
        /* Also once they are all: systemd would try to clear them, and complain, at each reload. */
        bool held = allowed && *allowed && possible;
        g_auto(GStrv) settings = NULL, lines = NULL;

        if (!held && !(disks && *disks))
                return g_strdup("");

        settings = unit_dropins_list_limits(slice, dir);
        if (held && !settings_have_processors(settings))
                g_string_append_printf(text, "AllowedCPUs=%s\n", possible);
        lines = g_strsplit(disks ?: "", "\n", -1);
        for (char **line = lines; *line; line++) {
                dev_t disk;

                if (device_parse(*line, &disk) && !settings_have_disk(settings, disk))
                        release_disk(text, *line);
        }

        return g_string_free(g_steal_pointer(&text), FALSE);
}

static int release_one(const char *group, const char *slice, const char *dir)
{
        g_autofree char *settings = release_text(group, slice, dir), *path = NULL, *text = NULL;
        g_autoptr(GPtrArray) files = g_ptr_array_new();
        UnitFile file;

        if (!*settings)
                return 0;

        path = g_strdup_printf("%s.d/" RELEASE_DROPIN, slice);
        text = g_strconcat("# Made by shruthi-generator: lifts limits that were taken away from running "
                           "guests\n"
                           "[Slice]\n",
                        settings, NULL);
        file = (UnitFile){.path = path, .text = text};
        g_ptr_array_add(files, &file);
        return unit_files_write(dir, files);
}

static int release_below(const char *above, const char *slice, const char *dir, unsigned depth)
{
        g_autofree char *group = g_build_filename(above, slice, NULL);
        g_autoptr(GDir) entries = g_dir_open(group, 0, NULL);
        int r;

        if (!entries)
                return 0;

        r = release_one(group, slice, dir);
        for (const char *name; r >= 0 && depth > 1 && (name = g_dir_read_name(entries));)
                if (g_str_has_prefix(name, SHRUTHI_SLICE_PREFIX) && g_str_has_suffix(name, ".slice"))
                        r = release_below(group, name, dir, depth - 1);

        return r;
}

int release_limits(const char *dir)
{
        /* Of the system's manager. Those of users have neither cpuset nor io, unless an administrator
         * delegates them. */
        if (paths_are_of_user())
                return 0;

        return release_below(paths_cgroups(), SHRUTHI_SLICE ".slice", dir, SLICE_DEPTH_MAX);
}
