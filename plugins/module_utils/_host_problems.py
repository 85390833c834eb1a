# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

What stands in the way of an external instance on this host, and what helps.
"""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_diagnosis import LOST
from ansible_collections.onprem.ecs.plugins.module_utils._host_look import Look, Surroundings
from ansible_collections.onprem.ecs.plugins.module_utils._host_ssm import Ssm, not_working, why_restart
from ansible_collections.onprem.ecs.plugins.module_utils._host_system import (
    ENGINE_NOT_PROVIDED,
    SUPPORTED_WORDS,
    System,
)


class Problem(t.NamedTuple):
    """A problem. ``blocking``: nothing should be changed on this host before it is solved."""

    code: str
    what: str
    remedy: str
    blocking: bool


class Wanted(t.NamedTuple):
    """What the caller wants of this host, and what the caller allows."""

    region: str | None = None
    cluster: str | None = None
    allow_unsupported: bool = False
    allow_ec2: bool = False
    allow_move: bool = False


# The agents' packages and image take 0.5 GB; Docker needs room for one image more.
NEEDED_BYTES = 1 << 30


def system_problems(system: System, wanted: Wanted) -> t.Iterator[Problem]:
    """What the machine itself lacks."""
    name = f"{system.distribution} {system.version}".strip()
    if not system.supported:
        yield Problem(
            "unsupported_system",
            f"AWS does not support {name} as an external instance; it supports {SUPPORTED_WORDS}",
            "use a supported system, or set ecs_allow_unsupported (allow_unsupported of the module) to try it all the "
            "same",
            not wanted.allow_unsupported or system.package_format is None,
        )
    if system.architecture == "other":
        yield Problem(
            "unsupported_architecture",
            "AWS builds the agents for x86_64 and arm64 only",
            "use a machine of one of these architectures",
            True,
        )
    if not system.systemd:
        yield Problem(
            "no_systemd",
            "systemd does not run here, and the agents are systemd services",
            "use a system with systemd",
            True,
        )
    if system.ec2:
        yield Problem(
            "ec2_instance",
            "this is an EC2 instance: it belongs to ECS as a container instance, not as an external instance",
            "use AWS's ECS-optimised image and an instance profile, or set allow_ec2 if this is what you want",
            not wanted.allow_ec2,
        )


def registration_problems(ssm: Ssm, agent: t.Mapping[str, t.Any], wanted: Wanted, now: float) -> t.Iterator[Problem]:
    """What the host is registered as already."""
    reason, node = not_working(ssm, now), ssm.registration
    if node and wanted.region and node.region != wanted.region:
        yield Problem(
            "registered_elsewhere",
            f"{node.instance_id} is registered in {node.region or 'an unknown Region'}, not in {wanted.region}"
            + ("" if reason else ", and works there"),
            "correct the Region, or take the host out of the other Region first, or set allow_move to register it "
            "anew here",
            reason is None and not wanted.allow_move,
        )
    elif node and ssm.other_machine:
        yield Problem(
            "fingerprint_mismatch",
            f"the registration of {node.instance_id} was made on another machine: a cloned disk, or a new "
            "/etc/machine-id",
            "register the host anew; the enrolment does",
            False,
        )
    elif node and reason and ssm.findings:
        found = ssm.findings[0]
        what = reason if found.code in LOST else f"{reason}: {found.cause}"
        yield Problem(found.code, what, found.remedy, False)
    elif node and reason:
        remedy = f"restart {ssm.unit.name}" if why_restart(ssm) else f"read `journalctl -u {ssm.unit.name}`"
        yield Problem("ssm_not_working", reason, remedy, False)
    yield from _agent_problems(agent, wanted)


def _agent_problems(agent: t.Mapping[str, t.Any], wanted: Wanted) -> t.Iterator[Problem]:
    """What the ECS agent is registered as, or was when it left its state."""
    held, place = agent["registered_cluster"], (agent["container_instance_arn"] or ":" * 5).split(":")[3]
    if wanted.region and place and place != wanted.region:
        yield Problem(
            "other_region",
            f"the ECS agent is registered in {place}, not in {wanted.region}",
            "to move it: drain and deregister the instance there, stop ecs.service, remove /var/lib/ecs/data",
            not wanted.allow_move,
        )
    if wanted.cluster and held and held != wanted.cluster:
        yield Problem(
            "other_cluster",
            f"the ECS agent is registered in cluster {held}, not in {wanted.cluster}",
            "to move it: drain and deregister the instance there, stop ecs.service, remove /var/lib/ecs/data",
            # With the state of the old cluster the agent would exit, again and again: a host that works would break.
            not wanted.allow_move,
        )


def surrounding_problems(around: Surroundings) -> t.Iterator[Problem]:
    """What may hinder the agents from outside."""
    if not around.root:
        yield Problem("not_root", "the agents' files can be read by root only", "run with become: true", True)
    if around.clock_kept is False:
        yield Problem(
            "clock",
            "no service keeps this host's clock in step; AWS refuses calls from a clock that is five minutes off",
            "install and start chrony or systemd-timesyncd",
            False,
        )
    if around.selinux_enforcing:
        yield Problem(
            "selinux",
            "SELinux is enforcing; AWS does not support task options for SELinux on external instances",
            "leave ECS_SELINUX_CAPABLE unset",
            False,
        )
    if not around.ssm_config_valid:
        yield Problem(
            "ssm_config_invalid",
            "/etc/amazon/ssm/amazon-ssm-agent.json is not valid JSON: the SSM agent ignores it silently, private "
            "endpoints included",
            "correct or remove the file; the role ssm_agent writes it whole",
            False,
        )
    if around.free_bytes is not None and around.free_bytes < NEEDED_BYTES:
        yield Problem(
            "disk_space",
            f"only {around.free_bytes >> 20} MB are free below /var/lib",
            f"free at least {NEEDED_BYTES >> 20} MB for the agents and the first images",
            False,
        )


def find_problems(seen: Look, wanted: Wanted) -> list[Problem]:
    """All the problems, the blocking ones first."""
    problems = [*surrounding_problems(seen.around), *system_problems(seen.system, wanted)]
    problems += registration_problems(seen.ssm, seen.agent, wanted, seen.now)
    if seen.conflict:
        problems.append(
            Problem(
                "credentials_conflict",
                f"{seen.conflict.path}: {seen.conflict.reason}",
                "move the credentials away (a file of its own and AWS_SHARED_CREDENTIALS_FILE for whoever needs them), "
                "then run again",
                True,
            )
        )
    if not seen.engine["installed"] and seen.system.distribution in ENGINE_NOT_PROVIDED:
        problems.append(
            Problem(
                "engine_missing",
                f"{seen.system.distribution} brings no Docker, and AWS wants it to be there before",
                "install Docker before, or set ecs_engine_source to docker, which takes it from Docker's repository",
                False,
            )
        )
    return sorted(problems, key=lambda problem: not problem.blocking)
