/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pausing a guest and letting it continue. Called by verbs.c. */

#include "domain/host/protocol.h"
#include "domain/host/virt.h"
#include "domain/lifecycle/lifecycle-private.h"
#include "domain/lifecycle/lifecycle.h"
#include "unikernel/process.h"
#include "unikernel/run-dir.h"

static int lifecycle_pause_change(
                const char *name, const char *what, int (*change)(virDomainPtr domain), Error *ret_error)
{
        _cleanup_connection_ virConnectPtr connection = NULL;
        _cleanup_domain_ virDomainPtr domain = NULL;
        g_autofree char *uri = plan_find_uri();
        char uuid[37];
        int r;

        r = plan_identity(name, uuid, ret_error);
        if (r < 0)
                return r;
        r = lifecycle_open(uri, &connection, ret_error);
        if (r < 0)
                return r;

        protocol_guard(PAUSE_GUARD, "change whether the guest is paused");
        r = virt_domain_find(connection, name, uuid, &domain, ret_error);
        if (r < 0)
                return r;
        /* A prepared domain is paused until its start. */
        if (r == 0 || run_dir_is_prepared(name))
                return error_set(ret_error, ERROR_NOT_RUNNING, "Unikernel '%s' is not running", name);

        if (change(domain) < 0)
                return virt_error_set(
                                ret_error, connection, ERROR_FAILED, "Cannot %s unikernel '%s'", what, name);

        return 0;
}

int lifecycle_pause(const char *name, Error *ret_error)
{
        return process_is_body(name)
                               ? process_pause(name, ret_error)
                               : lifecycle_pause_change(name, "pause", virDomainSuspend, ret_error);
}

int lifecycle_resume(const char *name, Error *ret_error)
{
        return process_is_body(name)
                               ? process_resume(name, ret_error)
                               : lifecycle_pause_change(name, "resume", virDomainResume, ret_error);
}
