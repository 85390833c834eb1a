# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of container instances, and the tags of everything in ECS."""

from __future__ import annotations

import re
from typing import Any

from .calls import Call, operation, rule
from .clusters import cluster_of, tag_dict, tag_list
from .container_instances import ContainerInstance, find_instance, merge_attributes
from .errors import AwsError
from .pagination import ecs_page

MOST = 10
NAME = re.compile(r"[A-Za-z0-9\-_/\\.]{1,128}")
VALUE = re.compile(r"(?! )[A-Za-z0-9\-_.@/\\: ]{1,128}(?<! )")
#: What the agent registers by itself; all other attributes are custom ones.
OF_ECS = ("ecs.", "com.amazonaws.ecs.")


@rule("ecs", "PutAttributes", "RegisterContainerInstance")
def check_attributes(call: Call) -> None:
    """Names and values are of the characters and lengths that API_Attribute has.

    :raises AwsError: InvalidParameterException
    """
    for one in call.params.get("attributes") or []:
        if not NAME.fullmatch(one["name"]):
            raise AwsError("InvalidParameterException", f"The attribute name is invalid: {one['name']}")
        if one.get("value") is not None and not VALUE.fullmatch(one["value"]):
            raise AwsError("InvalidParameterException", f"The value of the attribute {one['name']} is invalid.")


def _targets(call: Call) -> list[tuple[ContainerInstance, dict[str, Any]]]:
    """The attributes that a call names, each with its container instance.

    :raises AwsError: TargetNotFoundException, and InvalidParameterException for too many or an id without its type
    """
    cluster, found = cluster_of(call), []
    if len(call.params["attributes"]) > MOST:
        raise AwsError("InvalidParameterException", f"Attributes can have at most {MOST} items.")
    for one in call.params["attributes"]:
        target = one.get("targetId") or ""
        if target and not target.startswith("arn:") and not one.get("targetType"):
            raise AwsError(
                "InvalidParameterException", "The targetType is required with the short form of a target's id."
            )
        try:
            instance = find_instance(call, cluster, target)
        except AwsError:
            instance = None
        if instance is None or not instance.is_registered:
            raise AwsError("TargetNotFoundException", "Unable to find the specified target.")
        found.append((instance, one))
    return found


def _check_number(targets: list[tuple[ContainerInstance, dict[str, Any]]]) -> None:
    """No more than ten custom attributes come together on a container instance.

    :raises AwsError: AttributeLimitExceededException
    """
    custom: dict[str, set[str]] = {}
    for instance, wanted in targets:
        for one in (*instance.attributes, wanted):
            if not one["name"].startswith(OF_ECS):
                custom.setdefault(instance.arn, set()).add(one["name"])
    if any(len(names) > MOST for names in custom.values()):
        message = f"You can apply up to {MOST} custom attributes for each resource."
        raise AwsError("AttributeLimitExceededException", message)


@operation("ecs", "PutAttributes")
def put_attributes(call: Call) -> dict[str, Any]:
    """Set up to ten attributes."""
    targets = _targets(call)
    _check_number(targets)
    for instance, one in targets:
        merge_attributes(instance, [one])
    return {"attributes": [{**one, "targetId": instance.arn} for instance, one in targets]}


@operation("ecs", "DeleteAttributes")
def delete_attributes(call: Call) -> dict[str, Any]:
    """Remove attributes by name."""
    targets = _targets(call)
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
    return ecs_page(call, "attributes", found)


@rule(
    "ecs",
    "CreateCapacityProvider",
    "CreateCluster",
    "CreateGateway",
    "CreateService",
    "RegisterContainerInstance",
    "RegisterTaskDefinition",
    "RunTask",
    "StartTask",
    "TagResource",
)
def check_tags(call: Call) -> None:
    """Tags have keys, and AWS's own are nobody else's.

    :raises AwsError: InvalidParameterException
    """
    for tag in call.params.get("tags") or []:
        if not tag.get("key"):
            raise AwsError("InvalidParameterException", "Tag key must not be empty")
        if tag["key"].lower().startswith("aws:"):
            raise AwsError("InvalidParameterException", "Tag key must not start with aws:")


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
