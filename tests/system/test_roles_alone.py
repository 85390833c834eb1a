# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each role alone, for users who do the rest themselves. The tests are in the order in which one would do it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from system.controller import CLUSTER, Controller, Run, instances_up

pytestmark = pytest.mark.lab
PIPELINING = True
HOSTS = 1
ROLE = "ecsAnywhereRole"
SSM_CONFIG = "/etc/amazon/ssm/amazon-ssm-agent.json"
PACKAGES = "dpkg --list; ls /etc/ecs /etc/amazon /var/cache/onprem.ecs 2>&1 || true"


def role(user: Controller, name: str, *options: str, **variables: Any) -> Run:
    """Run one role."""
    play = {"hosts": "ecs", "gather_facts": False, "roles": [f"onprem.ecs.{name}"]}
    return user.play(user.write_play(name, [play]), *options, **variables)


def twice(user: Controller, name: str, **variables: Any) -> None:
    """Run one role, and assert that it changes something, and nothing when it is run again."""
    run = role(user, name, **variables)
    assert run.code == 0, run.text
    assert run.changed()["node1"] > 0
    run = role(user, name, **variables)
    assert run.code == 0, run.text
    assert run.changed() == {"node1": 0}, run.text


def activation(user: Controller, limit: int = 1) -> dict[str, Any]:
    """The variables of a new activation, for this number of hosts."""
    made = user.ask("onprem.ecs.ssm_activation", iam_role=ROLE, region="eu-west-1", registration_limit=limit)
    return {"ecs_activation_id": made["activation_id"], "ecs_activation_code": made["activation_code"]}


def test_iam(controller: Controller) -> None:
    twice(controller, "iam")
    assert list(controller.state()["roles"]) == [ROLE]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("container_engine", ["install docker.io", "let upgrades of the system leave Docker as it is"]),
        ("ssm_agent", ["install the SSM agent (latest)", "register with Systems Manager in eu-west-1"]),
        ("ecs_agent", ["install the ECS agent (latest)"]),
    ],
)
def test_check_mode_on_a_bare_host_says_what_would_be_done(controller: Controller, name: str, said: list[str]) -> None:
    before = controller.lab.host("node1").run(PACKAGES, check=True).stdout
    run = role(controller, name, "--check", **activation(controller))
    assert run.code == 0, run.text
    assert run.changed()["node1"] > 0, run.text
    for words in said:
        assert words in run.text
    assert controller.lab.host("node1").run(PACKAGES, check=True).stdout == before
    assert controller.state()["managed_nodes"] == []


def test_the_ecs_agent_needs_the_others(controller: Controller) -> None:
    run = role(controller, "ecs_agent")
    assert run.code != 0
    assert "Docker is not installed" in run.said_of("node1")
    assert "no managed node" in run.said_of("node1")
    assert run.changed() == {"node1": 0}, run.text


def test_container_engine(controller: Controller) -> None:
    host = controller.lab.host("node1")
    twice(controller, "container_engine")
    assert host.run("systemctl is-enabled docker && docker info --format '{{.ServerVersion}}'").returncode == 0


def test_ssm_agent_with_an_expired_activation(controller: Controller) -> None:
    given = activation(controller)
    controller.lab.emulator("POST", "activations/expire", {"ActivationId": given["ecs_activation_id"]})
    run = role(controller, "ssm_agent", **given)
    assert run.code != 0
    assert "the activation has expired" in run.said_of("node1"), run.text
    assert "make a new activation" in run.said_of("node1")
    assert given["ecs_activation_id"] in run.said_of("node1")
    assert given["ecs_activation_code"] not in run.text
    assert controller.state()["managed_nodes"] == []


def test_ssm_agent(controller: Controller) -> None:
    given = activation(controller)
    run = role(controller, "ssm_agent", **given)
    assert run.code == 0, run.text
    (node,) = controller.state()["managed_nodes"]
    run = role(controller, "ssm_agent", **given)
    assert run.changed() == {"node1": 0}, run.text
    assert [one["InstanceId"] for one in controller.state()["managed_nodes"]] == [node["InstanceId"]]


def test_ssm_agent_without_its_endpoints(controller: Controller) -> None:
    host = controller.lab.host("node1")
    text = host.run(f"cat {SSM_CONFIG}", check=True).stdout
    assert json.loads(text)["Ssm"]["Endpoint"] == controller.variables["ecs_endpoints"]["ssm"]
    # Not twice: here is no AWS but at the endpoints, and an agent that reaches none is restarted each time.
    run = role(controller, "ssm_agent", ecs_endpoints={})
    assert run.code == 0, run.text
    assert run.changed()["node1"] > 0, run.text
    assert host.run(f"test -e {SSM_CONFIG}").returncode == 1
    # Somebody's own stays.
    host.run(f"echo '{{}}' >{SSM_CONFIG}", check=True)
    run = role(controller, "ssm_agent", ecs_endpoints={})
    assert run.code == 0, run.text
    assert host.run(f"cat {SSM_CONFIG}", check=True).stdout == "{}\n"
    twice(controller, "ssm_agent")
    assert host.run(f"cat {SSM_CONFIG}", check=True).stdout == text
    # Where Jinja makes Python objects of texts, which users of ansible-core 2.18 can choose.
    play = controller.write_play("native", [{"hosts": "ecs", "gather_facts": False, "roles": ["onprem.ecs.ssm_agent"]}])
    run = controller.play(play, env={"ANSIBLE_JINJA2_NATIVE": "1"})
    assert run.changed() == {"node1": 0}, run.text


def test_ecs_agent(controller: Controller) -> None:
    controller.ask("community.aws.ecs_cluster", name=CLUSTER, state="present", region="eu-west-1")
    twice(controller, "ecs_agent")
    answer = controller.ask(
        "onprem.ecs.ecs_external_instance",
        cluster=CLUSTER,
        region="eu-west-1",
        instance_ids=[node["InstanceId"] for node in controller.state()["managed_nodes"]],
    )
    assert answer["changed"] is False
    controller.ask("onprem.ecs.ssm_activation", state="absent", iam_role=ROLE, region="eu-west-1", expired=True)
    for one in controller.state()["activations"]:
        controller.ask(
            "onprem.ecs.ssm_activation", state="absent", activation_id=one["ActivationId"], region="eu-west-1"
        )
    instances_up(controller, "node1")


def test_each_looks_for_itself(controller: Controller) -> None:
    """What another role of the same play has seen of the host may be out of date."""
    tasks = [
        {"name": "Enroll", "ansible.builtin.import_role": {"name": "onprem.ecs.external_instance"}},
        {"name": "Stop", "ansible.builtin.command": {"argv": ["systemctl", "stop", "amazon-ssm-agent"]}},
        {"name": "Keep", "ansible.builtin.import_role": {"name": "onprem.ecs.ssm_agent"}},
    ]
    play = {"hosts": "ecs", "gather_facts": False, "tasks": tasks}
    run = controller.play(controller.write_play("after", [play]))
    assert run.code == 0, run.text
    assert controller.lab.host("node1").run("systemctl is-active amazon-ssm-agent").returncode == 0


def test_a_host_that_was_taken_out_in_the_same_run_comes_back(controller: Controller) -> None:
    """What an earlier play has fetched may be gone from the host: offboarding takes the packages away as well."""
    out = {"hosts": "ecs", "gather_facts": False, "roles": ["onprem.ecs.offboard"]}
    agents = {"hosts": "ecs", "gather_facts": False, "roles": ["onprem.ecs.ssm_agent", "onprem.ecs.ecs_agent"]}
    run = controller.play(controller.write_play("again", [out, agents, out, agents]), **activation(controller, limit=2))
    assert run.code == 0, run.text
    (node,) = controller.state()["managed_nodes"]
    assert node["PingStatus"] == "Online"
