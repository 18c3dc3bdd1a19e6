# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench-floor, the bare sd-bus service with the same answers, and how SHRUTHI's compare with its."""

import pathlib
import shutil
import sys

import host
import peers
import stats

SHRUTHI = "org.dream.Shruthi"
NAME = "org.dream.BenchFloor"
POLICIES = pathlib.Path("/etc/dbus-1/system.d")
ACTIVATION = pathlib.Path("/usr/share/dbus-1/system-services")
MANAGER = ("/org/dream/Shruthi", "org.dream.Shruthi.Manager")

KINDS = {"list": "list of all", "get": "get one", "property": "one property", "managed": "all managed objects"}


def allow(name):
    """The bus lets it have its name, and everybody call it."""
    (POLICIES / f"{name}.conf").write_text(
        "<busconfig><policy context='default'>"
        f"<allow own='{name}'/><allow send_destination='{name}'/></policy></busconfig>\n"
    )
    bus = "org.freedesktop.DBus"
    host.run("busctl", "call", bus, "/org/freedesktop/DBus", bus, "ReloadConfig")


def install_empty(name, settings):
    """An empty service of that name, which the bus starts; settings: of its unit. → the unit"""
    unit = f"{name}.service"
    program = host.DIRECTORY / "bench-floor"
    shutil.copy(host.FLOOR, program)
    service = ["[Service]", "Type=notify", f"BusName={name}", f"ExecStart={program} --empty {name}", *settings]
    (host.UNITS / unit).write_text("\n".join(service) + "\n")
    activation = ["[D-BUS Service]", f"Name={name}", "Exec=/bin/false", "User=root", f"SystemdService={unit}"]
    (ACTIVATION / unit).write_text("\n".join(activation) + "\n")
    host.run("systemctl", "daemon-reload")
    allow(name)
    return unit


class Floor:
    """Runs while in its "with", with what SHRUTHI answers at the beginning."""

    def __enter__(self):
        allow(NAME)
        how = ["--quiet", "--collect", "--unit=bench-floor", "--service-type=notify"]
        host.run("systemd-run", *how, host.FLOOR, NAME)
        return self

    def __exit__(self, *error):
        host.run("systemctl", "stop", "bench-floor")


def same_answers():
    """A floor that gives less would be none."""
    for path, interface, member in (
        (*MANAGER, "ListUnikernels"),
        (MANAGER[0], "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"),
    ):
        answers = [host.busctl_json(name, path, interface, member) for name in (SHRUTHI, NAME)]
        if member == "GetManagedObjects":
            answers = [
                {where: of["org.dream.Shruthi.Unikernel"] for where, of in answer["data"][0].items()}
                for answer in answers
            ]
        else:
            answers = [sorted(answer["data"][0]) for answer in answers]
        if answers[0] != answers[1]:
            sys.exit(f"{member}: the bare service answers something else than SHRUTHI")


def compare(bench, name):
    """Asks both in turn; → ratio for each kind."""
    same_answers()
    ratios = {}
    for kind, title in KINDS.items():
        lines = peers.client("calls", f"--count={bench.count('calls')}", kind, name, SHRUTHI, NAME)
        times = {
            label: peers.milliseconds([line for line in lines if line["item"] == of])
            for label, of in (("SHRUTHI", SHRUTHI), ("bare sd-bus service", NAME))
        }
        bench.table(title, "ms", times)
        ratios[title] = stats.ratio(times["SHRUTHI"], times["bare sd-bus service"])
    return ratios
