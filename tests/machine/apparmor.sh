#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# AppArmor, which enforces here as on any Debian: a guest with all that a guest can have is confined, works, and is denied
# nothing that it needs.
# short: one boot is enough for it, with the other short ones.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"

guest_said() { journalctl --unit="unikernel@$1" --output=cat --no-pager --boot | grep -qE -- "$2"; }
confined() { grep -qE '^libvirt-[0-9a-f-]+ \(enforce\)' "/proc/$(cat "/run/libvirt/qemu/unikernel-$1.pid")/attr/current"; }
# What was denied to QEMU, to virt-aa-helper and to libvirtd since this test began.
began=$(date +%s)
denials() { journalctl --dmesg --boot --since="@$began" --output=cat --no-pager | grep 'apparmor="DENIED"'; }

check "AppArmor is there" grep -qx Y /sys/module/apparmor/parameters/enabled
check "libvirt's helper is confined itself" bash -c "aa-status 2>/dev/null | grep -q virt-aa-helper"
expect_output "doctor knows it" '^ok +confinement: AppArmor confines QEMU' shruthictl doctor

# ── A network, a volume, keys by descriptor, the console ─────────────────────────────────────────────────────────
keys=$BUILD/tests/guest/guest-keys.virtio
check "a guest with all of it is made" as_user alice shruthictl create full "$keys" --memory=16M \
        --network=service:virbr0,address=auto --credentials=keys --volume=storage:size=16M \
        -- '--ipv4={service.address}' --boots --prove=hello.key:challenge
check "it is given a key" as_user alice bash -c 'echo secret | shruthictl credential set full hello.key'
check "it starts" as_user alice shruthictl start full
check "confined" confined full
check_soon "it reads its key" 600 guest_said full '^proof'
check_soon "and its volume" 600 guest_said full '^boot 1$'
check "it stops" as_user alice shruthictl stop full
check "it starts again" as_user alice shruthictl start full
check_soon "and finds its volume as it was" 600 guest_said full '^boot 2$'
diag "$(journalctl --unit=unikernel@full --output=cat --no-pager --boot | tail -n 20)"
check "it is removed" as_user alice shruthictl remove --now full
check "with its volume" as_user alice shruthictl volume remove full-storage

# ── An image by path, with an initrd ─────────────────────────────────────────────────────────────────────────────
mkdir -p /srv/images
cp "$GUEST" /srv/images/plain.virtio
cat >/etc/shruthi/unikernels/plain.unikernel <<'END'
[Unikernel]
Image=/srv/images/plain.virtio
Memory=8M

[Network service]
Bridge=virbr0
END
check "an administrator's own starts from the path in its definition" systemctl start unikernel@plain.service
check "confined" confined plain
check "it stops" systemctl stop unikernel@plain.service
rm /etc/shruthi/unikernels/plain.unikernel

is_none "nothing was denied" "$(denials | grep -vE 'operation="(capable|ptrace)"')"
diag "$(denials)"

finish
