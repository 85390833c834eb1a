# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An empty account on the emulator, and AWS modules run against it in this process, over HTTP."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

import emulator
from emulator.client import REGION, Client

MODULES = "ansible_collections.onprem.ecs.plugins.modules"


@pytest.fixture(scope="session")
def emulator_server() -> Iterator[emulator.Emulator]:
    """A strict emulator."""
    with emulator.Emulator(tls_port=None) as server:
        yield server


@pytest.fixture
def account(emulator_server: emulator.Emulator) -> Client:
    """An empty account, and what tests talk with."""
    client = Client(emulator_server)
    client.control("POST", "reset")
    client.control("DELETE", "calls")
    return client


@dataclass
class Modules:
    """Runs the modules of this collection."""

    account: Client
    capsys: pytest.CaptureFixture[str]

    def run(self, name: str, /, **options: Any) -> dict[str, Any]:
        """What a module returns, with ``printed``: all that it has written."""
        arguments = {
            "endpoint_url": self.account.server.url,
            "access_key": emulator.ACCESS_KEY,
            "secret_key": emulator.SECRET_KEY,
            "region": REGION,
            "_ansible_diff": True,
            **options,
        }
        with patch_module_args(arguments), pytest.raises(SystemExit):
            importlib.import_module(f"{MODULES}.{name}").main()
        printed = self.capsys.readouterr().out
        result: dict[str, Any] = json.loads(printed)
        assert "exception" not in result, result
        return {**result, "printed": printed}

    def check(self, name: str, /, **options: Any) -> dict[str, Any]:
        """What a module returns in check mode."""
        return self.run(name, _ansible_check_mode=True, **options)

    def calls(self) -> dict[str, int]:
        """How often which operation was called since this was last asked."""
        found: dict[str, int] = self.account.control("GET", "calls")["calls"]
        self.account.control("DELETE", "calls")
        return found

    def writes(self) -> int:
        """How many writing calls were made since calls were last counted."""
        count: int = self.account.control("GET", "calls")["writes"]
        return count


@pytest.fixture
def modules(account: Client, capsys: pytest.CaptureFixture[str]) -> Modules:
    """The modules, on an empty account."""
    return Modules(account, capsys)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses take no time; what they would have been."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept
