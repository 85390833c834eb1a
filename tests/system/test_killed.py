# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``ansible-playbook`` is killed at three points of enrolling, and at one of an upgrade, and run again each time.

Each run meets what the one before left and gets as far as its own point, the last one to the end.
"""

from __future__ import annotations

from typing import Any

import pytest

from hosts import Host
from hosts.packages import ECS_VERSIONS, SSM_VERSIONS
from system.controller import Controller, instance_of, instances_up
from system.searching import found_on

pytestmark = pytest.mark.lab
#: The same for both agents, as in an upgrade.
UNPACK_AGENTS = "dpkg --unpack /var/cache/onprem.ecs/*.deb"
#: What a loss of power leaves while dpkg unpacks: the program that unpacks kills dpkg. Apt refuses to begin then.
CUT = r"""
systemctl daemon-reload
mkdir -p /tmp/cut
cat > /tmp/cut/dpkg-deb <<'END'
#!/bin/sh
case "$*" in *--fsys-tarfile*) kill -9 $PPID ;; *) exec /usr/bin/dpkg-deb "$@" ;; esac
END
chmod 0755 /tmp/cut/dpkg-deb
for package in {packages}; do PATH=/tmp/cut:$PATH dpkg --unpack "$package"; done
apt-get check && exit 1
rm -r /tmp/cut
"""
CUT_AGENTS = CUT.replace("{packages}", "/var/cache/onprem.ecs/*.deb")
FETCH = (
    "apt-get update --quiet && apt-get install --quiet --yes --download-only docker.io\ncd /var/cache/apt/archives\n"
)
#: Docker is unpacked, and not configured, before what it needs is there: dpkg alone cannot complete it.
UNPACK = FETCH + "dpkg --unpack docker.io_*.deb && systemctl daemon-reload && ! dpkg --configure --pending"
#: In the middle of Docker, and of what it needs.
CUT_DOCKER = FETCH + "dpkg --unpack $(ls *.deb | grep -v ^docker)" + CUT.replace("{packages}", "docker.io_*.deb")
CUT_CONTAINERD = FETCH + CUT.replace("{packages}", "containerd_*.deb")
#: What a kill leaves of Docker and of the agents: how they are killed, and the packages' state in dpkg's words.
DOCKER_KILLED = {"node3": (UNPACK, "iU "), "node4": (CUT_DOCKER, "iHR"), "node5": (CUT_CONTAINERD, "")}
AGENTS_KILLED = {"node1": (UNPACK_AGENTS, "iU"), "node2": (CUT_AGENTS, "iHR")}
AGENTS = "dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' amazon-ecs-init amazon-ssm-agent"
OLD: dict[str, Any] = {"ecs_ssm_agent_version": SSM_VERSIONS[0], "ecs_agent_version": ECS_VERSIONS[0]}


def on_any_host(user: Controller, question: str) -> bool:
    """Whether a shell command succeeds on one of the hosts."""
    return any(host.run(question).returncode == 0 for host in user.lab.hosts())


def has_docker(user: Controller) -> bool:
    """Docker is installed on a host, and perhaps held already."""
    return on_any_host(user, "dpkg-query -W -f '${Status}' docker.io 2>/dev/null | grep -q ' ok installed'")


def has_ecs_agent(user: Controller) -> bool:
    """The ECS agent is being installed on a host, or has been."""
    return on_any_host(user, "test -e /var/lib/dpkg/info/amazon-ecs-init.list")


def nodes(user: Controller) -> list[str]:
    """The ids of the managed nodes."""
    return sorted(node["InstanceId"] for node in user.state()["managed_nodes"])


def test_killed_at_three_points_and_run_again(controller: Controller) -> None:
    # With Docker there, and nothing of AWS. What runs on the hosts at the moment runs on.
    run = controller.kill_when(lambda: has_docker(controller), everything=False, **OLD)
    assert not run.recap, run.text
    assert nodes(controller) == []
    assert len(controller.state()["activations"]) == 1, "it was to be killed with an activation made"

    # As soon as a host is a managed node: the agent has not taken its identity yet.
    run = controller.kill_when(lambda: nodes(controller) != [], everything=True, **OLD)
    assert not run.recap, run.text
    assert controller.state()["container_instances"] == []

    # During the installation of the ECS agent.
    run = controller.kill_when(lambda: has_ecs_agent(controller), everything=True, **OLD)
    assert not run.recap, run.text
    before = nodes(controller)
    assert len(before) == 2

    run = controller.enroll(**OLD)
    assert run.code == 0, run.text
    instances_up(controller, "node1", "node2")
    assert nodes(controller) == before, "a host became another node"


def test_then_nothing_is_left_to_do(controller: Controller) -> None:
    controller.forget_calls()
    run = controller.enroll(**OLD)
    assert run.code == 0, run.text
    assert run.changed() == {"node1": 0, "node2": 0}
    assert controller.calls().writes == {}


def test_killing_leaves_no_activation_code_behind(controller: Controller) -> None:
    codes = controller.codes()
    assert len(codes) >= 2
    for host in controller.lab.hosts():
        assert found_on(host, codes) == [], host.name


def test_an_upgrade_killed_between_installation_and_restart(controller: Controller) -> None:
    """The new package is there, and the old agent runs on; its process is the only thing that tells."""
    host = controller.lab.host("node1")
    installed = f"dpkg-query -W -f '${{Status}} ${{Version}}' amazon-ecs-init | grep -q 'installed {ECS_VERSIONS[-1]}'"
    running = "curl --silent localhost:51678/v1/metadata"
    # The installation lasts some seconds longer than the package needs, so that it is killed before the restart.
    host.run("echo 'post-invoke=sleep 8' > /etc/dpkg/dpkg.cfg.d/slow", check=True)
    controller.kill_when(
        lambda: host.run(installed).returncode == 0,
        everything=True,
        playbook="onprem.ecs.upgrade",
        ecs_hosts="node1",
    )
    host.run("rm /etc/dpkg/dpkg.cfg.d/slow; while pgrep -x dpkg; do sleep 0.2; done", check=True)
    assert f"v{ECS_VERSIONS[0]} " in host.run(running, check=True).stdout, "it was to be killed before the restart"

    run = controller.play("onprem.ecs.upgrade", ecs_hosts="node1")
    assert run.code == 0, run.text
    assert f"v{ECS_VERSIONS[-1]} " in host.run(running, check=True).stdout
    assert instance_of(controller, "node1")["versionInfo"]["agentVersion"] == ECS_VERSIONS[-1]
    run = controller.play("onprem.ecs.upgrade", ecs_hosts="node1")
    assert run.changed() == {"node1": 0}, run.text


def broken(controller: Controller, name: str, kill: str, left: str) -> Host:
    """A host whose agents' packages were left so; the host."""
    host = controller.lab.host(name)
    host.run(kill, check=True)
    assert host.run(AGENTS, check=True).stdout.split() == ["amazon-ecs-init", left, "amazon-ssm-agent", left]
    return host


def test_installations_of_docker_that_were_killed_are_completed(controller: Controller) -> None:
    hosts = {name: controller.lab.add_host(name) for name in DOCKER_KILLED}
    status = "dpkg-query -W -f '${db:Status-Abbrev}' docker.io"
    for name, (kill, left) in DOCKER_KILLED.items():
        hosts[name].run(kill, check=True)
        assert hosts[name].run(status).stdout == left
    play = {"hosts": ",".join(hosts), "gather_facts": False, "roles": ["onprem.ecs.container_engine"]}
    path = controller.write_play("engine", [play])
    run = controller.play(path)
    assert run.code == 0, run.text
    for host in hosts.values():
        assert host.run(status, check=True).stdout == "hi "
        assert host.run("systemctl is-active docker.service").returncode == 0
    run = controller.play(path)
    assert run.changed() == dict.fromkeys(hosts, 0), run.text
    for name in hosts:
        controller.lab.remove_host(name)


@pytest.mark.parametrize(
    ("playbook", "kills"),
    [("onprem.ecs.enroll", AGENTS_KILLED), ("onprem.ecs.upgrade", {"node1": AGENTS_KILLED["node2"]})],
)
def test_agents_whose_installation_was_killed_are_completed(
    controller: Controller, playbook: str, kills: dict[str, tuple[str, str]]
) -> None:
    hosts = [broken(controller, name, *kill) for name, kill in kills.items()]
    run = controller.play(playbook, ecs_hosts=",".join(kills))
    assert run.code == 0, run.text
    for host in hosts:
        assert host.run(AGENTS, check=True).stdout.split() == ["amazon-ecs-init", "ii", "amazon-ssm-agent", "ii"]
    instances_up(controller, "node1", "node2")
    run = controller.enroll()
    assert run.changed() == {"node1": 0, "node2": 0}, run.text


def test_agents_whose_installation_was_killed_are_taken_out(controller: Controller) -> None:
    hosts = [broken(controller, name, *kill) for name, kill in AGENTS_KILLED.items()]
    for host in hosts:
        assert host.run("systemctl is-active ecs.service").returncode == 0
    run = controller.play("onprem.ecs.offboard", ecs_hosts="all")
    assert run.code == 0, run.text
    for host in hosts:
        assert host.run(AGENTS).stdout == ""
        assert host.run("systemctl is-active ecs.service amazon-ssm-agent.service").stdout.split() == ["inactive"] * 2
        assert host.run("apt-get check").returncode == 0
    assert controller.state()["managed_nodes"] == []
    run = controller.play("onprem.ecs.offboard", ecs_hosts="all")
    assert run.code == 0 and set(run.changed().values()) == {0}, run.text
