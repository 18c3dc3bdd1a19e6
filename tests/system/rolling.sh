#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# An update that no client notices: the new generation runs beside the former one before it takes its ports, and nobody
# who is killed meanwhile leaves clients without an answer, or a twin behind.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"
need python3

UPDATES=/var/lib/shruthi/updates
TWIN=/var/lib/shruthi/unikernels/web_next.unikernel
ADDRESS=198.51.100.1

alice() { as_user alice shruthictl --no-ask-password "$@"; }
outside() { ip netns exec outside "$@"; }
client() { outside python3 "$SRC/tests/client/load.py" "$ADDRESS" 8080 "$@"; }
# NAME: what was begun by in_background has said, with its status.
result() {
        wait_for 300 background_ended "$1"
        cat "/run/$1.out"
        return "$(cat "/run/$1.status")"
}
settled() { [ ! -e "$UPDATES/web" ]; }
phase_is() { grep -qx "PHASE=$1" "$UPDATES/web"; }
# Which status new connections get.
answers_with() { curl_status | grep -qx "$1"; }
curl_status() { printf 'GET / HTTP/1.0\r\n\r\n' | outside timeout 8 socat -t 4 - "TCP:$ADDRESS:8080,connect-timeout=3" | sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p'; }
status_of() { shruthictl cat "$1" | sed -n 's/^Arguments=.*--status=\([0-9]*\).*/\1/p'; }
# STATUS [OPTION…]: a rolling update to a generation that answers with that status.
update() { alice update web --rolling --probation=1s --drain=2s "${@:2}" -- '--ipv4={service.address}' --serve=80 "--status=$1"; }
no_twin() {
        [ ! -e "$TWIN" ] && ! pgrep -f guest=unikernel-web_next, && [ ! -e /run/shruthi/results/web_next ] &&
                ! shruthictl list | grep -q _next && ! systemctl list-units --all | grep -q web_next &&
                ! grep -rq web_next /var/lib/shruthi/leases /run/shruthi-antispoof/published
}

ip netns add outside
ip link add outside type veth peer name outside-peer netns outside
ip address add $ADDRESS/24 dev outside
ip link set outside up
ip -n outside link set lo up
ip -n outside link set outside-peer up
ip -n outside address add 198.51.100.2/24 dev outside-peer

cp "$GUESTS/guest.virtio" "$GUESTS/guest-disk.virtio" /home/alice
chmod a+r /home/alice/*
check "alice makes a network" alice network create hers
create() {
        alice create --now "$1" guest.virtio --memory=16M --network="service:network=hers,address=auto,$2" \
                --ready=tcp:service:80 -- '--ipv4={service.address}' --serve=80 --status=200
}
check "and a unikernel that publishes a port" create web publish=8080:80
check_soon "which answers" 30 answers_with 200

# --- Under load: three updates, of which one fails.

in_background load client load 10000 4 /root/stop-load
qemu=$(qemu_pid web)
expect_output "a rolling update holds" 'generation 2, which is proven' update 201
is "new connections get the new one" 201 "$(curl_status)"
is "as the unikernel's own definition says" 201 "$(status_of web)"
expect_fail "its guest is another" '' kill -0 "$qemu"
check_soon "nothing is left of its twin" 10 no_twin
qemu=$(qemu_pid web)
expect_fail "one that ends beside the former one fails" \
        'Generation 3 of unikernel .web. failed: exited with status 7; it had not taken the place of generation 2, which runs on' \
        alice update web --rolling --probation=20s -- '--ipv4={service.address}' --serve=80 --status=203 --exit-after=1 --exit=7
expect_output "its last lines were shown" 'solo5_exit\(7\)' printf '%s\n' "$output"
is "the former one was not touched" "$qemu" "$(qemu_pid web)"
is "and its definition is back" 201 "$(status_of web)"
check_soon "nothing is left of this twin either" 10 no_twin
expect_output "a third one holds" 'generation 4, which is proven' update 202
touch /root/stop-load
expect_output "not one of 10000 requests has failed" '^[0-9]{5,} requests, 0 failed, answered 200 201 202$' result load

# --- Seen, and left alone.

in_background slow alice update web --rolling --probation=600s --drain=0 -- '--ipv4={service.address}' --serve=80 --status=203 '--name={name}'
check_soon "a twin runs beside it" 60 running web_next
expect_output "list shows it" '^web_next .*running' shruthictl list
is "new connections do not go to it" 202 "$(curl_status)"
check_soon "its lines are in the log of the unikernel" 30 sh -c "shruthictl logs web | grep -q 'status=203'"
expect_output "it is called what the unikernel is" '[-]-name=web$' shruthictl arguments web_next
check "and has an address of its own" test "$(address_of web_next)" != "$(address_of web)"
expect_fail "it is not changed" "rolling update runs beside 'web'" alice set web_next Memory=20M
expect_fail "nor removed" "rolling update runs beside 'web'" alice remove web_next
expect_fail "nor restarted" "rolling update runs beside 'web'" alice restart web_next
expect_fail "nor updated" "rolling update runs beside 'web'" alice update web_next Memory=20M
expect_fail "the unikernel is not, either" 'An update of .web. is in progress' alice set web Memory=20M
expect_fail "another gets no such name" 'not a valid unikernel name' alice create other_next guest.virtio
check "the twin is stopped" alice stop web_next
expect_fail "so the update fails" 'Generation 5 .* runs on' result slow
check_soon "and nothing is left" 10 no_twin
in_background slow alice update web --rolling --probation=600s -- '--ipv4={service.address}' --serve=80 --status=203
check_soon "another twin runs" 60 running web_next
check "the unikernel itself is stopped" alice stop web
expect_fail "which ends the update" 'stopped or restarted by somebody else' result slow
check_soon "and its twin" 10 no_twin
check "it is started again" alice start web
check_soon "and answers" 30 answers_with 203

in_background slow alice update web --rolling --probation=600s -- '--ipv4={service.address}' --status=203
check_soon "a twin that never answers starts" 60 unit_is activating unikernel@web_next
check "the unikernel is stopped meanwhile" alice stop web
expect_fail "which ends this update, too" 'stopped or restarted by somebody else' result slow
expect_fail "and starts nothing again" '' running web
check_soon "nothing is left of its twin" 10 no_twin
check "it gets back what answers" alice update web -- '--ipv4={service.address}' --serve=80 --status=203
check "and started" alice start web
check_soon "it answers" 30 answers_with 203

# --- Connections that are open.

in_background held client hold /root/ask-held
check_soon "a client is connected" 30 grep -q connected /run/held.out
in_background slow update 204 --drain=60s
check_soon "new connections go to the twin" 60 answers_with 204
check "while the former one runs" running web
touch /root/ask-held
expect_output "and answers who was connected before" 'answered 203' result held
expect_output "the update goes on when that has ended" 'is proven' result slow
check_soon "and nothing is left" 10 no_twin
in_background held client hold /root/never
check_soon "another is connected" 30 grep -q connected /run/held.out
begun=$SECONDS
expect_output "one that does not end is waited for, for a while" 'is proven' update 205
check "and no longer" test $((SECONDS - begun)) -lt 90
touch /root/never
check_soon "that client ends" 60 background_ended held

# --- Whoever is killed.

in_background crashed update 206 --probation=8s
check_soon "a twin is proven" 60 running web_next
check "while the former one crashes" kill -KILL "$(qemu_pid web)"
expect_output "the update goes on, for the new one is good" 'is proven' result crashed
is "and answers" 206 "$(curl_status)"
check_soon "nothing is left of its twin" 10 no_twin

# PHASE: a fact of the update in progress.
in_phase() {
        case $1 in
        written) [ -e "$TWIN" ] ;;
        starting) unit_is activating unikernel@web_next || running web_next ;;
        proving) running web_next && phase_is trying ;;
        moved) [ -e /run/shruthi-antispoof/twins/web ] ;;
        restarting) phase_is proving && ! running web ;;
        restarted) phase_is proving && running web && [ "$(started web)" != "$before" ] ;;
        leaving) phase_is proving && [ ! -e /run/shruthi-antispoof/twins/web ] ;;
        esac
}
started() { sed -n 's/^Arguments=//p' "/run/shruthi/unikernels/$1/started"; }

rm -f /root/stop-load
in_background load client load 1000 2 /root/stop-load
status=210
for phase in written starting proving moved restarting restarted leaving; do
        status=$((status + 1))
        number=$status
        before=$(started web)
        in_background killed update "$number"
        check_soon "$phase: the update is there" 90 in_phase "$phase"
        kill -KILL "$(unit_show shruthid MainPID)"
        check_soon "$phase: it ends after shruthid was killed" 120 settled
        is "$phase: the new generation is in force" "$number" "$(status_of web)"
        check_soon "$phase: and answers" 20 answers_with "$number"
        check_soon "$phase: nothing is left" 30 no_twin
        status=$number
done
in_background killed update 230
check_soon "another is tried" 60 in_phase proving
kill -KILL "$(unit_show shruthi-antispoof MainPID)"
kill -KILL "$(unit_show shruthi-domain MainPID)"
expect_output "it holds although shruthi-antispoof and shruthi-domain were killed" 'is proven' result killed
touch /root/stop-load
expect_output "meanwhile no request has failed" ' 0 failed' result load

# --- Where nobody knows of the update any more.

in_background killed update 231
check_soon "one more is tried" 60 in_phase proving
kill -STOP "$(unit_show shruthid MainPID)"
rm $UPDATES/web
kill -KILL "$(unit_show shruthid MainPID)"
check "the next shruthid finds no record of it" wait_for 60 shruthictl status web
check_soon "its twin is gone" 60 no_twin
check "while the unikernel runs" running web

# --- Its keys are the twin's, too.

check "alice makes one with a device for keys" alice create sealed guest-disk.virtio --memory=16M --credentials=storage \
        --network=service:network=hers,address=auto,publish=8086:80 -- '--ipv4={service.address}' --serve=80 --storage-keys
check "and sets one" sh -c 'echo secret | runuser -u alice -- shruthictl credential set sealed token'
check "and starts it" alice start sealed
expect_output "it is updated" 'is proven' alice update sealed --rolling --probation=0 --drain=0 Memory=17M
expect_output "its twin had the key" 'token' journalctl --quiet --output=cat _SYSTEMD_UNIT=unikernel@sealed_next.service
expect_fail "nothing more is sealed" '' ls /etc/credstore.encrypted/shruthi.sealed_next
check "it is removed again" alice remove sealed --now

# --- What cannot be.

expect_fail "one that does not run is refused" 'not running' sh -c '
        runuser -u alice -- shruthictl stop web
        runuser -u alice -- shruthictl update web --rolling Memory=17M'
check "it is started" alice start web
expect_fail "a given MAC address is refused" 'MACAddress=' \
        alice update web --rolling --network=service:network=hers,address=auto,publish=8080:80,mac=02:00:00:00:00:77
expect_fail "no port" 'publishes no port' alice update web --rolling --network=service:network=hers,address=auto
check "one with a volume" alice create --now store guest-disk.virtio --memory=16M --volume=storage:size=1M \
        --network=service:network=hers,address=auto,publish=8085:80 -- '--ipv4={service.address}' --serve=80
expect_fail "a volume that is written" "same volume .'storage'." alice update store --rolling Memory=17M
expect_fail "a time without one" 'for an update with --rolling' alice update web --drain=3s Memory=17M
expect_fail "one without an end" 'too long' alice update web --rolling --drain=2d Memory=17M
expect_fail "nor is there one on the bus" 'DrainUSec is for a rolling update' runuser -u alice -- busctl --timeout=60 -- \
        call org.dream.Shruthi /org/dream/Shruthi/unikernel/web org.dream.Shruthi.Unikernel Update 'a{sv}a{sv}' \
        0 1 DrainUSec t 3000000
configure MemoryMaxPerUser=120M
systemctl reload-or-restart shruthid
expect_fail "more than its owner may have" "twice for a while: .*MemoryMaxPerUser=" alice update web --rolling Memory=17M

finish
