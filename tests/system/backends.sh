#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# Packages: dbus-broker
#
# What an administrator may have chosen instead of what Debian has: dbus-broker as the system bus, and nftables where
# libvirt can write the rules of its networks with it.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

# NAME: with an address of the default network.
create_networked() {
        shruthictl create --now "$1" "$GUEST" --network=service:network=default,address=auto \
                -- '--ipv4={service.address}'
}

if [ "$STAGE" != broker ]; then
        is "Debian's bus is dbus-daemon" dbus.service "$(unit_show dbus.service Id)"
        check "dbus-broker takes its place" systemctl enable --force dbus-broker.service
        sandbox_reboot broker
fi

# --- dbus-broker

is "the bus is dbus-broker's" dbus-broker.service "$(unit_show dbus.service Id)"
check "it runs" unit_is active dbus-broker.service
is_none "it has nothing to say against our policy and services" \
        "$(journalctl -q -b -o cat -u dbus-broker.service | grep -iE 'shruthi')"
is "shruthid is started by the first who asks" inactive "$(unit_show shruthid ActiveState)"
expect_output "it answers" '^s "' \
        busctl get-property org.dream.Shruthi /org/dream/Shruthi org.dream.Shruthi.Manager Version
cp "$GUESTS/guest-plain.virtio" /home/alice/
busctl monitor --json=short org.dream.Shruthi >/tmp/signals 2>/dev/null &
monitor=$!
check "alice creates one, over a descriptor, and starts it" \
        as_user alice shruthictl create --now hers guest-plain.virtio -- --tick=20
check_soon "its console is in the journal" 60 counted_to hers tick 1
expect_output "alice sees it running" 'running' as_user alice shruthictl status hers
expect_fail "mallory may not stop it" 'Authentication is required|AccessDenied' as_user mallory shruthictl stop hers
expect_fail "nobody else takes our name" 'denied|AccessDenied|not allowed' \
        as_user mallory python3 -c 'import dbus; dbus.SystemBus().request_name("org.dream.Shruthi")'
kill -KILL "$(unit_show shruthid MainPID)"
check_soon "shruthid that was killed answers again" 60 as_user alice shruthictl status hers
check "alice stops it" as_user alice shruthictl stop hers
check "and removes it" as_user alice shruthictl remove hers
kill $monitor
for signal in UnikernelNew UnikernelRemoved PropertiesChanged; do
        check "$signal was seen on the bus" grep -q "\"$signal\"" /tmp/signals
done

# --- nftables

conf=/etc/libvirt/network.conf
if ! grep -qs firewall_backend $conf; then
        expect_output "this libvirt knows of no other backend than iptables" '^(9|10)\.' \
                bash -c 'libvirtd --version | sed "s/.* //"'
        finish
fi

# libvirt has nftables leave it to tc to mend checksums of DHCP's answers, for which not every kernel has the action.
tc=$(command -v tc)
cp "$tc" /usr/local/sbin/tc.real
printf '%s\n' '#!/bin/sh' 'case "$*" in *csum*) exit 0 ;; esac' 'exec /usr/local/sbin/tc.real "$@"' >/run/tc
chmod 0755 /run/tc
mount --bind /run/tc "$(realpath "$tc")"
virsh --quiet net-destroy default
sed -i '/^#* *firewall_backend/d' $conf
echo 'firewall_backend = "nftables"' >>$conf
systemctl restart libvirtd
check "libvirt has its networks with nftables" virsh --quiet net-start default
expect_output "in a table of its own" 'table ip libvirt_network' nft list tables
check "one with an address there starts" create_networked one
check_soon "it answers" 60 answers "$(address_of one)"
check "another" create_networked two
check_soon "answers, too" 60 answers "$(address_of two)"
expect_output "both are held to their addresses" "$(address_of one)" nft list table bridge shruthi
check "a network of our own is made" shruthictl network create lab
check "one is started on it" shruthictl create --now three "$GUEST" --network=service:network=lab \
        -- '--ipv4={service.address}'
check_soon "and answers" 60 answers "$(address_of three)"
systemctl restart libvirtd
check "when libvirt has been restarted" virsh --quiet net-info default
check_soon "they answer still" 60 answers "$(address_of one)"
expect_output "and doctor has nothing against the anti-spoofing" '^ok +.*anti-spoofing' bash -c 'shruthictl doctor || true'
check "all are removed" shruthictl remove --now one two three
check "and the network" shruthictl network remove lab
is_none "with nothing left in our table" "$(nft list table bridge shruthi 2>/dev/null | grep -F 'vnet')"

finish
