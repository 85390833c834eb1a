# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API: counters, log, faults, settings, state, and calls that nobody knows."""

from __future__ import annotations

import time
from typing import Any

import botocore.exceptions
import pytest
import requests

from emulator.client import SSM_TRUST, Client, Node, refusal


def test_counter(aws: Client) -> None:
    aws.control("DELETE", "calls")
    node = aws.node()
    node.log_in()
    aws.boto("ssm").describe_activations()
    counts = aws.control("GET", "calls")
    assert counts["calls"] == {
        "iam:CreateRole": 1,
        "iam:AttachRolePolicy": 2,
        "ssm:CreateActivation": 1,
        "ssm:DescribeActivations": 1,
    }
    assert (counts["reads"], counts["writes"]) == (1, 4)
    assert counts["writes_by_operation"] == {
        "iam:CreateRole": 1,
        "iam:AttachRolePolicy": 2,
        "ssm:CreateActivation": 1,
    }
    assert counts["agent_calls"] == {"ssm:RegisterManagedInstance": 1, "ssm:RequestManagedInstanceRoleToken": 1}
    aws.control("DELETE", "calls")
    assert aws.control("GET", "calls")["calls"] == {}


def test_log_is_in_order_and_hides_secrets(aws: Client) -> None:
    node = aws.node()
    aws.boto("ssm").put_parameter(Name="/a", Value="secret-value", Type="SecureString")
    refusal(aws.boto("iam").get_role, RoleName="none")
    log = aws.control("GET", "log")
    assert [entry["operation"] for entry in log] == [
        "CreateRole",
        "AttachRolePolicy",
        "AttachRolePolicy",
        "CreateActivation",
        "RegisterManagedInstance",
        "PutParameter",
        "GetRole",
    ]
    assert (log[-1]["status"], log[-1]["code"], log[-1]["caller"]) == (404, "NoSuchEntity", "controller")
    assert log[4]["params"]["ActivationCode"] == "********"
    assert "secret-value" not in str(log)
    assert node.public_key in str(log)
    aws.control("DELETE", "log")
    assert aws.control("GET", "log") == []


def fault(aws: Client, **members: Any) -> None:
    """Order a fault of CreateRole, unless told otherwise."""
    aws.control("POST", "faults", {"service": "iam", "operation": "CreateRole", **members})


def create(aws: Client, retries: int = 1) -> Any:
    """CreateRole."""
    iam = aws.boto("iam", retries=retries)
    return iam.create_role(RoleName="r", AssumeRolePolicyDocument=SSM_TRUST)


def test_throttling_is_retried(aws: Client) -> None:
    fault(aws, kind="throttle", count=2)
    assert create(aws, retries=4)["Role"]["RoleName"] == "r"
    assert aws.control("GET", "calls")["calls"] == {"iam:CreateRole": 3}


def test_throttling_code_is_the_services(aws: Client) -> None:
    fault(aws, kind="throttle")
    fault(aws, kind="throttle", service="ecs", operation="ListClusters")
    assert refusal(create, aws=aws) == ("Throttling", "Rate exceeded")
    assert refusal(aws.boto("ecs").list_clusters)[0] == "ThrottlingException"


def test_any_error_for_chosen_calls(aws: Client) -> None:
    fault(aws, kind="error", code="EntityAlreadyExists", message="there", status=409, skip=1)
    fault(aws, kind="error", status=503, code="ServiceUnavailable", operation="*", service="ssm")
    create(aws)
    assert refusal(create, aws=aws) == ("EntityAlreadyExists", "there")
    assert refusal(aws.boto("ssm").describe_activations)[0] == "ServiceUnavailable"
    assert [one["count"] for one in aws.control("GET", "faults")] == [0, 0]


@pytest.mark.parametrize("after", [False, True])
def test_dropped_connection(aws: Client, after: bool) -> None:
    fault(aws, kind="drop", after=after)
    with pytest.raises(botocore.exceptions.HTTPClientError):
        create(aws)
    assert list(aws.control("GET", "state")["roles"]) == (["r"] if after else [])
    assert aws.control("GET", "log")[-1]["code"] == "ConnectionDropped"


def test_delay(aws: Client) -> None:
    fault(aws, kind="delay", seconds=0.3)
    start = time.monotonic()
    create(aws)
    assert time.monotonic() - start > 0.3
    aws.control("POST", "settings", {"delay_ms": 200})
    start = time.monotonic()
    aws.boto("sts").get_caller_identity()
    assert time.monotonic() - start > 0.2


def test_faults_of_one_caller(aws: Client) -> None:
    node = aws.node()
    aws.control("POST", "faults", {"kind": "error", "code": "X", "service": "ssm", "operation": "*", "caller": "node"})
    aws.boto("ssm").describe_activations()
    assert node.log_in().json()["__type"] == "X"
    aws.control("DELETE", "faults")
    assert node.log_in().status == 200


def test_wrong_orders_are_refused(aws: Client) -> None:
    for path, body in (
        ("faults", {"service": "iam", "operation": "X", "kind": "nonsense"}),
        ("faults", {"kind": "drop", "colour": "red"}),
        ("settings", {"colour": "red"}),
        ("nodes/offline", {"InstanceId": "mi-none"}),
    ):
        reply = requests.post(f"{aws.server.url}/_emulator/{path}", json=body, timeout=10)
        assert reply.status_code == 400, path
    assert requests.get(f"{aws.server.url}/_emulator/nothing", timeout=10).status_code == 404
    assert requests.get(f"{aws.server.url}/_emulator/health", timeout=10).status_code == 200


def test_unknown_calls_are_named(aws: Client) -> None:
    aws.control("DELETE", "unknown")
    assert refusal(aws.boto("ecs").list_daemons)[0] == "NotImplemented"
    assert refusal(aws.boto("lambda").list_functions)[0]
    unknown = aws.control("GET", "unknown")
    assert [(one["service"], one["operation"], one["status"]) for one in unknown] == [
        ("ecs", "ListDaemons", 501),
        ("lambda", "GET /2015-03-31/functions", 501),
    ]
    aws.control("POST", "reset")
    assert aws.control("GET", "unknown") == unknown
    aws.control("DELETE", "unknown")
    assert aws.control("GET", "unknown") == []


def test_reset_forgets_everything(aws: Client) -> None:
    node = aws.node()
    aws.boto("ecs").create_cluster(clusterName="lab")
    aws.control("POST", "settings", {"delay_ms": 1})
    aws.control("POST", "reset")
    state = aws.control("GET", "state")
    assert not any(state.values())
    assert aws.control("GET", "settings")["delay_ms"] == 0
    assert node.log_in().json()["__type"] == "InvalidInstanceId"
    assert aws.control("GET", "calls")["calls"] == {}


def test_state_shows_what_is_there(aws: Client) -> None:
    aws.boto("ecs").create_cluster(clusterName="lab")
    node = aws.node().come_online()
    node.join()
    state = aws.control("GET", "state")
    assert state["managed_nodes"][0]["PingStatus"] == "Online"
    assert state["container_instances"][0]["clusterName"] == "lab"
    assert state["clusters"][0]["name"] == "lab"
    assert state["activations"][0]["RegistrationsCount"] == 1
    assert "ssm.amazonaws.com" in state["roles"]["ecsAnywhereRole"]["trust"]


def test_node_offline_and_back(aws: Client) -> None:
    node = aws.node().come_online()
    for forced, status in (("ConnectionLost", "ConnectionLost"), (None, "Online")):
        aws.control("POST", "nodes/offline", {"InstanceId": node.instance_id, "PingStatus": forced})
        assert aws.control("GET", "state")["managed_nodes"][0]["PingStatus"] == status


def test_role_last_used(aws: Client) -> None:
    aws.role("r", policies=())
    aws.control("POST", "roles/last-used", {"RoleName": "r", "days": 100})
    assert "LastUsedDate" in aws.boto("iam").get_role(RoleName="r")["Role"]["RoleLastUsed"]


def test_lost_answer_of_a_registration(aws: Client) -> None:
    """The host is registered, and does not know it: the next try is refused."""
    made = aws.boto("ssm").create_activation(IamRole=aws.role(), RegistrationLimit=5)
    fault(aws, kind="drop", after=True, service="ssm", operation="RegisterManagedInstance")
    node = Node(aws)
    with pytest.raises(requests.ConnectionError):
        node.register(made["ActivationId"], made["ActivationCode"])
    assert node.register(made["ActivationId"], made["ActivationCode"]).json()["__type"] == "InstanceAlreadyRegistered"
