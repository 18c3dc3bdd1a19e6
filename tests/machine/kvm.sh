#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# KVM, which the processor of a whole machine has: it is found, guests run with it, and what happens without it is told.
# short: one boot is enough for it, with the other short ones.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"

uses_kvm() { tr '\0' ' ' <"/proc/$(cat "/run/libvirt/qemu/unikernel-$1.pid")/cmdline" | grep -q 'accel=kvm\|-accel kvm'; }
runs_emulated() { tr '\0' ' ' <"/proc/$(cat "/run/libvirt/qemu/unikernel-$1.pid")/cmdline" | grep -q 'accel=tcg\|-accel tcg'; }
guest_said() { journalctl --unit="unikernel@$1" --output=cat --no-pager --boot | grep -qE -- "$2"; }
uuid_of() { virsh domuuid "unikernel-$1"; }

check "the machine has KVM" test -c /dev/kvm
expect_output "doctor finds it" '^ok +kvm: Unikernels run with KVM' shruthictl doctor

check "a guest is made" shruthictl create fast "$GUEST" --memory=8M --network=service:virbr0 -- --ipv4=192.168.122.20/24
check "it starts" shruthictl start fast
check "with KVM" uses_kvm fast
check_soon "it runs" 300 guest_said fast 'serving on 192.168.122.20'
check_soon "and answers" 300 ping -c 1 -W 5 192.168.122.20
expect_output "status says how it runs" '[Kk][Vv][Mm]' shruthictl status fast

uuid=$(uuid_of fast)
pid=$(cat /run/libvirt/qemu/unikernel-fast.pid)
main=$(unit_show unikernel@fast MainPID)
check "its runner is killed" kill -KILL "$main"
restarted() { unit_is active unikernel@fast && [ "$(unit_show unikernel@fast MainPID)" != "$main" ]; }
check_soon "another one adopts it" 300 restarted
is "the same domain" "$uuid" "$(uuid_of fast)"
is "the same QEMU" "$pid" "$(cat /run/libvirt/qemu/unikernel-fast.pid)"
check_soon "which answers" 300 ping -c 1 -W 5 192.168.122.20
check "it stops" shruthictl stop fast
check "and is gone" bash -c '! virsh list --all --name | grep -q unikernel-fast'

# ── Closed to QEMU's user ────────────────────────────────────────────────────────────────────────────────────────
# udev gives it to a group; no start asks again what has been found out already.
modes=$(stat -c '%a %u:%g' /dev/kvm)
chmod 0600 /dev/kvm
chown root:root /dev/kvm
systemctl restart libvirtd.service
expect_output "doctor says that it cannot be used, and why" '^warning +kvm: Unikernels run under emulation.*' shruthictl doctor
diag "$(shruthictl doctor | grep -A1 kvm)"
check "a guest starts all the same" shruthictl start fast
check "by emulation" runs_emulated fast
check_soon "and answers" 300 ping -c 1 -W 5 192.168.122.20
check "it stops" shruthictl stop fast

# ── Away ─────────────────────────────────────────────────────────────────────────────────────────────────────────
mv /dev/kvm /dev/kvm.away
systemctl restart libvirtd.service
expect_output "without the device doctor says so" '^warning +kvm: Unikernels run under emulation' shruthictl doctor
check "a guest starts" shruthictl start fast
check "by emulation" runs_emulated fast
check "it stops" shruthictl stop fast
mkdir -p /etc/shruthi/shruthi.conf.d
printf '[Shruthi]\nAcceleration=kvm\n' >/etc/shruthi/shruthi.conf.d/70-kvm.conf
expect_fail "whoever insists on it is told" 'KVM' shruthictl start fast
rm /etc/shruthi/shruthi.conf.d/70-kvm.conf
systemctl reset-failed unikernel@fast.service

mv /dev/kvm.away /dev/kvm
chmod "${modes% *}" /dev/kvm
chown "${modes#* }" /dev/kvm
systemctl restart libvirtd.service
expect_output "it is back" '^ok +kvm: Unikernels run with KVM' shruthictl doctor
check "and used" shruthictl start fast
check "with KVM" uses_kvm fast
check "it is removed" shruthictl remove --now fast

finish
