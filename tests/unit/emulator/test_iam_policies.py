# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed policies: what IAM refuses, and moto alone would not; who holds one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.client import SSM_TRUST, Client, refusal

ARN = "arn:aws:iam::123456789012:policy/"
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": ALLOW})


def made(aws: Client, name: str = "p", **options: Any) -> str:
    """A policy; its ARN."""
    arn: str = aws.boto("iam").create_policy(PolicyName=name, PolicyDocument=DOCUMENT, **options)["Policy"]["Arn"]
    return arn


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"PolicyName": "with space"}, "ValidationError"),
        ({"PolicyName": "x" * 129}, "ValidationError"),
        ({"PolicyName": ""}, "ValidationError"),
        ({"Path": "no-slash"}, "ValidationError"),
        ({"Path": f"/{'x' * 511}/"}, "ValidationError"),
        ({"Path": "/a*b/"}, "ValidationError"),
        ({"Description": "x" * 1001}, "ValidationError"),
        ({"PolicyDocument": "{"}, "MalformedPolicyDocument"),
        ({"PolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": {}})}, "MalformedPolicyDocument"),
        ({"PolicyDocument": DOCUMENT.replace('"*"', f'"arn:aws:s3:::{"x" * 6144}"')}, "LimitExceeded"),
        ({"Tags": [{"Key": f"k{number}", "Value": ""} for number in range(51)]}, "ValidationError"),
        ({"Tags": [{"Key": "aws:mine", "Value": ""}]}, "InvalidInput"),
        ({"PolicyName": "TAKEN", "Path": "/other/"}, "EntityAlreadyExists"),
    ],
)
def test_create_policy_refusals(aws: Client, wrong: dict[str, Any], code: str) -> None:
    made(aws, "taken")
    wanted = {"PolicyName": "p", "PolicyDocument": DOCUMENT, **wrong}
    assert refusal(aws.boto("iam").create_policy, **wanted)[0] == code
    assert len(aws.boto("iam").list_policies(Scope="Local")["Policies"]) == 1


def test_a_name_of_aws_is_free(aws: Client) -> None:
    assert made(aws, "AmazonECS_FullAccess") == f"{ARN}AmazonECS_FullAccess"


def test_six_thousand_characters_are_counted_without_white_space(aws: Client) -> None:
    spread = json.dumps(json.loads(DOCUMENT), indent=2000)
    aws.boto("iam").create_policy(PolicyName="p", PolicyDocument=spread)
    text = DOCUMENT.replace('"*"', f'"arn:aws:s3:::{"x" * 6144}"')
    assert refusal(aws.boto("iam").create_policy_version, PolicyArn=f"{ARN}p", PolicyDocument=text) == (
        "LimitExceeded",
        "Cannot exceed quota for PolicySize: 6144",
    )


def test_versions(aws: Client) -> None:
    iam, arn = aws.boto("iam"), made(aws)
    for _number in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=DOCUMENT)
    assert refusal(iam.create_policy_version, PolicyArn=arn, PolicyDocument=DOCUMENT)[0] == "LimitExceeded"
    assert refusal(iam.delete_policy_version, PolicyArn=arn, VersionId="v1")[0] == "DeleteConflict"
    assert refusal(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    assert refusal(iam.get_policy_version, PolicyArn=arn, VersionId="v6")[0] == "NoSuchEntity"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    made_now = iam.create_policy_version(PolicyArn=arn, PolicyDocument=DOCUMENT, SetAsDefault=True)["PolicyVersion"]
    assert made_now["VersionId"] == "v6"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v6"


@pytest.mark.parametrize("kind", ["role", "user", "group"])
def test_a_policy_that_is_held_is_not_deleted(aws: Client, kind: str) -> None:
    iam, arn = aws.boto("iam"), made(aws)
    more = {"AssumeRolePolicyDocument": SSM_TRUST} if kind == "role" else {}
    name = {f"{kind.capitalize()}Name": "x"}
    getattr(iam, f"create_{kind}")(**name, **more)
    for _time in range(2):
        getattr(iam, f"attach_{kind}_policy")(PolicyArn=arn, **name)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert refusal(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    held = iam.list_entities_for_policy(PolicyArn=arn)
    assert [one[f"{kind.capitalize()}Name"] for one in held[f"Policy{kind.capitalize()}s"]] == ["x"]
    others = iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsBoundary")
    assert others[f"Policy{kind.capitalize()}s"] == []
    getattr(iam, f"detach_{kind}_policy")(PolicyArn=arn, **name)
    iam.delete_policy(PolicyArn=arn)
    assert refusal(iam.get_policy, PolicyArn=arn)[0] == "NoSuchEntity"


def test_a_boundary_is_held_too(aws: Client) -> None:
    iam, arn = aws.boto("iam"), made(aws)
    iam.create_role(RoleName="x", AssumeRolePolicyDocument=SSM_TRUST, PermissionsBoundary=arn)
    assert refusal(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    assert iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsPolicy")["PolicyRoles"] == []
    assert len(iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsBoundary")["PolicyRoles"]) == 1
    assert len(iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]) == 1
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1


def test_holders_come_in_pages(aws: Client) -> None:
    iam, arn = aws.boto("iam"), made(aws)
    for number in range(3):
        iam.create_user(UserName=f"u{number}", Path="/a/" if number else "/")
        iam.attach_user_policy(PolicyArn=arn, UserName=f"u{number}")
    first = iam.list_entities_for_policy(PolicyArn=arn, MaxItems=2)
    assert first["IsTruncated"] is True
    second = iam.list_entities_for_policy(PolicyArn=arn, MaxItems=2, Marker=first["Marker"])
    assert second["IsTruncated"] is False
    names = [one["UserName"] for page in (first, second) for one in page["PolicyUsers"]]
    assert names == ["u0", "u1", "u2"]
    assert refusal(iam.list_entities_for_policy, PolicyArn=arn, Marker="x")[0] == "ValidationError"
    assert len(iam.list_entities_for_policy(PolicyArn=arn, PathPrefix="/a/")["PolicyUsers"]) == 2
    assert iam.list_entities_for_policy(PolicyArn=arn, EntityFilter="Role")["PolicyUsers"] == []
    assert refusal(iam.list_entities_for_policy, PolicyArn=f"{ARN}none")[0] == "NoSuchEntity"


def test_tags(aws: Client) -> None:
    iam, arn = aws.boto("iam"), made(aws, Tags=[{"Key": "Owner", "Value": "a"}])
    assert iam.get_policy(PolicyArn=arn)["Policy"]["Tags"] == [{"Key": "Owner", "Value": "a"}]
    many = [{"Key": f"k{number}", "Value": ""} for number in range(49)]
    iam.tag_policy(PolicyArn=arn, Tags=[*many, {"Key": "owner", "Value": "b"}])
    assert refusal(iam.tag_policy, PolicyArn=arn, Tags=[{"Key": "more", "Value": ""}])[0] == "LimitExceeded"


@pytest.mark.parametrize("kind", ["user", "group"])
def test_ten_policies(aws: Client, kind: str) -> None:
    iam, name = aws.boto("iam"), {f"{kind.capitalize()}Name": "x"}
    getattr(iam, f"create_{kind}")(**name)
    attach = getattr(iam, f"attach_{kind}_policy")
    for number in range(10):
        attach(PolicyArn=made(aws, f"p{number}"), **name)
    assert refusal(attach, PolicyArn=made(aws, "p10"), **name)[0] == "LimitExceeded"
    attach(PolicyArn=f"{ARN}p0", **name)


def test_policies_of_aws_are_not_changed(aws: Client) -> None:
    iam, arn = aws.boto("iam"), "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert refusal(iam.create_policy_version, PolicyArn=arn, PolicyDocument=DOCUMENT)[0] == "AccessDenied"
    assert refusal(iam.delete_policy, PolicyArn=arn)[0] == "AccessDenied"
