# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Wait until an agent works on this host, else say why it does not."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _host_agent, _host_engine, _host_ssm
from ansible_collections.onprem.ecs.plugins.module_utils._host_diagnosis import ECS, ENGINE, SSM, Finding, diagnose
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_logs import read_logs
from ansible_collections.onprem.ecs.plugins.module_utils._host_look import Look, look
from ansible_collections.onprem.ecs.plugins.module_utils._host_problems import Wanted

# An agent that is not running may have failed up to this many seconds ago.
MEMORY = 600.0


def missing(seen: Look, until: str, wanted: Wanted) -> str | None:
    """What is still missing for ``ssm`` or ``ecs``, in words; None when it's reached."""
    ssm_reason = _host_ssm.not_working(seen.ssm, seen.now)
    node = seen.ssm.registration
    if until == SSM:
        if node and wanted.region and node.region != wanted.region:
            return f"{node.instance_id} is registered in {node.region}, not in {wanted.region}"
        return ssm_reason
    if seen.agent["reason"]:
        return str(seen.agent["reason"])
    if seen.units[_host_agent.UNIT].job:
        # Nobody waited for its restart: what runs still is the agent before it.
        return f"{_host_agent.UNIT} is about to be started anew"
    if wanted.cluster and seen.agent["registered_cluster"] != wanted.cluster:
        held = seen.agent["registered_cluster"]
        return f"the ECS agent is registered in cluster {held}, not in {wanted.cluster}"
    return None


def find_cause(host: Host, seen: Look, service: str) -> list[Finding]:
    """The known failures that explain why the service does not work, the most likely first.

    The ECS agent needs Docker and the SSM agent's credentials: what is wrong with them is the cause behind its own
    complaint.
    """
    unit = seen.ssm.unit if service == SSM else seen.units[_host_agent.UNIT]
    started = unit.troubled_since() if unit.active else None
    since = seen.now - MEMORY if started is None else started
    findings = diagnose(read_logs(host, service, [unit.name], since), service, unit.exit_status)
    if service == ECS and seen.engine["reason"]:
        return [_engine_finding(seen), *_engine_log(host, seen), *findings]
    if service == ECS and (not findings or findings[0].code == "no_credentials"):
        return _ssm_findings(seen) + findings
    return findings


def _engine_finding(seen: Look) -> Finding:
    remedy = "start Docker" if seen.engine["installed"] else "install and start Docker"
    return Finding("engine", seen.engine["reason"], f"{remedy}: the ECS agent needs it", _host_engine.UNIT)


def _engine_log(host: Host, seen: Look) -> list[Finding]:
    return diagnose(read_logs(host, ENGINE, [_host_engine.UNIT], seen.now - MEMORY), ENGINE)


def _ssm_findings(seen: Look) -> list[Finding]:
    """What is wrong with the SSM agent, which brings the ECS agent its credentials."""
    reason = _host_ssm.not_working(seen.ssm, seen.now)
    if reason is None:
        return []
    unit = seen.ssm.unit.name
    remedy = f"restart {unit}" if _host_ssm.why_restart(seen.ssm) else f"read `journalctl -u {unit}`"
    return [*seen.ssm.findings, Finding("ssm_not_working", reason, remedy, unit)]


def explain(words: str, findings: t.Sequence[Finding], unit: str) -> str:
    """One message: what is missing, why, and what helps."""
    if not findings:
        return f"{words}. No known failure is in its log; read `journalctl -u {unit}`."
    first = findings[0]
    return f"{words}. Cause: {first.cause}. Remedy: {first.remedy}. Seen: {first.evidence}"


def wait_until(host: Host, until: str, wanted: Wanted, timeout: float) -> tuple[Look, str | None]:
    """Look again and again until it's reached or the time (seconds) is over: the last look, and what was missing then.

    A host that has nothing to wait for (no agent, not registered, an agent that has ended for good) is not waited for.
    """
    deadline = host.monotonic() + timeout
    pause = 0.5
    while True:
        seen = look(host)
        reason = missing(seen, until, wanted)
        left = deadline - host.monotonic()
        if reason is None or left <= 0 or hopeless(seen, until, wanted) is not None or (until == ECS and ended(seen)):
            return seen, reason
        host.sleep(min(pause, max(left, 0.0)))
        pause = min(pause * 1.5, 5.0)


def ended(seen: Look) -> bool:
    """Whether the ECS agent will not come: systemd starts it no more, or ECS refuses the state that it begins with."""
    unit = seen.units[_host_agent.UNIT]
    return not unit.job and bool(unit.sub_state == "failed" or seen.agent["state_refused"])


def hopeless(seen: Look, until: str, wanted: Wanted) -> str | None:
    """What must be done where waiting cannot help, in words; None where it may help."""
    if until == ECS:
        return None if seen.agent["installed"] else "install and start the ECS agent (the role onprem.ecs.ecs_agent)"
    if seen.ssm.source is None and not seen.ssm.unit.loaded:
        return "install and start the SSM agent (the role onprem.ecs.ssm_agent)"
    node = seen.ssm.registration
    if node is None or (wanted.region and node.region != wanted.region):
        return "register the host (the module onprem.ecs.ssm_registration)"
    anew = _host_ssm.why_register(seen.ssm, wanted.region)
    return "register the host anew (the module onprem.ecs.ssm_registration)" if anew else None
