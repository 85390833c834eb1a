# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole state as JSON, for assertions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from moto.iam.models import iam_backends

from .calls import Call
from .constants import ACCOUNT
from .state import State


def _roles() -> dict[str, Any]:
    found = {}
    for partition in list(iam_backends[ACCOUNT]):
        for role in iam_backends[ACCOUNT][partition].get_roles():
            found[role.name] = {
                "arn": role.arn,
                "trust": role.assume_role_policy_document,
                "managed_policies": sorted(policy.arn for policy in role.managed_policies.values()),
                "inline_policies": dict(role.policies),
                "tags": {tag["Key"]: tag["Value"] for tag in role.tags},
            }
    return found


def dump(state: State) -> dict[str, Any]:
    """Everything, but for the secrets."""
    now = state.clock.now()
    asking: Any = _Asking(state)
    return {
        "activations": [a.describe(now) | {"Region": a.region} for a in state.activations.values()],
        "managed_nodes": [
            {
                "InstanceId": node.instance_id,
                "Region": node.region,
                "PingStatus": node.ping_status(asking),
                "ActivationId": node.activation_id,
                "IamRole": node.iam_role,
                "Name": node.name,
                "Fingerprint": node.fingerprint,
                "Channels": len(node.channels),
                "Tags": node.tags,
                **node.reported,
            }
            for node in state.nodes.values()
        ],
        "container_instances": [
            {**c.describe(state, ["TAGS"]), "clusterName": c.cluster_name, "region": c.region}
            for c in state.container_instances.values()
        ],
        "clusters": [
            {**asdict(c), "region": region, "tags": state.resource_tags.get(c.arn, {})}
            for (region, _unused), c in state.clusters.items()
        ],
        "tasks": [task.describe(state, True) for task in state.tasks.values()],
        "services": [service.describe(state, True) for service in state.services.values()],
        "capacity_providers": list(state.capacity_providers.values()),
        "account_settings": [
            {"region": region, "principalArn": principal, **values}
            for (region, principal), values in state.account_settings.items()
        ],
        "roles": _roles(),
    }


class _Asking:
    """Stands in for a call, where only the state is asked for."""

    def __init__(self, state: State) -> None:
        self.state = state


__all__ = ["Call", "dump"]
