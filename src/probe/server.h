/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "probe/ping.h"

/* The runners' connections, and the probes of each. Ends the event loop when nobody has been connected for a
 * while. */

typedef struct ProbeServer ProbeServer;

/* listen_fd: a socket of type SOCK_SEQPACKET, which stays the caller's. Only root, user, and this process's
 * own user may connect. */
int server_new(sd_event *event, Ping *ping, int listen_fd, uid_t user, ProbeServer **ret_server);
void server_free(ProbeServer *server);
