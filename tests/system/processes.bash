# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests of guests that are processes share. Read after unikernels.bash.

# NAME ARGUMENTS [LINE…]: a definition of the test guest as a process, without devices.
process() { define "$1" "$2" Image=guest-plain.spt "${@:3}"; }
# NAME: the process that is its guest, found by the lock that it holds.
guest_pid() {
        local inode pid
        inode=$(stat -c %i "/run/shruthi/unikernels/$1/process" 2>/dev/null) || return
        while read -r pid; do
                [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != shruthi-tender ] || { echo "$pid" && return; }
        done < <(awk -v inode="$inode" '$2 == "POSIX" && $6 ~ ":" inode "$" { print $5 }' /proc/locks)
        return 1
}
# PID…
gone() { local pid; for pid in "$@"; do ! kill -0 "$pid" 2>/dev/null || return; done; }
# NAME PID: neither its process is left, nor a file that tells of it.
nothing_left() { gone "$2" && is_swept "$1" && [ ! -e "/run/shruthi/unikernels/$1" ]; }
# All interfaces of guests.
taps() { ip -o link show | sed -nE 's/^[0-9]+: (shru[a-z2-7]{11})[@:].*/\1/p'; }
no_taps() { ! taps | grep .; }
no_processes() { ! pgrep -x shruthi-tender; }

# NAME PROPERTY: on the bus.
of_bus() {
        busctl get-property org.dream.Shruthi "/org/dream/Shruthi/unikernel/${1//-/_2d}" org.dream.Shruthi.Unikernel "$2" |
                cut -d' ' -f2- | tr -d '"'
}
state_is() { [ "$(of_bus "$1" State)" = "$2" ]; }
result_is() { [ "$(of_bus "$1" Result)" = "$2" ]; }
# NAME SETTING…: of its unit.
drop_in() {
        local dir
        dir=/run/systemd/system/$(unit "$1").d
        mkdir -p "$dir"
        { printf '[Service]\n'; printf '%s\n' "${@:2}"; } >"$dir/test.conf"
        systemctl daemon-reload
}
# NAME: how often its guest was adopted.
adoptions() {
        journalctl --sync
        journalctl -q -o cat MESSAGE_ID=6f0d6cf33e0e4d2b8a70d8a4a1d4b304 SHRUTHI_UNIKERNEL="$1" | wc -l
}
# NAME NUMBER
adopted() { [ "$(adoptions "$1")" -ge "$2" ] && running "$1"; }
