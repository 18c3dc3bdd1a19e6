/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Definitions → what systemd must know at boot: a wants link below unikernels.target for each that starts by
 * itself, and drop-ins for each that is restarted or whose key material systemd is to load. All else about a
 * unikernel is read when it starts, so that most changes need no reload. */

#include "generator/generate.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <syslog.h>
#include <unistd.h>

#include "common/names.h"
#include "common/paths.h"
#include "common/string-util.h"
#include "generator/kmsg.h"
#include "unikernel/definition.h"

#define RESTART_DROPIN     "50-shruthi-restart.conf"
#define CREDENTIALS_DROPIN "50-shruthi-credentials.conf"

static int make_directory(const char *path)
{
        return g_mkdir_with_parents(path, 0755) < 0 ? -errno : 0;
}

/* The same link as "systemctl enable" makes, in the directory that lasts until the next reload. */
static int want(const char *dir, const char *unit)
{
        g_autofree char *wants = g_strdup_printf("%s/%s.wants", dir, SHRUTHI_TARGET);
        g_autofree char *link = g_build_filename(wants, unit, NULL);
        int r;

        r = make_directory(wants);
        if (r < 0)
                return r;
        if (symlink(SYSTEM_UNIT_DIR "/" SHRUTHI_UNIT_PREFIX SHRUTHI_UNIT_SUFFIX, link) < 0 &&
                        errno != EEXIST)
                return -errno;

        return 0;
}

static int add_dropin(const char *dir, const char *unit, const char *file, const char *text)
{
        g_autofree char *dropins = g_strdup_printf("%s/%s.d", dir, unit);
        g_autofree char *path = g_build_filename(dropins, file, NULL);
        g_autoptr(GError) error = NULL;
        int r;

        r = make_directory(dropins);
        if (r < 0)
                return r;
        /* No fsync: this directory is on a tmpfs. */
        if (!g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, &error))
                return -EIO;

        return 0;
}

/* Statuses after which another try is no use: a guest's 1, 63 and 64, the runner's 60 to 62. They stand in
 * the template too; here they show with the setting that they belong to. */
static int set_restart(const char *dir, const char *unit, const Definition *definition)
{
        g_autofree char *text = g_strdup_printf("# Made by shruthi-generator: Restart= of %s\n"
                                                "[Service]\n"
                                                "Restart=%s\n"
                                                "RestartPreventExitStatus=1 60 61 62 63 64\n",
                        definition->path, restart_policy_to_string(definition->restart));

        return add_dropin(dir, unit, RESTART_DROPIN, text);
}

/* What shruthi-seal keeps for the unit; there need be none, since the name is relative. */
#define LOAD_ARCHIVE "LoadCredentialEncrypted=" SHRUTHI_CREDENTIAL_PREFIX "%i\n"

/* systemd takes '%' for a specifier, and '\\' in front of the ':' for an escape. */
static void append_source(GString *text, const DefinitionSource *source)
{
        g_autoptr(GString) id = g_string_new(source->id), from = g_string_new(source->from);

        g_string_replace(id, "\\", "\\\\", 0);
        g_string_replace(id, "%", "%%", 0);
        g_string_replace(from, "%", "%%", 0);
        g_string_append_printf(text, "LoadCredential%s=%s:%s\n", source->encrypted ? "Encrypted" : "",
                        id->str, from->str);
}

static int set_credentials(const char *dir, const char *unit, const Definition *definition)
{
        const DefinitionDevice *device = definition_credentials(definition);
        g_autoptr(GString) text = NULL;

        if (!device)
                return 0;

        text = g_string_new(NULL);
        g_string_printf(text, "# Made by shruthi-generator: [Credentials %s] of %s\n[Service]\n",
                        device->name, definition->path);
        g_string_append(text, LOAD_ARCHIVE);
        for (guint i = 0; i < device->sources->len; i++)
                append_source(text, device->sources->pdata[i]);

        return add_dropin(dir, unit, CREDENTIALS_DROPIN, text->str);
}

static int generate_one(const char *dir, const char *name)
{
        g_autoptr(Definition) definition = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *unit = NULL;
        int r;

        /* Nobody may be there yet who could tell a user's number, and it does not matter here. */
        r = definition_load_full(name, DEFINITION_IGNORE_USERS, &definition, &error);
        if (r < 0) {
                kmsg_log(LOG_WARNING, "%s is passed over: %s", name, error_message(&error, r));
                return r;
        }

        unit = unit_name_for(name);
        r = definition->autostart ? want(dir, unit) : 0;
        if (r >= 0 && definition->restart != RESTART_NO)
                r = set_restart(dir, unit, definition);
        if (r >= 0)
                r = set_credentials(dir, unit, definition);
        if (r < 0)
                kmsg_log(LOG_ERR, "%s: cannot write below %s: %s", name, dir, g_strerror(-r));

        return r;
}

/* Where nobody can tell yet who has keys, everybody gets what was set for him. */
static int set_credentials_of_all(const char *dir)
{
        if (access(paths_state_definitions(), F_OK) >= 0)
                return 0;

        return add_dropin(dir, SHRUTHI_UNIT_PREFIX SHRUTHI_UNIT_SUFFIX, CREDENTIALS_DROPIN,
                        "# Made by shruthi-generator: the definitions in the state directory are not there yet\n"
                        "[Service]\n" LOAD_ARCHIVE);
}

int generate(const char *dir)
{
        g_auto(GStrv) names = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        int r, used = 0;

        r = set_credentials_of_all(dir);
        if (r < 0)
                kmsg_log(LOG_ERR, "Cannot write below %s: %s", dir, g_strerror(-r));
        r = definition_list_names(&names, &error);
        if (r < 0) {
                kmsg_log(LOG_ERR, "%s", error_message(&error, r));
                return r;
        }

        for (char **name = names; *name; name++)
                if (generate_one(dir, *name) >= 0)
                        used++;

        return used;
}
