/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Appends to the chains of demand-ruleset.h that what comes there goes to the queue, by iptables' target,
 * for kernels whose nftables has no expression for that. nft(8) cannot write it. */
int demand_target_add(void);
