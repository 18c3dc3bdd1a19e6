# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A whole machine of another architecture (whole.sh): arm64, QEMU's machine "virt", of which the processor has KVM. What
# is installed in it is the cross build (cross.sh). Nothing of its system runs on this machine: its packages are fetched
# and unpacked here (systems/SUITE-arm64-KEY in the cache), and what their scripts would do is done by programs of this
# machine or by hand, since installing by emulation takes half an hour. AppArmor is left out: it would take a minute for
# each domain. Read by tests/sandbox.

arm64_machine_packages=(qemu-system-arm e2fsprogs kmod cpio busybox-static)
# What every system has, which no apt has decided here, …
arm64_base_packages=(
        base-files base-passwd bash bsdutils coreutils dash debianutils diffutils findutils grep gzip hostname
        init-system-helpers libc-bin libpam-modules libpam-modules-bin libpam-runtime login mawk mount ncurses-bin
        passwd perl-base sed sysvinit-utils tar util-linux
)
# … the machine's own, and what its tests need.
arm64_packages=(
        linux-image-cloud-arm64 kmod udev e2fsprogs systemd systemd-sysv libpam-systemd dbus polkitd
        libvirt-daemon-system libvirt-clients qemu-system-arm qemu-utils dnsmasq-base iptables nftables iproute2
        libnftables1 libjson-glib-1.0-0 libcurl3-gnutls libglib2.0-bin
        busybox-static iputils-ping jq procps psmisc python3 socat openssl acl attr xz-utils bash-completion
        gpg gpg-agent gpgv minisign cpio passt
)

# As machine_layer(); the layer of the cross build first, since sysroots are found by it (sysroot_find_or_make()).
arm64_layer() { layer_prepare "${suite:-host}-cross" "${cross_packages[@]}"; }

# As build_installed(), with what runs all unit tests there.
arm64_build_installed() {
        local triplet emulator family endian
        local box_options=()

        cross_names arm64
        arm64_layer
        tree_make
        with_lock "$cache/sysroots.arm64.lock" sysroot_find_or_make arm64
        box_options+=("--bind-ro=$sysroot:/shruthi/sysroot")
        build_lock cross-arm64 arm64_build_locked
        tree_remove
        layer_find "${suite:-host}-arm64" "${arm64_machine_packages[@]}"
        tree_make
        with_lock "$cache/systems.arm64.lock" arm64_system_find_or_make
        tree_remove
}

arm64_build_locked() {
        cross_file >"$build_dir/cross-arm64.ini"
        build_make cross-arm64
        step "Installing" "$build_dir/install.log" build_run \
                /bin/sh -ec 'rm -rf installed-arm64; mkdir installed-arm64
                             DESTDIR=/shruthi/build/installed-arm64 meson install --no-rebuild -C cross-arm64'
        rm -rf "$run_dir/installed" "$run_dir/build"
        mkdir -p "$run_dir/build/cross-arm64"
        cp -a --reflink=auto "$build_dir/installed-arm64" "$run_dir/installed"
        # The programs and what they read, at the place where they were built.
        tar -C "$build_dir/cross-arm64" --exclude='*.p' --exclude='*.a' --exclude='*.ninja' --exclude=.ninja_deps -c . |
                tar -C "$run_dir/build/cross-arm64" -x
        ln -s cross-arm64/tests "$run_dir/build/tests"
}

# Sets $system.
arm64_system_find_or_make() {
        local key

        # All that it is made by.
        key=$({ printf '%s\n' "${layers[@]##*/}"
                cat "$source_dir"/tests/sandbox.d/{whole-arm64,boot,whole-disk,whole-unpacked}.sh; } | sha256sum | cut -c1-16)
        system=$cache/systems/${suite:-host}-arm64-$key
        [ ! -d "$system" ] || return 0
        rm -rf --one-file-system "$cache/systems/${suite:-host}-arm64"-*
        mkdir -p "$system.new"
        step "Fetching the system of arm64" "$cache/system.arm64.log" arm64_system_fetch
        (root=$system.new; tree_furnish; machine_furnish)
        # This has a console of another name, and no confinement.
        rm "$system.new/etc/systemd/system/sysinit.target.wants/apparmor.service"
        ln -s /dev/null "$system.new/etc/systemd/system/serial-getty@ttyAMA0.service"
        mv "$system.new" "$system"
}

arm64_system_fetch() {
        # shellcheck disable=SC2016
        box_fetch --bind="$system.new:/shruthi/system" --bind-ro="$source_dir:/shruthi/source" \
                --chdir=/shruthi/system --setenv=APT_CONFIG=/shruthi/system/tmp/apt/apt.conf -- /bin/bash -ec '
                        mkdir -p usr/{bin,lib,sbin} dev etc proc run sys boot home opt root srv var/lib/dpkg
                        mkdir -p tmp/apt/{lists,archives}/partial
                        chmod 1777 tmp
                        ln -s usr/bin usr/lib usr/sbin .
                        : >tmp/apt/status
                        cat >tmp/apt/apt.conf <<END
APT::Architecture "arm64";
#clear APT::Architectures;
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Dir::State "/shruthi/system/tmp/apt";
Dir::State::status "/shruthi/system/tmp/apt/status";
Dir::Cache "/shruthi/system/tmp/apt";
END
                        apt-get update -q || :
                        apt-get install -q -y --no-install-recommends --download-only "$@"
                        for package in tmp/apt/archives/*.deb; do
                                dpkg-deb --fsys-tarfile "$package" |
                                        tar -x --keep-directory-symlink --exclude="./usr/share/doc/*" \
                                                --exclude="./usr/share/locale/*"
                        done
                        rm -r tmp/apt
                        /bin/bash /shruthi/source/tests/sandbox.d/whole-unpacked.sh /shruthi/system' \
                bash "${arm64_base_packages[@]}" "${arm64_packages[@]}"
}

# What QEMU is started with; machine_start() has the rest.
arm64_qemu=(
        /usr/bin/qemu-system-aarch64 -machine 'virt,virtualization=on,gic-version=3'
        # Not "max", which computes pointer authentication in software.
        -cpu neoverse-n1
)
