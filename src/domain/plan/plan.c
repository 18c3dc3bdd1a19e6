/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds everything that the domain XML needs, from the name. Called by start.c, lifecycle.c and report.c. */

#include "domain/plan/plan.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/io.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/unikernel-name.h"
#include "domain/host/bridges.h"
#include "image/inspect.h"
#include "image/store.h"
#include "unikernel/devices.h"
#include "unikernel/guest-slice.h"
#include "unikernel/identity.h"
#include "unikernel/memory.h"
#include "unikernel/process-rules.h"
#include "unikernel/run-dir.h"
#include "unikernel/slice-limits.h"
#include "volume/raw.h"
#include "volume/store.h"

static int device_check_bridge(const DefinitionDevice *device, const char *bridge, Error *ret_error)
{
        int r = bridge_exists(bridge);

        if (r == -ENOTUNIQ)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK,
                                "Network '%s': '%s' is not a bridge; use a bridge that 'ip link show type "
                                "bridge' lists",
                                device->name, bridge);
        if (r == 0)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK,
                                "Network '%s': there is no bridge '%s'; create it, or use one that 'ip link "
                                "show type bridge' lists",
                                device->name, bridge);

        /* If it cannot be checked from here, libvirt will report it. */
        return 0;
}

static int plan_networks(Plan *plan, Error *ret_error)
{
        const Definition *definition = plan->definition;

        plan->networks = g_new0(PlanNetwork, definition->devices->len);
        for (guint i = 0; i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];
                PlanNetwork *network = &plan->networks[i];
                int r;

                if (device->kind != DEVICE_NETWORK)
                        continue;
                if (device->mac)
                        g_strlcpy(network->mac, device->mac, sizeof network->mac);
                else {
                        r = identity_mac(definition->name, device->name, network->mac);
                        if (r < 0)
                                return error_set_errno(ret_error, r,
                                                "Cannot derive a MAC address for network '%s'",
                                                device->name);
                }
                network->bridge = device->network ? NULL : device->bridge ?: plan->conf->bridge_interface;
                network->facts = (PlaceholderDevice){.name = device->name, .mac = network->mac};
        }

        return 0;
}

static int plan_network(const DefinitionDevice *device, const PlanNetwork *network, DomainDevice *ret,
                Error *ret_error)
{
        *ret = (DomainDevice){.definition = device, .mac = network->mac, .bridge = network->bridge};
        if (device->network || paths_are_of_user())
                return 0;
        if (!ret->bridge)
                return error_set(ret_error, ERROR_NO_SUCH_NETWORK,
                                "Network '%s': set Bridge= or Network=, or BridgeInterface= in shruthi.conf",
                                device->name);

        return device_check_bridge(device, ret->bridge, ret_error);
}

/* QEMU is told that the content is raw, whatever it is. */
static int device_check_content(const DefinitionDevice *device, Error *ret_error)
{
        _cleanup_close_ int fd = open(device->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        int r = fd < 0 ? 0 : volume_check_file(fd, device->path, device->read_only, ret_error);

        if (r < 0)
                error_prefix(ret_error, "%s:%u", device->file, device->line);
        return r;
}

/* What cannot be checked from here (another user's directory, a sandbox) is left to libvirt and QEMU. */
static int plan_volume(Plan *plan, const DefinitionDevice *device, DomainDevice *ret, Error *ret_error)
{
        struct stat st;

        *ret = (DomainDevice){.definition = device, .path = device->path};
        if (device->credentials)
                return 0;
        if (device->stored) {
                ret->path = volume_path(device->stored);
                g_ptr_array_add(plan->volume_paths, (char *) ret->path);
                return 0;
        }
        if (stat(device->path, &st) < 0) {
                ret->block_device = g_str_has_prefix(device->path, "/dev/");
                return 0;
        }
        if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
                return error_set(ret_error, ERROR_DEVICE_MISMATCH,
                                "%s:%u: volume '%s' is at %s, which is neither a file nor a block device",
                                device->file, device->line, device->name, device->path);

        ret->block_device = S_ISBLK(st.st_mode);
        return device_check_content(device, ret_error);
}

PlanNetwork *plan_find_network(const Plan *plan, const DefinitionDevice *device)
{
        guint i = 0;

        while (plan->definition->devices->pdata[i] != device)
                i++;

        return &plan->networks[i];
}

static int plan_devices(Plan *plan, Error *ret_error)
{
        int r;

        r = devices_match(plan->definition, plan->image, &plan->attached, ret_error);
        if (r < 0)
                return r;

        plan->devices = g_new0(DomainDevice, plan->attached->len);
        plan->volume_paths = g_ptr_array_new_with_free_func(g_free);
        for (guint i = 0; i < plan->attached->len; i++) {
                const DefinitionDevice *device = plan->attached->pdata[i];

                if (device->kind == DEVICE_NETWORK)
                        r = plan_network(device, plan_find_network(plan, device), &plan->devices[i],
                                        ret_error);
                else
                        r = plan_volume(plan, device, &plan->devices[i], ret_error);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* Resolves Image= or Initrd= to a digest, and checks that its stored file has not changed since the
 * import. */
static int image_resolve(const Conf *conf, const char *image, char **ret_digest, Error *ret_error)
{
        StoreLimits limits = {.image_size = conf->image_size_max,
                        .store_size = conf->store_size_max,
                        .free_min = conf->free_space_min};
        g_autofree char *digest = NULL;
        int r;

        if (image[0] == '/') {
                r = store_import_path(image, &limits, &digest, ret_error);
                if (r < 0)
                        return r;
        } else
                digest = g_strdup(image);

        r = store_verify(digest, ret_error);
        if (r < 0)
                return r;

        *ret_digest = g_steal_pointer(&digest);
        return 0;
}

static int plan_image(Plan *plan, Error *ret_error)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = image_resolve(plan->conf, plan->definition->image, &plan->digest, ret_error);
        if (r < 0)
                return r;

        r = store_open(plan->digest, &fd, ret_error);
        if (r < 0)
                return r;
        r = image_inspect(fd, plan->definition->architecture, &plan->image, ret_error);
        if (r < 0)
                return r;
        if (plan->image->problem)
                return error_set(ret_error, plan->image->problem_code, "%s", plan->image->problem);
        plan->machine = domain_machine_for(guest_architecture_for(plan->image->architecture));
        plan->kernel_path = store_path(plan->digest);

        return 0;
}

static int plan_initrd(Plan *plan, Error *ret_error)
{
        g_autofree char *digest = NULL;
        int r;

        if (!plan->definition->initrd)
                return 0;

        r = image_resolve(plan->conf, plan->definition->initrd, &digest, ret_error);
        if (r >= 0)
                r = store_size(digest, &plan->initrd_size, ret_error);
        if (r < 0)
                return r;

        plan->initrd_path = store_path(digest);
        return 0;
}

/* A user's limit is checked when the unikernel is defined: an administrator can allow more. */
static int plan_memory(Plan *plan, Error *ret_error)
{
        int r;

        plan->memory = memory_effective(
                        plan->definition->memory, plan->image, plan->initrd_size, plan->conf);
        r = memory_check(plan->memory, plan->image, plan->initrd_size, memory_of_host(), ret_error);
        return r < 0 ? r
                     : slice_limits_check(
                                       plan->definition, plan->memory, plan->image, plan->conf, ret_error);
}

int plan_identity(const char *name, char ret_uuid[static 37], Error *ret_error)
{
        UnikernelId id;
        int r;

        r = name_check(name, ret_error);
        if (r < 0)
                return r;

        r = identity_uuid(name, &id);
        if (r < 0)
                return error_set_errno(ret_error, r,
                                "Cannot derive the UUID of '%s' from this host's machine ID", name);

        identity_uuid_format(&id, ret_uuid);
        return 0;
}

char *plan_find_uri(void)
{
        g_autoptr(Conf) conf = NULL;

        return g_strdup(conf_load(&conf, NULL) >= 0 ? conf->libvirt_uri : "qemu:///system");
}

/* Only Solo5 prints an exit message on the console, unless it is told to be quiet. */
static bool image_needs_monitor(const ImageInfo *image, const char *arguments)
{
        g_auto(GStrv) words = g_strsplit(arguments, " ", -1);

        return image->target != SOLO5_TARGET_VIRTIO ||
               g_strv_contains((const char *const *) words, "--solo5:quiet");
}

int plan_load(const char *name, Plan **ret_plan, Error *ret_error)
{
        g_autoptr(Plan) plan = g_new0(Plan, 1);
        g_autofree char *runtime = NULL;
        int r;

        r = conf_load(&plan->conf, ret_error);
        if (r < 0)
                return r;
        r = definition_load(name, &plan->definition, ret_error);
        if (r < 0)
                return r;
        r = plan_identity(name, plan->uuid, ret_error);
        if (r >= 0)
                r = plan_networks(plan, ret_error);
        if (r < 0)
                return r;
        runtime = paths_unikernel_runtime(name);
        plan->console_path = g_build_filename(runtime, RUN_DIR_CONSOLE, NULL);

        *ret_plan = g_steal_pointer(&plan);
        return 0;
}

int plan_resolve(Plan *plan, Error *ret_error)
{
        int r;

        r = plan_image(plan, ret_error);
        if (r >= 0)
                r = user_rules_check(plan->definition, plan->image, ret_error);
        if (r >= 0 && plan_is_process(plan))
                r = process_rules_check(plan->definition, plan->image, plan->conf, ret_error);
        if (r >= 0)
                r = plan_initrd(plan, ret_error);
        if (r >= 0)
                r = plan_memory(plan, ret_error);
        if (r < 0)
                return r;
        r = plan_devices(plan, ret_error);
        if (r < 0)
                return r;

        plan->monitor = !plan_is_process(plan) &&
                        image_needs_monitor(plan->image, plan->definition->arguments);
        return 0;
}

bool plan_is_process(const Plan *plan)
{
        return plan->image->boot == IMAGE_BOOT_PROCESS;
}

bool plan_is_native(const Plan *plan)
{
        return guest_architecture_is_native(plan->machine->architecture, host_machine());
}

char *plan_slice(const Plan *plan)
{
        const Definition *definition = plan->definition;
        bool there = plan_is_process(plan)
                                     ? guest_slice_has_controllers() && slice_limits_need_slice(definition)
                                     : guest_slice_is_available();

        return there ? guest_slice_name(definition->owner, definition->name) : NULL;
}

int plan_format(const Plan *plan, bool kvm, bool fast_start, char **ret_xml, Error *ret_error)
{
        const Definition *definition = plan->definition;
        g_autofree char *partition = guest_slice_is_available() ? guest_slice_partition(definition->owner,
                                                                                  definition->name)
                                                                : NULL;
        DomainFacts facts = {
                        .machine = plan->machine,
                        .kvm = kvm,
                        .fast_start = fast_start,
                        .image_digest = plan->digest,
                        .kernel_path = plan->kernel_path,
                        .initrd_path = plan->initrd_path,
                        .uuid = plan->uuid,
                        .console_path = plan->console_path,
                        .partition = partition,
                        .memory = plan->memory,
                        .devices = plan->devices,
                        .n_devices = plan->attached->len,
                        .arguments = plan->arguments,
        };

        for (guint i = 0; i < plan->attached->len; i++) {
                const PlanNetwork *network = plan_find_network(plan, plan->attached->pdata[i]);

                plan->devices[i].interface = network->interface[0] ? network->interface : NULL;
                plan->devices[i].filter = network->filter;
                plan->devices[i].filter_parameters =
                                network->filter_parameters
                                                ? (const char *const *) network->filter_parameters->pdata
                                                : NULL;
        }

        return domain_xml_format(definition, &facts, ret_xml, ret_error);
}

Plan *plan_free(Plan *plan)
{
        if (!plan)
                return NULL;

        for (guint i = 0; plan->networks && i < plan->definition->devices->len; i++)
                if (plan->networks[i].filter_parameters)
                        g_ptr_array_unref(plan->networks[i].filter_parameters);
        conf_free(plan->conf);
        definition_free(plan->definition);
        image_info_free(plan->image);
        if (plan->attached)
                g_ptr_array_unref(plan->attached);
        if (plan->volume_paths)
                g_ptr_array_unref(plan->volume_paths);
        g_free(plan->digest);
        g_free(plan->kernel_path);
        g_free(plan->initrd_path);
        g_free(plan->console_path);
        g_free(plan->devices);
        g_free(plan->networks);
        g_free(plan->arguments);
        g_free(plan);
        return NULL;
}
