/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.dream.Shruthi.Manager: finds, lists and creates unikernels; their methods by name; the host. */

#include "daemon/bus/manager-bus.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/names.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "config.h"
#include "daemon/access/subscribers.h"
#include "daemon/bus/create-many.h"
#include "daemon/bus/diagnose.h"
#include "daemon/bus/fleet-bus.h"
#include "daemon/bus/images.h"
#include "daemon/bus/network-bus.h"
#include "daemon/bus/overview.h"
#include "daemon/bus/unikernel-bus.h"
#include "daemon/bus/user-limits.h"
#include "daemon/bus/volumes.h"
#include "daemon/change/change.h"
#include "daemon/state/configuration.h"
#include "daemon/state/registry.h"

#define PATH_SIZE_MAX 4096

static int unikernel_method_by_name(sd_bus_message *message, Manager *manager,
                sd_bus_message_handler_t method, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Unikernel *unikernel;
        const char *name;
        int r;

        r = sd_bus_message_read(message, "s", &name);
        if (r < 0)
                return reply_invalid_args(message, r);

        r = unikernel_find(manager, name, &unikernel, &error);
        if (r == -ENOENT && registry_await(manager->registry, message, name))
                return 1;
        if (r < 0)
                return reply_error(message, &error, r);

        return method(message, unikernel, ret_error);
}

/* method_start_unikernel() and so on: read the name, then call the object's own method. */
#define X(verb)                                                                                             \
        static int method_##verb##_unikernel(                                                               \
                        sd_bus_message *message, void *userdata, sd_bus_error *ret_error)                   \
        {                                                                                                   \
                return unikernel_method_by_name(message, userdata, unikernel_method_##verb, ret_error);     \
        }
UNIKERNEL_METHODS(X)
#undef X

/* The common end of the three methods, in the order of a handler. Duplicates image_fd; digest and path may
 * be NULL. */
static int unikernel_method_create(sd_bus_message *message, Manager *manager, const char *name, int image_fd,
                const char *digest, const char *path)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autoptr(Settings) settings = NULL;
        PolkitDetails details = {.verb = "create", .unikernel = name};
        const Unikernel *existing;
        Change *change;
        Call *call;
        int r;

        r = settings_read(message, SETTINGS_CREATE, &settings, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        r = name_check_new(name, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        if (!call_authorize(manager, message, &details, SHRUTHI_ACTION_CREATE, &call))
                return 1;

        existing = unikernel_get(manager, name);
        if (existing && existing->announced) {
                call_fail(call, &error,
                                error_set(&error, ERROR_UNIKERNEL_EXISTS, "Unikernel '%s' already exists",
                                                name));
                return 1;
        }

        image_fd = image_fd < 0 ? -EBADF : fcntl(image_fd, F_DUPFD_CLOEXEC, 3);
        if (image_fd < 0 && !digest && !path) {
                call_fail(call, &error,
                                error_set_errno(&error, errno,
                                                "Cannot duplicate the file "
                                                "descriptor"));
                return 1;
        }
        change = change_new(call, CHANGE_CREATE);
        change->request.settings = g_steal_pointer(&settings);
        change->request.image_fd = image_fd;
        change->request.image_digest = g_strdup(digest);
        change->request.image_path = g_strdup(path);
        change_start(change);
        return 1;
}

static int method_create_unikernel(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        const char *name;
        int fd, r;

        r = sd_bus_message_read(message, "sh", &name, &fd);
        if (r < 0)
                return reply_invalid_args(message, r);

        return unikernel_method_create(message, userdata, name, fd, NULL, NULL);
}

static int method_create_unikernel_from_digest(
                sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        const char *name, *digest;
        int r;

        r = sd_bus_message_read(message, "ss", &name, &digest);
        if (r < 0)
                return reply_invalid_args(message, r);

        if (!digest_is_valid(digest))
                return reply_error(message, &error,
                                error_set(&error, ERROR_INVALID_ARGS,
                                                "A digest must be 'sha256:' and 64 hexadecimal digits in "
                                                "lower case"));

        return unikernel_method_create(message, userdata, name, -EBADF, digest, NULL);
}

static int method_create_unikernel_from_path(
                sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        const char *name, *path;
        int r;

        r = sd_bus_message_read(message, "ss", &name, &path);
        if (r < 0)
                return reply_invalid_args(message, r);

        if (strlen(path) >= PATH_SIZE_MAX)
                return reply_error(message, &error,
                                error_set(&error, ERROR_PATH_NOT_ALLOWED,
                                                "The path has %zu bytes; the maximum is %d", strlen(path),
                                                PATH_SIZE_MAX - 1));
        if (path[0] != '/') {
                g_autofree char *shown = text_for_display(path, strlen(path));

                return reply_error(message, &error,
                                error_set(&error, ERROR_PATH_NOT_ALLOWED, "'%s' is not an absolute path",
                                                shown));
        }

        return unikernel_method_create(message, userdata, name, -EBADF, NULL, path);
}

static int unikernel_method_get_path(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        const Unikernel *unikernel = userdata;

        return sd_bus_reply_method_return(message, "o", unikernel->path);
}

static int method_get_unikernel(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return unikernel_method_by_name(message, userdata, unikernel_method_get_path, ret_error);
}

static int method_get_unikernel_by_unit(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *name = NULL, *shown = NULL;
        Manager *manager = userdata;
        Unikernel *unikernel;
        const char *unit;
        int r;

        r = sd_bus_message_read(message, "s", &unit);
        if (r < 0)
                return reply_invalid_args(message, r);

        shown = text_for_display(unit, 80);
        if (unit_name_parse(unit, &name) < 0)
                return reply_error(message, &error,
                                error_set(&error, ERROR_NO_SUCH_UNIKERNEL,
                                                "Unit '%s' does not belong to a unikernel", shown));

        r = unikernel_find(manager, name, &unikernel, &error);
        if (r == -ENOENT && registry_await(manager->registry, message, name))
                return 1;
        if (r < 0)
                return reply_error(message, &error, r);

        return sd_bus_reply_method_return(message, "o", unikernel->path);
}

static int method_get_unikernel_by_uuid(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_autofree char *uuid = NULL, *shown = NULL;
        Manager *manager = userdata;
        Unikernel *unikernel;
        const char *text;
        int r;

        r = sd_bus_message_read(message, "s", &text);
        if (r < 0)
                return reply_invalid_args(message, r);

        uuid = g_ascii_strdown(text, -1);
        shown = text_for_display(text, 80);
        unikernel = g_hash_table_lookup(manager->by_uuid, uuid);
        if ((!unikernel || !unikernel->announced) && registry_await(manager->registry, message, NULL))
                return 1;
        if (!unikernel || !unikernel->announced)
                return reply_error(message, &error,
                                error_set(&error, ERROR_NO_SUCH_UNIKERNEL,
                                                "There is no unikernel with UUID '%s'", shown));

        return sd_bus_reply_method_return(message, "o", unikernel->path);
}

static int compare_unikernels(gconstpointer a, gconstpointer b)
{
        return strcmp(((const Unikernel *) a)->name, ((const Unikernel *) b)->name);
}

static int method_list_unikernels(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        g_autoptr(sd_bus_message) reply = NULL;
        Manager *manager = userdata;
        g_autoptr(GList) all = g_list_sort(g_hash_table_get_values(manager->unikernels), compare_unikernels);
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssusso)");
        for (GList *l = all; r >= 0 && l; l = l->next) {
                const Unikernel *unikernel = l->data;

                if (unikernel->announced)
                        r = sd_bus_message_append(reply, "(ssusso)", unikernel->name,
                                        unikernel_state_to_string(unikernel->properties.state),
                                        (uint32_t) unikernel->properties.owner, unikernel->unit,
                                        unikernel->properties.result, unikernel->path);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);

        return r < 0 ? r : 1;
}

/* Answers with an array of what append adds for each unikernel, which may be nothing. */
static int manager_reply_with_each(sd_bus_message *message, const Manager *manager, const char *contents,
                int (*append)(sd_bus_message *reply, const Unikernel *unikernel))
{
        g_autoptr(sd_bus_message) reply = NULL;
        GHashTableIter iter;
        gpointer value;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', contents);
        g_hash_table_iter_init(&iter, manager->unikernels);
        while (r >= 0 && g_hash_table_iter_next(&iter, NULL, &value))
                if (((const Unikernel *) value)->announced)
                        r = append(reply, value);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);

        return r < 0 ? r : 1;
}

static int unikernel_append_changed(sd_bus_message *reply, const Unikernel *unikernel)
{
        return unikernel->properties.needs_restart ? sd_bus_message_append(reply, "s", unikernel->name) : 0;
}

static int method_list_changed_unikernels(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return manager_reply_with_each(message, userdata, "s", unikernel_append_changed);
}

static int unikernel_append_health(sd_bus_message *reply, const Unikernel *unikernel)
{
        const char *health = unikernel->properties.health;

        return *health ? sd_bus_message_append(reply, "{ss}", unikernel->name, health) : 0;
}

static int method_list_unikernel_health(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return manager_reply_with_each(message, userdata, "{ss}", unikernel_append_health);
}

static int unikernel_append_activation(sd_bus_message *reply, const Unikernel *unikernel)
{
        const char *state = unikernel_activation_state(unikernel);

        return *state ? sd_bus_message_append(reply, "{ss}", unikernel->name, state) : 0;
}

static int method_list_unikernel_activations(
                sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return manager_reply_with_each(message, userdata, "{ss}", unikernel_append_activation);
}

static void on_configuration_reloaded(int r, Error *error, void *userdata)
{
        if (r < 0)
                call_fail(userdata, error, r);
        else
                call_reply(userdata, "");
}

static int method_reload(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Manager *manager = userdata;
        Call *call;

        if (!call_authorize(manager, message, &(PolkitDetails){.verb = "reload"}, SHRUTHI_ACTION_RELOAD,
                            &call))
                return 1;

        configuration_reload(manager, on_configuration_reloaded, call);
        return 1;
}

static int property_get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(reply, "s", SHRUTHI_VERSION);
}

static int property_get_libvirt_uri(sd_bus *bus, const char *path, const char *interface,
                const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(reply, "s", manager_conf(userdata)->libvirt_uri);
}

static int property_get_count(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Manager *manager = userdata;
        uint32_t all = 0, running = 0, failed = 0;
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->unikernels);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Unikernel *unikernel = value;

                if (!unikernel->announced)
                        continue;
                all++;
                switch (unikernel->properties.state) {
                case UNIKERNEL_STARTING:
                case UNIKERNEL_RUNNING:
                case UNIKERNEL_PAUSED:
                case UNIKERNEL_STOPPING:
                        running++;
                        break;
                case UNIKERNEL_FAILED:
                case UNIKERNEL_BROKEN:
                        failed++;
                        break;
                default:
                        break;
                }
        }

        return sd_bus_message_append(reply, "u",
                        g_str_equal(property, "UnikernelCount") ? all
                        : g_str_equal(property, "RunningCount") ? running
                                                                : failed);
}

const sd_bus_vtable manager_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_METHOD_WITH_ARGS("CreateUnikernel",
                                SD_BUS_ARGS("s", name, "h", image, "a{sv}", settings),
                                SD_BUS_RESULT("o", unikernel), method_create_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("CreateUnikernelFromDigest",
                                SD_BUS_ARGS("s", name, "s", digest, "a{sv}", settings),
                                SD_BUS_RESULT("o", unikernel), method_create_unikernel_from_digest,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("CreateUnikernelFromPath",
                                SD_BUS_ARGS("s", name, "s", path, "a{sv}", settings),
                                SD_BUS_RESULT("o", unikernel), method_create_unikernel_from_path,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("CreateUnikernels", SD_BUS_ARGS("a(ssa{sv})", unikernels),
                                SD_BUS_RESULT("a(oss)", results), method_create_unikernels,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetUnikernel", SD_BUS_ARGS("s", name),
                                SD_BUS_RESULT("o", unikernel), method_get_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetUnikernelByUnit", SD_BUS_ARGS("s", unit),
                                SD_BUS_RESULT("o", unikernel), method_get_unikernel_by_unit,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetUnikernelByUUID", SD_BUS_ARGS("s", uuid),
                                SD_BUS_RESULT("o", unikernel), method_get_unikernel_by_uuid,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListUnikernels", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a(ssusso)", unikernels), method_list_unikernels,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListChangedUnikernels", SD_BUS_NO_ARGS, SD_BUS_RESULT("as", names),
                                method_list_changed_unikernels, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListUnikernelHealth", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a{ss}", health), method_list_unikernel_health,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListUnikernelActivations", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a{ss}", activations), method_list_unikernel_activations,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListUnikernelDetails", SD_BUS_ARGS("as", names),
                                SD_BUS_RESULT("a{sa{sv}}", details), method_list_unikernel_details,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListUnikernelStatistics", SD_BUS_ARGS("as", names),
                                SD_BUS_RESULT("a{sa{sv}}", statistics), method_list_unikernel_statistics,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("StartUnikernel", SD_BUS_ARGS("s", name, "t", flags),
                                SD_BUS_RESULT("o", job), method_start_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("StopUnikernel", SD_BUS_ARGS("s", name, "t", flags),
                                SD_BUS_RESULT("o", job), method_stop_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("RestartUnikernel", SD_BUS_ARGS("s", name, "t", flags),
                                SD_BUS_RESULT("o", job), method_restart_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("KillUnikernel", SD_BUS_ARGS("s", name, "i", signal),
                                SD_BUS_NO_RESULT, method_kill_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("PauseUnikernel", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT,
                                method_pause_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ResumeUnikernel", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT,
                                method_resume_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("SnapshotUnikernel", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT,
                                method_snapshot_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("RestoreUnikernel", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT,
                                method_restore_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("RemoveUnikernelSnapshot", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT,
                                method_remove_snapshot_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("RemoveUnikernel", SD_BUS_ARGS("s", name, "t", flags),
                                SD_BUS_NO_RESULT, method_remove_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("SetUnikernelSettings", SD_BUS_ARGS("s", name, "a{sv}", settings),
                                SD_BUS_NO_RESULT, method_set_settings_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("SetUnikernelImage", SD_BUS_ARGS("s", name, "h", image),
                                SD_BUS_NO_RESULT, method_set_image_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetUnikernelDefinition", SD_BUS_ARGS("s", name),
                                SD_BUS_RESULT("s", definition), method_get_definition_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("SetUnikernelDefinition", SD_BUS_ARGS("s", name, "s", definition),
                                SD_BUS_NO_RESULT, method_set_definition_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("UpdateUnikernel",
                                SD_BUS_ARGS("s", name, "a{sv}", settings, "a{sv}", options),
                                SD_BUS_RESULT("a{sv}", outcome), method_update_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("UpdateUnikernelFromSource",
                                SD_BUS_ARGS("s", name, "a{sv}", options), SD_BUS_RESULT("a{sv}", outcome),
                                method_update_from_source_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("RollbackUnikernel",
                                SD_BUS_ARGS("s", name, "t", generation, "a{sv}", options),
                                SD_BUS_RESULT("a{sv}", outcome), method_rollback_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListUnikernelGenerations", SD_BUS_ARGS("s", name),
                                SD_BUS_RESULT("aa{sv}", generations), method_list_generations_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetUnikernelGeneration", SD_BUS_ARGS("s", name, "t", generation),
                                SD_BUS_RESULT("s", definition), method_get_generation_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetUnikernelDetails", SD_BUS_ARGS("s", name),
                                SD_BUS_RESULT("a{sv}", details), method_get_details_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetUnikernelArguments", SD_BUS_ARGS("s", name),
                                SD_BUS_RESULT("s", arguments), method_get_arguments_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetUnikernelDomainXML", SD_BUS_ARGS("s", name),
                                SD_BUS_RESULT("s", xml), method_get_domain_xml_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetUnikernelStatistics", SD_BUS_ARGS("s", name),
                                SD_BUS_RESULT("a{sv}", statistics), method_get_statistics_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetUnikernelStartTimes", SD_BUS_ARGS("s", name),
                                SD_BUS_RESULT("a{st}", times), method_get_start_times_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("OpenUnikernelConsole", SD_BUS_ARGS("s", name),
                                SD_BUS_RESULT("h", console), method_open_console_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("OpenUnikernelLog", SD_BUS_ARGS("s", name, "a{sv}", options),
                                SD_BUS_RESULT("h", log), method_open_log_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("SetCredential", SD_BUS_ARGS("s", name, "s", key, "h", data),
                                SD_BUS_NO_RESULT, method_set_credential_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("RotateCredential",
                                SD_BUS_ARGS("s", name, "s", key, "h", data, "b", restart), SD_BUS_NO_RESULT,
                                method_rotate_credential_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("RemoveCredential", SD_BUS_ARGS("s", name, "s", key),
                                SD_BUS_NO_RESULT, method_remove_credential_unikernel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListCredentials", SD_BUS_ARGS("s", name), SD_BUS_RESULT("as", keys),
                                method_list_credentials_unikernel, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("InspectImage", SD_BUS_ARGS("h", image),
                                SD_BUS_RESULT("a{sv}", info), method_inspect_image,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("InspectStoredImage", SD_BUS_ARGS("s", digest),
                                SD_BUS_RESULT("a{sv}", info), method_inspect_stored_image,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetImage", SD_BUS_ARGS("s", digest), SD_BUS_RESULT("o", image),
                                method_get_image, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ImportImage", SD_BUS_ARGS("h", image, "a{sv}", options),
                                SD_BUS_RESULT("s", digest), method_import_image, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListImages", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(stas)", images),
                                method_list_images, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("PruneImages", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("as", removed, "t", freed), method_prune_images,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Subscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_subscribe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetVolume", SD_BUS_ARGS("s", name), SD_BUS_RESULT("o", volume),
                                method_get_volume, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("CreateVolume", SD_BUS_ARGS("s", name, "t", size, "a{sv}", settings),
                                SD_BUS_NO_RESULT, method_create_volume, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ImportVolume", SD_BUS_ARGS("s", name, "h", data, "a{sv}", settings),
                                SD_BUS_NO_RESULT, method_import_volume, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListVolumes", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sttuas)", volumes),
                                method_list_volumes, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetVolumeDetails", SD_BUS_ARGS("s", name),
                                SD_BUS_RESULT("a{sv}", details), method_get_volume_details,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ResizeVolume", SD_BUS_ARGS("s", name, "t", size), SD_BUS_NO_RESULT,
                                method_resize_volume, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ExportVolume", SD_BUS_ARGS("s", name), SD_BUS_RESULT("h", data),
                                method_export_volume, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("CloneVolume", SD_BUS_ARGS("s", name, "s", clone, "a{sv}", settings),
                                SD_BUS_NO_RESULT, method_clone_volume, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("RemoveVolume", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT,
                                method_remove_volume, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("CreateNetwork", SD_BUS_ARGS("s", name, "a{sv}", settings),
                                SD_BUS_RESULT("o", network), method_create_network,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("RemoveNetwork", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT,
                                method_remove_network, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetNetwork", SD_BUS_ARGS("s", name), SD_BUS_RESULT("o", network),
                                method_get_network, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListNetworks", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a(ssussos)", networks), method_list_networks,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetNetworkDetails", SD_BUS_ARGS("s", name),
                                SD_BUS_RESULT("a{sv}", details), method_get_network_details,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("OpenNetworkLinks", SD_BUS_ARGS("s", name),
                                SD_BUS_RESULT("h", connection), method_open_network_links,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ListFleets", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(suuo)", fleets),
                                method_list_fleets, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetFleet", SD_BUS_ARGS("s", name, "u", owner),
                                SD_BUS_RESULT("o", fleet), method_get_fleet, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("GetLimits", SD_BUS_ARGS("u", user),
                                SD_BUS_RESULT("a(ssstt)", limits), method_get_limits,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Diagnose", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssss)", checks),
                                method_diagnose, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_SIGNAL_WITH_ARGS("UnikernelNew", SD_BUS_ARGS("s", name, "o", unikernel), 0),
                SD_BUS_SIGNAL_WITH_ARGS("UnikernelRemoved", SD_BUS_ARGS("s", name, "o", unikernel), 0),
                SD_BUS_SIGNAL_WITH_ARGS("NetworkNew", SD_BUS_ARGS("s", name, "o", network), 0),
                SD_BUS_SIGNAL_WITH_ARGS("NetworkRemoved", SD_BUS_ARGS("s", name, "o", network), 0),
                SD_BUS_SIGNAL_WITH_ARGS("FleetNew", SD_BUS_ARGS("s", name, "o", fleet), 0),
                SD_BUS_SIGNAL_WITH_ARGS("FleetRemoved", SD_BUS_ARGS("s", name, "o", fleet), 0),
                SD_BUS_SIGNAL_WITH_ARGS("VolumeNew", SD_BUS_ARGS("s", name, "o", volume), 0),
                SD_BUS_SIGNAL_WITH_ARGS("VolumeRemoved", SD_BUS_ARGS("s", name, "o", volume), 0),
                SD_BUS_SIGNAL_WITH_ARGS("ImageNew", SD_BUS_ARGS("s", digest, "o", image), 0),
                SD_BUS_SIGNAL_WITH_ARGS("ImageRemoved", SD_BUS_ARGS("s", digest, "o", image), 0),
                SD_BUS_PROPERTY("Version", "s", property_get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
                SD_BUS_PROPERTY("Acceleration", "s", NULL, offsetof(Manager, acceleration),
                                SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("LibvirtURI", "s", property_get_libvirt_uri, 0,
                                SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                SD_BUS_PROPERTY("UnikernelCount", "u", property_get_count, 0, 0),
                SD_BUS_PROPERTY("RunningCount", "u", property_get_count, 0, 0),
                SD_BUS_PROPERTY("FailedCount", "u", property_get_count, 0, 0),
                SD_BUS_VTABLE_END,
};
