# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API: what tests order and look at, under ``/_emulator/``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from . import moto_bridge
from .calls import Request
from .dump import dump
from .seed import seed
from .state import State

PREFIX = "/_emulator/"
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
    except (ValueError, TypeError, KeyError) as error:
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


@action("GET", "state")
def get_state(state: State, values: dict[str, Any]) -> Any:
    with state.lock:
        return dump(state)


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
