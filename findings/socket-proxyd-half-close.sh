#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# systemd-socket-proxyd 252 loses the answer to a client that has shut down its sending side.
#
# A TCP client may send its request, shut down its sending side and then read the answer, as "socat -" and "nc -N" do.
# Straight to the server the answer arrives. Through systemd-socket-proxyd the end of the client's data ends both
# directions, and an answer that comes a second later has nowhere to go. Nobody gets an error. A client that keeps its
# sending side open is served.
#
# Seen with systemd 252.39-1~deb12u2 and socat 1.7.4.4-2:
#   straight, shut down after the request: answer
#   proxied, kept open: answer
#   proxied, shut down after the request: (nothing)
# What follows: ports are published by DNAT, with no proxy in the path.

# shellcheck source=findings/lib.bash
. "$(dirname "$0")/lib.bash"
finding_packages systemd=252.39-1~deb12u2 socat=1.7.4.4-2 dash grep

printf '%s\n' 'head -c 5 >/dev/null' 'sleep 1' 'echo answer' >"$root/tmp/server"
cat >"$root/tmp/exchange" <<'END'
listens() { grep -q ":$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp; }

socat -t 5 TCP-LISTEN:8001,bind=127.0.0.1,fork,reuseaddr SYSTEM:'dash /tmp/server' &
systemd-socket-activate -l 127.0.0.1:8002 /lib/systemd/systemd-socket-proxyd 127.0.0.1:8001 2>/dev/null &
for try in 1 2 3 4 5 6 7 8 9 10; do
        if listens 8001 && listens 8002; then break; fi
        sleep 0.5
done
echo "$(printf hello | socat -t 5 - TCP:127.0.0.1:8001)"
echo "$({ printf hello; sleep 4; } | socat -t 5 - TCP:127.0.0.1:8002)"
echo "$(printf hello | socat -t 5 - TCP:127.0.0.1:8002)"
END
ln -sf dash "$root/usr/bin/sh"
mapfile -t seen < <(finding_run dash /tmp/exchange)
finding_is "straight, shut down after the request" answer "${seen[0]}"
finding_is "proxied, kept open" answer "${seen[1]}"
finding_is "proxied, shut down after the request" "" "${seen[2]}"
