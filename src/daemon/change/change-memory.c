/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The memory of a definition in the making, against its image and this host. */

#include "daemon/change/change.h"
#include "image/store.h"
#include "unikernel/memory.h"

static bool is_as_it_was(const Definition *definition, const Definition *old)
{
        return old && definition->memory == old->memory && g_str_equal(definition->image, old->image) &&
               g_strcmp0(definition->initrd, old->initrd) == 0;
}

int change_check_memory(Change *change, const Definition *definition, const Definition *old,
                const ImageInfo *info, uint64_t *ret_memory)
{
        const Conf *conf = change->conf->conf;
        uint64_t initrd_size = 0, memory;
        int r;

        if (definition->initrd && definition->initrd[0] != '/') {
                r = store_size(definition->initrd, &initrd_size, &change->error);
                if (r < 0)
                        return r;
        }

        memory = memory_effective(definition->memory, info, initrd_size, conf);
        if (!is_as_it_was(definition, old)) {
                r = memory_check(memory, info, initrd_size, memory_of_host(), &change->error);
                if (r >= 0 && info)
                        r = memory_check_use(memory, info, &change->error);
                if (r < 0)
                        return r;
        }

        *ret_memory = memory;
        return 0;
}
