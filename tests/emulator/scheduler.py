# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service scheduler: keeps as many tasks of a service as wanted, and moves them off draining instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .placement import Task, place
from .task_definitions import definition_of

if TYPE_CHECKING:
    from .container_instances import ContainerInstance
    from .services import Service
    from .state import State


def _tasks_of(state: State, service: Service) -> list[Task]:
    group = f"service:{service.name}"
    return [
        task
        for task in state.tasks.values()
        if task.is_running and task.cluster_arn == service.cluster_arn and task.group == group
    ]


def _usable(state: State, service: Service) -> list[ContainerInstance]:
    return [
        instance
        for instance in state.container_instances.values()
        if instance.cluster_arn == service.cluster_arn and instance.status == "ACTIVE" and instance.is_connected
    ]


def _start(state: State, service: Service, instance: ContainerInstance) -> None:
    definition = definition_of(state, service.region, service.task_definition)
    if definition is not None:
        volumes = service.extra.get("volumeConfigurations")
        place(state, definition, instance, group=f"service:{service.name}", volumes=volumes)


def _leave_draining(state: State, service: Service) -> None:
    """Take tasks off draining instances, as far as the service's percentages let it.

    A service that may neither have fewer tasks than wanted nor more (100 % and 100 %) cannot move at all.
    """
    draining = {c.arn for c in state.container_instances.values() if c.status == "DRAINING"}
    for task in _tasks_of(state, service):
        if task.instance_arn not in draining:
            continue
        may_have_more, may_have_fewer = service.maximum_percent > 100, service.minimum_percent < 100
        if may_have_fewer or (may_have_more and _usable(state, service)):
            task.stop(state.clock.now(), "Service scheduler: the container instance is draining")


def settle(state: State, region: str) -> None:
    """Bring every service of the region to its number of tasks, at once; a daemon has one on each connected instance.

    An instance whose agent is not connected keeps its tasks.
    """
    for service in state.services.values():
        if service.region != region:
            continue
        _leave_draining(state, service)
        running = _tasks_of(state, service)
        if service.scheduling == "DAEMON" and service.status == "ACTIVE":
            occupied = {task.instance_arn for task in running}
            for instance in _usable(state, service):
                if instance.arn not in occupied:
                    _start(state, service, instance)
            continue
        for task in running[service.wanted :]:
            task.stop(state.clock.now(), "Scaling activity initiated by deployment")
        for _unused in range(service.wanted - len(running)):
            usable = _usable(state, service)
            if not usable:
                break
            _start(state, service, min(usable, key=lambda c: c.running_tasks(state)))


def orphan(state: State, instance_arn: str) -> None:
    """The instance is gone: ECS no longer counts what runs there."""
    for task in state.tasks.values():
        if task.is_running and task.instance_arn == instance_arn:
            task.stop(state.clock.now(), "Host deregistered")
