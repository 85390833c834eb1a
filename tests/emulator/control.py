# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API: what tests order and look at, under ``/_emulator/``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import Any

from . import moto_bridge
from .calls import Request, arn_in
from .dump import dump
from .placement import place
from .roles import find_role
from .scheduler import settle
from .seed import seed
from .state import State

PREFIX = "/_emulator/"
#: The last statuses of a task of which ECS wants STOPPED.
ENDING = ("DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED")
Answer = tuple[int, list[tuple[str, str]], bytes]
Action = Callable[[State, dict[str, Any]], Any]
ACTIONS: dict[tuple[str, str], Action] = {}


def action(method: str, path: str) -> Callable[[Action], Action]:
    """Register an action of the control API."""

    def register(function: Action) -> Action:
        ACTIONS[method, path] = function
        return function

    return register


def answer(state: State, request: Request) -> Answer:
    """Perform an action."""
    path = request.path[len(PREFIX) :].strip("/")
    try:
        values = json.loads(request.body or b"{}")
        function = ACTIONS.get((request.method, path))
        if function is None:
            known = sorted(f"{method} {name}" for method, name in ACTIONS)
            return _json(404, {"error": f"no such action: {request.method} {path}", "actions": known})
        return _json(200, function(state, values))
    except (ValueError, TypeError, KeyError, StopIteration) as error:
        return _json(400, {"error": f"{type(error).__name__}: {error}"})


def _json(status: int, value: Any) -> Answer:
    return status, [("Content-Type", "application/json")], json.dumps(value, default=str).encode()


@action("GET", "health")
def health(state: State, values: dict[str, Any]) -> Any:
    return {"status": "ok"}


@action("GET", "calls")
def get_calls(state: State, values: dict[str, Any]) -> Any:
    return state.journal.counts()


@action("DELETE", "calls")
def delete_calls(state: State, values: dict[str, Any]) -> Any:
    state.journal.clear_counts()
    return {}


@action("GET", "log")
def get_log(state: State, values: dict[str, Any]) -> Any:
    return state.journal.log()


@action("DELETE", "log")
def delete_log(state: State, values: dict[str, Any]) -> Any:
    state.journal.clear_log()
    return {}


@action("GET", "unknown")
def get_unknown(state: State, values: dict[str, Any]) -> Any:
    return state.journal.unknown()


@action("DELETE", "unknown")
def delete_unknown(state: State, values: dict[str, Any]) -> Any:
    state.journal.clear_unknown()
    return {}


@action("GET", "state")
def get_state(state: State, values: dict[str, Any]) -> Any:
    with state.lock:
        return dump(state)


@action("GET", "secrets")
def get_secrets(state: State, values: dict[str, Any]) -> Any:
    """Every activation code that was given out, so that a test can search for it where it must not be."""
    return {"activation_codes": list(state.activation_codes)}


@action("GET", "faults")
def get_faults(state: State, values: dict[str, Any]) -> Any:
    return state.faults.dump()


@action("POST", "faults")
def post_fault(state: State, values: dict[str, Any]) -> Any:
    return asdict(state.faults.add(values))


@action("DELETE", "faults")
def delete_faults(state: State, values: dict[str, Any]) -> Any:
    state.faults.clear()
    return {}


@action("GET", "settings")
def get_settings(state: State, values: dict[str, Any]) -> Any:
    return state.settings.dump(state.clock)


@action("POST", "settings")
def post_settings(state: State, values: dict[str, Any]) -> Any:
    state.settings.update(values, state.clock)
    return state.settings.dump(state.clock)


@action("POST", "reset")
def reset(state: State, values: dict[str, Any]) -> Any:
    with state.lock:
        moto_bridge.reset()
        state.clear()
    return {}


@action("POST", "activations/expire")
def expire_activation(state: State, values: dict[str, Any]) -> Any:
    """An activation is too old from now on."""
    activation = state.activations[values["ActivationId"]]
    activation.expires = state.clock.now() - 1
    return activation.describe(state.clock.now())


@action("POST", "nodes/offline")
def node_offline(state: State, values: dict[str, Any]) -> Any:
    """A node shows this PingStatus until told otherwise; null lets it speak for itself again."""
    state.nodes[values["InstanceId"]].forced_status = values.get("PingStatus", "ConnectionLost")
    return {}


@action("POST", "seed")
def post_seed(state: State, values: dict[str, Any]) -> Any:
    """Put state in place without AWS's API."""
    with state.lock:
        return seed(state, values)


@action("POST", "nodes/connect")
def connect_instance(state: State, values: dict[str, Any]) -> Any:
    """A container instance shows this agentConnected until told otherwise; null lets its socket speak again."""
    with state.lock:
        for instance in state.container_instances.values():
            if values["InstanceId"] == instance.instance_id:
                instance.forced_connected = values.get("agentConnected")
                settle(state, instance.region)
    return {}


@action("POST", "roles/last-used")
def role_last_used(state: State, values: dict[str, Any]) -> Any:
    """A role was last used so many days ago; null for never."""
    role: Any = find_role(values.get("partition", "aws"), values["RoleName"])
    days = values.get("days")
    role.last_used = None if days is None else datetime.now(tz=timezone.utc).replace(tzinfo=None) - timedelta(days=days)
    role.last_used_region = values.get("region", "eu-west-1")
    return {}


@action("POST", "tasks")
def start_task(state: State, values: dict[str, Any]) -> Any:
    """Tasks on a container instance, without a task definition or a scheduler."""
    with state.lock:
        wanted = values["containerInstance"]
        instance = next(
            c
            for c in state.container_instances.values()
            if wanted in (c.arn, c.short_id, c.instance_id) and c.is_registered
        )
        family = values.get("family", "emulated")
        definition = {
            "family": family,
            "taskDefinitionArn": arn_in(instance.region, "ecs", f"task-definition/{family}:1"),
            "containerDefinitions": [{"name": "main", "image": "busybox"}],
        }
        role = values.get("roleArn")
        volumes = [{"name": "data", "managedEBSVolume": {"roleArn": role}}] if role else []
        made = []
        for _unused in range(int(values.get("count", 1))):
            task = place(state, definition, instance, group=values.get("group"), volumes=volumes)
            task.last_status = values.get("lastStatus", "RUNNING")
            task.desired_status = "STOPPED" if task.last_status in ENDING else "RUNNING"
            made.append(task.arn)
    return {"taskArns": made}


@action("DELETE", "tasks")
def stop_tasks(state: State, values: dict[str, Any]) -> Any:
    """All tasks stop, or the one that is named."""
    with state.lock:
        for task in state.tasks.values():
            if values.get("taskArn") in (None, task.arn):
                task.stop(state.clock.now(), "stopped by a test")
    return {}
