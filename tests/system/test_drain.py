# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts are made empty for work, and given back. The tests are in the order of a story on two enrolled hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from system.controller import Controller, Run, differences, instance_of, instances_up, run_task, stop_task

pytestmark = pytest.mark.lab
PIPELINING = True
DRAIN = "onprem.ecs.drain"
HOSTS_RIGHT = {"node1": 0, "node2": 0}


@pytest.fixture(scope="module")
def user(controller: Controller) -> Iterator[Controller]:
    """A user with two external instances."""
    run = controller.enroll()
    assert run.code == 0, run.text
    yield controller


def statuses(user: Controller) -> dict[str, str]:
    """The hosts' statuses in ECS."""
    return {name: instance_of(user, name)["status"] for name in ("node1", "node2")}


def failed(run: Run) -> dict[str, int]:
    """How many failures each host had."""
    return {host: counts["failed"] for host, counts in run.recap.items()}


def test_check_mode_says_what_it_would_do(user: Controller) -> None:
    user.forget_calls()
    before = user.footprint()
    run = user.play(DRAIN, "--check", "--diff", "-v")
    assert run.code == 0, run.text
    assert "DRAINING in the cluster shop" in run.words
    assert run.changed() == {"node1": 1, "node2": 0}, run.text  # one call for both, on behalf of the first
    assert user.calls().writes == {}
    assert statuses(user) == {"node1": "ACTIVE", "node2": "ACTIVE"}
    assert differences(before, user.footprint()) == []


def test_another_cluster_is_refused(user: Controller) -> None:
    user.forget_calls()
    run = user.play(DRAIN, ecs_cluster="press")
    assert failed(run) == {"node1": 1, "node2": 1}
    assert "The host is in cluster shop, and ecs_cluster is press" in run.said_of("node2")
    assert user.calls().by_name == {}


@pytest.mark.parametrize(
    ("role", "entry"), [("external_instance", "drain"), ("external_instance", "main"), ("offboard", "main")]
)
def test_a_condition_of_the_whole_role_is_refused(user: Controller, role: str, entry: str) -> None:
    imported = {"name": f"onprem.ecs.{role}", "tasks_from": entry}
    task = {"ansible.builtin.import_role": imported, "when": "inventory_hostname == 'node2'"}
    play = {"hosts": "ecs", "gather_facts": False, "tasks": [task]}
    user.forget_calls()
    run = user.play(user.write_play("condition", [play]))
    assert failed(run) == {"node1": 0, "node2": 1}, run.text
    assert "A condition (when) of the role is false for the first host" in run.said_of("node2")
    assert user.calls().writes == {}
    assert statuses(user) == {"node1": "ACTIVE", "node2": "ACTIVE"}


def test_a_host_with_tasks_fails_and_the_other_is_drained(user: Controller) -> None:
    task = run_task(user, "alone", instance_of(user, "node1")["containerInstanceArn"])
    run = user.play(DRAIN, ecs_drain_timeout=5)
    assert failed(run) == {"node1": 1, "node2": 0}, run.text
    assert "1 tasks" in run.said_of("node1")
    assert "Tasks that belong to no service" in run.said_of("node1")
    assert statuses(user) == {"node1": "DRAINING", "node2": "DRAINING"}
    # It goes on with a host that was drained before, and gives back only what it has drained itself.
    run = user.play(DRAIN, ecs_drain_timeout=5, ecs_drain_on_timeout="reactivate")
    assert failed(run) == {"node1": 1, "node2": 0}, run.text
    assert statuses(user) == {"node1": "DRAINING", "node2": "DRAINING"}
    run = user.play(DRAIN, ecs_drain_timeout=5, ecs_drain_on_timeout="force")
    assert run.code == 0, run.text
    stop_task(user, task)


def test_an_empty_host_is_drained_once(user: Controller) -> None:
    user.forget_calls()
    run = user.play(DRAIN)
    assert run.code == 0, run.text
    assert run.changed() == HOSTS_RIGHT, run.text
    assert user.calls().writes == {}
    reads = user.calls().by_name
    user.forget_calls()
    run = user.play(DRAIN, "--limit", "node1")
    assert run.code == 0, run.text
    assert user.calls().by_name == reads


def test_enrolling_leaves_them_draining(user: Controller) -> None:
    """Somebody is at work on them, and the nightly run must not bring tasks there."""
    user.forget_calls()
    run = user.enroll()
    assert run.code == 0, run.text
    assert "node1, node2: DRAINING, so ECS places nothing there" in run.words
    assert run.changed() == HOSTS_RIGHT, run.text
    assert user.calls().writes == {}
    assert statuses(user) == {"node1": "DRAINING", "node2": "DRAINING"}


def test_hosts_are_given_back(user: Controller) -> None:
    user.forget_calls()
    run = user.play(DRAIN, ecs_drain=False)
    assert run.code == 0, run.text
    assert user.calls().writes == {"ecs:UpdateContainerInstancesState": 1}
    instances_up(user, "node1", "node2")
    user.forget_calls()
    run = user.play(DRAIN, ecs_drain=False)
    assert run.code == 0, run.text
    assert run.changed() == HOSTS_RIGHT, run.text
    assert user.calls().writes == {}


def test_a_host_that_does_not_answer_is_drained_by_its_id(user: Controller) -> None:
    known = instance_of(user, "node2")["ec2InstanceId"]
    user.lab.host("node2").stop()
    run = user.play(DRAIN, "--limit", "node2")
    assert run.recap["node2"]["unreachable"] == 1, run.text
    run = user.play(DRAIN, "--limit", "node2", ecs_instance_id=known)
    assert run.code == 0, run.text
    assert statuses(user) == {"node1": "ACTIVE", "node2": "DRAINING"}
    user.lab.host("node2").start()
    run = user.play(DRAIN, "--limit", "node2", ecs_drain=False)
    assert run.code == 0, run.text
    instances_up(user, "node1", "node2")


def test_a_host_that_aws_does_not_see_stops_itself_alone(user: Controller) -> None:
    node = instance_of(user, "node2")["ec2InstanceId"]
    user.lab.emulator("POST", "nodes/offline", {"InstanceId": node, "PingStatus": "ConnectionLost"})
    run = user.enroll(ecs_wait_timeout=5)
    user.lab.emulator("POST", "nodes/offline", {"InstanceId": node, "PingStatus": None})
    assert failed(run) == {"node1": 0, "node2": 1}, run.text
    assert f"{node} (node2) is ConnectionLost in SSM" in run.said_of("node2")


def test_a_host_with_tasks_does_not_hold_back_those_that_move(user: Controller) -> None:
    task = run_task(user, "alone", instance_of(user, "node1")["containerInstanceArn"])
    run = user.enroll(ecs_cluster="press", ecs_drain_timeout=5)
    assert failed(run) == {"node1": 1, "node2": 0}, run.text
    assert "has 1 tasks" in run.said_of("node1")
    there = {name: instance_of(user, name) for name in ("node1", "node2")}
    where = {name: (one["clusterName"], one["status"]) for name, one in there.items()}
    assert where == {"node1": ("shop", "DRAINING"), "node2": ("press", "ACTIVE")}
    stop_task(user, task)
    run = user.enroll(ecs_cluster="press")
    assert run.code == 0, run.text
    assert {instance_of(user, name)["clusterName"] for name in there} == {"press"}
