#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""whole-client.py FOLDER [--tty] COMMAND…: runs a command as root in the whole machine whose serial ports are the
sockets in FOLDER. Input, output and exit status are handed through; with --tty the command has a terminal, as this
one has. Waits for a machine that is just booting. Exits with 254 if the machine goes meanwhile. whole-agent.py is the
inner end."""

import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import termios
import tty

HEAD = struct.Struct(">cI")
GONE = 254
# For the answer on one port; another is tried then.
ANSWER_SECONDS = 10


class Outside:
    """A connection to a free port."""

    def __init__(self, folder):
        self.folder, self.buffer = folder, b""
        self.connect()

    def connect(self):
        """Until one answers: there is none while the machine boots, and its ports are connected to one each."""
        token = os.urandom(16).hex().encode()
        begin = HEAD.pack(b"S", len(token)) + token
        while True:
            for name in sorted(os.listdir(self.folder)):
                if name.endswith(".socket") and self.lock(name) and self.begin(name, begin):
                    return
            if not any(name.endswith(".socket") for name in os.listdir(self.folder)):
                sys.exit(GONE)

    def lock(self, name):
        self.lock_file = open(os.path.join(self.folder, name + ".lock"), "w")
        try:
            fcntl.flock(self.lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False

    def begin(self, name, begin):
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(os.path.join(self.folder, name))
        except OSError:
            sys.exit(GONE)
        self.socket.settimeout(ANSWER_SECONDS)
        answer = b""
        try:
            self.socket.sendall(begin)
            while begin not in answer:
                data = self.socket.recv(1 << 16)
                if not data:
                    sys.exit(GONE)
                answer += data
                # It has just started, and may not have seen what was sent before.
                if answer.endswith(HEAD.pack(b"H", 0)):
                    self.socket.sendall(begin)
        except TimeoutError:
            self.socket.close()
            return False
        self.socket.settimeout(None)
        self.buffer = answer.split(begin)[-1]
        return True

    def send(self, letter, data=b""):
        self.socket.sendall(HEAD.pack(letter, len(data)) + data)

    def receive(self):
        """What came in, as whole frames."""
        data = self.socket.recv(1 << 16)
        if not data:
            sys.exit(GONE)
        self.buffer += data
        while len(self.buffer) >= HEAD.size:
            letter, size = HEAD.unpack_from(self.buffer)
            if len(self.buffer) < HEAD.size + size:
                return
            data = self.buffer[HEAD.size:HEAD.size + size]
            self.buffer = self.buffer[HEAD.size + size:]
            yield letter, data


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data):]


def window():
    rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))
    return rows, columns


def relay(outside):
    """Until the command has ended: its exit status."""
    poll = select.poll()
    poll.register(outside.socket, select.POLLIN)
    poll.register(0, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == 0:
                data = os.read(0, 1 << 15)
                outside.send(b"i" if data else b"e", data)
                if not data:
                    poll.unregister(0)
                continue
            for letter, data in outside.receive():
                if letter in b"or":
                    write_all(1 if letter == b"o" else 2, data)
                elif letter == b"x":
                    return int(data)
                elif letter == b"H":
                    return GONE


def main():
    arguments = sys.argv[2:]
    terminal = arguments[0] == "--tty"
    request = {"argv": arguments[1:] if terminal else arguments}
    outside = Outside(sys.argv[1])
    if terminal:
        request["rows"], request["columns"] = window()
        signal.signal(signal.SIGWINCH, lambda *_: outside.send(b"w", b"%d %d" % window()))
    else:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(number, lambda number, _: outside.send(b"k", b"%d" % number))
    outside.send(b"c", json.dumps(request).encode())
    saved = termios.tcgetattr(0) if terminal else None
    try:
        if terminal:
            tty.setraw(0)
        status = relay(outside)
    except (BrokenPipeError, ConnectionResetError):
        status = GONE
    finally:
        if terminal:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)
    sys.exit(status)


main()
