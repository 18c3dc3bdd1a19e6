/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* The sockets of our own services. */

/* Connects to the socket called name in /run/shruthi, of type (SOCK_STREAM and the like). Each send and
 * receive on it waits for at most patience_sec and then fails with -EAGAIN. */
int socket_connect(const char *name, int type, unsigned patience_sec, int *ret_fd);

/* Sends the text as one message, and with it fd, where that is not negative. flags: as of sendmsg(2). */
int socket_send_with_fd(int socket, const char *text, int fd, int flags);

/* Receives one message of at most size bytes, and says how many it has. *ret_fd: the descriptor that came
 * with it, closed on exec; -EBADF where none or more than one came, which are closed then. */
ssize_t socket_receive_with_fd(int socket, void *data, size_t size, int *ret_fd);
