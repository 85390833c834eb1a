# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From one role to another there is never less permission than both have: seen on the account after every write call.

What is allowed is judged by the emulator's evaluator, with the documents of AWS's policies from moto.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.client
import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data
from unit.plugins.conftest import Modules

from emulator import iam_rules
from emulator.client import Client
from emulator.journal import is_read
from emulator.policies import Question, as_list, decide

AWS_POLICIES: dict[str, Any] = json.loads(aws_managed_policies_data)

Documents = frozenset[str]
Context = tuple[tuple[str, str], ...]
Permission = tuple[str, str, Context]
"""An action, a resource, and the keys of the request."""


# What is allowed ---------------------------------------------------------------------------------------------------


def witness(pattern: str) -> str:
    """Something that a pattern stands for."""
    return pattern.replace("*", "something").replace("?", "x")


@cache
def questions(documents: Documents) -> frozenset[Permission]:
    """What to ask: every action on every resource that a statement with actions of the same service names."""
    actions: dict[str, set[str]] = {}
    resources: dict[str, set[str]] = {}
    contexts: dict[str, set[Context]] = {}
    for statement in (one for document in documents for one in as_list(json.loads(document)["Statement"])):
        for action in as_list(statement["Action"]):
            service = action.partition(":")[0]
            actions.setdefault(service, set()).add(witness(action))
            resources.setdefault(service, {f"arn:aws:{service}:::elsewhere"}).update(
                map(witness, as_list(statement["Resource"]))
            )
            contexts.setdefault(service, {()}).add(_context(statement))
    return frozenset(
        (action, resource, context)
        for service in actions
        for action in actions[service]
        for resource in resources[service]
        for context in contexts[service]
    )


def _context(statement: dict[str, Any]) -> Context:
    """Keys of a request for which the conditions of a statement hold."""
    blocks = (statement.get("Condition") or {}).values()
    return tuple(sorted((key, witness(as_list(value)[0])) for block in blocks for key, value in block.items()))


@cache
def _statements(document: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Each statement as a document of its own, with the services of its actions: so that it is judged only once."""
    statements = as_list(json.loads(document)["Statement"])
    return tuple(
        (json.dumps({"Statement": one}), frozenset(action.partition(":")[0] for action in as_list(one["Action"])))
        for one in statements
    )


@cache
def _judged(statement: str, permission: Permission) -> str:
    """The emulator's judgement of one statement."""
    action, resource, context = permission
    return decide([statement], Question(action, resource, dict(context)))


def allowed(documents: Documents, permission: Permission) -> bool:
    """A statement allows it and none denies it."""
    service = permission[0].partition(":")[0]
    judged = {
        _judged(statement, permission)
        for document in documents
        for statement, services in _statements(document)
        if {service, "*"} & services
    }
    return "allow" in judged and "deny" not in judged


def both(one: Documents, other: Documents) -> set[Permission]:
    """What two roles are allowed alike."""
    asked = questions(one | other)
    return {permission for permission in asked if allowed(one, permission) and allowed(other, permission)}


# What is seen ------------------------------------------------------------------------------------------------------


@dataclass
class Watcher:
    """Looks at a role's documents in the account after every write call."""

    account: Client
    role: str = ""
    seen: list[tuple[str, Documents]] = field(default_factory=list)
    """The write call and the documents after it."""

    def documents(self) -> Documents:
        """The documents of all policies that the role has now."""
        held = self.account.control("GET", "state")["roles"][self.role]
        of_aws = [json.dumps(AWS_POLICIES[arn.rpartition("/")[2]]["Document"]) for arn in held["managed_policies"]]
        return frozenset([*of_aws, *(_text(document) for document in held["inline_policies"].values())])

    def look(self, operation: str) -> None:
        """To be called after a call."""
        if not is_read(operation):
            self.seen.append((operation, self.documents()))


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


@pytest.fixture
def watcher(account: Client, monkeypatch: pytest.MonkeyPatch) -> Watcher:
    """It sees every call that leaves this process by boto3, whether it is answered well or not."""
    found = Watcher(account)
    call: Callable[..., Any] = getattr(botocore.client.BaseClient, "_make_api_call")  # noqa: B009 - mypy knows it not

    def watched(self: Any, operation: str, params: dict[str, Any]) -> Any:
        try:
            return call(self, operation, params)
        finally:
            if found.role:
                found.look(operation)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", watched)
    return found


@dataclass
class Move:
    """From one set of options to another."""

    kind: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


LEAST = {"permissions": "least_privilege"}
OBJECTS = {"s3_objects": ["company-config/ecs.config"]}
VPC = {"vpc": "vpc-1", "vpc_endpoint": "vpce-1"}
#: With the two of ``anywhere`` as many as IAM allows.
EIGHT = ["CloudWatchAgentServerPolicy", "AmazonEC2ContainerServiceEventsRole", "AmazonEC2ContainerRegistryPullOnly"]
EIGHT += ["AmazonEC2ContainerRegistryReadOnly", "AWSXRayDaemonWriteAccess", "AmazonSSMDirectoryServiceAccess"]
EIGHT += ["AmazonECSTaskExecutionRolePolicy", "AmazonSSMPatchAssociation"]
MORE = {"managed_policies": [f"arn:aws:iam::aws:policy{AWS_POLICIES[name]['Path']}{name}" for name in EIGHT]}
NINE = {"managed_policies": [*MORE["managed_policies"], "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"]}

MOVES = {
    "anywhere": Move("anywhere", {}, LEAST),
    "anywhere from all clusters to one": Move("anywhere", LEAST, {**LEAST, "clusters": ["lab"]}),
    "container_instance": Move("container_instance", {}, LEAST),
    "task_execution": Move("task_execution", {}, LEAST),
    "features": Move("anywhere", {"features": ["ecr_pull"]}, {"features": ["cloudwatch_logs", "s3_config"]}),
    "features and permissions": Move(
        "container_instance",
        # Or it would be for every Region, as it was with AWS's policy, and stay so on the way back.
        {"features": ["ecr_pull", "trunking"], "regions": ["eu-west-1"]},
        {**LEAST, "features": ["ecr_pull", "cloudwatch_logs"], "repositories": ["team/*"], "regions": ["eu-west-1"]},
    ),
    "s3_config": Move(
        "anywhere", {"features": ["s3_config"]}, {**LEAST, **OBJECTS, "features": ["s3_config"], "clusters": ["lab"]}
    ),
    "codedeploy": Move("codedeploy", {}, {"features": ["limited"]}),
    "ecr_endpoint": Move("task_execution", {}, {"features": ["ecr_endpoint"], **VPC}),
    "secrets": Move(
        "task_execution",
        {"features": ["secrets"], "secrets": ["a"], "parameters": ["/a"]},
        {"features": ["secrets"], "secrets": ["a", "b"]},
    ),
    "ten attachments": Move(
        "anywhere",
        MORE,
        {**LEAST, **MORE},
    ),
}


def apply(modules: Modules, move: Move, options: dict[str, Any]) -> dict[str, Any]:
    """The module with some options."""
    return modules.run("ecs_iam_role", kind=move.kind, role_name="moved", **options)


def good(modules: Modules, move: Move, options: dict[str, Any]) -> dict[str, Any]:
    """The same; it must not fail."""
    result = apply(modules, move, options)
    assert not result.get("failed"), result["msg"]
    return result


def lost(kept: set[Permission], watcher: Watcher) -> list[str]:
    """What was missing at some moment, in words."""
    return [
        f"after write {number}, {operation}: {action} on {resource} {dict(context)}"
        for number, (operation, documents) in enumerate(watcher.seen, 1)
        for action, resource, context in kept
        if not allowed(documents, (action, resource, context))
    ]


@pytest.mark.parametrize("name", MOVES)
def test_never_less_in_between(modules: Modules, watcher: Watcher, name: str) -> None:
    """There and back again."""
    move = MOVES[name]
    good(modules, move, move.before)
    watcher.role = "moved"
    before = watcher.documents()
    assert good(modules, move, move.after)["changed"] is True
    after = watcher.documents()
    assert good(modules, move, move.before)["changed"] is True
    assert watcher.documents() == before
    kept = both(before, after)
    assert kept, "nothing to watch over"
    assert len(watcher.seen) >= 2
    assert lost(kept, watcher) == []


@pytest.mark.parametrize(
    ("name", "after"),
    [("anywhere", False), ("features and permissions", False), ("ecr_endpoint", True)],
    ids=lambda value: {True: "answer lost", False: "refused"}.get(value, value),
)
def test_ended_half_way(modules: Modules, watcher: Watcher, name: str, after: bool) -> None:
    """Every run ends after one write, by an error of the next call or of its own: the runs together are the move."""
    move = MOVES[name]
    good(modules, move, move.before)
    watcher.role = "moved"
    before = watcher.documents()
    good(modules, move, move.after)
    states = list(watcher.seen)
    kept = both(before, watcher.documents())
    good(modules, move, move.before)
    writes = [operation for operation, _documents in states]
    for number, (_operation, documents) in enumerate(states[: None if after else -1]):
        watcher.seen.clear()
        watcher.account.control("POST", "faults", _fault(writes[number:], after))
        assert "The caller lacks the permission iam:" in apply(modules, move, move.after)["msg"]
        assert watcher.documents() == documents, f"after {number + 1} writes"
        assert lost(kept, watcher) == []
    assert good(modules, move, move.after)["changed"] is not after
    assert watcher.documents() == states[-1][1]


def _fault(writes: list[str], after: bool) -> dict[str, Any]:
    """It ends a run of these writes after the first, by its own error or by that of the second."""
    error = {"service": "iam", "kind": "error", "code": "AccessDenied", "status": 403}
    if after:
        return {**error, "operation": writes[0], "after": True}
    return {**error, "operation": writes[1], "skip": int(writes[1] == writes[0])}


def test_one_of_ten_attachments(modules: Modules, watcher: Watcher) -> None:
    """There is no room to attach before something is detached: that is said, and nothing is taken away."""
    move = Move("codedeploy", NINE, {**NINE, "features": ["limited"]})
    good(modules, move, move.before)
    watcher.role = "moved"
    before = watcher.documents()
    result = apply(modules, move, move.after)
    assert "LimitExceeded" in result["msg"]
    assert "detach one that it can do without, or have the quota" in result["msg"]
    assert watcher.documents() == before


def test_eleven_attachments(modules: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quota can be raised, so IAM is asked; what can be done is told with its refusal, and what was done."""
    more = {"managed_policies": [*MORE["managed_policies"], "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]}
    move = Move("anywhere", more, more)
    result = apply(modules, move, more)
    assert "Cannot exceed quota for PoliciesPerRole: 10. A role has 10 managed policies at most until" in result["msg"]
    assert len(result["changes"]) == 11  # the role, and ten of them
    monkeypatch.setattr(iam_rules, "ATTACHMENTS", 20)
    assert good(modules, move, more)["changed"] is True
    assert good(modules, move, more)["changed"] is False


def test_the_watcher_sees_a_gap(modules: Modules, watcher: Watcher) -> None:
    """Otherwise that it sees none would say nothing: policies exchanged in the wrong order."""
    move = MOVES["codedeploy"]
    good(modules, move, move.before)
    watcher.role = "moved"
    before = watcher.documents()
    iam = watcher.account.boto("iam")
    path = "arn:aws:iam::aws:policy/AWSCodeDeployRoleForECS"
    iam.detach_role_policy(RoleName="moved", PolicyArn=path)
    iam.attach_role_policy(RoleName="moved", PolicyArn=f"{path}Limited")
    gap = lost(both(before, watcher.documents()), watcher)
    assert gap
    assert all(words.startswith("after write 1, DetachRolePolicy: ") for words in gap)
