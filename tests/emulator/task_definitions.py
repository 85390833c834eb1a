# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS task definitions."""

from __future__ import annotations

from typing import Any

from .authorization import demand_pass_role
from .calls import Call, operation
from .clusters import tag_dict, tag_list
from .errors import AwsError
from .pagination import ecs_page
from .references import check_name
from .roles import role_of_arn, trusts
from .state import State

COPIED = (
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "pidMode",
    "ipcMode",
    "proxyConfiguration",
    "ephemeralStorage",
    "runtimePlatform",
)


def _check_role(call: Call, arn: str | None) -> None:
    if not arn:
        return
    demand_pass_role(call, arn, "ecs-tasks.amazonaws.com")
    role = role_of_arn(call.partition, arn)
    if role is None or not trusts(role.assume_role_policy_document, "ecs-tasks.amazonaws.com"):
        raise AwsError("ClientException", "Role is not valid")


def _check_containers(call: Call) -> None:
    """Containers have a name, an image, and memory unless the task has it.

    :raises AwsError: ClientException
    """
    if not call.params["containerDefinitions"]:
        raise AwsError("ClientException", "Container list cannot be empty.")
    for container in call.params["containerDefinitions"]:
        for member in ("name", "image"):
            if not container.get(member):
                raise AwsError("ClientException", f"Container.{member} should not be null or empty.")
        if not (container.get("memory") or container.get("memoryReservation") or call.params.get("memory")):
            message = (
                f"Invalid setting for container '{container['name']}'. "
                "At least one of 'memory' or 'memoryReservation' must be specified."
            )
            raise AwsError("ClientException", message)


@operation("ecs", "RegisterTaskDefinition")
def register_task_definition(call: Call) -> dict[str, Any]:
    """The next revision of a family."""
    family, mode = check_name("Family", call.params["family"]), call.params.get("networkMode", "bridge")
    _check_containers(call)
    required = call.params.get("requiresCompatibilities") or []
    if "EXTERNAL" in required and mode == "awsvpc":
        raise AwsError("ClientException", "The network mode awsvpc is not supported for EXTERNAL.")
    for member in ("taskRoleArn", "executionRoleArn"):
        _check_role(call, call.params.get(member))
    revisions = call.state.task_definitions.setdefault((call.region, family), [])
    number = len(revisions) + 1
    definition: dict[str, Any] = {
        **{member: call.params[member] for member in COPIED if call.params.get(member) is not None},
        "taskDefinitionArn": call.arn("ecs", f"task-definition/{family}:{number}"),
        "containerDefinitions": call.params["containerDefinitions"],
        "volumes": call.params.get("volumes") or [],
        "placementConstraints": call.params.get("placementConstraints") or [],
        "networkMode": mode,
        "revision": number,
        "status": "ACTIVE",
        "compatibilities": ["EC2"] if mode == "awsvpc" else ["EXTERNAL", "EC2"],
        "registeredAt": call.state.clock.now(),
        "registeredBy": call.caller.arn,
    }
    revisions.append(definition)
    call.state.resource_tags[definition["taskDefinitionArn"]] = tag_dict(call.params.get("tags"))
    return {"taskDefinition": definition, "tags": call.params.get("tags") or []}


def definition_of(state: State, region: str, reference: str) -> dict[str, Any] | None:
    """A task definition by ARN, by family and revision, or by family: the newest active one."""
    family, _unused, number = reference.rpartition("/")[2].partition(":")
    revisions = state.task_definitions.get((region, family), [])
    if number:
        found = [one for one in revisions if str(one["revision"]) == number]
    else:
        found = [one for one in revisions if one["status"] == "ACTIVE"]
    return found[-1] if found else None


def find_definition(call: Call, reference: str) -> dict[str, Any]:
    """The same for a call.

    :raises AwsError: ClientException
    """
    found = definition_of(call.state, call.region, reference)
    if found is None:
        raise AwsError("ClientException", "Unable to describe task definition.")
    return found


def active_definition(call: Call, reference: str) -> dict[str, Any]:
    """The same for new tasks.

    :raises AwsError: ClientException, for an inactive one too
    """
    found = find_definition(call, reference)
    if found["status"] != "ACTIVE":
        raise AwsError("ClientException", "TaskDefinition is inactive")
    return found


@operation("ecs", "DescribeTaskDefinition")
def describe_task_definition(call: Call) -> dict[str, Any]:
    """One, inactive ones too when they are named with their revision."""
    definition = find_definition(call, call.params["taskDefinition"])
    answer: dict[str, Any] = {"taskDefinition": definition}
    if "TAGS" in (call.params.get("include") or []):
        answer["tags"] = tag_list(call.state.resource_tags.get(definition["taskDefinitionArn"], {}))
    return answer


@operation("ecs", "DeregisterTaskDefinition")
def deregister_task_definition(call: Call) -> dict[str, Any]:
    """No new tasks from this revision, which must be named."""
    if ":" not in call.params["taskDefinition"].rpartition("/")[2]:
        raise AwsError("ClientException", "The revision of the task definition must be specified.")
    definition = find_definition(call, call.params["taskDefinition"])
    definition |= {"status": "INACTIVE", "deregisteredAt": call.state.clock.now()}
    return {"taskDefinition": definition}


@operation("ecs", "ListTaskDefinitions")
def list_task_definitions(call: Call) -> dict[str, Any]:
    """ARNs by family and status."""
    family, status = call.params.get("familyPrefix"), call.params.get("status", "ACTIVE")
    arns = [
        one["taskDefinitionArn"]
        for (region, name), revisions in sorted(call.state.task_definitions.items())
        for one in revisions
        if region == call.region and family in (None, name) and one["status"] == status
    ]
    if call.params.get("sort") == "DESC":
        arns.reverse()
    return ecs_page(call, "taskDefinitionArns", arns)
