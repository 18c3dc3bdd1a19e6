#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The sandbox itself: all that the other system tests rely on is there and real, and nothing of the machine
# shows.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

if [ "$STAGE" = rebooted ]; then
        expect_output "a reboot leads to a running system again" '^running$' systemctl is-system-running --wait
        check "a file survives the reboot" test -e /var/lib/sandbox-test
        expect_output "the journal of the last boot is there" 'sandbox-test-before' journalctl --boot=-1 --no-pager
        check_soon "virbr0 comes back" 60 ip link show virbr0
        finish
fi

expect_output "systemd is process 1 and everything has started" '^running$' systemctl is-system-running
expect_output "no unit has failed" '^$' systemctl --failed --plain --no-legend
check "the system bus answers" busctl --system call org.freedesktop.DBus /org/freedesktop/DBus \
        org.freedesktop.DBus GetId
check "polkit answers" busctl --system call org.freedesktop.PolicyKit1 /org/freedesktop/PolicyKit1/Authority \
        org.freedesktop.DBus.Peer Ping
check "logind answers" loginctl --no-pager list-sessions

mapfile -t tools < <(sed -n '/^test_packages=(/,/^)/p' "$SRC/tests/sandbox" | sed '1d; $d' | tr -s ' ' '\n' | grep .)
check "the tests' tools are named" test ${#tools[@]} -gt 10
check "all of them are installed" dpkg-query --show "${tools[@]}"
is_none "… and none only in parts" "$(dpkg-query --show --showformat '${Package} ${Status}\n' "${tools[@]}" |
        grep -v ' ok installed$')"

expect_output "control groups are of version 2" '^cgroup2fs$' stat -f -c %T /sys/fs/cgroup
expect_output "the host name is the sandbox's" '^sandbox$' hostname
check "a journal line can be read again" bash -c 'systemd-cat -t sandbox-test echo hello; journalctl --sync; \
        journalctl -t sandbox-test -o cat --no-pager | grep -qx hello'

expect_output "there is no network but the loopback and libvirt's bridge" '^lo virbr0 $' \
        bash -c "ls /sys/class/net | tr '\n' ' '"
expect_output "virbr0 has the gateway's address" '192\.168\.122\.1/24' ip -4 addr show virbr0
expect_output "virbr0 forwards at once" '^0$' cat /sys/class/net/virbr0/bridge/stp_state
check "a tap device can be made" bash -c 'ip tuntap add dev tap-test mode tap && ip link del tap-test'
expect_fail "no way leads out" 'unreachable' ping -c1 -W1 1.1.1.1

check "there is no /dev/kvm" test ! -e /dev/kvm
check "the machine's /home does not show" bash -c 'diff <(ls /home) <(printf "%s\n" alice bob mallory)'
check "the machine's /tmp does not show" bash -c '! ls /tmp | grep -v "^systemd-private-"'
check "this tree is there and read-only" bash -c "test -e $SRC/meson.build && ! touch $SRC/touched 2>/dev/null"

# What a test is told by a pipe into grep -q, whose first part prints on after the match.
prints_on() { seq 200000 | grep "$@"; }
check "a match at the beginning is one" prints_on -q '^1$'
check "also with the pattern as an option" prints_on -qxF -e 1
check "also behind the last option" prints_on -qxF -- 1
expect_status "none is none" 1 prints_on -q '^x$'
first_of_two() { printf '1\n2\n' | { grep -q 3 "$SRC/NEWS" && cat; }; }
is "where it reads a file, its input is left alone" $'1\n2' "$(first_of_two)"

expect_status "a number of groups at once is one" 2 "$SRC/tests/sandbox" test --jobs=0 unit
expect_status "and nothing else" 2 "$SRC/tests/sandbox" test --jobs=many
expect_fail "which is told" "'many' is not a number from 1 to 99" "$SRC/tests/sandbox" test --jobs=many
expect_fail "as are the groups" 'there is no test group .nothing.; there are: unit ' "$SRC/tests/sandbox" test nothing

expect_output "alice is a user of SHRUTHI" '\bshruthi-users\b' id -Gn alice
expect_output "bob is a user of SHRUTHI" '\bshruthi-users\b' id -Gn bob
is "their homes are closed to others" '700 700 700' "$(stat -c %a /home/{alice,bob,mallory} | xargs)"
expect_output "mallory is in no other group" '^mallory$' id -Gn mallory
for user in alice bob mallory; do
        expect_fail "$user is no administrator of libvirt" 'authenticat|denied|access' \
                as_user $user virsh -c qemu:///system list
        expect_output "$user sees no line of the system's journal" '^0$' \
                bash -c "runuser -u $user -- journalctl --quiet --no-pager 2>/dev/null | wc -l"
        expect_output "$user reaches the system bus" 'org.freedesktop.systemd1' as_user $user busctl list
done

useradd --create-home --groups libvirt libvirt-test
expect_output "a member of group libvirt reaches libvirt" 'default +active' \
        as_user libvirt-test virsh -c qemu:///system net-list

# A boot sector that says "!" on the first serial port and stops: libvirt, QEMU and its firmware at work.
printf '\xba\xf8\x03\xb0\x21\xee\xf4\xeb\xfd' >/tmp/boot.img
truncate -s 510 /tmp/boot.img
printf '\x55\xaa' >>/tmp/boot.img
truncate -s 1M /tmp/boot.img
mv /tmp/boot.img /var/lib/libvirt/images/
cat >/tmp/domain.xml <<'END'
<domain type='qemu'>
  <name>boot</name>
  <memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <on_poweroff>destroy</on_poweroff>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/var/lib/libvirt/images/boot.img'/>
      <target dev='hda' bus='ide'/>
    </disk>
    <interface type='network'><source network='default'/><rom enabled='no'/></interface>
    <serial type='file'><source path='/var/log/libvirt/qemu/boot.console'/></serial>
  </devices>
</domain>
END
check "libvirt starts a guest" virsh --quiet create /tmp/domain.xml
check_soon "the guest's code runs" 60 grep -q '!' /var/log/libvirt/qemu/boot.console
expect_output "QEMU is no process of root" '^libvirt-qemu$' ps -C qemu-system-x86 -o user:20=
expect_output "the guest is on virbr0" 'vnet' bash -c 'ls /sys/class/net/virbr0/brif'
check "the guest can be destroyed" virsh --quiet destroy boot

touch /var/lib/sandbox-test
systemd-cat -t sandbox-test echo sandbox-test-before
journalctl --sync
sandbox_reboot rebooted
