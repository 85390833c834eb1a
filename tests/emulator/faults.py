# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that tests order: the next calls of an operation fail, hang or lose their connection."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any

from .errors import AwsError

KINDS = ("throttle", "error", "drop", "delay")


@dataclass
class Fault:
    """What is to happen to calls of one operation."""

    service: str
    """May be ``*``."""
    operation: str
    """May be ``*``."""
    kind: str
    count: int = 1
    """How many calls it strikes; -1 for all."""
    skip: int = 0
    """How many calls it lets through first."""
    status: int = 400
    code: str = ""
    message: str = ""
    seconds: float = 0
    after: bool = False
    """The call is performed first, and its answer is what is lost."""
    caller: str = ""
    """Strike only this kind of caller, or the caller of this name."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no such kind of fault: {self.kind}; there are {', '.join(KINDS)}")

    def error(self, service: str) -> AwsError:
        """The refusal that this fault makes."""
        if self.kind == "throttle":
            code = self.code or ("Throttling" if service in ("iam", "sts") else "ThrottlingException")
            return AwsError(code, self.message or "Rate exceeded", self.status)
        return AwsError(self.code or "InternalFailure", self.message, self.status)


class Faults:
    """The faults that stand; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, values: dict[str, Any]) -> Fault:
        """Order a fault.

        :raises ValueError: for a kind that does not exist
        :raises TypeError: for a member that does not exist
        """
        fault = Fault(**values)
        with self._lock:
            self._faults.append(fault)
        return fault

    def take(self, service: str, operation: str, caller: tuple[str, str]) -> Fault | None:
        """The fault that strikes this call, used up by one; the first ordered wins."""
        with self._lock:
            for fault in self._faults:
                if fault.service not in ("*", service) or fault.operation not in ("*", operation):
                    continue
                if fault.count == 0 or (fault.caller and fault.caller not in caller):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.count -= 1 if fault.count > 0 else 0
                return fault
        return None

    def dump(self) -> list[dict[str, Any]]:
        """All faults, also those used up."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def clear(self) -> None:
        """No more faults."""
        with self._lock:
            self._faults.clear()
