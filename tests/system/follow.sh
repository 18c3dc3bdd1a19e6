#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# Following what happens: shruthictl wait and events, the health in list, and tree.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

# NAME STATUS: it has ended so.
background_status() { background_ended "$1" && is "… and with $2" "$2" "$(cat "/run/$1.status")"; }
# TEXT: events have it, in a line of their own.
seen() { grep -qE -e "$1" /run/events.out; }
# Whether events, which are begun in the background, listen yet: they have a connection, and have called. Whose that is
# the bus says; busctl does not since systemd 257, of processes that are in no unit.
listening() {
        local name pid n=0

        for name in $(busctl list --unique --no-legend | cut -d' ' -f1); do
                pid=$(busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus \
                        GetConnectionUnixProcessID s "$name" 2>/dev/null) || continue
                [ "$(cat "/proc/${pid#u }/comm" 2>/dev/null)" != shruthictl ] || n=$((n + 1))
        done
        [ "$n" -ge "$1" ]
}

# The event of a failure, whatever it is asked for.
failed_as_json() { grep '"State":"failed"' /run/json.out; }

# --- wait

define slow "--tick=200" "Ready=console:^tick 0*10\$"
check "the definition is read" wait_for 20 shruthictl list slow
in_background ready shruthictl wait slow
in_background runs shruthictl wait slow --until=running
in_background both shruthictl wait slow slow --until=ready --timeout=2min
check_soon "three wait for it" 60 listening 3
check "it is started" shruthictl start --no-block slow
check_soon "it runs first" 60 background_ended runs
background_status runs 0
check "before it is ready" unit_is activating "$(unit slow)"
check "the others still wait" test ! -s /run/ready.status
check_soon "then it is ready" 60 background_ended ready
background_status ready 0
check "not before" counted_to slow tick 10
check_soon "for the other too" 60 background_ended both
background_status both 0
check "what is ready is not waited for" shruthictl wait slow --until=ready
check "and what runs neither" shruthictl wait slow --until=running
expect_fail "a wait can be limited" 'Not stopped within 500ms: slow is running' \
        shruthictl wait slow --until=stopped --timeout=500ms
is "with the status for failures" 1 "$status"
in_background stopped shruthictl wait slow --until=stopped
check_soon "one waits for its end" 60 listening 1
check "it is stopped" shruthictl stop slow
check_soon "and that is the end" 60 background_ended stopped
background_status stopped 0

define never "--tick=200" "Ready=console:never" "ReadyTimeoutSec=1s"
check "another definition is read" wait_for 20 shruthictl list never
in_background ready shruthictl wait never
in_background failed shruthictl wait never --until=failed
check_soon "two wait for it" 60 listening 2
expect_fail "it does not become ready" 'console:never' shruthictl start never
check_soon "who waits for that is told" 60 background_ended ready
background_status ready 1
expect_output "with the reason" 'never has failed: not-ready \(69\): .*console:never' cat /run/ready.out
check_soon "who waits for the failure is content" 60 background_ended failed
background_status failed 0
in_background ready shruthictl wait never
check_soon "what has failed before is waited for" 60 listening 1
check "still" test ! -s /run/ready.status
rm $DEFINITIONS/never.unikernel
check_soon "until it is removed" 60 background_ended ready
background_status ready 4
expect_output "with a word" 'never has been removed' cat /run/ready.out

expect_fail "a name must be there" "There is no unikernel 'ghost'" shruthictl wait slow ghost
is "or else that is the exit status" 4 "$status"
expect_fail "a state must be known" "until= cannot be 'up': give running, ready, stopped or failed" \
        shruthictl wait slow --until=up
expect_fail "a time must be one" "timeout= cannot be 'soon': give a time" shruthictl wait slow --timeout=soon
expect_fail "and a name is needed" "NAME" shruthictl wait
check "who is nobody may wait" as_user mallory shruthictl wait slow --until=stopped

# --- events

define ends "--say=hello --exit=7"
define healthy "--say=once" Watchdog=console HealthyIntervalSec=2s HealthyRetries=2
check "the definitions are read" wait_for 20 shruthictl list ends healthy
in_background events shruthictl events
in_background json shruthictl events --json=short 'e*'
in_background mallory as_user mallory shruthictl events ends
check_soon "three listen" 60 listening 3
check "one is started" shruthictl start --no-block ends
check_soon "its start is told" 60 seen '^[0-9-]+ [0-9:]+ ends starting$'
check_soon "and its end, with status and reason" 60 seen ' ends failed: exit-status \(7\): .*7'
check_soon "as an object too" 60 grep -q '"State":"failed"' /run/json.out
is "which has all facts" '["ends","state","failed","exit-status",7,true,true]' "$(jq -c 'select(.State == "failed") |
        [.Name, .Event, .State, .Result, .ExitStatus, (.Reason | length > 0), (.Timestamp > 1600000000000000)]' /run/json.out)"
expect_fields events 'CutOff:boolean Event:string ExitStatus:number Health:string InvocationID:string Name:string NeedsRestart:boolean Reason:string Result:string State:string Timestamp:number' \
        failed_as_json
check_soon "to others without the reason" 60 grep -qE ' ends failed: exit-status \(7\)$' /run/mallory.out
define slow "--tick=300"
check_soon "a definition that changes is told" 60 seen ' slow definition changed$'
define new "--tick=500"
check_soon "a new one is told" 60 seen ' new created$'
rm $DEFINITIONS/new.unikernel
check_soon "and that it is gone" 60 seen ' new removed$'
check "one that does not print is started" shruthictl start healthy
check_soon "its health is told" 60 seen ' healthy failing$'
expect_output "and stands in the list" '^healthy +running +failing ' shruthictl list healthy
is "and there as an object" '"failing"' "$(shruthictl list --json=short healthy | jq -c '.[0].Health')"
check_soon "and its end" 60 seen ' healthy failed: unhealthy \(68\): .*Watchdog=console'
expect_output "then it has no health" '^healthy +failed +- ' shruthictl list healthy
check "what did not match is not told" test -z "$(grep -v '"Name":"ends"' /run/json.out)"

pid=$(pgrep -x shruthid)
kill -KILL "$pid"
define ends "--tick=500"
check_soon "shruthid is killed, and back" 60 wait_for 20 shruthictl list ends
check "a start after that" shruthictl start ends
check_soon "is told too" 60 seen ' ends running$'
expect_output "and that it was away" 'shruthid has exited; changes follow when it is back' cat /run/events.out
check "the stop too" shruthictl stop ends
check_soon "with its result" 60 seen ' ends stopped: stopped \(0\)'
pkill -INT -f 'shruthictl events$'
check_soon "it is ended by an interrupt" 60 background_ended events
expect_fail "a name must be there" "There is no unikernel 'ghost'" shruthictl events ghost

# --- tree

define db "--tick=500"
define cache "--tick=500" After=db Wants=db
define web "--tick=500" 'Requires=db cache' 'After=db cache network-online.target' OnFailure=mail Wants=nowhere
define mail "--tick=500" Before=web
check "their definitions are read" wait_for 20 shruthictl list db cache web mail
check "two of them run" shruthictl start cache db
expect_output "the tree begins with the name" '^. web$' env LANG=C.UTF-8 shruthictl tree web
printf '%s\n' '○ web' '├─● db (requires, after)' '├─● cache (requires, after)' '│ └─● db (wants, after)' \
        '├─  nowhere (wants): there is no such unikernel' '├─  network-online.target (after)' '└─○ mail (on failure, after)' \
        >/run/tree.right
LANG=C.UTF-8 shruthictl tree web >/run/tree.out
check "and has all that it depends on" diff /run/tree.right /run/tree.out
LANG=C shruthictl tree cache >/run/tree.out
printf '%s\n' '* cache' '`-* db (wants, after)' >/run/tree.right
check "in ASCII where there is nothing else" diff /run/tree.right /run/tree.out
is "as objects too" '["web","db","cache","mail"]' "$(shruthictl tree web --json=short | jq -c '[.[].Name]')"
is "with the settings" '["OnFailure","After"]' \
        "$(shruthictl tree web --json=short | jq -c '.[0].Dependencies[] | select(.Name == "mail").Kinds')"
expect_output "without a name all are there" 'slow' shruthictl tree
is "each with what is below it" 1 "$(shruthictl tree | grep -c '^[^ ]* web$')"
is "and none twice at the beginning" 0 "$(shruthictl tree | grep -c '^[^ ]* db$')"
define round "--tick=500" Wants=trip
define trip "--tick=500" Wants=round
check "a circle is read" wait_for 20 shruthictl list round trip
expect_output "it has an end too" 'see above' shruthictl tree round
expect_output "and is shown without a name" 'round' shruthictl tree
expect_output "others see no more than names" '^. web$' as_user mallory env LANG=C.UTF-8 shruthictl tree web
is "not what they depend on" 1 "$(as_user mallory shruthictl tree web | wc -l)"
expect_fail "a name must be there" "There is no unikernel 'ghost'" shruthictl tree ghost

finish
