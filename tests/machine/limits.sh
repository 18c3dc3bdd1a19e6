#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What limits hold, with the controllers of control groups and the kernel's traffic control, which a whole machine has:
# those of slices hold guests, at once and after a restart; those of units hold none, which is told; what is counted is
# what the guest uses; and Bandwidth= on the wire. All bounds are on what got through in a time that was measured: a slow
# machine does less.
# short: one boot is enough for it, with the other short ones.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"

cgroups=/sys/fs/cgroup
slice='unikernel-0-held-back.slice'
slice=${slice/d-b/d\\x2db}
group=$cgroups/unikernel.slice/unikernel-0.slice/$slice

qemu_group() { sed -n 's/^0:://p' "/proc/$(cat "/run/libvirt/qemu/unikernel-$1.pid")/cgroup"; }
guest_said() { journalctl --unit="unikernel@$1" --output=cat --no-pager --boot | grep -qE -- "$2"; }
# SLICE PROPERTY: a number, not "[not set]".
counted() { unit_show "$1" "$2" | grep -E '^[0-9]+$'; }
# FILE FIELD
field() { sed -n "s/^$2 //p" "$1"; }
number_of() { shruthictl show "$1" --json=short | jq -r ".$2"; }

check "there are controllers" grep -qw memory $cgroups/cgroup.controllers
check "a guest is made" shruthictl create held-back "$GUEST" --memory=16M --cpus=2 --network=service:virbr0 \
        -- --ipv4=192.168.122.30/24

# ── Of its unit ──────────────────────────────────────────────────────────────────────────────────────────────────────
check "systemd takes a limit for its unit" systemctl set-property unikernel@held-back.service CPUQuota=5%
# Of one that does not run its exit status is 3.
status_of() { shruthictl status "$1" || :; }
expect_output "status says that it holds no guest" 'No effect: CPUQuota=5' status_of held-back
expect_output "and what does" "systemctl set-property 'unikernel-0-held.x2dback.slice'" status_of held-back
check "it starts" shruthictl start held-back
check_soon "and says the same in its journal" 60 guest_said held-back \
        "do not apply to the guest.*CPUQuota=5.*limits of its slice: systemctl set-property '"
check "the limit of its unit is taken back" systemctl revert unikernel@held-back.service
expect_fail "status no longer speaks of it" '' bash -c 'shruthictl status held-back | grep "No effect"'

# ── Of its slice ─────────────────────────────────────────────────────────────────────────────────────────────────────
is "status names its slice" "$slice" "$(number_of held-back Slice)"
expect_output "QEMU is in it" "^/unikernel.slice/unikernel-0.slice/unikernel-0-held.x2dback.slice/machine-qemu.*\.scope" qemu_group held-back
is "as systemd sees it" active "$(unit_show "$slice" ActiveState)"
check "a limit is set while it runs" systemctl set-property "$slice" CPUQuota=5%
is "the kernel has it" '5000 100000' "$(cat "$group/cpu.max")"
throttled=$(field "$group/cpu.stat" nr_throttled) used=$(field "$group/cpu.stat" usage_usec) began=${EPOCHREALTIME/./}
check "it has something to do" timeout 300 ping -q -c 40 -i 0.2 192.168.122.30
used=$(($(field "$group/cpu.stat" usage_usec) - used)) took=$((${EPOCHREALTIME/./} - began))
diag "$used of $took µs"
check "it was held back" test "$(field "$group/cpu.stat" nr_throttled)" -gt "$throttled"
# One period's share on each processor may be over at either end.
check "and had no more than that of the time" test "$used" -le $((took / 20 + 100000))

# QEMU's own start would take minutes with that.
check "with another limit" systemctl set-property "$slice" CPUQuota=25%
check "another start" shruthictl restart held-back
is "is limited from its first moment" '25000 100000' "$(cat "$group/cpu.max")"
check "and held back" test "$(field "$group/cpu.stat" nr_throttled)" -gt 0
check "the limit is taken away" systemctl set-property "$slice" CPUQuota=
is "at once" 'max 100000' "$(cat "$group/cpu.max")"
# An administrator's word, also that there be none, goes before the definition's.
check "what the administrator said is taken back" systemctl revert "$slice"

# ── Of its definition, in the same terms ─────────────────────────────────────────────────────────────────────────────
check "its definition limits it while it runs" shruthictl set held-back CPUQuota=30% CPUWeight=50 AllowedCPUs=0 \
        IOReadBandwidthMax=10M IOWriteIOPSMax=500 MemoryHigh=400M MemoryMax=512M
limits_in_kernel() { printf '%s|' "$(cat "$group/cpu.max")" "$(cat "$group/cpu.weight")" "$(cat "$group/cpuset.cpus")" \
        "$(cat "$group/memory.high")" "$(cat "$group/memory.max")"; }
limits="30000 100000|50|0|$((400 << 20))|$((512 << 20))|"
is "the kernel has that at once" "$limits" "$(limits_in_kernel)"
expect_output "… of the disk of the volumes, too" 'rbps=10000000 wbps=max riops=max wiops=500' cat "$group/io.max"
is "nothing of it is without effect" '[]' "$(shruthictl show held-back --json=short | jq -c .WithoutEffect)"
check "another start" shruthictl restart held-back
is "is limited so from its first moment" "$limits" "$(limits_in_kernel)"
check "they are taken away" shruthictl set held-back CPUQuota= CPUWeight= AllowedCPUs= IOReadBandwidthMax= \
        IOWriteIOPSMax= MemoryHigh= MemoryMax=
# The kernel refuses to clear the processors of a group that is in use: all of them are named.
is "… at once" "max 100000|100|$(cat /sys/devices/system/cpu/possible)|max|max|" "$(limits_in_kernel)"
is_none "… of the disk, too" "$(cat "$group/io.max")"
check "one of two" shruthictl set held-back IOReadBandwidthMax=10M "IOWriteIOPSMax=/shruthi 500"
is "… of as many disks" 2 "$(wc -l <"$group/io.max")"
check "… is taken away" shruthictl set held-back IOWriteIOPSMax=
expect_output "… and the other stays" ' rbps=10000000 wbps=max riops=max wiops=max$' cat "$group/io.max"
is "… alone" 1 "$(wc -l <"$group/io.max")"
check "an administrator sets limits" systemctl set-property "$slice" AllowedCPUs=1 IOReadIOPSMax='/shruthi 7'
is "… which the kernel has" 1 "$(cat "$group/cpuset.cpus")"
check "… and takes them back" systemctl revert "$slice"
is "… from the kernel, too" "$(cat /sys/devices/system/cpu/possible)" "$(cat "$group/cpuset.cpus")"
is "… but for that of the definition" 1 "$(wc -l <"$group/io.max")"
check "… which goes last" shruthictl set held-back IOReadBandwidthMax=
is_none "no disk is limited" "$(cat "$group/io.max")"

# ── Of a user ────────────────────────────────────────────────────────────────────────────────────────────────────────
alices=$cgroups/unikernel.slice/unikernel-$(id -u alice).slice
# What is a user's sends only from an address that it was given.
check "alice has one with a limit" as_user alice shruthictl create hers "$GUEST" --memory=16M --cpu-quota=90% --now \
        --network=service:virbr0,address=auto -- '--ipv4={service.address}'
is "it is in a slice of hers" "unikernel-$(id -u alice)-hers.slice" "$(number_of hers Slice)"
expect_output "QEMU is in it" "^/unikernel.slice/unikernel-$(id -u alice).slice/unikernel-$(id -u alice)-hers.slice/" \
        qemu_group hers
is "the kernel has its limit" '90000 100000' "$(cat "$alices/unikernel-$(id -u alice)-hers.slice/cpu.max")"
address=$(address_of hers)
check_soon "it answers" 300 ping -c 1 -W 5 "$address"
check "all of hers are limited together" systemctl set-property "unikernel-$(id -u alice).slice" CPUQuota=20%
is "… above that" '20000 100000' "$(cat "$alices/cpu.max")"
throttled=$(field "$alices/cpu.stat" nr_throttled)
check "it has something to do" timeout 300 ping -q -c 40 -i 0.2 "$address"
check "hers is held back by it" test "$(field "$alices/cpu.stat" nr_throttled)" -gt "$throttled"
is "root's is not in it" max "$(cut -d' ' -f1 "$cgroups/unikernel.slice/unikernel-0.slice/cpu.max")"
check "it is removed" as_user alice shruthictl remove --now hers
check "so is what was set for her" systemctl revert "unikernel-$(id -u alice).slice"
check_soon "her slice is gone" 60 test ! -e "$alices"

# ── Of a process ─────────────────────────────────────────────────────────────────────────────────────────────────────
process=$cgroups/unikernel.slice/unikernel-0.slice/unikernel-0-process.slice
check "one that is a process has limits" shruthictl create process "$BUILD/tests/guest/guest-plain.spt" --now \
        --cpu-quota=40% --allowed-cpus=0 --io-read-bandwidth-max=10M --memory-max=64M -- --tick=500
expect_output "it is in a slice of its own" '^/unikernel.slice/unikernel-0.slice/unikernel-0-process.slice/unikernel@process' \
        sed -n 's/^0:://p' "/proc/$(unit_show unikernel@process MainPID)/cgroup"
limits_of_process() { printf '%s|' "$(cat "$process/cpu.max")" "$(cat "$process/cpuset.cpus")" "$(cat "$process/io.max")" \
        "$(cat "$process/memory.max")"; }
expect_output "the kernel has its limits" "^40000 100000\|0\|.* rbps=10000000 .*\|$((64 << 20))\|" limits_of_process
check "they are taken away" shruthictl set process CPUQuota= AllowedCPUs= IOReadBandwidthMax= MemoryMax=
is "… at once" "max 100000|$(cat /sys/devices/system/cpu/possible)||max|" "$(limits_of_process)"
check "it is removed" shruthictl remove --now process
check_soon "its slice is gone" 60 test ! -e "$process"

check "all guests are limited" systemctl set-property --runtime unikernel.slice MemoryHigh=2G CPUWeight=50
is "in the slice that all are in" 50 "$(cat $cgroups/unikernel.slice/cpu.weight)"

# ── What is counted ──────────────────────────────────────────────────────────────────────────────────────────────────
check_soon "it runs" 300 guest_said held-back 'serving on 192.168.122.30'
memory=$(counted "$slice" MemoryCurrent) cpu=$(counted "$slice" CPUUsageNSec)
diag "the slice: $memory bytes, $cpu ns; its supervisor: $(counted unikernel@held-back.service MemoryCurrent) bytes"
check "memory is what QEMU has" test "${memory:-0}" -gt $((8 << 20))
check "processor time is QEMU's" test "${cpu:-0}" -ge \
        $(($(awk '{ print $14 + $15 }' "/proc/$(cat /run/libvirt/qemu/unikernel-held-back.pid)/stat") * 1000000000 / \
        $(getconf CLK_TCK) / 2))
check "all together have no less" test "$(counted unikernel.slice MemoryCurrent)" -ge "$memory"
check "the supervisor has little" test "$(counted unikernel@held-back.service MemoryCurrent)" -lt "$memory"

# ── Of its definition ────────────────────────────────────────────────────────────────────────────────────────────────
arguments=$(tr '\0' ' ' <"/proc/$(cat /run/libvirt/qemu/unikernel-held-back.pid)/cmdline")
expect_output "Memory= is the guest's" '-m (size=16384k|16)|"size":16777216' cat <<<"$arguments"
expect_output "CPUs= are the guest's" '-smp 2,' cat <<<"$arguments"

# ── Too little memory ────────────────────────────────────────────────────────────────────────────────────────────────
check "its slice is given less than QEMU has" systemctl set-property "$slice" MemoryMax=3M
check_soon "its unit fails" 300 unit_is failed unikernel@held-back.service
check "the kernel has ended QEMU for it" bash -c \
        'journalctl --dmesg --boot --output=cat --no-pager | grep -q "oom-kill:.*unikernel-0-held"'
check "no domain is left" bash -c '! virsh list --all --name | grep -q held-back'
check "the limit is taken away" systemctl set-property "$slice" MemoryMax=
systemctl reset-failed unikernel@held-back.service
check "with enough it starts" shruthictl start held-back
check "it is removed" shruthictl remove --now held-back
check "so are the settings of its slice, by who made them" systemctl revert "$slice"
check_soon "its slice is gone" 60 test ! -e "$group"

# ── Bandwidth on the wire ────────────────────────────────────────────────────────────────────────────────────────────
tap_of() { virsh domiflist "unikernel-$1" | awk '$2 != "" && /network|bridge/ { print $1; exit }'; }
bytes_to() { cat "/sys/class/net/$(tap_of "$1")/statistics/tx_bytes"; }
elapsed() { echo $(((${EPOCHREALTIME/./} - began) / 1000000 + 1)); }
dropped_by() { sed -nE 's/.*dropped ([0-9]+).*/\1/p' | sort -n | tail -n 1; }

check "a guest to which 4000 bytes may go in a second" shruthictl create slow-in "$GUEST" --memory=8M --now \
        --network=service:virbr0,bandwidth=in:4K -- --ipv4=192.168.122.31/24
check_soon "it answers" 300 ping -c 1 -W 5 192.168.122.31
before=$(bytes_to slow-in) began=${EPOCHREALTIME/./}
# The queue of the tap drops nothing of it: it makes the sender wait.
check "a hundred times that is sent" python3 -c '
import socket
to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(400):
    to.sendto(bytes(1000), ("192.168.122.31", 9))'
got=$(($(bytes_to slow-in) - before)) took=$(elapsed)
diag "$got bytes in $took s"
check "some of it comes through" test "$got" -gt 1000
check "and no more than that" test "$got" -le $((took * 4000 + 8000))
check "it is removed" shruthictl remove --now slow-in

check "a guest from which 1000 bytes may come in a second" shruthictl create slow-out "$GUEST" --memory=8M --now \
        --network=service:virbr0,bandwidth=out:1K -- --ipv4=192.168.122.32/24
check_soon "it answers" 300 ping -c 1 -W 5 192.168.122.32
began=${EPOCHREALTIME/./}
expect_output "not all is heard of it" '[0-9]+ received' bash -c \
        'ping -q -c 400 -i 0.002 -s 400 -W 2 192.168.122.32; true'
heard=$(sed -nE 's/.* ([0-9]+) received.*/\1/p' <<<"$output") took=$(elapsed)
diag "$heard answers of 442 bytes in $took s"
check "something is" test "$heard" -gt 0
check "and no more than that" test $((heard * 442)) -le $((took * 1024 + 4000))
check "the kernel has dropped the rest" test \
        "$(tc -s filter show dev "$(tap_of slow-out)" parent ffff: | dropped_by)" -gt 10
check "it is removed" shruthictl remove --now slow-out

# The same of a guest that is a process, whose tap shruthi-antispoof makes.
client=$SRC/tests/client/antispoof.py
slow=(52:54:00:00:00:ac 192.168.122.33)
as_shruthi() { runuser -u shruthi -- python3 "$client" "$@"; }
answer=$(as_shruthi ask "filter slow ${slow[*]} none service")
tap=${answer#ok }
mkfifo /tmp/tap-in /tmp/tap-out
as_shruthi tap "tap $tap virbr0 in:4000 out:1000" "${slow[@]}" 192.168.122.34 192.168.122.1 \
        </tmp/tap-in >/tmp/tap-out &
exec 7>/tmp/tap-in 8</tmp/tap-out
read -r answer <&8
is "a process has a tap with both limits" 'ok 1500 with 1 descriptors' "$answer"
echo 'flood 400' >&7
read -r heard took <&8
diag "$heard answers of 442 bytes in $took µs"
check "something is heard of it" test "$heard" -gt 0
check "and no more than may" test $((heard * 442)) -le $((took / 1000 + 4000))
check "the kernel has dropped the rest" test "$(tc -s filter show dev "$tap" parent ffff: | dropped_by)" -gt 10
ip neighbour replace 192.168.122.33 lladdr "${slow[0]}" dev virbr0 nud permanent
ping -q -i 0.01 -s 1000 -w 8 192.168.122.33 >/dev/null &
pings=$!
echo 'count 8' >&7
read -r got took <&8
wait $pings
diag "$got bytes in $took µs"
check "some comes to it" test "$got" -gt 1000
check "and no more than may" test "$got" -le $((took * 4 / 1000 + 8000))
exec 7>&- 8<&-
check_soon "it goes with its limits" 60 test ! -e "/sys/class/net/$tap"
rm /tmp/tap-in /tmp/tap-out

finish
