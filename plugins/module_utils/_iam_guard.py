# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Is a role in use, so that a change would break running work?"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _ecs, _iam_plan, _iam_use, _policy
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import Options
from ansible_collections.onprem.ecs.plugins.module_utils._iam_plan import Found
from ansible_collections.onprem.ecs.plugins.module_utils._iam_wanted import Wanted

#: Enough names for a person to know what it is about.
NAMED = 3

#: What must stay with a role as long as tasks have volumes, says AWS's page of the infrastructure role.
VOLUME_ACTIONS = ("ec2:DetachVolume", "ec2:DeleteVolume", "ec2:DescribeVolumes")


@dataclass(frozen=True)
class Use:
    """Somebody who lives on a role and would break."""

    change: str
    """What would be done to the role, e.g. ``deleted``."""
    users: str
    """Who uses it, in a sentence about the role."""
    out: str
    """What to do before, or instead."""

    def refusal(self, name: str) -> str:
        """Why it is not done."""
        return (
            f"role {name} is not {self.change}: {self.users}. {self.out}, or set protect: false to do it all the same"
        )

    def warning(self, name: str) -> str:
        """That it is done all the same."""
        return f"role {name} is {self.change} since protect is false, although {self.users}"


def find_use(aws: Aws, options: Options, wanted: Wanted, found: Found) -> Use | None:
    """Who would be broken by making the role what is wanted. Nothing is asked when nothing is taken away."""
    if wanted.kind == "anywhere":
        return _nodes(aws, options, wanted, found) or _clusters(aws, options, wanted, found)
    if wanted.kind == "infrastructure":
        return _infrastructure(aws, options, wanted, found)
    return None


# Managed nodes -----------------------------------------------------------------------------------------------------


def _nodes(aws: Aws, options: Options, wanted: Wanted, found: Found) -> Use | None:
    """Managed nodes whose credentials would end."""
    absent = options["state"] == "absent"
    for region in sorted(_lost_regions(aws, options, wanted, found)):
        nodes = []
        for node in _nodes_of(aws, wanted.name, region):
            nodes.append(_described(node))
            if len(nodes) > NAMED:
                break
        if nodes:
            more = " and more" if len(nodes) > NAMED else ""
            return Use(
                "deleted" if absent else "changed in its trust",
                f"managed nodes in {region} live on it and would lose their credentials: "
                f"{', '.join(nodes[:NAMED])}{more}",
                "Deregister them first"
                if absent
                else f"Add {region} to the option regions, or choose trust_conditions that keep it",
            )
    return None


def _nodes_of(aws: Aws, name: str, region: str | None) -> t.Iterator[t.Any]:
    return aws.pages(
        "ssm",
        "DescribeInstanceInformation",
        "InstanceInformationList",
        f"managed nodes of role {name}",
        region,
        Filters=[{"Key": "IamRole", "Values": [name]}],
        MaxResults=50,
    )


def _lost_regions(aws: Aws, options: Options, wanted: Wanted, found: Found) -> set[str]:
    """The Regions in which nodes could live on the role, and could not any more."""
    kind = _catalog.ANYWHERE
    if kind.service not in _policy.trusted_services(found.trust):
        return set()
    live = set(_policy.source_regions(found.trust, kind.source))
    if not live:
        # It trusts every Region: look where its use is known of.
        last_used = (found.role.get("RoleLastUsed") or {}).get("Region")
        live = {region for region in (aws.region_or_none, last_used, *(options["regions"] or [])) if region}
    if options["state"] == "absent":
        return live
    if _policy.same(found.trust, wanted.trust):
        return set()
    kept = _policy.reach(wanted.trust, kind.service, kind.source)
    return set() if kept is None else live - kept


def _described(node: t.Mapping[str, t.Any]) -> str:
    name = node.get("Name") or node.get("ComputerName") or ""
    return f"{node['InstanceId']} ({', '.join(part for part in (name, node.get('PingStatus', '')) if part)})"


def _clusters(aws: Aws, options: Options, wanted: Wanted, found: Found) -> Use | None:
    """Nodes whose container instances are in clusters that the role would not allow any more."""
    after = _iam_plan.becomes(wanted, found)
    if not options["clusters"] or not aws.region_or_none or options["state"] == "absent":
        return None
    if after.inline == found.inline and after.attached == found.attached:
        return None
    patterns = wanted.clusters
    left_out = [arn for arn in _ecs.clusters(aws) if not any(fnmatchcase(arn, pattern) for pattern in patterns)]
    if not left_out:
        return None
    nodes = {node["InstanceId"] for node in _nodes_of(aws, wanted.name, None)}
    for cluster in left_out if nodes else []:
        instances = _ecs.container_instances(aws, cluster, nodes)
        if instances:
            name = _ecs.cluster_name(cluster)
            named = ", ".join(one["ec2InstanceId"] for one in instances[:NAMED])
            return Use(
                "limited to these clusters",
                f"hosts that live on it are in cluster {name} and would be cut off: {named}",
                f"Add {name} to the option clusters",
            )
    return None


# The infrastructure role -------------------------------------------------------------------------------------------


def _infrastructure(aws: Aws, options: Options, wanted: Wanted, found: Found) -> Use | None:
    """Tasks, services and capacity providers that need a feature which the role would lose."""
    lost = _lost_features(options, wanted, found)
    if not lost:
        return None
    absent, trust = options["state"] == "absent", _loses_trust(wanted, found)
    for region in dict.fromkeys([aws.region_or_none, *(options["regions"] or [])]):
        user = _iam_use.user_of(aws, found.role["Arn"], lost, region) if region else ""
        if user and absent:
            return Use("deleted", f"{user} in {region}", "Stop or change what uses it first")
        if user and trust:
            way_out = "Choose trust_conditions that let ECS assume it"
            return Use("changed in its trust", f"{user} in {region}", way_out)
        if user:
            return Use("changed", f"{user} in {region}", f"Keep {', '.join(sorted(lost))} in the option features")
    return None


def _loses_trust(wanted: Wanted, found: Found) -> bool:
    """ECS could assume the role, and could not any more, or not from everywhere."""
    service = _catalog.INFRASTRUCTURE.service
    return (
        service in _policy.trusted_services(found.trust)
        and _policy.reach(wanted.trust, service, "ecs") is not None
        and not _policy.same(found.trust, wanted.trust)
    )


def _lost_features(options: Options, wanted: Wanted, found: Found) -> set[str]:
    kind = _catalog.INFRASTRUCTURE
    features = {
        name
        for name, feature in kind.features.items()
        if any(arn.endswith(f":policy/{path}") for path in feature.managed.managed for arn in found.attached)
    }
    if options["state"] == "absent":
        # Its permissions may be policies of the user's own.
        return set(kind.features)
    if _loses_trust(wanted, found):
        return set(kind.features)
    kept = _iam_plan.becomes(wanted, found)
    lost = {
        name
        for name in features
        if not any(
            arn.endswith(f":policy/{path}") for path in kind.features[name].managed.managed for arn in kept.attached
        )
    }
    if _policy.allows(list(kept.inline.values()), VOLUME_ACTIONS):
        lost.discard("volumes")
    return lost
