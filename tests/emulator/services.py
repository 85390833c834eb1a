# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS services of the EXTERNAL launch type, with the roles that their parts name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .authorization import demand_pass_role
from .calls import Call, operation
from .clusters import Cluster, cluster_of, tag_dict, tag_list
from .errors import AwsError
from .pagination import ecs_page
from .references import check_name, short_id
from .roles import role_of_arn, trusts
from .scheduler import settle
from .task_definitions import find_definition

if TYPE_CHECKING:
    from .state import State

IN_DEPLOYMENT = ("serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations")
EXTRA = (*IN_DEPLOYMENT, "loadBalancers")


@dataclass
class Service:
    """A service of a cluster."""

    name: str
    arn: str
    region: str
    cluster_arn: str
    task_definition: str
    desired: int
    created: float
    launch_type: str = "EXTERNAL"
    scheduling: str = "REPLICA"
    minimum_percent: int = 100
    maximum_percent: int = 200
    status: str = "ACTIVE"
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def wanted(self) -> int:
        """How many tasks there should be, of one that is no daemon."""
        return self.desired if self.status == "ACTIVE" else 0

    def running(self, state: State) -> int:
        """How many tasks there are."""
        group = f"service:{self.name}"
        return sum(
            t.is_running and t.cluster_arn == self.cluster_arn and t.group == group for t in state.tasks.values()
        )

    def describe(self, state: State, tags: bool) -> dict[str, Any]:
        """As DescribeServices shows it."""
        running = self.running(state)
        percentages = {"minimumHealthyPercent": self.minimum_percent, "maximumPercent": self.maximum_percent}
        pending = max(self.desired - running, 0) if self.status == "ACTIVE" else 0
        common = {
            "taskDefinition": self.task_definition,
            "desiredCount": self.desired,
            "runningCount": running,
            "pendingCount": pending,
            "launchType": self.launch_type,
            "createdAt": self.created,
        }
        deployment = {
            **common,
            "id": f"ecs-svc/{abs(hash(self.arn)) % 10**19:019}",
            "status": "PRIMARY",
            "updatedAt": self.created,
            "rolloutState": "COMPLETED" if running >= self.desired else "IN_PROGRESS",
            **{member: self.extra[member] for member in IN_DEPLOYMENT if self.extra.get(member)},
        }
        return {
            **common,
            "serviceName": self.name,
            "serviceArn": self.arn,
            "clusterArn": self.cluster_arn,
            "status": self.status,
            "schedulingStrategy": self.scheduling,
            "deploymentConfiguration": percentages,
            "deployments": [deployment] if self.status == "ACTIVE" else [],
            "loadBalancers": self.extra.get("loadBalancers") or [],
            "events": [],
            "tags": tag_list(state.resource_tags.get(self.arn, {})) if tags else [],
        }


def role_arns(extra: dict[str, Any]) -> Iterator[str]:
    """Every infrastructure role that the parts of a service name."""
    for volume in extra.get("volumeConfigurations") or []:
        yield volume.get("managedEBSVolume", {}).get("roleArn", "")
    for service in (extra.get("serviceConnectConfiguration") or {}).get("services") or []:
        yield service.get("tls", {}).get("roleArn", "")
    for lattice in extra.get("vpcLatticeConfigurations") or []:
        yield lattice.get("roleArn", "")
    for balancer in extra.get("loadBalancers") or []:
        yield balancer.get("advancedConfiguration", {}).get("roleArn", "")


def _check_roles(call: Call) -> None:
    for arn in filter(None, role_arns(call.params)):
        demand_pass_role(call, arn, "ecs.amazonaws.com")
        role = role_of_arn(call.partition, arn)
        if role is None or not trusts(role.assume_role_policy_document, "ecs.amazonaws.com"):
            raise AwsError("InvalidParameterException", f"ECS was unable to assume the role '{arn}'.")


def _apply(call: Call, service: Service) -> None:
    """Take over what a CreateService or UpdateService says."""
    params = call.params
    percentages = params.get("deploymentConfiguration") or {}
    service.minimum_percent = percentages.get("minimumHealthyPercent", service.minimum_percent)
    service.maximum_percent = percentages.get("maximumPercent", service.maximum_percent)
    if params.get("desiredCount") is not None:
        service.desired = params["desiredCount"]
    if params.get("taskDefinition"):
        service.task_definition = find_definition(call, params["taskDefinition"])["taskDefinitionArn"]
    service.extra.update({member: params[member] for member in EXTRA if params.get(member) is not None})


@operation("ecs", "CreateService")
def create_service(call: Call) -> dict[str, Any]:
    """Make a service. Of the launch type EXTERNAL tasks really run; of others they stay pending."""
    cluster, name = cluster_of(call), check_name("Service name", call.params["serviceName"])
    if not call.params.get("taskDefinition"):
        raise AwsError("InvalidParameterException", "TaskDefinition can not be blank.")
    arn = call.arn("ecs", f"service/{cluster.name}/{name}")
    if arn in call.state.services and call.state.services[arn].status == "ACTIVE":
        raise AwsError("InvalidParameterException", "Creation of service was not idempotent.")
    launch_type = call.params.get("launchType", "EC2")
    if launch_type == "EXTERNAL" and (call.params.get("loadBalancers") or call.params.get("serviceRegistries")):
        message = "The EXTERNAL launch type does not support load balancers and service discovery."
        raise AwsError("InvalidParameterException", message)
    daemon = call.params.get("schedulingStrategy") == "DAEMON"
    if not daemon and call.params.get("desiredCount") is None:
        raise AwsError("InvalidParameterException", "The desired count is missing.")
    _check_roles(call)
    service = Service(
        name=name,
        arn=arn,
        region=call.region,
        cluster_arn=cluster.arn,
        task_definition="",
        desired=0,
        created=call.state.clock.now(),
        launch_type=launch_type,
        scheduling=call.params.get("schedulingStrategy", "REPLICA"),
        minimum_percent=0 if daemon else 100,
        maximum_percent=100 if daemon else 200,
    )
    _apply(call, service)
    call.state.services[arn] = service
    call.state.resource_tags[arn] = tag_dict(call.params.get("tags"))
    settle(call.state, call.region)
    return {"service": service.describe(call.state, True)}


def find_service(call: Call, cluster: Cluster, reference: str) -> Service | None:
    """A service of a cluster by its name or ARN."""
    name = short_id(call, reference, "service", cluster.name)
    return call.state.services.get(call.arn("ecs", f"service/{cluster.name}/{name}"))


def _active(call: Call) -> Service:
    service = find_service(call, cluster_of(call), call.params["service"])
    if service is None:
        raise AwsError("ServiceNotFoundException", "Service not found.")
    if service.status != "ACTIVE":
        raise AwsError("ServiceNotActiveException", "Service was not ACTIVE.")
    return service


@operation("ecs", "UpdateService")
def update_service(call: Call) -> dict[str, Any]:
    """Change what is named."""
    service = _active(call)
    _check_roles(call)
    _apply(call, service)
    settle(call.state, call.region)
    return {"service": service.describe(call.state, True)}


@operation("ecs", "DeleteService")
def delete_service(call: Call) -> dict[str, Any]:
    """Delete a service without tasks, or by force."""
    service = _active(call)
    if service.desired and service.scheduling != "DAEMON" and not call.params.get("force"):
        message = "The service cannot be stopped while it is scaled above 0."
        raise AwsError("InvalidParameterException", message)
    service.status = "INACTIVE"
    settle(call.state, call.region)
    return {"service": service.describe(call.state, True)}


@operation("ecs", "DescribeServices")
def describe_services(call: Call) -> dict[str, Any]:
    """Up to ten services by name or ARN."""
    cluster, tags = cluster_of(call), "TAGS" in (call.params.get("include") or [])
    if not 0 < len(call.params["services"]) <= 10:
        raise AwsError("InvalidParameterException", "Services must have 1 to 10 items.")
    found, failures = [], []
    for reference in call.params["services"]:
        service = find_service(call, cluster, reference)
        if service is None:
            name = reference.rpartition("/")[2]
            failures.append({"arn": call.arn("ecs", f"service/{cluster.name}/{name}"), "reason": "MISSING"})
        else:
            found.append(service.describe(call.state, tags))
    return {"services": found, "failures": failures}


@operation("ecs", "ListServices")
def list_services(call: Call) -> dict[str, Any]:
    """ARNs of the active services of a cluster; ten a page unless asked otherwise."""
    cluster, params = cluster_of(call), call.params
    arns = [
        s.arn
        for s in call.state.services.values()
        if s.cluster_arn == cluster.arn
        and s.status == "ACTIVE"
        and params.get("launchType") in (None, s.launch_type)
        and params.get("schedulingStrategy") in (None, s.scheduling)
    ]
    return ecs_page(call, "serviceArns", arns, usual=10)
