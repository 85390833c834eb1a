# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A forward proxy, as a company has one: HTTP by whole addresses, all else by CONNECT. It tells what it is asked.

``python forward_proxy.py ADDRESS PORT`` writes a line for each request: the method and what was asked for.
"""

from __future__ import annotations

import http.client
import http.server
import select
import shutil
import socket
import socketserver
import sys
from urllib.parse import urlsplit

#: Headers that are between two neighbours, not between client and server.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "proxy-authorization", "transfer-encoding"}


class Handler(http.server.BaseHTTPRequestHandler):
    """One request a connection; a tunnel lasts until one side ends it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Ask the server, and hand its answer on."""
        self.close_connection = True
        address = urlsplit(self.path)
        if address.scheme != "http" or not address.hostname:
            self.send_error(400, "not the address of a page")
            return
        path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        try:
            server = http.client.HTTPConnection(address.hostname, address.port or 80, timeout=30)
            server.request(self.command, path, headers=headers)
            answer = server.getresponse()
        except OSError as error:
            self.send_error(502, str(error))
            return
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.log_request()
        shutil.copyfileobj(answer, self.wfile)

    do_HEAD = do_GET

    def do_CONNECT(self) -> None:
        """Carry bytes in both directions."""
        self.close_connection = True
        host, _colon, port = self.path.rpartition(":")
        try:
            server = socket.create_connection((host, int(port)), 30)
        except (OSError, ValueError) as error:
            self.send_error(502, str(error))
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        with server:
            ends = {self.connection: server, server: self.connection}
            while True:
                readable, _unused, _unused2 = select.select([*ends], [], [])
                for end in readable:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)

    def log_message(self, format: str, *args: object) -> None:
        """Only requests are told."""

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """One line, at once."""
        # One write: two requests at a time must not mix their lines.
        print(f"{self.command} {self.path}\n", end="", flush=True)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A thread for each connection."""

    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    with Server((sys.argv[1], int(sys.argv[2])), Handler) as proxy:
        print("ready", flush=True)
        proxy.serve_forever()
