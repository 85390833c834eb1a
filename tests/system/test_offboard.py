# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts are taken out, alive or gone, and nothing else is touched. The tests are a story on two hosts, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from readme_blocks import policy

from system.controller import Controller, Run, differences, instance_of, instances_up, run_task, stop_task

pytestmark = pytest.mark.lab
PIPELINING = True
OFFBOARD = "onprem.ecs.offboard"
#: An image with nothing but sleep and its libraries, and containers: somebody's, the agent's, those of tasks.
MAKE_CONTAINERS = """
set -e
tar -ch /bin/sleep $(ldd /bin/sleep | grep -o '/[^ ]*') 2>/dev/null | docker import - own:1
docker run --detach --name own own:1 /bin/sleep 10000
docker create --name ecs-agent own:1 /bin/sleep 10000
task=com.amazonaws.ecs.task-arn=arn:aws:ecs:eu-west-1:123456789012:task/shop
docker create --name ended --label $task/1 own:1 /bin/sleep 10000
docker run --detach --name kept --label $task/2 own:1 /bin/sleep 10000
# As ecs-init does where there is AppArmor.
mkdir -p /etc/apparmor.d
echo "profile ecs-agent-default {}" > /etc/apparmor.d/ecs-agent-default
"""
#: What docs/life.md says that the controller needs.
PERMITTED = {action for one in policy("life", "docs/life.md")["Statement"] for action in one["Action"]}
#: What a registration leaves that was cut off by a loss of power.
SET_ASIDE = """
cd /var/lib/amazon/ssm
mkdir -m 0700 .registration-before && mv Vault registration .registration-before
systemctl restart amazon-ssm-agent
"""
CONTAINERS = "docker ps --all --format '{{.Names}}' | sort"


@pytest.fixture(scope="module")
def user(controller: Controller) -> Iterator[Controller]:
    """A user with two external instances, the first of which has containers of others."""
    run = controller.enroll()
    assert run.code == 0, run.text
    controller.lab.host("node1").run(MAKE_CONTAINERS, check=True)
    yield controller


def offboard(user: Controller, host: str, *options: str, **variables: Any) -> Run:
    """Take one host out."""
    return user.play(OFFBOARD, *options, ecs_hosts=host, **variables)


def account(user: Controller) -> tuple[list[str], list[str]]:
    """The names of the managed nodes, and of those that are in the cluster."""
    state = user.state()
    names = {node["InstanceId"]: node["ComputerName"] for node in state["managed_nodes"]}
    members = [one["ec2InstanceId"] for one in state["container_instances"] if one["status"] != "INACTIVE"]
    return sorted(names.values()), sorted(names.get(one, one) for one in members)


def containers(user: Controller, host: str) -> list[str]:
    """The names of a host's containers."""
    return user.lab.host(host).run(CONTAINERS, check=True).stdout.split()


def traces(user: Controller, host: str) -> list[str]:
    """What a host still has of AWS's agents and of the roles."""
    found = user.footprint(host)[host].splitlines()
    return [line for line in found if re.search(r"amazon|onprem|[/-]ecs\b|\.aws\b", line)]


def test_nobody_is_taken_out_without_being_named(user: Controller) -> None:
    run = user.play(OFFBOARD)
    assert run.code != 0
    assert "ecs_hosts is not set" in run.words, run.text
    assert account(user) == (["node1", "node2"], ["node1", "node2"])


def test_check_mode_says_what_it_would_do(user: Controller) -> None:
    before, kept = user.footprint(), containers(user, "node1")
    user.forget_calls()
    run = offboard(user, "node1", "--check", "--diff")
    assert run.code == 0, run.text
    for words in (
        "and wait",
        "from cluster shop",
        "from Systems Manager in eu-west-1",
        "stop and disable ecs.service and amazon-ssm-agent.service",
        "remove the packages amazon-ecs-init and amazon-ssm-agent",
        "remove configuration, state and logs of the agents",
    ):
        assert words in run.words
    assert run.changed()["node1"] >= 5
    assert user.calls().writes == {}
    assert differences(before, user.footprint()) == []
    assert containers(user, "node1") == kept


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"ecs_cluster": "press"}, "The host is in cluster shop, and ecs_cluster is press"),
        ({"ecs_region": "eu-central-1"}, "The host is registered in eu-west-1, and ecs_region is eu-central-1"),
        ({"ecs_instance_id": "mi-00000000000000000"}, "but the host is mi-"),
        ({"ecs_host_gone": True}, "The host is not gone"),
        ({"ecs_offboard_steps": ["drain", "all"]}, "value of ecs_offboard_steps must be one or more of"),
    ],
)
def test_what_cannot_be_meant_is_refused(user: Controller, variables: dict[str, Any], says: str) -> None:
    before = user.footprint("node1")
    user.forget_calls()
    run = offboard(user, "node1", **variables)
    assert run.recap["node1"]["failed"] == 1, run.text
    assert says in run.said_of("node1"), run.text
    assert user.calls().writes == {}
    assert differences(before, user.footprint("node1")) == []


def test_another_accounts_credentials_take_nothing_off_a_host(user: Controller) -> None:
    """To them the host, which is alive, would look like one that is gone. Here it is the host that tells of another."""
    host = user.lab.host("node1")
    move = "sed -i s/:{}:container-instance/:{}:container-instance/ /var/lib/ecs/data/agent.db"
    here, other = "123456789012", "210987654321"
    host.run(f"systemctl stop ecs; {move.format(here, other)}", check=True)
    before = user.footprint("node1")
    user.forget_calls()
    run = offboard(user, "node1")
    after = user.footprint("node1")
    host.run(f"{move.format(other, here)}; systemctl start ecs", check=True)
    assert run.recap["node1"]["failed"] == 1, run.text
    assert f"account_id is {other}, and these credentials are of {here}" in run.said_of("node1"), run.text
    assert user.calls().writes == {} and differences(before, after) == []


def test_a_host_with_tasks_stays(user: Controller) -> None:
    task = run_task(user, "alone", instance_of(user, "node1")["containerInstanceArn"])
    before = user.footprint("node1")
    run = offboard(user, "node1", ecs_drain_timeout=5, ecs_drain_on_timeout="reactivate")
    assert run.recap["node1"]["failed"] == 1, run.text
    assert "1 tasks" in run.said_of("node1")
    assert differences(before, user.footprint("node1")) == []
    instances_up(user, "node1", "node2")
    stop_task(user, task)


def test_killed_in_the_middle_and_run_again(user: Controller) -> None:
    packages = "test -e /var/lib/dpkg/info/amazon-ecs-init.list"
    host = user.lab.host("node1")
    user.kill_when(lambda: host.run(packages).returncode != 0, everything=True, playbook=OFFBOARD, ecs_hosts="node1")
    assert account(user) == (["node2"], ["node2"])
    assert traces(user, "node1") != [], "it was to be killed before it had removed everything"
    run = offboard(user, "node1")
    assert run.code == 0, run.text
    assert account(user) == (["node2"], ["node2"])
    assert traces(user, "node1") == []


def test_nothing_else_on_the_host_was_touched(user: Controller) -> None:
    host = user.lab.host("node1")
    assert containers(user, "node1") == ["kept", "own"]
    running = host.run("docker ps --format '{{.Names}}' | sort; docker images --quiet own:1 | wc -l", check=True)
    assert running.stdout.split() == ["kept", "own", "1"]
    assert host.run("systemctl is-active docker && systemctl is-enabled docker").returncode == 0


def test_then_nothing_is_left_to_do(user: Controller) -> None:
    before = user.footprint("node1")
    user.forget_calls()
    run = offboard(user, "node1")
    assert run.code == 0, run.text
    assert run.changed()["node1"] == 0, run.text
    assert user.calls().by_name == {}
    assert differences(before, user.footprint("node1")) == []


def test_a_host_that_is_gone(user: Controller) -> None:
    known = instance_of(user, "node2")
    run_task(user, "lost", known["containerInstanceArn"])
    user.lab.host("node2").stop()
    run = offboard(user, "node2")
    assert "The host does not answer" in run.said_of("node2"), run.text
    assert "set ecs_host_gone" in run.said_of("node2")
    # SSM has not noticed yet.
    run = offboard(user, "node2", ecs_host_gone=True)
    assert "The host is not gone" in run.said_of("node2"), run.text
    assert account(user) == (["node2"], ["node2"])

    user.lab.emulator("POST", "nodes/offline", {"InstanceId": known["ec2InstanceId"]})
    user.forget_calls()
    run = offboard(user, "node2", "--check", ecs_host_gone=True)
    assert run.code == 0, run.text
    assert user.calls().writes == {}
    run = offboard(user, "node2", ecs_host_gone=True)
    assert run.code == 0, run.text
    assert account(user) == ([], [])
    assert set(user.calls().by_name) - {"sts:GetCallerIdentity"} <= PERMITTED

    user.forget_calls()
    for variables in ({"ecs_host_gone": True}, {"ecs_instance_id": known["ec2InstanceId"]}):
        run = offboard(user, "node2", **variables)
        assert run.code == 0, run.text
        assert run.changed()["node2"] == 0, run.text
    assert user.calls().writes == {}


def test_enrolled_again(user: Controller) -> None:
    run = user.enroll("--limit", "node1")
    assert run.code == 0, run.text
    assert account(user) == (["node1"], ["node1"])
    assert instance_of(user, "node1")["agentConnected"] is True


def test_it_may_stay_a_managed_node(user: Controller) -> None:
    steps = ["drain", "ecs", "stop", "packages", "state"]
    run = offboard(user, "node1", ecs_offboard_steps=steps)
    assert run.code == 0, run.text
    assert account(user) == (["node1"], [])
    host = user.lab.host("node1")
    assert host.run("systemctl is-active amazon-ssm-agent && ! systemctl is-active ecs").returncode == 0
    assert [line for line in traces(user, "node1") if re.search(r"/ecs\b|amazon-ecs", line)] == []
    run = offboard(user, "node1", ecs_offboard_steps=steps)
    assert run.changed()["node1"] == 0, run.text
    (node,) = (one["InstanceId"] for one in user.state()["managed_nodes"])
    # The rest; without the program "docker", as without docker-cli, and after a new registration that was cut off.
    host.run(f"mv /usr/bin/docker /usr/bin/away; {SET_ASIDE}", check=True)
    run = offboard(user, "node1")
    assert f"was cut off: it was {node} before" in run.said_of("node1"), run.text
    user.forget_calls()
    run = offboard(user, "node1", ecs_instance_id=node)
    assert run.code == 0, run.text
    assert "Containers of the agents could not be looked for on node1" in run.words, run.text
    assert set(user.calls().by_name) - {"sts:GetCallerIdentity"} <= PERMITTED
    assert account(user) == ([], [])
    assert traces(user, "node1") == []
