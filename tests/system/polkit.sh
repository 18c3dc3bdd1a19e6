#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who may: what polkit and its rules say is what happens, and whatever is not a clear yes is a no. Without the rules,
# without polkit, with one that is late, hangs, fails or talks nonsense, and with callers that do not wait for it.

# shellcheck source=tests/system/lib.sh disable=SC2016,SC2086
. "$(dirname "$0")/lib.sh"

dest=org.dream.Shruthi
path=/org/dream/Shruthi
client=$SRC/tests/client/client.py
rules=/usr/share/polkit-1/rules.d/60-org.dream.Shruthi.rules
fake=/run/polkit-fake
no='InteractiveAuthorizationRequired|AccessDenied'

as() {
        local user=$1

        shift
        as_user "$user" gdbus call --system --dest $dest --object-path $path --timeout 120 \
                --method "$dest.Manager.$1" "${@:2}"
}
as_root() {
        gdbus call --system --dest $dest --object-path $path --method "$dest.Manager.$1" "${@:2}" |
                sed 's/\\n/\n/g'
}
state() { busctl get-property $dest "$path/unikernel/$1" $dest.Unikernel State | cut -d'"' -f2; }
pid() { systemctl show --property=MainPID --value shruthid; }

cp "$BUILD/tests/guest/guest-plain.virtio" /home/alice/image
chown alice /home/alice/image

# --- the shipped rules ---

check "alice creates a unikernel" as_user alice python3 $client create hers /home/alice/image
check "alice starts it" as alice StartUnikernel hers 0
expect_fail "bob does not stop it" "$no" as bob StopUnikernel hers 0
is "it runs on" running "$(state hers)"
expect_fail "bob does not pause it" "$no" as bob PauseUnikernel hers
check "alice does" as alice PauseUnikernel hers
expect_fail "bob does not resume it" "$no" as bob ResumeUnikernel hers
is "it is paused" paused "$(state hers)"
check "alice resumes it" as alice ResumeUnikernel hers
is "it runs again" running "$(state hers)"
is "each action belongs to our user" "$(grep -c '<action id=' /usr/share/polkit-1/actions/org.dream.Shruthi.policy)" \
        "$(grep -c unix-user:shruthi /usr/share/polkit-1/actions/org.dream.Shruthi.policy)"
expect_output "no password is kept for what harms" '^0$' \
        bash -c "for a in start stop restart kill pause resume update remove open-console read-log prune-images remove-network open-links \
                administer set-credential remove-credential list-credentials resize-volume export-volume clone-volume \
                remove-volume; do \
                pkaction --verbose --action-id $dest.\$a; done | grep -c keep; true"
as_shruthi() {
        runuser -u shruthi -- busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 \
                org.freedesktop.systemd1.Manager "$@"
}
expect_fail "our user manages no other unit" "${no}|authentication" as_shruthi RestartUnit ss polkit.service replace
expect_fail "… none whose name only contains ours" "${no}|authentication" \
        as_shruthi StartUnit ss xunikernel@a.service replace
expect_fail "… none of another template" "${no}|authentication" \
        as_shruthi StopUnit ss unikernel-x@hers.service replace
expect_fail "… and enables none" "${no}|authentication" as_shruthi EnableUnitFiles asbb 1 unikernel@hers.service 0 0
expect_fail "a user of ours is not our user" "${no}|authentication" \
        as_user alice busctl call org.freedesktop.systemd1 \
        /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager StopUnit ss unikernel@hers.service replace

# --- an administrator decides otherwise ---

cat >/etc/polkit-1/rules.d/10-test.rules <<'END'
polkit.addRule(function(action, subject) {
    if (action.id == "org.dream.Shruthi.stop" && subject.user == "mallory" && action.lookup("owner") == "alice" &&
        action.lookup("unikernel") == "hers" && action.lookup("unit") == "unikernel@hers.service" &&
        action.lookup("verb") == "stop")
        return polkit.Result.YES;
    if (action.id == "org.dream.Shruthi.start" && subject.user == "alice")
        return polkit.Result.NO;
});
END
check_soon "mallory may stop just that one" 60 as mallory StopUnikernel hers 0
expect_fail "a plain no is AccessDenied, and no password helps" 'DBus.Error.AccessDenied' \
        as alice StartUnikernel hers 0
rm /etc/polkit-1/rules.d/10-test.rules

# --- without the rules file ---

mv $rules /run/rules
check_soon "without the rules even the owner needs a password" 60 eval '! as alice StartUnikernel hers 0'
expect_fail "… and is told that one would help" 'InteractiveAuthorizationRequired' as alice StartUnikernel hers 0
expect_fail "… also to create" 'InteractiveAuthorizationRequired' \
        as_user alice python3 $client create other /home/alice/image
check "an administrator goes on as before" \
        gdbus call --system --dest $dest --object-path $path --method $dest.Manager.StartUnikernel hers 0
check "… and stops it" gdbus call --system --dest $dest --object-path $path --method $dest.Manager.StopUnikernel hers 0
# As packages are unpacked: it is whole when it appears.
cp -a /run/rules $rules.new && mv $rules.new $rules
check_soon "with them it goes again" 60 as alice StartUnikernel hers 0
check "stop" as alice StopUnikernel hers 0

# --- a password agent ---

expect_fail "interactively, without an agent, it is a no" "$no" \
        as_user bob python3 $client interactive StartUnikernel hers

# --- polkit is away ---

systemctl mask --runtime --now polkit.service >/dev/null 2>&1
expect_fail "without polkit it is a no" 'AccessDenied' as alice StartUnikernel hers 0
check "root needs no word of polkit's" as_root SetUnikernelSettings hers "{'Memory': <uint64 50331648>}"
expect_output "… and reads what is not for all" '^Memory=48M' as_root GetUnikernelDefinition hers
expect_output "… also where a second action is asked for" '^Owner=[0-9]+$' \
        eval "as_root SetUnikernelSettings hers \"{'Owner': <'bob'>}\" && as_root GetUnikernelDefinition hers"
check "… and gives it back" as_root SetUnikernelSettings hers "{'Owner': <'alice'>}"
expect_fail "systemd has none to ask about us, and that is what root is told" 'Cannot start: .*polkit' \
        as_root StartUnikernel hers 0
expect_output "everybody sees the list all the same" 'hers' as mallory ListUnikernels
is "it was not started" stopped "$(state hers)"

# --- a polkit that we make misbehave ---

install -d -o polkitd $fake
mode() { echo "$*" >$fake/mode; }
asked() { grep -c "$1" $fake/log; }
mode yes
runuser -u polkitd -- python3 $SRC/tests/client/polkit-fake.py $fake/mode $fake/log &
fake_pid=$!
check_soon "the fake is there" 60 grep -q ready $fake/log
check "its yes is a yes" as alice StartUnikernel hers 0
expect_output "it was asked about a bus name and never a process" 'start system-bus-name flags=0' cat $fake/log
expect_output "… with all details" \
        "\('owner', 'alice'\).*\('unikernel', 'hers'\), \('unit', 'unikernel@hers.service'\), \('verb', 'start'\)" \
        cat $fake/log
check "stop" as alice StopUnikernel hers 0
check "more than users may have is an administrator's to allow" \
        as alice SetUnikernelSettings hers "{'Memory': <uint64 314572800>}"
expect_output "… who is told what it is" "'reason', '300M of memory exceed the limit of a unikernel.*MemoryMax=" \
        cat $fake/log
check "… and takes it back" as_root SetUnikernelSettings hers "{'Memory': <uint64 50331648>}"
as_user alice python3 $client interactive StopUnikernel hers >/dev/null
expect_output "that a password may be asked for is handed on" 'stop system-bus-name flags=1' cat $fake/log
mode no
: >$fake/log
check "root does what it would not let others do" as_root Reload
is "… and polkit was not asked about root" 0 "$(asked reload)"
expect_fail "about others it is asked" 'AccessDenied' as mallory Reload
is "… and has its word" 1 "$(asked reload)"
expect_fail "its no is a no" 'AccessDenied' as alice StartUnikernel hers 0
expect_fail "… also about networks" 'AccessDenied' as alice CreateNetwork lab '@a{sv} {}'
expect_output "… which is asked about by its name" "create-network .*\('network', 'lab'\)" cat $fake/log
mode challenge
expect_fail "a challenge is a no that says so" 'InteractiveAuthorizationRequired' as alice StartUnikernel hers 0
mode error
expect_fail "an error is a no" 'AccessDenied' as alice StartUnikernel hers 0
mode garbage
expect_fail "nonsense is a no" 'AccessDenied' as alice StartUnikernel hers 0
is "none of it started anything" stopped "$(state hers)"

# Polkit has been asked about a start, and thinks.
is_asked() { wait_for 60 grep -q 'Shruthi\.start' $fake/log; }
mode late 10
: >$fake/log
before=$(pid)
as alice StartUnikernel hers 0 >/dev/null &
waiting=$!
is_asked
expect_output "while one waits, others are served" 'hers' as mallory ListUnikernels
check "… and the caller still waits" kill -0 $waiting
wait $waiting
is "and the late yes is a yes" running "$(state hers)"
check "stop" as alice StopUnikernel hers 0

# It is gone when polkit answers: nothing that was looked up before may be used.
: >$fake/log
(is_asked; rm /var/lib/shruthi/unikernels/hers.unikernel) &
expect_fail "removed while polkit thinks" 'NoSuchUnikernel|UnknownObject' as alice StartUnikernel hers 0
mode yes
check "alice creates it again" as_user alice python3 $client create hers /home/alice/image
# It is bob's when polkit answers: the yes was about alice's.
mode late 10
: >$fake/log
(is_asked; sed -i "s/^Owner=.*/Owner=bob/" /var/lib/shruthi/unikernels/hers.unikernel) &
check "given away while polkit thinks" as alice StartUnikernel hers 0
is "polkit was asked again, about the new owner" 1 "$(asked "start .*'owner', 'bob'")"
mode yes
check "stop" as alice StopUnikernel hers 0

mode late 3
: >$fake/log
as_user alice python3 $client leave StartUnikernel hers 3600 &
is_asked
kill "$(pgrep -u alice -f 'leave StartUnikernel')"
check_soon "of a caller who left the question is withdrawn" 60 grep -q cancel $fake/log
sleep 4
is "and nothing is done for a caller that has left" stopped "$(state hers)"

mode hang
started=$SECONDS
expect_fail "one that hangs is a no, before the caller's patience ends" 'AccessDenied' as alice StartUnikernel hers 0
check "… after some 20 s" test $((SECONDS - started)) -ge 15
# It hangs about what mallory wants until the end, so that it matters to no check how quickly the calls arrive.
mode hang-on stop
: >$fake/log
as_user mallory python3 $client parallel 300 StopUnikernel hers >/tmp/parallel 2>&1 &
check_soon "mallory's calls come" 60 grep -q 'stop' $fake/log
check "while mallory's calls hang, alice's are answered" as alice StartUnikernel hers 0
wait $!
expect_output "and mallory has no more than so many" '^44 .*LimitExceeded' cat /tmp/parallel
expect_output "… of which none was let in" '^256 .*AccessDenied' cat /tmp/parallel
is "it is the same process still" "$before" "$(pid)"

# With the name still taken the real one would give up, and what systemd knows of its unit is older than the unmasking.
kill $fake_pid
wait $fake_pid
systemctl unmask --runtime polkit.service
check_soon "the real one starts" 60 eval 'systemctl daemon-reload && systemctl start polkit.service'
check_soon "the real one is back" 60 \
        gdbus call --system --dest $dest --object-path $path --method $dest.Manager.StopUnikernel hers 0

finish
