# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role external_instance asks of AWS to drain a batch of hosts, and which of them it stops."""

from __future__ import annotations

import json
from typing import Any

import pytest
from agent import Agent
from runner import REGION, Playbooks, Run

HOSTS = ("node0", "node1", "node2")
IDS = {name: f"mi-0123456789abcdef{name[-1]}" for name in HOSTS}


@pytest.fixture
def batch(playbooks: Playbooks) -> Playbooks:
    """Three hosts, of which node1 was taken out of the cluster in the console, and node2 has a task."""
    common = {"Region": REGION, "IamRole": "ecsAnywhereRole", "PingStatus": "Online"}
    nodes = [{"InstanceId": one, **common} for one in IDS.values()]
    edge = {"Region": REGION, "cluster": "edge", "agentConnected": True}
    instances = [{**edge, "InstanceId": IDS[name]} for name in ("node0", "node2")]
    playbooks.emulator("POST", "seed", {"nodes": nodes, "container_instances": instances})
    playbooks.emulator("POST", "tasks", {"containerInstance": IDS["node2"]})
    return playbooks


def drain(playbooks: Playbooks, *options: str, **variables: Any) -> Run:
    """Drain the three; who they are is known already."""
    member = {"call": "now", "place": {"region": REGION, "cluster": "edge"}, "id": "{{ ids[inventory_hostname] }}"}
    tasks = [
        {"ansible.builtin.set_fact": {"__external_instance_member": member, "__external_instance_call": "now"}},
        {
            "name": "Drain",
            "ansible.builtin.import_role": {"name": "onprem.ecs.external_instance", "tasks_from": "drain_members"},
        },
    ]
    given = {"ids": IDS, "ecs_region": REGION, "ecs_drain_timeout": 1, **variables}
    path = playbooks.folder / "drain.yml"
    path.write_text(json.dumps([playbooks.local(tasks, hosts="all", vars=given)]), encoding="utf-8")
    return playbooks.run_file(str(path), "-i", ",".join(HOSTS) + ",", *options)


def failed(run: Run) -> set[str]:
    """The hosts that were stopped."""
    told = json.loads(run.text[run.text.index("{") :])
    return {host for host, counts in told["stats"].items() if counts["failures"]}


def said_of(run: Run, host: str) -> str:
    """Why this host was stopped."""
    told = json.loads(run.text[run.text.index("{") :])
    tasks = [task["hosts"] for play in told["plays"] for task in play["tasks"]]
    return str(next(hosts[host]["msg"] for hosts in tasks if hosts.get(host, {}).get("failed")))


def statuses(playbooks: Playbooks) -> dict[str, str]:
    """The status of each host that is in the cluster."""
    names = {one: name for name, one in IDS.items()}
    found = playbooks.emulator("GET", "state")["container_instances"]
    return {names[one["ec2InstanceId"]]: one["status"] for one in found}


@pytest.mark.parametrize(("on_timeout", "stopped"), [("fail", {"node1", "node2"}), ("force", {"node1"})])
def test_a_host_that_is_not_in_the_cluster_stops_itself_alone(
    batch: Playbooks, on_timeout: str, stopped: set[str]
) -> None:
    run = drain(batch, ecs_drain_on_timeout=on_timeout)
    assert failed(run) == stopped, run.explain()
    told = {host: said_of(run, host) for host in stopped}
    assert told["node1"].startswith(f"{IDS['node1']} is not in the cluster edge. on the host: ")
    # Each tells of itself: with a thousand hosts a message for all of them, told by each, is one that nobody can read.
    assert all(IDS[other] not in told[host] for host in stopped for other in HOSTS if other != host)
    if on_timeout == "fail":
        assert told["node2"].startswith(f"{IDS['node2']} has 1 tasks after 1 s; it stays DRAINING. Tasks that ")
    assert statuses(batch) == {"node0": "DRAINING", "node2": "DRAINING"}


def test_in_the_end_of_enrolling_each_tells_of_itself(batch: Playbooks) -> None:
    """One is up, one is not in the cluster, and the agent of one is not connected."""
    place = {"region": REGION, "cluster": "edge", "attributes": {}, "tags": {}}
    want = {"call": "now", "place": place, "name": "", "host": "{{ inventory_hostname }}"}
    look = {"ecs_host": {"ssm": {"instance_id": "{{ ids[inventory_hostname] }}"}}}
    facts = {"__external_instance_want": want, "__external_instance_call": "now", "__ecs_look": look}
    role = {"name": "onprem.ecs.external_instance", "tasks_from": "prove"}
    path = batch.folder / "prove.yml"
    tasks = [{"ansible.builtin.set_fact": facts}, {"ansible.builtin.import_role": role}]
    given = {"ids": IDS, "ecs_wait_timeout": 1}
    path.write_text(json.dumps([batch.local(tasks, hosts="all", vars=given)]), encoding="utf-8")
    instance = {"Region": REGION, "cluster": "edge", "InstanceId": IDS["node2"], "agentConnected": False}
    batch.emulator("POST", "reset")
    common = {"Region": REGION, "IamRole": "r", "PingStatus": "Online"}
    nodes = [{"InstanceId": one, "Reported": {"ComputerName": name}, **common} for name, one in IDS.items()]
    up = {**instance, "InstanceId": IDS["node0"], "agentConnected": True}
    batch.emulator("POST", "seed", {"nodes": nodes, "container_instances": [up, instance]})
    run = batch.run_file(str(path), "-i", ",".join(HOSTS) + ",")
    assert failed(run) == {"node1", "node2"}, run.explain()
    assert said_of(run, "node1").startswith(f"{IDS['node1']} (node1) is not in the cluster edge. on the host: ")
    told = f"{IDS['node2']} (node2) is in the cluster edge, but its ECS agent is not connected. on the host: "
    assert said_of(run, "node2").startswith(told)


def test_check_mode_tells_the_same(batch: Playbooks) -> None:
    batch.emulator("DELETE", "calls")
    run = drain(batch, "--check")
    assert failed(run) == {"node1"}, run.explain()
    assert f"make {IDS['node0']}, {IDS['node2']} DRAINING" in run.text
    assert batch.emulator("GET", "calls")["writes"] == 0
    assert statuses(batch) == {"node0": "ACTIVE", "node2": "ACTIVE"}


def test_who_cannot_be_asked_for_is_not_good(batch: Playbooks) -> None:
    """An answer without a word of any host is none that a host can go on with."""
    for options in ((), ("--check",)):
        fault = {"service": "ecs", "operation": "ListContainerInstances", "kind": "error", "status": 400}
        batch.emulator("POST", "faults", {**fault, "code": "AccessDeniedException", "message": "no"})
        run = drain(batch, *options)
        assert failed(run) == set(HOSTS), run.explain()


def calls(playbooks: Playbooks, *tasks: dict[str, Any]) -> Run:
    """The role is called in such ways one after the other, in a batch where no host has tasks."""
    playbooks.emulator("DELETE", "tasks")
    path = playbooks.folder / "calls.yml"
    given = {"ids": IDS, "ecs_region": REGION, "ecs_drain_timeout": 5, "ecs_wait_timeout": 5}
    path.write_text(json.dumps([playbooks.local(list(tasks), hosts="all", vars=given)]), encoding="utf-8")
    return playbooks.run_file(str(path), "-i", ",".join(name for name in HOSTS if name != "node1") + ",")


def call(drained: bool, **more: Any) -> dict[str, Any]:
    """One call of the role for the hosts that the condition is true for."""
    member = {"call": "{{ __external_instance_call }}", "place": {"region": REGION, "cluster": "edge"}}
    member["id"] = "{{ ids[inventory_hostname] }}"
    steps: list[dict[str, Any]] = [
        {"ansible.builtin.include_role": {"name": "onprem.ecs.external_instance", "tasks_from": "in_step"}},
        {"ansible.builtin.set_fact": {"__external_instance_member": member}},
        {
            "ansible.builtin.include_role": {"name": "onprem.ecs.external_instance", "tasks_from": "drain_members"},
            "vars": {"ecs_drain": drained},
        },
    ]
    return {"block": steps, **more}


FAILS = {"ansible.builtin.fail": {"msg": "the work failed"}, "when": "inventory_hostname == 'node2'"}


def test_who_is_not_meant_is_not_given_back(batch: Playbooks) -> None:
    """It was in the call before."""
    run = calls(batch, call(True), call(False, when="inventory_hostname == 'node0'"))
    assert failed(run) == set(), run.explain()
    assert statuses(batch) == {"node0": "ACTIVE", "node2": "DRAINING"}


def test_who_has_failed_in_between_is_given_back_all_the_same(batch: Playbooks) -> None:
    run = calls(batch, {"block": [call(True), FAILS], "always": [call(False)]})
    assert failed(run) == {"node2"}, run.explain()
    assert statuses(batch) == {"node0": "ACTIVE", "node2": "ACTIVE"}


def test_upgrading_drains_whatever_the_variable_for_draining_says(batch: Playbooks) -> None:
    member = {"call": "now", "place": {"region": REGION, "cluster": "edge"}, "id": "{{ ids[inventory_hostname] }}"}
    facts = {"__external_instance_call": "now", "__external_instance_member": member}
    given = {"__external_instance_upgrades": True, "__external_instance_ssm_wanted": "1", "ecs_upgrade_drain": True}
    role = {"name": "onprem.ecs.external_instance", "tasks_from": "upgrade_drain"}
    run = calls(
        batch,
        {"ansible.builtin.set_fact": {**facts, "ecs_drain": False}},
        {"ansible.builtin.include_role": role, "vars": given},
    )
    assert failed(run) == set(), run.explain()
    assert statuses(batch) == {"node0": "DRAINING", "node2": "DRAINING"}


def drain_one(playbooks: Playbooks, agent: Agent, *options: str, **variables: Any) -> Run:
    """Drain node0 alone, which has no task that ECS counts."""
    given = {"__external_instance_tasks_url": agent.url}
    return drain(playbooks, "--limit", "node0", "-e", json.dumps(given), *options, **variables)


def test_a_task_that_is_still_stopping_is_waited_for(batch: Playbooks, stopping: Agent) -> None:
    """To ECS it counts no more, but a restart of the host would kill it before it has ended."""
    run = drain_one(batch, stopping)
    assert failed(run) == set(), run.explain()
    assert stopping.statuses == ["STOPPED"]


def test_a_host_whose_tasks_do_not_stop_is_stopped(batch: Playbooks, stopping: Agent) -> None:
    stopping.statuses = ["RUNNING"]
    run = drain_one(batch, stopping)
    assert failed(run) == {"node0"}, run.explain()
    assert "tasks are still stopping there: task/1. Run again" in run.text
    assert statuses(batch)["node0"] == "DRAINING"


@pytest.mark.parametrize(
    ("options", "variables"), [(("--check",), {}), ((), {"ecs_drain_on_timeout": "force"}), ((), {"ecs_drain": False})]
)
def test_nobody_waits_for_tasks_where_the_host_may_have_some(
    batch: Playbooks, stopping: Agent, options: tuple[str, ...], variables: dict[str, Any]
) -> None:
    run = drain_one(batch, stopping, *options, **variables)
    assert failed(run) == set(), run.explain()
    assert stopping.statuses == ["RUNNING", "STOPPED"]
