# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

What the module ecs_host_info does, from its options to its answer.
"""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _host_agent, _host_ssm
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._host_diagnosis import Finding
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_look import Look, digest, look
from ansible_collections.onprem.ecs.plugins.module_utils._host_packages import install_commands
from ansible_collections.onprem.ecs.plugins.module_utils._host_problems import Wanted, find_problems
from ansible_collections.onprem.ecs.plugins.module_utils._host_wait import explain, find_cause, hopeless, wait_until


class NotReached(EcsError):
    """What was waited for did not come. The last look goes with it."""

    def __init__(self, words: str, ecs_host: dict[str, t.Any], causes: t.Sequence[Finding]) -> None:
        super().__init__(words)
        self.ecs_host = ecs_host
        self.causes = [cause._asdict() for cause in causes]


def stale_state(seen: Look, wanted: Wanted) -> str | None:
    """Why the ECS agent must begin anew, without the state that it kept."""
    lost = _host_ssm.why_register(seen.ssm, wanted.region)
    return _host_agent.why_stale(seen.agent, wanted.region, wanted.cluster, lost)


def show(seen: Look, wanted: Wanted, files: t.Mapping[str, str | None]) -> dict[str, t.Any]:
    """What the module returns under ``ecs_host``."""
    return {
        "system": {
            **seen.system._asdict(),
            **install_commands(seen.system.package_manager),
            "unfinished": sorted(seen.packages.unfinished),
            "interrupted": seen.packages.interrupted,
        },
        "ssm": _host_ssm.show_ssm(seen.ssm, wanted.region, seen.now),
        "engine": seen.engine,
        "agent": {**seen.agent, "stale_state": stale_state(seen, wanted)},
        "credentials_conflict": seen.conflict._asdict() if seen.conflict else None,
        "files": dict(files),
        "problems": [problem._asdict() for problem in find_problems(seen, wanted)],
    }


def info(host: Host, options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The value of ``ecs_host``.

    Raises:
        NotReached: ``until`` is not reached in time.
    """
    wanted = Wanted(
        region=options["region"],
        cluster=_host_agent.cluster_name(options["cluster"]),
        allow_unsupported=options["allow_unsupported"],
        allow_ec2=options["allow_ec2"],
        allow_move=options["allow_move"],
    )
    until, reason, began = options["until"], None, host.monotonic()
    if until == "none":
        seen = look(host, options["controller_time"])
    else:
        seen, reason = wait_until(host, until, wanted, options["wait_timeout"])
    ecs_host = show(seen, wanted, {path: digest(host, path) for path in options["files"]})
    if reason is None:
        return ecs_host
    # Names of nodes and units are not words that start a sentence with a capital.
    words = reason[0].upper() + reason[1:] if reason.startswith("the ") else reason
    remedy = hopeless(seen, until, wanted)
    if remedy:
        raise NotReached(f"{words}. Remedy: {remedy}.", ecs_host, seen.ssm.findings if until == "ssm" else [])
    unit = ecs_host["ssm" if until == "ssm" else "agent"]["unit"]
    waited = f"waited {host.monotonic() - began:.0f} s"
    causes = find_cause(host, seen, until)
    raise NotReached(explain(f"{words} ({waited})", causes, unit), ecs_host, causes)
