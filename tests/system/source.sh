#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016
#
# Updates from a source: the file that UpdateFrom= names, verified as UpdateVerify= demands by the real minisign, gpg and
# sha256sum; all of them at once; and by a timer.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/unikernels.bash
. "$(dirname "$0")/unikernels.bash"

BUILDS=/srv/builds
IMAGE=$BUILDS/web.virtio

alice() { as_user alice shruthictl "$@"; }
# NUMBER: another build of the guest.
build() { { cat "$GUESTS/guest-plain.virtio"; printf '%0100d' "$1"; } >"$IMAGE.new" && mv "$IMAGE.new" "$IMAGE"; }
# NUMBER: the same, which ends at its first instruction (ud2, and nobody handles that).
build_broken() { build "$1" && python3 - "$IMAGE" <<'END'
import struct, sys
image = bytearray(open(sys.argv[1], "rb").read())
entry, table = struct.unpack_from("<QQ", image, 24)
size, n = struct.unpack_from("<HH", image, 54)
for i in range(n):
    kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", image, table + i * size)
    if kind == 1 and address <= entry < address + length:
        image[entry - address + offset:entry - address + offset + 2] = b"\x0f\x0b"
open(sys.argv[1], "wb").write(image)
END
}
digest_of() { echo "sha256:$(sha256sum <"$1" | cut -d' ' -f1)"; }
image_of() { shruthictl cat "$1" | sed -n 's/^Image=//p'; }
# VALUE
verify_by() { shruthictl set web "UpdateVerify=$1"; }
# JSON KEY, of the newest generation.
newest() { shruthictl history web --json=short | jq -r ".[-1].$1"; }

mkdir -p $BUILDS
build 1
cp "$GUESTS/guest-plain.virtio" /home/alice/guest-plain.virtio
chmod a+r /home/alice/guest-plain.virtio
check "alice creates a unikernel" alice create --now web guest-plain.virtio --memory=16M '--ready=console:^tick 0*2$' \
        -- --tick=100

# --- Who may name what.

expect_fail "without a source there is no update" 'no UpdateFrom=.*update web FILE' alice update web
expect_fail "alice may name no file of the host" 'only an administrator' \
        alice --no-ask-password set web UpdateFrom=$IMAGE
expect_fail "nor a keyring" 'only an administrator' \
        alice --no-ask-password set web UpdateFrom=$IMAGE UpdateVerify=openpgp:/etc/passwd
configure "ImageDirectories=$BUILDS"
check "the configuration is read" shruthictl --quiet doctor || :
systemctl restart shruthid
check "but one in ImageDirectories=" alice set web UpdateFrom=$IMAGE
is "which status of the definition shows" $IMAGE "$(alice show web -p UpdateFrom --value)"

# --- A file.

qemu=$(qemu_pid web)
expect_output "a dry run shows the new image" "^\+Image=$(digest_of $IMAGE)" alice update web --dry-run
is "and changes nothing" "$qemu" "$(qemu_pid web)"
expect_output "an update takes the file" 'which is proven' alice update web --probation=1s
is "by its digest" "$(digest_of $IMAGE)" "$(image_of web)"
is "history says from where" $IMAGE "$(newest Source)"
qemu=$(qemu_pid web)
expect_output "again it is up to date" "up to date, at generation [0-9]+: $IMAGE" alice update web
expect_output "for programs too" '"Outcome" *: *"up-to-date"' alice update web --json=short
is "and not restarted" "$qemu" "$(qemu_pid web)"
expect_fail "bob may not" 'org.dream.Shruthi.update' as_user bob shruthictl --no-ask-password update web
mv $IMAGE $IMAGE.away
expect_fail "a file that is not there" "There is no image at $IMAGE" alice update web
ln -s $IMAGE.away $IMAGE
expect_fail "a link" 'symbolic link' alice update web
rm $IMAGE
mkfifo $IMAGE
expect_fail "a pipe, at once" 'not a regular file' timeout 20 shruthictl update web
rm $IMAGE
head -c 100000 /dev/urandom >$IMAGE
expect_fail "what is no image" "$IMAGE" alice update web
is "is not imported" 0 "$(find /var/lib/shruthi/images -name "$(digest_of $IMAGE | cut -d: -f2)" | wc -l)"
truncate -s 300M $IMAGE
expect_fail "what is too large" 'ImageSizeMax=' alice update web
rm $IMAGE
mv $IMAGE.away $IMAGE
is "the guest runs on all the time" "$qemu" "$(qemu_pid web)"

# --- A list of digests.

build 2
(cd $BUILDS && sha256sum web.virtio >SHA256SUMS)
check "a list of digests" verify_by sha256sums:$BUILDS/SHA256SUMS
expect_output "which has the file" 'which is proven' alice update web --probation=0
is "is in its history" "listed in $BUILDS/SHA256SUMS, from $IMAGE" "$(newest Source)"
build 3
expect_fail "a file that was changed since" 'DigestMismatch|lists sha256:' alice update web
sed -i 's/web/other/' $BUILDS/SHA256SUMS
expect_fail "one that is not listed" "does not list 'web.virtio'" alice update web
rm $BUILDS/SHA256SUMS
expect_fail "a list that is not there" "UpdateVerify=: .*SHA256SUMS.*No such file" alice update web

# --- minisign.

cd /root || exit 1
minisign -G -W -f -p one.pub -s one.key >/dev/null
minisign -G -W -f -p two.pub -s two.key >/dev/null
check "a key of minisign" verify_by "minisign:$(tail -n 1 one.pub)"
expect_fail "without a signature" "no signature $IMAGE.minisig: .*minisign -Sm" alice update web
minisign -S -s two.key -m $IMAGE >/dev/null
expect_fail "one by another key" 'signed by the minisign key [0-9A-F]{16}, and UpdateVerify= has the key' alice update web
minisign -S -s one.key -m $IMAGE -t 'build 3' >/dev/null
expect_output "the right one" 'which is proven' alice update web --probation=0
expect_output "its trusted comment is in the history" "signed by minisign key [0-9A-F]{16}: build 3, from $IMAGE$" newest Source
build 4
expect_fail "an image that was changed since" "$IMAGE.minisig: not of this image" alice update web
minisign -S -l -s one.key -m $IMAGE -t 'build 4' >/dev/null
expect_fail "a signature of the old kind" 'of the old kind .*without -l' alice update web
minisign -S -s one.key -m $IMAGE -t 'build 4' >/dev/null
sed -i 's/build 4/build 5/' $IMAGE.minisig
expect_fail "a trusted comment that was changed" 'its trusted comment was changed' alice update web
head -c 300000 /dev/zero >$IMAGE.minisig
expect_fail "rubbish for a signature" 'not a signature of minisign' alice update web

# --- OpenPGP.

export GNUPGHOME=/root/gnupg
mkdir -m 0700 $GNUPGHOME
gpg --quiet --batch --passphrase '' --quick-gen-key builds@example ed25519 sign never 2>/dev/null
gpg --quiet --batch --passphrase '' --quick-gen-key other@example ed25519 sign never 2>/dev/null
gpg --export builds@example >/etc/shruthi/builds.gpg
build 5
rm -f $IMAGE.minisig
check "a keyring of OpenPGP keys" verify_by openpgp:/etc/shruthi/builds.gpg
expect_fail "without a signature" "no signature $IMAGE.sig or $IMAGE.asc: .*gpg --detach-sign" alice update web
gpg --batch -u other@example -o $IMAGE.sig --detach-sign $IMAGE
expect_fail "one by another key" 'its key is not in the keyring' alice update web
rm $IMAGE.sig
gpg --batch -u builds@example --armor -o $IMAGE.asc --detach-sign $IMAGE
expect_output "the right one" 'which is proven' alice update web --probation=0
expect_output "is in its history" "^signed by OpenPGP key [0-9A-F]{40}, from $IMAGE$" newest Source
build 6
expect_fail "an image that was changed since" 'not of this image' alice update web
gpg --batch -u builds@example -o $IMAGE.sig --detach-sign $IMAGE
expect_output "with a signature that is not armored" 'which is proven' alice update web --probation=0
chmod 0600 /etc/shruthi/builds.gpg
build 7
rm $IMAGE.sig
gpg --batch --yes -u builds@example -o $IMAGE.sig --detach-sign $IMAGE
expect_fail "a keyring that cannot be read" 'keyring cannot be read by user shruthi: .*Permission denied' alice update web
unset GNUPGHOME

# --- One that fails.

check "nothing is verified any more" shruthictl set web UpdateVerify=
build 8
cp "$GUESTS/guest.virtio" $IMAGE
expect_fail "an image with other devices" "needs network 'service'" alice update web
good=$(image_of web)
build_broken 9
expect_fail "an image that fails goes back" 'failed: .*; generation [0-9]+ is back' alice update web --probation=20s
is "to the former one" "$good" "$(image_of web)"
check "which runs" running web
qemu=$(qemu_pid web)
expect_fail "the other is not tried again by itself" 'that of generation [0-9]+, which failed: .*sha256:' alice update web
is "and nothing is restarted for it" "$qemu" "$(qemu_pid web)"
expect_fail "but by its digest" 'failed: .*; generation [0-9]+ is back' alice update web "$(digest_of $IMAGE)" --probation=20s

# --- One that is left.

build 13
expect_output "another one" 'which is proven' alice update web --probation=0
check "is left by a rollback" alice rollback web --probation=0
is "for the former" "$good" "$(image_of web)"
expect_fail "it is not taken again by itself" 'that of generation [0-9]+, which was left by a rollback.*sha256:' alice update web
check "nor after another change" alice set web --memory=20M
expect_fail "as before" 'which was left by a rollback' alice update web
expect_output "but by its digest" 'which is proven' alice update web "$(digest_of $IMAGE)" --probation=0

# --- All of them.

check "another one" alice create db guest-plain.virtio --memory=16M -- --tick=200
check "with the same source" shruthictl set db UpdateFrom=$IMAGE
check "bob's" as_user bob shruthictl create hers "$GUESTS/guest-plain.virtio" --memory=16M
build 10
expect_output "a dry run of all" '^web +would be updated' alice update --all --dry-run
expect_output "all are updated" '^db +changed, not running' alice update --all --probation=0
is "also the other" "$(digest_of $IMAGE)" "$(image_of web)"
expect_output "and then up to date" '^web +up to date' alice update --all
expect_output "for programs" '"Outcome" *: *"up-to-date"' alice update --all --json=short
expect_fields 'update --all' 'Generation:number Name:string Outcome:string Reason:string' alice update --all
is "those without a source are left alone" 2 "$(alice update --all --no-legend | wc -l)"
expect_output "bob has none" 'No unikernel has UpdateFrom=' as_user bob shruthictl update --all
expect_fail "--all takes no name" 'give no name' alice update --all web
expect_fail "and no setting" 'give no name' alice update --all --memory=32M
expect_fail "without a name or --all" 'Give the NAME' alice update
check "one whose source is gone" shruthictl set db UpdateFrom=$BUILDS/gone
build 11
expect_fail "fails them all" '^db +failed .*There is no image at' alice update --all --probation=0
is "but not the others" "$(digest_of $IMAGE)" "$(image_of web)"

# --- By a timer.

is "the timers are disabled" "disabled disabled" "$(systemctl is-enabled shruthi-update.timer shruthi-update@web.timer | xargs)"
check "one is enabled" systemctl enable --quiet --now shruthi-update@web.timer
check "and waits" unit_is active shruthi-update@web.timer
build 12
check "what it starts updates" systemctl start shruthi-update@web.service
is "its unikernel" "$(digest_of $IMAGE)" "$(image_of web)"
expect_fail "a failed update is a failed unit" 'failed' systemctl start shruthi-update.service
expect_output "whose journal has the reason" 'There is no image at' journalctl -q -o cat -u shruthi-update.service
check "without it" shruthictl set db UpdateFrom=
check "it succeeds" systemctl start shruthi-update.service

finish
