#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ROOT: a system whose packages were unpacked there and are for another processor, so that none of their scripts can run:
# does what these do, as far as a whole machine needs it. Called by tests/sandbox (whole-arm64.sh).

set -euo pipefail
shopt -s nullglob

root=$1
cd "$root"

# base-passwd, base-files, libc-bin
cp usr/share/base-passwd/passwd.master etc/passwd
cp usr/share/base-passwd/group.master etc/group
cp usr/share/libc-bin/nsswitch.conf etc/nsswitch.conf
cp -n usr/share/base-files/profile etc/profile
mkdir -p var/{cache,lib,local,log,mail,spool,tmp}
chmod 1777 var/tmp
# Some packages have folders there.
rm -rf var/run var/lock
ln -s /run var/run
ln -s /run/lock var/lock

# Users: systemd's, and of those packages that make theirs by adduser.
cat >usr/lib/sysusers.d/sandbox.conf <<'END'
g input - -
g kvm - -
g render - -
g sgx - -
g libvirt - -
g libvirt-qemu 64055 -
u libvirt-qemu 64055:64055 "Libvirt Qemu" /var/lib/libvirt
m libvirt-qemu kvm
u libvirt-dnsmasq - "Libvirt Dnsmasq" /var/lib/libvirt/dnsmasq
u polkitd - "polkit" /nonexistent
END
systemd-sysusers --root="$root"

# libpam-runtime
for name in auth account session session-noninteractive password; do
        case $name in
        auth) echo 'auth required pam_unix.so nullok' ;;
        account) echo 'account required pam_unix.so' ;;
        session*) printf 'session required pam_unix.so\nsession optional pam_systemd.so\n' ;;
        # Debian's own hash would take an emulated processor ten seconds for each.
        password) echo 'password required pam_unix.so sha512 rounds=1000' ;;
        esac >"etc/pam.d/common-$name"
done

# Alternatives
for name in iptables ip6tables iptables-restore ip6tables-restore iptables-save ip6tables-save; do
        ln -sf "$name-nft" "usr/sbin/$name"
done
for name in ebtables arptables; do
        [ ! -e "usr/sbin/$name-nft" ] || ln -sf "$name-nft" "usr/sbin/$name"
done
ln -sf mawk usr/bin/awk

# kmod, udev
for modules in usr/lib/modules/*; do
        depmod --basedir="$root" "${modules##*/}"
done
systemd-hwdb --root="$root" update || :
# What runs when /usr is newer than these would take an emulated processor long.
touch etc/.updated var/.updated
