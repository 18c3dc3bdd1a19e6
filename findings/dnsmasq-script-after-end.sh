#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# dnsmasq's --dhcp-script is still run for its leases when dnsmasq has ended, also after kill -KILL.
#
# The script is run by a second process, which dnsmasq tells through a pipe, one call after the other. At the start and
# at each SIGHUP it is told every lease once more ("old"), so there is a queue as soon as leases are many or the script
# is slow. That process ignores SIGTERM and reads the pipe to its end: who ends dnsmasq, waits for it and removes what
# the script writes finds it there again. libvirt's networks are such a case: its script writes the leases of a bridge to
# a file, which libvirt removes with the network and has the next network on a bridge of that name serve.
#
# Seen with dnsmasq-base 2.90-4~deb12u2: 20 leases, a script of 0.2 s each
#   leases with a call when dnsmasq has been killed and waited for: fewer than 20
#   20 s later: 20
# What follows: a new network of ours takes another bridge where libvirt knows leases before it has begun.

# shellcheck source=findings/lib.bash
. "$(dirname "$0")/lib.bash"
finding_packages dnsmasq-base=2.90-4~deb12u2 iproute2=6.1.0-3 dash
echo 'dnsmasq:x:101:65534::/:/bin/false' >>"$root/etc/passwd"

cat >"$root/tmp/script" <<'END'
#!/bin/dash
sleep 0.2
echo "$@" >>/tmp/calls
END
chmod +x "$root/tmp/script"
cat >"$root/tmp/end" <<'END'
ip link add br9 type bridge
ip address add 10.77.0.1/24 dev br9
ip link set br9 up
for i in $(seq 10 29); do echo "4102444800 02:00:00:00:00:$i 10.77.0.$i * *"; done >/tmp/leases
: >/tmp/calls
dnsmasq --keep-in-foreground --user=root --conf-file=/dev/null --port=0 --interface=br9 --bind-interfaces \
        --dhcp-range=10.77.0.10,10.77.0.29 --dhcp-leasefile=/tmp/leases --dhcp-script=/tmp/script \
        --log-facility=/tmp/log 2>/dev/null &
while [ ! -s /tmp/calls ]; do sleep 0.1; done
kill -KILL $!
wait $! 2>/dev/null
calls=$(sort -u /tmp/calls | wc -l)
[ "$calls" -lt 20 ] && echo "fewer than 20" || echo "$calls"
sleep 20
sort -u /tmp/calls | wc -l
END
mapfile -t seen < <(finding_run dash /tmp/end)
finding_is "leases with a call when dnsmasq has been killed and waited for" "fewer than 20" "${seen[0]-}"
finding_is "20 s later" 20 "${seen[1]-}"
