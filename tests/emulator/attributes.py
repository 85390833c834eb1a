# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of container instances, and the tags of everything in ECS."""

from __future__ import annotations

from typing import Any

from .calls import Call, operation
from .clusters import BAD_TOKEN, cluster_of, tag_dict, tag_list
from .container_instances import ContainerInstance, find_instance, merge_attributes
from .errors import AwsError
from .pagination import page


def _target(call: Call, attribute: dict[str, Any]) -> ContainerInstance:
    instance = find_instance(call, cluster_of(call), attribute.get("targetId") or "")
    if instance is None or not instance.is_registered:
        raise AwsError("TargetNotFoundException", "Unable to find the specified target.")
    return instance


@operation("ecs", "PutAttributes")
def put_attributes(call: Call) -> dict[str, Any]:
    """Set up to ten attributes."""
    if len(call.params["attributes"]) > 10:
        raise AwsError("InvalidParameterException", "Attributes can have at most 10 items.")
    targets = [(_target(call, one), one) for one in call.params["attributes"]]
    for instance, one in targets:
        merge_attributes(instance, [one])
    return {"attributes": [{**one, "targetId": instance.arn} for instance, one in targets]}


@operation("ecs", "DeleteAttributes")
def delete_attributes(call: Call) -> dict[str, Any]:
    """Remove attributes by name."""
    targets = [(_target(call, one), one) for one in call.params["attributes"]]
    for instance, one in targets:
        instance.attributes = [a for a in instance.attributes if a["name"] != one["name"]]
    return {"attributes": [{**one, "targetId": instance.arn} for instance, one in targets]}


@operation("ecs", "ListAttributes")
def list_attributes(call: Call) -> dict[str, Any]:
    """Attributes of all container instances of a cluster, by name and value."""
    cluster, name, value = cluster_of(call), call.params.get("attributeName"), call.params.get("attributeValue")
    found = [
        {**one, "targetId": instance.arn, "targetType": "container-instance"}
        for instance in call.state.container_instances.values()
        if instance.cluster_arn == cluster.arn and instance.is_registered
        for one in instance.attributes
        if name in (None, one["name"]) and value in (None, one.get("value"))
    ]
    size = call.params.get("maxResults", 100)
    shown, token = page(found, size, call.params.get("nextToken"), call.state.settings.page_size_limit, BAD_TOKEN)
    answer: dict[str, Any] = {"attributes": shown}
    return {**answer, "nextToken": token} if token else answer


def _tags(call: Call) -> dict[str, str]:
    arn = call.params["resourceArn"]
    if arn not in call.state.resource_tags:
        raise AwsError("InvalidParameterException", "The specified resource could not be found.")
    return call.state.resource_tags[arn]


@operation("ecs", "TagResource")
def tag_resource(call: Call) -> dict[str, Any]:
    """Set tags; others stay."""
    tags = _tags(call)
    wanted = tag_dict(call.params["tags"])
    if any(key.lower().startswith("aws:") for key in wanted):
        raise AwsError("InvalidParameterException", "Tag keys may not start with aws:.")
    if len({**tags, **wanted}) > 50:
        raise AwsError("InvalidParameterException", "A resource may have up to 50 tags.")
    tags.update(wanted)
    return {}


@operation("ecs", "UntagResource")
def untag_resource(call: Call) -> dict[str, Any]:
    """Remove tags; those that are not there are passed over."""
    tags = _tags(call)
    for key in call.params["tagKeys"]:
        tags.pop(key, None)
    return {}


@operation("ecs", "ListTagsForResource")
def list_tags(call: Call) -> dict[str, Any]:
    """The tags of a resource."""
    return {"tags": tag_list(_tags(call))}
