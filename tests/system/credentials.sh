#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Key material: sealed by root's helper, named to its owner, shown to nobody.

# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

SEALED=/etc/credstore.encrypted
NAMES=/var/lib/shruthi-seal
# What no place may show again; not all of it stands in this file, which is to be read everywhere.
secret=planted-$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')

seal() { python3 "$SRC/tests/client/seal.py" "$@"; }
# As what is told of it by the answer's second line.
told() { seal "$@" | sed -n 2p; }
unsealed() { systemd-creds decrypt --name="shruthi.$1" "$SEALED/shruthi.$1" - 2>/dev/null; }
# NAME KEY: one key's content.
content() { unsealed "$1" | tar --extract --to-stdout --file=- "$2"; }
no_sealer() { [ -z "$(systemctl list-units --no-legend 'shruthi-seal@*')" ]; }
# The process that serves one request, as soon as it is there.
sealer_pid() { pgrep -u root -x shruthi-seal; }

# ── The helper that seals ────────────────────────────────────────────────────────────────────────────────────────
is "its socket is user shruthi's" "600 shruthi shruthi" "$(stat -c '%a %U %G' /run/shruthi/seal)"
is "what it knows is root's" "710 root shruthi" "$(stat -c '%a %U %G' $NAMES)"
for user in alice mallory shruthi-users; do id "$user" >/dev/null 2>&1 || continue
        expect_fail "$user does not reach it" 'Permission denied|PermissionError' \
                as_user "$user" python3 "$SRC/tests/client/seal.py" "list a"
done
check "a key is sealed" seal "set a tls.key" <<<"$secret"
is "… readable to root alone" "600 root root" "$(stat -c '%a %U %G' $SEALED/shruthi.a)"
is "… in a folder that is closed" "700 root root" "$(stat -c '%a %U %G' $SEALED)"
expect_fail "… and not in clear" '' grep -r -F "$secret" $SEALED $NAMES
is "… and comes back as it was" "$secret" "$(content a tls.key)"
printf 'two' | seal "set a second" >/dev/null
expect_output "a pipe ends when it is closed" '^two$' content a second
printf 'three\0and more' | seal "set a binary" memfd >/dev/null
is "memory is read from its beginning, bytes as they are" "$(printf 'three\0and more' | sha256sum)" \
        "$(content a binary | sha256sum)"
is "the keys are listed" "ok binary second tls.key" "$(seal 'list a' | tr '\n' ' ' | sed 's/ $//')"
check "user shruthi may ask too" runuser -u shruthi -- python3 "$SRC/tests/client/seal.py" "list a"
is "another unikernel has none" ok "$(seal 'list b')"
check "one is rotated" seal "rotate a second" <<<new
is "… to its new content" new "$(content a second)"
is "… and the others stay" "$secret" "$(content a tls.key)"
is "what is not there is not rotated" org.dream.Shruthi.Error.NoSuchCredential "$(told 'rotate a third' <<<x)"
is "nor removed" org.dream.Shruthi.Error.NoSuchCredential "$(told 'remove a third')"
check "one is removed" seal "remove a second"
is "… and no other" "ok binary tls.key" "$(seal 'list a' | tr '\n' ' ' | sed 's/ $//')"
check "with the last one" seal "set b only" <<<x
check "removed" seal "remove b only"
expect_fail "nothing is left of it" '' bash -c "ls -A $SEALED $NAMES | grep -E '^(shruthi\.)?b$'"

# ── What it refuses ──────────────────────────────────────────────────────────────────────────────────────────────
for request in 'set ../a k' 'set a ../k' 'set a .k' 'set a k:l' 'set a k/l' 'set a' 'set A k' 'list' 'unseal a' \
        'list a b' 'set a k l' 'list a\0' 'forget ../../etc'; do
        expect_fail "'$request' is refused" 'InvalidArgs|InvalidName' seal "$request" </dev/null
done
for kind in dir device path socket write none; do
        expect_fail "as content, $kind is refused" 'InvalidArgs' seal "set a bad" $kind
done
expect_fail "a descriptor that is not asked for, too" 'InvalidArgs' seal "list a" stdin <<<x
expect_fail "nothing is no content" 'InvalidArgs' bash -c "printf '' | python3 $SRC/tests/client/seal.py 'set a bad'"
check "of several descriptors the first counts" seal "set a several" two <<<first
is "… and the others do no harm" first "$(content a several)"
check "the most that systemd loads is taken" bash -c \
        "head -c 870912 /dev/zero | python3 $SRC/tests/client/seal.py 'set c big'"
is "… and can be loaded" 872448 "$(unsealed c | wc -c)"
expect_fail "one byte more is refused with the limit" 'LimitExceeded.*|870912 bytes' bash -c \
        "head -c 870913 /dev/zero | python3 $SRC/tests/client/seal.py 'set c2 big'"
expect_fail "one key more, too" '872448' seal "set c small" <<<x
is "… and leaves the one before" "ok big" "$(seal 'list c' | tr '\n' ' ' | sed 's/ $//')"
truncate -s 8G /var/tmp/sparse
expect_fail "so is a file of any size" 'LimitExceeded' seal "set a bad" </var/tmp/sparse
rm /var/tmp/sparse

# ── Slow, gone, killed ───────────────────────────────────────────────────────────────────────────────────────────
seal "set slow k" slow >/tmp/slow.answer &
slow=$!
wait_for 60 sealer_pid
check "while one waits for its content, others are served" seal "set d k" <<<x
check "for the same unikernel too" seal "set slow other" <<<x
wait $slow
expect_output "one that does not end is given up" 'TimedOut' cat /tmp/slow.answer
is "… without a trace" "ok other" "$(seal 'list slow' | tr '\n' ' ' | sed 's/ $//')"

check_soon "all have ended" 60 no_sealer
seal "set killed k" slow >/tmp/killed.answer &
killed=$!
wait_for 60 sealer_pid
kill -KILL "$(sealer_pid | head -n 1)"
wait $killed
is "one that is killed gives no answer" closed "$(cat /tmp/killed.answer)"
check_soon "… and is gone" 60 no_sealer
is "… with nothing sealed" ok "$(seal 'list killed')"

check "whoever hangs up" seal "set left k" leave <<<x
check_soon "… is not waited for" 60 no_sealer
is "… and has changed nothing" ok "$(seal 'list left')"

# As if it had died between the two files, or within one.
printf 'what a cut left' | tee "$SEALED/.shruthi.a.AbCdEf" >"$NAMES/.a.AbCdEf"
sed -i '1s/.*/0000/; $a ghost' $NAMES/a
is "a list of names that does not fit is not believed" "ok binary several tls.key" \
        "$(seal 'list a' | tr '\n' ' ' | sed 's/ $//')"
is "… but mended" 1 "$(grep -c "^$(sha256sum $SEALED/shruthi.a | cut -d' ' -f1)$" $NAMES/a)"
is_none "what a cut left behind is removed" "$(find $SEALED $NAMES -name '*.AbCdEf')"
rm $NAMES/a
is "a list that is lost is made again" "ok binary several tls.key" "$(seal 'list a' | tr '\n' ' ' | sed 's/ $//')"
for i in $(seq 20); do seal "set many k$i" <<<"content $i" >/dev/null & pids[i]=$!; done
wait "${pids[@]}"
is "twenty at once for one unikernel are all there" 20 "$(seal 'list many' | sed 1d | wc -l)"
is "… each with its content" "content 13" "$(content many k13)"

# ── Changed and foreign files ────────────────────────────────────────────────────────────────────────────────────
cp -p $SEALED/shruthi.a /tmp/sealed
cp $SEALED/shruthi.a $SEALED/shruthi.b
expect_fail "a file copied over from another unikernel is refused" 'CredentialsDamaged' seal "list b"
expect_output "… with what to do" 'credential remove b --all' cat <<<"$output"
expect_fail "… and cannot be added to" 'CredentialsDamaged' seal "set b k" <<<x
check "it can be forgotten" seal "forget b"
is "… and the name used again" ok "$(seal 'list b')"
for offset in 10 100 1000; do
        cp -p /tmp/sealed $SEALED/shruthi.a
        before=$(dd if=$SEALED/shruthi.a bs=1 skip=$offset count=1 status=none)
        printf '%s' "$(tr 'A-Za-z' 'B-ZAb-za' <<<"${before/[^A-Za-z]/A}")" |
                dd of=$SEALED/shruthi.a bs=1 seek=$offset conv=notrunc status=none
        expect_fail "a change at byte $offset is noticed" 'CredentialsDamaged' seal "list a"
done
head -c 1000 /tmp/sealed >$SEALED/shruthi.a
expect_fail "so is a file cut short" 'CredentialsDamaged' seal "set a k" <<<x
rm $SEALED/shruthi.a
mkdir $SEALED/shruthi.a
expect_fail "and what is no file" 'CredentialsDamaged' seal "set a k" <<<x
rmdir $SEALED/shruthi.a
ln -s /etc/passwd $SEALED/shruthi.a
expect_fail "or a link" 'symbolic link' seal "set a k" <<<x
rm $SEALED/shruthi.a
cp -p /tmp/sealed $SEALED/shruthi.a
is "the one from before is good" "$secret" "$(content a tls.key)"
for name in a c d slow many; do seal "forget $name" >/dev/null; done
is_none "once forgotten, nothing is left" "$(find $SEALED $NAMES -type f ! -name .lock)"

# ── Through shruthid ─────────────────────────────────────────────────────────────────────────────────────────────
client=$SRC/tests/client/client.py
images=/var/tmp/images
mkdir -p $images
cp "$BUILD"/tests/guest/guest{,-disk}.virtio $images
chmod -R a+rX $images
printf '[Shruthi]\nBridgeInterface=virbr0\n' >/etc/shruthi/shruthi.conf
systemctl reload-or-restart shruthid

alice() { as_user alice shruthictl "$@"; }
create() { as_user alice python3 "$client" create "$1" "$images/${2-guest-disk.virtio}" "Networks:=[('service', @a{sv} {})]" "${@:3}"; }
# What its guest said in this life.
proof() { journalctl --sync; journalctl -q -o cat SYSLOG_IDENTIFIER="$1" | sed -n "s/^proof: $2 //p" | tail -n 1; }
proves() {
        local proof
        proof=$(printf %s nonce | openssl dgst -sha256 -hmac "$3" | sed 's/.* //')
        [ -n "$proof" ] && [ "$(proof "$1" "$2")" = "$proof" ]
}

check "alice makes one with a device for keys" create hers guest-disk.virtio "Credentials:=['storage']" \
        "Arguments=--storage-prove=token:nonce --tick=1000"
check "and one without" create plain guest.virtio
expect_fail "where no device carries keys the lines to write are said" 'DeviceMismatch|\[Credentials DEVICE\]' \
        alice credential set plain token <<<"$secret"
check "a key from a file" alice credential set hers tls.key <<<"$secret"
check_soon "which alice sees in its log" 60 bash -c \
        "journalctl --boot SHRUTHI_UNIKERNEL=hers SHRUTHI_OWNER=$(id -u alice) --output=cat | grep 'changed the keys'"
check "from a pipe" alice credential set hers token < <(printf %s "$secret")
check "from a socket, as ssh has it" python3 -c 'import socket, subprocess, sys
a, b = socket.socketpair()
a.sendall(sys.argv[1].encode())
a.shutdown(socket.SHUT_WR)
sys.exit(subprocess.run(["shruthictl", "credential", "set", "hers", "socket"], stdin=b).returncode)' "from a socket"
is "… whole" "from a socket" "$(content hers socket)"
cat >/tmp/typist.py <<'END'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execlp("shruthictl", "shruthictl", "credential", "set", "hers", "typed")
shown = b""
try:
    while b"not shown" not in shown:
        shown += os.read(fd, 4096)
    os.write(fd, sys.argv[1].encode() + b"\n")
    while data := os.read(fd, 4096):
        shown += data
except OSError:
    pass
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
check "from a terminal" as_user alice python3 /tmp/typist.py "typed-$secret"
typed=$output
expect_output "… which asks" 'Key typed of hers' cat <<<"$typed"
expect_fail "… and does not show it" '' grep -F "$secret" <<<"$typed"
is "… one line, without its end" "typed-$secret" "$(content hers typed)"
expect_output "alice lists the names" '^socket$' alice --no-legend credential list hers
expect_fields 'credential list' 'Key:string' alice credential list hers
expect_output "… as JSON" '^\[\{"Key":"socket"\},\{"Key":"tls.key"\},\{"Key":"token"\},\{"Key":"typed"\}\]$' \
        alice --json=short credential list hers
mkdir -p /tmp/bin
# shellcheck disable=SC2016
printf '%s\n' '#!/bin/bash' 'exec runuser -u alice -- env -i PATH=/usr/bin:/bin LANG=C.UTF-8 sh -c "${*: -1}"' >/tmp/bin/ssh
chmod 755 /tmp/bin/ssh
PATH=/tmp/bin:$PATH check "from another host" shruthictl -H alice@far credential set hers far < <(printf %s "far-$secret")
is "… whole" "far-$secret" "$(content hers far)"
check "one is removed" alice credential remove hers far
check "several are removed" alice credential remove hers socket typed
expect_status "what is not there is not removed" 1 alice credential remove hers socket
expect_status "neither all nor one is an error" 2 alice credential remove hers
expect_fail "a name that no key can have is refused" "is not a valid key name" alice credential set hers ../x <<<x
expect_fail "so is too much, with the limit" '870912 bytes' bash -c \
        "head -c 870913 /dev/zero | shruthictl credential set hers big"
expect_fail "and a directory" 'directory' bash -c 'shruthictl credential set hers dir </etc'
expect_fail "and nothing" 'empty' alice credential set hers nothing </dev/null

for user in bob mallory; do
        for verb in "set hers token" "rotate hers token" "remove hers token" "list hers"; do
                # shellcheck disable=SC2086
                expect_fail "$user may not ${verb%% *} alice's" 'Not authorized|authori[sz]ation|Authentication' \
                        as_user $user shruthictl --no-ask-password credential $verb <<<stolen
        done
done
is "alice's is as it was" "$secret" "$(content hers token)"
check "alice gives it to a group" bash -c "groupadd team; usermod -aG team bob; usermod -aG team alice"
check "… of hers" alice set hers Group=team
expect_output "whose members see the names" '^token$' as_user bob shruthictl --no-legend credential list hers

# ── Into the guest, and rotated ──────────────────────────────────────────────────────────────────────────────────
check "it starts" alice start hers
check_soon "the guest has the key" 60 proves hers token "$secret"
check "rotated while it runs" alice credential rotate hers token <<<"second-$secret"
check "the guest has the old one until it is restarted" proves hers token "$secret"
check "restarted" alice restart hers
check_soon "it has the new one" 60 proves hers token "second-$secret
"
check "rotated and restarted at once" alice credential rotate --now hers token < <(printf %s "third-$secret")
check_soon "it has that" 60 proves hers token "third-$secret"
rotates() { for _ in {1..6}; do alice credential rotate --now hers token < <(printf %s "third-$secret") || return; done; }
check "as often as alice asks, which is counted against no limit" rotates
expect_fail "what is not there is not rotated" 'no key' alice credential rotate --now hers nothere <<<x
check "and the guest was not touched for it" unit_is active unikernel@hers
check "with shruthid and its sealer gone it starts all the same" bash -c \
        'systemctl stop shruthid && systemctl mask --now --runtime shruthi-seal.socket && systemctl restart unikernel@hers'
check_soon "with its key" 60 proves hers token "third-$secret"
expect_fail "without the sealer nothing is set, and that is said" 'shruthi-seal.socket' \
        alice credential set hers token <<<x
systemctl unmask --runtime shruthi-seal.socket
systemctl start shruthi-seal.socket

# ── Slow callers, and names that change hands ────────────────────────────────────────────────────────────────────
wait_for 60 no_sealer
as_user alice python3 "$client" slow-credential hers slow >/tmp/slow.answer 2>&1 &
slow=$!
wait_for 60 sealer_pid
# However slow this machine is, alice's content does not come meanwhile.
held=$(sealer_pid | head -n 1)
kill -STOP "$held"
check "while alice's content does not come, bob is served" as_user bob shruthictl credential list hers
check "and root" shruthictl credential list hers
expect_fail "alice's unikernel is not removed meanwhile" 'try again' shruthictl remove --now hers
kill -CONT "$held"
wait $slow
expect_output "hers is given up" 'TimedOut.*10 seconds|CredentialsUnavailable.*in time' cat /tmp/slow.answer
check "then it is removed" alice remove --now hers
is_none "with its keys" "$(find $SEALED $NAMES -type f ! -name .lock)"

check "one more" create hers guest-disk.virtio "Credentials:=['storage']"
check "with a key" alice credential set hers token <<<"$secret"
check "whose definition somebody deletes by hand" rm /var/lib/shruthi/unikernels/hers.unikernel
wait_for 60 bash -c '! shruthictl show hers'
check "bob may have the name" as_user bob python3 "$client" create hers $images/guest-disk.virtio \
        "Networks:=[('service', @a{sv} {})]" "Credentials:=['storage']"
is_none "and has none of alice's keys" "$(as_user bob shruthictl --no-legend credential list hers)"
check "what is sealed and damaged" bash -c "echo damaged >$SEALED/shruthi.hers"
expect_fail "is told" 'was changed, comes from another' as_user bob shruthictl credential list hers
expect_fail "keeps it from starting" 'keys|key material|[Cc]redential' as_user bob shruthictl start hers
check "and is forgotten with --all" as_user bob shruthictl credential remove --all hers
check "then it starts" as_user bob shruthictl start hers
check "and goes" as_user bob shruthictl remove --now hers
check "what is in /etc is its administrator's" bash -c "printf '[Unikernel]\nImage=$images/guest-disk.virtio\n[Network \
service]\n[Credentials storage]\n' >/etc/shruthi/unikernels/admins.unikernel"
wait_for 60 shruthictl show admins
check "who may give it keys" shruthictl credential set admins k <<<x
expect_fail "cannot be removed" 'administrator|NotManaged' shruthictl remove admins
is "and keeps its keys then" k "$(shruthictl --no-legend credential list admins)"

# ── What doctor says ─────────────────────────────────────────────────────────────────────────────────────────────
expect_output "doctor says what seals keys" '"Check":"keys","Status":"ok","Message":"Keys are sealed with this host' \
        shruthictl doctor --json=short
expect_output "and looks at swap" '"Check":"swap","Status":"(ok|warning)"' shruthictl doctor --json=short
systemctl stop shruthi-seal.socket
expect_output "without the sealer it says what to do" 'systemctl enable --now shruthi-seal.socket' shruthictl doctor
systemctl start shruthi-seal.socket

# ── Its own words ────────────────────────────────────────────────────────────────────────────────────────────────
journalctl --sync
expect_fail "the secret is nowhere in the journal" '' bash -c "journalctl -q -b -a --no-pager | grep -F $secret"

finish
