/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The part of the methods about volumes that runs in the loop. Volumes exist only on disk, so a thread reads
 * the owner of a volume before polkit can be asked about it. The owner is not revealed: a caller learns only
 * whether a volume with that name exists, which creating one would reveal too. */

#include "daemon/bus/volumes.h"

#include <errno.h>
#include <fcntl.h>

#include "common/log.h"
#include "common/names.h"
#include "common/users.h"
#include "daemon/change/volume-work.h"
#include "daemon/core/dictionary.h"
#include "daemon/state/unikernel.h"

static void on_volume_looked(void *userdata);
static void on_volume_acted(void *userdata);

static void volume_work_fail(VolumeWork *work)
{
        call_fail(work->call, &work->error, work->result);
        volume_work_free(work);
}

static void volume_work_reply(VolumeWork *work)
{
        g_autoptr(sd_bus_message) reply = NULL;
        int r;

        r = call_new_reply(work->call, &reply);
        if (r >= 0 && work->verb->append)
                r = work->verb->append(work, reply);
        call_finish(work->call, reply, r, &work->error);
        volume_work_free(work);
}

static void volume_work_run_look(void *userdata)
{
        VolumeWork *work = userdata;

        work->result = volume_work_look(work, &work->error);
}

static void volume_work_run_act(void *userdata)
{
        VolumeWork *work = userdata;

        work->needs_administer = false;
        work->result = work->verb->act(work, &work->error);
}

static void volume_work_act(VolumeWork *work)
{
        worker_run(work->call->manager->worker, work->call->uid, NULL, volume_work_run_act, on_volume_acted,
                        work);
}

static PolkitDetails volume_work_polkit_details(const VolumeWork *work)
{
        return (PolkitDetails){
                        .verb = work->verb->verb,
                        .volume = work->name,
                        .owner = work->owner,
                        .group = work->group,
                        .quietly = !work->name,
        };
}

static void on_volume_decision(Decision decision, void *userdata)
{
        VolumeWork *work = userdata;
        PolkitDetails details = volume_work_polkit_details(work);

        work->all = decision == DECISION_YES;
        /* Everybody may list their own. */
        if (decision == DECISION_YES || !work->name) {
                work->result = call_check_conf(work->call->manager, work->verb->action, &work->error);
                if (work->result < 0) {
                        volume_work_fail(work);
                        return;
                }
                work->conf = shared_conf_ref(work->call->manager->conf);
                volume_work_act(work);
                return;
        }

        work->result = polkit_decision_error(decision, work->verb->action, &details, &work->error);
        volume_work_fail(work);
}

static void volume_work_ask_polkit(VolumeWork *work)
{
        PolkitDetails details = volume_work_polkit_details(work);

        polkit_ask(work->call->manager, work->call->message, work->verb->action, &details,
                        on_volume_decision, work);
}

static void on_volume_looked(void *userdata)
{
        VolumeWork *work = userdata;

        if (work->result < 0)
                volume_work_fail(work);
        else
                volume_work_ask_polkit(work);
}

static void on_volume_administer(Decision decision, void *userdata)
{
        VolumeWork *work = userdata;

        if (decision == DECISION_YES) {
                work->administer = true;
                error_clear(&work->error);
                volume_work_act(work);
                return;
        }

        /* The message says what needs an administrator; if a password would have helped, the error name says
         * so. */
        if (decision == DECISION_CHALLENGE)
                work->error.code = ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED;
        volume_work_fail(work);
}

/* Names the unikernels that run on it; the kernel has only reported that there is one. */
static void volume_work_name_running(VolumeWork *work)
{
        for (char **user = work->users; *user; user++) {
                const Unikernel *unikernel = unikernel_get(work->call->manager, *user);
                g_autofree char *message = NULL;

                if (!unikernel || !unikernel_is_active(unikernel))
                        continue;
                message = g_strdup_printf("%s; unikernel '%s' is %s, stop it first", work->error.message,
                                unikernel->name, unikernel_state_to_string(unikernel->properties.state));
                (void) error_set(&work->error, ERROR_VOLUME_IN_USE, "%s", message);
                return;
        }
}

static void on_volume_acted(void *userdata)
{
        VolumeWork *work = userdata;

        if (work->result >= 0) {
                if (work->verb->done)
                        log_info("Volume '%s' was %s by user %u", work->name, work->verb->done,
                                        (unsigned) user_number_outside(work->call->uid));
                volume_work_reply(work);
                return;
        }
        if (work->needs_administer) {
                PolkitDetails details = volume_work_polkit_details(work);

                details.reason = work->error.message;
                polkit_ask(work->call->manager, work->call->message, SHRUTHI_ACTION_ADMINISTER, &details,
                                on_volume_administer, work);
                return;
        }

        if (work->error.code == ERROR_VOLUME_IN_USE && work->users)
                volume_work_name_running(work);
        volume_work_fail(work);
}

/* The arguments of a method; those that it does not have are 0 or NULL. */
typedef struct VolumeArguments {
        const char *name, *clone;
        uint64_t size;
        Settings *settings; /* are taken */
        const int *fd;      /* is duplicated */
} VolumeArguments;

/* The end of all handlers, after the arguments are read. polkit is asked later, when the owner of the volume
 * is known. */
static int volume_work_start(sd_bus_message *message, Manager *manager, const VolumeVerb *verb,
                const VolumeArguments *arguments)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Settings) settings = arguments->settings;
        VolumeWork *work;
        Call *call;
        int r;

        r = arguments->name ? volume_name_check(arguments->name, &error) : 0;
        if (r < 0)
                return reply_error(message, &error, r);

        r = call_identify(manager, message, NULL, &error);
        if (r == 0)
                return 1;
        if (r > 0)
                r = call_begin(manager, message, NULL, &call, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        work = g_new0(VolumeWork, 1);
        *work = (VolumeWork){
                        .verb = verb,
                        .call = call,
                        .name = g_strdup(arguments->name),
                        .clone = g_strdup(arguments->clone),
                        .size = arguments->size,
                        .fd = -EBADF,
                        .settings = g_steal_pointer(&settings),
                        .error = ERROR_INIT,
        };
        if (arguments->fd) {
                work->fd = fcntl(*arguments->fd, F_DUPFD_CLOEXEC, 3);
                if (work->fd < 0) {
                        work->result = error_set_errno(&work->error, errno,
                                        "Cannot duplicate the file "
                                        "descriptor");
                        volume_work_fail(work);
                        return 1;
                }
        }

        if (verb->existing)
                worker_run(manager->worker, call->uid, NULL, volume_work_run_look, on_volume_looked, work);
        else
                volume_work_ask_polkit(work);
        return 1;
}

static void volumes_run_clean(void *userdata)
{
        volume_store_clean();
}

static void on_volumes_cleaned(void *userdata)
{
}

void volumes_clean(Manager *manager)
{
        worker_run(manager->worker, 0, NULL, volumes_run_clean, on_volumes_cleaned, NULL);
}

int method_create_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        static const VolumeVerb verb = {
                        .action = SHRUTHI_ACTION_CREATE_VOLUME,
                        .verb = "create",
                        .done = "created",
                        .act = volume_work_create,
        };
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Settings) settings = NULL;
        const char *name;
        uint64_t size;
        int r;

        r = sd_bus_message_read(message, "st", &name, &size);
        if (r < 0)
                return reply_invalid_args(message, r);
        r = settings_read(message, SETTINGS_VOLUME, &settings, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        r = volume_size_check(size, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        return volume_work_start(message, userdata, &verb,
                        &(VolumeArguments){
                                        .name = name, .size = size, .settings = g_steal_pointer(&settings)});
}

int method_import_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        static const VolumeVerb verb = {
                        .action = SHRUTHI_ACTION_IMPORT_VOLUME,
                        .verb = "import",
                        .done = "imported",
                        .act = volume_work_import,
        };
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Settings) settings = NULL;
        const char *name;
        uint64_t size = 0;
        int fd, r;

        r = sd_bus_message_read(message, "sh", &name, &fd);
        if (r < 0)
                return reply_invalid_args(message, r);
        r = settings_read(message, SETTINGS_VOLUME_IMPORT, &settings, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (settings->size) {
                size = *settings->size;
                r = volume_size_check(size, &error);
                if (r < 0)
                        return reply_error(message, &error, r);
        }

        return volume_work_start(message, userdata, &verb,
                        &(VolumeArguments){.name = name,
                                        .size = size,
                                        .settings = g_steal_pointer(&settings),
                                        .fd = &fd});
}

static int volume_work_append_list(const VolumeWork *work, sd_bus_message *reply)
{
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(sttuas)");
        for (guint i = 0; r >= 0 && i < work->volumes->len; i++) {
                const Volume *volume = work->volumes->pdata[i];

                r = sd_bus_message_open_container(reply, 'r', "sttuas");
                if (r >= 0)
                        r = sd_bus_message_append(reply, "sttu", volume->name, volume->size,
                                        volume->allocated, (uint32_t) user_number_outside(volume->owner));
                if (r >= 0)
                        r = sd_bus_message_append_strv(reply, work->users_of->pdata[i]);
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
        }

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int method_list_volumes(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        static const VolumeVerb verb = {
                        .action = SHRUTHI_ACTION_READ_VOLUME,
                        .verb = "list the volumes of other users",
                        .act = volume_work_list,
                        .append = volume_work_append_list,
        };

        return volume_work_start(message, userdata, &verb, &(VolumeArguments){});
}

static int volume_work_append_details(const VolumeWork *work, sd_bus_message *reply)
{
        const Volume *volume = work->volume;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "Name", "s", volume->name,
                                "Size", "t", volume->size, "Allocated", "t", volume->allocated, "Owner", "u",
                                (uint32_t) user_number_outside(volume->owner), "Group", "s", work->group,
                                "CreationTimestamp", "t", volume->created, "Use", "s",
                                volume_use_to_string(work->use));
        if (r >= 0)
                r = dictionary_append_strv(reply, "UsedBy", work->users);

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Reads the name from the first argument of the manager's methods, or from the object path of a volume's
 * own. Free with g_free(). */
static int message_read_volume_name(sd_bus_message *message, char **ret_name)
{
        const char *name;
        int r;

        r = sd_bus_path_decode(sd_bus_message_get_path(message), SHRUTHI_VOLUME_PATH, ret_name);
        if (r != 0)
                return r;

        r = sd_bus_message_read(message, "s", &name);
        if (r >= 0)
                *ret_name = g_strdup(name);
        return r;
}

/* The methods that take only a name. */
static int volume_method_by_name(sd_bus_message *message, Manager *manager, const VolumeVerb *verb)
{
        g_autofree char *name = NULL;
        int r;

        r = message_read_volume_name(message, &name);
        if (r < 0)
                return reply_invalid_args(message, r);

        return volume_work_start(message, manager, verb, &(VolumeArguments){.name = name});
}

static int volume_work_look_only(VolumeWork *work, Error *ret_error)
{
        return 0;
}

static int volume_work_append_path(const VolumeWork *work, sd_bus_message *reply)
{
        g_autofree char *path = NULL;
        int r = sd_bus_path_encode(SHRUTHI_VOLUME_PATH, work->name, &path);

        return r < 0 ? r : sd_bus_message_append(reply, "o", path);
}

int method_get_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        static const VolumeVerb verb = {
                        .action = SHRUTHI_ACTION_READ_VOLUME,
                        .verb = "inspect",
                        .existing = true,
                        .act = volume_work_look_only,
                        .append = volume_work_append_path,
        };

        return volume_method_by_name(message, userdata, &verb);
}

int method_get_volume_details(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        static const VolumeVerb verb = {
                        .action = SHRUTHI_ACTION_READ_VOLUME,
                        .verb = "read the details of",
                        .existing = true,
                        .act = volume_work_details,
                        .append = volume_work_append_details,
        };

        return volume_method_by_name(message, userdata, &verb);
}

int method_resize_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        static const VolumeVerb verb = {
                        .action = SHRUTHI_ACTION_RESIZE_VOLUME,
                        .verb = "resize",
                        .done = "resized",
                        .existing = true,
                        .act = volume_work_resize,
        };
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *name = NULL;
        uint64_t size;
        int r;

        r = message_read_volume_name(message, &name);
        if (r >= 0)
                r = sd_bus_message_read(message, "t", &size);
        if (r < 0)
                return reply_invalid_args(message, r);

        r = volume_size_check(size, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        return volume_work_start(message, userdata, &verb, &(VolumeArguments){.name = name, .size = size});
}

static int volume_work_append_fd(const VolumeWork *work, sd_bus_message *reply)
{
        return sd_bus_message_append(reply, "h", work->fd);
}

int method_export_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        static const VolumeVerb verb = {
                        .action = SHRUTHI_ACTION_EXPORT_VOLUME,
                        .verb = "export",
                        .done = "exported",
                        .existing = true,
                        .act = volume_work_export,
                        .append = volume_work_append_fd,
        };

        return volume_method_by_name(message, userdata, &verb);
}

int method_clone_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        static const VolumeVerb verb = {
                        .action = SHRUTHI_ACTION_CLONE_VOLUME,
                        .verb = "clone",
                        .done = "cloned",
                        .existing = true,
                        .act = volume_work_clone,
        };
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Settings) settings = NULL;
        g_autofree char *name = NULL;
        const char *clone;
        int r;

        r = message_read_volume_name(message, &name);
        if (r >= 0)
                r = sd_bus_message_read(message, "s", &clone);
        if (r < 0)
                return reply_invalid_args(message, r);
        r = settings_read(message, SETTINGS_VOLUME, &settings, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        r = volume_name_check(clone, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        return volume_work_start(message, userdata, &verb,
                        &(VolumeArguments){.name = name,
                                        .clone = clone,
                                        .settings = g_steal_pointer(&settings)});
}

int method_remove_volume(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        static const VolumeVerb verb = {
                        .action = SHRUTHI_ACTION_REMOVE_VOLUME,
                        .verb = "remove",
                        .done = "removed",
                        .existing = true,
                        .act = volume_work_remove,
        };

        return volume_method_by_name(message, userdata, &verb);
}

int volume_object_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
                void **ret_found, sd_bus_error *ret_error)
{
        g_autofree char *name = NULL;

        if (sd_bus_path_decode(path, SHRUTHI_VOLUME_PATH, &name) <= 0 || !volume_name_is_valid(name))
                return 0;

        *ret_found = userdata;
        return 1;
}

const sd_bus_vtable volume_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_METHOD_WITH_ARGS("GetDetails", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", details),
                                method_get_volume_details, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Resize", SD_BUS_ARGS("t", size), SD_BUS_NO_RESULT,
                                method_resize_volume, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Export", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", data),
                                method_export_volume, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Clone", SD_BUS_ARGS("s", clone, "a{sv}", settings),
                                SD_BUS_NO_RESULT, method_clone_volume, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Remove", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_remove_volume,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_VTABLE_END,
};
