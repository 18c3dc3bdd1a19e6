#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# What a start depends on: how often there may be one, and what has to be there before it.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

bus=(busctl --timeout=60 call -- org.dream.Shruthi)
manager=(/org/dream/Shruthi org.dream.Shruthi.Manager)

# COUNT COMMAND…: so often, one after the other, until one fails.
times() {
        local i
        for ((i = 0; i < $1; i++)); do "${@:2}" || return; done
}

# NAME: what is told of one that does not run.
status_of() { shruthictl status "$1" || [ $? = 3 ]; }

# --- How often: what somebody asks for by name is not counted, what systemd restarts by itself is.

cp "$GUESTS/guest-plain.virtio" "$GUESTS/guest-keys.virtio" /home/alice
check "alice creates one and starts it" as_user alice shruthictl create --now often guest-plain.virtio -- --tick=20
check "it may be restarted as often as she asks" times 7 as_user alice shruthictl restart often
check "over the bus too" times 6 "${bus[@]}" "${manager[@]}" RestartUnikernel st often 0
check "it runs" running often
# Referred to by another unit, it is not unloaded when it has stopped, and systemd goes on counting.
mkdir -p /run/systemd/system/multi-user.target.wants
ln -s /usr/lib/systemd/system/unikernel@.service /run/systemd/system/multi-user.target.wants/unikernel@often.service
systemctl daemon-reload
stop_and_start() { as_user alice shruthictl stop often && as_user alice shruthictl start often; }
check "and be stopped and started" times 7 stop_and_start
rm /run/systemd/system/multi-user.target.wants/unikernel@often.service
as_user alice shruthictl stop often

define again "--exit=5" Restart=always
systemctl daemon-reload
systemctl start unikernel@again
check_soon "one that systemd restarts reaches the limit" 60 unit_is failed unikernel@again
expect_output "the end of the last run is told" 'exited with status 5; it was started too often' status_of again
expect_output "since when it is down" "since $(date +%F) [0-9:]{8} systemd does not start it" status_of again
expect_output "and how to go on" "'shruthictl start again' does" status_of again
systemctl stop shruthid
expect_output "by one who was not there, too" 'it was started too often' status_of again
limited=$(unit_show unikernel@again InvocationID)
shruthictl start again >/dev/null 2>&1
check "which is so" test "$(unit_show unikernel@again InvocationID)" != "$limited"
shruthictl stop again

finish
