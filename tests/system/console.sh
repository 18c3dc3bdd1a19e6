#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The console: all of it, as it was written, at a pace that harms nobody, for readers and from them.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

# NAME [SECONDS]
run_to_end() {
        systemctl start "$(unit "$1")"
        wait_for "${2:-60}" ended "$1"
}

# --- Lines as they are.

define long "--long-line=120000 --exit=0"
run_to_end long
is "a long line comes in pieces of 48 KiB" "49152 49152 21696" \
        "$(console_lines long | grep -E '^[a-z]{1000}' | awk '{ printf "%s%d", sep, length; sep = " " }')"
expected=$(printf 'abcdefghijklmnopqrstuvwxyz%.0s' $(seq 4616) | head -c 120000 | sha256sum)
is "with every byte in its place" "$expected" \
        "$(console_lines long | grep -E '^[a-z]{1000}' | tr -d '\n' | sha256sum)"

define bytes "--binary --exit=0"
run_to_end bytes
journalctl --sync
is "all bytes but the newline pass as they are" \
        "$(python3 -c 'print(list(b"binary: " + bytes(i for i in range(256) if i != 10)))')" \
        "$(journalctl -q -o json SYSLOG_IDENTIFIER=bytes | jq -c .MESSAGE | grep '^\[98,105' | sed 's/,/, /g')"

define sleeping "--silent"
expect_output "each line has the fields" '"6","1234","sleeping-not",' bash -c "
        $(declare -f define unit wait_for unit_is ended console_lines); GUESTS=$GUESTS DEFINITIONS=$DEFINITIONS
        define sleeping-not '--exit=0' Owner=1234
        systemctl start unikernel@sleeping-not; wait_for 60 ended sleeping-not; journalctl --sync
        journalctl -q -o json SHRUTHI_UNIKERNEL=sleeping-not SYSLOG_IDENTIFIER=sleeping-not |
                jq -r '[.PRIORITY, .SHRUTHI_OWNER, .SHRUTHI_UNIKERNEL, .SHRUTHI_IMAGE] | @csv'"

# --- A boot without a word is told, and left alone.

configure SilenceWarningSec=2
define mute "--silent --tick=100"
systemctl start unikernel@mute
define chatty "--tick=500"
systemctl start unikernel@chatty
check_soon "a silent boot gets a warning" 60 said mute 'printed nothing'
pid=$(main_pid mute)
switches() { awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$1/task/"*/status; }
before=$(switches "$pid")
sleep 5
is "while the guest is silent the runner does not wake up" "$before" "$(switches "$pid")"
is "there is one warning only" 1 \
        "$(journalctl -q -o cat MESSAGE_ID=6f0d6cf33e0e4d2b8a70d8a4a1d4b305 SHRUTHI_UNIKERNEL=mute | wc -l)"
check "and the guest goes on" running mute
expect_fail "one that speaks gets none" '' said chatty 'printed nothing'

# --- At rest.

private=$(awk '/^Private_(Clean|Dirty)/ { n += $2 } END { print n }' "/proc/$pid/smaps_rollup")
diag "private memory of a resting runner: $private KiB"
check "a resting runner keeps less than 512 KiB to itself" test "$private" -lt 512
is "it is alone in its unit" "$pid" "$(cat "/sys/fs/cgroup$(unit_show unikernel@mute ControlGroup)/cgroup.procs")"
expect_fail "it has no libvirt mapped" '' grep -q libvirt "/proc/$pid/maps"
pid=$(main_pid chatty)
kill -KILL "$pid"
wait_for 60 said chatty Adopted
wait_for 60 running chatty
pid=$(main_pid chatty)
sleep 2
private=$(awk '/^Private_(Clean|Dirty)/ { n += $2 } END { print n }' "/proc/$pid/smaps_rollup")
diag "private memory of a runner that adopted: $private KiB"
check "nor does one that adopted keep more" test "$private" -lt 512
systemctl stop unikernel@mute unikernel@chatty
rm /etc/shruthi/shruthi.conf

# --- A flood.

configure ConsoleRate=100K ConsoleBurst=200K
define flood "--flood"
define neighbour "--tick=100"
systemctl start unikernel@flood unikernel@neighbour
check_soon "a flood is held back" 60 said flood 'faster than ConsoleRate'
started=${EPOCHREALTIME/./}
begin=$(last_number flood flood)
sleep 6
end=$(last_number flood flood)
msec=$(((${EPOCHREALTIME/./} - started) / 1000))
diag "lines of 64 bytes in $msec ms at 100 KiB/s: $((end - begin))"
# Each takes 64 and 490 bytes in the journal. A burst is 370 lines more, and a pipe full of them may be on their way.
check "to the rate that is set, in bytes of the journal" \
        test $((end - begin)) -le $((msec * 185 / 1000 + 1500)) -a $((end - begin)) -gt 0
is_none "without a gap" "$(gaps flood flood)"
is "and told once" 1 \
        "$(journalctl -q -o cat MESSAGE_ID=6f0d6cf33e0e4d2b8a70d8a4a1d4b306 SHRUTHI_UNIKERNEL=flood | wc -l)"
is_none "its neighbour loses nothing" "$(gaps neighbour tick)"
check_soon "and goes on" 60 counted_to neighbour tick 80
check "a flooding guest can be stopped" systemctl stop unikernel@flood
is "by itself, and not by a time-out" success "$(unit_show unikernel@flood Result)"
is "and was stopped" stopped "$(outcome flood RESULT)"
systemctl stop unikernel@neighbour

# Of one user together; root's are held to nothing by it.
configure ConsoleRate=infinity ConsoleRatePerUser=100K ConsoleBurstPerUser=200K
define hers1 "--flood" Owner=alice
define hers2 "--flood" Owner=alice
define roots "--flood"
systemctl start unikernel@hers1 unikernel@hers2 unikernel@roots
check_soon "a user's flood is held back" 60 said hers1 'faster than ConsoleRatePerUser'
check_soon "… in all of alice's" 60 said hers2 'faster than ConsoleRatePerUser'
lines_of_hers() { echo $(($(last_number hers1 flood) + $(last_number hers2 flood))); }
started=${EPOCHREALTIME/./} begin=$(lines_of_hers) roots=$(last_number roots flood)
sleep 5
end=$(lines_of_hers)
msec=$(((${EPOCHREALTIME/./} - started) / 1000))
diag "lines of two in $msec ms at 100 KiB/s: $((end - begin)); root's: $(($(last_number roots flood) - roots))"
check "… to the rate of one" test $((end - begin)) -le $((msec * 185 / 1000 + 2500)) -a $((end - begin)) -gt 0
check "root's goes faster" test $(($(last_number roots flood) - roots)) -gt $((end - begin))
is_none "alice's have lost nothing" "$(gaps hers1 flood)$(gaps hers2 flood)"
systemctl stop unikernel@hers1 unikernel@hers2 unikernel@roots
configure ConsoleRate=infinity

# --- The journal is restarted, the runner killed, in the middle of much.

define busy "--flood=2000000 --exit=0"
systemctl start unikernel@busy
for i in 1 2 3; do
        wait_for 60 counted_to busy flood $((i * 3000))
        systemctl restart systemd-journald
        systemctl reset-failed systemd-journald
done
check_soon "a guest prints 31250 lines to its end" 240 ended busy
is_none "no line is missing though the journal was restarted" "$(gaps busy flood)"
is "to the last" 31250 "$(last_number busy flood)"

define busy2 "--flood=2000000 --exit=0"
systemctl start unikernel@busy2
for i in 1 2 3; do
        wait_for 60 counted_to busy2 flood $((i * 3000))
        systemctl kill --signal=KILL unikernel@busy2
        sleep 1
done
check_soon "another, whose runner is killed again and again" 240 ended busy2
is_none "no line is missing" "$(gaps busy2 flood)"
is "to the last" 31250 "$(last_number busy2 flood)"
repeated=$(console_lines busy2 | grep '^flood 0' | uniq -d | wc -l)
diag "lines that stand there twice: $repeated"
check "and no more than one for each death stands there twice" test "$repeated" -le 3
is "its exit is known" success "$(outcome busy2 RESULT)"
rm /etc/shruthi/shruthi.conf

# --- A journal that hangs, or is away: the guest waits, a stop does not.

define waits "--tick=1"
systemctl start unikernel@waits
wait_for 60 counted_to waits tick 10
systemctl kill --signal=STOP systemd-journald
sleep 4
systemctl kill --signal=CONT systemd-journald
last=$(last_number waits tick)
check_soon "after a journal that hung the console goes on" 60 counted_to waits tick $((last + 1000))
is_none "without a gap" "$(gaps waits tick)"

# Its sockets too, and with them what waits in their queues.
journal=(systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket
        systemd-journald.service)
systemctl stop "${journal[@]}"
sleep 2
systemctl start "${journal[@]}"
last=$(last_number waits tick)
check_soon "with new sockets of the journal it goes on too" 60 counted_to waits tick $((last + 1000))
systemctl stop "${journal[@]}"
check "without a journal a stop works" systemctl stop unikernel@waits
is "by itself, too" success "$(unit_show unikernel@waits Result)"
systemctl start "${journal[@]}"
is "and is a stop" stopped "$(outcome waits RESULT)"

# --- Readers and writers.

define echoes "--tick=200" Image=guest.multiboot
systemctl start unikernel@echoes
socket=/run/shruthi/unikernels/echoes/console
expect_output "the console's socket is its owner's alone" '^600 shruthi$' stat -c '%a %U' $socket
expect_fail "others do not get as far as the socket" '' as_user mallory ls /run/shruthi/unikernels/echoes
expect_output "a reader gets what is printed" 'tick [0-9]+' timeout 60 bash -c \
        "socat -u UNIX-CONNECT:$socket - | grep -m 2 tick"
expect_output "a guest that reads gets what is typed" 'echo: hello there' bash -c \
        "(sleep 1; echo hello there) | timeout 60 socat -t 60 - UNIX-CONNECT:$socket | grep -m 1 echo"
check_soon "the guest's answer is in the journal too" 60 printed echoes 'echo: hello there'
systemctl stop unikernel@echoes

configure ConsoleRate=1M
define torrent "--flood"
systemctl start unikernel@torrent
socket=/run/shruthi/unikernels/torrent/console
python3 -c "
import os, socket, time
s = socket.socket(socket.AF_UNIX); s.connect('$socket')
open('/tmp/connected', 'w').close()
while not os.path.exists('/tmp/read-now'): time.sleep(0.1)
data = b''
s.settimeout(30)
try:
    while len(data) < 5000000 and b' lost: ' not in data: data += s.recv(65536)
except TimeoutError: pass
open('/tmp/slow', 'wb').write(data)" &
reader=$!
wait_for 60 test -e /tmp/connected
begin=$(last_number torrent flood)
# More than fits into the socket (net.core.wmem_default).
check_soon "a reader that does not read holds up nobody" 120 counted_to torrent flood $((begin + 5000))
touch /tmp/read-now
wait $reader
expect_output "and is told what it has lost" 'bytes lost: read too slowly' cat /tmp/slow
is_none "the journal has lost nothing" "$(gaps torrent flood)"
systemctl stop unikernel@torrent
rm /etc/shruthi/shruthi.conf

finish
