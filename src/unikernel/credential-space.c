/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The limit of a unikernel's key material. Called by shruthid when keys are set and sources are named, by
 * "shruthictl check", and at each start. */

#include "unikernel/credential-space.h"

#include <inttypes.h>
#include <sys/stat.h>

/* Caps sizes that are far too large anyway, so that no sum of them wraps. */
#define SIZE_SHOWN_MAX UINT32_MAX

#define SEALED_LINE     40
#define SEALED_OVERHEAD 4096

uint64_t credential_space(uint64_t size)
{
        uint64_t bytes = MIN(size, SIZE_SHOWN_MAX) + CREDENTIAL_NAME_SIZE;

        return (bytes + CREDENTIAL_PAGE - 1) / CREDENTIAL_PAGE * CREDENTIAL_PAGE;
}

uint64_t credential_space_left(uint64_t sources)
{
        return sources < CREDENTIAL_SPACE_MAX ? CREDENTIAL_SPACE_MAX - sources - CREDENTIAL_NAME_SIZE : 0;
}

/* A sealed file is base64 in lines, with a header, the TPM2 chip's part and a checksum around the content
 * (systemd-creds(1)). Returns the least that can be in it, by assuming lines half as long as systemd's
 * own. */
static uint64_t sealed_size(uint64_t size)
{
        uint64_t bytes = size / (SEALED_LINE + 1) * (SEALED_LINE / 4 * 3);

        return bytes > SEALED_OVERHEAD ? bytes - SEALED_OVERHEAD : 0;
}

static uint64_t known_size(const DefinitionSource *source)
{
        struct stat st;

        if (source->from[0] != '/' || stat(source->from, &st) < 0 || !S_ISREG(st.st_mode))
                return 0;

        return source->encrypted ? sealed_size((uint64_t) st.st_size) : (uint64_t) st.st_size;
}

uint64_t credential_space_known(const Definition *definition)
{
        const DefinitionDevice *device = definition_credentials(definition);
        uint64_t sum = 0;

        for (guint i = 0; device && i < device->sources->len; i++)
                sum += credential_space(known_size(device->sources->pdata[i]));

        return sum;
}

int credential_space_check(const Definition *definition, uint64_t sources, uint64_t archive, bool least,
                Error *ret_error)
{
        uint64_t set = credential_space(archive);

        if (sources + set <= CREDENTIAL_SPACE_MAX)
                return 0;

        return error_set(ret_error, ERROR_LIMIT_EXCEEDED,
                        "%s: the key material of unikernel '%s' takes %s%" PRIu64 " bytes, %" PRIu64
                        " of them for what was set with 'shruthictl credential set', and systemd can load "
                        "%d: name fewer or smaller sources in [Credentials %s], or remove keys that were "
                        "set (each source, and all that was set as one, takes %d bytes more than its size, "
                        "rounded up to %d)",
                        definition->path, definition->name, least ? "at least " : "", sources + set, set,
                        CREDENTIAL_SPACE_MAX, definition_credentials(definition)->name, CREDENTIAL_NAME_SIZE,
                        CREDENTIAL_PAGE);
}
