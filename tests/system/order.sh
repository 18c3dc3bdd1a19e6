#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# Order: what each dependency does when the other unikernel fails or is restarted (the table in
# shruthi.unikernel(5)), who may name what, that systemd learns it once and loops are refused.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

invocation() { unit_show "$(unit "$1")" InvocationID; }
up_again() { running "$1" && [ "$(invocation "$1")" != "$2" ]; }

# --- The table. All depend on a, and start after it.

dependents=(requires binds parts wants)
declare -A key=([requires]=Requires [binds]=BindsTo [parts]=PartOf [wants]=Wants) before
for name in "${dependents[@]}"; do define "$name" --tick=500 "${key[$name]}=a" After=a; done

# COMMAND: what a does before each start. LINE…: what its definition has besides.
prepare() {
        systemctl stop "$(unit a)" "${dependents[@]/#/unikernel@}" 2>/dev/null
        define a --tick=500 "${@:2}"
        mkdir -p /run/systemd/system/unikernel@a.service.d
        printf '[Service]\nExecStartPre=+/bin/sh -c "%s"\n' "$1" >/run/systemd/system/unikernel@a.service.d/test.conf
        rm -f /run/failed-once
        systemctl daemon-reload
        systemctl reset-failed 'unikernel@*'
}

# DESC: all of them, of which it is kept which runs they are.
start_all() {
        local name
        check "$1" systemctl start "$(unit a)" "${dependents[@]/#/unikernel@}"
        for name in a "${dependents[@]}"; do before[$name]=$(invocation "$name"); done
}

# DESC NAME: it has not been touched.
untouched() { check "$1" running "$2" && is "… and has run all the time" "${before[$2]}" "$(invocation "$2")"; }
# DESC NAME: it has been restarted.
restarted() { check_soon "$1" 60 up_again "$2" "${before[$2]}"; }
# DESC NAME: it has been stopped, and stays so.
stopped() { check_soon "$1" 60 unit_is inactive "$(unit "$2")"; }

prepare true
start_all "all start in order"
for name in "${dependents[@]}"; do
        check "$name was started after a was ready" test "$(unit_show "$(unit "$name")" ExecMainStartTimestampMonotonic)" -ge \
                "$(unit_show "$(unit a)" ActiveEnterTimestampMonotonic)"
done
kill -KILL "$(qemu_pid a)"
check_soon "a fails while it runs, and stays down" 60 unit_is failed "$(unit a)"
stopped "… BindsTo= stops" binds
untouched "… Requires= runs on" requires
untouched "… PartOf= runs on" parts
untouched "… Wants= runs on" wants

prepare true Restart=on-failure RestartSec=2s
start_all "all start again"
kill -KILL "$(qemu_pid a)"
restarted "a fails while it runs, and Restart= starts it again" a
restarted "… Requires= restarts with it" requires
restarted "… PartOf= restarts with it" parts
untouched "… Wants= runs on" wants
stopped "… BindsTo= stops" binds
is "… and stays down" inactive "$(unit_show "$(unit binds)" ActiveState)"

prepare 'exit 1'
expect_fail "a fails at its first start: Requires= fails" 'failed' systemctl start "$(unit requires)"
is "… by the dependency" dependency "$(outcome requires RESULT)"
expect_output "… and status says for what" "it requires 'a', which has failed" \
        bash -c 'shruthictl status requires || [ $? = 3 ]'
expect_fail "… BindsTo= fails" '[Dd]ependency' systemctl start "$(unit binds)"
check "… Wants= starts" systemctl start "$(unit wants)"
expect_fail "a start through the bus says for what, too" "it requires 'a', which has failed" shruthictl start requires
is "Restart= does not try it again and again" 0 "$(unit_show "$(unit requires)" NRestarts)"

prepare 'test -e /run/failed-once || { touch /run/failed-once; exit 1; }' Restart=on-failure RestartSec=4s
systemctl start --no-block "$(unit requires)" "$(unit binds)" "$(unit wants)"
check_soon "a fails at its first start, and Restart= starts it again: Requires= waits" 60 \
        bash -c "systemctl show -P StatusText unikernel@requires | grep -qF \"Waiting for unikernel 'a'\""
check_soon "… Wants= starts" 60 running wants
is "… BindsTo= stays down" inactive "$(unit_show "$(unit binds)" ActiveState)"
check_soon "… a comes up" 60 running a
check_soon "… and so does Requires=" 60 running requires
check "… after it" test "$(unit_show "$(unit requires)" ActiveEnterTimestampMonotonic)" -ge \
        "$(unit_show "$(unit a)" ActiveEnterTimestampMonotonic)"
is "… BindsTo= does not" inactive "$(unit_show "$(unit binds)" ActiveState)"

prepare 'test -e /run/failed-once || { touch /run/failed-once; exit 1; }' Restart=on-failure RestartSec=1h
systemctl start --no-block "$(unit requires)"
check_soon "one that waits" 60 bash -c "systemctl show -P StatusText unikernel@requires | grep -qF 'Waiting'"
check "… can be stopped" timeout 60 systemctl stop "$(unit requires)"
is "… and has not failed then" inactive "$(unit_show "$(unit requires)" ActiveState)"

prepare true
start_all "all start once more"
check "a is restarted by hand" systemctl restart "$(unit a)"
restarted "… Requires= restarts" requires
restarted "… BindsTo= restarts" binds
restarted "… PartOf= restarts" parts
untouched "… Wants= runs on" wants
check "a is stopped by hand" systemctl stop "$(unit a)"
for name in requires binds parts; do stopped "… ${key[$name]}= stops" "$name"; done
untouched "… Wants= runs on" wants

prepare true Restart=on-failure RestartSec=1s Upholds=binds
start_all "all start, and a upholds one"
kill -KILL "$(qemu_pid a)"
restarted "a comes back" a
check_soon "… and what it upholds, too" 60 up_again binds "${before[binds]}"
systemctl stop "$(unit a)" "${dependents[@]/#/unikernel@}"

define one --tick=500 Conflicts=other
define other --tick=500
define mourner --tick=500
define fails --exit=7 OnFailure=mourner
systemctl daemon-reload
check "one that conflicts with another starts" systemctl start "$(unit one)"
check "… and so does the other" systemctl start "$(unit other)"
check_soon "… which stops the first" 60 unit_is inactive "$(unit one)"
systemctl start "$(unit fails)"
check_soon "what is named in OnFailure= starts when it fails" 60 running mourner
systemctl stop "$(unit other)" "$(unit mourner)"

# --- At boot, by unikernels.target.

define late --tick=500 Autostart=yes Requires=early After=early
define early --tick=500
systemctl daemon-reload
check "unikernels.target starts what starts at boot" systemctl restart unikernels.target
check_soon "… with what it requires" 60 running late
check "… in order" test "$(unit_show "$(unit late)" ExecMainStartTimestampMonotonic)" -ge \
        "$(unit_show "$(unit early)" ActiveEnterTimestampMonotonic)"
systemctl stop "$(unit early)"
rm -f "$DEFINITIONS"/*.unikernel /run/systemd/system/unikernel@a.service.d/test.conf
systemctl daemon-reload

# --- Who may name what.

cp "$GUESTS/guest-plain.virtio" /home/alice
cp "$GUESTS/guest-plain.virtio" /home/bob
configure 'AllowedDependencies=backup-*.timer'
systemctl restart shruthid
create() { as_user "$1" shruthictl create "$2" guest-plain.virtio --memory=16M "${@:3}" -- --tick=500; }
set_by() { as_user "$1" shruthictl set "${@:2}"; }
check "alice creates one" create alice db
check "bob creates one" create bob his
n=$(reloads)
check "alice creates one that needs the first" create alice web --requires=db --after=db --restart=on-failure --restart-sec=5s
is "… which is one reload" $((n + 1)) "$(reloads)"
expect_output "systemd knows it" 'unikernel@db.service' systemctl show -p After --value "$(unit web)"
is "… with the time" 5s "$(unit_show "$(unit web)" RestartUSec)"
check "she starts it" as_user alice shruthictl start web
check "… which starts the other" running db
check "she restarts the first" as_user alice shruthictl restart db
check_soon "… and both run" 60 running web
is "… without a reload" $((n + 1)) "$(reloads)"
check "she sets the same again" set_by alice web After=db
is "… without a reload" $((n + 1)) "$(reloads)"
check "she names what the administrator allows" set_by alice web Wants=backup-db.timer
for key in Requires Wants BindsTo After Before Conflicts PartOf Upholds OnFailure; do
        expect_fail "$key=: she cannot name bob's" "$key=his: there is no unikernel" set_by alice web "$key=his"
        expect_fail "$key=: nor one that is not there" "$key=ghost: there is no unikernel" set_by alice web "$key=ghost"
        expect_fail "$key=: nor a unit of the host's" "$key=shruthid.service: only an administrator" \
                set_by alice web "$key=shruthid.service"
        expect_fail "$key=: nor the systemd's own" "$key=reboot.target: only an administrator" \
                set_by alice web "$key=reboot.target"
done
for key in Before Conflicts Upholds; do
        expect_fail "$key=: what is allowed does not count for it" "$key=backup-db.timer: only an administrator" \
                set_by alice web "$key=backup-db.timer"
done
check "root names any unit" shruthictl set web 'Wants=backup-db.timer cron.service' 'OnFailure=his'
check "she can change all else then" set_by alice web CPUs=1
check "… and take it away" set_by alice web OnFailure=
expect_fail "… but not put it back" 'OnFailure=his: there is no' set_by alice web OnFailure=his
expect_fail "a whole definition is no way around it" 'Conflicts=reboot.target: only an administrator' as_user alice \
        bash -c 'shruthictl cat web | sed "s/^\[Unikernel\]/&\nConflicts=reboot.target/" >/tmp/web.new &&
                EDITOR="cp /tmp/web.new" shruthictl edit web </dev/null'
expect_fail "she has no more than a start a second" 'more than 1 a second' \
        set_by alice web StartLimitIntervalSec=1s StartLimitBurst=50
check "alice's web names one more of hers" create alice cache
check "… and after it" set_by alice web After='db cache'
check "she removes it" as_user alice shruthictl remove cache
expect_fail "bob cannot take its name" "'web' of another user names 'cache' in After=" create bob cache
check "but she can" create alice cache

# --- A start that waits for another holds up nobody else's.

check "alice has one that is never ready" create alice never --ready=console:never --ready-timeout=infinity
for i in {1..8}; do
        check "… and $i that wait for it" create alice "waits$i" --requires=never --after=never
done
check "she starts them" as_user alice shruthictl start --no-block waits{1..8}
check_soon "the one is on its way" 60 unit_is activating "$(unit never)"
check "bob's is started meanwhile" as_user bob timeout 60 shruthictl start his
is "theirs wait still" activating "$(unit_show "$(unit never)" ActiveState)"
check "all of them can be stopped" as_user alice timeout 120 shruthictl stop never waits{1..8}
check "and removed" as_user alice shruthictl remove never waits{1..8}

# --- What is refused, with the value.

for value in ../x 'a%n.service' getty@.service 'a/b' 'x.servicee' "$(printf 'a\tb%%')"; do
        expect_fail "refused: $value" 'is neither the name of a unikernel' set_by alice web "Wants=$value"
done
expect_fail "a line of its own is refused" 'control character' set_by alice web $'Wants=db\nConflicts=reboot.target'
expect_fail "10000 names are refused" "more than the 64 " set_by alice web "Wants=$(seq -f 'n%.0f' -s ' ' 10000)"
expect_fail "itself is refused" 'a unikernel cannot name itself' set_by alice web After=web
expect_fail "a wait that is none is refused" 'RestartSec=soon: not a time' set_by alice web RestartSec=soon
expect_fail "a loop is refused, and named" 'db → web → db' set_by alice db After=web
check "… the order is taken away" set_by alice web After=cache
check "… and set anew" set_by alice cache After=db
expect_fail "… also over three" 'db → web → cache → db' set_by alice db After=web
if [ "$(systemctl --version | sed -n 's/^systemd \([0-9]*\).*/\1/p')" -ge 254 ]; then
        check "steps are set" set_by alice web RestartSteps=3 RestartMaxDelaySec=1min
        is "… and known" 3 "$(unit_show "$(unit web)" RestartSteps)"
else
        check "steps can be set" set_by alice web RestartSteps=3 RestartMaxDelaySec=1min
        journalctl --sync
        check "… and it is logged that they are without effect" bash -c \
                "journalctl -q -b SHRUTHI_UNIKERNEL=web | grep -q 'RestartSteps= and RestartMaxDelaySec=.*without effect'"
fi
is_none "systemd has nothing to remark" "$(remarks unikernel@)"

# --- By hand: told, not refused.

define x --tick=500 After=y
define y --tick=500 After=x
systemctl daemon-reload
mkdir /tmp/units
expect_output "a loop by hand is told" 'make a loop.*: x → y → x' env SYSTEMD_LOG_TARGET=console \
        /usr/lib/systemd/system-generators/shruthi-generator /tmp/units
expect_output "… and by doctor" 'order: .*: (x → y → x|y → x → y)' bash -c 'shruthictl doctor || :'
if [ "$(systemctl --version | sed -n 's/^systemd \([0-9]*\).*/\1/p')" -lt 254 ]; then
        expect_output "… as are steps that are not known" 'restart-steps: .*without effect' bash -c 'shruthictl doctor || :'
fi

finish
