#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs as root in the tree that a whole machine shall boot, with nothing booted: makes its kernel, initrd and disks in
# /shruthi/whole. The arguments are packages that it shall have; without any the machine boots what is in /shruthi/system
# instead. Called by tests/sandbox (whole-disk.sh).

set -euo pipefail
shopt -s nullglob

here=/shruthi/source/tests/sandbox.d
whole=/shruthi/whole
stage=$whole/stage
# Of what is booted.
system=
[ $# -gt 0 ] || system=/shruthi/system

# OPTIONS AND FILES…: copies them, which are named as below /, with all that belongs to them.
files_copy() {
        local attributes=(--acls --xattrs '--xattrs-include=*')

        tar -C / "${attributes[@]}" -c "$@" | tar -C "$stage" "${attributes[@]}" --numeric-owner -x
}

system_stage() {
        local link dir

        for dir in "${bound[@]}"; do
                mkdir -p "$stage$dir"
        done
        mkdir -p "$stage"/{dev,proc,sys,run,boot,home,media,mnt,opt,srv,shruthi,usr,etc,var/lib}
        mkdir -m 1777 "$stage/tmp"
        for link in /bin /sbin /lib /lib32 /lib64 /libx32; do
                [ ! -L "$system$link" ] || cp -a "$system$link" "$stage/"
        done
        if [ -n "$system" ]; then
                tar -C "$system" -c . | tar -C "$stage" -x --numeric-owner
                return
        fi
        python3 "$here/whole-files.py" "$@" >"$whole/files"
        # What is ours is in no package.
        (cd /shruthi/installed && find . -mindepth 1 -printf '%P\0') | grep -zvE '^(lib|lib64|bin|sbin)(/|$)' >>"$whole/files"
        (cd /shruthi/installed && find lib -mindepth 1 -printf 'usr/%p\0' 2>/dev/null) >>"$whole/files" || :
        files_copy --no-recursion --null -T "$whole/files"
        files_copy --one-file-system --exclude=var/lib --exclude='var/cache/apt/*' --exclude='var/log/journal/*' \
                --exclude='var/tmp/*' var home root
        files_copy var/lib/shruthi var/lib/systemd
        rm -f "$stage"/var/lib/systemd/{credential.secret,random-seed} "$stage"/etc/ssh/ssh_host_*
}

# The modules that the root file system needs, each after those that it needs itself.
modules_order() {
        local module

        for module in virtio_pci virtio_blk virtio_console ext4 crc32c_generic; do
                modprobe --dirname="$system/" --set-version="$version" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
        done | awk '!seen[$0]++'
}

# A static busybox and those modules; half a second of an emulated processor.
initrd_make() {
        local dir=$whole/initrd.d module name

        mkdir -p "$dir"/{bin,dev,proc,sys,root,modules}
        cp "$system/bin/busybox" "$dir/bin/busybox"
        while read -r module; do
                name=$(basename "$module")
                case $name in
                *.xz) xz -dc "$module" >"$dir/modules/${name%.xz}"; name=${name%.xz} ;;
                *.zst) zstd -qdc "$module" >"$dir/modules/${name%.zst}"; name=${name%.zst} ;;
                *) cp "$module" "$dir/modules/$name" ;;
                esac
                echo "$name" >>"$dir/modules/order"
        done < <(modules_order)
        cp "$here/whole-init.sh" "$dir/init"
        chmod 0755 "$dir/init"
        (cd "$dir" && find . -print0 | cpio --null --quiet --create --format=newc) >"$whole/initrd"
        rm -rf "$dir"
}

# IMAGE SIZE FOLDER
disk_make() {
        truncate --size="$2" "$1"
        # Nothing is left for the kernel to do later.
        mke2fs -q -F -t ext4 -m 0 -E lazy_itable_init=0,lazy_journal_init=0 -d "$3" "$1"
}

# What a container sees in /shruthi, and the folders of --bind-ro.
shruthi_stage() {
        local dir i=0

        mkdir -p "$stage"/{source,build,installed,bound}
        tar -C /shruthi/source --exclude=./.git -c . | tar -C "$stage/source" -x
        cp -a /shruthi/build/. "$stage/build/"
        cp -a /shruthi/installed/. "$stage/installed/"
        : >"$stage/bound/list"
        for dir in "${bound[@]}"; do
                cp -a "$dir" "$stage/bound/$i"
                echo "$dir" >>"$stage/bound/list"
                i=$((i + 1))
        done
}

version=$(basename "$(printf '%s\n' "$system"/usr/lib/modules/* | sort -V | tail -n1)")
mapfile -t bound <$whole/bound
cp "$system/boot/vmlinuz-$version" "$whole/kernel"
initrd_make
mkdir "$stage"
system_stage "$@"
cp "$whole/kernel" "$stage/boot/vmlinuz"
cp "$whole/initrd" "$stage/boot/initrd.img"
disk_make "$whole/disk-0.img" 8G "$stage"
rm -rf "$stage"
mkdir "$stage"
shruthi_stage
disk_make "$whole/disk-1.img" 4G "$stage"
rm -rf "$stage"
