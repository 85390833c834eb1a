# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks on the roles' pages, as they stand, in the order in which a stranger would use them on two hosts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from readme_blocks import blocks, write_files

from system.controller import CLUSTER, Controller, Run, instance_of, instances_up, readme_user

pytestmark = pytest.mark.lab
PIPELINING = True
NAMES = ("node1", "node2")
PAGES = ("iam", "container_engine", "ssm_agent", "ecs_agent", "external_instance", "offboard")


@dataclass(frozen=True)
class Stranger:
    """Somebody who has the inventory and the keys of README, and has saved the playbooks of the roles' pages."""

    controller: Controller
    connect: tuple[str, ...]
    ran: set[str]

    def run(self, playbook: str) -> Run:
        """Run a playbook of a page; it ends well."""
        self.ran.add(playbook)
        run = self.controller.run(["ansible-playbook", "-i", "inventory.yml", *self.connect, playbook])
        assert run.code == 0, run.text
        return run


@pytest.fixture(scope="module")
def stranger(controller: Controller) -> Iterator[Stranger]:
    """The stranger with two bare hosts and an empty account."""
    connect = readme_user(controller)
    for role in PAGES:
        write_files(controller.home, f"roles/{role}/README.md")
    yield Stranger(controller, connect, set())


def test_the_roles_of_two_regions(stranger: Stranger) -> None:
    stranger.run("roles.yml")
    assert set(stranger.controller.state()["roles"]) == {"ecsAnywhereRole", "ecsTaskExecutionRole"}
    assert stranger.run("roles.yml").changed() == {"localhost": 0}
    stranger.run("audit.yml")


def test_docker(stranger: Stranger) -> None:
    stranger.run("engine.yml")
    for name in NAMES:
        found = stranger.controller.lab.host(name).run("dpkg-query -W -f '${Status}' docker-ce && docker info")
        assert found.returncode == 0, found
        assert found.stdout.startswith("hold ok installed"), found


def test_managed_nodes(stranger: Stranger) -> None:
    stranger.run("managed-nodes.yml")
    state = stranger.controller.state()
    assert {node["PingStatus"] for node in state["managed_nodes"]} == {"Online"}
    assert len(state["managed_nodes"]) == len(NAMES)
    assert state["activations"] == []
    assert set(stranger.run("managed-nodes.yml").changed().values()) == {0}


def test_the_ecs_agent_on_them(stranger: Stranger) -> None:
    stranger.controller.call_aws("ecs", "create_cluster", clusterName=CLUSTER)
    stranger.run("agent.yml")
    instances_up(stranger.controller, *NAMES)


def test_the_whole_role_finds_them_and_changes_what_differs(stranger: Stranger) -> None:
    stranger.run("instances.yml")
    instances_up(stranger.controller, *NAMES)
    written = stranger.controller.lab.host("node1").run("cat /etc/ecs/ecs.config").stdout
    assert "ECS_RESERVED_MEMORY=512\n" in written
    assert set(stranger.run("instances.yml").changed().values()) == {0}


def test_patched_one_after_another(stranger: Stranger) -> None:
    playbook = stranger.controller.home / "patch.yml"
    # A host of the lab is a container, which ends when it would restart.
    playbook.write_text(playbook.read_text().replace("ansible.builtin.reboot:", "ansible.builtin.ping:"))
    stranger.run("patch.yml")
    instances_up(stranger.controller, *NAMES)


def test_upgraded(stranger: Stranger) -> None:
    stranger.run("upgrade.yml")
    instances_up(stranger.controller, *NAMES)
    assert {instance_of(stranger.controller, name)["versionInfo"]["agentVersion"] for name in NAMES} == {"1.105.1"}


def test_one_stays_a_managed_node(stranger: Stranger) -> None:
    stranger.run("offboard.yml")
    state = stranger.controller.state()
    assert len(state["managed_nodes"]) == len(NAMES)
    assert [one["status"] for one in state["container_instances"] if one["status"] != "INACTIVE"] == ["ACTIVE"]


def test_one_is_gone(stranger: Stranger) -> None:
    controller = stranger.controller
    node = instance_of(controller, "node2")["ec2InstanceId"]
    controller.lab.host("node2").stop()
    # Some minutes later Systems Manager has noticed.
    controller.lab.emulator("POST", "nodes/offline", {"InstanceId": node})
    stranger.run("gone.yml")
    state = controller.state()
    assert [node["ComputerName"] for node in state["managed_nodes"]] == ["node1"]
    assert [one for one in state["container_instances"] if one["status"] != "INACTIVE"] == []


def test_no_playbook_was_left_out(stranger: Stranger) -> None:
    shown = {block.name for role in PAGES for block in blocks("file", f"roles/{role}/README.md")}
    assert stranger.ran == shown
