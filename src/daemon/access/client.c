/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The callers: one entry for each unique name that has ever called and is still on the bus. */

#include "daemon/access/client.h"

#include <errno.h>

#include "common/log.h"
#include "common/paths.h"
#include "common/users.h"

/* Whether the message came from a connection that was accepted as root's. No other connection bypasses
 * polkit. */
bool message_is_private(Manager *manager, sd_bus_message *message)
{
        return g_ptr_array_find(manager->peers, sd_bus_message_get_bus(message), NULL);
}

int message_redispatch(sd_bus_message *message)
{
        int r = sd_bus_message_rewind(message, true);

        return r < 0 ? r : sd_bus_enqueue_for_read(sd_bus_message_get_bus(message), message);
}

static void message_free(gpointer message)
{
        sd_bus_message_unref(message);
}

void client_free(Client *client)
{
        if (!client)
                return;

        sd_bus_slot_unref(client->credentials_slot);
        g_ptr_array_unref(client->waiting);
        g_atomic_rc_box_release(client->gone);
        g_free(client->gids);
        g_free(client->name);
        g_free(client);
}

static void client_vanished(Client *client)
{
        Manager *manager = client->manager;

        client->state = CLIENT_GONE;
        g_atomic_int_set(client->gone, 1);
        manager->hooks->client_gone(manager, client->name);
        g_hash_table_remove(manager->clients, client->name);
        manager_touch(manager);
}

static int on_client_name_lost(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Manager *manager = userdata;
        const char *name;
        Client *client;

        client = sd_bus_message_read(message, "s", &name) < 0 ? NULL
                                                              : g_hash_table_lookup(manager->clients, name);
        if (client)
                client_vanished(client);

        return 0;
}

/* One match covers all clients that leave, because a connection can have at most 512 (dbus-daemon(1),
 * max_match_rules_per_connection), and a match that fails ends the connection
 * (sd_bus_add_match_async(3)). */
int clients_watch(Manager *manager)
{
        return sd_bus_add_match_async(manager->bus, NULL,
                        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                        "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''",
                        on_client_name_lost, NULL, manager);
}

static void client_wake(Client *client)
{
        g_autoptr(GPtrArray) waiting = g_steal_pointer(&client->waiting);

        client->waiting = g_ptr_array_new_with_free_func(message_free);
        for (guint i = 0; i < waiting->len; i++)
                if (message_redispatch(waiting->pdata[i]) < 0)
                        (void) sd_bus_reply_method_errorf(waiting->pdata[i], SD_BUS_ERROR_LIMITS_EXCEEDED,
                                        "Too many calls are waiting for processing");
}

/* Reads UnixUserID u and UnixGroupIDs au of the dictionary (D-Bus specification,
 * GetConnectionCredentials). */
static int client_read_credentials(Client *client, sd_bus_message *reply)
{
        bool have_uid = false;
        const char *key;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = sd_bus_message_read(reply, "s", &key);
                if (r < 0)
                        return r;
                if (g_str_equal(key, "UnixUserID")) {
                        r = sd_bus_message_read(reply, "v", "u", &client->uid);
                        have_uid = true;
                } else if (g_str_equal(key, "UnixGroupIDs")) {
                        const void *gids;
                        size_t size;

                        r = sd_bus_message_enter_container(reply, 'v', "au");
                        if (r >= 0)
                                r = sd_bus_message_read_array(reply, 'u', &gids, &size);
                        if (r >= 0) {
                                g_free(client->gids);
                                client->gids = g_memdup2(gids, size);
                                client->n_gids = size / sizeof(gid_t);
                                r = sd_bus_message_exit_container(reply);
                        }
                } else
                        r = sd_bus_message_skip(reply, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        if (r < 0)
                return r;
        if (!have_uid)
                return -ENODATA;

        client->uid = user_number_here(client->uid);
        return paths_are_of_user() && client->uid != 0 ? -EACCES : 0;
}

static int on_client_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Client *client = userdata;
        int r;

        client->credentials_slot = sd_bus_slot_unref(client->credentials_slot);
        r = sd_bus_message_is_method_error(reply, NULL) ? -ESRCH : client_read_credentials(client, reply);
        if (r < 0) {
                /* The client has left, the bus does not know its user, or it is not whose instance this is:
                 * no identity, no access. */
                log_debug("Cannot get the credentials of %s from the bus: %s", client->name, g_strerror(-r));
                for (guint i = 0; i < client->waiting->len; i++)
                        (void) sd_bus_reply_method_errorf(client->waiting->pdata[i],
                                        SD_BUS_ERROR_ACCESS_DENIED,
                                        r == -EACCES ? "These are the unikernels of another user"
                                                     : "Cannot get your credentials from the bus");
                client_vanished(client);
                return 0;
        }

        client->state = CLIENT_KNOWN;
        client_wake(client);
        return 0;
}

int client_notice(Manager *manager, sd_bus_message *message)
{
        const char *sender = sd_bus_message_get_sender(message);
        Client *client;
        int r;

        manager_touch(manager);
        if (!sender || message_is_private(manager, message) ||
                        g_hash_table_contains(manager->clients, sender))
                return 0;

        client = g_new0(Client, 1);
        *client = (Client){.manager = manager,
                        .name = g_strdup(sender),
                        .uid = (uid_t) -1,
                        .gone = g_atomic_rc_box_new0(int),
                        .waiting = g_ptr_array_new_with_free_func(message_free)};
        /* A client that leaves after this answer is noticed, because the match was added long before. */
        r = sd_bus_call_method_async(manager->bus, &client->credentials_slot, "org.freedesktop.DBus",
                        "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionCredentials",
                        on_client_credentials, client, "s", client->name);
        if (r < 0) {
                client_free(client);
                return r;
        }

        g_hash_table_insert(manager->clients, client->name, client);
        return 0;
}

int client_identify(Manager *manager, sd_bus_message *message, Client **ret_client)
{
        const char *sender = sd_bus_message_get_sender(message);
        Client *client;

        if (message_is_private(manager, message)) {
                *ret_client = NULL;
                return 1;
        }

        client = sender ? g_hash_table_lookup(manager->clients, sender) : NULL;
        if (!client)
                return -ESRCH;
        if (client->state == CLIENT_ASKED) {
                if (client->waiting->len >= CALLS_PER_USER_MAX)
                        return -EDQUOT;
                g_ptr_array_add(client->waiting, sd_bus_message_ref(message));
                return 0;
        }

        *ret_client = client;
        return 1;
}
