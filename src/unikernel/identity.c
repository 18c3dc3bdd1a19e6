/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* UUIDs and MAC addresses that are the same at every start and different on every host: HMAC-SHA256 of the
 * names, keyed by what sd-id128 derives for us from the machine ID, which itself is never shown. */

#include "unikernel/identity.h"

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>

#define APPLICATION_ID SD_ID128_MAKE(5c, 8e, 0b, 7d, 2a, 41, 4e, 93, 9d, 66, f1, 0a, 37, c5, b8, 24)

static UnikernelId host_override;
static bool host_overridden;

void identity_set_host(const UnikernelId *host)
{
        host_overridden = host;
        if (host)
                host_override = *host;
}

/* kind, name and device, each with its NUL, so that no two combinations give the same bytes. */
static int derive(const char *kind, const char *name, const char *device, UnikernelId *ret_id)
{
        g_autoptr(GHmac) hmac = NULL;
        UnikernelId host = host_override;
        guint8 digest[32];
        gsize size = sizeof digest;

        if (!host_overridden) {
                sd_id128_t id;
                int r = sd_id128_get_machine_app_specific(APPLICATION_ID, &id);

                if (r < 0)
                        return r;
                memcpy(host.bytes, id.bytes, sizeof host.bytes);
        }

        hmac = g_hmac_new(G_CHECKSUM_SHA256, host.bytes, sizeof host.bytes);
        g_hmac_update(hmac, (const guchar *)kind, (gssize)strlen(kind) + 1);
        g_hmac_update(hmac, (const guchar *)name, (gssize)strlen(name) + 1);
        g_hmac_update(hmac, (const guchar *)device, (gssize)strlen(device) + 1);
        g_hmac_get_digest(hmac, digest, &size);

        memcpy(ret_id->bytes, digest, sizeof ret_id->bytes);
        return 0;
}

int identity_uuid(const char *name, UnikernelId *ret_id)
{
        UnikernelId id;
        int r = derive("uuid", name, "", &id);

        if (r < 0)
                return r;

        /* RFC 4122: version 4, variant 1. */
        id.bytes[6] = (id.bytes[6] & 0x0f) | 0x40;
        id.bytes[8] = (id.bytes[8] & 0x3f) | 0x80;
        *ret_id = id;
        return 0;
}

void identity_uuid_format(const UnikernelId *id, char ret[static 37])
{
        char *p = ret;

        for (size_t i = 0; i < sizeof id->bytes; i++)
                p += sprintf(p, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id->bytes[i]);
}

int identity_mac(const char *name, const char *device, char ret[static 18])
{
        UnikernelId id;
        int r = derive("mac", name, device, &id);

        if (r < 0)
                return r;

        (void)snprintf(ret, 18, "%02x:%02x:%02x:%02x:%02x:%02x", (id.bytes[0] & 0xf0u) | 0x02u, id.bytes[1],
                        id.bytes[2], id.bytes[3], id.bytes[4], id.bytes[5]);
        return 0;
}
