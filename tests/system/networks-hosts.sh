#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the DHCP and DNS server of a network knows of unikernels: in networks of ours each address can be served, and
# none that somebody else holds is given out; names are theirs alone, and nothing of the host's; elsewhere nobody
# takes another machine's name, nor all addresses; and what libvirt reports as failed is looked at.

# shellcheck source=tests/system/lib.sh disable=SC2016,SC2086
. "$(dirname "$0")/lib.sh"

as() { as_user "$1" shruthictl --no-ask-password "${@:2}"; }
leases_of() { ls "/var/lib/shruthi/leases/network-$1"; }
lease_of() { grep -lx "UNIKERNEL=$2" "/var/lib/shruthi/leases/network-$1"/* 2>/dev/null | sed 's,.*/,,'; }
guest_said() { journalctl --boot --unit="unikernel@$1" --output=cat --no-pager | grep -E -- "$2"; }
served() { virsh --quiet net-dhcp-leases "$1" | grep -c ipv4; }
bridge_of() { virsh --quiet net-info "$1" | sed -n 's/^Bridge: *//p'; }
# NAME NETWORK COMMAND…: made, and not started.
make() { shruthictl create "$1" "$GUEST" --memory=8M --network=service:network="$2",address="${3:-auto}" -- --dhcp; }
gone() { shruthictl stop "$@" 2>/dev/null; shruthictl remove "$@"; }
# NAME BRIDGE: a stranger's network card.
stranger() {
        ip netns add "$1" && ip link add "$1" type veth peer name eth0 netns "$1" &&
                ip link set "$1" master "$2" up && ip -n "$1" link set eth0 up
}
# NAME MAC [OPTION…]: asks for an address from that hardware address. What it prints is the address.
asks_dhcp() {
        ip -n "$1" link set eth0 down && ip -n "$1" link set eth0 address "$2" up &&
                ip netns exec "$1" busybox udhcpc -i eth0 -f -n -q -t 10 -T 1 -s /bin/true "${@:3}" 2>&1 |
                        sed -nE 's/.*lease of ([0-9.]+) obtained.*/\1/p' | grep .
}
# SERVER NAME: the address, or nothing.
resolve() {
        python3 - "$1" "$2" <<'END'
import socket, struct, sys
name = b"".join(bytes([len(label)]) + label.encode() for label in sys.argv[2].split(".")) + b"\0"
query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.settimeout(5)
    server.sendto(query, (sys.argv[1], 53))
    answer = server.recv(512)
if struct.unpack(">H", answer[6:8])[0] == 0:
    sys.exit(1)
print(socket.inet_ntoa(answer[-4:]))
END
}

# How often the firewall is asked for something; where /run/firewall-fails is there, it cannot do what is in it.
iptables=$(readlink -f "$(command -v iptables)")
rm "$(command -v iptables)"
cat >/usr/sbin/iptables <<END
#!/bin/bash
echo >>/run/firewall-calls
[ ! -e /run/firewall-fails ] || [[ "\$*" != *"\$(cat /run/firewall-fails)"* ]] || exit 1
exec -a iptables $iptables "\$@"
END
chmod +x /usr/sbin/iptables
firewall_calls() { { wc -l </run/firewall-calls || echo 0; } 2>/dev/null; }

# What only the host is to know, and who else it can ask.
printf '10.9.9.9 intranet\n' >>/etc/hosts
dnsmasq --conf-file=/dev/null --no-hosts --no-resolv --listen-address=127.0.0.1 --bind-interfaces \
        --address=/far.example/198.51.100.7 --pid-file=/run/resolver.pid
echo "nameserver 127.0.0.1" >/etc/resolv.conf
cp "$GUEST" /home/alice/image
chmod a+r /home/alice/image
shruthictl image inspect "$GUEST" >/dev/null

# ── Each address is served ───────────────────────────────────────────────────────────────────────────────────────────
# NETWORK PREFIX NUMBER
fill() {
        local network=$1 wrong=() file

        check "a /$2" shruthictl network create "$network" --subnet="10.128.$2.0/$2"
        for i in $(seq "$3"); do make "$network$i" "$network" >/dev/null || wrong+=("$network$i"); done
        is_none "has $3 addresses" "${wrong[*]}"
        expect_fail "and no more" "all addresses of network 10.128.$2.0/$2 are in use" make "$network" "$network"
        check "with somebody on it" stranger "in$network" "$(bridge_of "$network")"
        for file in "/var/lib/shruthi/leases/network-$network"/*; do
                [ "$(asks_dhcp "in$network" "$(sed -n 's/^MAC=//p' "$file")")" = "${file##*/}" ] || wrong+=("$file")
        done
        is_none "each unikernel's hardware address is served its own" "${wrong[*]}"
        check_soon "as the DHCP server says" 60 eval '[ "$(served '"$network"')" = '"$3"' ]'
}
calls=$(firewall_calls)
check "a network" shruthictl network create calm --subnet=10.128.99.0/24
check "for which a firewall was made" test "$(firewall_calls)" -gt "$calls"
calls=$(firewall_calls)
check "a unikernel on it" make calm1 calm
check "is removed" gone calm1
is "for which no firewall is touched" "$calls" "$(firewall_calls)"
check "it goes" shruthictl network remove calm
is_none "with all that was known of it" "$(ls /var/lib/shruthi-hosts)"
expect_fail "nobody else lists who is where" '' as_user alice ls /var/lib/shruthi-hosts

check "one more" eval 'shruthictl network create lost --subnet=10.128.98.0/24 && make lost1 lost && make lost2 lost'
check "that libvirt loses" eval 'virsh net-destroy lost && virsh net-undefine lost'
check "who is removed meanwhile" gone lost1
check "is not there when it comes back" eval 'systemctl reload shruthid && wait_for 60 virsh net-info lost'
expect_output "but who was left is" "^$(lease_of lost lost2)$" resolve 10.128.98.1 lost2
expect_fail "and not who was removed" '' resolve 10.128.98.1 lost1
check "they go" eval 'gone lost2 && shruthictl network remove lost'

fill full 28 13
check "all go" eval 'gone full{1..13}'
is_none "nothing of them is left" "$(cat /var/lib/shruthi-hosts/full/*/dhcp /var/lib/shruthi-hosts/full/*/dns)"
fill large 27 29
check "all go" eval 'gone large{1..29}'
check "and the networks" shruthictl network remove large full

# ── Not while another holds it ───────────────────────────────────────────────────────────────────────────────────────
check "a network for one" shruthictl network create tiny --subnet=10.128.1.0/30
check "whom DHCP serves" eval 'make da tiny && shruthictl start da'
check_soon "is served" 60 guest_said da 'serving on 10.128.1.2/30 by DHCP'
check_soon "which libvirt has heard of" 60 eval '[ "$(served tiny)" = 1 ]'
check "it is removed" gone da
expect_fail "no other gets the address while its lease lives" 'when their DHCP leases expire' make r1 tiny
is_none "nor is one left behind" "$(lease_of tiny r1)"
expect_fail "nor by asking for it" '10.128.1.2 is in use by .*DHCP server has leased it' make r1 tiny 10.128.1.2/30
check "one of its name does" eval 'make da tiny && shruthictl start da'
check_soon "and is served" 60 eval '[ "$(guest_said da "by DHCP" | wc -l)" -ge 2 ]'
check "it goes" eval 'gone da && shruthictl network remove tiny'

# The helper of a DHCP server that has ended writes for a while what it still has to. 4102444800 is in the year 2100.
# FILE SECONDS
straggler() {
        local n leases
        leases=$(jq -n '[range(1; 4) | {"ip-address": "10.128.9.\(.)", "mac-address": "02:00:00:00:09:0\(.)",
                "expiry-time": 4102444800}]')
        for ((n = 0; n < $2 * 10; n++)); do
                echo "$leases" >"$1.new" && mv "$1.new" "$1"
                sleep 0.1
        done
}
status_of() { echo "/var/lib/libvirt/dnsmasq/$1.status"; }
check "a network" shruthictl network create before --subnet=10.128.1.0/30
bridge=$(bridge_of before)
check "goes" shruthictl network remove before
straggler "$(status_of "$bridge")" 30 &
check_soon "whose leases are written once more" 60 test -e "$(status_of "$bridge")"
check "the next one is there" shruthictl network create after --subnet=10.128.1.0/30
is "on another bridge" other "$([ "$(bridge_of after)" = "$bridge" ] || echo other)"
expect_output "with no lease" '^$' virsh --quiet net-dhcp-leases after
check "it goes" shruthictl network remove after
kill $! && wait $! 2>/dev/null
rm -f "$(status_of "$bridge")"*
check "one on a bridge that was asked for" shruthictl network create before --subnet=10.128.1.0/30 --bridge=brown
check "goes" shruthictl network remove before
straggler "$(status_of brown)" 3 &
check_soon "whose leases are written once more" 60 test -e "$(status_of brown)"
check "the next one waits" shruthictl network create after --subnet=10.128.1.0/30 --bridge=brown
wait $!
expect_output "and has no lease" '^$' virsh --quiet net-dhcp-leases after
check "it goes" shruthictl network remove after

# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────────
check "a network" shruthictl network create lab --subnet=10.128.28.0/28
check "an isolated one" shruthictl network create quiet --isolated --subnet=10.128.2.0/24
check "a unikernel on each" eval 'make inlab lab && make inquiet quiet'
expect_output "is known by its name" "^$(lease_of lab inlab)$" resolve 10.128.28.1 inlab
expect_output "on the isolated one, too" "^$(lease_of quiet inquiet)$" resolve 10.128.2.1 inquiet
expect_output "the gateway has a name" '^10\.128\.28\.1$' resolve 10.128.28.1 gateway
expect_output "the host's leads there" '^10\.128\.28\.1$' resolve 10.128.28.1 "$(uname -n)"
expect_output "from the isolated one, too" '^10\.128\.2\.1$' resolve 10.128.2.1 "$(uname -n)"
expect_fail "whom the host knows is not told" '' resolve 10.128.28.1 intranet
expect_fail "on the isolated one neither" '' resolve 10.128.2.1 intranet
expect_output "what the host's resolver says is" '^198\.51\.100\.7$' resolve 10.128.28.1 far.example
expect_fail "but not on the isolated one" '' resolve 10.128.2.1 far.example
expect_fail "nobody takes the gateway's name" "'gateway' is already the name of 10.128.28.1" make gateway lab
check "a machine with more than one identifier" stranger choosy "$(bridge_of lab)"
check "has an address" asks_dhcp choosy 02:00:00:00:00:41 -x 0x3d:000102
first=$output
check "asks by another" asks_dhcp choosy 02:00:00:00:00:41 -x 0x3d:000103
is "and has one address by its hardware address" "$first" "$output"
check "one by a name that means something to dnsmasq" make ignore lab
expect_output "is known by it" "^$(lease_of lab ignore)$" resolve 10.128.28.1 ignore
expect_output "and served" "^$(lease_of lab ignore)$" \
        asks_dhcp choosy "$(sed -n 's/^MAC=//p' "/var/lib/shruthi/leases/network-lab/$(lease_of lab ignore)")"
check "one without an address of its own asks DHCP" shruthictl create asks "$GUEST" --memory=8M \
        --network=service:network=lab --now -- --dhcp
check_soon "and is given one" 60 guest_said asks 'by DHCP'
asks=$(guest_said asks 'by DHCP' | sed -nE 's,.* on ([0-9.]+)/.*,\1,p' | tail -n 1)
check_soon "which libvirt has heard of" 60 eval 'virsh net-dhcp-leases lab | grep -F " $asks/"'
expect_output "show tells of it, and of no other machine, nor of those with an address of their own" \
        "^DHCPLeases=\\[\\[\"asks\",\"service\",\"$asks/28\"\\]\\]$" shruthictl network show lab
expect_output "as JSON, too" \
        "\"DHCPLeases\":\\[\\{\"Unikernel\":\"asks\",\"Device\":\"service\",\"Address\":\"$asks/28\"\\}\\]" \
        shruthictl network show lab --json=short
check "they go" eval 'gone inlab inquiet ignore asks && shruthictl network remove quiet'
expect_output "and DHCP has given nothing to anybody of ours" '^DHCPLeases=(\[\])?$' shruthictl network show lab
expect_fail "with their names" '' resolve 10.128.28.1 inlab

check "a machine of somebody else's on libvirt's network" stranger files virbr0
check "that says its name to DHCP" asks_dhcp files 02:00:00:00:00:31 -x hostname:fileserver
check_soon "which libvirt has heard of" 60 eval 'virsh net-dhcp-leases default | grep -F fileserver'
for name in fileserver wpad isatap localhost; do
        expect_fail "alice does not take the name $name" "'$name' is (already the name of 192|a name that machines)" \
                as alice create $name /home/alice/image --memory=8M --network=service:virbr0,address=auto
done
is_none "nothing is left of that" "$(for name in fileserver wpad isatap localhost; do lease_of default $name; done)"
expect_fail "nor is a unikernel" '4 of 4|No|no' shruthictl status fileserver
check "without an address it is a name as any other" \
        as alice create wpad /home/alice/image --memory=8M --network=service:virbr0
check "that goes" as alice remove wpad

# ── A share of the addresses ─────────────────────────────────────────────────────────────────────────────────────────
printf '[Shruthi]\nAddressesMaxPerUser=2\n' >/etc/shruthi/shruthi.conf.d/60-addresses.conf
check "a limit" systemctl reload shruthid
as_alice() { as alice create "$1" /home/alice/image --memory=8M --network=service:"$2",address=auto; }
check "that alice reaches" eval 'as_alice a1 virbr0 && as_alice a2 virbr0'
expect_fail "alice gets no more" 'AddressesMaxPerUser=2' as_alice a3 virbr0
check "on alice's own network there is no such limit" eval 'as alice network create hers && as_alice a3 network=hers'
check "they go" as alice remove a1 a2 a3
rm /etc/shruthi/shruthi.conf.d/60-addresses.conf
check "so does the limit" systemctl reload shruthid

# ── What libvirt reports as failed ───────────────────────────────────────────────────────────────────────────────────
in_default() { virsh net-dumpxml default | grep -F "$1"; }
echo '--jump MASQUERADE' >/run/firewall-fails
check "with a firewall that cannot be made, one is made" make halfway default
rm /run/firewall-fails
halfway=$(lease_of default halfway)
check "with an address" test -n "$halfway"
expect_output "that is reserved" "name='halfway' ip='$halfway'" in_default halfway
expect_output "its name is known" "^$halfway$" resolve 192.168.122.1 halfway
check "it gets the address" \
        test "$(asks_dhcp files "$(sed -n 's/^MAC=//p' /var/lib/shruthi/leases/network-default/$halfway)")" = "$halfway"
echo '--jump MASQUERADE' >/run/firewall-fails
check "it goes in the same way" gone halfway
rm /run/firewall-fails
is_none "its address is given back" "$(lease_of default halfway)"
expect_fail "and nothing known of it" '' in_default halfway

# ── Told where it cannot be helped ───────────────────────────────────────────────────────────────────────────────────
check "one with an address" make late default 192.168.122.150/24
late=192.168.122.150
virsh net-update default delete ip-dhcp-host \
        "<host mac='$(sed -n 's/^MAC=//p' /var/lib/shruthi/leases/network-default/$late)' ip='$late'/>" --live \
        --config >/dev/null
check "that DHCP gives to another" test "$(asks_dhcp files 02:00:00:00:00:32 -r "$late")" = "$late"
check_soon "which libvirt has heard of" 60 eval 'virsh net-dhcp-leases default | grep -F 02:00:00:00:00:32'
check "is started" shruthictl start late
check_soon "and its journal says why it has no network" 60 \
        guest_said late "$late is leased by DHCP to 02:00:00:00:00:32; .*gives the guest another address"
expect_output "status says it, too" "$late is leased by DHCP" shruthictl status late
check "it goes" gone late
ip netns del files

# ── Networks that a former version made ──────────────────────────────────────────────────────────────────────────────
# NETWORK: as that defined it, which told libvirt who is on it.
make_former() {
        systemctl stop shruthid
        virsh net-dumpxml "$1" | python3 -c '
import re, sys
text = re.sub(r"(?s)  <dnsmasq:options>.*</dnsmasq:options>\n|  <dns>.*</dns>\n", "", sys.stdin.read())
text = re.sub(r"<network .*?>", "<network>", text)
print(re.sub(r"(<range[^>]*/>)", sys.argv[1], text))' "$2" >/run/former.xml
        virsh net-destroy "$1" && virsh net-undefine "$1" && virsh net-define /run/former.xml &&
                virsh net-autostart "$1" && virsh net-start "$1" && rm -r "/var/lib/shruthi-hosts/$1"
}
is_former() { ! virsh net-dumpxml "$1" | grep -F no-hosts >/dev/null; }
is_renewed() { ! is_former "$1"; }
check "a unikernel on a network" make old lab
old=$(lease_of lab old)
mac=$(sed -n 's/^MAC=//p' /var/lib/shruthi/leases/network-lab/$old)
check "of a former version" make_former lab "\\1<host mac='$mac' name='old' ip='$old'/>"
check "is started without shruthid" systemctl start unikernel@old
check_soon "and served" 60 guest_said old "serving on $old/28 by DHCP"
check "it works as before" make newer lab
expect_output "in libvirt's own way" "name='newer'" virsh net-dumpxml lab
check "nobody is cut off" is_former lab
check "who was made goes" gone newer
check "it is stopped" shruthictl stop old
uuid=$(virsh net-uuid lab) bridge=$(bridge_of lab)
check "then" systemctl reload shruthid
check_soon "the network is made anew" 60 is_renewed lab
check_soon "and runs" 60 eval 'virsh --quiet net-list --name | grep -xF lab'
is "the same one" "$uuid $bridge" "$(virsh net-uuid lab) $(bridge_of lab)"
expect_output "with who is on it" "^$mac,$old" cat /var/lib/shruthi-hosts/lab/*/dhcp
check "it starts" shruthictl start old
expect_output "and has its name" "^$old$" resolve 10.128.28.1 old
check "it goes" eval 'gone old && shruthictl network remove lab'
is "with all that was known of it" hers "$(ls /var/lib/shruthi-hosts)"

kill "$(cat /run/resolver.pid)"
finish
