# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call, and what he may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

import emulator
from emulator.calls import Caller, Request
from emulator.client import NODE_POLICIES, SSM_TRUST, Client, refusal, send
from emulator.errors import AwsError
from emulator.identities import Authorization, Credentials
from emulator.policies import Question, decide
from emulator.signatures import MISMATCH, Signed, verify

ACCOUNT = "123456789012"


def document(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.mark.parametrize(
    ("service", "operation", "unknown", "mismatch"),
    [
        ("iam", "list_roles", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("sts", "get_caller_identity", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("ssm", "describe_activations", "UnrecognizedClientException", "InvalidSignatureException"),
        ("ecs", "list_clusters", "UnrecognizedClientException", "InvalidSignatureException"),
    ],
)
def test_wrong_credentials(aws: Client, service: str, operation: str, unknown: str, mismatch: str) -> None:
    stranger = aws.boto(service, aws_access_key_id="AKIASTRANGER00000001")
    assert refusal(getattr(stranger, operation))[0] == unknown
    wrong = aws.boto(service, aws_secret_access_key="wrong")
    assert refusal(getattr(wrong, operation))[0] == mismatch
    token = aws.boto(service, aws_session_token="made up")
    assert refusal(getattr(token, operation))[0] == unknown


def test_unsigned_and_outdated(aws: Client) -> None:
    headers = {"X-Amz-Target": "AmazonSSM.DescribeActivations", "Content-Type": "application/x-amz-json-1.1"}
    reply = requests.post(aws.server.url, data="{}", headers=headers, timeout=10)
    assert (reply.status_code, reply.json()["__type"]) == (400, "MissingAuthenticationTokenException")
    aws.control("POST", "settings", {"clock_offset_seconds": 1200})
    code, message = refusal(aws.boto("ssm").describe_activations)
    assert code == "InvalidSignatureException"
    assert message.startswith("Signature expired")


@pytest.mark.parametrize(
    ("ahead", "word"),
    [(299, MISMATCH), (-299, MISMATCH), (301, "Signature expired: "), (-301, "Signature not yet current: ")],
)
def test_clocks_may_be_five_minutes_apart(ahead: int, word: str) -> None:
    """The date is looked at before the signature, which is wrong. ``ahead``: seconds that AWS's clock is ahead."""
    headers = {"host": "localhost", "x-amz-date": "20261121T164800Z"}
    sent = Request("POST", "/", "", headers, b"{}", "http", {})
    authorization = Authorization("AKIA", "20261121", "eu-west-1", "ssm", ("host", "x-amz-date"), "0" * 64)
    with pytest.raises(AwsError) as caught:
        verify(
            Signed("ssm", sent, authorization),
            Caller("controller", "controller"),
            Credentials("secret"),
            1_795_279_680 + ahead,
        )
    assert str(caught.value.message).startswith(word)


def test_body_belongs_to_the_signature(aws: Client) -> None:
    node = aws.node().come_online()
    url = f"{aws.server.url}/"
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.ListInstanceAssociations"}
    signed = node.signed("ssm", "POST", url, headers, b'{"InstanceId":"a"}')
    reply = requests.post(url, data=b'{"InstanceId":"b"}', headers=signed, timeout=10)
    assert reply.json()["__type"] == "InvalidSignatureException"


def test_expired_token(aws: Client) -> None:
    node = aws.node()
    aws.control("POST", "settings", {"token_lifetime_seconds": 0})
    node.log_in()
    assert node.ping().json()["__type"] == "ExpiredTokenException"


def test_lenient(aws: Client) -> None:
    aws.control("POST", "settings", {"strict": False})
    assert aws.boto("ssm", aws_secret_access_key="wrong").describe_activations()["ActivationList"] == []


def test_chunked_body_is_read(aws: Client) -> None:
    headers = {
        "Host": "localhost",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AmazonSSM.RegisterManagedInstance",
        "Transfer-Encoding": "chunked",
    }
    body = b'{"ActivationId":"x","ActivationCode":"y","Fingerprint":"f","PublicKey":"AAAA"}'
    reply = send(aws.address, "POST", "/", headers, body)
    assert reply.json()["__type"] == "InvalidPublicKey"


def test_node_does_what_its_role_allows(aws: Client) -> None:
    aws.boto("ecs").create_cluster(clusterName="lab")
    node = aws.node(IamRole=aws.role(policies=NODE_POLICIES[:1])).come_online()
    reply = node.join()
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/ecsAnywhereRole/{node.instance_id}"
    assert (reply.status, reply.json()["__type"]) == (400, "AccessDeniedException")
    assert reply.json()["message"].startswith(
        f"User: {arn} is not authorized to perform: ecs:RegisterContainerInstance "
        f"on resource: arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/lab"
    )
    aws.boto("iam").attach_role_policy(RoleName="ecsAnywhereRole", PolicyArn=NODE_POLICIES[1])
    assert node.join().status == 200
    tags = [{"key": "a", "value": "b"}]
    assert node.join(tags=tags).status == 200  # by the condition on ecs:CreateAction
    body = {"resourceArn": f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/lab", "tags": tags}
    assert node.call("ecs", "TagResource", body).json()["__type"] == "AccessDeniedException"
    aws.boto("iam").detach_role_policy(RoleName="ecsAnywhereRole", PolicyArn=NODE_POLICIES[0])
    assert node.ping().json()["__type"] == "AccessDeniedException"


def test_scope_to_a_cluster(aws: Client) -> None:
    ecs, iam = aws.boto("ecs"), aws.boto("iam")
    cluster = ecs.create_cluster(clusterName="lab")["cluster"]["clusterArn"]
    ecs.create_cluster(clusterName="other")
    node = aws.node(IamRole=aws.role(policies=NODE_POLICIES[:1])).come_online()
    statements = [
        {"Effect": "Allow", "Action": "ecs:RegisterContainerInstance", "Resource": cluster},
        {
            "Effect": "Allow",
            "Action": ["ecs:Poll", "ecs:StartTelemetrySession"],
            "Resource": "*",
            "Condition": {"ArnEquals": {"ecs:cluster": cluster}},
        },
    ]
    iam.put_role_policy(RoleName="ecsAnywhereRole", PolicyName="p", PolicyDocument=document(*statements))
    assert node.join("other").json()["__type"] == "AccessDeniedException"
    reply = node.join("lab")
    assert reply.status == 200
    socket = node.acs(reply.json()["containerInstance"]["containerInstanceArn"])
    assert json.loads(socket.recv())["type"] == "HeartbeatMessage"
    assert node.call("ecs", "DiscoverPollEndpoint", {}).json()["__type"] == "AccessDeniedException"


def test_boundary_takes_away(aws: Client) -> None:
    iam = aws.boto("iam")
    only = document({"Effect": "Allow", "Action": "ssm:*", "Resource": "*"})
    arn = iam.create_policy(PolicyName="only-ssm", PolicyDocument=only)["Policy"]["Arn"]
    node = aws.node(IamRole=aws.role(PermissionsBoundary=arn)).come_online()
    aws.boto("ecs").create_cluster(clusterName="lab")
    assert node.join().json()["__type"] == "AccessDeniedException"


@pytest.fixture
def operator(aws: Client) -> Iterator[dict[str, Any]]:
    """Credentials of a user with no rights."""
    iam = aws.boto("iam")
    iam.create_user(UserName="op")
    key = iam.create_access_key(UserName="op")["AccessKey"]
    yield {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def test_operator_without_and_with_rights(aws: Client, operator: dict[str, Any]) -> None:
    iam = aws.boto("iam")
    role = f"arn:aws:iam::{ACCOUNT}:role/{aws.role()}"
    code, message = refusal(aws.boto("iam", **operator).get_role, RoleName="ecsAnywhereRole")
    assert (code, message) == (
        "AccessDenied",
        f"User: arn:aws:iam::{ACCOUNT}:user/op is not authorized to perform: iam:GetRole on resource: {role} "
        "because no identity-based policy allows the iam:GetRole action",
    )
    create = {"Effect": "Allow", "Action": "ssm:CreateActivation", "Resource": "*"}
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": role,
        "Condition": {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
    }
    make = aws.boto("ssm", **operator).create_activation
    iam.put_user_policy(UserName="op", PolicyName="p", PolicyDocument=document(create))
    code, message = refusal(make, IamRole="ecsAnywhereRole")
    assert code == "AccessDeniedException"
    assert "iam:PassRole" in message
    iam.put_user_policy(UserName="op", PolicyName="p", PolicyDocument=document(create, passing))
    assert make(IamRole="ecsAnywhereRole")["ActivationId"]
    deny = {"Effect": "Deny", "Action": "ssm:*", "Resource": "*"}
    iam.put_user_policy(UserName="op", PolicyName="q", PolicyDocument=document(deny))
    assert refusal(make, IamRole="ecsAnywhereRole")[0] == "AccessDeniedException"


def test_who_makes_something_with_tags_must_be_allowed_to_tag(aws: Client, operator: dict[str, Any]) -> None:
    iam, own = aws.boto("iam"), aws.boto("iam", **operator)
    create = {"Effect": "Allow", "Action": ["iam:CreateRole", "iam:CreatePolicy"], "Resource": "*"}
    iam.put_user_policy(UserName="op", PolicyName="p", PolicyDocument=document(create))
    role = {"RoleName": "new", "AssumeRolePolicyDocument": SSM_TRUST, "Tags": [{"Key": "a", "Value": "b"}]}
    code, message = refusal(own.create_role, **role)
    assert code == "AccessDenied"
    assert f"perform: iam:TagRole on resource: arn:aws:iam::{ACCOUNT}:role/new" in message
    policy = {"PolicyName": "new", "PolicyDocument": document(create), "Tags": role["Tags"]}
    assert "iam:TagPolicy" in refusal(own.create_policy, **policy)[1]
    tag = {"Effect": "Allow", "Action": "iam:TagRole", "Resource": "*"}
    iam.put_user_policy(UserName="op", PolicyName="p", PolicyDocument=document(create, tag))
    assert own.create_role(**role)["Role"]["RoleName"] == "new"


def test_rights_through_a_group(aws: Client, operator: dict[str, Any]) -> None:
    iam = aws.boto("iam")
    iam.create_group(GroupName="g")
    iam.attach_group_policy(GroupName="g", PolicyArn="arn:aws:iam::aws:policy/AmazonECS_FullAccess")
    iam.add_user_to_group(GroupName="g", UserName="op")
    assert aws.boto("ecs", **operator).list_clusters()["clusterArns"] == []


CLUSTER = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/lab"


@pytest.mark.parametrize(
    ("statement", "context", "decision"),
    [
        ({"Effect": "Allow", "Action": "ecs:Po*", "Resource": "*"}, {}, "allow"),
        ({"Effect": "Allow", "Action": "ECS:poll", "Resource": "*"}, {}, "allow"),
        ({"Effect": "Allow", "NotAction": "ecs:Poll", "Resource": "*"}, {}, "none"),
        ({"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}, {}, "allow"),
        ({"Effect": "Allow", "Action": "ecs:Poll", "Resource": CLUSTER}, {}, "allow"),
        ({"Effect": "Allow", "Action": "ecs:Poll", "NotResource": CLUSTER}, {}, "none"),
        ({"Effect": "Allow", "Action": "ecs:Poll", "Resource": "arn:aws:ecs:*:*:cluster/la?"}, {}, "allow"),
        ({"Effect": "Deny", "Action": "*", "Resource": "*"}, {}, "deny"),
        (
            {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"a": "x"}}},
            {"A": "x"},
            "allow",
        ),
        ({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"a": "x"}}}, {}, "none"),
        (
            {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"a": "x"}}},
            {},
            "allow",
        ),
        (
            {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEqualsIfExists": {"a": "x"}}},
            {},
            "allow",
        ),
        ({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Null": {"a": "true"}}}, {}, "allow"),
        ({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Null": {"a": "true"}}}, {"a": "x"}, "none"),
        (
            {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"ArnLike": {"a": "arn:aws:ecs:*:*:c*"}}},
            {"a": CLUSTER},
            "allow",
        ),
        (
            {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"ArnLike": {"a": "arn:aws:*"}}},
            {"a": CLUSTER},
            "none",
        ),
        (
            {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a": True}}},
            {"a": "true"},
            "allow",
        ),
        (
            {
                "Effect": "Allow",
                "Action": "*",
                "Resource": "*",
                "Condition": {"ForAllValues:StringEquals": {"a": ["x", "y"]}},
            },
            {"a": ["x", "y", "z"]},
            "none",
        ),
        (
            {
                "Effect": "Allow",
                "Action": "*",
                "Resource": "*",
                "Condition": {"ForAnyValue:StringEquals": {"a": ["x", "y"]}},
            },
            {"a": ["x", "z"]},
            "allow",
        ),
    ],
)
def test_policy_evaluation(statement: dict[str, Any], context: dict[str, Any], decision: str) -> None:
    assert decide([document(statement)], Question("ecs:Poll", CLUSTER, context)) == decision


def test_unknown_condition_operator_is_no_silent_no(aws: Client) -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"DateLessThan": {"a": "2020-01-01"}}}
    with pytest.raises(emulator.errors.AwsError, match="DateLessThan"):
        decide([document(statement)], Question("ecs:Poll", CLUSTER, {"a": "2019-01-01"}))


@pytest.mark.parametrize(
    ("service", "change", "words"),
    [
        ("ecs", {}, "correct service: 'ssm'"),
        ("ssm", {"X-Amz-Meta": "added later"}, "not signed: x-amz-meta"),
        ("ssm", {"X-Amz-Date": "yesterday"}, "ISO-8601"),
        ("ssm", {"X-Amz-Date": "20200101T000000Z"}, "does not match YYYYMMDD"),
        ("ssm", {"Content-Type": "text/plain"}, "does not match the signature you provided"),
    ],
)
def test_what_is_signed(aws: Client, service: str, change: dict[str, str], words: str) -> None:
    node = aws.node().come_online()
    url, body = f"{aws.server.url}/", b"{}"
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.ListInstanceAssociations"}
    signed = {**node.signed(service, "POST", url, headers, body), **change}
    answer = requests.post(url, data=body, headers=signed, timeout=10).json()
    assert answer["__type"] == "InvalidSignatureException"
    assert words in answer["message"]


def test_node_key_is_for_two_calls_only(aws: Client) -> None:
    node = aws.node()
    reply = node.with_own_key("ListInstanceAssociations", {"InstanceId": node.instance_id})
    assert reply.json()["__type"] == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[]", "SerializationException"),
        (b"{", "SerializationException"),
        (b'{"InstanceId": 1}', "SerializationException"),
    ],
)
def test_bodies_that_are_none(aws: Client, body: bytes, code: str) -> None:
    node = aws.node().come_online()
    url = f"{aws.server.url}/"
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.DeregisterManagedInstance"}
    reply = requests.post(url, data=body, headers=node.signed("ssm", "POST", url, headers, body), timeout=10)
    assert (reply.status_code, reply.json()["__type"]) == (400, code)


@pytest.mark.parametrize("date", [b'"tomorrow"', b"NaN"])
def test_dates_that_are_none(aws: Client, date: bytes) -> None:
    role = aws.role(policies=())
    allowed = document({"Effect": "Allow", "Action": ["ssm:*", "iam:PassRole"], "Resource": "*"})
    aws.boto("iam").put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=allowed)
    node = aws.node(IamRole=role)
    assert node.log_in().status == 200
    url, body = f"{aws.server.url}/", b'{"IamRole": "' + role.encode() + b'", "ExpirationDate": ' + date + b"}"
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.CreateActivation"}
    reply = requests.post(url, data=body, headers=node.signed("ssm", "POST", url, headers, body), timeout=10)
    assert (reply.status_code, reply.json()["__type"]) == (400, "SerializationException")


ECS = f"arn:aws:ecs:eu-west-1:{ACCOUNT}"


@pytest.mark.parametrize(
    ("operation", "arguments", "statement"),
    [
        ("describe_clusters", {"clusters": ["lab"]}, {"Action": "ecs:DescribeClusters", "Resource": CLUSTER}),
        (
            "describe_container_instances",
            {"cluster": "lab", "containerInstances": ["INSTANCE"]},
            {
                "Action": "ecs:DescribeContainerInstances",
                "Resource": f"{ECS}:container-instance/lab/*",
                "Condition": {"ArnEquals": {"ecs:cluster": CLUSTER}},
            },
        ),
        (
            "tag_resource",
            {"resourceArn": "INSTANCE", "tags": [{"key": "site", "value": "a"}]},
            {
                "Action": "ecs:TagResource",
                "Resource": "*",
                "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["site"]}},
            },
        ),
        (
            "put_attributes",
            {"cluster": "lab", "attributes": [{"name": "a", "targetId": "INSTANCE"}]},
            {"Action": "ecs:PutAttributes", "Resource": f"{ECS}:container-instance/lab/*"},
        ),
        (
            "create_cluster",
            {"clusterName": "new", "tags": [{"key": "a", "value": "b"}]},
            {"Action": ["ecs:CreateCluster", "ecs:TagResource"], "Resource": "*"},
        ),
        (
            "create_cluster",
            {"clusterName": "new", "tags": [{"key": "a", "value": "b"}]},
            {"Action": ["ecs:CreateCluster", "ecs:TagResource"], "Resource": f"{ECS}:cluster/new"},
        ),
        (
            "list_tasks",
            {"cluster": "lab"},
            {"Action": "ecs:ListTasks", "Resource": "*", "Condition": {"ArnEquals": {"ecs:cluster": CLUSTER}}},
        ),
        (
            "list_tasks",
            {"cluster": "lab", "containerInstance": "INSTANCE"},
            {"Action": "ecs:ListTasks", "Resource": f"{ECS}:container-instance/lab/*"},
        ),
        (
            "list_services",
            {"cluster": "lab"},
            {"Action": "ecs:ListServices", "Resource": "*", "Condition": {"ArnEquals": {"ecs:cluster": CLUSTER}}},
        ),
        (
            "describe_services",
            {"cluster": "lab", "services": ["web"]},
            {
                "Action": "ecs:DescribeServices",
                "Resource": f"{ECS}:service/lab/web",
                "Condition": {"ArnEquals": {"ecs:cluster": CLUSTER}},
            },
        ),
        (
            "describe_tasks",
            {"cluster": "lab", "tasks": ["0123"]},
            {"Action": "ecs:DescribeTasks", "Resource": f"{ECS}:task/lab/0123"},
        ),
        (
            "run_task",
            {"cluster": "lab", "taskDefinition": "web", "launchType": "EXTERNAL", "tags": [{"key": "a", "value": "b"}]},
            {
                "Action": ["ecs:RunTask", "ecs:TagResource"],
                "Resource": [f"{ECS}:task-definition/web:1", f"{ECS}:task/lab/*"],
            },
        ),
        (
            "register_task_definition",
            {"family": "web", "containerDefinitions": [{"name": "web", "image": "nginx", "memory": 64}]},
            {"Action": "ecs:RegisterTaskDefinition", "Resource": f"{ECS}:task-definition/web:*"},
        ),
        (
            "describe_capacity_providers",
            {"capacityProviders": ["mine"]},
            {"Action": "ecs:DescribeCapacityProviders", "Resource": f"{ECS}:capacity-provider/mine"},
        ),
        (
            "put_account_setting",
            {"name": "containerInsights", "value": "enabled"},
            {
                "Action": "ecs:PutAccountSetting",
                "Resource": "*",
                "Condition": {"StringEquals": {"ecs:account-setting": "containerInsights"}},
            },
        ),
        (
            "describe_container_instances",
            {"cluster": "lab", "containerInstances": ["INSTANCE"]},
            {
                "Action": "ecs:DescribeContainerInstances",
                "Resource": "*",
                "Condition": {"StringEquals": {"ecs:ResourceTag/site": "hamburg"}},
            },
        ),
    ],
)
def test_rights_on_resources(
    aws: Client, operator: dict[str, Any], operation: str, arguments: dict[str, Any], statement: dict[str, Any]
) -> None:
    aws.control("POST", "seed", {"fleet": {"count": 1, "Region": "eu-west-1", "IamRole": "r", "cluster": "lab"}})
    (arn,) = aws.boto("ecs").list_container_instances(cluster="lab")["containerInstanceArns"]
    aws.boto("ecs").tag_resource(resourceArn=arn, tags=[{"key": "site", "value": "hamburg"}])
    containers = [{"name": "web", "image": "nginx", "memory": 64}]
    aws.boto("ecs").register_task_definition(family="web", containerDefinitions=containers)
    wanted = json.loads(json.dumps(arguments).replace("INSTANCE", arn))
    function = getattr(aws.boto("ecs", **operator), operation)
    assert refusal(function, **wanted)[0] == "AccessDeniedException"
    text = document({"Effect": "Allow", **statement})
    aws.boto("iam").put_user_policy(UserName="op", PolicyName="p", PolicyDocument=text)
    function(**wanted)
    elsewhere = text.replace("eu-west-1", "us-east-1").replace('"Resource": "*"', f'"Resource": "{ECS}:none/*"')
    aws.boto("iam").put_user_policy(UserName="op", PolicyName="p", PolicyDocument=elsewhere)
    assert refusal(function, **wanted)[0] == "AccessDeniedException"


def test_rights_on_parameters_and_nodes(aws: Client, operator: dict[str, Any]) -> None:
    aws.control("POST", "seed", {"fleet": {"count": 1, "Region": "eu-west-1", "IamRole": "r"}})
    (node,) = aws.control("GET", "state")["managed_nodes"]
    statements: list[dict[str, Any]] = [
        {
            "Effect": "Allow",
            "Action": "ssm:PutParameter",
            "Resource": f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/ecs/*",
        },
        {
            "Effect": "Allow",
            "Action": "ssm:DeregisterManagedInstance",
            "Resource": "arn:aws:ssm:*:*:managed-instance/mi-*",
        },
        {
            "Effect": "Allow",
            "Action": ["ssm:AddTagsToResource", "ssm:ListTagsForResource"],
            "Resource": ["arn:aws:ssm:*:*:managed-instance/*", "arn:aws:ssm:*:*:parameter/ecs/*"],
        },
    ]
    text = document(*statements)
    aws.boto("iam").put_user_policy(UserName="op", PolicyName="p", PolicyDocument=text)
    ssm = aws.boto("ssm", **operator)
    assert refusal(ssm.put_parameter, Name="/other", Value="x", Type="String")[0] == "AccessDeniedException"
    ssm.put_parameter(Name="/ecs/code", Value="x", Type="String")
    tags = [{"Key": "Name", "Value": "door"}]
    for kind, resource in (("ManagedInstance", node["InstanceId"]), ("Parameter", "/ecs/code")):
        ssm.add_tags_to_resource(ResourceType=kind, ResourceId=resource, Tags=tags)
        assert ssm.list_tags_for_resource(ResourceType=kind, ResourceId=resource)["TagList"] == tags
    ssm.deregister_managed_instance(InstanceId=node["InstanceId"])


def test_session_of_a_role(aws: Client) -> None:
    trust = document({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    role = aws.role("op", policies=("arn:aws:iam::aws:policy/AmazonECS_FullAccess",), AssumeRolePolicyDocument=trust)
    made = aws.boto("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="me")[
        "Credentials"
    ]
    keys = {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
        "aws_session_token": made["SessionToken"],
    }
    assert aws.boto("ecs", **keys).list_clusters()["clusterArns"] == []
    assert refusal(aws.boto("iam", **keys).create_user, UserName="x")[0] == "AccessDenied"


def test_conditions_know_a_session_as_its_role(aws: Client) -> None:
    trust = document({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    arn = f"arn:aws:iam::{ACCOUNT}:role/team/op"
    aws.role("op", policies=(), AssumeRolePolicyDocument=trust, Path="/team/")
    wanted = {
        "Effect": "Allow",
        "Action": "ecs:*",
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": arn}},
    }
    aws.boto("iam").put_role_policy(RoleName="op", PolicyName="p", PolicyDocument=document(wanted))
    made = aws.boto("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    session = aws.boto(
        "ecs",
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
    )
    assert session.list_clusters()["clusterArns"] == []
