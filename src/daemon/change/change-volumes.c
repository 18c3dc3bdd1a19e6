/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Volumes that a definition in the making names: whether they are the caller's to use, and making those that
 * are not there. In the thread of a change. */

#include <inttypes.h>

#include "common/log.h"
#include "common/size.h"
#include "common/users.h"
#include "daemon/change/change.h"
#include "daemon/change/volume-work.h"
#include "unikernel/volumes.h"

static bool may_administer(const Change *change)
{
        return change->administer || change->uid == 0;
}

static int check_path(Change *change, const DefinitionDevice *device, const DefinitionDevice *old)
{
        if (may_administer(change))
                return 0;
        if (old && g_strcmp0(old->path, device->path) == 0 && (device->read_only || !old->read_only))
                return 0;

        return change_needs_administer(change, ERROR_PATH_NOT_ALLOWED,
                        "Volume '%s': only an administrator may name a path", device->name);
}

/* Whose volume it is says more than who changes the definition: a start would refuse it too. */
static int check_owner(Change *change, const Definition *definition, const DefinitionDevice *device,
                const DefinitionDevice *old, const Volume *volume)
{
        g_autofree char *theirs = user_name(volume->owner), *owner = user_name(definition->owner);

        if (!volume_is_for(volume, definition->owner))
                return error_set(&change->error, ERROR_ACCESS_DENIED,
                                "Volume '%s' is user %s's: a unikernel of user %s cannot have it",
                                volume->name, theirs, owner);
        if (!volume_is_as_made(volume, device, definition->owner))
                return error_set(&change->error, ERROR_ACCESS_DENIED,
                                "Volume '%s' is there already and user %s's, not user %s's: take another "
                                "name, or write Volume=%s without Size= to have that one",
                                volume->name, theirs, owner, volume->name);
        if (may_administer(change) || volume_is_for(volume, change->uid))
                return 0;
        if (old && g_strcmp0(old->stored, device->stored) == 0 && (device->read_only || !old->read_only))
                return 0;

        return change_needs_administer(
                        change, ERROR_ACCESS_DENIED, "Volume '%s' is user %s's", volume->name, theirs);
}

static int check_size(Change *change, const DefinitionDevice *device, const DefinitionDevice *old,
                const Volume *volume)
{
        g_autofree char *has = size_format_exact(volume->size), *wanted = size_format_exact(device->size);

        /* It may have been made larger since, and then this says nothing any more. */
        if (device->size <= volume->size)
                return 0;
        if (old && g_strcmp0(old->stored, device->stored) == 0 && old->size == device->size)
                return 0;

        return error_set(&change->error, ERROR_INVALID_ARGS,
                        "Volume '%s' has %s, and Size=%s resizes nothing: 'shruthictl volume resize %s %s' "
                        "does",
                        volume->name, has, wanted, volume->name, wanted);
}

/* One that is to be made, or must be there. */
static int check_missing(Change *change, const Definition *definition, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        if (device->size == 0 && old && g_strcmp0(old->stored, device->stored) == 0)
                return 0;
        if (device->size == 0)
                return error_set(&change->error, ERROR_NO_SUCH_VOLUME,
                                "Volume '%s': there is no volume '%s'; give a size, and it is made",
                                device->name, device->stored);
        if (!may_administer(change) && definition->owner == 0)
                return change_needs_administer(change, ERROR_ACCESS_DENIED,
                                "Volume '%s': only an administrator may make volumes for root",
                                device->name);

        /* Its own name is its own; another may be one that somebody else's unikernel will want. */
        if (device->volume && !may_administer(change) &&
                        volume_check_reserved(device->stored, definition->owner, &change->error) < 0) {
                change->needs_administer = true;
                return error_code_to_errno(change->error.code);
        }

        return 0;
}

int change_check_volume(Change *change, const Definition *definition, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Volume) volume = NULL;
        int r;

        if (device->path)
                return check_path(change, device, old);

        r = volume_load(device->stored, &volume, &error);
        if (r < 0 && error.code == ERROR_NO_SUCH_VOLUME)
                return check_missing(change, definition, device, old);
        if (r < 0) {
                error_move(&change->error, &error);
                return r;
        }

        r = check_owner(change, definition, device, old, volume);
        return r < 0 ? r : check_size(change, device, old, volume);
}

static int make_volume(Change *change, const Definition *definition, const DefinitionDevice *device)
{
        const Conf *conf = change->conf->conf;
        VolumeLimits limits = {
                        .size_max_user = conf->volumes_size_max_user, .max_user = conf->volumes_max_user};
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = volume_create(device->stored, device->size, definition->owner, definition->group,
                        may_administer(change) ? NULL : &limits, &error);
        if (r >= 0) {
                if (!change->volumes)
                        change->volumes = g_ptr_array_new_with_free_func(g_free);
                g_ptr_array_add(change->volumes, g_strdup(device->stored));
                return 0;
        }
        /* Looked at before, so somebody made it meanwhile: whose it is, the start looks at again. */
        if (error.code == ERROR_VOLUME_EXISTS)
                return 0;

        change->needs_administer = error.code == ERROR_LIMIT_EXCEEDED;
        error_move(&change->error, &error);
        return r;
}

int change_make_volumes(Change *change, const Definition *definition)
{
        int r = 0;

        for (guint i = 0; r >= 0 && i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                g_autoptr(Volume) volume = NULL;

                if (device->stored && device->size > 0 && volume_load(device->stored, &volume, NULL) < 0)
                        r = make_volume(change, definition, device);
        }
        if (r < 0)
                change_unmake_volumes(change);

        return r;
}

void change_unmake_volumes(Change *change)
{
        g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&volume_identity_lock);

        for (guint i = 0; change->volumes && i < change->volumes->len; i++) {
                const char *name = change->volumes->pdata[i];
                g_autoptr(Volume) volume = NULL;
                _cleanup_error_ Error error = ERROR_INIT;
                int r;

                /* Its owner may have been quicker, and another have one by that name now. */
                if (volume_load(name, &volume, NULL) >= 0 && volume->owner != change->owner)
                        continue;
                r = volume_remove(name, &error);
                if (r < 0)
                        log_object(LOG_WARNING, &(LogObject){.unikernel = change->name}, NULL, NULL,
                                        "Cannot take back a volume: %s", error_message(&error, r));
        }
        g_clear_pointer(&change->volumes, g_ptr_array_unref);
}
