#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# -H: with an ssh that runs the command here, as another user in another folder, so that what does not cross ssh does
# not cross here either; and through the real one.

# What is in single quotes is for another shell.
# shellcheck disable=SC2016
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

images=$BUILD/tests/guest

# As ssh does: options, "--", a host, and one string for the far user's shell.
mkdir -p /tmp/bin
cat >/tmp/bin/ssh <<'END'
#!/bin/bash
printf '%s\n' "$*" >>/tmp/ssh.log
while [ "$1" != -- ]; do shift; done
[ "$2" = bob@far ] || { echo "ssh: cannot resolve $2" >&2; exit 255; }
[ $# -eq 3 ] || exit 254
exec runuser -u bob -- env -i HOME=/home/bob USER=bob PATH="${FAR_PATH-/usr/bin:/bin}" LANG=C.UTF-8 sh -c "cd; $3"
END
chmod 755 /tmp/bin/ssh
far() { PATH=/tmp/bin:$PATH shruthictl -H bob@far "$@"; }

# Readable here by root alone: the far bob cannot open it.
install -d -m 700 /root/images
cp "$images"/guest-plain.virtio "$images"/guest.virtio /root/images/
cd /root/images || exit 1

check "a local image is created over there" \
        far create hello ./guest-plain.virtio --memory=16M -- --hello '--text=a '\''b" $HOME `id`; *'
expect_output "… for the far user" '^hello +stopped +- +bob' shruthictl list
expect_output "… with every argument as it was" '^--hello --text=a\\ '\''b\\"\\ \$HOME\\ `id`;\\ \*$' \
        far arguments hello
expect_output "it starts, and the time is taken there" '^hello: first byte [0-9.]+ ms after the call' \
        far start --time hello
expect_output "status comes back" 'State: running' far status hello
expect_status "exit statuses come back" 4 far status nothere
expect_status "… 2 too" 2 far start Nothere
expect_json() { is "$1" "$3" "$("${@:4}" | jq -rc "$2")"; }
expect_json "JSON comes back" '.[0].Name' hello far list --json=short
check_soon "logs come back" 60 bash -c 'PATH=/tmp/bin:$PATH shruthictl -H bob@far logs hello | grep -q "Hello, world"'
check "stop and remove" far remove --now hello

expect_output "image inspect sends the file" 'Solo5 target: virtio' far image inspect ./guest.virtio
is "image import sends several" 2 "$(far image import ./guest.virtio guest-plain.virtio | grep -c '^sha256:')"
check "a pipe goes through" bash -c 'cat guest-plain.virtio | PATH=/tmp/bin:$PATH shruthictl -H bob@far create piped -'
check "set --image sends the file" far set piped --image=./guest.virtio --network=service:virbr0
expect_output "… and it is that one" "^sha256:$(sha256sum guest.virtio | cut -d' ' -f1)$" \
        far show piped -p Image --value
check "set Image= does too" far set piped Image=guest-plain.virtio --network=
check "an initial RAM disk goes along" \
        far set piped --image=guest.virtio Network=service:virbr0 --initrd=guest-plain.virtio
expect_output "… and it is that one" "^sha256:$(sha256sum guest-plain.virtio | cut -d' ' -f1)$" \
        far show piped -p Initrd --value
check "removed" far remove piped
check "host:PATH is a file over there" far create hosted "host:$images/guest-plain.virtio"
check "removed" far remove hosted
expect_fail "a file that is missing here never gets there" 'nothere.*No such file' far create x nothere
truncate -s 32M content
printf 'in the middle' | dd of=content bs=1 seek=20000000 conv=notrunc status=none
check "a volume is made over there" far volume import data content
expect_output "… of the far user's" '^data +32M .* bob' far volume list
check "it comes back into a file that is here" far volume export data back
check "… and is the same" cmp content back
check "… with its holes" test "$(($(stat -c '%b * %B' back)))" -lt 1048576
check "… and on standard output" bash -c 'PATH=/tmp/bin:$PATH shruthictl -H bob@far volume export data | cmp - content'
check "standard input goes there" bash -c 'PATH=/tmp/bin:$PATH shruthictl -H bob@far volume import piped <content'
check "… and is the same" bash -c 'PATH=/tmp/bin:$PATH shruthictl -H bob@far volume export piped - | cmp - content'
expect_fail "what fails over there leaves no file here" 'no volume' far volume export nothere other
expect_fail "… nor spoils one" 'no volume' far volume export nothere back
check "it is as it was" cmp content back
is "nothing is beside it" back "$(ls -d back* other* 2>/dev/null)"
expect_fail "nothing binary goes to a terminal" 'not written to a terminal' \
        script -qec 'PATH=/tmp/bin:$PATH shruthictl -H bob@far volume export data' /dev/null
check "volumes are removed" far volume remove data piped
cp guest.virtio /tmp/hostile"'; touch pwned; '".virtio
check "a hostile file name is only a name" far image inspect "/tmp/hostile'; touch pwned; '.virtio"
check "hostile words stay words" \
        bash -c '! PATH=/tmp/bin:$PATH shruthictl -H bob@far start "x; touch pwned" "\$(touch pwned)" "a
touch pwned"'
check "nothing was run" bash -c '! compgen -G "/home/*/pwned" && ! compgen -G "/root/**/pwned" && ! [ -e /tmp/pwned ]'
expect_fail "an option as a host is refused" 'HOST' shruthictl -H -oProxyCommand=touch list
expect_fail "a host that is not there is said" 'connection to bob@nowhere' \
        env PATH="/tmp/bin:$PATH" shruthictl -H bob@nowhere list
expect_fail "no shruthictl over there is said" 'no shruthictl on bob@far' \
        env FAR_PATH=/nonexistent:/usr/sbin PATH="/tmp/bin:$PATH" \
        shruthictl -H bob@far list
check "the predecessor's command works there" far instance create --name legacy --kernel "$images/guest-plain.virtio" \
        --kernel-parameters '--hello --tick=1000'
expect_output "… created and started" '^running$' far show legacy -p State --value
cat >/tmp/edit.exp <<'END'
set timeout 60
spawn env PATH=/tmp/bin:/usr/sbin:/usr/bin:/sbin:/bin shruthictl -H bob@far console legacy
expect "tick" {} timeout { exit 10 }
exec grep -q -- " -t " /tmp/ssh.log
close
wait
END
check "on a terminal, ssh is asked for one" expect -f /tmp/edit.exp
check "removed" far remove --now legacy
head -c 3M /dev/zero >big
cat >/tmp/progress.exp <<'END'
set timeout 60
spawn env PATH=/tmp/bin:/usr/sbin:/usr/bin:/sbin:/bin shruthictl -H bob@far image import big
expect "Sending*of 3M" {} timeout { exit 10 }
expect "100%" {} timeout { exit 11 }
expect "sha256:" {} timeout { exit 12 }
expect eof
END
check "progress is shown on a terminal" expect -f /tmp/progress.exp

# --- the real ssh

mkdir -p /run/sshd /home/bob/.ssh /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /home/bob/.ssh/authorized_keys
chown -R bob: /home/bob/.ssh
chmod 700 /home/bob/.ssh
ssh-keygen -q -A
/usr/sbin/sshd -o ListenAddress=127.0.0.1 -o UsePAM=no
printf 'Host node\n  HostName 127.0.0.1\n  User bob\n  StrictHostKeyChecking no\n' >/root/.ssh/config
check_soon "an image goes through the real ssh" 60 \
        shruthictl -H node create really ./guest-plain.virtio --now -- --hello
check "so does a volume" shruthictl -H node volume import saved content
check "… and back" shruthictl -H node volume export saved again
check "… and is the same" cmp content again
check "removed" shruthictl -H node volume remove saved
expect_output "… as the far user" '^really +running +- +bob' shruthictl -H node list
check "removed" shruthictl -H node remove --now really

finish
