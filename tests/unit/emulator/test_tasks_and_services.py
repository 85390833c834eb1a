# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Task definitions, tasks, services, capacity providers and account settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.client import Client, refusal

from .conftest import wait

CONTAINERS = [{"name": "web", "image": "nginx", "memory": 64}]
ECS_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)


@pytest.fixture
def lab(aws: Client) -> Client:
    """Two connected machines in the cluster ``lab``, and a task definition ``web``."""
    aws.control("POST", "seed", {"fleet": {"count": 2, "Region": "eu-west-1", "IamRole": "r", "cluster": "lab"}})
    aws.boto("ecs").register_task_definition(
        family="web", requiresCompatibilities=["EXTERNAL"], networkMode="bridge", containerDefinitions=CONTAINERS
    )
    return aws


def instances(aws: Client) -> list[str]:
    """ARNs of the machines."""
    found: list[str] = aws.boto("ecs").list_container_instances(cluster="lab")["containerInstanceArns"]
    return found


def where(aws: Client) -> list[str]:
    """On which machines tasks run."""
    ecs = aws.boto("ecs")
    arns = ecs.list_tasks(cluster="lab")["taskArns"]
    return (
        sorted(t["containerInstanceArn"] for t in ecs.describe_tasks(cluster="lab", tasks=arns)["tasks"])
        if arns
        else []
    )


def infrastructure_role(aws: Client) -> str:
    """The ARN of a role that ECS may assume."""
    made = aws.boto("iam").create_role(RoleName="ecsInfrastructureRole", AssumeRolePolicyDocument=ECS_TRUST)
    return str(made["Role"]["Arn"])


def test_task_definitions(lab: Client) -> None:
    ecs = lab.boto("ecs")
    again = ecs.register_task_definition(family="web", containerDefinitions=CONTAINERS)["taskDefinition"]
    assert again["revision"] == 2
    assert "EXTERNAL" in again["compatibilities"]
    assert ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]["revision"] == 2
    ecs.deregister_task_definition(taskDefinition="web:2")
    assert ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]["revision"] == 1
    assert len(ecs.list_task_definitions(familyPrefix="web")["taskDefinitionArns"]) == 1
    assert refusal(ecs.describe_task_definition, taskDefinition="none")[0] == "ClientException"
    vpc = {"family": "v", "networkMode": "awsvpc", "requiresCompatibilities": ["EXTERNAL"]}
    assert refusal(ecs.register_task_definition, **vpc, containerDefinitions=CONTAINERS)[0] == "ClientException"
    role = "arn:aws:iam::123456789012:role/nobody"
    code, message = refusal(ecs.register_task_definition, family="r", taskRoleArn=role, containerDefinitions=CONTAINERS)
    assert (code, message) == ("ClientException", "Role is not valid")


def test_run_task_on_external_instances(lab: Client) -> None:
    ecs = lab.boto("ecs")
    started = ecs.run_task(cluster="lab", taskDefinition="web", launchType="EXTERNAL", count=2)
    assert [task["lastStatus"] for task in started["tasks"]] == ["RUNNING", "RUNNING"]
    assert where(lab) == sorted(instances(lab))
    stopped = ecs.stop_task(cluster="lab", task=started["tasks"][0]["taskArn"], reason="done")["task"]
    assert (stopped["lastStatus"], stopped["stoppedReason"]) == ("STOPPED", "done")
    assert len(ecs.list_tasks(cluster="lab", desiredStatus="STOPPED")["taskArns"]) == 1
    assert refusal(ecs.run_task, cluster="lab", taskDefinition="web")[0] == "InvalidParameterException"


def test_tasks_on_their_way_to_the_end_are_listed_with_those_at_it(lab: Client) -> None:
    ecs = lab.boto("ecs")
    node = lab.control("GET", "state")["managed_nodes"][0]["InstanceId"]
    order = {"containerInstance": node, "lastStatus": "DEPROVISIONING"}
    ending = lab.control("POST", "tasks", order)["taskArns"]
    running = lab.control("POST", "tasks", {"containerInstance": node})["taskArns"]
    assert ecs.list_tasks(cluster="lab")["taskArns"] == running
    assert ecs.list_tasks(cluster="lab", desiredStatus="STOPPED")["taskArns"] == ending
    assert ecs.list_tasks(cluster="lab", desiredStatus="PENDING")["taskArns"] == []


def test_run_task_without_an_agent(lab: Client) -> None:
    ecs = lab.boto("ecs")
    for one in lab.control("GET", "state")["managed_nodes"]:
        lab.control("POST", "nodes/connect", {"InstanceId": one["InstanceId"], "agentConnected": False})
    answer = ecs.run_task(cluster="lab", taskDefinition="web", launchType="EXTERNAL")
    assert (answer["tasks"], answer["failures"][0]["reason"]) == ([], "AGENT")


def test_volumes_need_a_role_of_ecs(lab: Client) -> None:
    ecs = lab.boto("ecs")
    role = infrastructure_role(lab)

    def volumes(arn: str) -> list[dict[str, Any]]:
        return [{"name": "data", "managedEBSVolume": {"roleArn": arn, "sizeInGiB": 10}}]

    wanted = {"cluster": "lab", "taskDefinition": "web", "launchType": "EXTERNAL"}
    (task,) = ecs.run_task(**wanted, volumeConfigurations=volumes(role))["tasks"]
    assert {"name": "roleArn", "value": role} in task["attachments"][0]["details"]
    nobody = "arn:aws:iam::123456789012:role/nobody"
    assert refusal(ecs.run_task, **wanted, volumeConfigurations=volumes(nobody))[0] == "InvalidParameterException"


def test_service_names_its_roles(lab: Client) -> None:
    ecs, role = lab.boto("ecs"), infrastructure_role(lab)
    tls = {"issuerCertificateAuthority": {"awsPcaAuthorityArn": "arn:aws:acm-pca:x"}, "roleArn": role}
    connect = {"enabled": True, "services": [{"portName": "http", "tls": tls}]}
    volume = {"name": "data", "managedEBSVolume": {"roleArn": role}}
    lattice = {"roleArn": role, "targetGroupArn": "arn:aws:vpc-lattice:x", "portName": "http"}
    made = ecs.create_service(
        cluster="lab",
        serviceName="web",
        taskDefinition="web",
        launchType="EXTERNAL",
        desiredCount=2,
        serviceConnectConfiguration=connect,
        volumeConfigurations=[volume],
        vpcLatticeConfigurations=[lattice],
    )["service"]
    assert made["runningCount"] == 2
    (shown,) = ecs.describe_services(cluster="lab", services=["web"])["services"]
    (deployment,) = shown["deployments"]
    assert deployment["volumeConfigurations"] == [volume]
    assert deployment["vpcLatticeConfigurations"] == [lattice]
    assert deployment["serviceConnectConfiguration"] == connect
    assert ecs.list_services(cluster="lab")["serviceArns"] == [made["serviceArn"]]


@pytest.mark.parametrize(
    ("least", "most", "others", "moves"),
    [
        (100, 100, True, False),
        (100, 200, True, True),
        (100, 200, False, False),
        (50, 100, False, True),
        (0, 200, True, True),
    ],
)
def test_draining_moves_what_may_move(lab: Client, least: int, most: int, others: bool, moves: bool) -> None:
    ecs = lab.boto("ecs")
    first, second = instances(lab)
    if not others:
        ecs.deregister_container_instance(cluster="lab", containerInstance=second)
    ecs.create_service(
        cluster="lab",
        serviceName="web",
        taskDefinition="web",
        launchType="EXTERNAL",
        desiredCount=1,
        deploymentConfiguration={"minimumHealthyPercent": least, "maximumPercent": most},
    )
    (here,) = where(lab)
    ecs.update_container_instances_state(cluster="lab", containerInstances=[here], status="DRAINING")
    assert (here not in where(lab)) is moves
    if moves and others:
        assert where(lab) == [second if here == first else first]


def test_standalone_tasks_stay_while_draining(lab: Client) -> None:
    ecs, (first, _unused) = lab.boto("ecs"), instances(lab)
    ecs.start_task(cluster="lab", taskDefinition="web", containerInstances=[first])
    ecs.update_container_instances_state(cluster="lab", containerInstances=[first], status="DRAINING")
    assert where(lab) == [first]


def test_service_life(lab: Client) -> None:
    ecs = lab.boto("ecs")
    wanted = {"cluster": "lab", "serviceName": "web", "taskDefinition": "web", "launchType": "EXTERNAL"}
    balancer = {"targetGroupArn": "arn:aws:x", "containerName": "web", "containerPort": 80}
    assert (
        refusal(ecs.create_service, **wanted, desiredCount=1, loadBalancers=[balancer])[0]
        == "InvalidParameterException"
    )
    ecs.create_service(**wanted, desiredCount=2)
    assert refusal(ecs.create_service, **wanted, desiredCount=2)[0] == "InvalidParameterException"
    ecs.stop_task(cluster="lab", task=ecs.list_tasks(cluster="lab")["taskArns"][0])
    assert len(where(lab)) == 2
    assert refusal(ecs.delete_service, cluster="lab", service="web")[0] == "InvalidParameterException"
    assert ecs.update_service(cluster="lab", service="web", desiredCount=0)["service"]["runningCount"] == 0
    assert ecs.delete_service(cluster="lab", service="web")["service"]["status"] == "INACTIVE"
    assert refusal(ecs.update_service, cluster="lab", service="web")[0] == "ServiceNotActiveException"
    assert refusal(ecs.update_service, cluster="lab", service="none")[0] == "ServiceNotFoundException"


def test_daemon_runs_everywhere(lab: Client) -> None:
    ecs = lab.boto("ecs")
    ecs.create_service(
        cluster="lab", serviceName="d", taskDefinition="web", launchType="EXTERNAL", schedulingStrategy="DAEMON"
    )
    assert where(lab) == sorted(instances(lab))


def daemon(aws: Client) -> list[str]:
    """Machines with a task of the daemon ``d``, each as often as it has one."""
    ecs = aws.boto("ecs")
    arns = ecs.list_tasks(cluster="lab", serviceName="d")["taskArns"]
    tasks = ecs.describe_tasks(cluster="lab", tasks=arns)["tasks"] if arns else []
    return sorted(task["containerInstanceArn"] for task in tasks)


def test_daemon_comes_to_a_machine_that_connects_and_stays_on_one_that_does_not(lab: Client) -> None:
    ecs, (first, second) = lab.boto("ecs"), instances(lab)
    shown = ecs.describe_container_instances(cluster="lab", containerInstances=[first])["containerInstances"]
    node = shown[0]["ec2InstanceId"]
    lab.control("POST", "nodes/connect", {"InstanceId": node, "agentConnected": False})
    ecs.create_service(
        cluster="lab", serviceName="d", taskDefinition="web", launchType="EXTERNAL", schedulingStrategy="DAEMON"
    )
    assert daemon(lab) == [second]
    lab.control("POST", "tasks", {"containerInstance": first, "count": 3})  # busier than the other
    lab.control("POST", "nodes/connect", {"InstanceId": node, "agentConnected": True})
    assert daemon(lab) == sorted([first, second])
    ecs.update_container_instances_state(cluster="lab", containerInstances=[second], status="DRAINING")
    assert daemon(lab) == [first]
    lab.control("POST", "nodes/connect", {"InstanceId": node, "agentConnected": False})
    ecs.update_container_instances_state(cluster="lab", containerInstances=[second], status="ACTIVE")
    assert daemon(lab) == sorted([first, second])
    ecs.delete_service(cluster="lab", service="d", force=True)
    assert daemon(lab) == []


def test_daemon_comes_to_a_machine_that_joins(lab: Client) -> None:
    lab.boto("ecs").create_service(
        cluster="lab", serviceName="d", taskDefinition="web", launchType="EXTERNAL", schedulingStrategy="DAEMON"
    )
    node = lab.node().come_online()
    arn = node.join().json()["containerInstance"]["containerInstanceArn"]
    assert arn not in daemon(lab)
    socket = node.acs(arn)
    wait(lambda: arn in daemon(lab))
    socket.close()


@pytest.mark.parametrize("count", [0, 11])
def test_one_to_ten_tasks_a_call(lab: Client, count: int) -> None:
    ecs, (first, _unused) = lab.boto("ecs"), instances(lab)
    wanted = {"cluster": "lab", "taskDefinition": "web"}
    assert refusal(ecs.run_task, **wanted, launchType="EXTERNAL", count=count)[0] == "InvalidParameterException"
    assert refusal(ecs.start_task, **wanted, containerInstances=[first] * count)[0] == "InvalidParameterException"
    assert where(lab) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"family": "two words"}, "InvalidParameterException"),
        ({"containerDefinitions": [{"name": "web", "memory": 64}]}, "ClientException"),
        ({"containerDefinitions": [{"image": "nginx", "memory": 64}]}, "ClientException"),
        ({"containerDefinitions": [{"name": "web", "image": "nginx"}]}, "ClientException"),
    ],
)
def test_task_definitions_that_are_none(lab: Client, change: dict[str, Any], code: str) -> None:
    wanted = {"family": "new", "containerDefinitions": CONTAINERS, **change}
    assert refusal(lab.boto("ecs").register_task_definition, **wanted)[0] == code


def test_memory_of_the_task_is_enough(lab: Client) -> None:
    containers = [{"name": "web", "image": "nginx"}]
    made = lab.boto("ecs").register_task_definition(family="new", memory="64", containerDefinitions=containers)
    assert made["taskDefinition"]["revision"] == 1


def test_an_inactive_definition_starts_no_task(lab: Client) -> None:
    ecs, (first, _unused) = lab.boto("ecs"), instances(lab)
    assert refusal(ecs.deregister_task_definition, taskDefinition="web")[0] == "ClientException"
    ecs.deregister_task_definition(taskDefinition="web:1")
    wanted = {"cluster": "lab", "taskDefinition": "web:1", "containerInstances": [first]}
    assert refusal(ecs.start_task, **wanted) == ("ClientException", "TaskDefinition is inactive")


def test_parts_of_another_cluster(lab: Client) -> None:
    ecs = lab.boto("ecs")
    ecs.create_cluster(clusterName="other")
    made = ecs.create_service(
        cluster="lab", serviceName="web", taskDefinition="web", launchType="EXTERNAL", desiredCount=1
    )["service"]["serviceArn"]
    (task,) = ecs.list_tasks(cluster="lab")["taskArns"]
    words = "Invalid identifier: Identifier is for cluster lab. Your cluster is other"
    expected = ("InvalidParameterException", words)
    assert refusal(ecs.describe_services, cluster="other", services=[made]) == expected
    assert refusal(ecs.describe_tasks, cluster="other", tasks=[task]) == expected
    assert refusal(ecs.list_tasks, cluster="other", serviceName=made) == expected
    name = {"serviceName": "two words", "taskDefinition": "web", "launchType": "EXTERNAL", "desiredCount": 1}
    assert refusal(ecs.create_service, cluster="lab", **name)[0] == "InvalidParameterException"


def test_tasks_of_nothing(lab: Client) -> None:
    ecs = lab.boto("ecs")
    missing = refusal(ecs.list_tasks, cluster="lab", serviceName="none")
    assert missing == ("ServiceNotFoundException", "Service not found.")
    empty = refusal(ecs.describe_tasks, cluster="lab", tasks=[])
    assert empty == ("InvalidParameterException", "Tasks cannot be empty.")
    many = refusal(ecs.describe_tasks, cluster="lab", tasks=["0"] * 101)
    assert many[0] == "InvalidParameterException"


def test_ten_capacity_providers_a_page(lab: Client) -> None:
    ecs = lab.boto("ecs")
    group = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:0:autoScalingGroupName/g"
    for number in range(9):
        provider = {"autoScalingGroupArn": f"{group}{number}"}
        ecs.create_capacity_provider(name=f"p{number}", autoScalingGroupProvider=provider)
    shown = ecs.describe_capacity_providers()
    rest = ecs.describe_capacity_providers(nextToken=shown["nextToken"])
    assert (len(shown["capacityProviders"]), len(rest["capacityProviders"])) == (10, 1)
    assert refusal(ecs.describe_capacity_providers, maxResults=11)[0] == "InvalidParameterException"
    unknown = {"clusterName": "new", "capacityProviders": ["none"]}
    assert refusal(ecs.create_cluster, **unknown)[0] == "InvalidParameterException"


def test_managed_instances_hold_their_cluster(lab: Client) -> None:
    ecs, role = lab.boto("ecs"), infrastructure_role(lab)
    template = {
        "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/ecsInstanceRole",
        "networkConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]},
    }
    managed = {"infrastructureRoleArn": role, "instanceLaunchTemplate": template}
    ecs.create_cluster(clusterName="other")
    ecs.create_capacity_provider(name="mine", cluster="other", managedInstancesProvider=managed)
    assert refusal(ecs.delete_cluster, cluster="other")[0] == "ClusterContainsCapacityProviderException"
    ecs.delete_capacity_provider(capacityProvider="mine")
    assert ecs.delete_cluster(cluster="other")["cluster"]["status"] == "INACTIVE"


def test_capacity_providers(lab: Client) -> None:
    ecs, role = lab.boto("ecs"), infrastructure_role(lab)
    template = {
        "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/ecsInstanceRole",
        "networkConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]},
    }
    managed = {"infrastructureRoleArn": role, "instanceLaunchTemplate": template}
    ecs.create_capacity_provider(name="mine", cluster="lab", managedInstancesProvider=managed)
    (shown,) = ecs.describe_capacity_providers(capacityProviders=["mine"])["capacityProviders"]
    assert shown["managedInstancesProvider"]["infrastructureRoleArn"] == role
    nobody = {**managed, "infrastructureRoleArn": f"{role}2"}
    wrong = {"name": "other", "cluster": "lab", "managedInstancesProvider": nobody}
    assert refusal(ecs.create_capacity_provider, **wrong)[0] == "ClientException"
    ecs.put_cluster_capacity_providers(cluster="lab", capacityProviders=["mine"], defaultCapacityProviderStrategy=[])
    assert refusal(ecs.delete_capacity_provider, capacityProvider="mine")[0] == "ClientException"
    ecs.put_cluster_capacity_providers(cluster="lab", capacityProviders=[], defaultCapacityProviderStrategy=[])
    ecs.delete_capacity_provider(capacityProvider="mine")
    names = [p["name"] for p in ecs.describe_capacity_providers()["capacityProviders"]]
    assert names == ["FARGATE", "FARGATE_SPOT"]


def test_gateways(lab: Client) -> None:
    ecs: Any = lab.boto("ecs")
    role = infrastructure_role(lab)
    asked = {"infrastructureRoleArn": role, "configuration": {"hostSharedAlb": {"scheme": "internal"}}}
    for name in ("one", "two"):
        assert ecs.create_gateway(name=name, **asked)["status"] == "ACTIVE"
    assert refusal(ecs.create_gateway, name="one", **asked)[0] == "InvalidParameterException"
    nobody = {**asked, "infrastructureRoleArn": f"{role}2"}
    assert refusal(ecs.create_gateway, name="three", **nobody)[0] == "ClientException"
    first = ecs.list_gateways(maxResults=1)
    assert first["gateways"][0]["name"] == "one" and "infrastructureRoleArn" not in first["gateways"][0]
    assert [one["name"] for one in ecs.list_gateways(nextToken=first["nextToken"])["gateways"]] == ["two"]
    assert [one["name"] for one in ecs.list_gateways(names=["two"], status=["ACTIVE"])["gateways"]] == ["two"]
    arn = first["gateways"][0]["gatewayArn"]
    assert ecs.describe_gateway(gateway=arn)["gateway"]["infrastructureRoleArn"] == role
    assert ecs.delete_gateway(gateway="one")["status"] == "DELETED"
    assert refusal(ecs.describe_gateway, gateway=arn)[0] == "GatewayNotFoundException"


def test_capacity_provider_of_a_group(lab: Client) -> None:
    ecs = lab.boto("ecs")
    group = {"autoScalingGroupArn": "arn:aws:autoscaling:x", "managedScaling": {"status": "ENABLED"}}
    made = ecs.create_capacity_provider(name="asg", autoScalingGroupProvider=group, tags=[{"key": "a", "value": "b"}])
    assert made["capacityProvider"]["tags"] == [{"key": "a", "value": "b"}]
    ecs.update_capacity_provider(name="asg", autoScalingGroupProvider={"managedDraining": "ENABLED"})
    shown = ecs.describe_capacity_providers(capacityProviders=["asg", "none"], include=["TAGS"])
    assert shown["capacityProviders"][0]["autoScalingGroupProvider"] == {**group, "managedDraining": "ENABLED"}
    assert shown["failures"][0]["reason"] == "MISSING"
    for wrong in ({"name": "asg"}, {"name": "aws-x", "autoScalingGroupProvider": group}):
        assert refusal(ecs.create_capacity_provider, **wrong)[0] == "InvalidParameterException"
    code, _unused = refusal(
        ecs.put_cluster_capacity_providers,
        cluster="lab",
        capacityProviders=["none"],
        defaultCapacityProviderStrategy=[],
    )
    assert code == "InvalidParameterException"


def test_account_settings(aws: Client) -> None:
    ecs = aws.boto("ecs")
    me, root = "arn:aws:iam::123456789012:user/controller", "arn:aws:iam::123456789012:root"

    def effective(name: str) -> tuple[str, str]:
        (one,) = ecs.list_account_settings(name=name, effectiveSettings=True)["settings"]
        return one["value"], one["principalArn"]

    assert ecs.list_account_settings()["settings"] == []
    assert effective("awsvpcTrunking") == ("disabled", root)
    put = ecs.put_account_setting_default(name="awsvpcTrunking", value="enabled")["setting"]
    assert put == {"name": "awsvpcTrunking", "value": "enabled", "principalArn": root, "type": "user"}
    assert effective("awsvpcTrunking") == ("enabled", root)
    ecs.put_account_setting(name="awsvpcTrunking", value="disabled")
    assert effective("awsvpcTrunking") == ("disabled", me)
    ecs.delete_account_setting(name="awsvpcTrunking")
    assert effective("awsvpcTrunking") == ("enabled", root)
    pages = ecs.get_paginator("list_account_settings").paginate(effectiveSettings=True)
    assert len([one for page in pages for one in page["settings"]]) == 12
    for wrong in (
        {"name": "awsvpcTrunking", "value": "yes"},
        {"name": "guardDutyActivate", "value": "on"},
        {"name": "colour", "value": "red"},
    ):
        assert refusal(ecs.put_account_setting_default, **wrong)[0] == "InvalidParameterException"
    assert aws.boto("ecs", region="us-east-1").list_account_settings(principalArn=root)["settings"] == []
