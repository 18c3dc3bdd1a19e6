#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What iptables says of a rule that nft(8) has inserted into one of iptables' own chains depends on its expressions.
#
# iptables-nft keeps its tables in nftables, so that nft can add rules to them. One would expect that it either reads
# such a rule or says that it cannot. It reads those whose expressions it also writes itself (a mark, an interface, an
# address, a single port, also with a comment). One of conntrack, which it writes as a match of its own, makes the whole
# chain "incompatible": then it neither lists nor changes the chain, until the rule is gone. And of a set of ports it
# says nothing: the rule is listed, and would be saved, as one for all of the protocol.
#
# Seen with iptables 1.8.9-2 and nftables 1.0.6-2+deb12u2:
#   meta mark 0x5 counter accept             -A FORWARD -m mark --mark 0x5 -j ACCEPT
#   ct status dnat counter accept            iptables v1.8.9 (nf_tables): chain `FORWARD' in table `filter' is
#                                            incompatible, use 'nft' tool.
#   tcp dport { 80, 81 } counter accept      -A FORWARD -p tcp -j ACCEPT
# What follows: the one rule that lets published ports through there looks for a mark, which a table of ours sets by
# conntrack.

# shellcheck source=findings/lib.bash
. "$(dirname "$0")/lib.bash"
finding_packages iptables=1.8.9-2 nftables=1.0.6-2+deb12u2 dash mawk

cat >"$root/tmp/insert" <<'END'
iptables-nft -A FORWARD -j RETURN
nft insert rule ip filter FORWARD "$@"
iptables-nft -S FORWARD 2>&1 | mawk '/-j ACCEPT/ || /incompatible/'
END
seen() { finding_run dash /tmp/insert "$@"; }

finding_is "a mark" "-A FORWARD -m mark --mark 0x5 -j ACCEPT" "$(seen meta mark 0x5 counter accept)"
finding_is "a port" "-A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT" "$(seen tcp dport 80 counter accept)"
finding_is "conntrack" \
        "iptables v1.8.9 (nf_tables): chain \`FORWARD' in table \`filter' is incompatible, use 'nft' tool." "$(seen ct status dnat counter accept)"
finding_is "a set of ports" "-A FORWARD -p tcp -j ACCEPT" "$(seen tcp dport '{ 80, 81 }' counter accept)"
