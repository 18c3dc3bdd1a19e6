/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* /dev/kvm, for guests that are run with it and without libvirt. Only shruthi-domain.service has the device;
 * a process that another unit starts instead asks it. */

/* NOT_SUPPORTED if there is none, or it may not be used: why an image for hvt does not run, and what to do.
 */
int kvm_open(int *ret_fd, Error *ret_error);

/* In the service: the same for another process, which is handed the descriptor. */
int kvm_hand_over(Error *ret_error);

/* Whether KVM runs a guest: shruthi-tender tries it, for ten seconds at most. The device alone does not say
 * so. */
int kvm_check(Error *ret_error);
