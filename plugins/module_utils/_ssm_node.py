# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE: not for use outside of this collection. Managed nodes: what is wanted, what to do, doing it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.onprem.ecs.plugins.module_utils import _account, _parallel, _ssm, _tags
from ansible_collections.onprem.ecs.plugins.module_utils._aws import Aws, AwsError, eventually
from ansible_collections.onprem.ecs.plugins.module_utils._ecs_instance import node_shown
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Change, Phase, Plan
from ansible_collections.onprem.ecs.plugins.module_utils._ssm_activation import (
    ROLE_ATTEMPTS,
    role_is_unknown,
    role_name,
)

if t.TYPE_CHECKING:
    from ansible_collections.onprem.ecs.plugins.module_utils._aws import Module

Result = t.Dict[str, t.Any]
Nodes = t.Mapping[str, t.Mapping[str, t.Any]]
NodeTags = t.Mapping[str, t.Mapping[str, str]]

#: The tag that SSM shows as the name of a managed node.
NAME = "Name"


@dataclass(frozen=True)
class Options:
    """The options of ``ssm_managed_node``, checked. The option ``name`` has become the tag ``Name``."""

    ids: tuple[str, ...]
    present: bool = True
    iam_role: str | None = None
    tags: _tags.Tags | None = None
    purge_tags: bool = True
    protect: bool = True
    account_id: str | None = None


def node_ids(ids: t.Iterable[str] | None) -> tuple[str, ...]:
    """The option ``instance_ids``, each once.

    :raises EcsError: for what is not the id of a managed node
    """
    result = tuple(dict.fromkeys(ids or ()))
    for one in result:
        if not _ssm.NODE_ID.match(one):
            raise EcsError(f"instance_ids: {one!r} is not the id of a managed node: mi- and 17 hexadecimal digits")
    return result


def options(params: t.Mapping[str, t.Any]) -> Options:
    """The module's arguments.

    :raises EcsError: for what AWS would refuse, or what has no meaning
    """
    present, ids = params["state"] == "present", node_ids(params["instance_ids"])
    for option in ("iam_role", "name", "tags"):
        if params[option] is not None and not present:
            raise EcsError(f"{option} can be set with state=present only")
    tags, purge = _tags.wanted(params["tags"]), params["purge_tags"]
    name = params["name"]
    if name is not None:
        if len(ids) != 1:
            raise EcsError(f"name: {name!r} can be the name of one node only, but instance_ids has {len(ids)}")
        if not 1 <= len(name) <= _tags.LONGEST_VALUE:
            raise EcsError(f"name: it must have 1 to {_tags.LONGEST_VALUE} characters")
        _tags.check_signs("name", name)
        if tags is not None and tags.get(NAME, name) != name:
            raise EcsError(f"name: it is {name!r}, but the tag Name in tags is {tags[NAME]!r}")
        # Without the option tags, nothing is said about other tags: they stay.
        tags, purge = {**(tags or {}), NAME: name}, purge and tags is not None
    return Options(
        ids=ids,
        present=present,
        iam_role=role_name(params["iam_role"]) if params["iam_role"] is not None else None,
        tags=tags,
        purge_tags=purge,
        protect=params["protect"],
        account_id=_account.wanted(params["account_id"]),
    )


def plan_present(nodes: Nodes, tags: NodeTags, want: Options) -> Plan:
    """Give them the wanted role and tags."""
    changes: list[Change] = []
    before, after = {}, {}
    for one, node in sorted(nodes.items()):
        changes += _role_changes(one, node, want)
        changes += _tag_changes(one, tags.get(one, {}), want)
        before[one] = _section(node, tags.get(one))
        after[one] = _section(*_then(node, tags.get(one), want))
    return Plan(tuple(changes), before, after)


def _role_changes(one: str, node: t.Mapping[str, t.Any], want: Options) -> t.Iterator[Change]:
    if want.iam_role and node.get("IamRole") != want.iam_role:
        words = f"give {one} the role {want.iam_role} instead of {node.get('IamRole')}"
        params = {"InstanceId": one, "IamRole": want.iam_role}
        yield Change(Phase.CONFIGURE, "ssm", "UpdateManagedInstanceRole", one, words, params)


def _tag_changes(one: str, found: t.Mapping[str, str], want: Options) -> t.Iterator[Change]:
    to_set, to_remove = _tags.difference(found, want.tags, want.purge_tags)
    resource: dict[str, t.Any] = {"ResourceType": "ManagedInstance", "ResourceId": one}
    if to_remove:
        words = f"remove the tags {', '.join(to_remove)} of {one}"
        params = {**resource, "TagKeys": to_remove}
        yield Change(Phase.CONFIGURE, "ssm", "RemoveTagsFromResource", one, words, params)
    if to_set:
        _tags.check_count(one, {**_without(found, to_remove), **to_set})
        told = ", ".join(f"{name}={value}" for name, value in to_set.items())
        params = {**resource, "Tags": _tags.to_aws(to_set)}
        yield Change(Phase.CONFIGURE, "ssm", "AddTagsToResource", one, f"set the tags {told} on {one}", params)


def _then(
    node: t.Mapping[str, t.Any], tags: t.Mapping[str, str] | None, want: Options
) -> tuple[dict[str, t.Any], dict[str, str] | None]:
    """A node and its tags after the plan."""
    then = dict(node)
    if want.iam_role:
        then["IamRole"] = want.iam_role
    if tags is None:
        return then, None
    to_set, to_remove = _tags.difference(tags, want.tags, want.purge_tags)
    if NAME in to_set:
        then["Name"] = to_set[NAME]
    return then, {**_without(tags, to_remove), **to_set}


def _without(tags: t.Mapping[str, str], names: t.Collection[str]) -> dict[str, str]:
    return {name: value for name, value in tags.items() if name not in names}


def _section(node: t.Mapping[str, t.Any], tags: t.Mapping[str, str] | None) -> dict[str, t.Any]:
    section = {"iam_role": node.get("IamRole")}
    return section if tags is None else {**section, "tags": dict(tags)}


def plan_absent(nodes: Nodes) -> Plan:
    """Deregister them."""
    changes = []
    for one, node in sorted(nodes.items()):
        words = f"deregister {called(one, node)}"
        changes.append(Change(Phase.DELETE, "ssm", "DeregisterManagedInstance", one, words, {"InstanceId": one}))
    return Plan(tuple(changes), {one: shown(one, node) for one, node in sorted(nodes.items())}, {})


def called(one: str, node: t.Mapping[str, t.Any]) -> str:
    """A node by its id, and its own name where SSM knows it."""
    return f"{one} ({node['ComputerName']})" if node.get("ComputerName") else one


def shown(one: str, node: t.Mapping[str, t.Any], tags: t.Mapping[str, str] | None = None) -> Result:
    """A node in snake_case; None for what is not known, or not asked for."""
    return {"instance_id": one, **node_shown(node), "tags": None if tags is None else dict(tags)}


def work(aws: Aws, module: Module) -> Result:
    """The module ``ssm_managed_node``."""
    want = options(module.params)
    if not want.ids:
        return {"changed": False, "changes": [], "diff": {"before": {}, "after": {}}, "managed_nodes": []}
    _account.check(aws, want.account_id)
    nodes = _ssm.managed_nodes(aws, want.ids)
    return (_present if want.present else _absent)(aws, want, nodes, module.check_mode)


def _present(aws: Aws, want: Options, nodes: Nodes, check_mode: bool) -> Result:
    gone = [one for one in want.ids if one not in nodes]
    if gone:
        raise EcsError(
            f"no managed nodes in the Region {aws.region}: {', '.join(gone)}. They were deregistered, or belong to "
            "another Region or account; only the host itself can register again"
        )
    tags = tags_of(aws, want.ids) if want.tags is not None else {}
    plan = plan_present(nodes, tags, want)
    if not check_mode:
        execute(aws, plan)
    then = [(one, *_then(nodes[one], tags.get(one), want)) for one in sorted(nodes)]
    return _result(plan, [shown(*one) for one in then])


def tags_of(aws: Aws, ids: t.Sequence[str]) -> dict[str, _tags.Tags]:
    """The tags of nodes by id: one call a node, several at a time."""
    return dict(zip(ids, _parallel.each(lambda one: _ssm.node_tags(aws, one), ids)))


def _absent(aws: Aws, want: Options, nodes: Nodes, check_mode: bool) -> Result:
    online = [called(one, node) for one, node in sorted(nodes.items()) if node.get("PingStatus") == "Online"]
    if want.protect and online:
        raise EcsError(
            f"protect: Online in SSM, so nothing was deregistered: {', '.join(online)}. A deregistered host loses its "
            "AWS credentials within the hour, and its ECS tasks go on without ECS. Take it out of its cluster first "
            "(onprem.ecs.ecs_external_instance with state=absent); then set protect=false"
        )
    plan = plan_absent(nodes)
    if not check_mode:
        try:
            execute(aws, plan)
        except EcsError as error:
            # Whoever asked for many can go on with the others.
            done = error.result["changes"]
            error.result["remaining"] = [change.resource for change in plan.changes if change.words not in done]
            raise
    return _result(plan, list(plan.before.values()))


def _result(plan: Plan, nodes: list[Result]) -> Result:
    return {
        "changed": bool(plan.changes),
        "changes": plan.words(),
        "diff": plan.diff(),
        "managed_nodes": nodes,
    }


def execute(aws: Aws, plan: Plan) -> None:
    """Execute a plan, several nodes at a time, the changes of a node one after the other.

    :raises EcsError: the first error, when all other nodes are done; it carries what was done
    """
    by_node: dict[str, list[Change]] = {}
    for change in plan.ordered():
        by_node.setdefault(change.resource, []).append(change)
    done: list[str] = []

    def one_node(changes: list[Change]) -> None:
        for change in changes:
            _make(aws, change)
            done.append(change.words)

    try:
        _parallel.each(one_node, list(by_node.values()))
    except EcsError as error:
        error.result.update(changed=bool(done), changes=[words for words in plan.words() if words in done])
        raise


def _make(aws: Aws, change: Change) -> None:
    """One call. A role that was made a moment ago is waited for; a node that went in between is deregistered."""
    try:
        eventually(
            lambda: aws.call(change.service, change.operation, change.resource, **change.params),
            lambda error: role_is_unknown(error) or _ssm.is_busy(error),
            retries=ROLE_ATTEMPTS,
        )
    except AwsError as error:
        if error.code == "InvalidInstanceId" and change.operation == "DeregisterManagedInstance":
            return
        if role_is_unknown(error):
            raise error.with_remedy(
                f"The role {change.params['IamRole']} is not in this account, or its trust policy does not let "
                f"ssm.amazonaws.com assume it in the Region {aws.region}: onprem.ecs.ecs_iam_role with kind=anywhere "
                f"makes it so. A role with a path is called path/NAME. Tried {ROLE_ATTEMPTS} times"
            ) from error
        raise
