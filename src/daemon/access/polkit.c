/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks polkit asynchronously. The call is kept as its message, which is dispatched to its handler again when
 * the answer arrives: nothing that was looked up before the query is used after it. polkit is not asked
 * about root: it says yes before it evaluates any rule (check_authorization_sync() in its
 * polkitbackendinteractiveauthority.c), and without polkit root can do the same in other ways. */

#include "daemon/access/polkit.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "common/names.h"
#include "common/string-util.h"
#include "common/unikernel-name.h"
#include "daemon/access/call-limits.h"
#include "daemon/access/client.h"
#include "daemon/core/queue.h"

#define POLKIT_FLAG_ALLOW_USER_INTERACTION 1U

#define REASON_LENGTH_MAX 400

/* Below the 25 s after which libdbus and sd-bus stop waiting, so that the caller learns the reason; a person
 * needs time to type. */
#define POLKIT_TIMEOUT             (20 * G_USEC_PER_SEC)
#define POLKIT_TIMEOUT_INTERACTIVE (300 * G_USEC_PER_SEC)

struct Query {
        Manager *manager;
        sd_bus_message *message;
        char *action, *unikernel, *network, *volume, *owner, *group, *reason;
        char *sender, *cancellation_id;
        uid_t uid;
        unsigned weight;
        bool interactive;
        uint64_t begun, deadline; /* µs, CLOCK_MONOTONIC */
        QueueEntry *entry;        /* has a place, or waits for one */
        Decision decision;
        sd_bus_slot *slot;
        sd_event_source *expire_source;
        PolkitDone done; /* NULL if the message is dispatched again */
        void *userdata;
};

static uint64_t cancellation_counter;

/* client comes from client_identify(): NULL for the private socket, otherwise with what the bus daemon says
 * about the connection (GetConnectionCredentials). Nothing in the message counts. */
static bool client_is_root(const Client *client)
{
        return !client || client->uid == 0;
}

void query_free(Query *query)
{
        if (!query)
                return;

        if (query->slot) {
                /* Nobody waits for the answer any more, so the user's password agent must stop asking. */
                (void) sd_bus_call_method_async(query->manager->bus, NULL, POLKIT_NAME, POLKIT_PATH,
                                POLKIT_INTERFACE, "CancelCheckAuthorization", NULL, NULL, "s",
                                query->cancellation_id);
                sd_bus_slot_unref(query->slot);
        }
        sd_event_source_disable_unref(query->expire_source);
        queue_entry_done(query->entry);
        calls_leave(query->manager, query->uid, query->weight);
        sd_bus_message_unref(query->message);
        g_free(query->action);
        g_free(query->unikernel);
        g_free(query->network);
        g_free(query->volume);
        g_free(query->owner);
        g_free(query->group);
        g_free(query->reason);
        g_free(query->sender);
        g_free(query->cancellation_id);
        g_free(query);
}

/* Removes an answered query whose handler, called again, did not ask for the answer. Runs when the loop has
 * nothing else to do, so after the handler has run. Until then the query counts as a call, so even a busy
 * loop keeps no more queries than calls may be in progress. */
static int on_query_expired(sd_event_source *source, void *userdata)
{
        Query *query = userdata;

        g_hash_table_remove(query->manager->queries, query->message);
        return 0;
}

static void query_finish(Query *query, Decision decision)
{
        sd_event_source *source = NULL;
        int r;

        query->decision = decision;
        query->slot = sd_bus_slot_unref(query->slot);
        query->entry = queue_entry_done(query->entry);
        if (query->done) {
                PolkitDone done = query->done;
                void *userdata = query->userdata;

                g_hash_table_remove(query->manager->queries, query);
                done(decision, userdata);
                return;
        }

        r = message_redispatch(query->message);
        if (r >= 0)
                r = sd_event_add_defer(query->manager->event, &source, on_query_expired, query);
        if (r >= 0) {
                query->expire_source = source;
                r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
        }
        if (r < 0) {
                (void) sd_bus_reply_method_errnof(query->message, r, "Cannot dispatch the call again");
                g_hash_table_remove(query->manager->queries, query->message);
        }
}

static Decision query_read_decision(sd_bus_message *reply, const Query *query)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        int authorized, challenge;

        if (error) {
                log_debug("Cannot ask polkit whether %s may %s: %s", query->sender, query->action,
                                error->message);
                return DECISION_NO;
        }
        if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
                        sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0)
                return DECISION_NO;
        if (authorized)
                return DECISION_YES;

        return challenge ? DECISION_CHALLENGE : DECISION_NO;
}

static int on_query_answered(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Query *query = userdata;

        /* sd-bus itself makes the timeout error: polkit may still be working on the query. */
        if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY))
                (void) sd_bus_call_method_async(query->manager->bus, NULL, POLKIT_NAME, POLKIT_PATH,
                                POLKIT_INTERFACE, "CancelCheckAuthorization", NULL, NULL, "s",
                                query->cancellation_id);
        query_finish(query, query_read_decision(reply, query));
        return 0;
}

static int query_append_detail(sd_bus_message *m, const char *key, const char *value)
{
        return value ? sd_bus_message_append(m, "{ss}", key, value) : 0;
}

static int query_append(sd_bus_message *m, const Query *query)
{
        g_autofree char *unit = query->unikernel ? unit_name_for(query->unikernel) : NULL;
        int r;

        r = sd_bus_message_append(
                        m, "(sa{sv})s", "system-bus-name", 1, "name", "s", query->sender, query->action);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{ss}");
        if (r >= 0)
                r = query_append_detail(m, "verb", query->action + strlen(SHRUTHI_ACTION_PREFIX));
        if (r >= 0)
                r = query_append_detail(m, "unikernel", query->unikernel);
        if (r >= 0)
                r = query_append_detail(m, "unit", unit);
        if (r >= 0)
                r = query_append_detail(m, "network", query->network);
        if (r >= 0)
                r = query_append_detail(m, "volume", query->volume);
        if (r >= 0)
                r = query_append_detail(m, "owner", query->owner);
        if (r >= 0)
                r = query_append_detail(m, "group", query->group);
        if (r >= 0)
                r = query_append_detail(m, "reason", query->reason);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "us",
                                query->interactive ? POLKIT_FLAG_ALLOW_USER_INTERACTION : 0U,
                                query->cancellation_id);

        return r;
}

static int query_send(Query *query, uint64_t timeout)
{
        g_autoptr(sd_bus_message) m = NULL;
        int r;

        r = sd_bus_message_new_method_call(query->manager->bus, &m, POLKIT_NAME, POLKIT_PATH,
                        POLKIT_INTERFACE, "CheckAuthorization");
        if (r >= 0)
                r = query_append(m, query);
        if (r < 0)
                return r;

        return sd_bus_call_async(query->manager->bus, &query->slot, m, on_query_answered, query, timeout);
}

static int on_query_given_up(sd_event_source *source, void *userdata)
{
        Query *query = userdata;

        query->expire_source = sd_event_source_disable_unref(query->expire_source);
        query_finish(query, DECISION_NO);
        return 0;
}

/* Earlier queries time out before this one, so its turn comes in time. */
static void on_query_turn(QueueEntry *entry, void *userdata)
{
        Query *query = userdata;
        uint64_t now;

        query->entry = entry;
        (void) sd_event_now(query->manager->event, CLOCK_MONOTONIC, &now);
        if (now < query->deadline && query_send(query, query->deadline - now) >= 0)
                return;

        /* Not from within the call that queued it. */
        if (sd_event_add_defer(query->manager->event, &query->expire_source, on_query_given_up, query) < 0)
                log_error("Cannot deny the request of %s: out of memory", query->sender);
}

/* weight is how many calls of its user it counts as. */
static Query *query_new(Manager *manager, sd_bus_message *message, uid_t uid, unsigned weight,
                const char *action, const PolkitDetails *details)
{
        Query *query = g_new0(Query, 1);

        *query = (Query){
                        .manager = manager,
                        .message = sd_bus_message_ref(message),
                        .action = g_strdup(action),
                        .unikernel = g_strdup(details->unikernel),
                        .network = g_strdup(details->network),
                        .volume = g_strdup(details->volume),
                        .owner = g_strdup(details->owner),
                        .group = g_strdup(details->group),
                        .reason = details->reason ? text_for_display(details->reason, REASON_LENGTH_MAX)
                                                  : NULL,
                        .sender = g_strdup(sd_bus_message_get_sender(message)),
                        .cancellation_id = g_strdup_printf("%" G_GUINT64_FORMAT, ++cancellation_counter),
                        .uid = uid,
                        .interactive = !details->quietly &&
                                       sd_bus_message_get_allow_interactive_authorization(message) > 0,
        };
        query->begun = (uint64_t) g_get_monotonic_time();
        query->deadline = query->begun + (query->interactive ? POLKIT_TIMEOUT_INTERACTIVE : POLKIT_TIMEOUT);
        query->weight = weight;
        calls_enter(manager, uid, query->weight);
        query->entry = queue_add(query->interactive ? manager->polkit_dialogs : manager->polkit_queries, uid,
                        on_query_turn, query);
        return query;
}

int polkit_decision_error(
                Decision decision, const char *action, const PolkitDetails *details, Error *ret_error)
{
        const char *kind = details->volume ? "volume" : details->network ? "network" : "unikernel",
                   *name = details->volume ?: details->network ?: details->unikernel;
        g_autofree char *shown = text_for_display(name ?: "", 80);
        g_autofree char *what = name ? g_strdup_printf("%s %s '%s'", details->verb, kind, shown)
                                     : g_strdup(details->verb);

        if (decision == DECISION_CHALLENGE)
                return error_set(ret_error, ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                "Authentication is required to %s (%s), and the call does not allow "
                                "interactive authentication",
                                what, action);

        return error_set(ret_error, ERROR_ACCESS_DENIED, "Not authorized to %s (%s)", what, action);
}

uint64_t polkit_asked_at(const Manager *manager, sd_bus_message *message)
{
        const Query *query = g_hash_table_lookup(manager->queries, message);

        return query ? query->begun : 0;
}

static bool query_is_about(const Query *query, const char *action, const PolkitDetails *details)
{
        return g_str_equal(query->action, action) && g_strcmp0(query->owner, details->owner) == 0 &&
               g_strcmp0(query->group, details->group) == 0;
}

int polkit_authorize(Manager *manager, sd_bus_message *message, const char *action,
                const PolkitDetails *details, Error *ret_error)
{
        Query *query = g_hash_table_lookup(manager->queries, message);
        Client *client;
        int r;

        /* An answer is used once. If the object belongs to somebody else by now, polkit is asked again. */
        if (query) {
                bool same = query_is_about(query, action, details);
                Decision decision = query->decision;

                g_hash_table_remove(manager->queries, message);
                if (same && decision == DECISION_YES)
                        return 1;
                if (same)
                        return polkit_decision_error(decision, action, details, ret_error);
        }

        r = client_identify(manager, message, &client);
        if (r == -EDQUOT)
                return error_set(
                                ret_error, ERROR_LIMIT_EXCEEDED, "Too many calls are waiting for an answer");
        if (r < 0)
                return polkit_decision_error(DECISION_NO, action, details, ret_error);
        if (r == 0 || client_is_root(client))
                return r;

        r = calls_check(manager, client->uid, ret_error);
        if (r < 0)
                return r;

        query = query_new(manager, message, client->uid, message_weight(message), action, details);
        g_hash_table_insert(manager->queries, message, query);
        return 0;
}

void polkit_ask(Manager *manager, sd_bus_message *message, const char *action, const PolkitDetails *details,
                PolkitDone done, void *userdata)
{
        Client *client = NULL;
        Query *query;

        if (client_identify(manager, message, &client) <= 0) {
                done(DECISION_NO, userdata);
                return;
        }
        if (client_is_root(client)) {
                done(DECISION_YES, userdata);
                return;
        }

        /* The message already counts for the call in progress, and is not read again for each of many
         * queries. */
        query = query_new(manager, message, client->uid, 1, action, details);
        query->done = done;
        query->userdata = userdata;
        g_hash_table_insert(manager->queries, query, query);
}

void polkit_forget_sender(Manager *manager, const char *sender)
{
        g_autoptr(GList) queries = g_hash_table_get_values(manager->queries);

        for (GList *l = queries; l; l = l->next) {
                Query *query = l->data;
                PolkitDone done = query->done;
                void *userdata = query->userdata;

                if (!g_str_equal(query->sender, sender))
                        continue;

                g_hash_table_remove(manager->queries, done ? (void *) query : (void *) query->message);
                if (done)
                        done(DECISION_NO, userdata);
        }
}
