# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""README's playbook of the user's own, on hosts that README's commands have enrolled (test_enroll.py)."""

from __future__ import annotations

import shlex

import pytest
from readme_blocks import commands

from system.conftest import Enrolled
from system.controller import instances_up

pytestmark = pytest.mark.lab


def test_a_playbook_of_ones_own(enrolled: Enrolled) -> None:
    user = enrolled.controller
    (command,) = (shlex.split(line) for line in commands() if line.endswith(" enroll.yml"))
    run = user.run([*command, *enrolled.connect])
    assert run.code == 0, run.text
    instances_up(user, "node1", "node2")
    for one in user.state()["container_instances"]:
        attributes = {attribute["name"]: attribute.get("value") for attribute in one["attributes"]}
        assert attributes["site"] == "berlin"
        assert {"key": "owner", "value": "platform"} in one["tags"]

    user.forget_calls()
    run = user.run([*command, *enrolled.connect])
    assert run.code == 0, run.text
    assert set(run.changed().values()) == {0}, run.text
    assert user.calls().writes == {}
