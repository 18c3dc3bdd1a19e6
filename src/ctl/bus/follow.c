/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Unikernels and their changes, from the signals of the ObjectManager's interfaces and our own. */

#include "ctl/bus/follow.h"

#include <errno.h>
#include <stdio.h>

#include "common/names.h"
#include "ctl/bus/client.h"
#include "ctl/output/value.h"

struct Follow {
        Ctl *ctl;
        FollowFunction function;
        void *userdata;
        GHashTable *unikernels; /* name → JsonObject */
        bool lost;              /* shruthid is gone, and this waits for it */
};

Follow *follow_free(Follow *follow)
{
        if (!follow)
                return NULL;

        g_clear_pointer(&follow->unikernels, g_hash_table_unref);
        g_free(follow);
        return NULL;
}

static GHashTable *follow_table_new(void)
{
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify) json_object_unref);
}

JsonObject *follow_find(const Follow *follow, const char *name)
{
        return g_hash_table_lookup(follow->unikernels, name);
}

int follow_check_names(const Follow *follow, char *const *names, Error *ret_error)
{
        for (char *const *name = names; *name; name++)
                if (!name_is_pattern(*name) && !follow_find(follow, *name))
                        return client_refuse_name(*name, ret_error);

        return 0;
}

/* Returns NULL if the path is not that of a unikernel. Free with g_free(). */
static char *follow_path_name(const char *path)
{
        char *name = NULL;

        return path && sd_bus_path_decode(path, SHRUTHI_UNIKERNEL_PATH, &name) > 0 ? name : NULL;
}

/* Reads one object of GetManagedObjects(): its path, and a dictionary of its interfaces. */
static int follow_read_object(sd_bus_message *reply, GHashTable *unikernels)
{
        g_autoptr(JsonObject) properties = NULL;
        g_autofree char *name = NULL;
        const char *path, *interface;
        int r;

        r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "{sa{sv}}");
        name = follow_path_name(path);
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sa{sv}")) > 0) {
                r = sd_bus_message_read(reply, "s", &interface);
                if (r < 0)
                        return r;
                if (name && !properties && g_str_equal(interface, SHRUTHI_INTERFACE_UNIKERNEL))
                        r = value_read_object(reply, &properties);
                else
                        r = sd_bus_message_skip(reply, "a{sv}");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        if (r >= 0 && properties)
                g_hash_table_replace(unikernels, g_strdup(name), g_steal_pointer(&properties));

        return r;
}

static int follow_read(Follow *follow, GHashTable **ret_unikernels, Error *ret_error)
{
        g_autoptr(GHashTable) unikernels = follow_table_new();
        _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
        int r;

        r = sd_bus_message_new_method_call(follow->ctl->bus, &call, SHRUTHI_BUS_NAME, SHRUTHI_OBJECT_PATH,
                        "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
        if (r < 0)
                return client_message_error(r, ret_error);
        r = client_send(follow->ctl, call, &reply, ret_error);
        if (r < 0)
                return r;

        r = sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}")) > 0) {
                r = follow_read_object(reply, unikernels);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        if (r < 0)
                return client_message_error(r, ret_error);

        *ret_unikernels = g_steal_pointer(&unikernels);
        return 0;
}

/* sd_bus_process() returns the messages that no callback has handled. */
static int on_follow_signal(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return 0;
}

static int follow_listen(Ctl *ctl)
{
        int r;

        if (ctl->bus_private)
                return sd_bus_add_match(ctl->bus, NULL,
                                "type='signal',path_namespace='" SHRUTHI_OBJECT_PATH "'", on_follow_signal,
                                NULL);

        r = sd_bus_add_match(ctl->bus, NULL,
                        "type='signal',sender='" SHRUTHI_BUS_NAME "',path_namespace='" SHRUTHI_OBJECT_PATH
                        "'",
                        on_follow_signal, NULL);
        if (r < 0)
                return r;

        return sd_bus_add_match(ctl->bus, NULL,
                        "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
                        "arg0='" SHRUTHI_BUS_NAME "'",
                        on_follow_signal, NULL);
}

int follow_open(Ctl *ctl, FollowFunction function, void *userdata, Follow **ret_follow, Error *ret_error)
{
        g_autoptr(Follow) follow = g_new0(Follow, 1);
        int r;

        *follow = (Follow){.ctl = ctl, .function = function, .userdata = userdata};
        r = client_connect(ctl, ret_error);
        if (r < 0)
                return r;
        r = follow_listen(ctl);
        if (r < 0)
                return client_message_error(r, ret_error);
        r = follow_read(follow, &follow->unikernels, ret_error);
        if (r < 0)
                return r;

        *ret_follow = g_steal_pointer(&follow);
        return 0;
}

/* Stores the new properties (NULL if it is gone), and reports a difference. */
static int follow_set(Follow *follow, const char *name, JsonObject *now, Error *ret_error)
{
        JsonObject *found = follow_find(follow, name);
        g_autoptr(JsonObject) before = found ? json_object_ref(found) : NULL;
        FollowKind kind = !before ? FOLLOW_NEW : now ? FOLLOW_CHANGED : FOLLOW_REMOVED;

        if (before && now ? json_object_equal(before, now) : !before && !now)
                return 0;

        if (now)
                g_hash_table_replace(follow->unikernels, g_strdup(name), json_object_ref(now));
        else
                g_hash_table_remove(follow->unikernels, name);
        return follow->function(follow, kind, name, before, now, follow->userdata, ret_error);
}

/* Reads all unikernels again after shruthid has restarted. */
static int follow_read_again(Follow *follow, Error *ret_error)
{
        g_autoptr(GHashTable) now = NULL;
        g_autoptr(GList) names = NULL;
        int r;

        r = follow_read(follow, &now, ret_error);
        if (r < 0)
                return r;

        names = g_hash_table_get_keys(follow->unikernels);
        for (GList *l = names; r == 0 && l; l = l->next) {
                g_autofree char *name = g_strdup(l->data);

                r = follow_set(follow, name, g_hash_table_lookup(now, name), ret_error);
        }
        g_list_free(g_steal_pointer(&names));
        names = g_hash_table_get_keys(now);
        for (GList *l = names; r == 0 && l; l = l->next)
                r = follow_set(follow, l->data, g_hash_table_lookup(now, l->data), ret_error);

        return r;
}

static int on_follow_owner_changed(Follow *follow, sd_bus_message *message, Error *ret_error)
{
        const char *old_owner, *new_owner;

        if (sd_bus_message_read(message, "sss", NULL, &old_owner, &new_owner) < 0)
                return 0;
        if (*new_owner) {
                follow->lost = false;
                return follow_read_again(follow, ret_error);
        }
        if (!follow->lost && !follow->ctl->options.quiet)
                fprintf(stderr, "shruthid has exited; changes follow when it is back.\n");
        follow->lost = true;
        return 0;
}

static int on_follow_properties_changed(Follow *follow, sd_bus_message *message, Error *ret_error)
{
        g_autofree char *name = follow_path_name(sd_bus_message_get_path(message));
        JsonObject *before = name ? follow_find(follow, name) : NULL;
        g_autoptr(JsonObject) changes = NULL, now = NULL;
        g_autoptr(GList) members = NULL;
        const char *interface;

        if (!before || sd_bus_message_read(message, "s", &interface) < 0 ||
                        !g_str_equal(interface, SHRUTHI_INTERFACE_UNIKERNEL) ||
                        value_read_object(message, &changes) < 0)
                return 0;

        now = json_object_new();
        members = json_object_get_members(before);
        for (GList *l = members; l; l = l->next)
                json_object_set_member(now, l->data, json_object_dup_member(before, l->data));
        g_list_free(g_steal_pointer(&members));
        members = json_object_get_members(changes);
        for (GList *l = members; l; l = l->next)
                json_object_set_member(now, l->data, json_object_dup_member(changes, l->data));

        return follow_set(follow, name, now, ret_error);
}

static int on_follow_new(Follow *follow, sd_bus_message *message, Error *ret_error)
{
        g_autoptr(JsonObject) properties = NULL;
        _cleanup_error_ Error error = ERROR_INIT;
        const char *name;

        /* It may be gone already. */
        if (sd_bus_message_read(message, "s", &name) < 0 ||
                        client_get_properties(follow->ctl, name, &properties, &error) < 0)
                return 0;

        return follow_set(follow, name, properties, ret_error);
}

static int on_follow_removed(Follow *follow, sd_bus_message *message, Error *ret_error)
{
        const char *name;

        return sd_bus_message_read(message, "s", &name) < 0 ? 0 : follow_set(follow, name, NULL, ret_error);
}

static int on_follow_definition_changed(Follow *follow, sd_bus_message *message, Error *ret_error)
{
        g_autofree char *name = follow_path_name(sd_bus_message_get_path(message));
        JsonObject *now = name ? follow_find(follow, name) : NULL;

        return now ? follow->function(follow, FOLLOW_DEFINITION, name, now, now, follow->userdata, ret_error)
                   : 0;
}

static int follow_dispatch(Follow *follow, sd_bus_message *message, Error *ret_error)
{
        static const struct {
                const char *interface, *member;
                int (*function)(Follow *follow, sd_bus_message *message, Error *ret_error);
        } table[] = {
                        {"org.freedesktop.DBus", "NameOwnerChanged", on_follow_owner_changed},
                        {"org.freedesktop.DBus.Properties", "PropertiesChanged",
                                        on_follow_properties_changed},
                        {SHRUTHI_INTERFACE_MANAGER, "UnikernelNew", on_follow_new},
                        {SHRUTHI_INTERFACE_MANAGER, "UnikernelRemoved", on_follow_removed},
                        {SHRUTHI_INTERFACE_UNIKERNEL, "DefinitionChanged", on_follow_definition_changed},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
                if (sd_bus_message_is_signal(message, table[i].interface, table[i].member))
                        return table[i].function(follow, message, ret_error);

        return 0;
}

/* Waits for the next message, until deadline. Returns 0 at the deadline. */
static int follow_wait(Follow *follow, uint64_t deadline)
{
        uint64_t now = (uint64_t) g_get_monotonic_time();
        int r;

        if (now >= deadline)
                return 0;

        r = sd_bus_wait(follow->ctl->bus, deadline == UINT64_MAX ? UINT64_MAX : deadline - now);
        return r < 0 && r != -EINTR ? r : 1;
}

int follow_run(Follow *follow, uint64_t deadline, Error *ret_error)
{
        int r;

        do {
                _cleanup_message_ sd_bus_message *message = NULL;

                r = sd_bus_process(follow->ctl->bus, &message);
                if (message) {
                        int ended = follow_dispatch(follow, message, ret_error);

                        if (ended != 0)
                                return ended;
                }
                if (r == 0)
                        r = follow_wait(follow, deadline);
        } while (r > 0);

        return r < 0 ? error_set_errno(ret_error, r, "The connection to shruthid has ended") : 0;
}
