# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook ``status``, and what docs/fleet.md shows, run as it stands."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import boto3
import pytest
from readme_blocks import blocks, policy, write_files
from runner import REGION, Playbooks, Run, environment, program

import emulator

PAGE = "docs/fleet.md"
IDS = [f"mi-0123456789abcdef{n}" for n in range(3)]


@pytest.fixture
def fleet(playbooks: Playbooks) -> Playbooks:
    """The fleet of the page: two hosts, and the node that the second left behind two days ago."""

    def node(number: int, name: str, status: str, **more: Any) -> dict[str, Any]:
        report = {"ComputerName": name, "IPAddress": f"10.0.0.{number}"}
        common = {"InstanceId": IDS[number], "Region": REGION, "IamRole": "ecsAnywhereRole"}
        return {**common, "Reported": report, "PingStatus": status, **more}

    nodes = [
        node(0, "node1", "Online"),
        node(1, "node2", "Online"),
        node(2, "node2", "ConnectionLost", RegistrationDate=1_700_000_000),
    ]
    connected = {"Region": REGION, "cluster": "edge", "agentConnected": True}
    site = [{"name": "site", "value": "berlin"}]
    instances = [{**connected, "InstanceId": one, "attributes": site} for one in IDS[:2]]
    instances[0]["tags"] = {"Name": "rack-1"}
    playbooks.emulator("POST", "seed", {"nodes": nodes, "container_instances": instances})
    state = playbooks.emulator("GET", "state")["container_instances"]
    for one, count in zip(IDS[:2], (12, 3), strict=True):
        (arn,) = [known["containerInstanceArn"] for known in state if known["ec2InstanceId"] == one]
        playbooks.emulator("POST", "tasks", {"containerInstance": arn, "count": count})
    playbooks.emulator("DELETE", "calls")
    return playbooks


def status(playbooks: Playbooks, environ: dict[str, str] | None = None, **variables: Any) -> list[str]:
    """The table that the playbook ends with."""
    given = {"ecs_aws": {"endpoint_url": playbooks.url}, "ecs_region": REGION, **variables}
    done = playbooks.run_file("onprem.ecs.status", "-e", json.dumps(given), **(environ or {}))
    assert done.code == 0, done.explain()
    assert playbooks.emulator("GET", "calls")["writes"] == 0
    lines: list[str] = done.named("Show the hosts")["msg"]
    return lines


def test_status(fleet: Playbooks) -> None:
    """The page shows what comes."""
    (shown,) = blocks("output", PAGE)
    assert status(fleet) == shown.text.splitlines()
    in_cluster = [line.split()[1] for line in status(fleet, ecs_cluster="edge")]
    assert in_cluster == ["NODE", *IDS[:2]]
    assert status(fleet, ecs_region="us-east-1") == ["CLUSTER  NODE  NAME  PING  AGENT  ECS  CONNECTED  TASKS"]


def test_status_in_the_region_of_the_connection(fleet: Playbooks) -> None:
    given = {"ecs_aws": {"endpoint_url": fleet.url, "region": REGION}}
    done = fleet.run_file("onprem.ecs.status", "-e", json.dumps(given))
    assert done.code == 0, done.explain()
    assert len(done.named("Show the hosts")["msg"]) == 4


@pytest.mark.parametrize("cluster", ["egde", "arn:aws:ecs:eu-west-1:123456789012:cluster/egde"])
def test_status_of_a_cluster_that_does_not_exist(fleet: Playbooks, cluster: str) -> None:
    """It does not look like a fleet that was lost."""
    given = {"ecs_aws": {"endpoint_url": fleet.url}, "ecs_region": REGION, "ecs_cluster": cluster}
    done = fleet.run_file("onprem.ecs.status", "-e", json.dumps(given))
    assert done.code != 0
    assert done.results[-1]["msg"].startswith(f"There is no cluster {cluster} in the Region {REGION} of this account.")


def test_status_needs_no_root(fleet: Playbooks) -> None:
    """Also where the user's configuration, or the inventory, says that all is done as root."""
    sudo = {"ANSIBLE_BECOME_EXE": "/bin/false", "ANSIBLE_BECOME_ALLOW_SAME_USER": "true"}
    assert len(status(fleet, {**sudo, "ANSIBLE_BECOME": "true"})) == 4
    inventory = fleet.folder / "hosts.yml"
    inventory.write_text("all: {hosts: {node1: }, vars: {ansible_become: true}}", encoding="utf-8")
    assert len(status(fleet, {**sudo, "ANSIBLE_INVENTORY": str(inventory)})) == 4


def test_clear_away(fleet: Playbooks) -> None:
    path = next(path for path in write_files(fleet.folder, PAGE) if path.name == "clear.yml")

    def run(*options: str) -> tuple[Run, int]:
        fleet.emulator("DELETE", "calls")
        done = fleet.run_file(str(path), *options, AWS_ENDPOINT_URL=fleet.url)
        assert done.code == 0, done.explain()
        return done, fleet.emulator("GET", "calls")["writes"]

    checked, writes = run("--check", "--diff")
    assert writes == 0
    done, writes = run()
    assert writes == 1
    changes = [one.named("Deregister them")["changes"] for one in (checked, done)]
    assert changes == [[f"deregister {IDS[2]} (node2)"]] * 2
    left = [one["InstanceId"] for one in fleet.emulator("GET", "state")["managed_nodes"]]
    assert left == IDS[:2]
    again, writes = run()
    assert (again.named("Deregister them")["changed"], writes) == (False, 0)


def inventory(fleet: Playbooks, option: str) -> str:
    """What ansible-inventory tells of the page's inventory."""
    path = next(path for path in write_files(fleet.folder, PAGE) if path.name.endswith("external_instances.yml"))
    done = subprocess.run(
        [program("ansible-inventory"), "-i", str(path), option],
        env={**environment(fleet.folder), "AWS_ENDPOINT_URL": fleet.url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_inventory(fleet: Playbooks) -> None:
    listed = [line.strip(" |-") for line in inventory(fleet, "--graph").splitlines()]
    for group in ("external_instances", "ssm_online", "ecs_cluster_edge", "ecs_active", "site_berlin"):
        start = listed.index(f"@{group}:") + 1
        assert listed[start : start + 2] == ["node1", "node2"]


def test_the_inventory_says_where_the_hosts_are(fleet: Playbooks) -> None:
    hosts = json.loads(inventory(fleet, "--list"))["_meta"]["hostvars"]
    found = {name: hosts["node1"][name] for name in ("ansible_host", "ecs_region", "ecs_cluster", "ecs_node_name")}
    # Some versions of Ansible mark here that a text is no template.
    named = {name: value["__ansible_unsafe"] if isinstance(value, dict) else value for name, value in found.items()}
    assert named == {"ansible_host": "10.0.0.0", "ecs_region": REGION, "ecs_cluster": "edge", "ecs_node_name": "rack-1"}
    assert "ecs_node_name" not in hosts["node2"], "it has no name"


def test_a_viewer_needs_no_more_than_the_page_says(fleet: Playbooks) -> None:
    """A user with the policy of the page and nothing else sees everything, and every action of it is used."""
    iam = boto3.client(
        "iam",
        region_name=REGION,
        endpoint_url=fleet.url,
        aws_access_key_id=emulator.ACCESS_KEY,
        aws_secret_access_key=emulator.SECRET_KEY,
    )
    document = policy("viewer", PAGE)
    iam.create_user(UserName="viewer")
    iam.put_user_policy(UserName="viewer", PolicyName="look", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="viewer")["AccessKey"]
    fleet.emulator("DELETE", "calls")
    fleet.emulator("DELETE", "log")
    own = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    assert len(status(fleet, own)) == 4
    made = {f"{entry['service']}:{entry['operation']}" for entry in fleet.emulator("GET", "log")}
    assert made == set(document["Statement"][0]["Action"])
