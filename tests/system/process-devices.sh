#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# Guests that are processes by all verbs: volumes, keys, the console, pauses, updates, and what is shown of them; and
# what they cannot have is refused in words.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"
# shellcheck source=tests/system/processes.bash
. "$(dirname "$0")/processes.bash"

STORE=/var/lib/shruthi/volumes
DISK=$GUESTS/guest-disk.spt
NONCE=nonce-$RANDOM

# NAME ARGUMENTS [LINE…]: with a network, and what the lines say of its block device "storage".
define_disk() { define "$1" "$2" Image="${IMAGE:-guest-disk.spt}" "${@:3}" '[Network service]' Bridge=virbr0; }
# NAME: all that is said about it.
messages_have() {
        journalctl --sync
        journalctl -q --no-pager -o cat UNIT="$(unit "$1")" + _SYSTEMD_UNIT="$(unit "$1")" | grep -qF -- "$2"
}
printed_like() { console_lines "$1" | grep -qE -e "$2"; }
# NAME REGEX: what is said when somebody wants it to start.
refused() { expect_fail "refused: $2" "$3" shruthictl start "$1"; }
first_tick_again() { [ "$(console_lines "$1" | grep -cx 'tick 1')" -ge "$2" ]; }
config_is() { [ "$(sed -n 's/^Arguments=//p' "/run/shruthi/unikernels/$1/started")" = "$2" ]; }

# --- Volumes.

define_disk counter --boots '[Volume storage]' Size=8M
check "one with a volume starts" systemctl start unikernel@counter
check_soon "and writes it" 60 printed counter 'boot 1'
is "it is as others are" "shruthi:libvirt-qemu 660 $((8 << 20))" "$(stat -c '%U:%G %a %s' $STORE/counter-storage/data)"
is "the process has it alone" 1 "$(find "/proc/$(guest_pid counter)/fd" -lname '*counter-storage/data' | wc -l)"
is "the volume is being written" written "$(shruthictl --json=short volume show counter-storage | jq -r .Use)"
check "restarted, it counts on" systemctl restart unikernel@counter
check_soon "from where it was" 60 printed counter 'boot 2'
define_disk second --boots '[Volume storage]' Volume=counter-storage
check_soon "another is defined" 30 shruthictl show second
expect_fail "a second process is refused" "being written by unikernel 'counter'" shruthictl start second
IMAGE=guest-disk.virtio define_disk machine --boots '[Volume storage]' Volume=counter-storage
expect_fail "so is a virtual machine" "being written by unikernel 'counter'" shruthictl start machine
expect_fail "and a reader" "being written by unikernel 'counter'" \
        bash -c "$(declare -f define_disk define); GUESTS=$GUESTS DEFINITIONS=$DEFINITIONS
        define_disk second --boots '[Volume storage]' Volume=counter-storage ReadOnly=yes; shruthictl start second"
expect_fail "it is not exported" "unikernel 'counter' is running, stop it first" shruthictl volume export counter-storage /tmp/out
expect_fail "nor cloned" "unikernel 'counter' is running, stop it first" shruthictl volume clone counter-storage copy
check "it is paused" shruthictl pause counter
expect_fail "paused neither" "unikernel 'counter' is paused, stop it first" shruthictl volume export counter-storage /tmp/out
check "it goes on" shruthictl resume counter
kill -KILL "$(main_pid counter)"
expect_fail "nor while its runner is away" . shruthictl start machine
check_soon "the next runner is there" 60 adopted counter 1
expect_fail "nor later" "being written by unikernel 'counter'" shruthictl start machine
kill -KILL "$(guest_pid counter)"
check_soon "killed, it is over" 60 ended counter
check "and at once the volume is a reader's" systemctl start unikernel@second
check_soon "who cannot write it" 60 printed second 'storage: cannot be written'
is "by a descriptor for reading" 0 "$(find "/proc/$(guest_pid second)/fd" -lname '*counter-storage/data' -perm /200 | wc -l)"
IMAGE=guest-disk.virtio define_disk machine --boots '[Volume storage]' Volume=counter-storage ReadOnly=yes
check "a virtual machine reads beside it" systemctl start unikernel@machine
check_soon "and finds what was written" 60 printed machine 'storage: is read-only, the last was boot 2'
expect_fail "no process writes beside them" "being read by unikernel 'machine' and 'second'" shruthictl start counter
systemctl stop unikernel@second unikernel@machine
IMAGE=guest-disk.virtio define_disk machine --boots '[Volume storage]' Volume=counter-storage
check "a virtual machine goes on with a process's volume" systemctl start unikernel@machine
check_soon "… where that was" 60 printed machine 'boot 3'
expect_fail "beside which no process starts" "being written by unikernel 'machine'" shruthictl start counter
systemctl stop unikernel@machine
check "the process goes on with it" systemctl start unikernel@counter
check_soon "… where that was" 60 printed counter 'boot 4'
systemctl stop unikernel@counter
check "it is exported" shruthictl volume export counter-storage /tmp/out
is "as it is" "$(sha256sum <$STORE/counter-storage/data)" "$(sha256sum </tmp/out)"
install -m 600 -o root /tmp/out /srv/mine.img
define_disk path --boots '[Volume storage]' Path=/srv/mine.img
expect_fail "a file that our user may not open is refused, with the way out" 'volume import' shruthictl start path
check "… which works" shruthictl volume import path-storage /srv/mine.img
define_disk path --boots '[Volume storage]' Volume=path-storage
check "… from then on" systemctl start unikernel@path
check_soon "… from where it was" 60 printed path 'boot 5'
systemctl stop unikernel@path
mount -t tmpfs -o size=1m,mode=2710,uid=shruthi,gid=libvirt-qemu tmpfs $STORE
define_disk full '--fill --exit-after=2 --exit=3' '[Volume storage]' Size=64M
systemctl start unikernel@full
check_soon "a write to a full disk fails" 60 printed_like full '^storage: a write failed at sector [0-9]+'
check_soon "which its journal says" 30 messages_have full "The file system of volume 'full-storage' is full"
check_soon "it ends" 30 ended full
expect_output "and its reason" 'the file system of its volumes is full' outcome full REASON
systemctl stop shruthid.service
umount $STORE

# --- Keys.

random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
proof() { printf '%s' "$1" | python3 -c "import hashlib, hmac, sys
print(hmac.new(sys.stdin.buffer.read(), b'$NONCE', hashlib.sha256).hexdigest())"; }
secret=$(random)
check "one with key material" shruthictl create k $DISK --network=service --credentials=storage \
        -- --storage-keys "--storage-prove=tls.key:$NONCE" --tick=500
check "is given a key" bash -c 'printf %s "$1" | shruthictl credential set k tls.key' - "$secret"
check "it starts" shruthictl start k
check_soon "it has the key" 60 printed k 'keys: 1 in all'
check_soon "and proves it" 60 printed k "proof: tls.key $(proof "$secret")"
expect_fail "our user does not read it by the process" 'denied|not permitted' \
        runuser -u shruthi -- bash -c 'cat /proc/$1/fd/* >/dev/null' - "$(guest_pid k)"
is_none "for reading only" "$(find "/proc/$(guest_pid k)/fd" -lname '*shruthi.k*' -perm /222)"
is_none "its runner has no descriptor of it" "$(find "/proc/$(main_pid k)/fd" -lname '*shruthi.k*' -o -lname '*shruthi-archive*')"
expect_output "status names the device" 'block storage → credentials' shruthictl status k
check "removed with its keys" shruthictl remove --now k

# --- Pause and resume.

process pauses --tick=50
systemctl start unikernel@pauses
guest=$(guest_pid pauses)
wait_for 30 counted_to pauses tick 3
kill -STOP "$guest"
check_soon "one that is stopped behind our back is paused" 10 state_is pauses paused
check_soon "as the journal says" 10 said pauses 'paused'
kill -CONT "$guest"
check_soon "and when it goes on it runs" 10 state_is pauses running
process_state() { sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$guest/status"; }
check "pause" shruthictl pause pauses
is "is done when it says so" paused "$(of_bus pauses State)"
is "the kernel has it so" T "$(process_state)"
check_soon "the journal says so" 30 said pauses 'paused'
expect_fail "not by libvirt" '' said pauses 'libvirt'
check_soon "systemctl status, too" 30 bash -c 'systemctl show -P StatusText unikernel@pauses | grep -i paused'
expect_output "status tells how to go on" 'shruthictl resume pauses' bash -c 'shruthictl status pauses || :'
expect_output "list says so" 'pauses +paused' shruthictl list
last=$(last_number pauses tick)
sleep 1
is "it prints nothing" "$last" "$(last_number pauses tick)"
check "a second pause is none" shruthictl pause pauses
kill -KILL "$(main_pid pauses)"
check_soon "a runner that is killed comes back" 60 adopted pauses 1
is "to a paused one" "paused T" "$(of_bus pauses State) $(process_state)"
check "resume" shruthictl resume pauses
is "is done when it says so" running "$(of_bus pauses State)"
check_soon "it goes on" 30 counted_to pauses tick $((last + 5))
is_none "without a gap" "$(gaps pauses tick)"
check "a second resume is none" shruthictl resume pauses
check "paused again" shruthictl pause pauses
check "it can be stopped" systemctl stop unikernel@pauses
is "which is a stop" stopped "$(outcome pauses RESULT)"
expect_status "one that has ended cannot be paused" 3 shruthictl pause pauses

# --- Console.

configure ConsoleRate=100K ConsoleBurst=200K
process flood "--flood"
process neighbour "--tick=100"
systemctl start unikernel@flood unikernel@neighbour
check_soon "a flood is held back" 60 said flood 'faster than ConsoleRate'
started=${EPOCHREALTIME/./} begin=$(last_number flood flood)
sleep 4
end=$(last_number flood flood) msec=$(((${EPOCHREALTIME/./} - started) / 1000))
diag "lines of 64 bytes in $msec ms at 100 KiB/s: $((end - begin))"
check "to the rate that is set" test $((end - begin)) -le $((msec * 185 / 1000 + 1500)) -a $((end - begin)) -gt 0
is_none "without a gap" "$(gaps flood flood)"
guest=$(guest_pid flood)
usage() { awk '{ print $14 + $15 }' "/proc/$guest/stat"; }
before=$(usage)
sleep 2
check "the guest waits, rather than burning time" test $(($(usage) - before)) -le 60
is_none "its neighbour loses nothing" "$(gaps neighbour tick)"
check "a flooding guest can be stopped" timeout 20 systemctl stop unikernel@flood
is "as ever" "success stopped" "$(unit_show unikernel@flood Result) $(outcome flood RESULT)"
systemctl stop unikernel@neighbour
rm /etc/shruthi/shruthi.conf

process bytes "--binary --exit=0"
process long "--long-line=120000 --exit=0"
systemctl start unikernel@bytes unikernel@long
check_soon "one that prints all bytes ends" 30 ended bytes
journalctl --sync
is "they pass as they are" "$(python3 -c 'print(list(b"binary: " + bytes(i for i in range(256) if i != 10)))')" \
        "$(journalctl -q -o json SYSLOG_IDENTIFIER=bytes | jq -c .MESSAGE | grep '^\[98,105' | sed 's/,/, /g')"
check_soon "one that prints a long line, too" 30 ended long
is "it comes in pieces of 48 KiB" "49152 49152 21696" \
        "$(console_lines long | grep -E '^[a-z]{1000}' | awk '{ printf "%s%d", sep, length; sep = " " }')"
process ticks "--tick=100"
systemctl start unikernel@ticks
expect_output "console shows what is printed" '^tick' bash -c 'timeout 60 shruthictl console ticks < <(sleep 5) | head -n 1'
is "it is its owner's alone" "600 shruthi" "$(stat -c '%a %U' /run/shruthi/unikernels/ticks/console)"
journal=(systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket systemd-journald.service)
systemctl kill --signal=STOP systemd-journald
sleep 2
systemctl kill --signal=CONT systemd-journald
last=$(last_number ticks tick)
check_soon "after a journal that hung the console goes on" 30 counted_to ticks tick $((last + 10))
is_none "without a gap" "$(gaps ticks tick)"
systemctl stop "${journal[@]}"
sleep 1
systemctl start "${journal[@]}"
last=$(last_number ticks tick)
check_soon "after one that was away, too" 30 counted_to ticks tick $((last + 10))

# --- What is shown.

for word in 'State: running since' 'Unit: unikernel@ticks.service' 'Solo5 spt' 'Memory: 16M' 'ticks\[[0-9]+\]: '; do
        expect_output "status shows $word" "$word" shruthictl status ticks
done
expect_fail "it has no domain" '' bash -c 'shruthictl status ticks | grep -i domain'
expect_output "list has it" '^ticks +running' shruthictl list
expect_output "logs have its lines" ': tick' shruthictl logs -n 5 ticks
show() { shruthictl show --json=short ticks | jq -r "$1"; }
is "show says how it boots" "spt process running" "$(show '"\(.ImageTarget) \(.BootMethod) \(.State)"')"
is "and that it has no domain" '""' "$(show '.DomainName | tojson')"
expect_output "its UUID is as of others" '^[0-9a-f-]{36}$' show .UUID
statistics() { shruthictl --json=short status ticks | jq -r ".Statistics | $1"; }
is "statistics have its time" true "$(statistics '.CPUTime > 0')"
is "and its memory" $((16 << 20)) "$(statistics .Memory)"
expect_output "so have those of all" '^ticks ' shruthictl statistics
expect_output "analyze tells where the time of its start went" '^ticks: first byte [0-9.]+ ms after the call, ready ' \
        bash -c 'shruthictl restart ticks; shruthictl analyze ticks'
expect_output "image inspect says what it is" 'Solo5 target: spt' shruthictl image inspect $GUESTS/guest-plain.spt
expect_output "check is content with it" '' shruthictl check $DEFINITIONS/ticks.unikernel
expect_fail "there is no XML of it, in words" 'runs as a process .*no XML' shruthictl xml ticks
expect_fail "its memory is not saved, in words" 'runs as a process, whose memory cannot be saved: .*build the image for virtio .* in a volume' shruthictl snapshot ticks
check "and it runs on" running ticks
expect_fail "nothing is restored" 'no snapshot of unikernel .ticks.' bash -c 'shruthictl stop ticks; shruthictl restore ticks'
check "it starts again" shruthictl start ticks
is_none "libvirt knows nothing of it" "$(virsh --quiet list --all --name)"
check "doctor misses nothing" bash -c '! shruthictl doctor | grep -E "^(warning|failed).*ticks"'

# --- Refused.

for what in "Initrd|Initrd=$GUESTS/guest-plain.spt|Initrd=.*(remove it|none)" \
        "CPUs|CPUs=2|CPUs=2: a unikernel for Solo5's spt target has one processor: remove CPUs=" \
        "Architecture|Architecture=aarch64|aarch64" \
        "memory|Memory=1K|[Mm]emory"; do
        IFS='|' read -r name line regex <<<"$what"
        process "wrong-${name,,}" "--exit=0" "$line"
        expect_fail "refused at a start: $name" "$regex" shruthictl start "wrong-${name,,}"
done
for option in --cpus=2 --architecture=aarch64 --initrd=$GUESTS/guest-plain.spt; do
        expect_fail "refused by create: ${option%%=*}" '.' shruthictl create wrong $GUESTS/guest-plain.spt "$option"
        expect_output "… in words about it" "^Cannot create wrong: ${option%%=*}.*spt target|image is for x86_64, but Architecture= is aarch64" \
                printf '%s\n' "$output"
done
process foreign "--exit=0" Image=guest-plain-aarch64.spt
[ ! -e $GUESTS/guest-plain-aarch64.spt ] ||
        expect_fail "an image for another processor" 'aarch64' shruthictl start foreign
expect_fail "an image whose device is not there" 'service' shruthictl create wrong $GUESTS/guest.spt
head -c 3000 $GUESTS/guest-plain.spt >/srv/cut.spt
expect_fail "an image that is cut off" 'cut|end|trunc|beyond|short' shruthictl create wrong /srv/cut.spt
is_none "of all these nothing is left" "$(shruthictl list | grep '^wrong ')"

# --- Updates.

cp $GUESTS/guest-plain.spt /srv/one.spt
{ cat $GUESTS/guest-plain.spt; head -c 1000 /dev/zero; } >/srv/two.spt
check "one that will be updated" shruthictl create web /srv/one.spt --memory=16M --now -- --tick=200
expect_output "an update holds" 'generation 2, which is proven' shruthictl update web /srv/two.spt --probation=1s -- --tick=100
check "the guest is the new one" config_is web --tick=100
expect_fail "one that exits fails" 'exited with status 7; generation 2 is back' \
        shruthictl update web --probation=20s -- --tick=100 --exit-after=1 --exit=7
check "the former one runs" running web
expect_output "a rollback goes to the former one" 'which is proven' shruthictl rollback web --probation=1s
check "… which is a process as well" config_is web --tick=200
expect_output "from a process to a virtual machine" 'which is proven' \
        shruthictl update web $GUESTS/guest-plain.virtio --probation=1s
check_soon "… there is a domain" 30 qemu_pid web
check "… and no process" bash -c '! pgrep -x shruthi-tender -a | grep -v ticks | grep web'
expect_output "and back" 'which is proven' shruthictl rollback web --probation=1s
check "… there is no domain" no_domain web
check "… but a process" guest_pid web
check "shruthid is killed" systemctl kill --signal=KILL --kill-whom=main shruthid
check_soon "… and knows it as running" 60 state_is web running
check "it is removed" shruthictl remove --now web

check "a network" shruthictl network create rolls
check "one that publishes a port" shruthictl create rolled $GUESTS/guest.spt --memory=16M --now \
        --network=service:network=rolls,address=auto,publish=8080:80 --ready=tcp:service:80 \
        -- '--ipv4={service.address}' --serve=80 --status=200
status_line() { printf 'GET / HTTP/1.0\r\n\r\n' | socat -t 4 - TCP:127.0.0.1:8080,connect-timeout=3 | sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p'; }
check_soon "answers there" 30 eval '[ "$(status_line)" = 200 ]'
expect_output "a rolling update holds" 'which is proven' shruthictl update rolled --rolling --probation=1s --drain=1s \
        -- '--ipv4={service.address}' --serve=80 --status=201
is "the new one answers" 201 "$(status_line)"
is "there is no twin" 2 "$(pgrep -cx shruthi-tender)"
expect_fail "one that fails beside it" 'runs on' shruthictl update rolled --rolling --probation=20s \
        -- '--ipv4={service.address}' --serve=80 --exit-after=1 --exit=7
is "is not noticed" 201 "$(status_line)"
check "it is removed" shruthictl remove --now rolled
systemctl stop 'unikernel@*'
check "no process is left" no_processes
check_soon "no interface" 30 no_taps
is_none "no lock is left" "$(grep POSIX /proc/locks | awk '{ print $5 }' | while read -r pid; do cat "/proc/$pid/comm" 2>/dev/null; done | grep tender)"

finish
