#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shruthictl against the real shruthid, systemd, polkit and libvirt: every verb, its exit status, and what it shows to
# whom.

# What is in single quotes is for another shell.
# shellcheck disable=SC2016
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

images=$BUILD/tests/guest
ctl() { shruthictl "$@"; }
alice() { as_user alice shruthictl "$@"; }
mallory() { as_user mallory shruthictl --no-ask-password "$@"; }
# NAME STATE
state_is() { [ "$(shruthictl show "$1" -p State --value)" = "$2" ]; }
# FILTER EXPECTED COMMAND…: the command's output is JSON for which the filter of jq gives this.
expect_json() {
        local desc=$1 filter=$2 expected=$3
        shift 3
        is "$desc" "$expected" "$("$@" 2>/dev/null | jq -rc "$filter" 2>&1)"
}

# --- images

expect_output "an image says what it is" 'Solo5 target: virtio' alice image inspect "$GUEST"
expect_output "… and which option connects its device" 'create NAME IMAGE --network=service:BRIDGE' \
        alice image inspect "$GUEST"
expect_output "a device called keys is proposed for keys" 'create NAME IMAGE .*--credentials=keys' \
        alice image inspect "$images/guest-keys.virtio"
expect_json "… for programs too" '.Devices[0].Name' service alice --json=short image inspect "$GUEST"
expect_status "an image for another target is a failure" 1 alice image inspect "$images/guest.muen"
expect_fail "… with the way out" 'virtio' alice image inspect "$images/guest.muen"
expect_fail "a folder is no image" 'a directory' alice image inspect /
expect_fail "a missing file is said" 'nothere.*No such file' alice image inspect nothere
digest=$(alice image import "$images/guest-plain.virtio")
is "import prints the digest" "sha256:$(sha256sum "$images/guest-plain.virtio" | cut -d' ' -f1)" "$digest"
expect_output "an image in the store can be inspected" 'Solo5 target: virtio' alice image inspect "$digest"
expect_fail "a demanded digest is enforced" 'sha256:' \
        alice image import --verify="sha256:$(printf '0%.0s' {1..64})" "$GUEST"
expect_output "root sees the store" "$digest" ctl image list
expect_json "… for programs too" 'map(select(.Digest == "'"$digest"'"))[0].UsedBy | length' 0 \
        ctl image list --json=short

# --- create, start, look

expect_fail "a missing device is said, with the option to write" '--network=service' \
        alice create hello "$images/guest-two.virtio" --network=private
check "a unikernel is created" alice create hello "$GUEST" --network=service:virbr0 --memory=16M \
        -- --ipv4=192.168.122.20/24 --hello '--text=two words' --tick=200
expect_output "it is listed as stopped, with its owner" '^hello +stopped +- +alice' alice list
expect_json "… for programs too" '.[] | [.Name, .State, .Owner, .OwnerName]' \
        "[\"hello\",\"stopped\",$(id -u alice),\"alice\"]" \
        alice list --json=short hello
expect_fail "a name that is taken is refused" "already" alice create hello "$GUEST" --network=service
expect_status "status of one that is stopped exits with 3" 3 alice status hello
expect_status "no start is told of one that is stopped" 3 alice analyze hello
expect_fail "… but how to have one" 'shruthictl start --time hello' alice analyze hello
expect_fail "--time waits" '--no-block' alice start --time --no-block hello
expect_output "it starts, and tells where the time went" '^hello: first byte [0-9.]+ ms after the call, ready ' \
        alice start --time hello
expect_output "analyze tells it again" '^hello: first byte [0-9.]+ ms after the call, ready ' alice analyze hello
expect_output "… piece by piece" '^systemd: unit sandbox +[0-9.]+ ms +[0-9.]+ ms ' alice analyze hello
expect_output "a start that was none is no start" 'It was already running' alice start --time hello
expect_json "… for programs too" \
        '.Name, (.Steps | map(.Timestamp) | contains(["RunnerBegan", "FirstByte", "Answered"])), .FirstByte > 0' \
        $'hello\ntrue\ntrue' alice analyze --json=short hello
expect_json "no piece is shorter than nothing" '.Steps | map(select(.Began < 0 or .Took < 0)) | length' 0 \
        alice analyze --json=short hello
expect_output "show gives a bare value" '^running$' alice show hello -p State --value
expect_status "status of one that runs exits with 0" 0 alice status hello
output_of_status=$(alice status hello 2>&1)
for word in 'State: running since' 'Unit: unikernel@hello.service' 'Image: sha256:' 'Solo5 virtio' \
        'network service → bridge virbr0' 'Addresses: 192.168.122.20/24' 'Memory: 16M' 'Owner: alice' \
        'Definition: /var/lib/shruthi/unikernels/hello.unikernel' 'Domain: unikernel-hello' 'hello\[[0-9]+\]: '; do
        expect_output "status shows $word" "$word" printf '%s\n' "$output_of_status"
done
expect_json "status for programs has it too" '[.State, .Memory, .Devices[0].Name, .Statistics.CPUTime > 0]' \
        '["running",16777216,"service",true]' \
        alice --json=short status hello
expect_output "arguments are quoted for MirageOS" '^--ipv4=192.168.122.20/24 --hello --text=two\\ words' \
        alice arguments hello
expect_output "cat shows the definition" '^\[Network service\]' alice cat hello
expect_output "xml shows the domain" '<name>unikernel-hello</name>' alice xml hello
check_soon "the log has the guest's first words" 60 bash -c 'shruthictl logs hello | grep -q "Hello, world"'
expect_output "logs looks as journalctl does" '^[A-Z][a-z]{2} [0-9]{2} [0-9:]{8} sandbox [^ ]+: Hello, world$' \
        alice logs hello
is "logs -n 3 has three lines" 3 "$(alice logs -n 3 hello | wc -l)"
is "logs as JSON is JSON" 3 "$(alice logs -n 3 --json=short hello | jq -r .__REALTIME_TIMESTAMP | wc -l)"
expect_output "logs --output=cat has the messages alone" '^Hello, world$' alice logs --output=cat hello
expect_output "… and short-iso the year" '^20[0-9]{2}-[0-9]{2}-.*: Hello, world$' alice logs -o short-iso hello
expect_output "logs --grep shows what matches" ': Hello, world$' alice logs --grep='^hello, w' hello
is "… and nothing else" 0 "$(alice logs --grep='^hello, w' -o cat hello | grep -cv '^Hello, world$')"
is "… of those the last lines" 2 "$(alice logs --grep=tick -n 2 -o cat hello | grep -c tick)"
expect_output "a capital letter counts" 'No entries' alice logs --grep='HELLO, w' hello
expect_output "logs --since in words" ': Hello, world$' alice logs --since=-1h hello
expect_output "… of those the last lines too" '^tick' alice logs --since=-1h -n 1 -o cat hello
expect_output "… that nothing is of" 'No entries' alice logs --since=tomorrow hello
expect_output "logs --until" 'No entries' alice logs --until=yesterday hello
expect_status "no time is told" 2 alice logs --since=whenever hello
expect_output "logs -b is the current boot" ': Hello, world$' alice logs -b hello
expect_output "another boot than there is" 'No entries' alice logs -b -9 hello
is "logs -p leaves out what is less important" 0 "$(alice logs -p crit -o cat hello 2>/dev/null | grep -c Hello)"
is_none "alice is in no group of the journal" "$(id -Gn alice | tr ' ' '\n' | grep -xE 'adm|systemd-journal|wheel')"
expect_output "logs -f goes on" 'tick' bash -c 'timeout 60 shruthictl logs -f -n 0 hello | grep -m 1 tick'
expect_output "status without a name is about the host" 'Unikernels: 1, 1 running' alice status

# --- JSON: each verb's fields and their types stay what they are, and the man page has them. (Those of verbs that need more
# --- than there is here are where these are tested.)
everybody='ActiveEnterTimestamp:number Autostart:boolean CutOff:boolean ExitStatus:number Generation:number Health:string
        InactiveEnterTimestamp:number InvocationID:string Name:string NeedsRestart:boolean Owner:number
        OwnerName:string Result:string State:string StateChangeTimestamp:number UUID:string Unit:string'
details='Activation:string ActivationState:string StopWhenIdleSec:string UpdateFrom:string UpdateVerify:string Fleet:string AllowedCPUs:string CPUQuota:string
        CPUWeight:string IOReadBandwidthMax:array IOReadIOPSMax:array IOWeight:string IOWriteBandwidthMax:array
        IOWriteIOPSMax:array MemoryHigh:number MemoryMax:number Addresses:array Architecture:string Arguments:string
        BlockedAddresses:array BootMethod:string CPUs:number
        DefinitionPath:string Devices:array DomainName:string DropIns:array Group:string Image:string ImageTarget:string Initrd:string
        Memory:number Origin:string RestartSec:string RestartSteps:string RestartMaxDelaySec:string
        StartLimitIntervalSec:string StartLimitBurst:string Requires:array Wants:array BindsTo:array After:array Before:array
        Conflicts:array PartOf:array Upholds:array OnFailure:array Overrides:array Problem:string Ready:array ReadyTimeoutSec:string Healthy:array
        HealthyIntervalSec:string HealthyRetries:number Watchdog:string Reason:string
        Restart:string Slice:string SubState:string
        TypedAddresses:array WithoutEffect:array'
# WORDS…: sorted, on one line.
sorted() { tr -s ' \n' '\n' <<<"$*" | LC_ALL=C sort | paste -sd' '; }
export LC_ALL=C
expect_fields list 'ActivationState:string Health:string Masked:boolean Name:string NeedsRestart:boolean Owner:number OwnerName:string Result:string State:string Unit:string' alice list
expect_fields show "$(sorted "$everybody" "$details")" alice show hello
expect_fields "show for others" "$(sorted "$everybody")" mallory show hello
expect_fields status "$(sorted "$everybody" "$details" Statistics:object)" alice status hello
expect_fields statistics 'CPUTime:number Devices:array Memory:number Name:string' alice statistics hello
expect_fields analyze 'Answered:number FirstByte:number Name:string Ready:number Steps:array' alice analyze hello
expect_fields cat 'Definition:string Name:string' alice cat hello
expect_fields arguments 'Arguments:string Name:string' alice arguments hello
expect_fields xml 'Name:string XML:string' alice xml hello
expect_fields tree 'Dependencies:array Name:string State:string' alice tree hello
expect_fields 'image list' 'Digest:string Size:number UsedBy:array' ctl image list
expect_fields 'image inspect' \
        "$(sorted Architecture:string BootMethod:string Devices:array Digest:string Hostable:boolean \
        HasManifest:boolean Problem:string Size:number Target:string)" alice image inspect "$digest"
expect_fields 'image import' 'Digest:string Image:string' alice image import "$GUEST"
expect_fields 'network show' \
        "$(sorted Active:boolean Bridge:string DHCPLeases:array DNS:string Emulated:boolean Fleet:string Gateway:string Group:string \
        IPv6DNS:string IPv6Gateway:string IPv6Subnet:string Leases:array Managed:boolean Mode:string Name:string \
        Owner:number OwnerName:string State:string Subnet:string)" ctl network show default
expect_fields 'network list' 'IPv6Subnet:string Managed:boolean Mode:string Name:string Owner:number OwnerName:string State:string Subnet:string' \
        alice network list
expect_fields limits 'Limit:string Max:number Setting:string Used:number' alice limits
expect_fields doctor 'Check:string Fix:string Message:string Status:string' ctl doctor
expect_json "one by its name is an object" type object alice show --json=short hello
expect_json "… for status too" type object alice status --json=short hello
expect_json "a pattern gives an array" type array alice status --json=short 'hel*'
unset LC_ALL
expect_output "statistics shows what is used" '^hello +[0-9]' alice statistics
expect_output "… of what the caller may see" '^0 running' mallory statistics
expect_fail "… and says when it may not" '[Aa]uth' mallory statistics hello

# --- facts by name

expect_status "list knows a name that is not there" 4 alice list nothere
expect_output "… and shows the others" '^hello +running' \
        bash -c 'runuser -u alice -- shruthictl list hello nothere || :'
expect_status "… in a pattern none is no failure" 0 alice list 'nothere*'
expect_status "a property that is not there is told" 2 alice show hello -p NoSuch
expect_fail "… with those that are" "has no property 'NoSuch'. It has: .*Memory.*State" alice show hello -p NoSuch
expect_fail "… of the manager too" "has no property 'NoSuch'. It has: .*Version" alice show -p NoSuch
check "one with an address" alice create addressed "$GUEST" --network=service:virbr0,address=192.168.122.77/24
is "addresses come one a line, bare" 192.168.122.77 "$(alice show addressed -p Addresses --value)"
check "it is gone" alice remove addressed
expect_status "a network that is not there is 4, without a password" 4 alice network show nosuch
expect_fail "… and said so" "There is no network 'nosuch'" alice network show nosuch
expect_fail "create says so too" "libvirt has no active network 'nosuch'" \
        alice create x "$GUEST" --network=service:network=nosuch
expect_fail "… and of a bridge" "this host has no bridge 'br77'" alice create x "$GUEST" --network=service:br77

# --- the console

expect_output "the console can be read through a pipe" 'tick' \
        bash -c 'timeout 60 shruthictl console --follow hello </dev/null | grep -m 1 tick'
expect_status "the end of the input ends it" 0 timeout 60 shruthictl console hello </dev/null
expect_status "… but with --follow it goes on" 124 timeout 3 shruthictl console -f hello </dev/null
cat >/tmp/console.exp <<'END'
set timeout 60
spawn shruthictl console hello
expect "Press ^] three times" {} timeout { exit 10 }
expect "tick" {} timeout { exit 11 }
send "\x1d\x1d\x1d"
expect "Disconnected from the console" {} timeout { exit 12 }
expect eof
lassign [wait] pid spawn os status
exit $status
END
check "^] three times leaves the console" expect -f /tmp/console.exp
check "… and the guest runs on" state_is hello running
cat >/tmp/raw.exp <<'END'
set timeout 60
spawn bash --norc
send "shruthictl console hello; echo ended\$?; stty -a\r"
expect "tick" {} timeout { exit 11 }
exec bash -c "sleep 0.3; kill -TERM \$(pgrep -x -f 'shruthictl console hello')"
expect "ended143" {} timeout { exit 12 }
expect -re {[^-]icanon} {} timeout { exit 13 }
END
check "a signal leaves the terminal as it was" expect -f /tmp/raw.exp

# --- for others

expect_output "others see that it is there" '^hello +running' mallory list
expect_output "others see no more of it" 'Details: for its owner' mallory status hello
expect_output "… no image" '^0$' bash -c "runuser -u mallory -- shruthictl status hello | grep -c Image || :"
for verb in stop restart kill remove analyze cat arguments xml logs console edit enable 'set hello Memory=32M'; do
        # shellcheck disable=SC2086
        case $verb in set*) words=$verb ;; *) words="$verb hello" ;; esac
        # shellcheck disable=SC2086
        expect_fail "others may not $verb" '[Aa]uth' mallory $words </dev/null
done
check "nothing happened to it" state_is hello running
expect_output "show leaves out what is not for others" '^State=running$' mallory show hello
expect_fail "… and says so when asked for it" '[Aa]uth' mallory show hello -p Image

# --- a password, where there is a terminal to ask on

cat >/tmp/password.exp <<'END'
set timeout 60
spawn runuser -u mallory -- shruthictl [lindex $argv 0] hello
expect {
        "assword:" {}
        timeout { exit 10 }
        eof { exit 11 }
}
# pkttyagent drops what is typed between its prompt and its turning the echo off.
for {set i 0} {$i < 300 && ![regexp -- {-echo\M} [exec stty -a -F $spawn_out(slave,name)]]} {incr i} { after 200 }
send "root\r"
expect eof {} timeout { exit 12 }
lassign [wait] pid spawn os status
exit $status
END
check "an administrator's password lets others stop it" expect -f /tmp/password.exp stop
check "… and it stopped" state_is hello stopped

# --- exit statuses

expect_status "no such name is 4" 4 alice start nothere
expect_status "… for status too" 4 alice status nothere
expect_status "… for a pattern that matches none" 4 alice stop 'nothere*'
expect_status "not running is 3 for console" 3 alice console hello
expect_status "not running is 3 for kill" 3 alice kill hello
expect_status "what cannot be a name is 2" 2 alice start Hello
expect_status "an unknown option is 2" 2 alice start --frob hello
expect_status "an unknown verb is 2" 2 alice frob hello
expect_status "a missing operand is 2" 2 alice start
expect_status "a word too many is 2" 2 alice create extra image another
expect_status "a refusal is 1" 1 mallory start hello
for verb in status start stop restart kill pause resume snapshot restore discard remove enable disable logs statistics \
        analyze console wait tree show cat edit arguments xml history diff rollback update 'credential list' \
        'credential remove --all' 'credential set' 'volume show' 'volume remove' 'volume export' 'network show' \
        'network remove'; do
        if [ "$verb" = 'credential set' ]; then words=key; else words=''; fi
        # shellcheck disable=SC2086
        expect_status "$verb: no such name is 4" 4 alice $verb nothere $words </etc/hostname
        # Networks of libvirt's have names of all kinds.
        [ "$verb" != 'network show' ] || continue
        # shellcheck disable=SC2086
        expect_status "$verb: what cannot be a name is 2" 2 alice $verb ../x $words </etc/hostname
done
for verb in kill pause snapshot console analyze statistics; do
        expect_status "$verb: not running is 3" 3 alice $verb hello </dev/null
done
check "help works" alice --help
expect_output "version works" '^shruthi [0-9]' alice --version

# --- many at once, failures

for i in 1 2 3; do
        check "another is created ($i)" alice create "many-$i" "$digest" --memory=16M -- --hello
done
check "a pattern starts them all" alice start 'many-*'
is "… and they run" 3 "$(alice list 'many-*' --no-legend | grep -c ' running ')"
expect_fail "one that runs is not removed" '--now|[Ss]top' alice remove many-1
expect_fail "one failure is told by name, the others go on" 'Cannot stop nothere' alice stop many-1 nothere many-2
is "… and they stopped" 1 "$(alice list 'many-*' --no-legend | grep -c ' running ')"
check "remove --now stops first" alice remove --now 'many-*'
expect_output "… and they are gone" '^0 unikernels listed' alice list 'many-*'
check "--no-block comes back at once" alice start --no-block hello
check_soon "… and it starts" 60 state_is hello running
check "a unit's name is taken for the name" alice stop unikernel@hello.service

check "one that will fail is created" alice create seven "$digest" --now --memory=16M -- --exit-after=1 --exit=7
check_soon "it fails" 60 state_is seven failed
expect_output "status says with what" 'status 7' bash -c 'shruthictl status seven || [ $? -eq 3 ]'
expect_output "… and what to do" '^  shruthictl logs seven' bash -c 'shruthictl status seven || [ $? -eq 3 ]'
expect_output "show has the number" '^7$' alice show seven -p ExitStatus --value
check "it is removed" alice remove seven

# --- ways to name an image

check "an image comes through a pipe" \
        bash -c "cat $GUEST | runuser -u alice -- shruthictl create piped - --network=service"
check "an image is a file of standard input" \
        bash -c "runuser -u alice -- shruthictl create redirected - --network=service <$GUEST"
check "host:PATH names a file of the host" \
        alice create hosted "host:$GUEST" --network=service --verify="sha256:$(sha256sum "$GUEST" | cut -d' ' -f1)"
is "all have the same image" 1 \
        "$(for name in piped redirected hosted; do alice show $name -p Image --value; done | sort -u | wc -l)"
check "they are removed" alice remove piped redirected hosted
expect_fail "terminal input is no image" 'terminal' script -qec "shruthictl create x -" /dev/null

# --- settings

check "it is enabled" alice enable hello
expect_output "… as show says" '^yes$' alice show hello -p Autostart --value
systemctl enable unikernel@hello 2>/dev/null
expect_output "what systemctl enabled is said" 'systemctl disable unikernel@hello' alice disable hello
systemctl disable unikernel@hello 2>/dev/null
check "it is enabled again" alice enable hello
expect_output "it is disabled and stopped, with no more to say" '^$' alice disable --now hello
expect_output "… as show says" '^no$' alice show hello -p Autostart --value
check "arguments of one string pass unchanged" alice set hello '--arguments=--ipv4=192.168.122.20/24  "a b" \x'
expect_output "… as arguments shows" '^--ipv4=192\.168\.122\.20/24  "a b" \\x$' alice arguments hello
check "an image and the devices that it wants are one change" \
        alice set hello --image="$images/guest-plain.virtio" --network= Arguments=--hello
expect_output "… as show says" "^$digest$" alice show hello -p Image --value
expect_fail "an image that wants other devices is refused" '--network|\[Network' alice set hello --image="$GUEST"
expect_fail "an unknown key is refused with the known ones" 'Memory' alice set hello Memroy=64M
check "what is behind -- takes the place of the arguments" alice set hello -- --hello '--text=two words'
expect_output "… quoted as create does" '^--hello --text=two\\ words$' alice arguments hello
check "a setting and arguments go together" alice set hello Memory=24M -- --hello
expect_output "… as show says" '^25165824$' alice show hello -p Memory --value
expect_fail "arguments are given in one way" 'not both' alice set hello --arguments=--a -- --b
expect_fail "an option's fault is told by its name" '^Cannot change hello: --memory=5: less than 1M' \
        alice set hello --memory=5
expect_fail "… and a setting's" '^Cannot change hello: Memory=5: less than 1M' alice set hello Memory=5
expect_fail "… and a device's" '^Cannot create x: --network=service: Address=10.0.0.300/24: ' \
        alice create x "$GUEST" --network=service:virbr0,address=10.0.0.300/24
expect_fail "… and one seen at once" '^--memory= cannot be .big.: ' alice create x "$GUEST" --memory=big
expect_fail "… and braces in the arguments" '^Cannot create x: --arguments=: ' \
        alice create x "$GUEST" --network=service '--arguments={nothing}'

# --- what does not come to anything is told

overrides=/etc/shruthi/unikernels/hello.unikernel.d
mkdir -p $overrides
printf '[Unikernel]\nMemory=20M\n' >$overrides/50-less.conf
expect_output "a setting that a drop-in overrides is told" \
        "^Note: Memory= of hello is overridden in $overrides/50-less.conf: change it there" \
        alice set hello Memory=24M
expect_output "… and others are not" '^$' alice set hello CPUs=1
expect_json "… for programs too" '.Overrides' "[{\"Setting\":\"Memory\",\"Path\":\"$overrides/50-less.conf\"}]" \
        alice show --json=short hello
rm -r $overrides
systemctl mask unikernel@hello 2>/dev/null
expect_output "a masked unit is marked in the list" '^hello +stopped, masked ' alice list
expect_output "… and in status" 'Unit: unikernel@hello.service .masked: systemctl unmask' \
        bash -c 'shruthictl status hello || [ $? -eq 3 ]'
expect_output "enable says that it does not help" 'Note: hello does not start, because its unit is masked' \
        alice enable hello
expect_fail "start says it once" '^Cannot start hello: [^:]*masked' alice start hello
is "… and not twice" 1 "$(alice start hello 2>&1 | grep -o Cannot | wc -l)"
systemctl unmask unikernel@hello 2>/dev/null
expect_output "it is disabled again, without a note" '^$' alice disable hello

# --- errors name what could not be done, and users by name

expect_fail "of a volume" '^Cannot resize volume nothere: There is no volume' alice volume resize nothere 64M
expect_fail "of a volume that is shown" '^Cannot show volume nothere: There is no volume' alice volume show nothere
expect_fail "of a network" '^Cannot create network default: Only an administrator' \
        alice network create default --isolated
expect_fail "of a network's option" '^Cannot create network x: --subnet=: ' \
        alice network create x --subnet=10.128.0.0/33
expect_fail "of a volume's option" '^Cannot create volume x: --group=: ' alice volume create x --size=1M --group=nosuch
expect_fail "of an image" '^Cannot inspect /: ' alice image inspect /
expect_fail "of a key" '^Cannot set key k of nothere: There is no unikernel' \
        alice credential set nothere k </etc/hostname
expect_fail "of facts" '^Cannot show nothere: There is no unikernel' alice show nothere
expect_fail "a group by its name" 'a group that the caller is not in .root.' \
        as_user alice shruthictl --no-ask-password set hello --group=root

# --- definitions in files, without shruthid

mkdir /tmp/check
printf '[Unikernel]\nImage=%s\nOwner=nobody-here\n[Network service]\n' "$GUEST" >/tmp/check/good.unikernel
printf '[Unikernel]\nImage=%s\nMemory=5\n' "$GUEST" >/tmp/check/bad.unikernel
printf '[Unikernel]\nImage=%s\n' "$GUEST" >/tmp/check/wired.unikernel
chmod -R a+rX /tmp/check
systemctl stop shruthid.service
check "a good definition is good" as_user mallory env DBUS_SYSTEM_BUS_ADDRESS=unix:path=/none \
        shruthictl check /tmp/check/good.unikernel
expect_fail "a bad one is told with file and line" '^/tmp/check/bad.unikernel:3: Memory=5: less than 1M' \
        mallory check /tmp/check/good.unikernel /tmp/check/bad.unikernel
expect_fail "devices that the image wants are missed" 'wired.unikernel: .*service' \
        mallory check /tmp/check/wired.unikernel
mkdir /tmp/check/good.unikernel.d
echo 'Memory=1M' >/tmp/check/good.unikernel.d/50.conf
expect_fail "drop-ins beside it count" '^/tmp/check/good.unikernel.d/50.conf:1: ' \
        mallory check /tmp/check/good.unikernel
expect_fail "another name is said" 'must be NAME.unikernel' mallory check /etc/passwd
expect_json "… for programs too" 'map([.Name, .Valid])' '[["wired",false],["bad",false]]' \
        mallory check --json=short /tmp/check/wired.unikernel /tmp/check/bad.unikernel
expect_fields check 'Name:string Note:string Path:string Problem:string Valid:boolean' \
        mallory check /tmp/check/wired.unikernel
is "shruthid was not asked" inactive "$(systemctl is-active shruthid.service)"

# --- what is one's own

expect_output "alice sees the image that alice's unikernel uses" "^$digest .* hello$" alice image list
expect_output "… and mallory does not" '^0 images listed' mallory image list
other=$(alice image import "$images/guest-two.virtio")
expect_output "… and one that alice has imported" "^$other " alice image list
expect_output "… which counts against alice's share" '^Images +[0-9.]+[KM] +4G +StoreSizeMaxPerUser' alice limits
check "root makes one of the same image" ctl create roots "$digest"
expect_output "… which alice is not told of" "^$digest .* hello$" alice image list
check "… and it goes" ctl remove roots
expect_fields limits 'Limit:string Max:number Setting:string Used:number' alice limits
expect_output "alice sees how much of each limit is used" '^Unikernels +1 +16 +UnikernelsMaxPerUser' alice limits
expect_output "… of memory too" '^Memory +56M +1G +MemoryMaxPerUser' alice limits
expect_output "… and CPUs" '^CPUs +1 +16 +CPUsMaxPerUser' alice limits
check "… and of volumes" alice volume create room --size=8M
expect_output "… how many" '^Volumes +1 +64 ' alice limits
expect_output "… and how large" '^VolumesSize +8M +4G ' alice limits
check "it goes" alice volume remove room
expect_output "root may look" '^Memory +56M +1G ' ctl limits alice
expect_output "… and has none" '^Unikernels +0 +no limit ' ctl limits
expect_fail "others may not" '[Aa]uth' mallory limits alice
expect_output "doctor answers whom shruthid tells nothing" 'Only administrators see what it finds' alice doctor
check "its owner removes it" alice remove hello

check "unused images are pruned" bash -c 'shruthictl image prune | grep -q "images removed"'
expect_fields 'image prune' 'Freed:number Removed:array' ctl image prune
expect_output "… and are gone" '^0 images listed' ctl image list

# --- the host, the socket, terminals

expect_json "doctor's checks have verdicts" 'all(.Status == "ok" or .Status == "warning" or .Status == "failed")' \
        true \
        ctl doctor --json=short
expect_json "doctor looks at libvirt" 'map(.Check) | index("libvirt") != null' true ctl doctor --json=short
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent
expect_output "root does without the bus" 'unikernels listed' ctl list
check "… and creates" ctl create private "$images/guest-plain.virtio"
check "… and removes" ctl remove private
expect_fail "others do not" 'system bus' runuser -u alice -- shruthictl list
unset DBUS_SYSTEM_BUS_ADDRESS
expect_output "a terminal has colours" $'\x1b\\[' script -qec 'TERM=xterm shruthictl --no-pager --help' /dev/null
expect_output "NO_COLOR takes them away" '^0$' \
        bash -c "script -qec 'NO_COLOR=1 TERM=xterm SYSTEMD_PAGER= shruthictl --help' /dev/null | grep -c $'\x1b' || :"
check "a guest prints all bytes" \
        shruthictl create binary "$images/guest-plain.virtio" --now -- --binary --exit-after=1
check_soon "they come to the log" 60 bash -c 'shruthictl logs binary | grep x1b'
check "and are made harmless" bash -c "! shruthictl logs binary | grep -q $'\x1b'"
check "it is gone again" ctl remove --now binary

# --- completion of names

check "a unikernel to complete" ctl create completed "$images/guest-plain.virtio"
expect_output "bash completes names" '^completed$' bash -c '
        . /usr/share/bash-completion/completions/shruthictl
        COMP_WORDS=(shruthictl start comp) COMP_CWORD=2
        _shruthictl
        printf "%s\n" "${COMPREPLY[@]}"'
expect_output "fish completes names" '^completed' fish -c 'complete -C "shruthictl start comp"'
check "zsh reads its completion" zsh -c 'fpath=(/usr/share/zsh/site-functions $fpath)
        autoload -Uz compinit && compinit -u -D &&
        [[ ${_comps[shruthictl]} == _shruthictl ]]'
check "it is removed again" ctl remove completed

finish
