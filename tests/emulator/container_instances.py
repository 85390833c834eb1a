# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""External container instances of ECS: registration by the agent, and what administrators see and do."""

from __future__ import annotations

import copy
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from .calls import Call, operation
from .cluster_query import ClusterQuery
from .clusters import Cluster, cluster_of, tag_dict, tag_list
from .errors import AwsError
from .pagination import ecs_page
from .references import short_id
from .scheduler import orphan, settle
from .sockets import Socket, hang_up
from .state import State

LISTED = ("ACTIVE", "DRAINING")


@dataclass
class ContainerInstance:
    """A machine in a cluster."""

    arn: str
    cluster_arn: str
    cluster_name: str
    region: str
    instance_id: str
    resources: list[dict[str, Any]]
    attributes: list[dict[str, Any]]
    registered: float
    status: str = "ACTIVE"
    version: int = 0
    version_info: dict[str, str] = field(default_factory=dict)
    acs_sockets: set[Socket] = field(default_factory=set)
    tcs_sockets: set[Socket] = field(default_factory=set)
    forced_connected: bool | None = None

    @property
    def short_id(self) -> str:
        """The last part of the ARN."""
        return self.arn.rpartition("/")[2]

    @property
    def is_registered(self) -> bool:
        """False once deregistered; it can still be described."""
        return self.status != "INACTIVE"

    @property
    def is_connected(self) -> bool:
        """True while the agent has its ACS websocket open."""
        return bool(self.acs_sockets) if self.forced_connected is None else self.forced_connected

    def running_tasks(self, state: State) -> int:
        """How many tasks run on it."""
        return sum(task.instance_arn == self.arn and task.is_running for task in state.tasks.values())

    def describe(self, state: State, include: list[str] | None = None) -> dict[str, Any]:
        """As DescribeContainerInstances shows it."""
        include = include or []
        shown: dict[str, Any] = {
            "containerInstanceArn": self.arn,
            "ec2InstanceId": self.instance_id,
            "version": self.version,
            "versionInfo": dict(self.version_info),
            "remainingResources": copy.deepcopy(self.resources),
            "registeredResources": copy.deepcopy(self.resources),
            "status": self.status,
            "agentConnected": self.is_connected,
            "runningTasksCount": self.running_tasks(state),
            "pendingTasksCount": 0,
            "attributes": copy.deepcopy(self.attributes),
            "registeredAt": self.registered,
            "attachments": [],
            "tags": tag_list(state.resource_tags.get(self.arn, {})) if "TAGS" in include else [],
        }
        if "CONTAINER_INSTANCE_HEALTH" in include:
            status = "OK" if self.is_connected else "INSUFFICIENT_DATA"
            details = [{"type": "CONTAINER_RUNTIME", "status": status}]
            shown["healthStatus"] = {"overallStatus": status, "details": details}
        return shown


def _reregister(call: Call, cluster: Cluster, arn: str) -> ContainerInstance:
    """The agent was restarted: it brings the ARN that it got before."""
    known = call.state.container_instances.get(arn)
    if known is None:
        raise AwsError("ClientException", f"Referenced container instance {arn.rpartition('/')[2]} not registered.")
    if not known.is_registered:
        raise AwsError("ClientException", f"Container instance {arn.rpartition('/')[2]} is inactive.")
    if known.cluster_arn != cluster.arn:
        raise AwsError("InvalidParameterException", "Arns cluster and provided cluster do not match.")
    if known.instance_id != call.caller.name:
        raise AwsError("ClientException", "The container instance belongs to another machine.")
    return known


@operation("ecs", "RegisterContainerInstance")
def register_container_instance(call: Call) -> dict[str, Any]:
    """An agent joins a cluster. The answer echoes every attribute, or the agent gives up."""
    if call.caller.kind != "node":
        raise AwsError("ClientException", "Instance identity document is empty, and the caller is no managed instance.")
    cluster = cluster_of(call)
    state, token = call.state, (call.caller.name, str(call.params.get("clientToken")))
    arn = call.params.get("containerInstanceArn") or state.registrations.get(token)
    if arn:
        instance = _reregister(call, cluster, arn)
        instance.version += 1
    else:
        arn = call.arn("ecs", f"container-instance/{cluster.name}/{uuid.uuid4().hex}")
        instance = ContainerInstance(
            arn=arn,
            cluster_arn=cluster.arn,
            cluster_name=cluster.name,
            region=call.region,
            instance_id=call.caller.name,
            resources=copy.deepcopy(call.params.get("totalResources") or []),
            attributes=[],
            registered=state.clock.now(),
        )
        state.container_instances[arn] = instance
        state.resource_tags[arn] = tag_dict(call.params.get("tags"))
        if call.params.get("clientToken"):
            state.registrations[token] = arn
    merge_attributes(instance, call.params.get("attributes") or [])
    instance.version_info.update(call.params.get("versionInfo") or {})
    shown, dropped = instance.describe(state, ["TAGS"]), state.settings.drop_attributes
    shown["attributes"] = [one for one in shown["attributes"] if one["name"] not in dropped]
    return {"containerInstance": shown}


def merge_attributes(instance: ContainerInstance, attributes: list[dict[str, Any]]) -> None:
    """Set attributes, each by its name; others stay."""
    by_name = {one["name"]: one for one in instance.attributes}
    for one in attributes:
        by_name[one["name"]] = {key: one[key] for key in ("name", "value") if one.get(key) is not None}
    instance.attributes = list(by_name.values())


@operation("ecs", "DiscoverPollEndpoint")
def discover_poll_endpoint(call: Call) -> dict[str, Any]:
    """Where the agent's websockets are: here, under the address that the agent used."""
    if call.params.get("cluster"):
        cluster_of(call)
    url = f"{call.request.origin}/"
    return {"endpoint": url, "telemetryEndpoint": url, "serviceConnectEndpoint": url}


def find_instance(call: Call, cluster: Cluster, reference: str) -> ContainerInstance | None:
    """A container instance of a cluster by its ARN or id.

    :raises AwsError: InvalidParameterException for the ARN of another cluster, Region or account
    """
    instance = call.state.instance_of_arn(short_id(call, reference, "container-instance", cluster.name))
    return instance if instance is not None and instance.cluster_arn == cluster.arn else None


def _failure(call: Call, cluster: Cluster, reference: str) -> dict[str, str]:
    arn = (
        reference if reference.startswith("arn:") else call.arn("ecs", f"container-instance/{cluster.name}/{reference}")
    )
    return {"arn": arn, "reason": "MISSING"}


@operation("ecs", "DescribeContainerInstances")
def describe_container_instances(call: Call) -> dict[str, Any]:
    """Up to 100 container instances by ARN or id."""
    cluster = cluster_of(call)
    if len(call.params["containerInstances"]) > 100:
        raise AwsError("InvalidParameterException", "instanceIds can have at most 100 items.")
    if not call.params["containerInstances"]:
        raise AwsError("InvalidParameterException", "Container instance cannot be empty.")
    found, failures = [], []
    for reference in call.params["containerInstances"]:
        instance = find_instance(call, cluster, reference)
        if instance is None:
            failures.append(_failure(call, cluster, reference))
        else:
            found.append(instance.describe(call.state, call.params.get("include")))
    return {"containerInstances": found, "failures": failures}


@operation("ecs", "ListContainerInstances")
def list_container_instances(call: Call) -> dict[str, Any]:
    """ARNs, by status and by an expression of the cluster query language."""
    cluster, state = cluster_of(call), call.state
    statuses = (call.params["status"],) if call.params.get("status") else LISTED
    query = ClusterQuery(call.params.get("filter") or "")
    arns = [
        instance.arn
        for instance in state.container_instances.values()
        if instance.cluster_arn == cluster.arn
        and instance.status in statuses
        and query.matches(instance.describe(state))
    ]
    return ecs_page(call, "containerInstanceArns", arns)


@operation("ecs", "UpdateContainerInstancesState")
def update_container_instances_state(call: Call) -> dict[str, Any]:
    """Drain or reactivate up to ten container instances. Tasks that are no service's stay."""
    cluster = cluster_of(call)
    if len(call.params["containerInstances"]) > 10:
        raise AwsError("InvalidParameterException", "instanceIds can have at most 10 items.")
    if not call.params["containerInstances"]:
        raise AwsError("InvalidParameterException", "Container instance cannot be empty.")
    if call.params["status"] not in LISTED:
        raise AwsError("InvalidParameterException", "Container instance status should be one of [ACTIVE, DRAINING]")
    found, failures = [], []
    for reference in call.params["containerInstances"]:
        instance = find_instance(call, cluster, reference)
        if instance is None or not instance.is_registered:
            reason = "INACTIVE" if instance else "MISSING"
            failures.append({**_failure(call, cluster, reference), "reason": reason})
        else:
            if instance.status != call.params["status"]:
                instance.status = call.params["status"]
                instance.version += 1
                settle(call.state, call.region)
            found.append(instance.describe(call.state))
    return {"containerInstances": found, "failures": failures}


@operation("ecs", "DeregisterContainerInstance")
def deregister_container_instance(call: Call) -> dict[str, Any]:
    """Take a machine out of its cluster; with running tasks only by force, which leaves them alone."""
    cluster = cluster_of(call)
    instance = find_instance(call, cluster, call.params["containerInstance"])
    if instance is None:
        raise AwsError("InvalidParameterException", "Referenced container instance not found.")
    if not instance.is_registered:
        raise AwsError("ClientException", "The referenced container instance is already inactive.")
    if instance.running_tasks(call.state) and not call.params.get("force"):
        raise AwsError("InvalidParameterException", "Found running tasks on the instance.")
    instance.status = "INACTIVE"
    instance.version += 1
    orphan(call.state, instance.arn)
    settle(call.state, call.region)
    shown = instance.describe(call.state)
    gone = {"type": "InactiveInstanceException", "message": {"message": "Container instance is not active."}}
    hang_up(instance.acs_sockets, json.dumps(gone))
    hang_up(instance.tcs_sockets)
    return {"containerInstance": shown}
