/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a definition in the making takes: what only an administrator may give, and the limits of users. In
 * the thread of a change. */

#include <inttypes.h>

#include "common/size.h"
#include "common/users.h"
#include "daemon/change/change-work-private.h"
#include "daemon/change/image-access.h"
#include "image/inspect.h"
#include "unikernel/credential-space.h"

static const DefinitionDevice *definition_find_similar(
                const Definition *definition, const DefinitionDevice *like)
{
        for (guint i = 0; definition && i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                if (device->kind == like->kind && g_str_equal(device->name, like->name))
                        return device;
        }

        return NULL;
}

/* systemd reads them as root, whoever the unikernel's owner is. What has grown since it was named keeps
 * nobody from changing something else. */
static int draft_check_sources(const Draft *draft, const DefinitionDevice *device)
{
        if (!definition_sources_equal(draft->old, draft->definition)) {
                int r = credential_space_check(draft->definition, credential_space_known(draft->definition),
                                0, true, &draft->result->error);

                if (r < 0)
                        return r;
        }

        if (draft_may_administer(draft))
                return 0;

        for (guint i = 0; i < device->sources->len; i++) {
                const DefinitionSource *source = device->sources->pdata[i];

                if (!definition_has_source(draft->old, source))
                        return draft_needs_administer(draft, ERROR_PATH_NOT_ALLOWED,
                                        "Credential '%s': only an administrator may name where it comes "
                                        "from; hand its content over instead ('shruthictl credential set')",
                                        source->id);
        }

        return 0;
}

static int draft_check_image_path(const Draft *draft, const char *key, const char *image, const char *old)
{
        if (draft_may_administer(draft) || !image || image[0] != '/' || g_strcmp0(image, old) == 0)
                return 0;

        return draft_needs_administer(draft, ERROR_PATH_NOT_ALLOWED,
                        "%s=: only an administrator may name a path; hand the file over instead", key);
}

static int draft_refuse_group(const Draft *draft, gid_t group)
{
        g_autofree char *name = group_name(group);

        return draft_needs_administer(draft, ERROR_ACCESS_DENIED,
                        "Only an administrator may name a group that they are not in (%s)", name);
}

/* What only an administrator may do. One has been asked for, or this stops here. */
int draft_check_rights(const Draft *draft)
{
        const Definition *definition = draft->definition, *old = draft->old;
        const ChangeRequest *request = draft->request;
        bool administer = draft_may_administer(draft);
        int r;

        if (!administer && definition->owner != (old ? old->owner : request->call->uid))
                return draft_needs_administer(draft, ERROR_ACCESS_DENIED,
                                "Only an administrator may give '%s' another owner", request->name);
        if (!administer && definition->group != GID_INVALID &&
                        !call_in_group(request->call, definition->group) &&
                        (!old || old->group != definition->group))
                return draft_refuse_group(draft, definition->group);
        if (request->image_path && !administer &&
                        !image_path_directory(request->image_path, draft->conf->image_directories))
                return draft_needs_administer(draft, ERROR_PATH_NOT_ALLOWED,
                                "Only an administrator may name a file outside of ImageDirectories= in "
                                "shruthi.conf");

        r = draft_check_image_path(draft, "Image", definition->image, old ? old->image : NULL);
        if (r >= 0)
                r = draft_check_image_path(draft, "Initrd", definition->initrd, old ? old->initrd : NULL);
        for (guint i = 0; r >= 0 && i < definition->devices->len; i++) {
                const DefinitionDevice *device = definition->devices->pdata[i];

                r = device->kind == DEVICE_NETWORK ? draft_check_network(draft, device,
                                                                     definition_find_similar(old, device))
                    : device->credentials          ? draft_check_sources(draft, device)
                                                   : draft_check_volume(draft, device,
                                                                     definition_find_similar(old, device));
        }

        return r;
}

static uint64_t memory_of(const Definition *definition, const Conf *conf)
{
        return definition->memory ?: conf->memory_default;
}

/* usage: with what QEMU takes for itself. */
static int draft_check_memory_limit(const Draft *draft, const ResourceUsage *usage, uint64_t others)
{
        const Conf *conf = draft->conf;
        uint64_t memory = memory_of(draft->definition, conf);
        g_autofree char *wanted = size_format(memory), *limit = size_format(conf->memory_max),
                        *user_limit = size_format(conf->memory_max_user), *sum = size_format(others),
                        *overhead = size_format(conf->memory_overhead);

        if (memory > conf->memory_max)
                return draft_needs_administer(draft, ERROR_LIMIT_EXCEEDED,
                                "%s of memory are more than a unikernel of users may have (MemoryMax=%s)",
                                wanted, limit);
        if (others > conf->memory_max_user || usage->memory > conf->memory_max_user - others)
                return draft_needs_administer(draft, ERROR_LIMIT_EXCEEDED,
                                "%s of memory, %s for QEMU itself (MemoryOverhead=) and the %s of the "
                                "owner's other unikernels are more than one user may have "
                                "(MemoryMaxPerUser=%s)",
                                wanted, overhead, sum, user_limit);

        return 0;
}

static int draft_check_cpus(const Draft *draft, unsigned cpus, uint64_t others)
{
        const Conf *conf = draft->conf;

        if (cpus > conf->cpus_max)
                return draft_needs_administer(draft, ERROR_LIMIT_EXCEEDED,
                                "%u CPUs are more than a unikernel of users may have (CPUsMax=%u)", cpus,
                                conf->cpus_max);
        if (others + cpus > conf->cpus_max_user)
                return draft_needs_administer(draft, ERROR_LIMIT_EXCEEDED,
                                "%u CPUs and the %" PRIu64 " of the owner's other unikernels are more than "
                                "one user may have (CPUsMaxPerUser=%u)",
                                cpus, others, conf->cpus_max_user);

        return 0;
}

/* What one has already, one may keep, whatever else changes. before NULL: nothing. */
static int draft_check_increase(const Draft *draft, const Definition *before, const ResourceUsage *others)
{
        ResourceUsage usage = resource_usage_of(draft->definition, draft->conf),
                      old = before ? resource_usage_of(before, draft->conf) : (ResourceUsage){};
        int r = 0;

        if (usage.memory > old.memory)
                r = draft_check_memory_limit(draft, &usage, others->memory);
        if (r >= 0 && usage.cpus > old.cpus)
                r = draft_check_cpus(draft, usage.cpus, others->cpus);
        return r;
}

static int draft_check_addresses(const Draft *draft, unsigned others)
{
        const Definition *definition = draft->definition, *old = draft->old;
        unsigned addresses = draft_count_addresses(draft, definition);
        unsigned max = draft->conf->addresses_max_user;
        unsigned before = old && old->owner == definition->owner ? draft_count_addresses(draft, old) : 0;

        if (addresses <= before || (others <= max && addresses <= max - others))
                return 0;

        return draft_needs_administer(draft, ERROR_LIMIT_EXCEEDED,
                        "%u network devices and the %u of the owner's other unikernels, on networks that "
                        "are not the owner's, are more than one user may have (AddressesMaxPerUser=%u); on "
                        "a network of the owner's ('shruthictl network create') they do not count",
                        addresses, others, max);
}

/* The limits of users; they do not bind administrators. */
static int draft_check_user_limits(const Draft *draft)
{
        const Definition *definition = draft->definition;
        bool same_owner = draft->old && draft->old->owner == definition->owner;
        const ChangeRequest *request = draft->request;
        ResourceUsage others = {};
        unsigned owned = 0;
        int r;

        for (guint i = 0; i < request->usages->len; i++) {
                const ResourceUsage *usage = &g_array_index(request->usages, ResourceUsage, i);

                if (usage->uid != definition->owner)
                        continue;
                owned++;
                others.memory += usage->memory;
                others.cpus += usage->cpus;
                others.addresses += usage->addresses;
        }

        if (!same_owner && owned >= draft->conf->unikernels_max_user) {
                g_autofree char *owner = user_name(definition->owner);

                return draft_needs_administer(draft, ERROR_LIMIT_EXCEEDED,
                                "User %s has %u unikernels already (UnikernelsMaxPerUser=%u)", owner, owned,
                                draft->conf->unikernels_max_user);
        }
        r = draft_check_addresses(draft, others.addresses);
        if (r < 0)
                return r;

        return draft_check_increase(draft, same_owner ? draft->old : NULL, &others);
}

int draft_check_limits(const Draft *draft)
{
        const ChangeRequest *request = draft->request;

        if (request->kind == CHANGE_CREATE && request->usages->len >= draft->conf->unikernels_max)
                return error_set(&draft->result->error, ERROR_LIMIT_EXCEEDED,
                                "There are %u unikernels already (UnikernelsMax=%u)", request->usages->len,
                                draft->conf->unikernels_max);
        if (draft_may_administer(draft))
                return 0;

        /* What is root's has no usage, and whoever else may change it does not make it larger than a
         * unikernel of users. */
        return draft->definition->owner == 0 ? draft_check_increase(draft, draft->old, &(ResourceUsage){})
                                             : draft_check_user_limits(draft);
}
