/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Traffic to published ports of guests that are stopped: its first packets are held in the kernel until
 * shruthi-demand says that the guest is ready (demand-protocol.h). What is held is held by the kernel for
 * this process: if that is killed they are dropped, and those of TCP come again by themselves. Called by
 * main.c. */

/* After published ports or interfaces have changed. Negative: the kernel does not follow yet, and it is to
 * be tried again. */
int demand_follow(void);

/* Where packets are heard of, and where shruthi-demand is; negative: nowhere. */
int demand_packet_fd(void);
int demand_client_fd(void);

/* It has connected; takes the descriptor. The one before is left. */
void demand_set_client(int taken_client);

/* There is something to be read. */
void demand_hear_packets(void);
void demand_hear_client(void);

/* Looks for unikernels that are idle, when it is time; and when that is next (CLOCK_MONOTONIC, INT64_MAX:
 * never). */
void demand_act(int64_t now);
int64_t demand_next(void);
