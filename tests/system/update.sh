#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# An update proves itself or goes back, whoever is killed meanwhile; what was is kept, and can be had again.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

UPDATES=/var/lib/shruthi/updates
GENERATIONS=/var/lib/shruthi/generations

alice() { as_user alice shruthictl "$@"; }
arguments() { shruthictl cat "$1" | sed -n 's/^Arguments=//p'; }
# NAME: what its guest was started with.
started() { sed -n 's/^Arguments=//p' "/run/shruthi/unikernels/$1/started"; }
# NAME NUMBER: State of that generation.
state_of() { shruthictl history "$1" --json=short | python3 -c '
import json, sys
print(next(g["State"] for g in json.load(sys.stdin) if g["Number"] == int(sys.argv[1])))' "$2"; }
# NAME
numbers() { shruthictl history --no-legend "$1" | sed -nE 's/^([0-9]+) .*/\1/p' | xargs; }
# NAME: no update of it is in progress.
settled() { [ ! -e "$UPDATES/$1" ]; }
# NAME ARGUMENTS: its guest is ready, and was started with these.
runs() { running "$1" && [ "$(started "$1")" = "$2" ]; }
# NAME: its definition is a generation of its own, and none that is newer passes for proven.
history_fits() { shruthictl history "$1" --json=short | python3 -c '
import json, sys
generations = json.load(sys.stdin)
current = [g["Number"] for g in generations if g["State"] == "current"]
sys.exit(bool(generations) and (len(current) != 1 or
        any(g["Number"] > current[0] and g["Outcome"] == "proven" for g in generations)))'; }
proving() { [ -e "$UPDATES/$1" ] && running "$1"; }

cp "$GUESTS/guest-plain.virtio" "$GUESTS/guest.virtio" "$GUESTS/guest-disk.virtio" /home/alice
head -c 5000 /dev/urandom >/home/alice/rubbish
{ cat "$GUESTS/guest-plain.virtio"; head -c 1000 /dev/zero; } >/home/alice/longer
chmod a+r /home/alice/*

# --- One that holds.

check "alice creates a unikernel" alice create --now web guest-plain.virtio --memory=16M '--ready=console:^tick 0*2$' \
        -- --tick=200
is_none "which has no generation before its first change" "$(numbers web)"
expect_output "and says so" 'no generations yet' alice history web
expect_output "a dry run shows what would change" '^\+Arguments=--tick=100$' \
        alice update web --dry-run -- --tick=100
is "and changes nothing" --tick=200 "$(arguments web)"
begun=$SECONDS
expect_output "an update that holds" 'generation 2, which is proven' alice update web --probation=3s -- --tick=100
check "has been watched" test $((SECONDS - begun)) -ge 3
is "the guest is the new one" --tick=100 "$(started web)"
is "what was there became the first generation" "1 2" "$(numbers web)"
is "the bus has its number" 't 2' "$(busctl get-property org.dream.Shruthi /org/dream/Shruthi/unikernel/web org.dream.Shruthi.Unikernel Generation)"
expect_output "and so has status" 'Generation: 2$' alice status web
is "it is superseded" superseded "$(state_of web 1)"
is "the other is current" current "$(state_of web 2)"
expect_output "by whom is told" '^2 .* alice .*sha256:' shruthictl history web
expect_output "the journal has a message of its own" 'from generation 1 to generation 2' \
        journalctl -q -o cat MESSAGE_ID=6f0d6cf33e0e4d2b8a70d8a4a1d4b360 SHRUTHI_UNIKERNEL=web
expect_output "the difference is shown" '^-Arguments=--tick=200$' alice diff web
expect_output "also backwards" '^\+Arguments=--tick=200$' alice diff web 2 1
expect_output "for programs too" '"Diff" *: *".*tick=100' alice diff web --json=short
expect_fields diff 'Diff:string From:string To:string' alice diff web
expect_fields history 'Image:string InvocationID:string Number:number Outcome:string Reason:string Source:string State:string Timestamp:number User:number UserName:string' \
        alice history web
expect_fields 'update --dry-run' 'Definition:string Former:number Generation:number Outcome:string' \
        alice update web --dry-run Memory=18M
expect_output "an update to what is there does nothing" 'as it was, at generation 2' alice update web -- --tick=100
expect_output "a new image is one by its name" 'generation 3, which is proven' \
        alice update web longer --probation=0 Memory=17M
expect_output "with settings" '^Memory=17M' shruthictl cat web

# --- Those that do not.

before=$(sha256sum /var/lib/shruthi/unikernels/web.unikernel)
expect_fail "one that exits within the probation fails" \
        'Generation 4 of unikernel .web. failed: exited with status 7; generation 3 is back' \
        alice update web --probation=20s -- --tick=100 --exit-after=1 --exit=7
expect_output "its last lines were shown" 'solo5_exit\(7\)' printf '%s\n' "$output"
check "the former one runs" running web
is "with its arguments" --tick=100 "$(started web)"
is "its definition is as it was" "$before" "$(sha256sum /var/lib/shruthi/unikernels/web.unikernel)"
is "the other is known as failed" failed "$(state_of web 4)"
expect_output "with the reason" 'exited with status 7' shruthictl history web
expect_output "the journal has a message of its own" 'generation 3 is back' \
        journalctl -q -o cat MESSAGE_ID=6f0d6cf33e0e4d2b8a70d8a4a1d4b361 SHRUTHI_UNIKERNEL=web
expect_output "which is explained" 'taken back' journalctl -q -x --no-pager MESSAGE_ID=6f0d6cf33e0e4d2b8a70d8a4a1d4b361
expect_fail "so does one that exits well" 'exited with status 0; generation 3 is back' \
        alice update web --probation=20s -- --tick=100 --exit-after=1 --exit=0
expect_fail "and one that Restart= brings back" 'exited with status 7; generation 3 is back' \
        alice update web --probation=20s Restart=always RestartSec=100ms -- --tick=100 --exit-after=1 --exit=7
is "nothing of that is left to systemd" no "$(unit_show unikernel@web Restart | sed 's/on-abnormal/no/')"
expect_fail "one that is not ready in time fails" 'not ready within 2s .*never.*; generation 3 is back' \
        alice update web ReadyTimeoutSec=2s 'Ready=console:^never$'
expect_fail "one that becomes unhealthy fails" 'unhealthy: Watchdog=console.*; generation 3 is back' \
        alice update web --probation=60s Watchdog=console HealthyIntervalSec=1s HealthyRetries=2 Ready=started \
        -- --say=once
check "the former one runs again" running web
is "the numbers go on" "1 2 3 4 5 6 7 8" "$(numbers web)"

qemu=$(qemu_pid web)
expect_fail "what is no image is refused" 'update web: .*(not|no) ' alice update web /home/alice/rubbish
expect_fail "so is one with another device" 'device' alice update web guest-disk.virtio
expect_fail "one that is not there" 'No such file' alice update web /nowhere
expect_fail "an unknown setting" 'Colour' alice update web Colour=red
expect_fail "nothing at all" 'has no UpdateFrom=: give an image' alice update web
expect_fail "a time that is none" 'probation=.*later' alice update web --probation=later Memory=18M
expect_fail "a time without an end" 'too long' alice update web --probation=2d Memory=18M
expect_fail "one that does not exist" 'no unikernel' alice update nobody Memory=18M
expect_fail "bob may not" 'org.dream.Shruthi.update' as_user bob shruthictl --no-ask-password update web Memory=18M
expect_fail "nor look at it" 'org.dream.Shruthi.read-details' as_user bob shruthictl --no-ask-password history web
is "its guest runs on all the time" "$qemu" "$(qemu_pid web)"

cat >/etc/polkit-1/rules.d/10-restart.rules <<'END'
polkit.addRule(function(action, subject) {
    if (action.id == "org.dream.Shruthi.restart")
        return polkit.Result.NO;
});
END
check_soon "alice may not restart it any more" 60 eval '! alice --no-ask-password restart web'
expect_fail "and so not update it while it runs" 'Not authorized to restart .*org.dream.Shruthi.restart' \
        alice --no-ask-password update web Memory=18M
expect_output "but see what that would change" '^.Memory=18M$' alice update web --dry-run Memory=18M
rm /etc/polkit-1/rules.d/10-restart.rules
check_soon "alice may again" 60 alice restart web

# --- Back.

expect_output "a rollback goes to the former one" 'generation 2, which is proven' alice rollback web --probation=1s
is "by its arguments" --tick=100 "$(started web)"
is_none "and its memory" "$(shruthictl cat web | grep '^Memory=17M')"
expect_output "or to one by its number" 'generation 1, which is proven' alice rollback web 1 --probation=0
is "which is current then" current "$(state_of web 1)"
is "its guest runs" --tick=200 "$(started web)"
expect_fail "there is none before it" 'no former generation' alice rollback web
expect_fail "an unknown one is refused" 'no generation 99 .*there are: 1, 2' alice rollback web 99
expect_fail "what is no number is, too" 'not a generation number' alice rollback web latest
expect_output "one forth again" 'generation 3' alice rollback web 3 --probation=0
expect_fail "a rollback that fails goes back" 'Generation 4 .*; generation 3 is back' alice rollback web 4 --probation=20s
is "and is where it was" current "$(state_of web 3)"

# --- Its images stay.

digest=$(shruthictl history web --json=short | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["Image"])')
shruthictl image prune >/dev/null
check "prune leaves the image of a former generation" test -e "/var/lib/shruthi/images/${digest#sha256:}"
expect_output "the list says whose it is" "$digest.*web" shruthictl image list
mv "/var/lib/shruthi/images/${digest#sha256:}" /root/kept-image
expect_fail "without it there is no rollback" "$digest|image" alice rollback web 1
check "and the unikernel runs on" running web
mv /root/kept-image "/var/lib/shruthi/images/${digest#sha256:}"

# --- Set, stopped ones, other changes meanwhile.

check "set makes a generation, too" alice set web Memory=18M
is "the last one" current "$(state_of web "$(numbers web | awk '{ print $NF }')")"
check "and nothing is proven" alice stop web
expect_output "one that is stopped is changed" 'not running, so nothing was proven' alice update web Memory=19M
check "and not started" unit_is inactive unikernel@web
check "it is started by hand" alice start web
in_background update alice update web --probation=60s Memory=20M
check_soon "another update is in progress" 60 proving web
expect_fail "nothing else is changed meanwhile" 'update of .web. is in progress.*shruthictl stop web' alice set web Memory=21M
expect_fail "nor updated" 'in progress' alice update web Memory=21M
expect_fail "nor removed" 'in progress' shruthictl remove web
expect_output "its generation is being proven" ' proving ' shruthictl history web
expect_output "and compared with the one that it replaces" '^-Memory=19M$' alice diff web
check "a stop ends it" alice stop web
check_soon "at once" 60 background_ended update
expect_output "as the message says" 'stopped or restarted by somebody else.*it stays' cat /run/update.out
is "which is no success" 1 "$(cat /run/update.status)"
expect_output "the new settings stay" '^Memory=20M' shruthictl cat web
check "nothing is in progress any more" settled web
check "it starts again" alice start web

in_background gone as_user alice timeout -s KILL 2 shruthictl update web --probation=4s Memory=22M
check_soon "an update whose client is killed" 60 proving web
check_soon "ends" 60 background_ended gone
check_soon "goes on" 60 settled web
expect_output "to its end" '^Memory=22M' shruthictl cat web
expect_output "which is good" ' current ' sh -c 'shruthictl history --no-legend web | tail -n 1'

# --- As many as are to be kept; no more with the unikernel.

reload() { busctl call org.dream.Shruthi /org/dream/Shruthi org.dream.Shruthi.Manager Reload; }
configure KeepGenerations=3
check "shruthi.conf is read" reload
check "fewer are to be kept" shruthictl set web Memory=23M
is "so fewer are" 3 "$(numbers web | wc -w)"
check "files are nobody else's" sh -c "[ \"\$(stat -c '%a %U' $GENERATIONS/web $GENERATIONS/web/* | sort -u | xargs)\" = '640 shruthi 700 shruthi' ]"
rm /etc/shruthi/shruthi.conf
check "shruthi.conf is read again" reload
check "the unikernel is removed" alice remove --now web
check "and its generations with it" test ! -e $GENERATIONS/web
define fixed --tick=200
expect_fail "an administrator's is not updated" 'belongs to the administrator' shruthictl update fixed Memory=20M
rm /etc/shruthi/unikernels/fixed.unikernel

# --- shruthid is killed at any moment: the old or the new one runs.

alice create --now steady guest-plain.virtio --memory=16M -- --tick=200 >/dev/null
lost=0 misleading=0
for ((i = 1; i <= ${KILLS:-20}; i++)); do
        arguments="--tick=$((1000 + i))"
        probation=1s
        # Every other one fails as soon as its guest is up, which may take longer than that after its start.
        ((i % 2)) || { arguments+=" --exit=3"; probation=60s; }
        former=$(arguments steady)
        in_background killed alice update steady "--probation=$probation" "Arguments=$arguments"
        sleep "$((RANDOM % 2)).$((RANDOM % 10))"
        pid=$(unit_show shruthid MainPID)
        [ "$pid" = 0 ] || kill -KILL "$pid"
        wait_for 120 background_ended killed
        # Whatever its client has heard, it has been begun or not, and ends.
        wait_for 120 settled steady
        wait_for 60 running steady
        # A call that reaches a shruthid which is being killed has no answer.
        now=
        wait_for 60 eval 'now=$(arguments steady) && [ "$now" ]'
        if ! running steady || [ "$(started steady)" != "$now" ] ||
                { [ "$now" != "$arguments" ] && [ "$now" != "$former" ]; } || [[ $now == *exit* ]]; then
                diag "kill $i: $former -> $arguments: $now is in force, $(started steady) runs: $(cat /run/killed.out)"
                lost=$((lost + 1))
        fi
        if ! history_fits steady; then
                diag "kill $i: $(shruthictl history steady)"
                misleading=$((misleading + 1))
        fi
done
is "after each kill of shruthid the old or the new one runs as its definition says" 0 $lost
is "and its history says so, too" 0 $misleading
expect_output "both has happened" ' superseded ' shruthictl history steady
expect_output "and failures are known" ' failed ' shruthictl history steady

in_background last alice update steady --probation=8s -- --tick=77
check_soon "an update is being proven" 60 proving steady
kill -KILL "$(unit_show shruthid MainPID)"
check_soon "by the next shruthid, too" 60 sh -c 'journalctl -q -o cat -u shruthid | grep -q "steady. that was interrupted goes on"'
expect_fail "and other changes wait for it" 'in progress' alice set steady Memory=21M
check_soon "it runs" 60 runs steady --tick=77
kill -KILL "$(main_pid steady)"
check_soon "a runner that is killed is no failure" 60 settled steady
is "of the new one" --tick=77 "$(started steady)"
expect_output "which is proven" 'held for 8s' \
        journalctl -q -o cat MESSAGE_ID=6f0d6cf33e0e4d2b8a70d8a4a1d4b360 SHRUTHI_UNIKERNEL=steady

# --- It was killed after it had written the record, and before the definition.

last=$(numbers steady | awk '{ print $NF }')
qemu=$(qemu_pid steady)
systemctl stop shruthid
sed "s/^Number=.*/Number=$((last + 1))/; s/^State=.*/State=proving/; s/^Arguments=--tick=77\$/Arguments=--tick=78/" \
        "$GENERATIONS/steady/$last" | install -m 640 -o shruthi /dev/stdin "$GENERATIONS/steady/$((last + 1))"
printf 'PHASE=proving\nOLD=%s\nNEW=%s\nPROBATION=0\nOLD_STARTED=%s\nUSER=0\nBOOT=%s\nREASON=\n' \
        "$last" $((last + 1)) "$(sed -n 's/^started-at=//p' /run/shruthi/unikernels/steady/state)" \
        "$(tr -d - </proc/sys/kernel/random/boot_id)" |
        install -m 640 -o shruthi /dev/stdin $UPDATES/steady
check "shruthid is started again" shruthictl status steady
check_soon "the update ends" 60 settled steady
is "its generation has failed" failed "$(state_of steady $((last + 1)))"
expect_output "with the reason" "^$((last + 1)) .* failed .*its definition was not written" shruthictl history steady
is "the former one is in force" current "$(state_of steady "$last")"
is "with its text" --tick=77 "$(arguments steady)"
is "and its guest runs on" "$qemu" "$(qemu_pid steady)"

# --- At boot shruthid is started where one was interrupted.

printf 'PHASE=proving\nOLD=1\nNEW=2\nPROBATION=0\nOLD_STARTED=1\nUSER=0\nBOOT=another\nREASON=\n' |
        install -m 640 -o shruthi /dev/stdin $UPDATES/steady
systemctl daemon-reload
expect_output "the generator has it started" 'shruthid.service' systemctl show -P Wants unikernels.target
rm $UPDATES/steady
systemctl daemon-reload
is_none "and not else" "$(systemctl show -P Wants unikernels.target | grep -o shruthid.service)"

finish
