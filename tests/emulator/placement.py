# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks, and how one comes to be on a container instance. It runs the moment it is placed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .calls import arn_in
from .clusters import tag_dict, tag_list

if TYPE_CHECKING:
    from .container_instances import ContainerInstance
    from .state import State

EBS = "AmazonElasticBlockStorage"


@dataclass
class Task:
    """A task on a container instance."""

    arn: str
    cluster_arn: str
    instance_arn: str
    definition_arn: str
    created: float
    launch_type: str = "EXTERNAL"
    group: str = ""
    started_by: str | None = None
    containers: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    last_status: str = "RUNNING"
    desired_status: str = "RUNNING"
    stopped: float | None = None
    stopped_reason: str | None = None

    @property
    def is_running(self) -> bool:
        """True until it is stopped; one that cannot let go of its volume is not."""
        return self.last_status == "RUNNING"

    def stop(self, now: float, reason: str) -> None:
        """Stop it; its volumes are let go."""
        self.last_status = self.desired_status = "STOPPED"
        self.stopped, self.stopped_reason = now, reason
        for attachment in self.attachments:
            attachment["status"] = "DELETED"

    def describe(self, state: State, tags: bool) -> dict[str, Any]:
        """As DescribeTasks shows it."""
        shown: dict[str, Any] = {
            "taskArn": self.arn,
            "clusterArn": self.cluster_arn,
            "containerInstanceArn": self.instance_arn,
            "taskDefinitionArn": self.definition_arn,
            "launchType": self.launch_type,
            "group": self.group,
            "lastStatus": self.last_status,
            "desiredStatus": self.desired_status,
            "connectivity": "CONNECTED",
            "createdAt": self.created,
            "startedAt": self.created,
            "containers": [{**one, "taskArn": self.arn, "lastStatus": self.last_status} for one in self.containers],
            "attachments": self.attachments,
            "attributes": [],
            "overrides": {"containerOverrides": []},
            "version": 1,
            "tags": tag_list(state.resource_tags.get(self.arn, {})) if tags else [],
        }
        if self.started_by:
            shown["startedBy"] = self.started_by
        if self.stopped is not None:
            shown |= {"stoppedAt": self.stopped, "stoppedReason": self.stopped_reason, "stopCode": "UserInitiated"}
        return shown


def ebs_attachment(volume: dict[str, Any]) -> dict[str, Any]:
    """The attachment of an EBS volume; its details name the role."""
    managed = volume["managedEBSVolume"]
    details = {
        "volumeName": volume["name"],
        "roleArn": managed["roleArn"],
        "volumeId": f"vol-{uuid.uuid4().hex[:17]}",
        "sizeInGiB": str(managed.get("sizeInGiB", 1)),
        "deleteOnTermination": "true",
    }
    listed = [{"name": name, "value": value} for name, value in details.items()]
    return {"id": str(uuid.uuid4()), "type": EBS, "status": "ATTACHED", "details": listed}


def place(state: State, definition: dict[str, Any], instance: ContainerInstance, **more: Any) -> Task:
    """Start a task on a container instance."""
    family = definition["family"]
    task = Task(
        arn=arn_in(instance.region, "ecs", f"task/{instance.cluster_name}/{uuid.uuid4().hex}"),
        cluster_arn=instance.cluster_arn,
        instance_arn=instance.arn,
        definition_arn=definition["taskDefinitionArn"],
        created=state.clock.now(),
        group=more.pop("group", None) or f"family:{family}",
        started_by=more.pop("started_by", None),
        containers=[
            {
                "containerArn": arn_in(instance.region, "ecs", f"container/{uuid.uuid4()}"),
                "name": c["name"],
                "image": c["image"],
            }
            for c in definition["containerDefinitions"]
        ],
        attachments=[ebs_attachment(v) for v in more.pop("volumes", None) or [] if v.get("managedEBSVolume")],
    )
    state.tasks[task.arn] = task
    state.resource_tags[task.arn] = tag_dict(more.pop("tags", None))
    return task
