#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# The runner's word about the guest is true: how it ended is the unit's result, whatever is killed meanwhile; a guest
# is adopted and never doubled.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

# --- The end is the guest's own.

# NAME ARGUMENTS RESULT STATUS-OF-THE-UNIT FULL-STATUS SENTENCE [LINE…]
guests=()
ends_as() {
        define "$1" "$2" "${@:7}"
        guests+=("$1|$3|$4|$5|$6")
}

ends_as ok "--exit=0" success 0 0 'exited with status 0'
ends_as seven "--exit=7" exit-status 7 7 'exited with status 7'
ends_as arguments "--exit=64" exit-status 64 64 'did not accept its arguments'
ends_as max "--exit=254" exit-status 254 254 'exited with status 254'
ends_as exception "--exit=255" exit-status 255 255 'exception|abort'
ends_as big "--exit=300" exit-status 255 300 'exited with status 300'
ends_as negative "--exit=-3" exit-status 255 -3 'exited with status -3'
ends_as aborts "--abort" aborted 255 255 'abort'
ends_as traps "--trap" trapped 255 255 'page fault'
ends_as illegal "--trap=ud" trapped 255 255 'invalid instruction'
ends_as halts "--halt" halted 255 255 'halted'
ends_as old "--no-poweroff --exit=7" exit-status 7 7 'exited with status 7'
ends_as old-ok "--no-poweroff --exit=0" success 0 0 'exited with status 0'
ends_as quiet "--solo5:quiet --quiet-poweroff" powered-off 0 0 'powered'
ends_as plain "--quiet-poweroff" powered-off 0 0 'powered' Image=guest.multiboot
ends_as pvh "--quiet-poweroff" powered-off 0 0 'powered' Image=guest.pvh
ends_as wordless "--quiet-poweroff" powered-off 0 0 'powered off'
ends_as nonewline "--no-newline=last-words" powered-off 0 0 'powered off'

for guest in "${guests[@]}"; do
        IFS='|' read -r name result status_of_unit full sentence <<<"$guest"
        systemctl start "$(unit "$name")"
        check_soon "$name: the unit ends" 60 ended "$name"
        is "$name: result" "$result" "$(outcome "$name" RESULT)"
        is "$name: the unit's exit status" "$status_of_unit" "$(unit_show "$(unit "$name")" ExecMainStatus)"
        is "$name: the status in full" "$full" "$(outcome "$name" EXIT_STATUS)"
        expect_output "$name: the sentence is in the journal" "$sentence" \
                journalctl -q -o cat SYSLOG_IDENTIFIER=shruthi-run SHRUTHI_UNIKERNEL="$name" SHRUTHI_RESULT="$result"
        is "$name: the state of the unit" "$([ "$status_of_unit" = 0 ] && echo success || echo exit-code)" \
                "$(unit_show "$(unit "$name")" Result)"
        check_soon "$name: no domain is left" 60 no_domain "$name"
        check "$name: no runtime directory is left" test ! -e "/run/shruthi/unikernels/$name"
        is "$name: the first line came through" "SHRUTHI test guest" "$(console_lines "$name" | head -n 1)"
done
check "the last words without a newline came through" printed nonewline last-words
is "a second start is a second life" 0 "$(systemctl start unikernel@ok && wait_for 60 ended ok; echo $?)"
is "which begins from the first line again" 2 "$(console_lines ok | grep -cx 'SHRUTHI test guest')"
expect_output "journalctl -x explains" 'shruthictl doctor' \
        journalctl -q -x --no-pager SYSLOG_IDENTIFIER=shruthi-run SHRUTHI_UNIKERNEL=traps

# --- The runner's own failures have statuses and results of their own.

systemctl start unikernel@missing 2>/dev/null
is "without a definition: result" definition "$(outcome missing RESULT)"
is "without a definition: status" 60 "$(unit_show unikernel@missing ExecMainStatus)"
define broken "--exit=0" "Colour=blue"
expect_fail "a broken definition fails the start" 'exit-code|failed' systemctl start unikernel@broken
is "a broken definition: result" definition "$(outcome broken RESULT)"
check "a broken definition: file and line are told" said broken '/etc/shruthi/unikernels/broken.unikernel:[0-9]+'
define muen "--exit=0" Image=guest.muen
systemctl start unikernel@muen 2>/dev/null
is "a muen image: result" image "$(outcome muen RESULT)"
is "a muen image: status" 61 "$(unit_show unikernel@muen ExecMainStatus)"
define unwired "--exit=0" Image=guest.virtio
systemctl start unikernel@unwired 2>/dev/null
is "a device that is not wired: result" devices "$(outcome unwired RESULT)"
is "a device that is not wired: status" 62 "$(unit_show unikernel@unwired ExecMainStatus)"
for name in missing broken muen unwired; do
        check_soon "$name: nothing is left of it" 60 is_swept $name
done
systemctl start unikernel@Wrong_Name 2>/dev/null
is "a name that is none: status" 60 "$(unit_show unikernel@Wrong_Name ExecMainStatus)"

# --- Stopping.

define tick "--ipv4=192.168.122.50/24 --tick=50" Image=guest.virtio "" "[Network service]" Network=default
check "a guest starts" systemctl start unikernel@tick
expect_output "its unit is active when the command comes back" '^active$' systemctl is-active unikernel@tick
expect_output "systemctl status says that it runs" 'Status: "The guest runs' systemctl status unikernel@tick
check_soon "it answers pings" 60 ping -c1 -W1 192.168.122.50
expect_output "while it runs there is a tap" '^(vnet|shru)' ls /sys/class/net/virbr0/brif
check "it stops" systemctl stop unikernel@tick
check "at once no domain is left" no_domain tick
is_none "no tap is left" "$(ls /sys/class/net/virbr0/brif)"
check "no file is left" test ! -e /run/shruthi/unikernels/tick
check "nor what told that it was on" is_swept tick
is "stopping is a success" success "$(unit_show unikernel@tick Result)"
is "the result says stopped" stopped "$(outcome tick RESULT)"

systemctl start unikernel@tick
echo 1000 >/run/shruthi/unikernels/tick/stopped-by
systemctl stop unikernel@tick
expect_output "who asked is told" 'stopped by user' outcome tick REASON

# --- Behind our back.

systemctl start unikernel@tick
virsh --quiet destroy unikernel-tick
check_soon "virsh destroy ends the unit" 60 unit_is failed unikernel@tick
is "as ended from outside" ended-from-outside "$(outcome tick RESULT)"
is "with the status for that" 254 "$(unit_show unikernel@tick ExecMainStatus)"
systemctl start unikernel@tick
kill -KILL "$(qemu_pid tick)"
check_soon "so does the end of QEMU" 60 unit_is failed unikernel@tick
is "as ended from outside as well" ended-from-outside "$(outcome tick RESULT)"
define linux "--tick=100" Image=guest.multiboot
systemctl start unikernel@linux
virsh --quiet destroy unikernel-linux
check_soon "a guest without last words: destroyed" 60 unit_is failed unikernel@linux
is "is told from powered off" ended-from-outside "$(outcome linux RESULT)"

# Five starts within ten seconds are all that systemd allows.
systemctl reset-failed

# --- Adoption: nothing of all this is noticed by the guest.

check "a guest to be adopted starts" systemctl start unikernel@tick
check_soon "and answers pings" 60 ping -c1 -W1 192.168.122.50
qemu=$(qemu_pid tick)
uuid=$(virsh domuuid unikernel-tick)
first_runner=$(main_pid tick)
ping -i 0.05 -W 5 192.168.122.50 >/tmp/ping &
ping=$!

kill -KILL "$(main_pid tick)"
check_soon "a killed runner comes back" 60 said tick Adopted
check_soon "as another process" 60 bash -c "systemctl is-active -q unikernel@tick &&
        [ \$(systemctl show --value -p MainPID unikernel@tick) != $first_runner ]"
check "systemctl kill -s KILL hits the runner only" systemctl kill --signal=KILL unikernel@tick
check_soon "which comes back as well" 60 \
        bash -c "[ \$(journalctl -q -o cat MESSAGE_ID=6f0d6cf33e0e4d2b8a70d8a4a1d4b304 |
        wc -l) -ge 2 ]"
wait_for 60 running tick
check "libvirtd restarts" systemctl restart libvirtd
# Its main process alone: here, without controllers, QEMU is in the same control group.
check "libvirtd is killed" systemctl kill --signal=KILL --kill-whom=main libvirtd
check "the journal restarts" systemctl restart systemd-journald
check "the journal is killed" systemctl kill --signal=KILL systemd-journald
check_soon "libvirt is there again" 60 virsh --quiet domuuid unikernel-tick
check "runner and libvirtd are killed together" systemctl kill --signal=KILL --kill-whom=main \
        unikernel@tick libvirtd
check_soon "a third adoption" 60 bash -c "[ \$(journalctl -q -o cat MESSAGE_ID=6f0d6cf33e0e4d2b8a70d8a4a1d4b304 |
        wc -l) -ge 3 ]"
check_soon "the unit is active again" 60 running tick
last=$(last_number tick tick)
check_soon "the console goes on" 60 counted_to tick tick $((last + 20))
kill -INT $ping
wait $ping
expect_output "not one ping was lost" ' 0% packet loss' cat /tmp/ping
expect_output "and pings were sent all the time" '^[0-9]{2,} packets transmitted' cat /tmp/ping
is_none "no line of the console was lost" "$(gaps tick tick)"
is "QEMU is the same" "$qemu" "$(qemu_pid tick)"
is "the UUID is the same" "$uuid" "$(virsh domuuid unikernel-tick)"
check "an adopted guest can be stopped" systemctl stop unikernel@tick
check "and leaves no domain" no_domain tick
is "stopped is what it was" stopped "$(outcome tick RESULT)"

# --- A guest that ends while there is no runner.

define short "--exit-after=3 --exit=9"
systemctl start unikernel@short
mkdir -p /run/systemd/system/unikernel@short.service.d
printf '[Service]\nRestartSec=6\n' >/run/systemd/system/unikernel@short.service.d/late.conf
systemctl daemon-reload
kill -KILL "$(main_pid short)"
check_soon "its last words wait for the next runner" 60 unit_is failed unikernel@short
is "its status is the unit's" 9 "$(unit_show unikernel@short ExecMainStatus)"
is "its result is its own" exit-status "$(outcome short RESULT)"
is "it was not started a second time" 1 "$(console_lines short | grep -cx 'SHRUTHI test guest')"
check "its last line is there" printed short 'Solo5: solo5_exit(9) called'

# --- A runner killed at any time of a start leaves one guest or none, and a stop leaves none.

for delay in 0.01 0.05 0.1 0.2 0.4 0.8; do
        systemctl start --no-block unikernel@tick
        wait_for 60 bash -c '[ "$(systemctl show --value -p MainPID unikernel@tick)" != 0 ]'
        sleep $delay
        # Until systemd has noticed, what it says is of before.
        before=$(main_pid tick)
        systemctl kill --signal=KILL unikernel@tick
        wait_for 60 bash -c '[ "$(systemctl show --value -p MainPID unikernel@tick)" != "$1" ]' bash "$before"
        check_soon "killed after $delay s: it runs or has failed" 60 \
                bash -c 'systemctl is-active -q unikernel@tick || systemctl is-failed -q unikernel@tick'
        if running tick; then
                is "killed after $delay s: there is one guest" 1 "$(qemu_pid tick | wc -l)"
        else
                check_soon "killed after $delay s: there is none" 60 no_domain tick
        fi
        check "killed after $delay s: it stops" systemctl stop unikernel@tick
        check_soon "killed after $delay s: nothing is left" 60 no_domain tick
        systemctl reset-failed
done

# --- libvirt away.

systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd.service
expect_fail "without libvirt a start fails" '' systemctl start unikernel@tick
is "with the result for that" libvirt "$(outcome tick RESULT)"
is "with the status that is worth another try" 75 "$(unit_show unikernel@tick ExecMainStatus)"
swept_in_vain() { journalctl --sync && journalctl -q -o cat -u shruthi-domain | grep -q "Cannot end the leftover guest of unikernel 'tick'.*Cannot connect"; }
check_soon "who sweeps says in words what it missed" 60 swept_in_vain
before=$SECONDS
check "libvirt is started again" systemctl start libvirtd.socket
check "… and we do not hold that up until a time-out" test $((SECONDS - before)) -lt 80
check_soon "and tries again" 60 is_swept tick
check "… and says nothing else" bash -c '! journalctl -o cat -u shruthi-domain | grep -E "^[a-z-]+="'
check "with libvirt back it starts" systemctl start unikernel@tick
systemctl stop unikernel@tick

# --- A domain of that name that is not ours is left alone.

cat >/tmp/foreign.xml <<'END'
<domain type='qemu'>
  <name>unikernel-foreign</name><memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
</domain>
END
check "somebody else's domain is there" virsh --quiet create /tmp/foreign.xml
define foreign "--exit=0"
expect_fail "a foreign domain of the name is an error" '' systemctl start unikernel@foreign
is "of this host" host "$(outcome foreign RESULT)"
expect_output "and is not touched" running virsh domstate unikernel-foreign
virsh --quiet destroy unikernel-foreign

finish
