# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State put in place at once, for replays of captured traffic and for fleets of a size that nobody would enrol."""

from __future__ import annotations

import uuid
from typing import Any

from .activations import DAY, Activation
from .calls import arn_in
from .clusters import Cluster, short_name
from .container_instances import ContainerInstance
from .nodes import Node, NodeSession
from .state import State

RESOURCES: list[dict[str, Any]] = [
    {"name": "CPU", "type": "INTEGER", "integerValue": 2048},
    {"name": "MEMORY", "type": "INTEGER", "integerValue": 4096},
    {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "2375", "2376", "51678", "51679"]},
    {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
]
ATTRIBUTES: list[dict[str, Any]] = [
    {"name": "ecs.capability.external"},
    {"name": "ecs.os-type", "value": "linux"},
    {"name": "ecs.cpu-architecture", "value": "x86_64"},
]
REPORT = {
    "AgentName": "amazon-ssm-agent",
    "AgentVersion": "3.3.1142.0",
    "PlatformType": "Linux",
    "PlatformName": "Debian GNU/Linux",
    "PlatformVersion": "12",
}


def _activation(state: State, values: dict[str, Any]) -> None:
    now = state.clock.now()
    activation = Activation(
        activation_id=values["ActivationId"],
        code=values["ActivationCode"],
        region=values["Region"],
        iam_role=values["IamRole"],
        registration_limit=values.get("RegistrationLimit", 1),
        created=now,
        expires=values.get("ExpirationDate", now + DAY),
        default_instance_name=values.get("DefaultInstanceName"),
        registrations=values.get("RegistrationsCount", 0),
        tags=values.get("Tags", {}),
    )
    state.activations[activation.activation_id] = activation


def _node(state: State, values: dict[str, Any]) -> None:
    now = state.clock.now()
    node = Node(
        instance_id=values["InstanceId"],
        region=values["Region"],
        activation_id=values.get("ActivationId", ""),
        iam_role=values["IamRole"],
        fingerprint=values.get("Fingerprint", ""),
        public_key=values.get("PublicKey", ""),
        registered=values.get("RegistrationDate", now),
        name=values.get("Name"),
        tags=values.get("Tags", {}),
        reported=values.get("Reported", {}),
        forced_status=values.get("PingStatus"),
    )
    state.nodes[node.instance_id] = node


def _session(state: State, values: dict[str, Any]) -> None:
    node = state.nodes[values["InstanceId"]]
    state.sessions[values["AccessKeyId"]] = NodeSession(
        access_key=values["AccessKeyId"],
        secret_key=values["SecretAccessKey"],
        token=values["SessionToken"],
        expires=values.get("Expires", state.clock.now() + 3600),
        instance_id=node.instance_id,
        role=node.iam_role,
    )


def _container_instance(state: State, values: dict[str, Any]) -> None:
    region, name = values["Region"], short_name(values.get("cluster"))
    cluster = _cluster(state, region, name)
    arn = values.get("containerInstanceArn") or (arn_in(region, "ecs", f"container-instance/{name}/{uuid.uuid4().hex}"))
    state.container_instances[arn] = ContainerInstance(
        arn=arn,
        cluster_arn=cluster.arn,
        cluster_name=name,
        region=region,
        instance_id=values["InstanceId"],
        resources=values.get("resources", RESOURCES),
        attributes=values.get("attributes", ATTRIBUTES),
        registered=state.clock.now(),
        status=values.get("status", "ACTIVE"),
        version_info=values.get("versionInfo", {"agentVersion": "1.105.1"}),
        forced_connected=values.get("agentConnected"),
    )
    state.resource_tags[arn] = values.get("tags", {})


def _cluster(state: State, region: str, name: str) -> Cluster:
    key = (region, name)
    if key not in state.clusters:
        state.clusters[key] = Cluster(name, arn_in(region, "ecs", f"cluster/{name}"))
        state.resource_tags[state.clusters[key].arn] = {}
    return state.clusters[key]


def _fleet(state: State, values: dict[str, Any]) -> list[str]:
    """So many nodes that are Online, and ACTIVE and connected in a cluster."""
    made = []
    for number in range(int(values["count"])):
        instance_id = f"mi-{uuid.uuid4().hex[:17]}"
        common = {"InstanceId": instance_id, "Region": values["Region"]}
        report = {**REPORT, "ComputerName": f"host{number:05}", "IPAddress": f"10.0.{number // 250}.{number % 250 + 1}"}
        _node(state, {**common, "IamRole": values["IamRole"], "Reported": report, "PingStatus": "Online"})
        if values.get("cluster"):
            _container_instance(state, {**common, "cluster": values["cluster"], "agentConnected": True})
        made.append(instance_id)
    return made


def seed(state: State, values: dict[str, Any]) -> dict[str, Any]:
    """Put everything in place that is named; see docs/emulator.md for the members.

    :raises KeyError: when a member is missing
    """
    if "clock" in values:
        state.clock.set(float(values["clock"]))
    for name, make in (
        ("activations", _activation),
        ("nodes", _node),
        ("sessions", _session),
        ("container_instances", _container_instance),
    ):
        for one in values.get(name, []):
            make(state, one)
    state.control_tokens.update(values.get("control_tokens", {}))
    return {"fleet": _fleet(state, values["fleet"]) if "fleet" in values else []}
