# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

What stands in the way of an external instance on this host, and what helps.
"""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _host_agent, _host_engine
from ansible_collections.onprem.ecs.plugins.module_utils._host_around_problems import around_problems
from ansible_collections.onprem.ecs.plugins.module_utils._host_diagnosis import LOST
from ansible_collections.onprem.ecs.plugins.module_utils._host_engine import IMPOSTOR, WANTED_BY_AGENT
from ansible_collections.onprem.ecs.plugins.module_utils._host_look import Look
from ansible_collections.onprem.ecs.plugins.module_utils._host_problem import Problem
from ansible_collections.onprem.ecs.plugins.module_utils._host_ssm import Ssm, not_working, why_restart
from ansible_collections.onprem.ecs.plugins.module_utils._host_system import (
    ENGINE_NOT_PROVIDED,
    SUPPORTED_WORDS,
    System,
)


class Wanted(t.NamedTuple):
    """What the caller wants of this host, and what the caller allows."""

    region: str | None = None
    cluster: str | None = None
    allow_unsupported: bool = False
    allow_ec2: bool = False
    allow_move: bool = False


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
            "AWS builds the agents for 64-bit systems on x86_64 and arm64 only",
            "use a machine of one of these architectures, with a 64-bit system",
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
            "use AWS's ECS-optimised image and an instance profile, or set ecs_allow_ec2 (allow_ec2 of the module) if "
            "this is what you want",
            not wanted.allow_ec2,
        )


MOVE = (
    "correct the cluster or the Region; or set ecs_allow_move (allow_move of the module), with which enrolling drains "
    "and deregisters the host there, and registers it here"
)


def registration_problems(ssm: Ssm, agent: t.Mapping[str, t.Any], wanted: Wanted, now: float) -> t.Iterator[Problem]:
    """What the host is registered as already."""
    reason, node = not_working(ssm, now), ssm.registration
    if node and wanted.region and node.region != wanted.region:
        yield Problem(
            "registered_elsewhere",
            f"{node.instance_id} is registered in {node.region or 'an unknown Region'}, not in {wanted.region}"
            + ("" if reason else ", and works there"),
            MOVE,
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
            MOVE,
            not wanted.allow_move,
        )
    if wanted.cluster and held and held != wanted.cluster:
        yield Problem(
            "other_cluster",
            f"the ECS agent is registered in cluster {held}, not in {wanted.cluster}",
            MOVE,
            # With the state of the old cluster the agent would exit, again and again: a host that works would break.
            not wanted.allow_move,
        )


def _package_manager_problems(seen: Look) -> t.Iterator[Problem]:
    """Whether what has to be installed can be."""
    missing = seen.ssm.source is None or not seen.agent["installed"]
    if missing and seen.system.package_manager and not seen.around.package_manager:
        yield Problem(
            "no_package_manager",
            f"{seen.system.package_manager} is not there, with which packages are installed on "
            f"{seen.system.distribution}; systems that are replaced as a whole, such as CoreOS, have none",
            "use a system with its package manager",
            True,
        )


def _unit_problems(seen: Look) -> t.Iterator[Problem]:
    """The services that somebody has forbidden to start."""
    for code, unit in (
        ("engine_masked", seen.units[_host_engine.UNIT]),
        ("ssm_masked", seen.ssm.unit),
        ("agent_masked", seen.units[_host_agent.UNIT]),
    ):
        if unit.masked:
            what = f"{unit.name} is masked, so nobody can start it"
            yield Problem(code, what, f"run `systemctl unmask {unit.name}` if it may run", True)


def _engine_problems(seen: Look) -> t.Iterator[Problem]:
    """Where Docker is missing, what its role cannot do alone; and a Docker that the ECS agent's deb would replace."""
    if seen.engine["installed"]:
        if not seen.engine["suits_agent"] and not seen.agent["installed"]:
            yield Problem(
                "engine_unknown_to_agent",
                f"the package amazon-ecs-init wants one of {', '.join(WANTED_BY_AGENT)}: apt would put another Docker "
                f"beside the one that is there ({seen.engine['name'] or 'no package brought it'}), or in its place",
                "move the host to docker-ce or docker.io before, when its containers may stop",
                True,
            )
        return
    if seen.engine["snap"]:
        yield Problem(
            "engine_snap",
            "Docker is a snap, which the ECS agent cannot use: there is no docker.service",
            "remove the snap (snap remove docker), or install docker.io or docker-ce in its place",
            # A second Docker beside it would fight with it for the same socket and the same networks.
            True,
        )
    elif IMPOSTOR in seen.packages.versions:
        yield Problem(
            "engine_podman",
            f"{IMPOSTOR} is there in Docker's place: the ECS agent cannot use it, nor Docker be installed beside it",
            f"remove {IMPOSTOR}; for docker-ce on a system of version 8 also podman and runc, which are in its way",
            True,
        )
    elif seen.system.distribution in ENGINE_NOT_PROVIDED:
        yield Problem(
            "engine_missing",
            f"{seen.system.distribution} brings no Docker, and AWS wants it to be there before",
            "install Docker before, or set ecs_engine_source to docker, which takes it from Docker's repository",
            False,
        )


def find_problems(seen: Look, wanted: Wanted) -> list[Problem]:
    """All the problems, the blocking ones first."""
    problems = [*around_problems(seen.around, seen.engine, seen.agent), *system_problems(seen.system, wanted)]
    problems += _package_manager_problems(seen)
    problems += _unit_problems(seen)
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
    problems += _engine_problems(seen)
    return sorted(problems, key=lambda problem: not problem.blocking)
