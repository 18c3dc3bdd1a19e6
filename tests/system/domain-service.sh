#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shruthi-domain.service: what it does is done at once and as by a process; whatever happens to it, the process is
# still there; and it trusts nobody who asks.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

PROGRAM=/usr/libexec/shruthi/shruthi-domain
as_shruthi() { setpriv --reuid=shruthi --regid=shruthi --init-groups "$@"; }
# The options of domain-request.py, and words.
request() { as_shruthi python3 "$SRC/tests/client/domain-request.py" "$@"; }
# Never 0, which is the parent of PID 1.
parent() { unit_show shruthi-domain.service MainPID | grep -v '^0$'; }
workers() { local pid; pid=$(parent) && pgrep -P "$pid" -x shruthi-domain; }
kill_workers() { local pid; for pid in $(workers); do kill -KILL "$pid"; wait_for 60 gone "$pid"; done; }
n_workers() { [ "$(workers | wc -l)" -eq "$1" ]; }
gone() { [ ! -e "/proc/$1" ]; }
# One that has begun and does not rest: it waits for libvirt, which is stopped.
libvirt_pid() { unit_show libvirtd.service MainPID; }
hold_libvirt() { virsh --quiet list >/dev/null; held=$(libvirt_pid); kill -STOP "$held"; }
release_libvirt() { kill -CONT "$held"; }
# No process can help out any more: what is done now, the service does.
forbid_processes() { chmod 0 $PROGRAM; }
allow_processes() { chmod 0755 $PROGRAM; }
# FILE LINE: a client in the background has come so far.
says() { grep -qx "$2" "$1"; }

# --- It does what the process does.

define tick "--tick=20"
check "a start brings it along" systemctl start unikernel@tick
check "it runs" unit_is active shruthi-domain.service
# Whoever of the pool has nothing to do goes after 30 s, which this may have taken.
ready() { request networks >/dev/null && [ -n "$(workers)" ]; }
check_soon "it has got ready" 60 ready
is "as our user" shruthi "$(ps -o user= -p "$(parent)")"
is "without a capability" "0000000000000000" "$(sed -n 's/^CapBnd:\t//p' "/proc/$(parent)/status")"
forbid_processes
check "it stops what is to be stopped" systemctl stop unikernel@tick
check "no domain is left" no_domain tick
check "it starts what is to be started" systemctl start unikernel@tick
check_soon "the guest counts" 60 counted_to tick tick 3
check "kept connections outlive libvirtd" systemctl restart libvirtd
check "it stops with the new one" systemctl stop unikernel@tick
check "and starts" systemctl start unikernel@tick
kill -KILL "$(main_pid tick)"
check_soon "a runner that was killed adopts with it" 60 running tick
check "it tells shruthid what that asks" shruthictl show tick
allow_processes
is "the same words as the process: xml" "$(as_shruthi $PROGRAM xml tick)" "$(request xml tick |
        grep -vx -e begun -e 'answer=0' -e end)"
define missing "--tick=20"
rm /etc/shruthi/unikernels/missing.unikernel
expect_output "the same status and words: a definition that is missing" '^answer=60$' request start missing
expect_output "… with the error's name" '^error-name=org.dream.Shruthi.Error.NoSuchUnikernel' request start missing
expect_fail "the reason of a failure is told by it, too" 'NoSuchUnikernel|no unikernel' shruthictl start missing
expect_output "what needs a process is sent there" '^answer=-2$' request check
systemctl stop unikernel@tick

# --- It prepares a domain for a start that is on its way.

domstate() { virsh --quiet domstate "unikernel-$1" 2>/dev/null | grep .; }
domain_is() { [ "$(domstate "$1")" = "$2" ]; }
define ahead "--tick=20"
expect_output "one is prepared" '^answer=0$' request prepare ahead
is "and waits" paused "$(domstate ahead)"
qemu=$(qemu_pid ahead)
check "the start" systemctl start unikernel@ahead
is "takes it" "$qemu" "$(qemu_pid ahead)"
is "and lets it run" running "$(domstate ahead)"
check_soon "from its first byte" 60 counted_to ahead tick 5
is_none "nothing of the console is missing" "$(gaps ahead tick)"
expect_output "one that runs is let be" '^answer=0$' request prepare ahead
is "and goes on" "$qemu running" "$(qemu_pid ahead) $(domstate ahead)"
check "it is stopped" systemctl stop unikernel@ahead
check "and is gone" no_domain ahead

request prepare ahead >/dev/null
qemu=$(qemu_pid ahead)
define ahead "--tick=30"
check "what has changed meanwhile" systemctl start unikernel@ahead
check "is made anew" test "$(qemu_pid ahead)" != "$qemu"
is "and is the only one" 1 "$(qemu_pid ahead | wc -l)"
expect_output "with what counts now" '--tick=30' pgrep -fa guest=unikernel-ahead,
check_soon "it counts" 60 counted_to ahead tick 3
systemctl stop unikernel@ahead

request prepare ahead >/dev/null
is "right behind a stop one is prepared as well" paused "$(domstate ahead)"
qemu=$(qemu_pid ahead)
check "and the start" systemctl start unikernel@ahead
is "takes it" "$qemu" "$(qemu_pid ahead)"
systemctl stop unikernel@ahead

# It takes its time, in which others have theirs.
define nobody "--tick=20"
request prepare nobody >/dev/null
is "one that nobody starts waits, too" paused "$(domstate nobody)"
for delay in 0.02 0.06 0.2; do
        request prepare ahead >/dev/null
        systemctl start --no-block unikernel@ahead
        wait_for 60 main_pid ahead
        sleep $delay
        systemctl kill --signal=KILL unikernel@ahead
        check_soon "its runner killed after $delay s: it runs or has failed" 60 \
                bash -c 'systemctl is-active -q unikernel@ahead || systemctl is-failed -q unikernel@ahead'
        ! running ahead || is "killed after $delay s: and does not wait" running "$(domstate ahead)"
        systemctl stop unikernel@ahead
        check_soon "killed after $delay s: nothing is left" 60 no_domain ahead
        systemctl reset-failed
done
define witness-ahead "--tick=20" Image=guest.multiboot
expect_output "one whose end has to be witnessed" '^answer=0$' request prepare witness-ahead
check "is not prepared" no_domain witness-ahead
printf '[Credentials keys]\nLoadCredential=a:/etc/hostname\n' >>"$DEFINITIONS/ahead.unikernel"
request prepare ahead >/dev/null
check "nor is one with keys" no_domain ahead
define ahead "--tick=20"
# Whoever holds the lock works on the domain.
boots() { console_lines ahead | grep -cx 'SHRUTHI test guest'; }
before=$(boots)
# Not by the function, whose shell would be what is killed.
setpriv --reuid=shruthi --regid=shruthi --init-groups python3 -c 'import fcntl, os, time
path = "/run/shruthi/lives/ahead"
os.mkfifo(path, 0o600)
held = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
fcntl.flock(held, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)' >/tmp/held &
holding=$!
wait_for 60 says /tmp/held held
systemctl start --no-block unikernel@ahead
wait_for 60 main_pid ahead
check "one that is told to stop while it waits for its turn" systemctl stop unikernel@ahead
is "never boots" "$before" "$(boots)"
is "and was stopped" stopped "$(outcome ahead RESULT)"
kill $holding
wait $holding
virsh --quiet event --event lifecycle --loop --timeout 600 >/tmp/events &
events=$!
# Where the unit is quicker, as it may be while others want this machine's processors, there is nothing to take over; the
# next one has its chance.
prepared() { shruthictl start ahead && wait_for 5 grep -q 'unikernel-ahead.*Resumed' /tmp/events || ! shruthictl stop ahead; }
check_soon "who starts one through shruthid has it prepared" 300 prepared
kill $events
check "and stops it" shruthictl stop ahead
check_soon "the one that nobody starts goes by itself" 120 no_domain nobody
check_soon "with all that told of it" 60 is_swept nobody
check "and all that it had" test ! -e /run/shruthi/unikernels/nobody

# A guest without last words, whose end somebody must witness.
define witnessed "--tick=20" Image=guest.multiboot
systemctl start unikernel@witnessed
check_soon "a witness is a process of the runner's own" 60 pgrep -P "$(main_pid witnessed)" -x shruthi-domain
systemctl stop unikernel@witnessed

# --- It is away, or dies.

systemctl start unikernel@tick
kill -KILL "$(parent)"
check "killed at rest, it is there for the next" systemctl stop unikernel@tick
check "no domain is left" no_domain tick
check "masked, it is not missed" bash -c 'systemctl mask --runtime --now shruthi-domain.socket shruthi-domain.service'
check "a start" systemctl start unikernel@tick
expect_output "shruthid's questions" '.' shruthictl show tick
check "a stop" systemctl stop unikernel@tick
check "no domain is left" no_domain tick

# libvirtd hangs up on who answers no keepalive, here after two seconds; on a slow host a start does other things for
# longer than the half minute that it usually is.
define patient "--tick=20 --ipv4={service.address}" Image=guest.virtio '[Network service]' Bridge=virbr0 Address=auto
printf 'keepalive_interval = 1\nkeepalive_count = 1\n' >>/etc/libvirt/libvirtd.conf
systemctl restart libvirtd.service
check "one with an address starts" systemctl start unikernel@patient
check "and stops" systemctl stop unikernel@patient
lock=$(echo /var/lib/shruthi/leases/*/.lock)
# /proc/locks shows who waits as long as who holds it lives.
flock --close "$lock" sleep 600 &
holding=$!
wait_for 60 pgrep -P $holding -x sleep
systemctl start --no-block unikernel@patient
check_soon "a start has to wait for its address" 60 grep -q -e '-> FLOCK' /proc/locks
# It gets nowhere meanwhile, however long this is.
sleep 6
pkill -P $holding -x sleep
wait $holding
check_soon "and finds libvirt as it was" 60 running patient
is "at its first try" 0 "$(unit_show unikernel@patient NRestarts)"
check "it stops" systemctl stop unikernel@patient
sed -i '/^keepalive_/d' /etc/libvirt/libvirtd.conf
systemctl restart libvirtd.service

systemctl unmask --runtime shruthi-domain.service
systemctl reset-failed
check "with its socket alone masked a start" systemctl start unikernel@tick
is "does not try it in vain" inactive "$(unit_show shruthi-domain.service ActiveState)"
check "a stop" systemctl stop unikernel@tick
check "and it comes back" bash -c 'systemctl unmask --runtime shruthi-domain.socket shruthi-domain.service &&
        systemctl start shruthi-domain.socket'

printf '[Service]\nExecStart=\nExecStart=/bin/false\n' |
        install -D -m 644 /dev/stdin /run/systemd/system/shruthi-domain.service.d/test.conf
systemctl daemon-reload
systemctl stop shruthi-domain.service
check "one that cannot run does no harm to a start" systemctl start unikernel@tick
check "nor to a stop" systemctl stop unikernel@tick
check "no domain is left" no_domain tick
rm -r /run/systemd/system/shruthi-domain.service.d
systemctl daemon-reload
systemctl reset-failed shruthi-domain.service shruthi-domain.socket
systemctl restart shruthi-domain.socket

# What has begun and cannot go on: nobody takes its output.
mkfifo /tmp/go
exec {go}<>/tmp/go
request --full start missing </tmp/go >/tmp/killed &
check_soon "one that does something" 60 says /tmp/killed begun
kill_workers
echo >&"$go"
wait $!
is "ends without a status when it is killed" "begun end" "$(grep . /tmp/killed | paste -sd ' ')"
request --leave start missing </tmp/go >/tmp/left &
check_soon "one whose asker hangs up" 60 says /tmp/left begun
check_soon "ends, whatever it waits for" 60 n_workers 0
echo >&"$go"
wait $!
for i in $(seq 20); do
        request --full start missing </tmp/go >"/tmp/many.$i" &
        many[i]=$!
done
n_begun() { [ "$(cat /tmp/many.* | grep -c begun)" -eq "$1" ]; }
check_soon "of many at once sixteen are done" 60 n_begun 16
is "by sixteen, and no more" 16 "$(workers | wc -l)"
for i in "${many[@]}"; do echo >&"$go"; done
wait "${many[@]}"
is "and then the others" 20 "$(cat /tmp/many.* | grep -c 'answer=60')"

systemctl start unikernel@tick
hold_libvirt
kill_workers
systemctl stop --no-block unikernel@tick
check_soon "a stop of the unit waits for libvirt" 60 n_workers 1
kill_workers
release_libvirt
check_soon "and is done by the next when who does it is killed" 60 unit_is inactive unikernel@tick
check "no domain is left" no_domain tick
systemctl start unikernel@tick
hold_libvirt
request statistics tick >/tmp/met &
check_soon "a request that waits for libvirtd" 60 says /tmp/met begun
kill -KILL "$held"
wait $!
expect_output "meets the next one when that dies" '^answer=0$' cat /tmp/met
check "so does a stop" systemctl stop unikernel@tick
check "no domain is left" no_domain tick

# --- Who asks what.

refused() { is "$1" end "$(request "${@:2}" 2>&1)"; }
refused "no descriptors" --fds=none stop tick
refused "too few" --fds=one stop tick
refused "too many" --fds=many start tick
refused "an output that cannot be written" --fds=read-only stop tick
refused "a folder of keys for what has none" --fds=folder stop tick
refused "keys that are no folder" --fds=no-folder start tick
refused "an option for a verb" -- --help
refused "nothing" --raw ''
refused "a word that does not end" --raw 'stop\0tick'
refused "a space" --raw 'stop tick\0'
refused "too many words" allocate n{1..33}
refused "a word of 3000 bytes" stop "$(printf 'a%.0s' $(seq 3000))"
refused "silence" --silent
expect_output "an unknown verb is the process' own error" '^answer=2$' request explode
expect_output "so is one too many" '^answer=2$' request stop tick tick
expect_output "an unknown option is, too" '^answer=2$' request -- stop tick --force
expect_output "a name that is none is refused as ever" 'InvalidName' request stop ../tick
expect_output "also by a sweep" 'InvalidName' request sweep ../tick
expect_output "serving is nothing that it can be asked for" '^answer=2$' request serve
is "its socket is for us" "600 shruthi" "$(stat -c '%a %U' /run/shruthi/domain)"
expect_fail "nobody else gets in" 'Permission denied' \
        as_user alice python3 "$SRC/tests/client/domain-request.py" stop tick
chmod 0666 /run/shruthi/domain
is "and is not served even with access to the socket" end \
        "$(as_user alice python3 "$SRC/tests/client/domain-request.py" stop tick 2>&1)"
chmod 0600 /run/shruthi/domain
expect_output "root is" '^answer=0$' python3 "$SRC/tests/client/domain-request.py" stop tick
expect_status "by hand it serves nobody" 1 as_shruthi $PROGRAM serve
check "after all of this it works" systemctl start unikernel@tick
check "still by itself" unit_is active shruthi-domain.service

# --- It goes when nobody needs it.

check_soon "with a unikernel at rest nobody of the pool is left" 120 n_workers 0
is "only one who listens to libvirt" 1 "$(pgrep -c -P "$(parent)" -x shruthi-observe)"
check "which stays" unit_is active shruthi-domain.service
check "and does what is next" systemctl stop unikernel@tick
check_soon "without any it ends" 120 unit_is inactive shruthi-domain.service
is "well" success "$(unit_show shruthi-domain.service Result)"
check "and is there again" systemctl start unikernel@tick
check_soon "it runs" 60 running tick
request --full start missing </tmp/go >/tmp/last &
check_soon "told to end in the middle" 60 says /tmp/last begun
ending=$(parent)
systemctl stop --no-block shruthi-domain.service
check_soon "it gets ready" 60 unit_is deactivating shruthi-domain.service
echo >&"$go"
wait $!
expect_output "and finishes that" '^answer=60$' cat /tmp/last
check_soon "before it ends" 60 gone "$ending"
check "then the unikernel is stopped by the next" systemctl stop unikernel@tick

finish
