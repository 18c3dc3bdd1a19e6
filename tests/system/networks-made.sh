#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Networks that are made here: whose they are, who may use and remove them, that they do not reach each other, that
# nothing is left of one that is removed, and that a crash leaves none half-way.

# shellcheck source=tests/system/lib.sh disable=SC2016,SC2086
. "$(dirname "$0")/lib.sh"

dest=org.dream.Shruthi
path=/org/dream/Shruthi
records=/var/lib/shruthi/networks
no='InteractiveAuthorizationRequired|AccessDenied|Authentication is required|Not authorized'

ipv4=('--ipv4={service.address}' '--ipv4-gateway={service.gateway}')

ctl() { shruthictl --no-ask-password "$@"; }
as() { as_user "$1" shruthictl --no-ask-password "${@:2}"; }
fact() { shruthictl network show "$1" -p "$2" --value; }
# Without -q, so that nobody writes to a pipe that is closed.
has_network() { virsh --quiet net-list --all --name | grep -xF "$1"; }
no_network() { ! has_network "$1" >/dev/null; }
is_active() { virsh --quiet net-list --name | grep -xF "$1"; }
on_bus() { busctl tree --list $dest | grep -xF "$path/network/$1"; }
off_bus() { ! on_bus "$1" >/dev/null; }
is_known_active() { [ "$(busctl get-property $dest $path/network/"$1" $dest.Network Active)" = "b true" ]; }
bus_is_up() { busctl call $dest $path org.freedesktop.DBus.Peer Ping; }
# NAMESPACE BRIDGE ADDRESS/PREFIX GATEWAY: a stranger on a network, who asks nobody.
stranger() {
        ip netns add "$1"
        ip link add "$1" type veth peer name "$1-peer"
        ip link set "$1-peer" netns "$1"
        ip link set "$1" master "$2" up
        ip netns exec "$1" ip link set "$1-peer" up
        ip netns exec "$1" ip address add "$3" dev "$1-peer"
        ip netns exec "$1" ip route add default via "$4"
}
pings() { ip netns exec "$1" ping -c 1 -W 1 "$2"; }

if [ "$STAGE" = again ]; then
        check_soon "the network is there after a reboot" 60 is_active alices
        check "it is on the bus" on_bus alices
        expect_output "active, with the same owner" "u $(id -u alice)" \
                busctl get-property $dest $path/network/alices $dest.Network Owner
        check_soon "and known to be active" 60 is_known_active alices
        is "with the same subnet" "$(cat /var/lib/subnet-of-alices)" "$(fact alices Subnet)"
        is "its guest has the same address" "$(cat /var/lib/address-of-hers)" "$(address_of hers)"
        check "its guest starts" as alice start hers
        check_soon "and answers" 60 answers "$(cat /var/lib/address-of-hers)"
        check "the guest is removed" as alice remove --now hers
        check "alice removes the network" as alice network remove alices
        check "nothing is left in libvirt" no_network alices
        finish
fi

cp "$GUEST" /home/alice/image
cp "$GUEST" /home/bob/image
chmod a+r /home/alice/image /home/bob/image
# What the host itself is in, besides libvirt's own network.
ip link add br9 type bridge
ip address add 10.200.7.1/24 dev br9
ip link set br9 up
ip route add 10.201.0.0/16 via 10.200.7.2
printf '[Bridge br9]\nSubnet=10.202.0.0/24\n' >/etc/shruthi/shruthi.conf.d/60-br9.conf
ctl list >/dev/null

# ── Made by root ─────────────────────────────────────────────────────────────────────────────────────────────────────
compare() {
        busctl introspect --xml-interface $dest "$1" |
                python3 "$SRC/tests/client/compare-introspection.py" "$SRC/dbus/$2.xml" "$2"
}
check "root makes one" ctl network create lab --subnet=10.128.7.0/24
check "libvirt runs it" is_active lab
expect_output "and starts it by itself" '^Autostart: +yes' virsh net-info lab
expect_output "without spanning tree" "<bridge name=.* stp='off' delay='0'/>" virsh net-dumpxml lab
expect_output "with NAT" "<forward mode='nat'" virsh net-dumpxml lab
expect_output "its record says whose it is" '^Owner=0$' cat $records/lab
is "the record is for nobody else" "600 shruthi" "$(stat -c '%a %U' $records/lab)"
check "and one with IPv6" ctl network create six --subnet=10.128.6.0/24 --ipv6-subnet=fd00:7::/64
expect_output "of which NAT is, too" "<nat ipv6='yes'" virsh net-dumpxml six
expect_output "they are listed, with their subnets" '^lab +active +nat +root +10.128.7.0/24 +- +yes$' ctl network list
expect_output "of both families" '^six +active +nat +root +10.128.6.0/24 +fd00:7::/64 +yes$' ctl network list
expect_output "and libvirt's own, which is not ours" '^default +active +nat +- +192.168.122.0/24 +- +no$' \
        ctl network list
expect_output "as JSON, too" '"Name":"lab".*"Managed":true' ctl network list --json=short
is "its gateway is the first address" 10.128.7.1 "$(fact lab Gateway)"
is "of IPv6, too" fd00:7::1 "$(fact six IPv6Gateway)"
check "a unikernel gets an address of each" \
        ctl create insix "$GUEST" --memory=8M --network=service:network=six,address=auto --now \
        -- "${ipv4[@]}" '--ipv6={service.address6}' '--ipv6-gateway={service.gateway6}'
expect_output "which is said" 'insix.*10.128.6.[0-9]+/24.*insix.*fd00:7::[0-9a-f]+/64' ctl network show six
check_soon "and answers at the one" 60 answers "$(address_of insix)"
check_soon "and at the other" 60 answers "$(shruthictl arguments insix | sed -nE 's/.*--ipv6=([0-9a-f:]+).*/\1/p')"
check "it goes" ctl remove --now insix
expect_output "show says all of it" '^Mode=nat$' ctl network show lab
expect_output "as JSON, too" '"Subnet":"10.128.7.0/24"' ctl network show lab --json=short
expect_output "libvirt's own can be looked at" '^Managed=no$' ctl network show default
expect_output "the object is what its documentation says" '^8 members' compare $path/network/lab $dest.Network
expect_output "the object manager shows it" '/org/dream/Shruthi/network/lab' \
        busctl call $dest $path org.freedesktop.DBus.ObjectManager GetManagedObjects
expect_output "it is found by name" "$path/network/lab" \
        busctl call $dest $path $dest.Manager GetNetwork s lab
expect_fail "another name is none" "SHRUTHI has no network 'lap'" \
        busctl call $dest $path $dest.Manager GetNetwork s lap
expect_status "and shruthictl exits with 4" 4 ctl network show lap
check "a unikernel is attached to it" ctl create inlab "$GUEST" --memory=8M \
        --network=service:network=lab,address=auto --now -- "${ipv4[@]}"
check_soon "and answers there" 60 answers "$(address_of inlab)"
expect_output "show says who has which address" "inlab.*service.*$(address_of inlab)/24" ctl network show lab

# ── Refused ──────────────────────────────────────────────────────────────────────────────────────────────────────────
refused() { expect_fail "$1" "$2" ctl network create "${@:3}"; }
refused "a bad name" "'Lab_1' is not a valid network name" Lab_1
refused "a name that is there" "Network 'lab' already exists" lab
refused "a name that libvirt has" "libvirt has another network 'default'" default
refused "an address that is no network" '10.128.9.1/24. is an address in network' x --subnet=10.128.9.1/24
refused "a network of the other family" 'is not an IPv4 network' x --subnet=fd00:9::/64
refused "no subnet at all" 'needs an IPv4 subnet' x --subnet=none
refused "one too small for a guest" 'is too small' x --subnet=10.128.9.0/31
refused "two modes at once" 'mutually exclusive' x --nat --isolated
refused "the subnet of libvirt's network" "192.168.122.0/24 of libvirt network 'default'" \
        x --subnet=192.168.122.128/25
refused "… or of one of ours, and around it" \
        "10.128.[67].0/24 of libvirt network '(lab|six)'" x --subnet=10.128.0.0/16
refused "… of IPv6" "fd00:7::/64 of libvirt network 'six'" x --subnet=none --ipv6-subnet=fd00:7::/64
refused "the host's own" 'overlaps with 10.200.7.[01]/[0-9]+ of this host' x --subnet=10.200.7.0/24
refused "where the host has a route to" 'overlaps with 10.201.0.0/16 of this host' x --subnet=10.201.5.0/24
refused "what shruthi.conf says of a bridge" "10.202.0.0/24 of shruthi.conf's bridge 'br9'" \
        x --subnet=10.202.0.0/24
expect_fail "an unknown key, with those there are" 'Unknown key .Colour.; known: Subnet, IPv6Subnet, Mode' \
        busctl call $dest $path $dest.Manager CreateNetwork 'sa{sv}' x 1 Colour s red
expect_fail "a value of another type" "Subnet: expected a value of type 's'" \
        busctl call $dest $path $dest.Manager CreateNetwork 'sa{sv}' x 1 Subnet u 7
check "nothing of these is left in libvirt" no_network x
check "it goes" ctl network remove six
is "nor is anything on disk" lab "$(ls $records)"

# ── Of users ─────────────────────────────────────────────────────────────────────────────────────────────────────────
check "alice makes one, with a free subnet" as alice network create alices
is "the first of the pool" 10.128.0.0/24 "$(fact alices Subnet)"
check "and an isolated one" as alice network create quiet --isolated --ipv6-subnet=auto
is "that is the next" 10.128.1.0/24 "$(fact quiet Subnet)"
expect_output "with an IPv6 subnet at random" '^fd[0-9a-f:]+::/64$' fact quiet IPv6Subnet
is_none "and no gateway" "$(fact quiet Gateway)"
check "bob makes one" as bob network create bobs
expect_output "both see whose they are" '^bobs +active +nat +bob ' as alice network list
expect_fail "alice does not see who is in bob's" "$no" as alice network show bobs
expect_fail "mallory, who is in no group, makes none" "$no" as mallory network create mallorys
expect_fail "and lists none" "$no" as mallory network list
expect_output "mallory sees what everybody may see" 's "nat"' as_user mallory \
        busctl get-property $dest $path/network/alices $dest.Network Mode
expect_fail "alice does not remove bob's" "$no" as alice network remove bobs
expect_fail "a user makes no routed network" 'Only an administrator may create a routed network' \
        as alice network create x --routed
expect_fail "nor names its bridge" 'Only an administrator may name the bridge' as alice network create x --bridge=br7
expect_fail "nor gives it to another" 'Only an administrator may create network .x. for another owner' as alice network create x --owner=bob
expect_fail "nor to a group that alice is not in" 'group that the caller is not in' as alice network create x --group=root
expect_fail "nor chooses a subnet outside of the pool" 'NetworkPool=10.128.0.0/9' \
        as alice network create x --subnet=10.7.0.0/24
expect_fail "nor a large one" 'no larger than' as alice network create x --subnet=10.129.0.0/16
check "a third and a fourth" eval 'as alice network create three && as alice network create four --subnet=10.130.0.0/20'
expect_fail "no more networks than alice's share" 'has 4 networks \(NetworksMaxPerUser=4\)' \
        as alice network create five
check "root is not bound by that" \
        ctl network create five --owner=alice --subnet=10.7.0.0/24 --routed --bridge=br-five
expect_output "and alice owns it" '^five +active +routed +alice +10.7.0.0/24' ctl network list
is "with the bridge that was asked for" br-five "$(fact five Bridge)"
check "they go" as alice network remove three four five
is "the records of the others are left" "alices bobs lab quiet" \
        "$(find $records -type f ! -name '.*' -printf '%f\n' | sort | paste -sd ' ')"

# ── Who may attach to it ─────────────────────────────────────────────────────────────────────────────────────────────
check "alice attaches a unikernel to a network that is listed nowhere" as alice create hers /home/alice/image --memory=8M \
        --network=service:network=alices,address=auto --now -- "${ipv4[@]}"
check_soon "it answers" 60 answers "$(address_of hers)"
bridge=$(fact alices Bridge)
check "by its bridge, too" \
        as alice create byname /home/alice/image --memory=8M --network=service:"$bridge",address=auto
# libvirt gives a bridge's name to the next network: nobody stays behind on it, whatever shruthid knows of bridges.
check "alice makes another" as alice network create trap
check "a unikernel of alice names its bridge, and has no address" as alice create waits /home/alice/image --memory=8M \
        --network=service:"$(fact trap Bridge)"
systemctl stop shruthid
expect_fail "then it does not go" "in use by 'waits'" as alice network remove trap
check "until that is gone" as alice remove waits
check "then it goes" as alice network remove trap
expect_fail "on others' networks alice cannot choose a MAC address" \
        "only an administrator may set MACAddress=|Authentication" \
        as alice create waits /home/alice/image --memory=8M --network=service:virbr0,mac=52:54:00:00:00:01
check "on networks of their own users can" as alice create waits /home/alice/image --memory=8M \
        --network=service:network=alices,mac=52:54:00:00:00:01
check "it goes" as alice remove waits
expect_fail "bob cannot attach a unikernel to it" "users may not use .*network 'alices'" \
        as bob create his /home/bob/image --network=service:network=alices
expect_fail "nor by its bridge" "users may not use bridge '$bridge'" \
        as bob create his /home/bob/image --network=service:"$bridge"
printf '[Shruthi]\nAllowedBridges=virbr0 %s\n' "$bridge" >/etc/shruthi/shruthi.conf.d/61-bridges.conf
systemctl reload shruthid
expect_fail "nor where that bridge's name was once allowed" "users may not use bridge" \
        as bob create his /home/bob/image --network=service:"$bridge"
rm /etc/shruthi/shruthi.conf.d/61-bridges.conf
printf '[Shruthi]\nAllowedNetworks=alices promised\n' >/etc/shruthi/shruthi.conf.d/61-networks.conf
systemctl reload shruthid
expect_fail "what is allowed to all is made by an administrator" "Only an administrator may create network 'promised'" \
        as alice network create promised
check "what an administrator allows to everybody, bob may use" \
        as bob create guest /home/bob/image --memory=8M --network=service:network=alices
check "and leave" as bob remove guest
rm /etc/shruthi/shruthi.conf.d/61-networks.conf
systemctl reload shruthid
check "an administrator attaches bob's to it" ctl create guest /home/bob/image --owner=bob --memory=8M \
        --network=service:network=alices
check "and takes it away" ctl remove guest
groupadd shared
usermod -a -G shared alice
usermod -a -G shared bob
check "with a group of both" as alice network create ours --group=shared --isolated
check "bob attaches a unikernel" as bob create his /home/bob/image --memory=8M --network=service:network=ours,address=auto
expect_output "and sees who is in it" "^Leases=.*his" as bob network show ours
expect_fail "while it is used nobody removes it" "in use by 'his'" as bob network remove ours
check "bob removes it" as bob remove his
check "then it goes" as bob network remove ours

# ── Apart from each other ────────────────────────────────────────────────────────────────────────────────────────────
check "bob's has a guest, too" as bob create his /home/bob/image --memory=8M \
        --network=service:network=bobs,address=auto --now -- "${ipv4[@]}"
check_soon "it answers the host" 60 answers "$(address_of his)"
stranger neara "$bridge" "$(fact alices Subnet | sed 's,0/24,250/24,')" "$(fact alices Gateway)"
stranger nearb "$(fact bobs Bridge)" "$(fact bobs Subnet | sed 's,0/24,250/24,')" "$(fact bobs Gateway)"
check_soon "a host in alice's network reaches alice's guest" 60 pings neara "$(address_of hers)"
check_soon "a host in bob's network reaches bob's guest" 60 pings nearb "$(address_of his)"
expect_fail "a host in bob's network does not reach alice's guest" '' pings nearb "$(address_of hers)"
expect_fail "nor the other way" '' pings neara "$(address_of his)"
stranger nearq "$(fact quiet Bridge)" "$(fact quiet Subnet | sed 's,0/24,250/24,')" 10.128.1.1
expect_fail "who is in an isolated one reaches neither" '' pings nearq "$(address_of hers)"
ip netns del neara
ip netns del nearb
ip netns del nearq
check "two with IPv6, of different owners" \
        eval 'as alice network create sixa --ipv6-subnet=auto && as bob network create sixb --ipv6-subnet=auto'
sixa=$(fact sixa IPv6Subnet) sixb=$(fact sixb IPv6Subnet)
stranger sixa "$(fact sixa Bridge)" "${sixa%/64}250/64" "${sixa%/64}1"
stranger sixb "$(fact sixb Bridge)" "${sixb%/64}250/64" "${sixb%/64}1"
check_soon "who is in one reaches the host" 60 pings sixa "${sixa%/64}1"
check_soon "and is reached from it" 60 answers "${sixb%/64}250"
expect_fail "but not from the other" '' pings sixa "${sixb%/64}250"
ip netns del sixa
ip netns del sixb
check "these go" eval 'as alice network remove sixa && as bob network remove sixb'

# ── Removal ──────────────────────────────────────────────────────────────────────────────────────────────────────────
expect_fail "one in use is not removed, and it is said by whom" "in use by ('hers', 'byname'|'byname', 'hers')" \
        as alice network remove alices
check "one less" as alice remove byname
check "and stopped" as bob stop his
expect_fail "also while it is stopped" "in use by 'his'" ctl network remove bobs
cat >/run/other.xml <<END
<domain type='qemu'><name>other</name><memory>8192</memory><os><type>hvm</type></os>
<devices><interface type='network'><source network='quiet'/></interface></devices></domain>
END
check "a domain of somebody else's is put on one" virsh define /run/other.xml
expect_fail "then that is said" "in use by libvirt domains 'other'" as alice network remove quiet
check "it is as it was" is_active quiet
expect_fail "its record, too" '' grep State $records/quiet
check "without it" virsh undefine other
quiet_bridge=$(fact quiet Bridge)
stdbuf -oL busctl monitor $dest >/run/signals 2>/dev/null &
monitor=$!
check_soon "somebody listens" 60 eval 'bus_is_up && grep -q Ping /run/signals'
check "it goes" as alice network remove quiet
check "from libvirt" no_network quiet
check "from disk" test ! -e $records/quiet
check "from the bus" off_bus quiet
check "from the kernel" test ! -e "/sys/class/net/$quiet_bridge"
check_soon "and it is told" 60 eval 'grep -q NetworkRemoved /run/signals && grep -q InterfacesRemoved /run/signals'
kill $monitor
check "bob removes the guest" as bob remove his
check "bob's network goes" as bob network remove bobs
check "with what was known of addresses" test ! -e /var/lib/shruthi/leases/network-bobs
check "its subnet is free again" eval 'as bob network create bobs --subnet=10.128.2.0/24 && as bob network remove bobs'

# ── Half-way ─────────────────────────────────────────────────────────────────────────────────────────────────────────
# Whenever it is cut off: a network is there with its record or not at all, and the name can be used again.
agrees() {
        local name=$1 state
        bus_is_up || return 1
        state=$(sed -n 's/^State=//p' $records/"$name" 2>/dev/null)
        [ -z "$state" ] || return 1
        if [ -e $records/"$name" ]; then
                is_active "$name" && on_bus "$name"
        else
                no_network "$name" && off_bus "$name"
        fi
}
whom=(all main)
half=()
n=0
for pause in 0 0.01 0.03 0.05 0.1 0.2 0.3 0.5; do
        ctl network create half >/dev/null 2>&1 &
        creator=$!
        sleep $pause
        systemctl kill --signal=KILL --kill-whom=${whom[n++ % 2]} shruthid
        wait $creator
        wait_for 60 agrees half || half+=("create $pause")
        [ ! -e $records/half ] || ctl network remove half || half+=("remove after $pause")
done
is_none "a create that is cut off leaves all or nothing" "${half[*]}"
half=()
for pause in 0 0.01 0.03 0.05 0.1 0.2 0.3; do
        [ -e $records/half ] || ctl network create half || half+=("create before $pause")
        ctl network remove half >/dev/null 2>&1 &
        remover=$!
        sleep $pause
        systemctl kill --signal=KILL --kill-whom=${whom[n++ % 2]} shruthid
        wait $remover
        wait_for 60 agrees half || half+=("remove $pause")
done
is_none "so does a remove" "${half[*]}"
[ ! -e $records/half ] || check "what is there goes" ctl network remove half
many=()
for i in 1 2 3 4 5 6; do ctl network create many$i >/dev/null & many+=($!); done
failed=0
for pid in "${many[@]}"; do wait "$pid" || failed=$((failed + 1)); done
is "six at once are made" 0 $failed
is "with six subnets" 6 "$(for i in 1 2 3 4 5 6; do fact many$i Subnet; done | sort -u | wc -l)"
check "they go at once, too" ctl network remove many1 many2 many3 many4 many5 many6

# What somebody does with virsh is put right.
take_away() { virsh net-destroy lab && virsh net-undefine lab; }
check "nobody runs on one" ctl stop inlab
check "somebody takes it away" take_away
expect_fail "doctor says so" "'lab' of user root is missing in libvirt" ctl doctor
check "after a reload" systemctl reload shruthid
check_soon "it is there again" 60 is_active lab
check_soon "and known to be" 60 is_known_active lab
check "it is taken away again" take_away
expect_output "the list says so" '^lab +missing +nat' ctl network list
check_soon "and it is there again" 60 is_active lab
check_soon "as the list says" 60 bash -c 'shruthictl network list | grep -E "^lab +active"'
expect_output "with who has an address in it" ',inlab,' bash -c 'cat /var/lib/shruthi-hosts/lab/*/dhcp'
check "somebody stops it" virsh net-destroy lab
is "its facts say so" stopped "$(fact lab State)"
check_soon "and it is started again" 60 is_active lab
check "it is taken away with shruthid" \
        eval 'systemctl mask --runtime --now shruthid.socket shruthid.service && take_away'
check "a guest of it starts all the same" systemctl start unikernel@inlab
expect_output "and says that it was away" "Network 'lab' was stopped or missing in libvirt" \
        journalctl --boot --unit=unikernel@inlab --output=cat
check "shruthid is back" systemctl unmask --runtime shruthid.socket shruthid.service
systemctl start shruthid.socket
check_soon "the guest answers" 60 answers "$(address_of inlab)"
expect_output "it is in DHCP again" ',inlab,' bash -c 'cat /var/lib/shruthi-hosts/lab/*/dhcp'
check "somebody stops it" virsh net-destroy lab
check "one that is made on it starts it" \
        ctl create inlab2 "$GUEST" --memory=8M --network=service:network=lab,address=auto
check "they go" ctl remove --now inlab2 inlab
check "the network goes" ctl network remove lab
echo "junk" >$records/junk
check "with a record that is none" systemctl reload shruthid
check "the others are served" ctl network list
expect_fail "and its name is taken" 'already' ctl network create junk
rm $records/junk

# ── After a reboot ───────────────────────────────────────────────────────────────────────────────────────────────────
fact alices Subnet >/var/lib/subnet-of-alices
address_of hers >/var/lib/address-of-hers
sandbox_reboot again
