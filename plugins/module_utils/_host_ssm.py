# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

The SSM agent on this host, and whether its registration really works.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _host_backup
from ansible_collections.onprem.ecs.plugins.module_utils._host_diagnosis import LOST, SSM, Finding, diagnose
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_logs import (
    read_hibernation,
    read_logs,
    read_refusals,
)
from ansible_collections.onprem.ecs.plugins.module_utils._host_packages import upstream_version
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit, drop_ins, is_outdated
from ansible_collections.onprem.ecs.plugins.module_utils._host_vault import (
    FINGERPRINT,
    Identity,
    Registration,
    is_other_machine,
    read_identity,
    read_registration,
    show_time,
)

PACKAGE = "amazon-ssm-agent"
UNIT = "amazon-ssm-agent.service"
SNAP_UNIT = "snap.amazon-ssm-agent.amazon-ssm-agent.service"
SNAP = "/snap/amazon-ssm-agent/current"
# What it reads when it starts, beside its unit.
CONFIG = "/etc/amazon/ssm/amazon-ssm-agent.json"
CONFIG_FILES = (CONFIG, "/etc/amazon/ssm/ca-bundle.pem")
#: What the role ssm_agent puts into it, and the agent takes no notice of.
WRITTEN_BY = '"WrittenBy": "onprem.ecs.ssm_agent"'
#: Anew with each version; of the snap the link to the version that is in use.
PROGRAMS = ("/usr/bin/amazon-ssm-agent", SNAP)
UNITS = (UNIT, SNAP_UNIT)


class Ssm(t.NamedTuple):
    """The agent. ``source`` is deb, rpm or snap, or None when it's not installed; ``other_machine`` a cloned disk's
    vault.
    """

    version: str | None
    source: str | None
    unit: Unit
    registration: Registration | None
    identity: Identity | None
    other_machine: bool
    outdated: bool = False
    """Its configuration has been written anew since it started, or another version has been installed."""
    credentials_gone: bool = False
    """It says that it shares credentials in a file that is not there; it writes it again when they are half used up."""
    findings: tuple[Finding, ...] = ()
    """Known failures in its log since it last got credentials, the latest first."""
    own_config: bool = False
    """The role ssm_agent has written its configuration."""
    set_aside: Registration | None = None
    """What it was before a registration that was cut off, which has blanked the vault."""
    asleep: str | None = None
    """The line of its log that says why it hibernates; None when it does not, or when the node is lost."""


def snap_version(snap_yaml: str | None) -> str | None:
    """The version in a snap's own description."""
    match = re.search(r"(?m)^version:\s*['\"]?([^\s'\"]+)", snap_yaml or "")
    return match.group(1) if match else None


def read_ssm(host: Host, units: t.Mapping[str, Unit], packages: t.Mapping[str, str], package_format: str | None) -> Ssm:
    """Look at the agent; the units and packages were asked for already."""
    unit = units[SNAP_UNIT] if units[SNAP_UNIT].loaded else units[UNIT]
    version: str | None = None
    source: str | None = None
    if PACKAGE in packages:
        version, source = upstream_version(packages[PACKAGE]), package_format
        unit = units[UNIT]
    elif host.exists(SNAP):
        version, source = snap_version(host.read(SNAP + "/meta/snap.yaml")), "snap"
    identity, registration = read_identity(host), read_registration(host)
    ssm = Ssm(
        version=version,
        source=source,
        unit=unit,
        registration=registration,
        identity=identity,
        other_machine=is_other_machine(
            host.read(FINGERPRINT), host.read("/etc/machine-id") or host.read("/var/lib/dbus/machine-id")
        ),
        # The agent names the file at its start, before it has got any.
        credentials_gone=bool(
            identity and identity.share_file and identity.expires_at and not host.exists(identity.share_file)
        ),
        set_aside=None if registration else _host_backup.kept_registration(host),
        own_config=WRITTEN_BY in (host.read(CONFIG) or ""),
        outdated=is_outdated(host, unit, [*CONFIG_FILES, *drop_ins(host, unit.name)], PROGRAMS),
    )
    ssm = ssm._replace(findings=_findings(host, ssm))
    asleep = _asleep(host, ssm)
    return ssm._replace(asleep=asleep, findings=tuple(diagnose([asleep], SSM))) if asleep else ssm


def _asleep(host: Host, ssm: Ssm) -> str | None:
    """Why the agent hibernates, though it looks well otherwise."""
    if not_working(ssm, host.now()) is not None or ssm.unit.started_at is None:
        return None
    line = read_hibernation(host, ssm.unit.started_at)
    return line if line and ssm.registration and names_no_other(line, ssm.registration.instance_id) else None


def _findings(host: Host, ssm: Ssm) -> tuple[Finding, ...]:
    """What the log says since the agent last got credentials.

    Credentials are valid for an hour after AWS gave up the node. So a refusal is looked for also where all looks well.
    """
    if ssm.registration is None:
        return ()
    since = ssm.registration.written_at
    same = ssm.identity is not None and ssm.identity.instance_id == ssm.registration.instance_id
    if why_restart(ssm) and not (same and ssm.credentials_gone):
        return ()  # The agent that wrote the log runs as another node.
    if same and ssm.identity:
        since = max(since, ssm.identity.written_at)
    refusals = [line for line in read_refusals(host, SSM, since) if names_no_other(line, ssm.registration.instance_id)]
    lost = tuple(found for found in diagnose(refusals, SSM) if found.code in LOST)
    if lost or not_working(ssm, host.now()) is None:
        return lost
    lines = read_logs(host, SSM, [ssm.unit.name], since)
    return tuple(diagnose([line for line in lines if names_no_other(line, ssm.registration.instance_id)], SSM))


def names_no_other(line: str, node: str) -> bool:
    """Whether a line of the log is on this node, or names none."""
    return all(found == node for found in re.findall(r"\bmi-[0-9a-f]{17}\b", line))


def not_working(ssm: Ssm, now: float) -> str | None:
    """Why the registration does not work as far as this host can tell, in words; None when it does.

    An active unit proves nothing (an unregistered agent is restarted for ever), nor does ssm-cli, which answers with
    the agent stopped. The proof is that the running agent got credentials for the same node, not yet expired.
    """
    if ssm.source is None and not ssm.unit.loaded:
        return "the SSM agent is not installed"
    if ssm.registration is None:
        return "the SSM agent is not registered"
    if ssm.other_machine:
        # The agent compares only when it renews the credentials: on a cloned disk those of the original look valid.
        return f"the registration of {ssm.registration.instance_id} was made on another machine"
    if ssm.findings and ssm.findings[0].code in LOST:
        return f"{ssm.registration.instance_id} is lost: {ssm.findings[0].cause}"
    if not ssm.unit.active:
        return f"{ssm.unit.name} is not running ({ssm.unit.sub_state})"
    return _no_credentials(ssm, ssm.registration.instance_id, now)


def _no_credentials(ssm: Ssm, node: str, now: float) -> str | None:
    """Why the running agent has no valid credentials for the node; None when it has."""
    identity = ssm.identity
    stale = why_restart(ssm)
    if stale:
        return f"the SSM agent must be restarted: {stale}"
    if identity is None or identity.instance_id != node or identity.expires_at is None:
        return f"the SSM agent has not got credentials for {node} yet"
    if identity.expires_at <= now:
        return f"the credentials of {node} expired at {show_time(identity.expires_at)} and were not renewed"
    return None


def why_restart(ssm: Ssm) -> str | None:
    """Why the agent must be restarted to work with its registration, in words; None when it need not.

    It has another identity when a run was killed between registration and restart. Key rotation rewrites the vault for
    the same node, so the times alone decide nothing; they only tell an agent that was just started, and has not said
    who it is, from one that is older than the registration.
    """
    if ssm.registration is None:
        return None
    if ssm.unit.sub_state == "auto-restart":
        return "it ended, as it was not registered, and systemd waits before the next start"
    if not ssm.unit.active:
        return None
    if ssm.identity and ssm.identity.instance_id == ssm.registration.instance_id:
        return _why_restart_as_it_is(ssm, ssm.identity)
    if ssm.unit.started_at is None or ssm.unit.started_at >= ssm.registration.written_at:
        return None
    running = ssm.identity.instance_id if ssm.identity else "no node"
    return f"it runs as {running} still, and the registration is {ssm.registration.instance_id}"


def _why_restart_as_it_is(ssm: Ssm, identity: Identity) -> str | None:
    """Why an agent that is the registered node must be restarted all the same."""
    if ssm.credentials_gone:
        return f"the credentials in {identity.share_file} are gone"
    return f"it hibernates ({ssm.asleep.partition('hibernate - ')[2]})" if ssm.asleep else None


def why_register(ssm: Ssm, region: str | None) -> str | None:
    """Why a new registration is needed, in words; None when the one that is there is to be kept.

    A registration that has not proved itself yet is kept: the agent may be stopped or just starting. It is given up for
    another Region, on another machine, and where AWS's last word in the agent's log is that it does not accept it.
    """
    if ssm.registration is None:
        return "it is not registered"
    if region and ssm.registration.region != region:
        return f"it is registered in {ssm.registration.region or 'an unknown Region'}, not in {region}"
    if ssm.other_machine:
        return f"the registration of {ssm.registration.instance_id} was made on another machine"
    if ssm.findings and ssm.findings[0].code in LOST:
        return f"{ssm.registration.instance_id} is lost: {ssm.findings[0].cause}"
    return None


def is_clone(ssm: Ssm) -> bool:
    """Whether the registration is another machine's, by its own fingerprint or by AWS's last word.

    The original may have changed its key since its disk was copied: then it lives on, and the copy's key is refused.
    """
    refused = bool(ssm.findings) and ssm.findings[0].code in ("fingerprint_mismatch", "signature_refused")
    return ssm.registration is not None and (ssm.other_machine or refused)


def show_ssm(ssm: Ssm, region: str | None, now: float) -> dict[str, t.Any]:
    """The part ``ssm`` of what the module returns. Nothing of the vault but the node and its Region."""
    registration, identity = ssm.registration, ssm.identity
    reason = not_working(ssm, now)
    same = bool(registration and identity and registration.instance_id == identity.instance_id)
    return {
        "installed": ssm.source is not None,
        "version": ssm.version,
        "source": ssm.source,
        "unit": ssm.unit.name,
        "enabled": ssm.unit.enabled,
        "active": ssm.unit.active,
        "registered": registration is not None,
        "instance_id": registration.instance_id if registration else None,
        "region": registration.region if registration else None,
        "other_machine": is_clone(ssm),
        "working": reason is None,
        "reason": reason,
        "credentials_expire_at": show_time(identity.expires_at) if same and identity else None,
        "needs_registration": why_register(ssm, region) is not None,
        "needs_restart": why_restart(ssm) is not None or ssm.outdated,
        "own_config": ssm.own_config,
        "set_aside": ssm.set_aside.instance_id if ssm.set_aside else None,
    }
