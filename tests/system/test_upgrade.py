# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""New versions of the agents, host after host. The tests are in the order of a story on two hosts with older agents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hosts.packages import ECS_VERSIONS, SSM_VERSIONS
from hosts.paths import EMULATOR_TLS_PORT
from system.controller import Controller, differences, instance_of, instances_up, run_task, stop_task

pytestmark = pytest.mark.lab
PIPELINING = True
UPGRADE, DRAIN = "onprem.ecs.upgrade", "onprem.ecs.drain"
OLD: dict[str, Any] = {"ecs_ssm_agent_version": SSM_VERSIONS[0], "ecs_agent_version": ECS_VERSIONS[0]}
NAMES = ("node1", "node2")
#: The port of all AWS endpoints, as the hosts of a lab see them.
RULE = f"OUTPUT --protocol tcp --dport {EMULATOR_TLS_PORT} --jump REJECT --reject-with tcp-reset"


@pytest.fixture(scope="module")
def user(controller: Controller) -> Iterator[Controller]:
    """A user with two external instances that have the older agents."""
    run = controller.enroll(**OLD)
    assert run.code == 0, run.text
    assert versions(controller) == dict.fromkeys(NAMES, (SSM_VERSIONS[0], ECS_VERSIONS[0]))
    yield controller


def versions(user: Controller) -> dict[str, tuple[str, str]]:
    """The versions of SSM agent and ECS agent that AWS was told by each host."""
    ssm = {node["ComputerName"]: node["AgentVersion"] for node in user.state()["managed_nodes"]}
    return {name: (ssm[name], instance_of(user, name)["versionInfo"]["agentVersion"]) for name in NAMES}


def ids(user: Controller) -> list[str]:
    """The managed nodes."""
    return sorted(node["InstanceId"] for node in user.state()["managed_nodes"])


def test_check_mode_touches_nothing(user: Controller) -> None:
    before = user.footprint()
    user.forget_calls()
    run = user.play(UPGRADE, "--check", "--diff")
    assert run.code == 0, run.text
    told = f"install what is newer than the SSM agent {SSM_VERSIONS[0]} and the ECS agent {ECS_VERSIONS[0]}"
    assert run.words.count(told) == len(NAMES), run.text
    run = user.play(UPGRADE, "--check", ecs_agent_version=ECS_VERSIONS[1], ecs_ssm_agent_version=SSM_VERSIONS[1])
    assert run.code == 0, run.text
    assert run.words.count(f"install the ECS agent {ECS_VERSIONS[1]} in the place of {ECS_VERSIONS[0]}") == len(NAMES)
    assert min(run.changed().values()) > 0
    assert user.calls().writes == {}
    assert differences(before, user.footprint()) == []


def test_it_stops_at_the_first_host_that_does_not_come_back(user: Controller) -> None:
    before = user.footprint("node2")
    host = user.lab.host("node1")
    host.run(f"iptables --insert {RULE}", check=True)
    run = user.play(UPGRADE, ecs_upgrade_drain=True, ecs_wait_timeout=20)
    host.run(f"iptables --delete {RULE}", check=True)
    assert run.code != 0, run.text
    assert run.recap["node1"]["failed"] == 1
    assert "refuses connections" in run.said_of("node1"), run.text
    assert "node2" not in run.recap, run.text
    assert differences(before, user.footprint("node2")) == []
    assert instance_of(user, "node1")["status"] == "DRAINING"
    assert instance_of(user, "node2")["status"] == "ACTIVE"


def test_it_is_resumed_and_gives_the_hosts_back(user: Controller) -> None:
    nodes = ids(user)
    run = user.play(UPGRADE, ecs_upgrade_drain=True)
    assert run.code == 0, run.text
    instances_up(user, *NAMES)
    assert ids(user) == nodes
    assert versions(user) == dict.fromkeys(NAMES, (SSM_VERSIONS[-1], ECS_VERSIONS[-1]))
    programs = f"/var/lib/ecs/deps/execute-command/bin/{SSM_VERSIONS[-1]}"
    for name in NAMES:
        assert user.lab.host(name).run(f"test -x {programs}/ssm-session-worker").returncode == 0, "for ECS Exec"


def test_then_nothing_is_left_to_do(user: Controller) -> None:
    before = user.footprint()
    user.forget_calls()
    run = user.play(UPGRADE, ecs_upgrade_drain=True)
    assert run.code == 0, run.text
    assert run.changed() == dict.fromkeys(NAMES, 0), run.text
    assert user.calls().writes == {}
    # The newest is only known by its signature, which is fetched into that folder for a moment.
    changed = [line for line in differences(before, user.footprint()) if " --- " not in line and " +++ " not in line]
    assert [line for line in changed if not line.endswith("/var/cache/onprem.ecs")] == []


def test_a_host_is_given_back_by_its_own_variable(user: Controller) -> None:
    run = user.play(DRAIN)
    assert run.code == 0, run.text
    run = user.play(UPGRADE, ecs_serial=2, ecs_upgrade_drain="{{ inventory_hostname == 'node2' }}")
    assert run.code == 0, run.text
    assert [instance_of(user, name)["status"] for name in NAMES] == ["DRAINING", "ACTIVE"]
    run = user.play(DRAIN, ecs_drain=False)
    assert run.code == 0, run.text
    instances_up(user, *NAMES)


def test_an_agent_that_is_still_on_its_way_is_waited_for(user: Controller) -> None:
    """As after a run that was stopped when it had restarted the agent: AWS takes its time with the registration."""
    slow = {"service": "ecs", "operation": "RegisterContainerInstance", "kind": "delay", "seconds": 15, "count": -1}
    user.lab.emulator("POST", "faults", slow)
    host = user.lab.host("node1")
    host.run("systemctl restart --no-block ecs", check=True)
    asked = host.run("sleep 2; curl --silent localhost:51678/v1/metadata").stdout
    run = user.play(UPGRADE, "--limit", "node1")
    user.lab.emulator("DELETE", "faults")
    assert "arn:aws:ecs" not in asked, "it was not on its way"
    assert run.code == 0, run.text
    assert run.changed() == {"node1": 0}, run.text
    instances_up(user, *NAMES)


def test_to_an_older_version_while_tasks_run(user: Controller) -> None:
    task = run_task(user, "alone", instance_of(user, "node1")["containerInstanceArn"])
    user.forget_calls()
    run = user.play(UPGRADE, "--limit", "node1", **OLD)
    assert run.code == 0, run.text
    assert user.calls().writes == {}
    assert versions(user)["node1"] == (SSM_VERSIONS[0], ECS_VERSIONS[0])
    assert [(one["taskArn"], one["lastStatus"]) for one in user.state()["tasks"]] == [(task, "RUNNING")]
    instances_up(user, *NAMES)
    stop_task(user, task)


def test_a_host_that_somebody_has_drained_stays_so(user: Controller) -> None:
    run = user.play("onprem.ecs.drain", "--limit", "node1")
    assert run.code == 0, run.text
    run = user.play(UPGRADE, "--limit", "node1")
    assert run.code == 0, run.text
    assert versions(user)["node1"] == (SSM_VERSIONS[-1], ECS_VERSIONS[-1])
    assert instance_of(user, "node1")["status"] == "DRAINING"


def test_enroll_restarts_the_agents_for_exact_versions(user: Controller) -> None:
    """And waits for both; what ECS Exec needs is there at once."""
    run = user.play("onprem.ecs.drain", "--limit", "node1", ecs_drain=False)
    assert run.code == 0, run.text
    programs = "/var/lib/ecs/deps/execute-command/bin"
    user.lab.host("node1").run(f"rm -r {programs}/{SSM_VERSIONS[0]}", check=True)
    run = user.enroll("--limit", "node1", **OLD)
    assert run.code == 0, run.text
    assert user.lab.host("node1").run(f"test -x {programs}/{SSM_VERSIONS[0]}/ssm-session-worker").returncode == 0
    assert versions(user)["node1"] == (SSM_VERSIONS[0], ECS_VERSIONS[0])
    instances_up(user, *NAMES)


#: The new package's image is cut off before it is loaded.
CUT = """[Service]
ExecStartPre=
ExecStartPre=/usr/bin/truncate --size=-1 /var/cache/ecs/ecs-agent.tar
ExecStartPre=/usr/libexec/amazon-ecs-init pre-start
"""


def test_an_image_that_cannot_be_loaded_is_named(user: Controller) -> None:
    """The agent's unit cannot be started then: why, its log says."""
    folder = "/etc/systemd/system/ecs.service.d"
    user.lab.host("node1").run(f"mkdir -p {folder}; echo '{CUT}' > {folder}/cut.conf", check=True)
    run = user.play(UPGRADE, "--limit", "node1", ecs_wait_timeout=20)
    assert run.recap["node1"]["failed"] == 1, run.text
    assert "or not be loaded into Docker. Remedy: install the package amazon-ecs-init again" in run.said_of("node1"), (
        run.text
    )
