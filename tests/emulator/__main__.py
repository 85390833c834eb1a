# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m emulator``: run until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from .server import Emulator


def main() -> int:
    """Parse the command line, serve, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="emulator", description="The AWS emulator of onprem.ecs; see docs/emulator.md."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=4566, help="port for HTTP (%(default)s)")
    parser.add_argument("--tls-port", type=int, help="port for HTTPS; none by default")
    parser.add_argument("--tls-dir", type=Path, default=Path(".emulator"), help="where the certificates are kept")
    parser.add_argument("--tls-name", action="append", default=[], help="further name in the certificate")
    parser.add_argument("--lenient", action="store_true", help="verify no signatures and authorise no nodes")
    parser.add_argument("--ready-file", type=Path, help="written, with the addresses in JSON, once it listens")
    options = parser.parse_args()
    emulator = Emulator(
        host=options.host,
        port=options.port,
        tls_port=options.tls_port,
        tls_dir=options.tls_dir,
        tls_names=options.tls_name,
        strict=not options.lenient,
    )
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with emulator:
        where = {"url": emulator.url, "pid": os.getpid()}
        if options.tls_port is not None:
            where |= {"tls_url": emulator.tls_url, "ca": emulator.ca}
        sys.stdout.write(json.dumps(where) + "\n")
        sys.stdout.flush()
        if options.ready_file:
            options.ready_file.write_text(json.dumps(where))
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
