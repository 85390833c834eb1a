# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The package mirror: AWS's buckets with the stand-in packages, and the small Debian archive of the hosts."""

from __future__ import annotations

import http.server
import re
import socketserver
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from . import images
from .paths import cache_dir


@dataclass(frozen=True)
class Key:
    """A public signing key: its armoured text and the fingerprint of its primary key."""

    text: str
    fingerprint: str


def keys() -> dict[str, Key]:
    """The keys that the packages are signed with: ``ssm`` and ``ecs``."""
    return {"ssm": Key("", ""), "ecs": Key("", "")}


def ensure(say: Callable[[str], None] = print) -> None:
    """Make packages and keys unless they are cached."""


def locate(path: str) -> Path | None:
    """The file behind a path of the mirror; None when there is none.

    ``/archive/SUITE/…`` is the Debian archive of that suite; ``/aws/…`` are the buckets, the same for every region.
    """
    parts = [unquote(part) for part in urlsplit(path).path.split("/") if part not in {"", "."}]
    if ".." in parts or len(parts) < 3:
        return None
    if parts[0] == "archive" and parts[1] in images.SUITES:
        return images.Image(parts[1]).archive.joinpath(*parts[2:])
    if parts[0] == "aws":
        parts = [re.sub(r"^(amazon-ssm|amazon-ecs-agent)-[a-z0-9-]+$", r"\1", part) for part in parts[1:]]
        return cache_dir().joinpath("mirror", *parts)
    return None


class Handler(http.server.SimpleHTTPRequestHandler):
    """Static files by `locate`; everything else is what AWS answers for a missing object: 403."""

    protocol_version = "HTTP/1.1"

    def translate_path(self, path: str) -> str:
        """The file to send."""
        found = locate(path)
        return str(found) if found and found.is_file() else "/nonexistent"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """One line a request on stdout."""
        print(f"{self.address_string()} {format % args}", flush=True)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """One thread a connection."""

    daemon_threads = True
    request_queue_size = 128


def serve(host: str, port: int, ready: str) -> int:
    """Serve until killed; the ready file is written once the address is bound."""
    with Server((host, port), Handler) as server:
        Path(ready).write_text(f"{server.server_address[1]}\n")
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(serve("127.0.0.1", 8000, sys.argv[1]))
