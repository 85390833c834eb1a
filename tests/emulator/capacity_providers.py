# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS capacity providers: of auto scaling groups, and of Managed Instances with their infrastructure role."""

from __future__ import annotations

from typing import Any

from .authorization import demand_pass_role
from .calls import Call, operation
from .clusters import cluster_of, tag_dict, tag_list
from .errors import AwsError
from .pagination import ecs_page
from .roles import role_of_arn, trusts

BUILT_IN = ("FARGATE", "FARGATE_SPOT")


def demand_infrastructure_role(call: Call, provider: dict[str, Any] | None) -> None:
    """The caller may pass the role that is named, if one is, and ECS may assume it."""
    arn = (provider or {}).get("infrastructureRoleArn")
    if not arn:
        return
    demand_pass_role(call, arn, "ecs.amazonaws.com")
    role = role_of_arn(call.partition, arn)
    if role is None or not trusts(role.assume_role_policy_document, "ecs.amazonaws.com"):
        raise AwsError("ClientException", f"ECS was unable to assume the role '{arn}' that was provided.")


@operation("ecs", "CreateCapacityProvider")
def create_capacity_provider(call: Call) -> dict[str, Any]:
    """Make one; of an auto scaling group, or of Managed Instances in a cluster."""
    name, group = call.params["name"], call.params.get("autoScalingGroupProvider")
    managed = call.params.get("managedInstancesProvider")
    if (group is None) == (managed is None):
        message = "Exactly one of autoScalingGroupProvider and managedInstancesProvider must be specified."
        raise AwsError("InvalidParameterException", message)
    if name.lower().startswith(("aws", "ecs", "fargate")) or (call.region, name) in call.state.capacity_providers:
        message = f"The specified capacity provider name is reserved or in use: {name}"
        raise AwsError("InvalidParameterException", message)
    demand_infrastructure_role(call, managed)
    provider: dict[str, Any] = {
        "capacityProviderArn": call.arn("ecs", f"capacity-provider/{name}"),
        "name": name,
        "status": "ACTIVE",
    }
    if managed:
        provider |= {"managedInstancesProvider": managed, "cluster": cluster_of(call).arn, "type": "MANAGED_INSTANCES"}
    else:
        provider |= {"autoScalingGroupProvider": group, "type": "EC2_AUTOSCALING"}
    call.state.capacity_providers[call.region, name] = provider
    call.state.resource_tags[provider["capacityProviderArn"]] = tag_dict(call.params.get("tags"))
    return {"capacityProvider": {**provider, "tags": call.params.get("tags") or []}}


@operation("ecs", "DescribeCapacityProviders")
def describe_capacity_providers(call: Call) -> dict[str, Any]:
    """Those that are named by name or ARN, or all; those of a cluster, when one is named."""
    known: dict[str, dict[str, Any]] = {
        name: {"capacityProviderArn": call.arn("ecs", f"capacity-provider/{name}"), "name": name, "status": "ACTIVE"}
        for name in BUILT_IN
    }
    known |= {name: p for (region, name), p in call.state.capacity_providers.items() if region == call.region}
    if call.params.get("cluster"):
        cluster = cluster_of(call)
        mine = [n for n, p in known.items() if p.get("cluster") == cluster.arn or n in cluster.capacity_providers]
        known = {name: known[name] for name in mine}
    wanted = [reference.rpartition("/")[2] for reference in call.params.get("capacityProviders") or known]
    failures = [
        {"arn": call.arn("ecs", f"capacity-provider/{name}"), "reason": "MISSING"}
        for name in wanted
        if name not in known
    ]
    found = [dict(known[name]) for name in wanted if name in known]
    if "TAGS" in (call.params.get("include") or []):
        for one in found:
            one["tags"] = tag_list(call.state.resource_tags.get(one["capacityProviderArn"], {}))
    return {**ecs_page(call, "capacityProviders", found, usual=10, most=10), "failures": failures}


def _named(call: Call, reference: str) -> dict[str, Any]:
    provider = call.state.capacity_providers.get((call.region, reference.rpartition("/")[2]))
    if provider is None:
        raise AwsError("InvalidParameterException", "The specified capacity provider does not exist.")
    return provider


@operation("ecs", "UpdateCapacityProvider")
def update_capacity_provider(call: Call) -> dict[str, Any]:
    """Change the part that is named."""
    provider = _named(call, call.params["name"])
    demand_infrastructure_role(call, call.params.get("managedInstancesProvider"))
    for member in ("autoScalingGroupProvider", "managedInstancesProvider"):
        if call.params.get(member):
            provider[member] = {**provider.get(member, {}), **call.params[member]}
    return {"capacityProvider": provider}


@operation("ecs", "DeleteCapacityProvider")
def delete_capacity_provider(call: Call) -> dict[str, Any]:
    """Delete one that no cluster uses."""
    provider = _named(call, call.params["capacityProvider"])
    users = [
        c for (region, _unused), c in call.state.clusters.items() if region == call.region and c.status == "ACTIVE"
    ]
    if any(provider["name"] in cluster.capacity_providers for cluster in users):
        message = "The capacity provider cannot be deleted because it is associated with a cluster."
        raise AwsError("ClientException", message)
    del call.state.capacity_providers[call.region, provider["name"]]
    return {"capacityProvider": {**provider, "status": "INACTIVE", "updateStatus": "DELETE_COMPLETE"}}
