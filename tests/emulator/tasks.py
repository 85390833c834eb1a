# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS tasks on external instances, with their EBS attachments."""

from __future__ import annotations

from typing import Any

from .authorization import demand_pass_role
from .calls import Call, operation
from .clusters import Cluster, cluster_of
from .container_instances import find_instance
from .errors import AwsError
from .pagination import ecs_page
from .placement import Task, place
from .references import short_id
from .roles import role_of_arn, trusts
from .scheduler import settle
from .services import find_service
from .task_definitions import active_definition


def check_volumes(call: Call) -> None:
    """Volumes need a role that ECS may assume, and that the caller may pass.

    :raises AwsError: when it is not so
    """
    for volume in call.params.get("volumeConfigurations") or []:
        arn = volume.get("managedEBSVolume", {}).get("roleArn")
        if arn:
            demand_pass_role(call, arn, "ecs.amazonaws.com")
            role = role_of_arn(call.partition, arn)
            if role is None or not trusts(role.assume_role_policy_document, "ecs.amazonaws.com"):
                raise AwsError("InvalidParameterException", f"ECS was unable to assume the role '{arn}'.")


def _more(call: Call) -> dict[str, Any]:
    return {
        "group": call.params.get("group"),
        "started_by": call.params.get("startedBy"),
        "volumes": call.params.get("volumeConfigurations"),
        "tags": call.params.get("tags"),
    }


@operation("ecs", "RunTask")
def run_task(call: Call) -> dict[str, Any]:
    """Start tasks where ECS chooses: the connected instances that have the fewest."""
    cluster, definition = cluster_of(call), active_definition(call, call.params["taskDefinition"])
    count = 1 if call.params.get("count") is None else call.params["count"]
    if not 1 <= count <= 10:
        raise AwsError("InvalidParameterException", "Count must be from 1 to 10.")
    if call.params.get("launchType", "EC2") != "EXTERNAL":
        raise AwsError("InvalidParameterException", "No Container Instances were found in your cluster.")
    if call.params.get("networkConfiguration"):
        message = "Network Configuration is not supported for the EXTERNAL launch type."
        raise AwsError("InvalidParameterException", message)
    check_volumes(call)
    state = call.state
    usable = [c for c in state.container_instances.values() if c.cluster_arn == cluster.arn and c.status == "ACTIVE"]
    if not usable:
        raise AwsError("InvalidParameterException", "No Container Instances were found in your cluster.")
    connected = [c for c in usable if c.is_connected]
    if not connected:
        return {"tasks": [], "failures": [{"arn": usable[0].arn, "reason": "AGENT"}]}
    started = []
    for _unused in range(count):
        instance = min(connected, key=lambda c: c.running_tasks(state))
        started.append(place(state, definition, instance, **_more(call)))
    return {"tasks": [task.describe(state, True) for task in started], "failures": []}


@operation("ecs", "StartTask")
def start_task(call: Call) -> dict[str, Any]:
    """Start a task on each of the instances that are named."""
    cluster, definition = cluster_of(call), active_definition(call, call.params["taskDefinition"])
    if not 1 <= len(call.params["containerInstances"]) <= 10:
        raise AwsError("InvalidParameterException", "Container instances must have 1 to 10 items.")
    check_volumes(call)
    started, failures = [], []
    for reference in call.params["containerInstances"]:
        known = find_instance(call, cluster, reference)
        if known is None:
            failures.append({"arn": reference, "reason": "MISSING"})
        elif not known.is_registered:
            failures.append({"arn": known.arn, "reason": "INACTIVE"})
        elif not known.is_connected:
            failures.append({"arn": known.arn, "reason": "AGENT"})
        else:
            started.append(place(call.state, definition, known, **_more(call)).describe(call.state, True))
    return {"tasks": started, "failures": failures}


def find_task(call: Call, cluster: Cluster, reference: str) -> Task | None:
    """A task of a cluster by its ARN or id."""
    short = short_id(call, reference, "task", cluster.name)
    for task in call.state.tasks.values():
        if task.cluster_arn == cluster.arn and short == task.arn.rpartition("/")[2]:
            return task
    return None


@operation("ecs", "StopTask")
def stop_task(call: Call) -> dict[str, Any]:
    """Stop a task; the service it belongs to replaces it."""
    task = find_task(call, cluster_of(call), call.params["task"])
    if task is None:
        raise AwsError("InvalidParameterException", "The referenced task was not found.")
    task.stop(call.state.clock.now(), call.params.get("reason") or "Task stopped by user")
    settle(call.state, call.region)
    return {"task": task.describe(call.state, True)}


@operation("ecs", "DescribeTasks")
def describe_tasks(call: Call) -> dict[str, Any]:
    """Up to 100 tasks by ARN or id."""
    cluster, tags = cluster_of(call), "TAGS" in (call.params.get("include") or [])
    if not call.params["tasks"]:
        raise AwsError("InvalidParameterException", "Tasks cannot be empty.")
    if len(call.params["tasks"]) > 100:
        raise AwsError("InvalidParameterException", "Tasks can have at most 100 items.")
    found, failures = [], []
    for reference in call.params["tasks"]:
        task = find_task(call, cluster, reference)
        if task is None:
            arn = reference if reference.startswith("arn:") else call.arn("ecs", f"task/{cluster.name}/{reference}")
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(task.describe(call.state, tags))
    return {"tasks": found, "failures": failures}


def _wanted(call: Call, task: Task) -> bool:
    params = call.params
    service = str(params.get("serviceName") or "").rpartition("/")[2]
    family = task.definition_arn.rpartition("/")[2].partition(":")[0]
    return (
        task.desired_status == params.get("desiredStatus", "RUNNING")
        and params.get("containerInstance") in (None, task.instance_arn, task.instance_arn.rpartition("/")[2])
        and params.get("family") in (None, family)
        and params.get("startedBy") in (None, task.started_by)
        and params.get("launchType") in (None, task.launch_type)
        and (not service or task.group == f"service:{service}")
    )


@operation("ecs", "ListTasks")
def list_tasks(call: Call) -> dict[str, Any]:
    """ARNs of tasks; the running ones unless stopped ones are asked for."""
    cluster, service = cluster_of(call), call.params.get("serviceName")
    if service and find_service(call, cluster, service) is None:
        raise AwsError("ServiceNotFoundException", "Service not found.")
    arns = [t.arn for t in call.state.tasks.values() if t.cluster_arn == cluster.arn and _wanted(call, t)]
    return ecs_page(call, "taskArns", arns)


@operation("ecs", "SubmitTaskStateChange", "SubmitContainerStateChange", "SubmitAttachmentStateChanges")
def submit_state_change(call: Call) -> dict[str, Any]:
    """Agents report; the emulator's tasks have no need of it."""
    return {"acknowledgment": "ACCEPT"}
