# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the lab keeps its files, and the addresses inside of its network."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
HERE = Path(__file__).resolve().parent

# Each lab has a network namespace of its own, so all of them use the same addresses.
SUBNET = "10.77.0.0/22"
GATEWAY = "10.77.0.1"
FIRST_HOST = 11
MIRROR_PORT = 8000
EMULATOR_PORT = 4566
# As AWS's own, so that addresses stand without it: the ECS agent takes a port for a part of the name to be verified.
EMULATOR_TLS_PORT = 443
REGION = "eu-west-1"

# The root of the lab's cgroups; one child for each lab, so a lab can be removed without looking at anything else.
CGROUP = "onprem-ecs-lab"


def lab_dir() -> Path:
    """The folder of everything that the labs make: ``LAB_DIR``, or ``.lab`` in the repository."""
    return Path(os.environ.get("LAB_DIR") or ROOT / ".lab").resolve()


def collections_dir() -> Path:
    """Where Ansible finds this collection: around this very copy, or where ``tests/tree.py`` puts one."""
    inside = ROOT.parts[-3:] == ("ansible_collections", "onprem", "ecs")
    return ROOT.parents[2] if inside else ROOT / ".build" / "tree"


def cache_dir() -> Path:
    """What is costly to make and is kept by ``clean``: images, packages, keys."""
    return lab_dir() / "cache"


@contextmanager
def locked() -> Iterator[None]:
    """Only one at a time may make what goes into the cache; others wait."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with (cache_dir() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def graph_dir() -> Path:
    """The container images, shared by all labs, which only read them."""
    return cache_dir() / "graph"


def host_address(number: int) -> str:
    """The address of the host with that number, counted from 1."""
    last = FIRST_HOST + number - 1
    return f"10.77.{last // 256}.{last % 256}"


@dataclass(frozen=True)
class RunDir:
    """The files of one running lab."""

    name: str

    @property
    def path(self) -> Path:
        """The folder; it goes when the lab is stopped."""
        return lab_dir() / "run" / self.name

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @property
    def state(self) -> Path:
        """Process ids, addresses and hosts as JSON; it is there only when the lab is ready."""
        return self / "lab.json"

    @property
    def holder(self) -> Path:
        """The holder's and the namespaces' process ids as JSON; it is there from the beginning."""
        return self / "holder.json"

    @property
    def log(self) -> Path:
        """What the holder said."""
        return self / "holder.log"
