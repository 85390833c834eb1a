# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in for ``/usr/libexec/amazon-ecs-init``: prepares the host, runs the agent, and again when it fails."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from . import ecs_files as files
from . import wire

# Pauses between pings of Docker that add up to 13 s, as measured.
DOCKER_DELAYS = (1, 2, 3, 3, 4)
RETRY_FIRST, RETRY_MOST = 0.5, 15
SUCCESS, TERMINAL = 0, 5
ROUTE = Path("/proc/sys/net/ipv4/conf/all/route_localnet")
RULES = [
    "-t nat {} PREROUTING -p tcp -d 169.254.170.2 --dport 80 -j DNAT --to-destination 127.0.0.1:51679",
    "-t nat {} OUTPUT -d 169.254.170.2 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 51679",
    "-t filter {} INPUT -p tcp ! -i lo --dport 51678 -j DROP",
]


class InitError(Exception):
    """ecs-init cannot go on."""


def _wait_for_docker() -> None:
    """Wait until Docker answers; raises `InitError` after 13 s."""
    for delay in (*DOCKER_DELAYS, None):
        try:
            files.docker("/version")
            return
        except files.DockerError as error:
            if delay is None:
                raise InitError(f"could not create docker client: {error}") from error
            time.sleep(delay)


def _rule(action: str, rule: str) -> bool:
    """Check (-C), insert (-I), append (-A) or delete (-D) a packet filter rule."""
    done = subprocess.run(["iptables", *rule.format(action).split()], capture_output=True, check=False)
    return done.returncode == 0


def pre_start() -> None:
    """Routes to the credentials endpoint, then the agent's image."""
    _wait_for_docker()
    if os.environ.get("ECS_SKIP_LOCALHOST_TRAFFIC_FILTER") != "true":
        try:
            ROUTE.write_text("1\n")
            for rule in RULES:
                if not _rule("-C", rule) and not _rule("-A", rule):
                    raise InitError(f"could not create route to the credentials proxy: iptables {rule.format('-A')}")
        except OSError as error:
            raise InitError(f"could not enable loopback routing: {error}") from error
    files.EBS.mkdir(parents=True, exist_ok=True)
    cached = all(path.exists() and path.stat().st_size for path in (files.IMAGE, files.IMAGE_STATE))
    if not cached:
        _download()
    _load()
    files.init_log("INFO", "pre-start")


def _load() -> None:
    """Load the agent's image: one that was cut off has no line end. Raises `InitError`."""
    if not files.IMAGE.read_bytes().endswith(b"\n"):
        raise InitError(
            "could not load Amazon Elastic Container Service Agent into Docker: API error (500): Error processing tar "
            "file(exit status 1): unexpected EOF"
        )
    files.IMAGE_STATE.write_text("1")


def _download() -> None:
    """Fetch the agent's image: in external mode always from us-east-1. Raises `InitError`."""
    url = "https://s3.us-east-1.amazonaws.com/amazon-ecs-agent-us-east-1/ecs-agent-latest.tar"
    files.init_log("INFO", "Downloading Amazon Elastic Container Service Agent")
    try:
        answer = wire.request("GET", url, {}, env=os.environ, timeout=60)
    except wire.NetworkError as error:
        raise InitError(f"could not download Amazon Elastic Container Service Agent: {error}") from error
    if answer.status != 200:
        raise InitError(f"could not download Amazon Elastic Container Service Agent: {answer.status}")
    files.IMAGE.parent.mkdir(parents=True, exist_ok=True)
    files.IMAGE.write_bytes(answer.body)


def start(agent: list[str]) -> int:
    """Run the agent until it exits with 0 or 5; the exit code. Any other exit is tried again after 0.5 to 15 s."""
    _wait_for_docker()
    stopping = False
    pause = float(RETRY_FIRST)
    while True:
        began = time.monotonic()
        files.init_log("INFO", "Starting Amazon Elastic Container Service Agent")
        process = subprocess.Popen(agent, env={**_bare(), **files.as_seen(files.agent_environment())})
        files.PID_FILE.write_text(str(process.pid))

        def stop(*_: object, child: subprocess.Popen[bytes] = process) -> None:
            nonlocal stopping
            stopping = True
            child.terminate()

        signal.signal(signal.SIGTERM, stop)
        code = process.wait()
        files.init_log("INFO", f"Agent exited with code {code}")
        if stopping or code == SUCCESS:
            return 0
        if code == TERMINAL:
            files.init_log("ERROR", "agent exited with terminal exit code: 5")
            return TERMINAL
        if time.monotonic() - began > 60:
            pause = RETRY_FIRST
        time.sleep(pause * random.uniform(1, 1.2))  # noqa: S311 - a pause
        pause = min(RETRY_MOST, pause * 2)


def _bare() -> dict[str, str]:
    """What the agent's process needs to run at all; nothing else of our environment gets into the container."""
    return {
        name: os.environ[name]
        for name in ("PATH", "STANDIN_ROOT", "STANDIN_PORT", "STANDIN_VERSION", "PYTHONPATH")
        if name in os.environ
    }


def stop() -> None:
    """Stop the agent."""
    files.init_log("INFO", "Stopping Amazon Elastic Container Service Agent")
    pid = files.agent_pid()
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def post_stop() -> None:
    """Take the routes away."""
    files.init_log("INFO", "Cleaning up the credentials endpoint setup for Amazon Elastic Container Service Agent")
    for rule in RULES:
        _rule("-D", rule)
    with contextlib.suppress(OSError):
        ROUTE.write_text("0\n")


def main(words: list[str], version: str, agent: list[str]) -> int:
    """The program; its exit code: 255 when the host cannot be prepared, 5 when the agent must not be started again."""
    actions: dict[str, Callable[[], object]] = {
        "pre-start": pre_start,
        "start": lambda: start(agent),
        "pre-stop": stop,
        "stop": stop,
        "post-stop": post_stop,
        "reload-cache": lambda: None,
        "version": lambda: print(f"amazon-ecs-init version {version}"),
    }
    if len(words) != 1 or words[0] not in actions:
        print(f"usage: amazon-ecs-init {'|'.join(actions)}", file=sys.stderr)
        return 1
    try:
        code = actions[words[0]]()
    except InitError as error:
        files.init_log("ERROR", str(error))
        return 255
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    own = os.environ.get("STANDIN_VERSION", "1.105.1")
    sys.exit(main(sys.argv[1:], own, [sys.executable, "-m", f"{__package__}.ecs_agent"]))
