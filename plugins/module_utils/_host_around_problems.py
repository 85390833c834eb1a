# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. What may hinder the agents from outside, and what helps."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_around import IN_STEP, MB, Around, kernel_version
from ansible_collections.onprem.ecs.plugins.module_utils._host_problem import Problem

#: AWS refuses a call whose time is further off, in seconds. Half of it is worth a word.
AWS_REFUSES = 300.0
#: The oldest of AWS's container instances; and the first of each that can use version 2 of the control groups.
OLDEST_KERNEL = (3, 10)
DOCKER_WITH_CGROUP_2 = (20, 10)
AGENT_WITH_CGROUP_2 = (1, 61)


def around_problems(around: Around, engine: t.Mapping[str, t.Any], agent: t.Mapping[str, t.Any]) -> t.Iterator[Problem]:
    """What the surroundings of the agents lack."""
    if not around.root:
        yield Problem("not_root", "the agents' files can be read by root only", "run with become: true", True)
    yield from _clock_problems(around)
    yield from _kernel_problems(around, engine, agent)
    yield from _disk_problems(around, bool(agent["installed"]))
    if around.selinux_enforcing:
        yield Problem(
            "selinux",
            "SELinux is enforcing, which AWS does not support on external instances",
            "leave ECS_SELINUX_CAPABLE and Docker's selinux-enabled unset, or make SELinux permissive",
            # It is the default of the RHEL that AWS supports, and Docker's containers run unconfined there.
            False,
        )
    if not around.ssm_config_valid:
        yield Problem(
            "ssm_config_invalid",
            "/etc/amazon/ssm/amazon-ssm-agent.json is not valid JSON: the SSM agent ignores it silently, private "
            "endpoints included",
            "correct or remove the file, and restart the agent",
            False,
        )
    if agent["installed"] and not around.iptables:
        yield Problem(
            "iptables_missing",
            "there is no iptables, with which the ECS agent gives tasks their credentials when it starts",
            "install the package iptables",
            False,
        )


def _clock_problems(around: Around) -> t.Iterator[Problem]:
    """By the controller's clock, which AWS accepts, or else by what keeps this one."""
    ahead = around.clock_ahead
    if ahead is not None and abs(ahead) > AWS_REFUSES / 2:
        yield Problem(
            "clock_wrong",
            f"this host's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the controller's; AWS "
            "refuses calls from a clock that is five minutes off",
            "set the clock, and keep it in step with chrony or systemd-timesyncd",
            abs(ahead) > AWS_REFUSES,
        )
    if around.clock_kept is None or (around.clock_error is not None and around.clock_error < IN_STEP):
        return
    if not around.clock_kept:
        yield Problem(
            "clock",
            "no service keeps this host's clock in step; AWS refuses calls from a clock that is five minutes off",
            "install and start chrony or systemd-timesyncd",
            False,
        )
    elif around.clock_error is not None:
        yield Problem(
            "clock",
            "this host's clock is not in step, though a service is there to keep it; AWS refuses calls from a clock "
            "that is five minutes off",
            "give it a time server that it can reach (UDP port 123), and look at `timedatectl timesync-status` or "
            "`chronyc tracking`",
            False,
        )


def _kernel_problems(
    around: Around, engine: t.Mapping[str, t.Any], agent: t.Mapping[str, t.Any]
) -> t.Iterator[Problem]:
    """What Docker and the ECS agent want of the kernel."""
    if around.kernel < OLDEST_KERNEL:
        words = ".".join(map(str, around.kernel))
        yield Problem("old_kernel", f"the kernel {words} is too old for Docker", "use Linux 3.10 or later", True)
    if around.cgroup is None:
        yield Problem(
            "no_cgroup",
            "there are no control groups below /sys/fs/cgroup, and Docker does not start without them",
            "mount them; in a container, let its host do so",
            True,
        )
    elif not around.cgroup_memory:
        yield Problem(
            "cgroup_memory",
            "the control groups cannot limit memory: a task's memory limit has no effect",
            "start the kernel with cgroup_enable=memory (as on a Raspberry Pi)",
            False,
        )
    if around.cgroup == 2:
        old = [
            f"{name} {part['version']}"
            for name, part, first in (
                ("Docker", engine, DOCKER_WITH_CGROUP_2),
                ("the ECS agent", agent, AGENT_WITH_CGROUP_2),
            )
            if part["version"] and kernel_version(part["version"]) < first
        ]
        if old:
            yield Problem(
                "cgroup_v2",
                f"this host has version 2 of the control groups, which {' and '.join(old)} cannot use",
                "upgrade (Docker from 20.10, the ECS agent from 1.61), or start the kernel with "
                "systemd.unified_cgroup_hierarchy=0",
                False,
            )


def _disk_problems(around: Around, installed: bool) -> t.Iterator[Problem]:
    """Where there is less room than agents and engine need."""
    for disk in around.disks:
        needed = disk.needed - disk.packages if installed else disk.needed
        if disk.free < needed:
            yield Problem(
                "disk_space",
                f"only {disk.free // MB} MB are free for {', '.join(disk.paths)}",
                f"free at least {needed // MB} MB, for the agents and their first images",
                # A package that is cut short by a full disk is worse than none.
                not installed and disk.free < disk.packages,
            )
