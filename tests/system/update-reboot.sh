#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A reboot while updates are in progress stops their guests, which is nobody's verdict on them: after it an update is proven
# anew, or goes back if nothing starts its unikernel at boot. If the reboot is canceled, it goes on at once. The plug is
# pulled by the group plug of a whole machine.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

alice() { as_user alice shruthictl --no-ask-password "$@"; }
arguments() { shruthictl cat "$1" | sed -n 's/^Arguments=//p'; }
settled() { [ ! -e "/var/lib/shruthi/updates/$1" ]; }
# NAME ARGUMENTS: its guest was started with these.
runs() { running "$1" && [ "$(sed -n 's/^Arguments=//p' "/run/shruthi/unikernels/$1/started")" = "$2" ]; }
proving() { ! settled "$1" && runs "$1" "$2"; }
goes_on() { grep -qF "of '$1' that was interrupted goes on" <<<"$(journalctl --quiet --boot --output=cat --unit=shruthid)"; }

# What systemd says while it shuts down, and nothing else of it: the job of shutdown.target waits for another one.
shutdown_begins() {
        mkdir -p /run/systemd/system/shutdown.target.d
        printf '[Unit]\nRefuseManualStart=no\nAfter=test-hold.service\n' >/run/systemd/system/shutdown.target.d/test.conf
        printf '[Service]\nType=oneshot\nTimeoutStartSec=infinity\nExecStart=sleep infinity\n' \
                >/run/systemd/system/test-hold.service
        systemctl daemon-reload
        systemctl start --no-block test-hold.service
        wait_for 60 unit_is activating test-hold.service
        systemctl start --no-block --job-mode=ignore-requirements shutdown.target
        wait_for 60 shuts_down
}
shuts_down() { [ "$(systemctl is-system-running)" = stopping ]; }
shutdown_is_canceled() {
        systemctl cancel "$(systemctl list-jobs --no-legend | awk '$2 == "shutdown.target" { print $1 }')" &&
                ! shuts_down
}
shutdown_leaves_nothing() {
        systemctl stop test-hold.service
        rm -r /run/systemd/system/shutdown.target.d /run/systemd/system/test-hold.service
        systemctl daemon-reload
}
interrupted() { grep -qF "of unikernel '$1' was proven; the update goes on" "/run/$1.out"; }

if [ -z "$STAGE" ]; then
        cp "$GUESTS/guest-plain.virtio" /home/alice
        chmod a+r /home/alice/*
        check "a unikernel starts at boot" alice create --now --autostart web guest-plain.virtio --memory=16M -- --tick=200
        check "another one does not" alice create --now manual guest-plain.virtio --memory=16M -- --tick=200

        check "a third one" alice create --now held guest-plain.virtio --memory=16M -- --tick=200
        in_background held alice update held --probation=10s -- --tick=201
        check_soon "is being updated" 60 proving held --tick=201
        check "when systemd begins to shut down" shutdown_begins
        check "and stops it" systemctl stop unikernel@held
        check_soon "which whoever updates it is told" 60 background_ended held
        check "as a shutdown" interrupted held
        expect_fail "nobody else changes it" "An update of .held. is in progress" alice set held memory=17M
        check "the update waits" test -e /var/lib/shruthi/updates/held
        check "the shutdown is canceled" shutdown_is_canceled
        check_soon "and the update goes on" 60 goes_on held
        check_soon "starts the new generation" 60 runs held --tick=201
        check_soon "and proves it" 120 settled held
        expect_output "as its history says" ' current ' sh -c 'shruthictl history --no-legend held | tail -n 1'
        is_none "without a reason against it" "$(shruthictl history held | grep 'stopped or restarted')"

        in_background held alice update held --probation=10s -- --tick=202
        check_soon "it is updated again" 60 proving held --tick=202
        check "with another shutdown" systemctl start --no-block --job-mode=ignore-requirements shutdown.target
        check_soon "that systemd knows of" 60 shuts_down
        kill -STOP "$(qemu_pid held)"
        systemctl stop --no-block unikernel@held
        check_soon "whose stop takes its time" 60 unit_is deactivating unikernel@held
        check "that is canceled before the guest has ended" shutdown_is_canceled
        kill -CONT "$(qemu_pid held)" 2>/dev/null
        check_soon "the new generation is proven, too" 120 settled held
        check "and runs" runs held --tick=202
        expect_output "as its history says" ' current ' sh -c 'shruthictl history --no-legend held | tail -n 1'

        in_background held alice update held --probation=20min -- --tick=203
        check_soon "and again" 60 proving held --tick=203
        check "a stop by somebody" systemctl stop unikernel@held
        check_soon "is none by a shutdown" 60 settled held
        check "and stays" unit_is inactive unikernel@held
        expect_output "as its history says" 'stopped or restarted by somebody else' shruthictl history held
        check "nothing is left of all that" shutdown_leaves_nothing
        check "it is removed" alice remove held

        in_background manual alice update manual --probation=20min -- --tick=201
        in_background web alice update web --probation=60s -- --tick=201
        check_soon "updates of both are in progress" 60 proving web --tick=201
        check_soon "… at the same time" 60 proving manual --tick=201
        sandbox_reboot rebooted
fi

check_soon "after a reboot the update of the one goes on" 60 goes_on web
check_soon "its new generation runs" 60 runs web --tick=201
check_soon "and is proven" 120 settled web
expect_output "as its history says" ' current ' sh -c 'shruthictl history --no-legend web | tail -n 1'
expect_output "the shutdown was told apart" "of unikernel 'web' was proven; the update goes on at the next boot" \
        journalctl --quiet --boot=-1 --output=cat --unit=shruthid
is_none "without a reason against it" "$(shruthictl history web | grep 'stopped or restarted')"
check_soon "that of the other ends" 60 settled manual
is "which is the former one again" --tick=200 "$(arguments manual)"
expect_output "as its history says" 'the host was restarted before it was proven' shruthictl history manual
check "and is not started" unit_is inactive unikernel@manual

finish
