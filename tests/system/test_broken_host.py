# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host of two cannot be enrolled: the other comes up, and the broken one is named with a reason.

The tests are in the order of a story on one account: node1 comes up in the first, node2 is broken in one way after
another, and comes up in the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hosts.paths import EMULATOR_TLS_PORT
from system.controller import Controller, Run, differences, instances_up

pytestmark = pytest.mark.lab
PIPELINING = True


@contextmanager
def broken(user: Controller, breaks: str, repairs: str) -> Iterator[None]:
    """node2 is broken for so long."""
    host = user.lab.host("node2")
    host.run(breaks, check=True)
    try:
        yield
    finally:
        host.run(repairs, check=True)


def only_node1_is_up(user: Controller, run: Run) -> None:
    """Assert that the run failed for node2 alone, and cleaned up."""
    assert run.code != 0, run.text
    assert run.recap["node1"]["failed"] == run.recap["node1"]["unreachable"] == 0, run.text
    assert user.state()["activations"] == []


def test_unreachable(controller: Controller) -> None:
    controller.lab.host("node2").stop()
    run = controller.enroll()
    controller.lab.host("node2").start()
    only_node1_is_up(controller, run)
    assert run.recap["node2"]["unreachable"] == 1
    assert "UNREACHABLE" in run.said_of("node2")
    assert "port 22: No route to host" in run.said_of("node2")
    instances_up(controller, "node1")


def test_docker_is_masked(controller: Controller) -> None:
    with broken(controller, "systemctl mask docker.service", "systemctl unmask docker.service"):
        run = controller.enroll()
    only_node1_is_up(controller, run)
    assert run.recap["node2"]["failed"] == 1
    assert "docker.service is masked" in run.said_of("node2")
    instances_up(controller, "node1")


def test_systems_manager_is_blocked(controller: Controller) -> None:
    rule = f"OUTPUT --protocol tcp --dport {EMULATOR_TLS_PORT} --jump REJECT --reject-with tcp-reset"
    # Docker would bring iptables, but is not there yet.
    install = "apt-get --quiet update && apt-get --quiet --yes install iptables"
    with broken(controller, f"{install} && iptables --insert {rule}", f"iptables --delete {rule}"):
        run = controller.enroll()
    only_node1_is_up(controller, run)
    assert run.recap["node2"]["failed"] == 1
    said = run.said_of("node2")
    assert "refuses connections" in said
    assert "firewall" in said
    instances_up(controller, "node1")


def test_ecs_refuses_the_only_host(controller: Controller) -> None:
    fault = {"service": "ecs", "operation": "RegisterContainerInstance", "kind": "error", "count": 1000}
    denied = {"status": 400, "code": "AccessDeniedException", "message": "not authorized to perform this action"}
    controller.lab.emulator("POST", "faults", {**fault, **denied})
    run = controller.enroll("--limit", "node2", ecs_wait_timeout=15)
    controller.lab.emulator("DELETE", "faults")
    assert run.recap["node2"]["failed"] == 1, run.text
    # The only host of the run has failed.
    assert controller.state()["activations"] == []
    assert "AccessDenied" in run.said_of("node2")
    assert "ecsAnywhereRole" in run.said_of("node2") or "role" in run.said_of("node2")


def test_after_the_repair_the_next_run_brings_it_up(controller: Controller) -> None:
    before, files = controller.state()["managed_nodes"], controller.footprint("node1")
    run = controller.enroll()
    assert run.code == 0, run.text
    # What is done once for all hosts, such as naming node2, counts for the first of them.
    assert differences(files, controller.footprint("node1")) == []
    instances_up(controller, "node1", "node2")
    after = {node["InstanceId"] for node in controller.state()["managed_nodes"]}
    assert {node["InstanceId"] for node in before} <= after
