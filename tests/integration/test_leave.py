# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the roles ask of AWS to take a batch of hosts out of a cluster, and which of them go on when AWS refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from agent import Agent
from runner import REGION, Playbooks, Run

from emulator import ACCOUNT

HOSTS = ("node0", "node1", "node2")
IDS = {name: f"mi-0123456789abcdef{name[-1]}" for name in HOSTS}
PLACE = {"region": REGION, "cluster": "edge"}


@pytest.fixture
def batch(playbooks: Playbooks) -> Playbooks:
    """Three hosts without tasks."""
    seed(playbooks, *HOSTS)
    return playbooks


def seed(playbooks: Playbooks, *members: str) -> None:
    """Three managed nodes, and these of them in the cluster."""
    nodes = [{"InstanceId": one, "Region": REGION, "IamRole": "ecsAnywhereRole"} for one in IDS.values()]
    instances = [
        {"Region": REGION, "cluster": "edge", "agentConnected": True, "InstanceId": IDS[name]} for name in members
    ]
    playbooks.emulator("POST", "seed", {"nodes": nodes, "container_instances": instances})


def deny(playbooks: Playbooks, operation: str, count: int, skip: int = 0, service: str = "ecs") -> None:
    """Deny calls of an operation, after so many that are let through."""
    fault = {"service": service, "operation": operation, "kind": "error", "status": 400, "count": count, "skip": skip}
    playbooks.emulator("POST", "faults", {**fault, "code": "AccessDeniedException", "message": "no"})


def play(playbooks: Playbooks, tasks: list[dict[str, Any]], agent: Agent | None = None, **variables: Any) -> Run:
    """Tasks for the three; who they are is known already. ``agent``: the ECS agent of all of them."""
    given = {"ids": IDS, "ecs_region": REGION, "ecs_drain_timeout": 1, **variables}
    path = playbooks.folder / "leave.yml"
    path.write_text(json.dumps([playbooks.local(tasks, hosts="all", vars=given)]), encoding="utf-8")
    asked = ["-e", json.dumps({"__external_instance_tasks_url": agent.url})] if agent else []
    return playbooks.run_file(str(path), "-i", ",".join(HOSTS) + ",", *asked)


def offboard(playbooks: Playbooks, state: str = "absent", rescued: bool = False, **variables: Any) -> Run:
    """The account's part of taking hosts out; a host that fails may be taken back into the play."""
    ecs = {**PLACE, "state": state, "force": False, "account": ACCOUNT}
    ssm = {"region": REGION, "protect": False, "account": ACCOUNT}
    call = "{{ __offboard_call }}"
    node = {"call": call, "id": "{{ ids[inventory_hostname] }}", "place": PLACE, "ecs": ecs, "ssm": ssm}
    tasks = [
        {"ansible.builtin.import_role": {"name": "onprem.ecs.offboard", "tasks_from": "in_step"}},
        {"ansible.builtin.set_fact": {"__offboard_node": node}},
        {"ansible.builtin.import_role": {"name": "onprem.ecs.offboard", "tasks_from": "account"}},
    ]
    rescue: dict[str, Any] = {"rescue": [{"ansible.builtin.debug": {"msg": "it stays"}}]} if rescued else {}
    return play(playbooks, [{"block": tasks, **rescue}], **variables)


def stopped(run: Run) -> set[str]:
    """The hosts that were stopped."""
    told = json.loads(run.text[run.text.index("{") :])
    return {host for host, counts in told["stats"].items() if counts["failures"]}


def left(playbooks: Playbooks) -> tuple[set[str], set[str]]:
    """The hosts that are still in the cluster, and those that are still managed nodes."""
    names = {one: name for name, one in IDS.items()}
    state = playbooks.emulator("GET", "state")
    there = [one for one in state["container_instances"] if one["status"] != "INACTIVE"]
    return {names[one["ec2InstanceId"]] for one in there}, {names[one["InstanceId"]] for one in state["managed_nodes"]}


@pytest.mark.parametrize(
    ("operation", "count", "skip", "who"),
    [
        ("DeregisterContainerInstance", 1, 1, {"node1"}),
        ("DeregisterContainerInstance", -1, 0, set(HOSTS)),
        ("UpdateContainerInstancesState", 1, 0, set(HOSTS)),
    ],
)
def test_offboarding_goes_on_with_those_that_are_out_only(
    batch: Playbooks, operation: str, count: int, skip: int, who: set[str]
) -> None:
    deny(batch, operation, count, skip)
    run = offboard(batch)
    assert stopped(run) == who, run.explain()
    assert f"lacks the permission ecs:{operation}" in run.text
    assert left(batch) == (who, who)


def test_a_host_that_is_not_out_stays_a_managed_node_also_with_a_rescue(batch: Playbooks) -> None:
    """Ansible takes such a host back into the play at once, where what is done once for all hosts would see it."""
    deny(batch, "DeregisterContainerInstance", 1, 1)
    run = offboard(batch, rescued=True)
    assert stopped(run) == set() and "it stays" in run.text, run.explain()
    assert left(batch) == ({"node1"}, {"node1"})


@pytest.mark.parametrize(("count", "skip", "stay"), [(1, 1, 1), (-1, 0, 3)])
def test_offboarding_goes_on_with_those_that_are_no_managed_nodes(
    batch: Playbooks, count: int, skip: int, stay: int
) -> None:
    """Several are deregistered at a time, so which of them is denied is not known before."""
    deny(batch, "DeregisterManagedInstance", count, skip, "ssm")
    run = offboard(batch)
    assert "lacks the permission ssm:DeregisterManagedInstance" in run.text
    assert left(batch) == (set(), stopped(run)), run.explain()
    assert len(stopped(run)) == stay


def test_a_task_that_is_still_stopping_is_waited_for(batch: Playbooks, stopping: Agent) -> None:
    """Nobody would stop it once the agent is stopped; to ECS it counts no more."""
    # Each of the three hosts asks.
    stopping.statuses = ["RUNNING"] * len(HOSTS) + ["STOPPED"]
    run = offboard(batch, agent=stopping)
    assert stopped(run) == set(), run.explain()
    assert stopping.statuses == ["STOPPED"]
    assert left(batch) == (set(), set())


@pytest.mark.parametrize("rescued", [False, True])
def test_a_host_whose_tasks_do_not_stop_stays_a_managed_node(batch: Playbooks, stopping: Agent, rescued: bool) -> None:
    stopping.statuses = ["RUNNING"]
    run = offboard(batch, rescued=rescued, agent=stopping)
    assert stopped(run) == (set() if rescued else set(HOSTS)), run.explain()
    assert "stays a managed node with its agents: tasks are still stopping there: task/1. Run again" in run.text
    assert left(batch) == (set(), set(HOSTS))
    # Another run goes on from there.
    stopping.statuses = ["STOPPED"]
    assert stopped(offboard(batch, agent=stopping)) == set()
    assert left(batch) == (set(), set())


@pytest.mark.parametrize(
    ("desired", "variables"),
    [
        ("RUNNING", {}),  # of an agent that was never told, as somebody had deregistered it by force
        ("STOPPED", {"ecs_drain_on_timeout": "force"}),
        ("STOPPED", {"ecs_offboard_steps": ["ecs", "ssm", "stop"]}),
    ],
)
def test_tasks_that_run_on_are_not_waited_for(
    batch: Playbooks, stopping: Agent, desired: str, variables: dict[str, Any]
) -> None:
    stopping.statuses, stopping.desired = ["RUNNING"], desired
    run = offboard(batch, agent=stopping, **variables)
    assert stopped(run) == set(), run.explain()
    assert left(batch) == (set(), set())


@pytest.mark.parametrize(
    ("statuses", "desired", "stays"), [(["RUNNING"], "STOPPED", True), (["RUNNING"], "RUNNING", False)]
)
def test_a_host_that_moves_waits_for_its_tasks(
    batch: Playbooks, stopping: Agent, statuses: list[str], desired: str, stays: bool
) -> None:
    """With the state that it has the agent stops them; a new one would not know them."""
    stopping.statuses, stopping.desired = statuses, desired
    want = {"call": "now", "leave": {"arn": "x", "place": PLACE}, "register": False}
    told = {"item": PLACE, "instances": [], "missing": []}
    block = {"name": "onprem.ecs.external_instance", "tasks_from": "host"}
    run = play(
        batch,
        [
            {
                "ansible.builtin.set_fact": {
                    "__external_instance_want": want,
                    "__external_instance_left": {"results": [told]},
                }
            },
            {"ansible.builtin.import_role": block},
        ],
        agent=stopping,
    )
    assert (
        "has left cluster edge, and goes no further: tasks are still stopping there: task/1" in run.text
    ) is stays, run.explain()
    assert stopped(run) == set(HOSTS), run.explain()


def test_a_host_in_no_cluster_has_nothing_to_be_drained_of(playbooks: Playbooks) -> None:
    seed(playbooks, "node1", "node2")
    run = offboard(playbooks, "draining")
    assert stopped(run) == set(), run.explain()
    assert left(playbooks) == ({"node1", "node2"}, set())


def find(playbooks: Playbooks, inventory: str, limit: str, **variables: Any) -> Run:
    """The account's part of taking out a host that has not told which node it is."""
    tasks = [
        {"ansible.builtin.import_role": {"name": "onprem.ecs.offboard", "tasks_from": "in_step"}},
        {"ansible.builtin.set_fact": {"__offboard_node": "{{ __offboard_known }}"}},
        {"ansible.builtin.import_role": {"name": "onprem.ecs.offboard", "tasks_from": "find"}},
        {"ansible.builtin.import_role": {"name": "onprem.ecs.offboard", "tasks_from": "account"}},
    ]
    given = {"ecs_region": REGION, "ecs_cluster": "edge", "ecs_drain_timeout": 1, **variables}
    path = playbooks.folder / "find.yml"
    path.write_text(json.dumps([playbooks.local(tasks, hosts="all", vars=given)]), encoding="utf-8")
    return playbooks.run_file(str(path), "-i", inventory, "--limit", limit)


#: What a host tells of itself that has nothing of AWS.
NOTHING = {"installed": False, "active": False, "enabled": False}
BARE: dict[str, Any] = {
    "agent": {**NOTHING, "container_instance_arn": None, "has_state": False},
    "ssm": {**NOTHING, "instance_id": None, "set_aside": None, "source": None, "unit": "amazon-ssm-agent.service"},
    "problems": [],
}


@pytest.mark.parametrize("status", ["Online", "ConnectionLost"])
def test_a_host_without_a_registration_does_not_take_out_another_one_that_lives(
    playbooks: Playbooks, status: str
) -> None:
    """Whoever gives the id of a node for a host that answers may have mistaken it."""
    node = {"InstanceId": IDS["node0"], "Region": REGION, "IamRole": "ecsAnywhereRole", "PingStatus": status}
    member = {"InstanceId": IDS["node0"], "Region": REGION, "cluster": "edge", "agentConnected": status == "Online"}
    playbooks.emulator("POST", "seed", {"nodes": [node], "container_instances": [member]})
    run = find(playbooks, "node1,", "node1", ecs_instance_id=IDS["node0"], __offboard_look={"ecs_host": BARE})
    if status == "Online":
        assert stopped(run) == {"node1"}, run.explain()
        assert f"node1 is not registered, and so another host than the node: {IDS['node0']} is Online" in run.text
        assert left(playbooks) == ({"node0"}, {"node0"})
    else:
        assert stopped(run) == set(), run.explain()
        assert left(playbooks) == (set(), set())


@pytest.mark.parametrize(("name", "stays"), [("web.munich", {"node0"}), ("web.berlin", set()), (None, set())])
def test_a_host_that_is_gone_is_not_another_one_with_the_same_short_name(
    playbooks: Playbooks, name: str | None, stays: set[str]
) -> None:
    """Each enrolled host has its name in the inventory as the tag Name; that of the system may be a short one."""
    node: dict[str, Any] = {"InstanceId": IDS["node0"], "Region": REGION, "IamRole": "ecsAnywhereRole"}
    node |= {"PingStatus": "ConnectionLost", "Reported": {"ComputerName": "web"}, **({"Name": name} if name else {})}
    playbooks.emulator("POST", "seed", {"nodes": [node]})
    run = find(playbooks, "web.berlin,web.munich", "web.berlin", ecs_host_gone=True, __offboard_look={"skipped": True})
    assert stopped(run) == set(), run.explain()
    assert left(playbooks) == (set(), stays)


@pytest.mark.parametrize("options", [(), ("--limit", "node1")])
def test_nobody_is_taken_out_without_being_named(playbooks: Playbooks, options: tuple[str, ...]) -> None:
    """With ``--limit`` the playbook did nothing, and ended well."""
    run = playbooks.run_file("onprem.ecs.offboard", "-i", ",".join(HOSTS), *options)
    assert run.code != 0
    assert "ecs_hosts is not set" in run.text


def test_what_a_host_was_and_could_not_be_removed_is_told_after_the_proof(batch: Playbooks) -> None:
    deny(batch, "DeregisterContainerInstance", -1)
    found = batch.emulator("GET", "state")["container_instances"]
    arns = {one["ec2InstanceId"]: one["containerInstanceArn"] for one in found}
    stale = {**PLACE, "instance_id": "{{ ids.node0 }}", "arn": "{{ arns[ids.node0] }}", "place": PLACE}
    want = {
        "stale": "{{ stale if inventory_hostname == 'node0' else {} }}",
        "register": True,
        "place": {},
        "call": "now",
    }
    role = {"name": "onprem.ecs.external_instance"}
    run = play(
        batch,
        [
            {"ansible.builtin.set_fact": {"__external_instance_want": want, "__external_instance_call": "now"}},
            {"ansible.builtin.set_fact": {"__ssm_agent_registered": {"instance_id": "mi-ffffffffffffffff0"}}},
            {"ansible.builtin.import_role": {**role, "tasks_from": "stale"}},
            {"ansible.builtin.debug": {"msg": "the hosts are proved"}},
            {"name": "Stop", "ansible.builtin.fail": {"msg": "{{ __external_instance_stale_words }}"}},
        ],
        arns=arns,
        stale=stale,
    )
    assert "the hosts are proved" in run.text
    assert f"this may still be there, and the next run will not know of it: {IDS['node0']}" in run.text, run.explain()
    # What can be removed is.
    assert left(batch) == (set(HOSTS), set(HOSTS) - {"node0"})


@pytest.mark.parametrize("who", [[], ["node1"], list(HOSTS)])
def test_what_a_host_was_is_removed_also_when_an_activation_cannot_be(batch: Playbooks, who: list[str]) -> None:
    """And when hosts have failed before."""
    deny(batch, "DescribeActivations", -1, service="ssm")
    account = {"region": REGION, "iam_role": "ecsAnywhereRole", "tags": {}}
    stale = {**PLACE, "instance_id": "{{ ids.node0 }}", "arn": "", "place": PLACE}
    given = {"stale": "{{ stale if inventory_hostname == 'node0' else {} }}", "call": "now", "account": account}
    fails = {"ansible.builtin.fail": {"msg": "no"}, "when": f"inventory_hostname in {who}"}
    clean = {"ansible.builtin.import_role": {"name": "onprem.ecs.external_instance", "tasks_from": "clean"}}
    run = play(
        batch,
        [
            {"ansible.builtin.set_fact": {"__external_instance_want": given, "__external_instance_call": "now"}},
            {"ansible.builtin.set_fact": {"__ssm_agent_registered": {"instance_id": "mi-ffffffffffffffff0"}}},
            {"block": [fails], "always": [clean]},
            {"ansible.builtin.debug": {"msg": "somebody goes on"}},
        ],
        stale=stale,
    )
    assert "lacks the permission ssm:DescribeActivations" in run.text, run.explain()
    assert run.code != 0 and "somebody goes on" not in run.text
    assert left(batch)[1] == set(HOSTS) - {"node0"}


@pytest.mark.parametrize(("count", "skip", "who"), [(1, 1, {"node1"}), (-1, 0, set(HOSTS))])
def test_a_host_that_cannot_leave_stays_where_it_is(batch: Playbooks, count: int, skip: int, who: set[str]) -> None:
    found = batch.emulator("GET", "state")["container_instances"]
    arns = {one["ec2InstanceId"]: one["containerInstanceArn"] for one in found}
    deny(batch, "DeregisterContainerInstance", count, skip)
    want = {"call": "now", "leave": {"arn": "{{ arns[ids[inventory_hostname]] }}", "place": PLACE}}
    run = play(
        batch,
        [
            {"ansible.builtin.set_fact": {"__external_instance_want": want, "__external_instance_call": "now"}},
            {"ansible.builtin.import_role": {"name": "onprem.ecs.external_instance", "tasks_from": "leave"}},
            {"name": "See", "ansible.builtin.assert": {"that": "__external_instance_is_out"}},
        ],
        arns=arns,
    )
    assert stopped(run) == who, run.explain()
    assert left(batch)[0] == who


def test_a_cluster_whose_name_is_a_number_is_no_other_one(playbooks: Playbooks) -> None:
    """YAML and inventories make a number of it, and the host says text."""
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:container-instance/2024/{'0' * 32}"
    ssm = {"other_machine": False, "region": REGION, "instance_id": IDS["node0"], "set_aside": None}
    host = {"agent": {"registered_cluster": "2024", "container_instance_arn": arn}, "ssm": ssm, "problems": []}
    told = {
        "leave": "{{ __external_instance_old_place }}",
        "refusals": "{{ (__external_instance_member_checks + __offboard_checks) | rejectattr('good') | list }}",
    }
    look: dict[str, Any] = {"ecs_host": host}
    path = playbooks.folder / "number.yml"
    tasks = [
        *(
            {"ansible.builtin.import_role": {"name": f"onprem.ecs.{role}", "tasks_from": "in_step"}}
            for role in ("external_instance", "offboard")
        ),
        {"name": "Tell", "ansible.builtin.debug": {"msg": told}},
    ]
    given = {"ecs_region": REGION, "ecs_cluster": 2024, "__ecs_look": look, "__offboard_look": look}
    path.write_text(json.dumps([playbooks.local(tasks, vars=given)]), encoding="utf-8")
    run = playbooks.run_file(str(path), "-i", "localhost,")
    assert run.code == 0, run.explain()
    assert run.named("Tell")["msg"]["leave"] == {}
    assert run.named("Tell")["msg"]["refusals"] == []


@pytest.mark.parametrize(
    ("registered", "configured", "refused"),
    [
        ("shop", "shop", False),
        (None, "shop", False),
        (None, None, False),
        (None, "press", True),
        ("press", "shop", True),
    ],
)
def test_a_host_that_lost_its_state_is_not_taken_out_of_another_cluster(
    playbooks: Playbooks, registered: str | None, configured: str | None, refused: bool
) -> None:
    """It would be taken out of Systems Manager, and stay in its cluster for ever."""
    agent = {**NOTHING, "registered_cluster": registered, "cluster": configured, "container_instance_arn": None}
    host = {**BARE, "agent": agent, "ssm": {**BARE["ssm"], "region": REGION, "instance_id": IDS["node0"]}}
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.import_role": {"name": "onprem.ecs.offboard", "tasks_from": "in_step"}},
        {
            "name": "Tell",
            "ansible.builtin.debug": {"msg": "{{ __offboard_checks | rejectattr('good') | map(attribute='say') }}"},
        },
    ]
    given = {"ecs_region": REGION, "ecs_cluster": "shop", "__offboard_look": {"ecs_host": host}}
    path = playbooks.folder / "cluster.yml"
    path.write_text(json.dumps([playbooks.local(tasks, vars=given)]), encoding="utf-8")
    run = playbooks.run_file(str(path), "-i", "localhost,")
    assert run.code == 0, run.explain()
    words = ["The host is in cluster press, and ecs_cluster is shop. Correct it"] if refused else []
    assert run.named("Tell")["msg"] == words


@pytest.mark.parametrize(
    ("role", "tasks"),
    [("external_instance", "in_step"), ("container_engine", "look"), ("ssm_agent", "look"), ("ecs_agent", "look")],
)
@pytest.mark.parametrize(
    ("proxy", "named"),
    [
        ('{"https": "http://proxy.example:3128"}', "ecs_proxy must"),
        ({"https": "http://proxy.example:3128", "no_proxy": ".example,10.0.0.1"}, "ecs_proxy.no_proxy must"),
    ],
)
def test_text_is_no_dictionary(playbooks: Playbooks, role: str, tasks: str, proxy: Any, named: str) -> None:
    """As with ``-e ecs_proxy=…``, which is text: the roles would find no proxy in it."""
    path = playbooks.folder / "text.yml"
    step = {"ansible.builtin.import_role": {"name": f"onprem.ecs.{role}", "tasks_from": tasks}}
    given = {"ecs_region": REGION, "ecs_proxy": proxy}
    path.write_text(json.dumps([playbooks.local([step], vars=given)]), encoding="utf-8")
    run = playbooks.run_file(str(path), "-i", "localhost,")
    assert run.code != 0
    assert f"{named} not be text, but a dictionary" in run.text, run.explain()
