/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* The least that a switch in user space can do, to set shruthi-switch beside: a process that reads frames
 * from packet sockets, as many at once as there are, and sends each to the port in the last two bytes of its
 * destination's MAC address, or back where it came from if that is for all. It neither checks, counts nor
 * delays anything. */

/* Starts it. open_port: the packet socket of a port, with a header of virtio before each frame. */
pid_t forwarder_start(int n_ports, int (*open_port)(int index));
