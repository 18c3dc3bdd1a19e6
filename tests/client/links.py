#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Emulated links, from all sides.

  links.py open NETWORK [REQUEST…]
        Opens the links of the network and sends each request to shruthi-switch; "rules FILE" with the file. Prints each
        answer, and what is in the descriptor that comes with it.
  links.py keep NETWORK
        The same, for requests that are lines of input, until that is "leave". Prints "open" first.
  links.py ports BRIDGE
        Asks shruthi-antispoof for the links of the bridge, and prints what it says, a line each, until it says no more:
        behind a port's line the interface that the packet socket is bound to, and what is set of it.
  links.py guest ASK FILTER BRIDGE OWN
        Is a guest on an isolated port of the bridge, with that filter (UNIKERNEL MAC IPV4 IPV6 DEVICE) and the address
        OWN. For each line of input "ADDRESS NUMBER" it asks for the address by ARP and pings it so often, and prints how
        many were answered and the least time in milliseconds: "3 of 3 in 0.4"; or "unknown": nobody answers for it.
        "spoof ADDRESS NUMBER FROM" does so from another address; it ends with "leave". With ASK "plain" the port is not isolated."""

import array
import fcntl
import os
import select
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))

ANTISPOOF = "/run/shruthi/antispoof"
SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 15, 23
SO_TIMESTAMPNS = 35
PATIENCE = 2


def connection(network):
    from client import Client, variant

    _, fds = Client().call("OpenNetworkLinks", variant("(s)", network))
    return socket.socket(fileno=fds.steal_fds()[0])


def exchange(links, request):
    fds = []
    if request.startswith("rules "):
        request, file = request.split(" ", 1)
        fds.append(os.open(file, os.O_RDONLY))
    links.sendmsg([request.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
    for fd in fds:
        os.close(fd)
    data, fds, _, _ = socket.recv_fds(links, 65536, 1)
    if not data:
        sys.exit("shruthi-switch has closed the connection")
    print(data.decode(), flush=True)
    for fd in fds:
        with os.fdopen(fd, "rb") as file:
            file.seek(0)
            print(file.read().decode(), end="", flush=True)


def open_links(network, *requests):
    links = connection(network)
    for request in requests:
        exchange(links, request)


def keep(network):
    links = connection(network)
    print("open", flush=True)
    for line in sys.stdin:
        if line == "leave\n":
            return
        exchange(links, line.strip())


def ask(request):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.settimeout(60)
    client.connect(ANTISPOOF)
    client.send(request.encode())
    return client


def ports(bridge):
    client = ask(f"links {bridge}")
    client.settimeout(None)
    while True:
        data, fds, _, _ = socket.recv_fds(client, 4096, 4)
        if not data:
            return
        about = ""
        for fd in fds:
            packet = socket.socket(fileno=fd)
            name, protocol = packet.getsockname()[:2]
            flags = [
                packet.getsockopt(SOL_PACKET, PACKET_VNET_HDR),
                packet.getsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING),
                packet.getsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS),
                int(fcntl.fcntl(packet, fcntl.F_GETFL) & os.O_NONBLOCK != 0),
            ]
            size = packet.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
            about += f" | {name} {protocol} {''.join(map(str, flags))} {size}"
        print(data.decode() + about, flush=True)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Guest:
    def __init__(self, isolated, filter_text, bridge, own):
        self.mac = bytes.fromhex(filter_text.split()[1].replace(":", ""))
        self.own = socket.inet_aton(own)
        client = ask("filter " + filter_text)
        interface = client.recv(4096).decode().removeprefix("ok ")
        client = ask(f"tap {interface} {bridge}" + (" isolated" if isolated else ""))
        data, fds, _, _ = socket.recv_fds(client, 4096, 1)
        if not fds:
            sys.exit(data.decode())
        self.fd = fds[0]
        print(interface, flush=True)

    def arp(self, operation, source, target, target_mac, to):
        os.write(self.fd, to + self.mac + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, operation) + self.mac +
                 source + target_mac + target)

    def hear(self, ends, wanted):
        """The first frame of which wanted is true; others' questions are answered meanwhile."""
        while (left := ends - time.monotonic()) > 0:
            if not select.select([self.fd], [], [], left)[0]:
                break
            frame = os.read(self.fd, 65536)
            if wanted(frame):
                return frame
            if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1" and frame[38:42] == self.own:
                self.arp(2, self.own, frame[28:32], frame[22:28], frame[6:12])
        return None

    def find(self, address):
        for _ in range(PATIENCE):
            self.arp(1, self.own, address, b"\0" * 6, b"\xff" * 6)
            frame = self.hear(time.monotonic() + 1, lambda f: f[12:14] == b"\x08\x06" and f[20:22] == b"\0\2" and
                              f[28:32] == address)
            if frame:
                return frame[22:28]
        return None

    def ping(self, address, number, source):
        mac = self.find(address)
        if not mac:
            return "unknown"
        answered, least = 0, float("inf")
        for n in range(number):
            mark = os.urandom(8)
            body = struct.pack("!BBHHH", 8, 0, 0, 7, n) + mark
            body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0, 64, 1, 0, source, address)
            head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
            begins = time.monotonic()
            os.write(self.fd, mac + self.mac + b"\x08\0" + head + body)
            if self.hear(begins + PATIENCE, lambda f, m=mark: f[12:14] == b"\x08\0" and f[34] == 0 and m in f):
                answered += 1
                least = min(least, time.monotonic() - begins)
        return f"{answered} of {number}" + (f" in {least * 1000:.1f}" if answered else "")

    def run(self):
        for line in sys.stdin:
            if line == "leave\n":
                return
            words = line.split()
            source = self.own
            if words[0] == "spoof":
                source = socket.inet_aton(words[3])
                words = words[1:]
            print(self.ping(socket.inet_aton(words[0]), int(words[1]), source), flush=True)


def main():
    verb, words = sys.argv[1], sys.argv[2:]
    if verb == "open":
        open_links(*words)
    elif verb == "keep":
        keep(*words)
    elif verb == "ports":
        ports(*words)
    else:
        Guest(words[0] != "plain", *words[1:]).run()


main()
