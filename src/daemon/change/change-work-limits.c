/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The resources of the definition being made, and the limits of users. Runs in the thread of a change. */

#include <inttypes.h>

#include "common/size.h"
#include "common/users.h"
#include "daemon/change/change-work-private.h"
#include "daemon/change/image-access.h"
#include "image/inspect.h"
#include "unikernel/memory.h"

static uint64_t memory_of(const Definition *definition, const Conf *conf)
{
        return definition->memory ?: conf->memory_default;
}

/* usage includes what is taken besides the guest's memory. */
static int draft_check_memory_limit(const Draft *draft, const ResourceUsage *usage, uint64_t others)
{
        const Conf *conf = draft->conf;
        uint64_t memory = memory_of(draft->definition, conf);
        g_autofree char *wanted = size_format(memory), *limit = size_format(conf->memory_max),
                        *user_limit = size_format(conf->memory_max_user), *sum = size_format(others),
                        *taken = size_format(draft->taken),
                        *besides = NULL;
        const char *by = draft->process ? "its process" : "QEMU (MemoryOverhead=)";

        besides = draft->taken > 0 ? g_strdup_printf(", %s for %s", taken, by) : g_strdup("");
        if (memory > conf->memory_max)
                return draft_needs_administer(draft, ERROR_LIMIT_EXCEEDED,
                                "%s of memory exceed the limit of a unikernel (MemoryMax=%s)", wanted,
                                limit);
        if (others > conf->memory_max_user || usage->memory > conf->memory_max_user - others)
                return draft_needs_administer(draft, ERROR_LIMIT_EXCEEDED,
                                "%s of memory%s and %s of the owner's other unikernels exceed the limit of "
                                "the user (MemoryMaxPerUser=%s)",
                                wanted, besides, sum, user_limit);

        return 0;
}

static int draft_check_cpus(const Draft *draft, unsigned cpus, uint64_t others)
{
        const Conf *conf = draft->conf;

        if (cpus > conf->cpus_max)
                return draft_needs_administer(draft, ERROR_LIMIT_EXCEEDED,
                                "%u CPUs exceed the limit of a unikernel (CPUsMax=%u)", cpus,
                                conf->cpus_max);
        if (others + cpus > conf->cpus_max_user)
                return draft_needs_administer(draft, ERROR_LIMIT_EXCEEDED,
                                "%u CPUs and %" PRIu64 " of the owner's other unikernels exceed the limit "
                                "of the user (CPUsMaxPerUser=%u)",
                                cpus, others, conf->cpus_max_user);

        return 0;
}

/* What there was takes besides its guest's memory. */
static uint64_t draft_taken_before(const Draft *draft, const Definition *before)
{
        _cleanup_image_info_ ImageInfo *info = NULL;
        bool process = before->image[0] != '/' &&
                       image_inspect_stored(before->image, before->architecture, &info, NULL) >= 0 &&
                       info->boot == IMAGE_BOOT_PROCESS;

        return memory_taken(process, draft->conf);
}

/* A user may keep what they already have, whatever else changes. before is NULL if there was nothing. */
static int draft_check_increase(const Draft *draft, const Definition *before, const ResourceUsage *others)
{
        ResourceUsage usage = resource_usage_of(draft->definition, draft->taken, draft->conf), old = {};
        int r = 0;

        if (before)
                old = resource_usage_of(before, draft_taken_before(draft, before), draft->conf);
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
                        "%u network devices and %u of the owner's other unikernels, on networks that the "
                        "owner does not own, exceed the limit of the user (AddressesMaxPerUser=%u); "
                        "devices on the owner's own networks ('shruthictl network create') do not count",
                        addresses, others, max);
}

/* Of all other unikernels of the owner, and how many they are. */
static ResourceUsage draft_sum_others(const Draft *draft, unsigned *ret_owned)
{
        const GArray *usages = draft->request->usages;
        ResourceUsage others = {};

        *ret_owned = 0;
        for (guint i = 0; i < usages->len; i++) {
                const ResourceUsage *usage = &g_array_index(usages, ResourceUsage, i);

                if (usage->uid != draft->definition->owner)
                        continue;
                (*ret_owned)++;
                others.memory += usage->memory;
                others.cpus += usage->cpus;
                others.addresses += usage->addresses;
        }
        return others;
}

/* Checks the limits of users, which do not apply to administrators. */
static int draft_check_user_limits(const Draft *draft)
{
        const Definition *definition = draft->definition;
        bool same_owner = draft->old && draft->old->owner == definition->owner;
        ResourceUsage others;
        unsigned owned;
        int r;

        others = draft_sum_others(draft, &owned);

        if (!same_owner && owned >= draft->conf->unikernels_max_user) {
                g_autofree char *owner = user_name(definition->owner);

                return draft_needs_administer(draft, ERROR_LIMIT_EXCEEDED,
                                "Limit reached: user %s has %u unikernels (UnikernelsMaxPerUser=%u)", owner,
                                owned, draft->conf->unikernels_max_user);
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
                                "Limit reached: this host has %u unikernels (UnikernelsMax=%u)",
                                request->usages->len, draft->conf->unikernels_max);
        if (draft_may_administer(draft))
                return 0;

        /* Root's unikernels have no usage; other users who may change one cannot make it larger than a
         * unikernel of users. */
        return draft->definition->owner == 0 ? draft_check_increase(draft, draft->old, &(ResourceUsage){})
                                             : draft_check_user_limits(draft);
}

int draft_check_twin_limits(const Draft *draft)
{
        ResourceUsage usage = resource_usage_of(draft->definition, draft->taken, draft->conf), others;
        unsigned addresses = draft_count_addresses(draft, draft->definition),
                 max = draft->conf->addresses_max_user, owned;
        int r;

        if (draft_may_administer(draft) || draft->definition->owner == 0)
                return 0;

        others = draft_sum_others(draft, &owned);
        r = draft_check_memory_limit(draft, &usage, others.memory + usage.memory);
        if (r >= 0)
                r = draft_check_cpus(draft, usage.cpus, others.cpus + usage.cpus);
        if (r >= 0 && addresses > 0 && others.addresses + 2 * addresses > max)
                r = draft_needs_administer(draft, ERROR_LIMIT_EXCEEDED,
                                "Twice %u network devices and %u of the owner's other unikernels, on "
                                "networks that the owner does not own, exceed the limit of the user "
                                "(AddressesMaxPerUser=%u)",
                                addresses, others.addresses, max);
        return r;
}
