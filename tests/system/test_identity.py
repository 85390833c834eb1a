# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that are not who they were: a node that AWS has forgotten, and a clone. The tests are in order, on two hosts.

The other host, whom it does not concern, stays what it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from hosts import Host
from system.controller import CLUSTER, Controller, differences, instance_of

pytestmark = pytest.mark.lab
PIPELINING = True
NAMES = ("node1", "node2")
UNITS = "amazon-ssm-agent ecs"
#: What makes a host a copy of another: its registration, and what its agents keep.
IDENTITY = "var/lib/amazon/ssm root/.aws var/lib/ecs/data"
#: An agent that has valid credentials does not take what its first call is told for an error.
LOGS = "/var/log/amazon/ssm/errors.log /var/log/amazon/ssm/amazon-ssm-agent.log"
FORGOTTEN = f"cat {LOGS} 2>/dev/null | grep -q InvalidInstanceId"


@pytest.fixture(scope="module")
def user(controller: Controller) -> Iterator[Controller]:
    """A user with two external instances, in a cluster that somebody has made before."""
    providers = {
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "base": 1, "weight": 1}],
    }
    controller.call_aws("ecs", "create_cluster", clusterName=CLUSTER, **providers)
    run = controller.enroll()
    assert run.code == 0, run.text
    (cluster,) = controller.call_aws("ecs", "describe_clusters", clusters=[CLUSTER])["clusters"]
    assert {name: cluster[name] for name in providers} == providers
    yield controller


def node_of(user: Controller, name: str) -> str:
    """The managed node that a host takes itself for."""
    vault = user.lab.host(name).run("cat /var/lib/amazon/ssm/Vault/Store/RegistrationKey", check=True).stdout
    return str(json.loads(vault)["instanceID"])


def introspection(user: Controller, name: str) -> str:
    """The container instance that the ECS agent of a host says it is."""
    said = user.lab.host(name).run("curl --silent localhost:51678/v1/metadata", check=True).stdout
    return str(json.loads(said)["ContainerInstanceArn"])


def up(user: Controller, *names: str) -> None:
    """Assert that AWS knows these hosts and no others, online, active and connected. What went is INACTIVE."""
    assert sorted(node["ComputerName"] for node in user.state()["managed_nodes"]) == sorted(names)
    assert {node["PingStatus"] for node in user.state()["managed_nodes"]} == {"Online"}
    there = [one for one in user.state()["container_instances"] if one["status"] != "INACTIVE"]
    assert sorted(one["ec2InstanceId"] for one in there) == sorted(node_of(user, name) for name in names)
    assert {(one["status"], one["agentConnected"]) for one in there} == {("ACTIVE", True)}


def forget(user: Controller, name: str) -> str:
    """AWS forgets the managed node of a host, and its agent is told so; the id that it had."""
    old, host = node_of(user, name), user.lab.host(name)
    user.ask("onprem.ecs.ssm_managed_node", instance_ids=[old], state="absent", protect=False)
    host.run(f"rm -f {LOGS}; systemctl restart amazon-ssm-agent", check=True)
    wait_on(host, FORGOTTEN)
    return old


def wait_on(host: Host, question: str) -> None:
    """Wait until a shell command succeeds on a host."""
    assert host.run(f"for i in $(seq 120); do {question} && exit; sleep 0.5; done; exit 1").returncode == 0, question


def test_a_node_that_aws_has_forgotten_becomes_a_new_one(user: Controller) -> None:
    arn, other = introspection(user, "node2"), node_of(user, "node1")
    old = forget(user, "node2")
    run = user.enroll(ecs_remove_stale=True, ecs_wait_timeout=60)
    assert run.code == 0, run.text
    assert node_of(user, "node2") != old and introspection(user, "node2") != arn
    assert node_of(user, "node1") == other
    up(user, *NAMES)
    run = user.enroll(ecs_remove_stale=True)
    assert run.changed() == dict.fromkeys(NAMES, 0), run.text


def test_what_a_host_was_is_removed_also_when_it_fails_later(user: Controller) -> None:
    """The next run could not know what it was: it has another registration by then."""
    before = instance_of(user, "node2")["containerInstanceArn"]
    # Also where nobody is left that has credentials.
    user.lab.host("node2").run("rm -r /root/.aws", check=True)
    forget(user, "node2")
    fault = {"service": "ecs", "operation": "RegisterContainerInstance", "kind": "error", "count": 1000}
    denied = {"status": 400, "code": "AccessDeniedException", "message": "not authorized to perform this action"}
    user.lab.emulator("POST", "faults", {**fault, **denied})
    run = user.enroll(ecs_remove_stale=True, ecs_wait_timeout=15)
    user.lab.emulator("DELETE", "faults")
    assert run.recap["node2"]["failed"] == 1 and run.recap["node1"]["failed"] == 0, run.text
    (was,) = (one for one in user.state()["container_instances"] if one["containerInstanceArn"] == before)
    assert was["status"] == "INACTIVE"
    run = user.enroll(ecs_wait_timeout=60)
    assert run.code == 0, run.text
    up(user, *NAMES)


def test_a_host_that_was_taken_out_of_ecs_alone_joins_again(user: Controller) -> None:
    """Its agent runs on, and answers as before."""
    host, node, arn = user.lab.host("node2"), node_of(user, "node2"), introspection(user, "node2")
    user.ask("onprem.ecs.ecs_external_instance", cluster=CLUSTER, instance_ids=[node], state="absent", force=True)
    wait_on(host, "grep -qs 'instance is deregistered' /var/log/ecs/ecs-agent.log")
    assert introspection(user, "node2") == arn
    run = user.enroll(ecs_wait_timeout=60)
    assert run.code == 0, run.text
    assert node_of(user, "node2") == node and introspection(user, "node2") != arn
    up(user, *NAMES)
    run = user.enroll()
    assert run.changed() == dict.fromkeys(NAMES, 0), run.text


def test_a_host_that_was_taken_out_of_ecs_while_its_agent_was_stopped_joins_again(user: Controller) -> None:
    """Nobody can tell before the agent starts: it ends then, and systemd starts it again and again."""
    host, node, arn = user.lab.host("node2"), node_of(user, "node2"), introspection(user, "node2")
    host.run("systemctl stop ecs", check=True)
    user.ask("onprem.ecs.ecs_external_instance", cluster=CLUSTER, instance_ids=[node], state="absent", force=True)
    run = user.enroll(ecs_wait_timeout=60)
    assert run.code == 0, run.text
    assert "the agent's kept state is of a container instance that was deregistered" in run.words, run.text
    assert node_of(user, "node2") == node and introspection(user, "node2") != arn
    up(user, *NAMES)
    run = user.enroll()
    assert run.changed() == dict.fromkeys(NAMES, 0), run.text


def test_an_agent_whose_folder_of_credentials_was_removed_is_restarted(user: Controller) -> None:
    host, ask = user.lab.host("node2"), "systemctl show --property=ActiveEnterTimestampMonotonic ecs"
    began = host.run(ask, check=True).stdout
    host.run("rm -r /root/.aws", check=True)
    run = user.enroll(ecs_wait_timeout=60)
    assert run.code == 0, run.text
    assert host.run(ask, check=True).stdout != began
    up(user, *NAMES)
    run = user.enroll()
    assert run.changed() == dict.fromkeys(NAMES, 0), run.text


@pytest.mark.parametrize("playbook", ["enroll", "drain", "offboard"])
def test_one_machine_by_two_names_is_refused(user: Controller, playbook: str) -> None:
    group = user.group
    there = group["hosts"]["node1"]
    inventory = user.write_inventory("twice", {**group, "hosts": {**group["hosts"], "again": there}})
    before = user.footprint()
    user.forget_calls()
    run = user.play(f"onprem.ecs.{playbook}", "-i", inventory, ecs_hosts="ecs")
    assert run.code != 0 and "node1 and again are one managed node: mi-" in run.words, run.text
    assert user.calls().writes == {} and differences(before, user.footprint()) == []


def test_a_clone_is_not_taken_for_the_original(user: Controller) -> None:
    """node2 gets the disk of node1, as far as its identity goes; its machine-id is its own."""
    copy = user.lab.host("node1").run(f"tar -c -C / {IDENTITY} | base64 -w0", check=True).stdout
    old = node_of(user, "node2")
    host = user.lab.host("node2")
    host.run(f"systemctl stop {UNITS}; rm -r /var/lib/amazon/ssm/Vault", check=True)
    host.run("base64 -d | tar -x -C /", stdin=copy, check=True)
    user.ask("onprem.ecs.ecs_external_instance", cluster=CLUSTER, instance_ids=[old], state="absent", force=True)
    user.ask("onprem.ecs.ssm_managed_node", instance_ids=[old], state="absent", protect=False)
    assert node_of(user, "node2") == node_of(user, "node1")
    for playbook in ("offboard", "drain", "upgrade"):
        user.forget_calls()
        run = user.play(f"onprem.ecs.{playbook}", ecs_hosts="node2")
        assert run.code != 0 and "is another machine's: a cloned disk" in run.said_of("node2"), run.text
        assert user.calls().writes == {}
    up(user, "node1")


def test_a_clone_becomes_a_host_of_its_own_in_another_cluster(user: Controller) -> None:
    original = instance_of(user, "node1")
    run = user.enroll("--limit", "node2", ecs_cluster="other", ecs_remove_stale=True, ecs_wait_timeout=60)
    assert run.code == 0, run.text
    assert instance_of(user, "node1") == original, "the original is in its cluster"
    clone = instance_of(user, "node2")
    assert (clone["status"], clone["agentConnected"], clone["clusterName"]) == ("ACTIVE", True, "other")
    assert node_of(user, "node2") == clone["ec2InstanceId"] != original["ec2InstanceId"]
    assert len(user.state()["managed_nodes"]) == 2
