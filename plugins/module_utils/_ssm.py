# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. What SSM knows: activations, nodes, a stored code."""

from __future__ import annotations

import json
import re
import typing as t
from datetime import datetime, timezone

from ansible_collections.onprem.ecs.plugins.module_utils import _tags
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

Item = t.Dict[str, t.Any]

#: Most items that SSM puts on a page of DescribeActivations and DescribeInstanceInformation.
PAGE = 50

#: What SSM says of a resource that somebody else is changing, too: the same call is right a moment later.
BUSY = "TooManyUpdates"

#: A managed node that is not an EC2 instance.
NODE_ID = re.compile(r"mi-[0-9a-f]{17}\Z")


def is_busy(error: AwsError) -> bool:
    """True when somebody else is changing the same."""
    return error.code == BUSY


class StoredCode(t.NamedTuple):
    """What is kept in a SecureString between runs."""

    activation_id: str
    activation_code: str


def activations(
    aws: Aws,
    activation_id: str | None = None,
    iam_role: str | None = None,
    ids: t.Collection[str] = (),
    default_instance_name: str | None = None,
) -> list[Item]:
    """The activations of the Region as DescribeActivations shows them, narrowed by AWS where it can; without codes."""
    one_or_more = [activation_id] if activation_id else sorted(set(ids))
    wanted = {
        "ActivationIds": one_or_more,
        "IamRole": [iam_role] if iam_role else [],
        "DefaultInstanceName": [default_instance_name] if default_instance_name else [],
    }
    filters = [{"FilterKey": key, "FilterValues": values} for key, values in wanted.items() if values]
    what = activation_id or "the activations"
    found = aws.pages("ssm", "DescribeActivations", "ActivationList", what, Filters=filters, MaxResults=PAGE)
    return list(found)


def stored_code(aws: Aws, name: str) -> StoredCode | None:
    """The activation kept in the parameter; None when there is no such parameter.

    :raises EcsError: when the parameter holds something else, which must not be overwritten
    """
    try:
        found = aws.call("ssm", "GetParameter", f"parameter {name}", Name=name, WithDecryption=True)["Parameter"]
    except AwsError as error:
        if error.code == "ParameterNotFound":
            return None
        raise
    try:
        kept = json.loads(found["Value"])
        return StoredCode(str(kept["activation_id"]), str(kept["activation_code"]))
    except (ValueError, KeyError, TypeError):
        # The value stays out of the words: whatever it is, it is a secret.
        raise EcsError(
            f"parameter {name} does not hold an activation: it is not JSON with activation_id and activation_code; "
            "give the option store the name of another parameter, or remove this one"
        ) from None


def store_value(code: StoredCode) -> str:
    """The text that is kept."""
    return json.dumps(code._asdict(), sort_keys=True)


def managed_nodes(aws: Aws, ids: t.Collection[str] | None = None, iam_role: str | None = None) -> dict[str, Item]:
    """Managed nodes by id as DescribeInstanceInformation shows them: those of ``ids``, else all.

    Ids that SSM does not know are left out of the answer. 50 nodes a call.
    """
    by_role = [{"Key": "IamRole", "Values": [iam_role]}] if iam_role else []
    everything = [{"Key": "ResourceType", "Values": ["ManagedInstance"]}, *by_role]
    if ids is None:
        return _nodes(aws, everything)
    wanted = sorted(set(ids))
    found: dict[str, Item] = {}
    try:
        for start in range(0, len(wanted), PAGE):
            found.update(_nodes(aws, [{"Key": "InstanceIds", "Values": wanted[start : start + PAGE]}]))
    except AwsError as error:
        # AWS refuses the whole list when one id is not known to it, and does not say which.
        if error.code != "InvalidInstanceId":
            raise
        everywhere = _nodes(aws, everything)
        found = {one: everywhere[one] for one in wanted if one in everywhere}
    return {one: node for one, node in found.items() if not iam_role or node.get("IamRole") == iam_role}


def nodes_where(aws: Aws, filters: t.Sequence[tuple[str, t.Sequence[str]]]) -> dict[str, Item]:
    """Managed nodes by id that pass all of AWS's own filters, each a key and its values. 50 nodes a call.

    AWS takes filters by tag, or others, and not both: with tags the type of node is looked at here.
    """
    by_tag = any(key == "tag-key" or key.startswith("tag:") for key, _values in filters)
    everything = [] if by_tag else [("ResourceType", ["ManagedInstance"])]
    found = _nodes(aws, [{"Key": key, "Values": list(values)} for key, values in [*everything, *filters]])
    return {one: node for one, node in found.items() if NODE_ID.match(one)}


def node_tags(aws: Aws, node: str) -> _tags.Tags:
    """The tags of a managed node. DescribeInstanceInformation has none: this is one call a node."""
    answer = aws.call("ssm", "ListTagsForResource", node, ResourceType="ManagedInstance", ResourceId=node)
    return _tags.from_aws(answer["TagList"])


def _nodes(aws: Aws, filters: list[Item]) -> dict[str, Item]:
    listed = aws.pages(
        "ssm",
        "DescribeInstanceInformation",
        "InstanceInformationList",
        "the managed nodes",
        Filters=filters,
        MaxResults=PAGE,
    )
    return {node["InstanceId"]: node for node in listed}


def utc(moment: datetime | None) -> str | None:
    """A moment as AWS gives it in words: ``2026-01-31T12:00:00Z``."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
