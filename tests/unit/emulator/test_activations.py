# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CreateActivation, DescribeActivations, DeleteActivation, and what SSM refuses."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from emulator.client import Client, refusal

UNKNOWN = "Nonexistent role or missing ssm service principal in trust policy"


def test_life_of_an_activation(aws: Client) -> None:
    ssm, role = aws.boto("ssm"), aws.role()
    made = ssm.create_activation(
        IamRole=role,
        RegistrationLimit=3,
        Description="two racks",
        DefaultInstanceName="rack",
        Tags=[{"Key": "site", "Value": "a"}],
    )
    assert len(made["ActivationCode"]) == 20
    assert len(made["ActivationId"]) == 36
    (shown,) = ssm.describe_activations()["ActivationList"]
    assert shown["RegistrationLimit"] == 3
    assert shown["RegistrationsCount"] == 0
    assert shown["Tags"] == [{"Key": "site", "Value": "a"}]
    assert timedelta(hours=23) < shown["ExpirationDate"] - datetime.now(tz=timezone.utc) < timedelta(hours=25)
    assert "ActivationCode" not in shown
    ssm.delete_activation(ActivationId=made["ActivationId"])
    assert ssm.describe_activations()["ActivationList"] == []
    assert refusal(ssm.delete_activation, ActivationId=made["ActivationId"])[0] == "InvalidActivation"


def test_a_role_with_a_path_is_called_by_both(aws: Client) -> None:
    ssm, name = aws.boto("ssm"), aws.role(Path="/factory/")
    for wrong in (name, f"/factory/{name}", f"other/{name}"):
        assert refusal(ssm.create_activation, IamRole=wrong) == ("ValidationException", UNKNOWN)
    node = aws.node(IamRole=f"factory/{name}")
    (shown,) = ssm.describe_activations(Filters=[{"FilterKey": "IamRole", "FilterValues": [f"factory/{name}"]}])[
        "ActivationList"
    ]
    assert shown["IamRole"] == f"factory/{name}"
    (shown,) = ssm.describe_instance_information()["InstanceInformationList"]
    assert shown["IamRole"] == f"factory/{name}"
    assert refusal(ssm.update_managed_instance_role, InstanceId=node.instance_id, IamRole=name)[1] == UNKNOWN
    assert node.log_in().status == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"RegistrationLimit": 0},
        {"RegistrationLimit": 1001},
        {"ExpirationDate": datetime.now(tz=timezone.utc) + timedelta(days=31)},
        {"ExpirationDate": datetime.now(tz=timezone.utc) - timedelta(minutes=1)},
        {"DefaultInstanceName": "x" * 257},
        {"IamRole": "x" * 65},
        {"Tags": [{"Key": "k" * 129, "Value": ""}]},
        {"Tags": [{"Key": "Aws:k", "Value": ""}]},
    ],
)
def test_limits(aws: Client, wrong: dict[str, Any]) -> None:
    role = aws.role()
    assert refusal(aws.boto("ssm").create_activation, **{"IamRole": role, **wrong})[0] == "ValidationException"
    assert aws.control("GET", "state")["activations"] == []


def test_limit_is_worded_as_by_aws(aws: Client) -> None:
    code, message = refusal(aws.boto("ssm").create_activation, IamRole=aws.role(), RegistrationLimit=1001)
    assert (code, message) == (
        "ValidationException",
        "1 validation error detected: Value '1001' at 'registrationLimit' failed to satisfy constraint: "
        "Member must have value less than or equal to 1000",
    )


def test_role_must_exist_and_trust_ssm(aws: Client) -> None:
    ssm, iam = aws.boto("ssm"), aws.boto("iam")
    assert refusal(ssm.create_activation, IamRole="nobody") == ("ValidationException", UNKNOWN)
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName="other", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    assert refusal(ssm.create_activation, IamRole="other") == ("ValidationException", UNKNOWN)


def test_new_role_is_unknown_for_a_while(aws: Client) -> None:
    ssm, role = aws.boto("ssm"), aws.role()
    aws.control("POST", "settings", {"role_propagation_seconds": 200})
    assert refusal(ssm.create_activation, IamRole=role) == ("ValidationException", UNKNOWN)
    aws.control("POST", "settings", {"clock_offset_seconds": 201})
    assert ssm.create_activation(IamRole=role)["ActivationId"]


def test_pages_and_filters(aws: Client) -> None:
    ssm, role = aws.boto("ssm"), aws.role()
    ids = [ssm.create_activation(IamRole=role, DefaultInstanceName=f"n{n}")["ActivationId"] for n in range(5)]
    pages = list(ssm.get_paginator("describe_activations").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["ActivationList"]) for page in pages] == [2, 2, 1]
    assert [a["ActivationId"] for page in pages for a in page["ActivationList"]] == ids
    chosen = ssm.describe_activations(Filters=[{"FilterKey": "ActivationIds", "FilterValues": ids[1:3]}])
    assert [a["ActivationId"] for a in chosen["ActivationList"]] == ids[1:3]
    assert refusal(ssm.describe_activations, NextToken="nonsense")[0] == "InvalidNextToken"
    assert aws.boto("ssm", region="us-east-1").describe_activations()["ActivationList"] == []


def test_page_size_limit(aws: Client) -> None:
    ssm, role = aws.boto("ssm"), aws.role()
    for _unused in range(3):
        ssm.create_activation(IamRole=role)
    aws.control("POST", "settings", {"page_size_limit": 1})
    assert len(list(ssm.get_paginator("describe_activations").paginate())) == 3
