#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# Networks with emulated links: their guests, of both bodies, reach the host and not each other, until who may do so
# opens the links; who may ask shruthi-antispoof for packet sockets, and of which interfaces; and that links go on when
# any of the services is killed.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"
# shellcheck source=tests/system/processes.bash
. "$(dirname "$0")/processes.bash"
need python3

links=$SRC/tests/client/links.py
client=$SRC/tests/client/antispoof.py
dest=org.dream.Shruthi
path=/org/dream/Shruthi
no='InteractiveAuthorizationRequired|AccessDenied|Authentication is required|Not authorized'

as() { as_user "$1" shruthictl --no-ask-password "${@:2}"; }
fact() { shruthictl network show "$1" -p "$2" --value; }
# USER WORD…
links_of() { as_user "$1" python3 "$links" "${@:2}"; }
ask() { runuser -u "$1" -- python3 "$client" ask "$2"; }
service_pid() { unit_show "$1" MainPID | grep -v '^0$'; }
is_isolated() { bridge -json -details link show dev "$1" | jq -e '.[0].isolated == true'; }
tap_of_process() { sed -n 's/^.*\(shru[a-z2-7]\{11\}\).*/\1/p' "/run/shruthi/unikernels/$1/process" | head -n 1; }
tap_of_domain() { virsh --quiet domiflist "unikernel-$1" | awk 'NR == 1 { print $1 }'; }

# NAME WORD…: a guest that this test plays, as links.py says; what is asked of it goes to /run/NAME.in.
play() {
        rm -f "/run/$1.in" "/run/$1.out"
        mkfifo "/run/$1.in"
        # It has the FIFO open for writing, too, so that its input does not end.
        python3 "$links" guest "${@:2}" <>"/run/$1.in" >"/run/$1.out" 2>&1 &
        wait_for 60 test -s "/run/$1.out"
}
# NAME LINE: what it answers.
plays() {
        local before
        before=$(wc -l <"/run/$1.out")
        echo "$2" >"/run/$1.in"
        wait_for 300 eval "[ \$(wc -l </run/$1.out) -gt $before ]" && tail -n 1 "/run/$1.out"
}
# NAME
leaves() { echo leave >"/run/$1.in"; }
# NAME: its interface.
interface_of() { head -n 1 "/run/$1.out"; }
reaches() { plays "$1" "$2 3" | grep -qE '^[1-3] of 3'; }
# NAME ADDRESS LEAST: it takes so many milliseconds at least.
takes() { plays "$1" "$2 3" | awk -v least="$3" '/ in / { found = $NF >= least } END { exit !found }'; }
takes_no_longer() { plays "$1" "$2 3" | awk -v most="$3" '/ in / { found = $NF <= most } END { exit !found }'; }

# Where root may not raise that limit, in a container of some host, systemd gives the priority itself.
if ! prlimit --rtprio=1:1 true 2>/dev/null; then
        mkdir -p /run/systemd/system/shruthi-switch.service.d
        printf '[Service]\nCPUSchedulingPolicy=rr\n' >/run/systemd/system/shruthi-switch.service.d/realtime.conf
        systemctl daemon-reload
fi

# ── A network ────────────────────────────────────────────────────────────────────────────────────────────────────────
groupadd shared
usermod --append --groups shared alice
usermod --append --groups shared bob
cp "$GUEST" /home/alice/image
chmod a+r /home/alice/image
check "alice creates a network with emulated links" as alice network create far --emulated --subnet=10.128.40.0/24 \
        --ipv6-subnet=fd00:40::/64 --group=shared
check "and one without" as alice network create near
expect_output "the first is one" '^Emulated=yes$' shruthictl network show far -p Emulated
expect_output "in JSON, too" '"Emulated":true' shruthictl --json=short network show far
expect_output "the other is not" '^Emulated=no$' shruthictl network show near -p Emulated
expect_output "libvirt's own is not either" '^Emulated=no$' shruthictl network show default -p Emulated
expect_output "everybody sees it on the bus" '^b true$' \
        as_user mallory busctl get-property $dest $path/network/far $dest.Network Emulated
expect_output "its record says so" '^Emulated=yes$' cat /var/lib/shruthi/networks/far
expect_output "and libvirt" "<port isolated='yes'/>" virsh net-dumpxml far
expect_fail "of the other it says nothing" '^' bash -c 'virsh net-dumpxml near | grep isolated'
expect_fail "the setting is a flag" 'Emulated: expected a value of type .b.|emulated: expected' busctl call $dest $path $dest.Manager \
        CreateNetwork 'sa{sv}' third 1 Emulated s yes
bridge=$(fact far Bridge)
HOST=10.128.40.1

# ── Guests of both bodies ────────────────────────────────────────────────────────────────────────────────────────────
check "a guest that is a virtual machine" as alice create dom /home/alice/image --memory=8M \
        --network=service:network=far,address=10.128.40.11/24 -- '--ipv4={service.address}'
define proc "--ipv4={service.address}" Image=guest.spt "" "[Network service]" Network=far Address=10.128.40.12/24
check "they start: the virtual machine" as alice start dom
check "and a process" systemctl start unikernel@proc
check_soon "the host reaches the one" 60 answers 10.128.40.11
check_soon "and the other" 60 answers 10.128.40.12
check "the virtual machine's port is isolated" is_isolated "$(tap_of_domain dom)"
check "so is that of the process" is_isolated "$(tap_of_process proc)"
check "a third, which is played" play third isolated "third 02:00:00:00:40:21 10.128.40.21 none service" "$bridge" 10.128.40.21
check "reaches the host" reaches third $HOST
is "but not the virtual machine, which it cannot even find" unknown "$(plays third '10.128.40.11 3')"
is "nor the process" unknown "$(plays third '10.128.40.12 3')"

# ── Who may open the links ───────────────────────────────────────────────────────────────────────────────────────────
expect_fail "of a network that is not emulated there are none" "NotSupported: The links of network 'near' are not emulated.*--emulated" \
        links_of alice open near
expect_fail "nor of one that there is not" 'NoSuchNetwork' links_of alice open nowhere
expect_fail "nor of libvirt's own" 'NoSuchNetwork' links_of alice open default
expect_fail "a stranger may not open them" "$no" links_of mallory open far
expect_fail "also not through the object" "$no" as_user mallory busctl call $dest $path/network/far $dest.Network OpenLinks
expect_fail "nobody else reaches the service" 'Permission denied|PermissionError' as_user alice python3 -c \
        'import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect("/run/shruthi/switch")'
is "its socket is for our user alone" '600 shruthi shruthi' "$(stat -c '%a %U %G' /run/shruthi/switch)"
is "until then nobody has asked for a link" unknown "$(plays third '10.128.40.11 3')"
expect_output "the owner opens them" '^done' links_of alice open far summary
expect_output "a member of its group" '^done' links_of bob open far summary
expect_output "and root" '^done' python3 "$links" open far summary
expect_output "who is told how many guests there are" '^ports=3$' python3 "$links" open far summary
pid=$(service_pid shruthi-switch.service)
is "the service is a user of its own" shruthi-switch "$(stat -c %U "/proc/$pid")"
child=$(pgrep -P "$pid" | head -n 1)
expect_output "the process of a network has real time priority" 'SCHED_RR' chrt --pid "$child"
expect_output "… which its threads do not get" 'SCHED_RESET_ON_FORK' chrt --pid "$child"
is "without a capability" 0000000000000000 "$(sed -n 's/^CapBnd:\t//p' "/proc/$pid/status")"
is_none "and without a network" "$(nsenter --net --target "$pid" ip -brief link show up | grep -v '^lo')"

# ── Links ────────────────────────────────────────────────────────────────────────────────────────────────────────────
check "with open links the third reaches the virtual machine" reaches third 10.128.40.11
check "and the process" reaches third 10.128.40.12
check "and the host still" reaches third $HOST
check "which reaches it" answers 10.128.40.11
is "from another's address it reaches nobody" "0 of 2" "$(plays third 'spoof 10.128.40.12 2 10.128.40.11')"
cat >/run/slow.rules <<'END'
seed 1
shape slow latency=150ms
member third a
member dom b
link a b slow
END
expect_output "rules are taken" '^done' python3 "$links" open far "rules /run/slow.rules"
check "a slow link is slow" takes third 10.128.40.11 150
check "another is not" takes_no_longer third 10.128.40.12 140
check "neither is the way to the host" takes_no_longer third $HOST 140
expect_output "the counters know the pair" '^third,dom,' python3 "$links" open far counters
printf 'seed 1\nshape slow latency=soon\n' >/run/wrong.rules
expect_output "wrong ones are refused, with the line and the value" '^error 2 .*soon' python3 "$links" open far "rules /run/wrong.rules"
check "and the former are in force" takes third 10.128.40.11 150

# ── What is killed ───────────────────────────────────────────────────────────────────────────────────────────────────
rm -f /run/kept.in && mkfifo /run/kept.in
as_user alice python3 "$links" keep far <>/run/kept.in >/run/kept.out 2>&1 &
check_soon "a client stays connected" 60 grep -x open /run/kept.out
kill -KILL "$(service_pid shruthid.service)"
echo summary >/run/kept.in
check_soon "it is answered without shruthid" 60 grep -x 'done' /run/kept.out
check "links are as they were" takes third 10.128.40.11 150
old=$(service_pid shruthi-antispoof.service)
kill -KILL "$old"
check "without shruthi-antispoof, too" takes third 10.128.40.11 150
check "the process starts again meanwhile" systemctl restart unikernel@proc
check_soon "and is reached" 60 reaches third 10.128.40.12
expect_fail "by another shruthi-antispoof" '^' test "$old" = "$(service_pid shruthi-antispoof.service)"
old=$(service_pid shruthi-switch.service)
systemctl kill --signal=KILL shruthi-switch.service
check_soon "without shruthi-switch it is started again" 60 reaches third 10.128.40.12
check_soon "and goes on with the rules" 60 takes third 10.128.40.11 150
expect_fail "by another process" '^' test "$old" = "$(service_pid shruthi-switch.service)"
check "the guests have run on" unit_is active unikernel@dom
echo leave >/run/kept.in
expect_output "links are opened again" '^done' links_of alice open far summary

check "a guest that comes later" play late isolated "late 02:00:00:00:40:22 10.128.40.22 none service" "$bridge" 10.128.40.22
check_soon "has links" 60 reaches late 10.128.40.12
leaves late
expect_output "the links end" '^done' links_of alice open far end
check_soon "then nobody is reached" 60 eval '[ "$(plays third "10.128.40.12 1")" = unknown ]'
check "but the host" reaches third $HOST

# ── Packet sockets, and for whom ─────────────────────────────────────────────────────────────────────────────────────
told() { grep -E -- "$1" /run/ports.out; }
# USER BRIDGE
subscribe() {
        in_background ports runuser -u "$1" -- python3 "$links" ports "$2"
        subscriber=$!
}
third=$(interface_of third)
subscribe shruthi-switch "$bridge"
check_soon "the user that emulates links is given what is filtered and isolated" 60 told "^port $third third 02:00:00:00:40:21 10.128.40.21 none service"
check_soon "of all three" 60 eval '[ "$(wc -l </run/ports.out)" = 3 ]'
# ETH_P_ALL; the header of virtio, nothing that goes out, timestamps, no waiting; 1 MiB.
expect_output "each is bound to that interface" "\| $third 3 1111 1048576$" told "^port $third "
check "a guest whose port is not isolated" play open plain "open 02:00:00:00:40:23 10.128.40.23 none service" "$bridge" 10.128.40.23
open=$(interface_of open)
ip tuntap add dev shruaaaaaaaaaaa mode tap
ip link set shruaaaaaaaaaaa master "$bridge"
bridge link set dev shruaaaaaaaaaaa isolated on
ip link add br-else type bridge
ip link set br-else up
check "one on another bridge" play else isolated "else 02:00:00:00:40:24 10.128.40.24 none service" br-else 10.128.40.24
else=$(interface_of else)
check "one more" play more isolated "more 02:00:00:00:40:25 10.128.40.25 none service" "$bridge" 10.128.40.25
more=$(interface_of more)
check_soon "is given" 60 told "^port $more "
is_none "one that is not isolated is not" "$(told "$open")"
is_none "nor one without a filter" "$(told shruaaaaaaaaaaa)"
is_none "nor one of another bridge" "$(told "$else")"
bridge link set dev "$open" isolated on
check_soon "the first is when it is isolated" 60 told "^port $open open .* \| $open 3 1111"
bridge link set dev "$open" isolated off
check_soon "and gone when it is no longer" 60 told "^gone $open$"
ip link set "$else" master "$bridge"
ip link set "$more" master br-else
check_soon "one that leaves for another bridge is gone" 60 told "^gone $more$"
bridge link set dev "$more" isolated on
leaves third
check_soon "one that ends is gone" 60 told "^gone $third$"
is "nothing else was given" 5 "$(grep -c '^port ' /run/ports.out)"
# The subscriber's parent waits for it; itself is python.
kill "$(pgrep -P "$subscriber" -f 'links.py ports' | tail -n 1 || echo "$subscriber")" 2>/dev/null
for name in open else more; do leaves $name; done

expect_output "the user that emulates links may ask for nothing else" 'error .*may ask for links, and for nothing else' ask shruthi-switch check
for request in "filter probe 02:00:00:00:00:aa any any service" "tap $third $bridge" "port $third $bridge" lost watch demand \
        "withdraw $third" "only dom" "lead dom" "connections dom" "publish $third $bridge 10.128.40.21/24 none third 8080:80"; do
        expect_output "not for '${request%% *}'" 'error .*nothing else' ask shruthi-switch "$request"
done
for request in links "links " "links no/bridge" "links $bridge isolated"; do
        expect_output "'$request' is refused" 'error Malformed request' ask root "$request"
done
expect_fail "a user does not reach the service" 'PermissionError' ask alice "links $bridge"
in_background of-none runuser -u shruthi -- timeout 5 python3 "$links" ports br-none
check_soon "of a bridge that there is not nothing is given" 60 background_ended of-none
is "for as long as one waits" 124 "$(cat /run/of-none.status)"
is_none "and nothing said" "$(cat /run/of-none.out)"

# ── What is left ─────────────────────────────────────────────────────────────────────────────────────────────────────
check "the guests end" as alice stop dom
systemctl stop unikernel@proc
rm -f "$DEFINITIONS/proc.unikernel"
shruthictl reload 2>/dev/null || busctl call $dest $path $dest.Manager Reload
check "and are removed" as alice remove dom
check_soon "the network is removed" 60 as alice network remove far
check "and the other" as alice network remove near

finish
