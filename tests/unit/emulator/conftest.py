# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulator for all tests of a module's process, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import emulator
from emulator.client import Client


@pytest.fixture(scope="session")
def running() -> Iterator[emulator.Emulator]:
    """A strict emulator with TLS."""
    with emulator.Emulator() as server:
        yield server


@pytest.fixture
def aws(running: emulator.Emulator) -> Client:
    """What tests talk with, to an empty account."""
    client = Client(running)
    client.control("POST", "reset")
    client.control("POST", "settings", {"check_answers": True, "message_poll_seconds": 0})
    return client
