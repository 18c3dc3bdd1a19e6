# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What every finding begins with: public packages of Debian 12, of the versions that it names, in a folder that goes
# with the script. Nothing of this project is run. Wants root, apt-get, dpkg-deb and util-linux; an archive that no
# longer has a version ends the script.
#
#   . "$(dirname "$0")/lib.bash"
#   finding_packages jq=1.6-2.1+deb12u2
#   finding_is "what is looked at" "what was seen" "$(finding_run jq --version)"

set -euo pipefail

[ "$(id -u)" -eq 0 ] || { echo "${0##*/}: wants root, for chroot and namespaces" >&2; exit 1; }
finding_dir=$(mktemp -d "${TMPDIR:-/tmp}/finding.XXXXXX")
root=$finding_dir/root
trap 'rm -rf --one-file-system "$finding_dir"' EXIT

# PACKAGE=VERSION…: they, coreutils and all that they depend on, unpacked in $root. What maintainers' scripts would set
# up is not there, but for the accounts of root and nobody.
finding_packages() {
        local archives=$finding_dir/archives link deb

        mkdir -p "$archives/partial" "$root"/usr/{bin,sbin,lib,lib64} "$root"/{dev,etc,proc,sys,run,var/log}
        mkdir -m 1777 "$root/tmp"
        for link in bin sbin lib lib64; do ln -s "usr/$link" "$root/$link"; done
        ln -s /run "$root/var/run"
        : >"$finding_dir/status"
        apt-get -qq -y --no-install-recommends --download-only -o Dir::State::status="$finding_dir/status" \
                -o Dir::Cache::archives="$archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
                -o APT::Sandbox::User=root -o Debug::NoLocking=1 install coreutils "$@" \
                >"$finding_dir/apt.log" 2>&1 || {
                cat "$finding_dir/apt.log" >&2
                echo "${0##*/}: could not fetch $*" >&2
                exit 1
        }
        for deb in "$archives"/*.deb; do
                dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink
        done
        printf '%s\n' root:x:0:0::/root:/bin/sh nobody:x:65534:65534::/:/bin/false >"$root/etc/passwd"
        printf '%s\n' root:x:0: nogroup:x:65534: >"$root/etc/group"
        printf '%s\n' 'passwd: files' 'group: files' 'hosts: files' >"$root/etc/nsswitch.conf"
}

# COMMAND…: runs it in $root, alone with a loopback interface, for 100 s at most. Its processes end with it.
finding_run() {
        # shellcheck disable=SC2016
        unshare --net --mount --pid --fork --kill-child /bin/sh -ec '
                mount -t proc proc "$0/proc"
                mount --rbind /dev "$0/dev"
                mount --rbind /sys "$0/sys"
                mount -t tmpfs run "$0/run"
                ip link set lo up
                exec timeout 100 chroot "$0" "$@"' \
                "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C "$@"
}

# WHAT SEEN ACTUAL: says it, and ends the script when it is not so any more.
finding_is() {
        if [ "$2" = "$3" ]; then
                printf '%s: %s\n' "$1" "$3"
        else
                printf '%s: seen before: %s, now: %s\n' "$1" "$2" "$3" >&2
                exit 1
        fi
}
