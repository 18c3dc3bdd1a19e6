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

/* The taps that have lost their bridge. Free with g_strfreev(). */
int fence_lost(char ***ret_names, Error *ret_error);

/* Makes one a port of the bridge, if it has none. FAILED with why it cannot be. */
int fence_put(const FencePort *port, Error *ret_error);

/* A connection on which it tells when there is something new to be had from fence_lost(): to be polled for
 * POLLIN and heard then. -EOPNOTSUPP where there is no shruthi-fence. */
int fence_listen(int *ret_fd);

typedef enum FenceNews {
        FENCE_NEWS_NONE,
        FENCE_NEWS_WATCHING, /* it has begun to look */
        FENCE_NEWS_CHANGED,
        FENCE_NEWS_GONE, /* close it */
} FenceNews;

FenceNews fence_hear(int fd);
