# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps a role that somebody lives on: everybody who can, page after page, and no further than to the first."""

from __future__ import annotations

import json
from typing import Any

import pytest
from unit.plugins.conftest import Modules

from emulator.client import REGION, Client

ROLE = "ecsInfrastructureRole"
ARN = f"arn:aws:iam::123456789012:role/{ROLE}"
NODE = "mi-00000000000000000"


def infrastructure(modules: Modules, *features: str, **options: Any) -> dict[str, Any]:
    """The infrastructure role with these features."""
    return modules.run("ecs_iam_role", kind="infrastructure", features=list(features), **options)


def good(result: dict[str, Any]) -> dict[str, Any]:
    """It must not have failed."""
    assert not result.get("failed"), result["msg"]
    return result


def refused(modules: Modules, result: dict[str, Any]) -> str:
    """It must have, and nothing was written. Its words."""
    assert result.get("failed"), result
    assert modules.writes() == 0
    return str(result["msg"])


@pytest.fixture
def ecs(modules: Modules, account: Client) -> Any:
    """An account with a cluster, an instance in it, and the infrastructure role with the features that can be used."""
    client = account.boto("ecs")
    client.create_cluster(clusterName="lab")
    instance = {"InstanceId": NODE, "Region": REGION, "cluster": "lab", "agentConnected": True}
    account.control("POST", "seed", {"container_instances": [instance]})
    good(infrastructure(modules, "volumes", "managed_instances", "load_balancers"))
    modules.calls()
    return client


def provider(ecs: Any, name: str = "factory", role: str = ARN) -> None:
    """A capacity provider of Managed Instances."""
    managed = {
        "infrastructureRoleArn": role,
        "instanceLaunchTemplate": {
            "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/ecsInstanceRole",
            "networkConfiguration": {"subnets": ["subnet-1"]},
        },
    }
    ecs.create_capacity_provider(name=name, cluster="lab", managedInstancesProvider=managed)


def tasks(account: Client, count: int, role: str | None = None) -> None:
    """Running tasks, with a volume when a role is named."""
    order: dict[str, Any] = {"containerInstance": NODE, "count": count}
    account.control("POST", "tasks", {**order, "roleArn": role} if role else order)


# Capacity providers ------------------------------------------------------------------------------------------------


def test_managed_instances(modules: Modules, ecs: Any) -> None:
    provider(ecs)
    modules.calls()
    words = refused(modules, infrastructure(modules, "volumes", "load_balancers"))
    who = f"capacity provider factory makes its instances with it in {REGION}"
    assert words.startswith(f"role {ROLE} is not changed: {who}. ")
    assert "Keep managed_instances in the option features, or set protect: false" in words
    words = refused(modules, infrastructure(modules, state="absent"))
    assert f"is not deleted: {who}. Stop or change what uses it first" in words
    # What it uses it for stays, so nobody else's loss matters to it.
    assert good(infrastructure(modules, "managed_instances"))["changed"] is True


def test_managed_instances_of_another_role(modules: Modules, ecs: Any) -> None:
    good(modules.run("ecs_iam_role", kind="infrastructure", role_name="other", features=["managed_instances"]))
    provider(ecs, role=ARN.replace(ROLE, "other"))
    assert good(infrastructure(modules, state="absent"))["changed"] is True


def test_the_search_ends_at_the_first_proof(modules: Modules, account: Client, ecs: Any) -> None:
    """A capacity provider is enough: clusters, tasks and services are not looked at."""
    provider(ecs)
    tasks(account, 3, ARN)
    modules.calls()
    refused(modules, infrastructure(modules, state="absent"))
    asked = {call: count for call, count in modules.calls().items() if call.startswith("ecs:")}
    assert asked == {"ecs:DescribeCapacityProviders": 1}


# Gateways ----------------------------------------------------------------------------------------------------------


def gateway(ecs: Any, name: str, role: str = ARN) -> None:
    """A gateway, which makes its load balancers with a role."""
    ecs.create_gateway(name=name, infrastructureRoleArn=role, configuration={"hostSharedAlb": {}})


def test_gateways(modules: Modules, account: Client, ecs: Any) -> None:
    """All pages are read, up to the one with the proof. By which policy it uses the role nobody can tell."""
    good(modules.run("ecs_iam_role", kind="infrastructure", role_name="other"))
    account.control("POST", "settings", {"page_size_limit": 1})
    for number in range(3):
        gateway(ecs, f"shop{number}", ARN if number == 1 else ARN.replace(ROLE, "other"))
    modules.calls()
    words = refused(modules, infrastructure(modules, state="absent"))
    who = f"gateway shop1 manages its load balancers with it in {REGION}"
    assert words.startswith(f"role {ROLE} is not deleted: {who}. Stop or change what uses it first")
    assert {call: count for call, count in modules.calls().items() if "Gateway" in call} == {
        "ecs:ListGateways": 2,
        "ecs:DescribeGateway": 2,
    }
    words = refused(modules, infrastructure(modules, "volumes", trust_conditions=ORGANISATION))
    assert f"is not changed in its trust: {who}" in words
    assert good(infrastructure(modules, "managed_instances"))["changed"] is True
    ecs.delete_gateway(gateway="shop1")
    assert good(infrastructure(modules, state="absent"))["changed"] is True


# Tasks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "pages"), [(0, 1), (100, 2), (150, 2)])
def test_tasks_page_by_page(modules: Modules, account: Client, ecs: Any, before: int, pages: int) -> None:
    """No more pages than up to the one with the proof."""
    if before:
        tasks(account, before)
    tasks(account, 200 - before, ARN)
    modules.calls()
    words = refused(modules, infrastructure(modules, "managed_instances", "load_balancers"))
    assert f"has a volume that is managed with it in {REGION}. Keep volumes in the option features" in words
    asked = modules.calls()
    assert (asked["ecs:ListTasks"], asked["ecs:DescribeTasks"]) == (pages, pages)
    assert "ecs:ListServices" not in asked


def test_small_pages(modules: Modules, account: Client, ecs: Any) -> None:
    """AWS may answer fewer than were asked for."""
    account.control("POST", "settings", {"page_size_limit": 2})
    tasks(account, 5)
    tasks(account, 1, ARN)
    modules.calls()
    assert "has a volume" in refused(modules, infrastructure(modules, state="absent"))
    assert modules.calls()["ecs:ListTasks"] == 3


def test_tasks_that_have_stopped_do_not_matter(modules: Modules, account: Client, ecs: Any) -> None:
    tasks(account, 2, ARN)
    account.control("DELETE", "tasks")
    assert good(infrastructure(modules, state="absent"))["changed"] is True


@pytest.mark.parametrize("status", ["STOPPING", "DEPROVISIONING"])
def test_tasks_that_are_to_stop_need_it_to_their_end(modules: Modules, account: Client, ecs: Any, status: str) -> None:
    """Their volumes are still to be detached and deleted."""
    account.control("POST", "tasks", {"containerInstance": NODE, "roleArn": ARN, "lastStatus": status})
    modules.calls()
    assert "has a volume that is managed with it" in refused(modules, infrastructure(modules, state="absent"))
    account.control("DELETE", "tasks")
    assert good(infrastructure(modules, state="absent"))["changed"] is True


def test_nobody_is_looked_for_when_nothing_is_taken(modules: Modules, account: Client, ecs: Any) -> None:
    tasks(account, 1, ARN)
    modules.calls()
    more = ("volumes", "managed_instances", "load_balancers", "vpc_lattice")
    assert good(infrastructure(modules, *more, tags={"a": "b"}))["changed"] is True
    assert not [call for call in modules.calls() if call.startswith("ecs:")]


# Services ----------------------------------------------------------------------------------------------------------


def test_a_service_among_many(modules: Modules, ecs: Any) -> None:
    """DescribeServices takes ten: two calls for the eleventh, and none for the twelfth's page."""
    container = {"name": "main", "image": "busybox", "memory": 8, "portMappings": [{"containerPort": 80}]}
    ecs.register_task_definition(family="app", containerDefinitions=[container])
    balancer = {"containerName": "main", "containerPort": 80}
    advanced = {"roleArn": ARN, "alternateTargetGroupArn": "arn:x", "productionListenerRule": "arn:y"}
    for number in range(25):
        used = {**balancer, "advancedConfiguration": advanced} if number == 10 else balancer
        ecs.create_service(
            cluster="lab", serviceName=f"app{number:02}", taskDefinition="app", desiredCount=0, loadBalancers=[used]
        )
    modules.calls()
    words = refused(modules, infrastructure(modules, "volumes", "managed_instances"))
    assert "service/lab/app10 uses it for load_balancers" in words
    assert "Keep load_balancers in the option features" in words
    assert modules.calls()["ecs:DescribeServices"] == 2


# Trust -------------------------------------------------------------------------------------------------------------

ORGANISATION = {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}


def test_trust_of_the_infrastructure_role(modules: Modules, account: Client, ecs: Any) -> None:
    """A condition that is not known to let ECS in may keep it out; one of the documented keys does not."""
    tasks(account, 1, ARN)
    modules.calls()
    features = ("volumes", "managed_instances", "load_balancers")
    words = refused(modules, infrastructure(modules, *features, trust_conditions=ORGANISATION))
    assert f"role {ROLE} is not changed in its trust: task arn:aws:ecs:{REGION}:123456789012:task/lab/" in words
    assert good(infrastructure(modules, *features, trust_conditions=ORGANISATION, protect=False))["changed"] is True


def test_protect_false_warns_and_does_it(modules: Modules, account: Client, ecs: Any) -> None:
    provider(ecs)
    result = good(infrastructure(modules, "volumes", protect=False))
    assert any(words.startswith("detach ") and words.endswith(f" from role {ROLE}") for words in result["changes"])
    warning = f"role {ROLE} is changed since protect is false, although capacity provider factory makes its instances"
    # In one process Ansible collects the warnings of other tests as well.
    assert any(warning in str(one) for one in result["warnings"]), result["warnings"]


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnrecognizedClientException"])
@pytest.mark.parametrize(
    ("call", "options"),
    [
        ("ssm:DescribeInstanceInformation", {"kind": "anywhere"}),
        ("ecs:DescribeCapacityProviders", {"kind": "infrastructure", "features": ["managed_instances"]}),
    ],
)
def test_protect_false_needs_no_search(
    modules: Modules, account: Client, code: str, call: str, options: dict[str, Any]
) -> None:
    """A Region that is closed, a permission that is not there: an error when the role is protected, else a warning."""
    good(modules.run("ecs_iam_role", **options))
    service, operation = call.split(":")
    fault = {"service": service, "operation": operation, "kind": "error", "code": code, "status": 400}
    for _unused in range(2):
        account.control("POST", "faults", fault)
    modules.calls()
    words = refused(modules, modules.run("ecs_iam_role", **options, state="absent"))
    assert words.startswith(f"{call} failed for ")
    result = good(modules.run("ecs_iam_role", **options, state="absent", protect=False))
    assert result["changed"] is True
    warning = f"whether it is in use could not be found out, and protect is false: {words}"
    assert any(warning in str(one) for one in result["warnings"]), result["warnings"]


def test_check_mode_says_the_same(modules: Modules, ecs: Any) -> None:
    provider(ecs)
    modules.calls()
    options: dict[str, Any] = {"kind": "infrastructure", "state": "absent"}
    assert refused(modules, modules.check("ecs_iam_role", **options)) == refused(
        modules, modules.run("ecs_iam_role", **options)
    )


def test_an_infrastructure_role_that_becomes_one_of_another_kind(modules: Modules, ecs: Any) -> None:
    provider(ecs)
    modules.calls()
    words = refused(modules, modules.run("ecs_iam_role", kind="task", role_name=ROLE))
    assert "is not changed in its trust: capacity provider factory makes its instances" in words


# Managed nodes -----------------------------------------------------------------------------------------------------


def _nodes(account: Client, count: int, role: str) -> None:
    nodes = [
        {"InstanceId": f"mi-{role[:3].encode().hex()}{number:011x}", "Region": REGION, "IamRole": role}
        for number in range(count)
    ]
    account.control("POST", "seed", {"nodes": [{**node, "PingStatus": "Online"} for node in nodes]})


def test_managed_nodes_page_by_page(modules: Modules, account: Client) -> None:
    """The first page of 120 nodes is enough; some are named, not all."""
    good(modules.run("ecs_iam_role", kind="anywhere"))
    _nodes(account, 60, "other")
    _nodes(account, 120, "ecsAnywhereRole")
    modules.calls()
    words = refused(modules, modules.run("ecs_iam_role", kind="anywhere", state="absent"))
    assert words.startswith(f"role ecsAnywhereRole is not deleted: managed nodes in {REGION} live on it and would lose")
    assert words.count("mi-") == 3
    assert " and more. Deregister them first, or set protect: false" in words
    assert modules.calls()["ssm:DescribeInstanceInformation"] == 1


@pytest.mark.parametrize("called", ["factory/hosts", "hosts"])
def test_nodes_of_a_role_with_a_path(modules: Modules, account: Client, called: str) -> None:
    """They count however SSM calls the role: when it is deleted, changed, or limited to another cluster."""
    options = {"kind": "anywhere", "name": "hosts", "permissions": "least_privilege"}
    good(modules.run("ecs_iam_role", **options, path="/factory/", features=LOGS_AND_ECR))
    account.control("POST", "seed", {"fleet": {"count": 1, "Region": REGION, "IamRole": called, "cluster": "lab"}})
    modules.calls()
    assert "live on it and would lose" in refused(modules, modules.run("ecs_iam_role", **options, state="absent"))
    words = refused(modules, modules.run("ecs_iam_role", **options))
    assert "would lose what cloudwatch_logs, ecr_pull needs" in words
    limited = modules.run("ecs_iam_role", **options, features=LOGS_AND_ECR, clusters=["other"])
    assert "are in cluster lab and would be cut off" in refused(modules, limited)


# What nodes are allowed --------------------------------------------------------------------------------------------

LEAST = {"permissions": "least_privilege"}
CONFIG = {"s3_objects": ["company-config/ecs.config"]}
LOGS_AND_ECR = ["ecr_pull", "cloudwatch_logs"]
OWN = "arn:aws:iam::123456789012:policy/team"


def anywhere(modules: Modules, *features: str, **options: Any) -> dict[str, Any]:
    """The Anywhere role with these features."""
    return modules.run("ecs_iam_role", kind="anywhere", features=list(features), **options)


def live(modules: Modules, account: Client, *features: str, **options: Any) -> None:
    """The Anywhere role with these features, and a node that lives on it."""
    good(anywhere(modules, *features, **options))
    _nodes(account, 1, "ecsAnywhereRole")
    modules.calls()


def would_lose(modules: Modules, what: str, *features: str, **options: Any) -> str:
    """It must be refused for this loss, in check mode as well; the way out."""
    modules.calls()
    words = refused(modules, anywhere(modules, *features, **options))
    users = f"managed nodes in {REGION} live on it and would lose what {what} needs: mi-"
    assert words.startswith(f"role ecsAnywhereRole is not changed: {users}")
    assert words == refused(modules, anywhere(modules, *features, **options, _ansible_check_mode=True))
    return words.partition("). ")[2]


def test_the_policy_of_ec2_gives_two_features(modules: Modules, account: Client) -> None:
    """Without any feature the managed policies let hosts pull from ECR and write logs: least privilege does not."""
    live(modules, account)
    out = would_lose(modules, "cloudwatch_logs, ecr_pull", **LEAST)
    assert out.startswith("Keep cloudwatch_logs, ecr_pull in the option features, or set protect: false")
    assert "Keep cloudwatch_logs in" in would_lose(modules, "cloudwatch_logs", "ecr_pull", **LEAST)
    assert good(anywhere(modules, *LOGS_AND_ECR, **LEAST))["changed"] is True


@pytest.mark.parametrize("features", [LOGS_AND_ECR, [*LOGS_AND_ECR, "s3_config"]], ids=len)
def test_there_and_back_with_the_same_features(modules: Modules, account: Client, features: list[str]) -> None:
    live(modules, account, *features)
    objects = CONFIG if "s3_config" in features else {}
    assert good(anywhere(modules, *features, **LEAST, **objects))["changed"] is True
    assert good(anywhere(modules, *features))["changed"] is True


@pytest.mark.parametrize("feature", ["ecr_pull", "cloudwatch_logs", "s3_config"])
def test_a_feature_is_kept(modules: Modules, account: Client, feature: str) -> None:
    """Each alone, as an own policy and as one of AWS's."""
    live(modules, account, *LOGS_AND_ECR, "s3_config", **LEAST, **CONFIG)
    rest = [name for name in (*LOGS_AND_ECR, "s3_config") if name != feature]
    objects = CONFIG if "s3_config" in rest else {}
    out = would_lose(modules, feature, *rest, **LEAST, **objects)
    assert out.startswith(f"Keep {feature} in the option features")
    done = anywhere(modules, *rest, **LEAST, **objects, protect=False)
    warning = f"would lose what {feature} needs"
    assert any(warning in str(one) for one in good(done)["warnings"]), done["warnings"]


def test_a_feature_that_something_else_gives_may_go(modules: Modules, account: Client) -> None:
    """The policies of the features, while AWS's own allows the same; and one for reading S3 by another."""
    live(modules, account, *LOGS_AND_ECR, "s3_config")
    assert good(anywhere(modules, "s3_config"))["changed"] is True
    full = ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]
    assert good(anywhere(modules, managed_policies=full))["changed"] is True
    assert "Keep s3_config" in would_lose(modules, "s3_config", purge_policies=True)


def test_a_policy_of_ones_own_counts(modules: Modules, account: Client) -> None:
    """Its document tells what would be lost, or what is not: attached or inside of the role."""
    actions = ["ecr:Get*", "ecr:Batch*", "logs:*"]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    good(modules.run("ecs_iam_policy", name="team", document=document))
    live(modules, account)
    assert good(anywhere(modules, **LEAST, managed_policies=[OWN]))["changed"] is True
    would_lose(modules, "cloudwatch_logs, ecr_pull", **LEAST, purge_policies=True)
    assert good(anywhere(modules, **LEAST, inline_policies={"team": document}, purge_policies=True))["changed"] is True
    would_lose(modules, "cloudwatch_logs, ecr_pull", **LEAST, purge_policies=True)


def test_a_boundary_that_shuts_the_agents_out(modules: Modules, account: Client) -> None:
    live(modules, account, *LOGS_AND_ECR)
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["ecs:*"], "Resource": "*"}]}
    good(modules.run("ecs_iam_policy", name="team", document=document))
    modules.calls()
    lost = "cloudwatch_logs, ecr_pull, the SSM agent"
    out = would_lose(modules, lost, *LOGS_AND_ECR, permissions_boundary="team")
    assert out.startswith("Let the permissions_boundary allow it (ec2messages:AcknowledgeMessage, ")
    assert "ssmmessages:OpenControlChannel), or set protect: false" in out
    power = "arn:aws:iam::aws:policy/PowerUserAccess"  # with NotAction
    assert good(anywhere(modules, *LOGS_AND_ECR, permissions_boundary=power))["changed"] is True


def _document(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_agents_that_live_on_policies_by_hand(modules: Modules, account: Client) -> None:
    """With no more than AWS's page says that they require."""
    trust = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    required = ["ecs:DiscoverPollEndpoint", "ecs:Poll", "ecs:RegisterContainerInstance", "ecs:Submit*"]
    agents = {"Effect": "Allow", "Action": [*required, "ssm:UpdateInstanceInformation"], "Resource": "*"}
    iam = account.boto("iam")
    iam.create_role(RoleName="ecsAnywhereRole", AssumeRolePolicyDocument=json.dumps(_document(trust)))
    text = json.dumps(_document(agents))
    iam.put_role_policy(RoleName="ecsAnywhereRole", PolicyName="hosts", PolicyDocument=text)
    _nodes(account, 1, "ecsAnywhereRole")
    good(modules.run("ecs_iam_policy", name="team", document=_document({**agents, "Action": "ec2:*"})))
    out = would_lose(modules, "the ECS agent, the SSM agent", permissions_boundary="team")
    assert out.startswith("Let the permissions_boundary allow it")


def test_a_boundary_that_leaves_an_agent_only_what_shows_it(modules: Modules, account: Client) -> None:
    """Online, and deaf: without its channels nobody can run a command on the host."""
    live(modules, account, *LOGS_AND_ECR)
    document = _document({"Effect": "Allow", "Action": ["ecs:*", "ecr:*", "logs:*", "ssm:*"], "Resource": "*"})
    good(modules.run("ecs_iam_policy", name="team", document=document))
    out = would_lose(modules, "the SSM agent", *LOGS_AND_ECR, permissions_boundary="team")
    assert out.startswith("Let the permissions_boundary allow it (ec2messages:AcknowledgeMessage, ")
    document["Statement"][0]["Action"] += ["ssmmessages:*", "ec2messages:*"]
    good(modules.run("ecs_iam_policy", name="wider", document=document))
    assert good(anywhere(modules, *LOGS_AND_ECR, permissions_boundary="wider"))["changed"] is True


def test_a_role_that_becomes_one_of_another_kind(modules: Modules, account: Client) -> None:
    """The task may call the role what it likes: nodes live on it."""
    live(modules, account)
    options: dict[str, Any] = {"kind": "container_instance", "role_name": "ecsAnywhereRole"}
    words = refused(modules, modules.run("ecs_iam_role", **options, instance_profile="no"))
    assert f"is not changed in its trust: managed nodes in {REGION} live on it" in words
    words = refused(modules, modules.run("ecs_iam_role", **options, state="absent", purge_policies=True))
    assert f"is not deleted: managed nodes in {REGION} live on it" in words


def test_no_node_no_loss(modules: Modules, account: Client) -> None:
    good(anywhere(modules, *LOGS_AND_ECR, "s3_config"))
    _nodes(account, 1, "other")
    assert good(anywhere(modules, **LEAST))["changed"] is True


def test_nodes_are_not_looked_for_when_nothing_is_taken(modules: Modules, account: Client) -> None:
    live(modules, account)
    assert good(anywhere(modules, *LOGS_AND_ECR, tags={"a": "b"}))["changed"] is True
    assert "ssm:DescribeInstanceInformation" not in modules.calls()


def test_a_loss_page_by_page(modules: Modules, account: Client) -> None:
    """One page of the nodes is enough."""
    good(anywhere(modules))
    _nodes(account, 120, "ecsAnywhereRole")
    modules.calls()
    words = refused(modules, anywhere(modules, **LEAST))
    assert words.count("mi-") == 3
    assert " and more. Keep " in words
    assert modules.calls()["ssm:DescribeInstanceInformation"] == 1


# Policies that are made earlier in the play ------------------------------------------------------------------------


def warned(result: dict[str, Any], words: str) -> bool:
    """It did not fail, and these words are in a warning."""
    return any(words in str(one) for one in good(result)["warnings"])


@pytest.mark.parametrize(
    "options",
    [
        {"features": LOGS_AND_ECR, "permissions_boundary": "team"},
        {**LEAST, "managed_policies": ["team"]},
    ],
    ids=["boundary", "attached"],
)
@pytest.mark.parametrize("protect", [True, False])
def test_check_mode_before_a_policy_is_made(
    modules: Modules, account: Client, options: dict[str, Any], protect: bool
) -> None:
    """What it allows is not known then, so it is no reason to refuse. What is lost whatever it allows still is one."""
    live(modules, account, *options.get("features", []))
    told = modules.check("ecs_iam_role", kind="anywhere", **options, protect=protect)
    assert warned(told, f": mi-656373{0:011x} (Online), unless {OWN} allows it once it is there")
    assert not any("is changed since protect is false" in str(one) for one in told["warnings"] if OWN in str(one))
    assert modules.writes() == 0
    if protect:
        shut = {"StringEquals": {"aws:SourceAccount": "999999999999"}}
        words = refused(modules, modules.check("ecs_iam_role", kind="anywhere", **options, trust_conditions=shut))
        assert "is not changed in its trust" in words
    document = _document({"Effect": "Allow", "Action": "*", "Resource": "*"})
    good(modules.run("ecs_iam_policy", name="team", document=document))
    assert good(modules.run("ecs_iam_role", kind="anywhere", **options))["changes"] == told["changes"]


def test_a_policy_that_is_there_is_judged_by_what_it_allows(modules: Modules, account: Client) -> None:
    """In check mode as well, beside another one that is not there yet."""
    live(modules, account, *LOGS_AND_ECR)
    document = _document({"Effect": "Allow", "Action": "ecs:*", "Resource": "*"})
    good(modules.run("ecs_iam_policy", name="team", document=document))
    modules.calls()
    options: dict[str, Any] = {"permissions_boundary": "team", "managed_policies": ["later"]}
    words = refused(modules, modules.check("ecs_iam_role", kind="anywhere", features=LOGS_AND_ECR, **options))
    assert "Let the permissions_boundary allow it" in words
