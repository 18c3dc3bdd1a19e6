#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Volumes for users: made, enlarged, imported, exported and removed over the bus and by shruthictl, by whom they belong
# to and nobody else. What comes in may be anything; what goes out is of one moment and cannot be written; and what was
# cut off leaves nothing.

# shellcheck source=tests/system/lib.sh disable=SC2016,SC2086
. "$(dirname "$0")/lib.sh"

store=/var/lib/shruthi/volumes
client=$SRC/tests/client/client.py
no='InteractiveAuthorizationRequired|AccessDenied|Authentication is required|Not authorized'
ctl() { shruthictl "$@"; }
alice() { as_user alice shruthictl --no-ask-password "$@"; }
bob() { as_user bob shruthictl --no-ask-password "$@"; }
mallory() { as_user mallory shruthictl --no-ask-password "$@"; }
names() { find $store -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | paste -sd' '; }
remains() { find $store -maxdepth 1 -name '.*' -mindepth 1 | wc -l; }
# USER NAME KEY
fact() { as_user "$1" shruthictl --no-ask-password volume show "$2" -p "$3" --value; }
# FILTER EXPECTED COMMAND…: the command's output is JSON for which the filter of jq gives this.
expect_json() {
        local desc=$1 filter=$2 expected=$3
        shift 3
        is "$desc" "$expected" "$("$@" 2>/dev/null | jq -rc "$filter" 2>&1)"
}
manager() {
        local user=$1
        shift
        as_user "$user" gdbus call --system --dest org.dream.Shruthi --object-path /org/dream/Shruthi \
                --method "org.dream.Shruthi.Manager.$1" "${@:2}"
}

# --- make, look, enlarge

check "alice makes one" alice volume create data --size=8M
expect_output "it is closed to all but QEMU's group" '^shruthi libvirt-qemu 660$' stat -c '%U %G %a' $store/data/data
expect_output "alice sees it" '^data +8M +[0-9]+[KB]? +alice' alice volume list
expect_json "… for programs too" '.[] | [.Name, .Size, .Owner, .UsedBy]' "[\"data\",8388608,$(id -u alice),[]]" \
        alice --json=short volume list
is "what it takes on disk is told" 0 "$(fact alice data Allocated)"
is "its size too" 8388608 "$(fact alice data Size)"
is "and that nobody uses it" unused "$(fact alice data Use)"
expect_json "each verb's fields and their types" 'to_entries | map(.key + ":" + (.value | type)) | sort | join(" ")' \
        'Allocated:number CreationTimestamp:number Group:string Name:string Owner:number OwnerName:string Size:number Use:string UsedBy:array' \
        alice --json=short volume show data
expect_json "… of the list" '.[0] | to_entries | map(.key + ":" + (.value | type)) | sort | join(" ")' \
        'Allocated:number Name:string Owner:number OwnerName:string Size:number UsedBy:array' \
        alice --json=short volume list
expect_json "all facts as JSON" '[.Name, .Owner, .Group, .UsedBy] | tostring' "[\"data\",$(id -u alice),\"\",[]]" \
        alice --json=short volume show data
expect_output "root sees it" '^data ' ctl volume list
expect_json "bob does not" length 0 bob --json=short volume list
expect_json "nor does mallory" length 0 mallory --json=short volume list
expect_output "patterns choose" '^0 volumes' alice volume list 'x*'
check "it grows" alice volume resize data 12M
is "it has grown" 12582912 "$(stat -c %s $store/data/data)"
check "the size that it has is no error" alice volume resize data 12M
expect_fail "it does not shrink" 'cannot be made smaller' alice volume resize data 8M
is "and has not" 12582912 "$(stat -c %s $store/data/data)"

# --- not theirs

for verb in "show data" "resize data 16M" "export data /tmp/stolen" "remove data"; do
        expect_fail "bob may not ${verb%% *} it" "$no" bob volume $verb
        expect_fail "mallory may not ${verb%% *} it" "$no" mallory volume $verb
done
expect_fail "mallory may make none" "$no" mallory volume create hers --size=1M
expect_fail "nor import any" "$no" mallory volume import hers /etc/hostname
is "nothing has come of it" "data 12582912" "$(names) $(stat -c %s $store/data/data)"
check "nor was a file left" test ! -e /tmp/stolen
expect_fail "bob cannot take the name" 'already' bob volume create data --size=1M
expect_fail "alice makes none for others" 'Only an administrator may create a volume for another user|Authentication' \
        alice volume create gift --size=1M --owner=bob
expect_fail "nor for a group that alice is not in" 'Only an administrator may name a group|Authentication' \
        alice volume create gift --size=1M --group=libvirt
check "an administrator does" ctl volume create gift --size=1M --owner=bob
expect_output "and it is bob's" '^gift .* bob' bob volume list
groupadd shared && usermod -aG shared alice && usermod -aG shared bob
check "one is shared with a group" alice volume create ours --size=1M --group=shared
expect_output "its members see it" '^ours .* alice' bob volume list
is "who it is shared with is told" shared "$(fact bob ours Group)"
check "and manage it" bob volume resize ours 2M
check "to the end" bob volume remove ours
check "bob removes the volume" bob volume remove gift

# --- wrong input

for name in '' . .. -x a/b 'a b' $'a\nb' "$(printf 'a%.0s' {1..132})" .new-1 ../images; do
        expect_fail "'${name:0:20}' is no name" 'is not a valid volume name' alice volume create --size=1M -- "$name"
done
check "a long name is one" alice volume create "$(printf 'a%.0s' {1..131})" --size=512
check "and goes" alice volume remove "$(printf 'a%.0s' {1..131})"
for size in 0 x -1 1.5.2 99999999999999999999; do
        expect_status "'$size' is no size" 2 alice volume create wrong --size="$size"
done
for size in 511 513 100 65T; do
        expect_fail "$size is no size of a volume" 'its size is a multiple of 512' \
                alice volume create wrong --size=$size
done
expect_fail "the bus refuses it, too" 'InvalidArgs' manager alice CreateVolume wrong 18446744073709551615 '{}'
expect_fail "a size must be named" 'A size is required' alice volume create wrong
expect_fail "unknown settings are refused with those there are" 'known: Owner, Group' \
        manager alice CreateVolume wrong 512 "{'Foo': <'x'>}"
expect_fail "wrong types are" "of type" manager alice CreateVolume wrong 512 "{'Group': <true>}"
expect_fail "unknown users are" "there is no user 'nobody-such'" ctl volume create wrong --size=1M --owner=nobody-such
expect_fail "unknown groups are" "there is no group 'nobody-such'" ctl volume create wrong --size=1M --group=nobody-such
for verb in "show" "remove" "export"; do
        expect_fail "what is not there cannot be used: $verb" "There is no volume 'nothere'" alice volume $verb nothere
done
expect_status "the exit status tells" 4 alice volume show nothere
expect_fail "none gets a size that is not there" "There is no volume" alice volume resize nothere 1M
is "none was made" data "$(names)"

# --- in and out

content=/home/alice/content
truncate -s 64M $content
for at in 0 1048576 20000000 50331648; do
        head -c 10000 /dev/urandom | dd of=$content bs=1 seek=$at conv=notrunc status=none iflag=fullblock
done
printf 'end' | dd of=$content bs=1 seek=$((64 * 1048576 - 3)) conv=notrunc status=none
chown alice: $content

check "alice imports a file" alice volume import copy content
is "it is as large" 67108864 "$(fact alice copy Size)"
check "its holes take no room" test "$(fact alice copy Allocated)" -lt 1048576
check "alice exports it to a file" alice volume export copy out
check "which is the same" cmp $content /home/alice/out
check "with its holes" test "$(($(stat -c '%b * %B' /home/alice/out)))" -lt 1048576
expect_output "and only alice can read it" '^alice 600$' stat -c '%U %a' /home/alice/out
check "alice exports it to standard output" bash -c "$(declare -f as_user)
        as_user alice shruthictl volume export copy >/tmp/out && cmp $content /tmp/out"
check "with its holes" test "$(($(stat -c '%b * %B' /tmp/out)))" -lt 1048576
check "through a pipe, too" bash -c "$(declare -f as_user)
        as_user alice shruthictl volume export copy - | cmp $content -"
check "alice clones it" alice volume clone copy twin
is "the clone is as large" 67108864 "$(fact alice twin Size)"
check "holes stay holes" test "$(fact alice twin Allocated)" -lt 1048576
check "and has the same content" bash -c "$(declare -f as_user)
        as_user alice shruthictl volume export twin - | cmp $content -"
expect_fail "a clone replaces nothing" 'twin' alice volume clone copy twin
expect_fail "a name that cannot be is refused" "'../x'" alice volume clone copy ../x
expect_fail "what is not there is not cloned" 'no volume' alice volume clone nothere other
expect_fail "another user's is not cloned" 'Authentication|denied|authorized' bob volume clone copy his
expect_fail "nor given to somebody else" 'administrator|Authentication' alice volume clone copy bobs --owner=bob
check "the clone is removed" alice volume remove twin
check "and what it was made of stays" cmp $content <(as_user alice shruthictl volume export copy -)
check "a pipe is imported" bash -c "$(declare -f as_user)
        cat $content | as_user alice shruthictl volume import piped"
check "so is standard input" bash -c "$(declare -f as_user)
        as_user alice shruthictl volume import redirected <$content"
for name in piped redirected; do
        check "it is the same: $name" cmp $content $store/$name/data
        check "with its holes" test "$(fact alice $name Allocated)" -lt 1048576
        check "and goes" alice volume remove $name
done
expect_fail "a name that is taken is refused" 'already' alice volume import copy content
expect_fail "nothing binary goes to a terminal" 'not written to a terminal' \
        script -qec 'shruthictl volume export copy' /dev/null
expect_fail "what is there stays when an export fails" 'no volume' alice volume export nothere out
check "it has" cmp $content /home/alice/out
is "and nothing beside it" out "$(cd /home/alice && ls -d out*)"
expect_fail "a directory that is not there is said" 'Cannot write to' alice volume export copy /nothere/out
expect_fail "a full disk is said" 'No space left' alice volume export copy /dev/full

printf 'x' >/home/alice/odd
check "an odd size is rounded up" alice volume import odd odd
is "to a sector" 512 "$(fact alice odd Size)"
check "a larger one is had by asking" alice volume import larger odd --size=1M
is "and is as large" 1048576 "$(fact alice larger Size)"
expect_fail "a smaller one is not" 'is too small for the source' alice volume import smaller content --size=1M
check "they go together" alice volume remove odd larger
expect_fail "one of several that fails does not keep the others" "Cannot remove volume nothere" \
        alice volume remove nothere copy
is "they are gone" data "$(names)"

# --- what comes in may be anything

for what in directory pipe socket path write-only write-only-file null zero char empty; do
        expect_fail "no volume is made of: $what" 'InvalidArgs' as_user alice python3 $client volume-import bad $what
done
expect_fail "… of a descriptor that did not come along" 'InvalidArgs|Failed|inconsistent' \
        as_user alice python3 $client volume-import bad index:7
truncate -s 100T /home/alice/huge 2>/dev/null || truncate -s 15T /home/alice/huge
expect_fail "… of more than there may be" 'LimitExceeded|Interactive|AccessDenied|InvalidArgs' \
        as_user alice python3 $client volume-import bad file:/home/alice/huge
rm /home/alice/huge
check "other calls are answered meanwhile" alice volume list
is "nothing is left of it" "data 0" "$(names) $(remains)"

# What another format has, no guest reads.
truncate -s 4K /home/alice/plain.raw
gzip -k /home/alice/plain.raw
printf 'QFI\xfb\0\0\0\3' >/home/alice/disk.qcow2
printf 'KDMV\1' >/home/alice/disk.vmdk
{ head -c 64 /dev/zero; printf '\x7f\x10\xda\xbe'; } >/home/alice/disk.vdi
printf 'vhdxfile' >/home/alice/disk.vhdx
printf 'conectix' >/home/alice/disk.vpc
truncate -s 4K /home/alice/disk.*
chmod 0644 /home/alice/disk.* /home/alice/plain.*
for format in qcow2 vmdk vdi vhdx vpc; do
        expect_fail "a disk image of $format is refused with the command" "qemu-img convert -f $format -O raw FILE" \
                alice volume import foreign disk.$format
done
expect_fail "a compressed one is, too" "compressed with gzip.* unpack it first with 'gunzip'" \
        alice volume import foreign plain.raw.gz
check "unless it is what the guest shall have" alice volume import foreign plain.raw.gz --raw
check "as it is" cmp -n "$(stat -c %s /home/alice/plain.raw.gz)" /home/alice/plain.raw.gz $store/foreign/data
check "it goes" alice volume remove foreign
mkdir -p /etc/shruthi/unikernels
printf '[Unikernel]\nImage=%s\n[Network service]\nBridge=virbr0\n[Volume storage]\nPath=/srv/disk.qcow2\n' \
        "$BUILD/tests/guest/guest-disk.virtio" >/etc/shruthi/unikernels/wrong.unikernel
install -m 0644 /home/alice/disk.qcow2 /srv/disk.qcow2
expect_fail "nor does one by its path start" 'convert it first with .qemu-img convert -f qcow2 -O raw /srv/disk.qcow2' \
        ctl start wrong
rm /etc/shruthi/unikernels/wrong.unikernel /srv/disk.qcow2 /home/alice/disk.* /home/alice/plain.*

# A file system of its user's own says what it likes, and nothing when it likes.
mkdir /tmp/fuse
python3 "$SRC/tests/client/fuse-files.py" /tmp/fuse >/tmp/fuse.log 2>&1 &
fuse=$!
check_soon "a file system of lies is there" 60 grep -q ready /tmp/fuse.log
fuse_import() { as_user alice python3 $client volume-import "$1" "file:/tmp/fuse/$1"; }
check "what is a file in it is imported" fuse_import good
check "and goes" alice volume remove good
expect_fail "what has less than it says is refused" 'Busy.*changed while it was read' fuse_import short
expect_fail "what grows is refused" 'Busy.*changed while it was read' fuse_import grow
expect_fail "what cannot be read is said" 'Cannot read the source of the import: Input/output error' fuse_import error
check "what lies about where its data are does no harm" fuse_import seek
is "and has the size that it said" 1048576 "$(fact alice seek Size)"
check "it goes" alice volume remove seek
fuse_import hang >/tmp/hang 2>&1 &
check_soon "what never answers is waited for" 60 eval '[ "$(remains)" -gt 0 ]'
check "others are served meanwhile" bob volume create meanwhile --size=1M
check "and again" bob volume remove meanwhile
check "and root is" ctl volume list
kill $fuse
wait $fuse
check_soon "when it is gone, the import is over" 60 grep -q 'Cannot read the source of the import' /tmp/hang
is "nothing is left of any of it" "data 0" "$(names) $(remains)"
umount /tmp/fuse

# The lock of the store holds an import where it is to be seen.
lock() { exec 7<$store && flock 7; }
unlock() { exec 7<&-; }
waits_for_lock() { grep -qs locks_lock_inode_wait /proc/"$(unit_show shruthid MainPID)"/task/*/wchan; }
head -c 65536 /dev/urandom >/home/alice/grows
lock
as_user alice shruthictl volume import grown grows >/tmp/grown 2>&1 7<&- &
check_soon "an import has looked at its file" 60 waits_for_lock
head -c 65536 /dev/urandom >>/home/alice/grows
unlock
wait $!
expect_output "a file that grows meanwhile is refused" 'changed while it was read' cat /tmp/grown
is "nothing is left of it" "data 0" "$(names) $(remains)"

# Cut off in the middle: after its copy was begun, and before it has its name.
head -c 128M /dev/urandom >/home/alice/large
cut_off() {
        local pid
        as_user alice shruthictl volume import large large >/tmp/large 2>&1 &
        until [ "$(remains)" -gt 0 ]; do
                [ -d $store/large ] && break
                kill -0 $! 2>/dev/null || break
        done
        lock
        if [ "$(remains)" -eq 0 ]; then
                unlock
                wait $!
                alice volume remove large
                return 1
        fi
        waits_for_lock || wait_for 60 waits_for_lock
        pid=$(unit_show shruthid MainPID)
        kill -9 "$pid"
        unlock
        wait $!
        return 0
}
for ((i = 0; i < 50; i++)); do cut_off && break; done
expect_output "shruthid is killed in the middle of an import" 'exited before it replied' cat /tmp/large
check_soon "nothing is left of it" 60 eval '[ "$(names)" = data ]'
expect_json "the volumes are as they were" '[.[].Name] | tostring' '["data"]' alice --json=short volume list
check "and the next import succeeds" alice volume import large large
check "it is the same" cmp /home/alice/large $store/large/data
check "it goes" alice volume remove large
rm /home/alice/large

# --- limits

mkdir -p /etc/shruthi/shruthi.conf.d
printf '[Shruthi]\nVolumesSizeMaxPerUser=20M\nVolumesMaxPerUser=2\n' >/etc/shruthi/shruthi.conf.d/limit.conf
ctl_reload() { gdbus call --system --dest org.dream.Shruthi --object-path /org/dream/Shruthi \
        --method org.dream.Shruthi.Manager.Reload; }
check "limits are read" ctl_reload
truncate -s 10M /home/alice/ten
for verb in "create more --size=10M" "import more ten" "resize data 24M"; do
        expect_fail "the owner's share is kept: ${verb%% *}" 'VolumesSizeMaxPerUser=20M' alice volume $verb
done
check "up to it there is room" alice volume create more --size=8M
expect_fail "the number is limited, too" 'VolumesMaxPerUser=2' alice volume create third --size=512
check "others have theirs" bob volume create his --size=20M
check "administrators are not bound" ctl volume create third --size=1M --owner=alice
check "nor is what they own" ctl volume create roots --size=100M
is "nothing else was made" "data his more roots third" "$(names)"
rm /etc/shruthi/shruthi.conf.d/limit.conf
check "limits are lifted" ctl_reload
check "they are removed" ctl volume remove more third his roots
for key in create-volume import-volume export-volume clone-volume remove-volume resize-volume read-volume; do
        expect_output "polkit knows $key" "org.dream.Shruthi.$key" pkaction --action-id org.dream.Shruthi.$key
done

# --- with a guest

cp "$BUILD/tests/guest/guest-disk.virtio" /home/alice/guest
check "alice makes a unikernel with a volume" alice create db guest --network=service:virbr0 \
        --volume=storage:size=4M -- --boots --no-poweroff
expect_json "the volume tells who names it" '.UsedBy | tostring' '["db"]' alice --json=short volume show db-storage
expect_fail "names that begin with it are for its owner" "is reserved for volumes of unikernel 'db'|Authentication" \
        bob volume create db-other --size=1M
check "who has one" alice volume create db-other --size=1M
check "… and may remove it" alice volume remove db-other
expect_fail "it is not removed while it is named" "is named in the definition of db" alice volume remove db-storage
check "the unikernel starts" alice start db
is "it writes it" written "$(fact alice db-storage Use)"
expect_fail "what is written is not exported" "unikernel 'db' is running, stop it first" \
        alice volume export db-storage out
expect_fail "nor cloned" "unikernel 'db' is running, stop it first" alice volume clone db-storage snapshot
check "also not while it is paused" alice pause db
expect_fail "since QEMU may hold writes back" "unikernel 'db' is paused, stop it first" \
        alice volume clone db-storage snapshot
check "it goes on" alice resume db
expect_output "it may grow, from the next start on" 'after their next start' alice volume resize db-storage 8M
expect_fail "the running one is not removed" 'named in the definition of db' alice volume remove db-storage
check "it stops" alice stop db

# A descriptor for reading and nothing else, with which no writer starts.
as_user alice python3 $client volume-export db-storage hold >/tmp/held 2>&1 &
check_soon "a descriptor is handed over" 60 grep -q '^held [0-9]* 512$' /tmp/held
for way in write truncate reopen chmod; do
        expect_output "it cannot be used to $way" "^$way: (EBADF|EACCES|EPERM|EINVAL)$" cat /tmp/held
done
is "it is being read" read "$(fact alice db-storage Use)"
expect_fail "no writer starts meanwhile" 'db' alice start db
expect_fail "nor is it removed" 'named in|being read' alice volume remove db-storage
kill "$(sed -n 's/^held \([0-9]*\) .*/\1/p' /tmp/held)"
wait $!

# Its lock can be taken off by whoever has it, which helps nobody.
as_user alice python3 $client volume-export db-storage unlocked >/tmp/held 2>&1 &
check_soon "one is handed over and unlocked" 60 grep -q '^unlocked$' /tmp/held
is "it is being read all the same" read "$(fact alice db-storage Use)"
expect_fail "no writer starts" 'db' alice start db
kill "$(sed -n 's/^held \([0-9]*\) .*/\1/p' /tmp/held)"
wait $!
check_soon "afterwards it does" 60 alice start db
check "nothing of the exports is left" test ! -e $store/db-storage/exported
check "and sees the new size" test "$(fact alice db-storage Size)" -eq 8388608
check "it stops" alice stop db
check "the unikernel is removed" alice remove db
check "its volume is not" test -e $store/db-storage/data
expect_output "what it wrote is in it" '[^0 ]' od -An -tx1 -N16 -v $store/db-storage/data
check "now it can be removed" alice volume remove db-storage
is "it is gone" data "$(names)"

# Objects, and who is told of them.
object() {
        local user=$1 path=$2
        shift 2
        as_user "$user" busctl --timeout=60 -- call org.dream.Shruthi "/org/dream/Shruthi/$path" "$@"
}
told() { grep -qx "$2" "/tmp/told-$1"; }
image=$(sha256sum "$GUEST" | cut -d' ' -f1)
for user in root alice mallory; do
        as_user $user python3 $client subscribe >/tmp/told-$user &
        subscribers+=($!)
done
as_user alice python3 $client subscribe listen >/tmp/told-listener &
subscribers+=($!)
for user in root alice mallory listener; do check_soon "$user is there" 60 told $user ready; done
check "alice makes a volume" alice volume create told --size=1M
check "… and takes an image in" alice image import "$GUEST"
for user in root alice; do
        check_soon "$user is told of the volume" 60 told $user 'VolumeNew told /org/dream/Shruthi/volume/told'
        check_soon "… and of the image" 60 told $user "ImageNew sha256:$image /org/dream/Shruthi/image/sha256_3a$image"
done
expect_output "alice sees it under its path" '"Owner" u' object alice volume/told org.dream.Shruthi.Volume GetDetails
expect_fail "… mallory does not" "$no" object mallory volume/told org.dream.Shruthi.Volume GetDetails
expect_fail "… nor removes it" "$no" object mallory volume/told org.dream.Shruthi.Volume Remove
check "alice makes it larger" object alice volume/told org.dream.Shruthi.Volume Resize t 2097152
is "… as it is then" 2097152 "$(fact alice told Size)"
expect_output "the image can be inspected" '"Digest" s' \
        object alice "image/sha256_3a$image" org.dream.Shruthi.Image Inspect
expect_output "its path can be had" '/org/dream/Shruthi/volume/told' manager alice GetVolume told
expect_output "… the image's too" "image/sha256_3a$image" manager alice GetImage "sha256:$image"
expect_fail "neither is listed to everybody" 'none' bash -c "
        busctl call org.dream.Shruthi /org/dream/Shruthi org.freedesktop.DBus.ObjectManager GetManagedObjects |
                grep -E 'volume|image|$image' || { echo none; exit 1; }"
expect_fail "… nor below their paths" 'none' bash -c "
        busctl tree --list org.dream.Shruthi | grep -E 'told|$image' || { echo none; exit 1; }"
expect_fail "what is not there is said" 'no volume' object alice volume/nothere org.dream.Shruthi.Volume GetDetails
check "alice removes it" object alice volume/told org.dream.Shruthi.Volume Remove
check "the image goes" ctl image prune
for user in root alice; do
        check_soon "$user is told that the volume is gone" 60 \
                told $user 'VolumeRemoved told /org/dream/Shruthi/volume/told'
        check_soon "… and the image" 60 \
                told $user "ImageRemoved sha256:$image /org/dream/Shruthi/image/sha256_3a$image"
done
is "others are told of nothing" ready "$(cat /tmp/told-mallory)"
is "… nor are those who have not asked" ready "$(cat /tmp/told-listener)"
kill "${subscribers[@]}"

# A record that is damaged.
check "root makes one" ctl volume create broken --size=1M
echo nonsense >$store/broken/volume
expect_fail "a damaged one is said" 'is damaged' ctl volume show broken
expect_fail "… and is nobody's but root's" "$no" alice volume remove broken
check "who removes it" ctl volume remove broken

# Without a bus, root goes over the private socket.
check "on the private socket it works, too" python3 "$SRC/tests/client/private.py" ListVolumes
check "data is removed" alice volume remove data
is_none "the store is empty" "$(names)"

finish
