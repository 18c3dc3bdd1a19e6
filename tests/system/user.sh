#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
# Packages: dbus-user-session passt
#
# Unikernels of a user's own, without root, any group, polkit or helper with rights: mallory, who is in no group of
# ours, has them by systemctl --user and shruthictl --user, as the system has its own. Nobody else sees any of it.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need socat nsenter ss

PLAIN=$BUILD/tests/guest/guest-plain.spt
NETWORK=$BUILD/tests/guest/guest.spt
DISK=$BUILD/tests/guest/guest-disk.spt
UID_OF=$(id -u mallory)
RUN=/run/user/$UID_OF/shruthi
STATE=/home/mallory/.local/state/shruthi

# COMMAND…: as mallory, as after a login.
own() { as_user mallory XDG_RUNTIME_DIR="/run/user/$UID_OF" "$@"; }
ctl() { own shruthictl --user "$@"; }
sys() { own systemctl --user "$@"; }
# STATE NAME
is_now() { [ "$(sys show --property=ActiveState --value "unikernel@$2")" = "$1" ]; }
# NAME PROPERTY
show() { sys show --property="$2" --value "unikernel@$1"; }
# NAME: the processes of the unit, the runner apart: the guest.
guest_of() {
        local main cgroup
        main=$(show "$1" MainPID) cgroup=$(show "$1" ControlGroup)
        [ -z "$cgroup" ] || grep -vx "$main" "/sys/fs/cgroup$cgroup/cgroup.procs"
}
# NAME: status 3 if it does not run is no matter here.
status_of() { ctl status "$1" || :; }
gone() { [ ! -e "/proc/$1" ]; }
# NAME REGEX: the journal has it.
logged() { own journalctl --user -q -o cat -u "unikernel@$1" | grep -qE -- "$2"; }
# NAME: the number of ticks that it has printed.
ticks() { own journalctl --user -q -o cat -u "unikernel@$1" SYSLOG_IDENTIFIER="$1" | grep -c '^tick'; }
more_ticks() { [ "$(ticks "$1")" -gt "$2" ]; }
# PORT ADDRESS: not from 127.0.0.1, whom a passt of before 2024 answers by TCP alone.
echoes() { [ "$(echo hi | socat -t 1 - "UDP:$2:$1")" = hi ]; }
serves() { printf 'GET / HTTP/1.0\r\n\r\n' | socat -t 2 - "TCP:127.0.0.1:$1" | grep -q '^HTTP/1'; }

# --- Without a session.

expect_fail "without a session the way out is named" 'loginctl enable-linger' as_user mallory shruthictl --user list
expect_fail "without a bus, too" 'loginctl enable-linger' own shruthictl --user list

# USER: a manager without a login, as loginctl enable-linger has it, which needs udev in logind 257, and a container
# has none.
linger() {
        mkdir -p /var/lib/systemd/linger
        touch "/var/lib/systemd/linger/$1"
        systemctl start "user@$(id -u "$1")"
        wait_for 60 test -S "/run/user/$(id -u "$1")/bus"
}
check "mallory has a manager without a login" linger mallory
expect_output "nothing is there at first" '^0 unikernels' ctl list

# --- A host without what the sandbox needs, as it looks to a client.

own mkdir -p /home/mallory/.config/systemd/user/shruthid.service.d
printf '[Service]\nExecStart=\nExecStart=/bin/false\nRestart=no\n' |
        own tee /home/mallory/.config/systemd/user/shruthid.service.d/no.conf >/dev/null
sys daemon-reload
sys stop shruthid
expect_fail "a shruthid that does not start is told of" 'could not be started .*systemctl --user status' ctl list
expect_fail "and that it is for want of namespaces" 'does not give users namespaces of their own' \
        own systemd-run --user --quiet --pipe --wait --property=RestrictNamespaces=yes shruthictl --user list
own rm -r /home/mallory/.config/systemd/user/shruthid.service.d
sys daemon-reload
sys reset-failed shruthid
own mkdir -p /home/mallory/.config/shruthi/unikernels
own touch /home/mallory/.config/shruthi/unikernels/bad.unikernel
sys daemon-reload
journalctl --sync
expect_output "a definition that is skipped is told of" 'Skipping bad: ' \
        journalctl -q -o cat "_SYSTEMD_UNIT=user@$UID_OF.service"
own rm /home/mallory/.config/shruthi/unikernels/bad.unikernel
sys daemon-reload

# --- A life.

check "mallory creates and starts one" ctl create hello "$PLAIN" --now -- --tick=100
is "it runs as mallory" "$UID_OF" "$(stat -c %u "/proc/$(guest_of hello)")"
expect_output "in mallory's manager" "user@$UID_OF.service/unikernel.slice/unikernel@hello.service" \
        cat "/proc/$(guest_of hello)/cgroup"
expect_output "and belongs to mallory" '^hello +running +- +mallory' ctl list
expect_output "status shows it" 'Definition: /home/mallory/.local/state/shruthi/unikernels/hello.unikernel' ctl status hello
expect_output "systemctl shows it" 'Unikernel hello' sys status unikernel@hello
check_soon "its console is in mallory's journal" 60 logged hello '^SHRUTHI test guest$'
expect_output "shruthictl reads it" 'hello\[[0-9]+\]: SHRUTHI test guest' ctl logs hello
expect_output "so does the console" '^tick [0-9]+' own timeout --preserve-status 3 shruthictl --user console hello
expect_output "statistics are to be had" '^hello' ctl statistics hello
expect_output "and what the unit is called" 'unikernel@hello.service' ctl show hello --property=Unit
is_none "mallory is in no group that could help" \
        "$(id -nG mallory | tr ' ' '\n' | grep -E 'shruthi|libvirt|kvm|polkit')"

# --- Nobody else sees it.

expect_output "the system has none" '^0 unikernels' shruthictl list
expect_fail "nor does root among the system's" 'NoSuchUnikernel|no unikernel|There is no' shruthictl status hello
expect_fail "alice cannot read the definition" 'Permission denied' as_user alice cat "$STATE/unikernels/hello.unikernel"
expect_fail "nor what runs" 'Permission denied' as_user alice ls "$RUN"
expect_fail "nor reach the bus" 'Permission denied|Failed to connect|Access denied' \
        as_user alice busctl --address="unix:path=/run/user/$UID_OF/bus" list
is_none "the system's store has nothing of it" "$(find /var/lib/shruthi/images /var/lib/shruthi/unikernels -type f)"
check "alice has a manager, too" linger alice
expect_output "which has none of mallory's" '^0 unikernels' \
        as_user alice XDG_RUNTIME_DIR="/run/user/$(id -u alice)" shruthictl --user list

# --- The sandbox, from inside.

# UNIT DESC
confined() {
        local pid
        pid=$(sys show --property=MainPID --value "$1")
        is "$1: no new privileges" 1 "$(awk '/^NoNewPrivs:/ { print $2 }' "/proc/$pid/status")"
        is "$1: its system calls are filtered" 2 "$(awk '/^Seccomp:/ { print $2 }' "/proc/$pid/status")"
        is "$1: no capability" 0000000000000000 "$(awk '/^CapEff:/ { print $2 }' "/proc/$pid/status")"
        check "$1: users of its own" test "$(readlink "/proc/$pid/ns/user")" != "$(readlink /proc/self/ns/user)"
        check "$1: no network" test "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)"
        expect_fail "$1: it cannot write into the home" 'Read-only file system' \
                nsenter --target "$pid" --mount touch /home/mallory/.bashrc
        expect_fail "$1: nor anywhere" 'Read-only file system' nsenter --target "$pid" --mount touch /var/tmp/../lib/x
        check "$1: but where it must" nsenter --target "$pid" --mount test -w "$RUN/unikernels"
        check "$1: and sees what is in /tmp" test -e "/proc/$pid/root/tmp/of-the-host"
        expect_fail "$1: which it cannot write" 'Read-only file system' nsenter --target "$pid" --mount touch /tmp/x
        expect_fail "$1: nor reach a display there" 'Permission denied|No such file' \
                nsenter --target "$pid" --mount setpriv --reuid="$UID_OF" --clear-groups ls /tmp/.X11-unix/X0
}
touch /tmp/of-the-host
mkdir -p /tmp/.X11-unix && touch /tmp/.X11-unix/X0 && chmod -R a+rX /tmp/.X11-unix
ctl list >/dev/null
confined unikernel@hello
confined shruthid
confined shruthi-domain
expect_fail "the runner cannot write what it starts from" 'Read-only file system' \
        nsenter --target "$(show hello MainPID)" --mount touch "$STATE/images/x"
is "the guest has no capability" 0000000000000000 \
        "$(awk '/^CapPrm:/ { print $2 }' "/proc/$(guest_of hello)/status")"
is "and is filtered" 2 "$(awk '/^Seccomp:/ { print $2 }' "/proc/$(guest_of hello)/status")"

# --- Whatever is killed.

guest=$(guest_of hello) runner=$(show hello MainPID) before=$(ticks hello)
sys kill --kill-whom=main --signal=KILL unikernel@hello
check_soon "a killed runner comes back" 60 logged hello 'Adopted the running guest'
check "as another process" test "$(show hello MainPID)" != "$runner"
check "in the same sandbox" test "$(readlink "/proc/$(show hello MainPID)/ns/net")" != "$(readlink /proc/self/ns/net)"
expect_fail "which it cannot write out of" 'Read-only file system' \
        nsenter --target "$(show hello MainPID)" --mount touch /home/mallory/.bashrc
is "the guest is the same" "$guest" "$(guest_of hello)"
check_soon "and goes on" 60 more_ticks hello "$before"
own kill -KILL "$(sys show --property=MainPID --value shruthid)"
expect_output "a killed shruthid is started by the next call" '^hello +running' ctl list
own kill -KILL "$(sys show --property=MainPID --value shruthi-domain)"
check_soon "a killed shruthi-domain comes back" 60 sys is-active shruthi-domain
is "the guest is untouched" "$guest" "$(guest_of hello)"
check "it is paused" ctl pause hello
is "by a signal" T "$(awk '/^State:/ { print $2 }' "/proc/$guest/status")"
check "and goes on" ctl resume hello
check "a stop ends it" ctl stop hello
check "the process is gone" gone "$guest"
check_soon "and its folder" 60 test ! -e "$RUN/unikernels/hello"
is "the unit is inactive" inactive "$(show hello ActiveState)"

sys start unikernel@hello
check "systemctl --user starts it" is_now active hello
guest=$(guest_of hello)
own mkdir -p /home/mallory/.config/systemd/user/unikernel@hello.service.d
printf '[Service]\nRestartSec=30s\n' | own tee /home/mallory/.config/systemd/user/unikernel@hello.service.d/slow.conf >/dev/null
sys daemon-reload
sys kill --kill-whom=main --signal=KILL unikernel@hello
check_soon "the unit waits for its restart" 60 is_now activating hello
check "while the guest runs" test -e "/proc/$guest"
sys stop unikernel@hello
check_soon "a stop meanwhile ends the guest as well" 60 gone "$guest"
printf '[Unit]\nStartLimitBurst=1\nStartLimitIntervalSec=1h\n[Service]\nRestartSec=10ms\n' |
        own tee /home/mallory/.config/systemd/user/unikernel@hello.service.d/slow.conf >/dev/null
sys daemon-reload
sys reset-failed unikernel@hello
sys start unikernel@hello
guest=$(guest_of hello)
sys kill --kill-whom=main --signal=KILL unikernel@hello
check_soon "the unit fails by its start limit" 60 is_now failed hello
check_soon "which ends the guest, too" 60 gone "$guest"
own rm -r /home/mallory/.config/systemd/user/unikernel@hello.service.d
sys daemon-reload
sys reset-failed unikernel@hello

# --- Ends are the guest's own.

check "one that exits" ctl create seven "$PLAIN" -- --exit=7
sys start unikernel@seven
check_soon "fails with its status" 60 is_now failed seven
is "which is the unit's" 7 "$(show seven ExecMainStatus)"
expect_output "and told" 'exit-status' status_of seven
expect_output "with commands for mallory" 'shruthictl --user logs seven' status_of seven
check "Ready= holds a start" ctl create ready "$PLAIN" --ready=console:up --now -- --tick=200 --say=up
expect_output "changes are kept" 'Memory=48M|Memory: 48M' own sh -c \
        'shruthictl --user set ready Memory=48M && shruthictl --user restart ready && shruthictl --user cat ready'
check "an update is proven" ctl update ready "$PLAIN" --probation=1s
expect_output "there is a history" '2' ctl history ready

# --- Volumes.

check "a volume" ctl create disk "$DISK" --volume=storage:size=1M --network=service --now -- --boots
check_soon "is booted from once" 60 logged disk '^boot 1$'
check "and after a restart" ctl restart disk
check_soon "twice" 60 logged disk '^boot 2$'
check "its data are mallory's" test "$(stat -c %u "$STATE"/volumes/*/data)" = "$UID_OF"
expect_output "it is listed" 'mallory' ctl volume list
expect_fail "a second one cannot have it" 'is being written by unikernel' ctl create other "$DISK" --network=service \
        "--volume=storage:volume=$(ctl volume list --no-legend | awk 'NR == 1 { print $1 }')" --now
ctl remove --now other >/dev/null 2>&1 || :

# --- Networks, by passt: first on a host that has no way out.

check "one with a network and ports" ctl create web "$NETWORK" \
        --network=service,publish=8080:80,publish=7007:7/udp --now -- \
        '--ipv4={service.address}' '--ipv4-gateway={service.gateway}' --serve=80
expect_output "has the address that it is given" '--ipv4=10.0.2.15/24' ctl arguments web
check_soon "its router answers" 60 logged web '^service: gateway is at '
check_soon "a UDP port leads to it" 60 echoes 7007 192.168.122.1
check_soon "a TCP port, too" 60 serves 8080
expect_output "status shows them" 'a network of its own.* publishes 8080:80' ctl status web
sys kill --kill-whom=main --signal=KILL unikernel@web
check_soon "its runner is killed" 60 logged web 'Adopted the running guest'
check_soon "which takes nothing from its network" 60 serves 8080
own killall -KILL passt.avx2 passt 2>/dev/null
check_soon "passt is killed, and comes back" 60 serves 8080
for i in 1 2 3; do
        check "restart $i" ctl restart web
        check_soon "restart $i: the port is there again" 60 serves 8080
done
expect_fail "two unikernels cannot have one port" 'web' ctl create second "$NETWORK" --network=service,publish=8080:80 \
        -- '--ipv4={service.address}'
own socat TCP-LISTEN:9090,reuseaddr,fork EXEC:true &
wait_for 60 own sh -c 'ss -Hlnt "sport = :9090" | grep -q .'
expect_fail "what another program has, passt names" 'passt gave up: .*9090' \
        ctl create second "$NETWORK" --network=service,publish=9090:80 --now \
        -- '--ipv4={service.address}'
kill %1
check "stopped" ctl stop web disk
expect_output "it was mallory who stopped it" 'stopped by user mallory' status_of web
check_soon "it leaves no port" 60 own sh -c '! ss -Hlnt "sport = :8080" | grep -q .'
check_soon "and no process" 60 own sh -c '! systemctl --user list-units --no-legend "shruthi-uplink@*" | grep -q .'
ip route add default via 192.168.122.2 dev virbr0
check "on a host with a way out" ctl start web
check_soon "it is the same" 60 serves 8080
ip route del default
check "it is stopped again" ctl stop web
mv /usr/bin/passt /usr/bin/passt.away
expect_fail "without passt the package is named" 'apt install passt' ctl start web
expect_output "doctor knows" 'uplinks' own sh -c 'shruthictl --user doctor; true'
mv /usr/bin/passt.away /usr/bin/passt
expect_output "all is well otherwise" 'uplinks: /usr/bin/passt' ctl doctor

# --- What is not to be had says so.

expect_fail "a virtual machine" 'spt' ctl create vm "$GUEST" --network=service
expect_fail "a bridge" 'by passt.*remove Bridge=virbr0' ctl create bridged "$NETWORK" --network=service:virbr0
expect_fail "keys" 'sealed' ctl create keys "$DISK" --network=service --credentials=storage
expect_fail "another owner" 'belongs to that user alone' ctl create theirs "$PLAIN" --owner=alice
expect_fail "a check over the network" 'console:REGEX' ctl create checked "$NETWORK" --network=service \
        --ready=ping:service -- '--ipv4={service.address}'
expect_fail "a rolling update" 'without --rolling' ctl update web "$NETWORK" --rolling
expect_fail "what is behind a URL" 'fetch the file yourself' own sh -c \
        'shruthictl --user set web UpdateFrom=https://images.example/web.spt \
                UpdateVerify=sha256sums:https://images.example/SUMS && shruthictl --user update web'
expect_fail "a network of libvirt" 'leave out --user' ctl network create lan
expect_fail "one whose links are emulated, either" 'leave out --user' ctl network create far --emulated
expect_fail "nor are there links" 'leave out --user' own busctl --user call org.dream.Shruthi /org/dream/Shruthi \
        org.dream.Shruthi.Manager OpenNetworkLinks s far
own sh -c 'mkdir -p ~/.config/shruthi; printf "[Shruthi]\nStoreSizeMax=4K\n" >~/.config/shruthi/shruthi.conf'
check "a shruthi.conf of mallory's is read" sys reload-or-restart shruthid
expect_fail "its limit of the store holds for its owner, too" 'StoreSizeMax' own sh -c "
        { cat '$PLAIN'; echo other; } >big.spt
        shruthictl --user create big big.spt"
own rm /home/mallory/.config/shruthi/shruthi.conf
sys reload-or-restart shruthid
expect_fail "a network is asked for if the image has one" '--network=service$' \
        ctl create bare "$NETWORK"

# --- The manager, from start to end.

check "one starts with the manager" ctl create early "$PLAIN" --autostart -- --tick=200
check "another by systemctl" sys enable unikernel@hello
expect_output "which shruthictl knows" 'Autostart: yes' status_of hello
check "a third requires the first" ctl create late "$PLAIN" --autostart --requires=early --after=early -- --tick=200
pids=$(pgrep -u mallory -f shruthi-tender | tr '\n' ' ')
systemctl stop "user@$UID_OF"
check_soon "with the manager all end" 60 own sh -c '! pgrep -u mallory shruthi-tender'
diag "were: $pids"
systemctl start "user@$UID_OF"
check_soon "early is up again" 60 is_now active early
check_soon "late" 60 is_now active late
check_soon "hello" 60 is_now active hello
expect_output "the others are not" '^web +stopped' ctl list
own mkdir -p /home/mallory/elsewhere
printf 'XDG_STATE_HOME=/home/mallory/elsewhere\n' | own sh -c 'mkdir -p ~/.config/environment.d; cat >~/.config/environment.d/s.conf'
systemctl restart "user@$UID_OF"
check_soon "with XDG_STATE_HOME elsewhere" 60 test -S "/run/user/$UID_OF/bus"
elsewhere() { own env XDG_STATE_HOME=/home/mallory/elsewhere shruthictl --user "$@"; }
check "one is created there" elsewhere create there "$PLAIN" --now -- --tick=200
check "and nowhere else" test -e /home/mallory/elsewhere/shruthi/unikernels/there.unikernel
check "it is removed" elsewhere remove --now there
own rm /home/mallory/.config/environment.d/s.conf
systemctl restart "user@$UID_OF"
check_soon "all is where it was" 60 is_now active hello
for name in $(ctl list --no-legend | awk '{ print $1 }'); do
        check "$name is removed" ctl remove --now "$name"
done
check_soon "nothing runs" 60 own sh -c '! pgrep -u mallory shruthi-run'
finish
