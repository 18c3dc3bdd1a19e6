#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients of a published port. Each sends a request, or a datagram, and waits for its answer; those that had none are
counted.

knock.py tcp ADDRESS PORT N [half]   N connections at once; half: the sending side is closed at once
knock.py udp ADDRESS PORT N          N datagrams from as many ports, each sent once
knock.py again ADDRESS PORT FILE N   connections at random moments, N in a group, with pauses between the groups, until
                                     FILE is there
knock.py syn ADDRESS PORT N          N connections are begun, and left
"""

import os
import random
import resource
import socket
import sys
import threading
import time

# As tests/system/lib.sh has it.
PATIENCE = 40 * int(os.environ.get("SLOWNESS") or 1)


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def ask_tcp(address, port, half=False):
    with socket.socket(family(address), socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        connection.connect((address, port))
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        if half:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while data := connection.recv(4096):
            answer += data
        if b"X-Client" not in answer:
            raise OSError(f"answered {answer!r}")


def ask_udp(address, port):
    with socket.socket(family(address), socket.SOCK_DGRAM) as connection:
        connection.settimeout(PATIENCE)
        connection.connect((address, port))
        connection.send(b"hello")
        if connection.recv(100) != b"hello":
            raise OSError("another answer")


def at_once(count, ask, within=0):
    """within: each at a random moment of so many seconds."""
    failures = []

    def run():
        time.sleep(random.uniform(0, within))
        begun = time.monotonic()
        try:
            ask()
        except OSError as error:
            failures.append(f"{error} after {time.monotonic() - begun:.3f} s")

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def again(address, port, file, group):
    failures, count, longest = [], 0, 0.0

    def ask():
        nonlocal longest
        begun = time.monotonic()
        ask_tcp(address, port)
        longest = max(longest, time.monotonic() - begun)

    while not os.path.exists(file):
        time.sleep(random.uniform(0.5, 4))
        failures += at_once(group, ask, within=1)
        count += group
    print(f"{count} connections, the longest took {longest:.1f} s")
    return failures


def begin(address, port, count):
    connections = []
    for _ in range(count):
        connection = socket.socket(family(address), socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.connect_ex((address, port))
        connections.append(connection)
    time.sleep(1)


def main():
    how, address, port, rest = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    begun = time.monotonic()
    failures = []
    if how == "tcp":
        failures = at_once(int(rest[0]), lambda: ask_tcp(address, port, rest[1:] == ["half"]))
    elif how == "udp":
        failures = at_once(int(rest[0]), lambda: ask_udp(address, port))
    elif how == "again":
        failures = again(address, port, rest[0], int(rest[1]))
    else:
        begin(address, port, int(rest[0]))
    for failure in failures:
        print(failure)
    print(f"{len(failures)} without an answer, {time.monotonic() - begun:.3f} s")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
