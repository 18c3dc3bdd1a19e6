/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unikernel/exit-parser.h"

/* How shruthi-tender ends where no guest was started, by the runner's numbers. A guest's exit status is the
 * process's own, which can be one of these, too. */

enum {
        TENDER_EXIT_USAGE = RUNNER_EXIT_DEFINITION, /* command line */
        TENDER_EXIT_IMAGE = RUNNER_EXIT_IMAGE,
        TENDER_EXIT_HOST = RUNNER_EXIT_HOST, /* a descriptor, memory, a right that cannot be given up */
        TENDER_EXIT_FILTER = 65,             /* the guest's system calls cannot be filtered */
};
