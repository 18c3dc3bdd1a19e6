#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Fleets: a plan is carried out the same way twice, what fails is a result, and nothing is left, whatever ended it.

# shellcheck source=tests/system/lib.sh disable=SC2016
. "$(dirname "$0")/lib.sh"
need python3 jq script

mkdir -p /root/plans
cd /root/plans || exit
check "the images are there" cp "$BUILD/tests/guest/guest.spt" "$GUEST" .
virtio=$(basename "$GUEST")

# NAME: a plan of 20 processes, two domains, and one member that fails.
plan() {
        cat >"$1.fleet" <<END
[Fleet]
Seed=7
Duration=12s
Tolerate=5%

[Network lab]
Subnet=10.133.0.0/24

[Group peer]
Image=guest.spt
Count=20
Network=service:lab
Memory=16M
Values=peers.csv
Arguments=--ipv4={service.address} --say=peers+{choose:peer,3} --say=METRIC+known+{known}
Ready=console:^METRIC

[Group domain]
Image=$virtio
Count=2
Network=service:lab
Memory=16M
Start=20/s
Arguments=--ipv4={service.address} --hello --say=<script>alert(1)</script>

[Group bad]
Image=guest.spt
Network=service:lab
Arguments=--exit=7

[Barrier hello]
Group=domain
Console=^Hello, w.rld$
Timeout=2min

[Barrier ready]
Share=90%
Timeout=2min

[Event 2s]
Stop=10% of peer
ExecStart=/bin/sh -c 'echo "\$SHRUTHI_FLEET \$SHRUTHI_SEED" >called'

[Event 5s]
Start=all of peer
Pause=1 of peer

[Event 7s]
Resume=all of peer
Kill=domain-1
ExecStart=/bin/sh -c 'sleep 7777; exit 0'

[Churn peer]
Session=exponential 30s
Absence=fixed 2s
END
        { echo known; seq 0 19; } >peers.csv
}
# FLEET: nothing of it is there.
gone() {
        local members networks fleets
        members=$(shruthictl list --no-legend) && networks=$(shruthictl network list --no-legend) &&
                fleets=$(shruthictl fleet list --no-legend) || return
        ! grep "^$1-" <<<"$members" && ! grep "^$1-" <<<"$networks" && ! grep "^$1 " <<<"$fleets" &&
                ! ls {/root,/home/*}/.local/state/shruthi/fleets/"$1" 2>/dev/null
}

plan alpha
expect_output "check counts the members" '^Members: +23$' shruthictl fleet check alpha.fleet
expect_output "… and their memory" '^Memory: +[0-9.]+M needed' shruthictl fleet check alpha.fleet
expect_output "… and shows addresses" '^  alpha-peer-1  10\.133\.0\.3/24' shruthictl fleet check alpha.fleet
expect_fields 'fleet check' 'Duration:number EntriesLeftOut:number Fleet:string Links:array Members:array MembersThatFit:number MemoryAvailable:number MemoryNeeded:number Schedule:array Seed:string' \
        shruthictl fleet check alpha.fleet
shruthictl fleet check --json=short alpha.fleet >one.json
shruthictl fleet check --json=short alpha.fleet >two.json
check "the same plan means the same" jq -e --slurpfile two two.json \
        '.Members == $two[0].Members and .Schedule == $two[0].Schedule' one.json

check "run" shruthictl fleet run alpha.fleet --results=first
check "nothing is left" gone alpha
check "run again" shruthictl fleet run alpha.fleet --results=second
check "nothing is left again" gone alpha
check "the schedule is the same to the byte" cmp first/schedule.jsonl second/schedule.jsonl
events() { jq -r '[.verb, .who, .planned] | @csv' "$1/events.jsonl"; }
is "the same happened" "$(events first)" "$(events second)"
is "a program was called" "alpha 7" "$(cat called)"
expect_output "events were on time" '^true$' jq -s 'all(.began - .planned < 1)' first/events.jsonl
is "only a program that did not end had a problem" "/bin/sh -c sleep 7777; exit 0: still ran when the run was over" \
        "$(jq -r 'select(.problem) | "\(.who): \(.problem)"' first/events.jsonl)"
is_none "… and it is ended, with its children" "$(pgrep -f '^sleep 7777')"
expect_output "a stop is in the record" '"verb":"stop","cause":"event"' cat first/events.jsonl
expect_output "churn is" '"cause":"churn"' cat first/events.jsonl
check "python reads all results" python3 - first <<'END'
import csv, json, sys, xml.etree.ElementTree as tree
folder = sys.argv[1] + "/"
run = json.load(open(folder + "run.json"))
assert run["Success"] and run["Failed"] == 1 and run["Members"] == 23, run
assert [b["Held"] for b in run["Barriers"]] == [True, True], run
assert all(g["ImageDigest"].startswith("sha256:") for g in run["Groups"]), run
members = {row["name"]: row for row in csv.DictReader(open(folder + "members.csv"))}
assert len(members) == 23
bad = members["alpha-bad-0"]
assert bad["failed"] == "yes" and bad["result"] == "exit-status" and bad["exit_status"] == "7", bad
assert all(row["failed"] == "no" for name, row in members.items() if name != "alpha-bad-0")
peers = [row for row in members.values() if row["group"] == "peer"]
assert len({row["address"] for row in peers}) == 20
assert all(float(row["ready"]) >= float(row["called"]) >= float(row["created"]) for row in peers)
assert all(int(row["sent_packets"]) > 0 and int(row["memory"]) > 0 for row in peers), peers
metrics = list(csv.DictReader(open(folder + "metrics.csv")))
assert {row["value"] for row in metrics} == {str(i) for i in range(20)}, metrics
for line in open(folder + "events.jsonl"):
    json.loads(line)
suite = tree.parse(folder + "junit.xml").getroot().find("testsuite")
assert suite.get("failures") == "0" and suite.get("skipped") == "1", suite.attrib
report = open(folder + "report.html").read()
assert "<script" not in report and "alpha-bad-0" in report and report.count("<svg") == 3
END
expect_output "consoles are there" '^[0-9.]+ peers 10\.133\.0\.' cat first/consoles/alpha-peer-0.log
expect_output "… of domains too" '^[0-9.]+ Hello, world$' cat first/consoles/alpha-domain-0.log
expect_fail "results of two runs do not mix" 'is there already' shruthictl fleet run alpha.fleet --results=first
ln -s /tmp link
expect_fail "… nor go where a link leads" 'is there already' shruthictl fleet run alpha.fleet --results=link
is "they are their owner's" "700 600 700 600" \
        "$(stat -c %a first first/run.json first/consoles first/consoles/alpha-peer-0.log | xargs)"

# Reports, again and compared.
cp first/report.html before.html
rm first/report.html
expect_output "a report is written anew" '^start latency, median, s +[0-9.]+' shruthictl fleet report first
check "… as it was, but for what the files do not have" python3 - before.html first/report.html <<'END'
import re, sys
before, after = (re.sub(r'<svg.*?</svg>', '', open(name).read(), flags=re.S) for name in sys.argv[1:])
words = lambda text: set(re.findall(r'alpha-[a-z]+-[0-9]+|sha256:[0-9a-f]+', text))
assert words(before) == words(after), words(before) ^ words(after)
assert open(sys.argv[2]).read().count("<svg") == 3
END
is "… for its owner" "600" "$(stat -c %a first/report.html)"
expect_output "two are compared" '^seed +7 +7' shruthictl fleet report first second
expect_output "… also their images" '^Groups peer: image +sha256:[0-9a-f]+.* sha256:' shruthictl fleet report first second
check "… for programs" jq -e '.[0].Members == 23 and .[1].Metrics.known.Members == 20 and .[0].Notes == []' \
        <(shruthictl fleet report --json=short first second)
check "… as a page" shruthictl fleet report --quiet --html=both.html first second
is "… with plots" "3" "$(grep -c '<svg' both.html)"
mkdir -p broken/consoles
cp first/members.csv broken
head -c 500 first/run.json >broken/run.json
ln -s /dev/zero broken/metrics.csv
mkfifo broken/events.jsonl
expect_output "what is broken is said" '^broken: run.json is not as it is written' shruthictl fleet report first broken
expect_fail "what is no folder of results is refused" 'has no results of a run' shruthictl fleet report /root

sed 's/^Tolerate=.*/Tolerate=0%/; s/^Duration=.*/Duration=1s/' alpha.fleet >strict.fleet
expect_status "more than is tolerated is a failure" 1 shruthictl fleet run strict.fleet --results=strict
is "… which the results tell" "false" "$(jq .Success strict/run.json)"
sed 's/^Console=.*/Console=^never$/; s/^Timeout=.*/Timeout=3s/' alpha.fleet >barrier.fleet
expect_fail "a barrier that does not hold ends the run" '\[Barrier hello\] does not hold: 0 of 2' \
        shruthictl fleet run barrier.fleet --results=barrier
check "nothing is left of it" gone barrier

# The last entry is carried out; a start that the plan stops is no failure, and a program that fails is one.
cat >last.fleet <<END
[Network lab]
Subnet=10.133.0.0/24
[Group peer]
Image=guest.spt
Count=3
Network=service:lab
Memory=16M
Start=1s
Arguments=--ipv4={service.address}
Ready=console:^never
[Event 3s]
Stop=all of peer
END
check "a plan that stops its own starts" shruthictl fleet run last.fleet --results=last
is "the last entry was done" "3" "$(jq -s '[.[] | select(.verb == "stop" and .ended and .problem == null)] | length' last/events.jsonl)"
is "… and no start has failed" "0" "$(jq .Failed last/run.json)"
sed '/^Ready=/d; s/^Stop=.*/ExecStart=\/bin\/false/' last.fleet >program.fleet
expect_status "a program that fails is a failure" 1 shruthictl fleet run program.fleet --results=program
expect_output "… in junit.xml" '1 of 4 failed; the first is execute /bin/false: exit status 1' cat program/junit.xml
check "nothing is left" gone program

# Programs: their input is empty, and what they leave behind goes with the run, all of it at once.
cat >programs.fleet <<END
[Fleet]
Duration=2s
[Network lab]
Subnet=10.133.0.0/24
[Group peer]
Image=guest.spt
Network=service:lab
Memory=16M
Arguments=--ipv4={service.address}
[Event 0s]
ExecStart=/bin/cat
ExecStart=/bin/sh -c 'sleep 7776 & exit 0'
$(for i in $(seq 8); do echo "ExecStart=/bin/sh -c 'trap \"\" TERM; sleep 777$i & wait; wait'"; done)
END
began=$SECONDS
check "programs that do not end" shruthictl fleet run programs.fleet --results=programs
check "… do not hold up the end" test $((SECONDS - began)) -lt 20
is_none "… nor does what they left go on" "$(pgrep -f '^sleep 777')"
is "… and one that reads finds nothing" "null" "$(jq -r 'select(.who == "/bin/cat") | .problem' programs/events.jsonl)"
sed -i '/trap/d; s/^Duration=.*/Duration=1min/; s/^ExecStart=.bin.cat/ExecStart=\/bin\/sleep 7775/' programs.fleet
shruthictl fleet run programs.fleet --results=programs-2 >out 2>&1 &
pid=$!
wait_for 60 pgrep -f '^/bin/sleep 7775' || cat out
kill -KILL $pid
wait $pid
check "a program is told when shruthictl is killed" wait_for 5 eval '! pgrep -f "^/bin/sleep 7775"'
pkill -f '^sleep 7776'
check "down of it" shruthictl fleet down programs
check "nothing is left of it" gone programs

# More calls at once than the bus waits for.
cat >wide.fleet <<END
[Fleet]
Duration=6s
[Network lab]
Subnet=10.133.0.0/24
[Group peer]
Image=guest.spt
Count=140
Network=service:lab
Memory=8M
Start=never
Arguments=--ipv4={service.address}
[Event 1s]
Stop=all of peer
Pause=peer-3
[Event 2s]
Kill=$(seq -f 'peer-%.0f' -s ' ' 0 139)
[Event 30s]
Start=all of peer
END
expect_output "check says what never happens" 'and 1 lines of \[Event\]' shruthictl fleet check wide.fleet
sed -i 's/^Stop=.*/Start=peer-0/; /^Pause=/d; s/^Kill=/Stop=/' wide.fleet
shruthictl fleet run wide.fleet --results=wide >out 2>&1
is "no call is one too many" "0" "$(jq -s '[.[] | select(.problem)] | length' wide/events.jsonl)"
check "nothing is left of many" gone wide

# Other unikernels stay, whatever their names are.
check "a stranger with such a name" shruthictl create alpha-peer-77 guest.spt --network=service:virbr0
sed 's/^Count=20/Count=78/; s/^\[Fleet\]/&\nName=alpha/; /^Values=/d; s/{known}/1/' alpha.fleet >larger.fleet
expect_fail "a plan does not take what has its members' names" 'alpha-peer-77 is there already: give the fleet another' \
        shruthictl fleet up larger.fleet
check "up" shruthictl fleet up --quiet alpha.fleet
expect_output "list" '^alpha +root +23 +22 +1$' shruthictl fleet list
expect_output "status" '^alpha-peer-3 +running' shruthictl fleet status alpha
expect_fields 'fleet list' 'Failed:number Members:number Name:string Owner:number OwnerName:string Running:number' \
        shruthictl fleet list
expect_fields 'fleet status' 'Name:string Owner:number OwnerName:string State:string' shruthictl fleet status alpha
expect_output "the mark" '^Fleet=alpha$' shruthictl show --property=Fleet alpha-peer-3
# Programs for members.
fexec() { shruthictl fleet exec "$@"; }
is "exec runs a program for each member" "23" "$(fexec --quiet alpha -- echo hello | grep -c '^alpha-[a-z]*-[0-9]*: hello$')"
is "… with its fields" "alpha-peer-3: 3/20 alpha peer 10.133.0.5 10.133.0.5/24 {x}" \
        "$(fexec --quiet --members=peer-3 alpha -- echo '{index}/{count}' '{fleet}' '{group}' '{service.ip}' '{service.address}' '{{x}}')"
is "… of the plan" "alpha-peer-3: 7 3 running" "$(fexec --quiet --members=peer-3 alpha.fleet -- echo '{seed}' '{known}' '{state}')"
# shellcheck disable=SC2016
is "… and its environment" "alpha-peer-4: alpha alpha-peer-4 peer 4 20 running 10.133.0.6 10.133.0.6" \
        "$(fexec --quiet --members=peer-4 alpha -- sh -c 'echo $SHRUTHI_FLEET $SHRUTHI_UNIKERNEL $SHRUTHI_GROUP $SHRUTHI_INDEX \
                $SHRUTHI_COUNT $SHRUTHI_STATE $SHRUTHI_IP $SHRUTHI_SERVICE_IP')"
is "a share is drawn the same each time" "$(fexec --quiet --members='25% of peer' alpha -- echo | sort)" \
        "$(fexec --quiet --members='25% of peer' alpha -- echo | sort)"
is "… of that size" "5" "$(fexec --quiet --members='25% of peer' alpha -- echo | wc -l)"
expect_status "one that fails is a failure" 1 fexec --members='3 of peer' alpha -- sh -c 'exit 3'
expect_fail "… and the summary says so" '3 members: 0 succeeded, 3 failed' fexec --members='3 of peer' alpha -- sh -c 'exit 3'
expect_fail "… with how, and of which" 'exit status 1: alpha-domain-0 alpha-domain-1' \
        fexec --members='all of domain' alpha -- sh -c 'exit 1'
expect_output "all that succeed are a success" '20 members: 20 succeeded, 0 failed' fexec --members='all of peer' alpha -- true
expect_fail "no field, no run" '\{servce.ip\} is no field of .*\{service.ip\}' fexec alpha -- touch '/tmp/no{servce.ip}'
expect_fail "no program, no run" 'not run: .*no-such-program' fexec --members=peer-1 alpha -- no-such-program
expect_fail "no such member" "^--members=peer-99: 'peer-99' is no member" fexec --members=peer-99 alpha -- true
expect_fail "no such group" "'pear' is no member" fexec --members='all of pear' alpha -- true
expect_fail "the program comes behind --" "Write the program behind '--'" fexec alpha
expect_fail "a limit of time" 'took too long: alpha-peer-1' fexec --members=peer-1 --timeout=1s alpha -- sh -c 'sleep 7774 & sleep 7774'
is_none "… for all that it has started" "$(pgrep -f '^sleep 7774')"
check "as JSON" jq -e 'length == 2 and .[0].ExitStatus == 4 and .[0].Output == "a\n" and .[0].Errors == "b\n" and .[0].Signal == null' \
        <(fexec --json=short --members='all of domain' alpha -- sh -c 'echo a; echo b >&2; exit 4')
# shellcheck disable=SC2016
is "not more at a time than told" "3" "$(rm -f peak; : >lock; fexec --quiet --jobs=3 --members='12 of peer' alpha -- sh -c '
        echo + >>peak; sleep 0.3; echo - >>peak' >/dev/null; awk '{n += $1 == "+" ? 1 : -1; if (n > m) m = n} END {print m}' peak)"
shruthictl fleet exec --jobs=4 --members='all of peer' alpha -- sleep 7773 >out 2>&1 &
pid=$!
wait_for 20 pgrep -f '^sleep 7773'
kill -INT $pid
wait $pid
is "an interrupt is a failure" "1" "$?"
expect_output "… which is said" '20 members: 0 succeeded, 20 failed, interrupted' cat out
is_none "… and ends all" "$(pgrep -f '^sleep 7773')"
expect_fail "up twice is refused" 'The fleet alpha is up, or was interrupted .*alpha.fleet\): shruthictl fleet down alpha' \
        shruthictl fleet up alpha.fleet
mv ~/.local/state/shruthi/fleets/alpha hidden
printf '[Fleet]\nName=alpha\n[Group other]\nImage=guest.spt\n' >other.fleet
expect_fail "up twice is refused also if nothing is noted" 'There are 23 members of a fleet alpha of yours' \
        shruthictl fleet up other.fleet
mkdir -p elsewhere/.local/state/shruthi/fleets
printf 'plan /x\nnetwork default\n' >elsewhere/.local/state/shruthi/fleets/alpha
mkdir alpha
check "a network that only has such a name" shruthictl network create alpha-own --subnet=10.136.0.0/24
expect_output "down where nothing is noted says what stays" 'The network alpha-own stays: .*network remove alpha-own' \
        env HOME="$PWD/elsewhere" shruthictl fleet down alpha
expect_fail "… and removes what was made for it" "no network 'alpha-lab'" shruthictl network show alpha-lab
check "… and nothing else" shruthictl network remove alpha-own
mv hidden ~/.local/state/shruthi/fleets/alpha
expect_output "down" 'The fleet alpha is gone, with 0 members' shruthictl fleet down alpha
rmdir alpha
check "up again" shruthictl fleet up --quiet alpha.fleet
expect_output "down" 'The fleet alpha is gone, with 23 members' shruthictl fleet down alpha.fleet
check "a network of its name" shruthictl network create alpha-lab --subnet=10.136.0.0/24
expect_fail "… is not taken for the fleet's" 'The network alpha-lab is there already' shruthictl fleet up alpha.fleet
check "… and stays" shruthictl network remove alpha-lab
check "the stranger stays" shruthictl show alpha-peer-77
expect_fail "a mark is for members by name" "begins with beta-, and 'alpha-peer-77' does not" \
        shruthictl set alpha-peer-77 Fleet=beta
check "and goes by its own" shruthictl remove alpha-peer-77
check "nothing is left" gone alpha
expect_status "a fleet that is not there" 4 shruthictl fleet down alpha

# SIGNAL PATTERN: to a run that has printed that.
interrupt() {
        : >out
        shruthictl fleet run alpha.fleet --results="$3" >out 2>&1 &
        local pid=$!
        wait_for 60 grep -q "$2" out || cat out
        kill -"$1" $pid
        wait $pid
}
interrupt INT 's  running' ctrl-c
is "Ctrl-C is no success" "1" "$?"
is "… and its results say so" "true" "$(jq .Interrupted ctrl-c/run.json)"
check "… with all members" test "$(wc -l <ctrl-c/members.csv)" -eq 24
check "… and nothing is left" gone alpha
: >out
shruthictl fleet run alpha.fleet --results=twice >out 2>&1 &
pid=$!
wait_for 60 grep -q 's  running' out || cat out
kill -INT $pid
sleep 0.1
kill -INT $pid
wait $pid
is "a second Ctrl-C ends it at once" "130" "$?"
check "… and down finds the rest" shruthictl fleet down alpha
check "… and nothing is left" gone alpha
: >out
shruthictl fleet run alpha.fleet --results=hung >out 2>&1 &
pid=$!
wait_for 60 grep -q 's  running' out || cat out
kill -STOP "$(systemctl show -P MainPID shruthid)"
began=$SECONDS
kill -INT $pid
wait $pid
is "Ctrl-C with a shruthid that hangs is a failure" "1" "$?"
check "… after half a minute" test $((SECONDS - began)) -lt 50
expect_output "… which is said" 'shruthid has not answered for 30 seconds, so the run ends without it' cat out
expect_output "… and what to do" 'Nothing of the fleet was removed.*shruthictl fleet down alpha' cat out
is "… with results" "true" "$(jq .Interrupted hung/run.json)"
kill -CONT "$(systemctl show -P MainPID shruthid)"
check "… and down finds it" shruthictl fleet down alpha
check "… and nothing is left" gone alpha
# A connection that is lost is made anew: root has one without a bus.
: >out
DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent shruthictl fleet run alpha.fleet --results=lost >out 2>&1 &
pid=$!
wait_for 60 grep -q 's  running' out || cat out
systemctl restart shruthid
wait $pid
is "a run whose connection is lost is a failure" "1" "$?"
expect_output "… which its results say" 'Lost the connection' jq -r .Problem lost/run.json
expect_output "… with consoles" '^[0-9.]+ peers 10\.133\.0\.' cat lost/consoles/alpha-peer-0.log
check "… and nothing is left" gone alpha
interrupt KILL 's  creating' killed-1
check "down after a kill while members are made" shruthictl fleet down alpha
check "… leaves nothing" gone alpha
interrupt KILL 's  running' killed-2
expect_output "a fleet whose run was killed is listed" '^alpha ' shruthictl fleet list
check "down after a kill in the midst" shruthictl fleet down alpha.fleet
check "… leaves nothing" gone alpha

for pause in 0.05 0.3 0.8 1.5 2.5 4; do
        shruthictl fleet up --quiet alpha.fleet >out 2>&1 &
        sleep $pause
        kill -KILL $! 2>/dev/null
        wait $! 2>/dev/null
        shruthictl fleet down --quiet alpha >out 2>&1
        check "nothing is left of one that was killed after $pause s" gone alpha
done
expect_output "a terminal shows a table" '^GROUP +MEMBERS +ABSENT' script -qec 'shruthictl fleet up alpha.fleet' /dev/null
expect_output "… and down" 'with 23 members' shruthictl fleet down alpha

sed 's/^Count=20/Count=4000/; s/^Memory=16M/Memory=1G/; /^Values=/d; s/{known}/1/; s|/24|/16|' alpha.fleet >huge.fleet
expect_fail "what does not fit is refused before anything is made" 'of memory, and this host has .* would fit' \
        shruthictl fleet up huge.fleet
check "nothing was made" gone huge
printf '[Fleet]\nSeeed=1\n' >wrong.fleet
expect_fail "wrong input has file, line and way out" "wrong.fleet:2: unknown key 'Seeed'.*did you mean 'Seed'" \
        shruthictl fleet check wrong.fleet

# Users.
printf '[Shruthi]\nAllowProcesses=users\n' >/etc/shruthi/shruthi.conf.d/fleet.conf
systemctl try-restart shruthid
for user in alice mallory; do
        install -d -o $user /home/$user/plans
        install -o $user guest.spt /home/$user/plans/
        sed "/^\[Group domain\]/,/^$/d; /^\[Barrier hello\]/,/^$/d; /^Kill=/d; /^Values=/d; s/{known}/1/
                s/^Subnet=.*/Subnet=10.134.0.0\/24/; s/^Count=20/Count=12/; s/^Duration=.*/Duration=8s/
                s/^Tolerate=.*/Tolerate=10%/" alpha.fleet >/home/$user/plans/$user.fleet
done
check "alice runs hers" as_user alice shruthictl fleet run plans/alice.fleet --results=results
check "nothing of it is left" gone alice
is "its members were hers" "13" "$(jq .Members /home/alice/results/run.json)"
sed -i 's/^Count=12/Count=30/' /home/alice/plans/alice.fleet
expect_fail "beyond her limits she is told so" 'UnikernelsMaxPerUser|MemoryMaxPerUser|AddressesMaxPerUser' \
        as_user alice shruthictl fleet up plans/alice.fleet
check "nothing of that is left" gone alice
expect_fail "mallory is refused" '[Aa]uthentication is required|[Nn]ot authorized|administrator' \
        as_user mallory shruthictl fleet up plans/mallory.fleet
check "up as root" shruthictl fleet up --quiet alpha.fleet
expect_fail "what others can write to decides nothing" 'is no folder that only you can write to' \
        as_user alice env XDG_STATE_HOME=/tmp/state sh -c 'mkdir -p /tmp/state/shruthi/fleets && chmod 777 \
                /tmp/state/shruthi/fleets && shruthictl fleet down alpha'
expect_fail "alice does not take down root's" "There is no fleet 'alpha' of yours" \
        as_user alice shruthictl fleet down alpha
check "root does" shruthictl fleet down alpha
check "nothing is left" gone alpha
# NETWORK SUBNET GROUP: a small plan of the name own.
own() {
        printf '[Fleet]\nName=own\nDuration=1s\n[Network %s]\nSubnet=%s\n[Group %s]\nImage=guest.spt\nCount=2\n' "$@"
        printf 'Network=service:%s\nMemory=16M\nArguments=--ipv4={service.address}\n' "$1"
}
own lab 10.134.0.0/24 peer >/home/alice/plans/own.fleet
own two 10.135.0.0/24 other >own.fleet
check "alice has a fleet" as_user alice shruthictl fleet up --quiet plans/own.fleet
expect_status "root has none of that name" 4 shruthictl fleet down own
check "root makes one" shruthictl fleet up --quiet own.fleet
check "… and takes down his" shruthictl fleet down own
expect_output "… and not alice's" '^own-peer-1 ' shruthictl list --no-legend
check "root makes one again" shruthictl fleet up --quiet own.fleet
is "each has its line" "own root 2 own alice 2" \
        "$(shruthictl fleet list --no-legend | awk '$1 == "own" {print $1, $2, $3}' | xargs)"
expect_output "status is of one's own" '^own-other-1 +running +root' shruthictl fleet status own
expect_output "… or of another's" '^own-peer-1 +running +alice' shruthictl fleet status alice:own
complete_fleet() {
        bash -c '. /usr/share/bash-completion/completions/shruthictl
                COMP_WORDS=(shruthictl fleet down "$@") COMP_CWORD=$(($# + 2))
                _shruthictl
                printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}
expect_output "bash completes another's fleet" '^alice:own$' complete_fleet al
expect_output "… behind the colon" '^own$' complete_fleet alice : o
expect_output "… and one's own" '^own$' complete_fleet o
expect_output "fish completes another's fleet" '^alice:own' fish -c 'complete -C "shruthictl fleet down al"'
check "… and takes down his again" shruthictl fleet down own
expect_output "… but as hers" 'The fleet own is gone, with' shruthictl fleet down alice:own
expect_status "… whose networks she takes down" 0 as_user alice shruthictl fleet down own
check "nothing is left" gone own
shruthictl fleet run own.fleet --results=claim-1 >out-1 2>&1 &
first=$!
shruthictl fleet run own.fleet --results=claim-2 >out-2 2>&1
statuses="$?"
wait $first
statuses="$statuses $?"
is_one_of_two() { [[ "$1" == "0 1" || "$1" == "1 0" ]] || { echo "$1"; cat out-1 out-2; false; }; }
check "of two runs of one name, one is refused" is_one_of_two "$statuses"
check "… and nothing is left" gone own

finish
