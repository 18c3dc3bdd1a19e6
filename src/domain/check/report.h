/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* The verbs that only tell. */

/* "cpu-time-usec=", "memory=" and "memory-resident=" in bytes, then for each device "network.N.name=",
 * "network.N.rx-bytes=", …, "volume.N.name=", "volume.N.rd-bytes=", …, N from 0. NOT_RUNNING. */
int report_statistics(const char *name, Error *ret_error);

/* The same of each unikernel that runs, behind a line "unikernel=NAME". What cannot be had of one is left
 * out. */
int report_statistics_all(Error *ret_error);

/* "kvm=", "kvm-reason=", "fast-start=", "fast-start-reason=", "libvirt-version=", "qemu-version=". again:
 * try anew instead of remembering. */
int report_probe(bool again, Error *ret_error);

/* "lease=MAC ADDRESS/PREFIX" for each that the DHCP server of a libvirt network holds for somebody now. */
int report_dhcp_leases(const char *network, Error *ret_error);

/* "network=NAME" for each active libvirt network, "bridge=NAME" for each bridge of the host. */
int report_networks(Error *ret_error);

/* What libvirt has, ours or not: a line "network=NAME" for each, and then lines about it. */
int report_network_details(Error *ret_error);
