# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the emulator does not have: who uses a role, by answers that fit AWS's model in botocore."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from ansible_collections.onprem.ecs.plugins.module_utils import _aws, _iam_use

REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/ecsInfrastructureRole"
OTHER = "arn:aws:iam::123456789012:role/other"
CLUSTER = f"arn:aws:ecs:{REGION}:123456789012:cluster/default"
FIRST, SECOND = (f"arn:aws:ecs:{REGION}:123456789012:service/default/{name}" for name in ("shop", "site"))


@pytest.fixture
def ecs() -> Iterator[Stubber]:
    """Answers of ECS in their order; all of them must be asked for."""
    with Stubber(boto3.client("ecs", REGION, aws_access_key_id="a", aws_secret_access_key="b")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def user_of(ecs: Stubber, *features: str) -> str:
    """Who uses the role."""
    module = SimpleNamespace(region=REGION, client=lambda *_service, **_more: ecs.client)
    return _iam_use.user_of(_aws.Aws(module), ROLE, features, REGION)


def list_services(ecs: Stubber, *services: str, made_by: str = "ECS") -> None:
    """One cluster with these services."""
    ecs.add_response("list_clusters", {"clusterArns": [CLUSTER]}, {"maxResults": 100})
    ecs.add_response("list_services", {"serviceArns": list(services)}, {"cluster": CLUSTER, "maxResults": 100})
    described = [{"serviceArn": arn, "resourceManagementType": made_by} for arn in services]
    ecs.add_response("describe_services", {"services": described}, {"cluster": CLUSTER, "services": list(services)})


def describe(ecs: Stubber, service: str, role: str) -> None:
    """The call that alone names the role."""
    now = datetime(2026, 1, 1, tzinfo=timezone.utc)
    answer: dict[str, Any] = {"serviceArn": service, "infrastructureRoleArn": role, "createdAt": now}
    ecs.add_response("describe_express_gateway_service", {"service": answer}, {"serviceArn": service})


def test_an_express_service(ecs: Stubber) -> None:
    list_services(ecs, FIRST, SECOND)
    describe(ecs, FIRST, OTHER)
    describe(ecs, SECOND, ROLE)
    assert user_of(ecs, "express") == f"service {SECOND} uses it for express"


def test_the_first_is_enough(ecs: Stubber) -> None:
    list_services(ecs, FIRST, SECOND)
    describe(ecs, FIRST, ROLE)
    assert user_of(ecs, "express", "load_balancers") == f"service {FIRST} uses it for express"


def test_an_express_service_that_goes_meanwhile(ecs: Stubber) -> None:
    list_services(ecs, FIRST)
    ecs.add_client_error("describe_express_gateway_service", "ResourceNotFoundException", http_status_code=400)
    assert user_of(ecs, "express") == ""


@pytest.mark.parametrize(("features", "made_by"), [(["express"], "CUSTOMER"), (["load_balancers"], "ECS")])
def test_nobody_is_asked_for_nothing(ecs: Stubber, features: list[str], made_by: str) -> None:
    """A service of the user's own is none of Express, and Express does not matter when its feature stays."""
    list_services(ecs, FIRST, made_by=made_by)
    assert user_of(ecs, *features) == ""


def test_what_is_refused_is_told(ecs: Stubber) -> None:
    list_services(ecs, FIRST)
    ecs.add_client_error("describe_express_gateway_service", "AccessDeniedException", http_status_code=400)
    with pytest.raises(_aws.AwsError, match="lacks the permission ecs:DescribeExpressGatewayService"):
        user_of(ecs, "express")


def list_tasks(ecs: Stubber, desired: str, **tasks: str) -> None:
    """The tasks of the cluster of which ECS wants this status, with their last one; all have a volume of the role."""
    params = {"cluster": CLUSTER, "desiredStatus": desired, "maxResults": 100}
    ecs.add_response("list_tasks", {"taskArns": list(tasks)}, params)
    details = [{"name": "roleArn", "value": ROLE}]
    volume: dict[str, Any] = {"type": "AmazonElasticBlockStorage", "details": details}
    described = [
        {"taskArn": name, "desiredStatus": desired, "lastStatus": status, "attachments": [volume]}
        for name, status in tasks.items()
    ]
    if tasks:
        ecs.add_response("describe_tasks", {"tasks": described}, {"cluster": CLUSTER, "tasks": list(tasks)})


def test_a_task_that_lets_go_of_its_volume(ecs: Stubber) -> None:
    ecs.add_response("list_clusters", {"clusterArns": [CLUSTER]}, {"maxResults": 100})
    list_tasks(ecs, "RUNNING")
    list_tasks(ecs, "STOPPED", gone="STOPPED", going="DEPROVISIONING")
    assert user_of(ecs, "volumes") == "task going has a volume that is managed with it"


def test_a_task_that_runs_is_enough(ecs: Stubber) -> None:
    ecs.add_response("list_clusters", {"clusterArns": [CLUSTER]}, {"maxResults": 100})
    list_tasks(ecs, "RUNNING", new="PROVISIONING")
    assert user_of(ecs, "volumes") == "task new has a volume that is managed with it"


@pytest.mark.parametrize(("status", "uses"), [("INACTIVE", False), ("DEPROVISIONING", True), ("ACTIVE", True)])
def test_a_capacity_provider_that_was_deleted(ecs: Stubber, status: str, uses: bool) -> None:
    provider = {"name": "p", "status": status, "managedInstancesProvider": {"infrastructureRoleArn": ROLE}}
    ecs.add_response("describe_capacity_providers", {"capacityProviders": [provider]}, {})
    assert bool(user_of(ecs, "managed_instances")) is uses


GATEWAY = f"arn:aws:ecs:{REGION}:123456789012:gateway/shop"


def test_a_gateway_that_goes_meanwhile(ecs: Stubber) -> None:
    ecs.add_response("list_gateways", {"gateways": [{"gatewayArn": GATEWAY, "name": "shop"}]}, {})
    ecs.add_client_error("describe_gateway", "GatewayNotFoundException", http_status_code=400)
    assert user_of(ecs, _iam_use.GATEWAY) == ""


@pytest.mark.parametrize("code", _iam_use.UNSUPPORTED)
def test_a_region_without_gateways(ecs: Stubber, code: str) -> None:
    ecs.add_client_error("list_gateways", code, http_status_code=400)
    assert user_of(ecs, _iam_use.GATEWAY) == ""


def test_gateways_that_may_not_be_seen(ecs: Stubber) -> None:
    ecs.add_client_error("list_gateways", "AccessDeniedException", http_status_code=400)
    with pytest.raises(_aws.AwsError, match="lacks the permission ecs:ListGateways"):
        user_of(ecs, _iam_use.GATEWAY)


def test_an_older_botocore_knows_no_gateways() -> None:
    older = SimpleNamespace(region=REGION, client=lambda *_service, **_more: SimpleNamespace())
    assert _iam_use.user_of(_aws.Aws(older), ROLE, [_iam_use.GATEWAY], REGION) == ""
