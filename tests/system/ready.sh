#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# A start is done when the guest is ready, not before, for whoever waits for it; one that is not ready in time fails
# and says why, whatever is killed meanwhile.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

# NAME: the number of its last tick, 0 before the first.
ticks() { last_number "$1" tick | grep . || echo 0; }
# NAME: it runs, and its start is not done yet.
waiting() { unit_is activating "$(unit "$1")" && grep -q '^started=yes$' "/run/shruthi/unikernels/$1/state"; }
state_of() { busctl get-property org.dream.Shruthi "/org/dream/Shruthi/unikernel/$1" org.dream.Shruthi.Unikernel State; }

# --- By its console.

define ticks "--tick=200" "Ready=console:^tick 0*10\$"
in_background start systemctl start unikernel@ticks
check_soon "a guest that is not ready yet runs" 60 waiting ticks
expect_output "its unit says what is waited for" 'Waiting until the guest is ready: .*console:\^tick' \
        unit_show unikernel@ticks StatusText
is "the bus says that it is starting" 's "starting"' "$(state_of ticks)"
check "its start is not done" test ! -s /run/start.status
check_soon "it is when the line has come" 60 background_ended start
is "well" 0 "$(cat /run/start.status)"
check "not before" counted_to ticks tick 10
check "the unit is active" running ticks
check "the journal says that the guest is ready" said ticks '^The guest is ready$'
is "and so does the bus" 's "running"' "$(state_of ticks)"
expect_output "journalctl -x explains" 'ordered after it begin' \
        journalctl -q -x --no-pager SYSLOG_IDENTIFIER=shruthi-run SHRUTHI_UNIKERNEL=ticks

# --- Whoever waits for the unit waits for that.

cat >/run/systemd/system/after.service <<'EOF'
[Unit]
Requires=unikernel@first.service
After=unikernel@first.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'journalctl --sync; journalctl -q -o cat -u unikernel@first SYSLOG_IDENTIFIER=first >/run/after.seen'
EOF
systemctl daemon-reload
define first "--tick=200" "Ready=console:^tick 0*5\$"
check "a unit that is ordered after one starts" systemctl start after.service
expect_output "when that is ready" '^tick 0*5$' cat /run/after.seen

# --- Several checks, which may hold in any order, and before the guest is known to run.

define several "--say=one --tick=200" "Ready=started" "Ready=console:^tick 0*4\$" "Ready=console:^one"
check "all checks must hold" systemctl start unikernel@several
check "also the last" counted_to several tick 4
define early "--say=early" "Ready=console:^early"
check "a line counts that comes at once" systemctl start unikernel@early
check "it runs on" running early

# --- Not in time.

define late "--say=first --say=last+words" "Ready=console:^never\$" ReadyTimeoutSec=2s
expect_fail "one that is not ready in time fails its start" 'failed' systemctl start unikernel@late
is "its result says so" not-ready "$(outcome late RESULT)"
is "its exit status too" 69 "$(unit_show unikernel@late ExecMainStatus)"
expect_output "the check is named" 'not ready within 2s .*console:\^never' outcome late REASON
expect_output "and so are its last lines" "'last words'" outcome late REASON
check "the guest is gone" no_domain late
check_soon "nothing is left of it" 60 is_swept late
expect_output "the journal explains" 'ReadyTimeoutSec=5min' \
        journalctl -q -x --no-pager SYSLOG_IDENTIFIER=shruthi-run SHRUTHI_UNIKERNEL=late
expect_fail "shruthictl says it to who asks for the start" "not ready within 2s .*'last words'" shruthictl start late
expect_output "status names it" 'not-ready|not ready' sh -c 'shruthictl status late || [ $? = 3 ]'
define silent "--silent" "Ready=console:." ReadyTimeoutSec=1s
are_read silent
expect_fail "so does one that prints nothing" 'it has printed nothing' shruthictl start silent

printf '[Service]\nTimeoutStartSec=3s\n' |
        install -D -m 644 /dev/stdin /run/systemd/system/unikernel@slow.service.d/short.conf
systemctl daemon-reload
define slow "--tick=500" "Ready=console:^tick 0*12\$" ReadyTimeoutSec=infinity
check "no time of the unit ends the wait" systemctl start unikernel@slow

# --- Ends before.

define fails "--exit-after=1 --exit=7" "Ready=console:never"
expect_fail "one that fails before it is ready" 'failed' systemctl start unikernel@fails
is "fails with its own result" exit-status "$(outcome fails RESULT)"
is "and its own status" 7 "$(unit_show unikernel@fails ExecMainStatus)"
define exits "--exit-after=1 --exit=0" "Ready=console:never"
are_read exits
expect_fail "one that exits well before it is ready" 'ended before it was ready: exited with status 0' \
        shruthictl start exits
is "is not ready" not-ready "$(outcome exits RESULT)"
define stopped "--tick=200" "Ready=console:never"
in_background start systemctl start unikernel@stopped
check_soon "one waits" 60 waiting stopped
check "and is stopped meanwhile" systemctl stop unikernel@stopped
is "which is no failure of it" stopped "$(outcome stopped RESULT)"
check "its unit is inactive" unit_is inactive unikernel@stopped

define again "--tick=200" "Ready=console:never" ReadyTimeoutSec=1s Restart=on-failure
systemctl daemon-reload
systemctl start unikernel@again 2>/dev/null
check_soon "Restart=on-failure tries again" 60 sh -c '[ "$(systemctl show -P NRestarts unikernel@again)" -ge 1 ]'
systemctl stop unikernel@again

# --- Whoever is killed.

define killed "--tick=200" "Ready=console:^tick 0*3\$" "Ready=console:^tick 0*30\$"
in_background start systemctl start unikernel@killed
check_soon "one waits whose runner will be killed" 60 waiting killed
check_soon "after one of its checks has held" 60 grep -q '^ready-held=1$' /run/shruthi/unikernels/killed/state
qemu=$(qemu_pid killed)
kill -KILL "$(main_pid killed)"
check_soon "the next runner goes on waiting" 60 said killed 'Adopted the running guest'
is "on the bus it is starting all the time" 's "starting"' "$(state_of killed)"
check_soon "and it becomes ready by the rest" 60 running killed
is "it is the same guest" "$qemu" "$(qemu_pid killed)"
check "all checks have held" counted_to killed tick 30
kill -KILL "$(main_pid killed)"
check_soon "one that was ready is ready at once after that" 20 \
        sh -c '[ "$(journalctl -q -o cat -u unikernel@killed SYSLOG_IDENTIFIER=shruthi-run | grep -c Adopted)" = 2 ]'
check_soon "its unit is active" 20 running killed
is "it is the same guest still" "$qemu" "$(qemu_pid killed)"

define due "--tick=200" "Ready=console:never" ReadyTimeoutSec=6s
begun=$SECONDS
in_background start systemctl start unikernel@due
check_soon "another waits" 60 waiting due
sleep 2
kill -KILL "$(main_pid due)"
check_soon "the time goes on for the next runner" 60 unit_is failed unikernel@due
is "and ends it" not-ready "$(outcome due RESULT)"
check "at the time of the first" test $((SECONDS - begun)) -le 15

# --- Over the network.

# NAME LAST-OCTET ARGUMENTS [LINE…]: with that address on virbr0.
define_on_network() {
        define "$1" "--ipv4=192.168.122.$2/24 $3" Image=guest.virtio "${@:4}" "" "[Network service]" Network=default \
                "Address=192.168.122.$2/24"
}
probe_pid() { unit_show shruthi-probe.service MainPID | grep -v '^0$'; }

define_on_network served 61 "--serve=80 --deaf-until=3" Ready=tcp:service:80 Ready=http:service:80/healthz \
        Ready=ping:service
in_background start systemctl start unikernel@served
check_soon "a guest that does not answer yet is waited for" 60 waiting served
check_soon "its unit says who does not answer" 20 \
        sh -c 'systemctl show -P StatusText unikernel@served | grep -E "tcp:service:80: no(body| answer).* 192.168.122.61"'
check "who probes has no right left" grep -qx 'CapEff:[[:space:]]*0000000000000000' "/proc/$(probe_pid)/status"
check "and is not root" test "$(stat -c %u "/proc/$(probe_pid)")" != 0
check_soon "it is ready when it answers" 60 background_ended start
is "well" 0 "$(cat /run/start.status)"
is "by all of its checks" ready-held=7 "$(grep ready-held /run/shruthi/unikernels/served/state)"
for status in 204 301; do
        define_on_network "http$status" $((100 + status % 100)) "--serve=80 --status=$status" Ready=http:service:80/
        check "a status of $status is an answer" systemctl start "unikernel@http$status"
        systemctl stop "unikernel@http$status"
done
define_on_network sad 62 "--serve=80 --status=503" Ready=http:service:80/ ReadyTimeoutSec=3s
expect_fail "one of 503 is none" '192.168.122.62:80 answers with status 503' shruthictl start sad
define_on_network closed 66 "--serve=80" Ready=tcp:service:81 ReadyTimeoutSec=3s
expect_fail "a port that is closed is named" 'tcp:service:81: connection refused by 192.168.122.66:81' \
        shruthictl start closed
define_on_network mute 67 "--deaf-from=1" Ready=ping:service "Ready=console:never" ReadyTimeoutSec=3s
expect_fail "a check that has held need not go on to" ': no line of its console matches' shruthictl start mute

sysctl -qw net.ipv6.conf.virbr0.disable_ipv6=0
ip -6 address add fd77::1/64 dev virbr0 nodad
define six "--ipv6=fd77::2/64" Image=guest.virtio Ready=ping:service "" "[Network service]" Network=default \
        Address=fd77::2/64
check "so does a guest with IPv6 alone" systemctl start unikernel@six
systemctl stop unikernel@six
ip link add brnone type bridge
ip link set brnone up
printf '[Bridge brnone]\nSubnet=10.77.0.0/24\n' >/etc/shruthi/shruthi.conf.d/brnone.conf
define apart "--ipv4=10.77.0.2/24" Image=guest.virtio Ready=tcp:service:80 ReadyTimeoutSec=2s "" "[Network service]" \
        Bridge=brnone Address=10.77.0.2/24
expect_fail "one on a bridge where the host has no address is asked there" 'tcp:service:80: .*10\.77\.0\.2:80' \
        shruthictl start apart
rm /etc/shruthi/shruthi.conf.d/brnone.conf

define_on_network patient 63 "--serve=80 --deaf-until=6" Ready=tcp:service:80
in_background start systemctl start unikernel@patient
check_soon "another waits" 60 waiting patient
wait_for 20 probe_pid
kill -KILL "$(probe_pid)"
check_soon "whose probes are killed, and come back" 20 probe_pid
check_soon "it is ready by them" 60 running patient
systemctl stop unikernel@patient
in_background start systemctl start unikernel@patient
check_soon "it waits again" 60 waiting patient
kill -KILL "$(main_pid patient)"
check_soon "and is ready by the next runner" 60 running patient

check "a network without a way out is made" shruthictl network create inner --isolated --subnet=10.78.0.0/24 \
        --ipv6-subnet=fd78::/64
define inside "--ipv4={service.address} --serve=80" Image=guest.virtio Ready=http:service:80/ Healthy=ping:service \
        HealthyIntervalSec=1s "" "[Network service]" Network=inner Address=auto
are_read inside
check "a guest on it is probed too" shruthictl start inside
check_soon "and is healthy" 20 sh -c 'shruthictl list --json=short inside | grep -q "\"Health\":\"healthy\""'
check "it can be stopped" shruthictl stop inside

systemctl stop shruthi-probe.socket shruthi-probe.service
define_on_network alone 64 "--serve=80" Ready=tcp:service:80 ReadyTimeoutSec=3s
expect_fail "where nobody probes the reason says so" 'shruthi-probe.service does not answer' shruthictl start alone
expect_output "and doctor does" '^warning +probes' sh -c 'shruthictl doctor; :'
systemctl start shruthi-probe.socket
check "then it starts" shruthictl start alone
check_soon "who has nothing to probe ends" 60 unit_is inactive shruthi-probe.service
expect_fail "users cannot ask" 'denied' as_user alice python3 -c '
import socket
socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect("/run/shruthi/probes")'

define wrong "" Image=guest.virtio Ready=tcp:back:80 "" "[Network service]" Network=default
are_read wrong
expect_fail "a device that is not there is refused" 'no section \[Network back\]; known: service' shruthictl start wrong
define wrong "" Image=guest.virtio Ready=tcp:service:80 "" "[Network service]" Network=default
expect_fail "so is one without an address" 'Address=auto' shruthictl start wrong

# --- Health.

health_of() { busctl get-property org.dream.Shruthi "/org/dream/Shruthi/unikernel/$1" org.dream.Shruthi.Unikernel Health; }
# NAME WORD
health_is() { [ "$(health_of "$1")" = "s \"$2\"" ]; }

define_on_network well 65 "--serve=80 --tick=300 --deaf-from=15" Ready=tcp:service:80 Healthy=tcp:service:80 \
        Watchdog=console HealthyIntervalSec=1s HealthyRetries=4 Restart=on-failure
systemctl daemon-reload
check "one whose health is checked starts" systemctl start unikernel@well
check_soon "it is healthy" 20 health_is well healthy
expect_output "its unit says so" 'The guest runs.* and is healthy' unit_show unikernel@well StatusText
expect_output "and status" 'Health: healthy' shruthictl status well
kill -KILL "$(probe_pid)"
check_soon "the probes are killed and come back" 20 probe_pid
kill -KILL "$(main_pid well)"
check_soon "so does the runner" 20 said well 'Adopted the running guest'
check_soon "it is healthy by the next one" 20 health_is well healthy
is_none "by none of this a check has failed" "$(journalctl -q -o cat -u unikernel@well | grep 'fails a check')"
check_soon "when it answers no more it fails" 60 health_is well failing
check "as the journal says" said well 'fails a check of its health, tcp:service:80: no'
check_soon "then it is unhealthy" 60 said well 'became unhealthy: tcp:service:80: .*192.168.122.65:80.* of 4 times'
check_soon "as its result says" 20 grep -qx RESULT=unhealthy /run/shruthi/results/well
check_soon "and Restart= brings it back" 60 sh -c '[ "$(systemctl show -P NRestarts unikernel@well)" -ge 1 ]'
check_soon "in health" 60 health_is well healthy
systemctl stop unikernel@well
is "stopped, it has none" 's ""' "$(health_of well)"
define silenced "--say=once" Watchdog=console HealthyIntervalSec=1s HealthyRetries=2
systemctl start unikernel@silenced
check_soon "one that prints nothing any more fails" 30 unit_is failed unikernel@silenced
is "as unhealthy" unhealthy "$(outcome silenced RESULT)"
is "with the status for that" 68 "$(unit_show unikernel@silenced ExecMainStatus)"
expect_output "its watchdog is named" 'Watchdog=console: no line on its console for 1s' outcome silenced REASON
expect_output "journalctl -x explains" 'restart=on-failure' \
        journalctl -q -x --no-pager SYSLOG_IDENTIFIER=shruthi-run SHRUTHI_UNIKERNEL=silenced
define watched "--tick=200" Watchdog=console HealthyIntervalSec=1s HealthyRetries=1
systemctl start unikernel@watched
virsh --quiet suspend unikernel-watched
sleep 4
check "a guest that is paused is not judged" virsh --quiet resume unikernel-watched
check_soon "it is healthy after that" 20 health_is watched healthy
check "and runs" running watched

# --- Through the bus, and the limits of what is taken.

cp "$GUESTS/guest-plain.virtio" /home/alice
check "alice creates one with checks" as_user alice shruthictl create --now --ready=started \
        --ready='console:^tick 0*2$' --ready-timeout=30s mine guest-plain.virtio -- --tick=200
expect_output "they stand in its definition" '^Ready=console:\^tick 0\*2\$$' shruthictl cat mine
expect_output "and in its details" 'console:' as_user alice shruthictl show -p Ready mine
check "changed, they are all new" as_user alice shruthictl set mine Ready='console:^a b$' ReadyTimeoutSec=1min
is "one is left" 1 "$(shruthictl cat mine | grep -c '^Ready=')"
expect_output "the next start is another" 'NeedsRestart.*true|b true' \
        busctl get-property org.dream.Shruthi /org/dream/Shruthi/unikernel/mine org.dream.Shruthi.Unikernel NeedsRestart
check "none are left when they are taken back" as_user alice shruthictl set mine Ready=
is_none "as the definition says" "$(shruthictl cat mine | grep '^Ready=')"
expect_fail "what is no check is refused" 'Ready.*soon.*write started, console' as_user alice shruthictl set mine Ready=soon
expect_fail "so is a pattern that is none" 'at char' as_user alice shruthictl set mine 'Ready=console:a('
expect_fail "and a time that is none" 'ReadyTimeoutSec.*later.*such as 30s' as_user alice shruthictl set mine ReadyTimeoutSec=later

# --- One that waits keeps no other from starting.

for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
        define "wait$i" "--tick=1000" "Ready=console:never" ReadyTimeoutSec=40s
done
are_read wait{1..12}
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do in_background "wait$i" shruthictl start "wait$i"; done
check_soon "many wait" 120 sh -c '[ "$(systemctl list-units --state=activating --no-legend "unikernel@wait*" | wc -l)" = 12 ]'
define free "--tick=200"
are_read free
begun=$SECONDS
check "another starts meanwhile" timeout 30 shruthictl start free
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do systemctl stop "unikernel@wait$i" & done
wait

finish
