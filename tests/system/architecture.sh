#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images for another architecture than the host's: known by their bytes, refused with the way out, and emulated where
# the definition says so. The guests are of aarch64, on whatever host.
#
# Packages: qemu-system-arm

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

images=/srv/images
alice() { as_user alice shruthictl "$@"; }
words='hello from aarch64'
image() { python3 "$SRC/tests/client/aarch64-image.py" "$images/$1" "$words" "$2"; }
has_result() { [ "$(outcome "$1" RESULT)" = "$2" ]; }

mkdir -m 0755 $images
image off off
image reset reset
image stay stay
chmod 0644 $images/*

# --- what an image is, and what it takes ---

if [ "$(uname -m)" = aarch64 ]; then
        refusal='for x86_64, this host is aarch64: set Architecture=x86_64 to emulate it'
        foreign=$BUILD/tests/guest/guest.multiboot
else
        refusal='for aarch64, this host is x86_64: set Architecture=aarch64 to emulate it'
        foreign=$images/off
fi
expect_output "an image says what it is for" '^ *Architecture: aarch64$' bash -c "shruthictl image inspect $images/off; :"
expect_output "… and how it boots" '^ *Boots by: linux$' bash -c "shruthictl image inspect $images/off; :"
expect_fail "one for another architecture cannot be hosted as it is" "$refusal" shruthictl image inspect "$foreign"
expect_fail "nothing is created of it" "$refusal" alice create other "$foreign"
expect_fail "… nor by a file" "$refusal" bash -c "
        printf '[Unikernel]\nImage=%s\n' $foreign >/tmp/other.unikernel
        shruthictl check /tmp/other.unikernel"
expect_fail "another word is refused with those that are right" 'x86_64 or aarch64' \
        alice create other "$foreign" --architecture=sparc
expect_fail "a file is told the same" 'other.unikernel:3: Architecture=sparc: write x86_64 or aarch64' bash -c "
        printf '[Unikernel]\nImage=%s\nArchitecture=sparc\n' $foreign >/tmp/other.unikernel
        shruthictl check /tmp/other.unikernel"

# --- one that is emulated ---

check "it is created where its architecture is named" alice create arm $images/off --architecture=arm64
expect_output "the definition has the name that is shown everywhere" '^Architecture=aarch64$' alice cat arm
expect_output "so has the bus" '^aarch64$' alice show arm --property=Architecture --value
expect_output "its domain is of that machine" "<type arch=\"aarch64\" machine=\"virt\">" alice xml arm
check "it starts" alice start arm
check_soon "it says what it has to say, from the first byte" 60 printed arm "$words"
check_soon "its power-off is a success" 60 has_result arm powered-off
# Each is over before libvirt is done with its start.
check "so is each that systemd starts by itself" \
        bash -c 'for i in 1 2 3 4 5; do systemctl start unikernel@arm || exit; done'
expect_output "status names the architecture" 'Image: sha256:.*\(linux, aarch64\)' bash -c 'shruthictl status arm; :'
expect_fail "another one than the image's is refused" \
        'for aarch64, but Architecture= is x86_64: set Architecture=aarch64' alice set arm Architecture=x86_64
if [ "$(uname -m)" != aarch64 ]; then
        expect_fail "it cannot be taken away either" "$refusal" alice set arm Architecture=
fi

check "one that resets is created" alice create resets $images/reset --architecture=aarch64 --now
check_soon "a reset is told from a power-off" 60 has_result resets reset

# --- devices, in their order ---

check "one with devices is created" alice create stays $images/stay --architecture=aarch64 \
        --network=service:virbr0,address=auto --volume=storage:size=1M --credentials=keys --network=more:virbr0
check "a key is set" alice credential set stays key <<<secret
check "it starts with all of them" alice start stays
check_soon "and runs" 60 printed stays "$words"
pci=$(virsh --quiet qemu-monitor-command unikernel-stays --hmp 'info pci' |
        awk '/^ *Bus / { slot = $2 == "0," ? $4 + 0 : "" }
             slot && /^ *(Ethernet|SCSI) controller/ { print slot, $1 }' | xargs)
is "they are on the first bus in the order of the definition" "2 Ethernet 3 Ethernet 4 SCSI 5 SCSI" "$pci"
qemu=$(qemu_pid stays)
runner=$(main_pid stays)
has_another_runner() {
        unit_is active unikernel@stays && [ "$(unit_show unikernel@stays MainPID)" != "$runner" ]
}
kill -KILL "$runner"
check_soon "a runner that was killed is replaced" 60 has_another_runner
is "… and has taken over the guest, which runs on" "$qemu" "$(qemu_pid stays)"
check "it stops" alice stop stays

# --- without its QEMU ---

emulator=$(command -v qemu-system-aarch64)
if [ "$(uname -m)" != aarch64 ]; then
        expect_output "doctor knows that it is emulated" '^ok +emulation: QEMU emulates aarch64 for arm, resets, stays' \
                bash -c 'shruthictl doctor; :'
        mv "$emulator" /usr/bin/qemu-elsewhere
        systemctl restart libvirtd
        expect_fail "without its QEMU the start names the package" 'qemu-system-aarch64.*qemu-system-arm' \
                alice start arm
        expect_output "so does doctor" 'failed +emulation: arm, resets, stays cannot start' \
                bash -c 'shruthictl doctor; :'
        expect_output "… with the same package" 'install qemu-system-aarch64.*qemu-system-arm' \
                bash -c 'shruthictl doctor; :'
        mv /usr/bin/qemu-elsewhere "$emulator"
        check_soon "with it again, it starts" 120 alice start arm
fi

finish
