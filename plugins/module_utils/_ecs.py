# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. What ECS knows: clusters and their container instances."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError

Item = t.Dict[str, t.Any]

#: Most items of one ListContainerInstances, ListClusters and DescribeContainerInstances.
PAGE = 100

#: Up to so many ids ECS is asked for them alone; above it, for all of the cluster, which keeps the filter short.
FILTERED = 20


def cluster_name(cluster: str) -> str:
    """The short name of a cluster given by name or ARN."""
    return cluster.rpartition("/")[2]


def cluster_of_arn(arn: str) -> str | None:
    """The cluster's name in a container instance's ARN; None in the short form that ECS used before 2018."""
    parts = arn.split("/")
    return parts[1] if len(parts) == 3 else None


def clusters(aws: Aws) -> list[str]:
    """ARNs of all clusters of the Region."""
    return [str(arn) for arn in aws.pages("ecs", "ListClusters", "clusterArns", "the clusters", maxResults=PAGE)]


def container_instances(aws: Aws, cluster: str, ids: t.Collection[str] | None = None) -> list[Item]:
    """The registered container instances of a cluster as DescribeContainerInstances shows them, with tags.

    ``ids`` are managed nodes' ids (``mi-…``) or ARNs of container instances; None is the whole cluster. 100 a call.

    :raises AwsError: ClusterNotFoundException among others
    """
    nodes = None if ids is None else {one for one in ids if not one.startswith("arn:")}
    arns = {one for one in ids or () if one.startswith("arn:")}
    if nodes is None or nodes:
        arns |= set(_list(aws, cluster, nodes))
    found = _describe(aws, cluster, sorted(arns))
    wanted = [one for one in found if ids is None or one["ec2InstanceId"] in ids or one["containerInstanceArn"] in ids]
    return [one for one in wanted if one["status"] != "INACTIVE"]


def _list(aws: Aws, cluster: str, nodes: t.Collection[str] | None) -> t.Iterator[str]:
    params: Item = {"cluster": cluster, "maxResults": PAGE}
    if nodes is not None and len(nodes) <= FILTERED:
        quoted = ", ".join(f"'{one}'" for one in sorted(nodes))
        params["filter"] = f"ec2InstanceId in [{quoted}]"
    for arn in aws.pages("ecs", "ListContainerInstances", "containerInstanceArns", f"cluster {cluster}", **params):
        yield str(arn)


def _describe(aws: Aws, cluster: str, arns: list[str]) -> list[Item]:
    found: list[Item] = []
    for start in range(0, len(arns), PAGE):
        some = arns[start : start + PAGE]
        answer = aws.call(
            "ecs",
            "DescribeContainerInstances",
            f"cluster {cluster}",
            cluster=cluster,
            containerInstances=some,
            include=["TAGS"],
        )
        found.extend(answer["containerInstances"])  # failures are those that went in between: they are not there
    return found


def cluster_is_missing(error: AwsError) -> bool:
    """True when AWS says that there is no such cluster."""
    return error.code == "ClusterNotFoundException"
