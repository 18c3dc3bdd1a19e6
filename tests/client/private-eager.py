#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sends its first call over the private socket in one piece with the last line of the authentication, and waits for
the answer, so many times."""

import socket
import struct
import sys


def field(code, signature, value):
    header = struct.pack("<BB", code, len(signature)) + signature.encode() + b"\0"
    header += b"\0" * (-len(header) % 4)
    return header + struct.pack("<I", len(value)) + value.encode() + b"\0"


def call():
    fields = b""
    for one in (
        (1, "o", "/org/dream/Shruthi"),
        (2, "s", "org.dream.Shruthi.Manager"),
        (3, "s", "ListUnikernels"),
    ):
        fields += b"\0" * (-len(fields) % 8) + field(*one)
    message = struct.pack("<BBBBIII", ord("l"), 1, 0, 1, 0, 1, len(fields)) + fields
    return message + b"\0" * (-len(message) % 8)


for _ in range(int(sys.argv[1])):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect("/run/shruthi/private")
        client.send(b"\0AUTH EXTERNAL 30\r\n")
        client.recv(100)
        client.send(b"BEGIN\r\n" + call())
        if not client.recv(1000):
            sys.exit("no answer")
