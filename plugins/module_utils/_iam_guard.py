# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Is a role in use, so that a change would break running work?"""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _catalog, _policy
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._iam_plan import Found
from ansible_collections.onprem.ecs.plugins.module_utils._iam_wanted import Options, Wanted

#: Enough names for a person to know what it is about.
NAMED = 3

WAY_ROUND = "or set protect: false to do it all the same"


def guard(aws: Aws, options: Options, wanted: Wanted, found: Found) -> None:
    """Refuse what would break running work. Nothing is asked when nothing is taken away.

    :raises EcsError: names who uses the role and the way out
    """
    if wanted.kind == "anywhere":
        for region in sorted(_lost_regions(aws, options, wanted, found)):
            _no_nodes(aws, options, wanted, region)


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


def _no_nodes(aws: Aws, options: Options, wanted: Wanted, region: str) -> None:
    """:raises EcsError: a managed node in this Region lives on the role"""
    filters = [{"Key": "IamRole", "Values": [wanted.name]}]
    pages = aws.pages(
        "ssm",
        "DescribeInstanceInformation",
        "InstanceInformationList",
        f"managed nodes of role {wanted.name} in {region}",
        in_region=region,
        Filters=filters,
    )
    nodes = []
    for node in pages:
        nodes.append(_described(node))
        if len(nodes) > NAMED:
            break
    if not nodes:
        return
    more = " and more" if len(nodes) > NAMED else ""
    verb = "deleted" if options["state"] == "absent" else "changed in its trust"
    out = (
        "deregister them first"
        if options["state"] == "absent"
        else f"add {region} to the option regions, or choose trust_conditions that keep it"
    )
    raise EcsError(
        f"role {wanted.name} is not {verb}: managed nodes in {region} live on it and would lose their credentials: "
        f"{', '.join(nodes[:NAMED])}{more}. {out[0].upper()}{out[1:]}, {WAY_ROUND}"
    )


def _described(node: t.Mapping[str, t.Any]) -> str:
    name = node.get("Name") or node.get("ComputerName") or ""
    return f"{node['InstanceId']} ({', '.join(part for part in (name, node.get('PingStatus', '')) if part)})"
