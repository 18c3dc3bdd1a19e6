/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The work of the methods about volumes, in threads. */

#include "daemon/change/volume-work.h"

#include "common/io.h"
#include "common/users.h"
#include "unikernel/volumes.h"

GMutex volume_identity_lock;

void volume_work_free(VolumeWork *work)
{
        shared_conf_unref(work->conf);
        g_free(work->name);
        g_free(work->clone);
        close_safe(work->fd);
        settings_free(work->settings);
        volume_free(work->volume);
        g_free(work->owner);
        g_free(work->group);
        g_strfreev(work->users);
        g_clear_pointer(&work->volumes, g_ptr_array_unref);
        g_clear_pointer(&work->users_of, g_ptr_array_unref);
        error_clear(&work->error);
        g_free(work);
}

/* A volume whose record is damaged can be removed, as if root owned it. */
static bool volume_work_is_damaged(const VolumeWork *work, int r, const Error *error)
{
        return r < 0 && error->code == ERROR_FAILED && work->verb->act == volume_work_remove;
}

int volume_work_look(VolumeWork *work, Error *ret_error)
{
        int r;

        r = volume_load(work->name, &work->volume, ret_error);
        if (volume_work_is_damaged(work, r, ret_error)) {
                error_clear(ret_error);
                work->owner = user_name(0);
                work->group = g_strdup("");
                return 0;
        }
        if (r < 0)
                return r;

        work->owner = user_name(work->volume->owner);
        work->group = work->volume->group == GID_INVALID ? g_strdup("") : group_name(work->volume->group);
        return 0;
}

/* Checks that it is still the volume that polkit was asked about, and reads it again. */
static int volume_work_look_again(VolumeWork *work, Error *ret_error)
{
        g_autoptr(Volume) volume = NULL;
        int r;

        r = volume_load(work->name, &volume, ret_error);
        if (!work->volume && volume_work_is_damaged(work, r, ret_error)) {
                error_clear(ret_error);
                return 0;
        }
        if (r < 0)
                return r;
        if (!work->volume || volume->owner != work->volume->owner || volume->group != work->volume->group)
                return error_set(ret_error, ERROR_BUSY,
                                "The owner of volume '%s' has changed meanwhile; try again", work->name);

        volume_free(work->volume);
        work->volume = g_steal_pointer(&volume);
        return 0;
}

static bool volume_work_may_administer(const VolumeWork *work)
{
        return work->administer || work->call->uid == 0;
}

static bool definition_names_volume(const Definition *definition, const char *volume)
{
        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (g_strcmp0(device->stored, volume) == 0)
                        return true;
        }

        return false;
}

/* Unikernels that name it without a right to it do not start, and are ignored: nobody can prevent the
 * removal of somebody else's volume. */
static char **volume_users_among(const GPtrArray *definitions, const Volume *volume)
{
        g_autoptr(GStrvBuilder) users = g_strv_builder_new();

        for (guint i = 0; i < definitions->len; i++) {
                const Definition *definition = definitions->pdata[i];

                if (definition_names_volume(definition, volume->name) &&
                                volume_is_for(volume, definition->owner))
                        g_strv_builder_add(users, definition->name);
        }

        return g_strv_builder_end(users);
}

/* ret_broken as in definition_load_all(). */
static int volume_work_find_users(VolumeWork *work, char **ret_broken, Error *ret_error)
{
        g_autoptr(GPtrArray) definitions = NULL;
        int r;

        r = definition_load_all(&definitions, ret_broken, ret_error);
        if (r < 0)
                return r;

        g_strfreev(work->users);
        work->users = volume_users_among(definitions, work->volume);
        return 0;
}

/* Reads owner and group of a new volume, and checks that the caller may set them. */
static int volume_work_read_owners(VolumeWork *work, uid_t *ret_owner, gid_t *ret_group, Error *ret_error)
{
        const char *owner = work->settings->values[SETTING_OWNER],
                   *group = work->settings->values[SETTING_GROUP];
        uid_t uid = work->call->uid;
        gid_t gid = GID_INVALID;
        int r = 0;

        if (owner)
                r = user_parse("Owner", owner, &uid, ret_error);
        if (r >= 0 && group && *group)
                r = group_parse("Group", group, &gid, ret_error);
        if (r < 0)
                return r;

        work->needs_administer = true;
        if (!volume_work_may_administer(work) && uid != work->call->uid)
                return error_set(ret_error, ERROR_ACCESS_DENIED,
                                "Only an administrator may create a volume for another user");
        if (!volume_work_may_administer(work) && gid != GID_INVALID && !call_in_group(work->call, gid)) {
                g_autofree char *name = group_name(gid);

                return error_set(ret_error, ERROR_ACCESS_DENIED,
                                "Only an administrator may name a group that the caller is not in (%s)",
                                name);
        }
        r = volume_work_may_administer(work)
                            ? 0
                            : volume_check_reserved(work->clone ?: work->name, uid, ret_error);
        if (r < 0)
                return r;
        work->needs_administer = false;

        *ret_owner = uid;
        *ret_group = gid;
        return 0;
}

/* NULL if no limits apply to the caller. */
static const VolumeLimits *volume_work_limits(const VolumeWork *work, VolumeLimits *limits)
{
        const Conf *conf = work->conf->conf;

        if (volume_work_may_administer(work))
                return NULL;

        *limits = (VolumeLimits){
                        .size_max_user = conf->volumes_size_max_user,
                        .max_user = conf->volumes_max_user,
                        .free_min = conf->free_space_min,
        };
        return limits;
}

static int volume_work_check_limit(VolumeWork *work, int r, const Error *error)
{
        work->needs_administer =
                        r < 0 && error->code == ERROR_LIMIT_EXCEEDED && !volume_work_may_administer(work);
        return r;
}

int volume_work_create(VolumeWork *work, Error *ret_error)
{
        VolumeLimits limits;
        uid_t owner;
        gid_t group;
        int r;

        r = volume_work_read_owners(work, &owner, &group, ret_error);
        if (r < 0)
                return r;

        r = volume_create(
                        work->name, work->size, owner, group, volume_work_limits(work, &limits), ret_error);
        return volume_work_check_limit(work, r, ret_error);
}

int volume_work_import(VolumeWork *work, Error *ret_error)
{
        VolumeLimits limits;
        VolumeContent content;
        uid_t owner;
        gid_t group;
        int r;

        r = volume_work_read_owners(work, &owner, &group, ret_error);
        if (r < 0)
                return r;

        content = (VolumeContent){
                        .fd = work->fd,
                        .size = work->size,
                        .raw = work->settings->raw && *work->settings->raw,
        };
        r = volume_import(work->name, &content, owner, group, volume_work_limits(work, &limits), ret_error);
        return volume_work_check_limit(work, r, ret_error);
}

static bool volume_work_may_see(const VolumeWork *work, const Volume *volume)
{
        return work->all || volume->owner == work->call->uid ||
               (volume->group != GID_INVALID && call_in_group(work->call, volume->group));
}

static void volume_users_free(gpointer data)
{
        g_strfreev(data);
}

int volume_work_list(VolumeWork *work, Error *ret_error)
{
        g_autoptr(GPtrArray) definitions = NULL;
        int r;

        r = definition_load_all(&definitions, NULL, ret_error);
        if (r >= 0)
                r = volume_list(&work->volumes, ret_error);
        if (r < 0)
                return r;

        for (guint i = work->volumes->len; i > 0; i--)
                if (!volume_work_may_see(work, work->volumes->pdata[i - 1]))
                        g_ptr_array_remove_index(work->volumes, i - 1);
        work->users_of = g_ptr_array_new_with_free_func(volume_users_free);
        for (guint i = 0; i < work->volumes->len; i++)
                g_ptr_array_add(work->users_of, volume_users_among(definitions, work->volumes->pdata[i]));

        return 0;
}

int volume_work_details(VolumeWork *work, Error *ret_error)
{
        g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&volume_identity_lock);
        int r;

        r = volume_work_look_again(work, ret_error);
        if (r >= 0)
                r = volume_work_find_users(work, NULL, ret_error);
        if (r < 0)
                return r;

        return volume_look(work->name, &work->use, ret_error);
}

int volume_work_resize(VolumeWork *work, Error *ret_error)
{
        g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&volume_identity_lock);
        VolumeLimits limits;
        int r;

        r = volume_work_look_again(work, ret_error);
        if (r < 0)
                return r;

        r = volume_resize(work->name, work->size, volume_work_limits(work, &limits), ret_error);
        return volume_work_check_limit(work, r, ret_error);
}

int volume_work_export(VolumeWork *work, Error *ret_error)
{
        g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&volume_identity_lock);
        int r;

        r = volume_work_look_again(work, ret_error);
        if (r < 0)
                return r;

        r = volume_export(work->name, &work->fd, ret_error);
        /* Names the unikernel that writes to it. */
        if (r < 0 && ret_error->code == ERROR_VOLUME_IN_USE)
                (void) volume_work_find_users(work, NULL, NULL);
        return r;
}

/* The copy is consistent, because nobody can open the volume for writing while the descriptor is open. */
int volume_work_clone(VolumeWork *work, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        VolumeLimits limits;
        uid_t owner;
        gid_t group;
        int r;

        r = volume_work_read_owners(work, &owner, &group, ret_error);
        if (r >= 0)
                r = volume_work_export(work, ret_error);
        if (r < 0)
                return r;

        fd = TAKE_FD(work->fd);
        r = volume_import(work->clone, &(VolumeContent){.fd = fd, .raw = true}, owner, group,
                        volume_work_limits(work, &limits), ret_error);
        return volume_work_check_limit(work, r, ret_error);
}

/* A unikernel that names the volume would lose it. A broken definition may name it. */
static int volume_work_check_unnamed(VolumeWork *work, Error *ret_error)
{
        g_autofree char *broken = NULL, *list = NULL;
        int r;

        r = volume_work_find_users(work, &broken, ret_error);
        if (r < 0)
                return r;
        if (broken)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "The definition of '%s' cannot be read and may name the volume; correct or "
                                "remove it first",
                                broken);

        if (!*work->users)
                return 0;

        list = g_strjoinv(", ", work->users);
        return error_set(ret_error, ERROR_VOLUME_IN_USE,
                        "Volume '%s' is named in the definition of %s; remove it there first", work->name,
                        list);
}

int volume_work_remove(VolumeWork *work, Error *ret_error)
{
        g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&volume_identity_lock);
        int r;

        r = volume_work_look_again(work, ret_error);
        if (r >= 0 && work->volume)
                r = volume_work_check_unnamed(work, ret_error);

        return r < 0 ? r : volume_remove(work->name, ret_error);
}
