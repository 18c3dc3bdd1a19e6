/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stored volumes as definitions use them. */

#include "unikernel/volumes.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "common/paths.h"
#include "common/unikernel-name.h"

#define GROUPS_MAX      65536 /* NGROUPS_MAX of Linux */
#define PASSWD_SIZE_MAX (1024 * 1024)

/* Checks all groups that a user is in, including the primary one of passwd(5); an unknown user is in
 * none. */
static bool user_is_in_group(uid_t uid, gid_t gid)
{
        g_autofree char *buffer = g_malloc(PASSWD_SIZE_MAX);
        g_autofree gid_t *groups = NULL;
        struct passwd entry, *found = NULL;
        int n = 64, room;

        if (getpwuid_r(uid, &entry, buffer, PASSWD_SIZE_MAX, &found) != 0 || !found)
                return false;

        do {
                room = n;
                groups = g_renew(gid_t, groups, room);
                if (getgrouplist(found->pw_name, found->pw_gid, groups, &n) >= 0)
                        break;
        } while (n > room && n <= GROUPS_MAX);

        for (int i = 0; i < MIN(n, room); i++)
                if (groups[i] == gid)
                        return true;

        return false;
}

bool volume_is_for(const Volume *volume, uid_t owner)
{
        if (owner == 0 || volume->owner == owner)
                return true;

        return volume->group != GID_INVALID && user_is_in_group(owner, volume->group);
}

bool volume_is_as_made(const Volume *volume, const DefinitionDevice *device, uid_t owner)
{
        return device->size == 0 || volume->owner == owner;
}

/* The owner of the unikernel; root if its definition cannot be read. */
static int find_owner(const char *unikernel, uid_t *ret_owner)
{
        g_autoptr(Definition) definition = NULL;
        g_autofree char *path = NULL;
        DefinitionOrigin origin;
        int r;

        r = definition_find(unikernel, &path, &origin, NULL);
        if (r < 0)
                return r;

        *ret_owner = definition_load(unikernel, &definition, NULL) < 0 ? 0 : definition->owner;
        return 0;
}

int volume_check_reserved(const char *volume, uid_t owner, Error *ret_error)
{
        g_autofree char *unikernel = g_strdup(volume);

        for (char *dash; (dash = strrchr(unikernel, '-'));) {
                uid_t of;

                *dash = 0;
                if (!name_is_valid(unikernel) || find_owner(unikernel, &of) < 0)
                        continue;
                return of == owner ? 0
                                   : error_set(ret_error, ERROR_ACCESS_DENIED,
                                                     "'%s' is reserved for volumes of unikernel '%s', which "
                                                     "belongs to another user; use another name",
                                                     volume, unikernel);
        }

        return 0;
}

/* Whether one of its block devices is that file. */
static bool definition_has(const Definition *definition, const char *path)
{
        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                g_autofree char *data = device->stored ? volume_path(device->stored) : NULL;

                if (g_strcmp0(data ?: device->path, path) == 0)
                        return true;
        }

        return false;
}

static bool is_running(const char *name)
{
        g_autofree char *runtime = paths_unikernel_runtime(name);

        return access(runtime, F_OK) >= 0;
}

int volume_list_running(const char *path, char ***ret_unikernels, Error *ret_error)
{
        g_autoptr(GStrvBuilder) users = g_strv_builder_new();
        g_autoptr(GPtrArray) definitions = NULL;
        int r;

        r = definition_load_all(&definitions, NULL, ret_error);
        if (r < 0)
                return r;

        for (guint i = 0; i < definitions->len; i++) {
                const Definition *definition = definitions->pdata[i];

                if (is_running(definition->name) && definition_has(definition, path))
                        g_strv_builder_add(users, definition->name);
        }

        *ret_unikernels = g_strv_builder_end(users);
        return 0;
}
