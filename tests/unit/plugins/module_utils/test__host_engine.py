# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container engine."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.ecs.plugins.module_utils._host_engine import read_engine
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit

NONE = Unit("docker.service")
RUNS = Unit("docker.service", loaded=True, enabled=True, active=True, sub_state="running")
FAILED = RUNS._replace(active=False, sub_state="failed", result="exit-code")


@pytest.mark.parametrize(
    ("unit", "packages", "name", "version", "reason"),
    [
        (RUNS, {"docker.io": "20.10.24+dfsg1-1+b3"}, "docker.io", "20.10.24", None),
        (RUNS, {"docker-ce": "5:27.3.1-1~debian.12~bookworm", "docker.io": "20.10"}, "docker-ce", "27.3.1", None),
        (RUNS, {"moby-engine": "24.0.5-1.fc40"}, "moby-engine", "24.0.5", None),
        (RUNS, {}, "docker", None, None),
        (NONE, {}, None, None, "Docker is not installed"),
        (NONE, {"podman-docker": "4.9"}, None, None, "podman-docker stands in for it"),
        (NONE, {"docker.io": "20.10.24"}, "docker.io", "20.10.24", "there is no docker.service"),
        (
            FAILED,
            {"docker.io": "20.10.24"},
            "docker.io",
            "20.10.24",
            "docker.service is not running (failed, exit-code)",
        ),
    ],
)
def test_engine(
    unit: Unit, packages: dict[str, str], name: str | None, version: str | None, reason: str | None
) -> None:
    found = read_engine({"docker.service": unit}, packages)
    assert (found["name"], found["version"], found["installed"]) == (name, version, name is not None)
    assert (found["reason"] is None) if reason is None else (reason in found["reason"])
    assert found["active"] is unit.active and found["enabled"] is unit.enabled
