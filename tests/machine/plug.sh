#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The whole machine goes down while updates are in progress: rebooted, and with the plug pulled, at different moments.
# After the next boot the old or the new generation runs, and the update is proven anew or has gone back. $PLUGS says how
# often the plug is pulled at a moment of no choice.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/../system/unikernels.bash"

PLUGS=${PLUGS:-3}
# A process starts in no time where a virtual machine is emulated, and an update is the same for both.
image=${PLUG_IMAGE:-guest-plain.spt}
UPDATES=/var/lib/shruthi/updates
# What a stage must know of those before, on the disk.
notes=/var/lib/plug-notes

alice() { as_user alice shruthictl --no-ask-password "$@"; }
arguments() { shruthictl cat "$1" | sed -n 's/^Arguments=//p'; }
# NAME: what its guest was started with.
started() { sed -n 's/^Arguments=//p' "/run/shruthi/unikernels/$1/started"; }
runs() { running "$1" && [ "$(started "$1")" = "$2" ]; }
settled() { [ ! -e "$UPDATES/$1" ]; }
# NAME ARGUMENTS: an update to these is in progress, and the new guest runs.
proving() { ! settled "$1" && runs "$1" "$2"; }
# NAME NUMBER FIELD: of that generation; 0: of the last.
generation() { shruthictl history "$1" --json=short | jq -r --argjson n "$2" \
        "if \$n == 0 then .[-1] else .[] | select(.Number == \$n) end | .$3"; }
goes_on() { grep -qF "of '$1' that was interrupted goes on" <<<"$(journalctl --quiet --boot --output=cat --unit=shruthid)"; }
# WORDS…: as they are in $notes from now on.
note() { echo "$*" >$notes && sync $notes "${notes%/*}"; }
# One generation is current, and none that is newer passes for proven.
history_fits() { shruthictl history "$1" --json=short | jq -e '[.[] | select(.State == "current").Number] as $current |
        ($current | length) == 1 and all(.[]; .Number <= $current[0] or .Outcome != "proven")'; }
# ARGUMENTS PROBATION STAGE COMMAND…: an update of web begins, and when the command has succeeded, the plug is pulled.
# shellcheck disable=SC2086
cut_update() {
        sandbox_plug_stage "$3"
        in_background web alice update web --probation="$2" -- $1
        "${@:4}"
        sandbox_plug
}

# Both are changed by alice; one starts at boot, the other does not.
case $STAGE in
'')
        cp "$GUESTS/$image" /home/alice
        chmod a+r /home/alice/*
        mkdir -p /etc/shruthi/shruthi.conf.d
        printf '[Shruthi]\nAllowProcesses=users\n' >/etc/shruthi/shruthi.conf.d/50-plug.conf
        systemctl reload-or-restart shruthid
        check "a unikernel starts at boot" alice create --now --autostart web "$image" --memory=16M \
                '--ready=console:^tick 0*2$' -- --tick=200
        check "another one does not" alice create --now manual "$image" --memory=16M -- --tick=200
        begun=$SECONDS
        check "an update of the one holds" alice update web --probation=1s -- --tick=201
        note $((SECONDS - begun))
        in_background manual alice update manual --probation=20min -- --tick=202
        check_soon "an update of the other one is in progress" 60 proving manual --tick=202
        in_background web alice update web --probation=90s -- --tick=202
        check_soon "… and one of this" 60 proving web --tick=202
        sandbox_reboot rebooted
        ;;
rebooted)
        check_soon "after a reboot the one runs" 60 runs web --tick=202
        check_soon "its update is proven anew" 60 settled web
        check "… by who was started for it" goes_on web
        is "… and holds" "current --tick=202" "$(generation web 0 State) $(arguments web)"
        check_soon "that of the other ends" 60 settled manual
        # Nobody starts that at boot, so nothing could prove it.
        is "which is the former one again" --tick=200 "$(arguments manual)"
        expect_output "as its history says" 'the host was restarted before it was proven' shruthictl history manual
        check "and not started" unit_is inactive unikernel@manual
        check "it starts" alice start manual
        check "with the former generation" runs manual --tick=200

        # It fails late enough to be cut off before.
        cut_update "--tick=203 --exit-after=60 --exit=7" 20min failing wait_for 60 proving web \
                "--tick=203 --exit-after=60 --exit=7"
        ;;
failing)
        check_soon "after a power cut shruthid goes on with it" 60 goes_on web
        check_soon "the new generation fails again" 60 settled web
        is "it is known as failed" failed "$(generation web 0 State)"
        expect_output "with the reason" 'exited with status 7' shruthictl history web
        check_soon "the former one is back" 60 runs web --tick=202
        is "in its definition, too" --tick=202 "$(arguments web)"
        is "the other one has stopped with the machine" inactive "$(unit_show unikernel@manual ActiveState)"
        note "$(cat $notes) --tick=202 --tick=300"
        cut_update --tick=300 2s 1 sleep 0
        ;;
*)
        read -r took former new <$notes
        check_soon "cut $STAGE: no update is left" 60 settled web
        now=$(arguments web)
        diag "$former, to be $new: $now is in force"
        check "… the old or the new definition is in force" test "$now" = "$former" -o "$now" = "$new"
        check_soon "… and its guest runs" 60 runs web "$now"
        check "… which the history knows as the current one" history_fits web
        if [ "$STAGE" -lt "$PLUGS" ]; then
                note "$took $now --tick=30$STAGE"
                cut_update "--tick=30$STAGE" 2s $((STAGE + 1)) sleep $((took * STAGE / PLUGS))
        fi
        check "an update holds as ever" alice update web --probation=1s -- --tick=400
        check "its guest is the new one" runs web --tick=400
        ;;
esac

finish
