# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stand-ins send is what was captured from the real agents, but for what is named here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import emulator
from hosts.standins import ecs_agent

from .conftest import Aws, Box, wait
from .recorder import Line, Recorder, compared, kind

CAPTURES = Path(emulator.__file__).parent / "captures"
ACTIVATION = ("11111111-2222-3333-4444-555555555555", "AbCdEfGhIjKlMnOpQrSt")
# Each call has another value. It must be there all the same.
OF_THE_CALL = {
    "Amz-Sdk-Invocation-Id",
    "Content-Length",
    "Host",
    "Sec-WebSocket-Key",
    "X-Amz-Content-Sha256",
    "X-Amz-Date",
}
# Go's client takes gzip, which the stand-ins cannot read; the emulator packs nothing.
ENCODINGS = {"gzip", "identity"}
# The two captured hosts differ in these: they depend on the control groups and on a variable of the agent.
OF_THE_HOST = {
    "ecs.capability.task-cpu-mem-limit",
    "ecs.capability.increased-task-cpu-limit",
    "ecs.capability.execution-role-awslogs",
}
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>mi-|ASIA)\w+/\d{8}/(?P<scope>\S+), SignedHeaders=(?P<signed>\S+), "
    r"Signature=(?:(?P<hmac>[0-9a-f]{64})|(?P<rsa>[\w+/]{342}==))"
)
# The agent without the 20 seconds that it waits before it asks for associations.
SSM_AGENT = "import sys; from standins import ssm_agent; ssm_agent.ASSOCIATION_FIRST = 0; " + (
    "sys.exit(ssm_agent.main([], '3.3.1142.0'))"
)


def captured() -> list[Line]:
    """All that is compared."""
    files = sorted(CAPTURES.glob("*.jsonl"))
    lines = [json.loads(text) for file in files for text in file.read_text().splitlines()]
    return [line for line in lines if compared(line)]


def authorization(text: str) -> Any:
    """Whose key signed what for which service, and with which kind of signature."""
    found = AUTHORIZATION.fullmatch(text)
    assert found, text
    return found["key"], found["scope"], found["signed"], "RSA" if found["rsa"] else "HMAC"


def value(name: str, text: str) -> Any:
    """What is compared of a header's value."""
    if name == "Authorization":
        return authorization(text)
    if name in OF_THE_CALL:
        return "..."
    if name == "Accept-Encoding":
        return text in ENCODINGS
    return text.replace("debian_12", ecs_agent.os_detailed())  # the captured host's system


def shape(document: Any) -> Any:
    """Members and types, not values; the attributes of a container instance by name, in no order."""
    if isinstance(document, dict):
        members = {key: shape(member) for key, member in document.items() if key != "attributes"}
        attributes = {(one["name"], "value" in one) for one in document.get("attributes", [])}
        return members, sorted(one for one in attributes if one[0] not in OF_THE_HOST)
    if isinstance(document, list):
        return [shape(item) for item in document]
    return type(document).__name__


def form(line: Line) -> dict[str, Any]:
    """What is compared of a request, or of a message on a websocket; a message of metrics has headers of its own."""
    if "req" in line:
        asked = line["req"]
    else:
        head, _unused, body = line["text"].rpartition("\r\n\r\n")
        pairs = (text.split(": ", 1) for text in head.split("\r\n") if text)
        asked = {"method": "", "path": "", "headers": dict(pairs), "body": body}
    return {
        "method": asked["method"],
        "path": re.sub(r"mi-\w+|\b[0-9a-f]{32}\b|(?<=%2F)[0-9a-f]{32}\b", "...", asked["path"]),
        "headers": {name: value(name, text) for name, text in asked["headers"].items()},
        "body": shape(json.loads(asked["body"] or "null")),
    }


def forms(lines: list[Line]) -> dict[str, list[dict[str, Any]]]:
    """The different forms of each kind."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        seen = found.setdefault(kind(line), [])
        if form(line) not in seen:
            seen.append(form(line))
    return found


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """A listener in the place of AWS."""
    with Recorder(tmp_path / "tls", captured()) as server:
        yield server
        server.shutdown()


@pytest.fixture
def box(tmp_path: Path, recorder: Recorder) -> Iterator[Box]:
    """A host with both agents pointed to the listener."""
    box = Box(tmp_path / "root", Aws(recorder.url, recorder.url, recorder.ca))
    box.configure_ssm()
    box.put("etc/ecs/ca.pem", Path(recorder.ca).read_text())
    variables = {"AWS_DEFAULT_REGION": "eu-west-1", "ECS_EXTERNAL": "true", "ECS_BACKEND_HOST": recorder.url}
    variables.update(ECS_CLUSTER="lab", SSL_CERT_FILE="/etc/ecs/ca.pem")
    box.put("etc/ecs/ecs.config", "".join(f"{name}={text}\n" for name, text in variables.items()))
    (box.root / "run").mkdir()
    yield box
    box.close()


def test_the_stand_ins_send_what_was_captured(box: Box, docker: None, port: str, recorder: Recorder) -> None:
    assert box.register(ACTIVATION).returncode == 0
    box.launch("ssm_agent", ["-c", SSM_AGENT])
    wait((box.root / "root/.aws/credentials").exists, "credentials")
    box.start("ecs_init", "start", STANDIN_PORT=port)
    wanted = forms(captured())

    def missing() -> set[str]:
        return set(wanted) - {kind(line) for line in list(recorder.lines)}

    with suppress(AssertionError):  # what did not come is named below
        wait(lambda: not missing(), "request of each kind")
    box.close()
    sent = forms(list(recorder.lines))
    assert not missing() and sorted(sent) == sorted(wanted)
    for name, expected in wanted.items():
        assert (name, sent[name]) == (name, expected)
