#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs commands for the outside of a whole machine: the inner end of its virtio serial ports (whole-client.py is
the outer one). A service of the machine; each port serves one command at a time.

On the wire there are frames: a letter, the length of what follows (32 bits, big endian), and that.
From outside: S token (begin anew), c command (JSON: argv, and rows and columns where it is to have a terminal), i input,
e end of input, k signal (decimal), w "rows columns".
From inside: S token (begun), o output, r errors, x status (decimal), H (the machine has just started)."""

import fcntl
import glob
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time

HEAD = struct.Struct(">cI")
# What waits for a command to read it.
INPUT_MAX = 1 << 18
# For what a command left behind in its pipes; one that still runs in the background may keep them open for ever.
DRAIN_SECONDS = 0.5


class Gone(Exception):
    """Nobody is connected outside any more."""


class Again(Exception):
    """Somebody else has begun: a token."""


class Port:
    """A port, non-blocking, with the frames that came in."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.buffer = b""

    def fill(self):
        """Reads what is there. Without anybody outside, the kernel gives the end of the file."""
        try:
            data = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return
        if not data:
            raise Gone
        self.buffer += data

    def frame(self):
        """The next whole frame (letter, data), or None."""
        if len(self.buffer) < HEAD.size:
            return None
        letter, size = HEAD.unpack_from(self.buffer)
        if len(self.buffer) < HEAD.size + size:
            return None
        data = self.buffer[HEAD.size:HEAD.size + size]
        self.buffer = self.buffer[HEAD.size + size:]
        return letter, data

    def send(self, letter, data=b""):
        data = HEAD.pack(letter, len(data)) + data
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        while data:
            for _, events in poll.poll():
                if events & (select.POLLHUP | select.POLLERR):
                    raise Gone
            try:
                data = data[os.write(self.fd, data[:1 << 15]):]
            except BlockingIOError:
                pass


class Command:
    """One command and its three streams."""

    def __init__(self, port, request):
        self.port, self.input, self.input_ended = port, b"", False
        if "rows" in request:
            self.spawn_terminal(request)
        else:
            self.child = subprocess.Popen(request["argv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, start_new_session=True)
            self.stdin = self.child.stdin.fileno()
            self.outputs = {self.child.stdout.fileno(): b"o", self.child.stderr.fileno(): b"r"}
            self.terminal = None
        os.set_blocking(self.stdin, False)

    def spawn_terminal(self, request):
        outer, inner = pty.openpty()
        self.terminal = outer
        self.resize(request["rows"], request["columns"])
        self.child = subprocess.Popen(["setsid", "--ctty", "--wait", *request["argv"]], stdin=inner, stdout=inner,
                                      stderr=inner, start_new_session=True)
        os.close(inner)
        self.stdin, self.outputs = outer, {outer: b"o"}

    def resize(self, rows, columns):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def take(self, letter, data):
        """One frame from outside."""
        if letter == b"S":
            raise Again(data)
        if letter == b"i":
            self.input += data
        elif letter == b"e":
            self.input_ended = True
        elif letter == b"k":
            self.kill(int(data))
        elif letter == b"w" and self.terminal is not None:
            self.resize(*map(int, data.split()))

    def kill(self, number):
        try:
            os.killpg(self.child.pid, number)
        except ProcessLookupError:
            pass

    def input_close(self):
        if self.stdin is not None and self.terminal is None:
            self.child.stdin.close()
        self.stdin = None

    def feed(self):
        """Hands on what the command has room for."""
        try:
            self.input = self.input[os.write(self.stdin, self.input):]
        except BlockingIOError:
            pass
        except OSError:
            self.input = b""
            self.input_close()

    def read(self, fd):
        try:
            data = os.read(fd, 1 << 15)
        except OSError:
            data = b""
        if data:
            self.port.send(self.outputs[fd], data)
        else:
            del self.outputs[fd]

    def step(self, seconds):
        """Waits so long for something to be done, and does it; says whether there was."""
        poll = select.poll()
        for fd in self.outputs:
            poll.register(fd, select.POLLIN)
        if len(self.input) < INPUT_MAX:
            poll.register(self.port.fd, select.POLLIN)
        if self.stdin is not None and self.input:
            flags = select.POLLOUT | (select.POLLIN if self.stdin in self.outputs else 0)
            poll.register(self.stdin, flags)
        events = poll.poll(seconds * 1000)
        for fd, what in events:
            if fd == self.port.fd:
                self.port.fill()
                while frame := self.port.frame():
                    self.take(*frame)
            elif fd in self.outputs and what & ~select.POLLOUT:
                self.read(fd)
            if fd == self.stdin and what & select.POLLOUT:
                self.feed()
        if self.stdin is not None and self.input_ended and not self.input:
            self.input_close()
        return bool(events)

    def run(self):
        # What came along with the command makes no port ready again.
        while frame := self.port.frame():
            self.take(*frame)
        while self.child.poll() is None:
            self.step(0.1 if not self.outputs else 0.3)
        ends = time.monotonic() + DRAIN_SECONDS
        while self.outputs and time.monotonic() < ends:
            if self.step(0.1):
                ends = time.monotonic() + DRAIN_SECONDS
        code = self.child.returncode
        self.port.send(b"x", b"%d" % (code if code >= 0 else 128 - code))

    def end(self):
        if self.child.poll() is None:
            self.kill(signal.SIGKILL)
            self.child.wait()
        self.input_close()
        if self.terminal is not None:
            os.close(self.terminal)


def serve_one(port, token):
    """One command for the one who sent the token."""
    port.send(b"S", token)
    poll = select.poll()
    poll.register(port.fd, select.POLLIN)
    while True:
        frame = port.frame()
        if frame is None:
            poll.poll()
            port.fill()
            continue
        if frame[0] == b"S":
            if frame[1] != token:
                raise Again(frame[1])
        elif frame[0] == b"c":
            break
    try:
        command = Command(port, json.loads(frame[1]))
    except OSError as error:
        port.send(b"r", b"%s\n" % str(error).encode())
        port.send(b"x", b"127")
        return
    try:
        command.run()
    finally:
        command.end()


def serve(port, token, idle):
    """In a thread of its own, until nobody begins anew."""
    while token:
        try:
            serve_one(port, token)
            token = None
        except Again as again:
            token = again.args[0]
        except Gone:
            port.buffer, token = b"", None
    idle.append(port)


def idle_port(port, idle):
    """A port with something to read: hands it to a thread if somebody begins, drops all else."""
    try:
        port.fill()
    except Gone:
        port.buffer = b""
        return
    while frame := port.frame():
        if frame[0] == b"S":
            idle.remove(port)
            threading.Thread(target=serve, args=(port, frame[1], idle), daemon=True).start()
            return


def main():
    # No udev is needed for these.
    idle = [Port("/dev/" + path.split("/")[-2]) for path in sorted(glob.glob("/sys/class/virtio-ports/*/name"))
            if open(path).read().startswith("org.dream.Shruthi.sandbox.")]
    for port in idle:
        try:
            port.send(b"H")
        except Gone:
            pass
    while True:
        poll, ports = select.poll(), {port.fd: port for port in list(idle)}
        for fd in ports:
            poll.register(fd, select.POLLIN)
        # A port with nobody outside is ready at once, with POLLHUP: look again in a moment.
        for fd, events in poll.poll(100):
            if events & select.POLLIN or ports[fd].buffer:
                idle_port(ports[fd], idle)
        # Each look at ports with nobody outside is work for an emulated processor.
        time.sleep(0.3)


main()
