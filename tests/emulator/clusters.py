# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS clusters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .account_settings import VALUES, effective_value
from .calls import Call, operation
from .errors import AwsError
from .pagination import ecs_page
from .references import check_name, short_id

INSIGHTS = "containerInsights"
NOT_FOUND = AwsError("ClusterNotFoundException", "Cluster not found.")


@dataclass
class Cluster:
    """A cluster of one region."""

    name: str
    arn: str
    status: str = "ACTIVE"
    settings: dict[str, str] = field(default_factory=lambda: {INSIGHTS: "disabled"})
    configuration: dict[str, Any] | None = None
    capacity_providers: list[str] = field(default_factory=list)
    strategy: list[dict[str, Any]] = field(default_factory=list)
    service_connect: dict[str, Any] | None = None


def short_name(reference: str | None) -> str:
    """The name in a name or ARN; ``default`` when there is none."""
    return (reference or "default").rpartition("/")[2]


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as ECS lists them."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def tag_dict(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Tags from the list form of ECS."""
    return {tag["key"]: tag.get("value", "") for tag in tags or []}


def cluster_of(call: Call, member: str = "cluster") -> Cluster:
    """The active cluster that a call names, or the default one.

    :raises AwsError: ClusterNotFoundException, or InvalidParameterException for what cannot be one of here
    """
    name = check_name("Cluster", short_id(call, call.params.get(member) or "default", "cluster"))
    cluster = call.state.clusters.get((call.region, name))
    if cluster is None or cluster.status != "ACTIVE":
        raise NOT_FOUND
    return cluster


def _describe(call: Call, cluster: Cluster, include: list[str]) -> dict[str, Any]:
    machines = [c for c in call.state.container_instances.values() if c.cluster_arn == cluster.arn and c.is_registered]
    shown: dict[str, Any] = {
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": cluster.status,
        "registeredContainerInstancesCount": len(machines),
        "runningTasksCount": sum(c.running_tasks(call.state) for c in machines),
        "pendingTasksCount": 0,
        "activeServicesCount": sum(
            s.cluster_arn == cluster.arn and s.status == "ACTIVE" for s in call.state.services.values()
        ),
        "statistics": [],
        "tags": tag_list(call.state.resource_tags.get(cluster.arn, {})) if "TAGS" in include else [],
        "settings": [],
        "capacityProviders": cluster.capacity_providers,
        "defaultCapacityProviderStrategy": cluster.strategy,
    }
    if "SETTINGS" in include:
        shown["settings"] = [{"name": name, "value": value} for name, value in cluster.settings.items()]
    if "CONFIGURATIONS" in include and cluster.configuration:
        shown["configuration"] = cluster.configuration
    if cluster.service_connect:
        shown["serviceConnectDefaults"] = cluster.service_connect
    return shown


EVERYTHING = ["TAGS", "SETTINGS", "CONFIGURATIONS"]


def _settings(call: Call) -> dict[str, str]:
    """The settings that a call names.

    :raises AwsError: InvalidParameterException for a value that there is not
    """
    settings = {one.get("name", INSIGHTS): one.get("value", "") for one in call.params.get("settings") or []}
    wrong = set(settings.values()) - set(VALUES[INSIGHTS])
    if wrong:
        message = f"The value {wrong.pop()} is invalid. Allowed: {', '.join(VALUES[INSIGHTS])}."
        raise AwsError("InvalidParameterException", message)
    return settings


def _known_providers(call: Call) -> list[str]:
    """The capacity providers that a call names.

    :raises AwsError: InvalidParameterException for one that does not exist
    """
    names: list[str] = call.params.get("capacityProviders") or []
    for name in names:
        if name not in ("FARGATE", "FARGATE_SPOT") and (call.region, name) not in call.state.capacity_providers:
            message = f"The specified capacity provider '{name}' is not in an ACTIVE state or does not exist."
            raise AwsError("InvalidParameterException", message)
    return names


@operation("ecs", "CreateCluster")
def create_cluster(call: Call) -> dict[str, Any]:
    """Make a cluster; one that is there already stays as it is."""
    name = check_name("Cluster", call.params.get("clusterName") or "default")
    key = (call.region, name)
    cluster = call.state.clusters.get(key)
    if cluster is None or cluster.status != "ACTIVE":
        settings = _settings(call)
        cluster = Cluster(name, call.arn("ecs", f"cluster/{name}"))
        cluster.settings = {INSIGHTS: effective_value(call, INSIGHTS), **settings}
        cluster.configuration = call.params.get("configuration")
        cluster.capacity_providers = _known_providers(call)
        call.state.clusters[key] = cluster
        cluster.strategy = call.params.get("defaultCapacityProviderStrategy") or []
        cluster.service_connect = call.params.get("serviceConnectDefaults")
        call.state.resource_tags[cluster.arn] = tag_dict(call.params.get("tags"))
    return {"cluster": _describe(call, cluster, EVERYTHING)}


@operation("ecs", "DescribeClusters")
def describe_clusters(call: Call) -> dict[str, Any]:
    """Clusters by name or ARN; those that are missing are listed as failures."""
    found, failures = [], []
    if len(call.params.get("clusters") or []) > 100:
        raise AwsError("InvalidParameterException", "Clusters can have at most 100 items.")
    for reference in call.params.get("clusters") or ["default"]:
        cluster = call.state.clusters.get((call.region, short_id(call, reference, "cluster")))
        if cluster is None:
            arn = reference if reference.startswith("arn:") else call.arn("ecs", f"cluster/{reference}")
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(_describe(call, cluster, call.params.get("include") or []))
    return {"clusters": found, "failures": failures}


@operation("ecs", "ListClusters")
def list_clusters(call: Call) -> dict[str, Any]:
    """ARNs of the active clusters of the region."""
    arns = [
        c.arn for (region, _unused), c in call.state.clusters.items() if region == call.region and c.status == "ACTIVE"
    ]
    return ecs_page(call, "clusterArns", arns)


@operation("ecs", "DeleteCluster")
def delete_cluster(call: Call) -> dict[str, Any]:
    """Delete a cluster that has no registered container instances."""
    cluster = cluster_of(call)
    shown = _describe(call, cluster, [])
    if shown["registeredContainerInstancesCount"]:
        raise AwsError(
            "ClusterContainsContainerInstancesException",
            "The Cluster cannot be deleted while Container Instances are active or draining.",
        )
    if shown["activeServicesCount"]:
        message = "The Cluster cannot be deleted while Services are active."
        raise AwsError("ClusterContainsServicesException", message)
    if any(provider.get("cluster") == cluster.arn for provider in call.state.capacity_providers.values()):
        message = "The Cluster cannot be deleted while Capacity Providers are active."
        raise AwsError("ClusterContainsCapacityProviderException", message)
    cluster.status = "INACTIVE"
    return {"cluster": {**shown, "status": "INACTIVE"}}


@operation("ecs", "UpdateCluster", "UpdateClusterSettings")
def update_cluster(call: Call) -> dict[str, Any]:
    """Change what is named; the rest stays."""
    cluster = cluster_of(call)
    cluster.settings |= _settings(call)
    if call.params.get("configuration") is not None:
        cluster.configuration = call.params["configuration"]
    if call.params.get("serviceConnectDefaults") is not None:
        cluster.service_connect = call.params["serviceConnectDefaults"]
    return {"cluster": _describe(call, cluster, EVERYTHING)}


@operation("ecs", "PutClusterCapacityProviders")
def put_cluster_capacity_providers(call: Call) -> dict[str, Any]:
    """Replace the capacity providers of a cluster and the default strategy."""
    cluster = cluster_of(call)
    cluster.capacity_providers = _known_providers(call)
    cluster.strategy = call.params["defaultCapacityProviderStrategy"]
    return {"cluster": _describe(call, cluster, EVERYTHING)}
