/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.dream.Shruthi.Unikernel: properties, and the methods that change something. Methods that only read are
 * in unikernel-details.c. */

#include "daemon/bus/unikernel-bus.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "common/names.h"
#include "daemon/change/change.h"
#include "daemon/state/job-run.h"
#include "daemon/state/kill.h"
#include "daemon/state/registry.h"
#include "daemon/state/unikernel-access.h"

static int read_flags(sd_bus_message *message, uint64_t known, uint64_t *ret_flags, Error *ret_error)
{
        uint64_t flags;
        int r;

        r = sd_bus_message_read(message, "t", &flags);
        if (r < 0)
                return error_set(ret_error, ERROR_INVALID_ARGS, "The flags cannot be read: %s",
                                g_strerror(-r));
        if (flags & ~known)
                return error_set(ret_error, ERROR_INVALID_ARGS,
                                "Unknown flags 0x%" G_GINT64_MODIFIER "x; known: 0x%" G_GINT64_MODIFIER "x",
                                flags & ~known, known);

        *ret_flags = flags;
        return 0;
}

static int method_job(sd_bus_message *message, Unikernel *unikernel, JobKind kind, const char *action)
{
        _cleanup_error_ Error error = ERROR_INIT;
        uint64_t flags;
        Call *call;
        int r;

        r = read_flags(message, SHRUTHI_FLAG_NO_WAIT, &flags, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (!unikernel_authorize(unikernel, message, action, job_kind_to_string(kind), &call))
                return 1;

        job_run(call, kind, flags & SHRUTHI_FLAG_NO_WAIT);
        return 1;
}

int unikernel_method_start(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return method_job(message, userdata, JOB_START, SHRUTHI_ACTION_START);
}

int unikernel_method_stop(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return method_job(message, userdata, JOB_STOP, SHRUTHI_ACTION_STOP);
}

int unikernel_method_restart(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return method_job(message, userdata, JOB_RESTART, SHRUTHI_ACTION_RESTART);
}

int unikernel_method_kill(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        int32_t number;
        Call *call;
        int r;

        r = sd_bus_message_read(message, "i", &number);
        if (r < 0)
                return reply_invalid_args(message, r);

        if (number != SIGTERM && number != SIGINT && number != SIGABRT && number != SIGKILL)
                return reply_error(message, &error,
                                error_set(&error, ERROR_INVALID_ARGS,
                                                "Signal %" G_GINT32_FORMAT
                                                " is not supported; use SIGTERM (15), SIGINT (2), SIGABRT "
                                                "(6) or SIGKILL (9)",
                                                number));

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_KILL, "kill", &call))
                return 1;

        r = unikernel_check_active(unikernel, &error);
        if (r < 0)
                call_fail(call, &error, r);
        else
                kill_run(call, number);
        return 1;
}

int unikernel_method_remove(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        uint64_t flags;
        Call *call;
        int r;

        r = read_flags(message, 0, &flags, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_REMOVE, "remove", &call))
                return 1;

        change_start(change_new(call, CHANGE_REMOVE));
        return 1;
}

int unikernel_method_set_settings(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Settings) settings = NULL;
        Unikernel *unikernel = userdata;
        Change *change;
        Call *call;
        int r;

        r = settings_read(message, SETTINGS_UPDATE, &settings, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_UPDATE, "change", &call))
                return 1;

        change = change_new(call, CHANGE_SETTINGS);
        change->request.image_digest = g_strdup(settings->image_digest);
        change->request.settings = g_steal_pointer(&settings);
        change_start(change);
        return 1;
}

int unikernel_method_set_image(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        Change *change;
        Call *call;
        int fd, r;

        r = sd_bus_message_read(message, "h", &fd);
        if (r < 0)
                return reply_invalid_args(message, r);

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_UPDATE, "change", &call))
                return 1;

        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0) {
                call_fail(call, &error,
                                error_set_errno(&error, errno, "Cannot duplicate the file descriptor"));
                return 1;
        }
        change = change_new(call, CHANGE_SETTINGS);
        change->request.image_fd = fd;
        change_start(change);
        return 1;
}

int unikernel_method_set_definition(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel = userdata;
        const char *text;
        Change *change;
        Call *call;
        int r;

        r = sd_bus_message_read(message, "s", &text);
        if (r < 0)
                return reply_invalid_args(message, r);

        if (strlen(text) > DEFINITION_SIZE_MAX)
                return reply_error(message, &error,
                                error_set(&error, ERROR_LIMIT_EXCEEDED,
                                                "A definition can have at most %d bytes",
                                                DEFINITION_SIZE_MAX));

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_UPDATE, "change", &call))
                return 1;

        change = change_new(call, CHANGE_DEFINITION);
        change->request.text = g_strdup(text);
        change_start(change);
        return 1;
}

static int property_get_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(reply, "s", unikernel_state_to_string(*(UnikernelState *) userdata));
}

static int property_get_bool(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(reply, "b", (int) *(bool *) userdata);
}

static int property_get_uuid(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(reply, "s", ((Unikernel *) userdata)->uuid);
}

/* Sets name if path is that of a unikernel; returns that if it exists. */
static Unikernel *unikernel_of_path(Manager *manager, const char *path, char **ret_name)
{
        Unikernel *unikernel;

        if (sd_bus_path_decode(path, SHRUTHI_UNIKERNEL_PATH, ret_name) <= 0)
                return NULL;
        unikernel = unikernel_get(manager, *ret_name);

        return unikernel && unikernel->announced ? unikernel : NULL;
}

int unikernel_object_find(sd_bus *bus, const char *path, const char *interface, void *userdata,
                void **ret_found, sd_bus_error *ret_error)
{
        g_autofree char *name = NULL;
        Unikernel *unikernel = unikernel_of_path(userdata, path, &name);

        if (!unikernel)
                return 0;

        *ret_found = unikernel;
        return 1;
}

int unikernel_object_await(Manager *manager, sd_bus_message *message)
{
        const char *path = sd_bus_message_get_path(message);
        g_autofree char *name = NULL;

        if (unikernel_of_path(manager, path, &name) || !name)
                return 0;

        return registry_await(manager->registry, message, name);
}

int unikernel_node_enumerate(
                sd_bus *bus, const char *path, void *userdata, char ***ret_nodes, sd_bus_error *ret_error)
{
        g_autoptr(GPtrArray) nodes = g_ptr_array_new();
        Manager *manager = userdata;
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->unikernels);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (((Unikernel *) value)->announced)
                        g_ptr_array_add(nodes, g_strdup(((Unikernel *) value)->path));
        g_ptr_array_add(nodes, NULL);

        *ret_nodes = (char **) g_ptr_array_steal(nodes, NULL);
        return 1;
}

#define CONST  SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGE SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
const sd_bus_vtable unikernel_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_METHOD_WITH_ARGS("Start", SD_BUS_ARGS("t", flags), SD_BUS_RESULT("o", job),
                                unikernel_method_start, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Stop", SD_BUS_ARGS("t", flags), SD_BUS_RESULT("o", job),
                                unikernel_method_stop, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Restart", SD_BUS_ARGS("t", flags), SD_BUS_RESULT("o", job),
                                unikernel_method_restart, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Kill", SD_BUS_ARGS("i", signal), SD_BUS_NO_RESULT,
                                unikernel_method_kill, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, unikernel_method_pause,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, unikernel_method_resume,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Snapshot", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT,
                                unikernel_method_snapshot, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Restore", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT,
                                unikernel_method_restore, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("RemoveSnapshot", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT,
                                unikernel_method_remove_snapshot, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Remove", SD_BUS_ARGS("t", flags), SD_BUS_NO_RESULT,
                                unikernel_method_remove, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("SetSettings", SD_BUS_ARGS("a{sv}", settings), SD_BUS_NO_RESULT,
                                unikernel_method_set_settings, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("SetImage", SD_BUS_ARGS("h", image), SD_BUS_NO_RESULT,
                                unikernel_method_set_image, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetDefinition", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", definition),
                                unikernel_method_get_definition, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("SetDefinition", SD_BUS_ARGS("s", definition), SD_BUS_NO_RESULT,
                                unikernel_method_set_definition, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Update", SD_BUS_ARGS("a{sv}", settings, "a{sv}", options),
                                SD_BUS_RESULT("a{sv}", outcome), unikernel_method_update,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("UpdateFromSource", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("a{sv}", outcome), unikernel_method_update_from_source,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Rollback", SD_BUS_ARGS("t", generation, "a{sv}", options),
                                SD_BUS_RESULT("a{sv}", outcome), unikernel_method_rollback,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListGenerations", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("aa{sv}", generations), unikernel_method_list_generations,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetGeneration", SD_BUS_ARGS("t", generation),
                                SD_BUS_RESULT("s", definition), unikernel_method_get_generation,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetDetails", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", details),
                                unikernel_method_get_details, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetArguments", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", arguments),
                                unikernel_method_get_arguments, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetDomainXML", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", xml),
                                unikernel_method_get_domain_xml, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetStatistics", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", statistics),
                                unikernel_method_get_statistics, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetStartTimes", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{st}", times),
                                unikernel_method_get_start_times, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("OpenConsole", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", console),
                                unikernel_method_open_console, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("OpenLog", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("h", log),
                                unikernel_method_open_log, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("SetCredential", SD_BUS_ARGS("s", key, "h", data), SD_BUS_NO_RESULT,
                                unikernel_method_set_credential, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("RotateCredential", SD_BUS_ARGS("s", key, "h", data, "b", restart),
                                SD_BUS_NO_RESULT, unikernel_method_rotate_credential,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("RemoveCredential", SD_BUS_ARGS("s", key), SD_BUS_NO_RESULT,
                                unikernel_method_remove_credential, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListCredentials", SD_BUS_NO_ARGS, SD_BUS_RESULT("as", keys),
                                unikernel_method_list_credentials, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_SIGNAL("DefinitionChanged", "", 0),
                SD_BUS_PROPERTY("Name", "s", NULL, offsetof(Unikernel, name), CONST),
                SD_BUS_PROPERTY("UUID", "s", property_get_uuid, 0, CONST),
                SD_BUS_PROPERTY("Unit", "s", NULL, offsetof(Unikernel, unit), CONST),
                SD_BUS_PROPERTY("State", "s", property_get_state, offsetof(Unikernel, properties.state),
                                CHANGE),
                SD_BUS_PROPERTY("Owner", "u", NULL, offsetof(Unikernel, properties.owner), CHANGE),
                SD_BUS_PROPERTY("Autostart", "b", property_get_bool,
                                offsetof(Unikernel, properties.autostart), CHANGE),
                SD_BUS_PROPERTY("Generation", "t", NULL, offsetof(Unikernel, properties.generation), CHANGE),
                SD_BUS_PROPERTY("Health", "s", NULL, offsetof(Unikernel, properties.health), CHANGE),
                SD_BUS_PROPERTY("CutOff", "b", property_get_bool, offsetof(Unikernel, properties.cut_off),
                                CHANGE),
                SD_BUS_PROPERTY("Result", "s", NULL, offsetof(Unikernel, properties.result), CHANGE),
                SD_BUS_PROPERTY("ExitStatus", "x", NULL, offsetof(Unikernel, properties.exit_status),
                                CHANGE),
                SD_BUS_PROPERTY("InvocationID", "s", NULL, offsetof(Unikernel, properties.invocation_id),
                                CHANGE),
                SD_BUS_PROPERTY("StateChangeTimestamp", "t", NULL,
                                offsetof(Unikernel, properties.state_change), CHANGE),
                SD_BUS_PROPERTY("ActiveEnterTimestamp", "t", NULL,
                                offsetof(Unikernel, properties.active_enter), CHANGE),
                SD_BUS_PROPERTY("InactiveEnterTimestamp", "t", NULL,
                                offsetof(Unikernel, properties.inactive_enter), CHANGE),
                SD_BUS_PROPERTY("NeedsRestart", "b", property_get_bool,
                                offsetof(Unikernel, properties.needs_restart), CHANGE),
                SD_BUS_VTABLE_END,
};
