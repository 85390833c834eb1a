# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ECS agent: configuration, introspection, state."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils._host_double import NOW, FakeHost

from ansible_collections.onprem.ecs.plugins.module_utils import _host_agent
from ansible_collections.onprem.ecs.plugins.module_utils._host_agent import (
    Introspection,
    cluster_name,
    introspect,
    parse_config,
    parse_introspection,
    read_agent,
    read_config,
    registration_in_state,
    why_stale,
)
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit

ARN = "arn:aws:ecs:eu-west-1:123456789012:container-instance/default/0123456789abcdef0123456789abcdef"
ANSWER = {"Cluster": "default", "ContainerInstanceArn": ARN, "Version": "Amazon ECS Agent - v1.105.1 (*a8b3e7d3)"}


@contextmanager
def agent(body: bytes, status: int = 200) -> Iterator[tuple[str, int]]:
    """A server on loopback that answers /v1/metadata."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/v1/metadata" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield ("127.0.0.1", server.server_port)
        server.shutdown()


def closed_port() -> tuple[str, int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return ("127.0.0.1", server.getsockname()[1])


def test_introspection_over_a_socket() -> None:
    with agent(json.dumps(ANSWER).encode()) as address:
        assert introspect(address) == Introspection("default", ARN, "1.105.1")
    with agent(json.dumps({**ANSWER, "ContainerInstanceArn": ""}).encode()) as address:
        assert introspect(address) == Introspection("default", None, "1.105.1")
    with agent(b"{}") as address:
        assert introspect(address) is None
    with agent(json.dumps(ANSWER).encode(), 500) as address:
        assert introspect(address) is None
    assert introspect(closed_port()) is None


@given(st.binary())
def test_any_answer_is_read(data: bytes) -> None:
    parse_introspection(data)
    parse_introspection(b"HTTP/1.1 200 OK\r\n\r\n" + data)
    registration_in_state(data)


def test_config_files_override_each_other(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.put("/var/lib/ecs/ecs.config", "AWS_DEFAULT_REGION=eu-west-1\nECS_CLUSTER=first\n")
    host.put("/etc/ecs/ecs.config", "# ECS_CLUSTER=no\nECS_CLUSTER=second\nECS_CLUSTER='third'\n;X=1\nbroken\n")
    assert read_config(host) == {"AWS_DEFAULT_REGION": "eu-west-1", "ECS_CLUSTER": "third"}


@given(st.text())
def test_any_config_is_read(text: str) -> None:
    parse_config(text)


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,12}", fullmatch=True), st.from_regex(r"[!-~]{0,20}", fullmatch=True)))
def test_config_round_trip(values: dict[str, str]) -> None:
    plain = {name: value.replace("\\", "").strip("\"'") for name, value in values.items()}
    assert parse_config("".join(f"{name}={value}\n" for name, value in plain.items())) == plain
    assert parse_config("".join(f'{name}="{value}"\n' for name, value in plain.items())) == plain


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [("arn:aws:ecs:eu-west-1:1:cluster/prod", "prod"), ("prod", "prod"), ("", None), (None, None)],
)
def test_cluster_name(given_name: str | None, expected: str | None) -> None:
    assert cluster_name(given_name) == expected


def test_state_of_one_registration_and_of_two() -> None:
    """The agent's database is binary; a page that was left may hold an older registration, then nothing is sure."""
    other = ARN.replace("/default/", "/other/")
    assert registration_in_state(b"\x00\x01container-instance-arn\x00" + ARN.encode() + b"\xff" + ARN.encode()) == (
        "default",
        ARN,
    )
    assert registration_in_state(ARN.encode() + b"\x00" + other.encode()) is None
    assert registration_in_state(None) is None


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    monkeypatch.setattr(_host_agent, "INTROSPECTION", closed_port())
    return FakeHost(tmp_path)


RUNNING = {"ecs.service": Unit("ecs.service", loaded=True, enabled=True, active=True, sub_state="running")}
PACKAGES = {"amazon-ecs-init": "1.105.1-1"}


def test_a_bare_host(host: FakeHost) -> None:
    found = read_agent(host, {"ecs.service": Unit("ecs.service")}, {})
    assert not found["installed"] and found["reason"] == "the ECS agent is not installed" and not found["has_state"]
    assert found["cluster"] is None and found["container_instance_arn"] is None


def test_a_running_agent(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.put("/etc/ecs/ecs.config", "ECS_CLUSTER=default\nAWS_DEFAULT_REGION=eu-west-1\n")
    with agent(json.dumps(ANSWER).encode()) as address:
        monkeypatch.setattr(_host_agent, "INTROSPECTION", address)
        found = read_agent(host, RUNNING, PACKAGES)
    assert found["working"] and found["reason"] is None
    assert (found["container_instance_arn"], found["registered_cluster"]) == (ARN, "default")
    assert (found["version"], found["running_version"], found["region"]) == ("1.105.1", "1.105.1", "eu-west-1")


def test_a_stopped_agent_shows_what_its_state_holds(host: FakeHost) -> None:
    host.put("/var/lib/ecs/data/agent.db", f"\x00{ARN}\x00")
    stopped = {"ecs.service": RUNNING["ecs.service"]._replace(active=False, sub_state="auto-restart", exit_status=5)}
    found = read_agent(host, stopped, PACKAGES)
    assert found["reason"] == "ecs.service is not running (auto-restart, its last exit status was 5)"
    assert (found["container_instance_arn"], found["registered_cluster"], found["has_state"]) == (ARN, "default", True)
    assert not found["working"] and found["running_version"] is None


def test_an_agent_that_is_not_registered_yet(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = read_agent(host, RUNNING, PACKAGES)["reason"]
    assert silent.startswith("the ECS agent does not answer at 127.0.0.1:") and "once it is registered" in silent
    with agent(json.dumps({**ANSWER, "ContainerInstanceArn": None, "Cluster": "prod"}).encode()) as address:
        monkeypatch.setattr(_host_agent, "INTROSPECTION", address)
        found = read_agent(host, RUNNING, PACKAGES)
    assert found["reason"] == "the ECS agent runs and is not registered in cluster prod yet"
    assert found["registered_cluster"] is None and found["running_version"] == "1.105.1"


REFUSED = (
    "level=error time=2026-11-21T16:47:30Z "
    'msg="Error re-registering: ClientException: Container instance 1 is inactive."'
)


@pytest.mark.parametrize(("started", "refused"), [(30, True), (10, False)])
def test_ecs_does_not_accept_the_state(host: FakeHost, started: float, refused: bool) -> None:
    """Only what was said since the agent's last start counts: the state may be a new one since."""
    host.put("/var/lib/ecs/data/agent.db", f"\x00{ARN}\x00")
    host.put("/var/log/ecs/ecs-agent.log", REFUSED + "\n")
    unit = RUNNING["ecs.service"]._replace(active=False, started_at=host.clock - started)
    found = read_agent(host, {"ecs.service": unit}, PACKAGES)
    assert found["state_refused"] is refused
    assert why_stale(found, "eu-west-1", "default", None) == ("ECS does not accept it any more" if refused else None)


@pytest.mark.parametrize(("restarts", "refused"), [(0, False), (300, True)])
def test_an_agent_that_systemd_starts_again_and_again_is_refused_all_the_time(
    host: FakeHost, restarts: int, refused: bool
) -> None:
    """Just after one of its starts it has not told it yet."""
    host.put("/var/lib/ecs/data/agent.db", f"\x00{ARN}\x00")
    host.put("/var/log/ecs/ecs-agent.log", REFUSED + "\n")
    unit = RUNNING["ecs.service"]._replace(started_at=host.clock - 2, restarts=restarts)
    assert read_agent(host, {"ecs.service": unit}, PACKAGES)["state_refused"] is refused


@pytest.mark.parametrize("file", ["ecs-agent.log", "ecs-agent.log.2026-11-21-15"])
@pytest.mark.parametrize(("started", "refused"), [(3600, True), (10, False)])
def test_a_running_agent_that_was_deregistered(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, file: str, started: float, refused: bool
) -> None:
    """It answers as before, and is told once an hour, perhaps in the file of the hour before."""
    host.put("/var/lib/ecs/data/agent.db", f"\x00{ARN}\x00")
    line = 'level=info time=2026-11-21T16:47:30Z msg="Container instance is deregistered" module=session.go'
    host.put("/var/log/ecs/" + file, line + "\n")
    unit = RUNNING["ecs.service"]._replace(started_at=host.clock - started)
    with agent(json.dumps(ANSWER).encode()) as address:
        monkeypatch.setattr(_host_agent, "INTROSPECTION", address)
        found = read_agent(host, {"ecs.service": unit}, PACKAGES)
    assert (found["state_refused"], found["working"]) == (refused, not refused)
    assert found["reason"] == (f"ECS has deregistered {ARN}, and the agent runs on without it" if refused else None)
    assert why_stale(found, "eu-west-1", "default", None) == ("ECS does not accept it any more" if refused else None)


@pytest.mark.parametrize("folder", [True, False])
def test_the_folder_of_the_credentials_was_removed(host: FakeHost, folder: bool) -> None:
    if folder:
        host.put("/root/.aws/credentials", "")
    assert read_agent(host, RUNNING, PACKAGES)["needs_restart"] is not folder


@pytest.mark.parametrize(
    ("region", "cluster", "lost", "words"),
    [
        ("eu-west-1", "default", None, None),
        (None, None, None, None),
        ("us-east-1", "default", None, "it is of eu-west-1"),
        ("eu-west-1", "edge", None, "it is of cluster default"),
        ("eu-west-1", "default", "it is gone", "it is of a managed node that is given up: it is gone"),
    ],
)
def test_when_the_state_is_stale(
    host: FakeHost, region: str | None, cluster: str | None, lost: str | None, words: str | None
) -> None:
    host.put("/var/lib/ecs/data/agent.db", f"\x00{ARN}\x00")
    assert why_stale(read_agent(host, RUNNING, PACKAGES), region, cluster, lost) == words
    (Path(host.path("/var/lib/ecs/data/agent.db"))).unlink()
    assert why_stale(read_agent(host, RUNNING, PACKAGES), region, cluster, lost) is None


@pytest.mark.parametrize("program", ["/usr/libexec/amazon-ecs-init", "/var/cache/ecs/ecs-agent.tar"])
def test_another_version_was_installed(host: FakeHost, program: str) -> None:
    """A run was killed between the installation and the restart: the process is of the old version still."""
    host.put("/root/.aws/credentials", "")
    running = {"ecs.service": RUNNING["ecs.service"]._replace(started_at=NOW - 100)}
    for installed_at, expected in ((NOW - 200, False), (NOW - 50, True)):
        host.install(program, installed_at)
        assert read_agent(host, running, PACKAGES)["needs_restart"] is expected
