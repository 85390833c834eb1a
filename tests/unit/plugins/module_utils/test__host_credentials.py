# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials of another origin."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.plugins.module_utils._host_double import CREDENTIALS, NODE, NOW, FakeHost

from ansible_collections.onprem.ecs.plugins.module_utils._host_credentials import (
    SHARED,
    find_conflict,
    foreign,
    is_agents_own,
    profiles,
)
from ansible_collections.onprem.ecs.plugins.module_utils._host_ssm import Ssm
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit
from ansible_collections.onprem.ecs.plugins.module_utils._host_vault import Identity, Registration

UNIT = Unit("amazon-ssm-agent.service", loaded=True, active=True, started_at=NOW - 100)
BARE = Ssm(None, None, Unit("amazon-ssm-agent.service"), None, None, False)
OWN = Ssm("3.3", "deb", UNIT, Registration(NODE, "eu-west-1", NOW - 200), Identity(NODE, SHARED, NOW + 100), False)
PERMANENT = "[default]\naws_access_key_id = AKIAQQQQQQQQQQQQQQQQ\naws_secret_access_key = x\n"


@pytest.mark.parametrize(
    ("text", "ssm", "written_at", "expected"),
    [
        (None, BARE, 0.0, None),
        ("", BARE, 0.0, None),
        ("# nothing\n", BARE, 0.0, None),
        (CREDENTIALS, OWN, NOW, None),
        (CREDENTIALS, BARE, NOW, "did not write it"),
        (PERMANENT, BARE, NOW, "permanent credentials"),
        # Somebody wrote over the agent's file.
        (PERMANENT, OWN, NOW, "permanent credentials"),
        ("[work]\naws_access_key_id=AKIA\n", BARE, NOW, "did not write it"),
        # The agent was cleared, its last file is left: it will write over it.
        (CREDENTIALS, OWN._replace(registration=None), NOW, None),
        # The agent wrote the credentials and is about to say so.
        (CREDENTIALS, OWN._replace(identity=None), NOW - 10, None),
        (CREDENTIALS, OWN._replace(identity=None), NOW - 1000, "did not write it"),
        (CREDENTIALS, OWN._replace(identity=Identity(NODE, "", None)), NOW - 1000, "did not write it"),
    ],
)
def test_foreign(text: str | None, ssm: Ssm, written_at: float, expected: str | None) -> None:
    reason = foreign(text, ssm, written_at)
    assert (reason is None) if expected is None else (reason is not None and expected in reason)
    assert "AKIA" not in (reason or "")


@given(st.text())
def test_profiles_of_any_text(text: str) -> None:
    profiles(text)


def test_profiles_hold_names_only() -> None:
    assert profiles("x=1\n[ a ]\nAWS_Secret = s\n[a]\ny=2\n") == {"default": {"x"}, "a": {"aws_secret", "y"}}


def test_conflicts_on_a_host(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    assert find_conflict(host, BARE) is None
    host.put("/etc/ecs/ecs.config", "ECS_CLUSTER=x\nAWS_ACCESS_KEY_ID=AKIAQQQQQQQQQQQQQQQQ\nAWS_SESSION_TOKEN=\n")
    found = find_conflict(host, BARE)
    assert found and found.path == "/etc/ecs/ecs.config" and "sets AWS_ACCESS_KEY_ID," in found.reason
    host.put(SHARED, PERMANENT)
    found = find_conflict(host, BARE)
    assert found and found.path == SHARED and "AKIAQ" not in repr(found)


def test_only_the_agents_own_file_may_be_removed(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    assert not is_agents_own(host, OWN)
    host.put(SHARED, CREDENTIALS)
    assert is_agents_own(host, OWN) and not is_agents_own(host, BARE)
    host.put(SHARED, CREDENTIALS + "[work]\naws_access_key_id=AKIA\n")
    assert not is_agents_own(host, OWN)
