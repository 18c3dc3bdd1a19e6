#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Start by traffic with a kernel that has a queue of nftables' own, as Debian's have it: the same as in a sandbox, of which
# the kernel may have iptables' only.
# short: one boot is enough for it, with the other short ones.

# Those of them that are virtual machines take an emulated processor long to start; one shows that they do.
export DEMAND_IMAGE=guest.spt DEMAND_QUEUE=nftables BOOTS=${BOOTS:-3}
exec bash "$(dirname "$0")/../system/demand.sh"
