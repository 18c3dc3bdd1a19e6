/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "tender/abi.h"
#include "tender/options.h"

/* The devices of a guest: those that the image declares, with the descriptors that the caller gave for them.
 * Called by main(). */

/* Before this program opens anything: a descriptor that is not open could become one of its own. */
int tender_devices_check_open(const TenderOptions *options, Error *ret_error);

/* Refuses a device that only one of the two knows, and a descriptor that is not what such a device needs.
 * The networks' are set to be non-blocking, as the guest takes them to be. */
int tender_devices_attach(
                const ImageInfo *info, const TenderOptions *options, Solo5Manifest *ret, Error *ret_error);

/* The epoll set that the guest waits in, with a timer and all its networks. */
int tender_devices_watch(
                const Solo5Manifest *manifest, int *ret_epoll_fd, int *ret_timer_fd, Error *ret_error);
