# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was called: a counter for assertions on the number of calls, and an ordered log."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from .clock import Clock

READ_PREFIXES = ("Get", "List", "Describe", "Simulate", "Discover", "BatchGet")
SECRET_MEMBERS = ("ActivationCode", "SecretAccessKey", "SessionToken", "SecretString", "SecretBinary")
MASK = "********"


def is_read(operation: str) -> bool:
    """True for operations that change nothing."""
    return operation.startswith(READ_PREFIXES)


def masked(value: Any, secret: bool = False) -> Any:
    """A copy with everything hidden that must not be in a log."""
    if isinstance(value, dict):
        return {k: masked(v, secret or k in SECRET_MEMBERS) for k, v in value.items()}
    if isinstance(value, list):
        return [masked(item, secret) for item in value]
    return MASK if secret and value is not None else value


class Journal:
    """Counters and log; safe to use from several threads."""

    def __init__(self, clock: Clock, unknown: list[dict[str, Any]]) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._calls: Counter[str] = Counter()
        self._agent_calls: Counter[str] = Counter()
        self._log: list[dict[str, Any]] = []
        self._unknown = unknown

    def record(self, entry: dict[str, Any], is_agent: bool, unknown: bool = False) -> None:
        """Add one call, after it was answered."""
        params = masked(entry.get("params"))
        if entry["operation"] == "PutParameter" and "Value" in params:
            params["Value"] = MASK
        entry = {"t": self._clock.now(), **entry, "params": params}
        name = f"{entry['service']}:{entry['operation']}"
        with self._lock:
            (self._agent_calls if is_agent else self._calls)[name] += 1
            self._log.append(entry)
            if unknown:
                self._unknown.append(entry)

    def counts(self) -> dict[str, Any]:
        """The counters since the last time they were cleared."""
        with self._lock:
            calls, agent_calls = dict(self._calls), dict(self._agent_calls)
        writes = {name: n for name, n in calls.items() if not is_read(name.partition(":")[2])}
        return {
            "calls": calls,
            "reads": sum(calls.values()) - sum(writes.values()),
            "writes": sum(writes.values()),
            "writes_by_operation": writes,
            "agent_calls": agent_calls,
        }

    def clear_counts(self) -> None:
        """All counters to zero; the log stays."""
        with self._lock:
            self._calls.clear()
            self._agent_calls.clear()

    def log(self) -> list[dict[str, Any]]:
        """Every call since the log was cleared, oldest first."""
        with self._lock:
            return list(self._log)

    def clear_log(self) -> None:
        """Forget the log; the counters stay."""
        with self._lock:
            self._log.clear()

    def unknown(self) -> list[dict[str, Any]]:
        """Calls that were answered with 501, because nothing here can answer them."""
        with self._lock:
            return list(self._unknown)

    def clear_unknown(self) -> None:
        """Forget what was unknown."""
        with self._lock:
            self._unknown.clear()
