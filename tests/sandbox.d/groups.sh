# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The groups of tests. Each writes TAP (https://testanything.org) and is counted by its lines; one that
# ends early, takes too long or gives no result at all counts as failed. Read by tests/sandbox.

meson_groups=(unit sanitizers fuzz clang)
group_seconds=${SHRUTHI_SANDBOX_SECONDS:-900}
# Whether each group has a fresh sandbox, or all go through one that is up.
group_boots=each
# How many run at once: one more than there are processors, since each waits at times. More than four would ask more of
# the kernel than of the processors (inotify's instances).
group_jobs=$(($(nproc) + 1))
[ "$group_jobs" -le 4 ] || group_jobs=4
# Set for each of those: the group that it is.
group_alone=${SHRUTHI_SANDBOX_GROUP-}

groups_list() {
        local file

        if [ "$whole" = yes ]; then
                for file in "$source_dir/tests/$(machine_folder)"/*.sh; do
                        basename "$file" .sh
                done
                return
        fi
        printf '%s\n' "${meson_groups[@]}"
        for file in "$source_dir"/tests/system/*.sh; do
                [ "${file##*/}" = lib.sh ] || basename "$file" .sh
        done
}

# NAME…: all groups if none is named. What is tested of one thing may be in several: NAME is also NAME-….
groups_named() {
        local name

        if [ -n "$group_alone" ]; then
                echo "$group_alone"
                return
        fi
        if [ "$*" = short ] && [ "$whole" = yes ]; then
                grep -lx '# short:.*' "$source_dir/tests/$(machine_folder)"/*.sh | sed 's|.*/||; s|\.sh$||'
                return
        fi
        if [ $# -eq 0 ]; then groups_list; fi
        for name in "$@"; do
                groups_list | grep -E "^$name(-|$)"
        done | awk '!seen[$0]++'
}

groups_run() {
        local name started status tap=$run_dir/tap passed=0 failed=0 skipped=0 bad=() n_ok n_not_ok n_skip

        for name in "$@"; do
                started=$SECONDS status=0
                say "Group $name"
                # In the background, so that a signal to this script is handled at once.
                { group_one "$name" </dev/null | sed -u -E "s/^(not ok|ok) ([0-9]* *- )?/\1 - $name: /" |
                        tee "$tap"; } &
                wait $! || status=$?
                if [ "$group_boots" = each ]; then sandbox_end; fi
                if [ $status -ne 0 ]; then
                        echo "not ok - $name: ended early (status $status)" | tee -a "$tap"
                elif ! grep -qE '^(not )?ok\b' "$tap"; then
                        echo "not ok - $name: ended without a result" | tee -a "$tap"
                fi
                n_skip=$(grep -ciE '^ok\b.*# SKIP' "$tap" || :)
                n_ok=$(($(grep -cE '^ok\b' "$tap" || :) - n_skip))
                n_not_ok=$(grep -cE '^not ok\b' "$tap" || :)
                [ "$n_not_ok" -eq 0 ] || bad+=("$name")
                passed=$((passed + n_ok)) failed=$((failed + n_not_ok)) skipped=$((skipped + n_skip))
                say "Group $name: $n_ok passed, $n_not_ok failed, $n_skip skipped ($((SECONDS - started)) s)"
        done
        groups_say
}

# NAME…: each in a process of its own, several at once, with the same result as groups_run(). What one prints is shown
# when it has ended, so that nothing is mixed.
groups_run_jobs() {
        local name out passed=0 failed=0 skipped=0 bad=()
        local -A running=()

        out=$(mktemp -d)
        # shellcheck disable=SC2064
        trap "rm -rf '$out'" EXIT
        for name in "$@"; do
                [ ${#running[@]} -lt "$group_jobs" ] || groups_wait
                say "Group $name"
                SHRUTHI_SANDBOX_GROUP=$name setpriv --pdeathsig TERM "$self" ${suite:+"--suite=$suite"} test "$name" \
                        </dev/null >"$out/$name" 2>&1 &
                running[$!]=$name
        done
        while [ ${#running[@]} -gt 0 ]; do groups_wait; done
        groups_say
}

# Until one of $running has ended.
groups_wait() {
        local pid status=0 name sum n_ok n_not_ok n_skip

        wait -n -p pid "${!running[@]}" || status=$?
        name=${running[$pid]}
        unset "running[$pid]"
        sum=$(tail -n 1 "$out/$name")
        if [[ $sum =~ ^([0-9]+)" passed, "([0-9]+)" failed, "([0-9]+)" skipped"$ ]]; then
                sed -i '$d' "$out/$name"
                n_ok=${BASH_REMATCH[1]} n_not_ok=${BASH_REMATCH[2]} n_skip=${BASH_REMATCH[3]}
        else
                echo "not ok - $name: ended early (status $status)" >>"$out/$name"
                n_ok=0 n_not_ok=1 n_skip=0
        fi
        grep -v '^sandbox: ' "$out/$name" || :
        # Why it did, which nobody finds in the middle of a long log.
        if grep -q '^not ok - .*: ended early' "$out/$name"; then tail -n 30 "$out/$name" | sed 's/^/#   /'; fi
        grep '^sandbox: ' "$out/$name" | grep -vFx "sandbox: Group $name" >&2 || :
        [ "$n_not_ok" -eq 0 ] || bad+=("$name")
        passed=$((passed + n_ok)) failed=$((failed + n_not_ok)) skipped=$((skipped + n_skip))
}

# What $passed, $failed, $skipped and $bad come to.
groups_say() {
        [ ${#bad[@]} -eq 0 ] || say "Groups with failures: ${bad[*]}"
        echo "$passed passed, $failed failed, $skipped skipped"
        [ "$failed" -eq 0 ] || exit 1
}

group_one() {
        case $1 in
        unit | fuzz) group_meson developer "$1" ;;
        sanitizers) group_meson sanitizers unit ;;
        clang) group_clang ;;
        cross-*) group_cross "${1#cross-}" ;;
        package) group_package ;;
        package-life) group_package_life ;;
        *) group_system "$1" ;;
        esac
}

group_meson() {
        tree_make
        build_lock "$1" group_meson_locked "$@"
}

group_meson_locked() {
        local kind=$1 suite=$2

        build_make "$kind"
        say "Running the $suite tests of the $kind build …"
        # shellcheck disable=SC2016
        build_run /bin/sh -c 'rm -f "$1/meson-logs/testlog.json"
                              meson test -C "$1" --no-rebuild --suite "$2" >"$1.test.log" 2>&1
                              python3 /shruthi/source/tests/sandbox.d/meson-tap.py "$1/meson-logs"' sh "$kind" "$suite"
}

group_clang() {
        tree_make
        build_lock clang build_make clang
        echo "ok - compiles without a warning"
}

# NAME: the packages that a group needs beside those of every sandbox. It says so in a line of its head,
# "# Packages: NAME…", and has a layer of its own then.
group_packages() { sed -n 's/^# Packages: //p' "$source_dir/tests/$folder/$1.sh"; }

# NAME: tests/system/NAME.sh, or with --machine tests/machine/NAME.sh, as root in a fresh sandbox. When it asks for a
# reboot (sandbox_reboot in tests/system/lib.sh) it is started again with the stage that it named; the same where it has
# pulled the plug of a whole machine (sandbox_plug there).
group_system() {
        local name=$1 folder=system status stage='' ends packages slowness=1

        if [ "$whole" = yes ]; then folder=$(machine_folder) group_seconds=$machine_group_seconds slowness=10; fi
        read -r -a packages < <(group_packages "$name") || :
        [ ${#packages[@]} -eq 0 ] || layer_prepare "${suite:-host}-$name" "${packages[@]}"
        if [ $group_boots = each ]; then
                build_installed
                sandbox_boot
        fi
        # Not what the build takes, which may be all of it on a busy machine.
        ends=$((SECONDS + group_seconds))
        while :; do
                status=0
                run_limit=$((ends - SECONDS))
                sandbox_run /usr/bin/env STAGE="$stage" PLUGS="${PLUGS-}" SEED="${SEED-}" BOOTS="${BOOTS-}" KILLS="${KILLS-}" \
                        SLOWNESS=$slowness /bin/bash "/shruthi/source/tests/$folder/$name.sh" || status=$?
                if [ $status -eq 254 ] && [ "$whole" = yes ]; then
                        machine_wait
                        stage=$(sandbox_stage) || break
                        say "Group $name: the plug was pulled; booted again to stage $stage"
                        continue
                fi
                stage=$(sandbox_stage) || break
                say "Group $name: rebooting to stage $stage"
                sandbox_restart
        done
        if [ -e "$run_dir/timed-out" ]; then
                rm "$run_dir/timed-out"
                echo "not ok - took longer than $group_seconds seconds"
        fi
        if [ $status -ne 0 ]; then
                echo "# The journal of the sandbox ends with:"
                sandbox_journal 80 | sed 's/^/#   /'
        fi
        # 1 is a test's own "not ok".
        [ $status -le 1 ] || return $status
}
