# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is kept from run to run, in the cache folder: the layer of packages (layers/KIND-KEY: what apt-get added
# to this machine's /usr, /etc and /var/lib, and a small root around them) and the builds (build/KEY, one
# for each source tree).
#
# Three overlays, and not one over "/": a layer may not lie within another (the kernel refuses that with
# ELOOP), and the cache lies in /var/cache; what is in no layer, such as /home, /root, /srv and /tmp, is
# not seen in the sandbox at all. Read by tests/sandbox.

overlay_trees=(usr etc var/lib)
layer_kind=host

layer_prepare() {
        with_lock "$cache/layers.lock" layer_find_or_make
}

layer_find_or_make() {
        local key packages=(
                "${build_packages[@]}" "${runtime_packages[@]}" "${test_packages[@]}" "${bench_packages[@]}"
        )

        # All of the machine that the layer was made on: its packages, their configuration apart.
        key=$({ cat /var/lib/dpkg/status; printf '%s\n' "$layer_version" "${packages[@]}"; } | sha256sum | cut -c1-16)
        layer=$cache/layers/$layer_kind-$key
        echo "${layer##*/}" >"$run_dir/layer"
        layers_sweep
        [ -d "$layer" ] || layer_make "${packages[@]}"
}

# Of this kind; those of other kinds are in use as long as somebody asks for them.
layers_sweep() {
        local dir used

        # A run may end meanwhile, and its file be gone; what the others use stays in use.
        used=$(cat "$cache"/runs/*/layer 2>/dev/null || :)
        for dir in "$cache/layers/$layer_kind"-*/; do
                dir=${dir%/}
                grep -qxF "${dir##*/}" <<<"$used" || rm -rf --one-file-system "$dir"
        done
}

layer_make() {
        local new=$layer.new link tree

        rm -rf --one-file-system "$new"
        mkdir -p "$new"/{root,work}
        for link in /bin /sbin /lib /lib32 /lib64 /libx32; do
                [ ! -L $link ] || cp -a $link "$new/root/"
        done
        mkdir -p "$new"/root/{dev,proc,sys,run,boot,home,media,mnt,opt,srv,shruthi,usr,etc,var}
        # Of /var the folders, and nothing in them: packages that this machine has already have theirs there.
        find /var -xdev -mindepth 1 -maxdepth 3 \( -path /var/lib -o -path /var/tmp -o -path "$cache" \) -prune -o \
                -type d -printf '%P\0' |
                tar -C /var --null --no-recursion --files-from=- -c | tar -C "$new/root/var" -x
        mkdir -p "$new"/root/var/{cache/apt/archives/partial,lib,log/apt,opt,spool}
        mkdir -m 0700 "$new/root/root"
        mkdir -m 1777 "$new"/root/{tmp,var/tmp}
        ln -sfn /run "$new/root/var/run"
        ln -sfn /run/lock "$new/root/var/lock"

        root=$run_dir/layer-root
        mkdir -p "$root"
        mount --bind "$new/root" "$root"
        for tree in "${overlay_trees[@]}"; do
                mkdir -p "$new/$tree"
                mkdir "$new/work/${tree//\//-}"
                overlay_mount "$tree" "/$tree" "$new/$tree" "$new/work/${tree//\//-}"
        done
        step "Fetching and installing the sandbox's packages" "$cache/layer.log" layer_install "$@"
        tree_remove
        # The work folders of an overlay are of no use once it is unmounted.
        rm -rf --one-file-system "$new/work"
        mv "$new" "$layer"
}

overlay_mount() {
        local tree=$1 lower=$2 upper=$3 work=$4

        # Without redirections and indices a layer stays valid under other layers than those it was made
        # with.
        mount -t overlay shruthi-sandbox "$root/$tree" \
                -o "lowerdir=$lower,upperdir=$upper,workdir=$work,redirect_dir=off,index=off,metacopy=off" ||
                die "No overlay can be written in $cache: choose a folder on an ordinary file system" \
                        "(ext4, xfs, btrfs, tmpfs) with SHRUTHI_SANDBOX_CACHE=DIR."
}

layer_install() {
        local missing=() package

        for package in "$@"; do
                dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${db:Status-Status}\n' "$package" 2>/dev/null |
                        grep -qx installed || missing+=("$package")
        done
        [ ${#missing[@]} -gt 0 ] || return 0

        # No service may be started while packages are set up.
        printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
        chmod 0755 "$root/usr/sbin/policy-rc.d"
        box_run --resolv-conf=bind-host --setenv=DEBIAN_FRONTEND=noninteractive \
                --setenv=http_proxy="${http_proxy-}" --setenv=https_proxy="${https_proxy-}" -- \
                /bin/sh -ec 'apt-get update -q || :
                             apt-get install -q -y --no-install-recommends -o Dpkg::Options::=--force-confold "$@"
                             apt-get clean' sh "${missing[@]}"
        rm -f "$root/usr/sbin/policy-rc.d" "$root"/var/cache/apt/*.bin
}

# A fresh tree over the layer, with all that is written to it in a tmpfs of this run.
tree_make() {
        local tree name

        mkdir -p "$run_dir/fs"
        mount -t tmpfs -o mode=0755 shruthi-sandbox "$run_dir/fs"
        root=$run_dir/fs/root
        mkdir "$run_dir/fs/upper" "$run_dir/fs/work"
        cp -a "$layer/root" "$root"
        for tree in "${overlay_trees[@]}"; do
                name=${tree//\//-}
                mkdir "$run_dir/fs/upper/$name" "$run_dir/fs/work/$name"
                # What is seen through the mount's upper folder must have the mode of the tree itself.
                chmod --reference="/$tree" "$run_dir/fs/upper/$name"
                overlay_mount "$tree" "$layer/$tree:/$tree" "$run_dir/fs/upper/$name" "$run_dir/fs/work/$name"
        done
}

tree_remove() {
        local dir

        for dir in "$run_dir"/{layer-root,fs}; do
                if mountpoint -q "$dir"; then
                        umount --recursive --lazy "$dir"
                fi
        done
}

# Runs a command in $root with nothing booted. Dies with this script, whatever ends that: see nspawn_start().
box_run() {
        local status=0

        (
                mkdir "$cgroup/box-$BASHPID"
                echo $BASHPID >"$cgroup/box-$BASHPID/cgroup.procs"
                exec setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount-proc \
                        systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --link-journal=no \
                        --as-pid2 --pipe --machine="shruthi-$run_id" --setenv=LANG=C.UTF-8 "$@"
        ) || status=$?
        return $status
}

# Builds of this tree are found by its path, so that several trees can be worked on at once.
build_lock() {
        build_dir=$cache/build/$(printf %s "$source_dir" | sha256sum | cut -c1-16)
        mkdir -p "$build_dir"
        echo "$source_dir" >"$build_dir/source"
        builds_sweep
        # A build belongs to the compilers and headers that it was made with.
        if [ "$(cat "$build_dir/layer" 2>/dev/null)" != "${layer##*/}" ]; then
                find "$build_dir" -mindepth 1 -maxdepth 1 -type d -exec rm -rf --one-file-system {} +
                echo "${layer##*/}" >"$build_dir/layer"
        fi
        with_lock "$build_dir/lock" "$@"
}

builds_sweep() {
        local dir

        for dir in "$cache"/build/*/; do
                [ -e "$(cat "$dir/source" 2>/dev/null)/meson.build" ] || rm -rf --one-file-system "${dir%/}"
        done
}

# build_run KIND COMMAND…: a command over a build folder, with no network.
build_run() {
        box_run --private-network --bind-ro="$source_dir:/shruthi/source" --bind="$build_dir:/shruthi/build" \
                --chdir=/shruthi/build --setenv=HOME=/root \
                --setenv=UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1 -- "$@"
}

# build_make KIND: configures and compiles one of the builds.
build_make() {
        local kind=$1 options=(--prefix=/usr --sysconfdir=/etc --localstatedir=/var -Dbench=true) environment=() again=()

        case $kind in
        release) options+=(-Dmode=release) ;;
        developer) options+=(-Dmode=developer) ;;
        clang) options+=(-Dmode=developer); environment=(CC=clang) ;;
        sanitizers) options+=(-Dmode=developer '-Db_sanitize=address,undefined' -Db_lundef=false) ;;
        esac
        # The tree may have other options since.
        if [ "$(cat "$build_dir/$kind/options" 2>/dev/null)" != "${options[*]}" ]; then
                if [ -e "$build_dir/$kind/build.ninja" ]; then again=(--reconfigure); else rm -rf "${build_dir:?}/$kind"; fi
                step "Configuring the $kind build" "$build_dir/$kind.log" build_run /usr/bin/env "${environment[@]}" \
                        meson setup "${again[@]}" "${options[@]}" "$kind" /shruthi/source
                echo "${options[*]}" >"$build_dir/$kind/options"
        fi
        step "Compiling the $kind build" "$build_dir/$kind.log" build_run ninja -C "$kind"
}

# SHRUTHI as a package would have it, for sandbox_boot() to install, and what the tests need of the build:
# copies of this run, so that a later build of the same tree changes nothing under a running test.
build_installed() {
        tree_make
        build_lock build_installed_locked
        tree_remove
}

build_installed_locked() {
        build_make release
        step "Installing" "$build_dir/install.log" build_run \
                /bin/sh -ec 'rm -rf installed; mkdir installed
                             DESTDIR=/shruthi/build/installed meson install --no-rebuild -C release'
        rm -rf "$run_dir/installed" "$run_dir/build"
        mkdir "$run_dir/build"
        cp -a --reflink=auto "$build_dir/installed" "$run_dir/installed"
        cp -a --reflink=auto "$build_dir/release/tests" "$run_dir/build/tests"
}
