/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "antispoof/links.h"

/* The clients of "links BRIDGE" (protocol.h), which forward frames between the guests of an emulated
 * network, and the packet sockets that they are given for it: one for each filtered tap that is an isolated
 * port of their bridge, of no other. Called by main.c. */

/* How many there may be; each emulated network has one. */
#define PORT_CLIENTS_MAX 1024

/* Adds a client of that bridge, which there need not be yet, and takes the descriptor. */
void port_sockets_add_client(const char *bridge, int taken_client);

/* To be polled for POLLIN, and heard then: a client has left, or can take more. Negative: there was none
 * yet. */
int port_sockets_fd(void);
void port_sockets_hear(void);

/* Tells the clients of what has changed. Returns when to call it again if nothing changes (monotonic, in µs;
 * INT64_MAX: never). */
int64_t port_sockets_follow(const Links *links, int64_t now);

unsigned port_sockets_count(void);
