# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Account settings: the catalogue, the options, the plan."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.ecs.plugins.module_utils import _ecs_setting, _ecs_setting_plan
from ansible_collections.onprem.ecs.plugins.module_utils._catalog_settings import SETTINGS, settable
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_setting_plan import Wanted, checked_value, plan, wanted
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from emulator import account_settings as emulated

ROOT = "arn:aws:iam::123456789012:root"
ROLE = "arn:aws:iam::123456789012:role/plant/ecsTrunkingRole"
USER = "arn:aws:iam::123456789012:user/me"


def test_the_names_are_those_of_botocore() -> None:
    """AWS documents dualStackIPv6 and takes it; its own model has forgotten it."""
    model = botocore.session.get_session().get_service_model("ecs").shape_for("SettingName")
    assert {name for name, setting in SETTINGS.items() if setting.modelled} == set(model.metadata["enum"])
    assert {name for name, setting in SETTINGS.items() if not setting.modelled} == {"dualStackIPv6"}


def test_the_catalogue_is_whole() -> None:
    for name, setting in SETTINGS.items():
        assert setting.page.startswith("https://docs.aws.amazon.com/AmazonECS/latest/"), name
        assert {setting.default, setting.yes or setting.default, setting.no or setting.default} <= set(setting.values)
        assert (setting.yes is None) == (setting.no is None)
    assert set(SETTINGS) - set(settable()) == {"guardDutyActivate"}


def test_the_emulator_has_the_same_values_and_defaults() -> None:
    """Written down twice, so that neither is changed alone."""
    assert {name: set(setting.values) for name, setting in SETTINGS.items()} == {
        name: set(values) for name, values in emulated.VALUES.items()
    }
    assert {name: setting.default for name, setting in SETTINGS.items()} == emulated.DEFAULTS


@pytest.mark.parametrize(
    ("name", "given_value", "value"),
    [
        *[("awsvpcTrunking", yes, "enabled") for yes in ("enabled", True, "True", "true", "yes", "on")],
        *[("awsvpcTrunking", no, "disabled") for no in ("disabled", False, "False", "no", "off")],
        ("containerInsights", True, "enabled"),
        ("containerInsights", "enhanced", "enhanced"),
        ("tagResourceAuthorization", True, "on"),
        ("tagResourceAuthorization", False, "off"),
        ("tagResourceAuthorization", "off", "off"),
        *[("fargateTaskRetirementWaitPeriod", days, "7") for days in (7, "7")],
        ("fargateTaskRetirementWaitPeriod", 0, "0"),
        ("defaultLogDriverMode", "non-blocking", "non-blocking"),
    ],
)
def test_what_yaml_makes_of_values(name: str, given_value: Any, value: str) -> None:
    assert checked_value(name, given_value) == value


@pytest.mark.parametrize(
    ("name", "given_value", "words"),
    [
        ("awsvpcTrunking", "Enabled", "awsvpcTrunking cannot be 'Enabled'; its values are enabled, disabled"),
        ("awsvpcTrunking", 1, "cannot be 1;"),
        ("awsvpcTrunking", None, "cannot be nothing;"),
        ("awsvpcTrunking", ["enabled"], "cannot be ['enabled'];"),
        ("awsvpcTrunking", "enhanced", "its values are enabled, disabled"),
        ("containerInsights", "full", "its values are enhanced, enabled, disabled"),
        ("tagResourceAuthorization", "enabled", "its values are on, off"),
        ("fargateTaskRetirementWaitPeriod", True, "cannot be True; its values are 0, 7, 14"),
        ("fargateTaskRetirementWaitPeriod", False, "cannot be False; its values are 0, 7, 14"),
        ("fargateTaskRetirementWaitPeriod", 30, "cannot be 30;"),
        ("fargateTaskRetirementWaitPeriod", 7.0, "cannot be 7.0;"),
        ("defaultLogDriverMode", True, "its values are blocking, non-blocking"),
    ],
)
def test_values_that_there_are_not(name: str, given_value: Any, words: str) -> None:
    with pytest.raises(EcsError) as caught:
        checked_value(name, given_value)
    assert words in str(caught.value)


def options(**given_options: Any) -> dict[str, Any]:
    """The module's parameters."""
    return {"state": "present", "settings": None, "names": None, "principal": None, **given_options}


def test_the_root_is_the_account() -> None:
    want = wanted(options(settings={"awsvpcTrunking": True}, principal=ROOT), "aws")
    assert want == Wanted({"awsvpcTrunking": "enabled"}, None, "123456789012")


def test_absent_is_the_principals_value_or_the_default_of_aws() -> None:
    names = ["awsvpcTrunking", "tagResourceAuthorization"]
    of_role = wanted(options(state="absent", names=names, principal=ROLE), "aws")
    assert of_role == Wanted(dict.fromkeys(names), ROLE, "123456789012")
    of_account = wanted(options(state="absent", names=names), "aws")
    assert of_account == Wanted({"awsvpcTrunking": "disabled", "tagResourceAuthorization": "on"}, None)


VALUES = st.sampled_from(["enabled", "disabled"])
ITEMS = st.dictionaries(st.sampled_from(settable()), VALUES)


def item(name: str, value: str, principal: str = ROOT) -> dict[str, Any]:
    """A setting as AWS shows it."""
    return {"name": name, "value": value, "principalArn": principal, "type": "user"}


@given(
    before=ITEMS,
    values=st.dictionaries(st.sampled_from(settable()), VALUES | st.none()),
    principal=st.sampled_from([None, ROLE]),
)
def test_the_plan_leads_to_what_is_wanted_and_no_further(
    before: dict[str, str], values: dict[str, str | None], principal: str | None
) -> None:
    want = Wanted({name: value for name, value in values.items() if value or principal}, principal)
    made = plan(want, {name: item(name, value) for name, value in before.items()})
    after = dict(before)
    for change in made.ordered():
        assert change.params.get("principalArn") == principal
        if change.operation == "DeleteAccountSetting":
            del after[change.params["name"]]
        else:
            assert change.operation == ("PutAccountSetting" if principal else "PutAccountSettingDefault")
            after[change.params["name"]] = change.params["value"]
    assert after == {name: value for name, value in {**before, **want.values}.items() if value is not None}
    assert (
        len(made.words())
        == len(set(made.words()))
        == len({name for name in before | after if before.get(name) != after.get(name)})
    )
    assert bool(made.changes) == (made.diff() != {"before": {}, "after": {}})
    assert plan(want, {name: item(name, value) for name, value in after.items()}).changes == ()


def test_words_and_diff() -> None:
    found = {"awsvpcTrunking": item("awsvpcTrunking", "disabled", ROLE)}
    made = plan(Wanted({"awsvpcTrunking": "enabled", "containerInsights": "enhanced"}, ROLE), found)
    assert made.words() == [
        f"set awsvpcTrunking to enabled for {ROLE}, instead of disabled",
        f"set containerInsights to enhanced for {ROLE}",
    ]
    assert made.diff() == {
        "before": {"awsvpcTrunking": "disabled"},
        "after": {"awsvpcTrunking": "enabled", "containerInsights": "enhanced"},
    }
    assert plan(Wanted({"awsvpcTrunking": None}, ROLE), found).words() == [
        f"delete awsvpcTrunking (disabled) of {ROLE}"
    ]


class Listing:
    """Answers ListAccountSettings, and remembers what was asked."""

    def __init__(self, *answers: list[dict[str, Any]]) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def pages(self, *_where: str, **params: Any) -> list[dict[str, Any]]:
        """The next answer."""
        self.asked.append(params)
        return self.answers.pop(0)


def test_aws_may_name_the_caller_for_the_accounts_default() -> None:
    """AWS's own examples of an effective listing show the caller, and others the root."""
    aws: Any = Listing([item("awsvpcTrunking", "enabled", USER)], [])
    found = _ecs_setting.account_defaults(aws, ["awsvpcTrunking"])
    assert found == {"awsvpcTrunking": item("awsvpcTrunking", "enabled", ROOT)}
    assert aws.asked == [{"effectiveSettings": effective, "name": "awsvpcTrunking"} for effective in (True, False)]


def test_the_callers_own_value_is_not_taken_for_the_accounts() -> None:
    aws: Any = Listing(
        [item("awsvpcTrunking", "enabled", USER), item("containerInsights", "enabled", USER)],
        [item("awsvpcTrunking", "enabled", USER)],
        [item("awsvpcTrunking", "disabled", ROOT)],
    )
    found = _ecs_setting.account_defaults(aws, ["awsvpcTrunking", "containerInsights"])
    assert {name: (one["value"], one["principalArn"]) for name, one in found.items()} == {
        "awsvpcTrunking": ("disabled", ROOT),
        "containerInsights": ("enabled", ROOT),
    }
    assert aws.asked[2] == {"effectiveSettings": True, "principalArn": ROOT, "name": "awsvpcTrunking"}


def test_root_of() -> None:
    assert (
        _ecs_setting_plan.root_of("arn:aws-us-gov:iam::210987654321:user/a/b")
        == "arn:aws-us-gov:iam::210987654321:root"
    )
