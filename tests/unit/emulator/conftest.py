# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulator for all tests of a module's process, emptied before each test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

import emulator
from emulator.client import Client


def wait(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Until it holds; sockets are served by other threads."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


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
