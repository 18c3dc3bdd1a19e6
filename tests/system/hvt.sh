#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# Guests of Solo5's hvt target, which KVM runs: what they are refused where it is not there or may not be used; and where
# it works, that they are unikernels like the others. A container has no device of its own, and it is made here; a whole
# machine has one (tests/machine/hvt.sh).

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"
# shellcheck source=tests/system/processes.bash
. "$(dirname "$0")/processes.bash"

TENDER=/usr/libexec/shruthi/shruthi-tender
DEVICE=/dev/kvm
WAY_OUT='build the image for another target \(MirageOS: `mirage configure -t virtio`, or `-t spt`\)'

# NAME ARGUMENTS [LINE…]: a definition of the test guest for hvt, without devices.
hvt() { define "$1" "$2" Image=guest-plain.hvt "${@:3}"; }
# What serves requests sees the device that was there when it started.
kvm_again() { systemctl stop shruthi-kvm.service 2>/dev/null; }
device_make() { [ -c $DEVICE ] || mknod -m 0660 $DEVICE c 10 232; chgrp kvm $DEVICE; chmod 0660 $DEVICE; kvm_again; }
device_away() { mv $DEVICE $DEVICE.away 2>/dev/null; kvm_again; }
# As it was at first.
device_restore() { if [ $had_device = yes ]; then device_make; else rm -f $DEVICE; kvm_again; fi; }
doctor_says() { shruthictl doctor | grep -E '^[a-z]+ +hvt: '; }

had_device=no
[ ! -c $DEVICE ] || had_device=yes

# --- What needs no KVM.

expect_output "an image for hvt can be hosted" '^true$' \
        bash -c 'shruthictl --json=short image inspect $1 | jq .Hostable' - $GUESTS/guest.hvt
expect_output "its target is told" 'hvt' shruthictl image inspect $GUESTS/guest.hvt
hvt many "" CPUs=2
expect_fail "it has one processor" 'hvt target has one processor: remove CPUs=' shruthictl start many
sed -e 's/^Memory=.*/Memory=5G/' -e '/^CPUs=/d' -i $DEFINITIONS/many.unikernel
expect_fail "and at most 4G of memory" 'hvt target can have at most 4G: lower Memory=' shruthictl start many
rm $DEFINITIONS/many.unikernel
hvt plain "--tick=500"
configure Acceleration=tcg
systemctl reload shruthid
expect_fail "without KVM by configuration it does not run" \
        'hvt target, which needs KVM, and Acceleration=tcg in shruthi.conf rules that out: build it for virtio' \
        shruthictl start plain
rm /etc/shruthi/shruthi.conf
systemctl reload shruthid

# --- Without the device, and with one that user shruthi may not open.

device_away
expect_fail "without the device it is refused, with what to build instead" \
        "hvt target, which needs KVM, and (this host has none: load the module|shruthi-kvm.service has no /dev/kvm: ).*$WAY_OUT" \
        shruthictl start plain
is "as a failure of the host" host "$(outcome plain RESULT)"
check_soon "nothing is left of it" 60 nothing_left plain 999999999
expect_output "doctor says so" 'do not run: .*(this host has none|has no /dev/kvm)' doctor_says
mv $DEVICE.away $DEVICE 2>/dev/null

device_make
works=no
if "$TENDER" --kvm=3 --check 3<>$DEVICE; then works=yes; fi
diag "KVM works here: $works"
systemd-detect-virt --quiet --container || is "it works in a whole machine" yes $works
chgrp root $DEVICE
kvm_again
expect_fail "with a device that is closed to it, too" "group kvm may not open /dev/kvm: run 'chgrp kvm" shruthictl start plain
device_make

# --- Whose the device is: a service's, which gives it to runners that start such a guest.

# WORD [SETPRIV-OPTION…]: what that service answers, and how many descriptors come with it.
ask_kvm() {
        setpriv --clear-groups --regid=shruthi --reuid=shruthi "${@:2}" python3 - "$1" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect("/run/shruthi/kvm")
s.send(sys.argv[1].encode())
text, fds, _, _ = socket.recv_fds(s, 4096, 8)
print(text.decode(), len(fds))
END
}
expect_output "user shruthi is not in the device's group" '^shruthi( libvirt[a-z-]*)*$' id -Gn shruthi
expect_output "and is not given it" '^KVM is given to nobody but the main process of .* 0$' ask_kvm open
journalctl --sync
expect_output "which the journal tells" 'Rejected a request for /dev/kvm' journalctl -q -o cat -t shruthi-kvm
expect_output "what is not asked for is not answered" '^There is no such request 0$' ask_kvm close
systemctl start shruthi-domain.service
check "who prepares guests has no such device" \
        test ! -e "/proc/$(unit_show shruthi-domain.service MainPID)/root/dev/kvm"
process beside "--tick=500"
systemctl daemon-reload
check "a guest that is a process runs" shruthictl start beside
# As one that got out of its guest: in its unit, with its user, beside its runner.
in_unit() { echo "$BASHPID" >"/sys/fs/cgroup$(unit_show "$(unit "$1")" ControlGroup)/cgroup.procs" && ask_kvm open; }
if [ -w "/sys/fs/cgroup$(unit_show "$(unit beside)" ControlGroup)/cgroup.procs" ]; then
        expect_output "what is in its unit is not given it" '^KVM is given to nobody but the main process of .* 0$' \
                in_unit beside
fi
systemctl stop shruthi-kvm.socket shruthi-kvm.service
expect_fail "without that service the reason says so" "shruthi-kvm.socket does not answer .*: run 'systemctl start shruthi-kvm.socket'" \
        shruthictl start plain
check "other guests need it not" shruthictl restart beside
check "and stop" shruthictl stop beside
rm $DEFINITIONS/beside.unikernel
systemctl start shruthi-kvm.socket

if [ $works = no ]; then
        expect_fail "where KVM does not work, the tender says so" "" shruthictl start plain
        check "as a failure of the host, or its end" grep -qE '^RESULT=(host|trapped)$' /run/shruthi/results/plain
        expect_output "doctor says so" 'do not run: ' doctor_says
        device_restore
        finish
fi

# --- How it ends.

expect_output "doctor says that they run" 'hvt target run with KVM' doctor_says
# NAME|ARGUMENTS|RESULT|FULL STATUS|SENTENCE
guests=(
        "ok|--exit=0|success|0|exited with status 0"
        "seven|--exit=7|exit-status|7|exited with status 7"
        "aborts|--abort|aborted|255|abort"
        "faults|--trap=pf|trapped|255|page fault"
        "illegal|--trap=ud|trapped|255|invalid (instruction|opcode)"
        "triple|--triple-fault|trapped|255|memory that is not its own|page fault"
        "wild|--break=call:2:0:5|trapped|255|memory that is not its own|page fault"
        "halts|--break=hlt|trapped|255|memory that is not its own|page fault"
        "port|--break=port:96|trapped|255|memory that is not its own|page fault"
)
for guest in "${guests[@]}"; do
        IFS='|' read -r name arguments _ <<<"$guest"
        hvt "$name" "$arguments"
done
systemctl daemon-reload
systemctl start unikernel@{ok,seven,aborts,faults,illegal,triple,wild,halts,port}
for guest in "${guests[@]}"; do
        IFS='|' read -r name _ result full sentence <<<"$guest"
        check_soon "$name: the unit ends" 60 ended "$name"
        is "$name: result" "$result" "$(outcome "$name" RESULT)"
        is "$name: status" "$full" "$(outcome "$name" EXIT_STATUS)"
        expect_output "$name: the sentence is in the journal" "$sentence" \
                journalctl -q -o cat SYSLOG_IDENTIFIER=shruthi-run SHRUTHI_UNIKERNEL="$name" SHRUTHI_RESULT="$result"
        is "$name: the first line came through" "SHRUTHI test guest" "$(console_lines "$name" | head -n 1)"
done
expect_output "the console says why one was ended" 'shruthi-tender: The guest is ended: it called for memory that is not its own' \
        console_lines wild

# --- It runs, is paused, survives its runner, and stops.

check "one starts" shruthictl start plain
check_soon "it prints" 30 printed plain "tick 2"
guest=$(guest_pid plain)
expect_output "it is a process of the user's" '^shruthi$' ps -o user= -p "$guest"
expect_output "with a filter" '^Seccomp:.*2$' grep '^Seccomp:' "/proc/$guest/status"
check "that has no device open" bash -c '! ls -l /proc/$1/fd | grep -E "/kvm|kvm-vm"' - "$guest"
check "it is paused" shruthictl pause plain
check_soon "and is so" 10 state_is plain paused
check "it is resumed" shruthictl resume plain
check_soon "and runs" 10 state_is plain running
kill -KILL "$(main_pid plain)"
check_soon "a runner that is killed is replaced" 60 adopted plain 1
is "and the guest is the same" "$guest" "$(guest_pid plain)"
is_none "nothing of its console is missing" "$(gaps plain tick)"
check "it stops" shruthictl stop plain
check_soon "and nothing is left" 60 nothing_left plain "$guest"

# --- With a network and a volume.

shruthictl volume create store --size=1M
define wired "--ipv4={service.address} --boots --tick=1000" Image=guest-disk.hvt \
        "" "[Network service]" Network=default Address=auto "[Volume storage]" Volume=store
systemctl daemon-reload
check "one with devices starts" shruthictl start wired
address=$(shruthictl arguments wired | sed -nE 's/.*--ipv4=([0-9.]+).*/\1/p')
check_soon "it answers a ping" 60 ping -c 1 -W 2 "$address"
check "it has its volume" printed wired "boot 1"
expect_output "status knows the address" "$address" shruthictl status wired
check "it is restarted" shruthictl restart wired
check_soon "with the same volume" 60 printed wired "boot 2"
check_soon "and the same address" 60 ping -c 1 -W 2 "$address"
check "it stops" shruthictl stop wired
configure NetworkRing=yes
systemctl reload shruthid
check "with a ring it starts, too" shruthictl start wired
check_soon "it answers a ping by that" 60 ping -c 1 -W 2 "$address"
mapfile -t threads < <(grep -lx 'Name:.shruthi-tender' "/proc/$(guest_pid wired)"/task/*/status)
is "which a second thread of its process serves" 2 ${#threads[@]}
is_none "with the same filter" "$(grep -L '^Seccomp:.*2$' "${threads[@]}")"
check "it stops again" shruthictl stop wired
rm /etc/shruthi/shruthi.conf
systemctl reload shruthid

# --- Whose it may be: AllowProcesses= is not about it.

cp $GUESTS/guest-plain.hvt /home/alice
chmod a+r /home/alice/guest-plain.hvt
as() { as_user "$1" shruthictl --no-ask-password "${@:2}"; }
check "alice may have one" as alice create hers guest-plain.hvt --now -- --tick=500
check_soon "which runs" 30 printed hers "tick 1"
configure AllowProcesses=no
systemctl reload shruthid
check "also where nobody has processes" as alice restart hers
check_soon "it runs" 30 printed hers "tick 1"
rm /etc/shruthi/shruthi.conf
check "she removes it" as alice remove --now hers
check "no process is left" no_processes

device_restore
finish
