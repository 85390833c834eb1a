# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ECS agent of a host, as far as it tells of its tasks."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Agent:
    """It tells of one task that shall stop, in these statuses one after the other."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.desired = "STOPPED"
        agent = self

        class Handler(BaseHTTPRequestHandler):
            """Each question gets the next answer, and the last one for ever."""

            def do_GET(self) -> None:
                status = agent.statuses.pop(0) if len(agent.statuses) > 1 else agent.statuses[0]
                task = {"Arn": "task/1", "DesiredStatus": agent.desired, "KnownStatus": status}
                body = json.dumps({"Tasks": [task]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nobody reads it."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/tasks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
