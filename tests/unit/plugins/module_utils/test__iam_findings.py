# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each finding appears for what it is about, and none for roles as ``ecs_iam_role`` makes them."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from module_docs import COLLECTION
from unit.plugins.module_utils._roles import ACCOUNT, REGIONS, Role, every_role

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _iam_findings, _iam_plan, _iam_wanted
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import Where
from ansible_collections.onprem.ecs.plugins.module_utils._iam_plan import Found
from ansible_collections.onprem.ecs.plugins.module_utils._iam_principal import Principal
from ansible_collections.onprem.ecs.plugins.module_utils._iam_subject import OwnPolicy, Passer, Subject, recognise

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
OWN = f"arn:aws:iam::{ACCOUNT}:policy/team/own"
CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
S3_READ = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
EC2_ROLE = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
OPERATOR = Principal("user", "operator")

Change = Callable[[dict[str, Any]], None]


def made(role: Role) -> Subject:
    """The role as ``ecs_iam_role`` makes it, declared as it is."""
    wanted, region = role.wanted(), REGIONS[role.partition]
    found = _iam_plan.becomes(wanted, None)
    return Subject(
        name=wanted.name,
        found=replace(found, role={**found.role, "CreateDate": NOW - timedelta(days=1)}),
        where=Where(role.partition, ACCOUNT, (region,)),
        now=NOW,
        kind_name=role.kind,
        wanted=wanted,
    )


def subject(kind: str = "anywhere", *, features: tuple[str, ...] = (), least: bool = False, **options: Any) -> Subject:
    """A declared role of a kind, as made."""
    good = made(Role(kind, features, "least_privilege" if least else "managed", False, "aws"))
    if not options:
        return good
    role = Role(kind, features, "least_privilege" if least else "managed", False, "aws").options() | options
    wanted = _iam_wanted.wanted(role, good.where)
    return replace(good, name=wanted.name, wanted=wanted, found=_iam_plan.becomes(wanted, None))


def changed(one: Subject, **parts: Any) -> Subject:
    """With other parts of what was found."""
    return replace(one, found=replace(one.found, **parts))


def trusting(one: Subject, **statement: Any) -> Subject:
    """With one more statement in the trust document."""
    trust = copy.deepcopy(one.found.trust)
    trust["Statement"].append({"Effect": "Allow", "Action": "sts:AssumeRole", **statement})
    return changed(one, role={**one.found.role, "AssumeRolePolicyDocument": trust})


def trusted(one: Subject, **parts: Any) -> Subject:
    """With its trust statement changed; None takes a part away."""
    trust = copy.deepcopy(one.found.trust)
    statement = {**trust["Statement"][0], **parts}
    trust["Statement"] = [{key: value for key, value in statement.items() if value is not None}]
    return changed(one, role={**one.found.role, "AssumeRolePolicyDocument": trust})


def document(*actions: str, resource: Any = "*", version: str | None = "2012-10-17", **more: Any) -> dict[str, Any]:
    """A permissions document with one statement."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}
    return {**({"Version": version} if version else {}), "Statement": [statement]}


def inline(one: Subject, permissions: dict[str, Any], name: str = "mine") -> Subject:
    """With one more inline policy."""
    return changed(one, inline={**one.found.inline, name: permissions})


def attached(one: Subject, *arns: str) -> Subject:
    """With more managed policies."""
    return changed(one, attached={**one.found.attached, **{arn: arn.rpartition("/")[2] for arn in arns}})


def with_own(one: Subject, permissions: dict[str, Any], version: str = "v1", latest: str = "v1") -> Subject:
    """With a managed policy of the account's own."""
    return replace(attached(one, OWN), own={OWN: OwnPolicy(OWN, permissions, version, latest)})


def undeclared(one: Subject) -> Subject:
    """The same role without a declaration."""
    return replace(one, wanted=None, passing={}, passers=())


def passed(one: Subject, passer: Passer) -> Subject:
    """With a principal that is declared to pass it."""
    options = Role("task_execution", (), "managed", False, "aws").options()
    options["pass_role_to"] = [{"type": OPERATOR.type, "name": OPERATOR.name, "state": "present"}]
    return replace(one, passing=dict(_iam_wanted.pass_role(options, one.arn, one.where)), passers=(passer,))


def used(one: Subject, **role: Any) -> Subject:
    """With other dates."""
    return changed(one, role={**one.found.role, **role})


PASS = "iam:PassRole"
TO_ECS = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
TOKEN = _catalog.ECR_TOKEN.actions
EXECUTION = subject("task_execution")
RIGHT = document(PASS, resource=EXECUTION.arn, Condition=TO_ECS)
#: What AWS's page says that the ECS agent requires, as people write it.
ECS_AGENT = ("ecs:DiscoverPollEndpoint", "ecs:Poll", "ecs:RegisterContainerInstance", "ecs:Submit*")
ELSEWHERE = "arn:aws:iam::999999999999:root"
SOURCE = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:*"


def source_arn(operator: str, value: str) -> Subject:
    """A trust document with this condition besides the account's."""
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, operator: {"aws:SourceArn": value}}
    if operator == "StringEquals":
        condition = {operator: {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": value}}
    return trusted(subject(), Condition=condition)


#: What is wrong, the finding, its severity, and words of the sentence.
WRONG: dict[str, tuple[Subject, str, str, str]] = {
    "another service instead": (
        trusted(subject(), Principal={"Service": "ec2.amazonaws.com"}),
        "trust_missing",
        "high",
        "ssm.amazonaws.com may not",
    ),
    "another action": (trusted(subject(), Action="sts:TagSession"), "trust_missing", "high", "ssm.amazonaws.com"),
    "everybody": (trusting(subject(), Principal="*"), "trust_too_wide", "high", "everybody may"),
    "everybody with a condition": (
        trusting(subject(), Principal={"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        "trust_too_wide",
        "medium",
        "everybody may",
    ),
    "another account": (trusting(subject(), Principal={"AWS": ELSEWHERE}), "trust_too_wide", "high", "another account"),
    "its number": (trusting(subject(), Principal={"AWS": "999999999999"}), "trust_too_wide", "high", "another account"),
    "a user": (
        trusting(subject(), Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/me"}),
        "trust_too_wide",
        "medium",
        "user/me may",
    ),
    "all but some": (trusting(subject(), NotPrincipal={"AWS": ELSEWHERE}), "trust_too_wide", "high", "everybody but"),
    "another service": (
        trusting(subject(), Principal={"Service": "lambda.amazonaws.com"}),
        "trust_too_wide",
        "medium",
        "lambda.amazonaws.com",
    ),
    "federated": (
        trusting(subject(), Principal={"Federated": "accounts.google.com"}),
        "trust_too_wide",
        "medium",
        "accounts.google.com",
    ),
    "unknown kind, everybody": (
        trusting(replace(undeclared(subject()), kind_name=None), Principal="*"),
        "trust_too_wide",
        "high",
        "everybody",
    ),
    "no condition": (
        trusted(subject(), Condition=None),
        "trust_condition_missing",
        "medium",
        "aws:SourceAccount and aws:SourceArn",
    ),
    "one condition": (
        trusted(subject(), Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
        "trust_condition_missing",
        "low",
        "aws:SourceArn",
    ),
    "a condition on another account": (
        trusted(subject(), Condition={"StringEquals": {"aws:SourceAccount": [ACCOUNT, "999999999999"]}}),
        "trust_condition_missing",
        "medium",
        "aws:SourceAccount",
    ),
    "a condition that need not hold": (
        trusted(subject(), Condition={"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}),
        "trust_condition_missing",
        "medium",
        "aws:SourceAccount",
    ),
    "declared without": (
        subject(trust_conditions="none"),
        "trust_condition_missing",
        "info",
        "aws:SourceAccount",
    ),
    "an ARN without partition": (
        source_arn("ArnLike", f"arn:aws::ssm:eu-west-1:{ACCOUNT}:*"),
        "malformed_arn_condition",
        "medium",
        "has no ARN",
    ),
    "an ARN with too few parts": (
        source_arn("ArnEquals", f"arn:aws:iam:{ACCOUNT}:aws"),
        "malformed_arn_condition",
        "medium",
        "has no ARN",
    ),
    "an ARN of another partition": (
        source_arn("ArnLike", SOURCE.replace("aws", "aws-cn", 1)),
        "malformed_arn_condition",
        "medium",
        "another partition than aws",
    ),
    "wildcards as letters": (source_arn("StringEquals", SOURCE), "malformed_arn_condition", "medium", "for letters"),
    "a cluster in a task's trust": (
        trusted(
            subject("task"),
            Condition={"ArnLike": {"aws:SourceArn": f"arn:aws:ecs:eu-west-1:{ACCOUNT}:cluster/shop"}},
        ),
        "malformed_arn_condition",
        "medium",
        "names a cluster",
    ),
    "an ARN in a policy": (
        inline(subject(), document("ecs:Poll", Condition={"ArnEquals": {"ecs:cluster": "shop"}})),
        "malformed_arn_condition",
        "medium",
        "ecs:cluster of the inline policy mine",
    ),
    "not attached": (changed(subject(), attached={}), "policy_missing", "high", "AmazonSSMManagedInstanceCore is not"),
    "not inline": (changed(subject(least=True), inline={}), "policy_missing", "high", "ecsAnywhereAgents is not"),
    "nothing, undeclared": (
        undeclared(changed(subject(), attached={})),
        "policy_missing",
        "high",
        "AmazonEC2ContainerServiceforEC2Role for the ECS agent",
    ),
    "an own policy that is too little": (
        undeclared(inline(changed(subject(), attached={CORE: "x"}), document("ecs:Poll", "ecs:Submit*"))),
        "policy_missing",
        "high",
        "not there: service-role/AmazonEC2ContainerServiceforEC2Role for the ECS agent",
    ),
    "an instance's agent": (
        undeclared(changed(subject("container_instance"), attached={})),
        "policy_missing",
        "high",
        "for the ECS agent",
    ),
    "one of two, undeclared": (
        undeclared(changed(subject(), attached={EC2_ROLE: "x"})),
        "policy_missing",
        "high",
        "not there: AmazonSSMManagedInstanceCore",
    ),
    "no feature, undeclared": (undeclared(subject("infrastructure")), "policy_missing", "high", "no policy at all"),
    "a task that may nothing": (undeclared(subject("task")), "policy_missing", "low", "no policy at all"),
    "changed by hand": (
        inline(subject(least=True), document("ecs:Poll"), "ecsAnywhereAgents"),
        "policy_changed",
        "medium",
        "ecsAnywhereAgents is not",
    ),
    "more actions, undeclared": (
        undeclared(inline(subject(), document(*_catalog.ECR_LAYERS, *TOKEN, "ecr:PutImage"), "ecsEcrPull")),
        "policy_changed",
        "medium",
        "ecsEcrPull is not",
    ),
    "fewer actions, undeclared": (
        undeclared(inline(subject(), document(*_catalog.ECR_LAYERS), "ecsEcrPull")),
        "policy_changed",
        "medium",
        "ecsEcrPull is not",
    ),
    "administrator": (
        attached(subject(), "arn:aws:iam::aws:policy/AdministratorAccess"),
        "permissions_too_wide",
        "high",
        "AdministratorAccess",
    ),
    "full access": (
        attached(subject(), "arn:aws:iam::aws:policy/AmazonS3FullAccess"),
        "permissions_too_wide",
        "high",
        "AmazonS3FullAccess",
    ),
    "declared, and full access all the same": (
        subject(managed_policies=["arn:aws:iam::aws:policy/AmazonS3FullAccess"]),
        "permissions_too_wide",
        "high",
        "AmazonS3FullAccess",
    ),
    "every object of every bucket": (attached(subject(), S3_READ), "permissions_too_wide", "medium", "every bucket"),
    "managed, undeclared": (
        undeclared(subject()),
        "permissions_too_wide",
        "low",
        "AmazonEC2ContainerServiceforEC2Role",
    ),
    "everything": (inline(subject(), document("*")), "permissions_too_wide", "high", "mine allows * on all"),
    "a whole service": (inline(subject(), document("S3:*")), "permissions_too_wide", "high", "mine allows s3:*"),
    "a whole service, by its ARN": (
        inline(subject(), document("iam:*", resource="arn:aws:iam::*:*")),
        "permissions_too_wide",
        "high",
        "mine allows iam:*",
    ),
    "a whole service, in all Regions": (
        inline(subject(), document("logs:*", resource="arn:aws:logs:*:123456789012:*")),
        "permissions_too_wide",
        "high",
        "mine allows logs:*",
    ),
    "a whole service, sometimes": (
        inline(subject(), document("s3:*", Condition={"Bool": {"aws:SecureTransport": "true"}})),
        "permissions_too_wide",
        "medium",
        "s3:*",
    ),
    "all but some actions": (
        inline(subject(), {"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}),
        "permissions_too_wide",
        "high",
        "all actions but some",
    ),
    "everything in an own policy": (with_own(subject(), document("*")), "permissions_too_wide", "high", OWN),
    "besides, attached": (attached(subject(), OWN), "policy_not_documented", "info", OWN),
    "besides, inline": (inline(subject(), document("s3:GetObject")), "policy_not_documented", "info", "mine is there"),
    "not in force": (
        with_own(subject(), document("s3:GetObject"), "v9", "v10"),
        "policy_version_stale",
        "low",
        "v9 of the policy",
    ),
    "the old language": (
        inline(subject(), document("s3:GetObject", version="2008-10-17")),
        "policy_version_stale",
        "low",
        "language of 2008-10-17",
    ),
    "no language": (
        with_own(subject(), document("s3:GetObject", version=None)),
        "policy_version_stale",
        "low",
        "language of 2008-10-17",
    ),
    "in another profile": (
        changed(subject("container_instance"), profiles=("other",)),
        "profile_missing",
        "high",
        "ours-profile",
    ),
    "in no profile": (
        undeclared(changed(subject("container_instance"), profiles=())),
        "profile_missing",
        "high",
        "no instance profile",
    ),
    "no boundary": (
        replace(subject(), wanted=subject(permissions_boundary=OWN).wanted),
        "boundary_missing",
        "high",
        OWN,
    ),
    "passes every role": (inline(subject(), document(PASS)), "pass_role_too_wide", "high", "every role to any service"),
    "passes every role of the account": (
        inline(subject(), document("iam:Pass*", resource=f"arn:aws:iam::{ACCOUNT}:role/*", Condition=TO_ECS)),
        "pass_role_too_wide",
        "medium",
        "every role to the services",
    ),
    "passes to any service": (
        inline(subject(), document(PASS, resource=subject().arn)),
        "pass_role_too_wide",
        "medium",
        "a role to any service",
    ),
    "passes to any service by a wildcard": (
        inline(
            subject(),
            document(PASS, resource=subject().arn, Condition={"StringLike": {"iam:PassedToService": "*"}}),
        ),
        "pass_role_too_wide",
        "medium",
        "a role to any service",
    ),
    "passes if there is a service": (
        inline(
            subject(),
            document(PASS, Condition={"StringEqualsIfExists": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}),
        ),
        "pass_role_too_wide",
        "high",
        "every role to any service",
    ),
    "passed by who passes every role": (
        passed(EXECUTION, Passer(OPERATOR, True, {"x": document(PASS)})),
        "pass_role_too_wide",
        "high",
        "the inline policy x of user operator allows",
    ),
    "passed by an own policy": (
        replace(
            passed(EXECUTION, Passer(OPERATOR, True, {}, (OWN,))),
            own={OWN: OwnPolicy(OWN, document(PASS, resource=EXECUTION.arn), "v1", "v1")},
        ),
        "pass_role_too_wide",
        "medium",
        "of user operator allows to pass a role to any service",
    ),
    "nobody passes": (passed(EXECUTION, Passer(OPERATOR)), "pass_role_missing", "medium", "has no inline policy"),
    "no such user": (passed(EXECUTION, Passer(OPERATOR, False)), "pass_role_missing", "high", "does not exist"),
    "passes more roles": (
        passed(EXECUTION, Passer(OPERATOR, True, {"ecsPassRole-ours": document(PASS, Condition=TO_ECS)})),
        "pass_role_missing",
        "medium",
        "is not what it should be",
    ),
    "not used for long": (
        used(subject(), RoleLastUsed={"LastUsedDate": NOW - timedelta(days=91), "Region": "eu-west-1"}),
        "unused",
        "low",
        "last used on 2026-03-02",
    ),
    "never used": (
        used(subject(), CreateDate=NOW - timedelta(days=91)),
        "unused",
        "low",
        "created on 2026-03-02, more than 90 days ago, and has not been used",
    ),
    "another name": (subject("managed_instance"), "name_prefix", "medium", "begin with ecsInstanceRole"),
    "other settings": (
        used(subject(max_session_duration=7200), MaxSessionDuration=3600),
        "drift",
        "medium",
        "differs from its declaration in 1 point",
    ),
    "other tags": (used(subject(tags={"a": "b"}), Tags=[]), "drift", "medium", "1 point"),
    "another path": (used(subject(path="/there/"), Path="/"), "drift", "medium", "cannot be made"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_finding_appears(name: str) -> None:
    wrong, rule, severity, words = WRONG[name]
    found = [one for one in _iam_findings.judge(wrong) if one.id == rule]
    assert [one for one in found if one.severity == severity and words in one.what], found
    for one in found:
        assert one.role == wrong.name
        assert one.evidence and one.why and one.remedy
        assert "{" not in one.remedy


def test_every_rule_is_tested() -> None:
    assert {rule for _wrong, rule, _severity, _words in WRONG.values()} | {"role_missing"} == set(_iam_findings.RULES)


@pytest.mark.parametrize("role", list(every_role()), ids=str)
def test_a_role_as_made_is_right(role: Role) -> None:
    """There is nothing but information; the name is not the documented one."""
    told = [one for one in _iam_findings.judge(made(role)) if one.id != "name_prefix"]
    assert [one for one in told if one.severity != "info"] == []
    assert {one.id for one in told} <= {"permissions_too_wide"}


@pytest.mark.parametrize("role", list(every_role()), ids=str)
def test_a_role_as_made_is_right_without_a_declaration(role: Role) -> None:
    """It is recognised, and at most less would do."""
    bare = undeclared(made(role))
    kind = recognise(bare.name, bare.found, bare.where)
    telling = bare.found.inline or any("AmazonSSM" not in arn and "AmazonS3" not in arn for arn in bare.found.attached)
    assert kind == (role.kind if telling else None)
    told = {one.id for one in _iam_findings.judge(bare)} - {"name_prefix"}
    nothing = not bare.found.attached and not bare.found.inline
    assert told <= {"permissions_too_wide", *(["policy_missing"] if nothing else [])}


CHINA = made(Role("codedeploy", (), "managed", False, "aws-cn"))
BOTH = [f"codedeploy.{region}.amazonaws.com.cn" for region in ("cn-north-1", "cn-northwest-1")]

RIGHT_ONES: dict[str, tuple[Subject, str]] = {
    "all of a service, in one Region": (
        inline(subject(), document("logs:*", resource="arn:aws:logs:eu-west-1:123456789012:*")),
        "permissions_too_wide-high",
    ),
    "all of a service on what is another one's": (
        inline(subject(), document("s3:*", resource="arn:aws:logs:*:*:*")),
        "permissions_too_wide-high",
    ),
    "everything on one service": (
        inline(subject(), document("*", resource="arn:aws:s3:::*")),
        "permissions_too_wide-high",
    ),
    "AWS's policy for one agent, an own one for the other": (
        undeclared(inline(changed(subject(), attached={CORE: "x"}), document(*ECS_AGENT))),
        "policy_missing",
    ),
    "an own managed policy": (
        undeclared(with_own(changed(subject(), attached={CORE: "x"}), document(*ECS_AGENT))),
        "policy_missing",
    ),
    "an own policy for the agent of an instance": (
        undeclared(inline(changed(subject("container_instance"), attached={}), document(*ECS_AGENT))),
        "policy_missing",
    ),
    "a principal for each Region": (undeclared(trusted(CHINA, Principal={"Service": BOTH})), "trust"),
    "every Region of the account": (source_arn("ArnEquals", SOURCE.replace("eu-west-1", "*")), "trust_condition"),
    "a source that must be there": (source_arn("Null", "false"), "malformed_arn_condition"),
    "a wildcard for the Region": (source_arn("ArnLike", SOURCE.replace("eu-west-1", "eu-*")), "malformed_arn"),
    "actions in another spelling, undeclared": (
        undeclared(inline(subject(), document(*_catalog.ECR_LAYERS, "ECR:GetAuthorizationToken"), "ecsEcrPull")),
        "policy_changed",
    ),
    "the account's own role may be trusted by roles of no kind": (
        trusting(replace(undeclared(subject()), kind_name=None), Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        "trust_too_wide",
    ),
    "a Deny is no permission": (
        inline(subject(), {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}),
        "permissions_too_wide-high",
    ),
    "actions of a service on one resource": (
        inline(subject(), document("s3:*", resource="arn:aws:s3:::mine/*")),
        "permissions_too_wide-high",
    ),
    "all actions on every resource of another service": (
        inline(subject(), document("*", resource="arn:aws:s3:::*")),
        "pass_role_too_wide",
    ),
    "passes this role to this service": (
        passed(EXECUTION, Passer(OPERATOR, True, {"ecsPassRole-ours": RIGHT})),
        "pass_role",
    ),
    "passes other roles as it likes": (
        passed(
            EXECUTION,
            Passer(OPERATOR, True, {"ecsPassRole-ours": RIGHT, "x": document(PASS, resource=EXECUTION.arn + "2")}),
        ),
        "pass_role",
    ),
    "another name, and a role that passes it": (
        replace(subject("managed_instance"), passing={Principal("role", "ecsInfrastructureRole"): RIGHT}),
        "name_prefix",
    ),
    "used yesterday": (
        used(
            subject(),
            CreateDate=NOW - timedelta(days=900),
            RoleLastUsed={"LastUsedDate": NOW - timedelta(days=90)},
        ),
        "unused",
    ),
    "a variable in a condition": (
        inline(subject(), document("s3:GetObject", Condition={"ArnLike": {"aws:PrincipalArn": "${aws:x}"}})),
        "malformed_arn_condition",
    ),
    "the same by other policies, undeclared": (
        undeclared(
            changed(
                subject(least=True),
                inline={"mine": next(iter(subject(least=True).found.inline.values()))},
            )
        ),
        "policy_missing",
    ),
    "the policy that passes another role": (
        inline(subject(), RIGHT, "ecsPassRole-other"),
        "policy_not_documented",
    ),
}


@pytest.mark.parametrize("name", RIGHT_ONES)
def test_what_is_right_is_not_told(name: str) -> None:
    right, rule = RIGHT_ONES[name]
    told = [f"{one.id}-{one.severity}" for one in _iam_findings.judge(right)]
    assert [words for words in told if words.startswith(rule)] == []


def test_the_worst_comes_first() -> None:
    found = _iam_findings.judge(inline(trusting(subject(), Principal="*"), document("*")))
    ranks = [_iam_findings.SEVERITIES.index(one.severity) for one in found]
    assert ranks == sorted(ranks)
    assert set(_iam_findings.counts(found)) == set(_iam_findings.SEVERITIES)
    assert sum(_iam_findings.counts(found).values()) == len(found)


def test_table() -> None:
    lines = _iam_findings.table([_iam_findings.missing("ecsEventsRole", "events")])
    assert lines == [
        "SEVERITY  ROLE           FINDING       WHAT",
        "high      ecsEventsRole  role_missing  the role does not exist",
    ]
    assert _iam_findings.table([]) == ["SEVERITY  ROLE  FINDING  WHAT"]


def test_the_two_roles_of_one_name() -> None:
    """``ecsInstanceRole`` is the documented name of two kinds: its policies tell which it is."""
    for kind in ("container_instance", "managed_instance"):
        one = subject(kind)
        assert recognise("ecsInstanceRole", one.found, one.where) == kind
    assert _catalog.KINDS["managed_instance"].default_name == "ecsInstanceRole"


def test_the_page_has_every_finding() -> None:
    """docs/audit.md, with the usual severity."""
    page = (COLLECTION / "docs/audit.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^\| `([a-z_]+)` \| (high|medium|low|info)\b", page, re.MULTILINE))
    told = {name: rule.severity for name, rule in _iam_findings.RULES.items()}
    assert shown == {**told, "permissions_too_wide": "high"}


def test_found_is_as_read() -> None:
    """The audit takes documents as IAM gives them: one statement for a list of one."""
    role = {"RoleName": "x", "Path": "/", "Arn": f"arn:aws:iam::{ACCOUNT}:role/x", "CreateDate": NOW}
    trust = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}
    found = Found({**role, "AssumeRolePolicyDocument": trust})
    told = _iam_findings.judge(Subject("x", found, Where("aws", ACCOUNT, ()), NOW))
    assert [(one.id, one.severity) for one in told] == [("trust_too_wide", "high")]
