/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "common/error.h"
#include "tender/abi.h"

/* What this process gives up before the guest runs, apart from memory and system calls (launch.h). Each part
 * would stop a guest that got around the filter. Called by main() and the launch. */

/* Closes all but standard output and error, what the guest is given, and held_fd (-1: none). */
int tender_close_others(
                const SptManifest *manifest, int epoll_fd, int timer_fd, int held_fd, Error *ret_error);

/* Signals as they are by default but for SIGPIPE, which is ignored, no capabilities, no new privileges, no
 * core dump, nobody to look into the process, no files, ports or signals to others (Landlock, where the
 * kernel has it), and limits. Descriptors are still opened before. */
int tender_confine(const SptManifest *manifest, Error *ret_error);

/* From here on no address space is added. The stack must not grow any more either. */
int tender_confine_memory(Error *ret_error);
