/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fence/protocol.h"

/* Asking shruthi-fence, which may set the host's packet filter. */

/* Has the service started, if it is not, while the caller does other things. */
void fence_wake(void);

/* From the return on what comes from the interface of that name is held. FAILED with why it is not. Free the
 * name with g_free(). */
int fence_hold(const FenceHold *hold, char **ret_interface, Error *ret_error);

/* Whether it would be. *ret_restored: somebody had emptied the packet filter while guests ran, and they are
 * held again. */
int fence_check(bool *ret_restored, Error *ret_error);
