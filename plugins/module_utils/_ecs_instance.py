# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. One host as SSM and ECS see it, joined; and what it lacks. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone

from ansible_collections.onprem.ecs.plugins.module_utils import _ecs, _tags
from ansible_collections.onprem.ecs.plugins.module_utils._ssm import utc

Item = t.Mapping[str, t.Any]
Shown = t.Dict[str, t.Any]

#: Attributes that ECS and its agent set by themselves.
AWS_ATTRIBUTES = ("ecs.", "com.amazonaws.")

FIRST = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Lack:
    """One thing that a host lacks: a ``code`` for programs, ``what`` is not so, and where to look or what to do."""

    instance_id: str
    computer_name: str | None
    code: str
    what: str
    remedy: str

    @property
    def host(self) -> str:
        """The host's id, and its own name where SSM knows it."""
        return f"{self.instance_id} ({self.computer_name})" if self.computer_name else self.instance_id

    def shown(self) -> Shown:
        """As the module returns it."""
        return asdict(self)


@dataclass(frozen=True)
class Instance:
    """A host: its managed node (or None), its container instance (or None), and older container instances of it.

    A host that registered again with ECS leaves its old container instance behind, whose agent
    never connects again.
    """

    instance_id: str
    node: Item | None = None
    container: Item | None = None
    duplicates: tuple[Item, ...] = field(default=())

    @property
    def arn(self) -> str | None:
        """The container instance's ARN."""
        return self.container["containerInstanceArn"] if self.container else None

    @property
    def arns(self) -> list[str]:
        """The ARNs of all its container instances, its own first."""
        return [one["containerInstanceArn"] for one in (self.container, *self.duplicates) if one]

    @property
    def status(self) -> str | None:
        """The container instance's status."""
        return self.container["status"] if self.container else None

    @property
    def connected(self) -> bool:
        """Whether the ECS agent is connected."""
        return bool(self.container and self.container.get("agentConnected"))

    @property
    def tasks(self) -> int:
        """Running and pending tasks of the container instance."""
        return _tasks(self.container) if self.container else 0


def _tasks(container: Item) -> int:
    return int(container.get("runningTasksCount", 0)) + int(container.get("pendingTasksCount", 0))


def join(nodes: t.Mapping[str, Item], containers: t.Iterable[Item], ids: t.Iterable[str] = ()) -> list[Instance]:
    """One :class:`Instance` for each id of ``ids``, ``nodes`` and ``containers``, sorted by id.

    Of several container instances of one host the connected one counts, of several such the newest.
    """
    by_id: dict[str, list[Item]] = {}
    for container in containers:
        by_id.setdefault(container["ec2InstanceId"], []).append(container)
    joined = []
    for one in sorted({*ids, *nodes, *by_id}):
        ranked = sorted(by_id.get(one, []), key=_rank, reverse=True)
        joined.append(Instance(one, nodes.get(one), ranked[0] if ranked else None, tuple(ranked[1:])))
    return joined


def _rank(container: Item) -> tuple[bool, datetime]:
    return bool(container.get("agentConnected")), container.get("registeredAt") or FIRST


def attributes(container: Item) -> dict[str, str | None]:
    """Name → value of the attributes; None is an attribute without a value."""
    return {one["name"]: one.get("value") for one in container.get("attributes") or []}


def lacks(instance: Instance, region: str, cluster: str) -> list[Lack]:
    """What is missing until the host can run tasks: Online in SSM, in the cluster, its agent connected."""
    found = [_ssm_lack(instance, region), _ecs_lack(instance, cluster)]
    name = (instance.node or {}).get("ComputerName")
    return [Lack(instance.instance_id, name, *one) for one in found if one]


def _ssm_lack(instance: Instance, region: str) -> tuple[str, str, str] | None:
    node = instance.node
    if instance.instance_id.startswith("arn:"):
        return None  # nobody knows which node it was
    if node is None:
        return (
            "ssm_not_registered",
            f"is not a managed node in the Region {region}",
            "it was deregistered, or belongs to another Region or account: restart the host's SSM agent, which may not "
            "know it yet, and register the host again (onprem.ecs.enroll)",
        )
    status = node.get("PingStatus")
    if status != "Online":
        seen = utc(node.get("LastPingDateTime"))
        return (
            "ssm_not_online",
            f"is {status or 'unknown'} in SSM, " + (f"last seen {seen}" if seen else "not seen yet"),
            "on the host: systemctl status amazon-ssm-agent, /var/log/amazon/ssm/amazon-ssm-agent.log, and whether it "
            "reaches ssm, ssmmessages and ec2messages of the Region over HTTPS",
        )
    return None


def _ecs_lack(instance: Instance, cluster: str) -> tuple[str, str, str] | None:
    if instance.container is None:
        return (
            "ecs_not_registered",
            f"is not in the cluster {cluster}",
            "on the host: journalctl -u ecs, /var/log/ecs/ecs-init.log and ecs-agent.log, ECS_CLUSTER in "
            "/etc/ecs/ecs.config, and whether Docker runs",
        )
    if instance.status not in ("ACTIVE", "DRAINING"):
        reason = instance.container.get("statusReason") or "no reason given"
        return (
            "ecs_not_active",
            f"has the status {instance.status} in the cluster {cluster} ({reason})",
            "on the host: /var/log/ecs/ecs-agent.log",
        )
    if not instance.connected:
        return (
            "ecs_not_connected",
            f"is in the cluster {cluster}, but its ECS agent is not connected",
            "on the host: systemctl status ecs, /var/log/ecs/ecs-agent.log, and whether it reaches ecs, ecs-a-* and "
            "ecs-t-* of the Region over HTTPS",
        )
    return None


def shown(instance: Instance) -> Shown:
    """The joined view in snake_case; None for what is not known."""
    return {"instance_id": instance.instance_id, **node_shown(instance.node or {}), **_container_shown(instance)}


def node_shown(node: Item) -> Shown:
    """A managed node in snake_case, without its id."""
    return {
        "name": node.get("Name"),
        "computer_name": node.get("ComputerName"),
        "ip_address": node.get("IPAddress"),
        "platform_name": node.get("PlatformName"),
        "platform_version": node.get("PlatformVersion"),
        "ping_status": node.get("PingStatus"),
        "last_ping": utc(node.get("LastPingDateTime")),
        "ssm_agent_version": node.get("AgentVersion") or None,
        "ssm_agent_is_latest": node.get("IsLatestVersion"),
        "iam_role": node.get("IamRole"),
        "activation_id": node.get("ActivationId"),
        "ssm_registration_date": utc(node.get("RegistrationDate")),
    }


def _container_shown(instance: Instance) -> Shown:
    container: Item = instance.container or {}
    versions = container.get("versionInfo") or {}
    all_attributes = attributes(container)
    return {
        "container_instance_arn": instance.arn,
        "cluster": _ecs.cluster_of_arn(instance.arn) if instance.arn else None,
        "ecs_status": instance.status,
        "agent_connected": container.get("agentConnected"),
        "agent_version": versions.get("agentVersion"),
        "docker_version": versions.get("dockerVersion"),
        "running_tasks": container.get("runningTasksCount"),
        "pending_tasks": container.get("pendingTasksCount"),
        "attributes": {k: v for k, v in all_attributes.items() if not k.startswith(AWS_ATTRIBUTES)},
        "capabilities": {k: v for k, v in all_attributes.items() if k.startswith(AWS_ATTRIBUTES)},
        "tags": _tags.from_aws(container.get("tags")),
        "ecs_registration_date": utc(container.get("registeredAt")),
        "duplicates": [_duplicate_shown(one) for one in instance.duplicates],
    }


def _duplicate_shown(container: Item) -> Shown:
    return {
        "container_instance_arn": container["containerInstanceArn"],
        "ecs_status": container["status"],
        "agent_connected": bool(container.get("agentConnected")),
        "running_tasks": container.get("runningTasksCount"),
        "ecs_registration_date": utc(container.get("registeredAt")),
    }


COLUMNS = ("CLUSTER", "NODE", "NAME", "PING", "AGENT", "ECS", "CONNECTED", "TASKS")


def table(hosts: t.Iterable[Shown]) -> list[str]:
    """Hosts in the joined view as lines for a person, by cluster; ``-`` for what is not known."""
    rows = sorted(_row(host) for host in hosts)
    widths = [max(len(row[column]) for row in [COLUMNS, *rows]) for column in range(len(COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [COLUMNS, *rows]]


def _row(host: Shown) -> tuple[str, ...]:
    known = {True: "yes", False: "no", None: "-"}
    return (
        host["cluster"] or "-",
        host["instance_id"],
        host["computer_name"] or host["name"] or "-",
        host["ping_status"] or "-",
        host["agent_version"] or "-",
        host["ecs_status"] or "-",
        known[host["agent_connected"]],
        "-" if host["running_tasks"] is None else str(host["running_tasks"]),
    )
