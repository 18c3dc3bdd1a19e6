/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Details and statistics of many unikernels in one call. polkit is asked about each of them, because its
 * rules may depend on the name, a few at a time and never with a password; those that it does not allow are
 * omitted. It is not asked about root. Only one such call of a user is worked on at a time. */

#include "daemon/bus/overview.h"

#include <string.h>

#include "body/body.h"
#include "common/names.h"
#include "daemon/access/call.h"
#include "daemon/bus/unikernel-details.h"
#include "daemon/state/unikernel-access.h"
#include "unikernel/guest-slice.h"
#include "unikernel/lease.h"

/* Concurrent queries to polkit for one call; this leaves some of the user's for their other calls. */
#define POLKIT_QUERIES_AT_ONCE 4

/* Up to this many are requested one by one; for more, all running ones are. */
#define SINGLE_STATISTICS_MAX 16

/* The bus daemon accepts 32 MiB (max_message_size of dbus-daemon(1)), and ends the connection of a client
 * that sends more. */
#define DETAILS_SIZE_MAX (16 * 1024 * 1024)
#define DETAILS_SIZE     1536 /* of one unikernel, in addition to its definition */
#define DEVICE_SIZE      512

typedef struct Overview Overview;

typedef struct OverviewEntry {
        Overview *overview;
        char *name, *owner, *group; /* owner and group when polkit was asked */
        bool allowed;
        Details *details;
        BodyStatistics *statistics; /* NULL if there are none */
} OverviewEntry;

struct Overview {
        Call *call;
        QueueEntry *place;
        GPtrArray *entries;    /* OverviewEntry; at the end only those that the caller may see */
        bool asking;           /* overview_ask() is asking polkit */
        guint asked, answered; /* number of entries */
        unsigned outstanding;  /* number of answers that shruthi-domain still owes */
        GPtrArray *leases;     /* Lease: of all unikernels; NULL if not read */
        void (*go)(Overview *overview);
        int (*append)(sd_bus_message *reply, const Unikernel *unikernel, const OverviewEntry *entry);
        int result;
        Error error;
};

static void overview_entry_free(gpointer data)
{
        OverviewEntry *entry = data;

        g_free(entry->name);
        g_free(entry->owner);
        g_free(entry->group);
        details_free(entry->details);
        body_statistics_free(entry->statistics);
        g_free(entry);
}

static void overview_free(Overview *overview)
{
        queue_entry_done(overview->place);
        g_ptr_array_unref(overview->entries);
        g_clear_pointer(&overview->leases, g_ptr_array_unref);
        error_clear(&overview->error);
        g_free(overview);
}

/* The unikernel that polkit was asked about; NULL if it is gone, or belongs to somebody else now. */
static Unikernel *overview_entry_unikernel(const OverviewEntry *entry)
{
        Unikernel *unikernel = unikernel_get(entry->overview->call->manager, entry->name);

        return unikernel && unikernel->announced &&
                                               unikernel_belongs_to(unikernel, entry->owner, entry->group)
                               ? unikernel
                               : NULL;
}

static int overview_append(const Overview *overview, sd_bus_message *reply)
{
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{sa{sv}}");
        for (guint i = 0; r >= 0 && i < overview->entries->len; i++) {
                const OverviewEntry *entry = overview->entries->pdata[i];
                const Unikernel *unikernel = overview_entry_unikernel(entry);

                if (!unikernel || (!entry->details && !entry->statistics))
                        continue;
                r = sd_bus_message_open_container(reply, 'e', "sa{sv}");
                if (r >= 0)
                        r = sd_bus_message_append(reply, "s", entry->name);
                if (r >= 0)
                        r = overview->append(reply, unikernel, entry);
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
        }

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void overview_end(Overview *overview)
{
        g_autoptr(sd_bus_message) reply = NULL;
        int r = overview->result;

        if (r >= 0)
                r = call_new_reply(overview->call, &reply);
        if (r >= 0)
                r = overview_append(overview, reply);
        call_finish(overview->call, reply, r, &overview->error);
        overview_free(overview);
}

static size_t definition_details_size(const Definition *definition)
{
        g_autofree char *text = definition ? definition_format(definition) : NULL;

        return text ? strlen(text) + definition->devices->len * DEVICE_SIZE : 0;
}

/* A lower bound of the size of its details in the answer. What is not counted was read from its
 * definition. */
static size_t unikernel_details_size(const Unikernel *unikernel)
{
        return DETAILS_SIZE + definition_details_size(unikernel->loaded.definition) +
               definition_details_size(unikernel->running);
}

static void lease_array_free(gpointer array)
{
        g_ptr_array_unref(array);
}

/* Groups all leases: unikernel → Lease, which leases keeps owning. */
static GHashTable *leases_by_unikernel(const GPtrArray *leases)
{
        GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, lease_array_free);

        for (guint i = 0; leases && i < leases->len; i++) {
                Lease *lease = leases->pdata[i];
                GPtrArray *own = lease->unikernel ? g_hash_table_lookup(table, lease->unikernel) : NULL;

                if (!lease->unikernel)
                        continue;
                if (!own) {
                        own = g_ptr_array_new();
                        g_hash_table_insert(table, lease->unikernel, own);
                }
                g_ptr_array_add(own, lease);
        }

        return table;
}

static void overview_read_details(void *userdata)
{
        g_autoptr(GPtrArray) none = g_ptr_array_new();
        g_autoptr(GHashTable) table = NULL;
        Overview *overview = userdata;
        bool has_slices = guest_slice_is_available();

        (void) lease_list(NULL, NULL, &overview->leases, NULL);
        table = leases_by_unikernel(overview->leases);
        for (guint i = 0; i < overview->entries->len; i++) {
                OverviewEntry *entry = overview->entries->pdata[i];

                details_read(entry->details, g_hash_table_lookup(table, entry->name) ?: none, has_slices);
        }
}

static void on_overview_details(void *userdata)
{
        overview_end(userdata);
}

static int overview_entry_append_details(
                sd_bus_message *reply, const Unikernel *unikernel, const OverviewEntry *entry)
{
        return details_append(reply, unikernel, entry->details);
}

static void overview_start_details(Overview *overview)
{
        size_t size = 0;

        for (guint i = overview->entries->len; i > 0; i--) {
                OverviewEntry *entry = overview->entries->pdata[i - 1];
                const Unikernel *unikernel = overview_entry_unikernel(entry);

                if (!unikernel) {
                        g_ptr_array_remove_index(overview->entries, i - 1);
                        continue;
                }
                size += unikernel_details_size(unikernel);
                entry->details = details_new(unikernel);
        }
        if (size > DETAILS_SIZE_MAX) {
                overview->result = error_set(&overview->error, ERROR_LIMIT_EXCEEDED,
                                "The details of %u unikernels do not fit into one answer; request fewer",
                                overview->entries->len);
                overview_end(overview);
                return;
        }

        worker_run(overview->call->manager->worker, overview->call->uid, NULL, overview_read_details,
                        on_overview_details, overview);
}

static int overview_entry_append_statistics(
                sd_bus_message *reply, const Unikernel *unikernel, const OverviewEntry *entry)
{
        return statistics_append(reply, entry->statistics);
}

/* An error means that the unikernel has just ended, so it is omitted. */
static void overview_count_statistics(Overview *overview, int r, Error *error)
{
        if (r < 0 && error->code != ERROR_NOT_RUNNING) {
                overview->result = r;
                error_move(&overview->error, error);
        }
        if (--overview->outstanding == 0)
                overview_end(overview);
}

static void on_overview_entry_statistics(int r, Error *error, const char *output, void *userdata)
{
        OverviewEntry *entry = userdata;

        if (r >= 0)
                entry->statistics = statistics_read_one(entry->name, output);
        overview_count_statistics(entry->overview, r, error);
}

static void on_overview_statistics(int r, Error *error, const char *output, void *userdata)
{
        g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GPtrArray) all = body_for(NULL)->read_statistics(r < 0 ? "" : output);
        Overview *overview = userdata;

        for (guint i = 0; i < overview->entries->len; i++) {
                OverviewEntry *entry = overview->entries->pdata[i];

                g_hash_table_insert(by_name, entry->name, entry);
        }
        for (guint i = 0; i < all->len; i++) {
                const BodyStatistics *statistics = all->pdata[i];
                const char *name = statistics->unikernel;
                OverviewEntry *entry = name ? g_hash_table_lookup(by_name, name) : NULL;

                if (entry && !entry->statistics)
                        entry->statistics = g_steal_pointer(&all->pdata[i]);
        }
        overview_count_statistics(overview, r, error);
}

static void overview_start_statistics(Overview *overview)
{
        BodyRequest request = body_for(NULL)->request(BODY_STATISTICS_ALL, NULL);
        Call *call = overview->call;

        /* Held by this function. */
        overview->outstanding = 1;
        if (overview->entries->len > SINGLE_STATISTICS_MAX) {
                overview->outstanding++;
                libvirt_helper_run_body(call->manager->helper, call->uid, &request, on_overview_statistics,
                                overview);
        } else
                for (guint i = 0; i < overview->entries->len; i++) {
                        OverviewEntry *entry = overview->entries->pdata[i];

                        overview->outstanding++;
                        request = body_for(entry->name)->request(BODY_STATISTICS, entry->name);
                        libvirt_helper_run_body(call->manager->helper, call->uid, &request,
                                        on_overview_entry_statistics, entry);
                }
        overview_count_statistics(overview, 0, NULL);
}

static void overview_ask(Overview *overview);

static void on_overview_entry_decision(Decision decision, void *userdata)
{
        OverviewEntry *entry = userdata;

        entry->allowed = decision == DECISION_YES;
        entry->overview->answered++;
        overview_ask(entry->overview);
}

static void overview_entry_ask(OverviewEntry *entry)
{
        Manager *manager = entry->overview->call->manager;
        const Unikernel *unikernel = unikernel_get(manager, entry->name);
        PolkitDetails details;

        if (!unikernel) {
                on_overview_entry_decision(DECISION_NO, entry);
                return;
        }
        details = unikernel_polkit_details(unikernel, "read");
        entry->owner = g_strdup(details.owner);
        entry->group = g_strdup(details.group);
        details.quietly = true;
        polkit_ask(manager, entry->overview->call->message, SHRUTHI_ACTION_READ_DETAILS, &details,
                        on_overview_entry_decision, entry);
}

static void overview_ask(Overview *overview)
{
        GPtrArray *entries = overview->entries;

        /* The answer may arrive before the query function returns. */
        if (overview->asking)
                return;
        overview->asking = true;
        while (overview->asked < entries->len &&
                        overview->asked - overview->answered < POLKIT_QUERIES_AT_ONCE)
                overview_entry_ask(entries->pdata[overview->asked++]);
        overview->asking = false;
        if (overview->answered < entries->len)
                return;

        for (guint i = entries->len; i > 0; i--)
                if (!((OverviewEntry *) entries->pdata[i - 1])->allowed)
                        g_ptr_array_remove_index(entries, i - 1);
        overview->go(overview);
}

static void on_overview_turn(QueueEntry *place, void *userdata)
{
        Overview *overview = userdata;

        overview->place = place;
        overview_ask(overview);
}

static void overview_add(Overview *overview, const Unikernel *unikernel, bool running)
{
        OverviewEntry *entry;

        if (!unikernel || !unikernel->announced ||
                        (running && !unikernel_state_is_up(unikernel->properties.state)))
                return;

        entry = g_new0(OverviewEntry, 1);
        *entry = (OverviewEntry){.overview = overview, .name = g_strdup(unikernel->name)};
        g_ptr_array_add(overview->entries, entry);
}

/* Adds the existing unikernels in names, or all if names is empty. A duplicate name counts once. */
static void overview_fill(Overview *overview, char **names, bool running)
{
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        Manager *manager = overview->call->manager;
        GHashTableIter iter;
        gpointer value;

        for (char **name = names; name && *name; name++)
                if (g_hash_table_add(seen, *name))
                        overview_add(overview, unikernel_get(manager, *name), running);
        if (names && *names)
                return;

        g_hash_table_iter_init(&iter, manager->unikernels);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                overview_add(overview, value, running);
}

static int overview_start(sd_bus_message *message, Manager *manager, bool running,
                void (*go)(Overview *overview),
                int (*append)(sd_bus_message *reply, const Unikernel *unikernel, const OverviewEntry *entry))
{
        _cleanup_error_ Error error = ERROR_INIT;
        g_auto(GStrv) names = NULL;
        Overview *overview;
        Call *call;
        int r;

        r = sd_bus_message_read_strv(message, &names);
        if (r < 0)
                return reply_invalid_args(message, r);

        r = call_identify(manager, message, NULL, &error);
        if (r == 0)
                return 1;
        if (r > 0)
                r = call_begin(manager, message, NULL, &call, &error);
        if (r < 0)
                return reply_error(message, &error, r);

        overview = g_new0(Overview, 1);
        *overview = (Overview){.call = call,
                        .entries = g_ptr_array_new_with_free_func(overview_entry_free),
                        .go = go,
                        .append = append,
                        .error = ERROR_INIT};
        overview_fill(overview, names, running);
        queue_add(manager->overviews, call->uid, on_overview_turn, overview);
        return 1;
}

int method_list_unikernel_details(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return overview_start(
                        message, userdata, false, overview_start_details, overview_entry_append_details);
}

int method_list_unikernel_statistics(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        return overview_start(message, userdata, true, overview_start_statistics,
                        overview_entry_append_statistics);
}
