# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Is a role in use, so that a change would break running work?"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from ansible_collections.onprem.ecs.plugins.module_utils import (
    _catalog,
    _ecs,
    _iam_plan,
    _iam_read,
    _iam_use,
    _policy,
)
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws
from ansible_collections.onprem.ecs.plugins.module_utils._catalog import Feature, Kind
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_documents import Options
from ansible_collections.onprem.ecs.plugins.module_utils._iam_plan import Found
from ansible_collections.onprem.ecs.plugins.module_utils._iam_wanted import Wanted

#: Enough names for a person to know what it is about.
NAMED = 3


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


@dataclass(frozen=True)
class Loss:
    """What a role allows, and would not any more."""

    names: tuple[str, ...]
    """Features, or the agents of a host."""
    out: str
    """How to keep it."""

    def __str__(self) -> str:
        """For a sentence."""
        return ", ".join(self.names)


def find_use(aws: Aws, options: Options, wanted: Wanted, found: Found) -> Use | None:
    """Who would be broken by making the role what is wanted. Nothing is asked when nothing is taken away.

    What the role is so far counts, not only what the task calls it: it may be about to become one of another kind.

    :raises EcsError: it cannot be found out
    """
    use = _nodes(aws, options, wanted, found) or _clusters(aws, options, wanted, found)
    features = _catalog.INFRASTRUCTURE.features.values()
    manages = wanted.kind == "infrastructure" or any(_has_policy_for(found, feature) for feature in features)
    return use or (_infrastructure(aws, options, wanted, found) if manages else None)


def at_best(wanted: Wanted, missing: t.Collection[str]) -> Wanted:
    """The role if policies that are not there yet allowed everything: what it loses even then, it surely loses."""
    everything = _policy.document([_policy.statement(["*"], ["*"])])
    boundary = "" if wanted.permissions_boundary in missing else wanted.permissions_boundary
    allowed = {arn: everything for arn in wanted.managed if arn in missing}
    return replace(wanted, permissions_boundary=boundary, inline={**wanted.inline, **allowed})


# What is lost ------------------------------------------------------------------------------------------------------


def _loss(aws: Aws, kind: Kind, wanted: Wanted, found: Found) -> Loss | None:
    """The features that the role effectively has, by whatever policy, and that the change would take from it."""
    after = _iam_plan.becomes(wanted, found)
    taken = set(found.attached) - set(after.attached) or any(
        after.inline.get(name) != document for name, document in found.inline.items()
    )
    bounded = after.boundary and after.boundary != found.boundary
    if not taken and not bounded:
        return None
    had = _rights(aws, kind, found)
    lost = _lost(kind, had, _rights(aws, kind, Found(found.role, after.attached, after.inline)))
    if lost:
        return _loss_by_policies(kind, lost)
    lost = _lost(kind, had, _rights(aws, kind, after)) if bounded else {}
    return Loss(tuple(lost), f"Let the permissions_boundary allow it ({_words(lost)})") if lost else None


def _loss_by_policies(kind: Kind, lost: t.Mapping[str, frozenset[str]]) -> Loss:
    """Features can be asked for. What the agents call comes with the kind, or by a policy of one's own."""
    features = [name for name in lost if name in kind.features]
    if features:
        return Loss(tuple(lost), f"Keep {', '.join(features)} in the option features")
    return Loss(tuple(lost), f"Let a policy of the role allow it ({_words(lost)})")


def _words(lost: t.Mapping[str, frozenset[str]]) -> str:
    return ", ".join(sorted(frozenset().union(*lost.values())))


def _lost(kind: Kind, had: frozenset[str], has: frozenset[str]) -> dict[str, frozenset[str]]:
    """What goes, by name of the feature that the role was fit for or of the agent that could live on it.

    Little is asked of an agent's role, since policies by hand differ; what it allows beyond that the agent uses.
    """
    lost = {}
    for name, feature in sorted(_guarded(kind).items()):
        if had >= set(feature.actions or _policies(feature)) and _calls(feature) & had - has:
            lost[name] = _calls(feature) & had - has
    return lost


def _rights(aws: Aws, kind: Kind, role: Found) -> frozenset[str]:
    """Which of the kind's calls a role allows; where only AWS's policies tell, which of them it has."""
    features = _guarded(kind).values()
    known = [f":iam::aws:policy/{path}" for feature in features for path in _policies(feature)]
    unknown = [arn for arn in role.attached if not arn.endswith(tuple(known))]
    documents = [*role.inline.values(), *(_iam_read.policy_document(aws, arn) for arn in unknown)]
    limit = [_iam_read.policy_document(aws, role.boundary)] if role.boundary else None
    given = {call for feature in features if _has_policy_for(role, feature) for call in _calls(feature)}
    actions = {action for feature in features if feature.actions for action in _calls(feature)}
    given |= {action for action in actions if _policy.allows(documents, [action])}
    return frozenset(call for call in given if limit is None or call not in actions or _policy.allows(limit, [call]))


def _guarded(kind: Kind) -> dict[str, Feature]:
    return {**kind.features, **kind.agents}


def _calls(feature: Feature) -> frozenset[str]:
    """All that a feature or an agent needs of its role."""
    return frozenset(feature.calls or feature.actions or _policies(feature))


def _has_policy_for(role: Found, feature: Feature) -> bool:
    """One of AWS's policies that give the feature is attached."""
    return any(arn.endswith(f":iam::aws:policy/{path}") for path in _policies(feature) for arn in role.attached)


def _policies(feature: Feature) -> tuple[str, ...]:
    return (*feature.managed.managed, *feature.also_in)


# Managed nodes -----------------------------------------------------------------------------------------------------


def _nodes(aws: Aws, options: Options, wanted: Wanted, found: Found) -> Use | None:
    """Managed nodes whose credentials would end, or that could not do any more what they can."""
    kind, absent = _catalog.ANYWHERE, options["state"] == "absent"
    if kind.service not in _policy.trusted_services(found.trust):
        return None
    kept = frozenset() if absent else _kept_regions(wanted, found)
    loss = None if absent else _loss(aws, kind, wanted, found)
    if kept is None and not loss:
        return None
    for region in sorted(_live_regions(aws, options, found)):
        ends = kept is not None and not _policy.in_regions(region, kept)
        named = _named(aws, found, region) if ends or loss else ""
        users = f"managed nodes in {region} live on it and would lose"
        if named and absent:
            return Use("deleted", f"{users} their credentials: {named}", "Deregister them first")
        if named and ends:
            way_out = f"Add {region} to the option regions, or choose trust_conditions that keep it"
            return Use("changed in its trust", f"{users} their credentials: {named}", way_out)
        if named and loss:
            return Use("changed", f"{users} what {loss} needs: {named}", loss.out)
    return None


def _named(aws: Aws, found: Found, region: str) -> str:
    """The first of the nodes that live on a role, in words; empty when there are none."""
    nodes = []
    for node in _nodes_of(aws, found, region):
        nodes.append(_described(node))
        if len(nodes) > NAMED:
            break
    return ", ".join(nodes[:NAMED]) + (" and more" if len(nodes) > NAMED else "")


def _nodes_of(aws: Aws, found: Found, region: str | None) -> t.Iterator[t.Any]:
    name = found.role["RoleName"]
    # SSM calls a role with a path path/NAME. AWS shows that for activations, and says nothing of nodes: both are asked.
    called = f"{found.role['Path']}{name}".lstrip("/")
    return aws.pages(
        "ssm",
        "DescribeInstanceInformation",
        "InstanceInformationList",
        f"managed nodes of role {name}",
        region,
        Filters=[{"Key": "IamRole", "Values": list(dict.fromkeys((name, called)))}],
        MaxResults=50,
    )


def _live_regions(aws: Aws, options: Options, found: Found) -> set[str]:
    """The Regions in which nodes could live on the role, which trusts Systems Manager.

    :raises EcsError: none is known
    """
    kind = _catalog.ANYWHERE
    named = _policy.source_regions(found.trust, kind.source)
    plain = {one for one in named if not _policy.has_wildcard(one)}
    everywhere = not _policy.may_reach(found.trust, kind.service, kind.source)
    if not everywhere and plain == set(named):
        return plain
    # It trusts more than it names: look where its use is known of.
    known = _known_regions(aws, options, found)
    live = plain | {one for one in known if everywhere or _policy.in_regions(one, named)}
    if not live:
        raise _nowhere(found)
    return live


def _kept_regions(wanted: Wanted, found: Found) -> frozenset[str] | None:
    """Those in which nodes can go on to live on it, also with wildcards; None: all in which they can so far."""
    kind = _catalog.ANYWHERE
    if _policy.same(found.trust, wanted.trust):
        return None
    so_far = _policy.may_reach(found.trust, kind.service, kind.source, found.role["Arn"])
    kept = _policy.reach(wanted.trust, kind.service, kind.source, found.role["Arn"])
    if kept is not None and so_far is not None and all(_policy.in_regions(one, kept) for one in so_far):
        return None
    return kept


def _known_regions(aws: Aws, options: Options, found: Found) -> list[str]:
    """The Regions of which something says that the role may be in use there.

    :raises EcsError: nothing does, so that nobody can be looked for
    """
    last_used = (found.role.get("RoleLastUsed") or {}).get("Region")
    regions = [region for region in (aws.region_or_none, last_used, *(options["regions"] or [])) if region]
    if not regions:
        raise _nowhere(found)
    return list(dict.fromkeys(regions))


def _nowhere(found: Found) -> EcsError:
    return EcsError(
        f"role {found.role['RoleName']}: no Region is known in which to look for who uses it; set the option region or "
        "regions to where it is in use"
    )


def _described(node: t.Mapping[str, t.Any]) -> str:
    name = node.get("Name") or node.get("ComputerName") or ""
    return f"{node['InstanceId']} ({', '.join(part for part in (name, node.get('PingStatus', '')) if part)})"


def _clusters(aws: Aws, options: Options, wanted: Wanted, found: Found) -> Use | None:
    """Nodes whose container instances are in clusters that the role would not allow any more."""
    after = _iam_plan.becomes(wanted, found)
    if wanted.kind != "anywhere" or not options["clusters"] or not aws.region_or_none or options["state"] == "absent":
        return None
    if after.inline == found.inline and after.attached == found.attached:
        return None
    patterns = wanted.clusters
    left_out = [arn for arn in _ecs.clusters(aws) if not any(fnmatchcase(arn, pattern) for pattern in patterns)]
    if not left_out:
        return None
    nodes = {node["InstanceId"] for node in _nodes_of(aws, found, None)}
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
    """Tasks, services, capacity providers and gateways that need what the role would lose."""
    kind = _catalog.INFRASTRUCTURE
    absent, trust = options["state"] == "absent", _loses_trust(wanted, found)
    # Whatever gives the permissions, it is of no use then.
    every = Loss((*kind.features, _iam_use.GATEWAY), "")
    loss = every if absent or trust else _loss(aws, kind, wanted, found)
    if not loss:
        return None
    for region in _known_regions(aws, options, found):
        user = _iam_use.user_of(aws, found.role["Arn"], loss.names, region)
        if user and absent:
            return Use("deleted", f"{user} in {region}", "Stop or change what uses it first")
        if user and trust:
            way_out = "Choose trust_conditions that let ECS assume it"
            return Use("changed in its trust", f"{user} in {region}", way_out)
        if user:
            return Use("changed", f"{user} in {region}", loss.out)
    return None


def _loses_trust(wanted: Wanted, found: Found) -> bool:
    """ECS could assume the role, and could not any more, or not from everywhere."""
    service, role = _catalog.INFRASTRUCTURE.service, found.role["Arn"]
    return (
        _policy.may_reach(found.trust, service, "ecs", role) != frozenset()
        and _policy.reach(wanted.trust, service, "ecs", role) is not None
        and not _policy.same(found.trust, wanted.trust)
    )
