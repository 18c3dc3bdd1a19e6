#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# Guests that are processes (images for Solo5's spt target): how one ended is told as truly as of a virtual machine,
# whoever is killed; what it is not given; and whose it may be.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"
# shellcheck source=tests/system/processes.bash
. "$(dirname "$0")/processes.bash"

# RELEASE of the kernel: it remembers how a process ended for whoever has a pidfd.
remembers_ends() { [ "$(printf '6.15\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.15 ]; }

# --- How it ended, on unit, bus, record and in the journal.

# NAME RESULT STATUS-OF-THE-UNIT FULL-STATUS SENTENCE: how it has ended.
has_ended_as() {
        check_soon "$1: the unit ends" 60 ended "$1"
        is "$1: result" "$2" "$(outcome "$1" RESULT)"
        is "$1: the unit's exit status" "$3" "$(unit_show "$(unit "$1")" ExecMainStatus)"
        is "$1: the status in full" "$4" "$(outcome "$1" EXIT_STATUS)"
        check_soon "$1: the bus has the result" 10 result_is "$1" "$2"
        is "$1: and the exit status" "$4" "$(of_bus "$1" ExitStatus)"
        expect_output "$1: the sentence is in the journal" "$5" \
                journalctl -q -o cat SYSLOG_IDENTIFIER=shruthi-run SHRUTHI_UNIKERNEL="$1" SHRUTHI_RESULT="$2" \
                SHRUTHI_EXIT_STATUS="$4"
        check_soon "$1: nothing is left" 60 nothing_left "$1" 999999999
}
# NAME|ARGUMENTS|RESULT|STATUS|FULL STATUS|SENTENCE
guests=(
        "ok|--exit=0|success|0|0|exited with status 0"
        "seven|--exit=7|exit-status|7|7|exited with status 7"
        "arguments|--exit=64|exit-status|64|64|did not accept its arguments"
        "max|--exit=254|exit-status|254|254|exited with status 254"
        "exception|--exit=255|exit-status|255|255|exception or an abort"
        "aborts|--abort|aborted|255|255|abort"
        "traps|--trap=pf|trapped|255|255|memory that is not its own|page fault"
        "illegal|--trap=ud|trapped|255|255|invalid instruction"
        "call|--break=call:41:1:1|system-call|255|255|system call that a guest may not make"
        "opens|--break=call:2|system-call|255|255|system call that a guest may not make"
        "stack|--break=jump:stack|trapped|255|255|memory that is not its own|page fault"
        "below|--break=write:4096|trapped|255|255|memory that is not its own|page fault"
        "forges|--say=Solo5:+solo5_exit(0)+called --exit-after=1 --exit=7|exit-status|7|7|exited with status 7"
        "liar|--say=Solo5:+solo5_exit(3)+called --exit=0|success|0|0|exited with status 0"
        "nonewline|--no-newline=last-words|success|0|0|status 0"
)
for guest in "${guests[@]}"; do
        IFS='|' read -r name arguments _ <<<"$guest"
        process "$name" "$arguments"
done
systemctl start unikernel@{ok,seven,arguments,max,exception,aborts,traps,illegal,call,opens,stack,below,forges,liar,nonewline}
for guest in "${guests[@]}"; do
        IFS='|' read -r name _ result status_of_unit full sentence <<<"$guest"
        has_ended_as "$name" "$result" "$status_of_unit" "$full" "$sentence"
        is "$name: the first line came through" "SHRUTHI test guest" "$(console_lines "$name" | head -n 1)"
done
check "the last words without a newline came through" printed nonewline last-words
expect_output "journalctl -x explains a trap" 'shruthictl doctor' \
        journalctl -q -x --no-pager SYSLOG_IDENTIFIER=shruthi-run SHRUTHI_UNIKERNEL=traps
expect_output "status says what to do about a system call" 'image inspect' bash -c 'shruthictl status call || :'
expect_output "… and has its result" 'system-call|system call' bash -c 'shruthictl status call || :'

process killed "--tick=100"
process terminated "--tick=100"
process again "--tick=100 --exit-after=1 --exit=7" Restart=on-failure RestartSec=100ms StartLimitBurst=3
systemctl daemon-reload
check "one starts" systemctl start unikernel@killed unikernel@terminated unikernel@again
check "it has a process" guest_pid killed
expect_output "its unit says as what it runs" 'The guest runs.* as a process' unit_show unikernel@killed StatusText
kill -KILL "$(guest_pid killed)"
kill -TERM "$(guest_pid terminated)"
has_ended_as killed ended-from-outside 254 254 'killed by signal 9'
has_ended_as terminated ended-from-outside 254 254 'killed by signal 15'
expect_fail "of QEMU or libvirt nothing is said" '' said killed 'QEMU|libvirt'
check_soon "Restart=on-failure restarts one until StartLimitBurst=" 60 unit_is failed unikernel@again
is "… which were so many starts" 3 "$(console_lines again | grep -cx 'SHRUTHI test guest')"
is "… and the result is its own" exit-status "$(outcome again RESULT)"
for i in {1..20}; do { systemctl start unikernel@ok && wait_for 60 ended ok; } || break; done
is "one that ends at once starts well each time" 0 $?
is "… and has ended as often" 21 "$(journalctl -q -o cat SHRUTHI_UNIKERNEL=ok SHRUTHI_RESULT=success | grep -c 'exited')"
check "there is no process left" no_processes

# --- Whoever is killed meanwhile.

define_served() { process "$1" "--ipv4={service.address} --tick=100" Image=guest.spt "${@:2}" "" "[Network service]" Network=default Address=auto; }
define_served tick
check "one with a network starts" systemctl start unikernel@tick
address=$(address_of tick)
check_soon "it answers" 60 answers "$address"
guest=$(guest_pid tick)
first=$(main_pid tick)
ping -i 0.05 -W 5 "$address" >/tmp/ping &
ping=$!
begun=${EPOCHREALTIME/./}
kill -KILL "$first"
check_soon "a runner that is killed comes back" 60 adopted tick 1
took=$(((${EPOCHREALTIME/./} - begun) / 1000))
diag "after $took ms"
check "… soon" test $took -le 5000
is "… to the same process" "$guest" "$(guest_pid tick)"
expect_fail "… as another one" '' test "$(main_pid tick)" = "$first"
check "shruthictl kill kills the runner alone" shruthictl kill --signal=KILL tick
check_soon "… which comes back as well" 60 adopted tick 2
check "shruthi-domain is killed" systemctl kill --signal=KILL --kill-whom=all shruthi-domain.service
check "shruthid, too" systemctl kill --signal=KILL --kill-whom=all shruthid.service
check "shruthi-antispoof as well" systemctl kill --signal=KILL --kill-whom=all shruthi-antispoof.service
check "the journal is restarted" systemctl restart systemd-journald
check "libvirtd, too" systemctl restart libvirtd
check "all of ours that know it are killed together" systemctl kill --signal=KILL --kill-whom=main \
        unikernel@tick shruthi-domain.service
check_soon "a third runner is there" 60 adopted tick 3
last=$(last_number tick tick)
check_soon "its console goes on" 60 counted_to tick tick $((last + 10))
is_none "not one line is missing" "$(gaps tick tick)"
is "it is the same process" "$guest" "$(guest_pid tick)"
is "the bus says that it runs" running "$(of_bus tick State)"
kill -INT $ping
wait $ping
expect_output "not one ping was lost" ' 0% packet loss' cat /tmp/ping
check "it can be stopped" systemctl stop unikernel@tick
is "… which is a stop" stopped "$(outcome tick RESULT)"
check "… at once" nothing_left tick "$guest"
check "… and no interface is left" no_taps

systemctl reset-failed
process flood "--flood=3000000 --exit=9"
configure ConsoleRate=infinity
systemctl start unikernel@flood
for i in 1 2 3; do
        wait_for 60 counted_to flood flood $((i * 5000))
        kill -KILL "$(main_pid flood)"
        wait_for 60 adopted flood "$i"
done
check_soon "one that prints much, whose runner is killed again and again" 60 ended flood
is "… ends as it did" "exit-status 9" "$(outcome flood RESULT) $(outcome flood EXIT_STATUS)"
is_none "… without a gap" "$(gaps flood flood)"
is "… to the last line" 46875 "$(last_number flood flood)"
rm /etc/shruthi/shruthi.conf
systemctl reset-failed

# NAME: starts it; its process is $guest.
begin() { if systemctl start "$(unit "$1")" && guest=$(guest_pid "$1"); then ok "$1 is there"; else fail "$1 is there"; fi; }
# Its start limit is 5 in 10 s.
define_served limited StartLimitBurst=4 StartLimitIntervalSec=60
systemctl daemon-reload
begin limited
for i in {1..8}; do
        pid=$(main_pid limited) && kill -KILL "$pid"
        wait_for 5 bash -c '! kill -0 $1 2>/dev/null' - "${pid:-999999999}"
        wait_for 5 bash -c 'systemctl is-failed -q unikernel@limited || [ "$(systemctl show -P MainPID unikernel@limited)" != 0 ]'
        ! unit_is failed unikernel@limited || break
done
check "fails by its start limit" unit_is failed unikernel@limited
check_soon "… its guest is ended" 60 gone "$guest"
check_soon "… and nothing is left" 60 nothing_left limited "$guest"
check_soon "… no interface either" 60 no_taps
systemctl reset-failed unikernel@limited
begin limited
check "… and stops" systemctl stop unikernel@limited

define_served pause
drop_in pause RestartSec=5
begin pause
kill -KILL "$(main_pid pause)"
check_soon "… waits for the next" 60 bash -c '[ "$(systemctl show -P SubState unikernel@pause)" = auto-restart ]'
check "… lives meanwhile" kill -0 "$guest"
check "it is stopped in that pause" systemctl stop unikernel@pause
check_soon "… the guest is ended" 30 gone "$guest"
check_soon "… and nothing is left" 30 nothing_left pause "$guest"
check_soon "… no interface either" 30 no_taps
check_soon "the bus says that it is stopped" 30 state_is pause stopped

# NAME ARGUMENTS: starts one whose runner is killed, and comes back when the guest has ended.
begin_alone() {
        process "$1" "$2"
        drop_in "$1" RestartSec=3
        begin "$1"
        kill -KILL "$(main_pid "$1")"
}
# By its number, by a fault, from outside.
begin_alone alone "--tick=100 --exit-after=1 --exit=9"
begin_alone alone-trap "--tick=100 --exit-after=1 --trap=pf"
begin_alone alone-quiet "--silent --exit-after=1 --exit=9"
begin_alone alone-killed "--tick=100"
kill -KILL "$guest"
if remembers_ends; then
        has_ended_as alone exit-status 9 9 'exited with status 9'
        has_ended_as alone-trap trapped 255 255 'memory that is not its own|page fault'
        has_ended_as alone-quiet exit-status 9 9 'exited with status 9'
        has_ended_as alone-killed ended-from-outside 254 254 'killed by signal 9'
else
        has_ended_as alone exit-status 9 9 'exited with status 9'
        has_ended_as alone-killed ended-from-outside 254 254 'its runner was killed before'
fi
is "it was not started a second time" 1 "$(console_lines alone | grep -cx 'SHRUTHI test guest')"

process hung "--tick=100"
drop_in hung TimeoutStopSec=2
begin hung
kill -STOP "$(main_pid hung)"
systemctl stop unikernel@hung
check_soon "… is ended by others" 30 nothing_left hung "$guest"

process life "--tick=100"
begin life
before=$guest
check "a restart" systemctl restart unikernel@life
check "… is another process" gone "$before"
check_soon "… in place of the first" 30 guest_pid life
guest=$(guest_pid life)
check "systemctl kill" systemctl kill unikernel@life
check_soon "… ends it" 30 ended life
check_soon "… as a stop" 30 result_is life stopped
check_soon "… and nothing is left" 30 nothing_left life "$guest"
begin life
check "systemctl kill --signal=KILL, which is for all of a unit" systemctl kill --signal=KILL unikernel@life
check_soon "… ends it" 30 ended life
check_soon "… from outside" 30 result_is life ended-from-outside
check_soon "… and nothing is left" 30 nothing_left life "$guest"
begin life
in_background domain bash -c 'for i in {1..10}; do systemctl kill --signal=KILL --kill-whom=all shruthi-domain.service; sleep 0.05; done'
check "shruthi-domain is killed while it is stopped" systemctl stop unikernel@life
check_soon "… the guest is gone" 60 nothing_left life "$guest"
wait_for 30 background_ended domain
systemctl reset-failed

process waits "--tick=100" Ready=console:never
for delay in 0 0.02 0.05 0.1 0.2; do
        systemctl start --no-block unikernel@waits
        sleep $delay
        systemctl stop unikernel@waits
        check "stopped $delay s after its start: no process is left" no_processes
        check_soon "stopped $delay s after its start: nothing else" 30 nothing_left waits 999999999
done
for delay in 0.02 0.05 0.1 0.3; do
        systemctl start --no-block unikernel@life
        wait_for 30 main_pid life
        sleep $delay
        systemctl kill --kill-whom=main --signal=KILL unikernel@life
        check_soon "its runner killed $delay s after its start: it runs or has failed" 60 \
                bash -c 'systemctl is-active -q unikernel@life || systemctl is-failed -q unikernel@life'
        check "… of processes there is one at most" test "$(pgrep -cx shruthi-tender)" -le 1
        systemctl stop unikernel@life
        check_soon "… and after a stop none" 30 no_processes
        systemctl reset-failed
done

for i in {1..30}; do process "many$i" "--tick=1000"; done
begun=$SECONDS
check "30 at once start" systemctl start unikernel@many{1..30}
diag "within $((SECONDS - begun)) s"
pids=$(pgrep -x shruthi-tender | sort | xargs)
is "… each has a process" 30 "$(wc -w <<<"$pids")"
check "their runners are killed" bash -c 'for i in {1..30}; do systemctl show -P MainPID unikernel@many$i; done | xargs kill -KILL'
all_adopted() { local i; for i in {1..30}; do adopted "many$i" 1 || return; done; }
check_soon "… and come back" 60 all_adopted
is "… to the same" "$pids" "$(pgrep -x shruthi-tender | sort | xargs)"
check "all are stopped" systemctl stop 'unikernel@many*'
check "… with all processes" no_processes
check_soon "… and nothing is left" 30 bash -c '! ls /run/shruthi/lives/many* 2>/dev/null'
rm $DEFINITIONS/many*.unikernel

systemctl stop shruthi-domain.socket shruthi-domain.service
begin life
check "without the service of shruthi-domain one runs" running life
check "… and stops" systemctl stop unikernel@life
check "… with its process" gone "$guest"
systemctl start shruthi-domain.socket
check_soon "… and nothing is left when it is back" 30 nothing_left life "$guest"

# --- What it is.

process plain "--tick=500"
define_served other
systemctl start unikernel@plain unikernel@other
guest=$(guest_pid plain)
status_line() { sed -n "s/^$1:\t//p" "/proc/$guest/status"; }
is "it is of our user" "$(id -u shruthi)" "$(stat -c %u "/proc/$(main_pid plain)")"
is "… in all its identities" "$(id -u shruthi)" "$(status_line Uid | tr '\t' '\n' | sort -u)"
is "… and of our group alone" "$(id -g shruthi)" "$(status_line Gid | tr '\t' '\n' | sort -u)"
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
        is "it has no capability: $set" 0000000000000000 "$(status_line $set)"
done
is "it gains nothing" 1 "$(status_line NoNewPrivs)"
is "its system calls are filtered" 2 "$(status_line Seccomp)"
is "it has one thread" 1 "$(status_line Threads)"
is "it is in its unit" "$(unit_show unikernel@plain ControlGroup)" "$(sed -n 's/^0:://p' "/proc/$guest/cgroup")"
is "it has a console, its mark, and what it waits with" \
        "/run/shruthi/unikernels/plain/console.out /run/shruthi/unikernels/plain/process anon_inode:[eventpoll] anon_inode:[timerfd]" \
        "$(find "/proc/$guest/fd" -type l -printf '%l\n' | sed -E 's/^pipe:.*/pipe/' | sort | xargs)"
is "one with a network has that besides" 1 "$(find "/proc/$(guest_pid other)/fd" -lname /dev/net/tun | wc -l)"
expect_fail "it is not in the network of the host" '' test "$(readlink "/proc/$guest/ns/net")" = "$(readlink /proc/1/ns/net)"
is_none "… and in its own there is nothing" "$(nsenter --target "$guest" --net ip -o link show | grep -v ': lo: ')"
for file in environ mem maps fd/1 root/etc auxv; do
        expect_fail "its runner's user, which is its own, cannot read $file" 'denied|not permitted' \
                runuser -u shruthi -- head -c 1 "/proc/$guest/$file"
        expect_fail "alice neither" 'denied|not permitted' as_user alice head -c 1 "/proc/$guest/$file"
done
is_none "its environment is empty" "$(tr '\0' '\n' <"/proc/$guest/environ")"
expect_fail "its arguments are nobody's to read" '^' bash -c \
        'runuser -u alice -- cat /proc/$1/cmdline | tr "\\0" " " | grep -- --tick' - "$guest"
for file in process state started; do
        expect_fail "alice cannot open what is kept of it: $file" 'denied' as_user alice head -c 1 "/run/shruthi/unikernels/plain/$file"
done
is "its mark is nobody else's to lock" "600 shruthi" "$(stat -c '%a %U' /run/shruthi/unikernels/plain/process)"
expect_output "it writes no core file" '^Max core file size +0 +0 ' cat "/proc/$guest/limits"
check "alice cannot signal it" bash -c '! runuser -u alice -- kill -0 $1 2>/dev/null' - "$guest"
check "shruthictl wait finds it running" timeout 20 shruthictl wait plain
check "both stop" shruthictl stop plain other
expect_output "by whom is told" 'stopped by user root' outcome plain REASON
check "no process is left" no_processes
check_soon "no interface" 30 no_taps
is_none "no folder" "$(ls /run/shruthi/unikernels)"
is_none "no mark of a life" "$(ls /run/shruthi/lives)"

# --- Whose it may be: AllowProcesses=.

cp $GUESTS/guest-plain.spt $GUESTS/guest.spt /home/alice
chmod a+r /home/alice/*.spt
as() { as_user "$1" shruthictl --no-ask-password "${@:2}"; }
slice_of() { unit_show "$(unit "$1")" Slice; }
refusal='runs as a process, which only administrators.* may here: build it for virtio .*or ask for AllowProcesses=users'
expect_fail "alice may not have one" "$refusal" as alice create hers guest-plain.spt
is_none "nothing of it is left" "$(find /var/lib/shruthi/unikernels -name 'hers*')"
expect_output "she may look at an image" 'spt' as alice image inspect guest-plain.spt
check "root may" shruthictl create roots $GUESTS/guest-plain.spt --now -- --tick=500
is "… in the slice of all" unikernel.slice "$(slice_of roots)"
check "… and it runs" running roots
expect_fail "root may not make one for her" 'AllowProcesses=users' shruthictl create hers $GUESTS/guest-plain.spt --owner=alice
process given "--tick=500" "Owner=$(id -u alice)"
systemctl daemon-reload
check "an administrator's definition in /etc may be hers" systemctl start unikernel@given
is "… in her slice" "unikernel-$(id -u alice).slice" "$(unit_show "$(slice_of given)" Slice)"
systemctl stop unikernel@given

configure AllowProcesses=users
systemctl reload shruthid
check "by AllowProcesses=users she may" as alice create hers guest-plain.spt --now --cpu-quota=20% --memory-max=64M -- --tick=500
slice=unikernel-$(id -u alice)-hers.slice
is "it is in a slice of its own" "$slice" "$(slice_of hers)"
is "… below hers" "unikernel-$(id -u alice).slice" "$(unit_show "$slice" Slice)"
is "… with its limits" 200ms "$(unit_show "$slice" CPUQuotaPerSecUSec)"
is "… of memory, too" $((64 << 20)) "$(unit_show "$slice" MemoryMax)"
check "… in which the process is" grep -q "$slice/" "/proc/$(guest_pid hers)/cgroup"
check "she changes one" as alice set hers CPUQuota=30%
is "… which counts at once" 300ms "$(unit_show "$slice" CPUQuotaPerSecUSec)"
expect_fail "less memory than the guest has is refused, and of QEMU nothing said" \
        'MemoryMax=8M is too little: the guest has 32M, and its runner and the kernel need up to 16M more; write 48M' as alice set hers MemoryMax=8M
check "she has one without limits, too" as alice create mine guest-plain.spt --now -- --tick=500
is "… which is in her slice as well" "unikernel-$(id -u alice)-mine.slice" "$(slice_of mine)"
# The third one is read from a path, at which there may be a domain's image at its next start.
expect_output "a process counts for its memory and half a MiB" '^Memory +113M +' as alice limits
configure AllowProcesses=users MemoryMaxPerUser=178M
systemctl reload shruthid
check "another one has room below her limit" as alice create third guest-plain.spt
expect_fail "but no domain, with QEMU" '16M of memory, 32M for QEMU \(MemoryOverhead=\) and 145.5M of .*MemoryMaxPerUser=178M' \
        as alice create fourth $GUESTS/guest-plain.virtio --memory=16M
expect_fail "nor one with a little more" '33M of memory and 145.5M of .*MemoryMaxPerUser=178M' as alice create fourth guest-plain.spt \
        --memory=33M
check "the next one fills it" as alice create fourth guest-plain.spt
expect_output "which she sees" '^Memory +178M +178M' as alice limits
check "they are removed" as alice remove third fourth
configure AllowProcesses=users
systemctl reload shruthid
expect_fail "bob is not her" 'Authentication is required' as bob stop hers
check "she stops it" as alice stop mine
check "… starts it" as alice start mine
check "… and removes it" as alice remove --now mine

configure AllowProcesses=no
systemctl reload shruthid
guest=$(guest_pid hers)
check "what runs is left alone by AllowProcesses=no" kill -0 "$guest"
expect_fail "nobody may create one" 'AllowProcesses=no in shruthi.conf rules out: build it for virtio' \
        shruthictl create more $GUESTS/guest-plain.spt
check "hers is stopped" as alice stop hers
expect_fail "… and does not start again" 'AllowProcesses=no' as alice start hers
expect_fail "nor by hand" '' systemctl start unikernel@given
check "… which its journal says" said given 'AllowProcesses=no'
check "root's runs on" running roots
kill -KILL "$(main_pid roots)"
check_soon "… and is adopted all the same" 60 adopted roots 1
check "domains are not meant" bash -c 'shruthictl create domain $1 --now && shruthictl remove --now domain' - $GUESTS/guest-plain.virtio
configure AllowProcesses=administrators
systemctl reload shruthid
expect_fail "with what it was hers does not start either" "$refusal" as alice start hers
configure AllowProcesses=everybody
expect_output "doctor knows what may stand there" 'AllowProcesses' bash -c 'shruthictl doctor || :'
rm /etc/shruthi/shruthi.conf
check "root's is removed" shruthictl remove --now roots
check "no process is left" no_processes

finish
