#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What networks.sh does not show of addresses: IPv6, guests that ask DHCP, addresses that hosts or DHCP have already,
# spoofing of all kinds, bandwidth, and how it goes on when libvirt or a part of ours was away.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# Several tries: one packet that is not answered proves nothing.
is_silent() { ! ping -c 4 -i 0.3 -W 1 "$1"; }
address6_of() { shruthictl arguments "$1" | sed -nE 's/.*--ipv6=([0-9a-f:]+).*/\1/p'; }
# The address of NETWORK that NAME has a lease of: for those whose arguments do not tell it.
lease_of() { grep -lE "^UNIKERNEL=$2\$" "/var/lib/shruthi/leases/network-$1"/* | head -n 1 | sed 's,.*/,,'; }
has_no_lease() { ! grep -rqE "^UNIKERNEL=$1\$" /var/lib/shruthi/leases; }
guest_said() { journalctl --boot --unit="unikernel@$1" --output=cat --no-pager | grep -E -- "$2"; }
reload() { busctl --quiet call org.dream.Shruthi /org/dream/Shruthi org.dream.Shruthi.Manager Reload; }
gone() { for name in "$@"; do shruthictl stop "$name" 2>/dev/null; shruthictl remove "$name" || return; done; }
filter_of() { virsh dumpxml "unikernel-$1" | grep -oE "filterref filter=['\"][^'\"]*"; }
tap_of() { virsh --quiet domiflist "unikernel-$1" | awk 'NR == 1 { print $1 }'; }

# NETWORK PREFIX: with both families, and a DNS server that is asked for names.
make_network() {
        virsh --quiet net-create /dev/stdin <<END
<network>
  <name>$1</name>
  <forward mode='nat'/>
  <bridge name='br-$1' stp='off' delay='0'/>
  <ip address='$2.1' netmask='255.255.255.$3'><dhcp><range start='$2.$4' end='$2.$5'/></dhcp></ip>
  $6
</network>
END
}
use_dns() { echo "nameserver $1" >/etc/resolv.conf; }

# NAME BRIDGE MAC: a host of its own on that bridge; its interface is eth0.
foreign_host() {
        ip netns add "$1" && ip link add "$1" type veth peer name eth0 address "$3" netns "$1" &&
                ip link set "$1" master "$2" up && ip -n "$1" link set eth0 up
}

shruthictl image inspect "$GUEST" >/dev/null

# ── IPv6 ─────────────────────────────────────────────────────────────────────────────────────────────────────────
check "a network of both families" make_network six 10.66.0 0 100 200 \
        "<ip family='ipv6' address='fd66::1' prefix='64'><dhcp><range start='fd66::1000' end='fd66::1fff'/></dhcp></ip>"
use_dns 10.66.0.1
both=('--ipv4={service.address}' '--ipv6={service.address6}' '--ipv6-gateway={service.gateway6}')
for name in six1 six2; do
        check "a guest $name with addresses of both" shruthictl create $name "$GUEST" --memory=8M --now \
                --network=service:network=six,address=auto -- "${both[@]}"
done
expect_output "it is told its address, prefix and gateway" '--ipv6=fd66::[0-9a-f:]+/64 --ipv6-gateway=fd66::1$' \
        shruthictl arguments six1
expect_output "status shows both" 'fd66::[0-9a-f:]+/64' shruthictl status six1
expect_fail "the other has others" '^' test "$(address6_of six1)" = "$(address6_of six2)"

# A further device is known as UNIKERNEL-DEVICE, which may be a unikernel's own name.
named() { virsh net-dumpxml six | grep -B 1 "<hostname>$1</hostname>" | sed -n "s/.*ip='\(10[^']*\)'.*/\1/p"; }
two() {
        shruthictl create "$1" "$BUILD/tests/guest/guest-two.virtio" --memory=16M --volume=storage:size=1M \
                --volume=config:size=1M --network=service:network=six,address=auto \
                --network=private:network=six,address=auto
}
check "a unikernel with two networks" two early
expect_output "the second has a name, too" . named early-private
check "another by that name" shruthictl create early-private "$GUEST" --memory=8M \
        --network=service:network=six,address=auto -- "${both[@]}"
is "has it then" "$(address_of early-private)" "$(named early-private)"
check "one is there first" shruthictl create late-private "$GUEST" --memory=8M \
        --network=service:network=six,address=auto -- "${both[@]}"
check "with whose name another's device ends" two late
is "it keeps it" "$(address_of late-private)" "$(named late-private)"
check "they go" gone early early-private late late-private
check "with their volumes" shruthictl volume remove early-storage early-config late-storage late-config
for name in six1 six2; do
        check_soon "$name answers by IPv6" 60 answers "$(address6_of $name)"
        check_soon "and by IPv4" 60 answers "$(address_of $name)"
done
expect_output "the name stands for the IPv6 address" "^$(address6_of six1) " getent ahostsv6 six1
check_soon "it answers by its name" 60 ping -6 -c 1 -W 1 six1
check "by IPv4 too" ping -4 -c 1 -W 1 six1
before=$(address6_of six1)
check "it is restarted" shruthictl restart six1
is "its address is the same" "$before" "$(address6_of six1)"
check_soon "and answers" 60 answers "$before"
# Not at its first start: the bridge, whose first guest it was, was not sure of its own address then.
check_soon "it has found its gateway" 60 guest_said six1 'IPv6 gateway is at'
expect_fail "its address is not given to another" "is allocated to unikernel 'six1'" \
        shruthictl create taken "$GUEST" --network=service:network=six,address="$before/64"
expect_fail "the gateway's neither" "is the address of the gateway" \
        shruthictl create taken "$GUEST" --network=service:network=six,address=fd66::1/64

check "one of IPv6 alone" shruthictl create only6 "$GUEST" --memory=8M --now \
        --network=service:network=six,address=fd66::66/64 -- '--ipv6={service.address6}'
check_soon "answers" 60 answers fd66::66
check_soon "by its name" 60 ping -6 -c 1 -W 1 only6

check "a spoofer of an IPv6 address" shruthictl create liar6 "$GUEST" --memory=8M --now \
        --network=service:network=six,address=auto -- --ipv6=fd66::bad/64
check_soon "says that it has it" 60 guest_said liar6 'serving on fd66:'
check "but is not heard" is_silent fd66::bad
check "without isolation it is" bash -c \
        'shruthictl set liar6 Network=service:network=six,address=auto,isolation=no && shruthictl restart liar6'
check_soon "heard" 60 answers fd66::bad
check "one that has no lease may have the address that it likes" shruthictl create free6 "$GUEST" --memory=8M --now \
        --network=service:network=six -- --ipv6=fd66::f/64 --ipv4=10.66.0.15/24
check_soon "of IPv6, from the beginning" 60 answers fd66::f
check_soon "and of IPv4" 60 answers 10.66.0.15
expect_output "from an interface that is looked at" '^shru' tap_of free6
check "one with another's MAC address" shruthictl create mac6 "$GUEST" --memory=8M --now \
        --network=service:network=six -- --mac=52:54:00:0b:ad:06 --ipv6=fd66::e/64 --ipv4=10.66.0.14/24
check_soon "says that it has an address" 60 guest_said mac6 'serving on 10.66.0.14'
check "it is not heard by IPv6" is_silent fd66::e
check "nor by IPv4" is_silent 10.66.0.14

# The first start of one that is written by hand needs no shruthid.
digest=$(shruthictl show six1 | sed -n 's/^ImageDigest=//p')
[ -n "$digest" ] || digest=$(shruthictl cat six1 | sed -n 's/^Image=//p')
cat >/etc/shruthi/unikernels/hand6.unikernel <<END
[Unikernel]
Image=$digest
Arguments=${both[*]}
Memory=8M
[Network service]
Network=six
END
check "shruthid is masked" systemctl mask --runtime --now shruthid.socket shruthid.service
check "one that is written by hand starts" systemctl start unikernel@hand6
lease6=$(lease_of six hand6)
check "it has leases" test -n "$lease6"
check_soon "and answers by its name" 60 ping -6 -c 1 -W 1 hand6
check "it stops" systemctl stop unikernel@hand6
check "shruthid is there again" bash -c \
        'systemctl unmask --runtime shruthid.service shruthid.socket && systemctl start shruthid.socket'
check "it is known" shruthictl show hand6
rm /etc/shruthi/unikernels/hand6.unikernel
check "once its file is deleted" reload
check_soon "its addresses are given back" 60 has_no_lease hand6
expect_fail "and its names and reservations are gone" '' bash -c 'virsh net-dumpxml six | grep -F hand6'

check "all of these are removed" gone six1 six2 only6 liar6 free6 mac6
expect_fail "nothing of them is left in the network" '' bash -c "virsh net-dumpxml six | grep -E '<host (mac|name|ip)'"

# ── Those that ask DHCP ──────────────────────────────────────────────────────────────────────────────────────────
use_dns 192.168.122.1
check "a guest that asks DHCP" shruthictl create asker "$GUEST" --memory=8M --now \
        --network=service:network=default,address=auto -- --dhcp '--name={name}'
asker=$(lease_of default asker)
check_soon "is given the address that is reserved" 60 guest_said asker "serving on $asker/24 by DHCP"
check_soon "and answers there" 60 answers "$asker"
check_soon "and by its name" 60 answers asker
check "it is restarted" shruthictl restart asker
asked_twice() { [ "$(guest_said asker 'by DHCP' | wc -l)" -ge 2 ]; }
check_soon "it asks again" 60 asked_twice
check_soon "and answers at the same address" 60 answers "$asker"
is "it was given no other" "service: serving on $asker/24 by DHCP" "$(guest_said asker 'by DHCP' | sort -u)"
before=$(stat -c %i:%y /etc/libvirt/qemu/networks/default.xml)
check "who looks who is there sleeps" systemctl stop shruthi-neighbours.service
check "one more restart" shruthictl restart asker
is "asks nobody who is there" inactive "$(systemctl is-active shruthi-neighbours.service)"
is "changes nothing of the network" "$before" "$(stat -c %i:%y /etc/libvirt/qemu/networks/default.xml)"

check "a user's guest that asks DHCP" as_user alice shruthictl create strict "$GUEST" \
        --memory=8M --network=service:virbr0 --now -- --dhcp
check_soon "is given one" 60 guest_said strict 'by DHCP'
strict=$(guest_said strict 'by DHCP' | sed -E 's/.* on ([0-9.]+).*/\1/' | tail -n 1)
check_soon "and heard from it" 60 answers "$strict"
expect_output "status shows it" "$strict \\(seen on network service\\)" as_user alice shruthictl status strict
expect_output "which libvirt has seen" 'shruthi-[0-9]*-held-none$' filter_of strict
check "these are removed" gone asker strict

# ── Those that are typed ─────────────────────────────────────────────────────────────────────────────────────────
alice_ctl() { as_user alice shruthictl "$@"; }
# It exits with 3, since none runs.
alice_sees() { alice_ctl status typed || :; }
expect_output "a user who types an address is told that nothing gets through, and how it would" \
        'from 192\.168\.122\.44/24 is dropped,.* shruthictl set typed Network=service:virbr0,address=192\.168\.122\.44/24' \
        alice_ctl create typed "$GUEST" --memory=8M --network=service:virbr0 -- --ipv4=192.168.122.44/24
expect_output "status marks it" '192\.168\.122\.44/24: traffic from it is dropped' alice_sees
check "as it was told" alice_ctl set typed Network=service:virbr0,address=192.168.122.44/24
expect_fail "it is not marked" '' bash -c 'shruthictl status typed | grep "traffic from it is dropped"'
expect_output "but shown" 'Addresses: 192\.168\.122\.44/24$' alice_sees
expect_output "who gives it another than it is told in its arguments hears of that" \
        'from 192\.168\.122\.44/24 is dropped,' alice_ctl set typed Network=service:virbr0,address=192.168.122.45/24
expect_output "it is marked again" '192\.168\.122\.44/24: traffic from it is dropped' alice_sees
check "with what is no address" alice_ctl set typed -- --ipv4=999.1.1.1
expect_fail "none is shown" '' bash -c 'shruthictl status typed | grep -E "Addresses.*999"'
check "it is removed" gone typed
expect_fail "an administrator's may choose, and nothing is said" '' bash -c \
        "shruthictl create typed '$GUEST' --network=service:virbr0 -- --ipv4=192.168.122.44/24 2>&1 | grep 'is dropped'"
check "it is removed as well" gone typed

# ── Taken by others ──────────────────────────────────────────────────────────────────────────────────────────────
# Of six addresses the gateway has one, a host that nobody told of another, and DHCP has given out a third.
check "a small network" make_network small 10.67.0 248 5 6 ''
check "with a host of somebody else's" foreign_host stranger br-small 02:00:00:00:00:02
ip -n stranger address add 10.67.0.2/29 dev eth0
check_soon "which was heard of" 60 ip netns exec stranger ping -c 1 -W 1 10.67.0.1
check "and one that asks DHCP" foreign_host leaser br-small 02:00:00:00:00:03
check_soon "and is given an address" 60 ip netns exec leaser busybox udhcpc -i eth0 -f -n -q -t 5 -s /bin/true
check_soon "which libvirt has heard of" 60 eval 'virsh net-dhcp-leases small | grep -F 02:00:00:00:00:03'
leased=$(virsh --quiet net-dhcp-leases small | grep -F 02:00:00:00:00:03 | grep -oE '10\.67\.0\.[0-9]+')
check "of the range" test -n "$leased"
# Silent from now on, so that its lease alone tells of it.
ip -n leaser link set eth0 down
ip neighbour flush dev br-small
check_soon "the first is heard of again" 60 ip netns exec stranger ping -c 1 -W 1 10.67.0.1
small=()
for i in 1 2 3; do
        check "there is an address for small$i" shruthictl create small$i "$GUEST" --memory=8M \
                --network=service:network=small,address=auto -- '--ipv4={service.address}'
        small+=("$(address_of small$i)")
done
expect_fail "nobody has the host's or the leased one" '' grep -xE "10\.67\.0\.2|$leased" <(printf '%s\n' "${small[@]}")
expect_fail "then there is none" 'all addresses of network 10.67.0.0/29 are in use' \
        shruthictl create small4 "$GUEST" --memory=8M --network=service:network=small,address=auto
expect_fail "who asks for the host's is told who has it" \
        "10.67.0.2 is in use by 02:00:00:00:00:02: .*neighbour" \
        shruthictl create small4 "$GUEST" --memory=8M --network=service:network=small,address=10.67.0.2/29
expect_fail "and who asks for the leased one" "${leased:-none} is in use by 02:00:00:00:00:03: .*DHCP" \
        shruthictl create small4 "$GUEST" --memory=8M --network=service:network=small,address="$leased/29"
expect_fail "and who asks for a unikernel's" "${small[0]} is allocated to unikernel 'small1' \(device 'service'\)" \
        shruthictl create small4 "$GUEST" --memory=8M --network=service:network=small,address="${small[0]}/29"
expect_fail "by the error's own name" 'org.dream.Shruthi.Error.AddressInUse' gdbus call --system \
        --dest=org.dream.Shruthi --object-path=/org/dream/Shruthi \
        --method=org.dream.Shruthi.Manager.CreateUnikernelFromDigest small4 "$digest" \
        "{'Networks': <[('service', {'Network': <'small'>, 'Address': <'${small[0]}/29'>})]>}"
check "they are removed" gone small1 small2 small3

check "a bridge of nobody's" ip link add br8 type bridge
ip address add 10.8.0.1/29 dev br8
ip link set br8 up
printf '[Bridge br8]\nSubnet=10.8.0.0/29\nGateway=10.8.0.1\nIPv6Subnet=fd08::/125\n' \
        >/etc/shruthi/shruthi.conf.d/60-br8.conf
check "with a host on it" foreign_host other br8 02:00:00:00:00:08
ip -n other address add 10.8.0.3/29 dev eth0
ip -n other address add fd08::3/125 dev eth0 nodad
ip address add fd08::1/125 dev br8 nodad
check_soon "which was heard of" 60 ip netns exec other ping -c 1 -W 1 10.8.0.1
check_soon "by IPv6 too" 60 ip netns exec other ping -c 1 -W 1 fd08::1
plain=()
for i in 1 2 3 4; do
        check "there are addresses for plain$i" shruthictl create plain$i "$GUEST" --memory=8M \
                --network=service:br8,address=auto -- '--ipv4={service.address}' '--ipv6={service.address6}'
        plain+=("$(address_of plain$i)" "$(address6_of plain$i)")
done
expect_fail "nobody has the host's" '' grep -xE "10\.8\.0\.3|fd08::3|fd08::1" <(printf '%s\n' "${plain[@]}")
expect_fail "then there is none" 'all addresses of network 10.8.0.0/29 are in use' \
        shruthictl create plain5 "$GUEST" --memory=8M --network=service:br8,address=auto
expect_fail "the host's is refused" '10.8.0.3 is in use by 02:00:00:00:00:08' \
        shruthictl create plain5 "$GUEST" --memory=8M --network=service:br8,address=10.8.0.3/29
expect_fail "of IPv6 too" 'fd08::3 is in use by 02:00:00:00:00:08' \
        shruthictl create plain5 "$GUEST" --memory=8M --network=service:br8,address=fd08::3/125
expect_fail "and this host's own" 'fd08::1 is in use' \
        shruthictl create plain5 "$GUEST" --memory=8M --network=service:br8,address=fd08::1/125
check "one starts" shruthictl start plain1
check_soon "and answers the other host" 60 ip netns exec other ping -c 1 -W 1 "$(address_of plain1)"
check_soon "by IPv6 too" 60 ip netns exec other ping -c 1 -W 1 "$(address6_of plain1)"

# Where nobody can tell who is there, nothing is given out.
check "the service that looks is away" systemctl stop shruthi-neighbours.socket
gone plain4 >/dev/null
expect_fail "then nothing is given out there" 'shruthi-neighbours.socket' \
        shruthictl create plain5 "$GUEST" --memory=8M --network=service:br8,address=auto
expect_output "doctor says so" 'Address=auto.*shruthi-neighbours.socket' shruthictl doctor
check "who has an address already is started" shruthictl restart plain1
check "it is back" systemctl start shruthi-neighbours.socket
expect_output "doctor says that, too" 'Address=auto does not allocate addresses that' shruthictl doctor
check "one more fits" shruthictl create plain5 "$GUEST" --memory=8M --network=service:br8,address=auto
check "they are removed" gone plain1 plain2 plain3 plain5

# ── Whose an address may be ──────────────────────────────────────────────────────────────────────────────────────
# Where nobody has told which addresses there are, and this host has not heard of all who are there.
check "a bridge that nobody told about" ip link add br6 type bridge
ip address add 10.6.0.1/24 dev br6
ip link set br6 up
ip route add 10.200.0.0/16 via 10.6.0.77 dev br6
printf '[Shruthi]\nAllowedBridges=virbr0 br6 br8\n' >/etc/shruthi/shruthi.conf.d/61-bridges.conf
reload
# BRIDGE,ADDRESS
alice_makes() { as_user alice shruthictl create claimed "$GUEST" --memory=8M --network=service:"$1"; }
expect_fail "a user may choose no address there" \
        "only an administrator may choose 10\.6\.0\.9, which is in no known subnet.*'br6'.*\[Bridge br6\]" \
        alice_makes br6,address=10.6.0.9/24
expect_fail "of IPv6 neither" 'only an administrator may choose fd06::9' alice_makes br6,address=fd06::9/64
expect_fail "nor the router's link-local one" 'only an administrator.*link-local.*fe80::1' \
        alice_makes br6,address=fe80::1/64
expect_fail "nor where other addresses are known" 'only an administrator may choose 10\.6\.0\.9' \
        alice_makes br8,address=10.6.0.9/29
expect_fail "nor on libvirt's bridge" 'only an administrator may choose 10\.6\.0\.9' \
        alice_makes virbr0,address=10.6.0.9/24
expect_fail "nor a router's there" 'only an administrator.*link-local.*fe80::1' alice_makes virbr0,address=fe80::1/64
check "one that is known to be there they may" alice_makes br8,address=10.8.0.5/29
mac=$(as_user alice shruthictl show claimed --json=short | jq -r '.. | .MACAddress? // empty' | head -n 1)
local6=$(python3 -c "m = bytes.fromhex('$mac'.replace(':', '')); import ipaddress
print(ipaddress.ip_address(b'\xfe\x80' + bytes(6) + bytes([m[0] ^ 2]) + m[1:3] + b'\xff\xfe' + m[3:]))")
check "as the link-local one that follows from theirs" as_user alice shruthictl set claimed \
        Network=service:br6,address="$local6/64"
expect_fail "but no other by a change" 'only an administrator may choose 10\.6\.0\.9' \
        as_user alice shruthictl set claimed Network=service:br6,address=10.6.0.9/24
check "an administrator may give it" shruthictl set claimed Network=service:br6,address=10.6.0.9/24
check "and they keep it with what else they change" as_user alice shruthictl set claimed \
        Network=service:br6,address=10.6.0.9/24,bandwidth=in:1M
check "it is removed" gone claimed
expect_fail "a gateway's nobody may choose" "10\.6\.0\.77 is in use: it is a gateway of this host" \
        shruthictl create claimed "$GUEST" --memory=8M --network=service:br6,address=10.6.0.77/24
rm /etc/shruthi/shruthi.conf.d/61-bridges.conf
ip link delete br6
reload

# ── When libvirt was away ────────────────────────────────────────────────────────────────────────────────────────
check "one with an address" shruthictl create late "$GUEST" --memory=8M \
        --network=service:network=default,address=auto -- '--ipv4={service.address}'
late=$(address_of late)
check "libvirt goes away" systemctl mask --runtime --now libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket \
        libvirtd.service
check "it is removed all the same" shruthictl remove late
check "its address is not free yet" test -e "/var/lib/shruthi/leases/network-default/$late"
check "libvirt comes back" bash -c 'systemctl unmask --runtime libvirtd.socket libvirtd-ro.socket \
        libvirtd-admin.socket libvirtd.service && systemctl start libvirtd.socket'
check "after a reload" reload
check_soon "it is" 60 has_no_lease late
expect_fail "and the network has forgotten it" '' bash -c 'virsh net-dumpxml default | grep -F late'

# ── Bandwidth ────────────────────────────────────────────────────────────────────────────────────────────────────
# What it comes to on the wire is in tests/machine/limits.sh, where the kernel surely has all of it.
# DIRECTION: whether this kernel has what libvirt uses for it.
kernel_limits() {
        local result=0

        ip link add probe0 type veth peer name probe1
        if [ "$1" = in ]; then
                tc qdisc add dev probe0 root handle 1: htb default 1 &&
                        tc class add dev probe0 parent 1: classid 1:1 htb rate 1mbit &&
                        tc qdisc add dev probe0 parent 1:1 sfq perturb 10 || result=1
        else
                tc qdisc add dev probe0 ingress && tc filter add dev probe0 parent ffff: protocol all u32 match u32 0 0 \
                        police rate 1mbit burst 1mb mtu 64kb drop flowid :1 || result=1
        fi
        ip link delete probe0
        return $result
}

for direction in in out; do
        name=slow-$direction
        check "a guest with little bandwidth $direction" shruthictl create $name "$GUEST" --memory=8M \
                --network=service:network=default,address=auto,bandwidth=$direction:2M -- '--ipv4={service.address}'
        expect_output "libvirt is told so" "<${direction}bound average=['\"]1953['\"]" shruthictl xml $name
        if kernel_limits $direction >/dev/null 2>&1; then
                check "it starts" shruthictl start $name
                check_soon "and answers" 60 answers "$(address_of $name)"
                if [ $direction = in ]; then
                        expect_output "the kernel holds back what comes to it" 'htb .*rate 1[56][0-9.]*Mbit' \
                                tc class show dev "$(tap_of $name)"
                else
                        expect_output "the kernel holds back what comes from it" 'police .*rate 1[56][0-9.]*Mbit' \
                                tc filter show dev "$(tap_of $name)" parent ffff:
                fi
        else
                expect_fail "it is refused with what the kernel lacks" 'kernel cannot apply Bandwidth=.*sch_htb, sch_sfq' \
                        shruthictl start $name
                expect_output "and its unit has failed for it" '^failed$' unit_show unikernel@$name ActiveState
        fi
        check "it is removed" gone $name
done

# ── Where there are no filters ───────────────────────────────────────────────────────────────────────────────────
ebtables=$(readlink -f "$(command -v ebtables)")
link=$(command -v ebtables)
expect_output "doctor finds guests isolated" "can send only from their own MAC address" shruthictl doctor
rm "$link"
check "one whose address is known needs none" shruthictl create held "$GUEST" --memory=8M --now \
        --network=service:network=default,address=auto -- --ipv4=192.168.122.168/24
check_soon "it says that it has another" 60 guest_said held 'serving on 192.168.122.168'
check "but is not heard" is_silent 192.168.122.168
check "it is removed" gone held
expect_output "doctor says who needs them" \
        "Users' guests without allocated addresses can send from other MAC.*ebtables" shruthictl doctor
check "without what holds the others" systemctl mask --runtime --now shruthi-antispoof.socket shruthi-antispoof.service
expect_output "doctor says when they are not isolated, and why" \
        "^warning.*Guests can send from other MAC and IP addresses: .*ebtables" shruthictl doctor
check "a guest starts all the same" shruthictl create open "$GUEST" --memory=8M --now \
        --network=service:network=default,address=auto -- '--ipv4={service.address}'
check_soon "and its journal says it" 60 guest_said open 'The guest is not filtered and can send from other addresses.*ebtables'
ln -s "$ebtables" "$link"
check "all is back" bash -c 'systemctl unmask --runtime shruthi-antispoof.socket shruthi-antispoof.service &&
        systemctl start shruthi-antispoof.socket'
check "it is removed" gone open

finish
