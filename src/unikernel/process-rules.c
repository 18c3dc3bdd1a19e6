/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a unikernel that runs as a process may not have. Called by shruthid when it is defined, and at each
 * start. */

#include "unikernel/process-rules.h"

#include <fcntl.h>
#include <glib.h>

#include "common/io.h"
#include "common/paths.h"
#include "common/size.h"
#include "common/users.h"
#include "image/inspect.h"
#include "image/solo5-load.h"
#include "image/store.h"

/* A definition in /etc is an administrator's, whoever owns the unikernel. */
static bool definition_is_of_user(const Definition *definition)
{
        return definition->origin == DEFINITION_ORIGIN_STATE && definition->owner != 0;
}

/* What is hosted by QEMU. */
static const char *for_domain(const ImageInfo *info)
{
        return info->architecture == IMAGE_ARCHITECTURE_AARCH64
                               ? "on Unikraft (MirageOS: `mirage configure -t unikraft-qemu`)"
                               : "for virtio (MirageOS: `mirage configure -t virtio`)";
}

static int process_rules_check_host(
                const Definition *definition, const ImageInfo *info, const Conf *conf, Error *ret_error)
{
        if (conf->allow_processes == ALLOW_PROCESSES_NO)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "The image is for Solo5's spt target, so it runs as a process, which "
                                "AllowProcesses=no in shruthi.conf rules out: build it %s",
                                for_domain(info));
        if (conf->allow_processes == ALLOW_PROCESSES_ADMINISTRATORS && definition_is_of_user(definition))
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "The image is for Solo5's spt target, so it runs as a process, which only "
                                "administrators' unikernels may here: build it %s, or ask for "
                                "AllowProcesses=users in shruthi.conf",
                                for_domain(info));

        return 0;
}

static int process_rules_check_kvm(
                const Definition *definition, const ImageInfo *info, const Conf *conf, Error *ret_error)
{
        const char *path = definition->path ?: "", *colon = definition->path ? ": " : "";

        if (conf->acceleration == ACCELERATION_TCG)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "The image is for Solo5's hvt target, which needs KVM, and "
                                "Acceleration=tcg in shruthi.conf rules that out: build it %s",
                                for_domain(info));
        if (definition->memory > HVT_MEMORY_MAX) {
                g_autofree char *size = size_format(definition->memory);

                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "%s%sMemory=%s: a unikernel for Solo5's hvt target can have at most 4G: "
                                "lower Memory=",
                                path, colon, size);
        }

        return 0;
}

int process_rules_check(
                const Definition *definition, const ImageInfo *info, const Conf *conf, Error *ret_error)
{
        const char *path = definition->path ?: "", *colon = definition->path ? ": " : "";
        const char *target = solo5_target_to_string(info->target);
        int r;

        r = image_needs_kvm(info) ? process_rules_check_kvm(definition, info, conf, ret_error)
                                  : process_rules_check_host(definition, info, conf, ret_error);
        if (r < 0)
                return r;
        if (definition->initrd)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "%s%sInitrd= is for kernels, and a unikernel for Solo5's %s target has "
                                "none: remove it",
                                path, colon, target);
        if (definition->cpus > 1)
                return error_set(ret_error, ERROR_INVALID_DEFINITION,
                                "%s%sCPUs=%u: a unikernel for Solo5's %s target has one processor: remove "
                                "CPUs=",
                                path, colon, definition->cpus, target);

        return 0;
}

static int user_rules_check_network(const DefinitionDevice *device, Error *ret_error)
{
        const AddressSetting *setting = &device->setting;

        if (device->bridge || device->network)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "Network '%s': bridges and libvirt networks are root's, and a unikernel of "
                                "a user's own has a network of its own (by passt): remove %s=%s",
                                device->name, device->bridge ? "Bridge" : "Network",
                                device->bridge ?: device->network);
        if (setting->mode4 == ADDRESS_MODE_FIXED || setting->mode6 == ADDRESS_MODE_FIXED)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "Network '%s': the address of a unikernel of a user's own is chosen by us "
                                "('{%s.address}' in its arguments): remove Address=",
                                device->name, device->name);
        if (device->bandwidth)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "Network '%s': Bandwidth= needs a tap, which is root's: remove it",
                                device->name);

        return 0;
}

/* A user's manager looks for the host's key itself, which it may not read (as of systemd 257), although
 * "systemd-creds --user" seals without. */
bool source_can_be_loaded(const DefinitionSource *source)
{
        return !source->encrypted || !paths_are_of_user();
}

static int user_rules_check_sources(const DefinitionDevice *device, Error *ret_error)
{
        for (guint i = 0; i < device->sources->len; i++) {
                const DefinitionSource *source = device->sources->pdata[i];

                if (!source_can_be_loaded(source))
                        return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                        "%s:%u: LoadCredentialEncrypted=%s: systemd does not unseal keys in "
                                        "a "
                                        "user's manager: keep the key in a file that only you may read, and "
                                        "write LoadCredential=%s:/PATH, or use 'shruthictl credential set'",
                                        source->file, source->line, source->id, source->id);
        }

        return 0;
}

static int user_rules_check_device(const DefinitionDevice *device, Error *ret_error)
{
        if (device->kind == DEVICE_NETWORK)
                return user_rules_check_network(device, ret_error);
        if (device->credentials)
                return user_rules_check_sources(device, ret_error);

        return 0;
}

int user_rules_check(const Definition *definition, const ImageInfo *image, Error *ret_error)
{
        const char *path = definition->path ?: "", *colon = definition->path ? ": " : "";
        int r = 0;

        if (!paths_are_of_user())
                return 0;
        if (image->boot != IMAGE_BOOT_PROCESS)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "The image needs libvirt, which is root's, and unikernels of a user's own "
                                "run as processes: build it for Solo5's spt target (MirageOS: `mirage "
                                "configure -t spt`), or where you may use /dev/kvm for hvt; or create it "
                                "among the system's (without --user)");
        if (definition->owner != 0 || definition->group != GID_INVALID)
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "%s%sa unikernel of a user's own belongs to that user alone: remove %s=",
                                path, colon, definition->owner != 0 ? "Owner" : "Group");
        if (definition_is_on_demand(definition))
                return error_set(ret_error, ERROR_NOT_SUPPORTED,
                                "%s%sActivation=traffic needs the host's packet filter, which is root's: "
                                "remove it, or create it among the system's (without --user)",
                                path, colon);
        for (guint i = 0; r >= 0 && i < definition->devices->len; i++)
                r = user_rules_check_device(definition->devices->pdata[i], ret_error);

        return r;
}

/* Nothing outside of the store is opened: systemd waits for its generators, and a path could wait for
 * systemd. */
bool definition_may_be_of_process(const Definition *definition)
{
        g_autofree char *path = store_path(definition->image);
        _cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -EBADF;
        _cleanup_image_info_ ImageInfo *info = NULL;

        if (!path)
                return true;

        return fd >= 0 && image_inspect(fd, definition->architecture, &info, NULL) >= 0 &&
               info->boot == IMAGE_BOOT_PROCESS;
}
