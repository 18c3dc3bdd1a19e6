# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The disks of a whole machine (whole.sh): disk-0.img is its system, which was set up in a container before;
# disk-1.img is what a container sees in /shruthi. Read by tests/sandbox.

machine_disks_make() {
        local dir=$run_dir/whole keep=no whole=no

        rm -rf --one-file-system "$dir"
        mkdir "$dir"
        printf '%s\n' "${bound_folders[@]}" | sed '/^$/d' >"$dir/bound"
        if [ -n "$whole_arch" ]; then
                machine_disks_make_foreign
                return
        fi
        # Setting up would take the machine itself ten times as long.
        sandbox_boot
        sandbox_get systemctl poweroff || :
        nspawn_wait_end
        machine_furnish
        machine_disks_write "${runtime_packages[@]}" "${test_packages[@]}" "${whole_packages[@]}"
}

# Of a system that was unpacked (whole-arm64.sh) and has not run yet.
machine_disks_make_foreign() {
        local bind_options=("${bind_options[@]}" --bind-ro="$system:/shruthi/system")

        tree_make
        machine_disks_write
}

# ARGUMENTS…: of whole-make.sh, in the tree.
machine_disks_write() {
        local dir=$run_dir/whole

        step "Making the machine's disks" "$run_dir/disks.log" \
                box_run --private-network --resolv-conf=off --timezone=off --capability=all \
                --bind-ro="$source_dir:/shruthi/source" --bind-ro="$run_dir/build:/shruthi/build" \
                --bind-ro="$run_dir/installed:/shruthi/installed" --bind="$dir:/shruthi/whole" "${bind_options[@]}" -- \
                /bin/bash /shruthi/source/tests/sandbox.d/whole-make.sh "$@"
}

# A machine has devices, a kernel and a clock of its own: what a container must not start is as in Debian here.
machine_furnish() {
        local unit system=$root/etc/systemd/system

        for unit in "${container_masked_units[@]}"; do
                rm -f "$system/$unit"
        done
        mkdir -p "$system/sysinit.target.wants"
        ln -s /lib/systemd/system/apparmor.service "$system/sysinit.target.wants/apparmor.service"
        ln -s /dev/null "$system/serial-getty@ttyS0.service"
        ln -s /dev/null "$system/getty@tty1.service"
        echo '/dev/vda / ext4 defaults 0 1' >"$root/etc/fstab"
        cat >"$system/sandbox-agent.service" <<'END'
[Unit]
Description=Commands from outside of the machine
DefaultDependencies=no
After=systemd-remount-fs.service
Conflicts=shutdown.target
Before=shutdown.target

[Service]
ExecStart=/usr/bin/python3 /shruthi/source/tests/sandbox.d/whole-agent.py
KillMode=process
Restart=always
OOMScoreAdjust=-999
TasksMax=infinity
LimitNOFILE=1024:524288
END
        ln -s ../sandbox-agent.service "$system/sysinit.target.wants/sandbox-agent.service"
}
