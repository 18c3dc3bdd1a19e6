#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Says one thing to shruthi-seal and prints its answer: seal.py REQUEST [stdin|none|dir|device|socket|write|path|
slow|leave|two]. The second word is the descriptor that goes along, standard input by default for "set" and
"rotate"."""

import os
import socket
import sys

SOCKET = "/run/shruthi/seal"


def descriptors(kind):
    """What goes along, and what has to stay open meanwhile."""
    if kind == "none":
        return [], []
    if kind == "stdin":
        return [0], []
    if kind == "dir":
        return [os.open("/", os.O_RDONLY)], []
    if kind == "device":
        return [os.open("/dev/zero", os.O_RDONLY)], []
    if kind == "path":
        return [os.open("/etc/passwd", os.O_PATH)], []
    if kind == "socket":
        pair = socket.socketpair()
        return [pair[0].fileno()], list(pair)
    if kind == "memfd":
        fd = os.memfd_create("secret")
        os.write(fd, sys.stdin.buffer.read())
        return [fd], []
    reader, writer = os.pipe()
    if kind == "write":
        return [writer], [reader]
    if kind == "slow":
        return [reader], [writer]
    if kind == "two":
        return [0, reader, writer], []
    raise SystemExit(f"no such descriptor: {kind}")


def main():
    request = sys.argv[1].encode("utf-8", "surrogateescape").replace(b"\\0", b"\0")
    takes = request.split(b" ")[0] in (b"set", b"rotate")
    kind = sys.argv[2] if len(sys.argv) > 2 else "stdin" if takes else "none"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(SOCKET)
        if kind == "leave":
            socket.send_fds(s, [request], [0])
            return 0
        fds, kept = descriptors(kind)
        if fds:
            socket.send_fds(s, [request], fds)
        else:
            s.send(request)
        try:
            answer = s.recv(1 << 20).decode()
        except ConnectionResetError:
            answer = ""
        del kept
    print(answer if answer else "closed")
    return 0 if answer.split("\n")[0] == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
