# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""External container instances: the agent's side and the administrator's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websocket import WebSocketBadStatusException

from emulator.client import Client, Node, refusal

from .conftest import wait


@pytest.fixture
def joined(aws: Client) -> tuple[Node, str]:
    """A node in the cluster ``lab``, and its container instance's ARN."""
    aws.boto("ecs").create_cluster(clusterName="lab")
    node = aws.node().come_online()
    reply = node.join()
    assert reply.status == 200, reply.body
    return node, reply.json()["containerInstance"]["containerInstanceArn"]


def describe(aws: Client, arn: str, **options: Any) -> dict[str, Any]:
    """One container instance."""
    answer = aws.boto("ecs").describe_container_instances(cluster="lab", containerInstances=[arn], **options)
    assert answer["failures"] == []
    instance: dict[str, Any] = answer["containerInstances"][0]
    return instance


def test_registration_echoes_attributes(aws: Client, joined: tuple[Node, str]) -> None:
    node, arn = joined
    attributes = [{"name": "rack", "value": "a"}, {"name": "ssd"}, {"name": "ecs.os-type", "value": "linux"}]
    instance = node.join(containerInstanceArn=arn, attributes=attributes).json()["containerInstance"]
    assert [one for one in attributes if one not in instance["attributes"]] == []
    assert instance["containerInstanceArn"] == arn
    shown = describe(aws, arn)
    assert shown["ec2InstanceId"] == node.instance_id
    assert shown["status"] == "ACTIVE"
    assert shown["agentConnected"] is False
    assert arn.startswith("arn:aws:ecs:eu-west-1:123456789012:container-instance/lab/")


def test_registration_refusals(aws: Client, joined: tuple[Node, str]) -> None:
    node, arn = joined
    aws.boto("ecs").create_cluster(clusterName="other")
    assert node.join("nowhere").json()["__type"] == "ClusterNotFoundException"
    assert node.join("other", containerInstanceArn=arn).json()["__type"] == "InvalidParameterException"
    stranger = aws.node(IamRole="ecsAnywhereRole").come_online()
    assert stranger.join(containerInstanceArn=arn).json()["__type"] == "ClientException"
    forgotten = node.join(containerInstanceArn=f"{arn[:-32]}{'0' * 32}").json()
    assert forgotten["message"] == f"Referenced container instance {'0' * 32} not registered."
    code, _unused = refusal(aws.boto("ecs").register_container_instance, cluster="lab")
    assert code == "ClientException"


def test_same_token_same_instance(aws: Client, joined: tuple[Node, str]) -> None:
    node, _unused = joined
    arns = [node.join(clientToken="t").json()["containerInstance"]["containerInstanceArn"] for _unused in range(2)]
    assert arns[0] == arns[1]
    assert len(aws.control("GET", "state")["container_instances"]) == 2


def test_a_refused_websocket_says_nothing_but_its_code_and_message(aws: Client, joined: tuple[Node, str]) -> None:
    """The agent reads ``{CODE: MESSAGE}`` with exactly one key; the codes are those of ACS."""
    node, arn = joined
    with pytest.raises(WebSocketBadStatusException) as refused:
        node.acs(arn[:-1])
    assert json.loads(refused.value.resp_body) == {"InvalidInstanceException": "Container instance not found."}
    assert refused.value.resp_headers["x-amzn-errortype"] == "InvalidInstanceException"
    aws.boto("ecs").deregister_container_instance(cluster="lab", containerInstance=arn)
    with pytest.raises(WebSocketBadStatusException) as refused:
        node.acs(arn)
    assert json.loads(refused.value.resp_body) == {"InactiveInstanceException": "Container instance is not active."}


def test_endpoints_are_where_the_agent_came_from(aws: Client, joined: tuple[Node, str]) -> None:
    answer = joined[0].call("ecs", "DiscoverPollEndpoint", {"cluster": "lab", "containerInstance": joined[1]}).json()
    url = f"{aws.server.url}/"
    assert answer == {"endpoint": url, "telemetryEndpoint": url, "serviceConnectEndpoint": url}


def test_agent_is_connected_while_its_socket_is_open(aws: Client, joined: tuple[Node, str]) -> None:
    node, arn = joined
    socket = node.acs(arn)
    assert json.loads(socket.recv())["type"] == "HeartbeatMessage"
    wait(lambda: describe(aws, arn)["agentConnected"])
    assert describe(aws, arn)["versionInfo"]["agentVersion"] == "1.105.1"
    health = describe(aws, arn, include=["CONTAINER_INSTANCE_HEALTH"])["healthStatus"]
    assert health["overallStatus"] == "OK"
    socket.shutdown()
    wait(lambda: not describe(aws, arn)["agentConnected"])


def test_deregistration_ends_the_socket(aws: Client, joined: tuple[Node, str]) -> None:
    node, arn = joined
    socket = node.acs(arn)
    socket.recv()
    wait(lambda: describe(aws, arn)["agentConnected"])
    shown = aws.boto("ecs").deregister_container_instance(cluster="lab", containerInstance=arn)["containerInstance"]
    assert shown["status"] == "INACTIVE"
    assert json.loads(socket.recv())["type"] == "InactiveInstanceException"
    assert describe(aws, arn)["status"] == "INACTIVE"
    assert aws.boto("ecs").list_container_instances(cluster="lab")["containerInstanceArns"] == []
    assert node.join(containerInstanceArn=arn).json()["__type"] == "ClientException"


def test_unsigned_metrics_are_refused(aws: Client, joined: tuple[Node, str]) -> None:
    node, arn = joined
    path = f"/ws?agentVersion=1.105.1&cluster=lab&containerInstance={arn.replace(':', '%3A').replace('/', '%2F')}"
    socket = node.open_socket("ecs", path)
    socket.recv()
    socket.send("Host: x\r\n\r\n" + json.dumps({"type": "PublishMetricsRequest"}))
    assert socket.recv_data(control_frame=True)[0] == 8


def test_draining_and_back(aws: Client, joined: tuple[Node, str]) -> None:
    ecs, (_unused, arn) = aws.boto("ecs"), joined
    change = {"cluster": "lab", "containerInstances": [arn]}
    assert (
        ecs.update_container_instances_state(**change, status="DRAINING")["containerInstances"][0]["status"]
        == "DRAINING"
    )
    assert ecs.list_container_instances(cluster="lab", status="ACTIVE")["containerInstanceArns"] == []
    assert ecs.list_container_instances(cluster="lab")["containerInstanceArns"] == [arn]
    ecs.update_container_instances_state(**change, status="ACTIVE")
    assert describe(aws, arn)["status"] == "ACTIVE"
    assert (
        refusal(ecs.update_container_instances_state, **change, status="REGISTERING")[0] == "InvalidParameterException"
    )
    missing = ecs.update_container_instances_state(cluster="lab", containerInstances=["0" * 32], status="DRAINING")
    assert missing["failures"][0]["reason"] == "MISSING"
    many = {"cluster": "lab", "containerInstances": ["x"] * 11, "status": "DRAINING"}
    assert refusal(ecs.update_container_instances_state, **many)[0] == "InvalidParameterException"


def test_running_tasks_stand_in_the_way(aws: Client, joined: tuple[Node, str]) -> None:
    ecs, (node, arn) = aws.boto("ecs"), joined
    role = "arn:aws:iam::123456789012:role/ecsInfrastructureRole"
    (task,) = aws.control("POST", "tasks", {"containerInstance": node.instance_id, "roleArn": role})["taskArns"]
    wanted = {"cluster": "lab", "containerInstance": arn}
    assert refusal(ecs.deregister_container_instance, **wanted) == (
        "InvalidParameterException",
        "Found running tasks on the instance.",
    )
    (shown,) = ecs.describe_tasks(cluster="lab", tasks=[task])["tasks"]
    (attachment,) = shown["attachments"]
    assert attachment["type"] == "AmazonElasticBlockStorage"
    assert {"name": "roleArn", "value": role} in attachment["details"]
    assert describe(aws, arn)["runningTasksCount"] == 1
    aws.control("DELETE", "tasks", {"taskArn": task})
    assert ecs.deregister_container_instance(**wanted)["containerInstance"]["status"] == "INACTIVE"


def test_force_leaves_tasks_behind(aws: Client, joined: tuple[Node, str]) -> None:
    ecs, (_unused, arn) = aws.boto("ecs"), joined
    aws.control("POST", "tasks", {"containerInstance": arn})
    ecs.deregister_container_instance(cluster="lab", containerInstance=arn, force=True)
    assert ecs.list_tasks(cluster="lab")["taskArns"] == []


def test_attributes_and_tags(aws: Client, joined: tuple[Node, str]) -> None:
    ecs, (_unused, arn) = aws.boto("ecs"), joined
    target = {"name": "rack", "targetType": "container-instance", "targetId": arn}
    ecs.put_attributes(cluster="lab", attributes=[{**target, "value": "a"}])
    found = ecs.list_attributes(cluster="lab", targetType="container-instance", attributeName="rack")["attributes"]
    assert [(one["value"], one["targetId"]) for one in found] == [("a", arn)]
    ecs.delete_attributes(cluster="lab", attributes=[target])
    assert "rack" not in [one["name"] for one in describe(aws, arn)["attributes"]]
    gone = {**target, "targetId": "0" * 32}
    assert refusal(ecs.put_attributes, cluster="lab", attributes=[gone])[0] == "TargetNotFoundException"
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    ecs.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert describe(aws, arn, include=["TAGS"])["tags"] == [{"key": "b", "value": "2"}]
    assert describe(aws, arn)["tags"] == []
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "two words"}, "InvalidParameterException"),
        ({"name": "n" * 129}, "InvalidParameterException"),
        ({"value": ""}, "InvalidParameterException"),
        ({"value": "v" * 129}, "InvalidParameterException"),
        ({"value": " inner and outer "}, "InvalidParameterException"),
        ({"targetId": "SHORT"}, "InvalidParameterException"),
        ({"targetId": "OTHER CLUSTER"}, "TargetNotFoundException"),
    ],
)
def test_attributes_are_as_documented(aws: Client, joined: tuple[Node, str], change: dict[str, str], code: str) -> None:
    _unused, arn = joined
    forms = {"SHORT": arn.rpartition("/")[2], "OTHER CLUSTER": arn.replace("/lab/", "/other/")}
    wanted = {"name": "rack", "value": "a", "targetId": arn, **change}
    wanted["targetId"] = forms.get(wanted["targetId"], wanted["targetId"])
    assert refusal(aws.boto("ecs").put_attributes, cluster="lab", attributes=[wanted])[0] == code
    assert "rack" not in [one["name"] for one in describe(aws, arn)["attributes"]]


def test_ten_custom_attributes_and_ten_a_call(aws: Client, joined: tuple[Node, str]) -> None:
    ecs, (_unused, arn) = aws.boto("ecs"), joined
    ten = [{"name": f"a{number}", "value": "x", "targetId": arn} for number in range(10)]
    ecs.put_attributes(cluster="lab", attributes=ten)
    ecs.put_attributes(cluster="lab", attributes=[{**ten[0], "value": "again"}])
    more = [{**ten[0], "name": "b"}]
    assert refusal(ecs.put_attributes, cluster="lab", attributes=more)[0] == "AttributeLimitExceededException"
    assert refusal(ecs.put_attributes, cluster="lab", attributes=ten + more)[0] == "InvalidParameterException"
    assert refusal(ecs.delete_attributes, cluster="lab", attributes=ten + more)[0] == "InvalidParameterException"
    assert len([one for one in describe(aws, arn)["attributes"] if one["name"].startswith("a")]) == 10


@pytest.mark.parametrize("key", ["aws:site", "AWS:site", None])
def test_tags_of_aws_are_refused_at_creation(aws: Client, joined: tuple[Node, str], key: str | None) -> None:
    ecs, (_unused, arn) = aws.boto("ecs"), joined
    tags = [{"key": key, "value": "a"} if key else {"value": "a"}]
    assert refusal(ecs.create_cluster, clusterName="tagged", tags=tags)[0] == "InvalidParameterException"
    assert refusal(ecs.tag_resource, resourceArn=arn, tags=tags)[0] == "InvalidParameterException"
    before = ecs.list_container_instances(cluster="lab")["containerInstanceArns"]
    reply = aws.node(IamRole="ecsAnywhereRole").come_online().join(tags=tags)
    assert (reply.status, reply.json()["__type"]) == (400, "InvalidParameterException")
    if key == "aws:site":
        assert reply.json()["message"] == "Tag key must not start with aws:"
    assert ecs.list_container_instances(cluster="lab")["containerInstanceArns"] == before


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            ":container-instance/lab/",
            ":container-instance/other/",
            "Identifier is for cluster other. Your cluster is lab",
        ),
        ("eu-west-1", "us-east-1", "Invalid Region in ARN"),
        ("arn:aws:", "arn:aws-cn:", "Invalid Region in ARN"),
        (":123456789012:", ":210987654321:", "Identifier is for 210987654321. Your accountId is 123456789012"),
        (":container-instance/", ":task/", "Unsupported resource type: task"),
    ],
)
def test_an_arn_of_elsewhere(aws: Client, joined: tuple[Node, str], old: str, new: str, words: str) -> None:
    ecs, (_unused, arn) = aws.boto("ecs"), joined
    elsewhere = arn.replace(old, new)
    for code, message in (
        refusal(ecs.describe_container_instances, cluster="lab", containerInstances=[elsewhere]),
        refusal(ecs.deregister_container_instance, cluster="lab", containerInstance=elsewhere),
    ):
        assert (code, message.endswith(words)) == ("InvalidParameterException", True)
    assert describe(aws, arn.replace("/lab/", "/"))["status"] == "ACTIVE"  # the old form


@pytest.mark.parametrize(("old", "new"), [("eu-west-1", "us-east-1"), (":123456789012:", ":210987654321:")])
def test_a_cluster_of_elsewhere(aws: Client, old: str, new: str) -> None:
    ecs = aws.boto("ecs")
    arn = ecs.create_cluster(clusterName="lab")["cluster"]["clusterArn"].replace(old, new)
    assert refusal(ecs.describe_clusters, clusters=[arn])[0] == "InvalidParameterException"
    assert refusal(ecs.list_container_instances, cluster=arn)[0] == "InvalidParameterException"


@pytest.mark.parametrize("size", [0, -1, 101])
@pytest.mark.parametrize("operation", ["list_clusters", "list_container_instances", "list_tasks", "list_services"])
def test_pages_of_one_to_a_hundred(aws: Client, operation: str, size: int) -> None:
    aws.boto("ecs").create_cluster()
    assert refusal(getattr(aws.boto("ecs"), operation), maxResults=size)[0] == "InvalidParameterException"


def test_changes_want_a_container_instance(aws: Client, joined: tuple[Node, str]) -> None:
    nothing = {"cluster": "lab", "containerInstances": [], "status": "DRAINING"}
    assert refusal(aws.boto("ecs").update_container_instances_state, **nothing)[0] == "InvalidParameterException"


def test_a_hundred_at_most(aws: Client) -> None:
    ecs = aws.boto("ecs")
    aws.control("POST", "seed", {"fleet": {"count": 250, "Region": "eu-west-1", "IamRole": "r", "cluster": "lab"}})
    pages = list(ecs.get_paginator("list_container_instances").paginate(cluster="lab"))
    assert [len(page["containerInstanceArns"]) for page in pages] == [100, 100, 50]
    arns = [arn for page in pages for arn in page["containerInstanceArns"]]
    shown = ecs.describe_container_instances(cluster="lab", containerInstances=arns[:100])["containerInstances"]
    assert all(one["agentConnected"] for one in shown)
    over = {"cluster": "lab", "containerInstances": arns[:101]}
    assert refusal(ecs.describe_container_instances, **over)[0] == "InvalidParameterException"
    assert refusal(ecs.describe_clusters, clusters=["lab"] * 101)[0] == "InvalidParameterException"
    ids = [one["ec2InstanceId"] for one in shown[:2]]
    chosen = ecs.list_container_instances(cluster="lab", filter=f"ec2InstanceId in ['{ids[0]}', '{ids[1]}']")
    assert chosen["containerInstanceArns"] == arns[:2]


def test_clusters(aws: Client) -> None:
    ecs = aws.boto("ecs")
    first = ecs.create_cluster(clusterName="lab", tags=[{"key": "a", "value": "1"}])["cluster"]
    again = ecs.create_cluster(clusterName="lab")["cluster"]
    assert again["tags"] == first["tags"] == [{"key": "a", "value": "1"}]
    assert again["settings"] == [{"name": "containerInsights", "value": "disabled"}]
    ecs.update_cluster_settings(cluster="lab", settings=[{"name": "containerInsights", "value": "enhanced"}])
    shown = ecs.describe_clusters(clusters=["lab", "none"], include=["SETTINGS"])
    assert shown["clusters"][0]["settings"] == [{"name": "containerInsights", "value": "enhanced"}]
    assert shown["failures"][0]["reason"] == "MISSING"
    aws.control("POST", "seed", {"fleet": {"count": 1, "Region": "eu-west-1", "IamRole": "r", "cluster": "lab"}})
    assert refusal(ecs.delete_cluster, cluster="lab")[0] == "ClusterContainsContainerInstancesException"
    assert refusal(ecs.list_container_instances, cluster="none")[0] == "ClusterNotFoundException"
    (instance,) = ecs.list_container_instances(cluster="lab")["containerInstanceArns"]
    ecs.deregister_container_instance(cluster="lab", containerInstance=instance)
    assert ecs.delete_cluster(cluster="lab")["cluster"]["status"] == "INACTIVE"
    assert ecs.list_clusters()["clusterArns"] == []


@pytest.mark.parametrize("name", ["two words", "a/b", "c" * 256, "arn:aws:ecs:eu-west-1:123456789012:cluster/lab"])
def test_names_of_clusters(aws: Client, name: str) -> None:
    assert refusal(aws.boto("ecs").create_cluster, clusterName=name)[0] == "InvalidParameterException"
    assert aws.boto("ecs").list_clusters()["clusterArns"] == []


def test_container_insights_come_from_the_account(aws: Client) -> None:
    ecs = aws.boto("ecs")
    wrong = [{"name": "containerInsights", "value": "sometimes"}]
    assert refusal(ecs.create_cluster, clusterName="lab", settings=wrong)[0] == "InvalidParameterException"
    ecs.put_account_setting_default(name="containerInsights", value="enhanced")
    made = ecs.create_cluster(clusterName="lab")["cluster"]
    assert made["settings"] == [{"name": "containerInsights", "value": "enhanced"}]
    assert refusal(ecs.update_cluster_settings, cluster="lab", settings=wrong)[0] == "InvalidParameterException"
    own = [{"name": "containerInsights", "value": "disabled"}]
    assert ecs.create_cluster(clusterName="own", settings=own)["cluster"]["settings"] == own


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")]
)
def test_a_fleet_is_of_its_partition(aws: Client, region: str, partition: str) -> None:
    aws.control("POST", "seed", {"fleet": {"count": 1, "Region": region, "IamRole": "r", "cluster": "lab"}})
    ecs = aws.boto("ecs", region=region)
    (cluster,) = ecs.list_clusters()["clusterArns"]
    (instance,) = ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]
    start = f"arn:{partition}:ecs:{region}:123456789012"
    assert (cluster, instance.rpartition("/")[0]) == (f"{start}:cluster/lab", f"{start}:container-instance/lab")
