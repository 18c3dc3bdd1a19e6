#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The first process of a whole machine (whole.sh): mounts its disks and hands over to systemd.

b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
while read -r module; do
        $b insmod "/modules/$module" || echo "no module $module"
done </modules/order
# Read-only, for systemd to check it.
$b mount -t ext4 -o ro /dev/vda /root || exec $b sh
$b mount -t ext4 -o ro /dev/vdb /root/shruthi || exec $b sh
i=0
while read -r dir; do
        $b mount -o bind "/root/shruthi/bound/$i" "/root$dir" || echo "no folder $dir"
        i=$((i + 1))
done </root/shruthi/bound/list
for dir in dev proc sys; do
        $b mount -o move /$dir /root/$dir
done
exec $b switch_root /root /lib/systemd/systemd
