#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Emulated links do what the plan says, as members see it: distributions of delay and loss, bursts, rates, NAT, hole
# punching, and how fast a rumour spreads; and the same seed means the same. What is asked of the results, and how often
# chance alone would fail it, is in links-proof.py. With more packets:
#   tests/sandbox run env LINKS_PACKETS=100000 /shruthi/source/tests/system/links-proof.sh

# shellcheck source=tests/system/lib.sh disable=SC2016
. "$(dirname "$0")/lib.sh"
need python3 jq

packets=${LINKS_PACKETS:-20000}
# A member or the switch that gets no processor for a moment has room for that many packets.
rate=1000
# A train, with its members' start and what is under way at its end.
step=$((packets / rate + 8))

mkdir -p /root/proof
cd /root/proof || exit
check "the images are there" cp "$BUILD/tests/guest/guest.spt" "$GUEST" .
virtio=$(basename "$GUEST")
proof() { python3 "$SRC/tests/system/links-proof.py" "$@"; }
check "the analysis is right" proof test

# What is measured: the link, and what is sent on it.
declare -A link=(
        [normal]=$'Latency=300ms\nJitter=50ms normal\nOrder=free'
        [uniform]=$'Latency=200ms\nJitter=100ms uniform\nOrder=free'
        [exponential]=$'Latency=50ms\nJitter=100ms exponential\nOrder=free'
        [pareto]=$'Latency=50ms\nJitter=100ms pareto\nOrder=free'
        [loss]=Loss=5%
        [burst]='Burst=1% 30%'
        [mixed]=$'Latency=100ms\nDuplicate=3%\nReorder=4%\nCorrupt=2%'
        [constant]=Latency=40ms
        [limited]=$'Rate=10M\nQueue=1M'
        [slow]=$'Rate=2M\nQueue=256K'
)
declare -A train=(
        [constant]='--probe-count=5000 --probe-rate=250'
        [limited]='--probe-count=10000 --probe-rate=1500 --probe-size=1400'
        [slow]='--probe-count=3000 --probe-rate=400 --probe-size=1000'
)
# NAME…: these; NAME,NAME… at the same time. Each has two members of its own.
shapes() {
        local names name image turn=1

        cat <<END
[Fleet]
Name=shapes
Seed=20
Duration=$(($# * step + 3))s
[Network lab]
Subnet=10.133.0.0/24
Mode=isolated
END
        for names; do
                for name in ${names//,/ }; do
                        image=guest.spt
                        [ "$name" != slow ] || image=$virtio
                        cat <<END
[Group $name-far]
Image=$image
Network=service:lab
Memory=16M
Arguments=--ipv4={service.address} --respond
Ready=console:^responding
[Group $name]
Image=$image
Network=service:lab
Memory=16M
Start=${turn}s
Arguments=--ipv4={service.address} --probe={$name-far.0.service.ip} --probe-print --probe-wait=2 ${train[$name]:---probe-count=$packets --probe-rate=$rate}
[Link $name $name-far]
Direction=forward
${link[$name]}
END
                done
                turn=$((turn + step))
        done
}
# PLAN RUN: carries it out. Where packets came faster than this host could take them, before or behind what is measured,
# nothing is proven, and it is tried again.
measure() {
        local i

        for i in 1 2 3; do
                rm -rf "$2"
                shruthictl fleet run "$1" --results="$2" >out 2>&1 || break
                jq -e 'all(.Links[].Summary; .receive_overflows == 0 and .dropped_receiver == 0 and .memory_limit_drops == 0)' \
                        "$2/run.json" && return
                told "$2"
        done
        cat out
        return 1
}
# RUN GROUP: what the group's first member has printed in that run.
console() { echo "$1/consoles/shapes-$2-0.log"; }
# RUN: what the switch itself says of it, for people.
told() { jq -c .Links "$1/run.json" | sed 's/^/# /'; }

# RUN COMMAND…: what is about time is proven by a run that the host was quick enough for, and by no other.
on_time() {
        "${@:2}" && return
        jq -e 'all(.Links[]; .InTime)' "$1/run.json" >/dev/null && return 1
        diag "the host was too slow for the run $1, which proves nothing about this"
}

shapes normal,uniform,exponential,pareto loss,burst,mixed,constant limited,slow >shapes.fleet
check "links of each kind" measure shapes.fleet one
told one
# NAME LATENCY JITTER
delay() { on_time one proof delay "$(console one "$1")" "$@" "$(console one constant)" 40 one/run.json; }
check "delays are normal" delay normal 300 50
check "… uniform" delay uniform 200 100
check "… exponential" delay exponential 50 100
check "… of Pareto's kind" delay pareto 50 100
check "… or all the same" on_time one proof constant "$(console one constant)" 40 one/run.json
check "what is lost is what the seed says" proof loss "$(console one loss)" 0.05 20 shapes-loss-0 shapes-loss-far-0
check "… in bursts, too" proof burst "$(console one burst)" 0.01 0.3 20 shapes-burst-0 shapes-burst-far-0
check "as many as planned come twice" proof share "$(console one mixed)" duplicates 0.0294
# A bit of the header's first byte makes it no packet of IPv4 at all, which the guest does not count.
check "… as many are corrupt" proof share "$(console one mixed)" corrupt 0.0198
check "… and as many go ahead" on_time one proof ahead "$(console one mixed)" 50 0.04
check "a rate is kept to within 2%" on_time one proof metric "$(console one limited)" bits 9800000 10200000
check "… between domains, too" on_time one proof metric "$(console one slow)" bits 1960000 2040000

# What else there is, and when, makes no difference.
shapes mixed,burst,loss >again.fleet
check "some of it again" measure again.fleet two
for group in loss burst mixed; do
        check "the same packets are lost: $group" proof same "$(console one $group)" "$(console two $group)"
done

# The kinds of NAT, and each looking for each.
examples=$SRC/data/examples/fleets
sed 's/^Image=peer.spt/Image=guest.spt/' "$examples/nat.fleet" >nat.fleet
check "boxes of each kind" shruthictl fleet run nat.fleet --results=nat
told nat
kinds=(full-cone restricted-cone port-restricted symmetric)
for i in 0 1 2 3; do
        expect_output "a box is what it is called: ${kinds[i]}" " nat: .* kind=${kinds[i]}$" cat nat/consoles/nat-asker-$i.log
done
expect_output "RFC 4787's names" ' nat: mapping=endpoint-independent filtering=address-dependent ports=preserve hairpinning=yes ' \
        cat nat/consoles/nat-asker-1.log
expect_output "… of a symmetric one" ' nat: mapping=address-and-port-dependent filtering=address-and-port-dependent ports=change ' \
        cat nat/consoles/nat-asker-3.log
# The table of hole punching, a row for each kind of the caller: 1 if both have heard the other.
table() {
        local caller callee side
        for caller in 0 1 2 3; do
                for callee in 0 1 2 3; do
                        for side in "caller$caller-$callee" "callee$callee-$caller"; do
                                sed -n 's/.* METRIC punched \([01]\)$/\1/p' "nat/consoles/nat-$side.log" | tail -n 1
                        done | sort | head -n 1 | tr '\n' ' '
                done
                echo
        done | sed 's/ $//'
}
is "holes are made but between symmetric and port-restricted ones" $'1 1 1 1\n1 1 1 1\n1 1 1 0\n1 1 0 0' "$(table)"

# PEERS RUMOURS: one peer more begins them, a second after the other.
rumours() {
        cat <<END
[Fleet]
Name=rumours
Seed=6
Duration=$(($2 + 15))s
[Network lab]
IPv6Subnet=fd00:134::/64
Mode=isolated
[Link * *]
Latency=20ms
Jitter=5ms normal
[Group peer]
Image=guest.spt
Count=$1
Network=service:lab
Memory=16M
Arguments=--ipv6={service.address6} --gossip={peer.0.service.ip6}+$(($1 + 1)) --gossip-seed={seed} --gossip-round=500 --gossip-rounds=24
Ready=console:serving
[Group source]
Image=guest.spt
Start=1s
Network=service:lab
Memory=16M
END
        printf 'Arguments=--ipv6={service.address6} --gossip={peer.0.service.ip6}+%d --gossip-seed={seed} --gossip-round=500' $(($1 + 1))
        printf ' --gossip-rounds=24'
        printf ' --rumour=%d' $(seq "$2")
        echo
}
rumours 80 8 >rumours.fleet
check "peers that gossip" shruthictl fleet run rumours.fleet --results=rumours
told rumours
check "rumours reach all in the rounds that theory says" on_time rumours proof gossip rumours/metrics.csv 81 8

# The examples, small.
# NAME SED: the example, changed by that.
example() {
        sed "s/^Image=peer.spt/Image=guest.spt/; $2" "$examples/$1.fleet" >"small-$1.fleet"
        shruthictl fleet run "small-$1.fleet" --results="small-$1"
}
check "example: gossip-1000" example gossip-1000 's/^Count=1000/Count=40/; s/+1001/+41/; s/^Duration=.*/Duration=20s/'
check "… whose peers have all heard" proof gossip small-gossip-1000/metrics.csv 41 1
check "example: partition" example partition ''
# Who has heard before the heal: all but those apart.
partition() {
        python3 - small-partition <<'END'
import csv, json, sys
heal = json.load(open(sys.argv[1] + "/run.json"))["Clock"] + 30
heard = [float(row["time"]) for row in csv.DictReader(open(sys.argv[1] + "/metrics.csv")) if row["metric"] == "heard"]
before = [time for time in heard if time < heal]
print(f"{len(heard)} have heard, {len(before)} before the heal")
sys.exit(0 if len(heard) == 41 and len(before) == 21 else 1)
END
}
check "… where those apart hear after the heal" partition
cp "$examples/regions.csv" .
check "example: regions" example regions 's/^Duration=.*/Duration=50s/'
# Every prober has found every replica as far as the table says, by the median.
regions() {
        python3 - small-regions regions.csv <<'END'
import csv, json, sys
names = ["eu-west", "eu-north", "us-east", "us-west", "asia-east", "australia"]
table = {row["rtt"]: row for row in csv.DictReader(open(sys.argv[2]))}
members = {row["name"]: row for row in csv.DictReader(open(sys.argv[1] + "/members.csv"))}
found = {(row["member"], row["metric"]): float(row["value"])
         for row in csv.DictReader(open(sys.argv[1] + "/metrics.csv"))}
late = max(float(links["Summary"]["lateness_p99_usec"]) for links in json.load(open(sys.argv[1] + "/run.json"))["Links"])
wrong = 0
for i, here in enumerate(names):
    for j, there in enumerate(names):
        address = next(row for name, row in members.items() if name.endswith(f"-replica-{j}"))["address"].split("/")[0]
        prober = next(name for name in members if name.endswith(f"-prober-{i}"))
        ms = found.get((prober, f"round-trip-median:{address}"), 0) * 1000
        planned = float(table[here][there])
        if not planned * 0.97 - 0.5 <= ms <= planned * 1.03 + 2 + 2 * late / 1000:
            print(f"{here} to {there}: {ms:.1f} ms, planned {planned:g}")
            wrong += 1
sys.exit(wrong > 0)
END
}
check "… which are as far from each other as planned" on_time small-regions regions
cp guest.spt peer.spt
for plan in churn gossip; do
        cp "$examples/$plan.fleet" .
        check "example: $plan is right" shruthictl fleet check $plan.fleet
done

finish
