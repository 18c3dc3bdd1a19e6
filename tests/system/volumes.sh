#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Storage with a life of its own: it outlives its unikernel, its host's reboot and whoever is killed; one writer
# or many readers; a full disk stops the write and not the host.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

STORE=/var/lib/shruthi/volumes
DISK=$GUESTS/guest-disk.virtio

# NAME ARGUMENTS [LINE…]: one with a network and a block device "storage", defined by hand.
define_disk() {
        local name=$1 arguments=$2
        shift 2
        define "$name" "$arguments" Image=guest-disk.virtio "$@" '[Network service]' Bridge=virbr0
}
said() { console_lines "$1" | grep -qxF -- "$2"; }
said_like() { console_lines "$1" | grep -qE -- "$2"; }
# NAME: all that the runner says about it.
messages() {
        journalctl --sync
        journalctl --quiet --no-pager --output=cat UNIT="$(unit "$1")" + _SYSTEMD_UNIT="$(unit "$1")"
}
messages_have() { messages "$1" | grep -qF -- "$2"; }
size() { stat -c %s "$STORE/$1/data"; }
allocated() { du -B1 "$STORE/$1/data" | cut -f1; }
no_remains() { ! find "$STORE" -mindepth 1 -maxdepth 1 -name '.*' | grep -q .; }

# After the reboot: the counters go on.
if [ "$STAGE" = rebooted ]; then
        check_soon "it has counted the boot of the host" 60 said counter 'boot 5'
        check "and runs" running counter
        check "a user's volume has stayed too" test -f $STORE/hers-storage/data
        check "the new unikernel finds it unchanged" as_user alice shruthictl start hers
        check_soon "and goes on counting" 60 said hers 'boot 3'
        finish
fi

# A definition written by hand, without shruthid: made at the first start.
systemctl stop shruthid.service shruthid.socket
define_disk counter --boots Autostart=yes '[Volume storage]' Size=64M
is_none "there is none before the first start" "$(ls $STORE)"
check "it starts" systemctl start unikernel@counter
check "and has not needed shruthid" unit_is inactive shruthid.service
check_soon "its first boot" 60 said counter 'boot 1'
is "the volume is named after it" counter-storage "$(ls $STORE)"
is "it has its size" $((64 << 20)) "$(size counter-storage)"
check "and takes room only for what is written" test "$(allocated counter-storage)" -lt 200000
is "QEMU's group passes through to the data alone" "shruthi:libvirt-qemu 710
shruthi:libvirt-qemu 660
shruthi 600" "$(stat -c '%U:%G %a' $STORE/counter-storage $STORE/counter-storage/data
        stat -c '%U %a' $STORE/counter-storage/volume)"
expect_fail "no user comes in" 'denied' as_user alice cat $STORE/counter-storage/data
expect_fail "and nobody lists the store" 'denied' as_user alice ls $STORE
expect_fail "QEMU's user reads no record" 'denied' \
        setpriv --reuid=libvirt-qemu --regid=libvirt-qemu --init-groups cat $STORE/counter-storage/volume
check "restarted, it counts on" systemctl restart unikernel@counter
check_soon "from where it was" 60 said counter 'boot 2'
systemctl start shruthid.socket

# One writer, and nobody beside it.
define_disk second --boots '[Volume storage]' Volume=counter-storage
expect_fail "a second writer is refused" . systemctl start unikernel@second
check "and told who has it" messages_have second "Volume 'counter-storage' is being written by unikernel 'counter'"
define_disk second --boots '[Volume storage]' Volume=counter-storage ReadOnly=yes
expect_fail "a reader beside the writer too" . systemctl start unikernel@second
expect_fail "the bus names the error" "being written by unikernel 'counter'" shruthictl start second
qemu=$(qemu_pid counter)
check "QEMU is killed" kill -KILL "$qemu"
check_soon "its unikernel has ended" 60 ended counter
check "at once the volume is free" systemctl start unikernel@second
check_soon "and holds what was written" 60 said second "storage: is read-only, the last was boot 2"

# Many readers, and no writer beside them.
define_disk third --boots '[Volume storage]' Volume=counter-storage ReadOnly=yes
check "a second reader shares it" systemctl start unikernel@third
check_soon "and reads the same" 60 said third "storage: is read-only, the last was boot 2"
expect_fail "a writer beside readers is refused" . systemctl start unikernel@counter
check "and told who they are" messages_have counter "being read by unikernel 'second' and 'third'"
check "readers stop" systemctl stop unikernel@second unikernel@third
rm -f $DEFINITIONS/second.unikernel $DEFINITIONS/third.unikernel

# Killed while it has it, a guest counts on from what it was told is written.
define_disk killed --boots '[Volume storage]' Size=1M
killed_while_it_has_it() {
        local i
        for i in 1 2 3; do
                systemctl start unikernel@killed && wait_for 60 said killed "boot $i" || return 1
                kill -KILL "$(qemu_pid killed)" && wait_for 60 ended killed || return 1
        done
}
check "QEMU is killed three times, and no boot is lost" killed_while_it_has_it
# Of two at once one gets it, whoever comes first.
define_disk rival --boots '[Volume storage]' Volume=killed-storage
one_wins() {
        local i
        for i in 1 2 3; do
                systemctl reset-failed unikernel@killed unikernel@rival
                systemctl start unikernel@killed &
                systemctl start unikernel@rival &
                wait
                if running killed; then ! running rival; else running rival; fi || return 1
                messages_have killed "Volume 'killed-storage' is being" ||
                        messages_have rival "Volume 'killed-storage' is being" || return 1
                systemctl stop unikernel@killed unikernel@rival
        done 2>/dev/null
}
check "of two that start at once one gets it, and the other one is told" one_wins
rm -f $DEFINITIONS/killed.unikernel $DEFINITIONS/rival.unikernel

# A path of the host's is locked in the same way, and QEMU's own words become ours.
truncate -s 1M /var/lib/libvirt/images/path.img
chmod 666 /var/lib/libvirt/images/path.img
define_disk path-a --boots '[Volume storage]' Path=/var/lib/libvirt/images/path.img
define_disk path-b --boots '[Volume storage]' Path=/var/lib/libvirt/images/path.img
check "a path is not looked at beforehand" systemctl start unikernel@path-a
check_soon "and written" 60 said path-a 'boot 1'
expect_fail "QEMU's lock keeps the second out" . systemctl start unikernel@path-b
check "with the same sentence" messages_have path-b "is being used by unikernel 'path-a'"
systemctl stop unikernel@path-a
rm -f $DEFINITIONS/path-?.unikernel

# Names and owners.
define_disk theirs --boots Owner=alice '[Volume storage]' Volume=counter-storage
expect_fail "a volume of another is refused at the start" . systemctl start unikernel@theirs
check "with whose it is" messages_have theirs "volume 'counter-storage' belongs to user root"
define_disk lends --boots Owner=alice Group=shruthi-users '[Volume storage]' Size=1M
check "a volume is shared with its unikernel's group" systemctl start unikernel@lends
check_soon "it is written" 60 said lends 'boot 1'
systemctl stop unikernel@lends
define_disk borrows --boots Owner=bob '[Volume storage]' Volume=lends-storage
check "a member of the group may have it" systemctl start unikernel@borrows
check_soon "and goes on with it" 60 said borrows 'boot 2'
systemctl stop unikernel@borrows
define_disk borrows --boots Owner=mallory '[Volume storage]' Volume=lends-storage
expect_fail "who is in no such group may not" . systemctl start unikernel@borrows
rm -f $DEFINITIONS/lends.unikernel $DEFINITIONS/borrows.unikernel
define_disk lends-too --boots Owner=alice Group=shruthi-users '[Volume storage]' Size=1M Volume=waits-storage
check "somebody of a group makes one by the name that another's will have" systemctl start unikernel@lends-too
systemctl stop unikernel@lends-too
define_disk waits --boots Owner=bob '[Volume storage]' Size=1M
expect_fail "that is not taken for the other's own" . systemctl start unikernel@waits
check "and whose it is is said" messages_have waits "volume 'waits-storage' already exists and belongs to user alice"
rm -f $DEFINITIONS/lends-too.unikernel $DEFINITIONS/waits.unikernel
define_disk missing --boots '[Volume storage]' Volume=nowhere
expect_fail "one that must be there and is not" . systemctl start unikernel@missing
check "says what to write" messages_have missing "there is no volume 'nowhere'; set Size= to create it"
define_disk counter --boots Autostart=yes '[Volume storage]' Size=128M
check "Size= of one that is there resizes nothing" systemctl restart unikernel@counter
check_soon "it runs" 60 said counter 'boot 3'
is "and is as large as before" $((64 << 20)) "$(size counter-storage)"
check "what would resize it is named" messages_have counter "shruthictl volume resize counter-storage 128M"
define_disk counter --boots Autostart=yes '[Volume storage]' Size=64M
systemctl stop unikernel@counter
rm -f $DEFINITIONS/theirs.unikernel $DEFINITIONS/missing.unikernel

# Through the bus.
expect_fail "a user names no path" 'PathNotAllowed|only an administrator' \
        as_user alice shruthictl create hers $DISK --network=service --volume=storage:/dev/sda --arguments=--boots
expect_fail "nor root's volume, nor is told whose it is" "counter-storage.* belongs to another user" \
        as_user alice shruthictl create hers $DISK --network=service --volume=storage:volume=counter-storage
expect_fail "and has a limit" 'VolumesSizeMaxPerUser=4G' \
        as_user alice shruthictl create hers $DISK --network=service --volume=storage:size=5G
check "nothing of it is left" test ! -e $STORE/hers-storage
check "within it alice's volume is made" \
        as_user alice shruthictl create hers $DISK --network=service --volume=storage:size=1M --arguments=--boots
is "at once" $((1 << 20)) "$(size hers-storage)"
is "and alice owns it" "OWNER=$(id -u alice)" "$(cat $STORE/hers-storage/volume)"
check "it starts" as_user alice shruthictl start hers
check_soon "its first boot" 60 said hers 'boot 1'
expect_output "its status names it" 'block storage → volume hers-storage' as_user alice shruthictl status hers
check "it is removed" as_user alice shruthictl remove --now hers
check "the volume stays" test -f $STORE/hers-storage/data
expect_fail "another user does not get it, and is not told whose it is" "belongs to another user" \
        as_user bob shruthictl create hers $DISK --network=service --volume=storage:size=1M --arguments=--boots
check "created again, with another size written" \
        as_user alice shruthictl create hers $DISK --network=service --volume=storage:size=512K --arguments=--boots
check "it starts" as_user alice shruthictl start hers
check_soon "and finds it as it was" 60 said hers 'boot 2'
expect_fail "setting a larger size says what resizes" 'volume resize hers-storage 2M' \
        as_user alice shruthictl set hers --volume=storage:size=2M
check "it stops" as_user alice shruthictl stop hers

# A full disk: the write fails, and its guest is told; the unikernel, its host and all others go on.
no_timer_is_armed() { ! grep -h it_value: "/proc/$1/fdinfo/"* | grep -qv '(0, 0)'; }
mount -t tmpfs -o size=1m,mode=2710,uid=shruthi,gid=libvirt-qemu tmpfs $STORE
define_disk dies '--fill --exit=3' '[Volume storage]' Size=64M
systemctl start unikernel@dies
check_soon "a guest that ends when a write fails" 60 unit_is failed unikernel@dies
expect_output "has the full disk in its reason" 'exit.*3.*the file system of its volumes is full' shruthictl show -p Reason --value dies
check "and in its journal" messages_have dies "The file system of volume 'dies-storage' is full"
rm -rf $STORE/dies-storage $DEFINITIONS/dies.unikernel
define_disk full --fill '[Volume storage]' Size=64M
check "a volume larger than its disk starts" systemctl start unikernel@full
check "and is told of beforehand" messages_have full "can need 64M more, and its file system has"
check_soon "the write fails, and the guest is told" 60 said_like full '^storage: a write failed at sector [0-9]+, [0-9]+ bytes'
check "the guest goes on" running full
check_soon "the journal of its unit names the volume" 60 \
        messages_have full "The file system of volume 'full-storage' is full"
expect_output "and its status" "full-storage' is full" unit_show unikernel@full StatusText
check "what it looks with rests when its guest does" no_timer_is_armed "$(main_pid full)"
check "what is there is not lost" test "$(allocated full-storage)" -gt 500000
expect_fail "doctor says it" '"volume-room","Status":"failed"' shruthictl doctor --json=short
expect_fail "nothing more is made there" "ot enough space for volume|o space left" \
        as_user alice shruthictl create nospace $DISK --network=service --volume=storage:size=1M
check "and nothing half-made stays" no_remains
check "the host has room elsewhere" dd if=/dev/zero of=/var/lib/room bs=1M count=4 status=none
systemctl stop unikernel@full
systemctl stop shruthid.service
umount $STORE
rm -f $DEFINITIONS/full.unikernel

# Killed at awkward moments: there is a volume or none, never half of one.
awkward() {
        local i
        for i in $(seq 12); do
                as_user alice timeout 20 shruthictl create "cut$i" "$DISK" --network=service \
                        --volume=storage:size=1M --quiet >/dev/null 2>&1 &
                sleep "0.0$((i * 7 % 10))"
                systemctl kill --signal=KILL shruthid.service 2>/dev/null
                wait $!
        done
        systemctl reset-failed shruthid.service shruthid.socket
        systemctl start shruthid.socket
        for i in $(seq 12); do
                [ ! -e "$STORE/cut$i-storage" ] || {
                        [ "$(size "cut$i-storage")" = $((1 << 20)) ] &&
                                grep -qx "OWNER=$(id -u alice)" "$STORE/cut$i-storage/volume"
                } || return 1
                [ ! -e "/var/lib/shruthi/unikernels/cut$i.unikernel" ] || [ -e "$STORE/cut$i-storage" ] || return 1
        done
}
check "whoever makes one is killed: each is whole, and every definition has its own" awkward
check "another is made" as_user alice shruthictl create after $DISK --network=service --volume=storage:size=1M
check "and what the dead left is cleared away" no_remains

# The same by hand, with the runner and its helpers killed at the first start.
awkward_starts() {
        local i data
        for i in $(seq 8); do
                define_disk "early$i" --boots '[Volume storage]' Size=1M
                systemctl start --no-block "unikernel@early$i"
                sleep "0.$((i * 37 % 100 + 10))"
                systemctl kill --kill-whom=all --signal=KILL "unikernel@early$i" 2>/dev/null
                systemctl stop "unikernel@early$i"
                data=$STORE/early$i-storage/data
                [ ! -e "$STORE/early$i-storage" ] || [ "$(stat -c '%s %a' "$data")" = "$((1 << 20)) 660" ] || return 1
        done
        for i in $(seq 8); do
                systemctl reset-failed "unikernel@early$i"
                systemctl start "unikernel@early$i" && wait_for 60 said_like "early$i" '^boot [12]$' || return 1
                systemctl stop "unikernel@early$i"
                rm -f "$DEFINITIONS/early$i.unikernel"
        done 2>/dev/null
}
check "who starts one first is killed: each is whole or not there, and starts then" awkward_starts
check "the counter is left running" systemctl restart unikernel@counter
check_soon "and has counted" 60 said counter 'boot 4'
sandbox_reboot rebooted
