# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""External instances: waiting, draining and giving up, with tasks that end in their own time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.onprem.ecs.plugins.module_utils import _ecs_instance_work as work
from ansible_collections.onprem.ecs.plugins.module_utils._aws import AwsError, NoAnswer
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError

CLUSTER = "edge"
ONE, TWO = "mi-00000000000000001", "mi-00000000000000002"


def arn(instance_id: str, generation: int = 0) -> str:
    """The ARN of a host's container instance."""
    return f"arn:aws:ecs:eu-west-1:123456789012:container-instance/{CLUSTER}/{instance_id[3:]}{generation}"


DENIED = AwsError("ecs", "Operation", "x", "AccessDeniedException", "no")
"""A refusal; the double names the operation."""


@dataclass
class Refusal:
    """Another answer to one call of an operation."""

    operation: str
    answer: dict[str, Any] | AwsError
    skip: int
    about: str = ""


#: What the calls for several hosts name them in.
SEVERAL = {"UpdateContainerInstancesState": "containerInstances", "PutAttributes": "attributes"}


@dataclass
class Cloud:
    """What these calls do in ECS and SSM. A task of a draining host ends after so many looks."""

    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    looks_until_empty: dict[str, int] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    log: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    region: str = "eu-west-1"
    refusals: list[Refusal] = field(default_factory=list)

    def refuse(self, operation: str, answer: dict[str, Any] | AwsError, skip: int = 0) -> None:
        """Answer one call of an operation otherwise, or with an error, after so many that are let through."""
        self.refusals.append(Refusal(operation, answer, skip))

    def refuse_whenever(self, operation: str, one: str, code: str) -> None:
        """Refuse each call of an operation that is about this host, whomever else it is about."""
        self.refusals.append(Refusal(operation, AwsError("ecs", operation, "x", code, "not this one"), 0, one))

    def host(self, instance_id: str, tasks: int = 0, generation: int = 0, **changed: Any) -> None:
        """Add a host; with tasks that never end unless ``looks_until_empty`` says so."""
        self.containers[arn(instance_id, generation)] = {
            "containerInstanceArn": arn(instance_id, generation),
            "ec2InstanceId": instance_id,
            "status": "ACTIVE",
            "agentConnected": True,
            "runningTasksCount": tasks,
            "pendingTasksCount": 0,
            **changed,
        }

    def pages(self, service: str, operation: str, key: str, resource: str, **params: Any) -> Iterator[Any]:
        """ListClusters, ListContainerInstances and DescribeInstanceInformation."""
        self.calls[operation] += 1
        if operation == "ListClusters":
            return iter([f"arn:aws:ecs:eu-west-1:123456789012:cluster/{CLUSTER}"])
        if operation == "ListContainerInstances":
            return iter(list(self.containers))
        ids = params["Filters"][0]["Values"]
        return iter([{"InstanceId": one, "PingStatus": "Online"} for one in ids])

    def call(self, service: str, operation: str, resource: str, **params: Any) -> dict[str, Any]:
        """The other calls."""
        self.calls[operation] += 1
        answer = self._refusal(operation, str(params.get(SEVERAL.get(operation, ""), resource)))
        if isinstance(answer, AwsError):
            raise type(answer)(service, operation, resource, answer.code, answer.aws_message)
        failed = [one.get("arn", "").rpartition("/")[2] for one in (answer or {}).get("failures", [])]
        if operation == "DescribeContainerInstances":
            return {"containerInstances": [self._described(one) for one in params["containerInstances"]]}
        self.log.append((operation, params))
        if operation == "DeregisterContainerInstance":
            return self._deregister(resource, **params)
        if operation == "UpdateContainerInstancesState":
            for one in params["containerInstances"]:
                if one.rpartition("/")[2] not in failed:
                    self.containers[one]["status"] = params["status"]
        elif operation == "PutAttributes":
            for one in params["attributes"]:
                self.containers[one["targetId"]].setdefault("attributes", []).append(one)
        elif operation == "TagResource":
            self.containers[params["resourceArn"]].setdefault("tags", []).extend(params["tags"])
        return answer or {}

    def _deregister(self, resource: str, containerInstance: str, force: bool, **_more: Any) -> dict[str, Any]:
        if self.containers[containerInstance]["runningTasksCount"] and not force:
            raise AwsError("ecs", "DeregisterContainerInstance", resource, "InvalidParameterException", "Found tasks")
        del self.containers[containerInstance]
        return {}

    def _refusal(self, operation: str, named: str) -> dict[str, Any] | AwsError | None:
        for one in self.refusals:
            if one.operation == operation and one.about:
                if one.about in named:
                    return one.answer
            elif one.operation == operation:
                one.skip -= 1
                if one.skip < 0:
                    self.refusals.remove(one)
                    return one.answer
        return None

    def _described(self, one: str) -> dict[str, Any]:
        found = self.containers[one]
        if found["status"] == "DRAINING" and one in self.looks_until_empty:
            self.looks_until_empty[one] -= 1
            if self.looks_until_empty[one] <= 0:
                found["runningTasksCount"] = 0
        return dict(found)


@pytest.fixture
def cloud() -> Cloud:
    """An account without hosts."""
    return Cloud()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that only sleeping moves: [the time]."""
    now = [0.0]

    def poll(again: Any, timeout: float, pause: float) -> bool:
        def sleep(seconds: float) -> None:
            now[0] += seconds

        return original(again, timeout, pause, sleep, lambda: now[0])

    original = work.poll
    monkeypatch.setattr(work, "poll", poll)
    return now


def run(cloud: Cloud, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """The module's work on the cloud; of a failure what it returns, with ``msg``."""
    params = {
        "cluster": CLUSTER,
        "instance_ids": [ONE],
        "attributes": None,
        "tags": None,
        "purge_tags": True,
        "names": None,
        "wait": True,
        "wait_timeout": 60,
        "poll_interval": 5,
        "on_timeout": "fail",
        "force": False,
        "account_id": None,
        **options,
    }
    try:
        return work.work(cloud, SimpleNamespace(params=params, check_mode=check_mode))  # type: ignore[arg-type]  # doubles
    except EcsError as error:
        return {"msg": str(error), **error.result}


def done(cloud: Cloud) -> list[tuple[Any, ...]]:
    """What was done to whom, in order."""
    told: list[tuple[Any, ...]] = []
    for operation, params in cloud.log:
        if operation == "UpdateContainerInstancesState":
            told.append((params["status"], *params["containerInstances"]))
        else:
            told.append(("deregister", params["containerInstance"], params["force"]))
    return told


def test_pauses_grow_and_the_last_look_is_at_the_end(clock: list[float]) -> None:
    at: list[float] = []

    def again() -> bool:
        at.append(clock[0])
        return False

    assert work.poll(again, 200, 5) is False
    pauses = [late - early for early, late in zip(at, at[1:])]
    assert pauses[:3] == [5, 7.5, 11.25]
    assert max(pauses) == 30
    assert at[-1] == 200


def test_a_long_interval_stays_as_it_is(clock: list[float]) -> None:
    at: list[float] = []

    def again() -> bool:
        at.append(clock[0])
        return False

    work.poll(again, 180, 60)
    assert at == [0, 60, 120, 180]


def test_drained_at_once_without_tasks(cloud: Cloud, clock: list[float]) -> None:
    cloud.host(ONE)
    result = run(cloud, state="draining")
    assert result["instances"][0]["ecs_status"] == "DRAINING"
    assert clock[0] == 0
    cloud.calls.clear()
    run(cloud, state="draining")
    assert cloud.calls["DescribeContainerInstances"] == 1


def test_drained_when_the_last_task_has_ended(cloud: Cloud) -> None:
    cloud.host(ONE, tasks=2)
    cloud.looks_until_empty[arn(ONE)] = 3
    result = run(cloud, state="draining")
    assert "msg" not in result
    assert done(cloud) == [("DRAINING", arn(ONE))]
    assert (result["instances"][0]["ecs_status"], result["instances"][0]["running_tasks"]) == ("DRAINING", 0)
    assert not run(cloud, state="draining")["changed"]


@pytest.mark.parametrize(
    ("on_timeout", "status", "fails"),
    [("fail", "DRAINING", True), ("reactivate", "ACTIVE", True), ("force", "DRAINING", False)],
)
def test_tasks_that_do_not_end(cloud: Cloud, clock: list[float], on_timeout: str, status: str, fails: bool) -> None:
    cloud.host(ONE, tasks=2)
    cloud.host(TWO)
    result = run(cloud, state="draining", instance_ids=[ONE, TWO], on_timeout=on_timeout)
    assert clock[0] == 60
    assert ("msg" in result) == fails
    assert cloud.containers[arn(ONE)]["status"] == status
    assert cloud.containers[arn(TWO)]["status"] == "DRAINING"
    if fails:
        assert f"not empty after 60 s: {ONE} has 2 tasks; " in result["msg"]
        assert TWO not in result["msg"]
        assert result["changed"]
    # Of each host alone, as with many hosts nobody finds one in the message for all.
    lacks = [(one["instance_id"], one["code"]) for one in result["missing"]]
    assert lacks == ([(ONE, "has_tasks")] if fails else [])
    assert all(one["what"].startswith("has 2 tasks after 60 s; ") for one in result["missing"])


def test_what_was_draining_before_is_not_made_active(cloud: Cloud) -> None:
    cloud.host(ONE, tasks=1, status="DRAINING")
    result = run(cloud, state="draining", on_timeout="reactivate")
    assert "msg" in result
    assert done(cloud) == []


def test_nobody_waits_in_check_mode_or_when_told_not_to(cloud: Cloud, clock: list[float]) -> None:
    cloud.host(ONE, tasks=1)
    for options in ({"check_mode": True}, {"wait": False}):
        for state in ("draining", "absent"):
            run(cloud, state=state, **options)
    assert run(cloud, check_mode=True, state="absent")["changed"]
    assert clock[0] == 0
    assert done(cloud) == [("DRAINING", arn(ONE))]


def test_who_is_not_in_the_cluster_does_not_hold_back_the_others(cloud: Cloud) -> None:
    cloud.host(ONE, tasks=1)
    cloud.looks_until_empty[arn(ONE)] = 2
    planned = run(cloud, check_mode=True, state="draining", instance_ids=[ONE, TWO])
    assert done(cloud) == []
    result = run(cloud, state="draining", instance_ids=[ONE, TWO])
    assert done(cloud) == [("DRAINING", arn(ONE))]
    told = ("msg", "changed", "changes", "diff", "missing")
    assert [planned[name] for name in told] == [result[name] for name in told]
    assert result["msg"] == f"cannot drain what is not in the cluster {CLUSTER}: {TWO}"
    assert result["changes"] == [f"make {ONE} DRAINING in the cluster {CLUSTER}"]
    assert [one["instance_id"] for one in result["missing"]] == [TWO]
    assert [(one["instance_id"], one["ecs_status"], one["running_tasks"]) for one in result["instances"]] == [
        (ONE, "DRAINING", 0),
        (TWO, None, None),
    ]


def test_the_one_that_is_missing_and_the_one_with_tasks_are_both_named(cloud: Cloud) -> None:
    cloud.host(ONE, tasks=1)
    result = run(cloud, state="draining", instance_ids=[ONE, TWO], on_timeout="reactivate")
    assert f"not in the cluster {CLUSTER}: {TWO}. not empty after 60 s: {ONE} has 1 tasks" in result["msg"]
    assert done(cloud) == [("DRAINING", arn(ONE)), ("ACTIVE", arn(ONE))]


def test_absent_drains_waits_and_deregisters(cloud: Cloud) -> None:
    cloud.host(ONE, tasks=1)
    cloud.looks_until_empty[arn(ONE)] = 2
    planned = run(cloud, check_mode=True, state="absent")
    assert done(cloud) == []
    result = run(cloud, state="absent")
    assert result["changes"] == planned["changes"]
    assert done(cloud) == [("DRAINING", arn(ONE)), ("deregister", arn(ONE), False)]
    again = run(cloud, state="absent")
    assert (again["changed"], again["instances"]) == (False, [])


@pytest.mark.parametrize(
    ("on_timeout", "expected", "fails"),
    [
        ("fail", [("deregister", arn(TWO), False)], True),
        ("reactivate", [("deregister", arn(TWO), False), ("ACTIVE", arn(ONE))], True),
        ("force", [("deregister", arn(TWO), False), ("deregister", arn(ONE), True)], False),
    ],
)
def test_absent_when_one_does_not_become_empty(
    cloud: Cloud, on_timeout: str, expected: list[tuple[Any, ...]], fails: bool
) -> None:
    cloud.host(ONE, tasks=1)
    cloud.host(TWO)
    result = run(cloud, state="absent", instance_ids=[ONE, TWO], on_timeout=on_timeout)
    assert done(cloud) == [("DRAINING", arn(ONE), arn(TWO)), *expected]
    assert ("msg" in result) == fails
    assert len(result["changes"]) == len(done(cloud))


def test_absent_by_force_does_not_drain(cloud: Cloud, clock: list[float]) -> None:
    cloud.host(ONE, tasks=1)
    run(cloud, state="absent", force=True)
    assert done(cloud) == [("deregister", arn(ONE), True)]
    assert clock[0] == 0


def test_absent_takes_what_the_host_left_behind(cloud: Cloud) -> None:
    cloud.host(ONE, tasks=3, generation=0, agentConnected=False)
    cloud.host(ONE, tasks=0, generation=1)
    result = run(cloud, state="absent")
    assert "msg" not in result
    assert done(cloud) == [
        ("DRAINING", arn(ONE, 1)),
        ("deregister", arn(ONE, 1), False),
        ("deregister", arn(ONE, 0), True),
    ]


def test_more_than_ten_are_done_ten_at_a_time(cloud: Cloud) -> None:
    ids = [f"mi-{number:017}" for number in range(25)]
    for one in ids:
        cloud.host(one, status="DRAINING")
    result = run(cloud, state="active", instance_ids=ids)
    assert [len(told) - 1 for told in done(cloud)] == [10, 10, 5]
    assert {one["ecs_status"] for one in result["instances"]} == {"ACTIVE"}


MANY = [f"mi-{number:017}" for number in range(25)]
"""Three batches of UpdateContainerInstancesState."""


def statuses(cloud: Cloud) -> dict[str, str]:
    """The status of each host in ECS."""
    return {one["ec2InstanceId"]: one["status"] for one in cloud.containers.values()}


def test_what_ecs_could_not_do_for_one_is_done_for_the_others(cloud: Cloud) -> None:
    for one in MANY:
        cloud.host(one)
    cloud.refuse("UpdateContainerInstancesState", {"failures": [{"arn": arn(MANY[3]), "reason": "MISSING"}]})
    result = run(cloud, state="draining", instance_ids=MANY)
    assert f"1 of 25 external instances were not changed as wanted: {MANY[3]}: " in result["msg"]
    assert f"{arn(MANY[3])}: MISSING" in result["msg"]
    assert statuses(cloud) == {one: "ACTIVE" if one == MANY[3] else "DRAINING" for one in MANY}
    assert [(one["instance_id"], one["code"]) for one in result["missing"]] == [(MANY[3], "not_changed")]
    assert {one["instance_id"]: one["ecs_status"] for one in result["instances"]} == statuses(cloud)
    told = " ".join(result["changes"])
    assert (MANY[2] in told, MANY[3] in told, len(result["changes"])) == (True, False, 3)
    assert MANY[3] not in result["diff"][0]["before"]


def test_a_failure_in_the_short_form_of_the_arn_or_of_nobody_known(cloud: Cloud) -> None:
    for one in (ONE, TWO):
        cloud.host(one)
    short = arn(ONE).replace(f"/{CLUSTER}/", "/")
    cloud.refuse("UpdateContainerInstancesState", {"failures": [{"arn": short, "reason": "MISSING"}]})
    result = run(cloud, state="draining", instance_ids=[ONE, TWO])
    assert [one["instance_id"] for one in result["missing"]] == [ONE]
    cloud.refuse("UpdateContainerInstancesState", {"failures": [{"reason": "FROZEN"}]})
    result = run(cloud, state="active", instance_ids=[ONE, TWO])
    assert (result["changed"], [one["instance_id"] for one in result["missing"]]) == (False, [TWO])


@pytest.mark.parametrize(("on_timeout", "status"), [("fail", "DRAINING"), ("reactivate", "ACTIVE")])
def test_a_batch_that_is_denied_is_told_with_what_was_done(cloud: Cloud, on_timeout: str, status: str) -> None:
    for one in MANY:
        cloud.host(one, tasks=int(one == ONE))
    cloud.refuse("UpdateContainerInstancesState", DENIED, skip=1)
    result = run(cloud, state="draining", instance_ids=MANY, on_timeout=on_timeout)
    assert "lacks the permission ecs:UpdateContainerInstancesState" in result["msg"]
    assert f"{ONE} has 1 tasks" in result["msg"]
    assert result["changed"]
    assert {one["instance_id"] for one in result["missing"]} == {ONE, *MANY[10:20]}
    expected = {**dict.fromkeys(MANY, "DRAINING"), **dict.fromkeys(MANY[10:20], "ACTIVE"), ONE: status}
    assert statuses(cloud) == expected
    assert len(result["changes"]) == (3 if on_timeout == "reactivate" else 2)
    assert set(result["diff"][0]["before"]) == set(MANY) - set(MANY[10:20])


def test_absent_half_way(cloud: Cloud) -> None:
    for one in MANY:
        cloud.host(one)
    cloud.refuse("UpdateContainerInstancesState", DENIED, skip=1)
    cloud.refuse("DeregisterContainerInstance", DENIED, skip=2)
    result = run(cloud, state="absent", instance_ids=MANY)
    left = [MANY[2], *MANY[10:20]]
    assert statuses(cloud) == {**dict.fromkeys(MANY[10:20], "ACTIVE"), MANY[2]: "DRAINING"}
    assert "11 of 25 external instances were not changed as wanted" in result["msg"]
    assert "lacks the permission ecs:DeregisterContainerInstance" in result["msg"]
    assert [one["instance_id"] for one in result["missing"]] == left
    assert len(result["changes"]) == 2 + 14
    assert arn(MANY[2]) not in result["diff"][1]["before"]
    again = run(cloud, state="absent", instance_ids=MANY)
    assert ("msg" in again, cloud.containers) == (False, {})


def test_who_was_refused_is_not_deregistered_by_force_either(cloud: Cloud) -> None:
    """It was never drained: what is done on a time-out is not meant for it."""
    cloud.host(ONE, tasks=1)
    cloud.refuse("UpdateContainerInstancesState", DENIED)
    result = run(cloud, state="absent", on_timeout="force")
    assert (result["changed"], result["changes"], done(cloud)) == (False, [], [])
    assert [one["instance_id"] for one in result["missing"]] == [ONE]


def test_a_host_whose_name_was_refused_is_named_by_the_next_run(cloud: Cloud) -> None:
    """The container instance's tag tells that SSM has the name, so it is not set when SSM did not take it."""
    for one in (ONE, TWO):
        cloud.host(one)
    names = {ONE: "rack-1", TWO: "rack-2"}
    cloud.refuse("AddTagsToResource", DENIED)
    result = run(cloud, state="active", instance_ids=[ONE, TWO], names=names, attributes={"a": "b"})
    assert [one["instance_id"] for one in result["missing"]] == [ONE]
    assert result["changes"] == [
        f"set the attribute a=b on {ONE}, a=b on {TWO}",
        f"call {TWO} rack-2 in Systems Manager",
        f"set the tags Name=rack-2 on {TWO}",
    ]
    again = run(cloud, state="active", instance_ids=[ONE, TWO], names=names, attributes={"a": "b"})
    assert again["changes"] == [f"call {ONE} rack-1 in Systems Manager", f"set the tags Name=rack-1 on {ONE}"]
    assert again["missing"] == []


def test_a_node_that_somebody_else_changes_at_the_moment_is_named_after_it(cloud: Cloud, quick: list[float]) -> None:
    cloud.host(ONE)
    cloud.refuse("AddTagsToResource", AwsError("ssm", "AddTagsToResource", ONE, "TooManyUpdates", "later"))
    result = run(cloud, state="active", instance_ids=[ONE], names={ONE: "rack-1"})
    assert f"call {ONE} rack-1 in Systems Manager" in result["changes"] and result["missing"] == []
    assert len(quick) == 1


def test_who_could_not_be_made_active_does_not_hold_back_the_attributes_of_others(cloud: Cloud) -> None:
    for one in (ONE, TWO):
        cloud.host(one, status="DRAINING")
    cloud.refuse("UpdateContainerInstancesState", {"failures": [{"arn": arn(ONE), "reason": "MISSING"}]})
    result = run(cloud, state="active", instance_ids=[ONE, TWO], attributes={"a": "b"})
    assert result["changes"] == [f"make {TWO} ACTIVE in the cluster {CLUSTER}", f"set the attribute a=b on {TWO}"]
    assert [one["instance_id"] for one in result["missing"]] == [ONE]


PER_HOST = ["TargetNotFoundException", "AttributeLimitExceededException", "InvalidParameterException"]


@pytest.mark.parametrize("code", [*PER_HOST, "ClientException", "ParamValidationError"])
@pytest.mark.parametrize("operation", list(SEVERAL))
def test_one_that_aws_refuses_a_batch_for_does_not_hold_back_the_others(
    cloud: Cloud, operation: str, code: str
) -> None:
    """AWS refuses the whole call, and does not say for whom."""
    for one in MANY:
        cloud.host(one, status="DRAINING")
    bad = MANY[3]
    cloud.refuse_whenever(operation, arn(bad), code)
    wanted: dict[str, Any] = {"attributes": {"a": "b", "c": "d"}, "tags": {"e": "f"}}
    result = run(cloud, state="active", instance_ids=MANY, **wanted)
    assert [one["instance_id"] for one in result["missing"]] == [bad]
    assert "1 of 25 external instances were not changed as wanted: " in result["msg"]
    assert bad in result["msg"] and MANY[2] not in result["msg"]
    assert set(result["diff"][0]["before"]) == set(MANY) - {bad}
    for one in MANY:
        found = cloud.containers[arn(one)]
        assert (one == bad) == (not found.get("attributes")), one
        assert (one == bad) == (not found.get("tags")), one
    assert statuses(cloud)[bad] == ("DRAINING" if operation == "UpdateContainerInstancesState" else "ACTIVE")
    assert cloud.calls[operation] == {"UpdateContainerInstancesState": 3 + 10, "PutAttributes": 5 + 5}[operation]
    cloud.refusals.clear()
    again = run(cloud, state="active", instance_ids=MANY, **wanted)
    assert "msg" not in again and all(bad in words for words in again["changes"])


IN_VAIN = ["AccessDeniedException", "ThrottlingException", "ServerException", "ExpiredTokenException"]


@pytest.mark.parametrize("code", IN_VAIN)
def test_what_is_not_about_a_host_is_not_asked_again_for_each(cloud: Cloud, code: str) -> None:
    for one in MANY:
        cloud.host(one)
    cloud.refuse("PutAttributes", AwsError("ecs", "PutAttributes", "x", code, "later"), skip=1)
    result = run(cloud, state="active", instance_ids=MANY, attributes={"a": "b"})
    assert cloud.calls["PutAttributes"] == 3
    assert [one["instance_id"] for one in result["missing"]] == MANY[10:20]


def test_without_an_answer_for_one_host_no_other_call_is_tried(cloud: Cloud) -> None:
    for one in MANY:
        cloud.host(one)
    cloud.refuse_whenever("PutAttributes", arn(MANY[3]), "TargetNotFoundException")
    silence = NoAnswer("ecs", "PutAttributes", "x", "EndpointConnectionError", "no way")
    cloud.refusals.insert(0, Refusal("PutAttributes", silence, skip=2))
    result = run(cloud, state="active", instance_ids=MANY, attributes={"a": "b"})
    assert cloud.calls["PutAttributes"] == 3
    assert result["changes"] == [f"set the attribute a=b on {MANY[0]}"]
    assert [one["instance_id"] for one in result["missing"]] == MANY[1:]


def test_without_an_answer_no_other_call_is_tried(cloud: Cloud) -> None:
    for one in MANY:
        cloud.host(one)
    cloud.refuse("TagResource", NoAnswer("ecs", "TagResource", "x", "EndpointConnectionError", "no way"), skip=1)
    result = run(cloud, state="active", instance_ids=MANY, tags={"a": "b"})
    assert cloud.calls["TagResource"] == 2
    assert result["changes"] == [f"set the tags a=b on {MANY[0]}"]
    assert [one["instance_id"] for one in result["missing"]] == MANY[1:]
    assert f"{', '.join(MANY[1:])}: ecs:TagResource failed" in result["msg"]


def test_a_look_that_fails_in_the_end_does_not_hide_what_was_done(cloud: Cloud) -> None:
    for one in (ONE, TWO):
        cloud.host(one)
    cloud.refuse("DescribeContainerInstances", DENIED, skip=1)
    result = run(cloud, state="draining", instance_ids=[ONE, TWO])
    assert "lacks the permission ecs:DescribeContainerInstances" in result["msg"]
    assert (result["changed"], len(result["changes"])) == (True, 1)
    assert "instances" not in result, "nobody knows how they are"


def test_ec2_instances_are_refused(cloud: Cloud) -> None:
    cloud.host("i-0123456789abcdef0")
    result = run(cloud, state="absent", instance_ids=[arn("i-0123456789abcdef0")])
    assert "no external instances" in result["msg"]
    assert done(cloud) == []
