# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in agents as processes, against the emulator, with their files in a folder of the test."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest

import emulator
from hosts.paths import HERE, REGION, TESTS

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
POLICIES = ("AmazonSSMManagedInstanceCore", "service-role/AmazonEC2ContainerServiceforEC2Role")


@cache
def _client(url: str, service: str) -> Any:
    """A client; it takes half a second to make, so each is made once."""
    session = boto3.Session(emulator.ACCESS_KEY, emulator.SECRET_KEY, region_name=REGION)
    make: Any = session.client  # its type lists all services by name
    return make(service, endpoint_url=url)


@dataclass(frozen=True)
class Aws:
    """The emulator and a controller's clients for it."""

    url: str
    tls_url: str
    ca: str

    def client(self, service: str) -> Any:
        """A client with the controller's key."""
        return _client(self.url, service)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the emulator's control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/_emulator/{path}", data=data, method=method, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def activation(self, limit: int = 5) -> tuple[str, str]:
        """Id and code of a new activation."""
        made = self.client("ssm").create_activation(IamRole="ecsAnywhereRole", RegistrationLimit=limit)
        return str(made["ActivationId"]), str(made["ActivationCode"])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """A strict emulator in a process of its own: another one may be in this process."""
    folder = tmp_path_factory.mktemp("emulator")
    ready = folder / "ready"
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [probe.getsockname()[1] for probe in (one, two)]
    command = [sys.executable, "-m", "emulator", "--port", str(ports[0]), "--tls-port", str(ports[1])]
    command += ["--tls-dir", str(folder / "tls"), "--ready-file", str(ready)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(TESTS)}, stderr=subprocess.DEVNULL)
    try:
        wait(ready.exists, "the emulator")
        yield Aws(f"http://127.0.0.1:{ports[0]}", f"https://127.0.0.1:{ports[1]}", str(folder / "tls" / "ca.pem"))
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def aws(server: Aws) -> Aws:
    """The emulator with a role and a cluster, and nothing else."""
    server.control("POST", "reset")
    # A poll for messages that is still open when its agent is killed would hold the next reset up.
    server.control("POST", "settings", {"message_poll_seconds": 0})
    iam = server.client("iam")
    iam.create_role(RoleName="ecsAnywhereRole", AssumeRolePolicyDocument=json.dumps(TRUST))
    for name in POLICIES:
        iam.attach_role_policy(RoleName="ecsAnywhereRole", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
    server.client("ecs").create_cluster(clusterName="lab")
    return server


def wait(condition: Callable[[], Any], what: str, seconds: float = 20) -> Any:
    """The first true value of a condition; fails when there is none in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"no {what} after {seconds} s")


class Box:
    """A host's file system in a folder, and the stand-ins that run on it."""

    def __init__(self, root: Path, aws: Aws) -> None:
        self.root = root
        self.aws = aws
        self.started: list[subprocess.Popen[str]] = []
        self.put("etc/machine-id", "0123456789abcdef0123456789abcdef\n")

    @property
    def env(self) -> dict[str, str]:
        """The environment of a stand-in."""
        keep = {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
        return {**keep, "STANDIN_ROOT": str(self.root), "SSL_CERT_FILE": self.aws.ca}

    def put(self, name: str, text: str) -> Path:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def read(self, name: str) -> Any:
        """A JSON file; None when it is not there or not whole yet."""
        try:
            return json.loads((self.root / name).read_text())
        except (OSError, ValueError):
            return None

    def text(self, name: str) -> str:
        """A text file; empty when it is not there."""
        path = self.root / name
        return path.read_text() if path.exists() else ""

    def run(self, program: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a stand-in to its end."""
        command = [sys.executable, "-m", f"standins.{program}", *words]
        return subprocess.run(
            command, env=self.env, input=stdin, capture_output=True, text=True, check=False, timeout=60
        )

    def start(self, program: str, *words: str, **env: str) -> subprocess.Popen[str]:
        """Start a stand-in that stays."""
        return self.launch(program, ["-m", f"standins.{program}", *words], **env)

    def launch(self, name: str, words: list[str], **env: str) -> subprocess.Popen[str]:
        """Start a Python program that stays."""
        command = [sys.executable, *words]
        output = (self.root / f"{name}.out").open("w")
        process = subprocess.Popen(
            command, env={**self.env, **env}, stdout=output, stderr=output, text=True, start_new_session=True
        )
        output.close()
        self.started.append(process)
        return process

    def configure_ssm(self) -> None:
        """Point the SSM agent to the emulator."""
        endpoint = {"Endpoint": self.aws.tls_url}
        self.put(
            "etc/amazon/ssm/amazon-ssm-agent.json", json.dumps({"Ssm": endpoint, "Mds": endpoint, "Mgs": endpoint})
        )

    def register(self, activation: tuple[str, str], *more: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """``amazon-ssm-agent -register``."""
        words = ["-register", "-id", activation[0], "-code", activation[1], "-region", REGION, *more]
        return self.run("ssm_agent", *words, stdin=stdin)

    @property
    def vault(self) -> Any:
        """What the vault holds of the registration."""
        return self.read("var/lib/amazon/ssm/Vault/Store/RegistrationKey")

    def close(self) -> None:
        """Stop all that was started, and what it started: the agent of an ecs-init would stay."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def box(tmp_path: Path, aws: Aws) -> Iterator[Box]:
    """A host with the SSM agent pointed to the emulator."""
    box = Box(tmp_path / "root", aws)
    box.configure_ssm()
    yield box
    box.close()


@pytest.fixture
def port() -> str:
    """A free port for introspection: 51678 may be somebody's."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


class Docker(http.server.BaseHTTPRequestHandler):
    """As much of Docker's API as the stand-ins ask for."""

    def do_GET(self) -> None:
        """Its version."""
        text = json.dumps({"Version": "20.10.24+dfsg1"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def address_string(self) -> str:
        """A socket file's caller has no address."""
        return "local"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def docker(box: Box) -> Iterator[None]:
    """A Docker that answers."""
    path = box.root / "var/run/docker.sock"
    path.parent.mkdir(parents=True)
    with socketserver.ThreadingUnixStreamServer(str(path), Docker) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield
        server.shutdown()
