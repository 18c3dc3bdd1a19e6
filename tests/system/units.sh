#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2012
#
# The units: systemd's commands do what they say with shruthid not running, no way of stopping leaves a domain behind,
# a reboot stops and starts what it should, and all services are sandboxed.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

# NAME KEY=VALUE…: a drop-in of its [Service] section.
drop_in() {
        mkdir -p "/run/systemd/system/unikernel@$1.service.d"
        { echo '[Service]'; printf '%s\n' "${@:2}"; } >"/run/systemd/system/unikernel@$1.service.d/test.conf"
        systemctl daemon-reload
}

if [ "$STAGE" = rebooted ]; then
        is "at the power-off the guest was stopped" 1 "$(journalctl -q -b -1 -o cat SHRUTHI_UNIKERNEL=lasting \
                SHRUTHI_RESULT=stopped | wc -l)"
        is_none "its unit ended well" "$(journalctl -q -b -1 -o cat -u unikernel@lasting |
                grep -E 'Failed (with result|to start)')"
        expect_fail "and who sweeps had nothing to complain about" '' \
                bash -c 'journalctl -q -b -1 -o cat -u shruthi-domain | grep "leftover domain"'
        is "one in the pause before a restart was taken down" "0 left" "$(cat /var/lib/left)"
        is_none "its console has no gap up to then" "$(journalctl -q -b -1 -o cat SYSLOG_IDENTIFIER=lasting |
                sed -n 's/^tick //p' | awk '$1 != last + 1 { print "after " last " comes " $1 } { last = $1 }')"
        check_soon "one that is enabled runs after the boot" 60 running lasting
        check_soon "and speaks" 60 counted_to lasting tick 5
        is "one that is not enabled does not" inactive "$(unit_show unikernel@tick ActiveState)"
        check "shruthid was not needed for it" unit_is inactive shruthid.service
        finish
fi

# --- What is installed.

units=/usr/lib/systemd/system
check "systemd finds nothing wrong with the units" systemd-analyze verify --man=no "$units/unikernel@.service" \
        "$units/unikernel-host.target" "$units/unikernel.slice" "$units/unikernels.target" \
        "$units/shruthid.socket" "$units/shruthid.service" "$units/shruthi-seal.socket" "$units/shruthi-seal@.service" \
        "$units/shruthi-antispoof.socket" "$units/shruthi-antispoof.service" \
        "$units/shruthi-domain.socket" "$units/shruthi-domain.service"
is_none "nor has it a remark" \
        "$(systemd-analyze verify --man=no "$units/unikernel@x.service" "$units/unikernels.target" \
        "$units/shruthid.service" 2>&1 | grep -E 'shruthi|unikernel')"
for service in shruthi-domain shruthi-seal@x; do
        check "the sandbox of $service is at 1.0 or better" systemd-analyze security --no-pager --threshold=10 $service
done
# Those that somebody waits for are without a user namespace, for the reason in hardening-quick.in.
for service in unikernel@x shruthid; do
        check "the sandbox of $service is at 1.2 or better" systemd-analyze security --no-pager --threshold=12 $service
done

# The filter of system calls is ours (system-calls.list), and no wider than what systemd's would be.
# SET…: the names in them.
calls_of() {
        local set name
        for set in "$@"; do
                for name in $(systemd-analyze syscall-filter "$set" | sed -e 1d -e 's/#.*//'); do
                        if [[ $name = @* ]]; then calls_of "$name"; else echo "$name"; fi
                done
        done
}
systems=$(calls_of @system-service | grep -vxF "$(calls_of @privileged @resources)")
ours=$(sed -E -e 's/#.*//' -e 's/ [0-9]-[a-z-]+$//' "$SRC/src/common/system-calls.list" | tr -s ' ' '\n')
check "systemd knows what a service may call" grep -qx read <<<"$systems"
check "as do we" grep -qx read <<<"$ours"
# What gives rights up can do no harm, and is in a set of its own in some releases.
gives_up='landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp'
ours=$(grep -vxF "$(tr ' ' '\n' <<<"$gives_up")" <<<"$ours")
# What this systemd has not heard of, it has in no set.
is_none "we allow nothing that it does not" \
        "$(grep -xF "$(calls_of @known)" <<<"$ours" | grep -vxF "$systems")"

# What is not among the settings of a unikernel's units, since no process of theirs could do it anyway.
cat >/tmp/reach <<'END'
# systemd gives a unit what it is told by of its own memory's pressure (since 254).
own=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/memory.pressure
find /proc/sys /proc/sysrq-trigger /proc/acpi /proc/fs /proc/irq /sys -type f -writable ! -name ns_last_pid ! -path "$own"
echo 300 >/proc/sys/kernel/ns_last_pid && echo ns_last_pid
hostname "$(hostname)" && echo hostname
dmesg >/dev/null && echo syslog
head -c 1 /proc/kcore && echo kcore
for log in /dev/kmsg /proc/kmsg; do [ ! -r $log ] || echo $log; done
grep -v '^0* ' /proc/kallsyms | head -n 1
echo end
END
expect_output "root reaches what is root's" '^hostname$' bash /tmp/reach
drop_in reach Type=oneshot Restart=no ExecStart= 'ExecStart=/bin/bash /tmp/reach' StandardOutput=file:/tmp/reached \
        StandardError=journal
systemctl start unikernel@reach
is "a process of a unikernel's unit reaches nothing of it" end "$(cat /tmp/reached)"
expect_output "the preset enables the socket" '^enabled$' systemctl is-enabled shruthid.socket
expect_output "and the target" '^enabled$' systemctl is-enabled unikernels.target
is "/run/shruthi is root's" "711 root root" "$(stat -c '%a %U %G' /run/shruthi)"
is "the consoles are closed but to QEMU's group" "2710 shruthi libvirt-qemu" \
        "$(stat -c '%a %U %G' /run/shruthi/unikernels)"
is "who is on is for us" "700 shruthi shruthi" "$(stat -c '%a %U %G' /run/shruthi/lives)"
is "so is the state directory" "710 shruthi libvirt-qemu" "$(stat -c '%a %U %G' /var/lib/shruthi)"
is "the store is readable to it" "2710 shruthi libvirt-qemu" "$(stat -c '%a %U %G' /var/lib/shruthi/images)"
is "definitions are our own" "700 shruthi shruthi" "$(stat -c '%a %U %G' /var/lib/shruthi/unikernels)"
expect_output "user shruthi may use libvirt" '\blibvirt\b' id -Gn shruthi
is_none "user shruthi is not in group shruthi-users" "$(id -Gn shruthi | grep -w shruthi-users)"

# --- systemctl's verbs, without shruthid.

systemctl stop shruthid.socket shruthid.service 2>/dev/null
define tick "--tick=20"
mounts=$(wc -l </proc/self/mountinfo)
check "start" systemctl start unikernel@tick
is "without keys the host gets no mount for it" "$mounts" "$(wc -l </proc/self/mountinfo)"
expect_output "status shows it" 'Active: active \(running\)' systemctl status unikernel@tick
expect_output "in our slice" 'unikernel\.slice' unit_show unikernel@tick ControlGroup
expect_output "as our user" '^shruthi$' ps -o user= -p "$(main_pid tick)"
is "without a capability" "0000000000000000" "$(sed -n 's/^CapBnd:\t//p' "/proc/$(main_pid tick)/status")"

# What a running one may call is tried in its own place, by gdb: for each line of a name and an expression of C the
# name and "done", or the number of the error.
called() {
        local name expression words=()

        while read -r name expression; do
                words+=(-ex "set \$result = (long) $expression"
                        -ex "set \$error = *((int *(*)(void)) __errno_location)()"
                        -ex "printf \"$name %d %d\\n\", \$result < 0, \$error")
        done
        # gdb 18 finds no program and no libraries through the mount namespace of a process.
        gdb -iex 'set sysroot /' -p "$1" -batch "${words[@]}" "$(readlink "/proc/$1/exe")" 2>/dev/null |
                sed -nE 's/^([a-z_-]+) 0 .*/\1 done/p; s/^([a-z_-]+) 1 ([0-9]+)$/\1 \2/p'
}
process=$(main_pid tick)
is "it is in one network namespace with all others of ours" "$(readlink "/proc/$(unit_show shruthi-domain MainPID)/ns/net")" \
        "$(readlink "/proc/$process/ns/net")"
is "in which there is nothing" lo "$(nsenter --target "$process" --net ip -brief link | cut -d' ' -f1)"
is "its system calls are filtered" 2 "$(sed -n 's/^Seccomp:\t//p' "/proc/$process/status")"
called "$process" >/tmp/called <<'END'
unix-socket ((int (*)(int, int, int)) socket)(1, 1, 0)
inet-socket ((int (*)(int, int, int)) socket)(2, 1, 0)
unshare ((int (*)(int)) unshare)(0x10000000)
setns ((int (*)(int, int)) setns)(0, 0)
personality ((int (*)(long)) personality)(0xffffffff)
ptrace ((long (*)(int, int, long, long)) ptrace)(16, 1, 0, 0)
mount ((int (*)(long, long, long, long, long)) mount)(0, 0, 0, 0, 0)
process_vm_readv ((long (*)(int, long, long, long, long, long)) process_vm_readv)(1, 0, 0, 0, 0, 0)
semget ((int (*)(int, int, int)) semget)(1, 1, 512)
vmsplice ((long (*)(int, long, long, int)) vmsplice)(0, 0, 0, 0)
name_to_handle_at ((int (*)(int, long, long, long, int)) name_to_handle_at)(0, 0, 0, 0, 0)
mlockall ((int (*)(int)) mlockall)(1)
sched_setscheduler ((int (*)(int, int, long)) sched_setscheduler)(0, 0, 0)
mmap-writable-code ((long (*)(long, long, int, int, int, long)) mmap)(0, 4096, 6, 34, -1, 0)
mprotect-code ((int (*)(long, long, int)) mprotect)(0, 0, 5)
chmod-set-user-id ((int (*)(long, int)) fchmod)(0, 04755)
mkdir-set-group-id ((int (*)(long, int)) mkdir)(0, 02755)
END
is "it opens sockets in the file system" "unix-socket done" "$(grep ^unix /tmp/called)"
is "and none of a network" "inet-socket 97" "$(grep ^inet /tmp/called)"
is "what it has no need of is refused, all of it" "15 of 15" \
        "$(sed 1,2d /tmp/called | grep -c ' 1$') of $(sed 1,2d /tmp/called | wc -l)"
check "it has gone on meanwhile" running tick

qemu=$(qemu_pid tick)
check "restart" systemctl restart unikernel@tick
check "is a new guest" test "$(qemu_pid tick)" != "$qemu"
is "and one only" 1 "$(qemu_pid tick | wc -l)"
is "a restart leaves nothing of the old run" "console console.in console.out started state " \
        "$(ls -A /run/shruthi/unikernels/tick | tr '\n' ' ')"
is "systemd stores its console and that it is on" 2 "$(unit_show unikernel@tick NFileDescriptorStore)"
check "kill with the standard signal stops it" systemctl kill unikernel@tick
check_soon "and it is over" 60 unit_is inactive unikernel@tick
is "as a stop" stopped "$(outcome tick RESULT)"
check_soon "with no domain left" 60 no_domain tick
check "enable" systemctl enable unikernel@tick
check "puts it into the target" test -L /etc/systemd/system/unikernels.target.wants/unikernel@tick.service
check "the target starts it" systemctl start unikernels.target
check_soon "it runs" 60 running tick
check "disable --now" systemctl disable --now unikernel@tick
check "stops it" no_domain tick

# --- Ways to stop that leave nothing behind.

define pause "--tick=20"
drop_in pause RestartSec=30
systemctl start unikernel@pause
pausing() { [ "$(unit_show unikernel@pause SubState)" = auto-restart ]; }
systemctl kill --signal=KILL unikernel@pause
check_soon "in the pause before a restart" 60 pausing
check "the guest lives" qemu_pid pause
check "and a stop" systemctl stop unikernel@pause
check_soon "takes it down" 60 no_domain pause
check_soon "and all that told of it" 60 is_swept pause
systemctl start unikernel@pause
qemu=$(qemu_pid pause)
systemctl kill --signal=KILL unikernel@pause
wait_for 60 pausing
check "a restart by hand in that pause" systemctl restart unikernel@pause
check "is a new guest" test "$(qemu_pid pause)" != "$qemu"
is "and one only" 1 "$(qemu_pid pause | wc -l)"
systemctl kill --signal=KILL unikernel@pause
wait_for 60 pausing
qemu=$(qemu_pid pause)
check "after a stop in that pause" systemctl stop unikernel@pause
check "a start at once" systemctl start unikernel@pause
check "is a new guest" test "$(qemu_pid pause)" != "$qemu"
is "and one only" 1 "$(qemu_pid pause | wc -l)"
# Nobody but the file tells the one who comes after.
domain_pid() { unit_show shruthi-domain.service MainPID | grep -v '^0$'; }
keeper=$(domain_pid)
another_keeper() { domain_pid && [ "$(domain_pid)" != "$keeper" ]; }
kill -KILL "$keeper"
check_soon "who sweeps comes back when killed" 60 another_keeper
systemctl kill --signal=KILL unikernel@pause
wait_for 60 pausing
systemctl stop shruthi-domain.socket shruthi-domain.service
check "while it is away a stop in the pause" systemctl stop unikernel@pause
check "leaves the domain" qemu_pid pause
check "which goes when it is there again" systemctl start shruthi-domain.socket shruthi-domain.service
check_soon "by itself" 60 no_domain pause
check_soon "with all that told of it" 60 is_swept pause

define limit "--tick=20"
# However long that takes here: systemd's own interval is 10 s.
drop_in limit RestartSec=10ms '[Unit]' StartLimitIntervalSec=1h StartLimitBurst=5
systemctl start unikernel@limit
killed_or_failed() { unit_is failed unikernel@limit || ! systemctl kill --signal=KILL unikernel@limit; }
check_soon "a runner killed too often hits the start limit" 120 killed_or_failed
expect_output "as the journal says" 'Start request repeated too quickly' \
        journalctl -q -o cat UNIT=unikernel@limit.service
check_soon "and no domain is left" 60 no_domain limit

# A process that is stopped again each time that systemd has it continued.
hang() {
        local pid
        pid=$(main_pid "$1")
        kill -STOP "$pid"
        while kill -STOP "$pid" 2>/dev/null; do sleep 0.01; done &
        hanging=$!
}

define hung "--tick=20"
drop_in hung TimeoutStopSec=3
systemctl start unikernel@hung
hang hung
systemctl stop unikernel@hung
kill $hanging 2>/dev/null
is "a runner that hangs is killed" timeout "$(unit_show unikernel@hung Result)"
check_soon "and no domain is left" 60 no_domain hung
systemctl reset-failed unikernel@hung
systemctl start unikernel@hung
qemu=$(qemu_pid hung)
# That systemd had restarted it before by itself changes nothing.
for restart in 1 2; do
        systemctl kill --signal=KILL unikernel@hung
        check_soon "adoption $restart comes before the hang" 60 bash -c "systemctl is-active -q unikernel@hung &&
                [ \$(systemctl show --value -p NRestarts unikernel@hung) = $restart ]"
done
is "of the same guest" "$qemu" "$(qemu_pid hung)"
hang hung
systemctl restart unikernel@hung
kill $hanging 2>/dev/null
check_soon "restarting one whose runner hangs" 60 running hung
check "is a new guest, not the old one adopted" test "$(qemu_pid hung)" != "$qemu"
is "and one only" 1 "$(qemu_pid hung | wc -l)"
systemctl stop unikernel@hung

define mute "--tick=20"
drop_in mute Environment=DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/shruthi/no-bus
systemctl start unikernel@mute
qemu=$(qemu_pid mute)
systemctl kill --signal=KILL unikernel@mute
check_soon "a runner that cannot ask why it was restarted adopts" 60 said mute Adopted
is "the same guest" "$qemu" "$(qemu_pid mute)"
check_soon "and says so" 60 said mute 'Cannot ask systemd why it restarted the unit'
systemctl stop unikernel@mute

# --- Restart= in a drop-in, as the generator writes it.

define again "--exit-after=1 --exit=5"
drop_in again Restart=on-failure
systemctl start unikernel@again
check_soon "a guest that fails is started again" 60 bash -c \
        '[ "$(journalctl -q -o cat SYSLOG_IDENTIFIER=again | grep -cx "SHRUTHI test guest")" -ge 2 ]'
systemctl stop unikernel@again
check_soon "until it is stopped" 60 no_domain again
define never "--exit-after=1 --exit=64"
drop_in never Restart=always
systemctl start unikernel@never
check_soon "but not after a status that another try does not mend" 60 unit_is failed unikernel@never
is "started once" 1 "$(console_lines never | grep -cx 'SHRUTHI test guest')"

# --- Power-off.

define lasting "--tick=50"
systemctl enable --now unikernel@lasting
wait_for 60 counted_to lasting tick 10
# What nobody but who sweeps can take down; the last to look is a unit that ends after all of ours.
systemctl start unikernel@pause
systemctl kill --signal=KILL unikernel@pause
wait_for 60 pausing
cat >/run/systemd/system/look.service <<'END'
[Unit]
Before=shruthi-domain.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStop=bash -c 'echo "$(pgrep -cf [g]uest=unikernel-pause,) left" >/var/lib/left'
END
systemctl daemon-reload
systemctl start look.service
systemctl is-active --quiet shruthid.service && systemctl stop shruthid.service
sandbox_reboot rebooted
