# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

What is around the agents and matters only when it is wrong: clock, control groups, disks, SELinux. No command is run.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_system import System
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit

CLOCK_UNITS = (
    "systemd-timesyncd.service",
    "chronyd.service",
    "chrony.service",
    "ntpd.service",
    "ntp.service",
    "ntpsec.service",
    "openntpd.service",
)
SSM_CONFIG = "/etc/amazon/ssm/amazon-ssm-agent.json"
DOCKER_CONFIG = "/etc/docker/daemon.json"
DOCKER_DATA = "/var/lib/docker"
#: As systemd's NTPSynchronized has it: the kernel's estimate of its greatest error, in seconds.
IN_STEP = 16.0
MB = 1 << 20
#: What both agents need at least, in bytes: their packages, and what their installation keeps.
PACKAGE_ROOMS = {"/usr": 200 * MB, "/var/cache": 300 * MB}
#: What is needed besides: the programs of ECS Exec with the agent's state, and the agent's image with one more.
STATE_ROOM = ("/var/lib/ecs", 150 * MB)
IMAGE_ROOM = 700 * MB
PROGRAMS = {"apt": "apt-get", "dnf": "dnf", "yum": "yum", "zypper": "zypper"}


class Disk(t.NamedTuple):
    """A file system: which folders of ours are on it, and how many bytes are free, needed, and needed by packages."""

    paths: tuple[str, ...]
    free: int
    needed: int
    packages: int


class Around(t.NamedTuple):
    """See the module.

    ``clock_kept`` is whether a service keeps the clock, None where the clock is another's (a container);
    ``clock_error`` the greatest error by the kernel's estimate, ``clock_ahead`` the difference to the controller's
    clock, both in seconds and None when unknown. ``cgroup`` is the version of the control groups, None without any.
    """

    root: bool
    clock_kept: bool | None
    clock_error: float | None
    clock_ahead: float | None
    selinux_enforcing: bool
    ssm_config_valid: bool
    disks: tuple[Disk, ...]
    cgroup: int | None
    cgroup_memory: bool
    kernel: tuple[int, ...]
    package_manager: bool
    iptables: bool


def valid_json(text: str | None) -> bool:
    """Whether this is a JSON object, or nothing."""
    try:
        return text is None or isinstance(json.loads(text), dict)
    except ValueError:
        return False


def docker_data(host: Host) -> str:
    """Where Docker keeps its images."""
    text = host.read(DOCKER_CONFIG)
    config = json.loads(text) if text and valid_json(text) else {}
    folder = config.get("data-root") or config.get("graph")
    return folder if isinstance(folder, str) and folder.startswith("/") else DOCKER_DATA


def read_disks(host: Host) -> tuple[Disk, ...]:
    """The file systems that the folders of agents and engine are on."""
    rooms = {**PACKAGE_ROOMS, STATE_ROOM[0]: STATE_ROOM[1], docker_data(host): IMAGE_ROOM}
    found: dict[int, Disk] = {}
    for path, needed in rooms.items():
        room = host.room(path)
        if room is None:
            continue
        device, free = room
        disk = found.get(device, Disk((), free, 0, 0))
        found[device] = Disk(
            (*disk.paths, path), free, disk.needed + needed, disk.packages + PACKAGE_ROOMS.get(path, 0)
        )
    return tuple(found.values())


def read_cgroup(host: Host) -> tuple[int | None, bool]:
    """The version of the control groups as Docker takes it, and whether they can limit memory."""
    controllers = host.read("/sys/fs/cgroup/cgroup.controllers")
    if controllers is not None:
        return 2, "memory" in controllers.split()
    names = host.names("/sys/fs/cgroup")
    return (1 if names else None), "memory" in names


def kernel_version(release: str) -> tuple[int, ...]:
    """``5.10.0-28-amd64`` is 5, 10."""
    return tuple(int(part) for part in re.findall(r"\d+", release)[:2])


def read_around(
    host: Host, system: System, units: t.Mapping[str, Unit], controller_time: float | None = None
) -> Around:
    """Look around.

    :param controller_time: what the controller's clock said when the module was called, seconds since the epoch
    """
    cgroup, cgroup_memory = read_cgroup(host)
    contained = host.exists("/run/systemd/container")
    return Around(
        root=host.is_root(),
        clock_kept=None if contained else any(units[name].active for name in CLOCK_UNITS),
        clock_error=None if contained else host.clock_error(),
        clock_ahead=None if controller_time is None else host.now() - controller_time,
        selinux_enforcing=(host.read("/sys/fs/selinux/enforce", 8) or "").strip() == "1",
        ssm_config_valid=valid_json(host.read(SSM_CONFIG)),
        disks=read_disks(host),
        cgroup=cgroup,
        cgroup_memory=cgroup_memory,
        kernel=kernel_version(host.kernel()),
        package_manager=host.which(PROGRAMS.get(system.package_manager or "", "")) is not None,
        iptables=host.which("iptables") is not None,
    )
