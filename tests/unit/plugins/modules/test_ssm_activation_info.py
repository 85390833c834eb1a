# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ssm_activation_info over HTTP, as Ansible starts it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from emulator.client import REGION

if TYPE_CHECKING:
    from unit.plugins.conftest import Modules

NAME = "ssm_activation_info"
OPEN, FULL, OLD, OTHER = (f"11111111-2222-3333-4444-55555555555{n}" for n in range(4))
CODE = "thecodethatmustnotbe"


@pytest.fixture
def made(modules: Modules) -> None:
    """An activation with room, one without, one that has expired, one of another role."""
    common = {"ActivationCode": CODE, "Region": REGION, "IamRole": "one", "RegistrationLimit": 2}
    activations = [
        {**common, "ActivationId": OPEN, "RegistrationsCount": 1, "Tags": {"owner": "me"}},
        {**common, "ActivationId": FULL, "RegistrationsCount": 2, "Tags": {"owner": "me", "run": "2"}},
        {**common, "ActivationId": OLD, "ExpirationDate": time.time() - 60},
        {**common, "ActivationId": OTHER, "IamRole": "two", "DefaultInstanceName": "rack"},
    ]
    modules.account.control("POST", "seed", {"activations": activations})
    modules.calls()


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, {OPEN, FULL, OLD, OTHER}),
        ({"valid": True}, {OPEN, OTHER}),
        ({"iam_role": "one"}, {OPEN, FULL, OLD}),
        ({"iam_role": "one", "valid": True}, {OPEN}),
        ({"default_instance_name": "rack"}, {OTHER}),
        ({"activation_ids": [OLD, FULL, "11111111-2222-3333-4444-666666666666"]}, {OLD, FULL}),
        ({"activation_ids": [OLD, FULL], "valid": True}, set()),
        ({"tags": {"owner": "me"}}, {OPEN, FULL}),
        ({"tags": {"owner": "me", "run": 2}}, {FULL}),
    ],
)
def test_which(modules: Modules, options: dict[str, Any], found: set[str]) -> None:
    result = modules.run(NAME, **options)
    assert result["changed"] is False
    assert {one["activation_id"] for one in result["activations"]} == found
    assert CODE not in result["printed"]
    assert modules.calls() == {"ssm:DescribeActivations": 1}


@pytest.mark.usefixtures("made")
def test_as_ssm_activation_returns_it(modules: Modules) -> None:
    shown = modules.run(NAME, activation_ids=[OPEN])["activations"]
    deleted = modules.run("ssm_activation", state="absent", activation_id=OPEN)["activations"]
    assert shown == deleted
    assert shown[0]["tags"] == {"owner": "me"}


def test_the_newest_comes_first(modules: Modules) -> None:
    modules.account.role("one")
    made = []
    for seconds in (0, 60, 120):
        modules.account.control("POST", "settings", {"clock_offset_seconds": seconds})
        made.append(modules.run("ssm_activation", iam_role="one")["activation_id"])
    assert [one["activation_id"] for one in modules.run(NAME)["activations"]] == made[::-1]


@pytest.mark.usefixtures("made")
def test_none_are_asked_for(modules: Modules) -> None:
    assert modules.run(NAME, activation_ids=[])["activations"] == []
    assert modules.calls() == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"activation_ids": ["x"]}, "activation_ids: 'x' is not the id of an activation"),
        ({"iam_role": "arn:aws:iam::1:role/x"}, "SSM calls the role 'x'"),
    ],
)
def test_bad_input(modules: Modules, options: dict[str, Any], words: str) -> None:
    assert words in modules.run(NAME, **options)["msg"]
    assert modules.calls() == {}


def test_pages(modules: Modules) -> None:
    one = {"ActivationCode": CODE, "Region": REGION, "IamRole": "one"}
    many = [{**one, "ActivationId": f"11111111-2222-3333-4444-{n:012}"} for n in range(120)]
    modules.account.control("POST", "seed", {"activations": many})
    modules.calls()
    assert len(modules.run(NAME)["activations"]) == 120
    assert modules.calls() == {"ssm:DescribeActivations": 3}
