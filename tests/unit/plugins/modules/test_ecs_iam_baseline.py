# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many roles in one task, and who may pass them, against the emulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from ansible_collections.onprem.ecs.plugins.module_utils import _iam_read
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

if TYPE_CHECKING:
    from unit.plugins.conftest import Modules

    from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws
    from ansible_collections.onprem.ecs.plugins.module_utils._iam_plan import Found
    from ansible_collections.onprem.ecs.plugins.module_utils._iam_wanted import Wanted
    from emulator.client import Client

ACCOUNT = "123456789012"
INFRASTRUCTURE = f"arn:aws:iam::{ACCOUNT}:role/ecsInfrastructureRole"
BASELINE: list[dict[str, Any]] = [
    {"kind": "anywhere"},
    {
        "kind": "infrastructure",
        "features": ["volumes", "service_connect_tls"],
        "pass_role_to": [{"type": "role", "name": "operator"}],
    },
    {"kind": "container_instance", "features": ["s3_config", "cloudwatch_logs"]},
    {"kind": "task_execution"},
]


@pytest.fixture
def operator(account: Client) -> str:
    """A role that is not of ECS."""
    allow = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [allow]}
    iam(account, "create_role", RoleName="operator", AssumeRolePolicyDocument=json.dumps(trust))
    return "operator"


def iam(account: Client, operation: str, **params: Any) -> dict[str, Any]:
    """A call of IAM, as somebody else than the module would make it."""
    answer: dict[str, Any] = getattr(account.boto("iam"), operation)(**params)
    return answer


def document(account: Client, principal: str, name: str, policy: str) -> Any:
    """An inline policy as IAM holds it; None when there is none."""
    kind = principal.capitalize()
    names = iam(account, f"list_{principal}_policies", **{f"{kind}Name": name})["PolicyNames"]
    if policy not in names:
        return None
    answer = iam(account, f"get_{principal}_policy", **{f"{kind}Name": name, "PolicyName": policy})
    found = answer["PolicyDocument"]
    return json.loads(unquote(found)) if isinstance(found, str) else found


def test_a_baseline_is_made_and_then_nothing_is_left(modules: Modules, operator: str) -> None:
    modules.calls()
    checked = modules.check("ecs_iam_baseline", roles=BASELINE)
    assert checked["changed"] and modules.writes() == 0
    done = modules.run("ecs_iam_baseline", roles=BASELINE)
    assert (done["changes"], done["diff"]) == (checked["changes"], checked["diff"])
    assert [role["role_name"] for role in done["iam_roles"]] == [
        "ecsAnywhereRole",
        "ecsInfrastructureRole",
        "ecsInstanceRole",
        "ecsTaskExecutionRole",
    ]
    modules.calls()
    again = modules.run("ecs_iam_baseline", roles=BASELINE)
    assert (again["changed"], again["changes"], again["diff"]) == (False, [], {"before": {}, "after": {}})
    assert again["iam_roles"] == done["iam_roles"]
    calls = modules.calls()
    assert sum(calls.values()) <= 18 and "iam:ListPolicies" not in calls


def test_the_operator_may_pass_exactly_this_role_to_exactly_this_service(
    modules: Modules, account: Client, operator: str
) -> None:
    modules.run("ecs_iam_baseline", roles=BASELINE)
    statement = document(account, "role", operator, "ecsPassRole-ecsInfrastructureRole")["Statement"][0]
    assert statement["Action"] == "iam:PassRole"
    assert statement["Resource"] == INFRASTRUCTURE
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs.amazonaws.com"}}


@pytest.mark.parametrize("kind", ["user", "group"])
def test_users_and_groups_pass_roles_too(modules: Modules, account: Client, kind: str) -> None:
    iam(account, f"create_{kind}", **{f"{kind.capitalize()}Name": "deploy"})
    to = [{"type": kind, "name": "deploy"}]
    options = {"kind": "managed_instance", "path": "/fleet/", "pass_role_to": to}
    done = modules.run("ecs_iam_role", **options)
    assert f"let {kind} deploy pass role ecsInstanceRole to ec2.*" in done["changes"]
    statement = document(account, kind, "deploy", "ecsPassRole-ecsInstanceRole")["Statement"][0]
    assert statement["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/fleet/ecsInstanceRole"
    assert statement["Condition"] == {"StringLike": {"iam:PassedToService": "ec2.*"}}
    # The path is that of the role, whether the task names it or not.
    assert not modules.run("ecs_iam_role", **{**options, "path": None})["changed"]
    taken = modules.run("ecs_iam_role", kind="managed_instance", pass_role_to=[{**to[0], "state": "absent"}])
    assert taken["changes"] == [f"no longer let {kind} deploy pass role ecsInstanceRole"]
    assert document(account, kind, "deploy", "ecsPassRole-ecsInstanceRole") is None


def test_a_policy_that_allows_more_is_narrowed(modules: Modules, account: Client, operator: str) -> None:
    wide = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}]}
    name = "ecsPassRole-ecsInfrastructureRole"
    iam(account, "put_role_policy", RoleName=operator, PolicyName=name, PolicyDocument=json.dumps(wide))
    done = modules.run("ecs_iam_baseline", roles=BASELINE)
    words = "let role operator pass role ecsInfrastructureRole to ecs.amazonaws.com and nothing else"
    assert words in done["changes"]
    assert document(account, "role", operator, name)["Statement"][0]["Resource"] == INFRASTRUCTURE


def test_roles_of_one_list_pass_each_other(modules: Modules, account: Client) -> None:
    roles = [
        {"kind": "task", "name": "nightly", "pass_role_to": [{"type": "role", "name": "ecsEventsRole"}]},
        {"kind": "events", "purge_policies": True},
    ]
    modules.run("ecs_iam_baseline", roles=roles)
    held = document(account, "role", "ecsEventsRole", "ecsPassRole-nightly")
    assert held["Statement"][0]["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    # It belongs to the role that is passed: the purge of the one that holds it leaves it alone.
    assert not modules.run("ecs_iam_baseline", roles=roles)["changed"]


def test_check_mode_works_where_earlier_tasks_have_made_nothing(modules: Modules) -> None:
    """Whoever a task before makes is not there yet in check mode, nor is its policy."""
    roles = [{**BASELINE[1], "managed_policies": ["made-before"]}]
    checked = modules.check("ecs_iam_baseline", roles=roles)
    assert checked["changed"] and not checked.get("failed")
    told = json.dumps(checked["warnings"])
    assert "policy/made-before does not exist" in told and "there is no role operator" in told
    wrong = [{"kind": "anywhere", "managed_policies": ["arn:aws:iam::aws:policy/NoSuchPolicyOfAws"]}]
    assert "NoSuchPolicyOfAws does not exist" in modules.check("ecs_iam_baseline", roles=wrong)["msg"]


def test_who_passes_a_role_must_be_there(modules: Modules) -> None:
    failed = modules.run("ecs_iam_baseline", roles=BASELINE)
    assert failed["failed"] and "there is no role operator" in failed["msg"]
    assert modules.writes() == 0


@pytest.mark.parametrize("run", ["check", "run"])
def test_a_role_of_aws_cannot_be_given_a_policy(modules: Modules, account: Client, run: str) -> None:
    iam(account, "create_service_linked_role", AWSServiceName="ecs.amazonaws.com")
    modules.calls()
    passing = [{"type": "role", "name": "AWSServiceRoleForECS"}]
    failed = getattr(modules, run)("ecs_iam_baseline", roles=[{"kind": "events", "pass_role_to": passing}])
    assert "role AWSServiceRoleForECS is AWS's own (path /aws-service-role/" in failed["msg"]
    assert modules.writes() == 0


def test_the_permission_goes_with_the_role(modules: Modules, account: Client, operator: str) -> None:
    modules.run("ecs_iam_baseline", roles=BASELINE)
    roles = [{**role, "state": "absent"} for role in BASELINE]
    gone = modules.run("ecs_iam_baseline", roles=roles)
    assert gone["iam_roles"] == [{}, {}, {}, {}]
    assert "no longer let role operator pass role ecsInfrastructureRole" in gone["changes"]
    assert [role["RoleName"] for role in iam(account, "list_roles")["Roles"]] == [operator]
    assert not modules.run("ecs_iam_baseline", roles=roles)["changed"]


BAD: dict[str, tuple[list[dict[str, Any]], str]] = {
    "the same role twice": ([{"kind": "container_instance"}, {"kind": "managed_instance"}], "ecsInstanceRole stands"),
    "the same role in another case": (
        [{"kind": "task", "name": "Shop"}, {"kind": "task", "name": "shop"}],
        "roles: Shop, shop stands there twice, as IAM knows no case in names",
    ),
    "two without a name": ([{"kind": "task"}, {"kind": "task"}], "kind task has no documented name"),
    "a sign that tags cannot hold": (
        [{"kind": "events"}, {"kind": "anywhere", "tags": {"owner": "a&b"}}],
        "role ecsAnywhereRole: tags: '&' in owner=a&b is neither letter, digit, space nor one of _.:/=+-@",
    ),
    "a feature of another kind": (
        [{"kind": "anywhere"}, {"kind": "events", "features": ["exec"]}],
        "ecsEventsRole: fea",
    ),
    "no name": ([{"kind": "anywhere"}, {"kind": "task"}], "role of kind task: kind task has no documented name"),
    "a wrong principal": (
        [{"kind": "anywhere", "pass_role_to": [{"type": "user", "name": "team/deploy"}]}],
        "'team/deploy' is not the name of a user",
    ),
    "the same principal twice": (
        [{"kind": "anywhere", "pass_role_to": [{"type": "user", "name": "deploy"}] * 2}],
        "user deploy is named twice",
    ),
    "an unknown type": (
        [{"kind": "anywhere", "pass_role_to": [{"type": "team", "name": "deploy"}]}],
        "value of type must be one of: role, user, group",
    ),
    "no kind": ([{"name": "ecsAnywhereRole"}], "missing required arguments: kind"),
    "an unknown option": ([{"kind": "anywhere", "polices": []}], "polices"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_before_any_call(modules: Modules, case: str) -> None:
    roles, words = BAD[case]
    failed = modules.run("ecs_iam_baseline", roles=roles)
    assert failed["failed"] and words in failed["msg"]
    assert modules.calls() == {}


def test_one_bad_role_keeps_all_from_being_made(modules: Modules) -> None:
    roles = [*BASELINE[2:], {"kind": "anywhere", "managed_policies": ["no-such-policy"]}]
    failed = modules.run("ecs_iam_baseline", roles=roles)
    assert "no-such-policy does not exist" in failed["msg"]
    assert modules.writes() == 0


def test_a_failure_in_one_role_leaves_what_the_next_run_completes(
    modules: Modules, account: Client, operator: str
) -> None:
    account.control(
        "POST",
        "faults",
        {"service": "iam", "operation": "PutRolePolicy", "kind": "error", "code": "ServiceFailure", "status": 400},
    )
    failed = modules.run("ecs_iam_baseline", roles=BASELINE)
    assert failed["failed"] and failed["changed"] and "iam:PutRolePolicy failed" in failed["msg"]
    # The other roles were worked on to their end, and all that was done is told.
    assert {role["RoleName"] for role in iam(account, "list_roles")["Roles"]} >= {"ecsAnywhereRole", "ecsInstanceRole"}
    done = modules.run("ecs_iam_baseline", roles=BASELINE)
    assert done["changed"] and len(done["changes"]) < len(failed["changes"])
    assert not modules.run("ecs_iam_baseline", roles=BASELINE)["changed"]


def test_what_was_done_is_told_when_a_later_round_refuses(
    modules: Modules, account: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another role is put into the profile between the two looks."""
    real = _iam_read.existing_profiles

    def existing_profiles(aws: Aws, wanted: Wanted, found: Found | None) -> tuple[str, ...]:
        if found is not None and wanted.profile:
            raise EcsError("refused")
        return real(aws, wanted, found)

    monkeypatch.setattr(_iam_read, "existing_profiles", existing_profiles)
    order = {"service": "iam", "operation": "CreateInstanceProfile", "kind": "error", "code": "EntityAlreadyExists"}
    account.control("POST", "faults", {**order, "status": 409})
    failed = modules.run("ecs_iam_baseline", roles=[{"kind": "container_instance"}, {"kind": "task", "name": "app"}])
    assert (failed["msg"], failed["changed"]) == ("refused", True)
    assert failed["changes"] == [
        "create role ecsInstanceRole, trusted by ec2.amazonaws.com",
        "create role app, trusted by ecs-tasks.amazonaws.com",
    ]


def test_two_controllers_at_once(modules: Modules, account: Client, operator: str) -> None:
    """Another one makes a role between our look and our write: look again, and go on."""
    account.control(
        "POST",
        "faults",
        {"service": "iam", "operation": "CreateRole", "kind": "drop", "after": True, "count": 1},
    )
    done = modules.run("ecs_iam_baseline", roles=BASELINE)
    assert done["changed"] and not done.get("failed")
    assert not modules.run("ecs_iam_baseline", roles=BASELINE)["changed"]


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("ecs_iam_baseline", {"roles": BASELINE}),
        ("ecs_iam_role_info", {"roles": BASELINE}),
        ("ecs_iam_role_info", {}),
    ],
)
def test_a_profile_that_is_not_there_is_told_once(modules: Modules, module: str, options: dict[str, Any]) -> None:
    """Although several roles are looked at at a time: Ansible takes more than one answer for a crash."""
    result = modules.run(module, **options, profile="nobody", access_key=None, secret_key=None)
    assert "nobody" in result["msg"]
    assert modules.calls() == {}
