# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policies of the catalogue against AWS's own data, the linter of the field, and what AWS's pages give."""

from __future__ import annotations

from typing import Any

import pytest
from readme_blocks import policy
from unit.plugins.module_utils import test__catalog
from unit.plugins.module_utils._roles import ACCOUNT, REGIONS
from unit.plugins.module_utils._roles import RESOURCES as NAMED

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _policy
from ansible_collections.onprem.ecs.plugins.module_utils._catalog import KINDS, Statement
from ansible_collections.onprem.ecs.plugins.module_utils._catalog_policies import MAX_POLICY, POLICIES
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import Where
from ansible_collections.onprem.ecs.plugins.module_utils._iam_policy_wanted import kind_document
from ansible_collections.onprem.ecs.plugins.module_utils._policy import as_list

RESOURCES: dict[str, Any] = {**NAMED, "roles": ["team/ecsTaskExecutionRole"]}
STATEMENTS = [(name, one) for name, kind in POLICIES.items() for one in kind.statements]

#: facts of AWS's pages: what each policy allows, and on what, when no resource is named
PAGES: dict[str, list[tuple[set[str], str | list[str]]]] = {
    "cloudwatch_logs": [
        (
            {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"},
            "arn:aws:logs:*:*:*",
        )
    ],
    "ecr_pull": [
        ({"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}, "*"),
        ({"ecr:GetAuthorizationToken"}, "*"),
    ],
    "exec": [
        (
            {
                "ssmmessages:CreateControlChannel",
                "ssmmessages:CreateDataChannel",
                "ssmmessages:OpenControlChannel",
                "ssmmessages:OpenDataChannel",
            },
            "*",
        )
    ],
}


def document(kind: str, partition: str = "aws", named: bool = True, role_kind: str = "task") -> dict[str, Any]:
    """The document of a kind, with every resource that it is limited to, or with those only that it needs."""
    known = POLICIES[kind]
    options = {option: RESOURCES[option] for option in known.uses if named or option in known.needs}
    if known.passes_roles:
        options["role_kind"] = role_kind
    return kind_document(kind, options, Where(partition, ACCOUNT, (REGIONS[partition],)))


def test_names_are_unique() -> None:
    names = [kind.default_name for kind in POLICIES.values()]
    assert len(set(names)) == len(names)
    assert POLICIES["cloudwatch_logs"].default_name == "cwlogspolicy"


@pytest.mark.parametrize("kind", POLICIES)
def test_pages_are_addresses_of_aws(kind: str) -> None:
    test__catalog.test_pages_are_addresses_of_aws(
        POLICIES[kind].page.replace("/IAM/latest/UserGuide/", "/IAM/latest/x/")
    )


@pytest.mark.parametrize("kind", POLICIES)
def test_what_is_needed_is_used(kind: str) -> None:
    assert set(POLICIES[kind].needs) <= POLICIES[kind].uses <= set(_catalog.RESOURCES)


@pytest.mark.parametrize(("kind", "statement"), STATEMENTS)
def test_actions_and_resources_are_those_of_the_authorization_reference(kind: str, statement: Statement) -> None:
    test__catalog.test_actions_and_resources_are_those_of_the_authorization_reference(kind, statement)


@pytest.mark.parametrize("kind", PAGES)
def test_the_pages_are_reproduced(kind: str) -> None:
    made = [(set(as_list(one["Action"])), one["Resource"]) for one in document(kind, named=False)["Statement"]]
    assert made == PAGES[kind]


@pytest.mark.parametrize("partition", REGIONS)
@pytest.mark.parametrize("kind", POLICIES)
def test_every_document_fits(kind: str, partition: str) -> None:
    assert _policy.size(document(kind, partition)) <= MAX_POLICY


@pytest.mark.parametrize("partition", REGIONS)
@pytest.mark.parametrize("kind", POLICIES)
def test_every_arn_is_of_the_partition(kind: str, partition: str) -> None:
    for one in document(kind, partition)["Statement"]:
        for arn in as_list(one["Resource"]):
            assert arn == "*" or arn.startswith(f"arn:{partition}:")


@pytest.mark.parametrize("kind", POLICIES)
def test_what_can_be_limited_is_when_it_is_named(kind: str) -> None:
    for one in document(kind)["Statement"]:
        if one["Resource"] == "*":
            statement = Statement("", tuple(as_list(one["Action"])))
            test__catalog.test_actions_and_resources_are_those_of_the_authorization_reference(kind, statement)


@pytest.mark.parametrize("role_kind", KINDS)
@pytest.mark.parametrize("partition", REGIONS)
def test_roles_are_passed_to_the_service_of_their_kind(role_kind: str, partition: str) -> None:
    (statement,) = document("pass_role", partition, role_kind=role_kind)["Statement"]
    assert statement["Action"] == "iam:PassRole"
    assert statement["Resource"] == f"arn:{partition}:iam::{ACCOUNT}:role/team/ecsTaskExecutionRole"
    ((operator, condition),) = statement["Condition"].items()
    service = condition["iam:PassedToService"]
    if role_kind == "managed_instance":
        assert (operator, service) == ("StringLike", "ec2.*")
    elif partition == "aws":
        assert (operator, service) == ("StringEquals", KINDS[role_kind].service)
    else:
        assert operator == "StringEquals"


def test_an_operator_changes_nothing_of_iam() -> None:
    actions = {action for one in document("operator")["Statement"] for action in as_list(one["Action"])}
    of_iam = {action for action in actions if action.startswith("iam:")}
    assert all(action.startswith(("iam:Get", "iam:List")) for action in of_iam - {"iam:PassRole"})
    assert not any("*" in action for action in actions)


def test_an_operator_passes_only_the_roles_named_and_only_to_ssm() -> None:
    made = document("operator")
    (passing,) = [one for one in made["Statement"] if "iam:PassRole" in as_list(one["Action"])]
    assert passing["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/team/ecsTaskExecutionRole"
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}}


def test_an_operator_may_all_that_the_readme_says_for_the_playbook() -> None:
    """But for the statements on the account's own things, which are of those who keep the roles and clusters."""
    statements = policy("controller")["Statement"]
    needed = {action for one in statements if not one["Sid"].startswith("Account") for action in one["Action"]}
    assert needed
    assert needed <= {action for one in document("operator")["Statement"] for action in as_list(one["Action"])}
