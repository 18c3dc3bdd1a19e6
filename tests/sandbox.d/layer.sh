# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is kept from run to run, in the cache folder: layers of packages (layers/KIND-KEY: what apt-get added to the
# base's /usr, /etc and /var/lib, and a small root around them) and the builds (build/KEY, one for each source tree,
# and build/KEY.SUITE, what is built of it with --suite; ccache, what any of them compiled).
#
# A layer's KIND says what it is for, and its KEY what it was made of; of each kind those that nobody uses any more
# go when one is asked for. "host" and the names of the suites are the kinds that sandboxes are made of. Whoever needs
# more packages asks for a layer of its own above these, KIND being theirs with a word behind it:
#
#     layer_prepare                                         the packages of every sandbox
#     layer_prepare "${suite:-host}-machine" linux-image-amd64 e2fsprogs     and these two
#
# After that, tree_make sets $root to a fresh tree of it, for box_run, and tree_remove takes it away.
#
# Three overlays, and not one over "/": a layer may not lie within another (the kernel refuses that with
# ELOOP), and the cache lies in /var/cache; what is in no layer, such as /home, /root, /srv and /tmp, is
# not seen in the sandbox at all. Read by tests/sandbox.

overlay_trees=(usr etc var/lib)
# Those of this run, the lowest first.
layers=()

# [KIND PACKAGE…]
layer_prepare() {
        local more

        base_prepare
        layers=()
        mapfile -t more < <(suite_packages "$suite")
        layer_find "${suite:-host}" "${build_packages[@]}" "${runtime_packages[@]}" "${test_packages[@]}" \
                "${bench_packages[@]}" "${more[@]}"
        [ $# -eq 0 ] || layer_find "$@"
}

# KIND PACKAGE…: finds or makes that layer above those in $layers, and adds it to them.
layer_find() {
        with_lock "$cache/layers.$1.lock" layer_find_or_make "$@"
        layers+=("$layer")
}

layer_find_or_make() {
        local kind=$1 key
        shift

        # All that the layer was made on: the packages below it, their configuration apart.
        key=$({ layer_below; printf '%s\n' "$layer_version" "$@"; } | sha256sum | cut -c1-16)
        layer=$cache/layers/$kind-$key
        echo "${layer##*/}" >>"$run_dir/layer"
        layers_sweep "$kind"
        [ -d "$layer" ] || layer_make "$@"
}

layer_below() {
        if [ ${#layers[@]} -eq 0 ]; then
                cat "$base/var/lib/dpkg/status"
        else
                printf '%s\n' "${layers[@]##*/}"
        fi
}

# TREE: what an overlay of that tree lies over, as overlayfs wants it, the highest first.
layers_lower() {
        local tree=$1 lower=$base/$1 one

        for one in "${layers[@]}"; do
                lower=$one/$tree:$lower
        done
        echo "$lower"
}

# KIND: of other kinds all are in use as long as somebody asks for them.
layers_sweep() {
        local kind=$1 dir name used

        # A run may end meanwhile, and its file be gone; what the others use stays in use.
        used=$(cat "$cache"/runs/*/layer 2>/dev/null || :)
        for dir in "$cache/layers/$kind"-*/; do
                dir=${dir%/} name=${dir##*/}
                [ "${name%-*}" = "$kind" ] || continue
                grep -qxF "$name" <<<"$used" || rm -rf --one-file-system "$dir"
        done
}

layer_make() {
        local new=$layer.new tree

        rm -rf --one-file-system "$new"
        mkdir -p "$new"/{root,work}
        layer_make_root "$new/root"

        root=$run_dir/layer-root
        mkdir -p "$root"
        mount --bind "$new/root" "$root"
        for tree in "${overlay_trees[@]}"; do
                mkdir -p "$new/$tree"
                mkdir "$new/work/${tree//\//-}"
                overlay_mount "$tree" "$(layers_lower "$tree")" "$new/$tree" "$new/work/${tree//\//-}"
        done
        step "Fetching and installing the sandbox's packages${suite:+ of $suite}" "$cache/layer${suite:+.$suite}.log" \
                layer_install "$@"
        tree_remove
        # The work folders of an overlay are of no use once it is unmounted.
        rm -rf --one-file-system "$new/work"
        mv "$new" "$layer"
}

# DIR: what is around the three trees, all of it empty; or as the layer below has it.
layer_make_root() {
        local new=$1 link

        if [ ${#layers[@]} -gt 0 ]; then
                cp -a "${layers[-1]}/root/." "$new/"
                return
        fi
        for link in bin sbin lib lib32 lib64 libx32; do
                [ ! -L "$base/$link" ] || cp -a "$base/$link" "$new/"
        done
        mkdir -p "$new"/{dev,proc,sys,run,boot,home,media,mnt,opt,srv,shruthi,usr,etc,var}
        # Of /var the folders, and nothing in them: packages that the base has already have theirs there.
        find "$base/var" -xdev -mindepth 1 -maxdepth 3 \
                \( -path "$base/var/lib" -o -path "$base/var/tmp" -o -path "$cache" \) -prune -o \
                -type d -printf '%P\0' |
                tar -C "$base/var" --null --no-recursion --files-from=- -c | tar -C "$new/var" -x
        mkdir -p "$new"/var/{cache/apt/archives/partial,lib,log/apt,opt,spool}
        mkdir -m 0700 "$new/root"
        mkdir -m 1777 "$new"/{tmp,var/tmp}
        ln -sfn /run "$new/var/run"
        ln -sfn /run/lock "$new/var/lock"
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

        # No service may be started while packages are set up. A layer that is cut short is thrown away, so nothing is
        # gained by writing each package through to the disk.
        printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
        chmod 0755 "$root/usr/sbin/policy-rc.d"
        box_fetch --setenv=INITRD=No -- \
                /bin/sh -ec 'apt-get update -q || :
                             apt-get install -q -y --no-install-recommends -o Dpkg::Options::=--force-confold \
                                     -o Dpkg::Options::=--force-unsafe-io "$@"
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
        cp -a "${layers[-1]}/root" "$root"
        for tree in "${overlay_trees[@]}"; do
                name=${tree//\//-}
                mkdir "$run_dir/fs/upper/$name" "$run_dir/fs/work/$name"
                # What is seen through the mount's upper folder must have the mode of the tree itself.
                chmod --reference="$base/$tree" "$run_dir/fs/upper/$name"
                overlay_mount "$tree" "$(layers_lower "$tree")" "$run_dir/fs/upper/$name" "$run_dir/fs/work/$name"
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

# More options of systemd-nspawn's.
box_options=()

# Runs a command in $root with nothing booted. Dies with this script, whatever ends that: see nspawn_start().
box_run() {
        local status=0 nspawn

        nspawn_command
        (
                mkdir "$cgroup/box-$BASHPID"
                echo $BASHPID >"$cgroup/box-$BASHPID/cgroup.procs"
                exec setpriv --pdeathsig KILL "${nspawn[@]}" --quiet --directory="$root" --register=no \
                        --keep-unit --link-journal=no --as-pid2 --pipe --machine="shruthi-$run_id" \
                        --setenv=LANG=C.UTF-8 "${box_options[@]}" "$@"
        ) || status=$?
        return $status
}

# The same with the network that this machine has, for apt.
box_fetch() {
        box_run --resolv-conf=bind-host --setenv=DEBIAN_FRONTEND=noninteractive \
                --setenv=http_proxy="${http_proxy-}" --setenv=https_proxy="${https_proxy-}" "$@"
}

# [SUFFIX]: sets $build_dir. Builds of this tree are found by its path, so that several trees can be worked on at once.
build_folder() { with_lock "$cache/build.lock" build_folder_locked "$@"; }

build_folder_locked() {
        build_dir=$cache/build/$(printf %s "$source_dir" | sha256sum | cut -c1-16)${1-}
        mkdir -p "$build_dir" "$cache/ccache"
        echo "$source_dir" >"$build_dir/source"
        builds_sweep
}

# KIND COMMAND…: alone with that build, which belongs to the compilers and headers that it was made with: those of the
# lowest layer.
build_lock() {
        build_folder "${suite:+.$suite}"
        with_lock "$build_dir/$1.lock" build_locked "$@"
}

build_locked() {
        local kind=$1

        if [ "$(cat "$build_dir/$kind.layer" 2>/dev/null)" != "${layers[0]##*/}" ]; then
                rm -rf --one-file-system "${build_dir:?}/$kind"
                echo "${layers[0]##*/}" >"$build_dir/$kind.layer"
        fi
        "${@:2}"
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
                --bind="$cache/ccache:/shruthi/ccache" --setenv=CCACHE_DIR=/shruthi/ccache --setenv=CCACHE_DEPEND=1 \
                --setenv=CCACHE_MAXSIZE=2G --chdir=/shruthi/build --setenv=HOME=/root \
                --setenv=UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1 -- "$@"
}

# build_make KIND: configures and compiles one of the builds.
build_make() {
        local kind=$1 options=(--prefix=/usr --sysconfdir=/etc --localstatedir=/var -Dbench=true) environment=() again=()

        case $kind in
        # What is installed, and the programs and images that system tests and benchmarks use.
        release) options+=(-Dmode=release -Dtests=false) ;;
        developer) options+=(-Dmode=developer) ;;
        # Its warnings alone are wanted, and clang finds them before it optimizes.
        clang) options+=(-Dmode=developer -Doptimization=0 -Ddebug=false); environment=(CC='ccache clang') ;;
        sanitizers) options+=(-Dmode=developer '-Db_sanitize=address,undefined' -Db_lundef=false) ;;
        # What pkg-config says of another system lies below its root.
        cross-*) options+=(-Dmode=developer --cross-file="$kind.ini" -Dpolkit-action-dir=/usr/share/polkit-1/actions
                -Dpolkit-rules-dir=/usr/share/polkit-1/rules.d) ;;
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
        if [ -n "$whole_arch" ]; then
                arm64_build_installed
                return
        fi
        tree_make
        build_lock release build_installed_locked
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
