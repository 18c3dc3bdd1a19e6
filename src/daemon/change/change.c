/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Takes a change of a definition through the loop. A thread does the work; the steps that need the loop
 * (polkit, the helper, systemd) are here. */

#include "daemon/change/change.h"

#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "common/systemd-version.h"
#include "common/unikernel-name.h"
#include "daemon/change/change-share.h"
#include "daemon/change/seal-client.h"
#include "daemon/state/registry.h"
#include "daemon/state/systemd.h"
#include "unikernel/exit-record.h"
#include "unikernel/listeners.h"
#include "unikernel/memory.h"

static const char *const change_verb_table[_CHANGE_KIND_MAX] = {
                [CHANGE_CREATE] = "create",
                [CHANGE_SETTINGS] = "change",
                [CHANGE_DEFINITION] = "change",
                [CHANGE_REMOVE] = "remove",
};

static const char *change_verb(const Change *change)
{
        return change_verb_table[change->request.kind];
}

Change *change_new(Call *call, ChangeKind kind)
{
        Change *change = g_new0(Change, 1);

        *change = (Change){.call = call,
                        .request = {.kind = kind,
                                        .call = call,
                                        .name = g_strdup(call->unikernel),
                                        .conf = shared_conf_ref(call->manager->conf),
                                        .image_fd = -EBADF},
                        .result = CHANGE_RESULT_INIT};
        return change;
}

static void change_request_clear(ChangeRequest *request)
{
        shared_conf_unref(request->conf);
        settings_free(request->settings);
        close_safe(request->image_fd);
        g_clear_pointer(&request->usages, g_array_unref);
        g_clear_pointer(&request->claims, g_ptr_array_unref);
        g_clear_pointer(&request->orders, g_ptr_array_unref);
        g_clear_pointer(&request->publishers, g_ptr_array_unref);
        g_clear_pointer(&request->listeners, g_array_unref);
        g_strfreev(request->bridges);
        g_strfreev(request->networks);
        g_clear_pointer(&request->subnets, g_ptr_array_unref);
        g_free(request->name);
        g_free(request->text);
        g_free(request->image_digest);
        g_free(request->image_path);
}

static void change_free(Change *change)
{
        change_request_clear(&change->request);
        change_result_clear(&change->result);
        g_free(change);
}

/* The optional steps that this change needs; each is known after the step before it. */
static unsigned change_needs(const Change *change)
{
        const ChangeRequest *request = &change->request;
        const ChangeResult *result = &change->result;
        bool create = request->kind == CHANGE_CREATE;
        unsigned needs = 0;

        if (request->settings->networks || request->kind == CHANGE_DEFINITION)
                needs |= CHANGE_NEEDS_NETWORKS;
        if (result->addresses)
                needs |= create ? CHANGE_NEEDS_ALLOCATE : CHANGE_NEEDS_RELEASE;
        if (create || request->kind == CHANGE_REMOVE)
                needs |= CHANGE_NEEDS_FORGET;
        if (result->reload && change->call->manager->systemd)
                needs |= CHANGE_NEEDS_RELOAD;
        return needs;
}

static void change_enter(Change *change);

/* May free change. */
static void change_advance(Change *change, ChangeEvent event)
{
        ChangeState next = change_state_next(change->state, event, change_needs(change));

        g_assert(next >= 0);
        change->state = next;
        change_enter(change);
}

/* The same, after a step that ended with r. */
static void change_advance_by(Change *change, int r)
{
        change_advance(change, r < 0 ? CHANGE_EVENT_FAILED : CHANGE_EVENT_DONE);
}

/* --- LISTING_NETWORKS --- */

/* "BRIDGE NETWORK": the owner of a bridge is known before anybody may use it. */
static void change_note_bridge(Manager *manager, const char *value)
{
        g_auto(GStrv) parts = g_strsplit(value, " ", 2);
        Network *network = parts[0] && parts[1] ? network_get(manager, parts[1]) : NULL;

        if (network)
                network_set_bridge(network, parts[0]);
}

static void change_subnet_free(gpointer data)
{
        ChangeSubnet *one = data;

        g_free(one->bridge);
        g_free(one->network);
        g_free(one);
}

/* "SUBNET BRIDGE NETWORK" */
static void change_note_subnet(ChangeRequest *request, const char *value)
{
        g_auto(GStrv) parts = g_strsplit(value, " ", 3);
        ChangeSubnet *one;
        Subnet subnet;

        if (g_strv_length(parts) != 3 || subnet_parse(parts[0], &subnet, NULL) < 0)
                return;
        one = g_new(ChangeSubnet, 1);
        *one = (ChangeSubnet){.subnet = subnet, .bridge = g_strdup(parts[1]), .network = g_strdup(parts[2])};
        g_ptr_array_add(request->subnets, one);
}

/* Whether what programs of the host listen on can matter. */
static bool change_may_publish(const ChangeRequest *request)
{
        const GPtrArray *networks = request->settings ? request->settings->networks : NULL;

        if (request->kind == CHANGE_DEFINITION)
                return !request->text || strstr(request->text, "Publish");
        for (guint i = 0; networks && i < networks->len; i++)
                if (((const DefinitionDevice *) networks->pdata[i])->publish)
                        return true;

        return false;
}

static void on_change_networks(int r, Error *error, const char *output, void *userdata)
{
        DomainKey key;
        g_autoptr(GPtrArray) bridges = g_ptr_array_new(), networks = g_ptr_array_new();
        Change *change = userdata;
        ChangeRequest *request = &change->request;
        Listener listener;

        request->subnets = g_ptr_array_new_with_free_func(change_subnet_free);
        if (change_may_publish(request))
                request->listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
        if (r < 0)
                log_debug("Cannot list the networks: %s", error_message(error, r));
        for (char *value; r >= 0 && domain_next_key(&output, &key, &value);) {
                if (key == DOMAIN_KEY_BRIDGE)
                        g_ptr_array_add(bridges, g_steal_pointer(&value));
                else if (key == DOMAIN_KEY_NETWORK)
                        g_ptr_array_add(networks, g_steal_pointer(&value));
                else if (key == DOMAIN_KEY_NETWORK_BRIDGE)
                        change_note_bridge(change->call->manager, value);
                else if (key == DOMAIN_KEY_NETWORK_SUBNET)
                        change_note_subnet(request, value);
                else if (key == DOMAIN_KEY_LISTENER && request->listeners &&
                                listener_parse(value, &listener) >= 0)
                        g_array_append_val(request->listeners, listener);
                g_free(value);
        }
        g_ptr_array_add(bridges, NULL);
        g_ptr_array_add(networks, NULL);
        request->have_networks = r >= 0;
        request->bridges = (char **) g_ptr_array_steal(bridges, NULL);
        request->networks = (char **) g_ptr_array_steal(networks, NULL);
        change_advance_by(change, r);
}

/* --- WORKING --- */

/* The definition is written, and the registry may not have read it yet. */
static bool change_is_written(const Change *change)
{
        return change_state_is_worked(change->state) && change->request.kind != CHANGE_REMOVE;
}

GArray *change_collect_usages(const Change *change)
{
        GArray *usages = g_array_new(FALSE, FALSE, sizeof(ResourceUsage));
        const ChangeRequest *request = &change->request;
        Manager *manager = change->call->manager;
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->changing);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Change *other = value;

                if (other != change && change_is_written(other))
                        g_array_append_val(usages, other->result.usage);
        }
        g_hash_table_iter_init(&iter, manager->unikernels);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Unikernel *unikernel = value;
                const Definition *definition = unikernel->loaded.definition;
                const Change *other = g_hash_table_lookup(manager->changing, unikernel->name);
                ResourceUsage usage = {};

                if (g_str_equal(unikernel->name, request->name) || (other && change_is_written(other)))
                        continue;
                if (definition) {
                        usage = resource_usage_of(definition,
                                        memory_taken(unikernel->loaded.process, request->conf->conf),
                                        request->conf->conf);
                        usage.addresses = network_count_addresses(
                                        request->claims, request->conf->conf, definition);
                }
                g_array_append_val(usages, usage);
        }

        return usages;
}

static GPtrArray *change_collect_publishers(const Change *change)
{
        GPtrArray *publishers = registry_collect_publishers(change->call->manager, change->request.name);
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, change->call->manager->changing);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Change *other = value;

                if (other != change && change_is_written(other) && other->result.publisher)
                        g_ptr_array_add(publishers, publisher_copy(other->result.publisher));
        }
        return publishers;
}

/* When its turn has come, and not before: of one user only one change is worked on at a time, so what that
 * user has is true then. */
static void on_change_turn(void *userdata)
{
        Change *change = userdata;
        ChangeRequest *request = &change->request;

        g_clear_pointer(&request->claims, g_ptr_array_unref);
        request->claims = network_claims(change->call->manager);
        g_clear_pointer(&request->usages, g_array_unref);
        request->usages = change_collect_usages(change);
        g_clear_pointer(&request->orders, g_ptr_array_unref);
        request->orders = registry_collect_orders(change->call->manager, request->name);
        g_clear_pointer(&request->publishers, g_ptr_array_unref);
        request->publishers = change_collect_publishers(change);
        change_result_clear(&change->result);
}

static void change_run_work(void *userdata)
{
        Change *change = userdata;

        change_work(&change->request, &change->result);
}

static void on_change_worked(void *userdata)
{
        Change *change = userdata;

        if (change->result.r < 0 && change->result.needs_administer && change->quiet) {
                change->result.error.code = ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED;
                change_advance(change, CHANGE_EVENT_FAILED);
        } else if (change->result.r < 0 && change->result.needs_administer)
                change_advance(change, CHANGE_EVENT_NEEDS_ADMINISTER);
        else if (change->result.r >= 0 && change->result.unwritten)
                change_advance(change, CHANGE_EVENT_UNWRITTEN);
        else
                change_advance_by(change, change->result.r);
}

/* --- AUTHORIZING --- */

static void on_change_administer(Decision decision, void *userdata)
{
        Change *change = userdata;

        /* The message says what needs an administrator; if a password would have helped, the error name says
         * so. */
        if (decision == DECISION_CHALLENGE)
                change->result.error.code = ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED;
        change->request.administer = decision == DECISION_YES;
        change_advance(change, decision == DECISION_YES ? CHANGE_EVENT_DONE : CHANGE_EVENT_FAILED);
}

static void change_ask_polkit(Change *change)
{
        PolkitDetails details = {.verb = change_verb(change),
                        .unikernel = change->request.name,
                        .reason = change->result.error.message};

        polkit_ask(change->call->manager, change->call->message, SHRUTHI_ACTION_ADMINISTER, &details,
                        on_change_administer, change);
}

/* --- ALLOCATING, UNDOING, GIVING_BACK, RELEASING --- */

static void change_run_helper(Change *change, ChangeShareKind kind, LibvirtHelperDone done)
{
        change_share_run(change->call->manager, kind, change->call->uid, change->request.name, done, change);
}

/* The definition is written first, so a crash leaves a unikernel that gets its addresses at its first start,
 * never an address without a unikernel. */
static void on_change_allocated(int r, Error *error, const char *output, void *userdata)
{
        Change *change = userdata;

        if (r < 0) {
                change->result.r = r;
                error_move(&change->result.error, error);
        }
        change_advance_by(change, r);
}

static void change_run_undo(void *userdata)
{
        Change *change = userdata;

        change_work_undo(&change->request, &change->result);
}

static void on_change_undone(void *userdata)
{
        change_advance(userdata, CHANGE_EVENT_DONE);
}

/* The unikernel is removed even if this fails; addresses_sweep() releases what is left. */
static void on_change_released(int r, Error *error, const char *output, void *userdata)
{
        Change *change = userdata;

        if (r < 0)
                log_object(LOG_WARNING, &(LogObject){.unikernel = change->request.name}, NULL, NULL,
                                "Cannot release the addresses of '%s' yet: %s", change->request.name,
                                error_message(error, r));
        change_advance_by(change, r);
}

/* --- WRITTEN --- */

static void change_log(const Change *change)
{
        static const char *const ids[_CHANGE_KIND_MAX] = {
                        [CHANGE_CREATE] = SHRUTHI_MESSAGE_CREATED,
                        [CHANGE_SETTINGS] = SHRUTHI_MESSAGE_CHANGED,
                        [CHANGE_DEFINITION] = SHRUTHI_MESSAGE_CHANGED,
                        [CHANGE_REMOVE] = SHRUTHI_MESSAGE_REMOVED,
        };
        const ChangeResult *result = &change->result;
        const char *name = change->request.name;
        g_autofree char *owner = g_strdup_printf("%u", (unsigned) result->owner);

        log_object(LOG_INFO, &(LogObject){.unikernel = name, .owner = owner, .image = result->image},
                        ids[change->request.kind], NULL, "Unikernel '%s' was %sd by user %s", name,
                        change_verb(change), result->user);
        if (result->without_steps)
                log_object(LOG_NOTICE, &(LogObject){.unikernel = name, .owner = owner}, NULL, NULL,
                                "RestartSteps= and RestartMaxDelaySec= of '%s' are without effect: this "
                                "host's systemd is older than %d, and waits RestartSec= each time",
                                name, SYSTEMD_VERSION_RESTART_STEPS);
        if (result->taken_over && result->taken_over[0]) {
                g_autofree char *files = g_strjoinv(", ", result->taken_over);

                log_object(LOG_NOTICE, &(LogObject){.unikernel = name, .owner = owner}, NULL, NULL,
                                "'%s' uses files that already existed for a unikernel of this name: %s",
                                name, files);
        }
}

/* --- FORGETTING, FETCHING --- */

/* If there was something to reset, systemd may still know the unit. */
static int on_change_reset(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        change_advance_by(userdata, sd_bus_message_is_method_error(reply, NULL) ? -EIO : 0);
        return 0;
}

/* Forgets how the last run ended when the definition is removed; for a new one, what a former unikernel with
 * that name may have left. */
static void change_forget_run(Change *change)
{
        g_autofree char *unit = unit_name_for(change->request.name);
        sd_bus *bus = change->call->manager->bus;

        (void) exit_record_remove(change->request.name);
        if (!bus || sd_bus_call_method_async(bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                    "ResetFailedUnit", on_change_reset, change, "s", unit) < 0)
                change_advance(change, CHANGE_EVENT_FAILED);
}

static void on_change_fetched(int r, Error *error, void *userdata)
{
        Change *change = userdata;
        Unikernel *unikernel = unikernel_get(change->call->manager, change->request.name);

        if (unikernel)
                unikernel_forget_run(unikernel);
        change_advance_by(change, r);
}

/* --- READING, RELOADING --- */

static void on_change_read(void *userdata)
{
        change_advance(userdata, CHANGE_EVENT_DONE);
}

static void on_change_reloaded(int r, Error *error, void *userdata)
{
        Change *change = userdata;

        if (r < 0) {
                change->result.r = r;
                error_move(&change->result.error, error);
                error_prefix(&change->result.error, "The definition of '%s' was changed, but",
                                change->request.name);
        }
        change_advance_by(change, r);
}

static void change_set_expected(Change *change, bool expected)
{
        Manager *manager = change->call->manager;
        uid_t uid = change->call->uid;

        if (change->expected == expected)
                return;
        change->expected = expected;
        if (expected)
                change_share_expect(manager, CHANGE_SHARE_ALLOCATE, uid);
        else
                change_share_expect_no_more(manager, CHANGE_SHARE_ALLOCATE, uid);
}

/* --- ENDED --- */

static void change_answer(Change *change)
{
        Manager *manager = change->call->manager;
        Call *call = g_steal_pointer(&change->call);
        g_autofree char *path = unikernel_path(change->request.name);

        g_hash_table_remove(manager->changing, change->request.name);
        if (change->done)
                change->done(call, &change->result, change->userdata);
        else if (change->result.r < 0)
                call_fail(call, &change->result.error, change->result.r);
        else if (change->request.kind == CHANGE_CREATE)
                call_reply(call, "o", path);
        else
                call_reply(call, "");
        change_free(change);
}

static void change_enter(Change *change)
{
        Manager *manager = change->call->manager;
        const char *name = change->request.name;
        uid_t uid = change->call->uid;

        switch (change->state) {
        case CHANGE_LISTING_NETWORKS:
                change_share_run(manager,
                                change_may_publish(&change->request) ? CHANGE_SHARE_LISTENERS
                                                                     : CHANGE_SHARE_NETWORKS,
                                uid, NULL, on_change_networks, change);
                break;
        case CHANGE_WORKING:
                worker_run(manager->worker, uid, on_change_turn, change_run_work, on_change_worked, change);
                break;
        case CHANGE_AUTHORIZING:
                change_ask_polkit(change);
                break;
        case CHANGE_ALLOCATING:
                change_run_helper(change, CHANGE_SHARE_ALLOCATE, on_change_allocated);
                change_set_expected(change, false);
                break;
        case CHANGE_UNDOING:
                worker_run(manager->worker, uid, NULL, change_run_undo, on_change_undone, change);
                break;
        case CHANGE_RELEASING:
        case CHANGE_GIVING_BACK: /* some may have been allocated before it failed */
                change_run_helper(change, CHANGE_SHARE_RELEASE, on_change_released);
                break;
        case CHANGE_WRITTEN:
                change_set_expected(change, false);
                change_log(change);
                change_advance(change, CHANGE_EVENT_DONE);
                break;
        case CHANGE_FORGETTING:
                change_forget_run(change);
                break;
        case CHANGE_FETCHING:
                systemd_fetch(manager->systemd, name, on_change_fetched, change);
                break;
        case CHANGE_READING:
                registry_refresh(manager->registry, name, on_change_read, change);
                break;
        case CHANGE_RELOADING:
                systemd_reload(manager->systemd, on_change_reloaded, change);
                break;
        default:
                change_set_expected(change, false);
                change_answer(change);
        }
}

/* Returns why the change cannot begin now. */
static int change_check_start(Change *change, const Unikernel *unikernel)
{
        Manager *manager = change->call->manager;
        ChangeKind kind = change->request.kind;
        const char *name = change->request.name;

        if ((kind == CHANGE_CREATE || kind == CHANGE_REMOVE) && seal_is_busy(manager, name))
                return error_set(&change->result.error, ERROR_BUSY, "Keys of '%s' are being set; try again",
                                name);
        if (kind == CHANGE_REMOVE && unikernel && unikernel_is_active(unikernel))
                return error_set(&change->result.error, ERROR_ALREADY_RUNNING,
                                "Unikernel '%s' is %s; stop it first", name,
                                unikernel_state_to_string(unikernel->properties.state));

        return 0;
}

int change_check_free(Manager *manager, const char *name, Error *ret_error)
{
        int r = unikernel_check_own(name, ret_error);

        if (r < 0)
                return r;
        if (g_hash_table_contains(manager->updates, name))
                return error_set(ret_error, ERROR_BUSY,
                                "An update of '%s' is in progress; wait until it has ended, or run "
                                "'shruthictl stop %s', which ends it",
                                name, name);
        if (g_hash_table_contains(manager->sweeping, name))
                return error_set(ret_error, ERROR_BUSY,
                                "What an interrupted update of '%s' has left is being removed; try again",
                                name);
        if (g_hash_table_contains(manager->changing, name))
                return error_set(ret_error, ERROR_BUSY, "Another change of '%s' is in progress", name);

        return 0;
}

void change_start(Change *change)
{
        Manager *manager = change->call->manager;
        ChangeRequest *request = &change->request;
        const Unikernel *unikernel = unikernel_get(manager, request->name);
        int r;

        if (!request->settings)
                request->settings = settings_new();
        if (unikernel)
                request->owner = unikernel->properties.owner;
        r = change->done ? 0 : change_check_free(manager, request->name, &change->result.error);
        if (r < 0) {
                call_fail(g_steal_pointer(&change->call), &change->result.error, r);
                change_free(change);
                return;
        }

        g_hash_table_insert(manager->changing, g_strdup(request->name), change);
        change_set_expected(change, change->quiet);
        change->result.r = change_check_start(change, unikernel);
        change_advance_by(change, change->result.r);
}
