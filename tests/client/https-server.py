#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server of files over https, and of whatever a hostile one may do: https-server.py PORT CERTIFICATE KEY FOLDER LOG.

/FILE serves FOLDER/FILE; each request is a line of LOG. /status/N answers with N; /to/URL redirects to URL (with two
underscores for each "//"), /loop to itself; /endless never ends, /large says that it is large, /slow sends a byte a
second, /cut less than it says, /silent nothing at all, /headers headers without an end."""

import http.server
import pathlib
import ssl
import sys
import time

PORT, CERTIFICATE, KEY, FOLDER, LOG = sys.argv[1:6]
CHUNK = bytes(65536)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *arguments):
        pass

    def answer(self, status, length=None, **headers):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()

    def do_GET(self):
        with open(LOG, "a", encoding="utf-8") as log:
            log.write(self.path + "\n")
        try:
            self.serve()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass

    def serve(self):
        first, _, rest = self.path[1:].partition("/")
        if first == "status":
            self.answer(int(rest.split("/")[0]), 0)
        elif first == "to":
            self.answer(302, 0, Location=rest.replace("__", "//"))
        elif first == "loop":
            self.answer(302, 0, Location=self.path)
        elif first == "endless":
            self.answer(200)
            while True:
                self.wfile.write(CHUNK)
        elif first == "large":
            self.answer(200, 1 << 40)
            self.wfile.write(CHUNK)
        elif first == "slow":
            self.answer(200, 1000)
            for _ in range(1000):
                self.wfile.write(b"x")
                time.sleep(1)
        elif first == "cut":
            self.answer(200, 100000)
            self.wfile.write(b"x" * 5000)
        elif first == "silent":
            time.sleep(3600)
        elif first == "headers":
            self.wfile.write(b"HTTP/1.0 200 OK\r\n")
            while True:
                self.wfile.write(b"X-A: " + b"a" * 8000 + b"\r\n")
        else:
            self.serve_file(pathlib.Path(FOLDER) / self.path[1:])

    def serve_file(self, path):
        if not path.is_file():
            self.answer(404, 0)
            return
        data = path.read_bytes()
        self.answer(200, len(data))
        self.wfile.write(data)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(PORT)), Handler)
server.daemon_threads = True
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
