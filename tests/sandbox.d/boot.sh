# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One running sandbox: its tree, its boot, entering it and ending it. Read by tests/sandbox.

bind_options=()
# Where those folders are seen.
bound_folders=()
nspawn_pid=
leader=

# What a stock Debian with libvirt has enabled, of what the release has (polkit 128 has come with a socket), and
# nothing of what this machine has enabled beyond that.
enabled_units=(
        multi-user.target.wants/libvirtd.service multi-user.target.wants/libvirt-guests.service
        multi-user.target.wants/machines.target multi-user.target.wants/remote-fs.target
        sockets.target.wants/libvirtd.socket sockets.target.wants/libvirtd-ro.socket
        sockets.target.wants/libvirtd-admin.socket sockets.target.wants/virtlogd.socket
        sockets.target.wants/virtlogd-admin.socket sockets.target.wants/virtlockd.socket
        sockets.target.wants/virtlockd-admin.socket sockets.target.wants/polkit-agent-helper.socket
)
# Would reach for this machine's kernel, devices or clock.
masked_units=(
        systemd-hwdb-update.service systemd-timesyncd.service
        systemd-binfmt.service proc-sys-fs-binfmt_misc.automount
        systemd-tmpfiles-clean.timer console-getty.service systemd-resolved.service
        systemd-networkd.service networking.service
)
# The same in a container, which has none of these of its own. kmod-static-nodes would make /dev/kvm.
container_masked_units=(
        kmod-static-nodes.service systemd-modules-load.service systemd-sysctl.service
        systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket
        systemd-udev-trigger.service
        sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount
        dev-hugepages.mount
)

sandbox_bind_ro() {
        local dir
        [ -d "$1" ] || usage_error "--bind-ro: '$1' is not a directory"
        dir=$(realpath -e -- "$1")
        [[ $1 = /* ]] || usage_error "--bind-ro: '$1' must be an absolute path: the sandbox shows it there"
        case $dir in
        / | /usr | /etc | /var | /var/lib | /run | /proc* | /sys* | /dev*)
                usage_error "--bind-ro: '$1' would hide the sandbox's own" ;;
        esac
        bound_folders+=("$(realpath -ms -- "$1")")
        bind_options+=("--bind-ro=${dir//:/\\:}:${bound_folders[-1]//:/\\:}")
}

# Boots a fresh sandbox and installs SHRUTHI in it as a package's scripts would; build_installed() came
# before.
sandbox_boot() {
        local started=$SECONDS

        if [ "$whole" = yes ]; then
                machine_boot
                return
        fi
        say "Booting the sandbox${suite:+ of $suite} …"
        tree_make
        tree_furnish
        nspawn_start
        boot_wait
        sandbox_setup
        say "The sandbox $run_id${suite:+ ($suite)} is up ($((SECONDS - started)) s)."
}

# The machine's own configuration gives way to that of a freshly installed system.
tree_furnish() {
        local unit system=$root/etc/systemd/system

        rm -rf "$root"/etc/rc?.d "$root"/etc/systemd/{system,user,network} "$root"/etc/{init.d,cron.d,sysctl.d}
        rm -rf "$root"/etc/systemd/*.conf.d "$root/etc/systemd/system-generators" "$root/etc/udev/rules.d"
        rm -rf "$root"/etc/libvirt/qemu "$root"/etc/libvirt/{storage,secrets,lxc} "$root"/etc/netplan
        rm -rf "$root"/var/lib/libvirt/{dnsmasq,network,images,boot,qemu}/* "$root"/var/lib/{machines,shruthi}
        rm -rf "$root"/etc/shruthi "$root"/var/lib/systemd/{timers,coredump,catalog}
        mkdir -p "$system" "$root/etc/libvirt/qemu/networks" "$root/etc/init.d"
        for unit in "${enabled_units[@]}"; do
                [ -e "$root/usr/lib/systemd/system/${unit##*/}" ] || continue
                mkdir -p "$system/${unit%/*}"
                ln -s "/lib/systemd/system/${unit##*/}" "$system/$unit"
        done
        for unit in "${masked_units[@]}" "${container_masked_units[@]}"; do
                ln -s /dev/null "$system/$unit"
        done
        ln -s /lib/systemd/system/multi-user.target "$system/default.target"

        : >"$root/etc/fstab"
        rm -f "$root"/etc/{crypttab,hostname,resolv.conf,motd}
        echo sandbox >"$root/etc/hostname"
        printf '127.0.0.1 localhost sandbox\n::1 localhost\n' >"$root/etc/hosts"
        # A file that is missing would be a first boot, with presets for everything that the machine has.
        tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
        # The journal of a boot must be readable after the next.
        mkdir -p "$root/var/log/journal" "$root/etc/systemd/journald.conf.d"
        printf '[Journal]\nStorage=persistent\nSystemMaxUse=1G\n' >"$root/etc/systemd/journald.conf.d/sandbox.conf"
        mkdir -p "$root/shruthi"
}

nspawn_start() {
        local guard=(setpriv --pdeathsig KILL) nspawn

        nspawn_command
        # With the mode that udev gives it on every host (50-udev-default.rules of systemd); no udev runs in a
        # container, or perhaps on the machine itself.
        [ -c "$run_dir/tun" ] || mknod --mode=666 "$run_dir/tun" c 10 200
        # A sandbox that is kept outlives this script.
        [ "$keep" = no ] || guard=()
        mkdir -p "$cgroup/box"
        (
                echo $BASHPID >"$cgroup/box/cgroup.procs"
                export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
                # A killed systemd-nspawn leaves its container running. As the first process of a PID
                # namespace it takes all with it (pid_namespaces(7)), and it is killed when this script
                # ends, whatever ends it.
                exec "${guard[@]}" setsid "${nspawn[@]}" --quiet --directory="$root" --boot --register=no \
                        --keep-unit --private-network --link-journal=no --capability=all \
                        --drop-capability=CAP_SYS_MODULE,CAP_SYS_TIME \
                        --machine="shruthi-$run_id" --hostname=sandbox --rlimit=NOFILE=1024:524288 \
                        --console=read-only --bind="$run_dir/tun:/dev/net/tun" \
                        --bind-ro="$source_dir:/shruthi/source" --bind-ro="$run_dir/build:/shruthi/build" \
                        --bind-ro="$run_dir/installed:/shruthi/installed" "${bind_options[@]}"
        ) </dev/null >"$run_dir/console" 2>&1 &
        nspawn_pid=$!
        disown "$nspawn_pid"
        process_stamp "$nspawn_pid" >"$run_dir/nspawn"
        echo "$source_dir" >"$run_dir/source"
}

# Until the system that was told to end has ended.
nspawn_wait_end() {
        local i

        for ((i = 0; i < 600; i++)); do
                process_alive "$(cat "$run_dir/nspawn")" || break
                sleep 0.1
        done
        cgroup_kill "$cgroup/box"
}

# With --keep-unit, systemd-nspawn ends with status 133 when its system reboots, for its caller to start it
# again.
nspawn_restart() {
        nspawn_wait_end
        nspawn_start
}

# The container's first process: the child of systemd-nspawn (itself the child of unshare) that is process
# 1 in its innermost namespace.
leader_find() {
        local nspawn child children

        leader=
        # The kernel ends these lists with a space and no newline.
        nspawn=$(tr -d ' ' 2>/dev/null <"/proc/$nspawn_pid/task/$nspawn_pid/children") || return 1
        [ -n "$nspawn" ] || return 1
        read -r -a children 2>/dev/null <"/proc/$nspawn/task/$nspawn/children" || :
        for child in "${children[@]}"; do
                if grep -q $'^NSpid:.*\t1$' "/proc/$child/status" 2>/dev/null; then
                        leader=$child
                fi
        done
        [ -n "$leader" ]
}

# Waits until systemd has started everything; a unit that failed is told, and no reason to stop.
boot_wait() {
        local i state=

        for ((i = 0; i < 600; i++)); do
                process_alive "$(cat "$run_dir/nspawn")" ||
                        die "The sandbox did not boot; systemd-nspawn said: $(tail -n 20 "$run_dir/console")"
                if leader_find; then
                        state=$(timeout 60 nsenter --target "$leader" --all --root --wd -- \
                                systemctl is-system-running --wait 2>/dev/null) || :
                        case $state in
                        running) break ;;
                        degraded) say "Units that failed in the sandbox: $(units_failed)"; break ;;
                        esac
                fi
                sleep 0.2
        done
        [ $i -lt 600 ] || die "The sandbox did not come up; its console ends with: $(tail -n 20 "$run_dir/console")"
        echo "$leader" >"$run_dir/leader"
}

units_failed() { sandbox_get systemctl --failed --plain --no-legend | cut -d' ' -f1 | tr '\n' ' '; }

sandbox_setup() {
        local log=$run_dir/setup.log

        sandbox_get /bin/bash /shruthi/source/tests/sandbox.d/setup.sh >"$log" 2>&1 || {
                tail -n 30 "$log" >&2
                die "SHRUTHI could not be set up in the sandbox."
        }
}

enter_command() {
        if [ "$whole" = yes ]; then
                machine_enter_command
        else
                enter=(nsenter --target "$leader" --all --root --wd --)
        fi
        enter+=(env -i --chdir=/root
                PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
                HOME=/root USER=root LOGNAME=root SHELL=/bin/bash LANG=C.UTF-8 TERM="${TERM:-dumb}")
}

sandbox_get() {
        local enter
        enter_command
        "${enter[@]}" "$@" </dev/null
}

# In the background and waited for, so that a signal to this script is handled at once; a background
# command of a shell would ignore the keyboard's signals.
sandbox_run() {
        local enter status=0 pid watch
        enter_command
        env --default-signal=INT,QUIT "${enter[@]}" "$@" <&0 &
        pid=$!
        sandbox_watch $pid </dev/null >/dev/null 2>&1 &
        watch=$!
        wait $pid || status=$?
        kill $watch 2>/dev/null || :
        return $status
}

# Ends a command that takes longer than $run_limit seconds. And where the sandbox goes down: systemd stops
# and continues all processes before it kills them, on which nsenter stops itself, for good, since nobody
# continues it out here.
sandbox_watch() {
        local pid=$1 name ends=$((SECONDS + ${run_limit:-0}))

        while kill -0 "$pid"; do
                read -r name <"/proc/$leader/comm" || name=gone
                if [[ $name = systemd-shutdow* ]]; then
                        kill -CONT "$pid"
                elif [ -n "${run_limit-}" ] && [ $SECONDS -ge $ends ]; then
                        touch "$run_dir/timed-out"
                        kill -KILL "$pid"
                fi
                sleep 0.5
        done
}

# The terminal outside is none inside, so the shell gets one of its own.
sandbox_shell() {
        [ -t 0 ] || die "A shell needs a terminal; name a command instead."
        if [ "$whole" = yes ]; then
                terminal=yes sandbox_run bash -l
                return
        fi
        sandbox_run script --quiet --flush --return --command 'bash -l' /dev/null
}

sandbox_journal() { sandbox_get journalctl --no-pager --lines="$1" 2>&1 || :; }

sandbox_keep() {
        [ "$keep" = yes ] || return 0
        cp "$run_dir/nspawn" "$run_dir/keep"
        say "The sandbox is kept as $run_id."
        say "  enter it:  $self enter $run_id [COMMAND…]"
        say "  end it:    $self end $run_id"
}

# The stage that a test has asked a reboot for, if it has.
sandbox_stage() { sandbox_get sh -c 'cat /var/lib/sandbox-stage 2>/dev/null && rm /var/lib/sandbox-stage'; }

sandbox_restart() {
        local before

        if [ "$whole" = yes ]; then
                before=$(machine_boot_id)
                sandbox_get systemctl reboot || :
                machine_wait_reboot "$before"
        else
                sandbox_get systemctl reboot || :
                nspawn_restart
                boot_wait
        fi
}

sandbox_end() {
        cgroup_kill "$cgroup/box"
        rm -f "$run_dir/leader"
        tree_remove
}
