# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every line of traffic captured from the real agents, replayed: same status, same shape of the answer.

The captured signatures are verified by the emulator in its strict mode: tests only put the captured identities, keys
and clock in place first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import emulator
from emulator.client import Client, RawSocket, Reply, send

CAPTURES = Path(emulator.__file__).parent / "captures"
SECRET = "emulated/secret/0000000000000000000000000"
KEY, TOKEN = "ASIAEMULATEDKEY00001", "EMULATED-SESSION-TOKEN"
REGION = "eu-west-1"
Line = dict[str, Any]


def lines(name: str) -> list[Line]:
    """The lines of a capture."""
    return [json.loads(text) for text in (CAPTURES / f"{name}.jsonl").read_text().splitlines()]


def shape(value: Any) -> Any:
    """What is compared: members and types, not values."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


def tags(text: str) -> list[str]:
    """The tags of an XML text in order."""
    return re.findall(r"</?\w+>", text)


def contains(ours: Any, theirs: Any) -> bool:
    """True when our shape has all members of theirs; more do no harm."""
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and all(key in ours and contains(ours[key], theirs[key]) for key in theirs)
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(contains, ours, theirs))
    return bool(ours == theirs)


def replay(aws: Client, line: Line) -> Reply:
    """Send a captured request as it was sent."""
    asked = line["req"]
    return send(aws.address, asked["method"], asked["path"], asked["headers"], asked["body"].encode())


def check(aws: Client, line: Line) -> None:
    """Replay a request, and compare the answer."""
    reply, wanted = replay(aws, line), line["resp"]
    assert reply.status == wanted["code"], reply.body
    assert reply.headers["content-type"] == wanted["headers"]["Content-Type"]
    assert reply.headers["x-amzn-requestid"]
    if wanted["headers"]["Content-Type"] == "application/xml":
        assert tags(reply.body.decode()) == tags(wanted["body"])
        return
    ours, theirs = reply.json(), json.loads(wanted["body"])
    if wanted["code"] >= 400:
        assert ours["__type"] == theirs["__type"]
        assert ours.keys() == theirs.keys()
    assert contains(shape(ours), shape(theirs))


def seed_node(aws: Client, captured: Line, instance_id: str, public_key: str, fingerprint: str) -> None:
    """A role, and the captured node with its key, its session, its fingerprint and its time."""
    aws.role()
    node = {"InstanceId": instance_id, "Region": REGION, "IamRole": "ecsAnywhereRole"}
    session = {"AccessKeyId": KEY, "SecretAccessKey": SECRET, "SessionToken": TOKEN, "InstanceId": instance_id}
    aws.control(
        "POST",
        "seed",
        {
            "clock": captured["t"],
            "nodes": [{**node, "PublicKey": public_key, "Fingerprint": fingerprint}],
            "sessions": [session],
        },
    )
    aws.control("POST", "settings", {"message_poll_seconds": 0})


REGISTER = lines("ssm-register")


def seed_activation(aws: Client, line: Line) -> None:
    """The state in which AWS would answer as was captured."""
    asked, wanted = json.loads(line["req"]["body"]), json.loads(line["resp"]["body"])
    aws.control("POST", "settings", {"clock_offset_seconds": 0})
    activation = {
        "ActivationId": asked["ActivationId"],
        "ActivationCode": asked["ActivationCode"],
        "Region": REGION,
        "IamRole": "ecsAnywhereRole",
    }
    code = wanted.get("__type")
    if code == "ActivationExpired":
        activation["ExpirationDate"] = 1
    elif code == "RegistrationLimitExceeded":
        activation["RegistrationsCount"] = 1
    elif code == "InstanceAlreadyRegistered":
        node = {"InstanceId": "mi-0abc0000000000009", "Region": REGION, "IamRole": "r", "PublicKey": asked["PublicKey"]}
        aws.control("POST", "seed", {"nodes": [node]})
    elif code == "InternalServerError":
        fault = {"kind": "error", "status": 500, "code": code, "service": "ssm", "operation": "RegisterManagedInstance"}
        aws.control("POST", "faults", fault)
    if code != "InvalidActivation":
        aws.control("POST", "seed", {"activations": [activation]})


@pytest.mark.parametrize("number", range(len(REGISTER)))
def test_registration(aws: Client, number: int) -> None:
    seed_activation(aws, REGISTER[number])
    check(aws, REGISTER[number])


def registered_key() -> tuple[str, str]:
    """Key and fingerprint of mi-0abc0000000000003, from its registration."""
    asked = json.loads(REGISTER[-1]["req"]["body"])
    return asked["PublicKey"], asked["Fingerprint"]


def is_upgrade(line: Line) -> bool:
    """True for a request that opened a websocket."""
    return "req" in line and line["resp"]["code"] == 101


class Sockets:
    """Replays websockets: each event goes to the socket it was captured from."""

    def __init__(self, aws: Client) -> None:
        self.aws = aws
        self.open: list[RawSocket] = []

    def upgrade(self, line: Line) -> None:
        """Open one as it was opened; the answer's accept key is a function of ours."""
        asked = line["req"]
        socket = RawSocket(self.aws.server.url, asked["path"], asked["headers"])
        assert socket.status == 101, socket.headers
        assert socket.headers["sec-websocket-accept"] == line["resp"]["headers"]["Sec-WebSocket-Accept"]
        assert socket.headers["upgrade"].lower() == "websocket"
        self.open.append(socket)

    def event(self, line: Line) -> None:
        """What an agent sent is sent, and must be answered as its kind asks; an end is a hang-up."""
        if line["ws"] == "end":
            self.open.pop().close()
            return
        text = line.get("text", "")
        if line["opcode"] == 9:
            self.open[0].send(9, b"keepalive")
            assert self.open[0].receive() == (10, b"keepalive")
        elif "PublishMetricsRequest" in text:
            self.open[-1].send(1, text.encode())
            assert json.loads(self.open[-1].receive()[1])["type"] == "HeartbeatMessage"
            assert json.loads(self.open[-1].receive()[1])["type"] == "AckPublishMetric"
        elif "HeartbeatAckRequest" in text:
            kind, data = self.open[0].receive()
            assert (kind, json.loads(data)["type"]) == (1, "HeartbeatMessage")
            self.open[0].send(1, text.encode())
        else:
            self.open[0].send(1, text.encode())


def captured_token(capture: list[Line]) -> str:
    """The control channel's token in a capture."""
    answers = [line["resp"]["body"] for line in capture if "req" in line and line["resp"]["code"] == 201]
    return str(re.findall("<TokenValue>(.*)</TokenValue>", answers[0])[0])


def play(aws: Client, capture: list[Line]) -> Iterator[tuple[Line, Sockets]]:
    """Replay all lines in order; each is handed out after it was played."""
    sockets = Sockets(aws)
    for line in capture:
        if is_upgrade(line):
            sockets.upgrade(line)
        elif "ws" in line:
            sockets.event(line)
        else:
            check(aws, line)
        yield line, sockets


def test_online(aws: Client) -> None:
    capture = lines("ssm-online")
    seed_node(aws, capture[0], "mi-0abc0000000000003", *registered_key())
    aws.control("POST", "seed", {"control_tokens": {captured_token(capture): "mi-0abc0000000000003"}})
    played = 0
    for line, _unused in play(aws, capture):
        played += 1
        if line.get("ws") == "recv":
            (node,) = aws.control("GET", "state")["managed_nodes"]
            assert node["PingStatus"] == "Online"
    assert played == len(capture) == 14
    aws.control("POST", "settings", {"clock_offset_seconds": 0})  # boto signs with the real time
    (node,) = aws.boto("ssm").describe_instance_information()["InstanceInformationList"]
    assert (node["ComputerName"], node["AgentVersion"]) == ("ssm-hybrid-lab", "3.3.1142.0")


@pytest.mark.parametrize("number", [0, 1, 3, 4, 5, 6])
def test_captured_signatures_are_really_verified(aws: Client, number: int) -> None:
    """The same requests with one letter changed in what is signed are refused."""
    capture = [line for line in lines("ssm-online") if "req" in line]
    seed_node(aws, capture[0], "mi-0abc0000000000003", *registered_key())
    line = capture[number]
    stamp = line["req"]["headers"]["X-Amz-Date"]
    line["req"]["headers"]["X-Amz-Date"] = stamp[:-2] + str((int(stamp[-2]) + 1) % 10) + "Z"
    reply = replay(aws, line)
    assert (reply.status, reply.json()["__type"]) == (400, "InvalidSignatureException")


def test_key_rotation(aws: Client) -> None:
    """The key that this node had before is not in the captures: its two signatures are not verified, all others are."""
    capture = lines("ssm-key-rotation")
    instance_id, (key, _unused) = "mi-0abc0000000000004", registered_key()
    fingerprint = json.loads(capture[0]["req"]["body"])["Fingerprint"]
    seed_node(aws, capture[0], instance_id, key, fingerprint)
    aws.control("POST", "seed", {"control_tokens": {captured_token(capture): instance_id}})
    assert replay(aws, capture[0]).status == 400  # another node's key
    aws.control("POST", "settings", {"update_key_pair": True, "strict": False})
    played = 0
    for line, _sockets in play(aws, capture):
        played += 1
        target = line["req"]["headers"].get("X-Amz-Target", "") if "req" in line else ""
        if target.endswith("UpdateManagedInstancePublicKey"):
            aws.control("POST", "settings", {"strict": True})
    assert played == len(capture) == 9


def seed_cluster(aws: Client, capture: list[Line]) -> str:
    """The cluster ``lab`` with the captured container instance; its ARN."""
    seed_node(aws, capture[0], "mi-0abc0000000000003", *registered_key())
    arn = json.loads(capture[1]["req"]["body"])["containerInstance"]
    instance = {"containerInstanceArn": arn, "cluster": "lab", "InstanceId": "mi-0abc0000000000003", "Region": REGION}
    aws.control("POST", "seed", {"container_instances": [instance]})
    return str(arn)


def test_ecs_registration(aws: Client) -> None:
    capture = lines("ecs-register")
    seed_cluster(aws, capture)
    assert sum(1 for _unused in play(aws, capture)) == len(capture) == 2


def test_ecs_connection(aws: Client) -> None:
    capture = lines("ecs-connected")
    arn = seed_cluster(aws, capture)

    def connected() -> bool:
        instances = aws.control("GET", "state")["container_instances"]
        return bool(next(c for c in instances if c["containerInstanceArn"] == arn)["agentConnected"])

    seen = []
    for line, _unused in play(aws, capture):
        seen.append(("ws" in line, connected()))
    assert len(seen) == len(capture) == 8
    assert seen[1] == (False, False)
    assert (True, True) in seen
