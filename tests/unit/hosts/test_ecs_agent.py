# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-ins for ecs-init and the ECS agent do what was measured with the real ones."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hosts.standins import ecs_agent, ecs_files, wire

from .conftest import Aws, Box, wait

AGENT_LOG = "var/log/ecs/ecs-agent.log"
INIT_LOG = "var/log/ecs/ecs-init.log"


@pytest.fixture
def node(box: Box, docker: None) -> Box:
    """A host whose SSM agent has written credentials, with the ECS agent configured."""
    box.register(box.aws.activation())
    box.start("ssm_agent")
    wait((box.root / "root/.aws/credentials").exists, "credentials")
    box.put("etc/ecs/ca.pem", Path(box.aws.ca).read_text())
    configure(box)
    (box.root / "run").mkdir()
    return box


def configure(box: Box, **user: str) -> None:
    """Both config files; the second wins."""
    first = {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "ECS_EXTERNAL": "true",
        "ECS_BACKEND_HOST": box.aws.tls_url,
        "SSL_CERT_FILE": "/etc/ecs/ca.pem",
        "ECS_CLUSTER": "overridden",
    }
    for name, values in (("var/lib/ecs/ecs.config", first), ("etc/ecs/ecs.config", {"ECS_CLUSTER": "lab", **user})):
        box.put(name, "".join(f"{key}={value}\n" for key, value in values.items()))


def metadata(port: str) -> Any:
    """What introspection says; None while it does not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/metadata", timeout=2) as answer:
            return json.loads(answer.read())
    except OSError:
        return None


def registered(port: str) -> str:
    """The ARN of the container instance, once there is one."""
    return str(wait(lambda: (metadata(port) or {}).get("ContainerInstanceArn"), "registration"))


def instances(box: Box) -> list[dict[str, Any]]:
    """The container instances of the cluster."""
    ecs = box.aws.client("ecs")
    arns = ecs.list_container_instances(cluster="lab")["containerInstanceArns"]
    if not arns:
        return []
    found: list[dict[str, Any]] = ecs.describe_container_instances(cluster="lab", containerInstances=arns)[
        "containerInstances"
    ]
    return found


def test_registers_and_stays_connected(node: Box, port: str) -> None:
    configure(node, ECS_INSTANCE_ATTRIBUTES='{"rack":"r1"}')
    init = node.start("ecs_init", "start", STANDIN_PORT=port)
    arn = registered(port)
    assert metadata(port)["Cluster"] == "lab"
    wait(lambda: [one["agentConnected"] for one in instances(node)] == [True], "connection")
    one = instances(node)[0]
    assert (one["containerInstanceArn"], one["ec2InstanceId"]) == (arn, node.vault["instanceID"])
    assert {"name": "rack", "value": "r1"} in [{k: a.get(k) for k in ("name", "value")} for a in one["attributes"]]

    node.run("ecs_init", "stop")
    assert init.wait(10) == 0
    wait(lambda: [one["agentConnected"] for one in instances(node)] == [False], "disconnection")

    node.start("ecs_init", "start", STANDIN_PORT=port)
    assert registered(port) == arn
    assert len(instances(node)) == 1


def test_another_cluster_with_old_state_is_final(node: Box, port: str) -> None:
    first = node.start("ecs_init", "start", STANDIN_PORT=port)
    registered(port)
    node.run("ecs_init", "stop")
    first.wait(10)
    configure(node, ECS_CLUSTER="other")
    assert node.start("ecs_init", "start", STANDIN_PORT=port).wait(20) == 5
    assert "saved cluster 'lab' does not match configured cluster 'other'" in node.text(AGENT_LOG)


def test_a_cluster_that_is_not_there_is_tried_again(node: Box, port: str) -> None:
    configure(node, ECS_CLUSTER="later")
    node.start("ecs_init", "start", STANDIN_PORT=port)
    wait(lambda: node.text(AGENT_LOG).count("ClusterNotFoundException") >= 2, "second try")
    node.aws.client("ecs").create_cluster(clusterName="later")
    assert "/later/" in registered(port)


def refuse(box: Box, code: str) -> None:
    """All registrations are refused so."""
    fault = {"service": "ecs", "operation": "RegisterContainerInstance", "kind": "error", "code": code, "count": -1}
    box.aws.control("POST", "faults", fault)


@pytest.mark.parametrize("code", ["InvalidParameterException", "ClientException"])
def test_a_refusal_that_is_final(node: Box, port: str, code: str) -> None:
    refuse(node, code)
    assert node.start("ecs_init", "start", STANDIN_PORT=port).wait(20) == 5
    assert f"{code}: " in node.text(AGENT_LOG) and "Agent exited with code 5" in node.text(INIT_LOG)


def test_an_attribute_that_is_not_echoed_is_final(node: Box, port: str) -> None:
    configure(node, ECS_INSTANCE_ATTRIBUTES='{"rack":"r1"}')
    node.aws.control("POST", "settings", {"drop_attributes": ["rack"]})
    assert node.start("ecs_init", "start", STANDIN_PORT=port).wait(20) == 5
    assert 'error="Attribute validation failed" missingAttributes="rack"' in node.text(AGENT_LOG)
    assert [one["name"] for one in instances(node)[0]["attributes"] if one["name"] == "rack"] == ["rack"]
    # One without a value need not come back.
    node.aws.control("POST", "settings", {"drop_attributes": ["ecs.capability.external"]})
    node.start("ecs_init", "start", STANDIN_PORT=port)
    assert registered(port)


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"])
def test_a_refusal_that_is_tried_again(node: Box, port: str, code: str) -> None:
    refuse(node, code)
    init = node.start("ecs_init", "start", STANDIN_PORT=port)
    wait(lambda: node.text(AGENT_LOG).count(f"{code}: ") >= 2, "second try")
    assert "Agent exited with code 1" in node.text(INIT_LOG) and init.poll() is None
    node.aws.control("DELETE", "faults")
    assert registered(port)


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"AWS_DEFAULT_REGION": ""}, "unable to determine the region"),
        ({"ECS_INSTANCE_ATTRIBUTES": "{rack:r1}"}, "Invalid format for ECS_INSTANCE_ATTRIBUTES. Expected a json hash"),
        ({"ECS_CONTAINER_INSTANCE_TAGS": "[]"}, "Invalid format for ECS_CONTAINER_INSTANCE_TAGS. Expected a json hash"),
        # The SDK looks for the profile in a file of its own, and not in that of the SSM agent.
        ({"AWS_PROFILE": "default"}, "failed to get shared config profile, default"),
        ({"ECS_ALTERNATE_CREDENTIAL_PROFILE": "other"}, "no valid providers in chain"),
    ],
)
def test_a_configuration_that_cannot_work(node: Box, port: str, user: dict[str, str], words: str) -> None:
    """Also on a host that is registered."""
    first = node.start("ecs_init", "start", STANDIN_PORT=port)
    registered(port)
    node.run("ecs_init", "stop")
    assert first.wait(10) == 0
    configure(node, **user)
    again = node.start("ecs_init", "start", STANDIN_PORT=port)
    wait(lambda: node.text(AGENT_LOG).count(words) >= 2, "second try")
    assert "Agent exited with code 1" in node.text(INIT_LOG) and again.poll() is None


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the agent logs, on a machine of 4 GiB."""
    said: list[str] = []
    monkeypatch.setattr(ecs_files, "agent_log", lambda level, text, **fields: said.append(f"{level}: {text}"))
    monkeypatch.setattr(ecs_agent, "memory", lambda: 4096)
    return said


@pytest.mark.parametrize("amount", ["some", "-1", "1.5", "65536"])
def test_a_configuration_that_is_passed_over(warnings: list[str], amount: str) -> None:
    names = ("ECS_RESERVED_MEMORY", "ECS_RESERVED_PORTS", "ECS_AVAILABLE_LOGGING_DRIVERS")
    body = ecs_agent.Agent(dict(zip(names, (amount, "80", "syslog"), strict=True)), "1.105.1").registration()
    assert [one for one in warnings if not one.startswith("warn: Invalid format for")] == []
    assert len(warnings) == len(names)
    resources = {one["name"]: one for one in body["totalResources"]}
    assert resources["MEMORY"]["integerValue"] == 4096
    assert resources["PORTS"]["stringSetValue"] == ["22", "2375", "2376", "51678", "51679"]
    start = "com.amazonaws.ecs.capability.logging-driver."
    drivers = [one["name"][len(start) :] for one in body["attributes"] if one["name"].startswith(start)]
    assert drivers == ["awsfirelens", "json-file", "none"]


def test_more_memory_reserved_than_there_is(warnings: list[str]) -> None:
    agent = ecs_agent.Agent({"ECS_RESERVED_MEMORY": "4097"}, "1.105.1")
    with pytest.raises(ecs_agent.AgentExit, match="reserved memory is higher than available memory") as refused:
        agent.registration()
    assert (refused.value.code, warnings) == (1, [])
    enough = ecs_agent.Agent({"ECS_RESERVED_MEMORY": "4096"}, "1.105.1").registration()
    assert enough["totalResources"][1]["integerValue"] == 0


def test_the_profile_of_a_file_that_the_agent_is_told_of(node: Box, port: str) -> None:
    configure(node, AWS_PROFILE="default", AWS_SHARED_CREDENTIALS_FILE="/rotatingcreds/credentials")
    node.start("ecs_init", "start", STANDIN_PORT=port)
    assert registered(port)


def test_no_credentials(box: Box, docker: None, port: str) -> None:
    configure(box)
    (box.root / "run").mkdir()
    agent = box.start("ecs_init", "start", STANDIN_PORT=port)
    wait(lambda: box.text(AGENT_LOG).count("no valid providers in chain") >= 2, "second try")
    assert agent.poll() is None


def test_the_container_sees_few_folders() -> None:
    assert ecs_files.seen("/etc/ecs/ca.pem") == ecs_files.ROOT / "etc/ecs/ca.pem"
    assert ecs_files.seen("/data/agent.db") == ecs_files.ROOT / "var/lib/ecs/data/agent.db"
    assert not ecs_files.seen("/etc/ssl/certs/ca-certificates.crt").is_relative_to("/etc")


def test_config_files_are_taken_literally(box: Box) -> None:
    path = box.put("x.config", 'A=1\n# a comment\nB="2"\nnothing\nC=a=b\n')
    assert ecs_files.read_config(path) == {"A": "1", "B": '"2"', "C": "a=b"}


def test_the_certificate_of_a_websocket_must_be_for_the_port_of_its_address(aws: Aws) -> None:
    """Go is given the whole host of the address as the server's name."""
    url, who = aws.tls_url.replace("http", "ws", 1) + "/ws", wire.Caller(wire.Credentials("a", "b"), "eu-west-1", "ecs")
    with pytest.raises(wire.NetworkError, match="x509: Hostname mismatch"):
        wire.websocket(url, who, {"SSL_CERT_FILE": aws.ca}, name="127.0.0.1:1")
    with pytest.raises(wire.NetworkError, match="Handshake status 4"):
        wire.websocket(url, who, {"SSL_CERT_FILE": aws.ca}, name=urlsplit(url).netloc)
