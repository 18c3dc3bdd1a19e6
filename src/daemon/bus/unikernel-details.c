/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* GetDetails(): what not everybody may see of a unikernel, so it is in no properties. What its guest does
 * is in unikernel-statistics.c, and what is a text in unikernel-texts.c. */

#include "daemon/bus/unikernel-details.h"

#include <fcntl.h>
#include <string.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/time-span.h"
#include "daemon/access/call.h"
#include "daemon/bus/device-details.h"
#include "daemon/bus/unikernel-bus.h"
#include "daemon/change/image-access.h"
#include "daemon/core/dictionary.h"
#include "daemon/state/unikernel-access.h"
#include "unikernel/arguments.h"
#include "unikernel/cut-off.h"
#include "unikernel/guest-slice.h"
#include "unikernel/identity.h"
#include "unikernel/lease.h"
#include "unikernel/memory.h"
#include "unikernel/run-state.h"
#include "unikernel/slice-limits.h"
#include "unikernel/snapshot.h"
#include "unikernel/started.h"
#include "unikernel/typed-addresses.h"
#include "unikernel/unit-dropins.h"

static int definition_append_origin(sd_bus_message *m, const char *path, DefinitionOrigin origin)
{
        static const char *const origins[] = {"config", "state", "vendor"};

        return sd_bus_message_append(
                        m, "{sv}{sv}", "DefinitionPath", "s", path, "Origin", "s", origins[origin]);
}

/* The image that a definition boots. */
typedef struct Boot {
        char *image;                    /* digest or path; NULL if there is no definition */
        char *initrd;                   /* the same; NULL if none */
        ImageArchitecture architecture; /* as in the definition */
        ImageInfo *info;
        uint64_t initrd_size; /* 0 if none, or not known */
} Boot;

struct Details {
        char *name;
        Boot boot;       /* of the running guest, or of the next start */
        Boot next;       /* of the next start, if a restart is needed */
        uid_t owner;     /* at the next start */
        uint64_t memory; /* of the running guest; 0 if not known */
        bool up;         /* the guest runs */
        bool broken;     /* its definition is broken or gone */
        char *path;      /* of a broken definition */
        DefinitionOrigin origin;
        DeviceWiring wiring;
        char *slice;           /* of the running guest, or of the next start; NULL if it is libvirt's
                                * choice */
        char **without_effect; /* limits that do not apply to its guest */
        char *limits, *limits_path; /* those of its definition, which is there; NULL if there is none */
        Snapshot snapshot; /* all 0 if there is none */
};

/* A read in a thread. */
typedef struct UnikernelReading {
        Call *call;
        Details *details;
        Error error;
} UnikernelReading;

static uint64_t boot_memory(const Unikernel *unikernel, const Definition *definition, const Boot *boot)
{
        return memory_effective(
                        definition->memory, boot->info, boot->initrd_size, manager_conf(unikernel->manager));
}

/* The architecture of the guest's machine: from the definition, otherwise from the image. "" if not
 * known. */
static const char *guest_architecture(const Definition *definition, const Boot *boot)
{
        ImageArchitecture guest = definition->architecture;

        if (guest == IMAGE_ARCHITECTURE_UNKNOWN && boot->info)
                guest = guest_architecture_for(boot->info->architecture);

        return guest == IMAGE_ARCHITECTURE_UNKNOWN ? "" : image_architecture_to_string(guest);
}

static int details_append_checks(sd_bus_message *m, const Definition *definition)
{
        g_auto(GStrv) ready = g_strsplit(definition->ready ?: "", "\n", -1);
        g_autofree char *timeout = definition->ready_timeout_usec == UINT64_MAX
                                                   ? g_strdup("infinity")
                                                   : time_span_format(definition->ready_timeout_usec);
        g_auto(GStrv) healthy = g_strsplit(definition->healthy ?: "", "\n", -1);
        g_autofree char *interval = time_span_format(definition->healthy_interval_usec);
        int r = dictionary_append_strv(m, "Ready", ready);

        if (r >= 0)
                r = dictionary_append_strv(m, "Healthy", healthy);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}", "Activation", "s", definition->activation ?: "",
                                "StopWhenIdleSec", "s", definition->stop_when_idle ?: "");
        return r < 0 ? r
                     : sd_bus_message_append(m, "{sv}{sv}{sv}{sv}", "ReadyTimeoutSec", "s", timeout,
                                       "HealthyIntervalSec", "s", interval, "HealthyRetries", "u",
                                       definition_healthy_retries(definition), "Watchdog", "s",
                                       definition->watchdog ?: "");
}

static bool definition_checks_equal(const Definition *a, const Definition *b)
{
        return g_strcmp0(a->ready, b->ready) == 0 && a->ready_timeout_usec == b->ready_timeout_usec &&
               g_strcmp0(a->healthy, b->healthy) == 0 &&
               a->healthy_interval_usec == b->healthy_interval_usec &&
               definition_healthy_retries(a) == definition_healthy_retries(b) &&
               g_strcmp0(a->watchdog, b->watchdog) == 0 && g_strcmp0(a->activation, b->activation) == 0 &&
               a->stop_when_idle_usec == b->stop_when_idle_usec;
}

/* Appends what will change at the next start. */
static int details_append_next_start(
                sd_bus_message *m, const Unikernel *unikernel, const Details *details, uint64_t memory)
{
        const Definition *running = unikernel->running, *next = unikernel->loaded.definition;
        uint64_t next_memory = boot_memory(unikernel, next, &details->next);
        int r;

        r = dictionary_open_array(m, "NextStart", "{sv}");
        if (r >= 0 && g_strcmp0(running->image, next->image) != 0)
                r = sd_bus_message_append(m, "{sv}", "Image", "s", next->image);
        if (r >= 0 && g_strcmp0(running->initrd, next->initrd) != 0)
                r = sd_bus_message_append(m, "{sv}", "Initrd", "s", next->initrd ?: "");
        if (r >= 0 && g_strcmp0(running->arguments, next->arguments) != 0)
                r = sd_bus_message_append(m, "{sv}", "Arguments", "s", next->arguments);
        if (r >= 0 && running->architecture != next->architecture)
                r = sd_bus_message_append(
                                m, "{sv}", "Architecture", "s", guest_architecture(next, &details->next));
        if (r >= 0 && memory != next_memory)
                r = sd_bus_message_append(m, "{sv}", "Memory", "t", next_memory);
        if (r >= 0 && running->cpus != next->cpus)
                r = sd_bus_message_append(m, "{sv}", "CPUs", "u", next->cpus);
        if (r >= 0 && !definition_checks_equal(running, next))
                r = details_append_checks(m, next);
        if (r >= 0 && !started_devices_equal(running, next))
                r = details_append_devices(m, next, &details->wiring);

        return r < 0 ? r : dictionary_close_array(m);
}

static int typed_addresses_append(sd_bus_message *m, const char *key, const GArray *typed, bool blocked)
{
        int r;

        r = dictionary_open_array(m, key, "s");
        for (guint i = 0; r >= 0 && i < typed->len; i++) {
                const TypedAddress *one = &g_array_index(typed, TypedAddress, i);
                char text[ADDRESS_TEXT_MAX];

                address_format(&one->address, text);
                if (one->blocked == blocked)
                        r = sd_bus_message_append(m, "s", text);
        }

        return r < 0 ? r : dictionary_close_array(m);
}

/* Appends the addresses that the guest's arguments contain. Owner and location are those of the definition
 * on disk. */
static int details_append_addresses(sd_bus_message *m, const Unikernel *unikernel,
                const Definition *definition, const Details *details)
{
        const Definition *written = unikernel->loaded.definition ?: definition;
        bool strict = definition_is_strict(written, manager_conf(unikernel->manager)->strict_addresses);
        g_autoptr(GArray) typed = typed_addresses_read(definition, details->wiring.leases, strict);
        int r;

        r = typed_addresses_append(m, "TypedAddresses", typed, false);
        return r < 0 ? r : typed_addresses_append(m, "BlockedAddresses", typed, true);
}

/* Appends the details of the running guest, or of the one that a start would create. */
static int details_append_guest(sd_bus_message *m, const Unikernel *unikernel, const Details *details)
{
        const Definition *definition = unikernel_effective(unikernel);
        uint64_t memory = unikernel->compared ? details->memory : 0;
        int r;

        memory = memory ?: boot_memory(unikernel, definition, &details->boot);
        r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}", "Image", "s", definition->image, "Initrd",
                        "s", definition->initrd ?: "", "Arguments", "s", definition->arguments, "Memory",
                        "t", memory, "CPUs", "u", definition->cpus, "Architecture", "s",
                        guest_architecture(definition, &details->boot));
        if (r >= 0)
                r = details_append_checks(m, definition);
        if (r >= 0)
                r = sd_bus_message_append(
                                m, "{sv}", "ActivationState", "s", unikernel_activation_state(unikernel));
        if (r >= 0)
                r = details_append_addresses(m, unikernel, definition, details);
        if (r >= 0)
                r = details_append_devices(m, definition, &details->wiring);

        return r < 0 || !unikernel->properties.needs_restart
                               ? r
                               : details_append_next_start(m, unikernel, details, memory);
}

static int definition_append_overrides(sd_bus_message *m, const Definition *definition)
{
        int r;

        r = dictionary_open_array(m, "Overrides", "(ss)");
        for (guint i = 0; r >= 0 && i < definition->overrides->len; i++) {
                const DefinitionOverride *override = definition->overrides->pdata[i];

                r = sd_bus_message_append(m, "(ss)", override->setting, override->path);
        }

        return r < 0 ? r : dictionary_close_array(m);
}

/* What systemd acts upon, as in the definition; "" or 0 if not set. */
static int definition_append_of_systemd(sd_bus_message *m, const Definition *definition)
{
        int r = 0;

        for (SettingID id = SETTING_RESTART_SEC; r >= 0 && id <= SETTING_MEMORY_MAX; id++) {
                const Setting *setting = &setting_table[id];
                g_autofree char *value = setting_format(setting, definition);
                g_auto(GStrv) list = setting_split(setting, value);

                if (setting->type == SETTING_TYPE_LIST)
                        r = dictionary_append_strv(m, setting->key, list);
                else if (setting->type == SETTING_TYPE_BYTES)
                        r = sd_bus_message_append(m, "{sv}", setting->key, "t",
                                        *(const uint64_t *) ((const char *) definition + setting->offset));
                else
                        r = sd_bus_message_append(m, "{sv}", setting->key, "s", value ?: "");
        }

        return r;
}

static int unikernel_append_definition(sd_bus_message *m, const Unikernel *unikernel)
{
        const Definition *definition = unikernel->loaded.definition;
        int r;

        r = sd_bus_message_append(m, "{sv}{sv}", "Group", "s", unikernel_group_name(unikernel), "Restart",
                        "s", restart_policy_to_string(definition->restart));
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}", "UpdateFrom", "s",
                                definition->update_from ?: "", "UpdateVerify", "s",
                                definition->update_verify ?: "", "Fleet", "s", definition->fleet ?: "");
        if (r >= 0)
                r = definition_append_of_systemd(m, definition);
        if (r >= 0)
                r = definition_append_origin(m, definition->path, definition->origin);
        if (r >= 0)
                r = dictionary_append_strv(m, "DropIns", definition->dropins);

        return r < 0 ? r : definition_append_overrides(m, definition);
}

static void boot_clear(Boot *boot)
{
        g_free(boot->image);
        g_free(boot->initrd);
        image_info_free(boot->info);
}

Details *details_free(Details *details)
{
        if (!details)
                return NULL;

        boot_clear(&details->boot);
        boot_clear(&details->next);
        g_free(details->name);
        g_free(details->path);
        g_free(details->slice);
        g_free(details->limits);
        g_free(details->limits_path);
        g_strfreev(details->without_effect);
        g_clear_pointer(&details->wiring.leases, g_ptr_array_unref);
        g_clear_pointer(&details->wiring.cut_off, g_ptr_array_unref);
        g_free(details);
        return NULL;
}

static void unikernel_reading_free(UnikernelReading *reading)
{
        details_free(reading->details);
        error_clear(&reading->error);
        g_free(reading);
}

/* The digest of Image= or Initrd=; NULL if not set, or if it is a path that was never imported. */
static char *image_digest_of(const char *image)
{
        char *digest = NULL;

        if (image && image[0] != '/')
                return g_strdup(image);
        if (image)
                (void) store_lookup_path(image, &digest);

        return digest;
}

/* A missing image is no error here: its details are just not known. */
static void boot_read(Boot *boot)
{
        g_autofree char *digest = image_digest_of(boot->image), *initrd = image_digest_of(boot->initrd);

        if (digest)
                (void) image_inspect_stored(digest, boot->architecture, &boot->info, NULL);
        if (initrd)
                (void) store_size(initrd, &boot->initrd_size, NULL);
}

/* A guest stays in the slice that it was started in, whoever owns it now. */
static void details_set_slice(Details *details, const char *recorded, bool has_slices)
{
        g_free(details->slice);
        if (recorded)
                details->slice = *recorded ? g_strdup(recorded) : NULL;
        else
                details->slice = has_slices ? guest_slice_former_name(details->name) : NULL;
}

static bool details_are_of_process(const Details *details)
{
        return details->boot.info && details->boot.info->boot == IMAGE_BOOT_PROCESS;
}

static char **details_list_without_effect(const Details *details)
{
        g_autofree char *own = guest_slice_name(details->owner, details->name);
        bool there = g_strcmp0(details->slice, own) == 0;
        g_auto(GStrv) dropins = unit_dropins_without_effect(
                                      details->name, details->slice, details_are_of_process(details)),
                      limits = slice_limits_without_effect(
                                      details->limits ?: "", details->limits_path, there);
        GStrvBuilder *all = g_strv_builder_new();
        char **list;

        g_strv_builder_addv(all, (const char **) dropins);
        g_strv_builder_addv(all, (const char **) limits);
        list = g_strv_builder_end(all);
        g_strv_builder_unref(all);
        return list;
}

/* Needs no systemd-machined; and the unit is not moved to a slice that nobody needs. */
static void details_set_slice_of_process(Details *details)
{
        g_free(details->slice);
        details->slice = details->owner == 0 && !details->limits ? g_strdup(SHRUTHI_SLICE ".slice")
                         : guest_slice_has_controllers() ? guest_slice_name(details->owner, details->name)
                                                         : NULL;
}

void details_read(Details *details, GPtrArray *leases, bool has_slices)
{
        g_autofree char *dir = paths_unikernel_runtime(details->name);
        _cleanup_run_state_ RunState state = RUN_STATE_INIT;

        /* A definition that is gone has no path. */
        if (details->broken)
                (void) definition_find(details->name, &details->path, &details->origin, NULL);
        details->slice = has_slices ? guest_slice_name(details->owner, details->name) : NULL;
        if (details->up && run_state_read(dir, &state) >= 0) {
                details->memory = state.memory;
                details_set_slice(details, state.slice, has_slices);
        }
        boot_read(&details->boot);
        boot_read(&details->next);
        if (!details->up && details_are_of_process(details))
                details_set_slice_of_process(details);
        details->without_effect = details_list_without_effect(details);
        (void) snapshot_find(details->name, &details->snapshot);
        if (leases)
                details->wiring.leases = g_ptr_array_ref(leases);
        else if (details->boot.image)
                (void) lease_list(NULL, details->name, &details->wiring.leases, NULL);
        if (details->up)
                details->wiring.cut_off = cut_off_read(details->name);
}

static void unikernel_reading_read_details(void *userdata)
{
        UnikernelReading *reading = userdata;

        details_read(reading->details, NULL, guest_slice_is_available());
}

int details_append(sd_bus_message *m, const Unikernel *unikernel, const Details *details)
{
        const ImageInfo *info = details->boot.info;
        bool process = info && info->boot == IMAGE_BOOT_PROCESS;
        g_autofree char *domain = process ? NULL : g_strconcat(SHRUTHI_DOMAIN_PREFIX, unikernel->name, NULL);
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "ImageTarget", "s",
                                info ? solo5_target_to_string(info->target) : "", "BootMethod", "s",
                                info ? image_boot_to_string(info->boot) : "", "DomainName", "s",
                                domain ?: "", "Slice", "s", details->slice ?: "", "SubState", "s",
                                unikernel->status.sub_state ?: "dead", "Reason", "s",
                                unikernel->reason ?: "", "Problem", "s",
                                unikernel->loaded.problem
                                                ?: unikernel->loaded.definition
                                                   ? ""
                                                   : "Its definition was removed; the unikernel runs until "
                                                     "it is stopped");
        if (r >= 0)
                r = dictionary_append_strv(m, "WithoutEffect", details->without_effect);
        if (r >= 0 && details->snapshot.time > 0)
                r = sd_bus_message_append(m, "{sv}{sv}", "SnapshotTime", "t", details->snapshot.time,
                                "SnapshotSize", "t", details->snapshot.size);
        if (r >= 0 && unikernel_effective(unikernel))
                r = details_append_guest(m, unikernel, details);
        if (r >= 0 && unikernel->loaded.definition)
                r = unikernel_append_definition(m, unikernel);
        else if (r >= 0 && details->path)
                r = definition_append_origin(m, details->path, details->origin);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void on_unikernel_details_read(void *userdata)
{
        UnikernelReading *reading = userdata;
        Call *call = reading->call;
        g_autoptr(sd_bus_message) reply = NULL;
        Unikernel *unikernel;
        int r;

        r = unikernel_check_owner(call, &reading->error);
        if (r >= 0)
                r = unikernel_find(call->manager, call->unikernel, &unikernel, &reading->error);
        if (r >= 0)
                r = call_new_reply(call, &reply);
        if (r >= 0)
                r = details_append(reply, unikernel, reading->details);
        call_finish(call, reply, r, &reading->error);
        unikernel_reading_free(reading);
}

static void boot_set(Boot *boot, const Definition *definition)
{
        boot->image = definition ? g_strdup(definition->image) : NULL;
        boot->initrd = definition ? g_strdup(definition->initrd) : NULL;
        boot->architecture = definition ? definition->architecture : IMAGE_ARCHITECTURE_UNKNOWN;
}

Details *details_new(const Unikernel *unikernel)
{
        Details *details = g_new0(Details, 1);

        *details = (Details){.name = g_strdup(unikernel->name),
                        .owner = unikernel->loaded.definition ? unikernel->loaded.definition->owner
                                                              : unikernel->properties.owner,
                        .up = unikernel->compared,
                        .broken = !unikernel->loaded.definition};
        if (unikernel->loaded.definition) {
                details->limits = slice_limits_format(unikernel->loaded.definition);
                details->limits_path = g_strdup(unikernel->loaded.definition->path);
        }
        boot_set(&details->boot, unikernel_effective(unikernel));
        if (unikernel->properties.needs_restart)
                boot_set(&details->next, unikernel->loaded.definition);
        return details;
}

int unikernel_method_get_details(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        Unikernel *unikernel = userdata;
        UnikernelReading *reading;
        Call *call;

        if (!unikernel_authorize(unikernel, message, SHRUTHI_ACTION_READ_DETAILS, "read", &call))
                return 1;

        reading = g_new0(UnikernelReading, 1);
        reading->call = call;
        reading->details = details_new(unikernel);
        worker_run(unikernel->manager->worker, call->uid, NULL, unikernel_reading_read_details,
                        on_unikernel_details_read, reading);
        return 1;
}
