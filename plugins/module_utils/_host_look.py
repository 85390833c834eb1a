# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The one look at a host: every reader once, every question once.

With nothing wrong it costs two commands (systemctl, the package manager) and one local connection.
"""

from __future__ import annotations

import hashlib
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import (
    _host_agent,
    _host_credentials,
    _host_engine,
    _host_ssm,
    _host_system,
)
from ansible_collections.onprem.ecs.plugins.module_utils._host_around import CLOCK_UNITS, Around, read_around
from ansible_collections.onprem.ecs.plugins.module_utils._host_exec import read_exec
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_packages import Installed, read_packages
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit, read_units

PACKAGES = (
    _host_ssm.PACKAGE,
    _host_agent.PACKAGE,
    *_host_engine.PACKAGES,
    *_host_engine.REPOSITORY_PACKAGES[1:],
    _host_engine.IMPOSTOR,
)
UNITS = (*_host_ssm.UNITS, _host_engine.UNIT, _host_agent.UNIT, *CLOCK_UNITS)


class Look(t.NamedTuple):
    """What was seen. The parts that are dictionaries are returned as they are."""

    system: _host_system.System
    packages: Installed
    ssm: _host_ssm.Ssm
    engine: dict[str, t.Any]
    agent: dict[str, t.Any]
    units: dict[str, Unit]
    conflict: _host_credentials.Conflict | None
    around: Around
    now: float


def digest(host: Host, path: str) -> str | None:
    """The SHA-256 of a file in hexadecimal; None when it isn't there or may not be read."""
    hashed = hashlib.sha256()
    try:
        with open(host.path(path), "rb") as file:
            for part in iter(lambda: file.read(1 << 20), b""):
                hashed.update(part)
    except OSError:
        return None
    return hashed.hexdigest()


def look(host: Host, controller_time: float | None = None) -> Look:
    """Look at everything once. ``controller_time``: see `read_around`."""
    system = _host_system.read_system(host)
    units = read_units(host, UNITS)
    installed = read_packages(host, system.package_format, PACKAGES)
    ssm = _host_ssm.read_ssm(host, units, installed.versions, system.package_format)
    return Look(
        system=system,
        packages=installed,
        ssm=ssm,
        engine=_host_engine.read_engine(host, system, units, installed),
        agent={**_host_agent.read_agent(host, units, installed.versions), "exec": read_exec(host, ssm)},
        units=units,
        conflict=_host_credentials.find_conflict(host, ssm),
        around=read_around(host, system, units, controller_time),
        now=host.now(),
    )
