#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Published ports: a guest is reached at ports of the host, from everywhere and by its client's own address, for as
# long as it runs and whatever else is restarted; nobody takes what is another's, and nothing is open without our table.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"
# shellcheck source=tests/system/outside.bash
. "$(dirname "$0")/outside.bash"
need socat python3

# NAMESPACE BRIDGE ADDRESS/PREFIX GATEWAY ADDRESS6/PREFIX GATEWAY6: another machine of that network.
make_neighbour() {
        ip netns add "$1"
        ip link add "$1" type veth peer name "$1-peer" netns "$1"
        ip link set "$1" master "$2" up
        ip -n "$1" link set "$1-peer" up
        ip -n "$1" address add "$3" dev "$1-peer"
        ip -n "$1" address add "$5" dev "$1-peer" nodad
        ip -n "$1" route add default via "$4"
        ip -n "$1" route add default via "$6"
}
no_table() { ! nft list table inet shruthi_publish 2>/dev/null; }
has_table() { nft list table inet shruthi_publish; }
# The guest is on the network's bridge, whichever that is now.
is_attached() { bridge_of web | grep . && ip link show master "$(bridge_of web)" | grep -q shru; }
antispoof_pid() { unit_show shruthi-antispoof.service MainPID | grep -v '^0$'; }

# As on hosts where nobody has bridges hand their packets to the rules for forwarded ones.
bridges_call() {
        local name
        for name in iptables ip6tables; do
                [ ! -e /proc/sys/net/bridge/bridge-nf-call-$name ] || sysctl -qw "net.bridge.bridge-nf-call-$name=$1"
        done
}

bridges_call 0
make_outside outside
shruthictl network create web --subnet=10.128.20.0/24 --ipv6-subnet=fd00:20::/64
shruthictl network create other --subnet=10.128.21.0/24 --ipv6-subnet=fd00:21::/64
make_neighbour beside "$(bridge_of web)" 10.128.20.200/24 10.128.20.1 fd00:20::c8/64 fd00:20::1
make_neighbour abroad "$(bridge_of other)" 10.128.21.200/24 10.128.21.1 fd00:21::c8/64 fd00:21::1

# NAME LINES…: a guest with both addresses on network web, or what a line Network=… says.
define_server() {
        define "$1" "--ipv4={service.address} --ipv6={service.address6} --serve=80" Image=guest.virtio \
                "" "[Network service]" Address=auto "${@:2}"
}
define_server web Network=web Publish=8080:80 Publish=8100-8102:80-82 Publish=7007:7/udp Publish=198.51.100.1:8090:80 \
        Publish=198.51.100.2:8091:80
define_server lonely Network=web
check "a guest that publishes ports starts" systemctl start unikernel@web
check "so does one that publishes none" systemctl start unikernel@lonely
expect_output "status names them" 'publishes 8080:80 8100-8102:80-82 7007:7/udp 198.51.100.1:8090:80 198.51.100.2:8091:80' \
        shruthictl status web
expect_output "and the details do" '8100-8102:80-82' shruthictl show web

# WHEN: from everywhere, by both families and protocols.
reached() {
        local row who address client
        for row in \
                "host 127.0.0.1 10.128.20.1" "host ::1 fd00:20::1" \
                "host 198.51.100.1 198.51.100.1" "host 2001:db8:5::1 2001:db8:5::1" \
                "host 10.128.20.1 10.128.20.1" "host fd00:20::1 fd00:20::1" \
                "outside 198.51.100.1 198.51.100.2" "outside 2001:db8:5::1 2001:db8:5::2" \
                "abroad 198.51.100.1 10.128.21.200" "abroad 2001:db8:5::1 fd00:21::c8" \
                "abroad 10.128.21.1 10.128.21.200" "abroad fd00:21::1 fd00:21::c8" \
                "beside 198.51.100.1 10.128.20.1" "beside 2001:db8:5::1 fd00:20::1" \
                "beside 10.128.20.1 10.128.20.1" "beside fd00:20::1 fd00:20::1"; do
                read -r who address client <<<"$row"
                check_soon "$1: TCP from $who to $address, seen as $client" 15 seen_as "$who" "$address" 8080 "$client"
                check_soon "$1: UDP from $who to $address" 10 echoed "$who" "$address" 7007
        done
}
reached "at first"
check "the first of a range leads to the first" seen_as outside 198.51.100.1 8100 198.51.100.2
check "a port at one address is reached there" seen_as outside 198.51.100.1 8090 198.51.100.2
expect_fail "and at no other" refused in_net outside socat -u "TCP:[2001:db8:5::1]:8090,connect-timeout=2" -
ip netns exec outside socat TCP-LISTEN:8091,fork,reuseaddr SYSTEM:"echo another machine" &
check_soon "another machine listens at a port that is published at its address" 10 \
        ip netns exec outside grep -q ':1F9B ' /proc/net/tcp
expect_output "and is reached as ever by this host" '^another machine$' socat -u TCP:198.51.100.2:8091,connect-timeout=3 -
expect_output "and by guests" '^another machine$' \
        in_net abroad socat -u TCP:198.51.100.2:8091,connect-timeout=3 -
check "the guest is not reached past its ports" not_reached outside "$(address_of web)" 80
expect_output "iptables still knows its own table" 'mark match 0x53485255' iptables -n -L FORWARD

# --- Whatever is restarted.

virsh --quiet net-destroy web
check_soon "the network is stopped, and started again for its guest" 60 is_attached
ip link set beside master "$(bridge_of web)"
reached "after net-destroy and net-start"
systemctl restart libvirtd
check "libvirtd is restarted" virsh --quiet net-info web
reached "after libvirtd's restart"
nft flush ruleset
systemctl restart libvirtd
check "after nft flush ruleset the table comes back" wait_for 20 has_table
reached "after nft flush ruleset"
kill -KILL "$(antispoof_pid)"
check_soon "shruthi-antispoof is killed and comes back" 60 antispoof_pid
reached "after that"
systemctl stop shruthid shruthi-domain.service
check "what else of ours is stopped matters not" seen_as outside 198.51.100.1 8080 198.51.100.2

# --- Closed.

kill -STOP "$(antispoof_pid)"
nft delete table inet shruthi_publish
check "without the table nothing is reached" not_reached outside 198.51.100.1 8080
check "by UDP neither" not_echoed outside 198.51.100.1 7007
nft -f - <<END
table ip elsewhere {
        chain prerouting {
                type nat hook prerouting priority dstnat
                tcp dport 9999 dnat to $(address_of web):80
                tcp dport 9998 dnat to $(address_of lonely):80
        }
}
END
check "nor is it by somebody else's translation" not_reached outside 198.51.100.1 9999
kill -CONT "$(antispoof_pid)"
check_soon "the table comes back" 20 has_table
check "and what is published is reached" seen_as outside 198.51.100.1 8080 198.51.100.2
check "but not a port of a guest that publishes none" not_reached outside 198.51.100.1 9998
nft delete table ip elsewhere
systemctl stop unikernel@lonely

# --- Beside others' firewalls.

iptables -P FORWARD DROP
ip6tables -P FORWARD DROP
check "a policy of DROP does not close published ports" seen_as outside 198.51.100.1 8080 198.51.100.2
check "of IPv6 neither" seen_as outside 2001:db8:5::1 8080 2001:db8:5::2
iptables -D FORWARD -m mark --mark 0x53485255 -m comment --comment shruthi -j ACCEPT
check_soon "our rule comes back when somebody removes it" 20 seen_as outside 198.51.100.1 8080 198.51.100.2
iptables -P FORWARD ACCEPT
ip6tables -P FORWARD ACCEPT
bridges_call 1
check "where bridges call the rules for forwarded packets they are open" seen_as outside 198.51.100.1 8080 198.51.100.2
check "of IPv6, too" seen_as outside 2001:db8:5::1 8080 2001:db8:5::2
check "and by 127.0.0.1" seen_as host 127.0.0.1 8080 10.128.20.1
bridges_call 0

# --- Taken by others.

define_server second Network=web Publish=8080:80
expect_fail "a port of one that runs is refused at a start" "published by unikernel 'web'" shruthictl start second
is "as a failure of its devices" devices "$(outcome second RESULT)"
define_server second Network=web Publish=198.51.100.1:8101:80
expect_fail "so is one in a range, at one address" "published by unikernel 'web'" shruthictl start second
in_net host socat TCP-LISTEN:8200,fork,reuseaddr /dev/null &
listener=$!
in_net host socat -u UDP4-RECV:8201 /dev/null &
udp_listener=$!
check_soon "a program listens" 10 grep -q ':2008 ' /proc/net/tcp
check_soon "another by UDP" 10 grep -q ':2009 ' /proc/net/udp
define_server second Network=web Publish=8200:80
expect_fail "its port is refused at a start" 'program of user root listens on port 8200/tcp' shruthictl start second
define_server second Network=web Publish=8201:7/udp
expect_fail "one of UDP, too" 'program of user root listens on port 8201/udp' shruthictl start second
define_server second Network=web Publish=8201:80
check "that of the other protocol is free" shruthictl start second
check "and is reached" seen_as outside 198.51.100.1 8201 198.51.100.2

# --- Through the bus.

cp "$GUESTS/guest.virtio" /home/alice
as() { as_user "$1" shruthictl --no-ask-password "${@:2}"; }
check "alice makes a network" as alice network create hers
# OPTIONS…
create_mine() { as alice create "$1" guest.virtio --network="service:network=hers,address=auto,$2" -- '--ipv4={service.address}' --serve=80; }
expect_fail "a port below 1024 is not hers" 'only an administrator may set Publish=80:80.*PublishPorts=.*1024-65535' \
        create_mine mine publish=80:80
expect_fail "nor is one that is published" "Publish=8080:80: this port of the host is published by unikernel 'web'" \
        create_mine mine publish=8080:80
expect_fail "nor one on which a program listens" 'program of user root listens on port 8200/tcp' \
        create_mine mine publish=8200:80
expect_fail "nor what is none" "'x' is no port" create_mine mine publish=x:80
check "others are" create_mine mine 'publish=8300:80,publish=8301:7/udp'
expect_output "they stand in the definition" '^Publish=8301:7/udp$' shruthictl cat mine
check "it starts" as alice start mine
check "and is reached" seen_as outside 198.51.100.1 8300 198.51.100.2
check "she changes them" as alice set mine Network=service:network=hers,address=auto,publish=8302:80
expect_output "from the next start on" 'publishes 8302:80' as alice status mine
check "the old ones are reached until then" seen_as outside 198.51.100.1 8300 198.51.100.2
check "it is restarted" as alice restart mine
check "the new one is reached" seen_as outside 198.51.100.1 8302 198.51.100.2
check "and the old one not" not_reached outside 198.51.100.1 8300
printf '[Shruthi]\nPublishPorts=80 8300-8400\n' >/etc/shruthi/shruthi.conf.d/70-ports.conf
check "shruthi.conf is read" systemctl reload-or-restart shruthid
check "what it allows is hers" as alice set mine Network=service:network=hers,address=auto,publish=80:80
expect_fail "what it does not is not" 'PublishPorts=' as alice set mine Network=service:network=hers,address=auto,publish=8500:80
check "but what she has she may keep" as alice set mine Memory=20M
rm /etc/shruthi/shruthi.conf.d/70-ports.conf
expect_fail "one on a plain bridge is refused" "is a bridge without a network of libvirt" sh -c '
        ip link add br77 type bridge; ip link set br77 up
        cd /home/alice; shruthictl create plain guest.virtio --network=service:br77,address=10.77.0.2/24,publish=8400:80'
define plain "--ipv4=10.77.0.2/24" Image=guest.virtio "" "[Network service]" Bridge=br77 Address=10.77.0.2/24 Publish=8400:80
expect_fail "at a start, too" "is a bridge without a network of libvirt" shruthictl start plain
define bare "" Image=guest.virtio "" "[Network service]" Network=default Publish=8400:80
expect_fail "one without an address is refused" 'Address=auto' shruthictl start bare
define bare "" Image=guest.virtio "" "[Network service]" Network=default Address=auto Isolation=no Publish=8400:80
expect_fail "and one that may send from any" 'Isolation=no' shruthictl start bare

# --- On other networks: libvirt's own, isolated, routed.

define plainly "--ipv4={service.address} --serve=80" Image=guest.virtio "" "[Network service]" Network=default Address=auto \
        Publish=8501:80
check "one on libvirt's own network starts" systemctl start unikernel@plainly
check "and is reached" seen_as outside 198.51.100.1 8501 198.51.100.2
shruthictl network create quiet --isolated --subnet=10.128.30.0/24
shruthictl network create routed --routed --subnet=10.128.31.0/24
for network in quiet routed; do
        define "on-$network" "--ipv4={service.address} --serve=80" Image=guest.virtio "" "[Network service]" \
                Network=$network Address=auto "Publish=86$(( ${#network} )):80"
        check "one on $network starts" systemctl start "unikernel@on-$network"
        check "and is reached" seen_as outside 198.51.100.1 "86${#network}" 198.51.100.2
done

# --- The end.

{ sleep 60 | in_net outside socat - TCP:198.51.100.1:8080 >/dev/null 2>&1; } &
open=$!
[ ! -e /proc/net/nf_conntrack ] ||
        check_soon "a connection is open" 10 grep 'dport=8080' /proc/net/nf_conntrack
check "the guest stops" systemctl stop unikernel@web
check_soon "its ports are closed" 5 not_reached outside 198.51.100.1 8080
check "for UDP, too" not_echoed outside 198.51.100.1 7007
is_none "and stand in no table" "$(nft list table inet shruthi_publish | grep -E '\b(8080|8090|7007)\b')"
is_none "nor among the kernel's connections" "$(grep -s 'dport=8080' /proc/net/nf_conntrack)"
kill $open 2>/dev/null
kill -STOP "$(antispoof_pid)"
check "one stops while shruthi-antispoof hears nothing" systemctl stop unikernel@second
kill -KILL "$(antispoof_pid)"
check_soon "the next one withdraws its ports" 60 sh -c '! nft list table inet shruthi_publish | grep -q 8201'
systemctl stop unikernel@mine unikernel@plainly unikernel@on-quiet unikernel@on-routed
check_soon "when all have stopped nothing is left of the table" 10 no_table
is_none "nor in libvirt's chains" "$(nft list ruleset 2>/dev/null | grep -F 0x53485255)"
is_none "nor of records" "$(ls /run/shruthi-antispoof/published)"
is "nor of the way for 127.0.0.1" 0 "$(sysctl -n "net.ipv4.conf.$(bridge_of web).route_localnet")"
systemctl stop shruthi-antispoof.socket shruthi-antispoof.service
expect_fail "without shruthi-antispoof none is published" 'shruthi-antispoof' shruthictl start web
systemctl start shruthi-antispoof.socket
check "with it one is" shruthictl start web
kill $listener $udp_listener
finish
