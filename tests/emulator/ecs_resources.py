# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On which resources of ECS a call is authorised, as AWS's Service Authorization Reference has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from .calls import Call

if TYPE_CHECKING:
    from .container_instances import ContainerInstance

CLUSTER_ACTIONS = (
    "RegisterContainerInstance",
    "DeregisterContainerInstance",
    "ListContainerInstances",
    "DeleteCluster",
    "UpdateCluster",
    "UpdateClusterSettings",
    "PutClusterCapacityProviders",
    "ListAttributes",
    "SubmitAttachmentStateChanges",
    "SubmitContainerStateChange",
    "SubmitTaskStateChange",
)
SOCKETS = ("Poll", "StartTelemetrySession")
#: Which member names the resources, of which kind they are, and whether they are a cluster's.
MEMBERS = {
    "CreateCluster": ("clusterName", "cluster", False),
    "DescribeClusters": ("clusters", "cluster", False),
    "CreateService": ("serviceName", "service", True),
    "UpdateService": ("service", "service", True),
    "DeleteService": ("service", "service", True),
    "DescribeServices": ("services", "service", True),
    "StopTask": ("task", "task", True),
    "DescribeTasks": ("tasks", "task", True),
    "CreateCapacityProvider": ("name", "capacity-provider", False),
    "UpdateCapacityProvider": ("name", "capacity-provider", False),
    "DeleteCapacityProvider": ("capacityProvider", "capacity-provider", False),
    "DescribeCapacityProviders": ("capacityProviders", "capacity-provider", False),
}
#: What is created under an id that is not known before, and so authorised as all of its kind.
UNNAMED = {"RegisterContainerInstance": "container-instance", "RunTask": "task", "StartTask": "task"}
Target = tuple[str, dict[str, Any]]


def _short(reference: str | None, otherwise: str = "") -> str:
    return (reference or otherwise).rpartition("/")[2]


def _cluster(call: Call) -> str:
    return call.arn("ecs", f"cluster/{_short(call.params.get('cluster'), 'default')}")


def _tags(call: Call, arn: str) -> dict[str, Any]:
    tags = call.state.resource_tags.get(arn, {})
    return {f"{kind}:ResourceTag/{key}": value for key, value in tags.items() for kind in ("aws", "ecs")}


def _instance(call: Call, instance: ContainerInstance) -> Target:
    return instance.arn, {"ecs:cluster": instance.cluster_arn, **_tags(call, instance.arn)}


def _of_instances(call: Call) -> Iterator[Target]:
    """Container instances, also those that are named only by their attributes."""
    wanted = call.params.get("containerInstances") or [a.get("targetId") for a in call.params.get("attributes", [])]
    if call.operation == "ListTasks":
        wanted = [call.params["containerInstance"]]
    for reference in wanted:
        instance = call.state.instance_of_arn(reference or "")
        name, short = _short(call.params.get("cluster"), "default"), _short(reference)
        missing = (call.arn("ecs", f"container-instance/{name}/{short}"), {"ecs:cluster": _cluster(call)})
        yield _instance(call, instance) if instance else missing


def _of_socket(call: Call) -> Iterator[Target]:
    query = parse_qs(call.request.query)
    arn = (query.get("containerInstanceArn") or query.get("containerInstance") or [""])[0]
    instance = call.state.instance_of_arn(arn)
    yield _instance(call, instance) if instance else (arn, {})


def _of_definition(call: Call) -> Iterator[Target]:
    """A task definition; its revision is looked up before the call is authorised."""
    family, _unused, number = _short(call.params.get("taskDefinition") or call.params.get("family")).partition(":")
    revisions = call.state.task_definitions.get((call.region, family), [])
    active = [str(one["revision"]) for one in revisions if one["status"] == "ACTIVE"]
    if call.operation == "RegisterTaskDefinition" or not (number or active):
        yield call.arn("ecs", f"task-definition/{family}:*"), {}
        return
    arn = call.arn("ecs", f"task-definition/{family}:{number or active[-1]}")
    yield arn, {"ecs:cluster": _cluster(call), **_tags(call, arn)}


def _named(call: Call) -> Iterator[Target]:
    member, kind, of_cluster = MEMBERS[call.operation]
    given = call.params.get(member) or ("*" if kind == "capacity-provider" else "default")
    cluster = _cluster(call)
    path = f"{kind}/{_short(cluster)}" if of_cluster else kind
    for reference in given if isinstance(given, list) else [given]:
        arn = call.arn("ecs", f"{path}/{_short(reference)}")
        yield arn, {**_tags(call, arn), **({"ecs:cluster": cluster} if of_cluster else {})}


def targets(call: Call) -> Iterator[Target]:
    """ARNs that a call of ECS names, each with what conditions may ask of it; nothing when it is about none."""
    cluster = _cluster(call)
    if call.operation in SOCKETS:
        yield from _of_socket(call)
    elif call.operation in CLUSTER_ACTIONS:
        yield cluster, {"ecs:cluster": cluster, **_tags(call, cluster)}
    elif call.operation in MEMBERS:
        yield from _named(call)
    elif call.operation in ("RunTask", "StartTask", "RegisterTaskDefinition"):
        yield from _of_definition(call)
    elif call.operation == "ListServices" or (
        call.operation == "ListTasks" and not call.params.get("containerInstance")
    ):
        yield "*", {"ecs:cluster": cluster}
    elif call.operation.endswith(("AccountSetting", "AccountSettingDefault")):
        yield "*", {"ecs:account-setting": call.params.get("name")}
    elif call.params.get("resourceArn"):
        yield call.params["resourceArn"], _tags(call, call.params["resourceArn"])
    elif call.params.get("containerInstances") or call.params.get("attributes") or call.operation == "ListTasks":
        yield from _of_instances(call)


def created(call: Call) -> str:
    """The resource that a call creates, for the permission to tag it."""
    if call.operation in UNNAMED:
        return call.arn("ecs", f"{UNNAMED[call.operation]}/{_short(_cluster(call))}/*")
    return next(targets(call), ("*", {}))[0]
