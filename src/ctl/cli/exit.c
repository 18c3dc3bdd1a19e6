/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The exit status of shruthictl, on which scripts depend. */

#include <glib.h>

#include "ctl/cli/ctl.h"

int ctl_exit_status(const Ctl *ctl, const Error *error)
{
        switch (error->code) {
        case ERROR_NO_SUCH_UNIKERNEL:
                return CTL_EXIT_NO_SUCH;
        /* For other verbs it is something that a unikernel needs, not the name that was given. */
        case ERROR_NO_SUCH_VOLUME:
                return g_strcmp0(ctl->noun, "volume") == 0 ? CTL_EXIT_NO_SUCH : CTL_EXIT_FAILURE;
        case ERROR_NO_SUCH_NETWORK:
                return g_strcmp0(ctl->noun, "network") == 0 ? CTL_EXIT_NO_SUCH : CTL_EXIT_FAILURE;
        case ERROR_NOT_RUNNING:
                return CTL_EXIT_NOT_RUNNING;
        case ERROR_INVALID_ARGS:
        case ERROR_INVALID_NAME:
                return CTL_EXIT_USAGE;
        default:
                return CTL_EXIT_FAILURE;
        }
}
