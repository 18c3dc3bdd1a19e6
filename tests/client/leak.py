#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Looks for secrets wherever whoever runs it can look: leak.py UNIKERNEL… [--except-pid=PID] [--except=PATH]
[--root]. Reads lines WORD SECRET from standard input, so that the secrets are no argument of its own, and prints
WORD and the place for each that it finds: in clear, in hexadecimal or in base64. Files that have not changed since
--since=SECONDS (of the epoch) cannot hold a secret that is newer, and are passed over. The last line counts what it has
looked at."""

import base64
import os
import re
import stat
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

from gi.repository import Gio, GLib

ROOTS = ["/var", "/run", "/tmp", "/etc", "/dev/shm", "/root", "/home", "/usr/lib/shruthi"]
PROC_FILES = ["cmdline", "environ", "comm", "status", "mountinfo", "maps", "limits", "cgroup"]
SHRUTHI = "org.dream.Shruthi"
SYSTEMD = "org.freedesktop.systemd1"
READERS = re.compile(r"^(Get|List|Inspect|Diagnose|OpenLog)")

counts = {}
seen = set()


def forms(secret):
    """What to look for: base64 depends on where in a group of three the secret begins."""
    data = secret.encode()
    yield data
    yield data.hex().encode()
    yield data.hex().upper().encode()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data)
        # The first and the last group hold neighbours, too.
        yield encoded[4:-4]


def look(kind, place, data):
    counts[kind] = counts.get(kind, 0) + 1
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogateescape")
    for word, patterns in needles.items():
        if any(pattern in data for pattern in patterns) and (word, place) not in seen:
            seen.add((word, place))
            print(word, kind, place, flush=True)


def read_file(path, follow=False):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    except OSError:
        return None
    try:
        with os.fdopen(fd, "rb") as file:
            return file.read()
    except OSError:
        return None


def look_at_files():
    for root in ROOTS:
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if os.path.join(folder, name) not in excepted]
            for name in files:
                path = os.path.join(folder, name)
                try:
                    st = os.lstat(path)
                except OSError:
                    continue
                look("name", path, path)
                if path in excepted or not stat.S_ISREG(st.st_mode) or max(st.st_mtime, st.st_ctime) < since:
                    continue
                data = read_file(path)
                if data is not None:
                    look("file", path, data)


def look_at_descriptors(pid):
    folder = f"/proc/{pid}/fd"
    try:
        fds = os.listdir(folder)
    except OSError:
        return
    for fd in fds:
        path = f"{folder}/{fd}"
        try:
            target = os.readlink(path)
            look("link", path, target)
            st = os.stat(path)
        except OSError:
            continue
        if target not in excepted and stat.S_ISREG(st.st_mode) and max(st.st_mtime, st.st_ctime) >= since:
            data = read_file(path, follow=True)
            if data is not None:
                look("descriptor", path, data)


def look_at_processes():
    own = os.getpid()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in PROC_FILES:
            data = read_file(f"/proc/{pid}/{name}")
            if data is not None:
                look("process", f"/proc/{pid}/{name}", data)
        if int(pid) != own and int(pid) not in excepted_pids:
            look_at_descriptors(pid)


def look_at_output(kind, *command):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    look(kind, " ".join(command), result.stdout)
    return result.returncode == 0


def call(bus, destination, path, interface, member, arguments=None):
    """The answer as text, the words of an error, or what comes out of the descriptor that it hands over."""
    place = f"{path} {interface}.{member}{arguments.print_(False) if arguments else ''}"
    try:
        answer, fds = bus.call_with_unix_fd_list_sync(
            destination, path, interface, member, arguments, None, Gio.DBusCallFlags.NONE, 60000, None, None)
    except GLib.Error as error:
        look("bus", place, error.message)
        return None
    look("bus", place, answer.print_(True))
    for fd in fds.steal_fds() if fds else []:
        with os.fdopen(fd, "rb") as stream:
            look("bus", f"{place} descriptor", stream.read())
    return answer


def arguments_for(method):
    """All that a method which only reads can be asked with, None for one that needs more than a unikernel's name."""
    signature = "".join(a.get("type") for a in method.findall("arg") if a.get("direction", "in") == "in")
    if signature == "":
        return [None]
    if signature == "s":
        return [GLib.Variant("(s)", (name,)) for name in names]
    if signature == "a{sv}":
        return [GLib.Variant("(a{sv})", ({},))]
    if signature == "sa{sv}":
        return [GLib.Variant("(sa{sv})", (name, {})) for name in names]
    return []


def look_at_object(bus, destination, path, below):
    answer = call(bus, destination, path, "org.freedesktop.DBus.Introspectable", "Introspect")
    if answer is None:
        return
    node = ElementTree.fromstring(answer.unpack()[0])
    for interface in node.findall("interface"):
        name = interface.get("name")
        call(bus, destination, path, "org.freedesktop.DBus.Properties", "GetAll", GLib.Variant("(s)", (name,)))
        for method in interface.findall("method"):
            if name.startswith(SHRUTHI) and READERS.match(method.get("name")):
                for arguments in arguments_for(method):
                    call(bus, destination, path, name, method.get("name"), arguments)
    for child in node.findall("node") if below else []:
        if child.get("name"):
            look_at_object(bus, destination, f"{path.rstrip('/')}/{child.get('name')}", below)


def look_at_bus():
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM, None)
    look_at_object(bus, SHRUTHI, "/org/dream/Shruthi", True)
    call(bus, SHRUTHI, "/org/dream/Shruthi", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    for name in names:
        answer = call(bus, SYSTEMD, "/org/freedesktop/systemd1", f"{SYSTEMD}.Manager", "GetUnit",
                      GLib.Variant("(s)", (f"unikernel@{name}.service",)))
        if answer is not None:
            look_at_object(bus, SYSTEMD, answer.unpack()[0], False)


def look_at_programs():
    look_at_output("program", "ps", "axeww")
    look_at_output("journal", "journalctl", "--no-pager", "--quiet", "--all", "--output=export")
    look_at_output("program", "systemd-analyze", "dump")
    for name in names:
        look_at_output("program", "systemctl", "show", "--all", f"unikernel@{name}.service")
        look_at_output("program", "systemctl", "status", "--full", "--lines=1000", f"unikernel@{name}.service")
        for verb in ("cat", "status", "show", "arguments", "xml"):
            look_at_output("program", "shruthictl", verb, "--no-pager", name)
        for uri in ("qemu:///system", "qemu:///system?readonly"):
            virsh = ["virsh", "--readonly" if uri.endswith("readonly") else "--quiet", "--connect", "qemu:///system"]
            domain = f"unikernel-{name}"
            for options in ([], ["--inactive"], ["--security-info"], ["--inactive", "--security-info"], ["--migratable"]):
                look_at_output("libvirt", *virsh, "dumpxml", domain, *options)
            for verb in ("domblklist", "domblkinfo", "domstats", "metadata", "dominfo"):
                look_at_output("libvirt", *virsh, verb, domain, *(["vda"] if verb == "domblkinfo" else []))
            for command in ("query-block", "query-named-block-nodes", "query-fdsets", "query-command-line-options"):
                look_at_output("libvirt", *virsh, "qemu-monitor-command", domain, '{"execute":"%s"}' % command)


names = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
options = [argument[2:].split("=", 1) for argument in sys.argv[1:] if argument.startswith("--")]
excepted = {value for key, value in options if key == "except"}
excepted_pids = {int(value) for key, value in options if key == "except-pid"}
since = max([float(value) for key, value in options if key == "since"], default=0.0)
needles = {word: list(forms(secret)) for word, secret in (line.split() for line in sys.stdin)}

began = time.monotonic()
look_at_files()
look_at_processes()
look_at_programs()
look_at_bus()
# Once more what the looking itself may have brought about.
look_at_files()
print("looked at", ", ".join(f"{n} of kind {kind}" for kind, n in sorted(counts.items())),
      f"in {time.monotonic() - began:.0f} s")
