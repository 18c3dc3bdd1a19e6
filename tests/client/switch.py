#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""shruthi-switch with members that are taps of this test, in a network of its own. PROGRAM is the switch; this stands for
shruthi-antispoof, systemd and shruthid, and prints TAP."""

import array
import ctypes
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

PROGRAM = sys.argv[1]
CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 15, 23
SO_TIMESTAMPNS = 35
ETH_P_ALL = 3
number = 0


def check(what, holds, more=""):
    global number
    number += 1
    print(f"{'ok' if holds else 'not ok'} {number} - {what}", flush=True)
    if not holds and more != "":
        print(f"# {more}", flush=True)


def is_equal(what, expected, found):
    check(what, expected == found, f"expected {expected!r}, found {found!r}")


def call(r):
    if r != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def enter_world():
    """A network and a /run/shruthi of our own."""
    call(libc.unshare(CLONE_NEWNS | CLONE_NEWNET))
    call(libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None))  # MS_REC | MS_PRIVATE
    os.makedirs("/run/shruthi", exist_ok=True)
    call(libc.mount(b"tmpfs", b"/run/shruthi", b"tmpfs", 0, None))
    os.makedirs("/run/shruthi/rules")


class Member:
    """A tap, and what shruthi-antispoof would say of it."""

    def __init__(self, name, index):
        self.name, self.index = name, index
        self.interface = f"shru{index:010x}"
        self.mac = bytes([0x52, 0x54, 0, 0, 1, index])
        self.ip = bytes([10, 0, 0, 10 + index])
        self.ip6 = socket.inet_pton(socket.AF_INET6, f"fd00::{10 + index:x}")
        self.tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tap, 0x400454CA, struct.pack("16sH22x", self.interface.encode(), 0x0002 | 0x1000))
        subprocess.run(["sysctl", "-qw", f"net.ipv6.conf.{self.interface}.disable_ipv6=1"], check=True)
        subprocess.run(["ip", "link", "set", self.interface, "up"], check=True)

    def news(self):
        mac = self.mac.hex(":")
        return (f"port {self.interface} {self.name} {mac} {socket.inet_ntop(socket.AF_INET, self.ip)} "
                f"{socket.inet_ntop(socket.AF_INET6, self.ip6)} service").encode()

    def packet_socket(self):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        s.bind((self.interface, ETH_P_ALL))
        return s

    def send(self, frame):
        os.write(self.tap, frame)

    def get(self, seconds=1.0):
        """The next frame, or None."""
        if not select.select([self.tap], [], [], seconds)[0]:
            return None
        return os.read(self.tap, 70000)

    def get_all(self, quiet=0.3):
        frames = []
        while (frame := self.get(quiet)) is not None:
            frames.append((time.monotonic(), frame))
        return frames


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(mac, to_mac, source, source_port, to, port, payload=b"x"):
    length = 8 + len(payload)
    head = struct.pack(">HHHH", source_port, port, length, 0)
    pseudo = source + to + struct.pack(">BBH", 0, 17, length)
    head = head[:6] + struct.pack(">H", checksum(pseudo + head + payload) or 0xFFFF)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + length, 1, 0, 64, 17, 0, source, to)
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    return to_mac + mac + b"\x08\x00" + ip + head + payload


def between(a, b, payload=b"x", source_port=5000, port=6000):
    return udp(a.mac, b.mac, a.ip, source_port, b.ip, port, payload)


def read_udp(frame):
    """(source, its port, destination, its port, payload), with sound checksums; None: something else."""
    if frame is None or frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return None
    ip, segment = frame[14:34], frame[34:14 + int.from_bytes(frame[16:18], "big")]
    assert checksum(ip) == 0
    assert checksum(ip[12:20] + struct.pack(">BBH", 0, 17, len(segment)) + segment) == 0
    source_port, port = struct.unpack(">HH", segment[:4])
    return ip[12:16], source_port, ip[16:20], port, segment[8:]


def arp(member, asked):
    return (b"\xff" * 6 + member.mac + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x800, 6, 4, 1) + member.mac + member.ip +
            b"\0" * 6 + asked)


def solicitation(member, asked):
    group = bytes.fromhex("ff0200000000000000000001ff") + asked[-3:]
    body = b"\x87\0\0\0\0\0\0\0" + asked + b"\x01\x01" + member.mac
    pseudo = member.ip6 + group + struct.pack(">II", len(body), 58)
    body = body[:2] + struct.pack(">H", checksum(pseudo + body)) + body[4:]
    return (b"\x33\x33" + group[-4:] + member.mac + b"\x86\xdd" + struct.pack(">IHBB", 0x60000000, len(body), 58, 255) +
            member.ip6 + group + body)


class Antispoof:
    """Stands for shruthi-antispoof: it is asked once for each connection of the switch."""

    def __init__(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind("/run/shruthi/antispoof")
        self.listener.listen()
        self.listener.settimeout(10)

    def serve(self, members):
        client, _ = self.listener.accept()
        asked = client.recv(100)
        assert asked == b"links br-lab", asked
        for member in members:
            with member.packet_socket() as s:
                client.sendmsg([member.news()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [s.fileno()]))])
        time.sleep(0.2)
        return client


class Switch:
    """The program, as systemd and its socket start it."""

    def __init__(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind("/run/shruthi/switch")
        self.listener.listen()
        self.start()

    def start(self):
        environment = dict(os.environ, LISTEN_FDS="1", RUNTIME_DIRECTORY="/run/shruthi/rules")
        # Only the process that is executed knows its number, which LISTEN_PID has to be.
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec 3<&{self.listener.fileno()}; LISTEN_PID=$$ exec "$0"', PROGRAM], env=environment,
            pass_fds=[self.listener.fileno()])

    def children(self):
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(pid) for pid in open(path, encoding="ascii").read().split()]

    def connect(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.settimeout(20)
        client.connect("/run/shruthi/switch")
        client.send(b"network lab br-lab")
        return client


def ask(client, text, fd=None):
    """(answer, content of the descriptor that came with it)."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))] if fd is not None else []
    client.sendmsg([text.encode()], rights)
    data, fds, _, _ = socket.recv_fds(client, 65536, 4)
    content = None
    for received in fds:
        with os.fdopen(received) as file:
            content = file.read()
    return data.decode(), content


def set_rules(client, text):
    fd = os.memfd_create("rules")
    os.write(fd, text.encode())
    answer, _ = ask(client, "rules", fd)
    os.close(fd)
    return answer


def values(client):
    _, content = ask(client, "summary")
    return dict(line.split("=") for line in content.splitlines())


def counters(client):
    _, content = ask(client, "counters")
    lines = [line.split(",") for line in content.splitlines()]
    return {(line[0], line[1]): dict(zip(lines[0][2:], map(int, line[2:]))) for line in lines[1:]}


def payloads(frames):
    return [read_udp(frame)[4] for _, frame in frames if read_udp(frame)]


def try_neighbours(a, b):
    a.send(arp(a, b.ip))
    frame = a.get()
    check("who has an address is answered", frame is not None and frame[22:32] == b.mac + b.ip, frame)
    is_equal("and by nobody else", [], [f for _, f in b.get_all()])
    a.send(arp(a, bytes([10, 0, 0, 1])))
    is_equal("the host's address is the host's to tell", None, a.get(0.3))
    a.send(solicitation(a, b.ip6))
    frame = a.get()
    holds = frame is not None and frame[54] == 136 and frame[62:78] == b.ip6 and frame[80:86] == b.mac
    if holds:
        body = frame[54:]
        holds = checksum(frame[22:54] + struct.pack(">II", len(body), 58) + body) == 0
    check("by IPv6, too", holds, frame)


def try_packets(a, b, c):
    a.send(between(a, b, b"hello"))
    is_equal("a packet arrives", (a.ip, 5000, b.ip, 6000, b"hello"), read_udp(b.get()))
    is_equal("with its receiver alone", None, c.get(0.2))
    a.send(udp(a.mac, b"\xff" * 6, a.ip, 1, b"\xff" * 4, 2, b"all"))
    is_equal("what is for all arrives with all", [b"all", b"all"], payloads(b.get_all() + c.get_all()))
    for what, frame in {
        "another's MAC address": udp(c.mac, b.mac, a.ip, 1, b.ip, 2),
        "another's IPv4 address": udp(a.mac, b.mac, c.ip, 1, b.ip, 2),
        "another's address by ARP": arp(a, b.ip)[:28] + c.ip + arp(a, b.ip)[32:],
        "what is no packet": b.mac + a.mac + b"\x08\x00" + b"\x45",
    }.items():
        a.send(frame)
        is_equal(f"{what} does not pass", None, b.get(0.2))
    tagged = between(a, b)
    a.send(tagged[:12] + b"\x81\x00\x00\x05" + tagged[12:])
    is_equal("nor does a tag", None, b.get(0.2))


def try_shapes(client, a, b, c):
    is_equal("rules are taken", "done", set_rules(
        client, "shape slow latency=100ms\nmember a x\nlink x * slow\npair a c blocked\npair c a blocked\n"))
    begin = time.monotonic()
    a.send(between(a, b))
    frame = b.get()
    took = time.monotonic() - begin
    check("latency is kept", frame is not None and 0.1 <= took < 0.13, took)
    begin = time.monotonic()
    b.send(between(b, a))
    a.get()
    check("in one direction", time.monotonic() - begin < 0.05, time.monotonic() - begin)
    a.send(between(a, c))
    is_equal("what is blocked does not arrive", None, c.get(0.3))
    a.send(arp(a, c.ip))
    is_equal("nor is one known who is cut off", None, a.get(0.2))
    is_equal("what is no rule is refused with its line", "error 2 nil: there is no such shape: write a line shape before it",
             set_rules(client, "seed 5\nlink * * nil\n"))
    begin = time.monotonic()
    a.send(between(a, b))
    b.get()
    check("and changes nothing", time.monotonic() - begin >= 0.1)


LOSSY = "seed {}\nshape lossy loss=20% duplicate=10% latency=5ms jitter=2ms order=free\nlink * * lossy\n"


def lost_of(a, b, begin):
    for i in range(300):
        a.send(between(a, b, str(begin + i).encode()))
        time.sleep(0.0002)
    got = sorted(int(p) - begin for p in payloads(b.get_all()))
    return got


def try_chance(client, a, b, c):
    set_rules(client, LOSSY.format(1))
    first = lost_of(a, b, 0)
    check("a share is lost, and a share copied", 200 < len(set(first)) < 280 and len(first) > len(set(first)) + 5,
          (len(first), len(set(first))))
    other = lost_of(a, c, 0)
    check("another link loses others", first != other)
    line = counters(client)[("a", "b")]
    # What came before on this link is in them, too.
    check("and they are counted", line["lost"] == 300 - len(set(first)) and line["duplicated"] == len(first) - len(set(first)),
          (line, len(first), len(set(first))))
    return first


def try_nat(client, a, b, c):
    """a and b are behind a box, c is outside."""
    outer = bytes([10, 0, 0, 200])
    box_mac = b"\x02\x00" + outer
    is_equal("boxes are taken", "done", set_rules(
        client, "nat home 10.0.0.200 filtering=address-and-port-dependent ports=random\nbehind a home\nbehind b home\n"))
    c.send(arp(c, outer))
    frame = c.get()
    check("the box is there", frame is not None and frame[22:32] == box_mac + outer, frame)
    c.send(arp(c, a.ip))
    is_equal("those behind it are not", None, c.get(0.2))
    c.send(between(c, a))
    is_equal("nor can they be reached", None, a.get(0.2))
    a.send(between(a, c, b"out"))
    frame = c.get()
    source, port, _, to_port, payload = read_udp(frame)
    check("what they send comes from it", source == outer and (to_port, payload) == (6000, b"out") and
          frame[6:12] == box_mac, frame)
    c.send(udp(c.mac, box_mac, c.ip, 6000, outer, port, b"back"))
    is_equal("and is answered", (c.ip, 6000, a.ip, 5000, b"back"), read_udp(a.get()))
    c.send(udp(c.mac, box_mac, c.ip, 6001, outer, port, b"back"))
    is_equal("from there alone", None, a.get(0.2))
    a.send(between(a, b, b"in"))
    is_equal("those behind one box reach each other", (a.ip, b"in"), (lambda u: u and (u[0], u[4]))(read_udp(b.get())))
    b.send(between(b, c))
    port_b = read_udp(c.get())[1]
    a.send(udp(a.mac, box_mac, a.ip, 5000, outer, port_b, b"hair"))
    b.get(0.2)
    b.send(udp(b.mac, box_mac, b.ip, 5000, outer, port, b"pin"))
    is_equal("and by its outer address, where they may", (outer, port_b, a.ip, 5000, b"pin"), read_udp(a.get()))


def blocks(data):
    while data:
        kind, length = struct.unpack("<II", data[:8])
        assert struct.unpack("<I", data[length - 4:length])[0] == length
        yield kind, data[8:length - 4]
        data = data[length:]


def end_capture(client, answer, file):
    """Its answer, the names of the interfaces, and (interface, payload, flags, time) of each packet."""
    end, _ = ask(client, "capture-end " + answer.split()[1])
    names, packets = [], []
    for kind, body in blocks(open(file.name, "rb").read()):
        if kind == 1:
            code, length = struct.unpack_from("<HH", body, 8)
            assert code == 2
            names.append(body[12:12 + length].decode())
        elif kind == 6:
            interface, high, low, captured, _ = struct.unpack("<IIIII", body[:20])
            packets.append((names[interface], read_udp(body[20:20 + captured])[4],
                            struct.unpack("<I", body[-8:-4])[0] & 3, high << 32 | low))
    return end, names, packets


# All that is addressed to that port by UDP, as tcpdump -ddd has "udp dst port 5001".
UDP_5001 = ("11,40:0:0:12,21:0:8:2048,48:0:0:23,21:0:6:17,40:0:0:20,69:4:0:8191,177:0:0:14,72:0:0:16,"
            "21:0:1:5001,6:0:0:65535,6:0:0:0")


def try_capture_filter(client, a, b, c):
    with tempfile.NamedTemporaryFile() as file:
        answer, _ = ask(client, "capture 0 0 filter=" + UDP_5001, file.fileno())
        check("a capture with a filter begins", answer.startswith("done "), answer)
        a.send(udp(a.mac, b.mac, a.ip, 5000, b.ip, 5001, b"yes"))
        a.send(udp(a.mac, b.mac, a.ip, 5000, b.ip, 5002, b"no"))
        b.get(), b.get()
        end, names, packets = end_capture(client, answer, file)
        is_equal("it has what matches", [("a", b"yes", 2), ("b", b"yes", 1)], [packet[:3] for packet in packets])
        is_equal("and has dropped nothing else", "0", end.split()[3])
        for what, wrong, why in (("that loops", "2,6:0:0:1,5:0:0:4294967294", "instruction 1 of the filter jumps back"),
                                 ("that reads the kernel's memory", "2,96:0:0:4096,6:0:0:1", "instruction 0"),
                                 ("that is too long", "1025," + "6:0:0:1," * 1025, "more than 1024 instructions"),
                                 ("that is none", "udp", "no filter")):
            answer, _ = ask(client, "capture 0 0 filter=" + wrong, file.fileno())
            check("a filter " + what + " is refused", answer.startswith("error 0 ") and why in answer, answer)


def try_capture_links(client, a, b, c):
    set_rules(client, "shape far latency=50ms\nshape none loss=100%\npair a b far\npair b a none\n")
    with tempfile.NamedTemporaryFile() as file, tempfile.NamedTemporaryFile() as every:
        answer, _ = ask(client, "capture 0 0 by=link a / b", file.fileno())
        check("a capture of links begins", answer.startswith("done "), answer)
        other, _ = ask(client, "capture 0 0 by=link c", every.fileno())
        a.send(between(a, b, b"one"))
        b.send(between(b, a, b"two"))
        a.send(between(a, c, b"three"))
        b.get(), c.get()
        _, names, packets = end_capture(client, answer, file)
        is_equal("each direction is an interface", ["a>b", "b>a"], names)
        is_equal("what enters is there, and what leaves",
                 [("a>b", b"one", 2), ("b>a", b"two", 2), ("a>b", b"one", 1)], [packet[:3] for packet in packets])
        late = packets[-1][3] - packets[0][3]
        check("and how long that took", 50000000 <= late < 150000000, late)
        _, names, packets = end_capture(client, other, every)
        is_equal("all links of one member", [("a>c", b"three", 2), ("a>c", b"three", 1)],
                 [packet[:3] for packet in packets])
    set_rules(client, "")


def try_capture(client, a, b, c):
    set_rules(client, "")
    with tempfile.NamedTemporaryFile() as file:
        answer, _ = ask(client, "capture 0 0 a", file.fileno())
        check("a capture begins", answer.startswith("done "), answer)
        before = time.time_ns()
        a.send(between(a, b, b"one"))
        b.send(between(b, a, b"two"))
        b.send(between(b, c, b"three"))
        a.get(), b.get(), c.get()
        end, _ = ask(client, "capture-end " + answer.split()[1])
        found = list(blocks(open(file.name, "rb").read()))
        is_equal("and ends", ["done", "2"], end.split()[:2])
        is_equal("with what one member sends and gets", [0x0A0D0D0A, 1, 6, 6], [kind for kind, _ in found])
        check("under its name", b"\x02\x00\x01\x00a\0\0\0" in found[1][1], found[1])
        seen = []
        for _, body in found[2:]:
            _, high, low, captured, size = struct.unpack("<IIIII", body[:20])
            stamp = high << 32 | low
            flags = struct.unpack("<I", body[-8:-4])[0]
            seen.append((read_udp(body[20:20 + captured])[4], flags & 3, captured == size,
                         before <= stamp + 1000000 and stamp <= time.time_ns()))
        is_equal("in both directions, with their times", [(b"one", 2, True, True), (b"two", 1, True, True)], seen)
        is_equal("its number is over", "error", ask(client, "capture-end " + answer.split()[1])[0].split()[0])
    try_capture_filter(client, a, b, c)
    try_capture_links(client, a, b, c)
    reader, writer = os.pipe()
    answer, _ = ask(client, "capture 200 0", writer)
    a.send(between(a, b, b"one"))
    b.get()
    end, _ = ask(client, "capture-end " + answer.split()[1])
    check("one that is full drops", int(end.split()[3]) >= 1, end)
    os.close(writer)
    os.close(reader)


def try_crash(switch, antispoof, members, first):
    a, b = members[0], members[1]
    client = switch.connect()
    set_rules(client, LOSSY.format(1))
    pid = switch.children()[0]
    os.kill(pid, signal.SIGKILL)
    link = antispoof.serve(members)
    check("a process that was killed is there again", switch.children() not in ([], [pid]), switch.children())
    is_equal("with its rules, and the same fates from the beginning", first, lost_of(a, b, 0))
    is_equal("its client is not", b"", client.recv(10))
    link.close()
    link = antispoof.serve(members)
    a.send(between(a, b, b"again"))
    b.get_all()

    # And all of it.
    for child in switch.children():
        os.kill(child, signal.SIGSTOP)
    switch.process.kill()
    switch.process.wait()
    switch.start()
    link = antispoof.serve(members)
    is_equal("so does one that was started again", first, lost_of(a, b, 0))
    return link


def try_end(switch, link):
    client = switch.connect()
    is_equal("the rules are kept", ["lab"], os.listdir("/run/shruthi/rules"))
    is_equal("a network can be ended", "done", ask(client, "end")[0])
    for _ in range(50):
        if not switch.children() and not os.listdir("/run/shruthi/rules"):
            break
        time.sleep(0.1)
    is_equal("and nothing is left", ([], []), (switch.children(), os.listdir("/run/shruthi/rules")))
    del link


def main():
    enter_world()
    antispoof = Antispoof()
    members = [Member(name, index) for index, name in enumerate("abcd")]
    a, b, c, _ = members
    switch = Switch()
    client = switch.connect()
    link = antispoof.serve(members)
    is_equal("all ports are served", "4", values(client)["ports"])
    # First: the numbers of the packets on these links begin with it.
    first = try_chance(client, a, b, c)
    set_rules(client, "")
    try_neighbours(a, b)
    try_packets(a, b, c)
    try_shapes(client, a, b, c)
    try_nat(client, a, b, c)
    try_capture(client, a, b, c)
    summary = values(client)
    check("what was forged is counted", int(summary["dropped_source"]) >= 4, summary)
    check("what a box kept is counted", int(summary["dropped_nat"]) >= 2, summary)
    check("nothing was too much", summary["receive_overflows"] == summary["memory_limit_drops"] == "0", summary)
    link.send(b"gone " + members[3].interface.encode())
    time.sleep(0.3)
    is_equal("a port that is gone is no more", "3", values(client)["ports"])
    is_equal("what makes no sense is answered", "error", ask(client, "what")[0].split()[0])
    link = try_crash(switch, antispoof, members, first)
    try_end(switch, link)
    switch.process.terminate()
    print(f"1..{number}")


main()
