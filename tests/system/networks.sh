#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Addresses: given out once each however many ask, kept as long as the unikernel is there, filled into its arguments,
# known to the network's DHCP and DNS, and nobody else's to send from.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

n=50
all=()
for i in $(seq $n); do all+=("many$i"); done

# What the guest said of its own arguments in this boot's journal.
guest_got() { journalctl --boot --unit="unikernel@$1" --output=cat --no-pager | grep -F -- "$2"; }
leases() { find /var/lib/shruthi/leases -type f ! -name '.*' | wc -l; }
# METHOD JQ: what jq makes of the manager's answer about all unikernels.
of_all() {
        busctl --json=short call org.dream.Shruthi /org/dream/Shruthi org.dream.Shruthi.Manager "$1" as 0 |
                jq -r ".data[0] | $2"
}
network_has() { virsh net-dumpxml default | grep -F "$1"; }

# Names through the network's own DNS server.
use_dns() { echo "nameserver 192.168.122.1" >/etc/resolv.conf; }

if [ "$STAGE" = again ]; then
        use_dns
        check_soon "one that is started at boot is up" 60 unit_is active unikernel@many1
        for name in many1 many2; do
                is "$name has the address from before the reboot" "$(cat "/var/lib/address-of-$name")" \
                        "$(address_of $name)"
        done
        check_soon "it answers there" 60 answers "$(cat /var/lib/address-of-many1)"
        check_soon "and by its name" 60 answers many1

        check "all are removed" bash -c "shruthictl stop 'many*' 2>/dev/null; shruthictl remove ${all[*]}"
        is "no lease is left" 0 "$(leases)"
        expect_fail "and no name, and no reservation" '' network_has many
        finish
fi

use_dns
shruthictl image inspect "$GUEST" >/dev/null

# ── Many at once ─────────────────────────────────────────────────────────────────────────────────────────────────
started=${EPOCHREALTIME/./}
pids=()
for name in "${all[@]}"; do
        shruthictl create "$name" "$GUEST" --memory=8M --network=service:network=default,address=auto \
                -- '--ipv4={service.address}' '--ipv4-gateway={service.gateway}' '{name}' '{owner}' >/dev/null &
        pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do wait "$pid" || failed=$((failed + 1)); done
is "$n creates at once succeed" 0 $failed
diag "they took $(((${EPOCHREALTIME/./} - started) / 1000)) ms"
is "each has a lease" $n "$(leases)"
declare -A address
for name in "${all[@]}"; do address[$name]=$(address_of "$name"); done
is "all addresses are different" $n "$(printf '%s\n' "${address[@]}" | grep -c . <(printf '%s\n' "${address[@]}" | sort -u))"
is "the network's DHCP has reserved them" $n "$(virsh net-dumpxml default | grep -c "<host mac=.*name='many")"
is "its DNS knows their names" $n "$(virsh net-dumpxml default | grep -c '<hostname>many')"

started=${EPOCHREALTIME/./}
check "they start" shruthictl start "${all[@]}"
diag "they took $(((${EPOCHREALTIME/./} - started) / 1000)) ms"
silent=()
for name in "${all[@]}"; do wait_for 60 answers "${address[$name]}" || silent+=("$name"); done
is_none "all answer by their address" "${silent[*]}"
silent=()
for name in "${all[@]}"; do wait_for 60 answers "$name" || silent+=("$name"); done
is_none "all answer by their name" "${silent[*]}"
expect_output "the guest was told its address with the prefix" "^argument: --ipv4=${address[many1]}/24$" \
        guest_got many1 "--ipv4="
expect_output "and the gateway" '^argument: --ipv4-gateway=192.168.122.1$' guest_got many1 "--ipv4-gateway="
expect_output "and its name" '^argument: many1$' guest_got many1 many1
expect_output "and its owner" '^argument: root$' guest_got many1 root
expect_output "arguments shows what it gets" "^--ipv4=${address[many1]}/24 --ipv4-gateway=192.168.122.1 many1 root$" \
        shruthictl arguments many1
expect_output "status shows the address" "${address[many1]}/24" shruthictl status many1

# ── Kept ─────────────────────────────────────────────────────────────────────────────────────────────────────────

# ── All of them in one call ──────────────────────────────────────────────────────────────────────────────────────
is "one call has the details of all" "$(for name in "${all[@]}"; do echo "$name ${address[$name]}/24"; done | sort)" \
        "$(of_all ListUnikernelDetails 'to_entries[] | "\(.key) \(.value.Devices.data[0].Address.data)"' | sort)"
is "… and one the statistics of all, of each its own" $n "$(of_all ListUnikernelStatistics \
        'to_entries | map(select(.value.CPUTime.data > 0 and .value.Devices.data[0].SentPackets.data > 0)) | length')"

check "one is restarted" shruthictl restart many1
is "it has the same address" "${address[many1]}" "$(address_of many1)"
check "another is stopped" shruthictl stop many2
check "and started by systemctl, with shruthid stopped" bash -c 'systemctl stop shruthid && systemctl start unikernel@many2'
check_soon "it answers at its address" 60 answers "${address[many2]}"

# ── Asked for, and refused ───────────────────────────────────────────────────────────────────────────────────────
expect_fail "an address that another has is refused" "${address[many1]} is allocated to unikernel 'many1'" \
        shruthictl create taken "$GUEST" "--network=service:network=default,address=${address[many1]}/24"
expect_fail "and leaves no unikernel behind" 'taken' shruthictl show taken
expect_fail "the gateway's address is refused" "is the address of the gateway" \
        shruthictl create taken "$GUEST" --network=service:network=default,address=192.168.122.1/24
expect_fail "one of another network is refused" 'is not in network 192.168.122.0/24' \
        shruthictl create taken "$GUEST" --network=service:network=default,address=10.9.9.9/24
expect_fail "a field that there is not is refused with those there are" 'there is no field \{service.adress\}.*\{service.address\}' \
        shruthictl create taken "$GUEST" --network=service:virbr0 -- '--ipv4={service.adress}'
expect_fail "a device that there is not, too" 'there is no field \{other.address\}' \
        shruthictl create taken "$GUEST" --network=service:virbr0 -- '--ipv4={other.address}'
expect_fail "so is one that has no value there" 'service.address6. has no value' \
        shruthictl create taken "$GUEST" --network=service:network=default,address=auto -- '--ipv6={service.address6}'
is_none "no address is kept for what was refused" "$(grep -rl '^UNIKERNEL=taken$' /var/lib/shruthi/leases)"
expect_fail "and no name or reservation" '' network_has taken
check "the bridge of a network is the same network" \
        shruthictl create fixed "$GUEST" --memory=8M --network=service:virbr0,address=192.168.122.207/24 -- '--ipv4={service.address}'
expect_fail "set takes no field without a value either" 'service.address6. has no value' \
        shruthictl set fixed -- '--ipv6={service.address6}'
expect_fail "so an address is taken there as well" "is allocated to unikernel 'fixed'" \
        shruthictl create taken "$GUEST" --network=service:network=default,address=192.168.122.207/24
check "once it is removed" shruthictl remove fixed
check "the address is free again" \
        shruthictl create taken "$GUEST" --memory=8M --network=service:network=default,address=192.168.122.207/24 -- '--ipv4={service.address}'
check "it starts" shruthictl start taken
check_soon "and answers there" 60 answers 192.168.122.207
check "it is removed while the kernel still knows it as a neighbour" bash -c 'shruthictl stop taken && shruthictl remove taken'
check "another may have the address at once" \
        shruthictl create next "$GUEST" --memory=8M --network=service:network=default,address=192.168.122.207/24
check "and go" shruthictl remove next

# ── Without shruthid ─────────────────────────────────────────────────────────────────────────────────────────────
digest=$(shruthictl show many1 | sed -n 's/^ImageDigest=//p')
[ -n "$digest" ] || digest=$(shruthictl cat many1 | sed -n 's/^Image=//p')
cat >/etc/shruthi/unikernels/hand.unikernel <<END
[Unikernel]
Image=$digest
Arguments=--ipv4={service.address}
Memory=8M
[Network service]
Network=default
END
check "shruthid is stopped" systemctl stop shruthid
check "one that is written by hand starts" systemctl start unikernel@hand
hand=$(address_of hand)
check_soon "its address was allocated, and it answers" 60 answers "$hand"
check_soon "by its name, too" 60 answers hand
check "it stops" systemctl stop unikernel@hand
rm /etc/shruthi/unikernels/hand.unikernel
check "shruthid is stopped" systemctl stop shruthid
check "and started again" busctl call org.dream.Shruthi /org/dream/Shruthi org.freedesktop.DBus.Peer Ping
hand_is_gone() { [ ! -e "/var/lib/shruthi/leases/network-default/$hand" ]; }
check_soon "what nobody has any more is given back" 60 hand_is_gone

# ── A bridge that libvirt does not manage ────────────────────────────────────────────────────────────────────────
ip link add br9 type bridge
ip address add 10.9.0.1/24 dev br9
ip link set br9 up
expect_fail "nobody knows its addresses" '\[Bridge br9\]' \
        shruthictl create plain "$GUEST" --memory=8M --network=service:br9,address=auto
printf '[Bridge br9]\nSubnet=10.9.0.0/29\nGateway=10.9.0.1\n' >/etc/shruthi/shruthi.conf.d/60-br9.conf
expect_fail "the prefix length must be the subnet's" 'write /29' \
        shruthictl create plain "$GUEST" --memory=8M --network=service:br9,address=10.9.0.3/24
# A host that the kernel knows; of the six addresses four are left: the gateway is .1, the host .2.
ip neighbour add 10.9.0.2 lladdr 02:00:00:00:00:02 dev br9
for i in 3 4 5 6; do
        check "there is an address for plain$i" shruthictl create plain$i "$GUEST" --memory=8M \
                --network=service:br9,address=auto -- '--ipv4={service.address}'
done
is_none "nobody has the neighbour's" "$(for i in 3 4 5 6; do address_of plain$i; done | grep -xF 10.9.0.2)"
expect_fail "then there is none" 'all addresses of network 10.9.0.0/29 are in use' \
        shruthictl create plain7 "$GUEST" --memory=8M --network=service:br9,address=auto
expect_fail "the neighbour's is not given to who asks for it" '10.9.0.2 is in use by 02:00:00:00:00:02' \
        shruthictl create plain7 "$GUEST" --memory=8M --network=service:br9,address=10.9.0.2/29
check "one starts" shruthictl start plain3
check_soon "and answers" 60 answers "$(address_of plain3)"
check "they are removed" bash -c 'shruthictl stop plain3 && shruthictl remove plain3 plain4 plain5 plain6'

# ── Isolation ────────────────────────────────────────────────────────────────────────────────────────────────────
expect_output "doctor says that guests are isolated" '^ok +isolation: Guests can send only' shruthictl doctor
check "a guest with an address of its own" shruthictl create honest "$GUEST" --memory=8M \
        --network=service:virbr0,address=192.168.122.208/24 -- '--ipv4={service.address}'
check "and one that uses another than it was given" shruthictl create spoofer "$GUEST" --memory=8M \
        --network=service:virbr0,address=192.168.122.209/24 -- --ipv4=192.168.122.166/24
check "they start" shruthictl start honest spoofer
check_soon "the first is heard" 60 answers 192.168.122.208
check_soon "the second runs" 60 guest_got spoofer 192.168.122.166
expect_fail "but is not heard" '' ping -c 4 -W 1 192.168.122.166
check "without isolation it is" bash -c 'shruthictl set spoofer Network=service:virbr0,address=192.168.122.209/24,isolation=no &&
        shruthictl restart spoofer'
check_soon "heard" 60 answers 192.168.122.166
expect_fail "a user may not take it off" 'administrator|AccessDenied|Isolation=no' as_user alice \
        shruthictl --no-ask-password create open "$GUEST" --network=service:virbr0,isolation=no
check "a user's guest with an address by itself" as_user alice shruthictl create byitself "$GUEST" --memory=8M \
        --network=service:virbr0 --now -- --ipv4=192.168.122.167/24
expect_fail "is not heard from it" '' ping -c 4 -W 1 192.168.122.167
expect_output "its journal says why, and what to write" 'set Address= in \[Network service\]' \
        shruthictl logs byitself
printf '[Shruthi]\nStrictAddresses=no\n' >/etc/shruthi/shruthi.conf.d/60-strict.conf
check "where addresses are not strict" as_user alice shruthictl restart byitself
check_soon "it is" 60 answers 192.168.122.167
rm /etc/shruthi/shruthi.conf.d/60-strict.conf
check "these are removed" bash -c 'shruthictl stop honest spoofer byitself && shruthictl remove honest spoofer byitself'

# ── Bandwidth ────────────────────────────────────────────────────────────────────────────────────────────────────
check "a guest with little bandwidth" shruthictl create slow "$GUEST" --memory=8M \
        --network=service:network=default,address=auto,bandwidth=100K -- '--ipv4={service.address}'
expect_output "libvirt is told so" "<(in|out)bound average=['\"]97['\"]" shruthictl xml slow
check "it is removed" shruthictl remove slow

# ── After a reboot ───────────────────────────────────────────────────────────────────────────────────────────────
check "one is to start at boot" shruthictl set many1 Autostart=yes
for name in many1 many2; do echo "${address[$name]}" >"/var/lib/address-of-$name"; done
sandbox_reboot again
