# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The websockets' library, in one place, with types: it brings none of its own."""

from __future__ import annotations

import selectors
import ssl
import threading
from collections.abc import Mapping
from typing import Any, Protocol

import simple_websocket  # type: ignore[import-untyped]  # it brings no types

WAIT_SECONDS = 5.0
"""Longest wait for a descriptor, so that one that was closed meanwhile is noticed."""


class Socket(Protocol):
    """The server's end of a websocket."""

    connected: bool

    def send(self, data: str) -> None:
        """Send a text.

        :raises ConnectionClosed: when the other side is gone
        """

    def receive(self, timeout: float | None = None) -> str | bytes | None:
        """The next message, or None after so many seconds.

        :raises ConnectionClosed: when the other side is gone
        """

    def close(self, reason: int | None = None, message: str | None = None) -> None:
        """Close it; 1000 is the normal reason.

        :raises ConnectionClosed: when it was closed already
        """


ConnectionClosed: type[Exception] = simple_websocket.ConnectionClosed


class TlsConnection:
    """A TLS connection that one thread may read while another one writes.

    Python's own may not: a write in the middle of a read breaks the connection. So nobody waits inside OpenSSL: the
    reader waits for the descriptor, and both take turns.
    """

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection
        self._turn = threading.Lock()
        connection.settimeout(0)

    def _wait(self, event: int) -> None:
        if self._connection.fileno() < 0:
            raise OSError("it was closed by another thread")
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, event)
            selector.select(WAIT_SECONDS)

    def recv(self, size: int) -> bytes:
        """Up to so many bytes; none at the end.

        :raises OSError: when the connection is broken or closed
        """
        while True:
            try:
                with self._turn:
                    return self._connection.recv(size)
            except ssl.SSLWantReadError:
                self._wait(selectors.EVENT_READ)
            except ssl.SSLWantWriteError:
                self._wait(selectors.EVENT_WRITE)

    def send(self, data: bytes) -> int:
        """Send all of it.

        :raises OSError: when the connection is broken or closed
        """
        sent = 0
        while sent < len(data):
            try:
                with self._turn:
                    sent += self._connection.send(data[sent:])
            except ssl.SSLWantWriteError:
                self._wait(selectors.EVENT_WRITE)
            except ssl.SSLWantReadError:
                self._wait(selectors.EVENT_READ)
        return sent

    def close(self) -> None:
        """Close it."""
        self._connection.close()


def accept(environ: Mapping[str, Any]) -> Socket:
    """Upgrade the connection of a request."""
    connection = environ["werkzeug.socket"]
    if isinstance(connection, ssl.SSLSocket):
        environ = {**environ, "werkzeug.socket": TlsConnection(connection)}
    socket: Socket = simple_websocket.Server.accept(environ)
    return socket


def hang_up(sockets: set[Socket], farewell: str | None = None) -> None:
    """Close all of them, after a last message if there is one."""
    for socket in list(sockets):
        try:
            if farewell:
                socket.send(farewell)
            socket.close()
        except (ConnectionClosed, OSError):
            continue  # the other side was quicker
