#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# edit and set: what the user wrote stays, what is wrong is refused, and definitions in /etc and /usr/lib are their
# owners'.

# What is in single quotes is for another shell.
# shellcheck disable=SC2016,SC2034
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

image=$BUILD/tests/guest/guest-plain.virtio
state=/var/lib/shruthi/unikernels
alice() { as_user alice shruthictl "$@"; }
# SCRIPT NAME: edits with a shell script that gets the file as $1.
edit_with() {
        printf '#!/bin/sh\n%s\n' "$1" >/tmp/editor
        chmod 755 /tmp/editor
        as_user alice env SYSTEMD_EDITOR=/tmp/editor shruthictl edit "$2" </dev/null
}
no_leftovers() { ! compgen -G '/tmp/shruthi-*' >/dev/null; }

check "a unikernel to edit" alice create hello "$image" --memory=16M -- --hello

# --- edit

check "a comment and a value are written" \
        edit_with 'sed -i -e "1i # written by alice" -e "s/^Memory=.*/Memory=32M   /" "$1"' hello
expect_output "the comment is there" '^# written by alice$' alice cat hello
expect_output "the value is there" '^33554432$' alice show hello -p Memory --value
check "nothing is left in /tmp" no_leftovers
check "set changes one value" alice set hello Memory=24M CPUs=2
expect_output "… the comment stays" '^# written by alice$' alice cat hello
expect_output "… and the value is new" '^25165824$' alice show hello -p Memory --value
check "enable keeps comments too" alice enable hello
expect_output "… the comment stays" '^# written by alice$' alice cat hello
expect_output "an editor that changes nothing changes nothing" 'is unchanged' edit_with ':' hello
expect_fail "an editor that fails changes nothing" 'nothing was changed' edit_with 'exit 3' hello
expect_fail "a wrong value is refused with its line" 'Memory' edit_with 'sed -i "s/^Memory=.*/Memory=much/" "$1"' hello
expect_output "… the text is kept" 'Your text is kept in /tmp/shruthi-' printf '%s\n' "$output"
kept=$(sed -n 's/^Your text is kept in \(.*\)\.$/\1/p' <<<"$output")
expect_output "… with what was written" '^Memory=much$' cat "$kept"
is "… for nobody else to read" 700 "$(stat -c %a "$(dirname "$kept")")"
rm -r "$(dirname "$kept")"
expect_output "… and the definition is as it was" '^25165824$' alice show hello -p Memory --value
expect_fail "somebody else's change meanwhile is not lost" 'in the meantime' \
        edit_with 'shruthictl set hello CPUs=3; sed -i "s/^Memory=.*/Memory=64M/" "$1"' hello
expect_output "… it is there" '^3$' alice show hello -p CPUs --value
rm -rf /tmp/shruthi-*
expect_fail "another owner wants an administrator" 'administrator' \
        edit_with 'sed -i "s/^Owner=.*/Owner=root/" "$1"' hello
rm -rf /tmp/shruthi-*
expect_fail "others may not edit" '[Aa]uth' \
        as_user mallory env SYSTEMD_EDITOR=true shruthictl --no-ask-password edit hello

cat >/tmp/again.exp <<'END'
set timeout 60
spawn runuser -u alice -- env SYSTEMD_EDITOR=/tmp/editor shruthictl edit hello
expect "Edit it again?" {} timeout { exit 10 }
send "y\r"
expect "Changed hello" {} timeout { exit 11 }
expect eof
lassign [wait] pid spawn os status
exit $status
END
cat >/tmp/editor <<'END'
#!/bin/sh
if grep -q '^Memory=much' "$1"; then value=48M; else value=much; fi
sed -i "s/^Memory=.*/Memory=$value/" "$1"
END
check "on a terminal a refused text can be edited again" expect -f /tmp/again.exp
expect_output "… and is taken then" '^50331648$' alice show hello -p Memory --value
check "nothing is left in /tmp" no_leftovers

# --- /etc is the administrator's

mkdir -p /etc/shruthi/unikernels /usr/lib/shruthi/unikernels
printf '# by hand\n[Unikernel]\nImage=%s\nOwner=alice\n' "$image" >/etc/shruthi/unikernels/admin.unikernel
expect_fail "a definition in /etc is left to its administrator, with its path" \
        'sudoedit /etc/shruthi/unikernels/admin.unikernel' \
        edit_with ':' admin
expect_fail "… by set too" '/etc/shruthi/unikernels/admin.unikernel' alice set admin Memory=64M
expect_fail "… by remove too" '/etc/shruthi/unikernels/admin.unikernel' alice remove admin
expect_fail "… by enable too, which says what does" 'systemctl enable unikernel@' alice enable admin
is "… and is untouched" '# by hand' "$(head -n1 /etc/shruthi/unikernels/admin.unikernel)"
rm /etc/shruthi/unikernels/admin.unikernel

# --- one that a package ships is copied first

printf '# shipped\n[Unikernel]\nImage=%s\nOwner=alice\nMemory=16M\n' "$(alice show hello -p Image --value)" \
        >/usr/lib/shruthi/unikernels/shipped.unikernel
expect_output "one in /usr/lib is copied first" 'Copied from /usr/lib/shruthi/unikernels/shipped.unikernel' \
        edit_with 'sed -i "s/^Memory=.*/Memory=32M/" "$1"' shipped
expect_output "the original is untouched" '^Memory=16M$' cat /usr/lib/shruthi/unikernels/shipped.unikernel
expect_output "the copy has the change and the comments" '^# shipped$' cat $state/shipped.unikernel
expect_output "… and counts" '^33554432$' alice show shipped -p Memory --value
check "remove brings the package's back" alice remove shipped
expect_output "… as it was" '^16777216$' alice show shipped -p Memory --value
rm /usr/lib/shruthi/unikernels/shipped.unikernel

# --- a broken one can be mended

printf '[Unikernel]\nImage=nonsense\nOwner=alice\n' >$state/broken.unikernel
chown shruthi: $state/broken.unikernel
check_soon "a broken definition is shown as broken" 60 bash -c 'shruthictl list broken | grep -q " broken "'
expect_output "… with why" 'Problem:.*nonsense' bash -c 'shruthictl status broken || [ $? -eq 3 ]'
expect_output "… and what to do" 'shruthictl edit broken' bash -c 'shruthictl status broken || [ $? -eq 3 ]'
printf '[Unikernel]\nImage=nonsense\n' >/etc/shruthi/unikernels/admins.unikernel
check_soon "so is one of the administrator's" 60 bash -c 'shruthictl list admins | grep -q " broken "'
expect_output "… which is theirs to mend" 'sudoedit /etc/shruthi/unikernels/admins.unikernel' \
        bash -c 'shruthictl status admins || [ $? -eq 3 ]'
expect_fail "… and no editor is opened for it" 'sudoedit /etc/shruthi/unikernels/admins.unikernel' \
        env SYSTEMD_EDITOR=touch shruthictl edit admins
rm /etc/shruthi/unikernels/admins.unikernel
check "root mends it" env SYSTEMD_EDITOR="sed -i s,^Image=.*,Image=$image," shruthictl edit broken
expect_output "… and it is stopped" '^stopped$' shruthictl show broken -p State --value
check "it is removed" shruthictl remove broken
check "the other is removed" alice remove hello

# --- a running guest is what it was started with

needs_restart() { [ "$(shruthictl show hello -p NeedsRestart --value)" = "$1" ]; }
signals() { grep -c 'member=DefinitionChanged' /tmp/signals; }

check "one that runs" alice create hello "$image" --now --memory=16M -- --idle
dbus-monitor --system "type='signal',sender='org.dream.Shruthi'" >/tmp/signals 2>&1 &
monitor=$!
check_soon "… is watched" 60 grep -q NameAcquired /tmp/signals
expect_output "set says that it goes on" 'shruthictl restart hello' alice set hello Memory=24M
check_soon "the bus is told of a change" 60 grep -q 'member=DefinitionChanged' /tmp/signals
check_soon "… and that it needs a restart" 60 grep -q NeedsRestart /tmp/signals
expect_output "its memory is what it runs with" '^16777216$' alice show hello -p Memory --value
expect_output "list marks it" '^hello  *running, changed ' alice list
expect_output "status shows what it runs with" 'Memory: 16M' alice status hello
expect_output "… and below it what is to come" '^ *Memory=24M$' alice status hello
expect_output "set of nothing but that counts at once" '' alice set hello Memory=16M Restart=always
check "… and it needs none any more" needs_restart no
check "… nor is there anything to come" eval '! alice status hello | grep "Next start"'
check "a drop-in changes it too" bash -c "mkdir $state/hello.unikernel.d &&
        printf '[Unikernel]\nCPUs=2\nArguments=--other\n' >$state/hello.unikernel.d/more.conf"
check_soon "… and it needs a restart" 60 needs_restart yes
expect_output "… with both to come" '^ *CPUs=2$' alice status hello
expect_output "its arguments are what it runs with" '^--idle$' alice show hello -p Arguments --value
check "its supervisor is killed" systemctl kill --kill-whom=main --signal=KILL unikernel@hello
check_soon "… who adopts it" 60 bash -c 'journalctl -u unikernel@hello | grep -q Adopted'
check_soon "… knows it too" 60 needs_restart yes
systemctl restart shruthid
check "… and a new shruthid" needs_restart yes
check "restart" alice restart hello
check "… brings both" needs_restart no
expect_output "… the arguments" '^--other$' alice show hello -p Arguments --value
before=$(signals)
printf 'nonsense\n' >$state/hello.unikernel.d/more.conf
check_soon "a definition that breaks is told of" 60 eval '[ "$(signals)" -gt "$before" ]'
expect_output "… and what runs is still shown" '^2$' shruthictl show hello -p CPUs --value
rm -r $state/hello.unikernel.d
check_soon "… it is mended" 60 bash -c 'shruthictl show hello -p Problem --value | grep -qx ""'
kill $monitor
check "it is removed" alice remove --now hello

finish
