# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module against the emulator: what it asks AWS for, which roles it looks at, and what it says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from module_docs import broken_promises

if TYPE_CHECKING:

    from ..conftest import Modules

NAME = "ecsAnywhereRole"
INFO = "ecs_iam_role_info"
WIDE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


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
