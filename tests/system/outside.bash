# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Reaching published ports from the host and from outside. Read after lib.sh.

# NAMESPACE: with an address of the outside, and routes to the host alone.
make_outside() {
        ip netns add "$1"
        ip link add "$1" type veth peer name "$1-peer" netns "$1"
        ip address add 198.51.100.1/24 dev "$1"
        ip address add 2001:db8:5::1/64 dev "$1" nodad
        ip link set "$1" up
        ip -n "$1" link set lo up
        ip -n "$1" link set "$1-peer" up
        ip -n "$1" address add 198.51.100.2/24 dev "$1-peer"
        ip -n "$1" address add 2001:db8:5::2/64 dev "$1-peer" nodad
}
# WHO COMMAND…: on the host, or in the namespace of that name.
in_net() { if [ "$1" = host ]; then "${@:2}"; else ip netns exec "$@"; fi; }
# ADDRESS: as socat takes it.
quoted() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }
# WHO ADDRESS PORT: what the guest answers.
get() { printf 'GET / HTTP/1.0\r\n\r\n' | in_net "$1" \
        timeout $((8 * SLOWNESS)) socat -t $((4 * SLOWNESS)) - "TCP:$(quoted "$2"):$3,connect-timeout=$((3 * SLOWNESS))"; }
# WHO ADDRESS PORT
# (Not by socat, which waits for more after the answer.)
echoed() { in_net "$1" timeout $((3 * SLOWNESS)) "$SRC/tests/client/knock.py" udp "$2" "$3" 1; }
# ADDRESS: as the guest tells it.
hex() { python3 -c 'import ipaddress, sys; print(ipaddress.ip_address(sys.argv[1]).packed.hex())' "$1"; }
# WHO ADDRESS PORT CLIENT: the guest is reached, and sees that address.
seen_as() { get "$1" "$2" "$3" | grep -qF "X-Client: $(hex "$4")"; }
not_reached() { ! get "$@" | grep .; }
not_echoed() { ! echoed "$@"; }
bridge_of() { virsh --quiet net-info "$1" | sed -n 's/^Bridge: *//p'; }
