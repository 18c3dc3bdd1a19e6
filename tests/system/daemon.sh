#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shruthid as a service: holds no state of its own, sees what happens behind its back, may be killed at any time, ends
# when nobody uses it and no sooner, and is fair.

# shellcheck source=tests/system/lib.sh disable=SC2016,SC2034,SC2086
. "$(dirname "$0")/lib.sh"

dest=org.dream.Shruthi
path=/org/dream/Shruthi
client=$SRC/tests/client/client.py
watch=$BUILD/tests/client/watch-objects
images=/srv/images
state_dir=/var/lib/shruthi/unikernels

call() { busctl --timeout=60 -- call $dest $path $dest.Manager "$@"; }
get() { busctl get-property $dest "$path/unikernel/$1" $dest.Unikernel "$2"; }
state_is() { [ "$(get "$1" State)" = "s \"$2\"" ]; }
pid() { systemctl show --property=MainPID --value shruthid; }

mkdir -p $images
cp $BUILD/tests/guest/guest*.* $images
chmod -R a+rX $images
conf() {
        printf '[Shruthi]\nImageDirectories=%s\nBridgeInterface=virbr0\n%s\n' $images "$1" >/etc/shruthi/shruthi.conf
}
conf IdleExitSec=3
systemctl stop shruthid

# --- behind its back ---

check "create" call CreateUnikernelFromPath 'ssa{sv}' one $images/guest-plain.virtio 0
$watch >/tmp/watch 2>&1 &
watcher=$!
check_soon "a GDBusObjectManagerClient sees it" 60 grep -qx 'there one' /tmp/watch
printf '[Unikernel]\nImage=%s/guest-plain.virtio\nArguments=two\n' $images >/etc/shruthi/unikernels/two.unikernel
check_soon "a definition written by hand is there" 60 grep -qx 'added two' /tmp/watch
sed -i 's/^Arguments=.*/Arguments=changed/' /etc/shruthi/unikernels/two.unikernel
check_soon "changed by hand it is changed" 60 eval 'call GetUnikernelArguments s two | grep -q changed'
mkdir -p /etc/shruthi/unikernels/two.unikernel.d
printf '[Unikernel]\nArguments=dropped-in\nAutostart=yes\n' >/etc/shruthi/unikernels/two.unikernel.d/10.conf
check_soon "a drop-in counts" 60 eval 'call GetUnikernelArguments s two | grep -q dropped-in'
check_soon "the client sees the change" 60 grep -qx 'two Autostart=true' /tmp/watch
sed -i 's/dropped-in/again/' /etc/shruthi/unikernels/two.unikernel.d/10.conf
check_soon "a changed drop-in counts" 60 eval 'call GetUnikernelArguments s two | grep -q again'
rm -r /etc/shruthi/unikernels/two.unikernel.d
check_soon "a removed drop-in does not" 60 eval 'call GetUnikernelArguments s two | grep -q changed'
mkdir -p /usr/lib/shruthi/unikernels
printf '[Unikernel]\nImage=%s/guest-plain.virtio\nArguments=shipped\n' $images \
        >/usr/lib/shruthi/unikernels/two.unikernel
rm /etc/shruthi/unikernels/two.unikernel
check_soon "what stood behind it comes forth" 60 eval 'call GetUnikernelArguments s two | grep -q shipped'
check "what is shipped is copied when it is changed" call SetUnikernelSettings 'sa{sv}' two 1 Arguments s mine
expect_output "and the shipped file stays" 'Arguments=shipped' cat /usr/lib/shruthi/unikernels/two.unikernel
echo garbage >$state_dir/two.unikernel
check_soon "spoiled, it is broken" 60 grep -qx "two State='broken'" /tmp/watch
check "and nobody else is" state_is one stopped
check "a broken one is mended by a whole definition" \
        call SetUnikernelDefinition ss two "$(printf '[Unikernel]\nImage=%s/guest-plain.virtio\n' $images)"
check "and is sound at once" state_is two stopped
rm $state_dir/two.unikernel /usr/lib/shruthi/unikernels/two.unikernel
check_soon "removed by hand it is gone" 60 grep -qx 'removed two' /tmp/watch
mv /etc/shruthi/unikernels /etc/shruthi/elsewhere
mkdir /etc/shruthi/unikernels
printf '[Unikernel]\nImage=%s/guest-plain.virtio\n' $images >/etc/shruthi/unikernels/three.unikernel
check_soon "a directory that is replaced is watched anew" 60 grep -qx 'added three' /tmp/watch
rm /etc/shruthi/unikernels/three.unikernel
check_soon "… and goes on being watched" 60 grep -qx 'removed three' /tmp/watch

systemctl start unikernel@one
check_soon "a start by systemctl is seen" 60 grep -qx "one State='running'" /tmp/watch
first=$(get one InvocationID)
systemctl restart unikernel@one
check_soon "a restart is another run" 60 eval '[ "$(get one InvocationID)" != "$first" ]'
systemctl stop unikernel@one
check_soon "a stop is seen" 60 grep -qx "one Result='stopped'" /tmp/watch
systemctl enable --quiet unikernel@one
check_soon "systemctl enable shows as Autostart" 60 eval '[ "$(get one Autostart)" = "b true" ]'
systemctl disable --quiet unikernel@one
check_soon "and disable" 60 eval '[ "$(get one Autostart)" = "b false" ]'
expect_fail "a unit without a definition fails" 'failed' systemctl start unikernel@ghost
is "and is no unikernel" 0 "$(grep -c ghost /tmp/watch)"

# --- killed ---

check "start" call StartUnikernel st one 0
guest=$(pgrep -f 'guest=unikernel-one')
kill -9 "$(pid)"
check_soon "killed, it is back when it is called" 60 state_is one running
is "the guest did not notice" "$guest" "$(pgrep -f 'guest=unikernel-one')"
check_soon "the client that was watching sees it again" 60 eval 'grep -c "^owner :" /tmp/watch | grep -qvx 1'
systemctl restart shruthid
is "nor of a restart" "$guest" "$(pgrep -f 'guest=unikernel-one')"
is "all that is shown is shown again" "s \"$(unit_show unikernel@one InvocationID)\"" "$(get one InvocationID)"
kill -STOP "$(pgrep -of 'guest=unikernel-one')"
(wait_for 60 unit_is deactivating unikernel@one; kill -9 "$(pid)") &
expect_fail "a caller whose answer dies with it is told so" '.' call StopUnikernel st one 0
kill -CONT "$guest" 2>/dev/null
check_soon "what was begun goes on" 60 unit_is inactive unikernel@one
check_soon "and is known afterwards" 60 state_is one stopped
check "start for the following" call StartUnikernel st one 0
guest=$(pgrep -f 'guest=unikernel-one')
kill -STOP "$guest"
python3 $client leave StopUnikernel one 3600 &
leaver=$!
check_soon "a stop is begun" 60 unit_is deactivating unikernel@one
kill $leaver
kill -CONT "$guest"
check_soon "what was begun goes on when the caller leaves" 60 unit_is inactive unikernel@one

# --- reload ---

echo 'Bogus=1' >>/etc/shruthi/shruthi.conf
expect_fail "a broken shruthi.conf is refused" 'shruthi.conf:5' call Reload
expect_output "and the old one stays" 'one' call ListUnikernels
conf "$(printf 'IdleExitSec=3\nUnikernelsMaxPerUser=2\nMemoryMaxPerUser=128M\nCPUsMaxPerUser=3')"
check "reload by systemctl" systemctl reload shruthid

# --- a configuration that was broken before shruthid started ---

systemctl start unikernel@one
guest=$(pgrep -f 'guest=unikernel-one')
systemctl stop shruthid
printf '[Shruthi]\nMemoryMax=lots\n' >/etc/shruthi/shruthi.conf.d/70-broken.conf
why='InvalidConfiguration.*shruthi.conf.d/70-broken.conf:2: .*MemoryMax.*lots'
expect_output "with a broken drop-in it starts and lists" '"one" "running"' call ListUnikernels
refused() {
        expect_fail "$1 says file, line and value" "$why" \
                gdbus call --system --timeout 60 --dest $dest --object-path $path --method "$dest.Manager.$2" "${@:3}"
}
refused create CreateUnikernelFromPath broken $images/guest-plain.virtio '{}'
refused set SetUnikernelSettings one "{'Memory': <uint64 67108864>}"
refused start StartUnikernel one 0
refused restart RestartUnikernel one 0
is "… and leaves it running" "$guest" "$(pgrep -f 'guest=unikernel-one')"
refused "volume create" CreateVolume broken 1048576 '{}'
refused "network create" CreateNetwork broken '{}'
refused reload Reload
expect_fail "image import says it as well" "shruthi.conf.d/70-broken.conf:2: .*lots" \
        shruthictl image import $images/guest-plain.virtio
expect_fail "doctor finds it" 'failed +configuration: .*shruthi.conf.d/70-broken.conf:2: .*lots' shruthictl doctor
expect_output "and looks at the rest" 'volumes: QEMU' cat <<<"$output"
expect_output "systemctl status tells of it" 'shruthi.conf.d/70-broken.conf:2: .*lots' \
        systemctl status --no-pager --lines=50 shruthid
check "stop needs no configuration" call StopUnikernel st one 0
expect_fail "systemctl start says it in the journal" 'failed' systemctl start unikernel@one
expect_output "… as a fault of the host" '^62$' unit_show unikernel@one ExecMainStatus
expect_output "… with file, line and value" 'shruthi.conf.d/70-broken.conf:2: .*lots' \
        journalctl -u unikernel@one -o cat --no-pager -n 20
rm /etc/shruthi/shruthi.conf.d/70-broken.conf
check "mended, the next call goes by it" call StartUnikernel st one 0
printf '[Shruthi]\nMemoryMax=lots\n' >/etc/shruthi/shruthi.conf.d/70-broken.conf
guest=$(pgrep -f 'guest=unikernel-one')
refused "restart, broken after shruthid has read it," RestartUnikernel one 0
is "… and leaves it running, too" "$guest" "$(pgrep -f 'guest=unikernel-one')"
check "shruthid starts while it is broken" systemctl restart shruthid
expect_output "and its status says so" 'shruthi.conf is invalid' unit_show shruthid StatusText
rm /etc/shruthi/shruthi.conf.d/70-broken.conf
check "mended, it is read at a reload" systemctl reload shruthid
is "and its status no longer says so" "Serving the bus" "$(unit_show shruthid StatusText)"
check "stop" call StopUnikernel st one 0

# --- limits of users ---

make() {
        as_user alice busctl --timeout=60 call $dest $path $dest.Manager \
                CreateUnikernelFromPath 'ssa{sv}' "$1" $images/guest-plain.virtio "${@:2}"
}
check "alice creates a first unikernel" make a1 0
expect_fail "not more memory than alice's share" 'MemoryMaxPerUser=128M' make a2 1 Memory t $((48 << 20))
expect_fail "not more CPUs than one may have" 'CPUsMax=4' make a2 1 CPUs u 5
expect_fail "not more CPUs than alice's share" 'CPUsMaxPerUser=3' make a2 1 CPUs u 3
check "alice creates a second one" make a2 0
expect_fail "no third" 'UnikernelsMaxPerUser=2' make a3 0
expect_fail "no more memory afterwards" 'MemoryMaxPerUser=128M' as_user alice busctl call $dest $path $dest.Manager \
        SetUnikernelSettings 'sa{sv}' a1 1 Memory t $((64 << 20))
check "bob has a separate share" \
        as_user bob busctl --timeout=60 call $dest $path $dest.Manager \
        CreateUnikernelFromPath 'ssa{sv}' b1 $images/guest-plain.virtio 0
for i in 1 2 3 4 5; do
        check "root has none: $i" call CreateUnikernelFromPath 'ssa{sv}' r$i $images/guest-plain.virtio 0
done
ln -s /etc/shadow $images/link
expect_fail "no path through a link" 'symbolic link' \
        as_user bob busctl call $dest $path $dest.Manager CreateUnikernelFromPath 'ssa{sv}' l1 $images/link 0
expect_fail "no other path" 'ImageDirectories=' \
        as_user alice busctl call $dest $path $dest.Manager CreateUnikernelFromPath 'ssa{sv}' l1 /etc/shadow 0
expect_fail "whether it exists or not is the same" 'ImageDirectories=' \
        as_user alice busctl call $dest $path $dest.Manager CreateUnikernelFromPath 'ssa{sv}' l1 /root/missing 0

# --- starts in flight, in turn ---

conf "$(printf 'IdleExitSec=3\nStartsInFlight=2')"
call Reload >/dev/null
# A start waits at a gate of its own: what is under way stays so until the test goes on.
mkdir -p /run/gates /run/systemd/system/unikernel@.service.d
cat >/run/systemd/system/unikernel@.service.d/gate.conf <<'END'
[Service]
TimeoutStartSec=infinity
ExecStartPre=+/bin/sh -c "until [ -e /run/gates/%i ]; do sleep 0.1; done"
END
systemctl daemon-reload
in_flight() {
        systemctl list-units --plain --no-legend --state=activating 'unikernel@*' | sed -E 's/.*@(.*)\.service.*/\1/'
}
in_flight_are() { [ "$(in_flight | wc -l)" = "$1" ]; }
asked_to_start() { [ "$(journalctl -u shruthid -o cat --no-pager | grep -c "asks to start unikernel '$2'")" = "$1" ]; }
python3 $client parallel 1 StartUnikernel r1 r2 r3 r4 r5 >/tmp/root &
root=$!
check_soon "root asks for five" 60 asked_to_start 5 'r[1-5]'
check_soon "two are under way" 60 in_flight_are 2
as_user bob busctl --timeout=600 call $dest $path $dest.Manager StartUnikernel st b1 0 >/tmp/bob 2>&1 &
bob=$!
check_soon "bob asks for one" 60 asked_to_start 1 b1
check "no more than two are under way" in_flight_are 2
check "a stop waits for no start" call StopUnikernel st a1 0
as_user alice busctl --timeout=600 call $dest $path $dest.Manager StartUnikernel st a2 1 >/tmp/start-a2 2>&1 &
starting=$!
check_soon "alice asks for one" 60 asked_to_start 1 a2
as_user alice busctl --timeout=600 call $dest $path $dest.Manager StopUnikernel st a2 0 >/tmp/stop-a2 2>&1 &
stopping=$!
check_soon "… and to stop it" 60 eval 'journalctl -u shruthid -o cat --no-pager | grep -q "asks to stop unikernel .a2"'
is "… which is queued behind alice's start" yes "$([ -s /tmp/start-a2 ] || [ -s /tmp/stop-a2 ] && echo no || echo yes)"
for name in $(in_flight); do touch "/run/gates/$name"; done
check_soon "bob's only one does not wait for root's five" 60 eval 'in_flight | grep -qx b1'
check_soon "… beside another's" 60 in_flight_are 2
touch /run/gates/b1
wait $bob
is "… and is started" 0 $?
is "root's last ones were still waiting" yes "$([ -s /tmp/root ] && echo no || echo yes)"
touch /run/gates/r{1,2,3,4,5} /run/gates/a2
wait $root
expect_output "all were started" '^5 ok$' cat /tmp/root
wait $starting $stopping
expect_output "alice's start was taken" 'systemd1/job/' cat /tmp/start-a2
expect_output "… and alice's stop is done" 'systemd1/job/' cat /tmp/stop-a2
check "… and was the last" state_is a2 stopped
rm -r /run/systemd/system/unikernel@.service.d
systemctl daemon-reload
python3 $client parallel 1 StopUnikernel r1 r2 r3 r4 r5 b1 a1 a2 >/tmp/root
expect_output "all were stopped" '^8 ok$' cat /tmp/root

# --- autostart and restart reach systemd ---

check "restart policy through the bus" call SetUnikernelSettings 'sa{sv}' r1 1 Restart s on-failure
expect_output "systemd knows when the answer is there" 'on-failure' unit_show unikernel@r1 Restart
check "autostart through the bus" call SetUnikernelSettings 'sa{sv}' r1 1 Autostart b true
expect_output "systemd wants it at boot" 'unikernel@r1.service' unit_show unikernels.target Wants
check "removed" call RemoveUnikernel st r1 0
expect_output "systemd has forgotten it" '^0$' \
        bash -c "systemctl show -p Wants --value unikernels.target | grep -c r1; true"
python3 $client toggle 10 r2 r3 r4 r5 a2 b1 >/tmp/toggle
expect_output "who changes this in a loop has all that they ask for" '^60 ok$' cat /tmp/toggle
told() { sed -n "s/^$1 //p" /tmp/toggle; }
check "… of few reloads for many changes: $(told reloads)" test "$(told reloads)" -gt 1 -a "$(told reloads)" -le 30
check "… with rests between them: $(told rest) ms" test "$(told rest)" -ge 50

# --- images ---

expect_output "images are listed with their users" '"a1"' call ListImages
check "one more that nobody uses" python3 $client import $images/guest-two.virtio
expect_output "it is pruned" "$(sha256sum <$images/guest-two.virtio | cut -d' ' -f1)" call PruneImages
check "those in use are there" call StartUnikernel st a1 0
echo '[Unikernel' >$state_dir/r2.unikernel
expect_fail "while one definition is broken nothing is pruned" "'r2'" call PruneImages
rm $state_dir/r2.unikernel

# --- ends when nobody uses it ---

sleep 5
check "while a client that watches is there, it stays" unit_is active shruthid
systemctl stop unikernel@a1
check_soon "that client still sees what happens" 60 grep -qx "a1 State='stopped'" /tmp/watch
check "remove" call RemoveUnikernel st a1 0
check_soon "… to the end" 60 grep -qx 'removed a1' /tmp/watch
kill $watcher
python3 $client stay a2 >/tmp/stay &
check_soon "one who has called once is there" 60 grep -q a2 /tmp/stay
sleep 5
check "also for one who only called once, it stays" unit_is active shruthid
kill "$(cut -d' ' -f1 /tmp/stay)"
check_soon "when the last is gone, it ends" 60 unit_is inactive shruthid
is "of its own accord and well" success "$(unit_show shruthid Result)"
conf IdleExitSec=1s
lost=0
for _ in $(seq 40); do
        call GetUnikernel s a2 >/dev/null 2>&1 || lost=$((lost + 1))
        sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
        sleep 0.55
done
is "no call is lost around its end" 0 $lost
check "it did end and start again meanwhile" \
        test "$(journalctl -u shruthid -o cat --no-pager | grep -c '^Started')" -ge 5

# --- without a bus ---

private() { python3 $SRC/tests/client/private.py "$@"; }
conf IdleExitSec=60
systemctl restart shruthid
systemctl mask --runtime --now dbus.socket dbus.service >/dev/null 2>&1
check "the bus is gone" eval '! busctl --timeout=5 status >/dev/null 2>&1'
check_soon "without a bus root is served on the private socket" 60 private ListUnikernels
expect_fail "what needs systemd says that it cannot be reached" 'SystemdUnavailable' private StartUnikernel a2
systemctl unmask --runtime dbus.socket dbus.service >/dev/null 2>&1
systemctl start dbus.socket dbus.service
check_soon "when the bus comes, it is there" 60 call GetUnikernel s a2

finish
