# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed nodes: registration, the token call, reports, channels, and what administrators see and do."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from emulator.client import Client, Node, refusal

from .conftest import wait


def test_from_activation_to_online(aws: Client) -> None:
    ssm = aws.boto("ssm")
    node = aws.node(DefaultInstanceName="rack-1", Tags=[{"Key": "site", "Value": "a"}])
    assert node.instance_id.startswith("mi-")
    assert len(node.instance_id) == 20
    (shown,) = ssm.describe_instance_information()["InstanceInformationList"]
    assert (shown["PingStatus"], "LastPingDateTime" in shown) == ("ConnectionLost", False)
    node.come_online()
    (shown,) = ssm.describe_instance_information()["InstanceInformationList"]
    assert shown["PingStatus"] == "Online"
    assert shown["Name"] == "rack-1"
    assert shown["IamRole"] == "ecsAnywhereRole"
    assert shown["ResourceType"] == "ManagedInstance"
    assert shown["IsLatestVersion"] is True
    assert ssm.list_tags_for_resource(ResourceType="ManagedInstance", ResourceId=node.instance_id)["TagList"] == [
        {"Key": "site", "Value": "a"}
    ]
    (activation,) = ssm.describe_activations()["ActivationList"]
    assert activation["RegistrationsCount"] == 1


def test_activation_errors(aws: Client) -> None:
    ssm, role = aws.boto("ssm"), aws.role()

    def answer(activation_id: str, code: str) -> tuple[int, dict[str, str]]:
        reply = Node(aws).register(activation_id, code)
        return reply.status, reply.json()

    made = ssm.create_activation(IamRole=role)
    wanted = made["ActivationId"], made["ActivationCode"]
    assert answer(wanted[0], "x" * 20) == (400, {"__type": "InvalidActivation", "message": ""})
    assert answer("11111111-2222-3333-4444-555555555555", wanted[1])[1]["__type"] == "InvalidActivation"
    assert answer(*wanted)[0] == 200
    assert answer(*wanted) == (400, {"__type": "RegistrationLimitExceeded", "message": ""})
    aws.control("POST", "activations/expire", {"ActivationId": wanted[0]})
    assert answer(*wanted) == (400, {"__type": "ActivationExpired", "message": ""})
    ssm.delete_activation(ActivationId=wanted[0])
    assert answer(*wanted) == (400, {"__type": "InvalidActivation", "message": ""})


def test_same_key_twice(aws: Client) -> None:
    node = aws.node(RegistrationLimit=2)
    made = aws.boto("ssm").create_activation(IamRole="ecsAnywhereRole")
    assert node.register(made["ActivationId"], made["ActivationCode"]).json()["__type"] == "InstanceAlreadyRegistered"
    assert Node(aws, fingerprint=node.fingerprint).register(made["ActivationId"], made["ActivationCode"]).status == 200


def spki(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """A public key as the agents send it, but for base64."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


# An elliptic key, and one whose curve nobody knows.
ELLIPTIC = spki(ec.generate_private_key(ec.SECP256R1()))
WRONG_KEYS = {
    "nonsense": b"\0\0\0",
    "elliptic": ELLIPTIC,
    "unknown curve": ELLIPTIC.replace(bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d03017f")),
    "1024 bits": spki(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - it is to be refused
    "3072 bits": spki(rsa.generate_private_key(65537, 3072)),
}


def registration(aws: Client) -> dict[str, Any]:
    """What a host with a new activation sends."""
    made, node = aws.boto("ssm").create_activation(IamRole=aws.role()), Node(aws)
    activation = {name: made[name] for name in ("ActivationCode", "ActivationId")}
    return {**activation, "Fingerprint": node.fingerprint, "PublicKey": node.public_key, "PublicKeyType": "Rsa"}


def assert_refused(aws: Client, body: dict[str, Any], code: str) -> None:
    """A registration is refused with this code and leaves nothing behind: the activation has its one use left."""
    reply = Node(aws).unsigned(body)
    assert (reply.status, reply.json()["__type"]) == (400, code)
    state = aws.control("GET", "state")
    assert [one["RegistrationsCount"] for one in state["activations"]] == [0] and state["managed_nodes"] == []


@pytest.mark.parametrize("key", WRONG_KEYS.values(), ids=WRONG_KEYS)
def test_public_key_must_be_rsa_of_2048_bits(aws: Client, key: bytes) -> None:
    body = registration(aws)
    assert_refused(aws, {**body, "PublicKey": base64.b64encode(key).decode()}, "InvalidPublicKey")
    assert Node(aws).unsigned(body).status == 200


@pytest.mark.parametrize("kind", [None, "", "Dsa", "rsa", 5])
def test_public_key_must_be_said_to_be_rsa(aws: Client, kind: Any) -> None:
    assert_refused(aws, {**registration(aws), "PublicKeyType": kind}, "InvalidPublicKey")


@pytest.mark.parametrize("member", ["ActivationCode", "ActivationId", "Fingerprint", "PublicKey"])
@pytest.mark.parametrize(
    ("value", "code"), [(None, "ValidationException"), ("", "ValidationException"), (5, "SerializationException")]
)
def test_registration_wants_all_members(aws: Client, member: str, value: Any, code: str) -> None:
    body = registration(aws)
    assert_refused(aws, {**body, member: value}, code)
    if value is None:
        del body[member]
        assert_refused(aws, body, code)


def test_activation_code_may_be_any_text(aws: Client) -> None:
    assert_refused(aws, {**registration(aws), "ActivationCode": "\u00e9" * 20}, "InvalidActivation")


def test_token_call(aws: Client) -> None:
    node = aws.node()
    reply = node.log_in()
    assert reply.status == 200
    assert reply.json().keys() == {
        "AccessKeyId",
        "SecretAccessKey",
        "SessionToken",
        "TokenExpirationDate",
        "UpdateKeyPair",
    }
    assert reply.json()["UpdateKeyPair"] is False
    assert isinstance(reply.json()["TokenExpirationDate"], float)
    arn = aws.boto(
        "sts",
        aws_access_key_id=node.credentials["AccessKeyId"],
        aws_secret_access_key=node.credentials["SecretAccessKey"],
        aws_session_token=node.credentials["SessionToken"],
    ).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::123456789012:assumed-role/ecsAnywhereRole/{node.instance_id}"


def test_wrong_fingerprint(aws: Client) -> None:
    reply = aws.node().log_in(fingerprint="5e9ca187-06fd-418e-b9d2-273ac8234b6a")
    assert (reply.status, reply.json()["__type"]) == (400, "MachineFingerprintDoesNotMatch")


def test_token_call_wants_a_fingerprint(aws: Client) -> None:
    node = aws.node()
    assert node.with_own_key("RequestManagedInstanceRoleToken", {}).json()["__type"] == "ValidationException"
    wrong = node.with_own_key("RequestManagedInstanceRoleToken", {"Fingerprint": 5})
    assert (wrong.status, wrong.json()["__type"]) == (400, "SerializationException")


def test_another_region_knows_nothing_of_it(aws: Client) -> None:
    node = aws.node()
    body = {"Fingerprint": node.fingerprint}
    reply = node.with_own_key("RequestManagedInstanceRoleToken", body, region="us-east-1")
    assert reply.json()["__type"] == "InvalidInstanceId"


def test_wrong_key(aws: Client) -> None:
    node = aws.node()
    node.key = rsa.generate_private_key(65537, 2048)
    reply = node.log_in()
    assert (reply.status, reply.json()["__type"]) == (400, "InvalidSignatureException")


def test_key_rotation(aws: Client) -> None:
    node = aws.node()
    aws.control("POST", "settings", {"update_key_pair": True})
    assert node.log_in().json()["UpdateKeyPair"] is True
    old, new = node.key, Node(aws)
    body = {"NewPublicKey": new.public_key, "NewPublicKeyType": "Rsa"}
    assert node.with_own_key("UpdateManagedInstancePublicKey", body).status == 200
    assert node.log_in().status == 400
    node.key = new.key
    assert node.log_in().status == 200
    assert old is not node.key


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"NewPublicKey": None}, "ValidationException"),
        ({"NewPublicKeyType": None}, "ValidationException"),
        ({"NewPublicKeyType": "Dsa"}, "InvalidPublicKey"),
        ({"NewPublicKey": base64.b64encode(WRONG_KEYS["1024 bits"]).decode()}, "InvalidPublicKey"),
    ],
)
def test_a_refused_key_changes_nothing(aws: Client, change: dict[str, Any], code: str) -> None:
    node = aws.node()
    body = {"NewPublicKey": Node(aws).public_key, "NewPublicKeyType": "Rsa", **change}
    reply = node.with_own_key("UpdateManagedInstancePublicKey", body)
    assert (reply.status, reply.json()["__type"]) == (400, code)
    assert node.log_in().status == 200


def test_deregistered_node_learns_it(aws: Client) -> None:
    ssm, node = aws.boto("ssm"), aws.node().come_online()
    ssm.deregister_managed_instance(InstanceId=node.instance_id)
    assert ssm.describe_instance_information()["InstanceInformationList"] == []
    for reply in (node.log_in(), node.ping()):
        assert reply.json() == {
            "__type": "InvalidInstanceId",
            "message": f"Not existing InstanceId {node.instance_id}",
        }
    assert refusal(ssm.deregister_managed_instance, InstanceId=node.instance_id)[0] == "InvalidInstanceId"


def test_node_speaks_only_for_itself(aws: Client) -> None:
    first, second = aws.node(RegistrationLimit=2).come_online(), aws.node(IamRole="ecsAnywhereRole")
    first.instance_id, own = second.instance_id, first.instance_id
    assert first.ping().json()["__type"] == "AccessDeniedException"
    first.instance_id = own
    assert first.ping().status == 200


def test_role_conditions_are_looked_at(aws: Client) -> None:
    def trust(account: str, region: str) -> str:
        condition = {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnEquals": {"aws:SourceArn": f"arn:aws:ssm:{region}:123456789012:*"},
        }
        statement = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
        return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]})

    node, iam = aws.node(), aws.boto("iam")
    for account, region, status in (
        ("123456789012", "eu-west-1", 200),
        ("123456789012", "us-east-1", 400),
        ("999999999999", "eu-west-1", 400),
    ):
        iam.update_assume_role_policy(RoleName="ecsAnywhereRole", PolicyDocument=trust(account, region))
        assert node.log_in().status == status


def test_deleted_role(aws: Client) -> None:
    node, iam = aws.node(IamRole=aws.role(policies=())), aws.boto("iam")
    iam.delete_role(RoleName="ecsAnywhereRole")
    assert node.log_in().json()["__type"] == "AccessDeniedException"


def test_role_use_shows_in_iam(aws: Client) -> None:
    node, iam = aws.node(), aws.boto("iam")
    assert "LastUsedDate" not in iam.get_role(RoleName="ecsAnywhereRole")["Role"]["RoleLastUsed"]
    node.log_in()
    assert iam.get_role(RoleName="ecsAnywhereRole")["Role"]["RoleLastUsed"]["Region"] == "eu-west-1"


def test_another_role(aws: Client) -> None:
    ssm, node = aws.boto("ssm"), aws.node()
    aws.role("second")
    ssm.update_managed_instance_role(InstanceId=node.instance_id, IamRole="second")
    (shown,) = ssm.describe_instance_information()["InstanceInformationList"]
    assert shown["IamRole"] == "second"
    code, _unused = refusal(ssm.update_managed_instance_role, InstanceId=node.instance_id, IamRole="nobody")
    assert code == "ValidationException"


def test_filters_and_pages(aws: Client) -> None:
    ssm = aws.boto("ssm")
    fleet = aws.control("POST", "seed", {"fleet": {"count": 12, "Region": "eu-west-1", "IamRole": "r"}})["fleet"]
    aws.control("POST", "nodes/offline", {"InstanceId": fleet[0], "PingStatus": "ConnectionLost"})

    def found(*filters: tuple[str, list[str]]) -> list[str]:
        wanted = [{"Key": key, "Values": values} for key, values in filters]
        pages = ssm.get_paginator("describe_instance_information").paginate(Filters=wanted)
        return [node["InstanceId"] for page in pages for node in page["InstanceInformationList"]]

    assert found() == fleet
    assert found(("InstanceIds", fleet[3:5])) == fleet[3:5]
    assert found(("PingStatus", ["ConnectionLost"])) == fleet[:1]
    assert found(("IamRole", ["r"]), ("PingStatus", ["Online"])) == fleet[1:]
    assert (
        refusal(ssm.describe_instance_information, Filters=[{"Key": "Colour", "Values": ["x"]}])[0]
        == "InvalidFilterKey"
    )
    wrong = [{"Key": "PingStatus", "Values": ["Offline"]}]
    code = "InvalidInstanceInformationFilterValue"
    assert refusal(ssm.describe_instance_information, Filters=wrong)[0] == code
    assert refusal(ssm.describe_instance_information, Filters=[{"Key": "tag:", "Values": ["x"]}])[0] == (
        "InvalidFilterKey"
    )
    for size in (4, 51):
        assert refusal(ssm.describe_instance_information, MaxResults=size)[0] == "ValidationException"


def test_filters_by_tag_stand_alone(aws: Client) -> None:
    """AWS takes them together with one another, and with no other filter."""
    ssm = aws.boto("ssm")
    node = {"Region": "eu-west-1", "IamRole": "r", "PingStatus": "Online"}
    ids = [f"mi-0123456789abcdef{n}" for n in range(3)]
    tags: list[dict[str, str]] = [{"a": "1"}, {"a": "1", "b": "2"}, {}]
    aws.control("POST", "seed", {"nodes": [{**node, "InstanceId": i, "Tags": t} for i, t in zip(ids, tags)]})
    by_value, by_key = {"Key": "tag:a", "Values": ["1"]}, {"Key": "tag-key", "Values": ["b"]}

    def found(*filters: Any) -> list[str]:
        return [
            one["InstanceId"] for one in ssm.describe_instance_information(Filters=filters)["InstanceInformationList"]
        ]

    assert found(by_value) == ids[:2]
    assert found(by_value, by_key) == ids[1:2]
    other = {"Key": "PingStatus", "Values": ["Online"]}
    code, message = refusal(ssm.describe_instance_information, Filters=[by_value, other])
    assert (code, message) == ("InvalidFilterKey", "Tag filters can't be combined with other filter types.")
    legacy = [{"key": "PingStatus", "valueSet": ["Online"]}]
    both = refusal(ssm.describe_instance_information, Filters=[by_value], InstanceInformationFilterList=legacy)
    assert both[0] == "ValidationException"


def test_online_delay_and_loss(aws: Client) -> None:
    node, ssm = aws.node(), aws.boto("ssm")
    aws.control("POST", "settings", {"online_delay_seconds": 60})
    node.come_online()

    def status() -> str:
        (shown,) = aws.control("GET", "state")["managed_nodes"]
        return str(shown["PingStatus"])

    assert status() == "ConnectionLost"
    aws.control("POST", "settings", {"clock_offset_seconds": 61})
    assert status() == "Online"
    aws.control("POST", "settings", {"clock_offset_seconds": 1000})
    assert status() == "ConnectionLost"
    aws.control("POST", "settings", {"clock_offset_seconds": 0})
    assert ssm.describe_instance_information()["InstanceInformationList"]


def test_control_channel(aws: Client) -> None:
    node = aws.node().come_online()
    path = f"/v1/control-channel/{node.instance_id}"
    reply = node.rest("ssmmessages", "POST", path, {"MessageSchemaVersion": "1.0", "RequestId": "x"})
    assert reply.status == 201
    token = reply.body.decode().partition("<TokenValue>")[2].partition("<")[0]
    socket = node.open_socket("ssmmessages", f"{path}?role=subscribe&stream=input")
    socket.send(json.dumps({"MessageSchemaVersion": "1.0", "TokenValue": token}))
    socket.ping("keepalive")
    assert socket.recv_data(control_frame=True)[0] == 10
    # The answer to a ping does not wait for the token to be read.
    wait(lambda: bool(aws.control("GET", "state")["managed_nodes"][0]["Channels"] == 1))
    aws.boto("ssm").deregister_managed_instance(InstanceId=node.instance_id)
    assert socket.recv_data(control_frame=True)[0] == 8


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"RequestId": None}, "ValidationException"),
        ({"MessageSchemaVersion": None}, "ValidationException"),
        ({"MessageSchemaVersion": 1.0}, "SerializationException"),
    ],
)
def test_control_channel_wants_its_members(aws: Client, change: dict[str, Any], code: str) -> None:
    node = aws.node().come_online()
    body = {"MessageSchemaVersion": "1.0", "RequestId": "6c7aca51-e1a8-47f3-a02d-f6b418868cdb", **change}
    reply = node.rest("ssmmessages", "POST", f"/v1/control-channel/{node.instance_id}", body)
    assert (reply.status, reply.json()["__type"]) == (400, code)


def test_control_channel_wants_its_token(aws: Client) -> None:
    node = aws.node().come_online()
    socket = node.open_socket("ssmmessages", f"/v1/control-channel/{node.instance_id}?role=subscribe&stream=input")
    socket.send(json.dumps({"TokenValue": "TOKEN-made-up"}))
    assert socket.recv_data(control_frame=True)[0] == 8


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"InstanceId": None}, "ValidationException"),
        ({"AgentVersion": 3}, "SerializationException"),
        ({"ComputerName": ["host"]}, "SerializationException"),
    ],
)
def test_a_report_is_text(aws: Client, change: dict[str, Any], code: str) -> None:
    node = aws.node().come_online()
    body = {"InstanceId": node.instance_id, "AgentStatus": "Active", **change}
    reply = node.call("ssm", "UpdateInstanceInformation", body)
    assert (reply.status, reply.json()["__type"]) == (400, code)
    (shown,) = aws.boto("ssm").describe_instance_information()["InstanceInformationList"]
    assert (shown["AgentVersion"], shown["ComputerName"]) == ("3.3.1142.0", "host")


def test_messages_and_associations(aws: Client) -> None:
    node = aws.node().come_online()
    asked = {"Destination": node.instance_id, "MessagesRequestId": "abc", "VisibilityTimeoutInSeconds": 10}
    reply = node.call("ec2messages", "GetMessages", asked)
    assert reply.json() == {"Destination": node.instance_id, "Messages": [], "MessagesRequestId": "abc"}
    body = {"InstanceId": node.instance_id, "MaxResults": 20}
    assert node.call("ssm", "ListInstanceAssociations", body).json() == {"Associations": []}


def test_tags(aws: Client) -> None:
    ssm, node = aws.boto("ssm"), aws.node()
    resource = {"ResourceType": "ManagedInstance", "ResourceId": node.instance_id}
    ssm.add_tags_to_resource(**resource, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ssm.remove_tags_from_resource(**resource, TagKeys=["a"])
    assert ssm.list_tags_for_resource(**resource)["TagList"] == [{"Key": "b", "Value": "2"}]
    reserved = [{"Key": "aws:a", "Value": "1"}]
    assert refusal(ssm.add_tags_to_resource, **resource, Tags=reserved)[0] == "ValidationException"
    ssm.add_tags_to_resource(**resource, Tags=[{"Key": "Name", "Value": "rack-2"}])
    assert ssm.describe_instance_information()["InstanceInformationList"][0]["Name"] == "rack-2"
    gone = {**resource, "ResourceId": "mi-00000000000000000"}
    assert refusal(ssm.list_tags_for_resource, **gone)[0] == "InvalidResourceId"


def test_parameters_are_kept_by_moto(aws: Client) -> None:
    """The activation's code may be kept in a SecureString."""
    ssm = aws.boto("ssm")
    ssm.put_parameter(Name="/ecs/activation", Value="secret", Type="SecureString", Tags=[{"Key": "a", "Value": "b"}])
    assert ssm.get_parameter(Name="/ecs/activation", WithDecryption=True)["Parameter"]["Value"] == "secret"
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/ecs/activation")["TagList"]
    assert tags == [{"Key": "a", "Value": "b"}]
    ssm.delete_parameter(Name="/ecs/activation")
    assert refusal(ssm.get_parameter, Name="/ecs/activation")[0] == "ParameterNotFound"
