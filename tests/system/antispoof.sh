#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shruthi-antispoof: what a guest whose addresses are known can send and what not, frame by frame; that libvirt's filters,
# which take its place where it is away, do the same but for what they cannot; what becomes of it when somebody empties
# the packet filter; and who may ask for what.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

client=$SRC/tests/client/antispoof.py
RECORDS=/run/private/shruthi-antispoof
ask() { runuser -u shruthi -- python3 "$client" ask "$@"; }
is_silent() { ! ping -c 4 -i 0.3 -W 1 "$1"; }
tap_of() { virsh --quiet domiflist "unikernel-$1" | awk 'NR == 1 { print $1 }'; }
guest_said() { journalctl --boot --unit="unikernel@$1" --output=cat --no-pager | grep -E -- "$2"; }
gone() { for name in "$@"; do shruthictl stop "$name" 2>/dev/null; shruthictl remove "$name" || return; done; }
in_table() { nft list table bridge shruthi | grep -F -- "$1"; }
not_in_table() { ! in_table "$1"; }
service() { unit_show shruthi-antispoof.service "$1"; }

# ── What it is ───────────────────────────────────────────────────────────────────────────────────────────────────────
expect_output "its socket is there" '^active$' systemctl is-active shruthi-antispoof.socket
is "for our user, and the one that emulates links" '660 shruthi shruthi-switch' "$(stat -c '%a %U %G' /run/shruthi/antispoof)"
expect_output "doctor says what is filtered" '^ok +anti-spoofing: Guests with known addresses are filtered' shruthictl doctor
pid=$(service MainPID)
expect_fail "it is not root" '^' test "$(stat -c %u "/proc/$pid")" = 0
is "it may do two things" '0000000000003000' "$(sed -n 's/^CapBnd:\t//p' "/proc/$pid/status")"
is "and gains nothing" 1 "$(sed -n 's/^NoNewPrivs:\t//p' "/proc/$pid/status")"

# ── Frame by frame ───────────────────────────────────────────────────────────────────────────────────────────────────
# An interface that stands for a guest's: what the test sends into guest0 comes from it, as from a tap; what passes
# comes to other0. So does what is sent into last0.
MAC=02:00:00:00:00:aa
mine=("$MAC" 10.9.9.2 fd99::2)
ip link add br-antispoof type bridge
ip link set br-antispoof up
quiet() { for i in "$@"; do sysctl -qw "net.ipv6.conf.$i.disable_ipv6=1"; done; }
forwards() { ip -json link show "$1" | jq -e '.[0].operstate == "UP"'; }
# INTERFACE PEER
connect() {
        ip link add "$1" type veth peer name "$2" && quiet "$1" "$2" && ip link set "$1" master br-antispoof up &&
                ip link set "$2" up && wait_for 60 forwards "$1"
}
connect port0 other0
connect port1 last0
# INTERFACE: in the place of the one before.
plug() {
        ip link delete guest0 2>/dev/null
        connect "$1" guest0
}
# What passes, in the order of the frames, in one line.
passes() {
        python3 "$client" send guest0 other0 last0 "${mine[@]}" 10.9.9.3 fd99::3 >/tmp/frames || return
        sed -n 's/ passed$//p' /tmp/frames | tr '\n' ' '
}
# IPV4 IPV6: what passes of a guest that is filtered so.
filtered_by() {
        local answer

        answer=$(ask "filter probe $MAC $1 $2 service") && plug "${answer#ok }" && passes
}

own4='ipv4 dhcp-ask dhcp-inform dhcp-renew arp arp-answer '
own6='ipv6 ipv6-link-local neighbour-solicitation neighbour-solicitation-no-address '
own6+='neighbour-solicitation-no-address-link-local neighbour-advertisement neighbour-advertisement-link-local '
own6+='ipv6-fragment ipv6-fragment-next router-solicitation-no-address listener-report-no-address '
any4='ipv4 ipv4-other-address ipv4-no-address dhcp-ask dhcp-inform dhcp-renew arp arp-answer arp-other-address arp-probe '
any6='ipv6 ipv6-link-local ipv6-other-address ipv6-other-link-local ipv6-no-address '
any6+='neighbour-solicitation neighbour-solicitation-no-address neighbour-solicitation-no-address-link-local '
any6+='neighbour-solicitation-no-address-of-peer neighbour-advertisement neighbour-advertisement-link-local '
any6+='neighbour-advertisement-of-peer neighbour-advertisement-of-peer-own neighbour-advertisement-cut '
any6+='neighbour-advertisement-other-address ipv6-fragment ipv6-fragment-next router-solicitation-no-address '
any6+='listener-report-no-address echo-no-address '
check "an interface of nobody's" plug plain0
all=$(passes)
is "sends what it likes" "$(wc -l </tmp/frames)" "$(wc -w <<<"$all")"
is "a guest with addresses of both families sends its own" "$own4$own6" "$(filtered_by 10.9.9.2 fd99::2)"
is "one that may choose has its MAC address, and is no router" "$any4$any6" "$(filtered_by any any)"
is "one with an IPv4 address may choose the other" "$own4$any6" "$(filtered_by 10.9.9.2 any)"
is "or has none" "$own4" "$(filtered_by 10.9.9.2 none)"
is "one with an IPv6 address may choose the other" "$any4$own6" "$(filtered_by any fd99::2)"
is "or has none" "$own6" "$(filtered_by none fd99::2)"
check "an interface by such a name without a filter" plug shruaaaaaaaaaaa
is_none "is cut off" "$(passes)"

# What the host is given by a guest's interface itself, because its bridge does not forward it.
ip address add 10.9.9.1/24 dev br-antispoof
has_link_local() { ip -6 address show dev "$1" scope link -tentative | grep inet6; }
# INTERFACE
reached() {
        plug "$1" && sysctl -qw "net.ipv6.conf.$1.disable_ipv6=0" "net.ipv6.conf.$1.accept_ra=2" &&
                wait_for 60 has_link_local "$1" && python3 "$client" reach guest0 last0 br-antispoof 10.9.9.1 10.9.9.77 &&
                ip -6 route show default dev "$1" | grep -o '^default via fe80::bad'
}
is "the host is reached past the bridge" $'udp\narp\ndefault via fe80::bad' "$(reached plain0)"
answer=$(ask "filter probe $MAC any any service")
is_none "but by no guest" "$(reached "${answer#ok }")"
ip address delete 10.9.9.1/24 dev br-antispoof

# ── Guests ───────────────────────────────────────────────────────────────────────────────────────────────────────────
check "a guest with an address" shruthictl create honest "$GUEST" --memory=8M \
        --network=service:virbr0,address=192.168.122.208/24 -- '--ipv4={service.address}'
check "and one that uses another" shruthictl create liar "$GUEST" --memory=8M \
        --network=service:virbr0,address=192.168.122.209/24 -- --ipv4=192.168.122.166/24
shruthictl xml honest >/tmp/before.xml
check "they start" shruthictl start honest liar
check_soon "the first is heard" 60 answers 192.168.122.208
check_soon "the second runs" 60 guest_said liar 'serving on 192.168.122.166'
check "but is not heard" is_silent 192.168.122.166
tap=$(tap_of honest)
expect_output "its interface has a name of ours" '^shru[a-z2-7]{11}$' echo "$tap"
expect_output "which was said before" "<target dev=.${tap}." cat /tmp/before.xml
expect_fail "libvirt has no filter on it" '' bash -c 'virsh dumpxml unikernel-honest | grep filterref'
check "it is restarted" shruthictl restart honest
is "the name is the same" "$tap" "$(tap_of honest)"
check_soon "it is heard" 60 answers 192.168.122.208
check "with another address" shruthictl set honest Network=service:virbr0,address=192.168.122.210/24
check "it is restarted" shruthictl restart honest
expect_fail "it has another name" '^' test "$tap" = "$(tap_of honest)"
check_soon "it is heard at the new address" 60 answers 192.168.122.210
check "and no more at the old one" is_silent 192.168.122.208
tap=$(tap_of honest)
check "it is stopped" shruthictl stop honest
ip link add "$tap" type veth peer name thief0
expect_fail "while somebody else's interface has its name it does not start" '^' shruthictl start honest
ip link delete thief0
systemctl reset-failed unikernel@honest
check "afterwards it does" shruthictl start honest
check_soon "and is heard" 60 answers 192.168.122.210

# ── Taps for processes ───────────────────────────────────────────────────────────────────────────────────────────────
TAP_MAC=52:54:00:00:00:ab
TAP_ADDRESS=192.168.122.230
answer=$(ask "filter tapped $TAP_MAC $TAP_ADDRESS none service")
tap=${answer#ok }
mkfifo /tmp/tap-in /tmp/tap-out
# REQUEST: a guest that has the tap that it asks for, until it is let go.
take() {
        runuser -u shruthi -- python3 "$client" tap "$1" "$TAP_MAC" "$TAP_ADDRESS" 192.168.122.231 192.168.122.1 \
                </tmp/tap-in >/tmp/tap-out &
        guest=$!
        exec 7>/tmp/tap-in 8</tmp/tap-out
        hear >/tmp/tap-answer
}
hear() { local line; read -r -t 120 line <&8 && echo "$line"; }
heard() { echo >&7 && hear; }
let_go() { exec 7>&- 8<&-; wait "$guest"; }
there() { ip link show dev "$1"; }
not_there() { ! there "$1"; }
port_is() { bridge -detail -json link show dev "$tap" | jq -e ".[0] | $1"; }

take "tap $tap virbr0"
is "it is made for who asks, and has the MTU of its bridge" 'ok 1500 with 1 descriptors' "$(cat /tmp/tap-answer)"
check "it is a port at once" port_is '.master == "virbr0" and .mtu == 1500 and .state == "forwarding"'
check "which hears the others" port_is '.isolated == false'
is "its own address is not the guest's, and the bridge does not take it" "fe${TAP_MAC#52}" "$(cat "/sys/class/net/$tap/address")"
is_none "the host has no address there" "$(ip address show dev "$tap" | grep inet)"
is "it does not outlive who has it" 0x1002 "$(cat "/sys/class/net/$tap/tun_flags")"
is "the guest is heard from its own address, and from no other" 'arp-own ping-own' "$(heard)"
counters() { echo "/counters $*" | runuser -u shruthi -- socat -t 30 - UNIX-CONNECT:/run/shruthi/neighbours; }
# What the host sends is what the guest receives.
counted() {
        local side name line=$tap

        for side in tx rx; do
                for name in bytes packets dropped; do
                        line+=" $(cat "/sys/class/net/$tap/statistics/${side}_$name")"
                done
        done
        [ "$(counters "$@")" = "$line"$'\nend' ]
}
check_soon "what has passed it is told, as the guest sees it" 30 counted "$tap"
check_soon "one is found among many" 30 counted shruaaaaaaaaaaa "$tap" shrubbbbbbbbbbb "$tap"
is "of one that is gone there is nothing to tell" end "$(counters shruaaaaaaaaaaa)"
expect_output "and of others nothing is told" '^error That is no interface of a guest' counters "$tap lo"
expect_output "there is no second by its name" "^taken The interface '$tap' is there already" ask "tap $tap virbr0"
check "the service is killed" systemctl kill --signal=SIGKILL shruthi-antispoof.service
is "the guest does not notice" 'arp-own ping-own' "$(heard)"
let_go
check_soon "it goes with who had it" 30 not_there "$tap"

ip link add br-tap type bridge
ip link set br-tap mtu 1400 up
take "tap $tap br-tap isolated"
is "another bridge has another MTU" 'ok 1400 with 1 descriptors' "$(cat /tmp/tap-answer)"
check "an isolated port is isolated" port_is '.master == "br-tap" and .mtu == 1400 and .isolated'
ip link delete br-tap
expect_output "one whose bridge goes is missed" "^ok $tap$" ask lost
ip link add br-tap type bridge
ip link set br-tap up
expect_output "and put back" '^ok put$' ask "port $tap br-tap isolated"
check "as it was" port_is '.master == "br-tap" and .isolated'
let_go
check_soon "it goes, too" 30 not_there "$tap"
ip link delete br-tap

# DIRECTION: whether this kernel has what holds it back.
kernel_limits() {
        local result=0

        ip link add probe0 type veth peer name probe1
        if [ "$1" = in ]; then
                tc qdisc add dev probe0 root handle 1: htb default 1 || result=1
        else
                tc qdisc add dev probe0 ingress && tc filter add dev probe0 parent ffff: protocol all u32 match u32 0 0 \
                        police rate 1mbit burst 1mb mtu 64kb drop flowid :1 || result=1
        fi
        ip link delete probe0
        return $result
}
if kernel_limits in >/dev/null 2>&1; then
        take "tap $tap virbr0 in:4000"
        is "one with little bandwidth is made" 'ok 1500 with 1 descriptors' "$(cat /tmp/tap-answer)"
        expect_output "the kernel holds back what comes to it" 'class htb 1:1 root .*rate 32Kbit ceil 32Kbit' tc class show dev "$tap"
        is "it is heard all the same" 'arp-own ping-own' "$(heard)"
        ip neighbour replace "$TAP_ADDRESS" lladdr "$TAP_MAC" dev virbr0 nud permanent
        ping -q -i 0.01 -s 1000 -w 4 "$TAP_ADDRESS" >/dev/null &
        pings=$!
        echo count 4 >&7
        read -r got took <<<"$(hear)"
        wait $pings
        diag "$got bytes in $took µs"
        check "some comes" test "$got" -gt 3000
        # Besides, one frame may go at once, and one begins when there is any left.
        check "but no more than may" test "$got" -le $((took * 4 / 1000 + 2 * 1600))
        ip neighbour delete "$TAP_ADDRESS" dev virbr0
        let_go
        check_soon "its limit goes with it" 30 not_there "$tap"
else
        expect_output "what the kernel lacks to hold back is said" '^error The kernel cannot apply Bandwidth=: .*sch_htb' \
                ask "tap $tap virbr0 in:4000"
fi
if kernel_limits out >/dev/null 2>&1; then
        take "tap $tap virbr0 in:2000000 out:2000000"
        is "one that sends little is made" 'ok 1500 with 1 descriptors' "$(cat /tmp/tap-answer)"
        expect_output "the kernel drops what is more" 'police .*rate 16Mbit burst 2000000b' tc filter show dev "$tap" parent ffff:
        is "it is heard, too" 'arp-own ping-own' "$(heard)"
        let_go
        check_soon "its limit goes with it" 30 not_there "$tap"
else
        expect_output "what the kernel lacks to drop it is said" \
                '^error The kernel cannot apply Bandwidth=: .*(sch_ingress|cls_u32 and act_police)' \
                ask "tap $tap virbr0 out:2000000"
fi
check "who cannot be limited has no tap" not_there "$tap"

ip link add "$tap" type veth peer name thief0
expect_output "somebody else's interface is not taken" "^taken The interface '$tap' is there already" ask "tap $tap virbr0"
ip link delete thief0
expect_output "without a bridge there is none" "^error There is no bridge 'br-tap'" ask "tap $tap br-tap"
expect_output "nor with what is no bridge" "^error The interface 'lo' is no bridge" ask "tap $tap lo"
expect_output "nor without a filter" "^error The interface 'shruaaaaaaaaaaa' has no filter" ask "tap shruaaaaaaaaaaa virbr0"
expect_output "nor by another name" '^error Malformed request' ask "tap vnet0 virbr0"
check "of these none is left" not_there "$tap"
check "its filter is as it was" in_table "$tap"
rm /tmp/tap-in /tmp/tap-out /tmp/tap-answer

# One that takes all that a DHCP server has, by invented hardware addresses.
check "a network with five addresses" virsh --quiet net-create <(echo "<network><name>scarce</name>
<forward mode='nat'/><bridge name='br-scarce' stp='off' delay='0'/><ip address='10.79.0.1' prefix='29'>
<dhcp><range start='10.79.0.2' end='10.79.0.6'/></dhcp></ip></network>")
leases() { virsh --quiet net-dhcp-leases scarce | grep -c ipv4; }
check "a greedy guest" shruthictl create greedy "$GUEST" --memory=8M --now --network=service:network=scarce \
        -- --dhcp-greedy
check "a user's that has to ask" shruthictl create modest "$GUEST" --memory=8M --owner=alice \
        --network=service:network=scarce -- --dhcp
check "starts" shruthictl start modest
check_soon "and is given an address" 60 guest_said modest 'by DHCP'
is "the greedy one was given none" 1 "$(leases)"
check "nor is a user's" gone greedy
check "that is greedy" shruthictl set modest -- --dhcp-greedy
shruthictl restart modest
check "nor one whose address is known" shruthictl create greedy "$GUEST" --memory=8M --now \
        --network=service:network=scarce,address=auto -- --dhcp-greedy
check "another that has to ask" shruthictl create other "$GUEST" --memory=8M --now \
        --network=service:network=scarce -- --dhcp
check_soon "is given one" 60 guest_said other 'by DHCP'
expect_fail "they were given none" '' bash -c \
        'journalctl --boot --unit=unikernel@greedy --unit=unikernel@modest --output=cat | grep "leased"'
check "by identifiers" shruthictl set greedy -- --dhcp-greedy=id
check "it is restarted" shruthictl restart greedy
check_soon "it has several of a network of another's, whose server goes by them" 60 guest_said greedy 'by another identifier'
check "a network of ours" shruthictl network create frugal --subnet=10.128.79.0/26
check "has it as well" shruthictl set greedy Network=service:network=frugal
check "it is restarted" shruthictl restart greedy
frugal() { [ "$(virsh --quiet net-dhcp-leases frugal | grep -c ipv4)" = "$1" ]; }
check_soon "and gives it one" 60 guest_said greedy 'leased 10\.128\.79\..* by another identifier'
sleep 3
check "and no more" frugal 1
check "without isolation" shruthictl set greedy Network=service:network=scarce,isolation=no
check "by hardware addresses" shruthictl set greedy -- --dhcp-greedy
check "restarted" shruthictl restart greedy
check_soon "it takes one after the other" 60 guest_said greedy 'leased .* by another hardware address'
check "they are removed" gone greedy modest other
check "and the network" shruthictl network remove frugal

# A bridge of somebody's by a libvirt network may be one that no packet filter sees.
check "a network that only names a bridge" virsh --quiet net-create <(echo "<network><name>named</name>
<forward mode='bridge'/><bridge name='br-antispoof'/></network>")
check "a guest on it" shruthictl create named "$GUEST" --memory=8M --network=service:network=named
expect_output "is left to libvirt's filter" "filterref filter=.shruthi-[0-9]*-any-any." shruthictl xml named
check "it is removed" gone named

# ── Emptied behind its back ──────────────────────────────────────────────────────────────────────────────────────────
# By itself, as soon as the kernel says so.
answer=$(ask "filter probe $MAC 10.9.9.2 fd99::2 service")
check "a guest's interface" plug "${answer#ok }"
sets=$(nft list sets bridge | grep -oE 'set mac-[0-9]+' | tail -n 1)
restored() { [ "$(nft list set bridge shruthi "${sets#set }" | grep -cF "${answer#ok }")" = 1 ]; }
# DESC COMMAND…
comes_back() {
        local desc=$1
        shift
        "$@"
        check_soon "$desc: the filters are back" 60 restored
        is "and sends its own" "$own4$own6" "$(passes)"
}
comes_back "after a flush of all" nft flush ruleset
expect_output "the journal says so" 'flushed or changed: [1-9][0-9]* interfaces of guests were not filtered' \
        journalctl --boot --unit=shruthi-antispoof.service --output=cat
# As Debian's nftables.service does: all in one transaction.
comes_back "after a reload" nft -f - <<<'flush ruleset; table inet filter { chain input { type filter hook input priority 0; }; }'
# libvirt's own rules for its networks went with it.
nft delete table inet filter
systemctl restart libvirtd
check "a guest that lies is still not heard" is_silent 192.168.122.166
expect_output "and doctor finds all well" '^ok +anti-spoofing' shruthictl doctor
comes_back "after its table is deleted" nft delete table bridge shruthi
comes_back "after its set is emptied" nft flush set bridge shruthi "${sets#set }"
open_door() { nft insert rule bridge shruthi prerouting accept; }
no_door() { ! nft list chain bridge shruthi prerouting | grep -E '^[[:space:]]*accept'; }
check "somebody opens a door" open_door
check_soon "it is closed" 60 no_door
is "and the guest sends its own" "$own4$own6" "$(passes)"
for family in inet arp; do
        nft delete table "$family" shruthi
        check_soon "table $family is back when it is gone alone" 60 nft list table "$family" shruthi
done

# While it is down, by whoever asks next; shruthi-demand, which doctor has looked for, asks at once.
down() { systemctl stop shruthi-demand.service shruthi-antispoof.service shruthi-domain.service && "$@"; }
check "it is down when the table goes" down nft delete table bridge shruthi
is "without the table it sends what it likes" "$all" "$(passes)"
expect_output "the next filter" '^ok shru' ask "filter other 02:00:00:00:00:ab any any service"
is "brings all back" "$own4$own6" "$(passes)"
check "it is down when an older one's is there" down nft delete table bridge shruthi
nft 'table bridge shruthi { set mac-0 { type ifname; }
        chain prerouting { type filter hook prerouting priority 0; drop; }; }'
expect_output "a table of another version is replaced" '^ok shru' ask "filter other 02:00:00:00:00:ab any any service"
is "with all filters" "$own4$own6" "$(passes)"
check "it is killed" systemctl kill --signal=SIGKILL shruthi-antispoof.service
expect_output "and answers the next" '^ok whole$' ask check
is "the other filters stay" "$own4$own6" "$(passes)"

# ── Who asks for what ────────────────────────────────────────────────────────────────────────────────────────────────
before=$(nft list table bridge shruthi)
expect_fail "a local user does not reach it" 'PermissionError|denied' \
        as_user mallory python3 "$client" ask "filter a $MAC any any x"
chmod 666 /run/shruthi/antispoof
expect_fail "nor where somebody opens the socket" 'ConnectionReset|BrokenPipe|^$' bash -c \
        "runuser -u mallory -- python3 $client ask 'filter a $MAC any any x' | grep -a ."
expect_output "which the journal says" "Rejected a request from UID $(id -u mallory), PID [0-9]+" \
        journalctl --boot --unit=shruthi-antispoof.service --output=cat
chmod 600 /run/shruthi/antispoof
for request in 'flush ruleset' 'filter' 'release honest' "filter ../x $MAC any any x" "filter a $MAC 0.0.0.0/0 any x" \
        "filter a $MAC 10.0.0.1;flush any x" "filter a ff:ff:ff:ff:ff:ff any any x" $'check\n' \
        "$(printf 'x%.0s' {1..4000})"; do
        expect_output "'${request:0:40}' is refused" '^error ' ask "$request"
done
is "and nothing has changed" "$before" "$(nft list table bridge shruthi)"
runuser -u shruthi -- python3 -c 'import socket, time
s = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(3)]
for c in s: c.connect("/run/shruthi/antispoof")
time.sleep(600)' &
silent=$!
expect_output "who says nothing does not keep others waiting for ever" '^ok whole$' ask check
kill $silent

# What a name stands for cannot be changed by somebody who finds another filter of the same name.
victim=$(ask "filter victim $MAC 10.9.9.7 none service")
echo -n "thief $MAC any any service" >"$RECORDS/${victim#ok }"
expect_output "a name that stands for another is not given" '^error The interface of another guest' \
        ask "filter victim $MAC 10.9.9.7 none service"
rm "$RECORDS/${victim#ok }"

# ── Many, and gone ───────────────────────────────────────────────────────────────────────────────────────────────────
many() {
        runuser -u shruthi -- python3 -c 'import socket
for i in range(500):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect("/run/shruthi/antispoof")
        s.send(b"filter many-%d 02:00:00:00:%02x:%02x 10.1.%d.%d any x" % (i, i // 256, i % 256, i // 250, 1 + i % 250))
        assert s.recv(4096).startswith(b"ok shru")'
}
check "500 more are filtered" many
expect_output "the last of them too" '10\.1\.1\.250' in_table 10.1.1.250
is "the other filters stay" "$own4$own6" "$(passes)"
diag "CPU so far: $(service CPUUsageNSec) ns"
find "$RECORDS" -type f -exec touch -d '1 hour ago' {} +
expect_output "one of them is about to start" '^ok shru' ask "filter many-7 02:00:00:00:00:07 10.1.0.8 any x"
check_soon "when it has nothing to do, it removes the filters of those that are gone" 90 not_in_table 10.1.1.250
check "not of who is about to start" in_table 10.1.0.8
is "nor of those that are there" "$own4$own6" "$(passes)"
is "it remembers no others" 4 "$(find $RECORDS -type f | wc -l)"
check "they stop, and nobody has to let go of them" gone honest liar

# ── Where it is away ─────────────────────────────────────────────────────────────────────────────────────────────────
check "it is masked" systemctl mask --runtime --now shruthi-antispoof.socket shruthi-antispoof.service
expect_output "doctor says what that costs" "^warning +anti-spoofing: libvirt's network filters .*quarter of a second" shruthictl doctor
expect_output "and what is filtered all the same" '^ok +isolation: Guests can send only' shruthictl doctor
check "a network of both families" virsh --quiet net-create <(echo "<network><name>six</name><forward mode='nat'/>
<bridge name='br-six' stp='off' delay='0'/><ip address='10.66.0.1' netmask='255.255.255.0'/>
<ip family='ipv6' address='fd66::1' prefix='64'/></network>")
check "a guest" shruthictl create old "$GUEST" --memory=8M --now --network=service:network=six,address=auto \
        -- '--ipv4={service.address}' '--ipv6={service.address6}'
old4=$(shruthictl arguments old | sed -E 's,--ipv4=([0-9.]+).*,\1,')
check_soon "starts and is heard" 60 answers "$old4"
expect_output "behind libvirt's filter" "filterref filter=.shruthi-[0-9]*-held-held." virsh dumpxml unikernel-old
expect_fail "its interface has a name of libvirt's" '^' bash -c "[[ $(tap_of old) = shru* ]]"
check "one that uses other addresses" shruthictl create older "$GUEST" --memory=8M --now \
        --network=service:network=six,address=auto -- --ipv4=10.66.0.66/24 --ipv6=fd66::66/64
check_soon "says that it has them" 60 guest_said older 'serving on fd66:'
check "but is not heard by IPv6" is_silent fd66::66
check "nor by IPv4" is_silent 10.66.0.66
check "and one that may choose" shruthictl create oldest "$GUEST" --memory=8M --now \
        --network=service:network=six -- --ipv4=10.66.0.67/24
check_soon "is heard" 60 answers 10.66.0.67
expect_output "no guest can say that it is a router" 'DROP' \
        bash -c "ebtables -t nat -L libvirt-I-$(tap_of oldest) | grep -iE 'router-advertisement|icmp-type 134'"

# The same frames through libvirt's filters.
# FILTER
filtered() {
        plug plain0
        virsh --quiet nwfilter-binding-create <(echo "<filterbinding><owner><name>probe</name>
<uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid></owner><portdev name='plain0'/><mac address='$MAC'/>
<filterref filter='$1'><parameter name='IP' value='10.9.9.2'/><parameter name='IPV6' value='fd99::2'/>
<parameter name='LINK_LOCAL' value='fe80::ff:fe00:aa'/></filterref></filterbinding>") >&2 || return
        passes
        virsh --quiet nwfilter-binding-delete plain0 >&2
}
# OURS THEIRS: what theirs lets through besides; what it does not and ours does has "not".
besides() { comm -3 <(tr ' ' '\n' <<<"$1" | sort) <(tr ' ' '\n' <<<"$2" | sort) | sed -E 's/^[^\t]/not &/; s/^\t//'; }
filter=$(virsh dumpxml unikernel-old | sed -nE "s/.*filterref filter=['\"]([^'\"]*)-held-held.*/\1/p")
is "libvirt's filter lets the same through, and what it does not look into" 'dhcp-ask-longer-client
dhcp-ask-other-client
dhcp-ask-other-hardware
dhcp-decline
dhcp-release
dhcp-release-behind
dhcp-release-other-client
dhcp-release-other-port
dhcp-short
echo-no-address
ipv6-fragment-link-local
neighbour-advertisement-cut
neighbour-advertisement-fragment
neighbour-advertisement-of-peer
neighbour-advertisement-of-peer-own
neighbour-solicitation-no-address-of-peer
router-advertisement-fragment' "$(besides "$own4$own6" "$(filtered "$filter-held-held")")"
is "and of a guest that may choose" 'dhcp-ask-longer-client
dhcp-ask-other-client
dhcp-ask-other-hardware
dhcp-decline
dhcp-release
dhcp-release-behind
dhcp-release-other-client
dhcp-release-other-port
dhcp-short
ipv6-fragment-link-local
neighbour-advertisement-fragment
router-advertisement-fragment' "$(besides "$any4$any6" "$(filtered "$filter-any-any")")"
check "they go" gone old older oldest
check "it is back" systemctl unmask --runtime shruthi-antispoof.socket shruthi-antispoof.service
check "and listens" systemctl start shruthi-antispoof.socket
expect_output "doctor says so" '^ok +anti-spoofing' shruthictl doctor

finish
