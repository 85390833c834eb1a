# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The websockets' library, in one place, with types: it brings none of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import simple_websocket  # type: ignore[import-untyped]  # it brings no types


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


def accept(environ: Mapping[str, Any]) -> Socket:
    """Upgrade the connection of a request."""
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
