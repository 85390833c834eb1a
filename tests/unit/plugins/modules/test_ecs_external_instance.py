# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecs_external_instance over HTTP, as Ansible starts it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from emulator.client import REGION

if TYPE_CHECKING:
    from unit.plugins.conftest import Modules

NAME = "ecs_external_instance"
ROLE = "ecsAnywhereRole"
LOOK = {"ssm:DescribeInstanceInformation", "ecs:ListContainerInstances", "ecs:DescribeContainerInstances"}
STRANGER = "mi-0123456789abcdef9"


def fleet(modules: Modules, count: int, cluster: str | None = "edge") -> list[str]:
    """So many hosts, up in the cluster, or only in SSM."""
    wanted = {"count": count, "Region": REGION, "IamRole": ROLE, "cluster": cluster}
    made: list[str] = modules.account.control("POST", "seed", {"fleet": wanted})["fleet"]
    modules.calls()
    return sorted(made)


def in_cluster(modules: Modules, instance_id: str, **changed: Any) -> str:
    """Another container instance of a host; its ARN."""
    before = set(instances(modules))
    given = {"InstanceId": instance_id, "Region": REGION, "cluster": "edge", "agentConnected": True, **changed}
    modules.account.control("POST", "seed", {"container_instances": [given]})
    return (set(instances(modules)) - before).pop()


def instances(modules: Modules) -> list[str]:
    """ARNs of all in the cluster."""
    found: list[str] = modules.account.boto("ecs").list_container_instances(cluster="edge")["containerInstanceArns"]
    return found


def test_up_already(modules: Modules) -> None:
    ids = fleet(modules, 2)
    result = modules.run(NAME, cluster="edge", instance_ids=ids)
    assert not result["changed"]
    assert (result["changes"], result["missing"]) == ([], [])
    assert [one["instance_id"] for one in result["instances"]] == ids
    first = result["instances"][0]
    assert (first["ping_status"], first["ecs_status"], first["agent_connected"]) == ("Online", "ACTIVE", True)
    assert first["cluster"] == "edge"
    assert modules.calls() == dict.fromkeys(LOOK, 1)


@pytest.mark.parametrize("ids", [None, []])
@pytest.mark.parametrize("check", [True, False])
def test_no_hosts_no_calls(modules: Modules, ids: list[str] | None, check: bool) -> None:
    result = modules.run(NAME, _ansible_check_mode=check, cluster="nowhere", instance_ids=ids, attributes={"a": "b"})
    assert (result["changed"], result["instances"], result["missing"]) == (False, [], [])
    assert modules.calls() == {}


def test_check_mode_before_there_is_a_cluster(modules: Modules) -> None:
    started = time.monotonic()
    result = modules.check(NAME, cluster="nowhere", instance_ids=[STRANGER], attributes={"a": "b"})
    assert not result["changed"]
    assert [one["code"] for one in result["missing"]] == ["ssm_not_registered", "ecs_not_registered"]
    assert time.monotonic() - started < 30
    assert modules.writes() == 0


def test_without_a_cluster_nobody_waits(modules: Modules) -> None:
    result = modules.run(NAME, cluster="nowhere", instance_ids=[STRANGER])
    assert "there is no cluster nowhere in the Region eu-west-1" in result["msg"]


def test_attributes_and_tags_where_they_differ(modules: Modules) -> None:
    ids = fleet(modules, 12)
    options = {
        "cluster": "edge",
        "instance_ids": ids,
        "attributes": {"site": "berlin", "gpu": None},
        "tags": {"owner": "me", "n": 1},
    }
    planned = modules.check(NAME, **options)
    assert modules.writes() == 0
    modules.calls()
    done = modules.run(NAME, **options)
    assert planned["changes"] == done["changes"]
    assert planned["diff"] == done["diff"]
    assert set(done["diff"][0]["after"]) == set(ids)
    calls = modules.calls()
    assert (calls["ecs:PutAttributes"], calls["ecs:TagResource"]) == (3, 12)
    for one in done["instances"]:
        assert one["attributes"] == {"site": "berlin", "gpu": None}
        assert one["tags"] == {"owner": "me", "n": "1"}

    assert modules.check(NAME, **options)["changed"] is False
    assert modules.run(NAME, **options)["changed"] is False
    assert modules.writes() == 0

    fewer = modules.run(NAME, **{**options, "instance_ids": ids[:1], "tags": {"owner": "you"}, "attributes": None})
    assert fewer["changes"] == [f"remove the tags n of {ids[0]}", f"set the tags owner=you on {ids[0]}"]
    assert fewer["instances"][0]["attributes"] == {"site": "berlin", "gpu": None}
    kept = modules.run(NAME, **{**options, "instance_ids": ids[:1], "tags": {"more": "x"}, "purge_tags": False})
    assert kept["instances"][0]["tags"] == {"owner": "you", "more": "x"}


def test_draining_ends(modules: Modules) -> None:
    ids = fleet(modules, 1)
    assert modules.run(NAME, cluster="edge", instance_ids=ids, state="draining")["changed"]
    assert not modules.run(NAME, cluster="edge", instance_ids=ids, state="draining")["changed"]
    back = modules.run(NAME, cluster="edge", instance_ids=ids)
    assert back["changes"] == [f"make {ids[0]} ACTIVE in the cluster edge"]
    assert back["instances"][0]["ecs_status"] == "ACTIVE"


def test_waits_until_a_host_is_up(modules: Modules) -> None:
    ids = fleet(modules, 1, cluster=None)
    modules.account.boto("ecs").create_cluster(clusterName="edge")
    later = threading.Timer(2, in_cluster, (modules, ids[0]))
    later.start()
    result = modules.run(NAME, cluster="edge", instance_ids=ids, attributes={"a": "b"}, poll_interval=1)
    later.join()
    assert result["changes"] == [f"set the attribute a=b on {ids[0]}"]
    assert result["missing"] == []


def test_a_time_out_names_each_host_and_what_it_lacks_and_sets_up_the_others(modules: Modules) -> None:
    up, lost, not_joined, silent = fleet(modules, 4)
    by_host = {
        one["instance_id"]: one
        for one in modules.run(NAME, cluster="edge", instance_ids=[up, lost, not_joined, silent])["instances"]
    }
    ecs = modules.account.boto("ecs")
    for one in (not_joined, silent):
        ecs.deregister_container_instance(cluster="edge", containerInstance=by_host[one]["container_instance_arn"])
    in_cluster(modules, silent, agentConnected=False)
    modules.account.control("POST", "nodes/offline", {"InstanceId": lost, "PingStatus": "ConnectionLost"})
    modules.calls()

    ids = [up, lost, not_joined, silent, STRANGER]
    result = modules.run(NAME, cluster="edge", instance_ids=ids, attributes={"a": "b"}, wait_timeout=3, poll_interval=1)
    assert result["failed"]
    assert "4 of 5 external instances are not ready after 3 s" in result["msg"]
    lacks = {(one["instance_id"], one["code"]) for one in result["missing"]}
    assert lacks == {
        (lost, "ssm_not_online"),
        (not_joined, "ecs_not_registered"),
        (silent, "ecs_not_connected"),
        (STRANGER, "ssm_not_registered"),
        (STRANGER, "ecs_not_registered"),
    }
    for one in result["missing"]:
        assert f"{one['instance_id']}" in result["msg"]
        assert one["what"] in result["msg"]
        assert result["msg"].count(one["remedy"]) == 1
    assert f"{lost} ({by_host[lost]['computer_name']}) is ConnectionLost in SSM" in result["msg"]
    assert [one["instance_id"] for one in result["instances"]] == sorted(ids)
    assert {one["instance_id"]: one["attributes"] for one in result["instances"]}[up] == {"a": "b"}
    assert result["changed"]


def test_without_wait_the_missing_are_returned(modules: Modules) -> None:
    ids = [*fleet(modules, 1), STRANGER]
    result = modules.run(NAME, cluster="edge", instance_ids=ids, attributes={"a": "b"}, wait=False)
    assert not result.get("failed")
    assert result["changed"]
    assert {one["instance_id"] for one in result["missing"]} == {STRANGER}


def test_by_arn(modules: Modules) -> None:
    fleet(modules, 2)
    arn = instances(modules)[0]
    result = modules.run(NAME, cluster="edge", instance_ids=[arn], attributes={"a": "b"})
    assert [one["container_instance_arn"] for one in result["instances"]] == [arn]
    assert result["instances"][0]["ping_status"] == "Online"
    calls = modules.calls()
    assert calls["ecs:PutAttributes"] == 1
    gone = modules.run(NAME, cluster="edge", instance_ids=[f"{arn}0"], wait=False)
    assert [(one["instance_id"], one["code"]) for one in gone["missing"]] == [(f"{arn}0", "ecs_not_registered")]


def test_registered_twice(modules: Modules) -> None:
    ids = fleet(modules, 1)
    first = instances(modules)[0]
    second = in_cluster(modules, ids[0])
    modules.account.control("POST", "seed", {})
    # The connection of the first ends with the agent that held it.
    seed = {"InstanceId": ids[0], "Region": REGION, "cluster": "edge", "agentConnected": False}
    modules.account.control("POST", "seed", {"container_instances": [{**seed, "containerInstanceArn": first}]})
    result = modules.run(NAME, cluster="edge", instance_ids=ids, attributes={"a": "b"})
    (host,) = result["instances"]
    assert host["container_instance_arn"] == second
    assert [(one["container_instance_arn"], one["agent_connected"]) for one in host["duplicates"]] == [(first, False)]
    gone = modules.run(NAME, cluster="edge", instance_ids=ids, state="absent")
    assert len(gone["changes"]) == 3
    assert instances(modules) == []


def test_absent(modules: Modules) -> None:
    ids = fleet(modules, 2)
    options = {"cluster": "edge", "instance_ids": ids, "state": "absent"}
    planned = modules.check(NAME, **options)
    assert modules.writes() == 0
    done = modules.run(NAME, **options)
    assert planned["changes"] == done["changes"]
    assert instances(modules) == []
    modules.calls()
    assert not modules.run(NAME, **options)["changed"]
    assert not modules.run(NAME, **{**options, "cluster": "nowhere"})["changed"]
    assert modules.writes() == 0
    nodes = modules.account.boto("ssm").describe_instance_information()["InstanceInformationList"]
    assert sorted(one["InstanceId"] for one in nodes) == ids, "SSM's registration is another matter"


def test_tasks_that_draining_does_not_stop(modules: Modules) -> None:
    ids = fleet(modules, 2)
    modules.account.control("POST", "tasks", {"containerInstance": ids[0], "count": 2})
    options = {"cluster": "edge", "instance_ids": ids, "wait_timeout": 2, "poll_interval": 1}
    result = modules.run(NAME, state="draining", on_timeout="reactivate", **options)
    assert f"not empty after 2 s: {ids[0]} has 2 tasks" in result["msg"]
    assert "are ACTIVE again" in result["msg"]
    now = {
        one["instance_id"]: one
        for one in modules.run(NAME, wait=False, _ansible_check_mode=True, **options)["instances"]
    }
    assert [now[one]["ecs_status"] for one in ids] == ["ACTIVE", "DRAINING"]

    refused = modules.run(NAME, state="absent", **options)
    assert "they stay DRAINING" in refused["msg"]
    assert len(instances(modules)) == 1
    assert modules.run(NAME, state="absent", **{**options, "on_timeout": "force"})["changed"]
    assert instances(modules) == []


def test_draining_ends_with_the_last_task(modules: Modules) -> None:
    ids = fleet(modules, 1)
    modules.account.control("POST", "tasks", {"containerInstance": ids[0]})
    later = threading.Timer(2, modules.account.control, ("DELETE", "tasks", {}))
    later.start()
    result = modules.run(NAME, cluster="edge", instance_ids=ids, state="draining", poll_interval=1)
    later.join()
    assert not result.get("failed")
    assert result["instances"][0]["running_tasks"] == 0


def test_calls_grow_with_pages_not_with_hosts(modules: Modules) -> None:
    ids = fleet(modules, 1000)
    result = modules.run(NAME, cluster="edge", instance_ids=ids)
    assert len(result["instances"]) == 1000
    assert modules.calls() == {
        "ssm:DescribeInstanceInformation": 20,
        "ecs:ListContainerInstances": 10,
        "ecs:DescribeContainerInstances": 10,
    }
    # One host of a thousand is looked at alone.
    modules.run(NAME, cluster="edge", instance_ids=ids[:1])
    assert modules.calls() == dict.fromkeys(LOOK, 1)


def test_ids_unknown_to_ssm_do_not_hide_the_others(modules: Modules) -> None:
    ids = fleet(modules, 60)
    # AWS may refuse a list for one id that it does not know; then all nodes are read.
    fault = {"service": "ssm", "operation": "DescribeInstanceInformation", "kind": "error", "count": 1, "status": 400}
    modules.account.control("POST", "faults", {**fault, "code": "InvalidInstanceId"})
    result = modules.run(NAME, cluster="edge", instance_ids=[*ids, STRANGER], wait=False)
    assert {one["instance_id"] for one in result["missing"]} == {STRANGER}
    assert modules.calls()["ssm:DescribeInstanceInformation"] == 3


@pytest.mark.parametrize("state", ["active", "present", "draining", "absent"])
@pytest.mark.parametrize("check", [True, False])
def test_credentials_of_another_account_are_refused(modules: Modules, state: str, check: bool) -> None:
    """There nothing is found of the hosts, and taking them out would be done without doing anything."""
    ids = fleet(modules, 2)
    arn = instances(modules)[0]
    modules.calls()
    elsewhere = arn.replace("123456789012", "111122223333")
    cluster = "arn:aws:ecs:eu-west-1:111122223333:cluster/edge"
    for options in (
        {"cluster": "edge", "instance_ids": ids, "account_id": "111122223333"},
        {"cluster": "edge", "instance_ids": [arn, elsewhere]},
        {"cluster": cluster, "instance_ids": ids},
    ):
        refused = modules.run(NAME, state=state, _ansible_check_mode=check, **options)
        assert "111122223333, and these credentials are of 123456789012 (arn:aws:ecs:" in refused["msg"]
        assert modules.calls() == {"ecs:ListClusters": 1}
    other_region = arn.replace("eu-west-1", "us-east-1")
    refused = modules.run(NAME, cluster="edge", instance_ids=[other_region], state=state, _ansible_check_mode=check)
    assert "is in the Region us-east-1, and this task works in eu-west-1" in refused["msg"]
    assert modules.calls() == {}


def test_credentials_of_the_account_are_taken(modules: Modules) -> None:
    """Also where ECS can be reached, and STS cannot."""
    ids = fleet(modules, 2)
    silence(modules, "sts")
    options = {"cluster": "edge", "instance_ids": ids, "account_id": "123456789012", "state": "absent"}
    assert len(modules.run(NAME, **options)["changes"]) == 3
    assert modules.calls()["ecs:ListClusters"] == 1
    modules.run(NAME, **{**options, "instance_ids": []})
    assert modules.calls() == {}


def silence(modules: Modules, service: str) -> None:
    """Answer no call of a service any more."""
    modules.account.control("POST", "faults", {"service": service, "operation": "*", "kind": "drop", "count": -1})


def deny(modules: Modules, operation: str, skip: int = 0) -> None:
    """Deny one call of an operation, after so many that are let through."""
    fault = {"service": "ecs", "operation": operation, "kind": "error", "count": 1, "status": 400, "skip": skip}
    modules.account.control("POST", "faults", {**fault, "code": "AccessDeniedException", "message": "no"})


def test_one_that_is_not_in_the_cluster_does_not_keep_the_others_undrained(modules: Modules) -> None:
    ids = fleet(modules, 2)
    options = {"cluster": "edge", "instance_ids": [*ids, STRANGER], "state": "draining"}
    planned = modules.check(NAME, **options)
    assert modules.writes() == 0
    result = modules.run(NAME, **options)
    for one in (planned, result):
        assert one["failed"]
        assert one["msg"] == f"cannot drain what is not in the cluster edge: {STRANGER}"
        assert one["changes"] == [f"make {', '.join(ids)} DRAINING in the cluster edge"]
        assert {lack["instance_id"] for lack in one["missing"]} == {STRANGER}
    shown = {one["instance_id"]: one["ecs_status"] for one in result["instances"]}
    assert shown == {**dict.fromkeys(ids, "DRAINING"), STRANGER: None}
    modules.calls()
    again = modules.run(NAME, **options)
    assert (again["changed"], again["failed"], modules.writes()) == (False, True, 0)


def test_what_was_done_before_a_denial_is_told(modules: Modules) -> None:
    ids = fleet(modules, 12)
    deny(modules, "UpdateContainerInstancesState", skip=1)
    result = modules.run(NAME, cluster="edge", instance_ids=ids, state="draining")
    assert "lacks the permission ecs:UpdateContainerInstancesState" in result["msg"]
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["changes"] == [f"make {', '.join(ids[:10])} DRAINING in the cluster edge"]
    shown = {one["instance_id"]: one["ecs_status"] for one in result["instances"]}
    assert shown == {**dict.fromkeys(ids[:10], "DRAINING"), **dict.fromkeys(ids[10:], "ACTIVE")}
    assert [(one["instance_id"], one["code"]) for one in result["missing"]] == [
        (one, "not_changed") for one in ids[10:]
    ]


def test_what_was_deregistered_before_a_denial_is_told(modules: Modules) -> None:
    ids = fleet(modules, 3)
    deny(modules, "DeregisterContainerInstance", skip=1)
    result = modules.run(NAME, cluster="edge", instance_ids=ids, state="absent")
    assert result["failed"]
    assert [words.split(" ")[:2] for words in result["changes"]] == [
        ["make", f"{ids[0]},"],
        ["deregister", ids[0]],
        ["deregister", ids[2]],
    ]
    assert [one["instance_id"] for one in result["missing"]] == [ids[1]]
    assert len(instances(modules)) == 1


def test_a_missing_permission_is_named(modules: Modules) -> None:
    ids = fleet(modules, 1)
    deny(modules, "PutAttributes")
    result = modules.run(NAME, cluster="edge", instance_ids=ids, attributes={"a": "b"})
    assert (result["changed"], [one["instance_id"] for one in result["missing"]]) == (False, ids)
    assert "lacks the permission ecs:PutAttributes" in result["msg"]


@pytest.mark.parametrize("state", ["lost", "running"])
def test_a_deregistration_without_an_answer(modules: Modules, state: str) -> None:
    """ECS refuses to do it again: who is gone is done. Who is refused and still there is not."""
    ids = fleet(modules, 2)
    fault = {"service": "ecs", "operation": "DeregisterContainerInstance", "count": 1}
    more = {"kind": "drop", "after": True}
    if state == "running":
        more = {"kind": "error", "code": "InvalidParameterException", "message": "Found running tasks on the instance."}
    modules.account.control("POST", "faults", {**fault, **more})
    result = modules.run(NAME, cluster="edge", instance_ids=ids, state="absent")
    assert bool(result.get("failed")) == (state == "running")
    assert len(instances(modules)) == (1 if state == "running" else 0)
    assert len(result["changes"]) == (2 if state == "running" else 3)
    assert len(result["diff"][-1]["before"]) == (1 if state == "running" else 2)
