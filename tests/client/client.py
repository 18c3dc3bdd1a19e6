#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client for the system tests: what busctl and gdbus cannot do (hand over files, take descriptors, leave early,
ask for much at once, send what no honest library sends). Errors are printed as NAME: SENTENCE, with exit status 1."""

import collections
import errno
import fcntl
import os
import re
import select
import socket
import struct
import sys
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NAME = "org.dream.Shruthi"
PATH = "/org/dream/Shruthi"
MANAGER = NAME + ".Manager"
TIMEOUT_MSEC = 300000


def fail(error):
    name = Gio.DBusError.get_remote_error(error) or "?"
    Gio.DBusError.strip_remote_error(error)
    print(f"{name}: {error.message}")
    sys.exit(1)


class Client:
    def __init__(self, private=False):
        if not private:
            self.bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
            return
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        address = Gio.dbus_address_get_for_bus_sync(Gio.BusType.SYSTEM)
        self.bus = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)

    def call(self, method, parameters, fds=(), flags=Gio.DBusCallFlags.NONE):
        """Returns the unpacked answer and the descriptors that came with it."""
        fd_list = Gio.UnixFDList()
        for fd in fds:
            fd_list.append(fd)
        try:
            answer, out = self.bus.call_with_unix_fd_list_sync(
                NAME, PATH, MANAGER, method, parameters, None, flags, TIMEOUT_MSEC, fd_list, None
            )
        except GLib.Error as error:
            fail(error)
        return answer.unpack(), out

    def call_async(self, method, parameters, done):
        def on_done(bus, result):
            try:
                bus.call_finish(result)
                done("ok")
            except GLib.Error as error:
                done(Gio.DBusError.get_remote_error(error) or error.message)

        self.bus.call(
            NAME, PATH, MANAGER, method, parameters, None, Gio.DBusCallFlags.NONE, TIMEOUT_MSEC, None, on_done
        )


def settings_of(words):
    """KEY=VALUE: text; KEY:=VALUE: in GVariant's notation."""
    settings = {}
    for word in words:
        key, typed, value = re.fullmatch(r"(\w+)(:?)=(.*)", word, re.DOTALL).groups()
        settings[key] = GLib.Variant.parse(None, value, None, None) if typed else GLib.Variant("s", value)
    return settings


def variant(signature, *values):
    return GLib.Variant(signature, values)


def create(name, file, *words):
    fd = os.open(file, os.O_RDONLY)
    print(Client().call("CreateUnikernel", variant("(sha{sv})", name, 0, settings_of(words)), [fd])[0][0])


def set_image(name, file):
    fd = os.open(file, os.O_RDONLY)
    Client().call("SetUnikernelImage", variant("(sh)", name, 0), [fd])


def import_image(file, *words):
    fd = os.open(file, os.O_RDONLY)
    print(Client().call("ImportImage", variant("(ha{sv})", 0, settings_of(words)), [fd])[0][0])


def inspect(file, mode="r"):
    fd = os.open(file, os.O_WRONLY if mode == "w" else os.O_PATH if mode == "path" else os.O_RDONLY)
    for key, value in sorted(Client().call("InspectImage", variant("(h)", 0), [fd])[0][0].items()):
        print(f"{key}={value}")


def copy_out(fd, seconds):
    ends = time.monotonic() + float(seconds)
    while time.monotonic() < ends:
        ready, _, _ = select.select([fd], [], [], max(0, ends - time.monotonic()))
        data = os.read(fd, 65536) if ready else b""
        if ready and not data:
            print("END")
            return
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def log(name, seconds, *words):
    _, fds = Client().call("OpenUnikernelLog", variant("(sa{sv})", name, settings_of(words)))
    copy_out(fds.steal_fds()[0], seconds)


def log_many(name, number):
    """Opens so many and reads from none."""
    client = Client()
    held = []
    for _ in range(int(number)):
        held.append(
            client.call("OpenUnikernelLog", variant("(sa{sv})", name, settings_of(["Follow:=true"])))[1].steal_fds()
        )
    print(len(held), os.getpid(), flush=True)
    time.sleep(3600)
    client.bus.close_sync()


def console(name, seconds, text=""):
    _, fds = Client().call("OpenUnikernelConsole", variant("(s)", name))
    fd = fds.steal_fds()[0]
    if text:
        os.write(fd, text.encode() + b"\n")
    copy_out(fd, seconds)


def parallel(number, method, *names):
    """So many calls at once for each name, and how often each answer came. A connection has at most 128 calls that
    are not answered (dbus-daemon), so there are as many connections as it takes."""
    loop, answers, clients = GLib.MainLoop(), collections.Counter(), []
    left = int(number) * len(names)

    def done(answer):
        nonlocal left
        answers[answer] += 1
        left -= 1
        if left == 0:
            loop.quit()

    for i in range(left):
        if i % 100 == 0:
            clients.append(Client(private=True))
        clients[-1].call_async(method, variant("(st)", names[i % len(names)], 0), done)
    loop.run()
    for answer, count in sorted(answers.items()):
        print(count, answer)


def toggle(rounds, *names):
    """Changes what systemd must know of each, so many times (an even number leaves it as it was), each as soon as its
    last change is answered. Says how often each answer came, how often systemd reloaded meanwhile, and the shortest
    time between two reloads in milliseconds."""
    loop, answers, client = GLib.MainLoop(), collections.Counter(), Client()
    reloads, rests, ended = 0, [], None
    left = len(names)

    def on_reloading(_bus, _sender, _path, _interface, _signal, parameters):
        nonlocal reloads, ended
        if not parameters[0]:
            ended = time.monotonic()
            return
        reloads += 1
        if ended is not None:
            rests.append(int((time.monotonic() - ended) * 1000))

    def change(name, number):
        settings = settings_of(["Restart=" + ("no" if number % 2 else "on-failure")])
        client.call_async("SetUnikernelSettings", variant("(sa{sv})", name, settings), lambda a: done(a, name, number))

    def done(answer, name, number):
        nonlocal left
        answers[answer] += 1
        if number + 1 < int(rounds):
            change(name, number + 1)
            return
        left -= 1
        if left == 0:
            loop.quit()

    systemd = "org.freedesktop.systemd1"
    client.bus.signal_subscribe(
        systemd, systemd + ".Manager", "Reloading", None, None, Gio.DBusSignalFlags.NONE, on_reloading
    )
    for name in names:
        change(name, 0)
    loop.run()
    for answer, count in sorted(answers.items()):
        print(count, answer)
    print("reloads", reloads)
    print("rest", min(rests))


def leave(method, name, seconds="0"):
    """Asks and is gone soon."""
    client = Client()
    client.call_async(method, variant("(st)", name, 0), lambda _: None)
    client.bus.flush_sync()
    time.sleep(float(seconds))
    os._exit(0)


def interactive(method, name):
    print(
        Client().call(method, variant("(st)", name, 0), flags=Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION)[0][0]
    )


def bad_handle(index):
    """A descriptor that did not come with the message."""
    print(Client().call("InspectImage", variant("(h)", int(index)))[0])


def large(size):
    print(Client().call("SetUnikernelDefinition", variant("(ss)", "hello", "#" * int(size)))[0])


def nested(depth):
    value = GLib.Variant("s", "x")
    for _ in range(int(depth)):
        value = GLib.Variant("v", value)
    arguments = variant("(ssa{sv})", "x", "sha256:" + 64 * "0", {"Foo": value})
    print(Client().call("CreateUnikernelFromDigest", arguments)[0])


def stuck_fd(name):
    """A socket in place of a file: whoever reads it waits for ever."""
    one, other = socket.socketpair()
    try:
        Client().call("CreateUnikernel", variant("(sha{sv})", name, 0, {}), [one.fileno()])
    finally:
        other.close()


def leftovers(name):
    """Stays on the bus after one call, and does nothing."""
    client = Client()
    print(os.getpid(), client.call("GetUnikernel", variant("(s)", name))[0][0], flush=True)
    time.sleep(3600)
    client.bus.close_sync()


def slow_credential(name, key):
    """A pipe that does not end."""
    reader, writer = os.pipe()
    try:
        Client().call("SetCredential", variant("(ssh)", name, key, 0), [reader])
    finally:
        os.close(writer)


def volume_import(name, kind):
    """A volume of what is no file, or not open as it must be."""
    if kind.startswith("index:"):
        Client().call("ImportVolume", variant("(sha{sv})", name, int(kind.removeprefix("index:")), {}))
        return
    if kind in ("pipe", "socket"):
        ends = os.pipe() if kind == "pipe" else [end.detach() for end in socket.socketpair()]
        fd = ends[0]
    else:
        path, flags = {
            "directory": ("/tmp", os.O_RDONLY),
            "path": ("/etc/hostname", os.O_PATH),
            "write-only": ("/dev/null", os.O_WRONLY),
            "write-only-file": (os.path.expanduser("~/write-only"), os.O_WRONLY | os.O_CREAT),
            "null": ("/dev/null", os.O_RDONLY),
            "zero": ("/dev/zero", os.O_RDONLY),
            "char": ("/dev/ptmx", os.O_RDONLY | os.O_NOCTTY),
            "empty": ("/proc/self/status", os.O_RDONLY),
        }.get(kind) or (kind.removeprefix("file:"), os.O_RDONLY)
        fd = os.open(path, flags)
    Client().call("ImportVolume", variant("(sha{sv})", name, 0, {}), [fd])


def volume_export(name, hold=""):
    """What can be done with the descriptor besides reading it. Then it is held, as it is or unlocked, or let go."""
    _, fds = Client().call("ExportVolume", variant("(s)", name))
    fd = fds.steal_fds()[0]
    ways = {
        "write": lambda: os.pwrite(fd, b"x", 0),
        "truncate": lambda: os.ftruncate(fd, 0),
        "reopen": lambda: os.open(f"/proc/self/fd/{fd}", os.O_RDWR),
        "chmod": lambda: os.fchmod(fd, 0o666),
    }
    for way, attempt in ways.items():
        try:
            attempt()
            print(f"{way}: possible")
        except OSError as error:
            print(f"{way}: {errno.errorcode[error.errno]}")
    print("held", os.getpid(), len(os.pread(fd, 512, 0)), flush=True)
    if hold == "unlocked":
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_UNLCK, os.SEEK_SET, 0, 0, 0))
        print("unlocked", flush=True)
    if hold:
        time.sleep(3600)
    os.close(fd)


def subscribe(wanted="subscribe"):
    """Prints what the manager's signals about volumes and images say. "listen": without having asked for them."""

    def on_signal(bus, sender, path, interface, name, parameters):
        if name.startswith(("Volume", "Image")):
            print(name, *parameters.unpack(), flush=True)

    client = Client()
    client.bus.signal_subscribe(NAME, MANAGER, None, PATH, None, Gio.DBusSignalFlags.NONE, on_signal)
    client.call("Subscribe" if wanted == "subscribe" else "ListChangedUnikernels", None)
    print("ready", flush=True)
    GLib.MainLoop().run()


VERBS = {
    "subscribe": subscribe,
    "volume-import": volume_import,
    "volume-export": volume_export,
    "slow-credential": slow_credential,
    "create": create,
    "set-image": set_image,
    "import": import_image,
    "inspect": inspect,
    "log": log,
    "log-many": log_many,
    "console": console,
    "parallel": parallel,
    "toggle": toggle,
    "leave": leave,
    "interactive": interactive,
    "bad-handle": bad_handle,
    "large": large,
    "nested": nested,
    "stuck-fd": stuck_fd,
    "stay": leftovers,
}

if __name__ == "__main__":
    VERBS[sys.argv[1]](*sys.argv[2:])
