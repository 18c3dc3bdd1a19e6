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
expect_output "statistics are to be had, without what nobody counts" '^hello .* - +- ' ctl statistics hello
own sh -c 'timeout 300 shruthictl --user events hello >/home/mallory/events' &
expect_output "it can be waited for" '' ctl wait hello
expect_output "the way of its start is known" 'first byte' ctl analyze hello
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

# --- For hvt, where mallory may open /dev/kvm. A container has no device of its own, and it is made here.

HVT=$BUILD/tests/guest/guest-plain.hvt
KVM=/dev/kvm
tender_checks() { /usr/libexec/shruthi/shruthi-tender --kvm=3 --check 3<>$KVM; }
if [ "$(uname -m)" = x86_64 ]; then
        check "one for hvt is created" ctl create vm "$HVT" -- --tick=200
        had_device=no
        if [ -c $KVM ]; then had_device=yes && mv $KVM $KVM.away; fi
        expect_fail "without a device it does not start" 'needs KVM, and .*build the image for spt' ctl start vm
        expect_output "which doctor says" 'hvt: .*do not run: ' ctl doctor
        if [ $had_device = yes ]; then mv $KVM.away $KVM; else mknod $KVM c 10 232; fi
        owner=$(stat -c %u:%g:%a $KVM)
        chown root:root $KVM
        chmod 0600 $KVM
        expect_fail "nor with one that is closed to mallory" \
                'user mallory may not open /dev/kvm: have an administrator .*usermod -a -G kvm mallory' ctl start vm
        chown mallory $KVM
        if tender_checks; then
                check "with one that mallory may open it does" ctl start vm
                check_soon "and runs" 60 logged vm '^tick 2$'
                is "as mallory" "$UID_OF" "$(stat -c %u "/proc/$(guest_of vm)")"
                expect_fail "without the device" '' sh -c "ls -l /proc/$(guest_of vm)/fd | grep /kvm"
                expect_output "doctor knows" 'hvt: .*run with KVM' ctl doctor
                check "it is paused" ctl pause vm
                check "and goes on" ctl resume vm
                check "it stops" ctl stop vm
                check "one with a network is ready when it serves" ctl create wired "${HVT/-plain/}" \
                        --network=service,publish=8090:80 --ready=http:service:80/ --now -- \
                        '--ipv4={service.address}' '--ipv4-gateway={service.gateway}' --serve=80
                check_soon "also at its published port" 60 serves 8090
                check "it is removed" ctl remove --now wired
        else
                expect_fail "where KVM does not work, it does not run" '' ctl start vm
        fi
        check "it is removed" ctl remove --now vm
        if [ $had_device = yes ]; then
                chown "${owner%:*}" $KVM
                chmod "${owner##*:}" $KVM
        else
                rm $KVM
        fi
fi

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
expect_output "status tells how to go on" 'shruthictl --user resume hello' status_of hello
check_soon "the event is told" 60 grep -q ' hello paused' /home/mallory/events
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
check "one is rolled back" ctl rollback ready --probation=1s
expect_output "one that fails goes back by itself" 'SHRUTHI|went back|as it was|former' own sh -c \
        'shruthictl --user update ready --probation=1s Memory=40M -- --exit=7 2>&1; true'
check "it runs as before" is_now active ready
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

# --- Keys, which are in files of mallory's alone, and in memory while the guest runs.

NONCE=nonce-$RANDOM
secret=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
other=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
KEYS=$STATE/keys
LOADED=/run/user/$UID_OF/credentials/unikernel@vault.service
set_key() { printf '%s' "$2" | ctl credential set vault "$1"; }
# KEY SECRET: the guest of this run has that content.
proves() {
        local proof
        proof=$(printf '%s' "$2" | python3 -c "import hashlib, hmac, sys
print(hmac.new(sys.stdin.buffer.read(), b'$NONCE', hashlib.sha256).hexdigest())")
        own journalctl --user -q -o cat "_SYSTEMD_INVOCATION_ID=$(show vault InvocationID)" | grep -qxF "proof: $1 $proof"
}
keys_are() { own journalctl --user -q -o cat "_SYSTEMD_INVOCATION_ID=$(show vault InvocationID)" | grep -qx "keys: $1 in all"; }
check "one with keys is created" ctl create vault "$DISK" --network=service --credentials=storage -- \
        --storage-keys "--storage-prove=tls.key:$NONCE" --tick=500
check "it starts without any" ctl start vault
check_soon "and finds none" 60 keys_are 0
check "a key is set" set_key tls.key "$secret"
check "another" set_key another not-this
expect_output "their names are listed" '^another$' ctl credential list vault
is "in a folder of mallory's alone" "700 mallory" "$(stat -c '%a %U' "$KEYS")"
is "as a file of mallory's alone" "600 mallory" "$(stat -c '%a %U' "$KEYS/shruthi.vault")"
expect_fail "alice cannot read it" 'Permission denied' as_user alice cat "$KEYS/shruthi.vault"
check "a restart brings them" ctl restart vault
check_soon "the guest has both" 60 keys_are 2
check_soon "and proves one" 60 proves tls.key "$secret"
is "in memory they are" tmpfs "$(stat -f -c %T "$LOADED")"
expect_output "a folder of mallory's alone" '^[57]00 mallory$' stat -c '%a %U' "$LOADED"
is_none "the secret is in no command line or environment" \
        "$(grep -rlaF "$secret" /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null)"
is_none "nor in a journal" "$(journalctl -q -o export | grep -aF "$secret")"
is_none "nor in a property of the unit" "$(sys show unikernel@vault | grep -F "$secret")"
is_none "nor in a definition or record" \
        "$(grep -rlF "$secret" /home/mallory/.config "$STATE" "$RUN" 2>/dev/null | grep -vx "$KEYS/shruthi.vault")"
guest=$(guest_of vault)
expect_fail "the guest can write none of them" '' sh -c "find /proc/$guest/fd -lname '*shruthi.vault' -perm /222 | grep ."
sys kill --kill-whom=main --signal=KILL unikernel@vault
check_soon "a runner that is killed adopts it" 60 logged vault 'Adopted the running guest'
is "with the same guest" "$guest" "$(guest_of vault)"
check "a key is rotated, with a restart" sh -c "printf '%s' '$other' | setpriv --reuid=mallory --regid=mallory --init-groups \
        env HOME=/home/mallory XDG_RUNTIME_DIR=/run/user/$UID_OF shruthictl --user credential rotate vault tls.key --now"
check_soon "which the guest has" 60 proves tls.key "$other"
expect_fail "one that is not there is not rotated" "no key 'none'" sh -c "echo x | setpriv --reuid=mallory --regid=mallory \
        --init-groups env HOME=/home/mallory XDG_RUNTIME_DIR=/run/user/$UID_OF shruthictl --user credential rotate vault none"
check "one is removed" ctl credential remove vault another
check "it is restarted" ctl restart vault
check_soon "one is left" 60 keys_are 1
own sh -c "umask 077; printf '%s' '$secret' >/home/mallory/by-hand.key"
# LINE: in a drop-in of its definition.
source_is() {
        printf '[Credentials storage]\n%s\n' "$1" |
                own sh -c "mkdir -p $STATE/unikernels/vault.unikernel.d; cat >$STATE/unikernels/vault.unikernel.d/keys.conf"
        sys daemon-reload
}
source_is LoadCredential=by-hand:/home/mallory/by-hand.key
check "a key may be in a file, too" ctl restart vault
check_soon "and has both" 60 keys_are 2
own sh -c "echo damaged >$KEYS/shruthi.vault"
expect_fail "damaged ones are told of" 'damaged' ctl restart vault
expect_fail "and not added to" 'was changed by another program' set_key more x
check "they can be removed" ctl credential remove vault --all
check "then it starts" ctl start vault
check "it stops" ctl stop vault
check "nothing is left in memory" test ! -e "$LOADED"
source_is LoadCredentialEncrypted=tls.key:/home/mallory/sealed.cred
expect_fail "one that is sealed is not" "systemd does not unseal keys in a user's manager" ctl start vault
own rm -r "$STATE/unikernels/vault.unikernel.d"
sys daemon-reload
set_key tls.key "$secret"
check "it is removed" ctl remove vault
is_none "with its keys" "$(ls "$KEYS")"
expect_output "doctor knows where keys are" "keys: .*$KEYS" ctl doctor

# --- Networks, by passt: first on a host that has no way out.

check "one with a network and ports" ctl create web "$NETWORK" \
        --network=service,publish=8080:80,publish=8081:81,publish=7007:7/udp --now -- \
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
# passt takes a connection for a port of the guest's at which nobody listens.
if socat -u /dev/null TCP:127.0.0.1:8081 2>/dev/null; then diag "passt accepts what the guest refuses"; fi
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

# --- Checks over the network, of the guest itself.

# NAME CHECK [ARGUMENT…]: created with that check, and started.
checked() {
        ctl create "$1" "$NETWORK" --network=service --ready="$2" --ready-timeout=20s --now -- \
                '--ipv4={service.address}' '--ipv4-gateway={service.gateway}' --serve=80 "${@:3}"
}
for kind in ping:service tcp:service:80 http:service:80/; do
        name=by-${kind%%:*}
        check "Ready=$kind holds" checked "$name" "$kind"
        expect_output "$name is ready" '^'"$name"' +running' ctl list
done
expect_fail "a port that is closed is not ready" 'tcp:service:81: connection refused by 10\.0\.2\.15:81' \
        checked closed tcp:service:81 --tick=500
expect_fail "one where there is no HTTP" 'answers with status 503' checked sick http:service:80/ --status=503
expect_fail "a guest without its address does not answer" 'no answer of 10\.0\.2\.15' \
        ctl create deaf "$NETWORK" --network=service --ready=ping:service --ready-timeout=5s --now -- \
        --ipv4=10.0.2.77/24 '--say={service.address}'
check "a published port does not disturb it" ctl set by-tcp --network=service,publish=8082:80
check "it is restarted" ctl restart by-tcp
check_soon "and serves there" 60 serves 8082
check "Healthy= is there, too" ctl set by-tcp Healthy=http:service:80/ HealthyIntervalSec=1s HealthyRetries=2
check "it is restarted" ctl restart by-tcp
health() { status_of by-tcp | grep -qE "$1"; }
check_soon "it is healthy" 60 health '[Hh]ealth.*(good|healthy)'
check "it is paused" ctl pause by-tcp
sleep 4
check "which is no sickness" is_now active by-tcp
check "it goes on" ctl resume by-tcp
check_soon "it is healthy again" 60 health '[Hh]ealth.*(good|healthy)'
own killall -KILL passt.avx2 passt 2>/dev/null
sleep 3
check "without passt for a moment it is healthy" health '[Hh]ealth.*(good|healthy)'
check "shruthi-probe is killed" sys kill --signal=KILL shruthi-probe.service
check_soon "and comes back" 60 sys is-active --quiet shruthi-probe.service
check "the guest is the same" is_now active by-tcp
sys kill --kill-whom=main --signal=KILL unikernel@by-tcp
check_soon "a runner that is killed goes on" 60 logged by-tcp 'Adopted the running guest'
check_soon "with the check" 60 health '[Hh]ealth.*(good|healthy)'
for name in by-ping by-tcp by-http closed sick deaf; do ctl remove --now "$name" >/dev/null 2>&1; done
check_soon "none of their sockets is left" 60 own sh -c "! ls $RUN/uplinks | grep -E '\.[0-9]+$'"

# --- What is not to be had says so.

expect_fail "a virtual machine of QEMU's" 'spt' ctl create vm "$GUEST" --network=service
expect_fail "a bridge" 'by passt.*remove Bridge=virbr0' ctl create bridged "$NETWORK" --network=service:virbr0
expect_fail "another owner" 'belongs to that user alone' ctl create theirs "$PLAIN" --owner=alice
check "hello is up" ctl start hello
expect_fail "a snapshot" 'build the image for virtio .*without --user' ctl snapshot hello
check "it is stopped again" ctl stop hello
expect_fail "a rolling update" 'without --rolling' ctl update web "$NETWORK" --rolling
expect_fail "what is behind a URL" 'fetch the file yourself' own sh -c \
        'shruthictl --user set web UpdateFrom=https://images.example/web.spt \
                UpdateVerify=sha256sums:https://images.example/SUMS && shruthictl --user update web'
printf '[Fleet]\nDuration=4s\n[Network lab]\nSubnet=10.133.0.0/24\n[Group peer]\nImage=%s\nCount=2\nNetwork=service:lab\n' \
        "$NETWORK" >/home/mallory/lab.fleet
expect_fail "a fleet with a network" '\[Network lab\] would be a bridge' ctl fleet run /home/mallory/lab.fleet
printf '[Fleet]\nDuration=4s\n[Group peer]\nImage=%s\nCount=3\nArguments=--tick=100\n[Event 1s]\nPause=1 of peer\n' \
        "$PLAIN" >/home/mallory/apart.fleet
check "one without runs" own sh -c 'cd && shruthictl --user fleet run apart.fleet'
expect_output "and is gone" '^0 fleets' ctl fleet list
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
