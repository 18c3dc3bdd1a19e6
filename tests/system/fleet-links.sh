#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Fleets with emulated links: what a plan says of links is what its members see, before and after each event; results
# have counters, rules and captures; and a switch that dies or is gone is in the results. How exact the links are is
# what links-proof.sh measures.

# shellcheck source=tests/system/lib.sh disable=SC2016
. "$(dirname "$0")/lib.sh"
need python3 jq

mkdir -p /root/links
cd /root/links || exit
check "the images are there" cp "$BUILD/tests/guest/guest.spt" "$GUEST" .
virtio=$(basename "$GUEST")

# START NAME TARGET…: a member that asks them, one after the other.
prober() {
        cat <<END
[Group $2]
Image=guest.spt
Network=service:lab
Memory=16M
Start=$1
Arguments=--ipv4={service.address} --probe=$3 --probe-count=200 --probe-rate=100 --probe-wait=1
END
}
# NAME SUBNET: two members that answer, one of each body.
responders() {
        cat <<END
[Network lab]
Subnet=$2
Mode=isolated
Emulated=yes
[Group far]
Image=guest.spt
Network=service:lab
Memory=16M
Arguments=--ipv4={service.address} --respond
Ready=console:^responding
[Group domain]
Image=$virtio
Network=service:lab
Memory=16M
Arguments=--ipv4={service.address} --respond
Ready=console:^responding
END
}
gone() {
        local members networks
        members=$(shruthictl list --no-legend) && networks=$(shruthictl network list --no-legend) || return
        ! grep "^$1-" <<<"$members" && ! grep "^$1-" <<<"$networks"
}
switches() { pgrep -c -x shruthi-switch; }

{
        cat <<END
[Fleet]
Name=lab
Seed=3
Duration=24s
Capture=late-0 far-0
CaptureLimit=1M
CaptureBytes=96
END
        responders lab 10.135.0.0/24
        prober 1s early '{far.0.service.ip}'
        prober 1s there '{domain.0.service.ip}'
        prober 7s late '{far.0.service.ip}'
        prober 13s cut '{far.0.service.ip}'
        cat <<END
[Link * *]
Latency=10ms
[Link early *]
Latency=40ms
[Link late far]
Loss=20%
[Event 6s]
Link=late far latency=100ms
[Event 12s]
Partition=cut-0
[Event 18s]
Heal=all
END
} >lab.fleet

expect_output "check shows the rules" '^  shape s[0-9]+ latency=10ms$' shruthictl fleet check lab.fleet
check "… all of them as JSON" jq -e '.Links[0].Rules | contains("member lab-far-0 ")' <(shruthictl fleet check --json=short lab.fleet)
check "run" shruthictl fleet run lab.fleet --results=one
check "nothing is left" gone lab
jq -c '.Links, .Load' one/run.json | sed 's/^/# /'

# RESULTS MEMBER METRIC LEAST MOST
metric() {
        python3 - "$@" <<'END'
import csv, sys
folder, member, metric, least, most = sys.argv[1:]
values = [float(row["value"]) for row in csv.DictReader(open(folder + "/metrics.csv"))
          if row["member"] == member and row["metric"] == metric]
print(f"{member} {metric}: {values}, planned {least} to {most}")
sys.exit(0 if len(values) == 1 and float(least) <= values[0] <= float(most) else 1)
END
}
check "a link is as long as the plan says, both ways" metric one lab-early-0 round-trip-median 0.080 0.095
check "… between a process and a domain" metric one lab-there-0 round-trip-median 0.020 0.035
check "… and after an event as long as that says" metric one lab-late-0 round-trip-median 0.200 0.215
check "… which leaves the other values" metric one lab-late-0 loss 0.25 0.47
check "after a partition all is as before" metric one lab-cut-0 round-trip-median 0.020 0.035
check "… within it nothing passes" python3 - one <<'END'
import csv, json, sys
clock = json.load(open(sys.argv[1] + "/run.json"))["Clock"]
[done] = [float(row["time"]) - clock for row in csv.DictReader(open(sys.argv[1] + "/metrics.csv"))
          if row["member"] == "lab-cut-0" and row["metric"] == "sent"]
print(f"it had its answers {done} s after the clock began, and asked from 13 s on")
sys.exit(0 if done > 20 else 1)
END
check "nothing is lost that is not planned" metric one lab-early-0 lost 0 0
is "the events are in the record" $'link late far latency=100ms\npartition cut-0\nheal all' \
        "$(jq -r 'select(.verb == "link" or .verb == "partition" or .verb == "heal") | "\(.verb) \(.who)"' one/events.jsonl)"
is_none "… without problems" "$(jq -r 'select(.problem) | .problem' one/events.jsonl)"
check "python reads the results of links" python3 - one <<'END'
import csv, json, os, struct, sys
folder = sys.argv[1] + "/"
links = {(row["from"], row["to"]): row for row in csv.DictReader(open(folder + "links.csv"))}
assert all(row["network"] == "lab" for row in links.values())
late = links["lab-late-0", "lab-far-0"]
assert int(late["packets"]) >= 200 and int(late["lost"]) > 10, late
assert int(late["packets"]) == int(late["delivered"]) + int(late["lost"]), late
early = links["lab-early-0", "lab-far-0"]
assert int(early["lost"]) == 0 and int(early["bytes"]) > 200 * 40, early
run = json.load(open(folder + "run.json"))
[lab] = run["Links"]
assert lab["Network"] == "lab" and lab["Summary"]["packets"] >= 1000, lab
assert lab["InTime"] == (not lab["Problems"]), lab
assert 0 < run["Load"]["Busy"] <= 1, run["Load"]
report = open(folder + "report.html").read()
assert ("proves nothing" in report) == (not lab["InTime"])
rules = open(folder + "rules/lab.rules").read()
assert "member lab-far-0 " in rules and "latency=40ms" in rules and "latency=100ms" not in rules
data = open(folder + "captures/lab.pcapng", "rb").read()
assert struct.unpack("<I", data[:4])[0] == 0x0a0d0d0a and len(data) <= 1024 * 1024
at, names, frames = 0, [], 0
while at < len(data):
    kind, size = struct.unpack_from("<II", data, at)
    if kind == 1:
        option = at + 16
        while struct.unpack_from("<H", data, option)[0]:
            code, length = struct.unpack_from("<HH", data, option)
            if code == 2:
                names.append(data[option + 4:option + 4 + length].decode())
            option += 4 + (length + 3) // 4 * 4
    elif kind == 6:
        captured = struct.unpack_from("<I", data, at + 20)[0]
        assert captured <= 96, captured
        frames += 1
    at += size
assert {name.split(":")[0] for name in names} == {"lab-late-0", "lab-far-0"}, names
assert frames > 400, frames
assert os.stat(folder + "captures/lab.pcapng").st_mode & 0o777 == 0o600
END

# The same packets are lost the next time.
lost() { sed -n 's/.*lab-late-0,loss,//p' "$1/metrics.csv"; }
check "run again" shruthictl fleet run lab.fleet --results=two
is "the same share is lost" "$(lost one)" "$(lost two)"
check "the rules are the same to the byte" cmp one/rules/lab.rules two/rules/lab.rules
check "… and so is the schedule" cmp one/schedule.jsonl two/schedule.jsonl

# A switch that is killed goes on, and takes the rules of the next event.
{
        printf '[Fleet]\nName=killed\nDuration=12s\n'
        responders killed 10.135.1.0/24
        prober 7s late '{far.0.service.ip}'
        printf '[Link * *]\nLatency=5ms\n[Event 3s]\nExecStart=/bin/systemctl kill --signal=KILL shruthi-switch.service\n'
        printf '[Event 6s]\nLink=late far latency=60ms\n'
} >killed.fleet
check "a run whose switch is killed" shruthictl fleet run killed.fleet --results=killed
expect_output "… tells that in its report" 'On lab, shruthi-switch was restarted' cat killed/report.html
check "… and goes on by its rules" metric killed killed-late-0 round-trip-median 0.120 0.135
sed 's/^Name=.*/Name=gone/; s/10\.135\.1/10.135.2/; s/^\[Event 6s/[Event 14s/; s/^Duration=.*/Duration=18s/; s/^ExecStart=.*/ExecStart=\/bin\/systemctl mask --runtime --now shruthi-switch.socket shruthi-switch.service/' \
        killed.fleet >gone.fleet
expect_status "one whose switch is gone fails" 1 shruthictl fleet run gone.fleet --results=gone
check "… at the event, and says so" jq -es 'any(.verb == "link" and .problem)' gone/events.jsonl
expect_output "… and proves nothing" 'proves nothing.*Nothing is known of the links of lab' cat gone/report.html
is "… for programs, too" false "$(jq '.Links[0].InTime' gone/run.json)"
check "the switch is back" systemctl unmask --runtime shruthi-switch.socket shruthi-switch.service
check "… and listens" systemctl start shruthi-switch.socket
check "nothing is left of it" gone gone

# A fleet that stays up has its links, and "down" ends them.
sed '/^\[Event/,$d; s/^Name=.*/Name=up/; s/10\.135\.1/10.135.3/; s/^Start=.*/Start=never/' killed.fleet >up.fleet
check "up" shruthictl fleet up up.fleet
check "its links are emulated after shruthictl has ended" shruthictl start up-late-0
check "… by the rules" wait_for 30 eval 'shruthictl logs up-late-0 | grep "METRIC round-trip-median 0.01"'
check "down" shruthictl fleet down up
check "nothing is left" gone up
check_soon "… nor a process of the switch" 90 eval '[ "$(switches)" -le 1 ]'

# Users have it within their limits; their own managers have not.
mkdir -p /home/alice/links
cp guest.spt /home/alice/links
sed "s/^Name=.*/Name=alice/; s/10\.135\.1/192.168.201/; s/$virtio/guest.spt/" up.fleet >/home/alice/links/alice.fleet
chown -R alice: /home/alice/links
expect_fail "there is none with --user" '\[Network lab\] has emulated links, which there are not with --user' \
        as_user alice XDG_RUNTIME_DIR=/home/alice shruthictl --user fleet run /home/alice/links/alice.fleet

finish
