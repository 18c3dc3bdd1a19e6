/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "image/solo5-load.h"
#include "tender/abi.h"

/* The last steps: all memory but the guest's (and the kernel's own pages for clocks, where it has sealed
 * them) is taken away, the filter of system calls is put in force, the guest is entered. They are code in a
 * page of the guest's memory (launch.S), since this program is gone by then. */

/* Returns only if the guest cannot be started; the error is NOT_SUPPORTED if system calls cannot be
 * filtered. */
int tender_launch(const Solo5Image *image, uint64_t memory_size, const Solo5Manifest *manifest, int epoll_fd,
                int timer_fd, Error *ret_error);
