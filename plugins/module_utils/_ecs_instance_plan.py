# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. External instances: the options, and the plans. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.onprem.ecs.plugins.module_utils import _account, _ecs, _tags
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_instance import AWS_ATTRIBUTES, Instance, attributes
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Phase, Plan
from ansible_collections.onprem.ecs.plugins.module_utils._ssm import NODE_ID

Attributes = t.Dict[str, t.Optional[str]]

#: ARNs of container instances, each with the id of its managed node.
Nodes = t.Mapping[str, str]

#: States in which a host is in the cluster with its agent connected.
UP = ("active", "present")

#: Most container instances of one UpdateContainerInstancesState, and most attributes of one PutAttributes.
BATCH = 10

#: Most attributes of the user's own on one container instance.
MOST_ATTRIBUTES = 10

#: The tag that Systems Manager and the console show as a host's name.
NAME = "Name"

ARN = re.compile(r"arn:[\w-]+:ecs:[\w-]+:[0-9]{12}:container-instance/\S+\Z")


@dataclass(frozen=True)
class Options:
    """The options of ``ecs_external_instance``, checked. Times in seconds."""

    cluster: str
    ids: tuple[str, ...]
    state: str
    attributes: Attributes = field(default_factory=dict)
    tags: _tags.Tags | None = None
    purge_tags: bool = True
    names: t.Mapping[str, str] = field(default_factory=dict)
    wait: bool = True
    wait_timeout: float = 300
    poll_interval: float = 5
    on_timeout: str = "fail"
    force: bool = False
    account_id: str | None = None

    @property
    def arns(self) -> list[str]:
        """What is given by its ARN, which tells the account and the Region."""
        return [one for one in (self.cluster, *self.ids) if one.startswith("arn:")]

    @property
    def patience(self) -> float:
        """How many seconds to wait for the state."""
        return self.wait_timeout if self.wait else 0


def options(params: t.Mapping[str, t.Any]) -> Options:
    """The module's arguments.

    :raises EcsError: for what AWS would refuse, or what has no meaning
    """
    state, cluster = params["state"], params["cluster"]
    for option in ("attributes", "tags", "names"):
        if params[option] and state not in UP:
            raise EcsError(f"{option} can be set with state={' or '.join(UP)} only")
    for option, least in (("wait_timeout", 0), ("poll_interval", 1)):
        if params[option] < least:
            raise EcsError(f"{option}: {params[option]} is less than {least} seconds")
    tags = _tags.wanted(params["tags"])
    return Options(
        cluster=cluster,
        ids=instance_ids(params["instance_ids"], cluster),
        state=state,
        attributes=wanted_attributes(params["attributes"]),
        tags=tags,
        purge_tags=params["purge_tags"],
        names=wanted_names(params["names"], tags),
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
        poll_interval=params["poll_interval"],
        on_timeout=params["on_timeout"],
        force=params["force"],
        account_id=_account.wanted(params["account_id"]),
    )


def instance_ids(ids: t.Iterable[str] | None, cluster: str | None) -> tuple[str, ...]:
    """The option ``instance_ids``, each once; ``cluster`` None takes ARNs of every cluster.

    :raises EcsError: for what is neither a managed node's id nor the ARN of a container instance in the cluster
    """
    result = tuple(dict.fromkeys(ids or ()))
    for one in result:
        if ARN.match(one):
            where = _ecs.cluster_of_arn(one)
            if cluster and where and where != _ecs.cluster_name(cluster):
                raise EcsError(f"instance_ids: {one} is in the cluster {where}, not in {cluster}")
        elif not NODE_ID.match(one):
            raise EcsError(
                f"instance_ids: {one!r} is neither the id of a managed node (mi- and 17 hexadecimal digits) "
                "nor the ARN of a container instance"
            )
    return result


def wanted_attributes(given: t.Mapping[str, t.Any] | None) -> Attributes:
    """The option ``attributes`` with strings as values; None is an attribute without a value.

    :raises EcsError: for names and values that ECS does not accept
    """
    result = {str(name): None if value is None else str(value) for name, value in (given or {}).items()}
    if len(result) > MOST_ATTRIBUTES:
        raise EcsError(
            f"attributes: {len(result)} attributes, but a container instance can have {MOST_ATTRIBUTES} at most"
        )
    for name, value in result.items():
        if not re.match(r"[A-Za-z0-9_./\\-]{1,128}\Z", name):
            raise EcsError(f"attributes: the name {name!r} must have 1 to 128 letters, digits and any of -_./\\")
        if name.startswith(AWS_ATTRIBUTES):
            raise EcsError(f"attributes: the name {name!r} belongs to ECS, which sets it by itself")
        if value is not None and not re.match(r"(?! )[A-Za-z0-9_.@/\\: -]{1,128}(?<! )\Z", value):
            raise EcsError(
                f"attributes: the value {value!r} of {name!r} must have 1 to 128 letters, digits, inner spaces and any "
                "of -_.@/\\:; for an attribute without a value give null"
            )
    return result


def wanted_names(given: t.Mapping[str, t.Any] | None, tags: _tags.Tags | None) -> dict[str, str]:
    """The option ``names``.

    :raises EcsError: for what is no managed node's id, or no name, or another one than in the tags
    """
    result = {str(one): str(name) for one, name in (given or {}).items()}
    for one, name in result.items():
        if not NODE_ID.match(one):
            raise EcsError(f"names: {one!r} is not the id of a managed node (mi- and 17 hexadecimal digits)")
        if not re.match(r"[\w .:/=+@-]{1,256}\Z", name):
            raise EcsError(f"names: {name!r} must have 1 to 256 letters, digits, spaces and any of _.:/=+-@")
        if (tags or {}).get(NAME, name) != name:
            raise EcsError(f"names: {one} shall be {name!r}, but the tag {NAME} in tags is {(tags or {})[NAME]!r}")
    return result


def registered(instances: t.Iterable[Instance]) -> list[Instance]:
    """Those in the cluster, whose state, attributes and tags can be set."""
    return [one for one in instances if one.status in ("ACTIVE", "DRAINING")]


def plan_active(instances: t.Iterable[Instance], want: Options) -> Plan:
    """Set their attributes and tags, and make them ACTIVE if that is wanted; those not in the cluster are left out."""
    there = registered(instances)
    drained = [one for one in there if one.status == "DRAINING" and want.state == "active"]
    changes = [
        *state_changes(drained, "ACTIVE", want.cluster),
        *_attribute_changes(there, want),
        *_tag_changes(there, want),
    ]
    before = {one.instance_id: _section(one) for one in there}
    after = {one.instance_id: _section_wanted(one, want) for one in there}
    return Plan(tuple(changes), before, after)


def plan_draining(instances: t.Iterable[Instance], want: Options) -> Plan:
    """Make those DRAINING that are ACTIVE."""
    active = [one for one in instances if one.status == "ACTIVE"]
    before = {one.instance_id: {"status": "ACTIVE"} for one in active}
    after = {one.instance_id: {"status": "DRAINING"} for one in active}
    return Plan(tuple(state_changes(active, "DRAINING", want.cluster)), before, after)


def plan_reactivate(instances: t.Iterable[Instance], want: Options) -> Plan:
    """Make them ACTIVE again."""
    return Plan(tuple(state_changes(instances, "ACTIVE", want.cluster)))


def plan_deregister(instances: t.Iterable[Instance], want: Options, force: bool) -> Plan:
    """Take them out of the cluster, and what they left behind when they registered again.

    ``force``: also with tasks on them. What was left behind goes by force: nothing manages its tasks any more.
    """
    changes = []
    before: dict[str, t.Any] = {}
    for one in instances:
        for container, forced in [(one.container, force), *((old, True) for old in one.duplicates)]:
            if container is None:
                continue
            arn = container["containerInstanceArn"]
            by_force = " by force" if forced else ""
            words = f"deregister {one.instance_id} ({arn}) from the cluster {want.cluster}{by_force}"
            params = {"cluster": want.cluster, "containerInstance": arn, "force": forced}
            changes.append(Change(Phase.DELETE, "ecs", "DeregisterContainerInstance", arn, words, params))
            before[arn] = {"instance_id": one.instance_id, "cluster": _ecs.cluster_name(want.cluster)}
    return Plan(tuple(changes), before, {})


def state_changes(instances: t.Iterable[Instance], status: str, cluster: str) -> t.Iterator[Change]:
    """UpdateContainerInstancesState, ten at a time."""
    for some in _batches([(str(one.arn), one.instance_id) for one in instances]):
        yield _state_change(dict(some), status, cluster)


def _state_change(nodes: Nodes, status: str, cluster: str) -> Change:
    names = ", ".join(nodes.values())
    params = {"cluster": cluster, "status": status, "containerInstances": list(nodes)}
    words = f"make {names} {status} in the cluster {cluster}"
    return Change(Phase.CONFIGURE, "ecs", "UpdateContainerInstancesState", names, words, params)


def _attribute_changes(instances: t.Iterable[Instance], want: Options) -> t.Iterator[Change]:
    nodes: dict[str, str] = {}
    differing = []
    for one in instances:
        for name, value in sorted(want.attributes.items()):
            if one.container and (name, value) not in attributes(one.container).items():
                nodes[str(one.arn)] = one.instance_id
                differing.append({"name": name, "targetId": one.arn, **({} if value is None else {"value": value})})
    for some in _batches(differing):
        yield _attribute_change(some, nodes, want.cluster)


def _attribute_change(listed: t.Sequence[t.Mapping[str, t.Any]], nodes: Nodes, cluster: str) -> Change:
    told = ", ".join(f"{_named(one)} on {nodes[one['targetId']]}" for one in listed)
    params = {"cluster": cluster, "attributes": list(listed)}
    words = f"set the attribute {told}"
    return Change(Phase.CONFIGURE, "ecs", "PutAttributes", f"cluster {cluster}", words, params)


def _named(attribute: t.Mapping[str, t.Any]) -> str:
    return f"{attribute['name']}={attribute['value']}" if "value" in attribute else str(attribute["name"])


def subjects(change: Change) -> list[str]:
    """Whom a change is about: ARNs of container instances, or the id of a managed node."""
    if change.operation == "UpdateContainerInstancesState":
        return list(change.params["containerInstances"])
    if change.operation == "PutAttributes":
        return [one["targetId"] for one in change.params["attributes"]]
    return [change.resource]


def part(change: Change, nodes: Nodes) -> Change | None:
    """As much of a change as is about ``nodes``, the ids of managed nodes by subject; None when that is nothing."""
    left = [one for one in subjects(change) if one in nodes]
    if not left or len(left) == len(subjects(change)):
        return change if left else None
    params = change.params
    if change.operation == "PutAttributes":
        listed = [one for one in params["attributes"] if one["targetId"] in nodes]
        return _attribute_change(listed, nodes, params["cluster"])
    return _state_change({one: nodes[one] for one in left}, params["status"], params["cluster"])


def alone(change: Change, nodes: Nodes) -> list[Change]:
    """A change as one for each host that it is about."""
    about = {one: nodes[one] for one in subjects(change) if one in nodes}
    hosts = dict.fromkeys(about.values())
    parts = [part(change, {one: node for one, node in about.items() if node == host}) for host in hosts]
    return [one for one in parts if one]


def _tag_changes(instances: t.Iterable[Instance], want: Options) -> t.Iterator[Change]:
    for one in instances:
        arn = str(one.arn)
        to_set, to_remove = _tags.difference(_found_tags(one), *_wanted_tags(one, want))
        if to_remove:
            words = f"remove the tags {', '.join(to_remove)} of {one.instance_id}"
            params: dict[str, t.Any] = {"resourceArn": arn, "tagKeys": to_remove}
            yield Change(Phase.CONFIGURE, "ecs", "UntagResource", arn, words, params)
        # First: the container instance's tag is how the next run knows that this was done.
        if NAME in to_set and one.instance_id in want.names:
            words = f"call {one.instance_id} {to_set[NAME]} in Systems Manager"
            params = {"ResourceType": "ManagedInstance", "ResourceId": one.instance_id}
            params["Tags"] = _tags.to_aws({NAME: to_set[NAME]})
            yield Change(Phase.CONFIGURE, "ssm", "AddTagsToResource", one.instance_id, words, params)
        if to_set:
            told = ", ".join(f"{name}={value}" for name, value in to_set.items())
            params = {"resourceArn": arn, "tags": _tags.to_aws(to_set, "key", "value")}
            yield Change(
                Phase.CONFIGURE, "ecs", "TagResource", arn, f"set the tags {told} on {one.instance_id}", params
            )


def _wanted_tags(instance: Instance, want: Options) -> tuple[_tags.Tags | None, bool]:
    """The tags of a host's container instance with its name, and whether others go."""
    name = want.names.get(instance.instance_id)
    return (want.tags if name is None else {**(want.tags or {}), NAME: name}), want.purge_tags and want.tags is not None


def _found_tags(instance: Instance) -> _tags.Tags:
    return _tags.from_aws(instance.container.get("tags")) if instance.container else {}


def _section(instance: Instance) -> dict[str, t.Any]:
    own = {k: v for k, v in attributes(instance.container or {}).items() if not k.startswith(AWS_ATTRIBUTES)}
    return {"status": instance.status, "attributes": own, "tags": _found_tags(instance)}


def _section_wanted(instance: Instance, want: Options) -> dict[str, t.Any]:
    found = _section(instance)
    return {
        "status": "ACTIVE" if want.state == "active" else found["status"],
        "attributes": {**found["attributes"], **want.attributes},
        "tags": _tags.after(found["tags"], *_wanted_tags(instance, want)),
    }


T = t.TypeVar("T")


def _batches(items: t.Sequence[T]) -> t.Iterator[t.Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
