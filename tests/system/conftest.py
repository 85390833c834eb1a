# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Labs with an empty account and bare hosts. They are shared where tests only look, since each costs time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hosts import Lab
from system.controller import Calls, Controller, Run


@contextmanager
def _controller(name: str, home: Path, hosts: int = 2) -> Iterator[Controller]:
    """A user with a fresh lab, which is stopped at the end whatever happens."""
    Lab(name).stop()
    lab = Lab.start(name, hosts=hosts)
    try:
        (home / "ansible.cfg").touch()
        yield Controller(lab, home)
        # What the emulator cannot answer would make a test pass for the wrong reason.
        assert lab.emulator("GET", "unknown") == []
    finally:
        lab.stop()


@pytest.fixture(scope="module")
def controller(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A user with an empty account and bare hosts, for the tests of one file. The file's ``HOSTS`` says how many."""
    name = request.module.__name__.rpartition("test_")[2].replace("_", "-")
    with _controller(f"system-{name}", tmp_path_factory.mktemp(name), getattr(request.module, "HOSTS", 2)) as user:
        yield user


@dataclass(frozen=True)
class Step:
    """A run, the calls that it made, and the hosts' packages and files after it."""

    run: Run
    calls: Calls
    footprint: dict[str, str]


@dataclass(frozen=True)
class Enrolled:
    """An account and two hosts after these runs of the playbook, in this order."""

    controller: Controller
    bare: dict[str, str]
    checked: Step
    first: Step
    second: Step
    checked_again: Step
    one_host: Step


@pytest.fixture(scope="session")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enrolled]:
    """From an empty account and two bare hosts: check mode, for real, again, check mode again, one host alone.

    The real one tells everything that it can be made to tell, and keeps it wherever a user can have it kept.
    """
    home = tmp_path_factory.mktemp("enrolled")
    tell_all = {
        "ANSIBLE_LOG_PATH": str(home / "ansible.log"),
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(home / "facts"),
    }
    with _controller("system-enrolled", home) as user:

        def step(*options: str, env: dict[str, str] | None = None) -> Step:
            user.forget_calls()
            run = user.enroll(*options, env=env)
            return Step(run, user.calls(), user.footprint())

        bare = user.footprint()
        checked = step("--check", "--diff")
        first = step("-vvvv", "--diff", env=tell_all)
        yield Enrolled(user, bare, checked, first, step(), step("--check", "--diff"), step("--limit", "node1"))
