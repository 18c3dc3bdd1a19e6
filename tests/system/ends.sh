#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2034
#
# The truth about a guest that nobody asked to end: a reset is told from a power-off, somebody else's last words are
# none, a paused guest is paused, and no bus client hears of a state that never was.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

get() {
        busctl get-property org.dream.Shruthi "/org/dream/Shruthi/unikernel/${1//-/_2d}" org.dream.Shruthi.Unikernel \
                "$2" |
                cut -d' ' -f2- | tr -d '"'
}
state_is() { [ "$(get "$1" State)" = "$2" ]; }

# NAME RESULT STATUS WHAT: its outcome, the same on bus, unit and in the journal.
ends_as() {
        check_soon "$4: the unit ends" 60 ended "$1"
        is "$4: result" "$2" "$(outcome "$1" RESULT)"
        is "$4: the unit's exit status" "$3" "$(unit_show "$(unit "$1")" ExecMainStatus)"
        check_soon "$4: the bus has the result" 60 test_result "$1" "$2"
        is "$4: and the same exit status" "$3" "$(get "$1" ExitStatus)"
        expect_output "$4: so has the journal" . journalctl -q -o cat SYSLOG_IDENTIFIER=shruthi-run \
                SHRUTHI_UNIKERNEL="$1" SHRUTHI_RESULT="$2" SHRUTHI_EXIT_STATUS="$3"
}
test_result() { [ "$(get "$1" Result)" = "$2" ]; }

# --- A QEMU that hangs takes libvirt's patience to end: what is said meanwhile is looked at in the end.

define hung "--tick=100"
systemctl start unikernel@hung
wait_for 60 printed hung "tick 1"
kill -STOP "$(qemu_pid hung)"
script -qec 'shruthictl stop hung' /tmp/stop-hung </dev/null >/dev/null 2>&1 &
stop_hung=$!

# --- Resets, power-offs, and words that are not the guest's own end.

define resets "--exit-after=1 --reset"
define faults "--exit-after=1 --triple-fault"
define resets-plain "--exit-after=1 --reset" Image=guest.multiboot
define forges-reset "--say=Solo5:+solo5_exit(0)+called --exit-after=1 --reset"
define quiet "--quiet-poweroff"
define middle "--say=Solo5:+solo5_exit(3)+called --tick=100 --exit-after=1 --exit=7"
define relay "--say=Solo5:+solo5_exit(3)+called"
define memory "--say=Fatal+error:+not+enough+memory --abort"
systemctl start unikernel@{resets,faults,resets-plain,forges-reset,quiet,middle,relay,memory}
ends_as resets reset 255 "a reset"
expect_output "its reason names too little memory" 'too little memory.*triple fault.*reboot' outcome resets REASON
ends_as faults reset 255 "a triple fault"
ends_as resets-plain reset 255 "a reset of an image without last words"
ends_as forges-reset reset 255 "a reset behind another's last words"
ends_as quiet powered-off 0 "a power-off without a word"
ends_as middle exit-status 7 "another's last words in the middle"
ends_as memory aborted 255 "too little memory for OCaml"
expect_output "its reason says what to do" 'aborted; .*too little memory: raise Memory=' \
        outcome memory REASON
check "one that has printed another's last words runs on" running relay
check "and can be stopped" systemctl stop unikernel@relay
ends_as relay stopped 0 "a stop after another's last words"
systemctl start unikernel@relay
wait_for 60 printed relay "Solo5: solo5_exit(3) called"
virsh --quiet destroy unikernel-relay
ends_as relay ended-from-outside 254 "a destruction after another's last words"
expect_output "status tells what to do about a reset" 'set resets --memory=' bash -c 'shruthictl status resets || :'

# --- Paused behind our back.

define paused "--tick=50"
define paused-plain "--tick=50" Image=guest.multiboot
systemctl start unikernel@{paused,paused-plain}
for name in paused paused-plain; do
        check_soon "$name: it runs" 60 state_is $name running
        changed=$(get $name StateChangeTimestamp)
        virsh --quiet suspend unikernel-$name
        check_soon "$name: the bus says paused" 60 state_is $name paused
        check "$name: since now" test "$(get $name StateChangeTimestamp)" -gt "$changed"
        is_none "$name: it has not ended" "$(get $name Result)"
done
expect_output "systemctl status says so" 'Status: "The guest is paused through libvirt' \
        systemctl status unikernel@paused
expect_output "status says why, and what to do" 'shruthictl resume paused' bash -c 'shruthictl status paused || :'
expect_output "list says so" 'paused +paused' shruthictl list
expect_output "what it uses is told with that of all" '^paused ' shruthictl statistics
is "and by status" object "$(shruthictl --json=short status paused | jq -r '.Statistics | type')"
check_soon "the journal says so" 60 said paused 'paused through libvirt'
check "a runner that is killed" kill -KILL "$(main_pid paused)"
check_soon "comes back" 60 said paused Adopted
check_soon "and the unit with it" 60 running paused
is "which is still paused" paused "$(get paused State)"
virsh --quiet resume unikernel-paused
check_soon "the next one hears of its going on" 60 state_is paused running
check_soon "the journal says that too" 60 said paused 'The guest was resumed'
systemctl kill --kill-whom=main --signal=KILL shruthi-domain
virsh --quiet suspend unikernel-paused
check_soon "nor is it missed while who listens is away" 60 state_is paused paused
check_soon "libvirtd restarts" 60 systemctl restart libvirtd
virsh --quiet resume unikernel-paused
check_soon "or is libvirt" 60 state_is paused running
virsh --quiet suspend unikernel-paused
check_soon "paused once more" 60 state_is paused paused
check "a paused one can be stopped" systemctl stop unikernel@paused unikernel@paused-plain
ends_as paused stopped 0 "a stop of a paused one"
check "no domain is left" no_domain paused

# --- Paused and resumed by its verbs.

expect_status "one that has ended cannot be paused" 3 shruthictl pause paused
check "it starts again" shruthictl start paused
check "pause" shruthictl pause paused
is "is done when it says so" paused "$(get paused State)"
expect_output "libvirt has it so" paused virsh domstate unikernel-paused
check "the unit is active" running paused
check "a second pause is none" shruthictl pause paused
expect_output "the journal says who" 'User 0 requested to pause' journalctl -q -o cat SHRUTHI_UNIKERNEL=paused
check "resume" shruthictl resume paused
is "is done when it says so" running "$(get paused State)"
check "a second resume is none" shruthictl resume paused
virsh --quiet suspend unikernel-paused
check_soon "what libvirt paused" 60 state_is paused paused
check "is resumed too" shruthictl resume paused
expect_output "and runs" running virsh domstate unikernel-paused
expect_status "an unknown name" 4 shruthictl pause nobody
expect_output "both at once" . bash -c 'shruthictl start paused-plain; shruthictl pause paused paused-plain; shruthictl list'
is "are paused" "paused paused" "$(get paused State) $(get paused-plain State)"
check "restart" shruthictl restart paused
is "ends a pause" running "$(get paused State)"
systemctl stop unikernel@paused unikernel@paused-plain
expect_fail "nothing is paused by shruthi-domain that does not run" 'is not running' \
        runuser -u shruthi -- /usr/libexec/shruthi/shruthi-domain pause paused

# --- Of all that is told on the bus nothing is false.

define steady "--tick=50"
define ends "--exit=7"
define refused "--exit=0" Colour=blue
define muen "--exit=0" Image=guest.muen
get muen State >/dev/null
python3 $SRC/tests/client/recorder.py /tmp/record &
recorder=$!
wait_for 60 grep -q listening /tmp/record || fail "the recorder listens"
recorded() { grep -qE "$1" /tmp/record; }
adoptions() { journalctl -q -o cat MESSAGE_ID=6f0d6cf33e0e4d2b8a70d8a4a1d4b304 SHRUTHI_UNIKERNEL=steady | wc -l; }
adopted() { journalctl --sync; [ "$(adoptions)" -ge "$1" ]; }

check "one to be adopted starts" shruthictl start steady
check_soon "the recorder has heard of it" 60 recorded '^steady running'
heard=$(grep -c '^steady' /tmp/record)
since=$(get steady ActiveEnterTimestamp)
for i in {1..30}; do
        kill -KILL "$(main_pid steady)"
        { wait_for 60 adopted "$i" && wait_for 60 running steady; } || break
        systemctl reset-failed unikernel@steady
done
is "30 kills of its runner are 30 adoptions" 30 "$(adoptions)"
is "it has run since it began" "$since" "$(get steady ActiveEnterTimestamp)"
for i in {1..20}; do
        shruthictl start ends
        wait_for 60 ended ends
        shruthictl start muen 2>/dev/null
done
for i in {1..15}; do
        { shruthictl stop steady && shruthictl start steady; } || break
done
is "30 stops and starts" 0 $?
systemctl reset-failed
kill -KILL "$(main_pid steady)"
check "a kill right behind another" shruthictl kill --signal=KILL steady
check "and another" shruthictl kill --signal=KILL steady
check_soon "it runs on" 60 running steady
kill -KILL "$(main_pid steady)"
expect_output "its console can be opened meanwhile" '^tick' timeout 60 bash -c \
        'shruthictl console steady < <(sleep 5) | head -n 1'
check_soon "and it runs on" 60 running steady
systemctl reset-failed
check "a stop behind a kill" bash -c 'shruthictl kill --signal=KILL steady && shruthictl stop steady'
is "of which the bus tells at once" stopped "$(get steady State)"
before=$(get ends ActiveEnterTimestamp) ended=$(get ends InactiveEnterTimestamp)
systemctl reset-failed
systemctl daemon-reload
wait_for 60 state_is ends stopped
is "after a reload one that has ended has run as long as before" "$before $ended" \
        "$(get ends ActiveEnterTimestamp) $(get ends InactiveEnterTimestamp)"
kill $recorder
is_none "nothing false was sent" "$(grep -B3 FALSE /tmp/record)"
check "while much was" test "$(wc -l </tmp/record)" -gt 150


# --- What was said about the QEMU that hung.

wait $stop_hung
is "a QEMU that hangs ends in the end" 0 $?
check "who waits at a terminal sees for how long" grep -qE 'stop hung: [0-9]+ s \.\.\.' /tmp/stop-hung
check "and for what" grep -q 'QEMU does not exit: it hangs' /tmp/stop-hung
check_soon "the journal says what was waited for" 60 said hung 'QEMU does not exit: it hangs'
expect_output "and how long that took" 'stopped by user root; QEMU took [0-9]+ s to exit' outcome hung REASON
ends_as hung stopped 0 "a stop by force"

finish
