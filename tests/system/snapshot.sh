#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Guests that are saved with their memory and continue where they were: only with the image, the settings and the
# volumes that they remember.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

snapshots=/var/lib/shruthi/snapshots
DISK=$BUILD/tests/guest/guest-disk.virtio
result_is() { [ "$(shruthictl show "$1" --json=short | jq -r .Result)" = "$2" ]; }
# NAME: the last number that it counted, in this boot.
ticks() { journalctl --boot --unit="unikernel@$1" --output=cat --no-pager | sed -n 's/^tick //p' | tail -n 1; }
counts_on() { [ "$(ticks "$1")" -gt "$2" ]; }
# NAME: how often it began to count, in this boot.
beginnings() { journalctl --boot --unit="unikernel@$1" --output=cat --no-pager | grep -cx 'tick 1'; }
begun_twice() { [ "$(beginnings "$1")" -eq 2 ]; }

check "one that counts" shruthictl create web "$GUEST" --memory=16M --now --network=service:virbr0 \
        -- --ipv4=192.168.122.30/24 --tick=100
check_soon "it counts" 60 counts_on web 5
check_soon "and answers" 60 answers 192.168.122.30

# ── Saved, and continued ─────────────────────────────────────────────────────────────────────────────────────────────
expect_fail "without a snapshot nothing can be restored" 'no snapshot of unikernel .web.*shruthictl snapshot web' \
        bash -c 'shruthictl stop web; shruthictl restore web'
check "it is started again" shruthictl start web
check_soon "it begins anew" 60 begun_twice web
check_soon "it counts" 60 counts_on web 5
check "it is saved" shruthictl snapshot web
was=$(ticks web)
is "its unit is stopped" inactive "$(unit_show unikernel@web ActiveState)"
is "and has not failed" success "$(unit_show unikernel@web Result)"
is "its result says how" saved "$(shruthictl show web --json=short | jq -r .Result)"
expect_output "in words" 'saved with its memory' journalctl --boot --unit=unikernel@web --output=cat --no-pager
expect_output "status tells of the snapshot" '^ *Snapshot: .*saved' bash -c 'shruthictl status web || :'
is "only root reads it" '600 root' "$(stat -c '%a %U' $snapshots/web.saved/memory)"
is "in a folder that is closed" 700 "$(stat -c %a $snapshots)"
is_none "no domain is left" "$(virsh list --all --name | grep unikernel-web)"

began=$(beginnings web)
check "it continues" shruthictl restore web
is "it runs" active "$(unit_show unikernel@web ActiveState)"
check_soon "it counts on" 60 counts_on web "$((was + 3))"
is "and has not begun anew" "$began" "$(beginnings web)"
check_soon "it answers again" 60 answers 192.168.122.30
expect_fail "what runs is not restored" 'is running' shruthictl restore web
check "its console can be stopped as ever" shruthictl stop web
is "which is a stop" stopped "$(shruthictl show web --json=short | jq -r .Result)"
check "without volumes it can be restored again" shruthictl restore web
check_soon "it counts on from the same number" 60 counts_on web "$((was + 1))"
check "a start is afresh" bash -c 'shruthictl stop web && shruthictl start web'
check_soon "and counts from 1" 60 bash -c "[ \$(journalctl --boot --unit=unikernel@web --output=cat | grep -cx 'tick 1') \
        -gt $began ]"

# ── What would restart it does not ───────────────────────────────────────────────────────────────────────────────────
check "one that is always restarted" shruthictl create always "$GUEST" --memory=8M --network=service --restart=always --now \
        -- --tick=100
check_soon "it counts" 60 counts_on always 2
check "is saved" shruthictl snapshot always
sleep 2
is "and stays stopped" inactive "$(unit_show unikernel@always ActiveState)"
is "without having been restarted" 0 "$(unit_show unikernel@always NRestarts)"
check "it continues" shruthictl restore always
check "through libvirt it is saved too" virsh --quiet save unikernel-always /root/always.save
check_soon "and told so" 60 result_is always saved
check "it is stopped" shruthictl stop always

# ── Only what it remembers ───────────────────────────────────────────────────────────────────────────────────────────
check "with other settings" shruthictl set web --memory=24M
check "it is stopped" shruthictl stop web
expect_fail "it is not restored" 'another image or other settings than then.*start it afresh' shruthictl restore web
is "and does not run" inactive "$(unit_show unikernel@web ActiveState | sed s/failed/inactive/)"
check "with its own again" shruthictl set web --memory=16M
check "it is" shruthictl restore web
check "autostart is no such setting" shruthictl set web --autostart=yes
check "it is stopped" shruthictl stop web
check "and restored" shruthictl restore web
check "it is stopped" shruthictl stop web

check "one with a volume" shruthictl create disk "$DISK" --memory=16M --network=service --volume=storage:size=4M --now \
        -- --tick=100
check "is saved" shruthictl snapshot disk
check "and restored" shruthictl restore disk
check "and saved again" shruthictl snapshot disk
check "its volume is written by somebody else" bash -c \
        'sleep 0.1; printf x | dd of=/var/lib/shruthi/volumes/disk-storage/data conv=notrunc status=none'
expect_fail "it is not restored" "its volume 'storage' was changed since" shruthictl restore disk
check "a start is" shruthictl start disk
expect_fail "what another call restores stays" 'is running' shruthictl restore disk

check "one more" shruthictl create web2 "$GUEST" --memory=8M --network=service --now
check "one that gets keys" shruthictl create keys "$DISK" --memory=16M --network=service --credentials=storage
check "has one" bash -c 'echo secret | shruthictl credential set keys tls.key && shruthictl start keys'
expect_fail "a guest with keys is not saved" 'key material' shruthictl snapshot keys
check "its next start is without them" shruthictl set keys --credentials= --volume=storage:size=1M
expect_fail "it has them still" 'key material' shruthictl snapshot keys
is "and runs on" active "$(unit_show unikernel@keys ActiveState)"

check "a guest is paused" shruthictl pause web2
expect_fail "and not saved, since it would run afterwards" 'is paused.*resume' shruthictl snapshot web2
check "it is removed" shruthictl remove --now web2

# ── A disk that is full, and an end in between ───────────────────────────────────────────────────────────────────────
check "a small file system" bash -c "shruthictl stop always; mount -t tmpfs -o size=64k,mode=0700,uid=shruthi full $snapshots"
check "it runs" shruthictl start always
expect_fail "is too small for it" 'Cannot save' shruthictl snapshot always
is "the guest runs on" active "$(unit_show unikernel@always ActiveState)"
was=$(ticks always)
check_soon "and counts on" 60 counts_on always "$((was + 2))"
is_none "nothing is left there" "$(ls -A $snapshots)"
check "it goes" umount $snapshots
# Whoever asked for it, libvirt goes on with what it has begun.
check "one that is not restarted" shruthictl create once "$GUEST" --memory=8M --network=service -- --tick=100
goes_on() { was=$(ticks "$1"); sleep 1; counts_on "$1" "${was:-0}"; }
saved_or_running() { unit_is inactive unikernel@once || goes_on once; }
for pause in 0.03 0.15; do
        check "it runs" shruthictl start once
        check_soon "and counts" 60 goes_on once
        shruthictl snapshot once >/dev/null 2>&1 &
        sleep $pause
        pkill -KILL -x shruthid
        wait
        # Nobody sends the stop that would have followed, for which the runner waits a minute.
        check_soon "after a kill of shruthid it is saved, or runs" 120 saved_or_running
        if unit_is inactive unikernel@once; then
                was=$(ticks once)
                check "what was saved continues" shruthictl restore once
                check_soon "where it was" 60 counts_on once "$was"
        fi
done
was=$(ticks always)
check "two save it at once" bash -c "shruthictl snapshot always >/run/one 2>&1 & shruthictl snapshot always >/run/two 2>&1; wait
        [ \$(cat /run/one /run/two | grep -c .) -ge 1 ] || cat /run/one /run/two"
check_soon "one of them has" 60 unit_is inactive unikernel@always
check "it continues" shruthictl restore always
check_soon "where it was" 60 counts_on always "$was"
check "it is started afresh" bash -c "shruthictl stop always && shruthictl start always"
check "a snapshot that is damaged" bash -c "shruthictl snapshot always &&
        printf garbage >$snapshots/always.saved/memory"
expect_fail "is refused" 'snapshot of unikernel .always. cannot be read' shruthictl restore always
expect_output "and still there" always.saved ls $snapshots

# ── Whose it is ──────────────────────────────────────────────────────────────────────────────────────────────────────
check "alice has one" as_user alice shruthictl create hers "$GUEST" --memory=8M --network=service --now
for verb in snapshot restore discard; do
        expect_fail "mallory may not $verb it" 'Authentication is required' \
                as_user mallory shruthictl $verb hers
done
check "alice saves it" as_user alice shruthictl snapshot hers
check "and lets it continue" as_user alice shruthictl restore hers
check "and discards the snapshot" as_user alice shruthictl discard hers
expect_fail "once" 'no snapshot' as_user alice shruthictl discard hers

check "with the unikernel" shruthictl remove --now always
is_none "its snapshot goes" "$(ls -d $snapshots/always* 2>/dev/null)"

finish
