/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.dream.Shruthi.Fleet: properties, and calls about all members at once. Each member is started, stopped
 * or removed as by a call of its own, which says how that went. */

#include "daemon/bus/fleet-bus.h"

#include "common/names.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "daemon/access/call.h"
#include "daemon/change/change.h"
#include "daemon/change/network-change.h"
#include "daemon/state/job-run.h"
#include "daemon/state/registry.h"
#include "daemon/state/unikernel-access.h"

/* A member that could not be. */
typedef struct FleetFailure {
        char *member;
        ErrorCode code;
        char *message;
} FleetFailure;

/* A call about all members. */
typedef struct FleetTask {
        Call *call;
        char *key, *name;
        uid_t owner;
        const char *verb;
        guint pending, done;
        bool networks; /* all members are removed, and now the networks are */
        GPtrArray *failures; /* FleetFailure */
} FleetTask;

static void fleet_failure_free(gpointer data)
{
        FleetFailure *failure = data;

        g_free(failure->member);
        g_free(failure->message);
        g_free(failure);
}

static void task_answer(FleetTask *task)
{
        g_autoptr(sd_bus_message) reply = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        Fleet *fleet = fleet_get(task->call->manager, task->key);
        int r;

        if (fleet)
                fleet->busy = false;
        r = call_new_reply(task->call, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "u", task->done);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sss)");
        for (guint i = 0; r >= 0 && i < task->failures->len; i++) {
                const FleetFailure *failure = task->failures->pdata[i];

                r = sd_bus_message_append(reply, "(sss)", failure->member,
                                error_code_to_bus_name(failure->code), failure->message);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);

        call_finish(task->call, reply, r, &error);
        g_ptr_array_unref(task->failures);
        g_free(task->key);
        g_free(task->name);
        g_free(task);
}

static void task_remove_networks(FleetTask *task);

static void task_end_one(FleetTask *task)
{
        if (--task->pending > 0)
                return;

        if (g_str_equal(task->verb, "remove") && !task->networks && task->failures->len == 0)
                task_remove_networks(task);
        else
                task_answer(task);
}

static void task_add_failure(FleetTask *task, const char *name, const Error *error, int r)
{
        FleetFailure *failure = g_new(FleetFailure, 1);

        *failure = (FleetFailure){.member = g_strdup(name),
                        .code = error->message ? error->code : ERROR_FAILED,
                        .message = g_utf8_make_valid(error_message(error, r), -1)};
        g_ptr_array_add(task->failures, failure);
}

/* How it went with one member; error NULL: well. */
static void on_task_part(const Call *part, const Error *error, int r, void *userdata)
{
        FleetTask *task = userdata;

        if (error)
                task_add_failure(task, part->unikernel, error, r);
        else
                task->done++;
        task_end_one(task);
}

/* --- The networks that were made for a fleet --- */

typedef struct FleetNetworkQuestion {
        FleetTask *task;
        char *name;
} FleetNetworkQuestion;

/* One that is gone by now is as good as one that was removed. */
static void on_task_network(const Call *part, const Error *error, int r, void *userdata)
{
        FleetTask *task = userdata;

        if (error && error->code != ERROR_NO_SUCH_NETWORK)
                task_add_failure(task, part->unikernel, error, r);
        task_end_one(task);
}

static void on_task_network_decision(Decision decision, void *userdata)
{
        g_autofree FleetNetworkQuestion *question = userdata;
        g_autofree char *name = question->name;
        FleetTask *task = question->task;
        Network *network = network_get(task->call->manager, name);
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (decision == DECISION_YES && network) {
                network_change_remove(call_new_part(task->call, name, on_task_network, task), network);
                return;
        }

        if (network) {
                r = error_set(&error,
                                decision == DECISION_CHALLENGE ? ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED
                                                               : ERROR_ACCESS_DENIED,
                                "Not authorized to remove network '%s' (%s)", name,
                                SHRUTHI_ACTION_REMOVE_NETWORK);
                task_add_failure(task, name, &error, r);
        }
        task_end_one(task);
}

/* They have no group: who may remove the members may not be one who may remove these. */
static void task_remove_networks(FleetTask *task)
{
        g_autoptr(GList) networks = g_hash_table_get_values(task->call->manager->networks);

        task->networks = true;
        task->pending = 1;
        for (GList *l = networks; l; l = l->next) {
                const Network *network = l->data;
                const NetworkRecord *record = network->loaded.record;
                FleetNetworkQuestion *question;
                PolkitDetails details;

                if (!record || record->owner != task->owner || g_strcmp0(record->fleet, task->name) != 0)
                        continue;
                task->pending++;
                question = g_new(FleetNetworkQuestion, 1);
                *question = (FleetNetworkQuestion){.task = task, .name = g_strdup(network->name)};
                details = network_polkit_details(network, "remove");
                polkit_ask(task->call->manager, task->call->message, SHRUTHI_ACTION_REMOVE_NETWORK, &details,
                                on_task_network_decision, question);
        }
        task_end_one(task);
}

/* --- Calls about all members --- */

static void task_start_member(FleetTask *task, const char *name, uint64_t flags)
{
        Call *part = call_new_part(task->call, name, on_task_part, task);
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        task->pending++;
        r = unikernel_check_owner(part, &error);
        if (r < 0)
                call_fail(part, &error, r);
        else if (g_str_equal(task->verb, "remove"))
                change_start(change_new(part, CHANGE_REMOVE));
        else
                job_run(part, g_str_equal(task->verb, "start") ? JOB_START : JOB_STOP,
                                flags & SHRUTHI_FLAG_NO_WAIT);
}

/* Whether the members have one owner and one group, by which polkit decides about all of them. */
static int fleet_check_group(const Fleet *fleet, const Unikernel **ret_first, Error *ret_error)
{
        g_autoptr(GPtrArray) names = fleet_list_members(fleet);
        const Unikernel *first = NULL;

        for (guint i = 0; i < names->len; i++) {
                const Unikernel *one = unikernel_get(fleet->manager, names->pdata[i]);

                first = first ?: one;
                if (one && g_strcmp0(unikernel_group_name(one), unikernel_group_name(first)) != 0)
                        return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                        "The members %s and %s have different groups (Group=), so each is "
                                        "to be "
                                        "called by itself",
                                        first->name, one->name);
        }

        *ret_first = first;
        return 0;
}

static int fleet_method_all(
                sd_bus_message *message, Fleet *fleet, const char *verb, const char *action, uint64_t known)
{
        g_autoptr(GPtrArray) names = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        const Unikernel *first = NULL;
        PolkitDetails details;
        FleetTask *task;
        uint64_t flags;
        Call *call;
        int r;

        r = sd_bus_message_read(message, "t", &flags);
        if (r < 0)
                return reply_invalid_args(message, r);
        if (flags & ~known)
                return reply_error(message, &error,
                                error_set(&error, ERROR_INVALID_ARGS,
                                                "Unknown flags 0x%" G_GINT64_MODIFIER
                                                "x; known: 0x%" G_GINT64_MODIFIER "x",
                                                flags & ~known, known));

        r = fleet_check_group(fleet, &first, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        details = unikernel_polkit_details(first, verb);
        if (!call_authorize(fleet->manager, message, &details, action, &call))
                return 1;

        if (fleet->busy) {
                call_fail(call, &error,
                                error_set(&error, ERROR_BUSY,
                                                "Another call about all members of the fleet '%s' is in "
                                                "progress",
                                                fleet->name));
                return 1;
        }

        fleet->busy = true;
        task = g_new(FleetTask, 1);
        *task = (FleetTask){.call = call,
                        .key = g_strdup(fleet->key),
                        .name = g_strdup(fleet->name),
                        .owner = fleet->owner,
                        .verb = verb,
                        .pending = 1,
                        .failures = g_ptr_array_new_with_free_func(fleet_failure_free)};
        names = fleet_list_members(fleet);
        for (guint i = 0; i < names->len; i++)
                task_start_member(task, names->pdata[i], flags);
        task_end_one(task);
        return 1;
}

static int fleet_method_start(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return fleet_method_all(message, userdata, "start", SHRUTHI_ACTION_START, SHRUTHI_FLAG_NO_WAIT);
}

static int fleet_method_stop(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return fleet_method_all(message, userdata, "stop", SHRUTHI_ACTION_STOP, SHRUTHI_FLAG_NO_WAIT);
}

static int fleet_method_remove(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return fleet_method_all(message, userdata, "remove", SHRUTHI_ACTION_REMOVE, 0);
}

static int fleet_method_list_members(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        g_autoptr(sd_bus_message) reply = NULL;
        const Fleet *fleet = userdata;
        g_autoptr(GPtrArray) names = fleet_list_members(fleet);
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sso)");
        for (guint i = 0; r >= 0 && i < names->len; i++) {
                const Unikernel *unikernel = unikernel_get(fleet->manager, names->pdata[i]);

                if (unikernel)
                        r = sd_bus_message_append(reply, "(sso)", unikernel->name,
                                        unikernel_state_to_string(unikernel->properties.state),
                                        unikernel->path);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);

        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int property_get_owner(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(reply, "u", (uint32_t) ((Fleet *) userdata)->owner);
}

static int property_get_members(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        return sd_bus_message_append(reply, "u", g_hash_table_size(((Fleet *) userdata)->members));
}

/* "Running": how many are running. */
static int property_get_count(sd_bus *bus, const char *path, const char *interface, const char *property,
                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        g_autofree char *state = g_ascii_strdown(property, -1);

        return sd_bus_message_append(
                        reply, "u", ((Fleet *) userdata)->counts[unikernel_state_from_string(state)]);
}

int fleet_object_find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                sd_bus_error *ret_error)
{
        g_autofree char *key = NULL;
        Fleet *fleet;

        if (sd_bus_path_decode(path, SHRUTHI_FLEET_PATH, &key) <= 0)
                return 0;
        fleet = fleet_get(userdata, key);
        if (!fleet)
                return 0;

        *ret_found = fleet;
        return 1;
}

int fleet_node_enumerate(
                sd_bus *bus, const char *path, void *userdata, char ***ret_nodes, sd_bus_error *ret_error)
{
        g_autoptr(GPtrArray) nodes = g_ptr_array_new();
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, ((Manager *) userdata)->fleets);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                g_ptr_array_add(nodes, g_strdup(((Fleet *) value)->path));
        g_ptr_array_add(nodes, NULL);

        *ret_nodes = (char **) g_ptr_array_steal(nodes, NULL);
        return 1;
}

int method_list_fleets(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        g_autoptr(sd_bus_message) reply = NULL;
        GHashTableIter iter;
        gpointer value;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(suuo)");
        g_hash_table_iter_init(&iter, ((Manager *) userdata)->fleets);
        while (r >= 0 && g_hash_table_iter_next(&iter, NULL, &value)) {
                const Fleet *fleet = value;

                r = sd_bus_message_append(reply, "(suuo)", fleet->name, (uint32_t) fleet->owner,
                                g_hash_table_size(fleet->members), fleet->path);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);

        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

int method_get_fleet(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_error_ Error error = ERROR_INIT;
        Manager *manager = userdata;
        const char *name;
        const Fleet *fleet;
        uint32_t owner;
        int r;

        r = sd_bus_message_read(message, "su", &name, &owner);
        if (r < 0)
                return reply_invalid_args(message, r);

        r = name_check(name, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        fleet = fleet_find(manager, name, (uid_t) owner);
        if (!fleet && registry_await(manager->registry, message, NULL))
                return 1;
        if (!fleet)
                return reply_error(message, &error,
                                error_set(&error, ERROR_NO_SUCH_UNIKERNEL,
                                                "There is no fleet '%s' of the user %u", name,
                                                (unsigned) owner));

        return sd_bus_reply_method_return(message, "o", fleet->path);
}

#define COUNT(name) SD_BUS_PROPERTY(name, "u", property_get_count, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

const sd_bus_vtable fleet_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_METHOD_WITH_ARGS("ListMembers", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sso)", members),
                                fleet_method_list_members, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Start", SD_BUS_ARGS("t", flags),
                                SD_BUS_RESULT("u", done, "a(sss)", failures), fleet_method_start,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Stop", SD_BUS_ARGS("t", flags),
                                SD_BUS_RESULT("u", done, "a(sss)", failures), fleet_method_stop,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Remove", SD_BUS_ARGS("t", flags),
                                SD_BUS_RESULT("u", done, "a(sss)", failures), fleet_method_remove,
                                SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_PROPERTY("Name", "s", NULL, offsetof(Fleet, name), SD_BUS_VTABLE_PROPERTY_CONST),
                SD_BUS_PROPERTY("Owner", "u", property_get_owner, 0, SD_BUS_VTABLE_PROPERTY_CONST),
                SD_BUS_PROPERTY("Members", "u", property_get_members, 0,
                                SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
                COUNT("Stopped"),
                COUNT("Starting"),
                COUNT("Running"),
                COUNT("Paused"),
                COUNT("Stopping"),
                COUNT("Failed"),
                COUNT("Broken"),
                SD_BUS_VTABLE_END,
};
