# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The linter of the field, parliament, has nothing to say about any document that the collection makes for a role."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest
from unit.plugins.module_utils._roles import Role, every_policy, every_role

from ansible_collections.onprem.ecs.plugins.module_utils import _policy
from ansible_collections.onprem.ecs.plugins.module_utils._catalog_policies import POLICIES

with warnings.catch_warnings():
    # parliament 1.6.4, its last release, finds its data by pkg_resources, which warns that it is going away.
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", UserWarning)
    import parliament  # type: ignore[import-untyped]  # it has no type information


class Document(NamedTuple):
    """A document as it would be sent to IAM."""

    role: str
    """The role that it is for, in words."""
    policy: str
    """The name of the inline policy, ``trust``, or ``pass role``."""
    text: str


class Finding(NamedTuple):
    """What the linter says."""

    policy: str
    issue: str
    about: str
    """The actions, sorted, in one text; or the details."""


#: Findings that are facts of AWS and no mistake; each with its reason.
EXPLAINED = {
    Finding("trust", "CREDENTIALS_EXPOSURE", "sts:assumerole"): (
        "a trust document lets a service have credentials of the role: that is what it is for"
    ),
    **{
        Finding(policy, "CREDENTIALS_EXPOSURE", "ecr:getauthorizationtoken"): (
            "Docker logs in to ECR with this token; it can do no more than the role itself"
        )
        for policy in ("ecsEcrPull", "ecsTaskExecution", "ecsEcrEndpoint")
    },
    **{
        Finding(policy, "PERMISSIONS_MANAGEMENT_ACTIONS", "iam:passrole"): (
            "to let its holder pass a role is what the document is for; it names the role and the service"
        )
        for policy in ("pass role", "ecsPassRole", "ecsOperator")
    },
    Finding(
        "ecsEcrPull", "RESOURCE_STAR", "ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer"
    ): (
        "permissions: managed without repositories is what AWS's page gives: its instance_IAM_role.html has `*`, and "
        "least_privilege or a name in repositories is there to limit it"
    ),
}


@cache
def documents() -> tuple[Document, ...]:
    """Every document once: most roles share some."""
    found: dict[str, Document] = {}
    for role in every_role():
        for policy, text in _documents_of(role):
            found.setdefault(policy + text, Document(str(role), policy, text))
    for alone in every_policy():
        policy, text = POLICIES[alone.kind].default_name, _policy.compact(alone.document())
        found.setdefault(policy + text, Document(str(alone), policy, text))
    return tuple(found.values())


def _documents_of(role: Role) -> Iterator[tuple[str, str]]:
    wanted = role.wanted()
    yield "trust", _policy.compact(wanted.trust)
    yield "pass role", _policy.compact(_policy.pass_role([wanted.arn], sorted(_policy.trusted_services(wanted.trust))))
    for policy, document in wanted.inline.items():
        yield policy, _policy.compact(document)


def lint(document: Document) -> set[Finding]:
    """What parliament finds.

    It knows no trust documents: these get the resource that IAM thinks of, the role. Nor does it know that the account
    of AWS's own policies is called ``aws``, and would look no further: that gets a number.
    """
    text = document.text.replace(":iam::aws:policy/", ":iam::123456789012:policy/")
    if document.policy == "trust":
        parsed = json.loads(text)
        for statement in parsed["Statement"]:
            statement["Resource"] = "arn:aws:iam::123456789012:role/ours"
        text = json.dumps(parsed)
    found = parliament.analyze_policy_string(text, include_community_auditors=True).findings
    return {Finding(document.policy, one.issue, _about(one)) for one in found}


def _about(finding: Any) -> str:
    about = finding.location.get("actions") if isinstance(finding.location, dict) else None
    detail = about or finding.detail or ""
    return " ".join(sorted(map(str, detail))) if isinstance(detail, list) else str(detail)


@cache
def findings() -> dict[Finding, str]:
    """All findings, each with the first role that has it."""
    found: dict[Finding, str] = {}
    for document in documents():
        for finding in lint(document):
            found.setdefault(finding, f"{document.role}: {document.text}")
    return found


def test_no_document_has_a_finding() -> None:
    found = [f"{finding}: {where}" for finding, where in findings().items() if finding not in EXPLAINED]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("finding", EXPLAINED, ids=lambda one: f"{one.policy}-{one.issue}")
def test_every_exemption_is_needed(finding: Finding) -> None:
    assert finding in findings(), f"no longer found, so it needs no reason: {EXPLAINED[finding]}"


def test_all_that_is_made_is_looked_at() -> None:
    """Trust in three partitions, and every policy of the catalogue's own."""
    policies = {document.policy for document in documents()}
    from_catalogue = {name for role in every_role() for name in role.wanted().ours_inline}
    assert policies == {"trust", "pass role"} | from_catalogue | {policy.default_name for policy in POLICIES.values()}
    assert {document.role.rpartition("-unnamed-")[2] for document in documents()} >= {"aws", "aws-cn", "aws-us-gov"}


STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/key"}
FROM_ACCOUNT = {"StringEquals": {"aws:SourceAccount": "123456789012"}}


@pytest.mark.parametrize(
    ("policy", "change", "issue"),
    [
        ("p", {"Action": "s3:GetObjects"}, "UNKNOWN_ACTION"),
        ("p", {"Resource": "*"}, "RESOURCE_STAR"),
        ("p", {"Resource": "arn:aws:s3:::bucket"}, "RESOURCE_MISMATCH"),
        ("p", {"Condition": {"StringEquals": {"s3:bucket": "x"}}}, "UNKNOWN_CONDITION_FOR_ACTION"),
        ("p", {"Condition": {"StringLooksLike": {"aws:SourceAccount": "x"}}}, "UNKNOWN_OPERATOR"),
        ("p", {"Action": "iam:*", "Resource": "*"}, "PRIVILEGE_ESCALATION"),
        ("p", {"Sid": "not-allowed"}, "INVALID_SID"),
        ("trust", {"Action": "sts:AssumeRole", "Principal": {"AWS": "everybody"}}, "UNKNOWN_PRINCIPAL"),
        ("trust", {"Action": "sts:Assume", "Principal": {"Service": "ecs.amazonaws.com"}}, "UNKNOWN_ACTION"),
        (
            "trust",
            {
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "ecs.amazonaws.com"},
                "Condition": {"Bool": {"aws:SecureTransport": "perhaps"}, **FROM_ACCOUNT},
            },
            "MISMATCHED_TYPE_OPERATION_TO_NULL",
        ),
    ],
)
def test_the_linter_finds_what_is_wrong(policy: str, change: dict[str, Any], issue: str) -> None:
    """Otherwise that it finds nothing would say nothing."""
    bad = {**copy.deepcopy(STATEMENT), **change}
    text = json.dumps({"Version": "2012-10-17", "Statement": [bad]})
    assert issue in {finding.issue for finding in lint(Document("", policy, text))}
