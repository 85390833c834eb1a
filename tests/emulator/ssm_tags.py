# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags of managed nodes; those of other resources of SSM are moto's."""

from __future__ import annotations

from typing import Any

from .activations import check_tag_keys
from .calls import Call, operation
from .errors import AwsError
from .moto_bridge import forward
from .nodes import Node

MOST = 50


def _resource(call: Call) -> Node | None:
    """The node that is meant, or None when it is something of moto's.

    :raises AwsError: InvalidResourceId
    """
    if call.params["ResourceType"] != "ManagedInstance":
        return None
    node = call.state.nodes.get(call.params["ResourceId"])
    if node is None or node.region != call.region:
        raise AwsError("InvalidResourceId", f"The resource ID isn't valid: {call.params['ResourceId']}")
    return node


@operation("ssm", "AddTagsToResource")
def add_tags(call: Call) -> Any:
    """Set tags; others stay."""
    resource = _resource(call)
    if resource is None:
        return forward(call.request)
    wanted = {tag["Key"]: tag["Value"] for tag in call.params["Tags"]}
    check_tag_keys(wanted)
    if len({**resource.tags, **wanted}) > MOST:
        raise AwsError("TooManyTagsError", f"A resource may have up to {MOST} tags.")
    resource.tags.update(wanted)
    # Seen, not documented: the tag Name is shown as the node's name from then on (boto/boto3 issue 2334).
    resource.name = wanted.get("Name", resource.name)
    return {}


@operation("ssm", "RemoveTagsFromResource")
def remove_tags(call: Call) -> Any:
    """Remove tags; those that are not there are passed over."""
    resource = _resource(call)
    if resource is None:
        return forward(call.request)
    for key in call.params["TagKeys"]:
        resource.tags.pop(key, None)
    return {}


@operation("ssm", "ListTagsForResource")
def list_tags(call: Call) -> Any:
    """The tags of a resource."""
    resource = _resource(call)
    if resource is None:
        return forward(call.request)
    return {"TagList": [{"Key": key, "Value": value} for key, value in resource.tags.items()]}
