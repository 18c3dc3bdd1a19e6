#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Packages: tshark python3-pandas python3-prometheus-client r-base-core
#
# A folder of results opens as it is: the tables with pandas and R, the captures with tshark, the series with Prometheus'
# own reader. Captures have what their filter lets through and nothing else, and a filter that is none is refused before
# anything is made.

# shellcheck source=tests/system/lib.sh disable=SC2016
. "$(dirname "$0")/lib.sh"
need python3 tshark Rscript

mkdir -p /root/results
cd /root/results || exit
check "the image is there" cp "$BUILD/tests/guest/guest.spt" .

# LINE…: a plan with these in [Fleet].
plan() {
        printf '%s\n' '[Fleet]' Name=res Seed=5 Duration=10s "$@"
        cat <<'END'
[Network lab]
Subnet=10.136.0.0/24
Mode=isolated
Emulated=yes
[Group far]
Image=guest.spt
Count=2
Network=service:lab
Memory=16M
Arguments=--ipv4={service.address} --respond
Ready=console:^responding
[Group near]
Image=guest.spt
Count=2
Network=service:lab
Memory=16M
Start=1s
Arguments=--ipv4={service.address} --probe={far.0.service.ip} --probe-count=100 --probe-rate=100 --probe-wait=1
[Link near far]
Latency=20ms
Loss=10%
Direction=forward
[Event 6s]
Pause=far-1
[Event 7s]
Resume=far-1
END
}

# What is no filter, or no end of a link, is refused with the value and what libpcap says of it, before anything exists.
refuse() {
        local desc=$1 regex=$2
        shift 2
        plan "$@" >res.fleet
        expect_fail "refused at check: $desc" "$regex" shruthictl fleet check res.fleet
}
refuse "a filter that is none" '^.*res\.fleet:5: CaptureFilter=udp prt 5: .*syntax error: write a filter in the language of tcpdump' \
        'CaptureFilter=udp prt 5' Capture=all
refuse "a port that is none" 'CaptureFilter=port 70000: .*illegal port number 70000' 'CaptureFilter=port 70000'
refuse "the name of a host" "unknown host 'gossip.example'" 'CaptureFilter=host gossip.example'
refuse "what only a live capture knows" 'CaptureFilter=inbound: ' CaptureFilter=inbound
refuse "what would loop" 'CaptureFilter=ip6 protochain 17: .*jumps back' 'CaptureFilter=ip6 protochain 17'
refuse "what a shell would run" 'CaptureFilter=\$\(touch /root/results/ran\); touch ran: ' \
        'CaptureFilter=$(touch /root/results/ran); touch ran'
refuse "an option" 'CaptureFilter=--version: ' CaptureFilter=--version
refuse "a control character" '5: control character 0x1b: remove it' $'CaptureFilter=udp \e[31m'
refuse "what is longer than 4096 bytes" '5: CaptureFilter= is longer than 4096 bytes' \
        "CaptureFilter=udp$(printf ' or port %d' {1000..1400})"
refuse "what becomes too many instructions" '(the filter has more than 1024 instructions|it takes too long to compile)' \
        "CaptureFilter=udp port 999$(printf ' or %d' {1000..1500})"
check "… nothing ran" test ! -e ran
refuse "a link with one end" "CaptureLink=near: write the two ends" CaptureLink=near
refuse "a link to nobody" "CaptureLink=near nobody: 'nobody' is no member, group or region" 'CaptureLink=near nobody'
refuse "a link twice" 'CaptureLink=near far: a line before it has these links' 'CaptureLink=near far' 'CaptureLink=near far'
expect_fail "a run is refused, too" 'CaptureFilter=udp prt 5: ' eval \
        'plan "CaptureFilter=udp prt 5" >res.fleet; shruthictl fleet run res.fleet --results=none'
check "… without results" test ! -e none
check "… and without members" eval '! shruthictl list --no-legend | grep "^res-"'
filter=/usr/libexec/shruthi/shruthi-filter
is "a filter becomes a program" '4,40:0:0:12,21:0:1:2054,6:0:0:65535,6:0:0:0' "$($filter -- arp)"
check "… as another user's, too" as_user alice $filter -- 'udp port domain'
expect_fail "it can ask no server" 'socket\(.*EPERM' strace -f -e trace=socket $filter -- 'host gossip.example'

plan Capture=all 'CaptureLink=near-0 far-0' 'CaptureLink=* *' 'CaptureFilter=udp and host 10.136.0.2' >res.fleet
sed -n '/^\[Network/,$p; /^Name\|^Seed\|^Dur\|^\[Fl/p' res.fleet >/dev/null
check "the plan is one" shruthictl fleet check res.fleet
shruthictl fleet check --json=short res.fleet | python3 -c '
import json, sys
print("\n".join(m["Name"] + " " + str(m.get("Address", m)) for m in json.load(sys.stdin)["Members"]))' | sed 's/^/# /'
check "a run with filtered captures" shruthictl fleet run res.fleet --results=one
find one -type f -printf '# %P %s\n' | sort
plan Capture=near-0 >res.fleet
check "a run without a filter" shruthictl fleet run res.fleet --results=all

# Wireshark.
count() { tshark -r "$1" ${2:+-Y "$2"} 2>/dev/null | wc -l; }
main=one/captures/lab.pcapng link=one/captures/lab.near-0.far-0.pcapng every=one/captures/lab.all.all.pcapng
check "tshark reads the capture by member" tshark -r $main -c 1
is "… its interfaces are the members" "res-far-0 res-near-0 res-near-1" \
        "$(tshark -r $main -T fields -e frame.interface_name 2>/dev/null | sort -u | paste -sd ' ')"
check "… it has what the filter lets through" test "$(count $main 'udp && ip.addr == 10.136.0.2')" -gt 500
is "… and nothing else" 0 "$(count $main '!(udp && ip.addr == 10.136.0.2)')"
check "… which a capture without it has" test "$(count all/captures/lab.pcapng '!udp')" -gt 0
is "… of its members alone" res-near-0 \
        "$(tshark -r all/captures/lab.pcapng -T fields -e frame.interface_name 2>/dev/null | sort -u | paste -sd ' ')"
is "a link is an interface for each direction" 'res-far-0>res-near-0 res-near-0>res-far-0' \
        "$(tshark -r $link -T fields -e frame.interface_name 2>/dev/null | sort -u | paste -sd ' ')"
is "all links: those that carried something" \
        'res-far-0>res-near-0 res-far-0>res-near-1 res-near-0>res-far-0 res-near-1>res-far-0' \
        "$(tshark -r $every -T fields -e frame.interface_name 2>/dev/null | sort -u | paste -sd ' ')"
fields=(-T fields -E "separator=," -e frame.time_epoch -e frame.interface_name -e frame.packet_flags_direction -e udp.payload)
tshark -r $link "${fields[@]}" >link.fields 2>/dev/null
check "delay and loss of a link are in its capture" python3 - one <<'END'
import csv, statistics, sys
sent, got, delays = {}, 0, []
for row in csv.reader(open("link.fields")):
    time, name, direction, payload = float(row[0]), row[1], int(row[2], 0), row[3]
    if name != "res-near-0>res-far-0":
        continue
    if direction == 2:
        sent[payload] = time
    else:
        got += 1
        delays.append(time - sent[payload])
loss = 1 - got / len(sent)
print(f"{len(sent)} entered, {got} left: loss {loss:.3f}, delay {min(delays):.4f} to {max(delays):.4f}, "
      f"median {statistics.median(delays):.4f}")
[link] = [row for row in csv.DictReader(open(sys.argv[1] + "/links.csv"))
          if (row["from"], row["to"]) == ("res-near-0", "res-far-0")]
print(link)
assert int(link["packets"]) == len(sent) and int(link["delivered"]) == got, link
assert 0.01 < loss < 0.25
assert 0.020 <= min(delays) and statistics.median(delays) < 0.025, delays
END

# Python.
check "pandas reads the tables" python3 - one <<'END'
import sys
import pandas
folder = sys.argv[1] + "/"
members = pandas.read_csv(folder + "members.csv")
assert list(members["name"]) == ["res-far-0", "res-far-1", "res-near-0", "res-near-1"], members
assert (members["failed"] == "no").all() and members["cpu_seconds"].sum() > 0, members
assert (members["memory"] > 0).all() and (members["ready"] >= members["called"]).all(), members
links = pandas.read_csv(folder + "links.csv")
assert (links["packets"] == links["delivered"] + links["lost"] + links["queue_dropped"] + links["blocked"]).all(), links
metrics = pandas.read_csv(folder + "metrics.csv")
loss = metrics[(metrics["metric"] == "loss")].set_index("member")["value"]
assert loss["res-near-0"] > 0, loss
states = pandas.read_csv(folder + "states.csv")
assert states["running"].max() == 4 and states["paused"].max() == 1, states
events = pandas.read_json(folder + "events.jsonl", lines=True)
assert {"pause", "resume", "start"} <= set(events["verb"]) and events["problem"].isna().all(), events
schedule = pandas.read_json(folder + "schedule.jsonl", lines=True)
assert len(schedule) > 4, schedule
usage = pandas.read_csv(folder + "usage.csv")
assert set(usage["group"]) == {"far", "near"}, usage
far = usage[usage["group"] == "far"].set_index("time")
assert len(far) >= 8 and far["running"].max() == 2 and far["memory"].max() > 0, far
assert far["received_bytes"].is_monotonic_increasing and far["received_bytes"].iloc[-1] > 100 * 40, far
rate = far["received_bytes"].diff() / far.index.to_series().diff()
assert rate.max() > 1000, rate
host = pandas.read_csv(folder + "host.csv")
assert len(host) == len(far) and host["busy"].iloc[1:].between(0, 1).all(), host
assert host["memory_available"].min() > 0 and host["load_average"].notna().all(), host
total = members.groupby("group")["sent_packets"].sum()
assert total["far"] == far["sent_packets"].iloc[-1], (total, far)
print(usage.describe(), host.describe(), sep="\n")
END
check "Prometheus' reader takes the series" python3 - one <<'END'
import json, sys
import pandas
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Timestamp
# That of 0.16, in Debian 12, compares the fractions of different seconds, too.
Timestamp.__gt__ = lambda a, b: (a.sec, a.nsec) > (b.sec, b.nsec)
folder = sys.argv[1] + "/"
text = open(folder + "openmetrics.txt").read()
families = {family.name: family for family in text_string_to_metric_families(text)}
print(sorted(families))
assert text.endswith("# EOF\n")
assert families["shruthi_fleet_memory_bytes"].unit == "bytes" and families["shruthi_fleet_cpu_seconds"].type == "counter"
host = pandas.read_csv(folder + "host.csv")
began = json.load(open(folder + "run.json"))["Began"] / 1e6
available = families["shruthi_host_memory_available_bytes"].samples
assert [sample.value for sample in available] == list(host["memory_available"])
assert all(abs(float(sample.timestamp) - began - time) < 0.0011 for sample, time in zip(available, host["time"]))
sent = [sample for sample in families["shruthi_fleet_sent_bytes"].samples if sample.labels["group"] == "near"]
usage = pandas.read_csv(folder + "usage.csv")
assert [sample.value for sample in sent] == list(usage[usage["group"] == "near"]["sent_bytes"])
assert {sample.labels["fleet"] for sample in sent} == {"res"}
assert {sample.labels["state"] for sample in families["shruthi_fleet_members"].samples} >= {"running", "paused"}
END

# R.
check "R reads the tables" Rscript --vanilla - one <<'END'
folder <- commandArgs(trailingOnly = TRUE)[1]
table <- function(name) read.csv(file.path(folder, name))
members <- table("members.csv")
stopifnot(nrow(members) == 4, all(members$failed == "no"), is.numeric(members$cpu_seconds))
links <- table("links.csv")
stopifnot(all(links$packets == links$delivered + links$lost))
usage <- table("usage.csv")
received <- aggregate(received_bytes ~ group, usage, max)
stopifnot(setequal(received$group, c("far", "near")), all(received$received_bytes > 0))
host <- table("host.csv")
stopifnot(all(diff(host$time) > 0), all(host$busy[-1] <= 1))
metrics <- table("metrics.csv")
stopifnot("loss" %in% metrics$metric, is.numeric(metrics$value))
states <- table("states.csv")
stopifnot(max(states$running) == 4)
END
check "the report is made anew of the folder" shruthictl fleet report one
check "nothing is left" eval '! shruthictl list --no-legend | grep "^res-"'

finish
