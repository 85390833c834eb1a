# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ecs-init and the ECS agent share: their files, the environment of the agent, Docker, the log."""

from __future__ import annotations

import functools
import http.client
import json
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import wire

# Tests set another root; on a host it is never set.
ROOT = Path(os.environ.get("STANDIN_ROOT", "/"))
INSTANCE_CONFIG = ROOT / "var/lib/ecs/ecs.config"
USER_CONFIG = ROOT / "etc/ecs/ecs.config"
DATABASE = ROOT / "var/lib/ecs/data/agent.db"
IMAGE = ROOT / "var/cache/ecs/ecs-agent.tar"
IMAGE_STATE = ROOT / "var/cache/ecs/state"
AGENT_LOG = ROOT / "var/log/ecs/ecs-agent.log"
INIT_LOG = ROOT / "var/log/ecs/ecs-init.log"
EXEC = ROOT / "var/lib/ecs/deps/execute-command"
EXEC_PROGRAMS = ("amazon-ssm-agent", "ssm-agent-worker", "ssm-session-worker")
EBS = ROOT / "mnt/ecs/ebs"
PID_FILE = ROOT / "run/ecs-agent.pid"
DOCKER_SOCKET = ROOT / "var/run/docker.sock"

# The real agent is a container. These are the folders that it sees, and where they are on the host.
MOUNTS = {
    "/etc/ecs": "etc/ecs",
    "/var/lib/ecs": "var/lib/ecs",
    "/var/cache/ecs": "var/cache/ecs",
    "/data": "var/lib/ecs/data",
    "/log": "var/log/ecs",
    "/rotatingcreds": "root/.aws",
    "/etc/pki": "etc/pki",
}


def can_exec() -> bool:
    """Whether the programs of some version, and certificate authorities, are there for ECS Exec."""
    versions = [path for path in (EXEC / "bin").glob("*") if re.fullmatch(r"\d+(\.\d+){3}", path.name)]
    whole = any(all((version / name).is_file() for name in EXEC_PROGRAMS) for version in versions)
    return whole and (EXEC / "certs/tls-ca-bundle.pem").is_file()


@functools.cache
def shared_credentials() -> Path:
    """The credentials that the SSM agent shares, as the agent's container sees them.

    Docker mounts the folder when it starts the container, and makes one where there is none: one that takes its place
    later is not seen.
    """
    folder = ROOT / "root/.aws"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(f"/proc/self/fd/{os.open(folder, os.O_PATH | os.O_DIRECTORY)}/credentials")


class DockerError(Exception):
    """Docker did not answer."""


def seen(path: str) -> Path:
    """Where a path of the agent's container is on the host; a path that is not there for what is not mounted."""
    for inside, outside in MOUNTS.items():
        if path == inside or path.startswith(inside + "/"):
            return ROOT / outside / path[len(inside) :].lstrip("/")
    return Path("/nonexistent", path.lstrip("/"))


def read_config(path: Path) -> dict[str, str]:
    """The variables of a config file, as ecs-init takes them: NAME=VALUE, quotes are part of the value."""
    try:
        text = path.read_text()
    except OSError:
        return {}
    pairs = (line.strip().partition("=") for line in text.strip().splitlines())
    return {name: value for name, sign, value in pairs if sign}


def agent_environment() -> dict[str, str]:
    """What the agent's container gets: defaults, then the instance's file, then the user's, which wins."""
    env = {
        "ECS_LOGFILE": "/log/ecs-agent.log",
        "ECS_DATADIR": "/data",
        "ECS_AVAILABLE_LOGGING_DRIVERS": '["json-file","syslog","awslogs","fluentd","none"]',
        "ECS_ENABLE_TASK_IAM_ROLE": "true",
        "ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST": "true",
    }
    if (ROOT / "etc/pki/tls/certs").is_dir():
        env["SSL_CERT_DIR"] = "/etc/pki/tls/certs"
    return {**env, **read_config(INSTANCE_CONFIG), **read_config(USER_CONFIG)}


def as_seen(env: Mapping[str, str]) -> dict[str, str]:
    """The agent's environment with the paths of certificates as they are on the host."""
    found = dict(env)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if name in found:
            found[name] = str(seen(found[name]))
    return found


class _Connection(http.client.HTTPConnection):
    """HTTP over Docker's socket."""

    def __init__(self) -> None:
        super().__init__("docker", timeout=30)

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(DOCKER_SOCKET))


def docker(path: str) -> Any:
    """The JSON of a GET of Docker's API. Raises `DockerError`."""
    connection = _Connection()
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise DockerError(f"Docker answered {answer.status}: {body.decode(errors='replace')[:200]}")
        return json.loads(body)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DockerError(
            f"Cannot connect to the Docker daemon at unix://{DOCKER_SOCKET}. Is the docker daemon running? ({error})"
        ) from error
    finally:
        connection.close()


def agent_log(level: str, text: str, **fields: Any) -> None:
    """A line of the agent's log."""
    more = "".join(f" {key}={json.dumps(str(value))}" for key, value in fields.items())
    line = f"level={level} time={wire.timestamp(wire.now())} msg={json.dumps(text)}{more}"
    AGENT_LOG.parent.mkdir(parents=True, exist_ok=True)
    with AGENT_LOG.open("a") as file:
        file.write(line + "\n")
    print(line, flush=True)


def init_log(level: str, text: str) -> None:
    """A line of ecs-init's log, for the journal as well."""
    line = f"{wire.timestamp(wire.now())} [{level}] {text}"
    INIT_LOG.parent.mkdir(parents=True, exist_ok=True)
    with INIT_LOG.open("a") as file:
        file.write(line + "\n")
    print(line, flush=True)


def agent_pid() -> int | None:
    """The process id of the running agent."""
    try:
        pid = int(PID_FILE.read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid
