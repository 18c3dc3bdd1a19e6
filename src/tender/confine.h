/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "common/error.h"
#include "tender/abi.h"

/* What this process gives up before the guest runs, apart from memory and system calls (launch.h). Each part
 * would stop a guest that got around the filter. Called by main() and the launch. */

#define TENDER_OTHERS_MAX 5

/* Closes all but standard output and error, the devices, and these others (-1: none). */
int tender_close_others(const Solo5Manifest *manifest, const int *others, size_t n_others, Error *ret_error);

/* Signals as they are by default but for SIGPIPE, which is ignored, no capabilities, no new privileges, no
 * core dump, nobody to look into the process, no files, ports or signals to others (Landlock, where the
 * kernel has it), and limits. Descriptors are still opened before. */
int tender_confine(const Solo5Manifest *manifest, Error *ret_error);

/* The same in two steps, between which a thread can be started: it has what is given up in the first, and
 * the rest is of the process. */
int tender_confine_thread(Error *ret_error);
int tender_confine_process(const Solo5Manifest *manifest, Error *ret_error);

/* From here on no address space is added. The stack must not grow any more either. */
int tender_confine_memory(Error *ret_error);

/* Whether system calls can be filtered. Asked before anything is given up, so that the sentence reaches
 * standard error; the error is NOT_SUPPORTED. */
int tender_filter_check(Error *ret_error);
