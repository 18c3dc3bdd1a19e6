/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creates a network in libvirt or removes it. Steps in threads write the record, steps of shruthi-domain
 * change libvirt; the table defines their order. */

#include "daemon/change/network-change.h"

#include "common/log.h"
#include "common/names.h"
#include "daemon/state/network-registry.h"

typedef struct NetworkChange {
        NetworkChangeState state;
        Manager *manager;
        Call *call; /* NULL if there is no caller */
        struct {
                Call *call;              /* or NULL */
                NetworkRequest *request; /* NULL for a removal */
        } waiting;                       /* a call that arrived during a repair */
        char *name;
        uid_t uid;
        SharedConf *conf;
        NetworkRequest *request; /* NULL for a removal or repair */
        unsigned owned;          /* number of networks that the caller has */
        bool administer, needs_administer;
        LoadedNetwork loaded; /* as on disk */
        char *bridge;
        int result; /* 0, or a negative errno with error */
        Error error;
} NetworkChange;

NetworkChangeState network_change_state_next(NetworkChangeState state, NetworkChangeEvent event)
{
        static const struct {
                NetworkChangeState from;
                NetworkChangeEvent event;
                NetworkChangeState to;
        } transitions[] = {
                        {NETWORK_CHANGE_NEW, NETWORK_CHANGE_EVENT_CREATE, NETWORK_CHANGE_RECORDING},
                        {NETWORK_CHANGE_NEW, NETWORK_CHANGE_EVENT_REMOVE, NETWORK_CHANGE_MARKING},
                        {NETWORK_CHANGE_NEW, NETWORK_CHANGE_EVENT_REPAIR, NETWORK_CHANGE_CREATING},
                        {NETWORK_CHANGE_NEW, NETWORK_CHANGE_EVENT_TAKE_BACK, NETWORK_CHANGE_REMOVING},
                        {NETWORK_CHANGE_RECORDING, NETWORK_CHANGE_EVENT_DONE, NETWORK_CHANGE_CREATING},
                        {NETWORK_CHANGE_RECORDING, NETWORK_CHANGE_EVENT_NEEDS_ADMINISTER,
                                        NETWORK_CHANGE_AUTHORIZING},
                        {NETWORK_CHANGE_RECORDING, NETWORK_CHANGE_EVENT_FAILED, NETWORK_CHANGE_ENDED},
                        {NETWORK_CHANGE_AUTHORIZING, NETWORK_CHANGE_EVENT_DONE, NETWORK_CHANGE_RECORDING},
                        {NETWORK_CHANGE_AUTHORIZING, NETWORK_CHANGE_EVENT_FAILED, NETWORK_CHANGE_ENDED},
                        {NETWORK_CHANGE_CREATING, NETWORK_CHANGE_EVENT_DONE, NETWORK_CHANGE_READING},
                        {NETWORK_CHANGE_CREATING, NETWORK_CHANGE_EVENT_TAKE_BACK, NETWORK_CHANGE_REMOVING},
                        {NETWORK_CHANGE_CREATING, NETWORK_CHANGE_EVENT_FAILED, NETWORK_CHANGE_ENDED},
                        {NETWORK_CHANGE_READING, NETWORK_CHANGE_EVENT_DONE, NETWORK_CHANGE_ENDED},
                        {NETWORK_CHANGE_READING, NETWORK_CHANGE_EVENT_FAILED, NETWORK_CHANGE_ENDED},
                        {NETWORK_CHANGE_MARKING, NETWORK_CHANGE_EVENT_DONE, NETWORK_CHANGE_REMOVING},
                        {NETWORK_CHANGE_MARKING, NETWORK_CHANGE_EVENT_FAILED, NETWORK_CHANGE_ENDED},
                        {NETWORK_CHANGE_REMOVING, NETWORK_CHANGE_EVENT_DONE, NETWORK_CHANGE_FORGETTING},
                        {NETWORK_CHANGE_REMOVING, NETWORK_CHANGE_EVENT_IN_USE, NETWORK_CHANGE_RESTORING},
                        {NETWORK_CHANGE_REMOVING, NETWORK_CHANGE_EVENT_FAILED, NETWORK_CHANGE_ENDED},
                        {NETWORK_CHANGE_FORGETTING, NETWORK_CHANGE_EVENT_DONE, NETWORK_CHANGE_ENDED},
                        {NETWORK_CHANGE_RESTORING, NETWORK_CHANGE_EVENT_DONE, NETWORK_CHANGE_ENDED},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(transitions); i++)
                if (transitions[i].from == state && transitions[i].event == event)
                        return transitions[i].to;

        return _NETWORK_CHANGE_STATE_INVALID;
}

static NetworkChange *network_change_new(Network *network, Call *call)
{
        NetworkChange *change = g_new0(NetworkChange, 1);

        network->changing = true;
        network->manager->network_changes++;
        *change = (NetworkChange){.manager = network->manager,
                        .call = call,
                        .name = g_strdup(network->name),
                        .uid = call ? call->uid : 0,
                        .conf = shared_conf_ref(network->manager->conf),
                        .error = ERROR_INIT};
        return change;
}

static void network_change_free(NetworkChange *change)
{
        shared_conf_unref(change->conf);
        network_request_free(change->request);
        network_request_free(change->waiting.request);
        loaded_network_clear(&change->loaded);
        error_clear(&change->error);
        g_free(change->bridge);
        g_free(change->name);
        g_free(change);
}

/* Continues the call that waited for a repair, depending on how that ended. */
static void network_change_resume_waiting(NetworkChange *repair, Network *network)
{
        Call *call = g_steal_pointer(&repair->waiting.call);

        if (!call)
                return;
        if (!repair->waiting.request && network)
                network_change_remove(call, network);
        else if (!repair->waiting.request)
                call_reply(call, ""); /* the repair has removed it */
        else if (repair->result < 0)
                call_fail(call, &repair->error, repair->result);
        else
                network_change_create(call, repair->name, g_steal_pointer(&repair->waiting.request));
}

/* Answers the call. The table already has the new state of the network. */
static void network_change_end(NetworkChange *change)
{
        Network *network = network_get(change->manager, change->name);

        change->manager->network_changes++;
        if (network) {
                network->changing = false;
                network->repair = NULL;
        }
        if (!change->call && change->result < 0)
                log_warning("Cannot repair network '%s': %s", change->name,
                                error_message(&change->error, change->result));
        else if (change->call && change->result < 0)
                call_fail(change->call, &change->error, change->result);
        else if (change->call && change->request && network)
                call_reply(change->call, "o", network->path);
        else if (change->call)
                call_reply(change->call, "");
        network_change_resume_waiting(change, network);
        network_change_free(change);
}

static void network_change_set_error(NetworkChange *change, int r, Error *error)
{
        change->result = r;
        error_move(&change->error, error);
}

static void network_change_enter(NetworkChange *change);

/* May free change. */
static void network_change_advance(NetworkChange *change, NetworkChangeEvent event)
{
        NetworkChangeState next = network_change_state_next(change->state, event);

        g_assert(next >= 0);
        change->state = next;
        network_change_enter(change);
}

static void network_change_run(NetworkChange *change, WorkerFunction run, WorkerFunction done)
{
        worker_run(change->manager->worker, change->uid, NULL, run, done, change);
}

static void network_change_run_helper(NetworkChange *change, const char *verb, LibvirtHelperDone done)
{
        libvirt_helper_run(change->manager->helper, change->uid, verb, change->name, done, change);
}

/* --- READING --- */

static void network_change_read(void *userdata)
{
        NetworkChange *change = userdata;

        loaded_network_clear(&change->loaded);
        change->result = loaded_network_read(change->name, &change->loaded, &change->error);
}

static void on_network_read(void *userdata)
{
        NetworkChange *change = userdata;
        Network *network = network_get(change->manager, change->name);

        if (change->result >= 0) {
                if (!change->call && !network->active)
                        log_info("Network '%s' was stopped or missing in libvirt; it is active again",
                                        change->name);
                network_set_active(network, true, change->bridge);
                network_apply(network, &change->loaded);
                if (change->request)
                        log_info("Network '%s' was created by user %u", change->name,
                                        (unsigned) change->uid);
        }
        network_change_advance(change,
                        change->result < 0 ? NETWORK_CHANGE_EVENT_FAILED : NETWORK_CHANGE_EVENT_DONE);
}

/* --- FORGETTING, RESTORING, REMOVING --- */

static void network_change_forget(void *userdata)
{
        NetworkChange *change = userdata;
        _cleanup_error_ Error error = ERROR_INIT;
        int r = network_record_remove(change->name, &error);

        /* The caller wants to know why the network could not be created. */
        if (r < 0 && change->result >= 0)
                network_change_set_error(change, r, &error);
        else if (r < 0)
                log_warning("%s", error_message(&error, r));
}

static void on_network_forgotten(void *userdata)
{
        NetworkChange *change = userdata;
        Network *network = network_get(change->manager, change->name);

        if (change->result >= 0 && change->call)
                log_info("Network '%s' was removed by user %u", change->name, (unsigned) change->uid);
        if (change->result >= 0 || !network->announced)
                network_gone(network);
        network_change_advance(change, NETWORK_CHANGE_EVENT_DONE);
}

static void network_change_restore(void *userdata)
{
        NetworkChange *change = userdata;
        _cleanup_error_ Error error = ERROR_INIT;
        NetworkRecord *record = change->loaded.record;

        record->state = NETWORK_READY;
        if (network_record_write(record, false, &error) < 0)
                log_warning("%s", error.message);
}

static void on_network_restored(void *userdata)
{
        NetworkChange *change = userdata;

        network_apply(network_get(change->manager, change->name), &change->loaded);
        network_change_advance(change, NETWORK_CHANGE_EVENT_DONE);
}

/* An announced network that is in use stays as it was. One that was never answered stays for the next
 * attempt. */
static void on_network_removed(int r, Error *error, const char *output, void *userdata)
{
        NetworkChange *change = userdata;
        bool removing = change->loaded.record && change->loaded.record->state == NETWORK_REMOVING;

        if (r >= 0) {
                network_change_advance(change, NETWORK_CHANGE_EVENT_DONE);
                return;
        }

        if (change->result >= 0)
                network_change_set_error(change, r, error);
        else
                log_warning("Cannot remove the rest of network '%s' yet: %s", change->name,
                                error_message(error, r));
        if (removing && change->error.code == ERROR_NETWORK_IN_USE)
                network_change_advance(change, NETWORK_CHANGE_EVENT_IN_USE);
        else
                network_change_advance(change, NETWORK_CHANGE_EVENT_FAILED);
}

/* --- CREATING --- */

static void on_network_created(int r, Error *error, const char *output, void *userdata)
{
        DomainKey key;
        NetworkChange *change = userdata;

        if (r < 0) {
                network_change_set_error(change, r, error);
                network_change_advance(change, change->request ? NETWORK_CHANGE_EVENT_TAKE_BACK
                                                               : NETWORK_CHANGE_EVENT_FAILED);
                return;
        }

        for (char *value; domain_next_key(&output, &key, &value);) {
                if (key == DOMAIN_KEY_BRIDGE) {
                        g_free(change->bridge);
                        change->bridge = g_steal_pointer(&value);
                }
                g_free(value);
        }
        network_change_advance(change, NETWORK_CHANGE_EVENT_DONE);
}

/* --- RECORDING, AUTHORIZING --- */

/* Counted only when it is its turn: only one thread of a user works at a time, so the count is right
 * then. */
static void on_network_change_turn(void *userdata)
{
        NetworkChange *change = userdata;
        GHashTableIter iter;
        gpointer value;

        change->owned = 0;
        g_hash_table_iter_init(&iter, change->manager->networks);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const NetworkRecord *record = ((const Network *) value)->loaded.record;

                change->owned += record && record->owner == change->uid;
        }
}

static void network_change_record(void *userdata)
{
        NetworkChange *change = userdata;
        NetworkRecord *record = NULL;
        int r;

        r = network_request_record(change->request, change->name, change->conf->conf, change->call,
                        change->owned, change->administer, &record, &change->needs_administer,
                        &change->error);
        if (r >= 0)
                r = network_record_write(record, true, &change->error);
        if (r >= 0)
                change->loaded.record = record;
        else
                network_record_free(record);
        change->result = r;
}

static void on_network_recorded(void *userdata)
{
        NetworkChange *change = userdata;
        Network *network = network_get(change->manager, change->name);

        if (change->result >= 0) {
                /* From now on it counts for its owner. */
                network->loaded.record = network_record_copy(change->loaded.record);
                network_change_advance(change, NETWORK_CHANGE_EVENT_DONE);
        } else if (change->needs_administer)
                network_change_advance(change, NETWORK_CHANGE_EVENT_NEEDS_ADMINISTER);
        else {
                network_gone(network);
                network_change_advance(change, NETWORK_CHANGE_EVENT_FAILED);
        }
}

static void on_network_change_administer(Decision decision, void *userdata)
{
        NetworkChange *change = userdata;

        if (decision == DECISION_YES) {
                change->administer = true;
                error_clear(&change->error);
                network_change_advance(change, NETWORK_CHANGE_EVENT_DONE);
                return;
        }

        /* The message says what needs an administrator; if a password would have helped, the error name says
         * so. */
        if (decision == DECISION_CHALLENGE)
                change->error.code = ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED;
        network_gone(network_get(change->manager, change->name));
        network_change_advance(change, NETWORK_CHANGE_EVENT_FAILED);
}

static void network_change_ask_polkit(NetworkChange *change)
{
        PolkitDetails details = {.verb = "create", .network = change->name, .reason = change->error.message};

        polkit_ask(change->manager, change->call->message, SHRUTHI_ACTION_ADMINISTER, &details,
                        on_network_change_administer, change);
}

/* --- MARKING --- */

static void network_change_mark(void *userdata)
{
        NetworkChange *change = userdata;

        change->result = loaded_network_read(change->name, &change->loaded, &change->error);
        if (change->result < 0)
                return;
        change->loaded.record->state = NETWORK_REMOVING;
        change->result = network_record_write(change->loaded.record, false, &change->error);
}

static void on_network_marked(void *userdata)
{
        NetworkChange *change = userdata;

        network_change_advance(change,
                        change->result < 0 ? NETWORK_CHANGE_EVENT_FAILED : NETWORK_CHANGE_EVENT_DONE);
}

static void network_change_enter(NetworkChange *change)
{
        switch (change->state) {
        case NETWORK_CHANGE_RECORDING:
                worker_run(change->manager->worker, change->uid, on_network_change_turn,
                                network_change_record, on_network_recorded, change);
                break;
        case NETWORK_CHANGE_AUTHORIZING:
                network_change_ask_polkit(change);
                break;
        case NETWORK_CHANGE_CREATING:
                network_change_run_helper(change, "network-create", on_network_created);
                break;
        case NETWORK_CHANGE_READING:
                network_change_run(change, network_change_read, on_network_read);
                break;
        case NETWORK_CHANGE_MARKING:
                network_change_run(change, network_change_mark, on_network_marked);
                break;
        case NETWORK_CHANGE_REMOVING:
                network_change_run_helper(change, "network-remove", on_network_removed);
                break;
        case NETWORK_CHANGE_FORGETTING:
                network_change_run(change, network_change_forget, on_network_forgotten);
                break;
        case NETWORK_CHANGE_RESTORING:
                network_change_run(change, network_change_restore, on_network_restored);
                break;
        default:
                network_change_end(change);
        }
}

/* --- how one begins --- */

/* A repair is not the caller's doing, so the call waits instead of failing with BUSY. Only one may wait. */
static bool network_wait_for_repair(Network *network, Call *call, NetworkRequest *request)
{
        NetworkChange *repair = network->repair;

        if (!repair || repair->waiting.call)
                return false;

        repair->waiting.call = call;
        repair->waiting.request = request;
        return true;
}

void network_change_create(Call *call, const char *name, NetworkRequest *request)
{
        Network *network = network_get(call->manager, name);
        _cleanup_error_ Error error = ERROR_INIT;
        NetworkChange *change;
        int r;

        if (network) {
                /* What is left of an attempt that was never answered. */
                if (!network->announced && !network->changing && network->loaded.record)
                        network_change_repair(network);
                if (!network->announced && network_wait_for_repair(network, call, request))
                        return;
                r = network->announced
                                    ? error_set(&error, ERROR_NETWORK_EXISTS, "Network '%s' already exists",
                                                      name)
                                    : error_set(&error, ERROR_BUSY,
                                                      "Network '%s' is being created or removed; try again",
                                                      name);
                network_request_free(request);
                call_fail(call, &error, r);
                return;
        }

        change = network_change_new(network_new(call->manager, name), call);
        change->request = request;
        network_change_advance(change, NETWORK_CHANGE_EVENT_CREATE);
}

void network_change_remove(Call *call, Network *network)
{
        g_autofree char *users = network_users(network);
        _cleanup_error_ Error error = ERROR_INIT;
        int r = 0;

        if (network_wait_for_repair(network, call, NULL))
                return;
        if (network->changing)
                r = error_set(&error, ERROR_BUSY, "Network '%s' is being changed; try again", network->name);
        else if (users[0])
                r = error_set(&error, ERROR_NETWORK_IN_USE,
                                "Network '%s' is in use by %s; remove these unikernels, or attach them to "
                                "another network",
                                network->name, users);
        if (r < 0) {
                call_fail(call, &error, r);
                return;
        }

        network_change_advance(network_change_new(network, call), NETWORK_CHANGE_EVENT_REMOVE);
}

void network_change_repair(Network *network)
{
        NetworkChange *change = network_change_new(network, NULL);

        network->repair = change;
        change->loaded.record = network_record_copy(network->loaded.record);
        change->loaded.owner_name = g_strdup(network->loaded.owner_name);
        change->loaded.group_name = g_strdup(network->loaded.group_name);
        network_change_advance(change, network->loaded.record->state == NETWORK_READY
                                                       ? NETWORK_CHANGE_EVENT_REPAIR
                                                       : NETWORK_CHANGE_EVENT_TAKE_BACK);
}
