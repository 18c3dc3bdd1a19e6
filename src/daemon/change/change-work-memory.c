/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks the memory of the definition being made against its image and this host. */

#include "daemon/change/change-work-private.h"
#include "image/store.h"
#include "unikernel/memory.h"
#include "unikernel/slice-limits.h"

static bool draft_keeps_memory(const Draft *draft)
{
        const Definition *definition = draft->definition, *old = draft->old;

        return old && definition->memory == old->memory && g_str_equal(definition->image, old->image) &&
               g_strcmp0(definition->initrd, old->initrd) == 0;
}

int draft_check_memory(const Draft *draft, const ImageInfo *info, uint64_t *ret_memory)
{
        const Definition *definition = draft->definition;
        const Conf *conf = draft->conf;
        uint64_t initrd_size = 0, memory;
        int r;

        if (definition->initrd && definition->initrd[0] != '/') {
                r = store_size(definition->initrd, &initrd_size, &draft->result->error);
                if (r < 0)
                        return r;
        }

        memory = memory_effective(definition->memory, info, initrd_size, conf);
        if (!draft_keeps_memory(draft)) {
                r = memory_check(memory, info, initrd_size, memory_of_host(), &draft->result->error);
                if (r >= 0 && info)
                        r = memory_check_use(memory, info, &draft->result->error);
                if (r < 0)
                        return r;
        }

        /* Also where the image, and so the memory, has changed below the limits. */
        if (!draft_keeps_memory(draft) || !slice_limits_equal(draft->old, definition)) {
                r = slice_limits_check(definition, memory, info, conf, &draft->result->error);
                if (r < 0)
                        return r;
        }

        *ret_memory = memory;
        return 0;
}
