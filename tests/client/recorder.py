#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records what shruthid sends about its unikernels, and judges it: recorder.py FILE.

Each PropertiesChanged becomes a line "NAME PROPERTY=VALUE…" of FILE, with the state and the result that hold after
it first. A line that shows what cannot be begins with "FALSE"."""

import sys

from gi.repository import Gio, GLib

INTERFACE = "org.dream.Shruthi.Unikernel"

# What may come after what. "failed" to "stopped" is a failure that is reset, for the next start.
NEXT = {
    "stopped": {"starting", "broken"},
    "starting": {"running", "failed", "stopped", "stopping"},
    "running": {"stopping", "stopped", "failed", "paused"},
    "paused": {"running", "stopping", "failed"},
    "stopping": {"stopped", "failed", "starting"},
    "failed": {"starting", "stopped"},
}
FAILURES = {"exit-status", "aborted", "trapped", "system-call", "halted", "reset", "ended-from-outside", "definition", "image",
            "devices", "host", "libvirt", "credentials", "runner", "timeout", "start-limit-hit", "exit-code",
            "signal", "protocol"}

known = {}


def judge(before, now):
    state, result = now.get("State"), now.get("Result", "")
    if state == "failed" and result not in FAILURES:
        return "failed, and no failure"
    if state in ("running", "paused", "starting", "stopping") and result:
        return "a result while it runs"
    if before.get("State") != state and state not in NEXT.get(before.get("State"), {state}):
        return "%s to %s" % (before.get("State"), state)
    if state == before.get("State") == "running" and \
            before.get("ActiveEnterTimestamp") != now.get("ActiveEnterTimestamp"):
        return "another beginning of the same run"
    if state in ("running", "paused") and now.get("InactiveEnterTimestamp", 0) > now.get("ActiveEnterTimestamp", 0):
        return "an end of what runs"
    if state == before.get("State") and state != "starting" and \
            before.get("ActiveEnterTimestamp", 0) > now.get("ActiveEnterTimestamp", 0):
        return "a beginning forgotten"
    return None


def on_changed(connection, sender, path, interface, signal, parameters, out):
    changed_interface, changed, _ = parameters.unpack()
    if changed_interface != INTERFACE:
        return
    name = path.rsplit("/", 1)[1].replace("_2d", "-")
    before = known.get(name) or {}
    now = dict(before, **changed)
    known[name] = now
    false = judge(before, now) if before else None
    out.write("%s%s %s %s: %s\n" % ("FALSE (%s) " % false if false else "", name, now.get("State"),
                                    now.get("Result") or "-", " ".join("%s=%s" % i for i in changed.items())))
    out.flush()


def main():
    out = open(sys.argv[1], "w", encoding="utf-8")
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
    bus.signal_subscribe("org.dream.Shruthi", "org.freedesktop.DBus.Properties", "PropertiesChanged", None, None,
                         Gio.DBusSignalFlags.NONE, on_changed, out)
    reply = bus.call_sync("org.dream.Shruthi", "/org/dream/Shruthi", "org.freedesktop.DBus.ObjectManager",
                          "GetManagedObjects", None, None, Gio.DBusCallFlags.NONE, -1, None)
    for path, interfaces in reply.unpack()[0].items():
        if INTERFACE in interfaces:
            known[path.rsplit("/", 1)[1].replace("_2d", "-")] = interfaces[INTERFACE]
    out.write("listening\n")
    out.flush()
    GLib.MainLoop().run()


main()
