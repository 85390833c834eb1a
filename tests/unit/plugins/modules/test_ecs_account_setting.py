# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecs_account_setting and ecs_account_setting_info over HTTP, as Ansible starts them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.onprem.ecs.plugins.module_utils import _ecs_setting
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_setting_plan import plan
from emulator.client import REGION

if TYPE_CHECKING:
    from unit.plugins.conftest import Modules

NAME = "ecs_account_setting"
INFO = "ecs_account_setting_info"
ROOT = "arn:aws:iam::123456789012:root"
ME = "arn:aws:iam::123456789012:user/controller"
ROLE = "arn:aws:iam::123456789012:role/ecsTrunkingRole"


def stored(modules: Modules) -> dict[str, dict[str, str]]:
    """What AWS has, by principal."""
    found = modules.account.control("GET", "state")["account_settings"]
    assert {one.pop("region") for one in found} <= {REGION}
    by_principal = {one.pop("principalArn"): one for one in found}
    return {principal: values for principal, values in by_principal.items() if values}


def shown(name: str, value: str, principal: str = ROOT) -> dict[str, str]:
    """A setting as the modules return it."""
    return {"name": name, "value": value, "principal_arn": principal, "type": "user"}


def good(modules: Modules, **options: Any) -> dict[str, Any]:
    """Check, run, run again: the same words, no write when nothing differs. What the run returned."""
    modules.calls()
    checked = modules.check(NAME, **options)
    assert modules.writes() == 0
    done = modules.run(NAME, **options)
    assert not done.get("failed"), done["msg"]
    assert all(checked[key] == done[key] for key in ("changed", "changes", "diff", "account_settings"))
    assert modules.writes() == len(done["changes"])
    modules.calls()
    again = modules.run(NAME, **options)
    assert (again["changed"], again["changes"], again["diff"]) == (False, [], {"before": {}, "after": {}})
    assert again["account_settings"] == done["account_settings"]
    assert modules.writes() == 0
    return done


def test_the_accounts_default(modules: Modules) -> None:
    done = good(modules, settings={"awsvpcTrunking": True, "fargateTaskRetirementWaitPeriod": 14})
    assert modules.calls() == {"ecs:ListAccountSettings": 2}
    assert stored(modules) == {ROOT: {"awsvpcTrunking": "enabled", "fargateTaskRetirementWaitPeriod": "14"}}
    assert done["changes"] == [
        "set awsvpcTrunking to enabled for the account, instead of disabled",
        "set fargateTaskRetirementWaitPeriod to 14 for the account, instead of 7",
    ]
    assert done["diff"] == {
        "before": {"awsvpcTrunking": "disabled", "fargateTaskRetirementWaitPeriod": "7"},
        "after": {"awsvpcTrunking": "enabled", "fargateTaskRetirementWaitPeriod": "14"},
    }
    assert done["account_settings"] == [
        shown("awsvpcTrunking", "enabled"),
        shown("fargateTaskRetirementWaitPeriod", "14"),
    ]


def test_one_setting_takes_one_call(modules: Modules) -> None:
    good(modules, settings={"dualStackIPv6": "disabled"}, principal=ROOT)
    assert modules.calls() == {"ecs:ListAccountSettings": 1}


def test_a_default_of_aws_is_no_change(modules: Modules) -> None:
    assert modules.run(NAME, settings={"tagResourceAuthorization": True, "awsvpcTrunking": False})["changes"] == []
    assert stored(modules) == {}


def test_a_principal_has_its_own_value_even_where_the_account_has_the_same(modules: Modules) -> None:
    modules.run(NAME, settings={"awsvpcTrunking": "enabled"})
    done = good(modules, settings={"awsvpcTrunking": "enabled"}, principal=ROLE)
    assert modules.calls() == {"ecs:ListAccountSettings": 1}
    assert done["changes"] == [f"set awsvpcTrunking to enabled for {ROLE}"]
    assert done["account_settings"] == [shown("awsvpcTrunking", "enabled", ROLE)]
    assert stored(modules)[ROLE] == {"awsvpcTrunking": "enabled"}


def test_a_principals_value_goes_and_the_rest_stays(modules: Modules) -> None:
    modules.run(NAME, settings={"awsvpcTrunking": "enabled", "containerInsights": "enhanced"}, principal=ROLE)
    done = good(modules, state="absent", names=["awsvpcTrunking", "fargateFIPSMode"], principal=ROLE)
    assert done["changes"] == [f"delete awsvpcTrunking (enabled) of {ROLE}"]
    assert (done["account_settings"], stored(modules)) == ([], {ROLE: {"containerInsights": "enhanced"}})


def test_the_accounts_default_goes_back_to_that_of_aws(modules: Modules) -> None:
    modules.run(NAME, settings={"awsvpcTrunking": "enabled", "tagResourceAuthorization": "off"})
    done = good(modules, state="absent", names=["awsvpcTrunking", "tagResourceAuthorization", "containerInsights"])
    assert [one["value"] for one in done["account_settings"]] == ["disabled", "disabled", "on"]
    assert done["changes"] == [
        "set awsvpcTrunking to disabled for the account, instead of enabled",
        "set tagResourceAuthorization to on for the account, instead of off",
    ]


def test_nothing_named_is_nothing_done(modules: Modules) -> None:
    nothing: list[dict[str, Any]] = [{"settings": {}}, {"state": "absent", "names": []}]
    for options in nothing:
        assert modules.run(NAME, **options)["account_settings"] == []
    assert modules.calls() == {}


def test_the_callers_own_value_hides_nothing(modules: Modules) -> None:
    modules.account.boto("ecs").put_account_setting(name="awsvpcTrunking", value="enabled")
    done = good(modules, settings={"awsvpcTrunking": "enabled"})
    assert done["changes"] == ["set awsvpcTrunking to enabled for the account, instead of disabled"]
    assert stored(modules) == {ROOT: {"awsvpcTrunking": "enabled"}, ME: {"awsvpcTrunking": "enabled"}}


def test_each_region_and_partition_has_its_own(modules: Modules) -> None:
    modules.run(NAME, settings={"awsvpcTrunking": "enabled"})
    assert modules.check(NAME, settings={"awsvpcTrunking": "enabled"}, region="us-east-1")["changed"]
    china = good(modules, settings={"awsvpcTrunking": "enabled"}, region="cn-north-1")
    assert china["account_settings"][0]["principal_arn"] == ROOT.replace("aws", "aws-cn", 1)


def test_small_pages(modules: Modules) -> None:
    modules.account.control("POST", "settings", {"page_size_limit": 2})
    good(modules, settings={"awsvpcTrunking": "enabled", "taskLongArnFormat": "disabled"})
    assert modules.calls() == {"ecs:ListAccountSettings": 6}


TRUNKING = {"settings": {"awsvpcTrunking": "enabled"}}
BAD: list[tuple[str, dict[str, Any], str]] = [
    (NAME, {}, "settings"),
    (NAME, {"state": "absent"}, "names"),
    (NAME, {"state": "absent", "settings": {}, "names": ["awsvpcTrunking"]}, "mutually exclusive: settings|names"),
    (
        NAME,
        {"settings": {"trunking": "on"}},
        "no account setting 'trunking'; it has awsvpcTrunking, containerInsights,",
    ),
    (NAME, {"state": "absent", "names": ["awsVpcTrunking"]}, "names: ECS has no account setting 'awsVpcTrunking'"),
    (NAME, {"settings": {"guardDutyActivate": "on"}}, "guardDutyActivate is managed by AWS and can only be looked at"),
    (NAME, {"state": "absent", "names": ["guardDutyActivate"]}, "managed by AWS"),
    (NAME, {"settings": {"awsvpcTrunking": "sometimes"}}, "cannot be 'sometimes'; its values are enabled, disabled"),
    (NAME, {"settings": {"fargateTaskRetirementWaitPeriod": 3}}, "cannot be 3; its values are 0, 7, 14"),
    (NAME, {"settings": {"fargateTaskRetirementWaitPeriod": 7}, "principal": ROLE}, "holds for the whole account"),
    (
        NAME,
        {"state": "absent", "names": ["fargateTaskRetirementWaitPeriod"], "principal": ROLE},
        "leave principal out",
    ),
    *[
        (module, {**more, "principal": principal}, words)
        for module, more in ((NAME, TRUNKING), (INFO, {}))
        for principal, words in (
            ("ecsTrunkingRole", "'ecsTrunkingRole' is not the ARN of a user, of a role or of the account's root"),
            ("123456789012", "is not the ARN"),
            ("arn:aws:iam::123456789012:group/admins", "is not the ARN"),
            ("arn:aws:iam::123456789012:role/", "is not the ARN"),
            ("arn:aws:iam::1234:role/r", "such as arn:aws:iam::123456789012:role/ecsInstanceRole"),
            ("arn:aws:iam::123456789012:instance-profile/p", "is not the ARN"),
            ("arn:aws:sts::123456789012:assumed-role/r/i-1", "a session has the settings of its role"),
            ("arn:aws-cn:iam::123456789012:role/r", "is in the partition aws-cn, but the Region is in aws"),
        )
    ],
    (INFO, {"names": ["trunking"]}, "no account setting 'trunking'; it has awsvpcTrunking"),
]


@pytest.mark.parametrize(("module", "options", "words"), BAD)
def test_bad_input_ends_before_any_call(modules: Modules, module: str, options: dict[str, Any], words: str) -> None:
    result = modules.run(module, **options)
    assert result["failed"]
    assert words in result["msg"]
    assert modules.calls() == {}


def test_the_root_of_another_account_is_refused_before_a_write(modules: Modules) -> None:
    result = modules.run(NAME, **TRUNKING, principal="arn:aws:iam::210987654321:root")
    assert "it is in the account 210987654321, but the caller is in 123456789012" in result["msg"]
    assert modules.writes() == 0


def test_throttling_is_waited_out(modules: Modules, quick: list[float]) -> None:
    for operation in ("ListAccountSettings", "PutAccountSettingDefault"):
        modules.account.control(
            "POST", "faults", {"service": "ecs", "operation": operation, "kind": "throttle", "count": 3}
        )
    assert modules.run(NAME, **TRUNKING)["changed"]
    assert len(quick) == 6
    assert stored(modules) == {ROOT: {"awsvpcTrunking": "enabled"}}


def test_a_lost_answer_is_asked_for_again(modules: Modules, quick: list[float]) -> None:
    fault = {"service": "ecs", "operation": "PutAccountSettingDefault", "kind": "drop", "after": True}
    modules.account.control("POST", "faults", fault)
    assert modules.run(NAME, **TRUNKING)["account_settings"] == [shown("awsvpcTrunking", "enabled")]
    assert quick


def keys(modules: Modules, *actions: str) -> dict[str, str]:
    """The key of a user who may do some actions."""
    iam = modules.account.boto("iam")
    iam.create_user(UserName="op")
    if actions:
        document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}}
        iam.put_user_policy(UserName="op", PolicyName="p", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="op")["AccessKey"]
    return {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}


def test_the_missing_permission_is_named(modules: Modules) -> None:
    result = modules.run(INFO, **keys(modules))
    assert "lacks the permission ecs:ListAccountSettings on the account settings of the caller" in result["msg"]


def test_the_missing_permission_to_write_is_named_with_what_was_done(modules: Modules) -> None:
    user = keys(modules, "ecs:ListAccountSettings")
    result = modules.run(NAME, **TRUNKING, **user)
    words = "lacks the permission ecs:PutAccountSettingDefault on awsvpcTrunking of the account"
    assert words in result["msg"]
    assert (result["changed"], result["changes"]) == (False, [])


def test_an_operator_needs_no_more_than_the_two_permissions(modules: Modules) -> None:
    user = keys(modules, "ecs:ListAccountSettings", "ecs:PutAccountSettingDefault")
    assert modules.run(NAME, **TRUNKING, **user)["changed"]
    assert modules.run(NAME, **TRUNKING, **user)["changed"] is False


def test_whom_aws_lets_change_a_principal_is_told(modules: Modules) -> None:
    result = modules.run(NAME, **TRUNKING, principal=ROLE, **keys(modules, "ecs:*"))
    assert "only the root user, an administrator or the principal itself" in result["msg"]
    assert ROLE in result["msg"]


def test_what_hides_the_accounts_default_is_told(modules: Modules) -> None:
    user = keys(modules, "ecs:*")
    modules.account.boto("ecs").put_account_setting(
        name="awsvpcTrunking", value="disabled", principalArn="arn:aws:iam::123456789012:user/op"
    )
    result = modules.run(NAME, settings={"awsvpcTrunking": True, "containerInsights": True}, **user)
    assert "own values hide the account's default of awsvpcTrunking" in result["msg"]
    assert stored(modules) == {"arn:aws:iam::123456789012:user/op": {"awsvpcTrunking": "disabled"}}


def test_an_error_tells_what_was_done_until_then(modules: Modules) -> None:
    fault = {
        "service": "ecs",
        "operation": "PutAccountSettingDefault",
        "kind": "error",
        "skip": 1,
        "code": "ClientException",
    }
    modules.account.control("POST", "faults", fault)
    result = modules.run(NAME, settings={"awsvpcTrunking": True, "containerInsights": True})
    assert "containerInsights" in result["msg"]
    assert result["changed"]
    assert result["changes"] == ["set awsvpcTrunking to enabled for the account, instead of disabled"]
    assert modules.run(NAME, settings={"awsvpcTrunking": True, "containerInsights": True})["changes"] == [
        "set containerInsights to enabled for the account, instead of disabled"
    ]


@pytest.mark.parametrize("gone", [{"name": "awsvpcTrunking", "value": "disabled"}, None])
def test_somebody_else_changes_it_in_between(
    modules: Modules, monkeypatch: pytest.MonkeyPatch, gone: dict[str, str] | None
) -> None:
    """The last to write wins, as everywhere in ECS: what the task wants is there in the end."""
    ecs = modules.account.boto("ecs")
    ecs.put_account_setting(name="awsvpcTrunking", value="enabled", principalArn=ROLE)

    def late(*arguments: Any) -> Any:
        made = plan(*arguments)
        if gone:
            ecs.put_account_setting(**gone, principalArn=ROLE)
        else:
            ecs.delete_account_setting(name="awsvpcTrunking", principalArn=ROLE)
        return made

    monkeypatch.setattr(_ecs_setting, "plan", late)
    result = modules.run(NAME, state="absent", names=["awsvpcTrunking"], principal=ROLE)
    assert result["changed"]
    assert stored(modules) == {}


class TestInfo:
    """What is in effect, and what somebody has of his own."""

    def test_all_that_is_in_effect(self, modules: Modules) -> None:
        modules.run(NAME, settings={"containerInsights": "enhanced"})
        modules.calls()
        result = modules.run(INFO)
        assert result["changed"] is False
        assert modules.calls() == {"ecs:ListAccountSettings": 2}
        names = [one["name"] for one in result["account_settings"]]
        assert (len(names), names) == (12, sorted(names))
        by_name = {one["name"]: one for one in result["account_settings"]}
        assert by_name["containerInsights"] == shown("containerInsights", "enhanced")
        assert by_name["guardDutyActivate"]["type"] == "aws_managed"

    def test_of_a_principal(self, modules: Modules) -> None:
        modules.run(NAME, **TRUNKING, principal=ROLE)
        own = modules.run(INFO, principal=ROLE, effective=False)["account_settings"]
        assert own == [shown("awsvpcTrunking", "enabled", ROLE)]
        modules.calls()
        two = modules.run(INFO, principal=ROLE, names=["guardDutyActivate", "awsvpcTrunking"])["account_settings"]
        assert [(one["name"], one["principal_arn"]) for one in two] == [
            ("awsvpcTrunking", ROLE),
            ("guardDutyActivate", ROOT),
        ]

    def test_one_takes_one_call(self, modules: Modules) -> None:
        assert len(modules.run(INFO, names=["taskLongArnFormat"])["account_settings"]) == 1
        assert modules.calls() == {"ecs:ListAccountSettings": 1}
