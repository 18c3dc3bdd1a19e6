#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Wireshark's tools drop a capture's interface statistics, and tcpdump reads no capture whose interfaces have different
# snapshot lengths.
#
# pcapng has a block of statistics for each interface (received, dropped). A capture of many links, each an interface
# with a name, is what an experiment leaves behind, and its drop counters say whether the capture is whole. capinfos
# reads them. After editcap, mergecap, reordercap or "tshark -w", with no option that asks for any change, all packets
# and interfaces are there and no statistics, without a word. tcpdump (libpcap) takes several interfaces only where link
# type and snapshot length are the same for all.
#
# Seen with wireshark-common and tshark 4.0.17-0+deb12u3, tcpdump 4.99.3-1, libpcap0.8 1.10.3-1:
#   blocks of interfaces, packets, statistics in the original: 2 2 2
#   after editcap, mergecap, reordercap, tshark -w: 2 2 0
#   tcpdump, 65535 and 1500 bytes: an interface has a snapshot length 1500 different from the snapshot length of the
#   first interface
# What follows: whoever keeps the captures of an experiment keeps their drop counters in a file of their own, and gives
# all interfaces of a capture one snapshot length.

# shellcheck source=findings/lib.bash
. "$(dirname "$0")/lib.bash"
finding_packages wireshark-common=4.0.17-0+deb12u3 tshark=4.0.17-0+deb12u3 tcpdump=4.99.3-1 libpcap0.8=1.10.3-1 \
        python3-minimal
echo 'tcpdump:x:100:100::/:/bin/false' >>"$root/etc/passwd"
echo 'tcpdump:x:100:' >>"$root/etc/group"

cat >"$root/tmp/capture.py" <<'END'
# capture.py make FILE SNAPLEN…: a frame and a block of statistics for each interface
# capture.py count FILE: how many blocks there are of interfaces, packets and statistics
import struct, sys

def block(kind, body):
    body += b'\0' * (-len(body) % 4)
    return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)

def option(code, value):
    return struct.pack('<HH', code, len(value)) + value + b'\0' * (-len(value) % 4)

def make(snaplens):
    frame = bytes.fromhex('ffffffffffff02000000000188b5') + b'x' * 46
    out = block(0x0A0D0D0A, struct.pack('<IHHq', 0x1A2B3C4D, 1, 0, -1))
    for n, snaplen in enumerate(snaplens):
        out += block(1, struct.pack('<HHI', 1, 0, snaplen) + option(2, b'peer-%d' % n) + option(0, b''))
    for n in range(len(snaplens)):
        out += block(6, struct.pack('<IIIII', n, 0, n, len(frame), len(frame)) + frame)
        out += block(5, struct.pack('<III', n, 0, 10) + option(5, struct.pack('<Q', 7)) + option(0, b''))
    return out

def count(data):
    kinds, at = [], 0
    while at < len(data):
        kind, size = struct.unpack_from('<II', data, at)
        kinds.append(kind)
        at += size
    return ' '.join(str(kinds.count(kind)) for kind in (1, 6, 5))

if sys.argv[1] == 'make':
    open(sys.argv[2], 'wb').write(make([int(word) for word in sys.argv[3:]]))
else:
    print(count(open(sys.argv[2], 'rb').read()))
END
in_root() { finding_run "$@" 2>"$finding_dir/error"; }

in_root python3 /tmp/capture.py make /tmp/same 65535 65535
in_root python3 /tmp/capture.py make /tmp/other 65535 1500
in_root editcap /tmp/same /tmp/editcap
in_root mergecap -w /tmp/mergecap /tmp/same
in_root reordercap /tmp/same /tmp/reordercap >/dev/null
in_root tshark -r /tmp/same -w /tmp/tshark

finding_is "interfaces, packets, statistics" "2 2 2" "$(in_root python3 /tmp/capture.py count /tmp/same)"
for tool in editcap mergecap reordercap tshark; do
        finding_is "after $tool" "2 2 0" "$(in_root python3 /tmp/capture.py count "/tmp/$tool")"
done
finding_is "tcpdump, one snapshot length" 2 "$(in_root tcpdump -nr /tmp/same | grep -c ethertype)"
finding_is "tcpdump, two" "tcpdump: pcap_loop: an interface has a snapshot length 1500 different from the snapshot \
length of the first interface" "$(in_root tcpdump -nr /tmp/other >/dev/null; tail -n 1 "$finding_dir/error")"
