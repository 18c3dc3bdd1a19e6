/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A change of a definition on its way through the loop. The thread does the work; what needs the loop
 * (polkit, the helper, systemd) stands here. */

#include "daemon/change/change.h"

#include "common/io.h"
#include "common/log.h"
#include "common/names.h"
#include "common/unikernel-name.h"
#include "daemon/change/seal-client.h"
#include "daemon/state/registry.h"
#include "daemon/state/systemd.h"
#include "unikernel/exit-record.h"

static const char *const verb_table[] = {
                [CHANGE_CREATE] = "create",
                [CHANGE_SETTINGS] = "change",
                [CHANGE_DEFINITION] = "change",
                [CHANGE_REMOVE] = "remove",
};

Change *change_new(Call *call, ChangeKind kind)
{
        Change *change = g_new0(Change, 1);

        *change = (Change){.kind = kind,
                        .call = call,
                        .name = g_strdup(call->unikernel),
                        .uid = call->uid,
                        .conf = shared_conf_ref(call->manager->conf),
                        .image_fd = -EBADF,
                        .error = ERROR_INIT};
        return change;
}

static void change_free(Change *change)
{
        shared_conf_unref(change->conf);
        settings_free(change->settings);
        close_safe(change->image_fd);
        g_clear_pointer(&change->shares, g_array_unref);
        g_clear_pointer(&change->volumes, g_ptr_array_unref);
        g_clear_pointer(&change->claims, g_ptr_array_unref);
        g_strfreev(change->bridges);
        g_strfreev(change->networks);
        g_clear_pointer(&change->subnets, g_ptr_array_unref);
        error_clear(&change->error);
        g_strfreev(change->taken_over);
        g_free(change->name);
        g_free(change->user);
        g_free(change->text);
        g_free(change->image_digest);
        g_free(change->image_path);
        g_free(change->image);
        g_free(change);
}

static void change_end(Change *change)
{
        Manager *manager = change->call->manager;
        Call *call = g_steal_pointer(&change->call);
        g_autofree char *path = unikernel_path(change->name);

        g_hash_table_remove(manager->changing, change->name);
        if (change->result < 0)
                call_fail(call, &change->error, change->result);
        else if (change->kind == CHANGE_CREATE)
                call_reply(call, "o", path);
        else
                call_reply(call, "");
        change_free(change);
}

static void change_fail(Change *change, ErrorCode code, const char *sentence)
{
        change->result = error_set(&change->error, code, "%s", sentence);
        change_end(change);
}

static void on_reloaded(int r, Error *error, void *userdata)
{
        Change *change = userdata;

        if (r < 0) {
                change->result = r;
                error_move(&change->error, error);
                error_prefix(&change->error, "The definition of '%s' is changed, but", change->name);
        }
        change_end(change);
}

static void on_shown(void *userdata)
{
        Change *change = userdata;
        Manager *manager = change->call->manager;

        if (change->reload && manager->systemd)
                systemd_reload(manager->systemd, on_reloaded, change);
        else
                change_end(change);
}

static void change_show(Change *change)
{
        registry_refresh(change->call->manager->registry, change->name, on_shown, change);
}

static void on_left(int r, Error *error, void *userdata)
{
        Change *change = userdata;
        Unikernel *unikernel = unikernel_get(change->call->manager, change->name);

        if (unikernel)
                unikernel_forget_run(unikernel);
        change_show(change);
}

/* Where there was something to reset, systemd may still know the unit. */
static int on_reset(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Change *change = userdata;

        if (sd_bus_message_is_method_error(reply, NULL))
                change_show(change);
        else
                systemd_fetch(change->call->manager->systemd, change->name, on_left, change);
        return 0;
}

/* How the last run ended goes with the definition; and something may be left of another that had the name of
 * a new one. */
static void forget_run(Change *change)
{
        g_autofree char *unit = unit_name_for(change->name);
        sd_bus *bus = change->call->manager->bus;

        (void) exit_record_remove(change->name);
        if (!bus || sd_bus_call_method_async(bus, NULL, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                    "ResetFailedUnit", on_reset, change, "s", unit) < 0)
                change_show(change);
}

static void change_done(Change *change)
{
        static const char *const ids[] = {
                        [CHANGE_CREATE] = SHRUTHI_MESSAGE_CREATED,
                        [CHANGE_SETTINGS] = SHRUTHI_MESSAGE_CHANGED,
                        [CHANGE_DEFINITION] = SHRUTHI_MESSAGE_CHANGED,
                        [CHANGE_REMOVE] = SHRUTHI_MESSAGE_REMOVED,
        };
        g_autofree char *owner = g_strdup_printf("%u", (unsigned) change->owner);

        log_object(LOG_INFO, &(LogObject){.unikernel = change->name, .owner = owner, .image = change->image},
                        ids[change->kind], NULL, "Unikernel '%s' was %sd by user %s", change->name,
                        verb_table[change->kind], change->user);
        if (change->taken_over && change->taken_over[0]) {
                g_autofree char *files = g_strjoinv(", ", change->taken_over);

                log_object(LOG_NOTICE, &(LogObject){.unikernel = change->name, .owner = owner}, NULL, NULL,
                                "'%s' takes over what was there for a unikernel of that name: %s",
                                change->name, files);
        }
        if (change->kind == CHANGE_REMOVE || change->kind == CHANGE_CREATE)
                forget_run(change);
        else
                change_show(change);
}

static void change_run(Change *change);

static void on_administer(Decision decision, void *userdata)
{
        Change *change = userdata;

        if (decision == DECISION_YES) {
                change->administer = true;
                error_clear(&change->error);
                change_run(change);
                return;
        }

        /* The sentence says what would need an administrator; where a password would have helped, the name
         * says that. */
        if (decision == DECISION_CHALLENGE)
                change->error.code = ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED;
        change_end(change);
}

static void on_undo(void *userdata)
{
        change_undo(userdata);
}

/* The unikernel is gone, whatever becomes of this; what is left is given back by addresses_sweep(). */
static void warn_of_addresses(const Change *change, int r, const Error *error)
{
        if (r < 0)
                log_object(LOG_WARNING, &(LogObject){.unikernel = change->name}, NULL, NULL,
                                "The addresses of '%s' are not given back yet: %s", change->name,
                                error_message(error, r));
}

static void on_given_back(int r, Error *error, const char *output, void *userdata)
{
        Change *change = userdata;

        warn_of_addresses(change, r, error);
        change_end(change);
}

/* Some may have been allocated before it failed. */
static void on_undone(void *userdata)
{
        Change *change = userdata;

        helper_run(change->call->manager->helper, change->uid, "release", change->name, on_given_back,
                        change);
}

/* The definition is on disk first, so that what a crash leaves is a unikernel that is given its addresses at
 * its first start, and never an address that nobody has. */
static void on_allocated(int r, Error *error, const char *output, void *userdata)
{
        Change *change = userdata;

        if (r >= 0) {
                change_done(change);
                return;
        }

        change->result = r;
        error_move(&change->error, error);
        worker_run(change->call->manager->worker, change->uid, NULL, on_undo, on_undone, change);
}

static void on_released(int r, Error *error, const char *output, void *userdata)
{
        Change *change = userdata;

        warn_of_addresses(change, r, error);
        change_done(change);
}

static void on_worked(void *userdata)
{
        Change *change = userdata;
        Manager *manager = change->call->manager;

        change->written = change->result >= 0 && change->kind != CHANGE_REMOVE;
        if (change->result >= 0 && change->addresses)
                helper_run(manager->helper, change->uid,
                                change->kind == CHANGE_CREATE ? "allocate" : "release", change->name,
                                change->kind == CHANGE_CREATE ? on_allocated : on_released, change);
        else if (change->result >= 0)
                change_done(change);
        else if (change->needs_administer) {
                PolkitDetails details = {.verb = verb_table[change->kind],
                                .unikernel = change->name,
                                .reason = change->error.message};

                polkit_ask(manager, change->call->message, SHRUTHI_ACTION_ADMINISTER, &details,
                                on_administer, change);
        } else
                change_end(change);
}

Share share_of(const Definition *definition, const Conf *conf)
{
        return (Share){
                        .uid = definition->owner,
                        .memory = (definition->memory ?: conf->memory_default) + conf->memory_overhead,
                        .cpus = definition->cpus,
        };
}

GArray *change_count_shares(const Change *change)
{
        GArray *shares = g_array_new(FALSE, FALSE, sizeof(Share));
        Manager *manager = change->call->manager;
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, manager->changing);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Change *other = value;

                if (other != change && other->written)
                        g_array_append_val(shares, other->share);
        }
        g_hash_table_iter_init(&iter, manager->unikernels);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Unikernel *unikernel = value;
                const Definition *definition = unikernel->loaded.definition;
                const Change *other = g_hash_table_lookup(manager->changing, unikernel->name);
                Share share = {};

                if (g_str_equal(unikernel->name, change->name) || (other && other->written))
                        continue;
                if (definition) {
                        share = share_of(definition, change->conf->conf);
                        share.addresses = change_count_addresses(change, definition);
                }
                g_array_append_val(shares, share);
        }

        return shares;
}

/* When its turn has come, and not before: of one user only one change is worked on at a time, so that user's
 * shares are true then. */
static void on_turn(void *userdata)
{
        Change *change = userdata;

        g_clear_pointer(&change->claims, g_ptr_array_unref);
        change->claims = network_claims(change->call->manager);
        g_clear_pointer(&change->shares, g_array_unref);
        change->shares = change_count_shares(change);
}

static void on_work(void *userdata)
{
        change_work(userdata);
}

static void change_run(Change *change)
{
        worker_run(change->call->manager->worker, change->uid, on_turn, on_work, on_worked, change);
}

/* "BRIDGE NETWORK": whose a bridge is, is known before anybody may use it. */
static void note_bridge(Manager *manager, const char *value)
{
        g_auto(GStrv) parts = g_strsplit(value, " ", 2);
        Network *network = parts[0] && parts[1] ? network_get(manager, parts[1]) : NULL;

        if (network)
                network_set_bridge(network, parts[0]);
}

static void subnet_free(gpointer data)
{
        ChangeSubnet *one = data;

        g_free(one->bridge);
        g_free(one->network);
        g_free(one);
}

/* "SUBNET BRIDGE NETWORK" */
static void note_subnet(Change *change, const char *value)
{
        g_auto(GStrv) parts = g_strsplit(value, " ", 3);
        ChangeSubnet *one;
        Subnet subnet;

        if (g_strv_length(parts) != 3 || subnet_parse(parts[0], &subnet, NULL) < 0)
                return;
        one = g_new(ChangeSubnet, 1);
        *one = (ChangeSubnet){.subnet = subnet, .bridge = g_strdup(parts[1]), .network = g_strdup(parts[2])};
        g_ptr_array_add(change->subnets, one);
}

static void on_networks(int r, Error *error, const char *output, void *userdata)
{
        g_autoptr(GPtrArray) bridges = g_ptr_array_new(), networks = g_ptr_array_new();
        Change *change = userdata;

        change->subnets = g_ptr_array_new_with_free_func(subnet_free);
        if (r < 0)
                /* Made all the same: what is missing shows at the start. */
                log_debug("Cannot tell which networks there are: %s", error_message(error, r));
        for (char *key, *value; r >= 0 && helper_next_line(&output, &key, &value);) {
                if (g_str_equal(key, "bridge"))
                        g_ptr_array_add(bridges, g_steal_pointer(&value));
                else if (g_str_equal(key, "network"))
                        g_ptr_array_add(networks, g_steal_pointer(&value));
                else if (g_str_equal(key, "network-bridge"))
                        note_bridge(change->call->manager, value);
                else if (g_str_equal(key, "network-subnet"))
                        note_subnet(change, value);
                g_free(key);
                g_free(value);
        }
        g_ptr_array_add(bridges, NULL);
        g_ptr_array_add(networks, NULL);
        change->have_networks = r >= 0;
        change->bridges = (char **) g_ptr_array_steal(bridges, NULL);
        change->networks = (char **) g_ptr_array_steal(networks, NULL);
        change_run(change);
}

void change_start(Change *change)
{
        Manager *manager = change->call->manager;
        Unikernel *unikernel = unikernel_get(manager, change->name);

        if (!change->settings)
                change->settings = settings_new();
        if (g_hash_table_contains(manager->changing, change->name)) {
                g_autofree char *sentence =
                                g_strdup_printf("Another change of '%s' is under way", change->name);
                Call *call = g_steal_pointer(&change->call);

                call_fail(call, &change->error, error_set(&change->error, ERROR_BUSY, "%s", sentence));
                change_free(change);
                return;
        }
        g_hash_table_insert(manager->changing, g_strdup(change->name), change);
        if ((change->kind == CHANGE_CREATE || change->kind == CHANGE_REMOVE) &&
                        seal_is_busy(manager, change->name)) {
                g_autofree char *sentence = g_strdup_printf(
                                "Keys of '%s' are being set: try again in a moment", change->name);

                change_fail(change, ERROR_BUSY, sentence);
                return;
        }

        if (unikernel)
                change->owner = unikernel->shown.owner;
        if (change->kind == CHANGE_REMOVE && unikernel && unikernel_is_active(unikernel)) {
                g_autofree char *sentence = g_strdup_printf("Unikernel '%s' is %s: stop it first",
                                change->name, unikernel_state_to_string(unikernel->shown.state));

                change_fail(change, ERROR_ALREADY_RUNNING, sentence);
                return;
        }
        if (change->settings->networks || change->kind == CHANGE_DEFINITION)
                helper_run(manager->helper, change->uid, "networks", NULL, on_networks, change);
        else
                change_run(change);
}
