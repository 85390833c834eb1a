# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to a role and from a role to a plan: pure, so without AWS."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.ecs.plugins.module_utils import (
    _catalog,
    _iam_documents,
    _iam_plan,
    _iam_read,
    _iam_wanted,
    _policy,
)
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import Where
from ansible_collections.onprem.ecs.plugins.module_utils._iam_plan import Found
from ansible_collections.onprem.ecs.plugins.module_utils._iam_wanted import Wanted
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Phase, Plan

ACCOUNT = "123456789012"
HERE = Where("aws", ACCOUNT, ("eu-west-1",))
CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
EC2 = "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}

DEFAULTS: dict[str, Any] = {
    "kind": "anywhere",
    "name": None,
    "state": "present",
    "features": [],
    "permissions": "managed",
    "regions": None,
    **{option: [] for option in _catalog.ROLE_SCOPES},
    "vpc": None,
    "vpc_endpoint": None,
    "trust_conditions": "documented",
    "managed_policies": [],
    "inline_policies": {},
    "purge_policies": False,
    "instance_profile": None,
    "path": None,
    "description": None,
    "permissions_boundary": None,
    "max_session_duration": None,
    "tags": None,
    "purge_tags": True,
    "protect": True,
}


def wanted(where: Where = HERE, **options: Any) -> Wanted:
    """The role of these options."""
    return _iam_wanted.wanted({**DEFAULTS, **options}, where)


def after(plan: Plan, found: Found | None) -> Found:
    """What IAM would hold when the plan has been carried out: the calls, played on a role."""
    role: dict[str, Any] = dict(found.role) if found else {}
    attached, inline = dict(found.attached) if found else {}, dict(found.inline) if found else {}
    profiles = list(found.profiles) if found else []
    for change in plan.ordered():
        _play(change, role, attached, inline, profiles)
    return Found(role, attached, inline, tuple(profiles))


def _play(
    change: Change, role: dict[str, Any], attached: dict[str, str], inline: dict[str, Any], profiles: list[str]
) -> None:
    """One call of IAM, as IAM does it."""
    params = dict(change.params)
    tags = {tag["Key"]: tag for tag in role.get("Tags", [])}
    if change.operation == "CreateRole":
        arn = f"arn:aws:iam::{ACCOUNT}:role{params['Path']}{params['RoleName']}"
        boundary = params.pop("PermissionsBoundary", None)
        role.update({"MaxSessionDuration": 3600, "Arn": arn, **params})
        if boundary:
            role["PermissionsBoundary"] = {"PermissionsBoundaryArn": boundary}
    elif change.operation == "UpdateRole":
        role.update(Description=params["Description"], MaxSessionDuration=params["MaxSessionDuration"])
    elif change.operation == "UpdateAssumeRolePolicy":
        role["AssumeRolePolicyDocument"] = params["PolicyDocument"]
    elif change.operation == "PutRolePermissionsBoundary":
        role["PermissionsBoundary"] = {"PermissionsBoundaryArn": params["PermissionsBoundary"]}
    elif change.operation == "DeleteRolePermissionsBoundary":
        del role["PermissionsBoundary"]
    elif change.operation == "TagRole":
        named = [tag["Key"].lower() for tag in params["Tags"]]
        role["Tags"] = [*(tag for key, tag in tags.items() if key.lower() not in named), *params["Tags"]]
    elif change.operation == "UntagRole":
        role["Tags"] = [tag for key, tag in tags.items() if key not in params["TagKeys"]]
    elif change.operation == "AddRoleToInstanceProfile":
        profiles.append(params["InstanceProfileName"])
    else:
        _play_policy(change.operation, params, attached, inline)


def _play_policy(operation: str, params: dict[str, Any], attached: dict[str, str], inline: dict[str, Any]) -> None:
    if operation == "AttachRolePolicy":
        attached[params["PolicyArn"]] = params["PolicyArn"].rpartition("/")[2]
    elif operation == "DetachRolePolicy":
        del attached[params["PolicyArn"]]
    elif operation == "PutRolePolicy":
        inline[params["PolicyName"]] = _policy.parse(params["PolicyDocument"], "it")
    elif operation == "DeleteRolePolicy":
        del inline[params["PolicyName"]]
    else:
        assert operation == "CreateInstanceProfile", operation


def _spelled_once(tags: dict[str, str]) -> bool:
    return len({name.lower() for name in tags}) == len(tags)


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    """Options of a role for external instances."""
    least = draw(st.booleans())
    features = draw(st.lists(st.sampled_from(["ecr_pull", "cloudwatch_logs", "s3_config"]), unique=True))
    chosen: dict[str, Any] = {"features": features, "permissions": "least_privilege" if least else "managed"}
    if least:
        chosen["clusters"] = draw(st.lists(st.sampled_from(["a", "b", "arn:aws:ecs:x-y-1:123456789012:cluster/c"])))
        chosen["s3_objects"] = ["bucket/key"] if "s3_config" in features else []
    keys = st.sampled_from([*"abc", *"aBc"])
    chosen["tags"] = draw(st.none() | st.dictionaries(keys, st.sampled_from("xyz")).filter(_spelled_once))
    chosen["purge_tags"] = draw(st.booleans())
    chosen["purge_policies"] = draw(st.booleans())
    chosen["description"] = draw(st.none() | st.sampled_from(["", "one", "two"]))
    chosen["max_session_duration"] = draw(st.none() | st.sampled_from([3600, 7200]))
    chosen["permissions_boundary"] = draw(st.none() | st.sampled_from(["", CORE, EC2]))
    chosen["managed_policies"] = draw(st.lists(st.sampled_from(["mine", "team/other", CORE]), unique=True))
    chosen["inline_policies"] = draw(st.dictionaries(st.sampled_from(["p", "q"]), st.just(DOCUMENT)))
    chosen["trust_conditions"] = draw(st.sampled_from(["documented", "none", {"Bool": {"aws:ViaAWSService": True}}]))
    return chosen


@given(options(), options())
def test_any_plan_leads_to_what_is_wanted_and_then_there_is_none(one: dict[str, Any], other: dict[str, Any]) -> None:
    """From nothing to one role, from there to another: the calls lead exactly to what was told."""
    found = None
    for chosen in (one, other):
        role = wanted(**chosen)
        plan = _iam_plan.present(role, found)
        told = _iam_plan.sections(_iam_plan.becomes(role, found))
        found = after(plan, found)
        assert _iam_plan.sections(found) == told
        again = _iam_plan.present(role, found)
        assert again.changes == ()
        assert again.diff() == {"before": {}, "after": {}}
        assert bool(plan.changes) == (plan.diff() != {"before": {}, "after": {}})


@given(options(), options())
def test_there_is_never_less_in_between(one: dict[str, Any], other: dict[str, Any]) -> None:
    """No policy is taken away or narrowed before all new ones are there."""
    first = wanted(**one)
    found = after(_iam_plan.present(first, None), None)
    plan = _iam_plan.present(wanted(**other), found)
    operations = [
        "new" if change.phase == Phase.GRANT else "gone"
        for change in plan.ordered()
        if change.operation in ("AttachRolePolicy", "PutRolePolicy", "DetachRolePolicy", "DeleteRolePolicy")
    ]
    assert operations == sorted(operations, key=["new", "gone"].index)


def test_the_documented_role() -> None:
    plan = _iam_plan.present(wanted(), None)
    assert [change.operation for change in plan.ordered()] == ["CreateRole", "AttachRolePolicy", "AttachRolePolicy"]
    role = after(plan, None)
    assert set(role.attached) == {CORE, EC2}
    assert role.trust["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ssm.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnEquals": {"aws:SourceArn": f"arn:aws:ssm:eu-west-1:{ACCOUNT}:*"},
            },
        }
    ]


def test_from_managed_to_least_privilege_puts_first() -> None:
    found = after(_iam_plan.present(wanted(), None), None)
    plan = _iam_plan.present(wanted(permissions="least_privilege", clusters=["a"]), found)
    assert [change.operation for change in plan.ordered()] == ["PutRolePolicy", "DetachRolePolicy", "DetachRolePolicy"]
    back = _iam_plan.present(wanted(), after(plan, found))
    assert [change.operation for change in back.ordered()] == [
        "AttachRolePolicy",
        "AttachRolePolicy",
        "DeleteRolePolicy",
    ]


def test_update_role_is_told_both() -> None:
    found = after(_iam_plan.present(wanted(description="one", max_session_duration=7200), None), None)
    (change,) = _iam_plan.present(wanted(description="two"), found).changes
    assert (change.operation, dict(change.params)) == (
        "UpdateRole",
        {"RoleName": "ecsAnywhereRole", "Description": "two", "MaxSessionDuration": 7200},
    )


@pytest.mark.parametrize(
    ("partition", "region", "kind", "service"),
    [
        ("aws", "eu-west-1", "anywhere", "ssm.amazonaws.com"),
        ("aws-cn", "cn-north-1", "anywhere", "ssm.amazonaws.com"),
        ("aws-us-gov", "us-gov-west-1", "anywhere", "ssm.amazonaws.com"),
        ("aws", "eu-west-1", "container_instance", "ec2.amazonaws.com"),
        ("aws-cn", "cn-north-1", "container_instance", "ec2.amazonaws.com.cn"),
        ("aws-us-gov", "us-gov-west-1", "container_instance", "ec2.amazonaws.com"),
        ("aws-cn", "cn-northwest-1", "codedeploy", "codedeploy.cn-northwest-1.amazonaws.com.cn"),
        ("aws-cn", "cn-north-1", "task", "ecs-tasks.amazonaws.com"),
    ],
)
def test_partitions(partition: str, region: str, kind: str, service: str) -> None:
    role = wanted(Where(partition, ACCOUNT, (region,)), kind=kind, name="r", permissions="managed")
    assert _policy.trusted_services(role.trust) == {service}
    text = _policy.compact(role.trust) + " ".join(role.managed) + role.arn
    assert f"arn:{partition}:" in text
    assert not any(f"arn:{other}:" in text for other in {"aws", "aws-cn", "aws-us-gov"} - {partition})


def test_a_principal_with_a_region_in_its_name_needs_one() -> None:
    assert wanted(Where("aws", ACCOUNT, ()), kind="codedeploy").trust
    with pytest.raises(EcsError, match="no Region: set the option region or regions"):
        wanted(Where("aws-cn", ACCOUNT, ()), kind="codedeploy")


def test_least_privilege_names_clusters_in_every_region() -> None:
    where = Where("aws", ACCOUNT, ("eu-central-1", "eu-west-1"))
    role = wanted(where, permissions="least_privilege", clusters=["a", "arn:aws:ecs:us-east-1:123456789012:cluster/b"])
    statements = {one["Sid"]: one for one in role.inline["ecsAnywhereAgents"]["Statement"]}
    clusters = [f"arn:aws:ecs:{region}:{ACCOUNT}:cluster/a" for region in ("eu-central-1", "eu-west-1")]
    clusters.append(f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/b")
    assert statements["EcsAgentCluster"]["Resource"] == clusters
    assert statements["EcsAgentSession"]["Condition"] == {"ArnEquals": {"ecs:cluster": clusters}}
    assert statements["EcsAgentSession"]["Resource"] == [
        arn.replace(":cluster/", ":container-instance/") + "/*" for arn in clusters
    ]
    assert statements["EcsAgentTags"]["Resource"] == [
        f"arn:aws:ecs:{region}:{ACCOUNT}:container-instance/*" for region in where.regions
    ]
    assert statements["EcsAgentTags"]["Condition"] == {
        "StringEquals": {"ecs:CreateAction": "RegisterContainerInstance"}
    }


class Connection:
    """To a Region; nothing is asked there."""

    def __init__(self, region: str) -> None:
        self.region_or_none = region


@pytest.mark.parametrize(
    ("partition", "home", "away"), [("aws", "eu-west-1", "us-east-1"), ("aws-cn", "cn-north-1", "cn-northwest-1")]
)
@pytest.mark.parametrize("kind", ["container_instance", "task_execution", "anywhere"])
def test_less_privilege_for_every_region_that_trusts_the_role(kind: str, partition: str, home: str, away: str) -> None:
    """AWS's policy knows no Region, so neither does the one in its place, wherever it is put and put again."""
    managed = wanted(Where(partition, ACCOUNT, (home,)), kind=kind, trust_conditions="none")
    found = after(_iam_plan.present(managed, None), None)
    found = Found({**found.role, "Arn": managed.arn}, found.attached, found.inline, found.profiles)
    options = {**DEFAULTS, "kind": kind, "permissions": "least_privilege"}
    for region in (home, away, home):
        where = _iam_read.where(cast(Aws, Connection(region)), options, found)
        assert where.names == ("*",)
        plan = _iam_plan.present(_iam_wanted.wanted(options, where), found)
        assert bool(plan.changes) == (found.inline == {})
        found = after(plan, found)
    assert _iam_read.where(cast(Aws, Connection(home)), {**options, "regions": [home]}, found).names == (home,)


def test_without_clusters_it_is_the_account() -> None:
    statements = wanted(permissions="least_privilege").inline["ecsAnywhereAgents"]["Statement"]
    session = next(one for one in statements if one["Sid"] == "EcsAgentSession")
    assert session["Resource"] == f"arn:aws:ecs:eu-west-1:{ACCOUNT}:container-instance/*/*"
    assert "Condition" not in session


@pytest.mark.parametrize(
    ("option", "item", "kind", "features", "expected"),
    [
        ("repositories", "team/app", "anywhere", ["ecr_pull"], f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/team/app"),
        ("log_groups", "/a", "anywhere", ["cloudwatch_logs"], f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/a"),
        (
            "log_groups",
            f"arn:aws:logs:x-y-1:{ACCOUNT}:log-group:/a:*",
            "anywhere",
            ["cloudwatch_logs"],
            f"arn:aws:logs:x-y-1:{ACCOUNT}:log-group:/a:*",
        ),
        ("s3_objects", "bucket/a/b.env", "task_execution", ["environment_files"], "arn:aws:s3:::bucket/a/b.env"),
        ("s3_objects", "arn:aws:s3:::bucket/a/b.env", "task_execution", ["environment_files"], "arn:aws:s3:::bucket"),
        (
            "secrets",
            "app/db",
            "task_execution",
            ["secrets"],
            f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:app/db-??????",
        ),
        (
            "secrets",
            f"arn:aws:secretsmanager:x-y-1:{ACCOUNT}:secret:db-AbCdEf",
            "task_execution",
            ["secrets"],
            f"arn:aws:secretsmanager:x-y-1:{ACCOUNT}:secret:db-AbCdEf",
        ),
        ("parameters", "/app/db", "task_execution", ["secrets"], f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/app/db"),
        ("lambda_functions", "hook-*", "lifecycle_hook", [], f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:hook-*"),
    ],
)
def test_items_become_arns(option: str, item: str, kind: str, features: list[str], expected: str) -> None:
    scope: dict[str, Any] = {option: [item]}
    role = wanted(kind=kind, name="r", features=features, **scope)
    resources = [
        arn
        for document in role.inline.values()
        for statement in document["Statement"]
        for arn in _policy.as_list(statement["Resource"])
    ]
    assert expected in resources


def test_optional_statements_are_left_out() -> None:
    role = wanted(kind="task_execution", features=["secrets"], parameters=["/a"])
    actions = [one["Action"] for one in role.inline["ecsSecrets"]["Statement"]]
    assert actions == ["ssm:GetParameters"]


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        ("AmazonS3ReadOnlyAccess", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"),
        ("AmazonEC2ContainerServiceforEC2Role", EC2),
        ("service-role/AmazonEC2ContainerServiceforEC2Role", EC2),
        ("team/AmazonS3ReadOnlyAccess", f"arn:aws:iam::{ACCOUNT}:policy/team/AmazonS3ReadOnlyAccess"),
        ("mine", f"arn:aws:iam::{ACCOUNT}:policy/mine"),
        (f"arn:aws:iam::{ACCOUNT}:policy/x/mine", f"arn:aws:iam::{ACCOUNT}:policy/x/mine"),
    ],
)
def test_policies_by_name(name: str, arn: str) -> None:
    assert _iam_documents.policy_arn(name, HERE) == arn


def test_deletion_takes_everything_known() -> None:
    role = wanted(managed_policies=["mine"], inline_policies={"p": DOCUMENT})
    found = after(_iam_plan.present(role, None), None)
    operations = [change.operation for change in _iam_plan.absent(role, found).ordered()]
    assert operations == ["DetachRolePolicy"] * 3 + ["DeleteRolePolicy", "DeleteRole"]
    with pytest.raises(EcsError, match=r"policy/mine, the inline policy p.*purge_policies: true"):
        _iam_plan.absent(wanted(), found)
    assert _iam_plan.absent(wanted(purge_policies=True), found).changes
    assert _iam_plan.absent(wanted(), None) == Plan()


def test_deletion_leaves_profiles_of_others() -> None:
    role = wanted(kind="container_instance", purge_policies=True)
    found = Found(
        {**after(_iam_plan.present(role, None), None).role}, profiles=("ecsInstanceRole-profile", "somebody's")
    )
    plan = [
        (change.operation, change.params.get("InstanceProfileName"))
        for change in _iam_plan.absent(role, found).ordered()
    ]
    assert plan == [
        ("RemoveRoleFromInstanceProfile", "ecsInstanceRole-profile"),
        ("RemoveRoleFromInstanceProfile", "somebody's"),
        ("DeleteInstanceProfile", "ecsInstanceRole-profile"),
        ("DeleteRole", None),
    ]


def test_deletion_of_a_profile_that_was_left_behind() -> None:
    role = wanted(kind="container_instance")
    (change,) = _iam_plan.absent(role, None, ["ecsInstanceRole-profile"]).changes
    assert change.words == "delete instance profile ecsInstanceRole-profile"
    found = Found({**after(_iam_plan.present(role, None), None).role}, profiles=())
    plan = _iam_plan.absent(role, found, ["ecsInstanceRole-profile"])
    assert [change.operation for change in plan.ordered()] == ["DeleteInstanceProfile", "DeleteRole"]
    assert plan.diff()["before"]["instance_profiles"] == ["ecsInstanceRole-profile"]


@pytest.mark.parametrize(
    ("choice", "profile"),
    [
        (None, "ecsInstanceRole-profile"),
        ("True", "ecsInstanceRole-profile"),
        ("yes", "ecsInstanceRole-profile"),
        ("False", ""),
        ("no", ""),
        ("mine", "mine"),
    ],
)
def test_the_instance_profile(choice: str | None, profile: str) -> None:
    assert wanted(kind="container_instance", instance_profile=choice).profile == profile
    assert wanted().profile is None


def test_a_tag_in_another_spelling_takes_the_place() -> None:
    found = Found({**after(_iam_plan.present(wanted(), None), None).role, "Tags": [{"Key": "Owner", "Value": "a"}]})
    assert _iam_plan.becomes(wanted(tags={"owner": "b"}, purge_tags=False), found).tags == {"owner": "b"}
    with pytest.raises(EcsError, match="'Owner' and 'owner' are one key"):
        wanted(tags={"Owner": "a", "owner": "b"})


def test_a_path_cannot_be_changed() -> None:
    found = after(_iam_plan.present(wanted(path="/a/"), None), None)
    assert _iam_plan.present(wanted(), found).changes == ()
    with pytest.raises(EcsError, match="has the path /a/, which IAM cannot change to /b/"):
        _iam_plan.present(wanted(path="/b/"), found)
