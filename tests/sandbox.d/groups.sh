# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The groups of tests. Each writes TAP (https://testanything.org) and is counted by its lines; one that
# ends early, takes too long or gives no result at all counts as failed. Read by tests/sandbox.

meson_groups=(unit sanitizers fuzz clang)
group_seconds=${SHRUTHI_SANDBOX_SECONDS:-900}
# Whether each group has a fresh sandbox, or all go through one that is up.
group_boots=each

groups_list() {
        local file

        if [ "$whole" = yes ]; then
                for file in "$source_dir"/tests/machine/*.sh; do
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

        if [ "$*" = short ] && [ "$whole" = yes ]; then
                grep -lx '# short:.*' "$source_dir"/tests/machine/*.sh | sed 's|.*/||; s|\.sh$||'
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
        [ ${#bad[@]} -eq 0 ] || say "Groups with failures: ${bad[*]}"
        echo "$passed passed, $failed failed, $skipped skipped"
        [ $failed -eq 0 ] || exit 1
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
        build_lock group_meson_locked "$@"
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
        build_lock build_make clang
        echo "ok - compiles without a warning"
}

# NAME: the packages that a group needs beside those of every sandbox. It says so in a line of its head,
# "# Packages: NAME…", and has a layer of its own then.
group_packages() { sed -n 's/^# Packages: //p' "$source_dir/tests/$folder/$1.sh"; }

# NAME: tests/system/NAME.sh, or with --machine tests/machine/NAME.sh, as root in a fresh sandbox. When it asks for a
# reboot (sandbox_reboot in tests/system/lib.sh) it is started again with the stage that it named.
group_system() {
        local name=$1 folder=system status stage='' ends packages

        if [ "$whole" = yes ]; then folder=machine group_seconds=$machine_group_seconds; fi
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
                sandbox_run /usr/bin/env STAGE="$stage" PLUGS="${PLUGS-}" SEED="${SEED-}" \
                        /bin/bash "/shruthi/source/tests/$folder/$name.sh" || status=$?
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
