#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A reboot while updates are in progress stops their guests, which is nobody's verdict on them: after it an update is proven
# anew, or goes back if nothing starts its unikernel at boot. The plug is pulled by the group plug of a whole machine.

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

if [ -z "$STAGE" ]; then
        cp "$GUESTS/guest-plain.virtio" /home/alice
        chmod a+r /home/alice/*
        check "a unikernel starts at boot" alice create --now --autostart web guest-plain.virtio --memory=16M -- --tick=200
        check "another one does not" alice create --now manual guest-plain.virtio --memory=16M -- --tick=200
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
