# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ssm_activation over HTTP, as Ansible starts it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unit.plugins.modules._run_module import run_tasks

import emulator
from emulator.client import REGION, Node

if TYPE_CHECKING:
    from unit.plugins.conftest import Modules

NAME = "ssm_activation"
UNKNOWN = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def role(modules: Modules) -> str:
    """A role that SSM may assume; calls made until here do not count."""
    name = modules.account.role(policies=())
    modules.calls()
    return name


def activations(modules: Modules) -> list[dict[str, Any]]:
    """What AWS has."""
    found: list[dict[str, Any]] = modules.account.boto("ssm").describe_activations()["ActivationList"]
    return found


def test_a_new_one_with_all_options(modules: Modules, role: str) -> None:
    options = {"default_instance_name": "edge", "description": "a test", "tags": {"owner": "me", "n": 1}}
    result = modules.run(NAME, iam_role=role, registration_limit=3, expires_in="2h", **options)

    assert result["changed"]
    assert modules.calls() == {"ssm:CreateActivation": 1}
    made = activations(modules)[0]
    assert made["ActivationId"] == result["activation_id"]
    assert (made["RegistrationLimit"], made["DefaultInstanceName"], made["Description"]) == (3, "edge", "a test")
    assert {tag["Key"]: tag["Value"] for tag in made["Tags"]} == {"owner": "me", "n": "1"}
    ends = datetime.strptime(result["expiration_date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    assert abs(ends - made["ExpirationDate"]) < timedelta(seconds=2)
    assert timedelta(minutes=119) < ends - datetime.now(timezone.utc) <= timedelta(hours=2)
    assert result["registration_limit"] == 3


def test_the_code_works_and_is_only_in_its_own_value(modules: Modules, role: str) -> None:
    result = modules.run(NAME, iam_role=role, store="/test/activation")
    assert result["printed"].count(result["activation_code"]) == 1
    assert result["activation_code"] not in json.dumps([result["changes"], result["diff"], result["invocation"]])
    assert node_with(modules, result).status == 200


def test_no_log_hides_the_code_and_the_next_task_has_it(modules: Modules, role: str, tmp_path: Path) -> None:
    make = {"onprem.ecs.ssm_activation": {"iam_role": role, "store": "/test/activation"}, "no_log": True}
    environment = {
        "AWS_ACCESS_KEY_ID": emulator.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": emulator.SECRET_KEY,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": modules.account.server.url,
    }
    (first, again), printed = run_tasks(tmp_path, [make, make], "-vvvv", environment=environment)
    assert first["activation_code"] == again["activation_code"]
    assert len(first["activation_code"]) == 20
    assert first["activation_code"] not in printed


def node_with(modules: Modules, result: dict[str, Any]) -> Any:
    """The answer to a host that registers with the activation."""
    return Node(modules.account).register(result["activation_id"], result["activation_code"])


def test_without_store_each_run_makes_one(modules: Modules, role: str) -> None:
    first, second = (modules.run(NAME, iam_role=role) for _unused in range(2))
    assert first["activation_id"] != second["activation_id"]
    assert len(activations(modules)) == 2


def test_check_mode_writes_nothing(modules: Modules, role: str) -> None:
    result = modules.check(NAME, iam_role=role, store="/test/activation")
    assert result["changed"]
    assert (result["activation_id"], result["activation_code"]) == (None, None)
    assert result["changes"] == [
        "create an activation for 1 host with the role ecsAnywhereRole",
        "keep its code in the parameter /test/activation",
    ]
    assert modules.writes() == 0
    # The account is empty, and the role too is only going to be there.
    assert modules.check(NAME, iam_role="comes-later")["changed"]
    assert modules.writes() == 0


def test_a_role_that_is_known_a_moment_later_is_waited_for(modules: Modules) -> None:
    modules.account.boto("iam").list_roles()  # the emulator reads AWS's policies once, before the clock runs
    modules.account.control("POST", "settings", {"role_propagation_seconds": 3})
    role = modules.account.role(policies=())
    modules.calls()
    assert modules.run(NAME, iam_role=role)["activation_code"]
    assert modules.calls()["ssm:CreateActivation"] > 1


def test_a_role_that_never_comes_is_named_with_the_remedy(modules: Modules, quick: list[float]) -> None:
    result = modules.run(NAME, iam_role="missing")
    assert result["failed"]
    assert "The role missing is not in this account, or its trust policy" in result["msg"]
    assert "kind=anywhere" in result["msg"]
    assert modules.calls() == {"ssm:CreateActivation": 10}
    assert 1 < sum(quick) <= 60
    assert len(set(quick)) == len(quick), "with jitter"


def test_another_refusal_is_not_tried_again(modules: Modules, role: str, quick: list[float]) -> None:
    fault = {"service": "ssm", "operation": "CreateActivation", "kind": "error", "count": 1}
    refusal = {"status": 400, "code": "ValidationException", "message": "Tags are wrong"}
    modules.account.control("POST", "faults", {**fault, **refusal})
    assert "Tags are wrong" in modules.run(NAME, iam_role=role)["msg"]
    assert modules.calls() == {"ssm:CreateActivation": 1}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "iam_role"),
        ({"iam_role": "arn:aws:iam::123456789012:role/anywhere"}, "SSM calls the role 'anywhere'"),
        ({"iam_role": "anywhere", "registration_limit": 1001}, "registration_limit"),
        ({"iam_role": "anywhere", "expires_in": "24"}, "expires_in"),
        ({"iam_role": "anywhere", "tags": {"aws:x": "y"}}, "reserved"),
        ({"state": "absent"}, "state=absent needs one of"),
        ({"state": "absent", "tags": {}}, "state=absent needs one of"),
        ({"state": "absent", "activation_id": "5743"}, "activation_id"),
        ({"state": "absent", "expired": True, "iam_role": "/a/b"}, "iam_role"),
    ],
)
def test_malformed_options_end_before_any_call(modules: Modules, options: dict[str, Any], words: str) -> None:
    result = modules.run(NAME, **options)
    assert result["failed"]
    assert words in result["msg"]
    assert modules.calls() == {}


def test_kept_and_used_again(modules: Modules, role: str) -> None:
    options = {"iam_role": role, "registration_limit": 2, "store": "/test/activation"}
    first = modules.run(NAME, **options)
    assert first["changed"]
    modules.calls()
    again = modules.run(NAME, **options)
    assert not again["changed"]
    assert again["changes"] == []
    assert [again[key] for key in ("activation_id", "activation_code", "expiration_date")] == [
        first[key] for key in ("activation_id", "activation_code", "expiration_date")
    ]
    assert modules.calls() == {"ssm:GetParameter": 1, "ssm:DescribeActivations": 1}
    assert modules.check(NAME, **options)["changed"] is False
    kept = modules.account.boto("ssm").get_parameter(Name="/test/activation")["Parameter"]
    assert kept["Type"] == "SecureString"


def test_a_kept_one_without_room_is_replaced_and_used_up_ones_go(modules: Modules, role: str) -> None:
    options = {"iam_role": role, "registration_limit": 2, "store": "/test/activation"}
    first = modules.run(NAME, **options)
    assert node_with(modules, first).status == 200
    second = modules.run(NAME, **options)
    assert second["activation_id"] != first["activation_id"]
    assert len(activations(modules)) == 2, "the first still has room for one, and somebody may be using it"
    for _unused in range(2):
        assert node_with(modules, second).status == 200
    told = modules.check(NAME, **options)["changes"]
    assert told[-1].startswith(f"delete the activation {second['activation_id']} ")
    third = modules.run(NAME, **options)
    assert third["changes"] == told
    assert sorted(one["ActivationId"] for one in activations(modules)) == sorted(
        [first["activation_id"], third["activation_id"]]
    )


def test_a_role_with_a_path(modules: Modules, quick: list[float]) -> None:
    """SSM calls it by both, and knows no role of the name alone."""
    name = modules.account.role(policies=(), Path="/factory/")
    options = {"iam_role": f"factory/{name}", "store": "/test/activation"}
    made = modules.run(NAME, **options)
    assert made["changed"]
    assert [one["IamRole"] for one in activations(modules)] == [f"factory/{name}"]
    assert modules.run(NAME, **options)["changed"] is False
    shown = modules.run("ssm_activation_info", iam_role=options["iam_role"])["activations"]
    assert [one["iam_role"] for one in shown] == [f"factory/{name}"]
    refused = modules.run(NAME, iam_role=name)
    assert "A role with a path is called path/NAME" in refused["msg"]
    gone = modules.run(NAME, state="absent", **options)["activations"]
    assert [one["activation_id"] for one in gone] == [made["activation_id"]]


@pytest.mark.parametrize("gone", ["expired", "deleted"])
def test_a_kept_one_that_has_ended_is_replaced(modules: Modules, role: str, gone: str) -> None:
    first = modules.run(NAME, iam_role=role, store="/test/activation")
    if gone == "expired":
        modules.account.control("POST", "activations/expire", {"ActivationId": first["activation_id"]})
    else:
        modules.account.boto("ssm").delete_activation(ActivationId=first["activation_id"])
    second = modules.run(NAME, iam_role=role, store="/test/activation")
    assert second["changed"]
    assert [one["ActivationId"] for one in activations(modules)] == [second["activation_id"]]


def test_a_foreign_parameter_is_left_alone(modules: Modules, role: str) -> None:
    ssm = modules.account.boto("ssm")
    ssm.put_parameter(Name="/test/other", Type="SecureString", Value="password-of-somebody")
    for options in ({"iam_role": role}, {"state": "absent"}):
        result = modules.run(NAME, store="/test/other", **options)
        assert "does not hold an activation" in result["msg"]
        assert "password-of-somebody" not in result["printed"]
    assert ssm.get_parameter(Name="/test/other", WithDecryption=True)["Parameter"]["Value"] == "password-of-somebody"


def test_a_code_that_cannot_be_kept_leaves_no_activation(modules: Modules, role: str) -> None:
    fault = {"service": "ssm", "operation": "PutParameter", "kind": "error", "count": 1, "status": 400}
    modules.account.control("POST", "faults", {**fault, "code": "AccessDeniedException", "message": "not you"})
    result = modules.run(NAME, iam_role=role, store="/test/activation")
    assert "lacks the permission ssm:PutParameter" in result["msg"]
    assert activations(modules) == []


DENIED = {"service": "ssm", "operation": "DeleteActivation", "kind": "error", "count": 1, "status": 400}
DENIED |= {"code": "AccessDeniedException", "message": "not you"}


def test_absent_that_fails_half_way_tells_what_was_done(modules: Modules, role: str) -> None:
    for _two in range(2):
        modules.run(NAME, iam_role=role, tags={"owner": "me"})
    modules.account.control("POST", "faults", {**DENIED, "skip": 1})
    result = modules.run(NAME, state="absent", tags={"owner": "me"})
    assert result["failed"] and result["changed"]
    (left,) = (one["ActivationId"] for one in activations(modules))
    (told,) = result["changes"]
    assert told.startswith("delete the activation ") and left not in told


def test_present_that_cannot_delete_the_old_one_tells_what_was_done(modules: Modules, role: str) -> None:
    first = modules.run(NAME, iam_role=role, store="/test/activation")
    modules.account.control("POST", "activations/expire", {"ActivationId": first["activation_id"]})
    modules.account.control("POST", "faults", DENIED)
    result = modules.run(NAME, iam_role=role, store="/test/activation")
    assert result["failed"] and result["changed"]
    assert result["changes"] == [
        f"create an activation for 1 host with the role {role}",
        "keep its code in the parameter /test/activation",
    ]


def test_absent_by_id(modules: Modules, role: str) -> None:
    made = [modules.run(NAME, iam_role=role)["activation_id"] for _unused in range(2)]
    modules.calls()
    options = {"state": "absent", "activation_id": made[0]}
    planned = modules.check(NAME, **options)
    assert modules.writes() == 0
    done = modules.run(NAME, **options)
    assert planned["changed"] and done["changed"]
    assert planned["changes"] == done["changes"] == [f"delete the activation {made[0]} of the role ecsAnywhereRole"]
    assert [one["activation_id"] for one in done["activations"]] == [made[0]]
    assert [one["ActivationId"] for one in activations(modules)] == [made[1]]
    modules.calls()
    assert not modules.run(NAME, **options)["changed"]
    assert modules.calls() == {"ssm:DescribeActivations": 1}


def test_absent_by_tags_takes_all_of_this_owner(modules: Modules, role: str) -> None:
    ssm = modules.account.boto("ssm")
    other = modules.account.role("otherRole", policies=())

    def make(iam_role: str, **tags: str) -> str:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        return str(ssm.create_activation(IamRole=iam_role, Tags=listed)["ActivationId"])

    mine = {make(role, owner="me", run=str(number)) for number in range(120)}
    kept = {make(role, owner="you"), make(role), make(other, owner="me")}
    modules.calls()
    result = modules.run(NAME, state="absent", iam_role=role, tags={"owner": "me"})
    assert {one["activation_id"] for one in result["activations"]} == mine
    assert modules.calls() == {"ssm:DescribeActivations": 3, "ssm:DeleteActivation": 120}
    assert {one["ActivationId"] for one in activations(modules)} == kept
    assert not modules.run(NAME, state="absent", iam_role=role, tags={"owner": "me"})["changed"]


def test_absent_expired_only(modules: Modules, role: str) -> None:
    made = [modules.run(NAME, iam_role=role, tags={"owner": owner})["activation_id"] for owner in ("a", "a", "b")]
    for one in (made[0], made[2]):
        modules.account.control("POST", "activations/expire", {"ActivationId": one})
    first = modules.run(NAME, state="absent", tags={"owner": "a"}, expired=True)
    assert [one["activation_id"] for one in first["activations"]] == [made[0]]
    second = modules.run(NAME, state="absent", expired=True)
    assert [(one["activation_id"], one["expired"]) for one in second["activations"]] == [(made[2], True)]
    assert [one["ActivationId"] for one in activations(modules)] == [made[1]]


def test_absent_from_the_store(modules: Modules, role: str) -> None:
    modules.run(NAME, iam_role=role, store="/test/activation")
    assert modules.run(NAME, state="absent", store="/test/activation", expired=True)["changed"] is False
    assert modules.check(NAME, state="absent", store="/test/activation")["changed"]
    assert modules.run(NAME, state="absent", store="/test/activation")["changed"]
    assert activations(modules) == []
    assert modules.account.boto("ssm").describe_parameters()["Parameters"] == []
    assert modules.run(NAME, state="absent", store="/test/activation")["changed"] is False


def test_what_somebody_else_deletes_meanwhile_is_no_error(modules: Modules, role: str) -> None:
    made = modules.run(NAME, iam_role=role)["activation_id"]
    fault = {"service": "ssm", "operation": "DeleteActivation", "kind": "error", "count": 1, "status": 400}
    modules.account.control("POST", "faults", {**fault, "code": "InvalidActivation"})
    result = modules.run(NAME, state="absent", activation_id=made)
    assert result["changed"] and not result.get("failed")
    assert modules.run(NAME, state="absent", activation_id=UNKNOWN)["changed"] is False


def fail(modules: Modules, operation: str, code: str, message: str = "not you", count: int = 1) -> None:
    """Refuse the next calls of an operation of SSM."""
    fault = {"service": "ssm", "operation": operation, "kind": "error", "count": count, "status": 400}
    modules.account.control("POST", "faults", {**fault, "code": code, "message": message})


@pytest.mark.parametrize("how", ["run", "check"])
def test_a_name_that_nodes_cannot_have(modules: Modules, role: str, how: str) -> None:
    result = getattr(modules, how)(NAME, iam_role=role, default_instance_name="hall 3 (north)")
    assert result["msg"].startswith("default_instance_name: '(' in hall 3 (north) is neither letter, digit, space nor")
    assert modules.calls() == {}
    assert modules.run(NAME, iam_role=role, default_instance_name="H\u00f6lle 3: a_b.c/d=e+f-g@h")["changed"]


def test_a_role_that_is_not_known_yet_in_older_words(modules: Modules, role: str, quick: list[float]) -> None:
    """https://github.com/aws/aws-cli/issues/4232"""
    words = f"Not existing role: arn:aws:iam::123456789012:role/{role}"
    fail(modules, "CreateActivation", "ValidationException", words, count=2)
    assert modules.run(NAME, iam_role=role)["changed"]
    assert len(quick) == 2


def test_two_controllers_with_one_store(modules: Modules, role: str, quick: list[float]) -> None:
    """AWS takes one change of a parameter at a time."""
    fail(modules, "PutParameter", "TooManyUpdates", count=2)
    assert modules.run(NAME, iam_role=role, store="/test/activation")["changed"]
    assert (len(quick), len(activations(modules))) == (2, 1)
    fail(modules, "DeleteActivation", "TooManyUpdates")
    assert modules.run(NAME, state="absent", store="/test/activation")["changed"]
    assert activations(modules) == []


def test_a_code_that_is_neither_kept_nor_taken_back_is_told_whole(modules: Modules, role: str) -> None:
    fail(modules, "PutParameter", "AccessDeniedException")
    fail(modules, "DeleteActivation", "AccessDeniedException")
    result = modules.run(NAME, iam_role=role, store="/test/activation")
    (left,) = activations(modules)
    assert "lacks the permission ssm:PutParameter on parameter /test/activation" in result["msg"]
    assert f"The activation {left['ActivationId']} was made, and could not be taken back" in result["msg"]
    assert "lacks the permission ssm:DeleteActivation" in result["msg"]
    assert result["changed"] and result["changes"] == [f"create an activation for 1 host with the role {role}"]


@pytest.mark.parametrize(
    "fault",
    [{"kind": "error", "status": 400, "code": "TooManyUpdates", "message": "later"}, {"kind": "drop", "after": True}],
    ids=["busy", "answer lost"],
)
def test_an_activation_that_is_taken_back_after_all(
    modules: Modules, role: str, quick: list[float], fault: dict[str, Any]
) -> None:
    """The first try is refused for a moment, or done and its answer lost."""
    fail(modules, "PutParameter", "AccessDeniedException")
    modules.account.control("POST", "faults", {"service": "ssm", "operation": "DeleteActivation", **fault})
    result = modules.run(NAME, iam_role=role, store="/test/activation")
    assert "lacks the permission ssm:PutParameter" in result["msg"] and "taken back" not in result["msg"]
    assert activations(modules) == []
