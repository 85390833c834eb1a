# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. The one look at a host: every reader once, every question once.

With nothing wrong it costs two commands (systemctl, the package manager) and one local connection.
"""

from __future__ import annotations

import hashlib
import json
import os
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import (
    _host_agent,
    _host_credentials,
    _host_engine,
    _host_ssm,
    _host_system,
)
from ansible_collections.onprem.ecs.plugins.module_utils._host_exec import read_exec
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_packages import read_packages
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit, read_units

PACKAGES = (_host_ssm.PACKAGE, _host_agent.PACKAGE, *_host_engine.PACKAGES, _host_engine.IMPOSTOR)
CLOCK_UNITS = (
    "systemd-timesyncd.service",
    "chronyd.service",
    "chrony.service",
    "ntpd.service",
    "ntp.service",
    "ntpsec.service",
    "openntpd.service",
)
UNITS = (*_host_ssm.UNITS, _host_engine.UNIT, _host_agent.UNIT, *CLOCK_UNITS)
SSM_CONFIG = "/etc/amazon/ssm/amazon-ssm-agent.json"


class Surroundings(t.NamedTuple):
    """Facts that matter only as problems. ``clock_kept``: None where the clock is another's (a container)."""

    root: bool
    clock_kept: bool | None
    selinux_enforcing: bool
    ssm_config_valid: bool
    free_bytes: int | None


class Look(t.NamedTuple):
    """What was seen. The parts that are dictionaries are returned as they are."""

    system: _host_system.System
    ssm: _host_ssm.Ssm
    engine: dict[str, t.Any]
    agent: dict[str, t.Any]
    units: dict[str, Unit]
    conflict: _host_credentials.Conflict | None
    around: Surroundings
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


def _valid_json(text: str | None) -> bool:
    try:
        return text is None or isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _free_bytes(host: Host) -> int | None:
    try:
        volume = os.statvfs(host.path("/var/lib"))
    except OSError:
        return None
    return volume.f_bavail * volume.f_frsize


def read_surroundings(host: Host, units: t.Mapping[str, Unit]) -> Surroundings:
    """The facts around the agents."""
    return Surroundings(
        root=host.is_root(),
        clock_kept=None if host.exists("/run/systemd/container") else any(units[name].active for name in CLOCK_UNITS),
        selinux_enforcing=(host.read("/sys/fs/selinux/enforce", 8) or "").strip() == "1",
        ssm_config_valid=_valid_json(host.read(SSM_CONFIG)),
        free_bytes=_free_bytes(host),
    )


def look(host: Host) -> Look:
    """Look at everything once."""
    system = _host_system.read_system(host)
    units = read_units(host, UNITS)
    installed = read_packages(host, system.package_format, PACKAGES)
    packages = installed.versions
    ssm = _host_ssm.read_ssm(host, units, packages, system.package_format)
    return Look(
        system=system,
        ssm=ssm,
        engine=_host_engine.read_engine(host, system, units, installed),
        agent={**_host_agent.read_agent(host, units, packages), "exec": read_exec(host, ssm)},
        units=units,
        conflict=_host_credentials.find_conflict(host, ssm),
        around=read_surroundings(host, units),
        now=host.now(),
    )
