#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Key material on its way from where it is sealed to the guest: that the guest alone has it, rotated, joined with
# what a definition names, gone when the unikernel has stopped, in words when it cannot be read, and nowhere else.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

HELPER=/usr/libexec/shruthi/shruthi-domain
ETC=/etc/shruthi/unikernels
SEALED=/etc/credstore.encrypted
DISK=$BUILD/tests/guest/guest-disk.virtio
NONCE=nonce-$RANDOM

random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
# Stands in no file and no argument of a process.
secret=$(random) other=$(random) decoy=$(random)

set_key() { printf '%s' "$3" | python3 "$SRC/tests/client/seal.py" "set $1 $2" >/dev/null; }
# SECRET: what a guest prints that has it.
proof() {
        printf '%s' "$1" | python3 -c "import hashlib, hmac, sys
print(hmac.new(sys.stdin.buffer.read(), b'$NONCE', hashlib.sha256).hexdigest())"
}
since_start() { journalctl --sync; journalctl -q -o cat "_SYSTEMD_INVOCATION_ID=$(unit_show "unikernel@$1" InvocationID)"; }
# NAME TEXT: of all runs, with what systemd says about them.
unit_log_has() { journalctl --sync; journalctl -q -o cat -u "unikernel@$1" | grep -F -e "$2" >/dev/null; }
# NAME LINE: the guest of this run has printed it.
printed() { since_start "$1" | grep -xF -e "$2" >/dev/null; }
proves() { printed "$1" "proof: $2 $(proof "$3")"; }
qemu_pid() { pgrep -u libvirt-qemu -f "guest=unikernel-$1,"; }
main_pid() { unit_show "unikernel@$1" MainPID; }
no_domain() { ! virsh domstate "unikernel-$1" 2>/dev/null; }
# NAME: "yes" where libvirt has a definition of it, beyond the guest's life.
persistent() { virsh dominfo "unikernel-$1" | sed -n 's/^Persistent: *//p'; }
is_transient() { [ "$(persistent "$1")" = no ]; }
# NAME: what QEMU reads.
archive() { sha256sum <"$(find "/proc/$(qemu_pid "$1")/fd" -lname "*shruthi.$1" -print -quit)"; }
detail() { shruthictl show --property="$2" --value "$1"; }
# NAME LINE…: as an administrator writes it.
define() {
        local name=$1
        shift
        mkdir -p $ETC
        printf '%s\n' '[Unikernel]' "Image=$DISK" "$@" >"$ETC/$name.unikernel"
}

id mallory >/dev/null 2>&1 || useradd --create-home mallory
install -d -m 0755 /srv
cp "$DISK" /srv/disk.virtio

# ── A guest has its keys, and proves them ────────────────────────────────────────────────────────────────────────────
expect_fail "an image wants its devices, and hears of both kinds" \
        "'\[Volume storage\]'.*'\[Credentials storage\]' for key material.*--credentials=storage" \
        as_user alice shruthictl create k /srv/disk.virtio --network=service
expect_fail "key material wants a device that the manifest declares" \
        "key material needs a block device 'keys' that the image's manifest declares" \
        as_user alice shruthictl create k /srv/disk.virtio --network=service --credentials=keys
check "alice makes one with a device for keys" as_user alice shruthictl create k /srv/disk.virtio --network=service \
        --credentials=storage --arguments="--storage-keys --storage-prove=tls.key:$NONCE --decoy=$decoy --tick=500"
expect_output "the definition says so, and no more" '^\[Credentials storage\]$' as_user alice shruthictl cat k
check "it starts with no key at all" as_user alice shruthictl start k
check_soon "… and finds an empty archive" 60 printed k 'keys: 0 in all'
is "… where systemd has something to fall back on and misses nothing" none "$(cat /run/credentials/unikernel@k.service/shruthi.k)"
as_user alice shruthictl stop k
journalctl --sync
is_none "… and complains of nothing" \
        "$(journalctl -q -b -o cat UNIT=unikernel@k.service + _SYSTEMD_UNIT=unikernel@k.service | grep -i credential)"

set_key k tls.key "$secret"
set_key k another "not this"
check "with keys" as_user alice shruthictl start k
check_soon "it finds their names" 60 printed k 'keys: 2 in all'
check_soon "and proves the one" 60 proves k tls.key "$secret"
expect_output "status names the device" 'block storage → credentials' as_user alice shruthictl status k
expect_output "so do the details" '"Kind" *: *"credentials"' as_user alice shruthictl show --json=short k

# ── How QEMU has them ────────────────────────────────────────────────────────────────────────────────────────────────
loaded=/run/credentials/unikernel@k.service
# A ramfs; or a tmpfs that is never swapped out, where systemd (254) and the kernel (6.4) have that.
in_memory_alone() {
        case $(stat -f -c %T "$1") in
        ramfs) ;;
        tmpfs) findmnt --noheadings --output OPTIONS --target "$1" | grep -qw noswap ;;
        *) return 1 ;;
        esac
}
core_limit() { sed -nE 's/^Max core file size +([^ ]+) .*/\1/p' "/proc/$1/limits"; }
# What doctor makes of it.
of_core_files() { shruthictl doctor | sed -nE 's/^(ok|warning|failed) +core-files:.*/\1/p'; }
qemu=$(qemu_pid k)
expect_output "QEMU has a descriptor" '"filename":"/dev/fdset/0"' tr '\0' '\n' <"/proc/$qemu/cmdline"
expect_fail "… and no path of it" '' grep -qa "/run/credentials" "/proc/$qemu/cmdline"
expect_output "… that of the very file that systemd made" "$loaded/shruthi.k" find "/proc/$qemu/fd" -lname '*shruthi.k' -printf '%l\n'
check "… which lies in memory and nowhere else" in_memory_alone "$loaded"
is_none "… for reading only" "$(find "/proc/$qemu/fd" -lname '*shruthi.k' -perm /222)"
expect_fail "QEMU's user does not reach it by its path" 'denied' \
        setpriv --reuid=libvirt-qemu --regid=libvirt-qemu --init-groups cat "$loaded/shruthi.k"
expect_fail "nor does alice" 'denied' as_user alice cat "$loaded/shruthi.k"
shruthid=$(unit_show shruthid MainPID)
expect_fail "nor does shruthid, between its walls" 'denied|No such file' nsenter --target "$shruthid" --mount -- \
        setpriv --reuid=shruthi --regid=shruthi --init-groups cat "$loaded/shruthi.k"
check "the domain is a transient one" is_transient k
expect_output "its memory is in no core file" 'dump-guest-core=off' tr '\0' '\n' <"/proc/$qemu/cmdline"
is "whether QEMU writes one at all, which libvirt decides, doctor knows" \
        "$(if [ "$(core_limit "$qemu")" = 0 ]; then echo ok; else echo warning; fi)" "$(of_core_files)"
expect_output "nor does the runner" '^Max core file size +0 +0 ' cat "/proc/$(main_pid k)/limits"
is_none "the runner has no descriptor of it" "$(find "/proc/$(main_pid k)/fd" -lname '*credentials*')"
is_none "nor has libvirtd" "$(find "/proc/$(pgrep -x libvirtd)/fd" -lname '*credentials*')"
expect_output "the XML can be seen without a key in hand" 'fdgroup="credentials"' as_user alice shruthictl xml k

# ── Rotated, adopted, stopped ────────────────────────────────────────────────────────────────────────────────────────
before=$(archive k)
set_key k tls.key "$other"
is "what is set while it runs changes nothing for the guest" "$before" "$(archive k)"
kill -KILL "$(main_pid k)"
check_soon "a runner that was killed" 60 unit_is active unikernel@k
is "… adopts the same guest" "$qemu" "$(qemu_pid k)"
is "… with the same keys" "$before" "$(archive k)"
check "a restart" as_user alice shruthictl restart k
check_soon "… brings the new key" 60 proves k tls.key "$other"
expect_fail "… and not the old one" '' proves k tls.key "$secret"
check "stopped" as_user alice shruthictl stop k
check "… nothing is left in memory" test ! -e "$loaded"
is_none "… by any process" "$(find /proc/[0-9]*/fd -lname '*shruthi.k' 2>/dev/null)"
is_none "… or mount" "$(cat /proc/[0-9]*/mountinfo 2>/dev/null | grep -F unikernel@k.service)"

# ── Core files ───────────────────────────────────────────────────────────────────────────────────────────────────────
cp -a /etc/libvirt/qemu.conf /root/qemu.conf
is_none "with nothing that has keys doctor says nothing of core files" "$(of_core_files)"
printf 'max_core = "unlimited"\n' >>/etc/libvirt/qemu.conf
check "where libvirt lets QEMU write core files, as 11.3 does by itself" systemctl restart libvirtd
check "alice starts it" as_user alice shruthictl start k
is "… QEMU may" unlimited "$(core_limit "$(qemu_pid k)")"
expect_output "… doctor says whose keys that concerns, and the way out" '^warning +core-files: .* keys: k[.] ' shruthictl doctor
expect_output "… which is libvirt's own setting" 'max_core = 0 .*/etc/libvirt/qemu[.]conf' cat <<<"$output"
sed -i '$s/.*/max_core = 0/' /etc/libvirt/qemu.conf
check "with that" systemctl restart libvirtd
check "… from its next start" as_user alice shruthictl restart k
is "… QEMU writes none" 0 "$(core_limit "$(qemu_pid k)")"
is "… and doctor is content" ok "$(of_core_files)"
check "stopped" as_user alice shruthictl stop k
cp -a /root/qemu.conf /etc/libvirt/qemu.conf
systemctl restart libvirtd

# ── Sources in a definition ──────────────────────────────────────────────────────────────────────────────────────────
printf '%s' "$secret" >/root/plain.key
printf '%s' "$other" | systemd-creds encrypt --name=sealed.key - /root/sealed.key
mkdir -p /etc/credstore && printf stored >/etc/credstore/in.store
define d '[Network service]' Bridge=virbr0 '[Credentials storage]'
expect_fail "before systemd knows that there may be keys" 'failed' systemctl start unikernel@d
check_soon "… it says what to do" 60 unit_log_has d "systemd does not know [Credentials storage] yet: run 'systemctl daemon-reload'"
systemctl daemon-reload
define d "Arguments=--storage-keys --storage-prove=plain.key:$NONCE --storage-prove=sealed.key:$NONCE --storage-prove=set.key:$NONCE --tick=500" \
        '[Network service]' Bridge=virbr0 '[Credentials storage]' LoadCredential=plain.key:/root/plain.key \
        LoadCredentialEncrypted=sealed.key:/root/sealed.key LoadCredential=in.store LoadCredential=nowhere
chmod 0600 /root/plain.key
expect_fail "before systemd knows of them" 'failed' systemctl start unikernel@d
check_soon "… it says what to do" 60 unit_log_has d "systemd did not load credential 'plain.key': run 'systemctl daemon-reload'"
systemctl daemon-reload
check "files of an administrator" systemctl start unikernel@d
check_soon "… reach the guest" 60 proves d plain.key "$secret"
check_soon "… those that are encrypted, too" 60 proves d sealed.key "$other"
check_soon "… and those in systemd's store" 60 printed d 'key: in.store 6 bytes'
check_soon "one that is in no store is left out" 60 printed d 'keys: 3 in all'
check_soon "… and said" 60 unit_log_has d "'nowhere' was not found in systemd's stores"
is "joined they are in memory without a name" "/memfd:shruthi-archive (deleted)" \
        "$(find "/proc/$(qemu_pid d)/fd" -lname '/memfd:*' -printf '%l\n' | sort -u)"
systemctl stop unikernel@d
set_key d set.key "$secret"
set_key d plain.key "never seen"
check "with keys that were set" systemctl start unikernel@d
check_soon "… both are there" 60 proves d set.key "$secret"
check_soon "… and the definition wins" 60 proves d plain.key "$secret"
check_soon "… which is said" 60 unit_log_has d "'plain.key' was set and is also in the definition"
expect_output "status names the definition's" 'credentials: plain.key, sealed.key, in.store, nowhere' shruthictl status d

# shellcheck disable=SC2016
add_line='set -e; f=$(mktemp); { shruthictl cat k; echo "$1"; } >"$f"; EDITOR="cp $f" VISUAL="cp $f" shruthictl edit k'
expect_fail "alice names no file of root's as a source" 'only an administrator|AccessDenied|PathNotAllowed' \
        as_user alice bash -c "$add_line" - LoadCredential=shadow:/etc/shadow
expect_fail "… and none in a store, which are root's too" 'only an administrator|AccessDenied|PathNotAllowed' \
        as_user alice bash -c "$add_line" - LoadCredential=in.store
check "root may, for alice's unikernel" bash -c "$add_line" - LoadCredential=in.store
check "… and systemd knows it without more ado" as_user alice shruthictl start k
check_soon "… so that the guest has it" 60 printed k 'key: in.store 6 bytes'
check "alice changes something else" as_user alice shruthictl set k --memory=33M
expect_output "… and the source stays" '^LoadCredential=in.store$' as_user alice shruthictl cat k
as_user alice shruthictl stop k

# ── No more than systemd loads on every release ──────────────────────────────────────────────────────────────────────────
# 253 pages and 2, less 512 in each; one is for what was set.
truncate -s $((253 * 4096 - 512)) /srv/large.key /root/large.key
truncate -s $((2 * 4096 - 512)) /srv/small.key /root/small.key
define s '[Network service]' Bridge=virbr0 '[Credentials storage]' LoadCredential=large:/root/large.key \
        LoadCredential=small:/root/small.key
systemctl daemon-reload
check "sources that just fit are given" systemctl start unikernel@s
systemctl stop unikernel@s
echo >>/root/small.key
expect_fail "a byte more is refused by the start, with sum and limit" \
        'of unikernel .s. takes 1052672 bytes, 4096 of them for what was set .*systemd can load 1048576: name fewer or smaller' \
        shruthictl start s
is "… as a matter of keys" credentials "$(detail s Result)"
check "… and libvirt was not asked" no_domain s
expect_fail "check tells it where it can know" 'takes at least 1052672 bytes' shruthictl check $ETC/s.unikernel
truncate -s -1 /root/small.key
check "… and is content with what fits" shruthictl check $ETC/s.unikernel
sed -i 's|/root/small|/srv/small|; s|/root/large|/srv/large|' $ETC/s.unikernel
wait_for 60 bash -c 'shruthictl cat s | grep -q /srv/large'
expect_fail "a key that has no room beside the sources is not set" \
        'would take 4096 bytes, and beside the sources in its definition systemd can load 3584' \
        shruthictl credential set s token < <(head -c 2049 /dev/zero)
check "one that has is" shruthictl credential set s token < <(head -c 1536 /dev/zero)
check "… and starts with them" systemctl start unikernel@s
systemctl stop unikernel@s
echo >>/srv/small.key
expect_fail "sources that have no room are not named" 'of unikernel .k. takes at least 1056768 bytes' \
        bash -c "$add_line" - $'LoadCredential=large:/srv/large.key\nLoadCredential=small:/srv/small.key'
is_none "… and the definition stays" "$(shruthictl cat k | grep large)"

# What is sealed counts by what must be in it, since from 257 on systemd loads no more than this either.
head -c 800000 /dev/urandom | systemd-creds encrypt --name=sealed - /srv/sealed.key
printf 'a small one' >/srv/one.key
chmod 0644 /srv/*.key
mapfile -t many < <(printf 'LoadCredential=k%d:/srv/one.key\n' {1..90})
define many '[Network service]' Bridge=virbr0 '[Credentials storage]' LoadCredentialEncrypted=sealed:/srv/sealed.key "${many[@]}"
expect_fail "a sealed key of 800,000 bytes and 90 small ones are too much beforehand" \
        'of unikernel .many. takes at least 1[0-9]{6} bytes' shruthictl check $ETC/many.unikernel
expect_fail "… as sources of alice's unikernel" 'of unikernel .k. takes at least 1[0-9]{6} bytes' \
        bash -c "$add_line" - "$(printf '%s\n' LoadCredentialEncrypted=sealed:/srv/sealed.key "${many[@]}")"
systemctl daemon-reload
expect_fail "… and for a start" 'its key material|takes [0-9]+ bytes' shruthictl start many
is "… as a matter of keys" credentials "$(detail many Result)"
define many '[Network service]' Bridge=virbr0 '[Credentials storage]' LoadCredentialEncrypted=sealed:/srv/sealed.key "${many[@]:0:50}"
systemctl daemon-reload
check "with 50 they are not" shruthictl check $ETC/many.unikernel
check "… and it starts" systemctl start unikernel@many
systemctl stop unikernel@many

# ── What cannot be read is told in words ─────────────────────────────────────────────────────────────────────────────
systemctl stop unikernel@d
mv /root/sealed.key /root/sealed.key.away
expect_fail "a source that is gone fails the start, in words" 'its key material cannot be read' shruthictl start d
is "… its result, too" credentials "$(detail d Result)"
expect_fail "… and its status" 'Reason: its key material cannot be read: systemd could not load it' shruthictl status d
mv /root/sealed.key.away /root/sealed.key
check "when it is back it starts" shruthictl start d
systemctl stop unikernel@d

cp -p $SEALED/shruthi.k /root/shruthi.k
before=$(sed -n 3p $SEALED/shruthi.k)
sed -i "3s/.*/$(tr 'A-Za-z' 'B-ZAb-za' <<<"$before" | sed 's/[/&]/\\&/g')/" $SEALED/shruthi.k
expect_fail "what was tampered with fails it" 'its key material cannot be read' as_user alice shruthictl start k
is "… as such" credentials "$(detail k Result)"
expect_fail "… with what helps" 'journalctl -u unikernel@k\.service' as_user alice shruthictl status k
check_soon "… and the journal knows more" 60 unit_log_has k 'Failed to set up credentials'
# Sealed by root, but no archive of ours.
printf 'no archive' | systemd-creds encrypt --name=shruthi.k - $SEALED/shruthi.k
expect_fail "what is no archive fails it, too" 'its key material cannot be read|The keys that were set.*damaged' \
        as_user alice shruthictl start k
is "… as the same" credentials "$(detail k Result)"
cp -p /root/shruthi.k $SEALED/shruthi.k

# A guest may end with systemd's number: that is its own.
define ends Arguments=--exit=243 '[Network service]' Bridge=virbr0 '[Credentials storage]'
systemctl daemon-reload
systemctl start unikernel@ends
check_soon "a guest that exits with 243" 60 unit_is failed unikernel@ends
is "… has not lost its keys" exit-status "$(detail ends Result)"

# ── A start that is cut off ──────────────────────────────────────────────────────────────────────────────────────────
as_shruthi() { setpriv --reuid=shruthi --regid=shruthi --init-groups "$@"; }
# NAME FUNCTION: the helper dies on its way into that function of libvirt's.
cut_off() {
        local dir=/run/shruthi/unikernels/$1 fd
        install -d -o shruthi -g libvirt-qemu -m 0711 "$dir"
        rm -f "$dir"/console.*
        mkfifo -m 666 "$dir/console.in" "$dir/console.out"
        exec {fd}<>"$dir/console.out"
        as_shruthi env HOME=/var/lib/shruthi CREDENTIALS_DIRECTORY=/nonexistent timeout 120 gdb -batch -nx -ex 'set breakpoint pending on' \
                -ex 'set debuginfod enabled off' -ex "break $2" -ex run -ex kill \
                --args $HELPER start "$1" 2>&1 </dev/null
        exec {fd}>&-
}
state() { virsh domstate "unikernel-$1" | sed -n 1p; }

as_user alice shruthictl stop k >/dev/null 2>&1
systemctl reset-failed unikernel@k 2>/dev/null
expect_output "a start is cut off before the domain runs" 'Breakpoint 1, .*virDomainFDAssociate' cut_off k virDomainFDAssociate
is "it is left defined" "yes shut off" "$(persistent k) $(state k)"
check "a start goes on from there" as_user alice shruthictl start k
check_soon "… with the keys" 60 proves k tls.key "$other"
check "… and leaves nothing defined" is_transient k
as_user alice shruthictl stop k
check "no domain is left" no_domain k

expect_output "a start is cut off when the domain runs" 'Breakpoint 1, .*virDomainUndefineFlags' cut_off k virDomainUndefineFlags
is "it runs and is defined" "yes running" "$(persistent k) $(state k)"
check "a stop" as_shruthi $HELPER stop k
check "… leaves neither" no_domain k
cut_off k virDomainFDAssociate >/dev/null
is "left defined again" "yes shut off" "$(persistent k) $(state k)"
check "a stop takes that, too" as_shruthi $HELPER stop k
check "… and nothing is left" no_domain k

as_user alice shruthictl start k
virsh dumpxml unikernel-k | sed '/<seclabel/d' >/root/k.xml
check "one that runs is defined by a cut" virsh --quiet define /root/k.xml
kill -KILL "$(main_pid k)"
check_soon "the runner that adopts it" 60 unit_is active unikernel@k
check_soon "… makes it transient again" 60 is_transient k
as_user alice shruthictl stop k
sed '/<metadata>/,/<\/metadata>/d' /root/k.xml >/root/foreign.xml
virsh --quiet define /root/foreign.xml
expect_fail "a foreign domain of that name, defined and at rest, is an error" 'does not belong to SHRUTHI' as_user alice shruthictl start k
is "… and is left alone" "yes shut off" "$(persistent k) $(state k)"
virsh --quiet undefine unikernel-k

# ── Nowhere else ─────────────────────────────────────────────────────────────────────────────────────────────────────
# One with last words, one with a witness that stays beside it, one with both kinds of sources.
began=$(date +%s)
sleep 1
planted=planted-$(random)
printf '%s' "$planted" >/root/plain.key
printf '%s' "$planted" | systemd-creds encrypt --name=sealed.key - /root/sealed.key
printf '%s' "$decoy" >/tmp/decoy && chmod 0644 /tmp/decoy
set_key k tls.key "$planted"
set_key d set.key "$planted"
set_key w tls.key "$planted"
mkdir -p $ETC
printf '[Unikernel]\nImage=%s\n[Credentials storage]\n' "$BUILD/tests/guest/guest.multiboot" >$ETC/w.unikernel
systemctl daemon-reload
for name in k d w; do check "$name starts" shruthictl start $name; done
check_soon "the guest has what was planted" 60 proves k tls.key "$planted"
check_soon "… joined, too" 60 proves d sealed.key "$planted"
wait_for 60 pgrep -u shruthi -f 'shruthi-domain start w' || fail "the witness stays beside its guest"

# USER OPTION…: what that user finds.
leaks() {
        local user=$1
        shift
        printf 'secret %s\ndecoy %s\n' "$planted" "$decoy" |
                if [ "$user" = root ]; then
                        python3 "$SRC/tests/client/leak.py" k d w --since="$began" "$@"
                else
                        as_user "$user" python3 "$SRC/tests/client/leak.py" k d w --since="$began" "$@"
                fi
}
# What is there by right: QEMU's descriptors, the units' memory, and the files that the definition names.
rightful=(--except=/root/plain.key)
for name in k d w; do
        rightful+=("--except-pid=$(qemu_pid $name)" "--except=/run/credentials/unikernel@$name.service")
done
for user in mallory bob alice root; do
        exceptions=()
        [ $user != root ] || exceptions=("${rightful[@]}")
        found=$(leaks $user "${exceptions[@]}" 2>&1)
        diag "$user: $(tail -n 1 <<<"$found")"
        is_none "$user finds the secret nowhere" "$(grep '^secret' <<<"$found")"
        is "$user has looked to the end" 1 "$(grep -c '^looked at' <<<"$found")"
        # Each way of searching finds the decoy planted for it.
        check "… where a decoy is found: in files" grep -qE '^decoy file /tmp/decoy$' <<<"$found"
        check "… in processes" grep -qE '^decoy process /proc/[0-9]+/cmdline$' <<<"$found"
        check "… and in what programs say" grep -qE '^decoy program ps ' <<<"$found"
done
check "… in the journal" grep -qE '^decoy journal' <<<"$found"
check "… in what libvirt says" grep -qE '^decoy libvirt virsh .* dumpxml unikernel-k$' <<<"$found"
check "… in libvirt's log" grep -qE '^decoy file /var/log/libvirt/qemu/unikernel-k.log$' <<<"$found"
check "… and on the bus" grep -qE '^decoy bus .*GetDetails' <<<"$found"
# And the search does find the secret where it is by right.
found=$(leaks root 2>&1)
check "root finds it in the unit's memory" grep -qE '^secret file /run/credentials/unikernel@k.service/shruthi.k$' <<<"$found"
check "… by QEMU's descriptors" grep -qE "^secret descriptor /proc/$(qemu_pid d)/fd/" <<<"$found"
check "… in the administrator's file" grep -qE '^secret file /root/plain.key$' <<<"$found"
for name in k d w; do shruthictl stop $name; done
found=$(leaks root --except=/root/plain.key 2>&1)
is_none "when all have stopped there is nothing, even for root" "$(grep '^secret' <<<"$found")"

finish
