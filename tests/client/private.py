#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls a method of the manager over the private socket, peer to peer."""

import sys

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

ADDRESS = "unix:path=/run/shruthi/private"

try:
    bus = Gio.DBusConnection.new_for_address_sync(
        ADDRESS, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT, None, None
    )
    method, *names = sys.argv[1:]
    parameters = GLib.Variant("(st)", (names[0], 0)) if names else None
    print(
        bus.call_sync(
            None, "/org/dream/Shruthi", "org.dream.Shruthi.Manager", method, parameters, None, 0, 60000, None
        ).unpack()
    )
except GLib.Error as error:
    sys.exit(error.message)
