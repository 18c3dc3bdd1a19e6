#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Start by traffic with a kernel that has a queue of nftables' own, as Debian's have it: what of the same test in a sandbox
# depends on the kernel, of which a sandbox may have one with iptables' queue only. All of it, which takes an hour:
#   tests/sandbox --machine run env DEMAND_PART=all SLOWNESS=10 bash /shruthi/source/tests/machine/demand.sh
# short: one boot is enough for it, with the other short ones.

# Those of them that are virtual machines take an emulated processor long to start; one shows that they do.
export DEMAND_IMAGE=guest.spt DEMAND_QUEUE=nftables DEMAND_PART=${DEMAND_PART:-kernel} BOOTS=${BOOTS:-3}
exec bash "$(dirname "$0")/../system/demand.sh"
