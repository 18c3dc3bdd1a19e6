/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sockets of our own services. */

/* Connects to the socket called name in /run/shruthi, of type (SOCK_STREAM and the like). Each send and
 * receive on it waits for at most patience_sec and then fails with -EAGAIN. */
int socket_connect(const char *name, int type, unsigned patience_sec, int *ret_fd);
