#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stands in for polkit where the real one cannot be made to do it: answers late, never, with an error, with what is no
answer, or with what it was asked. systemd's own questions it answers with yes. The mode is read from MODE_FILE at each
question, what it was asked is appended to LOG_FILE."""

import sys

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

MODE_FILE, LOG_FILE = sys.argv[1:3]

XML = """
<node><interface name="org.freedesktop.PolicyKit1.Authority">
  <method name="CheckAuthorization">
    <arg type="(sa{sv})" direction="in"/><arg type="s" direction="in"/><arg type="a{ss}" direction="in"/>
    <arg type="u" direction="in"/><arg type="s" direction="in"/><arg type="(bba{ss})" direction="out"/>
  </method>
  <method name="CancelCheckAuthorization"><arg type="s" direction="in"/></method>
  <signal name="Changed"/>
</interface></node>
"""


def note(text):
    with open(LOG_FILE, "a", encoding="utf-8") as file:
        file.write(text + "\n")


def answer(invocation, authorized, challenge=False):
    invocation.return_value(GLib.Variant("((bba{ss}))", ((authorized, challenge, {}),)))
    return GLib.SOURCE_REMOVE


def check(invocation, action, details):
    with open(MODE_FILE, encoding="utf-8") as file:
        mode, *rest = file.read().split()
    if not action.startswith("org.dream.Shruthi."):
        answer(invocation, True)
    elif mode == "hang-on":
        if not action.endswith("." + rest[0]):
            answer(invocation, True)
    elif mode == "late":
        GLib.timeout_add(int(float(rest[0]) * 1000), answer, invocation, True)
    elif mode == "error":
        invocation.return_dbus_error("org.freedesktop.PolicyKit1.Error.Failed", "no")
    elif mode == "garbage":
        invocation.get_connection().emit_signal(
            None, "/", "org.example.Garbage", "Garbage", GLib.Variant("(s)", ("x",))
        )
        message = Gio.DBusMessage.new_method_reply(invocation.get_message())
        message.set_body(GLib.Variant("(s)", ("yes",)))
        invocation.get_connection().send_message(message, Gio.DBusSendMessageFlags.NONE)
    elif mode != "hang":
        answer(invocation, mode == "yes", mode == "challenge")


def on_call(connection, sender, path, interface, method, parameters, invocation):
    if method == "CancelCheckAuthorization":
        note("cancel")
        invocation.return_value(None)
        return
    subject, action, details, flags, _ = parameters.unpack()
    note(f"{action} {subject[0]} flags={flags} {sorted(details.items())}")
    check(invocation, action, details)


def on_bus(connection, name):
    node = Gio.DBusNodeInfo.new_for_xml(XML)
    connection.register_object("/org/freedesktop/PolicyKit1/Authority", node.interfaces[0], on_call, None, None)


loop = GLib.MainLoop()
Gio.bus_own_name(
    Gio.BusType.SYSTEM,
    "org.freedesktop.PolicyKit1",
    Gio.BusNameOwnerFlags.REPLACE,
    on_bus,
    lambda *_: note("ready"),
    lambda *_: (note("lost"), loop.quit()),
)
loop.run()
