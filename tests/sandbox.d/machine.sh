# shellcheck shell=bash disable=SC2154,SC2015,SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the machine must have, the control group that a run owns, the record of each run in the cache, and
# the removal of what interrupted runs left behind. Read by tests/sandbox.

require_root() {
        [ "$(id -u)" -eq 0 ] && return
        local command
        command=$(printf ' %q' "$@")
        die "This must run as root, which boots the sandbox: sudo tests/sandbox$command"
}

# One sentence for each thing that is missing and that no package brings.
require_machine() {
        [[ $cache = /* && ! "$cache/" =~ ^/(usr|etc|var/lib|proc|sys|dev|run)?/ ]] ||
                die "SHRUTHI_SANDBOX_CACHE is '$cache', but must be an absolute path outside of" \
                        "/usr, /etc, /var/lib and /run."
        [[ $cache$source_dir != *[:\\,[:space:]]* ]] ||
                die "The path of this tree or of the cache contains a space, colon, comma or backslash: move it" \
                        "($source_dir, $cache)."
        command -v apt-get >/dev/null ||
                die "This machine has no apt-get: the sandbox needs Debian 12, 13 or one of their kin."
        [ -L /lib ] ||
                die "On this machine /lib is no link into /usr: the sandbox needs a merged /usr, as Debian 12 has."
        grep -qw overlay /proc/filesystems || modprobe -q overlay 2>/dev/null ||
                die "This kernel has no overlay file system, on which the sandbox is built."
        [ -c /dev/net/tun ] || modprobe -q tun 2>/dev/null || :
        [ -c /dev/net/tun ] ||
                die "This machine has no /dev/net/tun, which guests need for their network (try: modprobe tun)."
        [ -n "$(cgroup_root)" ] ||
                die "No control group hierarchy of version 2 is mounted here (try: mount -t cgroup2 none" \
                        "/sys/fs/cgroup)."
        require_packages
}

# Names what will be installed on the machine itself and kept on it, and asks when somebody is there to
# answer.
require_packages() {
        local missing=() package answer

        for package in "${machine_packages[@]}"; do
                package_installed "$package" || missing+=("$package")
        done
        [ ${#missing[@]} -gt 0 ] || [ ! -e "$cache/layers" ] || return 0

        say "This machine needs:"
        if [ ${#missing[@]} -gt 0 ]; then
                say "  packages, installed on the machine itself: ${missing[*]}"
        fi
        say "  a cache folder, $cache (up to 3 GB, and 2 GB for each suite; 'tests/sandbox clean' removes it),"
        say "  for the packages of the sandbox, fetched with this machine's apt, and for builds."
        if [ "$assume_yes" = no ] && [ -t 0 ] && [ -t 2 ]; then
                read -r -p "sandbox: Go on? [y/N] " answer
                [[ $answer = [yY]* ]] || die "Nothing was changed."
        fi
        if [ ${#missing[@]} -gt 0 ]; then
                mkdir -p "$cache"
                step "Installing ${missing[*]} on this machine" "$cache/machine.log" machine_install "${missing[@]}"
        fi
}

package_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

machine_install() {
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -q || :
        apt-get install -q -y --no-install-recommends "$@"
}

# Runs a long step with its output in a log, of which a terminal sees the last line; the log's end tells
# why it failed.
step() {
        local what=$1 log=$2 started=$SECONDS status=0
        shift 2

        say "$what …"
        "$@" </dev/null >"$log" 2>&1 &
        local pid=$!
        if [ -t 2 ]; then
                while kill -0 $pid 2>/dev/null; do
                        printf '\r\e[K  %s' "$(tail -n1 "$log" | tr -cd '[:print:]' |
                                cut -c1-$((${COLUMNS:-100} - 4)))" >&2
                        sleep 0.3
                done
                printf '\r\e[K' >&2
        fi
        wait $pid || status=$?
        if [ $status -ne 0 ]; then
                tail -n 40 "$log" >&2
                die "$what failed (status $status); all of it is in $log."
        fi
        [ $((SECONDS - started)) -lt 3 ] || say "$what: done in $((SECONDS - started)) s"
}

cgroup_root() { findmnt --first-only --types cgroup2 --noheadings --output TARGET || :; }

# Sets $nspawn to how systemd-nspawn is called, as process 1 of a PID namespace and in a mount namespace of its own.
# Since 256 it ends without a word where /sys/fs/cgroup is not a hierarchy of version 2 (but a tmpfs, say, with one of
# each version below it): there it is made to be one.
nspawn_command() {
        nspawn=(unshare --pid --fork --kill-child --mount-proc)
        if [ "$(systemd-nspawn --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')" -ge 256 ] &&
                [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
                # shellcheck disable=SC2016
                nspawn+=(/bin/sh -ec 'mount --bind "$0" /sys/fs/cgroup; exec "$@"' "$(cgroup_root)")
        fi
        nspawn+=(systemd-nspawn)
}

# sd_booted(3): whether the machine's own PID 1 is systemd.
has_systemd=no
[ ! -d /run/systemd/system ] || has_systemd=yes

# Goes through two steps, each by starting this script anew with the same process id. With systemd as PID 1
# a part of its control group tree may only be used where it was delegated: in a scope of our own. And in a
# mount namespace of our own every mount vanishes with the last process of the run.
enter_scope() {
        local step=${SHRUTHI_SANDBOX_STEP-}

        unset SHRUTHI_SANDBOX_STEP
        if [ -z "$step" ] && [ $has_systemd = yes ]; then
                export SHRUTHI_SANDBOX_STEP=scope
                exec systemd-run --quiet --scope --collect --property=Delegate=yes \
                        --unit="shruthi-sandbox-$$" -- "$self" "$@"
        fi
        if [ "$step" != mounts ]; then
                export SHRUTHI_SANDBOX_STEP=mounts
                exec unshare --mount --propagation private -- "$self" "$@"
        fi

        # systemd-nspawn keeps notes in /run, which shall not be this machine's.
        mkdir -p "$cache"
        mount -t tmpfs -o mode=0755 shruthi-sandbox "$cache"
        [ ! -d /run/systemd/resolve ] || cp -a /run/systemd/resolve "$cache/"
        mount --no-mtab --move "$cache" /run
        mkdir /run/systemd
        [ ! -d /run/resolve ] || mv /run/resolve /run/systemd/
}

# "PID STARTTIME", which no later process shares.
process_stamp() {
        local stat
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
        # The command's name, in parentheses, may hold anything; field 22 is the 20th behind it.
        read -r -a stat <<<"${stat##*) }"
        echo "$1 ${stat[19]}"
}

process_alive() {
        local pid
        read -r pid _ <<<"$1" && [ -n "$pid" ] && [ "$(process_stamp "$pid")" = "$1" ]
}

# The record of this run, and a control group of its own: of systemd's scope, or below the root where there
# is none.
run_begin() {
        local base

        mkdir -p "$cache"/{runs,bases,layers,build}
        run_id=$(head -c4 /dev/urandom | od -An -tx1 | tr -d ' \n')
        run_dir=$cache/runs/$run_id
        own_run=$run_dir
        with_lock "$cache/runs.lock" run_record
        trap run_finish EXIT
        trap 'exit 129' HUP
        trap 'exit 130' INT
        trap 'exit 143' TERM

        base=$(cgroup_root)
        if [ "$has_systemd" = yes ]; then
                base+=$(sed -n 's/^0:://p' /proc/self/cgroup)
                echo "$base" >"$run_dir/cgroup"
        else
                base+=/shruthi-sandbox-$run_id
                echo "$base" >"$run_dir/cgroup"
                mkdir "$base"
        fi
        cgroup=$base
        # Processes may only be in the leaves of a tree that has controllers.
        mkdir "$base/driver"
        echo $$ >"$base/driver/cgroup.procs"
        sed 's/[^ ]*/+&/g' "$base/cgroup.controllers" >"$base/cgroup.subtree_control" 2>/dev/null || :
}

# Under the lock of the sweep: another run must not find the folder before it says whose it is.
run_record() {
        mkdir -m 0755 "$run_dir"
        process_stamp $$ >"$run_dir/owner"
        echo "$suite" >"$run_dir/suite"
        runs_sweep
}

run_finish() {
        local status=$?

        trap - EXIT
        trap '' HUP INT TERM
        # From here on bash would only tell which of its children it saw killed.
        exec 2>/dev/null
        [ ! -e "$run_dir/keep" ] || exit $status
        driver_kill_others
        sandbox_end
        # This process must be out of the control group before that can go.
        [ "$has_systemd" = yes ] || echo $$ >"$(cgroup_root)/cgroup.procs"
        run_remove "$run_dir"
        exit $status
}

# What this script has running in the background, however deep.
driver_kill_others() {
        local pid

        while read -r pid; do
                [ "$pid" = $$ ] || kill -KILL "$pid" 2>/dev/null || :
        done <"$cgroup/driver/cgroup.procs"
}

# Ends what is left of a run and removes its record. Kills by control group, which only ever held that
# run's processes.
run_remove() {
        local dir=$1 group box

        group=$(cat "$dir/cgroup" 2>/dev/null) || group=
        if [ -n "$group" ] && [ -d "$group" ]; then
                for box in "$group"/box*; do
                        cgroup_kill "$box"
                done
                [ "$dir" = "${own_run-}" ] || cgroup_kill "$group/driver"
                # A scope still has this process in it; systemd removes it.
                find "$group" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || :
                [ "$has_systemd" = yes ] || rmdir "$group" 2>/dev/null || :
        fi
        rm -rf --one-file-system "$dir"
}

cgroup_kill() {
        local group=$1 i pids

        [ -d "$group" ] || return 0
        for ((i = 0; i < 100; i++)); do
                grep -qx 'populated 1' "$group/cgroup.events" 2>/dev/null || break
                if ! echo 1 2>/dev/null >"$group/cgroup.kill"; then
                        # Linux before 5.14.
                        mapfile -t pids < <(find "$group" -name cgroup.procs -exec cat {} +)
                        kill -KILL "${pids[@]}" 2>/dev/null || :
                fi
                sleep 0.05
        done
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || :
}

# Removes what belongs to no living run. A kept sandbox lives as long as its first process.
runs_sweep() {
        local dir

        for dir in "$cache"/runs/*/; do
                dir=${dir%/}
                run_alive "$dir" && continue
                say "Removing what the interrupted run ${dir##*/} left behind."
                run_remove "$dir"
        done
}

run_alive() {
        if [ -e "$1/keep" ]; then
                process_alive "$(cat "$1/keep")"
        else
                process_alive "$(cat "$1/owner" 2>/dev/null)"
        fi
}

running_list() {
        local dir of

        for dir in "$cache"/runs/*/; do
                dir=${dir%/}
                run_alive "$dir" && [ -e "$dir/leader" ] || continue
                of=$(cat "$dir/suite" 2>/dev/null) || of=
                [ -z "$suite" ] || [ "$of" = "$suite" ] || continue
                printf '%s %s%s\n' "${dir##*/}" "$(cat "$dir/source")" "${of:+ $of}"
        done
}

running_find() {
        run_dir=$cache/runs/$1
        [[ $1 =~ ^[0-9a-f]+$ ]] && [ -e "$run_dir/leader" ] && run_alive "$run_dir" ||
                die "There is no running sandbox '$1'; 'tests/sandbox list' shows those there are."
        nspawn_pid=$(cut -d' ' -f1 "$run_dir/nspawn")
        [ ! -e "$run_dir/whole" ] || whole=yes
        leader_find || die "The sandbox '$1' is just ending."
}

with_lock() {
        local file=$1 lock
        shift
        exec {lock}>"$file"
        if ! flock --nonblock "$lock"; then
                say "Waiting for another tests/sandbox …"
                flock "$lock"
        fi
        "$@"
        exec {lock}>&-
}

cache_remove() { rm -rf --one-file-system "$cache"; }
