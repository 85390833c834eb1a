# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. External instances, only looked at."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils import _ecs, _ssm
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_instance import Shown, join, shown, table
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_instance_plan import instance_ids
from ansible_collections.onprem.ecs.plugins.module_utils._ssm_activation import role_name

if t.TYPE_CHECKING:
    from ansible_collections.onprem.ecs.plugins.module_utils._aws import Module


def work(aws: Aws, module: Module) -> dict[str, t.Any]:
    """The module ``ecs_external_instance_info``."""
    cluster, role = module.params["cluster"], module.params["iam_role"]
    given = module.params["instance_ids"]
    ids = None if given is None else instance_ids(given, cluster)
    if ids == ():
        return _result([], [])
    containers, gone = containers_of(aws, [cluster] if cluster else _clusters(aws, ids), ids)
    wanted = None
    if ids is not None or cluster:
        wanted = {one["ec2InstanceId"] for one in containers} | {one for one in ids or () if not one.startswith("arn:")}
    nodes = _ssm.managed_nodes(aws, wanted, role_name(role) if role else None) if wanted != set() else {}
    hosts = join(nodes, containers)
    return _result([shown(one) for one in hosts if one.node or not role], gone)


def _result(hosts: list[Shown], gone: list[str]) -> dict[str, t.Any]:
    return {"changed": False, "instances": hosts, "table": table(hosts), "missing_clusters": gone}


def _clusters(aws: Aws, ids: t.Sequence[str] | None) -> list[str]:
    """The clusters to look at: those that the ARNs name, else all of the Region."""
    if ids is None:
        return _ecs.clusters(aws)
    named = {_ecs.cluster_of_arn(one) if one.startswith("arn:") else None for one in ids}
    return _ecs.clusters(aws) if None in named else sorted(one for one in named if one)


def containers_of(
    aws: Aws, clusters: t.Iterable[str], ids: t.Collection[str] | None
) -> tuple[list[_ecs.Item], list[str]]:
    """The external container instances of these clusters, and those of the clusters that do not exist."""
    found: list[_ecs.Item] = []
    gone: list[str] = []
    for cluster in clusters:
        here = ids
        if ids is not None:
            name = _ecs.cluster_name(cluster)
            here = [one for one in ids if not one.startswith("arn:") or _ecs.cluster_of_arn(one) in (None, name)]
        try:
            found.extend(_ecs.container_instances(aws, cluster, here))
        except AwsError as error:
            if not _ecs.cluster_is_missing(error):
                raise
            gone.append(cluster)
    return [one for one in found if one["ec2InstanceId"].startswith("mi-")], gone
