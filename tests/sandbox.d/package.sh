# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Packages of this tree for Debian, made, looked at and lived with: groups of tests of their own, since they need other
# systems than the rest. Both are a minimal Debian of $suite (suite.sh), with what a package is built with, or with
# systemd and nothing else, into which apt installs the package with all that it depends on. Read by tests/sandbox;
# what runs inside is in tests/package/.

package_groups=(package package-life)

# What packages are made and looked at with, beside their own Build-Depends.
package_tools=(build-essential dpkg-dev fakeroot faketime lintian rpm rpmlint xz-utils)
# A minimal system that boots.
life_packages=(systemd systemd-sysv dbus iputils-ping python3 procps)

# The machine's own release, where it is one of those.
package_suite() {
        local release

        [ -z "$suite" ] || return 0
        release=$(machine_release)
        case " ${suites[*]} " in
        *" $release "*) suite=$release ;;
        *) die "This machine has '$release', for which no package is made: say --suite= with one of ${suites[*]}." ;;
        esac
}

# What debian/control names, without versions. Of alternatives the last is what Debian 12 has.
package_build_depends() {
        local which='s/ *\|.*//'

        [ "$suite" != bookworm ] || which='s/.*\| *//'
        sed -n '/^Build-Depends:/,/^$/ { s/^ //; s/,$//; /:/d; /^$/d; p }' "$source_dir/data/packaging/debian/control" |
                sed -E -e "$which" -e 's/ *\(.*//' -e '/^debhelper-compat$/ { s/-compat//; }' -e '/^dh-sequence-/d'
}

# KIND PACKAGE…: of the suite's minimal system and these alone.
package_layer() {
        base_prepare
        layers=()
        layer_find "$suite-$1" "${@:2}"
}

package_lock() {
        build_folder ".package.$suite"
        with_lock "$build_dir/lock" "$@"
}

group_package() {
        local depends

        package_suite
        mapfile -t depends < <(package_build_depends)
        package_layer package "${package_tools[@]}" "${depends[@]}"
        tree_make
        # 1 is a test's own "not ok".
        package_lock build_run /bin/bash /shruthi/source/tests/package/build.sh || [ $? -eq 1 ]
        say "The packages are in $build_dir/debs."
}

# The group above has made them, now or earlier.
group_package_life() {
        package_suite
        package_layer life "${life_packages[@]}"
        tree_make
        package_lock package_copy
        package_fetch
        life_chroot
        tree_remove
        life_boot
        run_limit=$group_seconds
        sandbox_run /bin/bash /shruthi/source/tests/package/life.sh || [ $? -eq 1 ]
}

# For this run; a later build of the same tree changes nothing under it.
package_copy() {
        [ -e "$build_dir/debs/complete" ] ||
                die "There are no packages of this tree for $suite yet:" \
                        "'tests/sandbox --suite=$suite package package' makes them."
        rm -rf "$run_dir/build" "$run_dir/installed"
        mkdir "$run_dir/build" "$run_dir/installed"
        cp -a "$build_dir/debs" "$build_dir/guests" "$run_dir/build/"
}

# All that apt needs in order to install it, which is then there without a network.
package_fetch() {
        archives=$layer/archives
        mkdir -p "$archives/partial"
        with_lock "$cache/layers.$suite-life.lock" \
                step "Fetching what the package depends on" "$cache/life.$suite.log" \
                box_fetch --bind="$archives:/var/cache/apt/archives" --bind-ro="$run_dir/build:/shruthi/build" -- \
                /bin/sh -ec 'apt-get install -q -y --download-only --no-install-recommends \
                        /shruthi/build/debs/shruthi_[0-9]*.deb dnsmasq-base nftables'
}

# In a folder where no systemd runs, as in a chroot, a container that is being built, or an installer.
life_chroot() {
        box_run --private-network --bind="$archives:/var/cache/apt/archives" \
                --bind-ro="$run_dir/build:/shruthi/build" --bind-ro="$source_dir:/shruthi/source" \
                --setenv=DEBIAN_FRONTEND=noninteractive -- \
                /bin/bash /shruthi/source/tests/package/chroot.sh
}

life_boot() {
        say "Booting a minimal $suite …"
        tree_make
        tree_furnish
        cp "$archives"/*.deb "$root/var/cache/apt/archives/"
        nspawn_start
        boot_wait
}
