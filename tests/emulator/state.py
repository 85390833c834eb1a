# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the emulator remembers beyond what moto does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .clock import Clock
from .faults import Faults
from .journal import Journal
from .settings import Settings

if TYPE_CHECKING:
    from .activations import Activation
    from .clusters import Cluster
    from .container_instances import ContainerInstance
    from .nodes import Node, NodeSession
    from .placement import Task
    from .services import Service


class State:
    """The emulated account. Guard compound changes with :attr:`lock`; moto is called under it as well."""

    def __init__(self, strict: bool = True) -> None:
        self.lock = threading.RLock()
        self.strict = strict
        self.unknown: list[dict[str, Any]] = []
        """Calls answered with 501. They outlast a reset: a run of many tests looks at them at its end."""
        self.clear()

    def clear(self) -> None:
        """An empty account, with no faults, no log and the default settings."""
        with self.lock:
            self.clock = Clock()
            self.settings = Settings(strict=self.strict)
            self.faults = Faults()
            self.journal = Journal(self.clock, self.unknown)
            self.activations: dict[str, Activation] = {}
            self.activation_codes: list[str] = []
            self.nodes: dict[str, Node] = {}
            self.sessions: dict[str, NodeSession] = {}
            self.control_tokens: dict[str, str] = {}
            self.clusters: dict[tuple[str, str], Cluster] = {}
            self.container_instances: dict[str, ContainerInstance] = {}
            self.registrations: dict[tuple[str, str], str] = {}
            self.resource_tags: dict[str, dict[str, str]] = {}
            self.tasks: dict[str, Task] = {}
            self.services: dict[str, Service] = {}
            self.task_definitions: dict[tuple[str, str], list[dict[str, Any]]] = {}
            self.capacity_providers: dict[tuple[str, str], dict[str, Any]] = {}
            self.gateways: dict[tuple[str, str], dict[str, Any]] = {}
            self.account_settings: dict[tuple[str, str], dict[str, str]] = {}

    def instance_of_arn(self, arn: str) -> ContainerInstance | None:
        """The container instance of an ARN, or of an ARN whose cluster part is missing (the old form), or of an id."""
        short = arn.rpartition("/")[2]
        known = self.container_instances.get(arn)
        return known or next((c for c in self.container_instances.values() if c.short_id == short), None)
