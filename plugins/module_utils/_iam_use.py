# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Who in ECS uses an infrastructure role.

Each function goes through the pages of its resource and stops at the first that names the role. Where a role shows:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/infrastructure_IAM_role.html and the API's data types.
"""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError

Item = t.Dict[str, t.Any]
Described = t.Callable[[t.Sequence[str]], t.Iterable[Item]]

#: Most items of one ListTasks and DescribeTasks; DescribeServices takes ten.
TASKS = 100
SERVICES = 10

#: What ECS wants of a task. A task of which it wants STOPPED lets go of its volumes before it is STOPPED itself.
RUNNING, STOPPED = "RUNNING", "STOPPED"

#: Who manages the resources of a service, when it is an Express service.
EXPRESS = "ECS"

#: No feature of the catalogue: a gateway uses the role, by which policy cannot be told.
GATEWAY = "gateway"

#: What a Region answers that has no gateways.
UNSUPPORTED = ("UnsupportedFeatureException", "UnknownOperationException")

#: The type of a task's attachment that is a volume.
VOLUME = "AmazonElasticBlockStorage"


def user_of(aws: Aws, role_arn: str, features: t.Collection[str], region: str | None) -> str:
    """The first who uses the role for one of the features, or for a :data:`GATEWAY`; empty for none.

    It is a capacity provider, a gateway, a task or a service.
    """
    if "managed_instances" in features:
        for provider in _capacity_providers(aws, region):
            if provider.get("managedInstancesProvider", {}).get("infrastructureRoleArn") == role_arn:
                return f"capacity provider {provider['name']} makes its instances with it"
    for gateway in _gateways(aws, region) if GATEWAY in features else ():
        if gateway.get("infrastructureRoleArn") == role_arn:
            return f"gateway {gateway['name']} manages its load balancers with it"
    if not {*IN_SERVICES, "express"} & set(features):
        return ""
    for cluster in aws.pages("ecs", "ListClusters", "clusterArns", "the clusters", region, maxResults=100):
        found = _in_tasks(aws, cluster, role_arn, region) if "volumes" in features else ""
        found = found or _in_services(aws, cluster, role_arn, features, region)
        if found:
            return found
    return ""


def _capacity_providers(aws: Aws, region: str | None) -> t.Iterator[Item]:
    """All that are not deleted; boto3 has no paginator for it."""
    token: dict[str, str] = {}
    while True:
        answer = aws.call("ecs", "DescribeCapacityProviders", "the capacity providers", region, **token)
        # One that was deleted is shown for some time.
        yield from (one for one in answer.get("capacityProviders", []) if one.get("status") != "INACTIVE")
        if not answer.get("nextToken"):
            return
        token = {"nextToken": answer["nextToken"]}


def _gateways(aws: Aws, region: str | None) -> t.Iterator[Item]:
    """All there are, described one by one: only that names the role. None for a botocore or a Region without them."""
    if not aws.knows("ecs", "ListGateways", region):
        return
    try:
        for listed in aws.pages("ecs", "ListGateways", "gateways", "the gateways", region):
            yield from _described(aws, listed["gatewayArn"], region)
    except AwsError as error:
        if error.code not in UNSUPPORTED:
            raise


def _described(aws: Aws, gateway: str, region: str | None) -> t.Iterator[Item]:
    """A gateway; nothing when it is gone."""
    try:
        yield aws.call("ecs", "DescribeGateway", f"gateway {gateway}", region, gateway=gateway)["gateway"]
    except AwsError as error:
        if error.code != "GatewayNotFoundException":
            raise


def _in_tasks(aws: Aws, cluster: str, role_arn: str, region: str | None) -> str:
    """A task whose volume ECS must detach and delete with the role: also one that is on its way to its end."""
    for task in _tasks(aws, cluster, region):
        if task["lastStatus"] != STOPPED and role_arn in _volume_roles(task):
            return f"task {task['taskArn']} has a volume that is managed with it"
    return ""


def _tasks(aws: Aws, cluster: str, region: str | None) -> t.Iterator[Item]:
    """All tasks of a cluster, those that are to run first."""
    where = f"cluster {cluster}"
    for desired in (RUNNING, STOPPED):
        listed = aws.pages(
            "ecs", "ListTasks", "taskArns", where, region, cluster=cluster, desiredStatus=desired, maxResults=TASKS
        )
        for arns in _batches(listed, TASKS):
            yield from aws.call("ecs", "DescribeTasks", where, region, cluster=cluster, tasks=arns)["tasks"]


def _volume_roles(task: Item) -> t.Iterator[str | None]:
    for attachment in task.get("attachments", []):
        details = {one["name"]: one.get("value") for one in attachment.get("details", [])}
        if attachment.get("type") == VOLUME:
            yield details.get("roleArn")


def _in_services(aws: Aws, cluster: str, role_arn: str, features: t.Collection[str], region: str | None) -> str:
    where = f"cluster {cluster}"
    listed = aws.pages("ecs", "ListServices", "serviceArns", where, region, cluster=cluster, maxResults=100)
    for arns in _batches(listed, SERVICES):
        answer = aws.call("ecs", "DescribeServices", where, region, cluster=cluster, services=arns)
        for service in answer["services"]:
            for feature, roles in IN_SERVICES.items():
                if feature in features and role_arn in roles(service):
                    return f"service {service['serviceArn']} uses it for {feature}"
            if "express" in features and _express(aws, service, region) == role_arn:
                return f"service {service['serviceArn']} uses it for express"
    return ""


def _express(aws: Aws, service: Item, region: str | None) -> str:
    """The role of an Express service, which only its own call names; empty for others and for one that is gone."""
    if service.get("resourceManagementType") != EXPRESS:
        return ""
    arn = service["serviceArn"]
    try:
        answer = aws.call("ecs", "DescribeExpressGatewayService", f"service {arn}", region, serviceArn=arn)
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return ""
        raise
    return str(answer["service"].get("infrastructureRoleArn", ""))


def _batches(items: t.Iterable[str], size: int) -> t.Iterator[list[str]]:
    """Lists of ``size`` items as they come in, the last one shorter."""
    batch: list[str] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _versions(service: Item) -> t.Iterator[Item]:
    """The service and its deployments: either may hold a configuration."""
    yield service
    yield from service.get("deployments", [])


def _volumes(service: Item) -> t.Iterator[str]:
    for version in _versions(service):
        for volume in version.get("volumeConfigurations", []):
            yield volume.get("managedEBSVolume", {}).get("roleArn", "")


def _tls(service: Item) -> t.Iterator[str]:
    for version in _versions(service):
        for one in version.get("serviceConnectConfiguration", {}).get("services", []):
            yield one.get("tls", {}).get("roleArn", "")


def _lattice(service: Item) -> t.Iterator[str]:
    for version in _versions(service):
        for one in version.get("vpcLatticeConfigurations", []):
            yield one.get("roleArn", "")


def _load_balancers(service: Item) -> t.Iterator[str]:
    for version in [*_versions(service), *service.get("taskSets", [])]:
        for one in version.get("loadBalancers", []):
            yield one.get("advancedConfiguration", {}).get("roleArn", "")


#: Where a service names the role, by the feature that it is used for. An Express service does not name it there.
IN_SERVICES: dict[str, t.Callable[[Item], t.Iterator[str]]] = {
    "volumes": _volumes,
    "service_connect_tls": _tls,
    "vpc_lattice": _lattice,
    "load_balancers": _load_balancers,
}
