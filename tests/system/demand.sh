#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unikernels that traffic starts: what comes to their ports while they are stopped is held until they are ready, then
# answered; and those that are idle are stopped, with nothing lost meanwhile. $BOOTS says how often one is woken while
# ten times as many clients come at random moments.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"
# shellcheck source=tests/system/outside.bash
. "$(dirname "$0")/outside.bash"
need socat python3
BOOTS=${BOOTS:-8}
# A whole machine has processes, which start in no time where virtual machines are emulated, and a kernel with a queue of
# nftables' own; DEMAND_PART=kernel ends with what depends on the kernel (tests/machine/demand.sh).
image=${DEMAND_IMAGE:-guest.virtio}

# NAME ARGUMENTS LINE…: a guest with both addresses on network web; the lines are of [Unikernel], and what begins with
# Publish= is of [Network].
define_waiting() {
        local name=$1 arguments=$2 line lines=() ports=()
        shift 2
        for line in "$@"; do
                case $line in
                Publish=*) ports+=("$line") ;;
                *) lines+=("$line") ;;
                esac
        done
        define "$name" "--ipv4={service.address} --ipv6={service.address6} $arguments" "Image=$image" \
                Activation=traffic "${lines[@]}" "" "[Network service]" Network=web Address=auto "${ports[@]}"
}
# WHO ADDRESS PORT: what the guest answers, also after a start of some seconds.
get() {
        printf 'GET / HTTP/1.0\r\n\r\n' |
                in_net "$1" timeout $((60 * SLOWNESS)) socat -t $((20 * SLOWNESS)) - \
                "TCP:$(quoted "$2"):$3,connect-timeout=$((40 * SLOWNESS))"
}
# WHO …: see there.
knock() { in_net "$1" "$SRC/tests/client/knock.py" "${@:2}"; }
stopped() { unit_is inactive "$(unit "$1")"; }
starting() { unit_is activating "$(unit "$1")"; }
# NAME: what comes there is held.
held() {
        local address
        address=$(address_of "$1")
        [ "$address" ] && grep -qwF "$address" <<<"$(nft list set ip shruthi_demand held)"
}
not_held() { ! held "$@"; }
# ADDRESS PORT: it is published.
published() { grep -qE "\b$1 :" <<<"$(nft list map inet shruthi_publish tcp4)"; }
not_published() { ! published "$@" 2>/dev/null; }
# NAME: how often traffic has started it.
starts() {
        journalctl --sync
        journalctl --quiet --output=cat --unit=shruthi-demand.service SHRUTHI_UNIKERNEL="$1" |
                grep -cF 'is started: there is traffic' || :
}
# NAME REGEX
told() {
        journalctl --sync
        journalctl --quiet --output=cat --unit=shruthi-demand.service SHRUTHI_UNIKERNEL="$1" | grep -qE -e "$2"
}
stop_waiting() { systemctl stop "$(unit "$1")" && wait_for 10 held "$1"; }
# SERVICE
pid_of() { unit_show "$1" MainPID | grep -v '^0$'; }

make_outside outside
# Its own bridge, as another network has it.
shruthictl network create web --subnet=10.128.20.0/24 --ipv6-subnet=fd00:20::/64
shruthictl network create other --subnet=10.128.21.0/24 --ipv6-subnet=fd00:21::/64
ip netns add abroad
ip link add abroad type veth peer name abroad-peer netns abroad
ip link set abroad master "$(bridge_of other)" up
ip -n abroad link set abroad-peer up
ip -n abroad address add 10.128.21.200/24 dev abroad-peer
ip -n abroad address add fd00:21::c8/64 dev abroad-peer nodad
ip -n abroad route add default via 10.128.21.1
ip -n abroad route add default via fd00:21::1

# --- It waits, and is started by whatever comes.

# More often within a minute than anybody would.
configure ActivationsMax=100

define_waiting web "--serve=80" Publish=8080:80 Publish=7007:7/udp Ready=tcp:service:80 StartLimitIntervalSec=0
check_soon "shruthid notices a definition" 20 shruthictl show web
check_soon "its ports are published while it is stopped" 30 published 8080
check_soon "and what comes there is held" 30 held web
check "it has not been started" stopped web
by_nftables() { grep -qE '^[[:space:]]*queue .*21320' <<<"$(nft list chain "$1" shruthi_demand hold)"; }
if [ "${DEMAND_QUEUE-}" = nftables ]; then
        check "by nftables' own queue" by_nftables ip
        check "of IPv6, too" by_nftables ip6
fi
expect_output "status says that it waits" 'waits for traffic' sh -c 'shruthictl status web || [ $? -eq 3 ]'
is "the first packet is kept by the kernel, not by a proxy" 0 "$(ss -Hltn 'sport = :8080' | wc -l)"

while read -r who address client; do
        check "TCP from $who to $address starts it, and it sees $client" seen_as "$who" "$address" 8080 "$client"
        check "it runs" running web
        check_soon "and is open" 10 not_held web
        check "it is stopped, and waits again" stop_waiting web
        check "UDP from $who to $address starts it" knock "$who" udp "$address" 7007 1
        check "it is stopped, and waits again" stop_waiting web
done <<END
outside 198.51.100.1 198.51.100.2
outside 2001:db8:5::1 2001:db8:5::2
host 127.0.0.1 10.128.20.1
host 2001:db8:5::1 2001:db8:5::1
abroad 198.51.100.1 10.128.21.200
abroad fd00:21::1 fd00:21::c8
END

before=$(starts web)
check "eight clients at once, half-closed, are all answered" knock outside tcp 198.51.100.1 8080 8 half
is "by one start" $((before + 1)) "$(starts web)"
check "it is stopped" stop_waiting web
check "so are eight datagrams of as many" knock outside udp 2001:db8:5::1 7007 8
check "it is stopped" stop_waiting web

# --- A virtual machine among processes.

if [ "$image" != guest.virtio ]; then
        image=guest.virtio define_waiting domain "--serve=80" Publish=8089:80 Publish=7010:7/udp Ready=tcp:service:80
        check_soon "a virtual machine waits, too" 30 held domain
        check "it is started, and its clients are answered" knock outside tcp 198.51.100.1 8089 8 half
        check "a virtual machine is what runs" qemu_pid domain
        check "the next ones are answered by it" knock outside tcp 2001:db8:5::1 8089 8
        is "by one start" 1 "$(starts domain)"
        check "it is stopped" stop_waiting domain
        rm $DEFINITIONS/domain.unikernel
fi

# --- A client while it stops.

check "it is started by hand, too" systemctl start unikernel@web
check_soon "and open" 10 not_held web
for _ in 1 2 3; do
        systemctl stop --no-block unikernel@web
        check "a client while it stops is answered by the next run" knock outside tcp 198.51.100.1 8080 4
done

# --- A flood starts it once.

check "it is stopped" stop_waiting web
before=$(starts web)
check "a flood of SYNs" knock outside syn 198.51.100.1 8080 3000
check_soon "starts it" 20 running web
is "once" $((before + 1)) "$(starts web)"
check "and others are answered" knock outside tcp 2001:db8:5::1 8080 1
check "it is stopped" stop_waiting web

# --- Whoever is killed.

define_waiting slow "--serve=80 --deaf-until=2" Publish=8081:80 Ready=tcp:service:80
check_soon "another waits" 30 published 8081
in_background client knock outside tcp 198.51.100.1 8081 4
check_soon "it starts" 10 starting slow
check "shruthi-antispoof is killed while it holds" kill -KILL "$(pid_of shruthi-antispoof.service)"
check_soon "clients are answered all the same" 40 background_ended client
is "each of them" 0 "$(cat /run/client.status)"
check "it is stopped" stop_waiting slow
[ "${DEMAND_PART-}" != kernel ] || finish
in_background client knock outside tcp 198.51.100.1 8081 4
check_soon "it starts" 10 starting slow
check "shruthi-demand is killed in the middle" kill -KILL "$(pid_of shruthi-demand.service)"
check_soon "nobody notices" 40 background_ended client
is "and all are answered" 0 "$(cat /run/client.status)"
check "it is stopped" stop_waiting slow
systemctl stop shruthid.socket shruthid.service
check "without shruthid it is started as well" knock outside tcp 198.51.100.1 8081 1
systemctl start shruthid.socket
configure ActivationsMax=many
check "while shruthi.conf is wrong, both are killed" \
        kill -KILL "$(pid_of shruthi-demand.service)" "$(pid_of shruthi-antispoof.service)"
check "and one that runs is reached all the same" knock outside tcp 198.51.100.1 8081 1
configure ActivationsMax=100
check "it is stopped" stop_waiting slow
nft flush ruleset
systemctl restart libvirtd
check_soon "after nft flush ruleset it waits again" 20 held slow
check "and is started" knock outside tcp 198.51.100.1 8081 1
check "it is stopped" stop_waiting slow

# --- A start that fails.

# NAME WHO PROTOCOL ADDRESS PORT: the client is told at once that nobody is there.
refused() {
        knock "$2" "$3" "$4" "$5" 1 >/run/refused && return 1
        cat /run/refused
        # Whose datagram is rejected on its way out of this host may not send it.
        grep -qE 'Connection refused|Operation not permitted' /run/refused &&
                [ "$(sed -n 's/.* answer, \([0-9]*\).*/\1/p' /run/refused)" -lt 2 ]
}
# NAME: clients are refused.
is_refusing() { [ -e "/run/shruthi/refusals/$1" ]; }
not_refusing() { ! is_refusing "$1"; }
listed_as() { shruthictl list "$1" | grep -qF "$2"; }

# Its first two starts fail, and Restart= does not say that there be more.
define_waiting third "--serve=80" Publish=8086:80 Publish=7008:7/udp Ready=tcp:service:80
mkdir -p /run/systemd/system/unikernel@third.service.d
cat >/run/systemd/system/unikernel@third.service.d/tries.conf <<'END'
[Service]
ExecStartPre=+/bin/sh -c 'echo try >>/run/tries; [ $(wc -l </run/tries) -gt 2 ]'
END
systemctl daemon-reload
check_soon "one waits that starts at its third try" 30 published 8086
check_soon "and is held" 10 held third
in_background datagrams knock outside udp 2001:db8:5::1 7008 2
check "its clients are all answered" knock outside tcp 198.51.100.1 8086 8
check_soon "by UDP, too" 10 background_ended datagrams
is "each of them" 0 "$(cat /run/datagrams.status)"
is "after three starts" 3 "$(wc -l </run/tries)"
check "it is stopped" stop_waiting third

bad=(Publish=8082:80 Publish=7009:7/udp Ready=tcp:service:80 StartLimitBurst=3 StartLimitIntervalSec=20s)
define_waiting bad "--exit=3" "${bad[@]}"
systemctl daemon-reload
check_soon "one waits that will fail" 30 published 8082
check_soon "list says that it waits" 10 listed_as bad 'stopped, waiting'
expect_output "as JSON, too" '"ActivationState":"waiting"' shruthictl list --json=short bad
in_background client knock outside tcp 198.51.100.1 8082 3
check_soon "when it has failed so often as systemd permits, its clients are refused" 60 background_ended client
is "those that wait as well" 3 "$(grep -c 'Connection refused' /run/client.out)"
check "the journal says so" told bad 'has failed, and is not started again for now: clients are refused'
check_soon "list says so" 10 listed_as bad 'failed, refusing'
expect_output "as JSON, too" '"ActivationState":"refusing"' shruthictl list --json=short bad
expect_output "and status" 'refuses traffic for a minute' sh -c 'shruthictl status bad || [ $? -eq 3 ]'
while read -r who address; do
        check "TCP from $who to $address is refused at once" refused bad "$who" tcp "$address" 8082
        check "and UDP" refused bad "$who" udp "$address" 7009
done <<END
outside 198.51.100.1
outside 2001:db8:5::1
host 127.0.0.1
host 2001:db8:5::1
abroad 198.51.100.1
abroad fd00:21::1
END
check "while shruthi-antispoof is killed" kill -KILL "$(pid_of shruthi-antispoof.service)"
refused_again() { grep -qwF "$(address_of bad)" <<<"$(nft list set ip shruthi_demand refused)"; }
check_soon "it goes on" 20 refused_again
check "another one is not concerned" knock outside tcp 198.51.100.1 8081 1
check "that is stopped" stop_waiting slow
define_waiting bad "--serve=80" "${bad[@]}"
systemctl reset-failed unikernel@bad
check_soon "with another definition it waits again" 20 held bad
check "and is not refused" not_refusing bad
check "it is started" knock outside tcp 198.51.100.1 8082 2
check "it is stopped" stop_waiting bad

define_waiting bad "--exit=3" "${bad[@]}"
systemctl reset-failed unikernel@bad
check_soon "one that fails again" 30 held bad
sleep 2
knock outside tcp 198.51.100.1 8082 1 >/dev/null
check "is refused again" refused bad outside tcp 198.51.100.1 8082
systemctl reset-failed unikernel@bad
expect_fail "somebody starts it, which fails" 'failed' systemctl start unikernel@bad
check_soon "that ends it" 10 not_refusing bad
check_soon "and it waits again" 10 held bad
# It may fail often enough that clients still wait when it is mended.
define_waiting bad "--exit=3" "${bad[@]/StartLimitBurst=3/StartLimitBurst=100}"
systemctl daemon-reload
systemctl reset-failed unikernel@bad
burst_of_bad() { [ "$(systemctl show --property=StartLimitBurst --value unikernel@bad)" = "$1" ]; }
check_soon "it waits with another limit" 20 burst_of_bad 100
in_background client knock outside tcp 198.51.100.1 8082 2
client_waits() { ! background_ended client; }
# After a reset systemd may unload the unit, and its times with it.
for _ in $(seq 20); do
        sleep 0.1
        systemctl reset-failed unikernel@bad 2>/dev/null
done
check "those that fail are tried again, whatever is reset" client_waits
define_waiting bad "--serve=80" "${bad[@]}"
systemctl reset-failed unikernel@bad
check_soon "when it is mended while clients wait" 60 background_ended client
expect_output "all are answered" '^0 without an answer' cat /run/client.out
check "it is stopped" stop_waiting bad
rm $DEFINITIONS/bad.unikernel

# What systemd does not start at all.
define_waiting masked "--serve=80" Publish=8087:80 Ready=tcp:service:80
check_soon "one waits" 30 published 8087
systemctl mask --runtime unikernel@masked
check "whose unit is masked" refused masked outside tcp 198.51.100.1 8087
check "and is refused" is_refusing masked
systemctl unmask --runtime unikernel@masked
masked_since=$SECONDS

configure ActivationsMax=2
define_waiting often "--serve=80" Publish=8088:80 Ready=tcp:service:80 StartLimitIntervalSec=0
check_soon "one waits" 30 published 8088
check_soon "and is held" 10 held often
for _ in 1 2; do
        check "it is started" knock outside tcp 198.51.100.1 8088 1
        check "it is stopped" stop_waiting often
done
in_background client knock outside tcp 198.51.100.1 8088 1
check_soon "it is started so often as shruthi.conf allows" 30 told often 'was started 2 times within a minute for traffic'
check "and then held" held often
configure ActivationsMax=100
systemctl reload-or-restart shruthid
check_soon "until that is less, or more are permitted" 30 background_ended client
is "its client has waited, and is answered" 0 "$(cat /run/client.status)"
check "it is stopped" stop_waiting often

# --- Another definition while it runs.

define_waiting moved "--serve=80" Publish=8083:80 Ready=tcp:service:80
check_soon "one more waits" 30 published 8083
check "it is started" knock outside tcp 198.51.100.1 8083 1
sed -i -e 's/^Network=web$/Network=other/' -e 's/^Publish=8083:/Publish=8084:/' "$DEFINITIONS/moved.unikernel"
check "on another network and port it is restarted" systemctl restart unikernel@moved
check_soon "it is published there" 10 published 8084
check_soon "and no longer there" 20 not_published 8083
check "it answers there" knock outside tcp 198.51.100.1 8084 1
check "it is stopped, and waits there" stop_waiting moved
check "traffic starts it" knock outside tcp 198.51.100.1 8084 1
check "it is stopped" stop_waiting moved

# --- Idle.

define_waiting web "--serve=80" Publish=8080:80 Publish=7007:7/udp Ready=tcp:service:80 StartLimitIntervalSec=0 \
        StopWhenIdleSec=1s
check_soon "with StopWhenIdleSec= it waits" 20 held web
sleep 2
check "it is started" knock outside tcp 198.51.100.1 8080 1
check_soon "and stopped when it is idle" 15 stopped web
is "which its unit takes for a success" success "$(unit_show unikernel@web.service Result)"
check "with a word in the journal" told web 'is stopped: it was idle'
ip netns exec outside socat -u TCP:198.51.100.1:8080 - >/dev/null 2>&1 &
open=$!
check_soon "a connection starts it" 40 running web
sleep 3
check "which is open, and keeps it" running web
kill $open
check_soon "when it is closed, it is stopped" 30 stopped web
before=$(starts web)
rm -f /run/enough
in_background again knock outside again 198.51.100.1 8080 /run/enough 10
woken_often() { [ "$(starts web)" -ge $((before + BOOTS)) ]; }
check_soon "it is stopped and woken $BOOTS times" $((BOOTS * 20)) woken_often
touch /run/enough
check_soon "meanwhile" 60 background_ended again
expect_output "all connections at random moments were answered" '^0 without an answer' cat /run/again.out
diag "$(($(starts web) - before)) starts: $(cat /run/again.out)"
check_soon "it is stopped once more" 30 stopped web
before=$(starts web)
expect_output "1000 clients at once are all answered" '^0 without an answer' knock outside tcp 198.51.100.1 8080 1000
diag "$output"
is "by one start" $((before + 1)) "$(starts web)"

check_soon "what was refused is not for longer than a minute" $((masked_since + 65 > SECONDS ? masked_since + 65 - SECONDS : 5)) \
        not_refusing masked
check "and is started again" knock outside tcp 198.51.100.1 8087 1
systemctl stop unikernel@masked

# --- Through the bus, and gone.

cp "$GUESTS/$image" /home/alice
mkdir -p /etc/shruthi/shruthi.conf.d
printf '[Shruthi]\nAllowProcesses=users\n' >/etc/shruthi/shruthi.conf.d/50-demand.conf
systemctl reload-or-restart shruthid
as() { as_user "$1" shruthictl --no-ask-password "${@:2}"; }
check "alice makes a network" as alice network create hers
expect_fail "what publishes nothing cannot wait" 'it publishes no port where traffic could come' \
        as alice create mine "$image" --activation=traffic --network=service:network=hers,address=auto
expect_fail "nor for something else" 'activation=always: write traffic, or nothing' \
        as alice create mine "$image" --activation=always --network=service:network=hers,address=auto,publish=8300:80
check "hers waits from its creation on" as alice create mine "$image" --activation=traffic --stop-when-idle=10min \
        --ready=tcp:service:80 --network=service:network=hers,address=auto,publish=8300:80 -- \
        '--ipv4={service.address}' --serve=80
check_soon "at its port" 30 published 8300
expect_fail "which is nobody else's" "published by unikernel 'mine'" \
        as alice create second "$image" --network=service:network=hers,address=auto,publish=8300:80
check "it is started there" seen_as outside 198.51.100.1 8300 198.51.100.2
check "she stops it, and it goes on waiting" as alice stop mine
check_soon "it is held" 10 held mine
check "she changes the port" as alice set mine Network=service:network=hers,address=auto,publish=8301:80
check_soon "it waits there" 30 published 8301
check "and no longer there" not_published 8300
check "she ends it" as alice set mine Activation=
check_soon "it no longer waits" 20 not_published 8301
check "it waits again" as alice set mine Activation=traffic
check_soon "at its port" 30 published 8301
check "it is removed" as alice remove mine
check_soon "and its port is free" 20 not_published 8301
rm $DEFINITIONS/*.unikernel
systemctl stop 'unikernel@*'
no_demand_table() { ! nft list table ip shruthi_demand 2>/dev/null; }
check_soon "with the last one the table is gone" 30 no_demand_table

# --- Without shruthi-demand.

systemctl stop shruthi-demand.socket shruthi-demand.service
define_waiting alone "--serve=80" Publish=8085:80 Ready=tcp:service:80
check "without shruthi-demand one is started by hand" systemctl start unikernel@alone
check "and reached all the same" knock outside tcp 198.51.100.1 8085 1
expect_output "doctor says that traffic starts none" 'shruthi-demand.socket does not answer' \
        sh -c 'shruthictl doctor || :'
systemctl stop unikernel@alone
check_soon "its ports are published only while it runs" 20 not_published 8085
rm $DEFINITIONS/alone.unikernel
systemctl start shruthi-demand.socket

# --- Without a queue.

"$SRC/tests/client/queue.py" 21320 &
queue=$!
check_soon "another program has the queue" 10 grep -q '^ *21320 ' /proc/net/netfilter/nfnetlink_queue
define_waiting web "--serve=80" Publish=8080:80 Ready=tcp:service:80
check_soon "one waits all the same" 30 published 8080
check "and is started, and reached when its client tries again" knock outside tcp 198.51.100.1 8080 2
no_queue() { journalctl --sync; journalctl --quiet --output=cat --unit=shruthi-antispoof.service | grep -qF 'cannot be held'; }
check "the journal says so" no_queue
kill $queue

finish
