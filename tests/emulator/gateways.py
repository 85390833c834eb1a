# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS gateways: the ingress that services share, with its infrastructure role; no cluster associations, no routes."""

from __future__ import annotations

from typing import Any

from .calls import Call, operation
from .capacity_providers import demand_infrastructure_role
from .clusters import tag_dict
from .errors import AwsError
from .pagination import ecs_page

SUMMARY = ("gatewayArn", "name", "status", "createdAt")


@operation("ecs", "CreateGateway")
def create_gateway(call: Call) -> dict[str, Any]:
    """Make one; its load balancers would come with the first service."""
    name = call.params["name"]
    if (call.region, name) in call.state.gateways:
        raise AwsError("InvalidParameterException", f"A gateway with this name exists: {name}")
    demand_infrastructure_role(call, call.params)
    gateway = {
        "gatewayArn": call.arn("ecs", f"gateway/{name}"),
        "name": name,
        "status": "ACTIVE",
        "infrastructureRoleArn": call.params["infrastructureRoleArn"],
        "configuration": call.params["configuration"],
        "createdAt": call.state.clock.now(),
    }
    call.state.gateways[call.region, name] = gateway
    call.state.resource_tags[gateway["gatewayArn"]] = tag_dict(call.params.get("tags"))
    return {key: gateway[key] for key in ("gatewayArn", "name", "status")}


@operation("ecs", "ListGateways")
def list_gateways(call: Call) -> dict[str, Any]:
    """Those of the Region, or those of some names and statuses."""
    names, statuses = call.params.get("names"), call.params.get("status")
    found = [
        {key: gateway[key] for key in SUMMARY}
        for (region, name), gateway in call.state.gateways.items()
        if region == call.region and (not names or name in names) and (not statuses or gateway["status"] in statuses)
    ]
    return ecs_page(call, "gateways", found)


def _named(call: Call) -> dict[str, Any]:
    gateway = call.state.gateways.get((call.region, call.params["gateway"].rpartition("/")[2]))
    if gateway is None:
        raise AwsError("GatewayNotFoundException", "The specified gateway does not exist.")
    return gateway


@operation("ecs", "DescribeGateway")
def describe_gateway(call: Call) -> dict[str, Any]:
    """One by name or ARN: the only call that names its role."""
    return {"gateway": _named(call)}


@operation("ecs", "DeleteGateway")
def delete_gateway(call: Call) -> dict[str, Any]:
    """Delete one; afterwards it is not known any more."""
    gateway = _named(call)
    del call.state.gateways[call.region, gateway["name"]]
    return {"gatewayArn": gateway["gatewayArn"], "name": gateway["name"], "status": "DELETED"}
