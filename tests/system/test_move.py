# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host goes to another cluster and another Region, and comes back when somebody deregistered it.

Each test begins with what the one before left.
"""

from __future__ import annotations

from typing import Any

import pytest

from system.controller import Controller, differences

pytestmark = pytest.mark.lab
HOSTS = 1
PIPELINING = True
OTHER_REGION = "us-east-1"


def members(user: Controller) -> list[dict[str, Any]]:
    """The container instances that are not deregistered."""
    return [one for one in user.state()["container_instances"] if one["status"] != "INACTIVE"]


def is_in(user: Controller, cluster: str, region: str = "eu-west-1") -> None:
    """Assert that the host is up there, and nowhere else."""
    (one,) = members(user)
    assert (one["status"], one["agentConnected"], one["clusterName"]) == ("ACTIVE", True, cluster)
    assert one["containerInstanceArn"].split(":")[3] == region


def test_first_it_is_in_one_cluster(controller: Controller) -> None:
    run = controller.enroll(ecs_cluster="first")
    assert run.code == 0, run.text
    is_in(controller, "first")


def test_check_mode_tells_that_it_would_move(controller: Controller) -> None:
    before = controller.footprint()
    controller.forget_calls()
    run = controller.enroll("--check", ecs_cluster="second")
    assert run.code == 0, run.text
    assert "leave cluster first in eu-west-1: drain and deregister" in run.words
    assert "remove the state that the ECS agent kept: it is of cluster first" in run.words
    assert controller.calls().writes == {}
    assert differences(before, controller.footprint()) == []
    is_in(controller, "first")


def test_it_is_not_moved_against_the_user_s_will(controller: Controller) -> None:
    run = controller.enroll(ecs_cluster="second", ecs_allow_move=False)
    assert run.code != 0
    assert "registered in cluster first, not in second" in run.said_of("node1")
    is_in(controller, "first")


@pytest.mark.parametrize(
    ("role", "entry", "said"),
    [
        ("external_instance", "main", "registered in cluster first, not in second"),
        ("external_instance", "drain", "The host is in cluster first"),
        ("external_instance", "upgrade", "The host is in cluster first"),
        ("offboard", "main", "The host is in cluster first"),
    ],
)
def test_a_refusal_is_none_to_ignore(controller: Controller, role: str, entry: str, said: str) -> None:
    """A play that goes on after errors must not go on to what was refused."""
    task = {"ansible.builtin.import_role": {"name": f"onprem.ecs.{role}", "tasks_from": entry}}
    play = {"hosts": "ecs", "gather_facts": False, "ignore_errors": True, "tasks": [task]}
    controller.forget_calls()
    run = controller.play(controller.write_play("on", [play]), ecs_cluster="second", ecs_allow_move=False)
    assert run.code != 0, run.text
    assert said in run.said_of("node1")
    assert controller.calls().writes == {}
    is_in(controller, "first")


def test_a_forgotten_cluster_does_not_move_it(controller: Controller) -> None:
    run = controller.enroll(ecs_cluster="default")
    assert run.code != 0
    assert "registered in cluster first, not in default" in run.said_of("node1")
    assert "set ecs_allow_move" in run.said_of("node1")
    is_in(controller, "first")


def test_a_task_holds_it_back(controller: Controller) -> None:
    """A host with work on it stays where it is, and drains; it goes on when the work is done."""
    node = controller.state()["managed_nodes"][0]["InstanceId"]
    controller.lab.emulator("POST", "tasks", {"containerInstance": node})
    run = controller.enroll(ecs_cluster="second", ecs_drain_timeout=5, ecs_drain_on_timeout="reactivate")
    assert run.code != 0, run.text
    is_in(controller, "first")
    controller.lab.emulator("DELETE", "tasks")


def test_it_moves_to_another_cluster(controller: Controller) -> None:
    run = controller.enroll(ecs_cluster="second")
    assert run.code == 0, run.text
    is_in(controller, "second")
    again = controller.enroll(ecs_cluster="second")
    assert again.code == 0, again.text
    assert again.changed() == {"node1": 0}


def test_it_comes_back_when_ecs_forgot_it(controller: Controller) -> None:
    """Somebody deregistered it in ECS, by force; its agent holds the state of what is gone."""
    (one,) = members(controller)
    controller.ask(
        "onprem.ecs.ecs_external_instance",
        cluster="second",
        state="absent",
        force=True,
        instance_ids=[one["containerInstanceArn"]],
    )
    controller.lab.host("node1").run("systemctl restart --no-block ecs.service", check=True)
    run = controller.enroll(ecs_cluster="second", ecs_wait_timeout=60)
    if run.code != 0:  # the agent had not been told yet when the playbook looked
        assert "deregistered" in run.said_of("node1"), run.text
        run = controller.enroll(ecs_cluster="second")
    assert run.code == 0, run.text
    is_in(controller, "second")


def test_it_goes_back_when_it_cannot_register_in_the_other_region(controller: Controller) -> None:
    (node,) = controller.state()["managed_nodes"]
    fault = {"service": "ssm", "operation": "RegisterManagedInstance", "kind": "error", "count": 1000}
    refused = {"status": 400, "code": "InvalidActivation", "message": "no such activation"}
    controller.lab.emulator("POST", "faults", {**fault, **refused})
    run = controller.enroll(ecs_region=OTHER_REGION, ecs_cluster="third")
    controller.lab.emulator("DELETE", "faults")
    assert run.recap["node1"]["failed"] == 1, run.text
    assert "InvalidActivation" in run.said_of("node1")
    run = controller.enroll(ecs_cluster="second")
    assert run.code == 0, run.text
    # Nothing was to be done on the host.
    assert "Say what is to be done" not in run.text, run.text
    is_in(controller, "second")
    assert [one["InstanceId"] for one in controller.state()["managed_nodes"]] == [node["InstanceId"]]


def test_it_moves_to_another_region(controller: Controller) -> None:
    old = controller.state()["managed_nodes"][0]["InstanceId"]
    run = controller.enroll(ecs_region=OTHER_REGION, ecs_cluster="third")
    assert run.code == 0, run.text
    is_in(controller, "third", OTHER_REGION)
    nodes = {node["InstanceId"]: node["Region"] for node in controller.state()["managed_nodes"]}
    assert nodes.pop(old) == "eu-west-1"
    assert list(nodes.values()) == [OTHER_REGION]
    again = controller.enroll(ecs_region=OTHER_REGION, ecs_cluster="third")
    assert again.code == 0, again.text
    assert again.changed() == {"node1": 0}


def test_what_it_was_before_is_removed_on_request(controller: Controller) -> None:
    """Back again: the node in the other Region goes; the one of the first move was left, since nobody asked."""
    was = {node["InstanceId"] for node in controller.state()["managed_nodes"] if node["Region"] == OTHER_REGION}
    left = {node["InstanceId"] for node in controller.state()["managed_nodes"]} - was
    run = controller.enroll(ecs_cluster="first", ecs_remove_stale=True)
    assert run.code == 0, run.text
    is_in(controller, "first")
    now = {node["InstanceId"] for node in controller.state()["managed_nodes"]}
    assert not now & was
    assert left <= now and len(now) == 2
