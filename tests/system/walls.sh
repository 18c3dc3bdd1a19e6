#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What those may reach who should not: a local user nothing of ours, QEMU's user (a guest that broke out of its
# machine) no more than the images; and what a guest can make the runner believe by what it prints.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

RUN=/run/shruthi
STATE=/var/lib/shruthi

# NAME IMAGE ARGUMENTS
define() {
        mkdir -p /etc/shruthi/unikernels
        printf '[Unikernel]\nImage=%s\nArguments=%s\nMemory=16M\n' "$BUILD/tests/guest/$2" "$3" \
                >"/etc/shruthi/unikernels/$1.unikernel"
}
printed() { journalctl --sync && journalctl -q -o cat SYSLOG_IDENTIFIER="$1" | grep -qxF -e "$2"; }
ended() { unit_is inactive "unikernel@$1" || unit_is failed "unikernel@$1"; }
outcome() { sed -n "s/^$2=//p" "$RUN/results/$1"; }

printf '[Shruthi]\nSilenceWarningSec=0\n' >/etc/shruthi/shruthi.conf
useradd --create-home mallory
define speaks guest-plain.virtio ''
define witnessed guest.multiboot ''
check "a guest starts" systemctl start unikernel@speaks
check_soon "and speaks" 60 printed speaks 'SHRUTHI test guest'
check "one that needs a witness starts" systemctl start unikernel@witnessed

# --- A local user, and QEMU's.

for path in $RUN/unikernels/speaks/console.out $RUN/results/. $RUN/probe/. $STATE/images/. $STATE/unikernels/.; do
        check "$path is there" test -e "$path"
        expect_fail "a local user does not reach $path" 'denied' as_user mallory ls -d "$path"
done

expect_fail "a local user does not list $RUN" 'denied' as_user mallory ls $RUN
expect_fail "a local user does not connect to root's socket" 'denied' \
        as_user mallory python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("/run/shruthi/private")'

qemu() { setpriv --reuid=libvirt-qemu --regid=libvirt-qemu --init-groups "$@"; }
for path in $RUN $RUN/unikernels $RUN/unikernels/speaks $RUN/probe $RUN/results $STATE $STATE/unikernels \
        $STATE/images; do
        expect_fail "QEMU's user makes no file in $path" 'denied' qemu touch "$path/made"
done
for path in $RUN $RUN/unikernels $RUN/unikernels/speaks $RUN/probe $RUN/results $STATE $STATE/unikernels; do
        expect_fail "QEMU's user does not list $path" 'denied' qemu ls "$path"
done
for path in $RUN/results/speaks $RUN/unikernels/speaks/state; do
        expect_fail "QEMU's user does not read $path" 'denied' qemu cat "$path"
done
expect_fail "QEMU's user does not replace what was tried of the host" 'denied' qemu mv $RUN/probe/result \
        $RUN/probe/other
expect_fail "QEMU's user does not remove a console" 'denied' qemu rm -f $RUN/unikernels/speaks/console.out
for fifo in in out; do
        expect_fail "QEMU's user does not open the console.$fifo of a running guest" 'denied' \
                qemu python3 -c "import os; os.open('$RUN/unikernels/speaks/console.$fifo', os.O_RDWR | os.O_NONBLOCK)"
done
expect_fail "QEMU's user does not connect to a console's socket" 'denied' \
        qemu python3 -c 'import socket
socket.socket(socket.AF_UNIX).connect("/run/shruthi/unikernels/speaks/console")'
expect_fail "nor to root's" 'denied' \
        qemu python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("/run/shruthi/private")'

# --- Our own user: what PID 1 does as root in its directories stays in them.

ours() { setpriv --reuid=shruthi --regid=shruthi --init-groups "$@"; }
mkdir /etc/trapped
touch /etc/trapped/file
define trapped guest-plain.virtio ''
expect_fail "our user does not put another directory in the place of all consoles" 'denied' \
        ours mv $RUN/unikernels $RUN/elsewhere
check "a link in the place of one" ours ln -s /etc/trapped $RUN/unikernels/trapped
expect_fail "is no way to have a directory of root's" 'failed' systemctl start unikernel@trapped
systemctl stop unikernel@trapped
is "which stays root's, and as it was" 'root root file' "$(stat -c '%U %G' /etc/trapped) $(ls /etc/trapped)"

# --- What is printed, here written in the guest's place, since only lines count.

say() { printf '%s\n' "$@" >$RUN/unikernels/speaks/console.out; }
say 'Solo5: Halted' 'and yet I go on'
sleep 1
check "a guest that goes on after last words is left alone" unit_is active unikernel@speaks
say $'MESSAGE=forged\nSHRUTHI_RESULT=success' 'Solo5: solo5_exit(0) called' 'no, I do not'
check_soon "its lines are lines and no fields" 60 printed speaks 'SHRUTHI_RESULT=success'
is_none "what it prints sets none of our fields" \
        "$(journalctl -q -o cat SHRUTHI_UNIKERNEL=speaks SHRUTHI_RESULT=success)"
check "last words that were none do not end it" unit_is active unikernel@speaks
say 'Solo5: Halted'
check_soon "later last words count" 60 ended speaks
is "as what they are" halted "$(outcome speaks RESULT)"

# --- A resting runner waits for nothing: its timer is off, and its witness may stay for ever.

timer() { grep -h '^it_value:' "/proc/$(unit_show unikernel@witnessed MainPID)"/fdinfo/*; }
timer_is_off() { [ -n "$(timer)" ] && ! timer | grep -qv '(0, 0)'; }
witness() { pgrep -P "$(unit_show unikernel@witnessed MainPID)" -x shruthi-domain; }
check "its helper stays as witness" witness
filters() { grep -E '^(NoNewPrivs|Seccomp|Seccomp_filters):' "/proc/$1/status"; }
is "behind the same filters of system calls" "$(filters "$(unit_show unikernel@witnessed MainPID)")" \
        "$(filters "$(witness)")"
expect_output "… which there are" '^Seccomp:.2$' filters "$(witness)"
check_soon "and has all the time" 60 timer_is_off
check "it ends well" systemctl stop unikernel@witnessed

finish
