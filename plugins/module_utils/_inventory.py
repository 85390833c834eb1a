# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Hosts of an inventory: which, their names and groups."""

from __future__ import annotations

import ipaddress
import itertools
import re
import socket
import typing as t
from dataclasses import dataclass, field

from ansible_collections.onprem.ecs.plugins.module_utils import _ecs, _ssm_node_info
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_instance import Instance, join, shown
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_instance_info import containers_of

Host = t.Dict[str, t.Any]

#: The group of all hosts.
EVERY = "external_instances"

#: A host reports its own names. One that Ansible would take for a pattern, a template or the controller is no name.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,252}\Z")

#: Names that mean the controller itself: those of resolvers, and of /etc/hosts on Debian's and Red Hat's systems.
CONTROLLER = re.compile(r"(.+\.)?localhost[46]?(\.localdomain[46]?)?|ip6-(localhost|loopback)", re.IGNORECASE)


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
        here = [one for one in want.clusters if _region(one) in (None, aws.region)]
        containers, _gone = containers_of(aws, here if want.clusters else _ecs.clusters(aws), None)
    nodes = want.nodes
    if want.clusters:
        nodes = nodes.only({one["ec2InstanceId"] for one in containers})
    found = {} if nodes.nothing else _ssm_node_info.look(aws, nodes)
    return [_host(one, aws.region) for one in join(found, containers) if one.node]


def _region(cluster: str) -> str | None:
    """The Region of a cluster given by its ARN, which AWS refuses in any other; None for a name."""
    return cluster.split(":")[3] if cluster.count(":") > 4 else None


def _host(instance: Instance, region: str) -> Host:
    host = {**shown(instance), "region": region}
    return {**host, "ip_address": _address(host["ip_address"])}


def _address(reported: str | None) -> str | None:
    """The address that a host reports; None for a text that is none, as ssh would take an option, or the controller.

    Nor with a zone: it is one of the host's, not of the controller, and Python takes any text for one.
    """
    if "%" in (reported or ""):
        return None
    try:
        address = ipaddress.ip_address(reported or "")
    except ValueError:
        return None
    return None if _is_here(address) else reported


def _is_here(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    found = getattr(address, "ipv4_mapped", None) or address
    return found.is_loopback or found.is_unspecified


def _is_controller(name: str) -> bool:
    """Whether a name means the controller, in any of the spellings of its addresses that resolvers take: 0x7f.1."""
    name = name.rstrip(".")
    if CONTROLLER.fullmatch(name):
        return True
    try:
        return _is_here(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return _is_here(ipaddress.ip_address(socket.inet_aton(name)))
    except OSError:
        return False


def names(hosts: t.Sequence[Host], preferences: t.Sequence[str], groups: t.Collection[str] = ()) -> dict[str, str]:
    """The name of each host in the inventory, by its id: the first of the preferences that is its alone.

    When several share one, as a host and what it left behind when it registered anew, the only one of them that is
    Online has it. Without any the name is the id. No host is called like one of ``groups``, or by the id of another.
    """
    holders: dict[tuple[str, str], list[Host]] = {}
    for host in hosts:
        for key in preferences:
            if host[key] and NAME.match(host[key]) and not _is_controller(host[key]):
                holders.setdefault((key, host[key]), []).append(host)
    taken = {*groups, *(host["instance_id"] for host in hosts)}
    result: dict[str, str] = {}
    # Those that are Online first: what they have not taken is for the others.
    for online, key in itertools.product((True, False), preferences):
        for host in hosts:
            one, name = str(host["instance_id"]), str(host[key] or "")
            free = one not in result and _online(host) == online and (name == one or name not in taken)
            if free and _owns(host, holders.get((key, name), [])):
                taken.add(name)
                result[one] = name
    return {one: result.get(one, one) for one in (str(host["instance_id"]) for host in hosts)}


def _online(host: Host) -> bool:
    return bool(host["ping_status"] == "Online")


def _owns(host: Host, holders: t.Sequence[Host]) -> bool:
    return list(holders) == [host] or [one for one in holders if _online(one)] == [host]


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
