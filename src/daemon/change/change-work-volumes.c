/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks that the caller may use the volumes that the definition being made names, and creates missing ones.
 * Runs in the thread of a change. */

#include <inttypes.h>

#include "common/log.h"
#include "common/size.h"
#include "common/users.h"
#include "daemon/change/change-work-private.h"
#include "daemon/change/volume-work.h"
#include "unikernel/volumes.h"

int draft_check_volume_path(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        if (!device->path || draft_may_administer(draft))
                return 0;
        if (old && g_strcmp0(old->path, device->path) == 0 && (device->read_only || !old->read_only))
                return 0;

        return draft_needs_administer(draft, ERROR_PATH_NOT_ALLOWED,
                        "Volume '%s': only an administrator may name a path", device->name);
}

/* Volumes are not listed to everybody, so their owners' names are for those who could find them out. */
static char *draft_name_volume_owner(const Draft *draft, const Volume *volume)
{
        g_autofree char *name = NULL;

        if (!draft_may_administer(draft) && !volume_is_for(volume, draft->request->call->uid))
                return g_strdup("another user");

        name = user_name(volume->owner);
        return g_strconcat("user ", name, NULL);
}

/* The owner of the unikernel must have a right to the volume, whoever changes the definition: a start would
 * refuse it too. */
static int draft_check_volume_owner(const Draft *draft, const DefinitionDevice *device,
                const DefinitionDevice *old, const Volume *volume)
{
        g_autofree char *theirs = draft_name_volume_owner(draft, volume),
                        *owner = user_name(draft->definition->owner);

        if (!volume_is_for(volume, draft->definition->owner))
                return error_set(&draft->result->error, ERROR_ACCESS_DENIED,
                                "Volume '%s' belongs to %s; a unikernel of user %s cannot use it",
                                volume->name, theirs, owner);
        if (!volume_is_as_made(volume, device, draft->definition->owner))
                return error_set(&draft->result->error, ERROR_ACCESS_DENIED,
                                "Volume '%s' already exists and belongs to %s, not to user %s; use "
                                "another name, or set Volume=%s without Size= to use that volume",
                                volume->name, theirs, owner, volume->name);
        if (draft_may_administer(draft) || volume_is_for(volume, draft->request->call->uid))
                return 0;
        if (old && g_strcmp0(old->stored, device->stored) == 0 && (device->read_only || !old->read_only))
                return 0;

        return draft_needs_administer(
                        draft, ERROR_ACCESS_DENIED, "Volume '%s' belongs to %s", volume->name, theirs);
}

static int draft_check_volume_size(const Draft *draft, const DefinitionDevice *device,
                const DefinitionDevice *old, const Volume *volume)
{
        g_autofree char *has = size_format_exact(volume->size), *wanted = size_format_exact(device->size);

        /* The volume may have been enlarged since; then the size in the definition does not matter. */
        if (device->size <= volume->size)
                return 0;
        if (old && g_strcmp0(old->stored, device->stored) == 0 && old->size == device->size)
                return 0;

        return error_set(&draft->result->error, ERROR_INVALID_ARGS,
                        "Volume '%s' has %s; Size=%s does not resize it, use 'shruthictl volume resize %s "
                        "%s'",
                        volume->name, has, wanted, volume->name, wanted);
}

/* A volume that must be created, or must exist. */
static int draft_check_missing_volume(
                const Draft *draft, const DefinitionDevice *device, const DefinitionDevice *old)
{
        if (device->size == 0 && old && g_strcmp0(old->stored, device->stored) == 0)
                return 0;
        if (device->size == 0)
                return error_set(&draft->result->error, ERROR_NO_SUCH_VOLUME,
                                "Volume '%s': there is no volume '%s'; give a size to create it",
                                device->name, device->stored);
        if (!draft_may_administer(draft) && draft->definition->owner == 0)
                return draft_needs_administer(draft, ERROR_ACCESS_DENIED,
                                "Volume '%s': only an administrator may create volumes for root",
                                device->name);

        /* The default name belongs to the unikernel; another name may be needed by somebody else's
         * unikernel. */
        if (device->volume && !draft_may_administer(draft) &&
                        volume_check_reserved(device->stored, draft->definition->owner,
                                        &draft->result->error) < 0) {
                draft->result->needs_administer = true;
                return error_code_to_errno(draft->result->error.code);
        }

        return 0;
}

/* Also checks what nobody may do, because both depend on the same file. */
int draft_check_stored_volume(const Draft *draft, const Setting *setting, const DefinitionDevice *device,
                const DefinitionDevice *old)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Volume) volume = NULL;
        int r;

        if (device->path)
                return 0;

        r = volume_load(device->stored, &volume, &error);
        if (r < 0 && error.code == ERROR_NO_SUCH_VOLUME)
                return draft_check_missing_volume(draft, device, old);
        if (r < 0) {
                error_move(&draft->result->error, &error);
                return r;
        }

        r = draft_check_volume_owner(draft, device, old, volume);
        return r < 0 ? r : draft_check_volume_size(draft, device, old, volume);
}

static int draft_make_volume(const Draft *draft, const DefinitionDevice *device)
{
        ChangeResult *result = draft->result;
        const Conf *conf = draft->conf;
        VolumeLimits limits = {
                        .size_max_user = conf->volumes_size_max_user, .max_user = conf->volumes_max_user};
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = volume_create(device->stored, device->size, draft->definition->owner, draft->definition->group,
                        draft_may_administer(draft) ? NULL : &limits, &error);
        if (r >= 0) {
                if (!result->volumes)
                        result->volumes = g_ptr_array_new_with_free_func(g_free);
                g_ptr_array_add(result->volumes, g_strdup(device->stored));
                return 0;
        }
        /* It did not exist before, so somebody created it meanwhile. The start checks its owner again. */
        if (error.code == ERROR_VOLUME_EXISTS)
                return 0;

        draft->result->needs_administer = error.code == ERROR_LIMIT_EXCEEDED;
        error_move(&draft->result->error, &error);
        return r;
}

int draft_make_volumes(const Draft *draft)
{
        const Definition *definition = draft->definition;
        int r = 0;

        for (guint i = 0; r >= 0 && i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                g_autoptr(Volume) volume = NULL;

                if (device->stored && device->size > 0 && volume_load(device->stored, &volume, NULL) < 0)
                        r = draft_make_volume(draft, device);
        }
        if (r < 0)
                change_result_remove_volumes(draft->result, draft->request->name);

        return r;
}

void change_result_remove_volumes(ChangeResult *result, const char *unikernel)
{
        g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&volume_identity_lock);

        for (guint i = 0; result->volumes && i < result->volumes->len; i++) {
                const char *name = result->volumes->pdata[i];
                g_autoptr(Volume) volume = NULL;
                _cleanup_error_ Error error = ERROR_INIT;
                int r;

                /* The owner may have removed it already, and somebody else may have one with that name
                 * now. */
                if (volume_load(name, &volume, NULL) >= 0 && volume->owner != result->owner)
                        continue;
                r = volume_remove(name, &error);
                if (r < 0)
                        log_object(LOG_WARNING, &(LogObject){.unikernel = unikernel}, NULL, NULL,
                                        "Cannot remove the volume that was created: %s",
                                        error_message(&error, r));
        }
        g_clear_pointer(&result->volumes, g_ptr_array_unref);
}
