#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The test guest's own use of block devices, on files made here: what it says of keys and storage is what other tests
# believe.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

image=$BUILD/tests/guest/guest-keys.virtio
disks=/var/lib/libvirt/images/guest-test
storage=$disks/storage.img
keys=$disks/keys.tar
mkdir -p $disks /tmp/keys

# ARGUMENT…: runs the guest to its end; what it says after its devices is its output.
guest() {
        shruthictl remove --quiet --now guest 2>/dev/null
        shruthictl create --quiet guest "$image" --memory=16M --network=service:virbr0 \
                --volume=storage:$storage --volume=keys:$keys:ro -- "$@" --exit=0 || return
        shruthictl start guest || return
        wait_for 60 unit_is inactive unikernel@guest || return
        journalctl --sync
        journalctl --unit=unikernel@guest --identifier=guest --output=cat --no-pager | tac |
                sed '/^device: block keys/,$d' | tac | sed '/^Solo5: solo5_exit/,$d'
}

# SIZE: an empty storage.
storage_make() {
        rm -f $storage
        truncate -s "$1" $storage
        chmod 666 $storage
}

# The archive that the keys of /tmp/keys make, in ustar's own format.
keys_make() {
        tar -C /tmp/keys --format=ustar -cf $keys "$@"
        chmod 644 $keys
}

proof_of() {
        python3 - "/tmp/keys/$1" "$2" <<'END'
import hmac, sys
print(hmac.new(open(sys.argv[1], "rb").read(), sys.argv[2].encode(), "sha256").hexdigest())
END
}

# ── Keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────
secret=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
printf %s "$secret" >/tmp/keys/tls.key
head -c 100000 /dev/urandom >/tmp/keys/large.bin
: >/tmp/keys/empty
mkdir -p /tmp/keys/more
echo one >/tmp/keys/more/deep.key
storage_make 1M
keys_make tls.key large.bin empty more

lib_run guest --keys --prove=tls.key:n1 --prove=large.bin:n:2 --prove=empty: --prove=more/deep.key:x \
        --prove=none:x
is "it lists and proves what is there" "$(
        printf 'key: tls.key 64 bytes\nkey: large.bin 100000 bytes\nkey: empty 0 bytes\n'
        printf 'key: more/deep.key 4 bytes\nkeys: 4 in all\n'
        printf 'proof: tls.key %s\n' "$(proof_of tls.key n1)"
        printf 'proof: large.bin %s\n' "$(proof_of large.bin n:2)"
        printf 'proof: empty %s\n' "$(proof_of empty '')"
        printf 'proof: more/deep.key %s\n' "$(proof_of more/deep.key x)"
        echo 'keys: there is no such key'
)" "$output"
expect_fail "and never showed the key" '^$' grep -F "$secret" <(journalctl --no-pager --output=cat)

head -c 1024 /dev/zero >$keys
is "an empty archive has no keys" "keys: 0 in all" "$(guest --keys)"
head -c 512 /dev/zero >$keys
is "half an end is none" "keys: broken at sector 0: one sector of zeroes instead of two ends it" "$(guest --keys)"
head -c 65536 /dev/urandom >$keys
is "random bytes are no archive" "keys: broken at sector 0: this is no header of a ustar archive" "$(guest --keys)"
keys_make large.bin
truncate -s 51200 $keys
is "a cut one gives no key" "keys: broken at sector 0: an entry is larger than the rest of the device" \
        "$(guest --prove=large.bin:x)"
keys_make --hard-dereference tls.key tls.key
is "a key that is there twice is none" "keys: broken: it has that key twice" "$(guest --prove=tls.key:x)"

# ── Storage ──────────────────────────────────────────────────────────────────────────────────────────────────────
keys_make empty
is "it counts its first boot" "boot 1" "$(guest --boots)"
is "and the second" "boot 2" "$(guest --boots)"
is "what it wrote is in the first sector" "guest-boots 2" \
        "$(head -c 11 $storage) $(od -An -tu4 -j12 -N4 $storage | tr -d ' ')"
is "a device that is read-only is not counted on" "keys: holds something else, left alone" "$(guest --keys-boots)"
is "a device that there is not is told" "there is no block device other" "$(guest --other-boots)"
is "it fills so much as it is told" "storage: filled, 4096 bytes were written" "$(guest --fill=4096)"
check "and not more" cmp <(tail -c +$((512 + 4096 + 1)) $storage) <(head -c $(((1 << 20) - 512 - 4096)) /dev/zero)
is "or the whole" "storage: filled, $(((1 << 20) - 512)) bytes were written" "$(guest --fill)"
is "each sector holds its number, the counter is spared" "ok" "$(python3 - $storage <<'END'
import struct, sys
data = open(sys.argv[1], "rb").read()
good = all(data[i * 512:i * 512 + 512] == struct.pack("<Q", i) * 64 for i in range(1, len(data) // 512))
print("ok" if good and data.startswith(b"guest-boots\0\2\0\0\0") else "broken")
END
)"

finish
