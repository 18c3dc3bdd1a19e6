/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "antispoof/protocol.h"

/* The client of shruthi-antispoof, which may change the host's packet filter. */

/* Starts the service if it does not run, without waiting for it. */
void antispoof_wake(void);

/* On return, traffic from the interface with that name is filtered, even if it does not exist yet. FAILED
 * with the reason if it is not. Free the name with g_free(). */
int antispoof_filter(const AntispoofFilter *filter, char **ret_interface, Error *ret_error);

/* Checks whether filtering works. *ret_restored says that somebody had emptied the packet filter while
 * guests ran, and that they are filtered again. */
int antispoof_check(bool *ret_restored, Error *ret_error);

/* Returns the taps that have lost their bridge. Free with g_strfreev(). */
int antispoof_lost(char ***ret_names, Error *ret_error);

/* Makes a tap a port of the bridge, if it has no bridge. FAILED with the reason if that is not possible. */
int antispoof_attach(const AntispoofPort *port, Error *ret_error);

/* Makes the tap of an interface that antispoof_filter() has named, a port of its bridge that is up. It goes
 * when the last copy of *ret_fd is closed, from which frames are read, and to which they are written, one
 * at a time and without blocking. ADDRESS_IN_USE where there is an interface of that name; FAILED with the
 * reason, such as what the kernel lacks for the tap's rates. */
int antispoof_make_tap(const AntispoofTap *tap, int *ret_fd, unsigned *ret_mtu, Error *ret_error);

/* When it returns, the ports lead to the guest. FAILED, ADDRESS_IN_USE where another unikernel has one. */
int antispoof_publish(const AntispoofPublication *publication, Error *ret_error);

/* Of what the unikernel has published to stay while it is stopped, only that of these interfaces stays. */
int antispoof_keep_only(const char *unikernel, const char *const *interfaces, Error *ret_error);

/* The unikernel's ports lead to it and not to its twin, or the other way round (publish_lead()). */
int antispoof_lead(const char *unikernel, Error *ret_error);

/* How many connections through its ports are open. */
int antispoof_count_connections(const char *unikernel, uint64_t *ret_count, Error *ret_error);

/* Takes it back, as far as it was done. */
void antispoof_withdraw(const char *interface);

/* A connection on which it tells when there is something new to be had from antispoof_lost(): to be polled
 * for POLLIN and heard then. -EOPNOTSUPP where there is no shruthi-antispoof. */
int antispoof_listen(int *ret_fd);

typedef enum AntispoofNews {
        ANTISPOOF_NEWS_NONE,
        ANTISPOOF_NEWS_WATCHING, /* it has begun to watch */
        ANTISPOOF_NEWS_CHANGED,
        ANTISPOOF_NEWS_GONE, /* close it */
} AntispoofNews;

AntispoofNews antispoof_hear(int fd);
