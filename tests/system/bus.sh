#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# org.dream.Shruthi as clients meet it: documented as it is, used by busctl and gdbus alone, by unprivileged users and
# by root without a bus; every error named; and what hostile clients send.

# shellcheck source=tests/system/lib.sh disable=SC2016,SC2034,SC2086
. "$(dirname "$0")/lib.sh"

dest=org.dream.Shruthi
path=/org/dream/Shruthi
manager=$dest.Manager
unikernel=$dest.Unikernel
client=$SRC/tests/client/client.py
images=/srv/images
plain=$images/guest-plain.virtio
guest=$images/guest.virtio

# [USER] METHOD SIGNATURE ARGUMENTS…
call() { busctl --timeout=60 -- call $dest $path $manager "$@"; }
call_as() { local user=$1; shift; as_user "$user" busctl --timeout=60 -- call $dest $path $manager "$@"; }
gdbus_as() {
        local user=$1

        shift
        as_user "$user" gdbus call --system --dest $dest --object-path $path --method "$manager.$1" "${@:2}"
}
# NAME MOMENT: when that was in its start; empty where it is not known.
moment() { call GetUnikernelStartTimes s "$1" | grep -oP "\"$2\" \K[0-9]+"; }
# NAME MOMENT…: they are known, and none was before the one that stands before it.
in_order() {
        local name=$1 times before=0 at moment

        shift
        times=$(call GetUnikernelStartTimes s "$name") || return 1
        for moment; do
                at=$(grep -oP "\"$moment\" \K[0-9]+" <<<"$times") || { echo "no $moment in $times"; return 1; }
                [ "$at" -ge "$before" ] || { echo "$moment comes too early in $times"; return 1; }
                before=$at
        done
}
# NAME MOMENT…: none of them is known.
unknown() {
        local name=$1 times moment

        shift
        times=$(call GetUnikernelStartTimes s "$name") || return 1
        for moment; do
                ! grep -F "\"$moment\"" <<<"$times" || return 1
        done
}
get() { busctl get-property $dest "$path/unikernel/$1" $unikernel "$2"; }
error_name() { gdbus call --system --dest $dest --object-path $path --method "$manager.$1" "${@:2}"; }
pid() { systemctl show --property=MainPID --value shruthid; }

mkdir -p $images
cp $BUILD/tests/guest/guest*.* $images
chmod -R a+rX $images
printf '[Shruthi]\nImageDirectories=%s\nBridgeInterface=virbr0\n' $images >/etc/shruthi/shruthi.conf

systemctl stop shruthid

# --- documentation and introspection ---

compare() {
        busctl introspect --xml-interface $dest "$1" |
                python3 $SRC/tests/client/compare-introspection.py "$SRC/dbus/$2.xml" "$2"
}
check "the bus starts it" call ListUnikernels
expect_output "the manager is what its documentation says" '^[0-9]{2} members' compare $path $manager
check "root creates by path" call CreateUnikernelFromPath 'ssa{sv}' hello $plain 1 Arguments s --exit=7
expect_output "a unikernel is what its documentation says" '^[0-9]{2} members' compare $path/unikernel/hello $unikernel
expect_output "a volume too" '^5 members' compare $path/volume/any $dest.Volume
expect_output "an image too" '^1 members' \
        compare "$path/image/sha256_3a$(printf '%064d' 0)" $dest.Image
check "the documentation is installed" cmp $SRC/dbus/$manager.xml /usr/share/dbus-1/interfaces/$manager.xml
expect_output "its object is listed below the path" '/org/dream/Shruthi/unikernel/hello' busctl tree --list $dest
expect_output "the object manager gives all of it" 'hello.*InvocationID' \
        busctl call $dest $path org.freedesktop.DBus.ObjectManager GetManagedObjects
expect_output "the log level can be seen" 's "info"' \
        busctl get-property $dest /org/freedesktop/LogControl1 org.freedesktop.LogControl1 LogLevel
check "root sets the log level" systemctl service-log-level shruthid.service debug
expect_output "and it is set" 'debug' systemctl service-log-level shruthid.service
check "and back" systemctl service-log-level shruthid.service info
expect_fail "alice does not set the log level" 'denied|Access' as_user alice busctl set-property $dest \
        /org/freedesktop/LogControl1 org.freedesktop.LogControl1 LogLevel s debug
expect_fail "a property cannot be written" '.' busctl set-property $dest $path/unikernel/hello $unikernel Owner u 0

# --- the first unikernel by busctl ---

expect_fail "unknown flags" 'Unknown flags 0x4' call StartUnikernel st hello 4
expect_fail "Remove takes no flags" 'Unknown flags 0x1' call RemoveUnikernel st hello 1
expect_fail "a signal that would hurt" 'use SIGTERM' call KillUnikernel si hello 19
expect_output "it is found by name" "o \"$path/unikernel/hello\"" call GetUnikernel s hello
expect_output "it is found by unit" "o \"$path/unikernel/hello\"" call GetUnikernelByUnit s unikernel@hello.service
uuid=$(get hello UUID | cut -d'"' -f2)
expect_output "it is found by UUID, in either case" "$path/unikernel/hello" call GetUnikernelByUUID s "${uuid^^}"
expect_output "it is stopped and root's" 'a\(ssusso\) 1 "hello" "stopped" 0 "unikernel@hello.service" "" "/org' \
        call ListUnikernels
call StartUnikernel st hello 0 >/dev/null 2>&1
check_soon "its unit has failed by then" 60 unit_is failed unikernel@hello
check_soon "the state is failed" 60 eval '[ "$(get hello State)" = "s \"failed\"" ]'
is "the result is the guest's" 's "exit-status"' "$(get hello Result)"
is "the exit status is the guest's" 'x 7' "$(get hello ExitStatus)"
expect_output "the reason stands in the details" '"Reason" s "exited with status 7' call GetUnikernelDetails s hello
is "the invocation is systemd's" "s \"$(unit_show unikernel@hello InvocationID)\"" "$(get hello InvocationID)"
check "root changes it" call SetUnikernelSettings 'sa{sv}' hello 1 Arguments s 'a "b c" {{d}}'
expect_output "the arguments came out as they went in" '^s "a \\"b c\\" \{d\}"$' call GetUnikernelArguments s hello
check "it starts, failed or not before" call StartUnikernel st hello 0
is "it is running" 's "running"' "$(get hello State)"
is "a running one has no result" 's ""' "$(get hello Result)"
expect_output "its statistics can be had" '"CPUTime" t [1-9]' call GetUnikernelStatistics s hello
expect_output "its domain can be seen" 'unikernel-hello' call GetUnikernelDomainXML s hello
check "the times of its start go from the call to the answer" \
        in_order hello Called Authorized Requested JobMade Answered
check "… over systemd and the runner" \
        in_order hello Requested RunnerBegan HelperAsked Ready UnitActive Answered
check "… its helper and libvirt" \
        in_order hello HelperAsked HelperBegan Planned Connected Addressed Prepared Created Ready
check_soon "… and the guest" 60 in_order hello Prepared FirstByte
check "… with the fork that systemd did" in_order hello Requested RunnerForked UnitActive
called=$(moment hello Called)
check "starting it again is no error" call StartUnikernel st hello 0
is "… and does not count as its start" "$called" "$(moment hello Called)"
expect_fail "it is not removed while it runs" 'stop it first' call RemoveUnikernel st hello 0
check "restart" call RestartUnikernel st hello 0
check "… which is a start of its own" [ "$(moment hello Called)" -gt "$called" ]
called=$(moment hello Called)
begun=$(moment hello RunnerBegan)
run=$(get hello InvocationID)
check "kill by SIGKILL" call KillUnikernel si hello 9
check_soon "its guest is adopted" 60 eval '[ "$(get hello InvocationID)" != "$run" ] && unit_is active unikernel@hello'
check "what systemd knows of that is not of the guest's start" unknown hello RunnerForked UnitActive
is "who adopts the guest knows when it was started, as the runner before it did" "$begun" "$(moment hello RunnerBegan)"
is "… and shruthid knows it too" "$called" "$(moment hello Called)"
check "systemctl restarts it" systemctl restart unikernel@hello
check "a start by others has times but those of shruthid" \
        in_order hello RunnerBegan HelperAsked Ready UnitActive
check "… with the fork" in_order hello RunnerForked UnitActive
check "… which it knows nothing of" unknown hello Called Authorized Requested JobMade Answered
check "kill by SIGTERM" call KillUnikernel si hello 15
check_soon "SIGTERM stops it" 60 unit_is inactive unikernel@hello
is "stopped is no failure" 's "stopped"' "$(get hello Result)"
expect_fail "killing what does not run" 'not running' call KillUnikernel si hello 15
expect_fail "what does not run has no times" 'not running' call GetUnikernelStartTimes s hello
check "stopping what does not run is no error" call StopUnikernel st hello 0
expect_output "with NO_WAIT the answer is systemd's job" '/org/freedesktop/systemd1/job/' \
        call StartUnikernel st hello 1
check_soon "and the job goes on" 60 unit_is active unikernel@hello
check "stop" call StopUnikernel st hello 0
expect_output "who stopped it is known" 'stopped by user root' call GetUnikernelDetails s hello
check "remove" call RemoveUnikernel st hello 0
check "its definition is gone" test ! -e /var/lib/shruthi/unikernels/hello.unikernel
expect_fail "a second time it is not there" 'NoSuchUnikernel|no unikernel' call RemoveUnikernel st hello 0
expect_output "nothing is listed" '^a\(ssusso\) 0$' call ListUnikernels

# --- the same by gdbus and unprivileged users ---

expect_output "alice creates" 'unikernel/mine' gdbus_as alice CreateUnikernelFromPath mine $guest \
        "{'Networks': <[('service', @a{sv} {})]>, 'Memory': <uint64 33554432>}"
is "alice owns it" "u $(id -u alice)" "$(get mine Owner)"
check "alice starts it" gdbus_as alice StartUnikernel mine 0
expect_output "everybody sees that it runs" '"mine" "running"' call_as mallory ListUnikernels
expect_output "everybody sees its properties" 'running' \
        as_user mallory busctl get-property $dest $path/unikernel/mine $unikernel State
for user in bob mallory; do
        for verb in StartUnikernel StopUnikernel RestartUnikernel RemoveUnikernel; do
                expect_fail "$user: no $verb" 'InteractiveAuthorizationRequired|AccessDenied' \
                        gdbus_as $user $verb mine 0
        done
        for verb in GetUnikernelDetails GetUnikernelDefinition GetUnikernelArguments GetUnikernelDomainXML \
                GetUnikernelStatistics GetUnikernelStartTimes ListUnikernelGenerations OpenUnikernelConsole; do
                expect_fail "$user: no $verb" 'InteractiveAuthorizationRequired|AccessDenied' gdbus_as $user $verb mine
        done
        expect_fail "$user: no OpenUnikernelLog" 'InteractiveAuthorizationRequired|AccessDenied' \
                gdbus_as $user OpenUnikernelLog mine '{}'
        expect_fail "$user: no KillUnikernel" 'InteractiveAuthorizationRequired|AccessDenied' \
                gdbus_as $user KillUnikernel mine 9
        expect_fail "$user: no SetUnikernelSettings" 'InteractiveAuthorizationRequired|AccessDenied' \
                gdbus_as $user SetUnikernelSettings mine "{'CPUs': <uint32 1>}"
        expect_fail "$user: no SetUnikernelDefinition" 'InteractiveAuthorizationRequired|AccessDenied' \
                gdbus_as $user SetUnikernelDefinition mine ''
        expect_fail "$user: no UpdateUnikernel" 'InteractiveAuthorizationRequired|AccessDenied' \
                gdbus_as $user UpdateUnikernel mine '{}' '{}'
        expect_fail "$user: no RollbackUnikernel" 'InteractiveAuthorizationRequired|AccessDenied' \
                gdbus_as $user RollbackUnikernel mine 0 '{}'
        expect_fail "$user: no GetUnikernelGeneration" 'InteractiveAuthorizationRequired|AccessDenied' \
                gdbus_as $user GetUnikernelGeneration mine 1
done
for verb in PruneImages Diagnose Reload; do
        expect_fail "alice: no $verb" 'InteractiveAuthorizationRequired|AccessDenied' gdbus_as alice $verb
done
# --- fleets ---

fleet=$dest.Fleet
fleet_of() { echo "$path/fleet/$1_3a$(id -u "$2")"; }
fleet_get() { busctl get-property $dest "$(fleet_of "$1" "$2")" $fleet "$3"; }
# USER NAME METHOD ARGUMENT…
fleet_call() { as_user "$1" gdbus call --system --dest $dest --object-path "$(fleet_of "$2" alice)" --method "$fleet.$3" "${@:4}"; }
digest=sha256:$(sha256sum "$plain" | cut -d' ' -f1)
is "there is no fleet" "a(suuo) 0" "$(call ListFleets)"
busctl monitor --match "type='signal',sender='$dest'" >signals 2>/dev/null &
monitor=$!
wait_for 10 busctl status --system $dest >/dev/null
sleep 1
check "alice makes one" gdbus_as alice CreateUnikernels \
        "[('duo-a-0', '$digest', {'Fleet': <'duo'>}), ('duo-a-1', '$digest', {'Fleet': <'duo'>})]"
is "it is listed" "a(suuo) 1 \"duo\" $(id -u alice) 2 \"$(fleet_of duo alice)\"" "$(call ListFleets)"
is "… and found" "o \"$(fleet_of duo alice)\"" "$(call GetFleet su duo "$(id -u alice)")"
expect_fail "… as alice's only" 'There is no fleet .duo. of the user 0' call GetFleet su duo 0
expect_output "it is what its documentation says" '^[0-9]{2} members' compare "$(fleet_of duo alice)" $fleet
is "its members are counted" "u 2 u 2 u 0" "$(fleet_get duo alice Members) $(fleet_get duo alice Stopped) $(fleet_get duo alice Running)"
check "root makes one of that name" busctl call $dest $path $manager CreateUnikernels 'a(ssa{sv})' 1 duo-b-0 "$digest" 1 Fleet s duo
is "which is another" "u 2 u 1" "$(fleet_get duo alice Members) $(fleet_get duo root Members)"
expect_fail "mallory starts neither" 'InteractiveAuthorizationRequired|AccessDenied' fleet_call mallory duo Start 0
expect_fail "unknown flags" 'Unknown flags 0x4' fleet_call alice duo Start 4
expect_output "alice starts hers" '^\(uint32 2, @a\(sss\) \[\]\)$' fleet_call alice duo Start 0
expect_output "its members are listed for all" "'duo-a-0', 'running', objectpath '$path/unikernel/duo_2da_2d0'" fleet_call mallory duo ListMembers
wait_for 10 eval '[[ $(fleet_get duo alice Running) == "u 2" ]]'
is "they run" "u 2 u 0" "$(fleet_get duo alice Running) $(fleet_get duo alice Stopped)"
is "… and root's does not" "u 0" "$(fleet_get duo root Running)"
check "one of them stops" gdbus_as alice StopUnikernel duo-a-0 0
has_network() { busctl call $dest $path $manager GetNetwork s "$1" >/dev/null 2>&1; }
check "alice has a network made for it" gdbus_as alice CreateNetwork duo-mesh "{'Fleet': <'duo'>}"
check "… and one that is not" gdbus_as alice CreateNetwork duo-own "@a{sv} {}"
check "root has one for a fleet of that name" busctl call $dest $path $manager CreateNetwork 'sa{sv}' roots-mesh 1 Fleet s duo
expect_output "what it is for can be read" "'Fleet': <'duo'>" gdbus_as alice GetNetworkDetails duo-mesh
expect_fail "a fleet has a name" "Fleet: 'a/b' is not a valid name" \
        busctl call $dest $path $manager CreateNetwork 'sa{sv}' wrong-mesh 1 Fleet s a/b
expect_output "what runs is not removed, and said" \
        "^\(uint32 1, \[\('duo-a-1', '$dest.Error.AlreadyRunning', .*stop it first" fleet_call alice duo Remove 0
check "its network stays with what runs" has_network duo-mesh
expect_output "alice stops hers" '^\(uint32 1, @a\(sss\) \[\]\)$' fleet_call alice duo Stop 0
expect_output "… and removes them" '^\(uint32 1, @a\(sss\) \[\]\)$' fleet_call alice duo Remove 0
check "its network is gone with them" eval '! has_network duo-mesh'
check "… the other one is not" has_network duo-own
check "… nor is root's" has_network roots-mesh
check "those are removed by themselves" eval 'call RemoveNetwork s duo-own && call RemoveNetwork s roots-mesh'
expect_fail "the fleet is gone with them" 'UnknownObject|Unknown object' fleet_call alice duo ListMembers
is "… and root's stays" "u 1" "$(fleet_get duo root Members)"
check "… until it goes" call RemoveUnikernel st duo-b-0 0
is "there is none again" "a(suuo) 0" "$(call ListFleets)"
sleep 1
kill $monitor
for signal in FleetNew FleetRemoved PropertiesChanged; do
        expect_output "$signal was sent" "Member=$signal" grep -B5 -A20 "fleet/duo\|STRING \"duo\"" signals
done
digest=sha256:$(sha256sum "$plain" | cut -d' ' -f1)
many() { printf "('%s', '$digest', @a{sv} %s), " "$@" | sed 's/^/[/; s/, $/]/'; }
expect_output "alice creates several by one call, each or not" \
        "unikernel/many1', '', ''\), .*'/', '$dest.Error.InvalidName', .{10}.*unikernel/many2', '', ''" \
        gdbus_as alice CreateUnikernels "$(many many1 '{}' Foo '{}' many2 "{'Memory': <uint64 33554432>}")"
is "they are hers" "u $(id -u alice)" "$(get many2 Owner)"
expect_output "what is there stays what it is" "'/', '$dest.Error.UnikernelExists', .*unikernel/many3', ''" \
        gdbus_as alice CreateUnikernels "$(many many1 '{}' many3 '{}')"
expect_output "the same name twice is one" "unikernel/many4', ''.*'/', '$dest.Error.Busy'" \
        gdbus_as alice CreateUnikernels "$(many many4 '{}' many4 '{}')"
expect_output "what needs an administrator is not asked for" \
        "'/', 'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired', .*unikernel/many5', ''" \
        gdbus_as alice CreateUnikernels "$(many x "{'Owner': <'root'>}" many5 '{}')"
expect_fail "a wrong setting is of the whole call" 'InvalidArgs: many7: .*Foo' \
        gdbus_as alice CreateUnikernels "$(many many6 '{}' many7 "{'Foo': <1>}")"
# shellcheck disable=SC2046
expect_fail "129 are too many" 'LimitExceeded: More than 128' \
        gdbus_as alice CreateUnikernels "$(many $(for i in {1..129}; do echo "many$i {}"; done))"
expect_output "none is none" '^\(@a\(oss\) \[\],\)$' gdbus_as alice CreateUnikernels '@a(ssa{sv}) []'
is "nothing else was created" "many1 many2 many3 many4 many5" \
        "$(call ListUnikernels | grep -o '"many[0-9]*" "' | tr -d '" ' | sort | xargs)"
# Addresses are allocated for all of them together, and each has its own error.
check "a network for many" shruthictl network create bulk --subnet=10.137.0.0/24
check "an image with a network" shruthictl image import "$guest"
with_network=sha256:$(sha256sum "$guest" | cut -d' ' -f1)
# NAME ADDRESS…
addressed() {
        printf "("
        printf "'%s', '$with_network', {'Networks': <[('service', {'Network': <'bulk'>, 'Address': <'%s'>})]>}), (" "$@" | sed 's/, ($//'
}
expect_output "an address is one's, and the others have theirs" \
        "unikernel/bulk1', '', ''.*'/', '$dest.Error.AddressInUse', .*10.137.0.5.*unikernel/bulk3', '', ''" \
        gdbus call --system --dest $dest --object-path $path --method $manager.CreateUnikernels \
        "[$(addressed bulk1 10.137.0.5/24 bulk2 10.137.0.5/24 bulk3 10.137.0.6/24)]"
check "what has none is not there" test ! -e /var/lib/shruthi/unikernels/bulk2.unikernel
expect_output "DHCP knows the others" '10.137.0.6' cat /var/lib/shruthi-hosts/bulk/*/dhcp
for i in 1 3; do
        check "it is removed" call RemoveUnikernel st bulk$i 0
done
is_none "… also from DHCP" "$(cat /var/lib/shruthi-hosts/bulk/*/dhcp)"
check "the network goes" shruthictl network remove bulk
expect_fail "mallory creates none" 'InteractiveAuthorizationRequired|AccessDenied' \
        gdbus_as mallory CreateUnikernels "$(many many9 '{}')"
for i in 1 2 3 4 5; do
        check "they go one by one" gdbus_as alice RemoveUnikernel many$i 0
done
expect_fail "mallory does not create" 'InteractiveAuthorizationRequired|AccessDenied' \
        gdbus_as mallory CreateUnikernelFromPath other $plain '{}'
expect_fail "mallory may not even have an image inspected" 'InteractiveAuthorizationRequired|AccessDenied' \
        as_user mallory python3 $client inspect $plain
check "alice admits a group that alice is in" gdbus_as alice SetUnikernelSettings mine "{'Group': <'shruthi-users'>}"
check "bob, who is in it, manages it then" gdbus_as bob RestartUnikernel mine 0
expect_output "bob reads its details" "'Group': <'shruthi-users'>" gdbus_as bob GetUnikernelDetails mine
expect_fail "mallory does not" 'InteractiveAuthorizationRequired|AccessDenied' \
        gdbus_as mallory GetUnikernelDetails mine
check "alice takes it back" gdbus_as alice SetUnikernelSettings mine "{'Group': <''>}"
expect_fail "bob is out again" 'InteractiveAuthorizationRequired|AccessDenied' gdbus_as bob GetUnikernelDetails mine
expect_fail "alice cannot name a group that alice is not in" 'group' \
        gdbus_as alice SetUnikernelSettings mine "{'Group': <'root'>}"
expect_fail "alice does not give it away" 'owner' gdbus_as alice SetUnikernelSettings mine "{'Owner': <'bob'>}"

# --- many in one call ---

check "root has one, too" call CreateUnikernelFromPath 'ssa{sv}' roots $plain 0
expect_output "root reads all details in one call" '^a\{sa\{sv\}\} 2 ' call ListUnikernelDetails as 0
expect_output "… or those that are named" '^a\{sa\{sv\}\} 1 "roots" ' call ListUnikernelDetails as 2 roots nothere
expect_output "… and the statistics of what runs" '^a\{sa\{sv\}\} 1 "mine" .*"CPUTime" t [1-9]' \
        call ListUnikernelStatistics as 0
for method in ListUnikernelDetails ListUnikernelStatistics; do
        expect_output "alice: $method of alice's unikernel" '^a\{sa\{sv\}\} 1 "mine" ' call_as alice $method as 0
        expect_output "… of no other that alice names" '^a\{sa\{sv\}\} 0$' call_as alice $method as 1 roots
        expect_output "mallory: $method of none" '^a\{sa\{sv\}\} 0$' call_as mallory $method as 0
done
cat >/etc/polkit-1/rules.d/10-secret.rules <<'END'
polkit.addRule(function(action, subject) {
    if (action.id == "org.dream.Shruthi.read-details" && action.lookup("unikernel") == "mine")
        return polkit.Result.NO;
});
END
check_soon "what a rule keeps secret by its name" 60 eval '! gdbus_as alice GetUnikernelDetails mine'
expect_output "… is in no list either" '^a\{sa\{sv\}\} 0$' call_as alice ListUnikernelDetails as 0
rm /etc/polkit-1/rules.d/10-secret.rules
check_soon "… until it is let go" 60 gdbus_as alice GetUnikernelDetails mine
check "root removes it" call RemoveUnikernel st roots 0

check "root gives it away" call SetUnikernelSettings 'sa{sv}' mine 1 Owner s bob
expect_fail "it is not alice's any more" 'InteractiveAuthorizationRequired|AccessDenied' \
        gdbus_as alice StopUnikernel mine 0
check "it is bob's" gdbus_as bob StopUnikernel mine 0
check "bob removes it" gdbus_as bob RemoveUnikernel mine 0

# --- errors have names ---

named() { local desc=$1 name=$2; shift 2; expect_fail "$desc" "GDBus.Error:$name: .{10}" error_name "$@"; }
named "a bad name" $dest.Error.InvalidName CreateUnikernelFromPath Foo $plain '{}'
named "a name that would leave the folder" $dest.Error.InvalidName CreateUnikernelFromPath ../x $plain '{}'
named "no such unikernel" $dest.Error.NoSuchUnikernel StartUnikernel nobody 0
named "no such unit" $dest.Error.NoSuchUnikernel GetUnikernelByUnit ssh.service
named "no such UUID" $dest.Error.NoSuchUnikernel GetUnikernelByUUID 00000000-0000-4000-8000-000000000000
expect_fail "a method of no object" 'UnknownObject' gdbus call --system --dest $dest \
        --object-path $path/unikernel/nobody --method $unikernel.Start 0
named "an unknown setting" org.freedesktop.DBus.Error.InvalidArgs CreateUnikernelFromPath x $plain "{'Foo': <1>}"
named "a field of arguments that there is not" $dest.Error.InvalidDefinition \
        CreateUnikernelFromPath x $plain "{'Arguments': <'{d}'>}"
named "an image for muen" $dest.Error.UnsupportedImage CreateUnikernelFromPath x $images/guest.muen '{}'
expect_fail "… with the way out" 'mirage configure -t virtio' \
        error_name CreateUnikernelFromPath x $images/guest.muen '{}'
named "a missing device" $dest.Error.DeviceMismatch CreateUnikernelFromPath x $guest '{}'
expect_fail "… with the lines to write" '\[Network service\]' error_name CreateUnikernelFromPath x $guest '{}'
named "a bridge that is not there" $dest.Error.NoSuchNetwork CreateUnikernelFromPath x $guest \
        "{'Networks': <[('service', {'Bridge': <'br9'>})]>}"
named "a digest that is not there" $dest.Error.NoSuchImage \
        CreateUnikernelFromDigest x "sha256:$(printf '%064d' 0)" '{}'
named "what is no digest" org.freedesktop.DBus.Error.InvalidArgs CreateUnikernelFromDigest x sha256:1 '{}'
named "another digest than demanded" $dest.Error.DigestMismatch CreateUnikernelFromPath x $plain \
        "{'Digest': <'sha256:$(printf '%064d' 0)'>}"
named "a relative path" $dest.Error.PathNotAllowed CreateUnikernelFromPath x plain '{}'
named "a path with .." $dest.Error.PathNotAllowed CreateUnikernelFromPath x $images/../images/guest-plain.virtio '{}'
named "a missing file" $dest.Error.NoSuchImage CreateUnikernelFromPath x $images/missing '{}'

# What only a start finds has the same names.
mkdir -p /etc/shruthi/unikernels
found() {
        printf '[Unikernel]\nImage=%s\n' "$3" >/etc/shruthi/unikernels/found.unikernel
        check "it is written by hand" gdbus call --system --dest $dest --object-path $path \
                --method $dest.Manager.Reload
        named "$1" $dest.Error.$2 StartUnikernel found 0
}
found "a start without its image" NoSuchImage $images/missing
found "a start of an image for muen" UnsupportedImage $images/guest.muen
found "a start without devices" DeviceMismatch $guest
printf '<domain type="qemu"><name>unikernel-found</name><memory>16384</memory><os><type>hvm</type></os></domain>' \
        >/tmp/foreign.xml
check "somebody has a domain of that name" virsh create /tmp/foreign.xml
found "a start that meets a foreign domain" ForeignDomain $plain
virsh --quiet destroy unikernel-found
rm /etc/shruthi/unikernels/found.unikernel

printf '[Unikernel]\nImage=%s\n' $plain >/etc/shruthi/unikernels/admins.unikernel
check_soon "a definition of the administrator's appears" 60 call GetUnikernel s admins
named "it is not changed" $dest.Error.NotManaged SetUnikernelSettings admins "{'CPUs': <uint32 1>}"
expect_fail "… and its path is named" '/etc/shruthi/unikernels/admins.unikernel' error_name RemoveUnikernel admins 0
printf '[Unikernel]\nImage=%s\nBogus=1\n' $plain >/etc/shruthi/unikernels/admins.unikernel
check_soon "broken by hand it shows as broken" 60 eval '[ "$(get admins State)" = "s \"broken\"" ]'
named "starting a broken one" $dest.Error.InvalidDefinition StartUnikernel admins 0
expect_fail "… names the line" 'admins.unikernel:3' error_name StartUnikernel admins 0
expect_output "… and so do the details" 'admins.unikernel:3' call GetUnikernelDetails s admins
expect_output "… with where it stands" \
        '"DefinitionPath" s "/etc/shruthi/unikernels/admins.unikernel" "Origin" s "config"' \
        call GetUnikernelDetails s admins
systemctl reset-failed unikernel@admins
rm /etc/shruthi/unikernels/admins.unikernel
check_soon "removed by hand it is gone" 60 eval '! call GetUnikernel s admins'
is_none "no failed attempt left a definition" "$(ls /var/lib/shruthi/unikernels)"

# --- files as descriptors ---

cp $plain /home/alice/image
chown alice /home/alice/image
chmod 0600 /home/alice/image
expect_output "alice hands over a file that only alice can read" 'unikernel/handed' \
        as_user alice python3 $client create handed /home/alice/image
expect_output "an image is imported once" '^sha256:' as_user alice python3 $client import /home/alice/image
is "it is stored once" 1 \
        "$(find /var/lib/shruthi/images -maxdepth 1 -type f -name "$(sha256sum <$plain | cut -d' ' -f1)" | wc -l)"
expect_fail "a demanded digest" 'DigestMismatch' \
        as_user alice python3 $client import /home/alice/image "Digest=sha256:$(printf '%064d' 0)"
expect_output "inspection" '^Target=virtio$' as_user alice python3 $client inspect /home/alice/image
expect_output "inspection of another target" '^Problem=built for muen' python3 $client inspect $images/guest.muen
expect_fail "a descriptor for writing only" 'InvalidArgs' as_user alice python3 $client inspect /home/alice/image w
expect_fail "a descriptor without rights" 'InvalidArgs' as_user alice python3 $client inspect /home/alice/image path
expect_fail "a directory" 'InvalidImage' as_user alice python3 $client inspect /home/alice
expect_fail "a socket" 'InvalidImage' as_user alice python3 $client stuck-fd stuck
cp $images/guest.muen /home/alice/muen
expect_fail "another image, with the same checks" 'UnsupportedImage' \
        as_user alice python3 $client set-image handed /home/alice/muen
expect_output "the old one stays" "$(sha256sum <$plain | cut -d' ' -f1)" call GetUnikernelDefinition s handed

# --- log and console ---

check "alice starts it" call_as alice StartUnikernel st handed 0
check_soon "it has written its first line" 60 \
        bash -c "journalctl --unit=unikernel@handed --output=cat | grep -q 'SHRUTHI test guest'"
expect_output "alice, in no journal group, reads its log from the first line" 'SHRUTHI test guest' \
        as_user alice python3 $client log handed 10
expect_output "… to its end" '^END$' as_user alice python3 $client log handed 10
expect_output "… each line an object" '^[0-9]+$' \
        bash -c "$(declare -f as_user); as_user alice python3 $client log handed 10 | grep -v ^END | jq -s length"
expect_output "… with what systemd says" 'Started unikernel@handed.service' as_user alice python3 $client log handed 10
expect_output "the last line only" '^1$' \
        bash -c "$(declare -f as_user); as_user alice python3 $client log handed 10 Lines:='uint32 1' | grep -vc ^END"
expect_fail "a foreign command line is no invocation" 'InvalidArgs' \
        as_user alice python3 $client log handed 1 Invocation=--file=/etc/shadow
logger --journald <<END
MESSAGE=SECRET of somebody else
SHRUTHI_UNIKERNEL=handed
UNIT=unikernel@handed.service
END
journalctl --sync
expect_output "what others write with its name in it is not in it" '^0$' \
        bash -c "$(declare -f as_user); as_user alice python3 $client log handed 10 | grep -c SECRET; true"
expect_output "the console can be opened" '^$' as_user alice python3 $client console handed 1
as_user alice python3 $client create passed /home/alice/image Arguments=alices-word >/dev/null
as_user alice python3 $client parallel 1 StartUnikernel passed >/dev/null
check_soon "alice reads what the unikernel printed" 60 \
        bash -c "$(declare -f as_user); as_user alice python3 $client log passed 10 | grep -q 'alices-word'"
sed -i 's/^Owner=.*/Owner=bob/' /var/lib/shruthi/unikernels/passed.unikernel
check_soon "after it is given to bob, bob reads what systemd says" 60 \
        bash -c "$(declare -f as_user); as_user bob python3 $client log passed 10 | grep -q 'Started unikernel@passed'"
expect_output "… and nothing of what it said when it was alice's" '^0$' \
        bash -c "$(declare -f as_user)
                as_user bob python3 $client log passed 10 | grep -cE 'alices-word|SHRUTHI_OWNER'; true"
expect_output "root reads all of it" 'alices-word' python3 $client log passed 10
as_user alice python3 $client log-many handed 16 >/tmp/held &
check_soon "alice has 16 logs open" 60 grep -q '^16 ' /tmp/held
expect_fail "and no 17th" 'LimitExceeded' as_user alice python3 $client log handed 1
expect_output "bob has a separate limit" 'AccessDenied|InteractiveAuthorizationRequired' \
        bash -c "$(declare -f as_user); as_user bob python3 $client log handed 1; true"
kill "$(cut -d' ' -f2 /tmp/held)"
check_soon "who closes may open again" 60 as_user alice python3 $client log handed 1
check "stop" call_as alice StopUnikernel st handed 0
expect_fail "no console of what does not run" 'NotRunning' as_user alice python3 $client console handed 1

# --- what no honest client sends ---

before=$(pid)
expect_fail "a handle without a descriptor" 'InvalidArgs' as_user alice python3 $client bad-handle 5
expect_fail "a handle below zero" '.' as_user alice python3 $client bad-handle -- -1
expect_fail "more than MessageSizeMax=" 'LimitExceeded' as_user alice python3 $client large 3000000
expect_fail "variants in variants" 'InvalidArgs' as_user alice python3 $client nested 40
expect_output "a thousand calls at once are answered, and those beyond the limit refused" \
        '^[0-9]+ org.dream.Shruthi.Error.LimitExceeded' \
        as_user mallory python3 $client parallel 1000 StopUnikernel handed
expect_output "another is served all the same" 'stopped' call_as bob ListUnikernels
is "it is the same process still" "$before" "$(pid)"

# --- private socket ---

is "the private socket is root's" 'root 600' "$(stat -c '%U %a' /run/shruthi/private)"
expect_fail "alice does not connect" 'ermission denied' \
        as_user alice python3 $SRC/tests/client/private.py ListUnikernels
expect_output "root lists without a bus" 'handed' python3 $SRC/tests/client/private.py ListUnikernels
check "a first call that comes with the authentication is answered" python3 $SRC/tests/client/private-eager.py 20
expect_output "root starts without polkit's word" 'job' python3 $SRC/tests/client/private.py StartUnikernel handed
check "it runs" unit_is active unikernel@handed
expect_output "and stops it" 'job' python3 $SRC/tests/client/private.py StopUnikernel handed
check "alice removes it" call_as alice RemoveUnikernel st handed 0

finish
