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


STOCK_INTERFACE = """
    <interface type='bridge'>
      <mac address='{mac}'/>
      <source bridge='{bridge}'/>
      <model type='virtio'/>
      {filter}
    </interface>"""
CLEAN_TRAFFIC = "<filterref filter='clean-traffic'><parameter name='IP' value='{address}'/></filterref>"


def write_stock_network_xml(name, bridge, address, filtered):
    """The same with an interface, and perhaps libvirt's own filter on it."""
    path = write_stock_xml(name)
    interface = STOCK_INTERFACE.format(
        mac="52:54:00:%02x:%02x:%02x" % tuple(uuid.uuid4().bytes[:3]),
        bridge=bridge,
        filter=CLEAN_TRAFFIC.format(address=address) if filtered else "",
    )
    path.write_text(path.read_text().replace("<devices>", "<devices>" + interface))
    return path


def write_our_xml(name, unikernel, change=lambda xml: xml):
    """The XML that SHRUTHI starts the unikernel with, for a domain of another name."""
    xml = change(host.run("shruthictl", "xml", unikernel))
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
            units = [f"unikernel@{item}.service" for item in items]
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


def libvirt_dbus():
    return Peer("libvirt-dbus, stock XML", "libvirt-dbus", fifo_option(), [f"--xml={host.DIRECTORY}/{{}}.xml"])


# The least that a unit can be; and one with our sandbox, in which nothing of ours runs.
BARE_UNIT = ["Type=exec", "ExecStart=/bin/sleep infinity"]


def loop_and_unit(title, template, settings=()):
    """The C loop, and for each start a unit of its own: what no design with a unit for each can go below."""
    unit = host.UNITS / f"{template}@.service"
    unit.write_text("\n".join(["[Service]", *BARE_UNIT, "Slice=bench.slice", *settings]) + "\n")
    host.run("systemctl", "daemon-reload")
    arguments = [f"--xml={host.DIRECTORY}/{{}}.xml", f"--unit={template}@{{}}.service"]
    return Peer(title, "unit+libvirt", fifo_option(), arguments)


def loop_and_bare_unit():
    return loop_and_unit("C loop, our XML, and a bare unit each", "bench-bare")


def sandbox_settings():
    """Of our unit, for one in which nothing of ours runs."""
    runs = ("Type", "NotifyAccess", "ExecStart", "ExecStop", "Restart", "RestartSec", "Slice")
    settings = host.unit_service_settings("unikernel@.service", *runs)
    # In a directory of its own, or the units of SHRUTHI would lose theirs.
    return [line.replace("=shruthi/unikernels/", "=shruthi/bench/") for line in settings]


def unit_of_tender(title, template, command, sandboxed):
    """A process in a unit of its own, whose console is a FIFO."""
    lines = ["[Service]", "Type=exec", f"ExecStart={shlex.join(command)}", "Slice=bench.slice"]
    lines += [f"StandardOutput=file:{FIFO.replace('{}', '%i')}.out", *(sandbox_settings() if sandboxed else [])]
    (host.UNITS / f"{template}@.service").write_text("\n".join(lines) + "\n")
    host.run("systemctl", "daemon-reload")
    unit = f"{template}@{{}}.service"
    return Peer(title, "command", fifo_option(), start=["systemctl", "start", unit], stop=["systemctl", "stop", unit])


def loop_and_sandboxed_unit():
    settings = sandbox_settings()
    return loop_and_unit("C loop, our XML, and a unit in our sandbox each", "bench-sandboxed", settings)


def virsh(title="virsh start, stock XML"):
    """Of domains that are defined."""
    return Peer(
        title,
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
