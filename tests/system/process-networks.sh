#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# Guests that are processes on networks: with the addresses that they were given and no others, reached by everybody by
# whom a virtual machine would be, through bridges and networks that go and come back.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"
# shellcheck source=tests/system/processes.bash
. "$(dirname "$0")/processes.bash"
# shellcheck source=tests/system/outside.bash
. "$(dirname "$0")/outside.bash"
need socat python3

# NAME NETWORK ARGUMENTS [LINE…]: with addresses of that network; lines below [Network service] last.
on_network() {
        define "$1" "--ipv4={service.address} $3" Image=guest.spt "" "[Network service]" "Network=$2" Address=auto "${@:4}"
}
# NAME: the host's side of its network.
tap_of() { sed -n 's/^.*\(shru[a-z2-7]\{11\}\).*/\1/p' "/run/shruthi/unikernels/$1/process" | head -n 1; }
is_port() { [ "$(basename "$(readlink "/sys/class/net/$(tap_of "$1")/master")")" = "$2" ]; }
is_silent() { ! ping -c 4 -i 0.3 -W 1 "$1"; }
cut_off() { [ "$(of_bus "$1" CutOff)" = "$2" ]; }
told() { journalctl --sync; journalctl -q -b -o cat SHRUTHI_UNIKERNEL="$1" _SYSTEMD_UNIT=shruthi-domain.service | grep -E -- "$2"; }
printed_like() { console_lines "$1" | grep -qE -e "$2"; }
bridge() { ip link add br7 type bridge && ip address add 10.77.0.1/24 dev br7 && ip link set br7 up; }

make_outside outside

# --- Addresses.

on_network plain default "--ipv4-gateway=192.168.122.1 --serve=80 --tick=1000"
check "one on libvirt's network starts" systemctl start unikernel@plain
address=$(address_of plain)
expect_output "it has an address of it" '^192\.168\.122\.' echo "$address"
check_soon "it answers a ping" 60 answers "$address"
check "TCP, and sees who asks" seen_as host "$address" 80 192.168.122.1
check "UDP" echoed host "$address" 7
check_soon "it finds the host" 60 printed_like plain 'gateway is at'
expect_output "its interface is held to its address" "$(tap_of plain)" nft list table bridge shruthi
is "it is a port of the bridge" virbr0 "$(basename "$(readlink "/sys/class/net/$(tap_of plain)/master")")"
expect_output "status knows the address" "network service → network default, $address/24" shruthictl status plain
expect_output "so does show" "\"$address" shruthictl show --json=short plain
expect_output "it is that of the unikernel for libvirt's DHCP, too" "$address" bash -c \
        'virsh --quiet net-dumpxml default | grep "<host mac="'
interface=$(tap_of plain)
check "it is restarted" systemctl restart unikernel@plain
is "with the same address" "$address" "$(address_of plain)"
is "by the same interface" "$interface" "$(tap_of plain)"
check_soon "and answers" 60 answers "$address"

define asks "--dhcp --tick=1000" Image=guest.spt "" "[Network service]" Network=default Address=auto
check "one that asks by DHCP starts" systemctl start unikernel@asks
check_soon "and is given what is its own" 60 printed_like asks "serving on $(sed -n 's/^.*\(192\.168\.122\.[0-9]*\).*/\1/p' \
        <<<"$(shruthictl show -p Addresses --value asks)" | head -n 1)"
systemctl stop unikernel@asks
define leases "--dhcp --tick=1000" Image=guest.spt "" "[Network service]" Network=default
check "one of root's without an address starts" systemctl start unikernel@leases
check_soon "and is leased one" 60 printed_like leases 'by DHCP'
expect_output "which statistics tell" '192\.168\.122\.' bash -c 'shruthictl status leases; shruthictl --json=short status leases'
systemctl stop unikernel@leases

shruthictl network create web --subnet=10.128.20.0/24 --ipv6-subnet=fd00:20::/64
define both "--ipv4={service.address} --ipv6={service.address6} --serve=80" Image=guest.spt Ready=tcp:service:80 Ready=ping:service \
        Healthy=tcp:service:80 HealthyIntervalSec=1s HealthyRetries=100 "" "[Network service]" Network=web Address=auto Publish=8080:80 Publish=7007:7/udp
check "one on a network of ours is ready when it answers" systemctl start unikernel@both
check "by all its checks" grep -q '^ready-held=3$' /run/shruthi/unikernels/both/state
six=$(shruthictl arguments both | sed -nE 's/.*--ipv6=([0-9a-f:]+).*/\1/p')
check_soon "it answers by IPv6" 60 answers "$six"
check_soon "TCP, too" 30 seen_as host "$six" 80 fd00:20::1
check_soon "it is healthy" 20 bash -c 'busctl get-property org.dream.Shruthi /org/dream/Shruthi/unikernel/both \
        org.dream.Shruthi.Unikernel Health | grep -w healthy'
expect_output "network show says who has which address" "both.*service.*$(address_of both)" shruthictl network show web
expect_fail "the network is not removed while it is used" "in use|is used by.*both" shruthictl network remove web

# --- Published ports.

for who in host outside; do
        for at in 198.51.100.1 2001:db8:5::1; do
                case $who-$at in
                host-*) client=$at ;;
                outside-198*) client=198.51.100.2 ;;
                outside-*) client=2001:db8:5::2 ;;
                esac
                check "published: TCP from $who to $at" seen_as "$who" "$at" 8080 "$client"
                check "published: UDP from $who to $at" echoed "$who" "$at" 7007
        done
done
check "published: from the host by 127.0.0.1" seen_as host 127.0.0.1 8080 10.128.20.1
check "not past its ports" not_reached outside "$(address_of both)" 80
kill -KILL "$(main_pid both)"
check "while its runner is away, too" seen_as outside 198.51.100.1 8080 198.51.100.2
check_soon "the next one is there" 60 adopted both 1
check "published still" seen_as outside 198.51.100.1 8080 198.51.100.2
systemctl kill --kill-whom=main --signal=KILL shruthi-antispoof.service
nft flush ruleset
systemctl restart libvirtd
check_soon "and after nft flush ruleset" 60 seen_as outside 198.51.100.1 8080 198.51.100.2
on_network taken web "--serve=80" Publish=8080:80
are_read taken
expect_fail "a port is published once" "published by unikernel 'both'" shruthictl start taken

# --- Health.

define ill "--ipv4={service.address} --serve=80 --deaf-from=4 --tick=500" Image=guest.spt Ready=tcp:service:80 Healthy=tcp:service:80 \
        HealthyIntervalSec=1s HealthyRetries=2 "" "[Network service]" Network=web Address=auto
define late "--ipv4={service.address} --serve=80 --tick=500" Image=guest.spt Ready=tcp:service:81 ReadyTimeoutSec=2s \
        "" "[Network service]" Network=web Address=auto
check "one that will not answer for long starts" systemctl start unikernel@ill
guest=$(guest_pid ill)
expect_fail "one that is not ready in time does not" 'not ready within 2s .*connection refused' shruthictl start late
is "as its result says" not-ready "$(outcome late RESULT)"
check_soon "and nothing is left of it" 30 nothing_left late 999999999
check_soon "the other becomes unhealthy" 60 said ill 'became unhealthy: tcp:service:80'
check_soon "and is ended" 30 nothing_left ill "$guest"
is "as its result says" unhealthy "$(outcome ill RESULT)"
systemctl reset-failed

# --- Of each other.

define first "--ipv4={service.address} --ipv4-gateway=$(address_of both)" Image=guest.spt "" "[Network service]" Network=web Address=auto
check "another process on that network" systemctl start unikernel@first
check_soon "reaches the first" 60 printed_like first 'gateway is at'
define machine "--ipv4={service.address} --ipv4-gateway=$(address_of both)" Image=guest.virtio "" "[Network service]" Network=web Address=auto
check "a virtual machine on that network" systemctl start unikernel@machine
check_soon "reaches it, too" 60 printed_like machine 'gateway is at'
define second "--ipv4={service.address} --ipv4-gateway=$(address_of machine)" Image=guest.spt "" "[Network service]" Network=web Address=auto
check "and a process" systemctl start unikernel@second
check_soon "reaches the virtual machine" 60 printed_like second 'gateway is at'
check "all answer the host" bash -c 'for a; do ping -c 1 -W 2 "$a" || exit; done' - \
        "$(address_of both)" "$(address_of first)" "$(address_of machine)" "$(address_of second)"
systemctl stop unikernel@{first,second,machine}

# --- Nothing but its own.

define liar "--ipv4=192.168.122.166/24 --ipv6=fd77::166/64 --tick=1000" Image=guest.spt "" "[Network service]" Network=default \
        Address=192.168.122.209/24
define other "--ipv4={service.address} --mac=02:00:00:00:00:bb --tick=1000" Image=guest.spt "" "[Network service]" Network=default \
        Address=auto
define ours "--dhcp-greedy --tick=1000" Image=guest.spt "" "[Network service]" Network=default Address=auto
leases_before=$(virsh --quiet net-dhcp-leases default | grep -c ipv4)
check "ones that take other addresses start" systemctl start unikernel@{liar,other,ours}
check_soon "one uses another" 60 printed_like liar 'serving on 192.168.122.166'
check "but is not heard" is_silent 192.168.122.166
check "nor is one with another hardware address" is_silent "$(address_of other)"
check "nor is one given other leases" test "$(virsh --quiet net-dhcp-leases default | grep -c ipv4)" -le $((leases_before + 1))
check "the others are heard all the time" answers "$address"
systemctl stop unikernel@{liar,other,ours}
define free "--ipv4=192.168.122.167/24 --tick=1000" Image=guest.spt "" "[Network service]" Network=default \
        Address=192.168.122.207/24 Isolation=no
define machine "--ipv4=192.168.122.168/24 --tick=1000" Image=guest.virtio "" "[Network service]" Network=default \
        Address=192.168.122.208/24 Isolation=no
check "with Isolation=no a process and a virtual machine start" systemctl start unikernel@free unikernel@machine
check_soon "the virtual machine is heard with any address" 20 answers 192.168.122.168
check_soon "and the process" 20 answers 192.168.122.167
systemctl stop unikernel@free unikernel@machine
configure AllowProcesses=users
systemctl reload shruthid
cp $GUESTS/guest.spt /home/alice
check "alice makes a network" as_user alice shruthictl network create hers
check "and a process on it without an address" as_user alice shruthictl create hers guest.spt --network=service:network=hers -- --dhcp
expect_fail "which is refused, with the way out" 'needs an address that it is held to: set Address=' as_user alice shruthictl start hers
check "with one" as_user alice shruthictl set hers Network=service:network=hers,address=auto
check "it starts" as_user alice shruthictl start hers
check_soon "and has it" 60 answers "$(shruthictl show --json=short hers | grep -oE '10\.128\.[0-9]+\.[0-9]+' | head -n 1)"
check "it goes" as_user alice bash -c 'shruthictl remove --now hers && shruthictl network remove hers'
rm /etc/shruthi/shruthi.conf
systemctl reload shruthid
systemctl stop shruthi-antispoof.socket shruthi-antispoof.service
expect_fail "without shruthi-antispoof none starts" 'shruthi-antispoof' shruthictl restart plain
is "as a failure of the host" host "$(outcome plain RESULT)"
systemctl start shruthi-antispoof.socket
check "with it one does" shruthictl start plain
check_soon "and answers" 60 answers "$address"
expect_fail "what is on no bridge is refused" 'not on a Linux bridge' bash -c '
        ip link add dum0 type dummy; ip link set dum0 up
        virsh --quiet net-create <(echo "<network><name>direct</name><forward mode=\"bridge\"><interface dev=\"dum0\"/></forward></network>")
        shruthictl create direct $0 --network=service:network=direct --now' $GUESTS/guest.spt
shruthictl remove direct >/dev/null 2>&1
on_network slow default "--tick=1000" Bandwidth=in:2M
limited() {
        systemctl start unikernel@slow && tc class show dev "$(tap_of slow)" | grep -q 'rate 1[56]' && return
        said slow Bandwidth=
}
check "Bandwidth= holds, or is refused" limited
systemctl stop unikernel@slow

# --- Started by traffic.

define waits "--ipv4={service.address} --serve=80" Image=guest.spt Activation=traffic StopWhenIdleSec=2s Ready=tcp:service:80 \
        "" "[Network service]" Network=web Address=auto Publish=8085:80
check_soon "shruthid notices one that waits" 20 shruthictl show waits
held() { nft list set ip shruthi_demand held | grep -qwF "$(address_of waits)"; }
check_soon "it is held" 30 held
check "it has no process" bash -c '! systemctl is-active -q unikernel@waits'
check "traffic starts it, and is answered" "$SRC/tests/client/knock.py" tcp 198.51.100.1 8085 1
check "it runs" running waits
check_soon "idle, it is stopped" 60 unit_is inactive unikernel@waits
check_soon "and waits" 30 held
check "it is started again" "$SRC/tests/client/knock.py" tcp 198.51.100.1 8085 3
rm $DEFINITIONS/waits.unikernel
systemctl stop unikernel@waits

# --- Bridges and networks that go.

bridge
define held "--ipv4=10.77.0.2/24 --tick=200" Image=guest.spt "" "[Network service]" Bridge=br7 Address=10.77.0.2/24
check "one on a plain bridge" systemctl start unikernel@held
check_soon "answers" 60 answers 10.77.0.2
guest=$(guest_pid held)
check "the bridge goes" ip link delete br7
check_soon "the journal says who is cut off" 60 told held "Network 'service' of 'held' is cut off: .*'br7'"
check_soon "a property says it" 60 cut_off held true
expect_output "and status, with the reason" '^ +cut off: .*br7' shruthictl status held
check "the bridge comes back" bridge
check_soon "it is attached again" 60 is_port held br7
check_soon "and answers" 60 answers 10.77.0.2
check_soon "the property, too" 60 cut_off held false
check "somebody takes it off" ip link set "$(tap_of held)" nomaster
check_soon "it is put back" 60 answers 10.77.0.2
virsh --quiet net-destroy web
check_soon "a network of ours that is stopped is started again for it" 60 answers "$(address_of both)"
check_soon "and its ports are" 60 seen_as outside 198.51.100.1 8080 198.51.100.2
is "it is the same process all the time" "$guest" "$(guest_pid held)"

# --- Without libvirt.

libvirt=(libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service)
systemctl stop "${libvirt[@]}"
check "libvirt is stopped: one on a plain bridge answers" answers 10.77.0.2
check "… one on a network of libvirt's, too" answers "$address"
kill -KILL "$(main_pid held)"
check_soon "… a runner that is killed comes back" 60 adopted held 1
is "… to the same process" "$guest" "$(guest_pid held)"
ip link delete br7
bridge
check_soon "… a bridge that comes back has it again" 60 answers 10.77.0.2
is "… the bus says that it runs" running "$(of_bus held State)"
check "… it is stopped" systemctl stop unikernel@held
check_soon "… and nothing is left" 60 nothing_left held "$guest"
process alone "--tick=200"
begun=$SECONDS
check "… one without a network starts" systemctl start unikernel@alone
expect_fail "… one on a bridge does not, which may be one of libvirt's networks" 'libvirt' shruthictl start held
expect_fail "… one on a network of libvirt's does not, in words" 'libvirt' shruthictl restart plain
diag "after $((SECONDS - begun)) s"
is "… which is libvirt's fault" libvirt "$(outcome plain RESULT)"
check "… it stops" systemctl stop unikernel@alone
mkdir -p /etc/shruthi/shruthi.conf.d
printf '[Shruthi]\nLibvirtURI=none\n' >/etc/shruthi/shruthi.conf.d/90-none.conf
check "on a host without libvirt" systemctl start unikernel@held
check_soon "… it answers" 60 answers 10.77.0.2
expect_output "… doctor says what that leaves out" 'no virtual machines, no snapshots' bash -c 'shruthictl doctor || :'
expect_fail "… a virtual machine is refused" 'This host has no libvirt' shruthictl start machine
check "… it is stopped" systemctl stop unikernel@held
rm /etc/shruthi/shruthi.conf.d/90-none.conf
check_soon "… and no process is left but one" 30 bash -c '[ "$(pgrep -cx shruthi-tender)" = 1 ]'
systemctl start libvirtd.socket
check "with libvirt it does" shruthictl start plain

# --- The end.

systemctl stop 'unikernel@*'
check "all stopped, no process is left" no_processes
check_soon "no interface" 60 no_taps
check_soon "nothing is published" 60 bash -c '! nft list table inet shruthi_publish 2>/dev/null'
rm $DEFINITIONS/*.unikernel
busctl call org.dream.Shruthi /org/dream/Shruthi org.dream.Shruthi.Manager Reload
check_soon "the network can be removed" 60 shruthictl network remove web

finish
