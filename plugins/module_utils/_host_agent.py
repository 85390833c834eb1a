# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection.

The ECS agent: its configuration, what it says of itself, what it left on disk.
"""

from __future__ import annotations

import json
import re
import socket
import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._host_diagnosis import ECS, diagnose
from ansible_collections.onprem.ecs.plugins.module_utils._host_io import Host
from ansible_collections.onprem.ecs.plugins.module_utils._host_logs import read_logs, read_refusals
from ansible_collections.onprem.ecs.plugins.module_utils._host_packages import upstream_version
from ansible_collections.onprem.ecs.plugins.module_utils._host_units import Unit, drop_ins, is_outdated

PACKAGE = "amazon-ecs-init"
UNIT = "ecs.service"
# The unit reads them in this order, so the second overrides the first.
CONFIG_FILES = ("/var/lib/ecs/ecs.config", "/etc/ecs/ecs.config")
CA_BUNDLE = "/etc/ecs/ca-bundle.pem"
#: Read when the agent starts: without it ECS Exec is not offered.
EXEC_AUTHORITIES = "/var/lib/ecs/deps/execute-command/certs/tls-ca-bundle.pem"
#: The agent's container has this folder as it was when it started, and never sees another that takes its place.
CREDENTIALS = "/root/.aws"
#: Both come with the package: what starts the agent, and the agent's image.
PROGRAMS = ("/usr/libexec/amazon-ecs-init", "/var/cache/ecs/ecs-agent.tar")
# What the agent knows of its registration: today's database, and the file of agents before 1.44.
STATE_FILES = ("/var/lib/ecs/data/agent.db", "/var/lib/ecs/data/ecs_agent_data.json")
#: What the agent logs then; `diagnose` knows it as well, and would take long over all that a healthy agent has logged.
DEREGISTERED = re.compile(r"InactiveInstanceException|Container instance is deregistered")
INTROSPECTION = ("127.0.0.1", 51678)

ARN = re.compile(rb"arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:container-instance/([A-Za-z0-9_-]{1,255})/[0-9a-f]{32}")


class Introspection(t.NamedTuple):
    """What the running agent says of itself; ``container_instance_arn`` is None while it is not registered."""

    cluster: str | None
    container_instance_arn: str | None
    version: str | None


def parse_config(text: str) -> dict[str, str]:
    """The variables of a configuration file as systemd's EnvironmentFile reads it; later lines win."""
    found = {}
    for line in text.replace("\\\n", "").splitlines():
        stripped = line.strip()
        name, equals, value = stripped.partition("=")
        if not equals or stripped[0] in "#;" or not re.match(r"[A-Za-z_][A-Za-z0-9_]*$", name.strip()):
            continue
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        found[name.strip()] = value
    return found


def read_config(host: Host) -> dict[str, str]:
    """The agent's variables, the files merged in the order in which they count."""
    merged: dict[str, str] = {}
    for path in CONFIG_FILES:
        merged.update(parse_config(host.read(path) or ""))
    return merged


def cluster_name(cluster: str | None) -> str | None:
    """The name in a cluster's name or ARN; None for nothing."""
    return (cluster or "").rpartition("/")[2] or None


def parse_introspection(answer: bytes) -> Introspection | None:
    """Read the HTTP answer of ``/v1/metadata``; None when it's not the agent's."""
    head, _gap, body = answer.partition(b"\r\n\r\n")
    if not re.match(rb"HTTP/1\.[01] 200\b", head):
        return None
    try:
        found = json.loads(body.decode("utf-8", "replace"))
    except ValueError:
        return None
    if not isinstance(found, dict) or "Cluster" not in found:
        return None
    version = re.search(r"v?(\d+\.\d+\.\d+)", str(found.get("Version") or ""))
    return Introspection(
        cluster_name(found.get("Cluster")),
        found.get("ContainerInstanceArn") or None,
        version.group(1) if version else None,
    )


def introspect(address: tuple[str, int], timeout: float = 2.0) -> Introspection | None:
    """Ask the running agent; None when nobody answers.

    A bare socket: importing an HTTP library costs more than all the rest, and HTTP/1.0 ends with the connection.
    """
    try:
        with socket.create_connection(address, timeout) as connection:
            connection.settimeout(timeout)
            connection.sendall(b"GET /v1/metadata HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n")
            answer = b""
            while len(answer) < 1 << 20:
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
    except OSError:
        return None
    return parse_introspection(answer)


def registration_in_state(data: bytes | None) -> tuple[str, str] | None:
    """Cluster and container instance ARN that the agent's state holds; None when it holds none, or more than one."""
    arns = {match.group(0): match.group(1) for match in ARN.finditer(data or b"")}
    if len(arns) != 1:
        return None
    arn, cluster = arns.popitem()
    return cluster.decode(), arn.decode()


def not_working(unit: Unit, said: Introspection | None, installed: bool) -> str | None:
    """Why the agent is not an external instance as far as this host can tell, in words; None when it is."""
    if not installed:
        return "the ECS agent is not installed"
    if not unit.active:
        ended = f", its last exit status was {unit.exit_status}" if unit.exit_status else ""
        return f"{unit.name} is not running ({unit.sub_state}{ended})"
    if said is None:
        # Some versions answer before they are registered, others only then.
        address = f"{INTROSPECTION[0]}:{INTROSPECTION[1]}"
        return f"the ECS agent does not answer at {address}, which it does once it is registered, if not before"
    if said.container_instance_arn is None:
        return f"the ECS agent runs and is not registered in cluster {said.cluster or 'default'} yet"
    return None


def state_refused(host: Host, unit: Unit) -> bool:
    """Whether the last word since the agent's start is that ECS does not accept the state that it kept.

    An agent that systemd starts again and again has not told it yet just after a start.
    """
    since = unit.troubled_since()
    if since is None:
        return False
    causes = diagnose(read_logs(host, ECS, [unit.name], since), ECS)
    return bool(causes) and causes[0].code == "state_refused"


def deregistered(host: Host, unit: Unit) -> bool:
    """Whether the running agent was told that its container instance was deregistered.

    It runs on with it, answers as before, and asks ECS once an hour.
    """
    if unit.started_at is None:
        return False
    return any(DEREGISTERED.search(line) for line in read_refusals(host, ECS, unit.started_at))


def why_stale(
    agent: t.Mapping[str, t.Any], region: str | None, cluster: str | None, lost_node: str | None
) -> str | None:
    """Why the state that the agent kept is of no use any more, in words; None when it is, or there is none.

    With it the agent would end, again and again: the container instance is another one's or in another place.

    :param region: that the host shall be in
    :param cluster: that it shall be in
    :param lost_node: why its managed node is given up, or None
    """
    held, place = agent["registered_cluster"], (agent["container_instance_arn"] or ":" * 5).split(":")[3]
    if not agent["has_state"] and not held:
        return None
    if region and place and place != region:
        return f"it is of {place}"
    if cluster and held and held != cluster:
        return f"it is of cluster {held}"
    if lost_node:
        return f"it is of a managed node that is given up: {lost_node}"
    return "ECS does not accept it any more" if agent["state_refused"] else None


def read_agent(host: Host, units: t.Mapping[str, Unit], packages: t.Mapping[str, str]) -> dict[str, t.Any]:
    """The part ``agent`` of what the module returns.

    ``registered_cluster`` and ``container_instance_arn`` come from the running agent, else from the state it left.
    """
    unit, config = units[UNIT], read_config(host)
    state = next((path for path in STATE_FILES if host.exists(path)), None)
    said = introspect(INTROSPECTION) if unit.active or unit.loaded else None
    cluster, arn = (said.cluster, said.container_instance_arn) if said and said.container_instance_arn else (None, None)
    if arn is None and state:
        kept = registration_in_state(host.read_bytes(state, 64 << 20))
        cluster, arn = kept if kept else (None, None)
    reason = not_working(unit, said, PACKAGE in packages or unit.loaded)
    refused = state is not None and (state_refused(host, unit) if reason else deregistered(host, unit))
    if refused and reason is None:
        reason = f"ECS has deregistered {arn}, and the agent runs on without it"
    return {
        "installed": PACKAGE in packages,
        "version": upstream_version(packages[PACKAGE]) if PACKAGE in packages else None,
        "unit": unit.name,
        "enabled": unit.enabled,
        "active": unit.active,
        "cluster": cluster_name(config.get("ECS_CLUSTER")),
        "region": config.get("AWS_DEFAULT_REGION") or config.get("AWS_REGION"),
        "registered_cluster": cluster,
        "container_instance_arn": arn,
        "working": reason is None,
        "reason": reason,
        "running_version": said.version if said else None,
        "has_state": state is not None,
        "state_refused": refused,
        "needs_restart": is_outdated(
            host, unit, [*CONFIG_FILES, CA_BUNDLE, EXEC_AUTHORITIES, *drop_ins(host, unit.name)], PROGRAMS
        )
        or (unit.active and not host.exists(CREDENTIALS)),
    }
