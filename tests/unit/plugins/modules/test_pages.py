# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS's pages of the ECS roles, each made with one task of nothing but ``kind``, ``features`` and who passes the role.

The documents stand here as the pages print them. What IAM holds afterwards must say the same, statement by statement.
Where a page is mistaken or wider than it need be, the row says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from emulator.client import REGION

if TYPE_CHECKING:
    from unit.plugins.conftest import Modules

    from emulator.client import Client

ACCOUNT = "123456789012"
OPERATOR = [{"type": "user", "name": "operator"}]


@dataclass
class Page:
    """What a page gives."""

    kind: str
    role: str
    trust: str
    attached: list[str]
    features: list[str] = field(default_factory=list)
    own: dict[str, str] = field(default_factory=dict)
    profiles: list[str] = field(default_factory=list)
    conditions: dict[str, Any] = field(default_factory=dict)
    """Of the trust document, where they are from another page of AWS."""
    pass_role: str = ""


POLICY = "arn:aws:iam::aws:policy/"
INFRASTRUCTURE_TRUST = """{ "Version": "2012-10-17", "Statement": [ { "Sid":
  "AllowAccessToECSForInfrastructureManagement", "Effect": "Allow", "Principal": { "Service": "ecs.amazonaws.com" },
  "Action": "sts:AssumeRole" } ] }"""
#: The page names every account; the role is in one.
INFRASTRUCTURE_PASS = """{ "Version": "2012-10-17", "Statement": [ { "Action": "iam:PassRole", "Effect": "Allow",
  "Resource": ["arn:aws:iam::123456789012:role/ecsInfrastructureRole"], "Condition": { "StringEquals":
  {"iam:PassedToService": "ecs.amazonaws.com"} } } ] }"""
LOGS = """{ "Version": "2012-10-17", "Statement": [ { "Effect": "Allow", "Action": [ "logs:CreateLogGroup",
  "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams" ], "Resource": ["arn:aws:logs:*:*:*"] } ] }"""
ECR = """{ "Version": "2012-10-17", "Statement": [ { "Effect": "Allow", "Action": [
  "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:GetAuthorizationToken" ],
  "Resource": "*" } ] }"""

PAGES = {
    "iam-role-ecsanywhere and iam-permissions of ECS Anywhere": Page(
        "anywhere",
        "ecsAnywhereRole",
        """{ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Principal":
        {"Service": [ "ssm.amazonaws.com" ]},
        "Action": "sts:AssumeRole" } }""",
        # One command of the page attaches both at once, which IAM does not know.
        [f"{POLICY}AmazonSSMManagedInstanceCore", f"{POLICY}service-role/AmazonEC2ContainerServiceforEC2Role"],
        # The page has none; those are of the Systems Manager guide.
        conditions={
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnEquals": {"aws:SourceArn": f"arn:aws:ssm:{REGION}:{ACCOUNT}:*"},
        },
    ),
    "instance_IAM_role": Page(
        "container_instance",
        "ecsInstanceRole",
        """{ "Version": "2012-10-17", "Statement": [ { "Effect": "Allow", "Principal": {
        "Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole" } ] }""",
        # The page names the first one AmazonEC2ContainerServiceRoleForEC2Role once, and its last command has the
        # policy for logs as arn:aws:iam:111122223333:aws:policy/: neither is there.
        [f"{POLICY}service-role/AmazonEC2ContainerServiceforEC2Role", f"{POLICY}AmazonS3ReadOnlyAccess"],
        features=["ecr_pull", "s3_config", "cloudwatch_logs"],
        own={"cwlogspolicy": LOGS, "ecsEcrPull": ECR},
        profiles=["ecsInstanceRole-profile"],
    ),
    "infrastructure_IAM_role, as it was": Page(
        "infrastructure",
        "ecsInfrastructureRole",
        INFRASTRUCTURE_TRUST,
        [
            f"{POLICY}service-role/AmazonECSInfrastructureRolePolicyForVolumes",
            f"{POLICY}service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity",
        ],
        features=["volumes", "service_connect_tls"],
        pass_role=INFRASTRUCTURE_PASS,
    ),
    "infrastructure_IAM_role": Page(
        "infrastructure",
        "ecsInfrastructureRole",
        INFRASTRUCTURE_TRUST,
        [
            f"{POLICY}service-role/AmazonECSInfrastructureRolePolicyForVolumes",
            f"{POLICY}service-role/AmazonECSInfrastructureRolePolicyForServiceConnectTransportLayerSecurity",
            f"{POLICY}AmazonECSInfrastructureRolePolicyForVpcLattice",
        ],
        features=["volumes", "service_connect_tls", "vpc_lattice"],
        pass_role=INFRASTRUCTURE_PASS,
    ),
}


def _said(document: Any) -> list[str]:
    """What a document says: one line for each action on each resource, or by each principal."""
    if isinstance(document, str):
        document = json.loads(unquote(document))
    lines = []
    for one in _list(document["Statement"]):
        for action in _list(one["Action"]):
            for about in _list(one.get("Resource") or one["Principal"]["Service"]):
                lines.append(f"{one['Effect']} {action} {about} {json.dumps(one.get('Condition'), sort_keys=True)}")
    return sorted(lines)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("title", PAGES)
def test_one_task_gives_what_the_page_gives(title: str, modules: Modules, account: Client) -> None:
    page, iam = PAGES[title], account.boto("iam")
    iam.create_user(UserName="operator")
    options = {"kind": page.kind, "features": page.features, "pass_role_to": OPERATOR if page.pass_role else []}
    assert modules.run("ecs_iam_role", **options)["changed"]

    role = iam.get_role(RoleName=page.role)["Role"]
    trust = json.loads(page.trust)
    if page.conditions:
        trust["Statement"]["Condition"] = page.conditions
    assert _said(role["AssumeRolePolicyDocument"]) == _said(trust)
    sids = [one.get("Sid") for one in _list(role["AssumeRolePolicyDocument"]["Statement"])]
    assert sids == [one.get("Sid") for one in _list(trust["Statement"])]

    attached = iam.list_attached_role_policies(RoleName=page.role)["AttachedPolicies"]
    assert sorted(one["PolicyArn"] for one in attached) == sorted(page.attached)
    held = {
        name: _said(iam.get_role_policy(RoleName=page.role, PolicyName=name)["PolicyDocument"])
        for name in iam.list_role_policies(RoleName=page.role)["PolicyNames"]
    }
    assert held == {name: _said(text) for name, text in page.own.items()}
    profiles = iam.list_instance_profiles_for_role(RoleName=page.role)["InstanceProfiles"]
    assert [one["InstanceProfileName"] for one in profiles] == page.profiles
    passing = {
        name: _said(iam.get_user_policy(UserName="operator", PolicyName=name)["PolicyDocument"])
        for name in iam.list_user_policies(UserName="operator")["PolicyNames"]
    }
    assert passing == ({f"ecsPassRole-{page.role}": _said(page.pass_role)} if page.pass_role else {})


def test_the_trust_document_of_the_page_to_the_letter(modules: Modules, account: Client) -> None:
    """Who wants the page's document, without the conditions of the other page, gets it."""
    modules.run("ecs_iam_role", kind="anywhere", trust_conditions="none")
    role = account.boto("iam").get_role(RoleName="ecsAnywhereRole")["Role"]
    page = PAGES["iam-role-ecsanywhere and iam-permissions of ECS Anywhere"]
    assert _said(role["AssumeRolePolicyDocument"]) == _said(page.trust)
