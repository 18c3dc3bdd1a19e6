# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What every system test begins with (. "$(dirname "$0")/lib.sh") and ends with (finish). A test is a group
# of "tests/sandbox test", runs as root in a fresh sandbox, and says each result as a line of TAP.
#
#   check "alice sees the unikernel" as_user alice shruthictl status hello
#   expect_output "the unit is active" '^active$' systemctl is-active unikernel@hello
#   expect_fail "mallory may not stop it" 'AccessDenied' as_user mallory shruthictl stop hello
#   wait_for 60 unit_is failed unikernel@hello || …

set -uo pipefail

# This tree and the tests' programs of its build, both read-only; an image of the test guest.
SRC=/shruthi/source
BUILD=/shruthi/build
# shellcheck disable=SC2034
GUEST=$BUILD/tests/guest/guest.virtio
# The name given to sandbox_reboot, empty on the first start.
STAGE=${STAGE-}
# How many times as long anything may take; tests/sandbox says so of a machine that is emulated.
SLOWNESS=${SLOWNESS:-1}
export SRC BUILD GUEST STAGE SLOWNESS

tests_done=0
tests_failed=0
finished=no
# Output (both streams) and exit status of the last command that a check has run.
output=
status=0

# A check may hold for want of what should have told the contrary. So a test in which a command was not found fails,
# wherever that was: bash calls this instead, in the shells that a test starts, too.
tools_missing=$(mktemp -p /run)
export tools_missing
chmod 0666 "$tools_missing"
command_not_found_handle() {
        echo "$1" >>"$tools_missing"
        printf '%s: command not found\n' "$1" >&2
        return 127
}
export -f command_not_found_handle

# "COMMAND | grep -q" ends at the first match, and what COMMAND writes after that kills it. With pipefail the pipe has
# failed then although something matches: seldom, and where that is negated, a check passes. So grep reads all of it.
grep() {
        local status=0

        command grep "$@" || status=$?
        if [ -p /dev/stdin ] && grep_is_last_reader "$@"; then cat >/dev/null; fi
        return $status
}

# ARGUMENTS… of grep: it says nothing, and reads its input.
grep_is_last_reader() {
        local quiet=no words=0 patterns=1

        while [ $# -gt 0 ]; do
                case $1 in
                --) words=$((words + $# - 1)); break ;;
                --*) ;;
                -*)
                        if [[ $1 = *q* ]]; then quiet=yes; fi
                        if [[ $1 = *[ef] ]]; then patterns=0; shift; fi
                        ;;
                *) words=$((words + 1)) ;;
                esac
                shift
        done
        [ $quiet = yes ] && [ $words -le $patterns ]
}

trap 'lib_exit $?' EXIT

lib_exit() {
        [ $finished = no ] || return
        fail "ended before its last line (status $1)"
        exit 1
}

# A line of explanation.
diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

# TOOL…: what other programs than a shell call is there.
need() {
        local tool
        for tool in "$@"; do
                command -v "$tool" >/dev/null || fail "needs $tool, which is not installed"
        done
}

# DESC
ok() {
        tests_done=$((tests_done + 1))
        printf 'ok %d - %s\n' $tests_done "$*"
}

# DESC
fail() {
        tests_done=$((tests_done + 1))
        tests_failed=$((tests_failed + 1))
        printf 'not ok %d - %s\n' $tests_done "$*"
        return 1
}

# DESC REASON: only where the kernel or the machine lacks what the test needs.
skip() {
        tests_done=$((tests_done + 1))
        printf 'ok %d - %s # SKIP %s\n' $tests_done "$1" "$2"
}

lib_run() {
        status=0
        output=$("$@" 2>&1) || status=$?
}

lib_fail() {
        local desc=$1 why=$2
        shift 2
        fail "$desc" || :
        diag "$why"
        diag "command: $*"
        diag "exit status: $status"
        [ -z "$output" ] || diag "output:" && diag "$output" | head -n 60
        return 1
}

# DESC COMMAND…: the command succeeds.
check() {
        local desc=$1
        shift
        lib_run "$@"
        if [ $status -eq 0 ]; then ok "$desc"; else lib_fail "$desc" "should have succeeded" "$@"; fi
}

# DESC REGEX COMMAND…: the command succeeds and its output matches the extended regular expression, line by
# line.
expect_output() {
        local desc=$1 regex=$2
        shift 2
        lib_run "$@"
        if [ $status -ne 0 ]; then
                lib_fail "$desc" "should have succeeded" "$@"
        elif ! grep -qE -e "$regex" <<<"$output"; then
                lib_fail "$desc" "the output should match: $regex" "$@"
        else
                ok "$desc"
        fi
}

# DESC REGEX COMMAND…: the command fails, by itself and not by a signal, and its output matches.
expect_fail() {
        local desc=$1 regex=$2
        shift 2
        lib_run "$@"
        if [ $status -eq 0 ] || [ $status -ge 124 ]; then
                lib_fail "$desc" "should have failed" "$@"
        elif ! grep -qE -e "$regex" <<<"$output"; then
                lib_fail "$desc" "the output should match: $regex" "$@"
        else
                ok "$desc"
        fi
}

# DESC STATUS COMMAND…: the command's exit status is this one.
expect_status() {
        local desc=$1 expected=$2
        shift 2
        lib_run "$@"
        if [ $status -eq "$expected" ]; then
                ok "$desc"
        else
                lib_fail "$desc" "should have exited with $expected" "$@"
        fi
}

# DESC EXPECTED ACTUAL: they are the same, and not both nothing because what should have told them could not.
is() {
        output='' status=0
        if [ -z "$2" ]; then
                lib_fail "$1" "there is nothing to compare '$3' with (is_none is for what should be nothing)" -
        elif [ "$2" = "$3" ]; then
                ok "$1"
        else
                lib_fail "$1" "is '$3', should be '$2'" -
        fi
}

# DESC ACTUAL: it is nothing.
is_none() {
        output='' status=0
        if [ -z "$2" ]; then ok "$1"; else lib_fail "$1" "is '$2', should be nothing" -; fi
}

# DESC FIELDS COMMAND…: all objects of the output have these fields, as NAME:TYPE, sorted; the man page has
# them.
expect_fields() {
        local desc=$1 fields=$2 key
        shift 2
        is "fields of $desc" "$fields" "$("$@" --json=short 2>/dev/null | jq -r '[.] | flatten | .[] | to_entries |
                map(.key + ":" + (.value | type)) | sort | join(" ")' | sort -u)"
        for key in $fields; do
                grep -q "\\b${key%:*}\\b" "$SRC/data/man/shruthictl.1" || fail "shruthictl(1) has ${key%:*} of $desc"
        done
}

# SECONDS COMMAND…: runs the command until it succeeds; fails when it has not within that time. What is there earlier
# costs nothing, so the time is one that a machine with much else to do keeps: 60 s at least.
wait_for() {
        local ends=$((${EPOCHREALTIME/./} + $1 * SLOWNESS * 1000000))
        shift
        until "$@" >/dev/null 2>&1; do
                [ "${EPOCHREALTIME/./}" -lt $ends ] || return 1
                sleep 0.1
        done
}

# DESC SECONDS COMMAND…: the same as a test.
check_soon() {
        local desc=$1 seconds=$2
        shift 2
        if wait_for "$seconds" "$@"; then
                ok "$desc"
        else
                lib_run "$@"
                lib_fail "$desc" "should have succeeded within $((seconds * SLOWNESS)) s" "$@"
        fi
}

# USER COMMAND…: as that user, with a clean environment.
as_user() {
        local user=$1
        shift
        runuser --user "$user" -- env -i --chdir="$(getent passwd "$user" | cut -d: -f6)" \
                HOME="$(getent passwd "$user" | cut -d: -f6)" USER="$user" LOGNAME="$user" SHELL=/bin/bash \
                PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 TERM=dumb "$@"
}

# ADDRESS: it answers a ping.
answers() { ping -c 1 -W "$SLOWNESS" "$1"; }
# NAME: the IPv4 address that a unikernel is given with its arguments.
address_of() { shruthictl arguments "$1" | sed -nE 's/.*--ipv4=([0-9.]+).*/\1/p'; }

# STATE UNIT: as in unit_is active unikernel@hello.
unit_is() { [ "$(systemctl show --property=ActiveState --value -- "$2")" = "$1" ]; }

# What FastStart=auto comes to: QEMU 11 and libvirt 12 gain nothing by it, 10 and 11 do.
fast_start_of_host() {
        local libvirt

        libvirt=$(virsh --version)
        if [ "${libvirt%%.*}" -ge 12 ] && qemu-system-x86_64 -version | grep -qE 'version (1[1-9]|[2-9][0-9])\.'; then
                echo no
        else
                echo yes
        fi
}

# UNIT PROPERTY
unit_show() { systemctl show --property="$2" --value -- "$1"; }

# How often systemd has been reloaded since the boot. What it says at first differs (257: also who has asked).
reloads() { journalctl --sync; journalctl -b -q -o cat _PID=1 | grep -cE '^Reloading(\.|\.\.\.)$'; }

# REGEX: what systemd has to remark on files of units whose names match. (262 also remarks on each controller of processes
# that a container does not have.)
remarks() {
        journalctl -q -b -o cat _PID=1 | grep -E "$1.*(Unknown|Failed to parse|ignoring)" |
                grep -v 'Failed to read pids\.max .*, ignoring'
}

# STAGE: ends the script, has the sandbox rebooted as by "systemctl reboot", and starts the script again
# with $STAGE set to this. Its results are numbered anew.
sandbox_reboot() {
        echo "$1" >/var/lib/sandbox-stage
        finish
}

# STAGE: from here on sandbox_plug pulls the plug of a whole machine, which boots again, and the script is started with
# $STAGE set to this. What was printed until here is outside by then; nothing may be printed in between.
sandbox_plug_stage() {
        echo "$1" >/var/lib/sandbox-stage
        # This file alone: what else is on the disk by then is the test's business.
        sync /var/lib/sandbox-stage
        echo 1 >/proc/sys/kernel/sysrq
        sleep 3
}

# At once, and without a word to any file system or device: what is not on the disk is lost.
sandbox_plug() {
        echo b >/proc/sysrq-trigger
        sleep 600
}

# The last line of every test.
finish() {
        finished=yes
        [ ! -s "$tools_missing" ] || fail "calls what is not installed: $(sort -u "$tools_missing" | tr '\n' ' ')"
        rm -f "$tools_missing"
        echo "1..$tests_done"
        [ $tests_failed -eq 0 ] || exit 1
        exit 0
}
