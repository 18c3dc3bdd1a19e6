#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# A host of aarch64: what doctor says of it, and a guest of each kind: as a process (Solo5's spt), with KVM and without
# QEMU (hvt), and as a domain (Linux's boot protocol).
# short: one boot is enough for it, with the other short ones.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../../system/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/../../system/unikernels.bash"
# shellcheck source=tests/system/processes.bash
. "$(dirname "$0")/../../system/processes.bash"

TENDER=/usr/libexec/shruthi/shruthi-tender
doctor_says() { shruthictl doctor | grep -E "^[a-z]+ +$1: "; }

is "this is another processor" aarch64 "$(uname -m)"
check "it has KVM" test -c /dev/kvm
check "by which a guest of a few instructions ends" bash -c '"$1" --kvm=3 --check 3<>/dev/kvm' - $TENDER
expect_output "doctor knows that processes run" '^ok +processes: .* run as processes' doctor_says processes
expect_output "… and guests for hvt" '^ok +hvt: Images for Solo5.s hvt target run with KVM' doctor_says hvt
expect_output "… and domains with KVM" '^ok +kvm: Unikernels run with KVM' doctor_says kvm
diag "$(shruthictl doctor)"

# ── Without QEMU ─────────────────────────────────────────────────────────────────────────────────────────────────────
for target in spt hvt; do
        image=$GUESTS/guest-plain-aarch64.$target
        expect_output "$target: an image is known" '^true$' bash -c 'shruthictl --json=short image inspect $1 | jq .Hostable' - "$image"
        define "ok-$target" "--exit=0" "Image=${image##*/}"
        define "seven-$target" "--exit=7" "Image=${image##*/}"
        define "aborts-$target" "--abort" "Image=${image##*/}"
        define "faults-$target" "--trap=pf" "Image=${image##*/}"
        define "illegal-$target" "--trap=ud" "Image=${image##*/}"
        define "stays-$target" "--tick=500" "Image=${image##*/}"
done
define wild-hvt "--break=call:2:0:5" Image=guest-plain-aarch64.hvt
define elsewhere-hvt "--break=pair:16" Image=guest-plain-aarch64.hvt
systemctl daemon-reload

# NAME RESULT STATUS SENTENCE
ends() {
        check "$1 starts" systemctl start "unikernel@$1"
        check_soon "$1 ends" 60 ended "$1"
        is "$1: result" "$2" "$(outcome "$1" RESULT)"
        is "$1: status" "$3" "$(outcome "$1" EXIT_STATUS)"
        expect_output "$1: the sentence is in the journal" "$4" \
                journalctl -q -o cat SYSLOG_IDENTIFIER=shruthi-run SHRUTHI_UNIKERNEL="$1" SHRUTHI_RESULT="$2"
        is "$1: the first line came through" "SHRUTHI test guest" "$(console_lines "$1" | head -n 1)"
}
for target in spt hvt; do
        ends ok-$target success 0 'exited with status 0'
        ends seven-$target exit-status 7 'exited with status 7'
        ends aborts-$target aborted 255 'abort'
done
ends faults-spt trapped 255 'memory that is not its own'
ends illegal-spt trapped 255 'invalid instruction'
ends faults-hvt trapped 255 'data abort at 0x0'
ends illegal-hvt trapped 255 'synchronous abort'
ends wild-hvt trapped 255 'memory that is not its own'
expect_output "wild: the console says why" 'it called for memory that is not its own, at 0x' console_lines wild-hvt
ends elsewhere-hvt trapped 255 'memory that is not its own'
expect_output "elsewhere: the console says why" 'it used an address that is not in its memory, at 0x' console_lines elsewhere-hvt

for target in spt hvt; do
        check "$target: one starts" shruthictl start stays-$target
        check_soon "$target: it prints" 60 printed stays-$target "tick 2"
        guest=$(guest_pid stays-$target)
        expect_output "$target: it is a process of the user's" '^shruthi$' ps -o user= -p "$guest"
        expect_output "$target: with a filter" '^Seccomp:.*2$' grep '^Seccomp:' "/proc/$guest/status"
        check "$target: it is paused" shruthictl pause stays-$target
        check_soon "$target: and is so" 30 state_is stays-$target paused
        check "$target: it is resumed" shruthictl resume stays-$target
        kill -KILL "$(main_pid stays-$target)"
        check_soon "$target: a runner that is killed is replaced" 120 adopted stays-$target 1
        is "$target: and the guest is the same" "$guest" "$(guest_pid stays-$target)"
        is_none "$target: nothing of its console is missing" "$(gaps stays-$target tick)"
        check "$target: it stops" shruthictl stop stays-$target
        check_soon "$target: and nothing is left" 60 nothing_left stays-$target "$guest"
done

# ── With a network and a volume ──────────────────────────────────────────────────────────────────────────────────────
for target in spt hvt; do
        shruthictl volume create store-$target --size=1M
        define wired-$target "--ipv4={service.address} --boots" Image=guest-disk-aarch64.$target \
                "" "[Network service]" Network=default Address=auto "[Volume storage]" Volume=store-$target
        systemctl daemon-reload
        check "$target: one with devices starts" shruthictl start wired-$target
        check_soon "$target: it answers a ping" 120 answers "$(address_of wired-$target)"
        check "$target: it has its volume" printed wired-$target "boot 1"
        check "$target: it is restarted" shruthictl restart wired-$target
        check_soon "$target: with the same volume" 120 printed wired-$target "boot 2"
        check_soon "$target: and the same address" 120 answers "$(address_of wired-$target)"
        check "$target: it stops" shruthictl stop wired-$target
done
printf '[Shruthi]\nNetworkRing=yes\n' >/etc/shruthi/shruthi.conf
systemctl reload shruthid
check "hvt: with a ring it starts, too" shruthictl start wired-hvt
check_soon "hvt: it answers a ping by that" 120 answers "$(address_of wired-hvt)"
check "hvt: it stops again" shruthictl stop wired-hvt
rm /etc/shruthi/shruthi.conf
systemctl reload shruthid

# ── With QEMU ────────────────────────────────────────────────────────────────────────────────────────────────────────
uses_kvm() { tr '\0' ' ' <"/proc/$(cat "/run/libvirt/qemu/unikernel-$1.pid")/cmdline" | grep -q 'accel=kvm\|-accel kvm'; }
check "a domain is made" shruthictl create domain $GUESTS/guest.aarch64 --memory=32M --network=service:default,address=auto \
        -- '--ipv4={service.address}'
expect_output "it has this host's machine" '<type arch="aarch64" machine="virt' shruthictl xml domain
check "it starts" shruthictl start domain
check "with KVM" uses_kvm domain
check_soon "it answers a ping" 300 answers "$(address_of domain)"
check "it stops" shruthictl stop domain
expect_fail "an image for x86_64 is refused with the way out" 'for x86_64, this host is aarch64: set Architecture=x86_64' \
        shruthictl create foreign "$GUEST"
expect_fail "… one for hvt, too" 'for x86_64, this host is aarch64: rebuild it' shruthictl create foreign $GUESTS/guest.hvt

finish
