# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Labs with an empty account and bare hosts. Each is shared by the tests of a file, since each costs time."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from readme_blocks import commands

from hosts import Lab
from system.controller import ENROLL, Calls, Controller, Run, readme_user

#: The files that take longest, several minutes each: they begin first, so that none of them is alone at the end.
LONGEST = ("test_systems", "test_upgrade", "test_engine", "test_offboard", "test_identity", "test_killed", "test_drain")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; what is in a file stays in order."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@contextmanager
def _controller(name: str, home: Path, hosts: int = 2, *, pipelining: bool = False) -> Iterator[Controller]:
    """A user with a fresh lab, which is stopped at the end whatever happens."""
    Lab(name).stop()
    lab = Lab.start(name, hosts=hosts)
    try:
        (home / "ansible.cfg").touch()
        yield Controller(lab, home, pipelining)
        # What the emulator cannot answer would make a test pass for the wrong reason.
        assert lab.emulator("GET", "unknown") == []
    finally:
        lab.stop()


@pytest.fixture(scope="module")
def controller(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A user with an empty account and bare hosts, for the tests of one file.

    The file may say how many (``HOSTS``), and that Ansible's pipelining is on (``PIPELINING``).
    """
    name = request.module.__name__.rpartition("test_")[2].replace("_", "-")
    hosts, pipelining = getattr(request.module, "HOSTS", 2), getattr(request.module, "PIPELINING", False)
    with _controller(f"system-{name}", tmp_path_factory.mktemp(name), hosts, pipelining=pipelining) as user:
        yield user


@dataclass(frozen=True)
class Step:
    """A run, the calls that it made, and the hosts' packages and files after it."""

    run: Run
    calls: Calls
    footprint: dict[str, str]


@dataclass(frozen=True)
class Enrolled:
    """An account and two hosts after these runs of the playbook, in this order. ``connect``: see `readme_user`."""

    controller: Controller
    connect: tuple[str, ...]
    bare: dict[str, str]
    checked: Step
    first: Step
    second: Step
    checked_again: Step
    one_host: Step

    @property
    def every_step(self) -> list[Step]:
        """All of them."""
        return [self.checked, self.first, self.second, self.checked_again, self.one_host]


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enrolled]:
    """From an empty account and two bare hosts, with README's inventory and commands: looked at first, then enrolled.

    Then the same commands again, and the last one for one host. The run that enrolls tells everything that it can be
    made to tell, and keeps it wherever a user can have it kept.
    """
    home = tmp_path_factory.mktemp("enrolled")
    tell_all = {
        "ANSIBLE_LOG_PATH": str(home / "ansible.log"),
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(home / "facts"),
    }
    check, enroll = (shlex.split(line) for line in commands() if ENROLL in line)
    assert check == [*enroll, "--check", "--diff"]
    with _controller("system-enrolled", home) as user:
        connect = readme_user(user)

        def step(command: list[str], *options: str, env: dict[str, str] | None = None) -> Step:
            user.forget_calls()
            run = user.run([*command, *connect, *options], env)
            return Step(run, user.calls(), user.footprint())

        yield Enrolled(
            controller=user,
            connect=connect,
            bare=user.footprint(),
            checked=step(check),
            first=step(enroll, "-vvvv", "--diff", env=tell_all),
            second=step(enroll),
            checked_again=step(check),
            one_host=step(enroll, "--limit", "node1.example.com"),
        )
