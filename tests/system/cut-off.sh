#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Bridges and networks that go while guests run on them, and come back: the guests are attached again by themselves, and
# as long as they are not that is told.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

tap_of() { virsh --quiet domiflist "unikernel-$1" | awk 'NR == 1 { print $1 }'; }
said() { journalctl --boot --output=cat "SHRUTHI_UNIKERNEL=$1" _SYSTEMD_UNIT=shruthi-domain.service | grep -E -- "$2"; }
# NAME BRIDGE
is_port() { [ "$(basename "$(readlink "/sys/class/net/$(tap_of "$1")/master")")" = "$2" ]; }
is_no_port() { [ ! -e "/sys/class/net/$(tap_of "$1")/master" ]; }
cut_off() { [ "$(busctl --json=short get-property org.dream.Shruthi \
        "/org/dream/Shruthi/unikernel/$1" org.dream.Shruthi.Unikernel CutOff | jq .data)" = "$2" ]; }
bridge() { ip link add br7 type bridge && ip address add 10.77.0.1/24 dev br7 && ip link set br7 up; }

check "a bridge" bridge
check "a network of libvirt's" virsh --quiet net-define <(echo "<network><name>lab</name><forward mode='nat'/>
<bridge name='br-lab' stp='off' delay='0'/><ip address='10.78.0.1' netmask='255.255.255.0'/></network>")
check "which runs" virsh --quiet net-start lab
check "a network of ours" shruthictl network create own
own=$(shruthictl network show own | sed -nE 's/.*Bridge: *//p')
subnet=$(shruthictl network show own | grep -oE '10\.128\.[0-9]+' | head -n 1)

check "one on the bridge, held" shruthictl create held "$GUEST" --memory=8M --now \
        --network=service:br7,address=10.77.0.2/24 -- '--ipv4={service.address}'
check "one that nobody holds" shruthictl create open "$GUEST" --memory=8M --now \
        --network=service:br7,isolation=no -- --ipv4=10.77.0.3/24
check "one on libvirt's network" shruthictl create lab "$GUEST" --memory=8M --now \
        --network=service:network=lab,address=10.78.0.2/24 -- '--ipv4={service.address}'
check "one on ours" shruthictl create own "$GUEST" --memory=8M --now \
        --network=service:network=own,address="$subnet.9/24" -- '--ipv4={service.address}'
for ip in 10.77.0.2 10.77.0.3 10.78.0.2 "$subnet.9"; do
        check_soon "$ip answers" 60 answers "$ip"
done
# A guest of somebody else's, and what is not of a guest at all, stay as they are put.
ip tuntap add dev tap9 mode tap
ip link set tap9 master br7

# ── A bridge ─────────────────────────────────────────────────────────────────────────────────────────────────────────
# Nobody looks again and again: who hears of it sleeps until then.
switches() { awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$(unit_show shruthi-antispoof MainPID)/status"; }
rests() { local before; before=$(switches) && [ -n "$before" ] && sleep 3 && [ "$(switches)" = "$before" ]; }
check_soon "who hears of it sleeps until then" 60 rests
began=${EPOCHREALTIME/./}
check "the bridge goes" ip link delete br7
check_soon "the journal says who is cut off" 60 said held "Network 'service' of 'held' is cut off: .*'br7'"
diag "after $(((${EPOCHREALTIME/./} - began) / 1000)) ms, with the reading of the journal"
check "as a message of its own kind" bash -c \
        'journalctl --boot MESSAGE_ID=6f0d6cf33e0e4d2b8a70d8a4a1d4b340 SHRUTHI_UNIKERNEL=open --quiet | grep .'
check_soon "so does its log" 60 bash -c 'shruthictl logs held | grep "cut off"'
check_soon "a property says it" 60 cut_off held true
check "not of those that are not" cut_off lab false
expect_output "and status, with the reason" '^ +cut off: .*br7' shruthictl status held
check "the bridge comes back" bridge
check_soon "the first is attached again" 60 is_port held br7
check_soon "and the second" 60 is_port open br7
check_soon "and answers" 60 answers 10.77.0.2
check_soon "as does the other" 60 answers 10.77.0.3
check_soon "the journal says so" 60 said held "Network 'service' of 'held' had lost its bridge and is attached again"
check_soon "and the property" 60 cut_off held false
expect_fail "and status no more" '' bash -c 'shruthictl status held | grep -E "^ +cut off"'
expect_fail "a tap of somebody else's is left alone" '' test -e /sys/class/net/tap9/master

# ── One port alone, and by others ────────────────────────────────────────────────────────────────────────────────────
check "somebody takes one off" ip link set "$(tap_of held)" nomaster
check_soon "it is put back" 60 is_port held br7
check_soon "and answers" 60 answers 10.77.0.2
check "the service that hears of it is killed" systemctl kill --signal=SIGKILL shruthi-antispoof.service
check "the bridge goes meanwhile and comes back" bash -c 'ip link delete br7; sleep 0.5'
check "it comes back" bridge
check_soon "that is found out all the same" 60 answers 10.77.0.2
check "so is the one that has it done" systemctl kill --signal=SIGKILL --kill-whom=all shruthi-domain.service
check "the bridge goes" ip link delete br7
check "and comes back" bridge
check_soon "that, too" 60 answers 10.77.0.2

# ── libvirt's networks ───────────────────────────────────────────────────────────────────────────────────────────────
check "the network is stopped" virsh --quiet net-destroy lab
check_soon "the journal says who is cut off" 60 said lab "is cut off: network 'lab' is not active"
check_soon "a property says it" 60 cut_off lab true
check "it is started" virsh --quiet net-start lab
check_soon "and the guest answers" 60 answers 10.78.0.2
check_soon "the property is false again" 60 cut_off lab false
check "it is stopped and its guest as well" bash -c 'virsh --quiet net-destroy lab && sleep 0.5 && shruthictl stop lab'
check_soon "of what does not run nothing is told" 60 cut_off lab false

# ── Networks of ours ─────────────────────────────────────────────────────────────────────────────────────────────────
check "ours is stopped behind our back" virsh --quiet net-destroy own
check_soon "it is started again" 60 is_port own "$own"
check_soon "and its guest answers" 60 answers "$subnet.9"
check "it is forgotten altogether" bash -c 'virsh --quiet net-undefine own && virsh --quiet net-destroy own'
check_soon "it is made again" 60 virsh --quiet net-info own
check_soon "and its guest answers" 60 answers "$subnet.9"
expect_output "it is in DHCP again" "$subnet\\.9,own," bash -c 'cat /var/lib/shruthi-hosts/own/*/dhcp'

# ── A full bridge ────────────────────────────────────────────────────────────────────────────────────────────────────
ip link add br-full type bridge
for i in {1..1023}; do printf 'tuntap add dev f%s mode tap\nlink set f%s master br-full\n' "$i" "$i"; done >/tmp/full
check "a bridge with 1023 interfaces" ip -batch /tmp/full
expect_fail "takes no guest, which is said in words" "The bridge 'br-full' is full \(1023 interfaces\)" \
        shruthictl create one-more "$GUEST" --memory=8M --network=service:br-full --now

finish
