# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. A plan: the calls that lead from what is to what is wanted.

A plan is computed from (wanted, found) by a pure function, shown in check mode and executed otherwise. Nothing is
decided while it is executed.
"""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass, field


class Phase(enum.IntEnum):
    """When a change is made. A permission is given before another is taken, a thing is made before one is removed."""

    CREATE = 1
    GRANT = 2
    CONFIGURE = 3
    REVOKE = 4
    DELETE = 5


@dataclass(frozen=True)
class Change:
    """One write call: ``operation`` with ``params`` on ``resource``, and the same in a plain sentence (``words``)."""

    phase: Phase
    service: str
    operation: str
    resource: str
    words: str
    params: t.Mapping[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The changes, and the resource before and after them in sections that a person can read."""

    changes: tuple[Change, ...] = ()
    before: t.Mapping[str, t.Any] = field(default_factory=dict)
    after: t.Mapping[str, t.Any] = field(default_factory=dict)

    def __add__(self, other: Plan) -> Plan:
        """Both plans as one."""
        return Plan((*self.changes, *other.changes), {**self.before, **other.before}, {**self.after, **other.after})

    def ordered(self) -> list[Change]:
        """The changes in the order of their phases; within a phase as they were planned."""
        return sorted(self.changes, key=lambda change: change.phase)

    def words(self) -> list[str]:
        """The plain sentences, in the order in which things are done."""
        return [change.words for change in self.ordered()]

    def diff(self) -> dict[str, t.Any]:
        """Ansible's diff: only the sections that differ."""
        sections = [key for key in {**self.before, **self.after} if self.before.get(key) != self.after.get(key)]
        return {
            "before": {key: self.before[key] for key in sections if key in self.before},
            "after": {key: self.after[key] for key in sections if key in self.after},
        }
