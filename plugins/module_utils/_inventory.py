# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Hosts of an inventory: which, their names and groups."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.onprem.ecs.plugins.module_utils import _ecs, _ssm_node_info
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_instance import join, shown
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_instance_info import containers_of

Host = t.Dict[str, t.Any]

#: The group of all hosts.
EVERY = "external_instances"

#: A host reports its own names. One that Ansible would take for a pattern, a template or the controller is no name.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,252}\Z")
CONTROLLER = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Wanted:
    """The options of the inventory."""

    ecs: bool = True
    """Whether to look at clusters."""
    clusters: tuple[str, ...] = ()
    """Only hosts in these; none named means every host."""
    nodes: _ssm_node_info.Wanted = field(default_factory=_ssm_node_info.Wanted)


def look(aws: Aws, want: Wanted) -> list[Host]:
    """The hosts of a Region, joined from SSM and ECS, each with its ``region``; sorted by id.

    Container instances whose node has been deregistered are left out: nothing tells where they are.
    """
    containers: list[_ecs.Item] = []
    if want.ecs:
        containers, _gone = containers_of(aws, want.clusters or _ecs.clusters(aws), None)
    nodes = want.nodes
    if want.clusters:
        nodes = nodes.only({one["ec2InstanceId"] for one in containers})
    found = {} if nodes.nothing else _ssm_node_info.look(aws, nodes)
    return [{**shown(one), "region": aws.region} for one in join(found, containers) if one.node]


def names(hosts: t.Sequence[Host], preferences: t.Sequence[str]) -> dict[str, str]:
    """The name of each host in the inventory, by its id: the first of the preferences that is its alone.

    When several share one, as a host and what it left behind when it registered anew, the only one of them that is
    Online has it. Without any the name is the id.
    """
    holders: dict[tuple[str, str], list[Host]] = {}
    for host in hosts:
        for key in preferences:
            if host[key] and NAME.match(host[key]) and host[key].lower() not in CONTROLLER:
                holders.setdefault((key, host[key]), []).append(host)
    taken: set[str] = set()
    result = {}
    for host in hosts:
        fitting = (host[key] for key in preferences if _owns(host, holders.get((key, host[key] or ""), [])))
        name = next((one for one in fitting if one not in taken), host["instance_id"])
        taken.add(name)
        result[host["instance_id"]] = name
    return result


def _owns(host: Host, holders: t.Sequence[Host]) -> bool:
    online = [one for one in holders if one["ping_status"] == "Online"]
    return list(holders) == [host] or online == [host]


def groups(host: Host) -> list[str]:
    """The groups of a host, by its state in SSM, its cluster and its state there."""
    found = [EVERY]
    if host["ping_status"]:
        found.append("ssm_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", host["ping_status"]).lower())
    if host["cluster"]:
        found.append("ecs_cluster_" + re.sub(r"\W", "_", host["cluster"]))
    if host["ecs_status"]:
        found.append("ecs_" + host["ecs_status"].lower())
    return found
