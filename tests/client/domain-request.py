#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks shruthi-domain.service for what is given, or for something that nobody should: prints its output, then "begun"
and "answer=N" as they come, "end" at the end. With --full its output takes nothing before there is a byte on standard
input; with --leave it hangs up then, and still reads nothing."""

import argparse
import array
import os
import socket
import struct
import sys

SOCKET = "/run/shruthi/domain"
BEGUN = -1


def descriptors(kind, output):
    null = os.open("/dev/null", os.O_WRONLY)
    read_only = os.open("/dev/null", os.O_RDONLY)
    folder = os.open("/", os.O_PATH | os.O_DIRECTORY)
    return {
        "good": [output, 2],
        "none": [],
        "one": [output],
        "read-only": [read_only, 2],
        "folder": [output, 2, folder],
        "no-folder": [output, 2, null],
        "many": [output, 2, folder, null, null, null],
    }[kind]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fds", default="good")
    parser.add_argument("--raw", action="store_true", help="the one word is sent as it is, with \\0 for NUL")
    parser.add_argument("--silent", action="store_true", help="connect and say nothing")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--leave", action="store_true")
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()

    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(SOCKET)
    if args.silent:
        print("end" if connection.recv(4) == b"" else "answered", flush=True)
        return
    source, output = os.pipe()
    if args.raw:
        text = args.words[0].replace("\\0", "\0").encode()
    else:
        text = b"".join(word.encode() + b"\0" for word in args.words)
    if args.full or args.leave:
        os.set_blocking(output, False)
        try:
            while True:
                os.write(output, b"\n" * 4096)
        except BlockingIOError:
            os.set_blocking(output, True)
    fds = array.array("i", descriptors(args.fds, output))
    try:
        connection.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)] if fds else [])
    except BrokenPipeError:
        pass
    os.close(output)

    while True:
        try:
            packet = connection.recv(64)
        except ConnectionResetError:
            packet = b""
        if not packet:
            break
        (answer,) = struct.unpack("i", packet)
        print("begun" if answer == BEGUN else f"answer={answer}", flush=True)
        if answer == BEGUN and (args.full or args.leave):
            if args.leave:
                connection.close()
            os.read(0, 1)
            if args.leave:
                return
            os.read(source, 1 << 20)
    while text := os.read(source, 1 << 16):
        sys.stdout.buffer.write(text)
    sys.stdout.flush()
    print("end", flush=True)


main()
