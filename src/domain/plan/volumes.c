/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stored volumes at a start. QEMU's own locks, which last as long as QEMU, decide in the end; the check
 * before the start is for a message that names the user of the volume. */

#include "domain/plan/volumes.h"

#include <string.h>

#include "common/io.h"
#include "common/size.h"
#include "common/users.h"
#include "domain/host/protocol.h"
#include "unikernel/volumes.h"

static int plan_make_volume(const Plan *plan, const DefinitionDevice *device, Error *ret_error)
{
        const Definition *definition = plan->definition;
        VolumeLimits limits = {.size_max_user = plan->conf->volumes_size_max_user,
                        .max_user = plan->conf->volumes_max_user};
        /* No limits apply to definitions that administrators write themselves. */
        bool limited = definition->origin == DEFINITION_ORIGIN_STATE && definition->owner != 0;
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = volume_create(device->stored, device->size, definition->owner, definition->group,
                        limited ? &limits : NULL, &error);
        if (r < 0 && error.code != ERROR_VOLUME_EXISTS) {
                error_move(ret_error, &error);
                return r;
        }

        return 0;
}

/* Finds the volume, and creates it if needed and possible. */
static int plan_find_volume(
                const Plan *plan, const DefinitionDevice *device, Volume **ret_volume, Error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        r = volume_load(device->stored, ret_volume, &error);
        if (r >= 0)
                return 0;
        if (error.code != ERROR_NO_SUCH_VOLUME) {
                error_move(ret_error, &error);
                return r;
        }
        if (device->size == 0)
                return error_set(ret_error, ERROR_NO_SUCH_VOLUME,
                                "%s:%u: there is no volume '%s'; set Size= to create it, or run 'shruthictl "
                                "volume create %s --size=…'",
                                device->file, device->line, device->stored, device->stored);

        r = plan_make_volume(plan, device, ret_error);
        if (r < 0)
                return r;

        protocol_emit(DOMAIN_KEY_NOTICE, "Volume '%s' was created", device->stored);
        return volume_load(device->stored, ret_volume, ret_error);
}

/* "'a'", "'a' and 'b'", "'a', 'b' and 'c'": the other running unikernels that use the file at path; NULL if
 * none. */
static char *plan_list_other_users(const Plan *plan, const char *path)
{
        g_autoptr(GString) text = g_string_new(NULL);
        g_auto(GStrv) names = NULL;
        guint n, said = 0, total = 0;

        if (volume_list_running(path, &names, NULL) < 0)
                return NULL;

        n = g_strv_length(names);
        for (guint i = 0; i < n; i++)
                total += !g_str_equal(names[i], plan->definition->name);
        for (guint i = 0; i < n; i++) {
                if (g_str_equal(names[i], plan->definition->name))
                        continue;
                g_string_append_printf(text, "%s'%s'",
                                said == 0           ? ""
                                : said + 1 == total ? " and "
                                                    : ", ",
                                names[i]);
                said++;
        }

        return total > 0 ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static int plan_refuse_use(const Plan *plan, const DefinitionDevice *device, const char *path,
                const char *name, const char *how, Error *ret_error)
{
        g_autofree char *users = plan_list_other_users(plan, path);
        const char *way = device->read_only ? "stop what writes to it"
                                            : "stop it first, or set ReadOnly=yes in all of them";

        if (users)
                return error_set(ret_error, ERROR_VOLUME_IN_USE, "Volume '%s' is %s by unikernel %s: %s",
                                name, how, users, way);

        return error_set(ret_error, ERROR_VOLUME_IN_USE,
                        "Volume '%s' is %s by something other than a unikernel, such as an export in "
                        "progress or another QEMU; to find it, run 'fuser %s' as root",
                        name, how, path);
}

static int plan_check_use(const Plan *plan, const DefinitionDevice *device, Error *ret_error)
{
        g_autofree char *path = volume_path(device->stored);
        VolumeUse use = VOLUME_UNUSED;
        int r;

        if (!device->read_only)
                volume_settle_exports(device->stored);
        r = volume_look(device->stored, &use, ret_error);
        if (r < 0)
                return r;
        if (use == VOLUME_UNUSED || (use == VOLUME_READ && device->read_only))
                return 0;

        return plan_refuse_use(plan, device, path, device->stored,
                        use == VOLUME_WRITTEN ? "being written" : "being read", ret_error);
}

static void device_tell_size(const DefinitionDevice *device, const Volume *volume)
{
        g_autofree char *has = size_format_exact(volume->size), *wanted = size_format_exact(device->size);

        if (device->size > volume->size)
                protocol_emit(DOMAIN_KEY_NOTICE,
                                "Volume '%s' has %s; Size=%s does not resize it, use 'shruthictl volume "
                                "resize %s %s'",
                                volume->name, has, wanted, volume->name, wanted);
}

static void device_tell_free_space(const DefinitionDevice *device, const Volume *volume)
{
        uint64_t left = 0, total = 0, wanted = volume->size - MIN(volume->allocated, volume->size);
        g_autofree char *wanted_text = NULL, *left_text = NULL;

        if (device->read_only || volume_space(&left, &total, NULL) < 0 || wanted <= left)
                return;

        wanted_text = size_format(wanted);
        left_text = size_format(left);
        protocol_emit(DOMAIN_KEY_NOTICE,
                        "Volume '%s' can need %s more, and its file system has %s free; beyond that, writes "
                        "of the guest fail",
                        volume->name, wanted_text, left_text);
}

static int plan_acquire_volume(const Plan *plan, const DefinitionDevice *device, Error *ret_error)
{
        g_autofree char *theirs = NULL, *owner = NULL;
        g_autoptr(Volume) volume = NULL;
        int r;

        r = plan_find_volume(plan, device, &volume, ret_error);
        if (r < 0)
                return r;
        theirs = user_name(volume->owner);
        owner = user_name(plan->definition->owner);
        if (!volume_is_for(volume, plan->definition->owner))
                return error_set(ret_error, ERROR_ACCESS_DENIED,
                                "%s:%u: volume '%s' belongs to user %s, and '%s' to user %s; use a volume "
                                "of the owner, or of one of the owner's groups",
                                device->file, device->line, volume->name, theirs, plan->definition->name,
                                owner);

        if (!volume_is_as_made(volume, device, plan->definition->owner))
                return error_set(ret_error, ERROR_ACCESS_DENIED,
                                "%s:%u: volume '%s' already exists and belongs to user %s, not to user %s; "
                                "use another name, or set Volume=%s without Size= to use that volume",
                                device->file, device->line, volume->name, theirs, owner, volume->name);

        device_tell_size(device, volume);
        device_tell_free_space(device, volume);
        return 0;
}

/* By name; for the same name the writer first. */
static int devices_compare(const void *a, const void *b)
{
        const DefinitionDevice *one = *(DefinitionDevice *const *) a,
                               *other = *(DefinitionDevice *const *) b;
        int r = strcmp(one->stored, other->stored);

        return r != 0 ? r : one->read_only - other->read_only;
}

static void turn_close(void *fd)
{
        (void) close_safe(*(int *) fd);
}

/* Every start locks in the same order, so no two wait for each other. */
static int devices_await_turns(GPtrArray *devices, GArray *turns, Error *ret_error)
{
        const char *last = NULL;

        g_ptr_array_sort(devices, devices_compare);
        for (guint i = 0; i < devices->len; i++) {
                const DefinitionDevice *device = devices->pdata[i];
                int fd, r;

                if (g_strcmp0(device->stored, last) == 0)
                        continue;
                last = device->stored;
                r = volume_await_turn(device->stored, device->read_only, &fd, ret_error);
                if (r < 0)
                        return r;
                g_array_append_val(turns, fd);
        }

        return 0;
}

int volumes_acquire(const Plan *plan, GArray **ret_turns, Error *ret_error)
{
        g_autoptr(GArray) turns = g_array_new(FALSE, FALSE, sizeof(int));
        g_autoptr(GPtrArray) devices = g_ptr_array_new();
        int r;

        g_array_set_clear_func(turns, turn_close);
        for (guint i = 0; i < plan->attached->len; i++) {
                DefinitionDevice *device = plan->attached->pdata[i];

                if (!device->stored)
                        continue;
                r = plan_acquire_volume(plan, device, ret_error);
                if (r < 0)
                        return r;
                g_ptr_array_add(devices, device);
        }

        r = devices_await_turns(devices, turns, ret_error);
        for (guint i = 0; r >= 0 && i < devices->len; i++)
                r = plan_check_use(plan, devices->pdata[i], ret_error);
        if (r < 0)
                return r;

        *ret_turns = g_steal_pointer(&turns);
        return 0;
}

void volumes_explain(const Plan *plan, Error *error)
{
        for (guint i = 0; i < plan->attached->len; i++) {
                const DefinitionDevice *device = plan->attached->pdata[i];
                g_autofree char *stored = device->stored ? volume_path(device->stored) : NULL;
                const char *path = stored ?: device->path;
                /* QEMU: Is another process using the image [PATH]? */
                g_autofree char *place = path ? g_strdup_printf("[%s]", path) : NULL;

                if (place && strstr(error->message, place)) {
                        (void) plan_refuse_use(plan, device, path, device->stored ?: device->name,
                                        "being used", error);
                        return;
                }
        }
}
