# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A listener that keeps what the stand-ins send, as lines of a capture, and answers as the captures do."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import socket
import ssl
import threading
import time
from contextlib import suppress
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from emulator.certificates import make_certificates

Line = dict[str, Any]
WEBSOCKET_ID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HEARTBEAT = b'{"type":"HeartbeatMessage","message":{"healthy":true,"messageId":"1"}}'


def kind(line: Line) -> str:
    """What a line of a capture is: the operation, the request of a path of its own, or the message on a websocket."""
    if "req" not in line:
        return str(json.loads(line["text"].rpartition("\r\n\r\n")[2]).get("type", "first message of a control channel"))
    asked = line["req"]
    operation = asked["headers"].get("X-Amz-Target", "").rpartition(".")[2]
    if operation == "UpdateInstanceInformation":
        return f"{operation}, {'active' if 'AgentStatus' in asked['body'] else 'first'}"
    if operation:
        return str(operation)
    channel = "control channel" if "control-channel" in asked["path"] else "TCS"
    return f"{asked['method']} of {'ACS' if 'sendCredentials' in asked['path'] else channel}"


def compared(line: Line) -> bool:
    """Not the pings of a control channel, which take 54 seconds, nor a connection's end."""
    return "req" in line or "text" in line


def _body(headers: Any, file: BufferedIOBase) -> bytes:
    """The body of a request, also a chunked one."""
    if headers.get("Transfer-Encoding") != "chunked":
        return file.read(int(headers.get("Content-Length") or 0))
    body = b""
    while size := int(file.readline(), 16):
        body += file.read(size)
        file.readline()
    file.readline()
    return body


def _frame(file: BufferedIOBase) -> tuple[int, bytes]:
    """Opcode and payload of a masked frame of less than 64 KiB; raises EOFError at the end."""
    head = file.read(2)
    if len(head) < 2:
        raise EOFError
    size = head[1] & 0x7F
    size = int.from_bytes(file.read(2), "big") if size == 126 else size
    mask, data = file.read(4), file.read(size)
    return head[0] & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))


class Handler(http.server.BaseHTTPRequestHandler):
    """Keeps a request and answers it."""

    server: Recorder

    def do_POST(self) -> None:
        """A call."""
        line = self.keep(_body(self.headers, self.rfile).decode())
        status, answer = self.server.answer(line)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self) -> None:
        """A websocket. The heartbeat on the one for work wants an answer."""
        line = self.keep("")
        accept = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + WEBSOCKET_ID).encode()).digest()  # noqa: S324
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade")):
            self.send_header(name, value)
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept).decode())
        self.end_headers()
        if kind(line) == "GET of ACS":
            self.wfile.write(bytes((0x81, len(HEARTBEAT))) + HEARTBEAT)
        with suppress(EOFError, OSError):
            while True:
                opcode, data = _frame(self.rfile)
                if opcode == 1:
                    self.server.lines.append({"ws": "recv", "opcode": opcode, "text": data.decode()})

    def keep(self, body: str) -> Line:
        """The request as a line of a capture."""
        asked = {"method": self.command, "path": self.path, "headers": dict(self.headers.items()), "body": body}
        self.server.lines.append({"req": asked})
        return {"req": asked}

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Recorder(http.server.ThreadingHTTPServer):
    """The listener, with TLS.

    :param captured: lines of captures; what is answered is the answer of the last that succeeded of the same kind
    """

    def __init__(self, folder: Path, captured: list[Line]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lines: list[Line] = []
        good = [line for line in captured if "req" in line and line["resp"]["code"] < 300]
        self._answers = {kind(line): line["resp"] for line in good}
        certificate, key = make_certificates(folder, (), self.server_port)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket: socket.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server_port}"
        self.ca = str(folder / "ca.pem")
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self, line: Line) -> tuple[int, bytes]:
        """Status and body: the captured ones, with what must be of this moment, this listener and this request."""
        captured = self._answers[kind(line)]
        if not captured["body"].startswith("{"):
            return int(captured["code"]), captured["body"].encode()
        body = json.loads(captured["body"])
        if "TokenExpirationDate" in body:
            body.update(TokenExpirationDate=time.time() + 3600, UpdateKeyPair=True)
        elif "telemetryEndpoint" in body:
            body.update(endpoint=self.url, telemetryEndpoint=self.url)
        elif "containerInstance" in body:
            body["containerInstance"]["attributes"] = json.loads(line["req"]["body"])["attributes"]
        return int(captured["code"]), json.dumps(body).encode()
