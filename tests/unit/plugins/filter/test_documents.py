# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters, as Ansible calls them: what they give is what the modules write, and what they refuse."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from module_docs import COLLECTION

from ansible_collections.onprem.ecs.plugins.doc_fragments import iam_role
from ansible_collections.onprem.ecs.plugins.filter import pass_role_document, permissions_document, trust_document
from ansible_collections.onprem.ecs.plugins.module_utils._catalog import KINDS, RESOURCES
from ansible_collections.onprem.ecs.plugins.module_utils._catalog_policies import POLICIES

ACCOUNT = "123456789012"
HERE: dict[str, Any] = {"account": ACCOUNT, "regions": ["eu-west-1"]}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/app"

FILTERS = {
    **trust_document.FilterModule().filters(),
    **permissions_document.FilterModule().filters(),
    **pass_role_document.FilterModule().filters(),
}
trust, permissions, pass_role = (FILTERS[f"{name}_document"] for name in ("trust", "permissions", "pass_role"))


def test_trust() -> None:
    assert trust("anywhere", ACCOUNT, ["eu-west-1", "eu-central-1"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ssm.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": ACCOUNT},
                    "ArnEquals": {
                        "aws:SourceArn": [
                            f"arn:aws:ssm:eu-central-1:{ACCOUNT}:*",
                            f"arn:aws:ssm:eu-west-1:{ACCOUNT}:*",
                        ]
                    },
                },
            }
        ],
    }


@pytest.mark.parametrize(
    ("kind", "options", "service"),
    [
        ("infrastructure", {}, "ecs.amazonaws.com"),
        ("container_instance", {"regions": "cn-north-1"}, "ec2.amazonaws.com.cn"),
        ("container_instance", {"partition": "aws-cn"}, "ec2.amazonaws.com.cn"),
        ("codedeploy", {"regions": ["cn-north-1"]}, "codedeploy.cn-north-1.amazonaws.com.cn"),
        ("codedeploy", {"regions": ["us-gov-west-1"]}, "codedeploy.amazonaws.com"),
    ],
)
def test_trust_of_services(kind: str, options: dict[str, Any], service: str) -> None:
    assert trust(kind, ACCOUNT, **options)["Statement"][0]["Principal"] == {"Service": service}


def test_trust_with_other_conditions() -> None:
    assert "Condition" not in trust("anywhere", ACCOUNT, conditions="none")["Statement"][0]
    block = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert trust("anywhere", ACCOUNT, conditions=block)["Statement"][0]["Condition"] == block


def test_the_partition_follows_from_the_region() -> None:
    assert '"arn:aws-us-gov:ssm:us-gov-west-1:' in json.dumps(trust("anywhere", ACCOUNT, ["us-gov-west-1"]))
    made = permissions("ecr_pull", ACCOUNT, ["cn-north-1"], repositories=["a/b"])
    assert made["Statement"][0]["Resource"] == f"arn:aws-cn:ecr:cn-north-1:{ACCOUNT}:repository/a/b"


@pytest.mark.parametrize("kind", POLICIES)
def test_every_policy(kind: str) -> None:
    named = {
        "s3_objects": ["bucket/key"],
        "secrets": ["app"],
        "lambda_functions": ["hook"],
        "roles": ["app"],
    }
    options: dict[str, Any] = {option: named[option] for option in POLICIES[kind].needs if option in named}
    if kind == "pass_role":
        options["role_kind"] = "task"
    made = permissions(kind, **HERE, **options)
    assert made["Version"] == "2012-10-17"
    assert made["Statement"]


def test_pass_role() -> None:
    made = pass_role(ROLE, kind="task_execution")
    assert made == pass_role([ROLE, ROLE], service="ecs-tasks.amazonaws.com")
    assert made["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": ROLE,
            "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        }
    ]
    china = pass_role(ROLE.replace("arn:aws:", "arn:aws-cn:"), kind="container_instance")
    assert china["Statement"][0]["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com.cn"}}
    managed = pass_role(ROLE, kind="managed_instance")
    assert managed["Statement"][0]["Condition"] == {"StringLike": {"iam:PassedToService": "ec2.*"}}


@pytest.mark.parametrize(
    ("name", "value", "options", "words"),
    [
        ("trust", "anything", HERE, "the value: 'anything' is none of the kinds of roles: anywhere, codedeploy"),
        ("trust", ["anywhere"], HERE, "is none of the kinds of roles"),
        ("trust", "anywhere", {"account": ACCOUNT}, "regions: the trust document of kind anywhere names the Regions"),
        ("trust", "codedeploy", {"account": ACCOUNT, "partition": "aws-cn"}, "names the Regions, give at least one"),
        ("trust", "anywhere", {**HERE, "account": "12"}, "account: '12' is not the number of an account, 12 digits"),
        ("trust", "anywhere", {**HERE, "account": "\u0661" * 12}, "is not the number of an account, 12 digits"),
        ("trust", "anywhere", {**HERE, "regions": ["Ireland"]}, "'Ireland' is not the name of a Region"),
        ("trust", "anywhere", {**HERE, "regions": {"a": 1}}, "is neither a text nor a list of texts"),
        ("trust", "anywhere", {**HERE, "partition": "aws-cn"}, "eu-west-1 is not in the partition aws-cn"),
        ("trust", "anywhere", {**HERE, "partition": "China"}, "partition: 'China' is none such as aws, aws-cn"),
        ("trust", "anywhere", {**HERE, "regions": ["eu-west-1", "cn-north-1"]}, "cn-north-1 is not in the partition"),
        ("trust", "anywhere", {**HERE, "conditions": "strict"}, "conditions: documented, none, or a block"),
        ("trust", "anywhere", {**HERE, "conditions": {"StringEquals": "x"}}, "conditions: documented, none, or a"),
        ("permissions", "everything", HERE, "kind 'everything' is none of the policies of the catalogue: cloudwatch"),
        ("permissions", "secrets", HERE, "kind secrets needs secrets or parameters"),
        ("permissions", "exec", {**HERE, "clusters": ["a"]}, "clusters: kind exec is not limited to it"),
        ("permissions", "exec", {**HERE, "cluster": ["a"]}, "cluster: there is no such option; there are clusters,"),
        ("permissions", "task_execution", {"account": ACCOUNT}, "regions: the document of kind task_execution"),
        ("permissions", "secrets", {"account": ACCOUNT, "secrets": ["db"]}, "names the Regions, give at least one"),
        ("permissions", "ecr_pull", {**HERE, "repositories": [1]}, "repositories: [1] is neither a text nor a list"),
        ("permissions", "ecr_pull", {**HERE, "repositories": "A"}, "repositories: 'A' is neither a name such as team"),
        ("permissions", "operator", {**HERE, "roles": ["*"]}, "roles: '*' stands for more than one role"),
        ("permissions", "pass_role", {**HERE, "roles": ["a"]}, "needs role_kind, the kind of the roles"),
        ("permissions", "pass_role", {**HERE, "roles": ["a"], "role_kind": "x"}, "needs role_kind, the kind of"),
        ("permissions", "pass_role", {**HERE, "roles": ["a"], "role_kind": ["task"]}, "needs role_kind, the kind of"),
        ("pass_role", "*", {"kind": "task"}, "a wildcard would let other roles be passed"),
        ("pass_role", f"{ROLE}*", {"kind": "task"}, "must be exact ARNs of roles"),
        ("pass_role", [ROLE, "arn:aws:iam::*:role/app"], {"kind": "task"}, "must be exact ARNs of roles"),
        ("pass_role", "app", {"kind": "task"}, "must be exact ARNs of roles such as arn:aws:iam::123456789012:role/"),
        ("pass_role", [], {"kind": "task"}, "must be exact ARNs of roles"),
        ("pass_role", None, {"kind": "task"}, "the value: None is neither a text nor a list of texts"),
        ("pass_role", [ROLE, ROLE.replace("aws", "aws-cn", 1)], {"kind": "task"}, "more than one partition: aws, aws-"),
        ("pass_role", ROLE, {}, "kind and service: give one of them"),
        ("pass_role", ROLE, {"kind": "task", "service": "ecs.amazonaws.com"}, "kind and service: give one of them"),
        ("pass_role", ROLE, {"kind": "x"}, "kind: 'x' is none of the kinds of roles"),
        ("pass_role", ROLE, {"service": "*"}, "service: '*' is not the principal of a service, such as ecs.amazonaws"),
        ("pass_role", ROLE, {"service": []}, "service: '' is not the principal of a service"),
        ("pass_role", ROLE.replace("aws", "aws-cn", 1), {"kind": "codedeploy"}, "one service for each Region, name th"),
    ],
)
def test_refusals(name: str, value: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError) as raised:
        FILTERS[f"{name}_document"](value, **options)
    assert words in str(raised.value)
    assert str(raised.value).startswith(f"onprem.ecs.{name}_document: ")


# What the documentation says ---------------------------------------------------------------------------------------


def documentation(name: str) -> dict[str, Any]:
    """A filter's ``DOCUMENTATION``, with the options of its fragments."""
    source = ast.parse((COLLECTION / "plugins/filter" / f"{name}.py").read_text(encoding="utf-8"))
    texts = [ast.literal_eval(n.value) for n in source.body if isinstance(n, ast.Assign) and "name: " in ast.dump(n)]
    found: dict[str, Any] = yaml.safe_load(texts[0])
    for fragment in found.get("extends_documentation_fragment", []):
        assert fragment.startswith("onprem.ecs.iam_role."), fragment
        text = getattr(iam_role.ModuleDocFragment, fragment.rpartition(".")[2].upper())
        found["options"].update(yaml.safe_load(text)["options"])
    return found


@pytest.mark.parametrize("path", sorted((COLLECTION / "plugins/filter").glob("[!_]*.py")), ids=lambda path: path.stem)
def test_a_file_has_the_filter_of_its_name(path: Path) -> None:
    assert path.stem in FILTERS
    assert documentation(path.stem)["name"] == path.stem


def test_kinds_and_resources_are_documented() -> None:
    assert documentation("trust_document")["options"]["_input"]["choices"] == sorted(KINDS)
    assert documentation("pass_role_document")["options"]["kind"]["choices"] == sorted(KINDS)
    known = documentation("permissions_document")["options"]
    assert known["_input"]["choices"] == sorted(POLICIES)
    assert set(known) == {"_input", "account", "regions", "partition", "role_kind", *RESOURCES}
