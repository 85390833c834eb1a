# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/iam.md says what the catalogue holds: kinds, features, and all that least privilege leaves out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from ansible_collections.onprem.ecs.plugins.module_utils._catalog import KINDS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "iam.md").read_text(encoding="utf-8")
MANAGED = json.loads(aws_managed_policies_data)


def _left_out(kind: str) -> set[str]:
    """The actions of AWS's policies that the own policy of a kind does not name."""
    found = KINDS[kind]
    assert found.least is not None
    allowed = set()
    for path in found.managed.managed:
        for statement in MANAGED[path.rpartition("/")[2]]["Document"]["Statement"]:
            actions = statement["Action"]
            allowed |= {actions} if isinstance(actions, str) else set(actions)
    return allowed - {action for own in found.least.own for one in own.statements for action in one.actions}


def _table(heading: str) -> list[list[str]]:
    """The rows of the table whose first line holds the heading."""
    lines = PAGE.splitlines()
    start = next(number for number, line in enumerate(lines) if heading in line and line.startswith("|"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


@pytest.mark.parametrize("kind", ["anywhere", "container_instance"])
def test_what_least_privilege_leaves_out(kind: str) -> None:
    rows = _table(f"left out for `{kind}`")
    told = [action for row in rows for action in re.findall(r"`([^`]+)`", row[0])]
    assert sorted(told) == sorted(_left_out(kind))
    assert all(row[1] for row in rows)


def test_task_execution_leaves_nothing_out() -> None:
    assert _left_out("task_execution") == set()
    assert "For `task_execution` no action is left out" in PAGE


def test_kinds_and_features() -> None:
    told = {
        kind.strip("`"): (name.strip("`"), service.strip("`"), re.findall(r"`([^`]+)`", features))
        for kind, name, service, features in _table("| `kind` |")
    }
    assert told == {name: (kind.default_name, kind.service, list(kind.features)) for name, kind in KINDS.items()}
