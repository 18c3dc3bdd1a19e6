/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* /dev/kvm itself. Called by main(), and for a user's own unikernels, who open it with the user's rights, by
 * the runner and by doctor's checks. */

/* NOT_SUPPORTED if there is none, or it may not be used: why an image for hvt does not run, and what to do.
 */
int device_open(int *ret_fd, Error *ret_error);

/* Whether it runs a guest: shruthi-tender tries it, for ten seconds at most. The device alone does not say
 * so. */
int device_check(Error *ret_error);
