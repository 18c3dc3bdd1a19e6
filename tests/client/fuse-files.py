#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file system whose files are not what they say, for those who must not trust a descriptor. Takes the directory to
mount at; runs until it is killed. Speaks the kernel's protocol itself (linux/fuse.h), which is all that it needs."""

import ctypes
import errno
import os
import struct
import sys

SIZE = 1024 * 1024
# Name: what it does when it is read.
FILES = [
    "good",  # zeros
    "hang",  # never answers
    "short",  # has less than it says
    "grow",  # is larger each time somebody looks
    "error",  # cannot be read
    "seek",  # says that its data begin behind its end
    "endless",  # has more than it says, however much is read
    "vast",  # is so large that nobody can read it
]

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, INTERRUPT, LSEEK = 1, 2, 3, 14, 15, 18, 25, 26, 36, 46
DIRECT_IO = 1


class Server:
    def __init__(self, directory):
        if not os.path.exists("/dev/fuse"):
            os.mknod("/dev/fuse", 0o600 | 0o020000, os.makedev(10, 229))
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        self.looks = 0
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self.fd},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
        if libc.mount(b"fuse-files", directory.encode(), b"fuse", 6, options) != 0:
            sys.exit(f"Cannot mount: {os.strerror(ctypes.get_errno())}")

    def attributes(self, node):
        size, mode = 4096, 0o040755
        if node > 1:
            size, mode = SIZE, 0o100444
            if FILES[node - 2] == "vast":
                size = 1 << 40
            if FILES[node - 2] == "grow":
                self.looks += 1
                size += self.looks * 4096
        return struct.pack("<6Q10I", node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def read(self, name, offset, size):
        if name == "hang":
            return None
        if name == "error":
            return errno.EIO
        if name == "short" and offset > 0:
            return b""
        return bytes(size if name in ("endless", "vast") else min(size, max(0, SIZE - offset)))

    def answer(self, opcode, node, body):
        """Bytes, a positive errno, or None for no answer."""
        name = FILES[node - 2] if node > 1 else ""
        if opcode == INIT:
            return struct.pack("<4I2H2I2HI28x", 7, 31, 65536, 0, 16, 12, 65536, 1, 0, 0, 0)
        if opcode == LOOKUP:
            wanted = body.rstrip(b"\0").decode()
            if wanted not in FILES:
                return errno.ENOENT
            found = FILES.index(wanted) + 2
            return struct.pack("<4Q2I", found, 0, 0, 0, 0, 0) + self.attributes(found)
        if opcode == GETATTR:
            return struct.pack("<Q2I", 0, 0, 0) + self.attributes(node)
        if opcode == OPEN:
            return struct.pack("<Q2I", 0, DIRECT_IO, 0)
        if opcode == READ:
            _, offset, size = struct.unpack_from("<2QI", body)
            return self.read(name, offset, size)
        if opcode == LSEEK and name == "seek":
            _, offset = struct.unpack_from("<2Q", body)
            return struct.pack("<Q", 1 << 40 if offset > 0 else 0)
        if opcode in (RELEASE, FLUSH):
            return b""
        return None if opcode in (FORGET, INTERRUPT) else errno.ENOSYS

    def serve(self):
        while True:
            request = os.read(self.fd, 256 * 1024)
            _, opcode, unique, node = struct.unpack_from("<2I2Q", request)
            answer = self.answer(opcode, node, request[40:])
            if answer is None:
                continue
            error, data = (-answer, b"") if isinstance(answer, int) else (0, answer)
            os.write(self.fd, struct.pack("<IiQ", 16 + len(data), error, unique) + data)


if __name__ == "__main__":
    server = Server(sys.argv[1])
    print("ready", flush=True)
    server.serve()
