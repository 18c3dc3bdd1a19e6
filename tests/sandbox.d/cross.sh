# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The code on other architectures: compiled with Debian's cross compilers, and the unit and fuzz tests run by QEMU's
# emulation of a user's program. What is linked with is a folder for each architecture in the cache (sysroots), not
# packages in a layer: the -dev packages of two architectures exclude each other, and two of the same name must have
# the same version, which an archive has not for all of them at all times. Read by tests/sandbox.

cross_packages=(gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf gcc-s390x-linux-gnu qemu-user-static)

cross_list() { printf '%s\n' arm64 armhf s390x; }

# ARCHITECTURE, by Debian's name: what gcc, QEMU and meson call it.
cross_names() {
        case $1 in
        arm64) triplet=aarch64-linux-gnu emulator=aarch64 family=aarch64 endian=little ;;
        armhf) triplet=arm-linux-gnueabihf emulator=arm family=arm endian=little ;;
        s390x) triplet=s390x-linux-gnu emulator=s390x family=s390x endian=big ;;
        esac
}

# In a process of its own, for its own layers.
group_cross() {
        local arch=$1 triplet emulator family endian
        local box_options=()

        cross_names "$arch"
        layer_prepare "${suite:-host}-cross" "${cross_packages[@]}"
        tree_make
        with_lock "$cache/sysroots.$arch.lock" sysroot_find_or_make "$arch"
        box_options+=("--bind-ro=$sysroot:/shruthi/sysroot")
        build_lock "cross-$arch" group_cross_locked "$arch"
}

group_cross_locked() {
        local kind=cross-$1

        cross_file >"$build_dir/$kind.ini"
        build_make "$kind"
        echo "ok - compiles without a warning"
        say "Running the unit and fuzz tests of the $kind build …"
        # shellcheck disable=SC2016
        build_emulated /bin/sh -c '
                rm -f "$1/meson-logs/testlog.json"
                meson test -C "$1" --no-rebuild --suite unit --suite fuzz >"$1.test.log" 2>&1
                python3 /shruthi/source/tests/sandbox.d/meson-tap.py "$1/meson-logs"' sh "$kind"
}

# The tests' programs run as they are (build_emulated), also when they run each other.
cross_file() {
        cat <<END
[binaries]
c = '$triplet-gcc'
ar = '$triplet-ar'
strip = '$triplet-strip'
pkgconfig = 'pkg-config'

[built-in options]
c_args = ['--sysroot=/shruthi/sysroot']
c_link_args = ['--sysroot=/shruthi/sysroot']

[properties]
sys_root = '/shruthi/sysroot'
pkg_config_libdir = ['/shruthi/sysroot/usr/lib/$triplet/pkgconfig', '/shruthi/sysroot/usr/share/pkgconfig']
needs_exe_wrapper = false

[host_machine]
system = 'linux'
cpu_family = '$family'
cpu = '$family'
endian = '$endian'
END
}

# ARCHITECTURE: sets $sysroot.
sysroot_find_or_make() {
        local arch=$1 package packages=(libc6-dev) key

        for package in "${build_packages[@]}"; do
                if [[ $package = lib*-dev ]]; then packages+=("$package"); fi
        done
        key=$(printf '%s\n' "$layer_version" "${layers[@]##*/}" "${packages[@]}" | sha256sum | cut -c1-16)
        sysroot=$cache/sysroots/${suite:-host}-$arch-$key
        [ ! -d "$sysroot" ] || return 0
        rm -rf --one-file-system "$cache/sysroots/${suite:-host}-$arch"-*
        mkdir -p "$sysroot.new"
        step "Fetching the libraries of $arch" "$cache/sysroot.$arch.log" sysroot_fetch "$arch" "${packages[@]}"
        mv "$sysroot.new" "$sysroot"
}

# Unpacked and not installed: no program of the other architecture needs to run for that.
sysroot_fetch() {
        # shellcheck disable=SC2016
        box_fetch --bind="$sysroot.new:/shruthi/sysroot" --chdir=/shruthi/sysroot \
                --setenv=APT_CONFIG=/shruthi/sysroot/apt/apt.conf -- /bin/sh -ec '
                        mkdir -p usr/bin usr/lib usr/sbin apt/lists/partial apt/archives/partial
                        ln -s usr/bin usr/lib usr/sbin .
                        : >apt/status
                        cat >apt/apt.conf <<END
APT::Architecture "$1";
#clear APT::Architectures;
APT::Architectures { "$1"; };
APT::Sandbox::User "root";
Dir::State "/shruthi/sysroot/apt";
Dir::State::status "/shruthi/sysroot/apt/status";
Dir::Cache "/shruthi/sysroot/apt";
END
                        shift
                        apt-get update -q || :
                        apt-get install -q -y --no-install-recommends --download-only "$@"
                        for package in apt/archives/*.deb; do
                                dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink
                        done
                        # Links are meant for what is the root there.
                        find . -type l -lname "/*" | while read -r link; do
                                ln -snf "/shruthi/sysroot$(readlink "$link")" "$link"
                        done
                        rm -r apt' sh "$@"
}

# COMMAND…: as build_run(), where programs of $emulator run by it. The kernel keeps what runs by what for each user
# namespace (binfmt_misc, since Linux 6.7), so this machine's own stays as it is.
build_emulated() {
        local box_options=("${box_options[@]}" --private-users=identity --setenv=SHRUTHI_TESTS_EMULATED=1 --setenv=SLOWNESS=10)

        # shellcheck disable=SC2016
        build_run /bin/sh -ec '
                mkdir -p "/usr/lib/$2"
                ln -sf "/shruthi/sysroot/usr/lib/$2"/* "/usr/lib/$2/"
                ln -sf /shruthi/sysroot/usr/lib/ld*.so* /usr/lib/
                mkdir -p /run/binfmt
                mount -t binfmt_misc binfmt_misc /run/binfmt
                cat "/usr/lib/binfmt.d/qemu-$1.conf" >/run/binfmt/register
                shift 2
                exec "$@"' sh "$emulator" "$triplet" "$@"
}
