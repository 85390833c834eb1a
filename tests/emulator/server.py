# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as a running server, in a thread or for a process of its own."""

from __future__ import annotations

import socket
import ssl
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from .app import Application
from .certificates import EVERYWHERE, make_certificates
from .moto_bridge import reset, warm_up
from .state import State

HANDSHAKE_SECONDS = 30


class Handler(WSGIRequestHandler):
    """A request handler that writes nothing to the terminal."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing: the journal has it all."""

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Hang up, instead of waiting for another request on the connection."""
        self.close_connection = True


class HttpServer(ThreadedWSGIServer):
    """A thread for each connection. TLS is negotiated in that thread, so that a silent caller stops no other."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, host: str, port: int, app: Application) -> None:
        super().__init__(host, port, app, handler=Handler)
        self.ssl_context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Negotiate TLS when it is wanted, then answer."""
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.ssl_context is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(HANDSHAKE_SECONDS)
        try:
            wrapped = self.ssl_context.wrap_socket(request, server_side=True)
        except (ssl.SSLError, OSError):
            return  # somebody who does not speak TLS, or does not trust us
        wrapped.settimeout(None)
        try:
            super().finish_request(wrapped, client_address)
        finally:
            self.shutdown_request(wrapped)


class Emulator:
    """An emulator in this process. One at a time: moto's state belongs to the process.

    :param port: 0 for any free one
    :param tls_port: None for no TLS, 0 for any free one
    :param tls_dir: where the certificates are; a temporary directory if not given
    :param tls_names: further names of the server in its certificate
    :param strict: verify signatures and authorise nodes
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls_port: int | None = 0,
        tls_dir: Path | None = None,
        tls_names: Sequence[str] = (),
        strict: bool = True,
    ) -> None:
        self.state = State(strict)
        self.host = host
        self._wanted = (port, tls_port)
        self._temporary = None if tls_dir else tempfile.TemporaryDirectory(prefix="emulator-")
        self.tls_dir = tls_dir or Path(self._temporary.name if self._temporary else ".")
        self._names = (host, *tls_names)
        self._servers: list[HttpServer] = []

    def start(self) -> Emulator:
        """Listen, with an empty account."""
        app = Application(self.state)
        port, tls_port = self._wanted
        self._servers = [HttpServer(self.host, port, app)]
        if tls_port is not None:
            server = HttpServer(self.host, tls_port, app)
            self._servers.append(server)
            # The certificate names the port, so the port comes first.
            certificate, key = make_certificates(self.tls_dir, self._names, server.server_port)
            server.ssl_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.ssl_context.load_cert_chain(certificate, key)
        warm_up()
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening, and forget everything."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers = []
        reset()
        if self._temporary:
            self._temporary.cleanup()

    @property
    def port(self) -> int:
        """The port for HTTP."""
        return int(self._servers[0].server_port)

    @property
    def tls_port(self) -> int | None:
        """The port for HTTPS, if there is one."""
        return int(self._servers[1].server_port) if len(self._servers) > 1 else None

    @property
    def url(self) -> str:
        """Where it listens, without TLS."""
        return f"http://{self._reachable}:{self.port}"

    @property
    def tls_url(self) -> str:
        """Where it listens with TLS."""
        return f"https://{self._reachable}:{self.tls_port}"

    @property
    def _reachable(self) -> str:
        return "127.0.0.1" if self.host in EVERYWHERE else self.host

    @property
    def ca(self) -> str:
        """Path of the certificate authority to be trusted."""
        return str(self.tls_dir / "ca.pem")

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
