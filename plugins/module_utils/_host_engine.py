# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The container engine: ECS needs Docker."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_packages import upstream_version
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit

UNIT = "docker.service"
# Packages that bring a Docker daemon, by the distributions' and by Docker's own names.
PACKAGES = ("docker-ce", "docker.io", "docker-ee", "moby-engine", "docker-engine", "docker")
# It puts a program "docker" in place that is Podman: the ECS agent cannot use it.
IMPOSTOR = "podman-docker"


def read_engine(units: t.Mapping[str, Unit], packages: t.Mapping[str, str]) -> dict[str, t.Any]:
    """The part ``engine`` of what the module returns; `version` is None for an engine that no package brought."""
    unit = units[UNIT]
    package = next((name for name in PACKAGES if name in packages), None)
    installed = package is not None or unit.loaded
    reason = None
    if not installed:
        reason = "Docker is not installed"
        if IMPOSTOR in packages:
            reason += f" ({IMPOSTOR} stands in for it, which the ECS agent cannot use)"
    elif not unit.loaded:
        reason = f"{package} is installed, but there is no {UNIT}"
    elif not unit.active:
        reason = f"{UNIT} is not running ({unit.sub_state}, {unit.result})"
    return {
        "installed": installed,
        "name": package or ("docker" if installed else None),
        "version": upstream_version(packages[package]) if package else None,
        "unit": UNIT,
        "enabled": unit.enabled,
        "active": unit.active,
        "reason": reason,
    }
