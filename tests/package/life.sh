#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs as root in a minimal Debian with systemd and nothing of ours: the life of the package from its first installation
# to its purge, with unikernels that run through all of it. Writes TAP.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
# shellcheck source=tests/package/life.bash
. "$(dirname "$0")/life.bash"

this=$(deb_version)
former=${this%-*}~former-1
later=$this+later
foreign=$this+foreign
for version in "$former" "$this" "$later"; do deb_make "$version"; done
deb_make "$foreign" 2

# A version whose sockets had other settings.
deb_change "$former" shruthi-antispoof.socket -e '/^SocketGroup=/d' -e 's/^SocketMode=.*/SocketMode=0600/'
deb_change "$former" shruthi-seal.socket -e 's/^SocketMode=.*/SocketMode=0660/'

# ── Installation
check "on a minimal system the package is installed, with what it depends on and no more" deb_install "$former"
expect_output "the socket and the target are enabled" '^enabled$' systemctl is-enabled shruthid.socket unikernels.target
for unit in shruthid.socket shruthi-{domain,antispoof,neighbours,probe,seal}.socket unikernels.target; do
        is "$unit is active" active "$(systemctl is-active "$unit")"
done
is_none "no service is running before somebody asks" \
        "$(systemctl list-units --no-legend --state=active 'shruthi*.service' 'unikernel@*')"
is_none "no unit failed" "$(systemctl --failed --no-legend --plain | grep -i -e shruthi -e unikernel)"
expect_output "shruthictl reaches shruthid over the bus" '^Version=' shruthictl show -p Version
expect_output "user shruthi may reach libvirt" '\blibvirt\b' id -Gn shruthi
networks=$(virsh net-list --all --name | xargs)
check "what networks need, which the package recommends, is installed too" \
        env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends dnsmasq-base nftables
check "the package's own test passes" bash -c \
        "cd $SRC && SHRUTHI_DEMO_IMAGE=/shruthi/build/guests/guest-keys.virtio bash data/packaging/debian/tests/demo"
check "unikernels, a network, volumes and keys are made, and two of them run" make_things
check_soon "one of them has counted its first boot on its volume" 60 said 1 router '^boot 1$'
check_soon "… and proved that it has its key" 60 said 1 router '^proof'
address=$(address_of router)
check_soon "… and answers" 60 ping -c 1 -W 5 "$address"

# ── Upgrade, and the same again downwards
for name in "${NAMES[@]}"; do run_facts "$name" >"/tmp/before.$name"; done
facts=$(all_facts)
proofs=$(guest_says router | grep '^proof')
shruthid=$(unit_show shruthid.service MainPID)
keeper=$(unit_show shruthi-domain.service MainPID)
is "the socket of this version's shruthi-antispoof is one user's" "shruthi 600" "$(stat -c '%U %a' /run/shruthi/antispoof)"
sockets=$(sockets_since shruthid domain)

for version in "$this" "$later" "$this"; do
        check "with unikernels running, $version is installed over $(installed)" deb_install "$version"
        for name in "${NAMES[@]}"; do
                is "$name has not noticed: its QEMU, its unit's run and its console are what they were" \
                        "$(cat "/tmp/before.$name")" "$(run_facts "$name")"
                is "… its runner is still the program that started it" old "$(runner_program "$name")"
        done
        is "all that was made, and how it ended, is as it was" "$facts" "$(all_facts)"
        is "shruthi-domain.service is the new program" no \
                "$([ "$(unit_show shruthi-domain.service MainPID)" != "$keeper" ] || echo yes; echo no)"
        keeper=$(unit_show shruthi-domain.service MainPID)
        is "a socket whose settings have changed has the new ones" "shruthi shruthi-switch 660" \
                "$(stat -c '%U %G %a' /run/shruthi/antispoof)"
        is "… also one with a service for each connection" "shruthi 600" "$(stat -c '%U %a' /run/shruthi/seal)"
        check "… and its service answers" unit_is active shruthi-antispoof.service
        is "the others have listened all the time" "$sockets" "$(sockets_since shruthid domain)"
        check "$address answers" ping -c 1 -W 5 "$address"
        is_none "nothing of ours failed" "$(systemctl --failed --no-legend --plain | grep -e shruthi -e unikernel@router)"
done
is "shruthid is the new program" no "$([ "$(unit_show shruthid.service MainPID)" != "$shruthid" ] || echo yes; echo no)"

# ── The new programs take over what the old ones began
for name in "${NAMES[@]}"; do
        pid=$(unit_show "unikernel@$name" MainPID)
        qemu=$(pgrep -f "guest=unikernel-$name,")
        kill -KILL "$pid"
        check_soon "the runner of $name dies, and a new one adopts the guest" 60 \
                bash -c "[ \"\$(systemctl show -p MainPID --value unikernel@$name)\" != $pid ] &&
                         [ \"\$(systemctl show -p ActiveState --value unikernel@$name)\" = active ]"
        is "… which is the new program" new "$(runner_program "$name")"
        is "… with the same QEMU" "$qemu" "$(pgrep -f "guest=unikernel-$name,")"
done
ticks=$(guest_says plain | grep -c '^tick')
check_soon "the console goes on" 60 \
        bash -c "[ \$(journalctl -u unikernel@plain -o cat | grep -c '^tick') -gt $((ticks + 5)) ]"
is_none "… and no line was lost, from the first to the last" "$(ticks_missing plain)"
check "shruthictl logs shows them" bash -c 'shruthictl logs plain | grep -q "tick 1$"'

# ── What cannot be read is not touched
expect_fail "a version that does not know the format on disk is not installed" "newer version \(format 2" \
        bash -c ". $(dirname "$0")/life.bash; deb_install '$foreign' && deb_install '$this'"
is "… before anything is changed: the newer one is still there" "$foreign" "$(installed)"
is "… with the guests running" "running running" \
        "$(virsh list --all | awk '/unikernel-/ { print $3 }' | sort | xargs)"
echo 1 >/var/lib/shruthi/format
check "(back to this version)" deb_install "$this"

# ── Removal
check "the package is removed" env DEBIAN_FRONTEND=noninteractive apt-get remove -q -y shruthi
is_none "its unikernels were stopped" "$(virsh list --all --name | grep unikernel-)"
expect_output "… as by systemctl stop, not killed" 'Stopped unikernel@router.service' \
        journalctl -u unikernel@router -o cat -n 200
is_none "no unit of ours is left in systemd" \
        "$(systemctl list-units --all --no-legend --plain --type=service,socket,target,slice,path,timer 'shruthi*' \
        'unikernel*' | grep -v not-found)"
is_none "nothing of ours is left in the packet filter" "$(nft list tables | grep shruthi)"
is_none "no process is left" "$(pgrep -a shruthi)"
check "the volume is still there" test -f /var/lib/shruthi/volumes/router-storage/data

# ── Installed again
check "the package is installed again" deb_install "$this"
# How a run ended is in /run, and went with the package.
is "all that was made is there" "$(grep -v -e router -e plain -e bad -e ^Result= <<<"$facts")" \
        "$(all_facts | grep -v -e router -e plain -e bad -e ^Result=)"
check "what starts at boot is started" systemctl start unikernels.target unikernel@router
check_soon "it finds its volume as it was" 60 said 1 router '^boot 2$'
check_soon "… and its key" 60 said 2 router '^proof'
is "… which is the same" "$proofs" "$(guest_says router | grep '^proof' | sort -u)"

# ── Purge, which keeps volumes and keys
mkdir -p /etc/shruthi/unikernels
printf '[Unikernel]\nImage=/root/plain.virtio\n' >/etc/shruthi/unikernels/by-hand.unikernel
systemctl enable --quiet unikernel@by-hand
expect_output "the package is purged without a question, and says what it keeps" 'volumes .* are kept' \
        env DEBIAN_FRONTEND=noninteractive apt-get purge -q -y shruthi
left() {
        # Not -xdev: the trees that packages write to are mounts of their own here.
        find / \( -path /shruthi -o -path /run -o -path /dev -o -path /proc -o -path /sys -o -path /var/log -o \
                -path /var/cache/apt -o -path /root -o -path /tmp -o -path /var/tmp -o -path /var/lib/dpkg \) -prune -o \
                \( -ipath '*shruthi*' -o -name '*unikernel*' \) ! -type d -printf '%p\n' | sort
        find /run -path '*shruthi*' -printf '%p\n'
}
is "nothing else is left than volumes, the keys and whose they are" \
        "$(printf '%s\n' /etc/credstore.encrypted/shruthi.router /var/lib/shruthi-seal/router \
                /var/lib/shruthi/unikernels/router.unikernel \
                /var/lib/shruthi/volumes/{router-storage,spare}/{data,volume})" "$(left)"
is "the network that SHRUTHI made is gone from libvirt, and no other" "$networks" \
        "$(virsh net-list --all --name | xargs)"
check "installed once more, it has the volume" deb_install "$this"
expect_output "… as it was" 'router-storage' shruthictl volume list
check "a unikernel of that name finds the key again" shruthictl set router --image=/root/router.virtio
check "(its network is made anew)" shruthictl network create office
check "… and starts" shruthictl start router
check_soon "… with its volume" 60 said 1 router '^boot 3$'
is "… and the same proof" "$proofs" "$(guest_says router | grep '^proof' | sort -u)"

touch /etc/shruthi/purge-volumes-and-keys
check "told to, the purge takes volumes and keys as well" \
        env DEBIAN_FRONTEND=noninteractive apt-get purge -q -y shruthi
is_none "… and nothing at all is left" "$(left)"

finish
