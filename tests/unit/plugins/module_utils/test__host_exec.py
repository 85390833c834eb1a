# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ECS Exec needs on a host."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.plugins.module_utils._host_double import FakeHost

from ansible_collections.onprem.ecs.plugins.module_utils._host_exec import PROGRAMS, read_exec
from ansible_collections.onprem.ecs.plugins.module_utils._host_ssm import SNAP, Ssm
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit

FOLDER = "/var/lib/ecs/deps/execute-command/bin/3.3.1142.0"


def agent(source: str | None, version: str | None = "3.3.1142.0") -> Ssm:
    """An SSM agent that was installed that way."""
    return Ssm(
        version=version,
        source=source,
        unit=Unit("amazon-ssm-agent.service"),
        registration=None,
        identity=None,
        other_machine=False,
    )


@pytest.mark.parametrize(("source", "programs"), [("deb", "/usr/bin"), ("rpm", "/usr/bin"), ("snap", SNAP)])
def test_programs_are_ready_when_all_are_the_same(tmp_path: Path, source: str, programs: str) -> None:
    host = FakeHost(tmp_path)
    assert read_exec(host, agent(source)) == {"source": None, "folder": FOLDER, "ready": False}
    for name in PROGRAMS:
        host.put(f"{programs}/{name}", f"program {name}")
    assert read_exec(host, agent(source)) == {"source": programs, "folder": FOLDER, "ready": False}
    for name in PROGRAMS:
        host.put(f"{FOLDER}/{name}", f"program {name}")
    assert read_exec(host, agent(source))["ready"] is True
    host.put(f"{FOLDER}/{PROGRAMS[1]}", "half")
    assert read_exec(host, agent(source))["ready"] is False


def test_without_an_ssm_agent_there_is_nothing(tmp_path: Path) -> None:
    assert read_exec(FakeHost(tmp_path), agent(None, None)) == {"source": None, "folder": None, "ready": False}
