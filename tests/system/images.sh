#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images: what users may put into the store and what is refused, who can read it there, and that neither libvirt nor
# anybody else changes a stored image without being noticed.

# shellcheck source=tests/system/lib.sh disable=SC2016
. "$(dirname "$0")/lib.sh"

store=/var/lib/shruthi/images
guests=$BUILD/tests/guest
plain=$guests/guest-plain.virtio
digest_of() { printf 'sha256:%s\n' "$(sha256sum -- "$1" | cut -d' ' -f1)"; }
stored() { printf '%s/%s\n' "$store" "${1#sha256:}"; }
stored_count() { find "$store" -maxdepth 1 -type f | wc -l; }
# Never the same for a file that is missing, so that two of those are no proof of anything.
facts() { stat -c '%i %U %G %a %s %y %z' -- "$1" || echo "missing at $EPOCHREALTIME"; }

# NAME IMAGE: a definition of the administrator's.
define() {
        mkdir -p /etc/shruthi/unikernels
        printf '[Unikernel]\nImage=%s\nMemory=32M\n' "$2" >"/etc/shruthi/unikernels/$1.unikernel"
}

# DESC NAME REGEX: the unit does not start, and its journal says why.
expect_start_refused() {
        local desc=$1 name=$2 regex=$3
        expect_fail "$desc" 'failed' systemctl start "unikernel@$name"
        expect_output "$desc: the journal says why" "$regex" \
                bash -c "journalctl --sync; journalctl --no-pager -o cat -u unikernel@$name"
        # Also forgets how often they were started of late.
        systemctl reset-failed "unikernel@$name"
}

# --- by path, without shruthid ---

expect_fail "QEMU's user cannot list it" 'ermission' runuser -u libvirt-qemu -- ls $store
expect_output "the store is open to QEMU's group alone" '^shruthi libvirt-qemu 2710$' stat -c '%U %G %a' $store

mkdir -m 0755 /srv/images
cp "$plain" /srv/images/version-1
cp "$guests/guest.multiboot" /srv/images/version-2
chmod 0644 /srv/images/*
ln -s version-1 /srv/images/current
touch -d '1 hour ago' /srv/images/version-*
define bypath /srv/images/current
source_before=$(facts /srv/images/version-1)
first=$(digest_of /srv/images/version-1)

check "an image named by path starts" systemctl start unikernel@bypath
is "it is in the store under its digest" "$first" "$(digest_of "$(stored "$first")")"
expect_output "nobody can write it, and only QEMU's group can read it" '^shruthi libvirt-qemu 440$' \
        stat -c '%U %G %a' "$(stored "$first")"
expect_output "the guest boots the stored file" "$(stored "$first")" pgrep -fa 'qemu-system.*guest=unikernel-bypath'
expect_output "its processor has random numbers, under emulation too" 'rdrand=on|-cpu host' \
        pgrep -fa 'qemu-system.*guest=unikernel-bypath'
is "the file itself was not touched" "$source_before" "$(facts /srv/images/version-1)"
check "QEMU's user can read it" runuser -u libvirt-qemu -- test -r "$(stored "$first")"
expect_fail "QEMU's user cannot list the store's surroundings" 'denied' runuser -u libvirt-qemu -- ls /var/lib/shruthi
for user in alice mallory; do
        expect_fail "$user cannot read it" 'denied' as_user $user cat "$(stored "$first")"
done

stored_before=$(facts "$(stored "$first")")
check "it stops" systemctl stop unikernel@bypath
is "libvirt changed neither owner nor mode" "$stored_before" "$(facts "$(stored "$first")")"
check "it starts again" systemctl start unikernel@bypath
is "the same file is used again" "$stored_before" "$(facts "$(stored "$first")")"
is "it is stored once" 1 "$(stored_count)"
systemctl stop unikernel@bypath

ln -sfn version-2 /srv/images/current
second=$(digest_of /srv/images/version-2)
check "another file at that path starts" systemctl start unikernel@bypath
expect_output "it is the other image that runs" "$(stored "$second")" pgrep -fa 'qemu-system.*guest=unikernel-bypath'
systemctl stop unikernel@bypath
ln -sfn version-1 /srv/images/current

# Behind our back, by root, same size, times put back.
cp --preserve=all "$(stored "$first")" /tmp/reference
sleep 2.1
systemctl start unikernel@bypath && systemctl stop unikernel@bypath
printf 'X' | dd of="$(stored "$first")" bs=1 seek=300 conv=notrunc status=none
touch -r /tmp/reference "$(stored "$first")"
expect_start_refused "a stored image that was changed does not start" bypath \
        "The stored image $first was changed, its content is now sha256:[0-9a-f]{64}: import the original again"
rm "$(stored "$first")"
check "once removed, it is taken in from its path again" systemctl start unikernel@bypath
is "and is what it was" "$first" "$(digest_of "$(stored "$first")")"
systemctl stop unikernel@bypath

# Each under a name of its own, since systemd limits how often one may be started.
define missing /srv/images/missing
expect_start_refused "a path without a file" missing \
        'Cannot read the image /srv/images/missing as user shruthi: there is no'
install -d -o alice -m 0700 /home/alice/private
cp "$plain" /home/alice/private/hello.virtio
define private /home/alice/private/hello.virtio
expect_start_refused "a path in somebody's private directory" private \
        'as user shruthi: permission denied. Let that user'
install -m 0600 "$plain" /srv/images/secret
define secret /srv/images/secret
expect_start_refused "a path that cannot be read" secret 'as user shruthi: permission denied. Let that user read it'
mkfifo -m 0644 /srv/images/fifo
define fifo /srv/images/fifo
expect_start_refused "a FIFO" fifo 'The image is not a regular file'
cp "$guests/guest.muen" /srv/images/guest.muen
define muen /srv/images/guest.muen
expect_start_refused "an image for muen" muen 'built for muen: rebuild for Solo5.s virtio target .MirageOS: `mirage configure -t virtio`'
define digest sha256:0000000000000000000000000000000000000000000000000000000000000000
expect_start_refused "a digest that is not stored" digest 'There is no image sha256:0+ in the store: import it with'
rm /etc/shruthi/unikernels/*.unikernel

# --- through shruthid, as users ---

cp "$plain" /home/alice/plain.virtio
cp "$guests/guest.virtio" /home/alice/guest.virtio
cp "$guests/guest.muen" /home/alice/guest.muen
gzip -k /home/alice/plain.virtio
strip -o /home/alice/stripped.virtio --remove-section='.note*' /home/alice/guest.virtio
truncate -s 2000 /home/alice/empty.disk
head -c 3000 /home/alice/plain.virtio >/home/alice/cut.virtio
chown alice: /home/alice/*
rm -f $store/*

is "alice imports an image" "$(digest_of "$plain")" "$(as_user alice shruthictl image import plain.virtio)"
expect_output "it is closed like all of them" '^shruthi libvirt-qemu 440$' stat -c '%U %G %a' "$(stored "$first")"
is "from standard input too, and it is stored once" "$first 1" \
        "$(as_user alice shruthictl image import - <"$plain") $(stored_count)"
check "a digest that fits is accepted" as_user alice shruthictl image import --verify="$first" plain.virtio
expect_fail "another digest is refused" 'expected sha256:1{64}' as_user alice shruthictl image import \
        --verify=sha256:1111111111111111111111111111111111111111111111111111111111111111 guest.virtio
is "and nothing is kept of it" 1 "$(stored_count)"
expect_fail "mallory may not import" 'denied|Authentication is required' \
        as_user mallory shruthictl image import "$plain"
is "and nothing is kept of hers" "1 0" \
        "$(stored_count) $(find $store -maxdepth 1 -name '.import-*' | wc -l)"
expect_fail "bob cannot have a file read that bob cannot read" 'Permission denied' \
        as_user bob shruthictl image inspect /home/alice/private/hello.virtio

expect_output "inspect tells devices and the options for them" 'network service' \
        as_user alice shruthictl image inspect guest.virtio
objcopy -O elf32-i386 "$guests/guest.multiboot" /home/alice/guest.elf32
expect_output "one that is entered in 32 bit is not called one of 32 bit alone" 'i686 at entry; may switch to 64 bit' \
        as_user alice shruthictl image inspect guest.elf32
expect_output "inspect speaks JSON" '^true$' \
        bash -c "$(declare -f as_user)
                as_user alice shruthictl --json=short image inspect guest.virtio | jq .Hostable"
refusals=(
        'guest.muen|built for muen: rebuild for Solo5.s virtio target .MirageOS: `mirage configure -t virtio`'
        'plain.virtio.gz|compressed with gzip: unpack it first with `gunzip`'
        'stripped.virtio|a Solo5 image without its'
        'cut.virtio|cut off: .* copy or download it again'
        'empty.disk|nothing but zeros'
        '/bin/ls|a program for Linux or another system'
        '/etc/passwd|text, not an image'
)
for refusal in "${refusals[@]}"; do
        expect_fail "inspect refuses ${refusal%%|*}" "${refusal#*|}" \
                as_user alice shruthictl image inspect "${refusal%%|*}"
        expect_fail "create refuses ${refusal%%|*}" "${refusal#*|}" \
                as_user alice shruthictl create wrong "${refusal%%|*}"
done
expect_fail "a directory is no image" 'regular file|directory' as_user alice shruthictl image import /tmp
expect_fail "a device is no image" 'regular file|device' as_user alice shruthictl image import /dev/zero
expect_fail "what only seems to be a file is no image" 'empty' as_user alice shruthictl image import /proc/self/status

check "alice creates a unikernel" as_user alice shruthictl create hello plain.virtio
as_user alice shruthictl image import guest.virtio >/dev/null
expect_output "the list tells size and users" "^$first .*hello" shruthictl image list --no-pager
expect_output "prune removes what nobody uses" "^$(digest_of "$guests/guest.virtio")$" shruthictl image prune
check "and leaves what is used" test -e "$(stored "$first")"
is_none "it does so once" "$(shruthictl image prune | grep '^sha256:')"
check "what is left starts" as_user alice shruthictl start hello
# Another one with the same devices.
{ cat "$guests/guest-plain.virtio"; echo; } >/home/alice/longer.virtio
check "alice gives it another image for its next start" as_user alice shruthictl set hello --image=longer.virtio
expect_output "what it runs is still used by it" "^$first .*hello" shruthictl image list --no-pager
is_none "prune leaves that to it" "$(shruthictl image prune | grep '^sha256:')"
check "alice sets the first again" as_user alice shruthictl set hello --image=plain.virtio
is_none "prune leaves the other, which a rollback may need" "$(shruthictl image prune | grep '^sha256:')"
check "alice stops it" as_user alice shruthictl stop hello
check "alice removes it" as_user alice shruthictl remove hello
expect_output "then they are unused" "^$first$" shruthictl image prune
is "the store is empty" 0 "$(stored_count)"

# --- memory, for the image ---

expect_fail "more memory than the host has is refused" '1T of memory .* than this host has: [0-9.]+G' \
        shruthictl create much "$plain" --memory=1T
expect_fail "and more than Solo5 uses" 'more than a Solo5 guest can use: the maximum is 1G' \
        shruthictl create much "$plain" --memory=1025M
expect_fail "and less than it takes to be loaded" 'loading the image takes [2-9]M' \
        shruthictl create little "$plain" --memory=1M
check "one of the right size" shruthictl create sized "$plain" --memory=16M
for memory in 1T 1025M 1M; do
        expect_fail "set refuses $memory as well" 'of memory \(Memory=\) is' shruthictl set sized Memory=$memory
done
expect_fail "nothing is no size" 'Memory cannot be .0.: give a size such as 32M' shruthictl set sized Memory=0
is "and it has what it had" 16M "$(shruthictl cat sized | sed -n 's/^Memory=//p')"
check "the default is an empty one" shruthictl set sized Memory=
is "which is what counts then" $((32 << 20)) "$(shruthictl show sized -p Memory --value)"
shruthictl remove sized

# A kernel of Linux', as far as its boot header: loaded from 16M to 48M.
python3 - <<'END' >/srv/images/linux
import struct, sys
kernel = bytearray(2048)
for at, form, value in ((0x1f1, 'B', 2), (0x1f4, 'I', 4), (0x1fe, 'H', 0xaa55), (0x202, '4s', b'HdrS'),
                        (0x206, 'H', 0x20f), (0x236, 'H', 1), (0x258, 'Q', 16 << 20), (0x260, 'I', 32 << 20)):
        struct.pack_into('<' + form, kernel, at, value)
sys.stdout.buffer.write(kernel)
END
expect_fail "a Linux kernel needs what it unpacks into" 'the image takes 49M' \
        as_user alice shruthictl create linux /srv/images/linux --memory=48M
check "and has more by default than MirageOS" as_user alice shruthictl create linux /srv/images/linux
expect_output "which stands in its definition" '^Memory=256M$' shruthictl cat linux
expect_fail "and counts for its owner" 'MemoryMax=' as_user alice shruthictl set linux Memory=257M
shruthictl remove linux
define linux /srv/images/linux
sed -i 's/^Memory=.*/Memory=40M/' /etc/shruthi/unikernels/linux.unikernel
expect_start_refused "a start is refused too" linux '40M of memory \(Memory=\) is too little: loading the image takes 49M'
sed -i '/^Memory=/d' /etc/shruthi/unikernels/linux.unikernel
expect_output "the default of one that is written by hand" "<memory[^>]*>262144<" shruthictl xml linux
is "is told as it is" $((256 << 20)) "$(shruthictl show linux -p Memory --value)"
rm /etc/shruthi/unikernels/linux.unikernel
shruthictl image prune >/dev/null

# --- arguments, for the image ---

fstab='vfs.fstab=[ "initrd0:/:extract:::" ]'
check "arguments for a guest that is not MirageOS" as_user alice shruthictl create foreign "$guests/guest.multiboot" \
        -- "$fstab" -- 'a\b'
is "they reach it as they stand" "$fstab -- a\b" "$(shruthictl arguments foreign)"
check "and so does a list on the bus" busctl call -- org.dream.Shruthi /org/dream/Shruthi org.dream.Shruthi.Manager \
        SetUnikernelSettings 'sa{sv}' foreign 1 ArgumentList as 2 "$fstab" 'x "y"'
is "joined by a space" "$fstab x \"y\"" "$(shruthictl arguments foreign)"
check "an image of MirageOS' is changed together with them" busctl call -- org.dream.Shruthi /org/dream/Shruthi \
        org.dream.Shruthi.Manager SetUnikernelSettings 'sa{sv}' foreign 2 \
        ImageDigest s "$(shruthictl image import "$plain")" ArgumentList as 1 'x "y"'
is "which is what they are quoted for" 'x\ \"y\"' "$(shruthictl arguments foreign)"
shruthictl remove foreign
shruthictl image prune >/dev/null

# --- files that change while they are looked at ---

client=$SRC/tests/client/client.py
mkdir /tmp/fuse
python3 "$SRC/tests/client/fuse-files.py" /tmp/fuse >/tmp/fuse.log 2>&1 &
fuse=$!
check_soon "a file system of lies is there" 60 grep -q ready /tmp/fuse.log
expect_output "a file that never ends is looked at up to its size" \
        "^Digest=sha256:$(head -c 1048576 /dev/zero | sha256sum | cut -d' ' -f1)$" \
        as_user alice timeout 60 python3 $client inspect /tmp/fuse/endless
expect_fail "one that grows has no digest" 'Busy.*changed while it was read' \
        as_user alice timeout 60 python3 $client inspect /tmp/fuse/grow
expect_fail "one that has less than it says neither" 'Busy.*changed while it was read' \
        as_user alice timeout 60 python3 $client inspect /tmp/fuse/short
mkdir -p /etc/shruthi/shruthi.conf.d
printf '[Shruthi]\nImageSizeMax=1T\n' >/etc/shruthi/shruthi.conf.d/limit.conf
systemctl restart shruthid
looks() { find "/proc/$(unit_show shruthid MainPID)/fd" -lname '/tmp/fuse/vast' | grep -q .; }
as_user alice python3 $client inspect /tmp/fuse/vast >/dev/null 2>&1 &
check_soon "one that is vast is looked at" 60 looks
pkill -f -u alice "client.py inspect /tmp/fuse/vast"
check_soon "until the caller has left" 60 eval '! looks'
rm /etc/shruthi/shruthi.conf.d/limit.conf
systemctl restart shruthid
kill $fuse
wait $fuse
umount /tmp/fuse

# Limits, and a disk that is full.
mkdir -p /etc/shruthi/shruthi.conf.d
printf '[Shruthi]\nImageSizeMax=10K\n' >/etc/shruthi/shruthi.conf.d/limit.conf
systemctl restart shruthid
expect_fail "an image above the limit is refused" 'ImageSizeMax=' as_user alice shruthictl image import plain.virtio
size=$(stat -c %s "$plain")
printf '[Shruthi]\nStoreSizeMaxPerUser=%d\n' $((size * 2 + 100)) >/etc/shruthi/shruthi.conf.d/limit.conf
systemctl restart shruthid
for number in 1 2 3; do
        { cat "$plain"; echo "$number"; } >/home/alice/version-$number
done
check "alice's first image is within the share" as_user alice shruthictl create one version-1
check "and the second" as_user alice shruthictl image import version-2
expect_fail "a third that is not what it should be takes no place" 'expected sha256' \
        as_user alice shruthictl image import --verify="$(digest_of /home/alice/version-1)" version-3
check "of the one that nothing uses" test -e "$(stored "$(digest_of /home/alice/version-2)")"
check "one that is there already neither" as_user alice shruthictl image import version-1
check "which both show" test -e "$(stored "$(digest_of /home/alice/version-2)")"
check "a third takes the place of the one that nothing uses" as_user alice shruthictl image import version-3
check "which is gone" test ! -e "$(stored "$(digest_of /home/alice/version-2)")"
check "and what a unikernel uses is not" test -e "$(stored "$(digest_of /home/alice/version-1)")"
check "bob imports alice's image as well" as_user bob shruthictl image import - </home/alice/version-3
check "alice still has room" as_user alice shruthictl image import version-2
check "and bob has it still" test -e "$(stored "$(digest_of /home/alice/version-3)")"
expect_fail "which is none of alice's now" '' \
        bash -c "runuser -u alice -- shruthictl image list | grep '$(digest_of /home/alice/version-3 | cut -c 8-19)'"
check "alice imports it again" as_user alice shruthictl image import version-3
check "it is used, too" as_user alice shruthictl create two version-3
expect_fail "now there is no room in alice's share" 'LimitExceeded|StoreSizeMaxPerUser=' \
        as_user alice shruthictl image import version-2
check "bob has a separate share" as_user bob shruthictl image import - <"$plain"
check "root has none" shruthictl image import /home/alice/version-2
shruthictl remove one two
shruthictl image prune >/dev/null
printf '[Shruthi]\nFreeSpaceMin=1T\n' >/etc/shruthi/shruthi.conf.d/limit.conf
systemctl restart shruthid
expect_fail "a file system is not filled up" 'Not enough space for the image .*FreeSpaceMin=' \
        as_user alice shruthictl image import plain.virtio
expect_fail "nor by a volume" 'Not enough space for volume .*FreeSpaceMin=' \
        as_user alice shruthictl volume import data plain.virtio
printf '[Shruthi]\nStoreSizeMax=10K\n' >/etc/shruthi/shruthi.conf.d/limit.conf
systemctl restart shruthid
expect_fail "a full store is told apart" 'StoreSizeMax=' as_user alice shruthictl image import plain.virtio
rm /etc/shruthi/shruthi.conf.d/limit.conf

systemctl stop shruthid
mount -t tmpfs -o size=64k,mode=2710,uid=shruthi,gid=libvirt-qemu tmpfs $store
truncate -s 1M /home/alice/large
expect_fail "a full disk is told with the way out" 'Not enough space for the image .*shruthictl image prune' \
        as_user alice shruthictl image import large
is "and nothing is left on it" 0 "$(find $store -type f | wc -l)"
systemctl stop shruthid
umount $store

finish
