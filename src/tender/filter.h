/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/filter.h>
#include <stddef.h>

#include "tender/abi.h"

/* The system calls that a guest may make. Pure; called by the launch. */

#define TENDER_FILTER_MAX 4096 /* BPF_MAXINSNS of linux/bpf_common.h: the kernel takes no more */

/* The filter as the kernel takes it; returns how many instructions. The devices and their descriptors are
 * those of the manifest. */
size_t tender_filter(const Solo5Manifest *manifest, int epoll_fd, int timer_fd,
                struct sock_filter ret_program[static TENDER_FILTER_MAX]);

/* The same for this program itself, while it runs the processor of a guest that is a machine. kick_fd: read
 * as a network is; negative if there is none. */
size_t tender_filter_machine(const Solo5Manifest *manifest, int processor_fd, int epoll_fd, int timer_fd,
                int kick_fd, struct sock_filter ret_program[static TENDER_FILTER_MAX]);
