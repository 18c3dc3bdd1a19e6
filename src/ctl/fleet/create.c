/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Networks and members come into being. */

#include <string.h>
#include <unistd.h>

#include "ctl/bus/settings-append.h"
#include "ctl/cli/command-settings.h"
#include "ctl/fleet/calls.h"
#include "ctl/fleet/emulation.h"
#include "ctl/fleet/state.h"
#include "ctl/fleet/view.h"

/* Of one call; shruthid takes 128 unikernels, and of others than root one such call at a time. */
#define BATCH_MAX    128
#define BATCH_SIZE   (256 * 1024) /* bytes, about */
#define BATCHES_ROOT 2
#define MEMBER_SIZE  64 /* bytes of a setting beside its value */

/* A shruthid of an earlier version does not know the last keys. */
static int create_network_with(FleetRun *run, const FleetNetwork *network, const char *name,
                const char *v4, const char *v6, bool fleet, Error *ret_error)
{
        unsigned keys = fleet ? 5 : network->emulated ? 4 : 3;

        return client_call(run->ctl, "CreateNetwork", NULL, ret_error, "sa{sv}", name, keys, "Subnet", "s",
                        v4, "IPv6Subnet", "s", v6, "Mode", "s", network->mode ?: "nat", "Emulated", "b",
                        (int) network->emulated, "Fleet", "s", run->plan->name);
}

static int create_network(FleetRun *run, const FleetNetwork *network, const char *name, Error *ret_error)
{
        char v4[ADDRESS_TEXT_MAX] = "none", v6[ADDRESS_TEXT_MAX] = "none";
        _cleanup_error_ Error error = ERROR_INIT;
        int r;

        if (address_is_set(&network->subnet4.network))
                address_format(&network->subnet4.network, v4);
        if (address_is_set(&network->subnet6.network))
                address_format(&network->subnet6.network, v6);

        r = create_network_with(run, network, name, v4, v6, true, &error);
        if (r < 0 && error.code == ERROR_INVALID_ARGS)
                return create_network_with(run, network, name, v4, v6, false, ret_error);
        if (r < 0)
                error_move(ret_error, &error);
        return r;
}

static int create_networks(FleetRun *run, Error *ret_error)
{
        for (guint i = 0; i < run->plan->networks->len; i++) {
                const FleetNetwork *network = run->plan->networks->pdata[i];
                g_autofree char *name = fleet_network_host_name(run->plan, network);
                int r;

                if (network->network || network->bridge)
                        continue;
                r = fleet_state_add_network(run->plan->name, name, ret_error);
                if (r < 0)
                        return r;
                r = create_network(run, network, name, ret_error);
                if (r < 0) {
                        error_prefix(ret_error, "Cannot make [Network %s] as %s", network->name, name);
                        /* It is not the fleet's: it may be another's of the same name. */
                        fleet_state_forget_network(run->plan->name, name);
                        return r;
                }
        }

        return 0;
}

static int member_settings(
                const FleetRun *run, const FleetMember *member, CommandSettings *settings, Error *ret_error)
{
        int r;

        for (guint i = 0; i < member->settings->len; i++) {
                const FleetSetting *setting = member->settings->pdata[i];

                r = command_settings_set(settings, setting->key, setting->key, setting->value, ret_error);
                if (r < 0)
                        return r;
        }
        for (guint i = 0; i < member->group->links->len; i++) {
                const FleetLink *link = member->group->links->pdata[i];
                const FleetNetwork *network = link->network;
                g_autofree char *address = fleet_member_address(member, i), *value = NULL,
                                *made = fleet_network_host_name(run->plan, network);

                value = g_strconcat(link->device, network->bridge ? ":bridge=" : ":network=",
                                network->bridge    ? network->bridge
                                : network->network ? network->network
                                                   : made,
                                ",address=", address, NULL);
                r = command_settings_set(settings, "Network", "Network", value, ret_error);
                if (r < 0)
                        return r;
        }

        return command_settings_set(settings, "Fleet", "Fleet", run->plan->name, ret_error);
}

static void create_failed(FleetRun *run, guint member, const Error *error)
{
        FleetMemberRecord *record = &run->record->members[member];

        record->failed = true;
        g_free(record->problem);
        record->problem = g_strdup(error->message);
        fleet_view_note(run, "cannot create", record->member->name, record->problem);
}

static void create_succeeded(FleetRun *run, guint member)
{
        FleetMemberRecord *record = &run->record->members[member];

        record->created = fleet_run_now(run);
        record->state = FLEET_STATE_STOPPED;
        fleet_record_sample(run->record, record->created);
}

static void on_created(
                FleetRun *run, guint member, void *userdata, sd_bus_message *reply, const Error *error)
{
        if (reply)
                create_succeeded(run, member);
        else
                create_failed(run, member, error);
}

/* The arguments of a create, in *size as many bytes as it has about. */
static int create_append(
                const FleetRun *run, guint member, sd_bus_message *message, size_t *size, Error *ret_error)
{
        const FleetMember *one = fleet_member_at(run->expansion, member);
        __attribute__((cleanup(command_settings_clear))) CommandSettings settings = {};
        guint group = 0;
        int r;

        while (run->plan->groups->pdata[group] != one->group)
                group++;
        r = member_settings(run, one, &settings, ret_error);
        if (r < 0)
                return r;
        for (guint i = 0; i < one->settings->len; i++)
                *size += strlen(((const FleetSetting *) one->settings->pdata[i])->value) + MEMBER_SIZE;
        r = sd_bus_message_append(message, "ss", one->name, run->record->digests->pdata[group]);
        if (r < 0)
                return client_message_error(r, ret_error);

        return settings_append(message, &settings, NULL, ret_error);
}

static int create_member(FleetRun *run, guint member, Error *ret_error)
{
        _cleanup_message_ sd_bus_message *message = NULL;
        size_t size = 0;
        int r;

        r = client_new_call(run->ctl, "CreateUnikernelFromDigest", &message, ret_error);
        if (r >= 0)
                r = create_append(run, member, message, &size, ret_error);
        if (r >= 0)
                fleet_call(run, message, on_created, member, NULL, NULL);
        return r;
}

/* By itself, so that it may ask for a password, or says what is wrong with it. */
static void create_again(FleetRun *run, guint member)
{
        _cleanup_error_ Error error = ERROR_INIT;

        if (create_member(run, member, &error) < 0)
                create_failed(run, member, &error);
}

static void batch_take(FleetRun *run, guint member, const char *name, const char *text)
{
        const sd_bus_error bus_error = SD_BUS_ERROR_MAKE_CONST(name, text);
        _cleanup_error_ Error error = ERROR_INIT;

        if (!*name) {
                create_succeeded(run, member);
                return;
        }
        (void) client_reply_error(&bus_error, -EIO, &error);
        if (error.code == ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED)
                create_again(run, member);
        else
                create_failed(run, member, &error);
}

/* An error of the whole is one of its arguments, or it is an older shruthid, which has no such call. */
static void on_batch_created(
                FleetRun *run, guint first, void *userdata, sd_bus_message *reply, const Error *error)
{
        guint n = GPOINTER_TO_UINT(userdata), done = 0;
        const char *path, *name, *text;

        run->batches--;
        if (reply && sd_bus_message_enter_container(reply, 'a', "(oss)") > 0)
                while (done < n && sd_bus_message_read(reply, "(oss)", &path, &name, &text) > 0)
                        batch_take(run, first + done++, name, text);
        for (; done < n; done++)
                create_again(run, first + done);
}

/* As many members as a call takes, from *next on. */
static int create_batch(FleetRun *run, guint *next, Error *ret_error)
{
        guint first = *next, all = run->expansion->members->len;
        _cleanup_message_ sd_bus_message *message = NULL;
        size_t size = 0;
        int r;

        r = client_new_call(run->ctl, "CreateUnikernels", &message, ret_error);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(message, 'a', "(ssa{sv})");
        while (r >= 0 && *next < all && *next - first < BATCH_MAX && size < BATCH_SIZE) {
                r = sd_bus_message_open_container(message, 'r', "ssa{sv}");
                if (r >= 0) {
                        r = create_append(run, *next, message, &size, ret_error);
                        if (r < 0)
                                return r;
                        r = sd_bus_message_close_container(message);
                }
                (*next)++;
        }
        if (r >= 0)
                r = sd_bus_message_close_container(message);
        if (r < 0)
                return client_message_error(r, ret_error);

        run->batches++;
        fleet_call(run, message, on_batch_created, first, GUINT_TO_POINTER(*next - first), NULL);
        return 0;
}

static bool too_many_failed(const FleetRun *run)
{
        return fleet_record_count_failed(run->record) >
               run->expansion->members->len * run->plan->tolerate / 100 + 1e-9;
}

static int create_refuse(const FleetRun *run, Error *ret_error)
{
        guint n = fleet_record_count_failed(run->record);

        for (guint i = 0; i < run->expansion->members->len; i++) {
                const FleetMemberRecord *record = &run->record->members[i];

                if (record->failed)
                        return error_set(ret_error, ERROR_FAILED,
                                        "%u of %u members cannot be created, and Tolerate= allows %g%%; the "
                                        "first is "
                                        "%s: %s",
                                        n, run->expansion->members->len, run->plan->tolerate,
                                        record->member->name, record->problem);
        }

        return 0;
}

int fleet_create(FleetRun *run, Error *ret_error)
{
        guint next = 0;
        int r;

        fleet_view_phase(run, "creating");
        r = create_networks(run, ret_error);
        if (r >= 0)
                r = fleet_links_begin(run, ret_error);
        while (r >= 0 && !fleet_signal() && !too_many_failed(run) &&
                        (next < run->expansion->members->len || run->in_flight > 0 ||
                                        !g_queue_is_empty(run->waiting)))
                r = next < run->expansion->members->len && run->batches < (geteuid() == 0 ? BATCHES_ROOT : 1)
                                    ? create_batch(run, &next, ret_error)
                                    : fleet_pump(run, UINT64_MAX, ret_error);
        fleet_calls_drop_waiting(run);
        if (r >= 0)
                r = fleet_finish_calls(run, ret_error);
        if (r < 0)
                return r;
        if (too_many_failed(run))
                return create_refuse(run, ret_error);

        return fleet_signal() ? 0 : fleet_state_complete(run->plan->name, ret_error);
}
