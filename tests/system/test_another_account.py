# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose account is closed forgets it with the play of docs/life.md. Each test begins with what the last left."""

from __future__ import annotations

import pytest
from readme_blocks import write_files

from system.controller import ENROLL, Controller

pytestmark = pytest.mark.lab
HOSTS = 1
PIPELINING = True
OFFBOARD = "onprem.ecs.offboard"
REFUSAL = "in the account 210987654321, and these credentials are of 123456789012"


def be_of_another_account(user: Controller) -> None:
    """Let the host's container instance be one of another account. Here it is only the host that says so."""
    place = "s/:123456789012:container-instance/:210987654321:container-instance/"
    user.lab.host("node1").run(f"systemctl stop ecs; sed -i {place} /var/lib/ecs/data/agent.db", check=True)


def forget(user: Controller) -> None:
    """Do what the page says, and do it again."""
    (path,) = (path for path in write_files(user.home, "docs/life.md") if path.name == "forget.yml")
    user.forget_calls()
    run, again = (user.play(str(path), ecs_hosts="node1") for _time in range(2))
    assert (run.code, again.code) == (0, 0), run.text + again.text
    assert (run.changed()["node1"], again.changed()["node1"]) == (2, 0), run.text + again.text
    assert user.calls().by_name == {}


def node(user: Controller, cluster: str) -> str:
    """The managed node of the host, which is up in this cluster."""
    (one,) = (one for one in user.state()["container_instances"] if one["agentConnected"])
    assert (one["status"], one["clusterName"]) == ("ACTIVE", cluster)
    return str(one["ec2InstanceId"])


def test_it_does_not_move_until_it_has_forgotten_its_account(controller: Controller) -> None:
    first = controller.enroll(ecs_cluster="first")
    assert first.code == 0, first.text
    was = node(controller, "first")
    be_of_another_account(controller)
    refused = controller.enroll(ecs_cluster="second")
    assert refused.recap["node1"]["failed"] == 1, refused.text
    assert REFUSAL in refused.said_of("node1"), refused.text
    forget(controller)
    moved = controller.play(ENROLL, ecs_cluster="second")
    assert moved.code == 0, moved.text
    assert node(controller, "second") != was
    assert controller.enroll(ecs_cluster="second").changed() == {"node1": 0}


def test_it_is_not_offboarded_until_it_has_forgotten_its_account(controller: Controller) -> None:
    be_of_another_account(controller)
    refused = controller.play(OFFBOARD, ecs_hosts="node1", ecs_cluster="second")
    assert refused.recap["node1"]["failed"] == 1, refused.text
    assert "account_id is 210987654321" in refused.said_of("node1"), refused.text
    forget(controller)
    controller.forget_calls()
    run = controller.play(OFFBOARD, ecs_hosts="node1", ecs_cluster="second")
    assert run.code == 0, run.text
    assert controller.calls().writes == {}
    left = "/etc/ecs /var/lib/ecs/data/agent.db /var/lib/amazon/ssm /root/.aws/credentials"
    assert controller.lab.host("node1").run(f"ls -d {left} 2>/dev/null").stdout == ""
