# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module against the emulator: what it asks AWS for, which roles it looks at, and what it says of them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from module_docs import broken_promises

if TYPE_CHECKING:
    from emulator.client import Client

    from ..conftest import Modules

NAME = "ecsAnywhereRole"
INFO = "ecs_iam_role_info"
WIDE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}

NARROW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::a"}]}


def ids(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Severity and id of each finding."""
    assert not result.get("failed"), result["msg"]
    return [(finding["severity"], finding["id"]) for finding in result["findings"]]


def read_calls(modules: Modules) -> dict[str, int]:
    """The calls since the last look, of which none wrote."""
    assert modules.writes() == 0
    return modules.calls()


def test_a_documented_role_is_shown_whole(modules: Modules) -> None:
    made = modules.run("ecs_iam_role", kind="anywhere", tags={"owner": "platform"})["iam_role"]
    modules.calls()
    result = modules.run(INFO, name=NAME)
    assert result["changed"] is False
    shown = result["iam_roles"][0]
    assert {key: shown[key] for key in made} == made
    assert (shown["kind"], shown["exists"]) == ("anywhere", True)
    assert read_calls(modules) == {"iam:GetRole": 1, "iam:ListAttachedRolePolicies": 1, "iam:ListRolePolicies": 1}
    assert ids(result) == [("low", "permissions_too_wide")] * 2
    assert shown["findings"] == result["findings"]
    assert result["counts"] == {"high": 0, "medium": 0, "low": 2, "info": 0}
    assert broken_promises(INFO, {key: value for key, value in result.items() if key != "printed"}) == []


def test_what_is_shown_as_elsewhere_is_promised_as_there() -> None:
    """RETURN refers to ``ecs_iam_role``: what is not said there, or of another type, is a broken promise."""
    role = {"role_name": 1, "kind": "anywhere", "secret": "x", "tags": {}}
    told = {"iam_roles": [role], "findings": [], "counts": {}, "table": []}
    assert broken_promises(INFO, told) == [
        f"{INFO}.iam_roles.secret is returned but not documented",
        f"{INFO}.iam_roles.role_name is documented as str, and is 1",
    ]
    assert broken_promises("ecs_iam_baseline", {"iam_roles": [{"role_name": 1}], "changes": []}) == [
        "ecs_iam_baseline.iam_roles.role_name is documented as str, and is 1"
    ]


def test_check_mode_is_the_same(modules: Modules) -> None:
    modules.run("ecs_iam_role", kind="anywhere")
    assert modules.check(INFO)["iam_roles"] == modules.run(INFO)["iam_roles"]


def test_without_options_it_looks_at_the_documented_names(modules: Modules) -> None:
    """One call for each that is not there, and that is no finding."""
    for kind in ("task_execution", "container_instance"):
        modules.run("ecs_iam_role", kind=kind)
    modules.run("ecs_iam_role", kind="task", name="shop")
    modules.calls()
    result = modules.run(INFO)
    assert {role["role_name"]: role["kind"] for role in result["iam_roles"]} == {
        "ecsInstanceRole": "container_instance",
        "ecsTaskExecutionRole": "task_execution",
    }
    assert read_calls(modules) == {
        "iam:GetRole": 6,
        "iam:ListAttachedRolePolicies": 2,
        "iam:ListRolePolicies": 2,
        "iam:ListInstanceProfilesForRole": 1,
    }


@pytest.mark.parametrize(
    ("options", "name"),
    [({"kind": "events"}, "ecsEventsRole"), ({"name": "x"}, "x"), ({"kind": "events", "role_name": "x"}, "x")],
)
def test_a_named_role_that_is_not_there_is_a_finding(modules: Modules, options: dict[str, str], name: str) -> None:
    result = modules.run(INFO, **options)
    assert ids(result) == [("high", "role_missing")]
    shown = result["iam_roles"][0]
    assert (shown["role_name"], shown["kind"], shown["exists"]) == (name, options.get("kind"), False)
    assert read_calls(modules) == {"iam:GetRole": 1}
    assert broken_promises(INFO, {key: value for key, value in result.items() if key != "printed"}) == []


def test_below_a_path_all_pages_are_read(modules: Modules, account: Client) -> None:
    """Roles of other purposes have no kind, those of services are left out."""
    iam = account.boto("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    for number in range(104):
        iam.create_role(RoleName=f"f{number}", Path="/factory/", AssumeRolePolicyDocument=text)
    iam.create_role(RoleName="elsewhere", Path="/", AssumeRolePolicyDocument=text)
    iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    modules.run("ecs_iam_role", kind="task_execution", name="runner", path="/factory/")
    modules.calls()
    result = modules.run(INFO, path_prefix="/factory/")
    assert {role["role_name"]: role["kind"] for role in result["iam_roles"]} == {
        **{f"f{number}": None for number in range(104)},
        "runner": "task_execution",
    }
    assert {finding["role"] for finding in result["findings"]} == {"runner"}
    assert read_calls(modules) == {
        "iam:ListRoles": 2,
        "iam:GetRole": 105,
        "iam:ListAttachedRolePolicies": 105,
        "iam:ListRolePolicies": 105,
        "iam:ListInstanceProfilesForRole": 105,
    }
    everywhere = {role["role_name"] for role in modules.run(INFO, path_prefix="/")["iam_roles"]}
    assert everywhere == {"elsewhere", "runner", *(f"f{number}" for number in range(104))}
    assert modules.run(INFO, path_prefix="/nowhere/")["iam_roles"] == []


def test_a_role_that_was_for_every_region_is_right_when_it_stays_so(modules: Modules, account: Client) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    account.boto("iam").create_role(
        RoleName=NAME, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    declared = [{"kind": "anywhere"}]
    assert ("medium", "drift") in ids(modules.run(INFO, roles=declared))
    modules.run("ecs_iam_role", kind="anywhere")
    assert ids(modules.run(INFO, roles=declared)) == [("info", "permissions_too_wide")] * 2
    assert ids(modules.run(INFO, name=NAME)) == [("low", "permissions_too_wide")] * 2


def test_the_kind_can_be_said(modules: Modules, account: Client) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    account.boto("iam").create_role(
        RoleName="hosts", AssumeRolePolicyDocument=json.dumps({**WIDE, "Statement": [trust]})
    )
    assert ids(modules.run(INFO, name="hosts")) == []
    told = ids(modules.run(INFO, name="hosts", kind="anywhere"))
    assert told == [("high", "policy_missing"), ("medium", "trust_condition_missing")]


def declared(modules: Modules, *roles: dict[str, Any], **options: Any) -> dict[str, Any]:
    """What is said of declared roles."""
    return modules.run(INFO, roles=list(roles), **options)


def test_a_declared_role_as_made_is_right(modules: Modules) -> None:
    entry = {
        "kind": "anywhere",
        "permissions": "least_privilege",
        "clusters": ["shop"],
        "features": ["ecr_pull"],
        "max_session_duration": 7200,
        "tags": {"owner": "platform"},
        "inline_policies": {"mine": NARROW},
    }
    modules.run("ecs_iam_role", **entry)
    modules.calls()
    assert ids(declared(modules, entry)) == []
    assert read_calls(modules) == {
        "iam:GetRole": 1,
        "iam:ListAttachedRolePolicies": 1,
        "iam:ListRolePolicies": 1,
        "iam:GetRolePolicy": 3,
    }


def test_drift_is_what_the_other_module_would_do(modules: Modules, account: Client) -> None:
    entry = {"kind": "anywhere", "tags": {"owner": "platform"}}
    modules.run("ecs_iam_role", **entry)
    account.boto("iam").untag_role(RoleName=NAME, TagKeys=["owner"])
    account.boto("iam").update_role(RoleName=NAME, MaxSessionDuration=7200)
    told = declared(modules, {**entry, "max_session_duration": 3600})["findings"]
    drift = next(finding for finding in told if finding["id"] == "drift")
    changes = modules.check("ecs_iam_role", **entry, max_session_duration=3600)["changes"]
    assert drift["evidence"] == "; ".join(changes)
    assert drift["what"] == "the role differs from its declaration in 2 points"
    assert drift["remedy"].startswith("ecs_iam_role (kind: anywhere, name: ecsAnywhereRole) with its declaration")


def test_declared_absent(modules: Modules) -> None:
    entry = {"kind": "anywhere", "state": "absent"}
    assert ids(declared(modules, entry)) == []
    modules.run("ecs_iam_role", kind="anywhere")
    assert ids(declared(modules, entry)) == [("medium", "drift")]


def test_who_passes_a_role(modules: Modules, account: Client) -> None:
    """Users, groups and roles with their inline policies and own managed ones, each read once."""
    iam = account.boto("iam")
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [passing]})
    own = iam.create_policy(PolicyName="passes", PolicyDocument=document)["Policy"]["Arn"]
    iam.create_user(UserName="operator")
    iam.create_group(GroupName="operators")
    iam.put_user_policy(UserName="operator", PolicyName="wide", PolicyDocument=document)
    iam.attach_group_policy(GroupName="operators", PolicyArn=own)
    modules.run("ecs_iam_role", kind="events")
    iam.attach_role_policy(RoleName="ecsEventsRole", PolicyArn=own)
    principals = [
        {"type": "user", "name": "operator"},
        {"type": "group", "name": "operators"},
        {"type": "role", "name": "ecsEventsRole"},
    ]
    modules.run("ecs_iam_role", kind="task", name="shop", pass_role_to=principals)
    modules.calls()
    nobody = {"type": "user", "name": "nobody"}
    result = declared(modules, {"kind": "task", "name": "shop", "pass_role_to": [*principals, nobody]})
    assert [(finding["id"], finding["what"]) for finding in result["findings"] if finding["severity"] == "high"] == [
        ("pass_role_missing", "user nobody does not exist, so it cannot pass the role"),
        ("pass_role_too_wide", "the inline policy wide of user operator allows to pass every role to any service"),
        ("pass_role_too_wide", f"the policy {own} of group operators allows to pass every role to any service"),
        ("pass_role_too_wide", f"the policy {own} of role ecsEventsRole allows to pass every role to any service"),
    ]
    calls = read_calls(modules)
    assert calls["iam:ListPolicyVersions"] == calls["iam:GetPolicyVersion"] == 1
    assert calls["iam:GetUserPolicy"] == 2
    assert calls["iam:ListUserPolicies"] == 2


def test_own_policies_are_read_in_the_version_in_force(modules: Modules, account: Client) -> None:
    iam = account.boto("iam")
    modules.run("ecs_iam_role", kind="task", name="shop")
    harmless = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}
    arn = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(WIDE))["Policy"]["Arn"]
    for _again in range(3):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(harmless))
    iam.attach_role_policy(RoleName="shop", PolicyArn=arn)
    told = modules.run(INFO, name="shop", kind="task")
    assert ids(told) == [("high", "permissions_too_wide"), ("low", "policy_version_stale")]
    assert told["findings"][1]["what"] == f"the version v1 of the policy {arn} is in force, the latest is v4"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v4")
    assert ids(modules.run(INFO, name="shop", kind="task")) == []


def test_last_use(modules: Modules, account: Client) -> None:
    modules.run("ecs_iam_role", kind="events")
    account.control("POST", "roles/last-used", {"RoleName": "ecsEventsRole", "days": 20})
    assert ids(modules.run(INFO, kind="events")) == []
    result = modules.run(INFO, kind="events", unused_after=19)
    assert ids(result) == [("low", "unused")]
    when = datetime.fromisoformat(result["iam_roles"][0]["role_last_used"]["last_used_date"])
    assert when.date().isoformat() in result["findings"][0]["what"]


def test_a_policy_that_goes_meanwhile(modules: Modules, account: Client) -> None:
    """The role is read again."""
    modules.run("ecs_iam_role", kind="anywhere", permissions="least_privilege")
    gone = {"service": "iam", "operation": "GetRolePolicy", "kind": "error", "code": "NoSuchEntity", "status": 404}
    account.control("POST", "faults", gone)
    assert ids(modules.run(INFO, name=NAME)) == []
    account.control("POST", "faults", {**gone, "count": -1})
    assert "iam:GetRolePolicy failed for policy" in modules.run(INFO, name=NAME)["msg"]


def test_a_refused_call_is_told(modules: Modules, account: Client) -> None:
    modules.run("ecs_iam_role", kind="anywhere")
    denied = {
        "service": "iam",
        "operation": "GetRole",
        "kind": "error",
        "code": "AccessDenied",
        "status": 403,
        "count": -1,
    }
    account.control("POST", "faults", denied)
    words = modules.run(INFO)["msg"]
    assert "lacks the permission iam:GetRole on role" in words


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a path in the name": ({"name": "a/b"}, "name: 'a/b' is not 1 to 64 letters"),
    "no documented name": ({"kind": "task"}, "kind task has no documented name: set the option name"),
    "an unknown kind": ({"kind": "other"}, "value of kind must be one of"),
    "a prefix that is none": ({"path_prefix": "factory"}, "path_prefix: 'factory' must begin and end with /"),
    "no days": ({"unused_after": 0}, "unused_after: 0 is not at least 1 day"),
    "both": ({"name": "x", "path_prefix": "/"}, "mutually exclusive"),
    "both, again": ({"kind": "events", "roles": []}, "mutually exclusive"),
    "a wrong declaration": (
        {"roles": [{"kind": "anywhere", "features": ["volumes"]}]},
        "role ecsAnywhereRole: features: kind anywhere has no feature 'volumes'",
    ),
    "a declaration without a name": (
        {"roles": [{"kind": "task"}]},
        "role of kind task: kind task has no documented name",
    ),
    "the same role twice": ({"roles": [{"kind": "events"}, {"kind": "events"}]}, "ecsEventsRole stands there twice"),
    "an unknown option": ({"roles": [{"kind": "events", "colour": "red"}]}, "colour"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_before_any_call(modules: Modules, name: str) -> None:
    options, words = BAD[name]
    result = modules.run(INFO, **options)
    assert result["failed"] is True
    assert words in result["msg"]
    assert modules.calls() == {}
