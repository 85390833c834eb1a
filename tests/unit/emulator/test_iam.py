# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What IAM refuses, and moto alone would not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.client import SSM_TRUST, Client, refusal

ACCOUNT = "123456789012"
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def document(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal: Any) -> str:
    """A trust document."""
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def sized(characters: int) -> str:
    """A permissions document of so many characters, white space not counted."""
    empty = document({**ALLOW, "Sid": "", "Resource": "arn:aws:s3:::"}).replace(" ", "")
    filler = characters - len(empty)
    return empty.replace("arn:aws:s3:::", f"arn:aws:s3:::{'x' * filler}")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"RoleName": "with space"}, "ValidationError"),
        ({"RoleName": "x" * 65}, "ValidationError"),
        ({"Path": "no-slash"}, "ValidationError"),
        ({"Path": "/aws-service-role/x/"}, "ValidationError"),
        ({"MaxSessionDuration": 3599}, "ValidationError"),
        ({"MaxSessionDuration": 43201}, "ValidationError"),
        ({"Description": "x" * 1001}, "ValidationError"),
        ({"AssumeRolePolicyDocument": "{"}, "MalformedPolicyDocument"),
        ({"AssumeRolePolicyDocument": document(ALLOW)}, "MalformedPolicyDocument"),
        (
            {"AssumeRolePolicyDocument": document({"Effect": "Allow", "Action": "sts:AssumeRole"})},
            "MalformedPolicyDocument",
        ),
        (
            {"AssumeRolePolicyDocument": trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"})},
            "MalformedPolicyDocument",
        ),
        (
            {"AssumeRolePolicyDocument": trust({"Service": [f"s{n}.amazonaws.com" for n in range(200)]})},
            "LimitExceeded",
        ),
        ({"AssumeRolePolicyDocument": trust({"Service": "ssm"})}, "MalformedPolicyDocument"),
        ({"AssumeRolePolicyDocument": trust({"AWS": "arn:aws-cn:iam::123456789012:root"})}, "MalformedPolicyDocument"),
        ({"PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/none"}, "NoSuchEntity"),
        ({"Tags": [{"Key": "aws:mine", "Value": ""}]}, "InvalidInput"),
        ({"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, "ValidationError"),
        ({"Tags": [{"Key": "k" * 129, "Value": ""}]}, "ValidationError"),
    ],
)
def test_create_role_refusals(aws: Client, wrong: dict[str, Any], code: str) -> None:
    wanted = {"RoleName": "r", "AssumeRolePolicyDocument": SSM_TRUST, **wrong}
    assert refusal(aws.boto("iam").create_role, **wanted)[0] == code
    assert aws.control("GET", "state")["roles"] == {}


def test_errors_have_the_statuses_of_aws(aws: Client) -> None:
    iam = aws.boto("iam")
    aws.role("r")
    for function, arguments, status in (
        (iam.get_role, {"RoleName": "none"}, 404),
        (iam.create_role, {"RoleName": "r", "AssumeRolePolicyDocument": SSM_TRUST}, 409),
        (iam.delete_role, {"RoleName": "r"}, 409),
    ):
        with pytest.raises(iam.exceptions.ClientError) as caught:
            function(**arguments)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_service_linked_role_is_not_ours_to_change(aws: Client) -> None:
    iam = aws.boto("iam")
    iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    name = "AWSServiceRoleForECS"
    wrong = {"RoleName": name, "PolicyDocument": SSM_TRUST}
    assert refusal(iam.update_assume_role_policy, **wrong)[0] == "UnmodifiableEntity"
    assert refusal(iam.delete_role, RoleName=name)[0] == "UnmodifiableEntity"


def test_names_have_no_case(aws: Client) -> None:
    iam = aws.boto("iam")
    aws.role("r", policies=())
    iam.create_instance_profile(InstanceProfileName="p")
    wrong = {"RoleName": "R", "AssumeRolePolicyDocument": SSM_TRUST}
    assert refusal(iam.create_role, **wrong)[0] == "EntityAlreadyExists"
    assert refusal(iam.create_instance_profile, InstanceProfileName="P")[0] == "EntityAlreadyExists"


def test_attachments(aws: Client) -> None:
    iam = aws.boto("iam")
    aws.role("r", policies=())
    made = [iam.create_policy(PolicyName=f"p{n}", PolicyDocument=document(ALLOW))["Policy"]["Arn"] for n in range(11)]
    for arn in made[:10]:
        iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    iam.attach_role_policy(RoleName="r", PolicyArn=made[0])
    assert refusal(iam.attach_role_policy, RoleName="r", PolicyArn=made[10])[0] == "LimitExceeded"
    assert refusal(iam.attach_role_policy, RoleName="r", PolicyArn=f"{made[0]}x")[0] in (
        "NoSuchEntity",
        "LimitExceeded",
    )
    assert refusal(iam.delete_role, RoleName="r")[0] == "DeleteConflict"


def test_wrong_path_of_an_aws_policy(aws: Client) -> None:
    aws.role("r", policies=())
    wrong = "arn:aws:iam::aws:policy/AmazonEC2ContainerServiceforEC2Role"
    assert refusal(aws.boto("iam").attach_role_policy, RoleName="r", PolicyArn=wrong)[0] == "NoSuchEntity"


def test_sizes(aws: Client) -> None:
    iam = aws.boto("iam")
    aws.role("r", policies=())
    iam.create_policy(PolicyName="fits", PolicyDocument=sized(6144).replace(",", ", \n"))
    assert refusal(iam.create_policy, PolicyName="p", PolicyDocument=sized(6145))[0] == "LimitExceeded"
    iam.put_role_policy(RoleName="r", PolicyName="a", PolicyDocument=sized(6000))
    iam.put_role_policy(RoleName="r", PolicyName="b", PolicyDocument=sized(4240))
    over = {"RoleName": "r", "PolicyName": "c", "PolicyDocument": sized(200)}
    assert refusal(iam.put_role_policy, **over)[0] == "LimitExceeded"
    iam.put_role_policy(RoleName="r", PolicyName="b", PolicyDocument=sized(4000))
    iam.put_role_policy(**over)


def test_malformed_permissions(aws: Client) -> None:
    aws.role("r", policies=())
    put = aws.boto("iam").put_role_policy
    for text in ("{", document({"Effect": "Allow", "Action": "s3:GetObject"}), document({"Effect": "Maybe"})):
        assert refusal(put, RoleName="r", PolicyName="p", PolicyDocument=text)[0] == "MalformedPolicyDocument"


def test_versions_and_deletion_of_a_policy(aws: Client) -> None:
    iam = aws.boto("iam")
    aws.role("r", policies=())
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document(ALLOW))["Policy"]["Arn"]
    for _unused in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(ALLOW), SetAsDefault=True)
    assert refusal(iam.create_policy_version, PolicyArn=arn, PolicyDocument=document(ALLOW))[0] == "LimitExceeded"
    iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    assert refusal(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    iam.detach_role_policy(RoleName="r", PolicyArn=arn)
    assert refusal(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    assert refusal(iam.delete_policy_version, PolicyArn=arn, VersionId="v5")[0] == "DeleteConflict"
    for number in range(1, 5):
        iam.delete_policy_version(PolicyArn=arn, VersionId=f"v{number}")
    iam.delete_policy(PolicyArn=arn)
    assert refusal(iam.delete_policy, PolicyArn=arn)[0] == "NoSuchEntity"
    aws_owned = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    assert refusal(iam.delete_policy, PolicyArn=aws_owned)[0] == "AccessDenied"


def test_boundary_in_use(aws: Client) -> None:
    iam = aws.boto("iam")
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document(ALLOW))["Policy"]["Arn"]
    aws.role("r", policies=(), PermissionsBoundary=arn)
    assert refusal(iam.delete_policy, PolicyArn=arn)[0] == "DeleteConflict"
    missing = {"RoleName": "r", "PermissionsBoundary": f"{arn}x"}
    assert refusal(iam.put_role_permissions_boundary, **missing)[0] == "NoSuchEntity"


def test_update_role_resets_what_is_left_out(aws: Client) -> None:
    iam = aws.boto("iam")
    aws.role("r", policies=(), Description="d", MaxSessionDuration=7200)
    iam.update_role(RoleName="r", Description="other")
    assert iam.get_role(RoleName="r")["Role"]["MaxSessionDuration"] == 3600
    assert refusal(iam.update_role, RoleName="r", MaxSessionDuration=99999)[0] == "ValidationError"


def test_instance_profiles(aws: Client) -> None:
    iam = aws.boto("iam")
    aws.role("r", policies=())
    iam.create_instance_profile(InstanceProfileName="p")
    both = {"InstanceProfileName": "p", "RoleName": "r"}
    iam.add_role_to_instance_profile(**both)
    assert refusal(iam.add_role_to_instance_profile, **both)[0] == "LimitExceeded"
    assert refusal(iam.delete_instance_profile, InstanceProfileName="p")[0] == "DeleteConflict"
    assert refusal(iam.delete_role, RoleName="r")[0] == "DeleteConflict"
    iam.remove_role_from_instance_profile(**both)
    assert refusal(iam.remove_role_from_instance_profile, **both)[0] == "NoSuchEntity"


def test_tags_of_a_role(aws: Client) -> None:
    iam = aws.boto("iam")
    aws.role("r", policies=(), Tags=[{"Key": f"k{n}", "Value": ""} for n in range(49)])
    iam.tag_role(RoleName="r", Tags=[{"Key": "more", "Value": "x"}, {"Key": "k0", "Value": "changed"}])
    assert refusal(iam.tag_role, RoleName="r", Tags=[{"Key": "one too many", "Value": ""}])[0] == "LimitExceeded"
    iam.tag_role(RoleName="r", Tags=[{"Key": "K1", "Value": "takes its place"}])
    keys = {tag["Key"]: tag["Value"] for tag in iam.get_role(RoleName="r")["Role"]["Tags"]}
    assert keys["K1"] == "takes its place" and "k1" not in keys
    pair = [{"Key": key, "Value": ""} for key in ("k1", "K1")]
    assert refusal(iam.tag_role, RoleName="r", Tags=pair)[0] == "InvalidInput"


def test_assume_role(aws: Client) -> None:
    iam, sts = aws.boto("iam"), aws.boto("sts")
    wanted = {"RoleSessionName": "session", "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"}
    assert refusal(sts.assume_role, **wanted)[0] == "AccessDenied"
    aws.role("r", policies=())
    assert refusal(sts.assume_role, **wanted)[0] == "AccessDenied"
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=trust({"AWS": ACCOUNT}))
    assert refusal(sts.assume_role, **wanted, DurationSeconds=7200)[0] == "ValidationError"
    made = sts.assume_role(**wanted)["Credentials"]
    session = aws.boto(
        "sts",
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
    )
    assert session.get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/session"


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_partitions(aws: Client, region: str, partition: str) -> None:
    assert aws.boto("sts", region=region).get_caller_identity()["Arn"].startswith(f"arn:{partition}:iam::")
    iam, ssm = aws.boto("iam", region=region), aws.boto("ssm", region=region)
    made = iam.create_role(RoleName="r", AssumeRolePolicyDocument=SSM_TRUST)["Role"]
    assert made["Arn"] == f"arn:{partition}:iam::{ACCOUNT}:role/r"
    iam.attach_role_policy(RoleName="r", PolicyArn=f"arn:{partition}:iam::aws:policy/AmazonSSMManagedInstanceCore")
    assert ssm.create_activation(IamRole="r")["ActivationId"]
    cluster = aws.boto("ecs", region=region).create_cluster(clusterName="lab")["cluster"]["clusterArn"]
    assert cluster == f"arn:{partition}:ecs:{region}:{ACCOUNT}:cluster/lab"


def test_aws_policies_are_known(aws: Client) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
    policy = aws.boto("iam").get_policy(PolicyArn=arn)["Policy"]
    version = aws.boto("iam").get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    assert "ecs:RegisterContainerInstance" in json.dumps(version["Document"])


def test_trust_documents_come_back_rewritten(aws: Client) -> None:
    iam = aws.boto("iam")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": ["ssm.amazonaws.com"], "AWS": [ACCOUNT]},
        "Action": ["sts:TagSession", "sts:AssumeRole"],
        "Condition": {"StringEquals": {"aws:SourceAccount": [ACCOUNT]}},
    }
    made = iam.create_role(RoleName="r", AssumeRolePolicyDocument=document(statement))["Role"]
    for shown in (made, iam.get_role(RoleName="r")["Role"]):
        assert shown["AssumeRolePolicyDocument"]["Statement"] == [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ssm.amazonaws.com", "AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            }
        ]


@pytest.mark.parametrize(("asked", "action"), [(False, ["s3:GetObject"]), (True, "s3:GetObject")])
def test_permissions_come_back_as_written_unless_asked(aws: Client, asked: bool, action: Any) -> None:
    iam = aws.boto("iam")
    aws.role("r", policies=())
    aws.control("POST", "settings", {"canonical_documents": asked})
    text = document({**ALLOW, "Action": ["s3:GetObject"]})
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=text)
    shown = iam.get_role_policy(RoleName="r", PolicyName="p")["PolicyDocument"]
    assert shown["Statement"][0]["Action"] == action
