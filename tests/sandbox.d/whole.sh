# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A whole machine: the system that a sandbox is, booted by QEMU with Debian's own kernel, for what a container
# cannot have (KVM, AppArmor, the controllers of control groups, a TPM, a reboot, a plug to pull). All of it is
# emulated, and slow. whole-disk.sh makes its disks. Read by tests/sandbox.
#
#     machine_boot             a fresh one, with SHRUTHI installed; build_installed came before
#     sandbox_run, sandbox_get COMMAND…     in it, as in a container; 254 if the machine went meanwhile
#     machine_wait_reboot ID   until it has booted again; machine_boot_id before that said ID
#     machine_kill             pulls the plug
#     machine_gone             whether it is off
#     machine_boot_again       boots from the same disks
#
# Whoever wants more of it sets machine_devices (options of QEMU) and machine_parameters (of the kernel) before.

# yes with --machine.
whole=no
# arm64 with --machine=arm64 (whole-arm64.sh).
whole_arch=
# The folder of the groups of tests.
machine_folder() { echo "machine${whole_arch:+/$whole_arch}"; }
whole_packages=(linux-image-amd64 apparmor kmod udev e2fsprogs swtpm swtpm-tools)
machine_devices=()
machine_parameters=()
# As many commands can run at the same time.
machine_ports=8
# For a boot on a machine with much else to do.
machine_boot_seconds=1200
machine_group_seconds=3600

machine_layer() { layer_prepare "${suite:-host}-machine" "${whole_packages[@]}"; }

machine_boot() {
        local started=$SECONDS

        machine_disks_make
        say "Booting the machine${suite:+ of $suite} ($((SECONDS - started)) s for its disks) …"
        machine_boot_again
        # A system that has not run before.
        [ -z "$whole_arch" ] || sandbox_setup
        say "The machine $run_id${suite:+ ($suite)} is up ($((SECONDS - started)) s)."
}

machine_boot_again() {
        machine_start
        machine_wait
}

# QEMU writes through the cache of this machine's kernel: what the guest has flushed is in the disk's file, also when
# QEMU is killed; what the guest's kernel still kept is gone then, as with the plug pulled.
machine_start() {
        local dir=$run_dir/whole i guard=(setpriv --pdeathsig KILL) devices=() nspawn
        local qemu=(/usr/bin/qemu-system-x86_64 -machine pc -cpu max)

        if [ "$whole_arch" = arm64 ]; then qemu=("${arm64_qemu[@]}"); fi

        [ "$keep" = no ] || guard=()
        nspawn_command
        rm -f "$dir"/port-*
        for ((i = 0; i < machine_ports; i++)); do
                devices+=(-chardev "socket,id=port$i,path=/shruthi/whole/port-$i.socket,server=on,wait=off"
                        -device "virtserialport,chardev=port$i,name=org.dream.Shruthi.sandbox.$i")
        done
        for i in "$dir"/disk-*.img; do
                devices+=(-drive "file=/shruthi/whole/${i##*/},if=virtio,format=raw,cache=writeback,discard=unmap")
        done
        mkdir -p "$cgroup/box"
        (
                echo $BASHPID >"$cgroup/box/cgroup.procs"
                exec "${guard[@]}" setsid "${nspawn[@]}" --quiet --directory="$root" --register=no --keep-unit --private-network \
                        --link-journal=no --as-pid2 --pipe --machine="shruthi-$run_id" --resolv-conf=off --timezone=off \
                        --bind-ro="$source_dir:/shruthi/source" --bind="$dir:/shruthi/whole" -- \
                        "${qemu[@]}" -nodefaults -no-user-config -display none \
                        -accel tcg,thread=multi -smp 2 -m 4G -rtc base=utc \
                        -kernel /shruthi/whole/kernel -initrd /shruthi/whole/initrd -append "$(machine_command_line)" \
                        -chardev file,id=console,path=/shruthi/whole/console,append=on -serial chardev:console \
                        -device virtio-serial-pci "${devices[@]}" "${machine_devices[@]}"
        ) </dev/null >>"$run_dir/console" 2>&1 &
        nspawn_pid=$!
        disown "$nspawn_pid"
        process_stamp "$nspawn_pid" >"$run_dir/nspawn"
        echo "$source_dir" >"$run_dir/source"
}

machine_command_line() {
        local line=(
                root=/dev/vda console=ttyS0 quiet systemd.show_status=no
                # The host's processor is not the guest's; its flaws cost time only.
                mitigations=off nokaslr net.ifnames=0
                # On a busy host the emulated timer is late, which the kernel takes for a broken one.
                no_timer_check
                # What udev does for a device, loading KVM among it, would be killed after three minutes.
                udev.event_timeout=3600
        )
        if [ "$whole_arch" = arm64 ]; then line+=(console=ttyAMA0 apparmor=0 selinux=0); fi
        echo "${line[*]} ${machine_parameters[*]}"
}

# The machine has started everything, as boot_wait has it of a container.
machine_wait() {
        local i state='' ends=$((SECONDS + machine_boot_seconds))

        for ((i = 0; i < 100; i++)); do
                ! leader_find || [ ! -S "$run_dir/whole/port-0.socket" ] || break
                process_alive "$(cat "$run_dir/nspawn")" || machine_failed
                sleep 0.1
        done
        leader_find || machine_failed
        echo "$leader" >"$run_dir/leader"
        until [ $SECONDS -ge $ends ]; do
                state=$(run_limit=$((ends - SECONDS)) sandbox_get systemctl is-system-running --wait 2>/dev/null) || :
                if [ "$state" = degraded ]; then say "Units that failed in the machine: $(units_failed)"; fi
                if [[ $state = @(running|degraded) ]]; then
                        # That does not wait for the drivers of all devices.
                        sandbox_get udevadm settle --timeout=$((ends - SECONDS)) || :
                        return
                fi
                process_alive "$(cat "$run_dir/nspawn")" || machine_failed
                sleep 0.5
        done
        machine_failed
}

machine_failed() {
        die "The machine did not come up; its console ends with: $(tail -n 20 "$run_dir/whole/console" "$run_dir/console")"
}

machine_boot_id() { sandbox_get cat /proc/sys/kernel/random/boot_id; }

machine_wait_reboot() {
        local before=$1 ends=$((SECONDS + machine_boot_seconds)) now

        until now=$(run_limit=$((ends - SECONDS)) machine_boot_id) && [ -n "$now" ] && [ "$now" != "$before" ]; do
                if machine_gone || [ $SECONDS -ge $ends ]; then machine_failed; fi
                sleep 0.5
        done
        machine_wait
}

machine_gone() { ! process_alive "$(cat "$run_dir/nspawn")"; }

machine_kill() { cgroup_kill "$cgroup/box"; }

# For a command inside, as enter_command has it.
machine_enter_command() {
        enter=(nsenter --target "$leader" --mount --root --wd=/ -- /usr/bin/python3
                /shruthi/source/tests/sandbox.d/whole-client.py /shruthi/whole)
        [ "${terminal-no}" = no ] || enter+=(--tty)
}
