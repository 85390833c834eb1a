# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each folder in ``targets`` is a role: a series of tasks that uses a module and asserts what came of it.

It runs on localhost against an empty account, with ``emulator_url`` for the emulator's control API.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from runner import Playbooks

TARGETS = Path(__file__).parent / "targets"
NAMES = sorted(path.parent.parent.name for path in TARGETS.glob("*/tasks/main.yml"))


def test_there_are_targets() -> None:
    assert NAMES


@pytest.mark.parametrize("target", NAMES)
def test_target(target: str, playbooks: Playbooks) -> None:
    done = playbooks.run([playbooks.local([{"ansible.builtin.include_role": {"name": str(TARGETS / target)}}])])
    assert done.code == 0, done.explain()
    assert done.results, done.text
