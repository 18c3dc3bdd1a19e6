/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* The verbs that only report. */

/* "cpu-time-usec=", "memory=" and "memory-resident=" in bytes, then for each device "network.N.name=",
 * "network.N.rx-bytes=", …, "volume.N.name=", "volume.N.rd-bytes=", …, N from 0. NOT_RUNNING. */
int report_statistics(const char *name, Error *ret_error);

/* The same for each running unikernel, after a line "unikernel=NAME". Omits what is not available. */
int report_statistics_all(Error *ret_error);

/* "kvm=", "kvm-reason=", "fast-start=", "fast-start-reason=", "libvirt-version=", "qemu-version=". again
 * repeats the probe instead of using the remembered result. */
int report_probe(bool again, Error *ret_error);

/* "lease=MAC ADDRESS/PREFIX" for each current lease of the DHCP server of a libvirt network. */
int report_dhcp_leases(const char *network, Error *ret_error);

/* "network=NAME" for each active libvirt network, "bridge=NAME" for each bridge of the host; with listeners
 * also what programs of the host listen on. */
int report_networks(bool listeners, Error *ret_error);

/* All networks of libvirt, ours or not: a line "network=NAME" for each, followed by lines about it. */
int report_network_details(Error *ret_error);
