#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The plug is pulled while unikernels, keys, volumes and networks are being changed: what was acknowledged is there
# afterwards, what was not is there whole or not at all, and nothing is left half written. All that these are on is a
# file system of its own, which is stopped at once, as by a power cut: what is not on the disk by then is lost (the
# ioctl(2) that xfstests have for it). $PLUGS says how often, $SEED by which chance. The plug of a whole machine is
# pulled by its own group of that name.
#
# Packages: e2fsprogs

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

PLUGS=${PLUGS:-6}
SEED=${SEED:-$RANDOM$RANDOM}
RANDOM=$((SEED % 32768))
disk=/run/disk
work=/srv/plug
log=$work/log
changes=$SRC/tests/client/changes.py
folders=(/var/lib/shruthi /var/lib/shruthi-seal /var/lib/shruthi-hosts /var/lib/systemd /etc/credstore.encrypted
        /etc/libvirt/qemu)
# How the file system is mounted, in turn: as usual; and so that what is not flushed stays in memory for long, in any
# order.
modes=("defaults" "commit=300,noauto_da_alloc" "commit=300,nodelalloc,noauto_da_alloc"
        "commit=300,data=writeback,noauto_da_alloc")
sockets=(shruthid shruthi-domain shruthi-antispoof shruthi-neighbours shruthi-seal)

# MODE: the disk is there again, and all that is on it.
disk_up() {
        local folder

        # With "loop" the device goes with the file system, also where this sandbox is ended at once.
        mkdir -p $disk && mount -o "loop,$1" $work/disk $disk || return
        for folder in "${folders[@]}"; do
                mount --bind "$disk$folder" "$folder" || return
        done
}

disk_down() {
        local folder

        for folder in "${folders[@]}" $disk; do
                umount --lazy "$folder" || return
        done
}

# Nothing of it is left, as after a power cut.
services_kill() {
        local bridge

        systemctl stop "${sockets[@]/%/.socket}" libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
        systemctl kill --signal=KILL shruthid.service shruthi-domain.service 'shruthi-seal@*' libvirtd.service
        systemctl stop shruthid.service shruthi-domain.service shruthi-antispoof.service libvirtd.service 'shruthi-seal@*'
        pkill -KILL -x dnsmasq
        for bridge in /sys/class/net/*/bridge; do
                [ -e "$bridge" ] && ip link delete "$(basename "${bridge%/bridge}")"
        done
        rm -rf /run/libvirt/network /run/shruthi/{lives,unikernels,results,cut-off}/*
        systemctl reset-failed
} 2>/dev/null

# As at a boot.
services_start() {
        systemd-tmpfiles --create --remove --boot --prefix=/var/lib --prefix=/etc/credstore.encrypted \
                --prefix=/run/shruthi
        systemctl daemon-reload
        systemctl start libvirtd.socket "${sockets[@]/%/.socket}" libvirtd.service
} >/dev/null 2>&1

# EXT4_IOC_SHUTDOWN, which every file system has by the same number: neither data nor journal is flushed.
disk_stop() {
        python3 -c 'import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))' $disk
}

# SECONDS NUMBER: after the first change was acknowledged, however long that takes.
change_for() {
        local writer before
        before=$(acknowledged)

        python3 $changes write $work "$SEED $2" >>$log 2>>$work/errors &
        writer=$!
        wait_for 300 more_than "$before"
        sleep "$1"
        disk_stop
        # Whoever has been told so by now was told the truth.
        sleep 0.3
        kill -KILL $writer
        wait $writer
} 2>/dev/null

acknowledged() { grep -c '^done' $log; }
more_than() { [ "$(acknowledged)" -gt "$1" ]; }

for i in {0..15}; do [ -e "/dev/loop$i" ] || mknod "/dev/loop$i" b 7 "$i"; done
[ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
mkdir -p $work; install -d -m 0700 /etc/credstore.encrypted
chmod 0711 $work
truncate --size=512M $work/disk
: >$log
diag "SEED=$SEED PLUGS=$PLUGS"
systemctl stop unikernels.target
services_kill
check "a file system is made" mke2fs -q -F -t ext4 $work/disk
check "and mounted" bash -c "mkdir -p $disk && mount -o loop $work/disk $disk"
for folder in "${folders[@]}"; do
        mkdir -p "$folder" && mkdir -p "$disk${folder%/*}" && cp -a "$folder" "$disk${folder%/*}/"
done
check "with all that is ours" umount $disk

for ((plug = 0; plug < PLUGS; plug++)); do
        mode=${modes[plug % ${#modes[@]}]}
        disk_up "$mode" || fail "the disk is mounted"
        services_start
        change_for "$((1 + RANDOM % 9)).$((RANDOM % 1000))" $plug
        services_kill
        disk_down || fail "the disk is unmounted"
        # What still has the stopped one open shall not be in the way.
        cp --sparse=always $work/disk $work/next && mv $work/next $work/disk
        lib_run e2fsck -p $work/disk
        [ $status -le 1 ] || fail "$plug ($mode): the journal is replayed"
        check "$plug ($mode): the file system is clean" e2fsck -fn $work/disk
        disk_up "$mode" || fail "the disk is mounted again"
        services_start
        check "… and what was acknowledged is there, the rest whole or not at all" python3 $changes check $log
        diag "$output"
        services_kill
        disk_down || fail "the disk is unmounted again"
done
diag "$(acknowledged) changes were acknowledged; $(grep -c '^found' $log) were cut short," \
        "$(grep -c '^found .* yes' $log) of them were there"
grep '^refused' $log | cut -d' ' -f3- | sort | uniq -c | sort -rn | head -n 5 | while read -r line; do diag "$line"; done
check "changes were acknowledged each time" test "$(acknowledged)" -ge "$PLUGS"
if [ $tests_failed -gt 0 ]; then
        diag "The log ends with:"
        diag "$(tail -n 30 $log | cut -c1-200)"
        diag "$(tail -n 5 $work/errors)"
fi
disk_up defaults
services_start
finish
