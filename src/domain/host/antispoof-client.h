/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "antispoof/protocol.h"

/* Asking shruthi-antispoof, which may set the host's packet filter. */

/* Has the service started, if it is not, while the caller does other things. */
void antispoof_wake(void);

/* When it returns, what comes from the interface of that name is filtered. FAILED with why it is not. Free
 * the name with g_free(). */
int antispoof_filter(const AntispoofFilter *filter, char **ret_interface, Error *ret_error);

/* Whether it would be. *ret_restored: somebody had emptied the packet filter while guests ran, and they are
 * filtered again. */
int antispoof_check(bool *ret_restored, Error *ret_error);

/* The taps that have lost their bridge. Free with g_strfreev(). */
int antispoof_lost(char ***ret_names, Error *ret_error);

/* Makes one a port of the bridge, if it has none. FAILED with why it cannot be. */
int antispoof_attach(const AntispoofPort *port, Error *ret_error);

/* When it returns, the ports lead to the guest. FAILED, ADDRESS_IN_USE where another unikernel has one. */
int antispoof_publish(const AntispoofPublication *publication, Error *ret_error);

/* Takes it back, as far as it was done. */
void antispoof_withdraw(const char *interface);

/* A connection on which it tells when there is something new to be had from antispoof_lost(): to be polled
 * for POLLIN and heard then. -EOPNOTSUPP where there is no shruthi-antispoof. */
int antispoof_listen(int *ret_fd);

typedef enum AntispoofNews {
        ANTISPOOF_NEWS_NONE,
        ANTISPOOF_NEWS_WATCHING, /* it has begun to look */
        ANTISPOOF_NEWS_CHANGED,
        ANTISPOOF_NEWS_GONE, /* close it */
} AntispoofNews;

AntispoofNews antispoof_hear(int fd);
