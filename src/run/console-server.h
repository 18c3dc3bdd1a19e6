/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <systemd/sd-event.h>

/* The console's socket: each client gets a copy of what the guest writes from then on, and what clients
 * write goes to the guest. A slow client loses data, and is told how much: nothing is kept for it beyond the
 * kernel's socket buffer. */

typedef struct ConsoleServer ConsoleServer;

#define CONSOLE_CLIENTS_MAX 16

/* Listens on the socket at path (0600, created anew). What clients write goes into the FIFO input_path,
 * which is opened only for that: its pages count against the user who opens it first, and that should be
 * QEMU's. */
int console_server_new(
                sd_event *event, const char *path, const char *input_path, ConsoleServer **ret_server);
void console_server_free(ConsoleServer *server);

/* Sends what the guest wrote to all clients. */
void console_server_copy(ConsoleServer *server, const char *data, size_t size);
