# SPDX-License-Identifier: LGPL-2.1-or-later
"""What SHRUTHI is compared with: each can start, stop and define items of its own, measured by bench-client."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import uuid

import host

FIFO = str(host.DIRECTORY / "{}-console")
SOCKET = "/run/shruthi/unikernels/{}/console"

# What somebody writes who knows libvirt and wants a kernel to run; all the rest is as libvirt has it.
STOCK_XML = """<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{image}</kernel>
  </os>
  <features><acpi/><apic/></features>
  <devices>
    <serial type='pipe'><source path='{fifo}'/><target port='0'/></serial>
  </devices>
</domain>
"""


def parse(output):
    """Lines of bench-client, as dictionaries."""
    return [json.loads(line) for line in output.splitlines()]


def client(verb, *arguments, check=True):
    done = subprocess.run([host.CLIENT, verb, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if check and done.returncode != 0:
        sys.exit(f"bench-client {verb} failed")
    return parse(done.stdout)


def write_stock_xml(name):
    xml = STOCK_XML.format(name=name, memory=host.MEMORY_MIB, image=host.IMAGE, fifo=FIFO.replace("{}", name))
    path = host.DIRECTORY / f"{name}.xml"
    path.write_text(xml)
    return path


def write_our_xml(name, unikernel):
    """The XML that SHRUTHI starts the unikernel with, for a domain of another name."""
    xml = host.run("shruthictl", "xml", unikernel)
    xml = re.sub(r"<name>.*?</name>", f"<name>{name}</name>", xml, count=1)
    xml = re.sub(r"<uuid>.*?</uuid>", f"<uuid>{uuid.uuid4()}</uuid>", xml, count=1)
    xml = re.sub(r"(<source path=\")[^\"]*(\"/>)", rf"\g<1>{FIFO.replace('{}', name)}\g<2>", xml, count=1)
    path = host.DIRECTORY / f"{name}.xml"
    path.write_text(xml)
    return path


def make_fifos(name):
    """Of a console that nobody reads: what the guest prints must fit."""
    for end in ("in", "out"):
        path = f"{FIFO.replace('{}', name)}.{end}"
        if not os.path.exists(path):
            os.mkfifo(path)
        os.chmod(path, 0o666)


class Peer:
    """title: as the table names it. console: what bench-client is told of its console."""

    def __init__(self, title, kind, console, arguments=(), start=(), stop=None):
        self.title, self.kind, self.console, self.arguments = title, kind, console, list(arguments)
        self.start_command, self.stop_command = list(start), stop

    def work(self, operation, items, at_once=1, console=False, extra=(), check=True):
        options = [f"--at-once={at_once}", *self.arguments, *extra]
        if console:
            options.append(self.console)
        kind, command = self.kind, self.start_command
        if operation == "stop" and self.stop_command:
            kind, command = "command", self.stop_command
        tail = ["--", *command] if kind == "command" else []
        return client("work", *options, kind, operation, *items, *tail, check=check)

    def start(self, items, **how):
        return self.work("start", items, **how)

    def stop(self, items, **how):
        """Waits until nothing is left to do, which is not measured: else it would be part of the next start."""
        lines = self.work("stop", items, **how)
        if self.kind in ("shruthi", "systemd"):
            units = [f"{unit}@{item}.service" for item in items for unit in ("unikernel", "unikernel-body")]
            host.wait_until(60, lambda: not host.any_active(units), "the end of the units")
        return lines


def fifo_option():
    return f"--fifo={FIFO}"


def shruthi():
    return Peer("SHRUTHI", "shruthi", f"--socket={SOCKET}")


def shruthi_by_systemd():
    return Peer("SHRUTHI, by systemctl", "systemd", f"--socket={SOCKET}")


def libvirt(title):
    """The XML is in a file of the item's name: write_stock_xml(), write_our_xml()."""
    return Peer(title, "libvirt", fifo_option(), arguments=[f"--xml={host.DIRECTORY}/{{}}.xml"])


def virsh():
    """Of domains that are defined."""
    return Peer(
        "virsh start, stock XML",
        "command",
        fifo_option(),
        start=["virsh", "--quiet", "start", "{}"],
        stop=["virsh", "--quiet", "destroy", "{}"],
    )


QEMU = [
    "qemu-system-x86_64", "-machine", "pc,accel=tcg", "-nodefaults", "-no-user-config", "-display", "none",
    "-m", str(host.MEMORY_MIB), "-kernel", str(host.IMAGE),
]  # fmt: skip
QEMU_PIPE = [*QEMU, "-chardev", f"pipe,id=console,path={FIFO}", "-serial", "chardev:console"]


def qemu_stdio(arguments):
    """As a line for the shell; it ends when the guest powers off."""
    return shlex.join([*QEMU, "-append", arguments, "-serial", "stdio", "-monitor", "none"])


# QEMU removes the file when it ends.
QEMU_STOP = ["sh", "-c", "kill \"$(cat \"$0\")\" && while [ -e \"$0\" ]; do sleep 0.02; done"]


def qemu():
    pid_file = str(host.DIRECTORY / "{}.pid")
    return Peer(
        "plain QEMU",
        "command",
        fifo_option(),
        start=[*QEMU_PIPE, "-daemonize", "-pidfile", pid_file],
        stop=[*QEMU_STOP, pid_file],
    )


def qemu_pid(item):
    return int(pathlib.Path(host.DIRECTORY / f"{item}.pid").read_text())


def systemd_run():
    return Peer(
        "systemd-run of plain QEMU",
        "command",
        fifo_option(),
        start=["systemd-run", "--quiet", "--collect", "--unit=plain-{}", *QEMU_PIPE],
        stop=["systemctl", "stop", "plain-{}.service"],
    )


def define_stock(names):
    for name in names:
        host.run("virsh", "--quiet", "define", write_stock_xml(name))


def milliseconds(lines, begin="begin", end="end"):
    return [(line[end] - line[begin]) / 1000 for line in lines if "item" in line and end in line]


def seconds(lines):
    """From the first's beginning to the last's end."""
    return (max(line["end"] for line in lines) - min(line["begin"] for line in lines)) / 1e6
