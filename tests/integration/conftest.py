# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An AWS account, empty for each test, and ``ansible-playbook`` to work on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from agent import Agent
from runner import Playbooks

import emulator


@pytest.fixture(scope="session")
def _emulator() -> Iterator[emulator.Emulator]:
    """The emulator, started once."""
    with emulator.Emulator() as running:
        yield running


@pytest.fixture
def playbooks(_emulator: emulator.Emulator, tmp_path: Path) -> Iterator[Playbooks]:
    """Runs plays on an empty account. A call that the emulator does not know fails the test."""
    runner = Playbooks(_emulator.url, tmp_path)
    runner.emulator("POST", "reset")
    yield runner
    assert runner.emulator("GET", "unknown") == [], "the emulator does not know these calls"


@pytest.fixture
def stopping() -> Iterator[Agent]:
    """An agent that still stops a task when it is asked for the first time."""
    agent = Agent("RUNNING", "STOPPED")
    yield agent
    agent.server.shutdown()
    agent.server.server_close()
