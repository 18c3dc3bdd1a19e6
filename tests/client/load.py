#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""HTTP clients of a published port, each request on a connection of its own.

    load.py ADDRESS PORT load REQUESTS THREADS FILE    as many as that at least, and until FILE is there; says how many
                                                       there were, how many failed and how, and what was answered
    load.py ADDRESS PORT hold FILE                     one that connects, and asks only when FILE is there
"""

import collections
import os
import socket
import sys
import threading
import time

REQUEST = b"GET / HTTP/1.0\r\n\r\n"
TIMEOUT_SEC = 20


def connect(address, port):
    return socket.create_connection((address, port), timeout=TIMEOUT_SEC)


def ask(connection):
    """The status that is answered."""
    connection.sendall(REQUEST)
    answer = b""
    while chunk := connection.recv(4096):
        answer += chunk
    words = answer.split(b" ", 2)
    if len(words) < 3 or not words[0].startswith(b"HTTP/"):
        raise ValueError(f"answered {answer!r}")
    return words[1].decode()


def load(address, port, requests, threads, path):
    answers, lock = collections.Counter(), threading.Lock()

    def work():
        while answers.total() < requests or not os.path.exists(path):
            try:
                with connect(address, port) as connection:
                    answer = ask(connection)
            except (OSError, ValueError) as error:
                answer = f"{type(error).__name__}: {error} at {time.strftime('%T')}"
            with lock:
                answers[answer] += 1

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    failed = {answer: n for answer, n in answers.items() if not answer.isdigit()}
    print(f"{answers.total()} requests, {sum(failed.values())} failed, answered", *sorted(set(answers) - set(failed)))
    for answer, n in failed.items():
        print(f"{n} times {answer}")
    return 1 if failed else 0


def hold(address, port, path):
    with connect(address, port) as connection:
        print("connected", flush=True)
        while not os.path.exists(path):
            time.sleep(0.05)
        print("answered", ask(connection))
    return 0


def main():
    address, port, verb, *rest = sys.argv[1:]
    if verb == "hold":
        return hold(address, int(port), *rest)
    return load(address, int(port), int(rest[0]), int(rest[1]), rest[2])


if __name__ == "__main__":
    sys.exit(main())
