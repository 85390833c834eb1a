# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Managed nodes, only looked at."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from ansible_collections.onprem.ecs.plugins.module_utils import _ssm
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._ssm_activation import role_name
from ansible_collections.onprem.ecs.plugins.module_utils._ssm_activation_info import activation_ids
from ansible_collections.onprem.ecs.plugins.module_utils._ssm_node import node_ids, shown, tags_of

if t.TYPE_CHECKING:
    from ansible_collections.onprem.ecs.plugins.module_utils._aws import Module

Node = t.Mapping[str, t.Any]

#: Most values of one filter of DescribeInstanceInformation.
FILTER_VALUES = 100


@dataclass(frozen=True)
class Wanted:
    """Which nodes: those that fit all of it. None fits every node, an empty list fits none."""

    ids: tuple[str, ...] | None = None
    iam_role: str | None = None
    activation_ids: tuple[str, ...] | None = None
    ping_status: tuple[str, ...] | None = None
    computer_names: tuple[str, ...] | None = None
    tags: t.Mapping[str, str | None] = field(default_factory=dict)
    inactive_for: timedelta | None = None

    @property
    def nothing(self) -> bool:
        """True when no node can fit."""
        return () in (self.ids, self.activation_ids, self.ping_status, self.computer_names)

    def only(self, ids: t.Iterable[str]) -> Wanted:
        """The same, of these nodes."""
        return replace(self, ids=tuple(sorted(ids)))


def wanted(params: t.Mapping[str, t.Any]) -> Wanted:
    """The module's arguments.

    :raises EcsError: for what AWS would refuse
    """
    seconds = params["inactive_for"]
    if seconds is not None and seconds < 0:
        raise EcsError(f"inactive_for: {seconds} is less than 0 seconds")
    activations = params["activation_ids"]
    names = params["computer_names"]
    for name, value in (params["tags"] or {}).items():
        if isinstance(value, (list, dict)):
            raise EcsError(f"tags: {name} must have one value, not {value!r}; null stands for any value")
    tags = {str(name): None if value is None else str(value) for name, value in (params["tags"] or {}).items()}
    for name, value in tags.items():
        if not name or value == "":
            raise EcsError(f"tags: SSM cannot look for {name}={value}; null stands for any value")
    return Wanted(
        ids=None if params["instance_ids"] is None else node_ids(params["instance_ids"]),
        iam_role=None if params["iam_role"] is None else role_name(params["iam_role"]),
        activation_ids=None if activations is None else tuple(activation_ids(activations)),
        ping_status=None if params["ping_status"] is None else tuple(params["ping_status"]),
        computer_names=None if names is None else tuple(name.lower() for name in names),
        tags=tags,
        inactive_for=None if seconds is None else timedelta(seconds=seconds),
    )


def aws_filters(want: Wanted) -> list[tuple[str, tuple[str, ...]]]:
    """What AWS can filter by itself. It takes tags or the rest, and not both; the rest is looked at here again."""
    if want.tags:
        return [
            ("tag-key", (name,)) if value is None else (f"tag:{name}", (value,))
            for name, value in sorted(want.tags.items())
        ]
    filters = {
        "IamRole": (want.iam_role,) if want.iam_role else (),
        "ActivationIds": want.activation_ids or (),
        "PingStatus": want.ping_status or (),
    }
    return [(key, values) for key, values in filters.items() if 0 < len(values) <= FILTER_VALUES]


def fits(one: str, node: Node, want: Wanted, now: datetime) -> bool:
    """Whether a node is wanted, as far as DescribeInstanceInformation shows it: it has no tags."""
    seen = node.get("LastPingDateTime") or node.get("RegistrationDate")
    return (
        (want.ids is None or one in want.ids)
        and (want.iam_role is None or node.get("IamRole") == want.iam_role)
        and (want.activation_ids is None or node.get("ActivationId") in want.activation_ids)
        and (want.ping_status is None or node.get("PingStatus") in want.ping_status)
        and (want.computer_names is None or str(node.get("ComputerName", "")).lower() in want.computer_names)
        and (want.inactive_for is None or (seen is not None and now - seen >= want.inactive_for))
    )


def work(aws: Aws, module: Module) -> dict[str, t.Any]:
    """The module ``ssm_managed_node_info``."""
    want = wanted(module.params)
    found = {} if want.nothing else look(aws, want)
    tags = tags_of(aws, sorted(found)) if module.params["include_tags"] else {}
    return {
        "changed": False,
        "managed_nodes": [shown(one, node, tags.get(one)) for one, node in sorted(found.items())],
    }


def look(aws: Aws, want: Wanted, now: datetime | None = None) -> dict[str, _ssm.Item]:
    """The wanted nodes by id."""
    if want.ids is not None and not want.tags:
        found = _ssm.managed_nodes(aws, want.ids)
    else:
        found = _ssm.nodes_where(aws, aws_filters(want))
    now = now or datetime.now(timezone.utc)
    return {one: node for one, node in found.items() if fits(one, node, want, now)}
