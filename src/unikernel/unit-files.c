/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Definitions → files that systemd reads with its units. */

#include "unikernel/unit-files.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/systemd-version.h"
#include "common/unikernel-name.h"
#include "config.h"
#include "unikernel/guest-slice.h"
#include "unikernel/order.h"
#include "unikernel/process-rules.h"
#include "unikernel/slice-limits.h"

#define RESTART_DROPIN     "50-shruthi-restart.conf"
#define MOUNTS_DROPIN      "50-shruthi-mounts.conf"
#define CREDENTIALS_DROPIN "50-shruthi-credentials.conf"
#define ORDER_DROPIN       "50-shruthi-order.conf"
#define LIMITS_DROPIN      "50-shruthi-limits.conf"
#define PLACE_DROPIN       "50-shruthi-slice.conf"

/* Of the slice; sorted before 50-CPUQuota.conf and its kin, which systemctl set-property writes and which
 * therefore count. */
#define SLICE_DROPIN "00-shruthi-limits.conf"

static void unit_file_free(gpointer data)
{
        UnitFile *file = data;

        g_free(file->path);
        g_free(file->text);
        g_free(file);
}

static void add_file(GPtrArray *files, char *taken_path, char *taken_text, bool link)
{
        UnitFile *file = g_new(UnitFile, 1);

        *file = (UnitFile){.path = taken_path, .text = taken_text, .link = link};
        g_ptr_array_add(files, file);
}

static char *wants_path(const char *unit)
{
        return g_strdup_printf("%s.wants/%s", SHRUTHI_TARGET, unit);
}

static char *dropin_path(const char *unit, const char *file)
{
        return g_strdup_printf("%s.d/%s", unit, file);
}

char *unit_files_credentials_path(const char *unit)
{
        return dropin_path(unit, CREDENTIALS_DROPIN);
}

/* The template has the statuses too; here they show with the setting that they belong to. */
static char *restart_text(const Definition *definition)
{
        return g_strdup_printf("# Made by shruthi-generator: Restart= of %s\n"
                               "[Service]\n"
                               "Restart=%s\n"
                               "RestartPreventExitStatus=" SHRUTHI_FINAL_STATUSES "\n",
                        definition->path, restart_policy_to_string(definition->restart));
}

char *unit_files_quote(const char *path)
{
        GString *text = g_string_new(NULL);

        for (const char *p = path; *p; p++)
                if (g_ascii_iscntrl(*p))
                        g_string_append_printf(text, "\\x%02x", (unsigned char) *p);
                else {
                        if (*p == '"' || *p == '\\')
                                g_string_append_c(text, '\\');
                        else if (*p == '%')
                                g_string_append_c(text, '%');
                        g_string_append_c(text, *p);
                }

        return g_string_free(text, FALSE);
}

static void append_mount(GString *text, const char *path)
{
        g_autofree char *quoted = path && path[0] == '/' ? unit_files_quote(path) : NULL;

        if (quoted)
                g_string_append_printf(text, "RequiresMountsFor=\"%s\"\n", quoted);
}

/* For units that start at boot: later all file systems are mounted, and systemd would look for a mount unit
 * of each folder on the way whenever it loads the unit. The state directory is in unikernel-host.target.
 * NULL: no path. */
static char *mounts_text(const Definition *definition)
{
        g_autoptr(GString) text = g_string_new(NULL);

        if (!definition->autostart)
                return NULL;

        append_mount(text, definition->image);
        append_mount(text, definition->initrd);
        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                append_mount(text, device->path);
                for (guint j = 0; device->sources && j < device->sources->len; j++)
                        append_mount(text, ((const DefinitionSource *) device->sources->pdata[j])->from);
        }
        if (text->len == 0)
                return NULL;

        return g_strdup_printf(
                        "# Made by shruthi-generator: paths in %s\n[Unit]\n%s", definition->path, text->str);
}

/* systemd reads '%' as a specifier, and '\\' in front of the ':' as an escape. */
static void append_source(GString *text, const DefinitionSource *source)
{
        g_autoptr(GString) id = g_string_new(source->id), from = g_string_new(source->from);

        g_string_replace(id, "\\", "\\\\", 0);
        g_string_replace(id, "%", "%%", 0);
        g_string_replace(from, "%", "%%", 0);
        g_string_append_printf(text, "LoadCredential%s=%s:%s\n", source->encrypted ? "Encrypted" : "",
                        id->str, from->str);
}

/* The keys of a user's own unikernel are not sealed (shruthi-seal(8)). */
static void append_user_archive(GString *text, const char *name)
{
        g_autofree char *id = g_strconcat(SHRUTHI_CREDENTIAL_PREFIX, name, NULL),
                        *path = g_build_filename(paths_credentials(), id, NULL);
        const DefinitionSource source = {.id = id, .from = path};

        append_source(text, &source);
        g_string_append_printf(text, "SetCredential=%s:" UNIT_FILES_NO_ARCHIVE "\n", id);
}

static char *credentials_text(const Definition *definition)
{
        const DefinitionDevice *device = definition_credentials(definition);
        g_autoptr(GString) text = NULL;

        if (!device)
                return NULL;

        text = g_string_new(NULL);
        g_string_printf(text, "# Made by shruthi-generator: [Credentials %s] of %s\n[Service]\n",
                        device->name, definition->path);
        if (paths_are_of_user())
                append_user_archive(text, definition->name);
        else if (name_is_twin(definition->name)) {
                /* Those of the unikernel itself, which are sealed under its name. */
                g_autofree char *own = name_without_twin(definition->name);

                g_string_append_printf(text, UNIT_FILES_LOAD_ARCHIVE_OF("%s"), own, own);
        } else
                g_string_append(text, UNIT_FILES_LOAD_ARCHIVE);
        for (guint i = 0; i < device->sources->len; i++) {
                const DefinitionSource *source = device->sources->pdata[i];

                /* Where systemd could not, the start is refused with the reason. */
                if (source_can_be_loaded(source))
                        append_source(text, source);
        }

        return g_string_free(g_steal_pointer(&text), FALSE);
}

static void append_units(GString *text, const char *key, char **names, bool unikernels, bool others)
{
        const char *separator = "=";

        for (char **name = names; *name; name++) {
                g_autofree char *unit = order_name_unit(*name);

                if (!(order_name_is_unikernel(*name) ? unikernels : others))
                        continue;
                g_string_append_printf(text, "%s%s%s", *separator == '=' ? key : "", separator, unit);
                separator = " ";
        }
        if (*separator == ' ')
                g_string_append_c(text, '\n');
}

/* Requires= of a unikernel is, in systemd's terms, Wants= and PartOf= and a start that fails without the
 * other. The last is the runner's part (run/requirements.h): it waits, where systemd would give up the
 * requiring unikernel for good at the first failure of a start that is about to be tried again. */
static void append_requirements(GString *text, const Definition *definition)
{
        g_auto(GStrv) names = order_names(definition, ORDER_REQUIRES);

        append_units(text, "Requires", names, false, true);
        append_units(text, "Wants", names, true, false);
        append_units(text, "PartOf", names, true, false);
}

static void append_setting(GString *text, SettingID id, const char *value)
{
        if (value)
                g_string_append_printf(text, "%s=%s\n", setting_table[id].key, value);
}

/* The unikernels whose start the runner has to wait for. */
static void append_awaited(GString *text, const Definition *definition)
{
        g_auto(GStrv) names = order_names(definition, ORDER_REQUIRES);
        g_autoptr(GString) awaited = g_string_new(NULL);

        for (char **name = names; *name; name++)
                if (order_name_is_unikernel(*name) && order_list_has(definition->order[ORDER_AFTER], *name))
                        g_string_append_printf(awaited, "%s%s", awaited->len > 0 ? " " : "", *name);
        if (awaited->len > 0)
                g_string_append_printf(text, "Environment=\"" UNIT_FILES_AWAITED "=%s\"\n", awaited->str);
}

/* Names and values contain nothing that is special to systemd: definition-order.c ensures that. An older
 * systemd would warn about unknown keys at each reload. NULL: none of this is written. */
static char *order_text(const Definition *definition)
{
        g_autoptr(GString) unit = g_string_new(NULL), service = g_string_new(NULL);

        append_requirements(unit, definition);
        for (OrderKey key = ORDER_REQUIRES + 1; key < _ORDER_KEY_MAX; key++) {
                g_auto(GStrv) names = order_names(definition, key);

                append_units(unit, order_key_to_string(key), names, true, true);
        }
        append_setting(unit, SETTING_START_LIMIT_INTERVAL_SEC, definition->start_limit_interval_sec);
        append_setting(unit, SETTING_START_LIMIT_BURST, definition->start_limit_burst);
        append_setting(service, SETTING_RESTART_SEC, definition->restart_sec);
        if (definition->restart_steps && systemd_version() >= SYSTEMD_VERSION_RESTART_STEPS) {
                append_setting(service, SETTING_RESTART_STEPS, definition->restart_steps);
                append_setting(service, SETTING_RESTART_MAX_DELAY_SEC, definition->restart_max_delay_sec);
        }
        append_awaited(service, definition);
        if (unit->len == 0 && service->len == 0)
                return NULL;

        return g_strdup_printf("# Made by shruthi-generator: order and restarts of %s\n%s%s%s%s",
                        definition->path, unit->len > 0 ? "[Unit]\n" : "", unit->str,
                        service->len > 0 ? "[Service]\n" : "", service->str);
}

/* The limits are those of the slice. A comment with the unit says where they are: to people, and to
 * unit_files_are_there(), which does not know whose slice it was. */
static void add_limits(GPtrArray *files, const Definition *definition, const char *unit)
{
        g_autofree char *limits = slice_limits_format(definition), *slice = NULL;

        if (!*limits)
                return;

        slice = guest_slice_name(definition->owner, definition->name);
        add_file(files, dropin_path(unit, LIMITS_DROPIN),
                        g_strdup_printf("# Made by shruthi-generator: the limits of the guest, as in %s, "
                                        "are in %s\n",
                                        definition->path, slice),
                        false);
        add_file(files, dropin_path(slice, SLICE_DROPIN),
                        g_strdup_printf("# Made by shruthi-generator: limits of %s\n[Slice]\n%s",
                                        definition->path, limits),
                        false);
}

/* Whether the unit runs in that slice: then it stays there, because systemd stops a slice that no unit
 * names, and applies none of its settings any more. */
static bool unit_is_in_slice(const Definition *definition, const char *slice)
{
        g_autofree char *unit = unit_name_for(definition->name),
                        *group = g_strdup_printf("%s/" SHRUTHI_SLICE ".slice/" SHRUTHI_SLICE_PREFIX
                                                 "%u.slice/%s/%s",
                                        paths_cgroups(), definition->owner, slice, unit);

        return g_file_test(group, G_FILE_TEST_IS_DIR);
}

/* A guest that is a process is in its unit's control group, so the unit is where QEMU would be: if the guest
 * has limits, or has had some since it was started, or has an owner who may have some. The runner of a
 * domain may as well be there. NULL: it is not. */
static char *place_text(const Definition *definition)
{
        g_autofree char *slice = guest_slice_name(definition->owner, definition->name);

        if (!definition_may_be_of_process(definition) ||
                        (!slice_limits_need_slice(definition) && !unit_is_in_slice(definition, slice)))
                return NULL;

        return g_strdup_printf("# Made by shruthi-generator: where the guest of %s is if it is a process\n"
                               "[Service]\n"
                               "Slice=%s\n",
                        definition->path, slice);
}

GPtrArray *unit_files_new(const Definition *definition)
{
        GPtrArray *files = g_ptr_array_new_with_free_func(unit_file_free);
        g_autofree char *unit = definition ? unit_name_for(definition->name) : NULL;
        char *text;

        if (!definition)
                return files;

        /* The same link as "systemctl enable" makes. */
        if (definition->autostart)
                add_file(files, wants_path(unit),
                                g_build_filename(paths_units(), SHRUTHI_UNIT_PREFIX SHRUTHI_UNIT_SUFFIX,
                                                NULL),
                                true);
        if (definition->restart != RESTART_NO)
                add_file(files, dropin_path(unit, RESTART_DROPIN), restart_text(definition), false);
        text = mounts_text(definition);
        if (text)
                add_file(files, dropin_path(unit, MOUNTS_DROPIN), text, false);
        text = credentials_text(definition);
        if (text)
                add_file(files, dropin_path(unit, CREDENTIALS_DROPIN), text, false);
        text = order_text(definition);
        if (text)
                add_file(files, dropin_path(unit, ORDER_DROPIN), text, false);
        add_limits(files, definition, unit);
        text = place_text(definition);
        if (text)
                add_file(files, dropin_path(unit, PLACE_DROPIN), text, false);

        return files;
}

static int unit_file_write(const char *dir, const UnitFile *file)
{
        g_autofree char *path = g_build_filename(dir, file->path, NULL), *above = g_path_get_dirname(path);
        g_autoptr(GError) error = NULL;

        if (g_mkdir_with_parents(above, 0755) < 0)
                return -errno;
        if (file->link)
                return symlink(file->text, path) < 0 && errno != EEXIST ? -errno : 0;
        /* No fsync: this directory is on a tmpfs. */
        if (!g_file_set_contents_full(path, file->text, -1, G_FILE_SET_CONTENTS_NONE, 0644, &error))
                return -EIO;

        return 0;
}

int unit_files_write(const char *dir, const GPtrArray *files)
{
        int r = 0;

        for (guint i = 0; r >= 0 && i < files->len; i++)
                r = unit_file_write(dir, files->pdata[i]);

        return r;
}

/* NULL if it does not exist. */
static char *read_there(const char *dir, const char *path, bool link)
{
        g_autofree char *whole = g_build_filename(dir, path, NULL);
        char *text = NULL;

        if (link)
                return g_file_read_link(whole, NULL);

        return file_read_at(AT_FDCWD, whole, DEFINITION_SIZE_MAX, &text, NULL) >= 0 ? text : NULL;
}

static const UnitFile *find_file(const GPtrArray *files, const char *path)
{
        for (guint i = 0; i < files->len; i++) {
                const UnitFile *file = files->pdata[i];

                if (g_str_equal(file->path, path))
                        return file;
        }

        return NULL;
}

/* Whether the file at path is as in files, which may have none. */
static bool file_is_there(const char *dir, const GPtrArray *files, const char *path, bool link)
{
        const UnitFile *file = find_file(files, path);
        g_autofree char *there = read_there(dir, path, link);

        return g_strcmp0(there, file ? file->text : NULL) == 0;
}

bool unit_files_are_there(const char *dir, const char *name, const Definition *definition)
{
        g_autoptr(GPtrArray) files = unit_files_new(definition);
        g_autofree char *unit = unit_name_for(name);
        char *paths[] = {wants_path(unit), dropin_path(unit, RESTART_DROPIN),
                        dropin_path(unit, MOUNTS_DROPIN), dropin_path(unit, CREDENTIALS_DROPIN),
                        dropin_path(unit, ORDER_DROPIN), dropin_path(unit, LIMITS_DROPIN),
                        dropin_path(unit, PLACE_DROPIN)};
        bool same = true;

        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
                same = same && file_is_there(dir, files, paths[i], i == 0);
                g_free(paths[i]);
        }
        for (guint i = 0; same && i < files->len; i++) {
                const UnitFile *file = files->pdata[i];

                if (g_str_has_suffix(file->path, "/" SLICE_DROPIN))
                        same = file_is_there(dir, files, file->path, false);
        }

        return same;
}
