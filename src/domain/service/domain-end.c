/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How the run of a domain ended, by the first event that tells. */

#include "domain/service/domain-end.h"

#include <glib.h>
#include <string.h>

#include "unikernel/liveness.h"

/* The reasons are those of ShutdownCause in QEMU's qapi/run-state.json. All our domains end at a reset
 * (on_reboot), so there is nothing more to wait for.
 *
 * If QEMU was told to end, this is remembered only: libvirt (11, not 9) lets the event through also when it
 * has saved the guest and ends QEMU by a signal. Its own event follows, and tells. */
const char *domain_end_take_monitor(const char **end, const char *event, const char *details)
{
        bool resets = strstr(details, "\"guest-reset\"");

        if (!resets && !g_str_equal(event, "SHUTDOWN"))
                return NULL;
        if (!resets && !strstr(details, "\"guest-shutdown\"")) {
                *end = *end ?: DOMAIN_END_DESTROYED;
                return NULL;
        }

        *end = *end ?: resets ? DOMAIN_END_RESET : DOMAIN_END_POWERED_OFF;
        return *end;
}

const char *domain_end_take_stopped(const char **end, const char *how)
{
        if (!*end || g_str_equal(how, DOMAIN_END_SAVED))
                *end = how;
        return *end;
}
