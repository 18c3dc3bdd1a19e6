#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# dnsmasq reads changed files of --dhcp-hostsdir at once, and then refuses what has changed in them.
#
# With --dhcp-hostsdir dnsmasq watches a directory of reservations by inotify, so that one can be added without a
# signal. What it has read from a file stays when that file is replaced: an address that has gone from one hardware
# address to another is a duplicate then, and the new line is not taken. A reservation whose file was removed keeps its
# address, too. Both end at the next SIGHUP, which is what the directory is there to avoid.
#
# Seen with dnsmasq-base 2.90-4~deb12u2:
#   a file with 02:00:00:00:00:01 for 10.77.0.11, replaced by one with 02:00:00:00:00:02 for the same address:
#   duplicate dhcp-host IP address 10.77.0.11 at line 1 of /tmp/hosts/guest
#   the file removed, and another with 02:00:00:00:00:03 for 10.77.0.11: the same of that
#   after SIGHUP: nothing is refused
# What follows: reservations of ours are in one file, which dnsmasq reads whole at a signal.

# shellcheck source=findings/lib.bash
. "$(dirname "$0")/lib.bash"
finding_packages dnsmasq-base=2.90-4~deb12u2 iproute2=6.1.0-3 dash grep
mkdir "$root/tmp/hosts"
echo 'dnsmasq:x:101:65534::/:/bin/false' >>"$root/etc/passwd"

cat >"$root/tmp/change" <<'END'
ip link add br9 type bridge
ip address add 10.77.0.1/24 dev br9
ip link set br9 up
reserve() { echo "$2,10.77.0.11" >"/tmp/$1" && mv "/tmp/$1" "/tmp/hosts/$1"; }
# NAME: how often a line of that file was refused.
refused() { sleep 2; grep -c "duplicate dhcp-host IP address 10.77.0.11 at line 1 of /tmp/hosts/$1" /tmp/log; }

reserve guest 02:00:00:00:00:01
dnsmasq --keep-in-foreground --user=root --conf-file=/dev/null --port=0 --interface=br9 --bind-interfaces \
        --dhcp-range=10.77.0.0,static --dhcp-hostsdir=/tmp/hosts --dhcp-leasefile=/tmp/leases --log-facility=/tmp/log &
dnsmasq=$!
echo "first $(refused guest)"
reserve guest 02:00:00:00:00:02
echo "replaced $(refused guest)"
rm /tmp/hosts/guest
reserve other 02:00:00:00:00:03
echo "removed $(refused other)"
: >/tmp/log
kill -HUP $dnsmasq
echo "signal $(refused other)"
END
mapfile -t seen < <(finding_run dash /tmp/change)
finding_is "a new reservation, refused" 0 "${seen[0]#first }"
finding_is "its file replaced, the new one refused" 1 "${seen[1]#replaced }"
finding_is "its file removed, another refused" 1 "${seen[2]#removed }"
finding_is "after SIGHUP, refused" 0 "${seen[3]#signal }"
