# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory ``external_instances``, as ``ansible-inventory`` shows it."""

from __future__ import annotations

import ast
import json
import subprocess
from typing import Any

import pytest
import yaml
from runner import COLLECTION, REGION, Playbooks, environment, program

PLUGIN = "onprem.ecs.external_instances"
SOURCE = COLLECTION / "plugins" / "inventory" / "external_instances.py"
IDS = [f"mi-0123456789abcdef{n}" for n in range(5)]
#: A host whose administrator would like to run something on the controller.
TEMPLATE = "{{ 7 * 191 }}"


def examples() -> list[dict[str, Any]]:
    """The files that the plugin's EXAMPLES show."""
    for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "EXAMPLES":
            return list(yaml.safe_load_all(ast.literal_eval(node.value)))
    raise KeyError("EXAMPLES")


def _plain(value: dict[str, Any]) -> Any:
    """Without the mark of texts that are no templates: ansible-core 2.19 puts it on every text of an inventory."""
    return value.get("__ansible_unsafe", value)


class Inventory:
    """Runs ``ansible-inventory`` with one file of this plugin."""

    def __init__(self, playbooks: Playbooks) -> None:
        self.playbooks = playbooks

    def start(self, file: str = "external_instances.yml", **options: Any) -> subprocess.CompletedProcess[str]:
        """The program, ended."""
        path = self.playbooks.folder / file
        path.write_text(yaml.safe_dump({"plugin": PLUGIN, "regions": [REGION], **options}), encoding="utf-8")
        home = self.playbooks.folder
        strict = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true", "AWS_ENDPOINT_URL": self.playbooks.url}
        self.playbooks.emulator("DELETE", "calls")
        return subprocess.run(
            [program("ansible-inventory"), "-i", str(path), "--list"],
            cwd=home,
            env={**environment(home), **strict},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def list(self, **options: Any) -> tuple[dict[str, Any], dict[str, list[str]]]:
        """Variables by host, and hosts by group."""
        done = self.start(**options)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout, object_hook=_plain)
        hosts = told.pop("_meta")["hostvars"]
        return hosts, {name: sorted(group.get("hosts", [])) for name, group in told.items() if name != "all"}

    def calls(self) -> dict[str, int]:
        """What AWS was asked for by the last run."""
        counted = self.playbooks.emulator("GET", "calls")
        assert counted["writes"] == 0
        found: dict[str, int] = counted["calls"]
        return found


@pytest.fixture
def inventory(playbooks: Playbooks) -> Inventory:
    """On an empty account."""
    return Inventory(playbooks)


@pytest.fixture
def fleet(inventory: Inventory) -> Inventory:
    """A host in each of two clusters, what the first left behind, one in no cluster, and one that is inactive."""

    def node(number: int, name: str, status: str, **more: Any) -> dict[str, Any]:
        report = {"ComputerName": name, "IPAddress": f"10.0.0.{number}"}
        common = {"InstanceId": IDS[number], "Region": REGION, "IamRole": "one", "Name": "all-the-same"}
        return {**common, "Reported": report, "PingStatus": status, **more}

    def instance(number: int, cluster: str, **more: Any) -> dict[str, Any]:
        common = {"InstanceId": IDS[number], "Region": REGION, "cluster": cluster, "agentConnected": True}
        return {**common, "attributes": [{"name": "site", "value": "berlin"}], **more}

    nodes = [
        node(0, "host0", "Online", Tags={"site": "berlin"}),
        node(1, "host0", "ConnectionLost"),
        node(2, TEMPLATE, "Online", Name="rack 3"),
        node(3, "localhost", "Online", IamRole="two", Name="rack-4"),
        node(4, "host4", "Inactive"),
    ]
    gone = {"InstanceId": "mi-00000000000000000", "Region": REGION, "cluster": "edge"}
    instances = [instance(0, "edge"), instance(2, "core-1", status="DRAINING", tags={"x": TEMPLATE}), gone]
    inventory.playbooks.emulator("POST", "seed", {"nodes": nodes, "container_instances": instances})
    return inventory


def test_everything(fleet: Inventory) -> None:
    hosts, groups = fleet.list(compose={"ansible_host": "ip_address", "label": "tags.x | default(computer_name)"})
    assert hosts.keys() == {"host0", "10.0.0.1", "10.0.0.2", "rack-4"}
    shown = hosts["host0"]["external_instance"]
    expected = {"instance_id": IDS[0], "cluster": "edge", "region": REGION, "attributes": {"site": "berlin"}}
    assert {key: shown[key] for key in expected} == expected
    assert [hosts[name]["ansible_host"] for name in ("host0", "rack-4")] == ["10.0.0.0", "10.0.0.3"]
    draining = hosts["10.0.0.2"]
    assert [draining["label"], draining["external_instance"]["computer_name"]] == [TEMPLATE, TEMPLATE]
    assert groups == {
        "external_instances": sorted(hosts),
        "ssm_online": sorted(["host0", "10.0.0.2", "rack-4"]),
        "ssm_connection_lost": ["10.0.0.1"],
        "ecs_cluster_edge": ["host0"],
        "ecs_cluster_core_1": ["10.0.0.2"],
        "ecs_active": ["host0"],
        "ecs_draining": ["10.0.0.2"],
    }
    assert fleet.calls() == {
        "ecs:ListClusters": 1,
        "ecs:ListContainerInstances": 2,
        "ecs:DescribeContainerInstances": 2,
        "ssm:DescribeInstanceInformation": 1,
    }


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"clusters": ["edge"]}, [0]),
        ({"clusters": ["nowhere"]}, []),
        ({"ping_status": ["Inactive"]}, [4]),
        ({"ping_status": ["Online", "ConnectionLost", "Inactive"]}, [0, 1, 2, 3, 4]),
        ({"iam_role": "two"}, [3]),
        ({"tags": {"site": "berlin"}}, [0]),
        ({"tags": {"site": None}, "clusters": ["core-1"]}, []),
    ],
)
def test_options(fleet: Inventory, options: dict[str, Any], found: list[int]) -> None:
    hosts, _groups = fleet.list(hostnames=["instance_id"], **options)
    assert sorted(hosts) == [IDS[number] for number in found]


def test_without_ecs(fleet: Inventory) -> None:
    hosts, groups = fleet.list(ecs=False)
    assert len(hosts) == 4
    assert groups.keys() == {"external_instances", "ssm_online", "ssm_connection_lost"}
    assert fleet.calls() == {"ssm:DescribeInstanceInformation": 1}


def test_regions(fleet: Inventory) -> None:
    assert fleet.list(regions=["us-east-1"])[0] == {}
    hosts, _groups = fleet.list(regions=["us-east-1", REGION], ecs=False)
    assert {host["external_instance"]["region"] for host in hosts.values()} == {REGION}


@pytest.mark.parametrize("number", range(len(examples())))
def test_examples(fleet: Inventory, number: int) -> None:
    hosts, groups = fleet.list(**examples()[number])
    assert [name for name in hosts if hosts[name]["external_instance"]["instance_id"] == IDS[0]] == [
        "all-the-same" if number == 1 else "host0"
    ]
    assert ("ansible_host" in hosts.popitem()[1]) == (number == 0)
    assert ("site_berlin" in groups) == (number == 1)


def test_a_cluster_by_its_arn(fleet: Inventory) -> None:
    """It is looked for in its own Region alone: in another ECS says Invalid Region in ARN."""
    arn = f"arn:aws:ecs:{REGION}:123456789012:cluster/edge"
    hosts, _groups = fleet.list(regions=["us-east-1", REGION], clusters=[arn])
    assert list(hosts) == ["host0"]
    assert fleet.calls() == {
        "ecs:ListContainerInstances": 1,
        "ecs:DescribeContainerInstances": 1,
        "ssm:DescribeInstanceInformation": 1,
    }


def test_a_region_named_twice(fleet: Inventory) -> None:
    hosts, _groups = fleet.list(regions=[REGION, REGION], ecs=False)
    assert hosts.keys() == {"host0", "10.0.0.1", "10.0.0.2", "rack-4"}
    assert fleet.calls() == {"ssm:DescribeInstanceInformation": 1}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"clusters": ["{{ 'edge' }}"]}, ["host0"]),
        ({"iam_role": "{{ 'two' }}"}, ["rack-4"]),
        ({"tags": {"site": "{{ 'berlin' }}"}}, ["host0"]),
    ],
)
def test_templates(fleet: Inventory, options: dict[str, Any], found: list[str]) -> None:
    assert list(fleet.list(**options)[0]) == found


def test_hosts_that_call_themselves_like_groups(inventory: Inventory) -> None:
    """Ansible would make the group a member of the host's groups, and set the host's variables for all of the group."""
    names = ["host0", "all", "ecs_cluster_edge", "busy", "site_berlin"]
    reports = [{"ComputerName": name, "IPAddress": f"10.0.0.{number}"} for number, name in enumerate(names)]
    common = {"Region": REGION, "IamRole": "one", "PingStatus": "Online"}
    nodes = [{**common, "InstanceId": one, "Reported": report} for one, report in zip(IDS, reports)]
    attributes = [{"name": "site", "value": "berlin"}]
    edge = {"InstanceId": IDS[0], "Region": REGION, "cluster": "edge", "attributes": attributes}
    inventory.playbooks.emulator("POST", "seed", {"nodes": nodes, "container_instances": [edge]})
    hosts, groups = inventory.list(
        compose={"ansible_host": "ip_address"},
        groups={"busy": "cluster is not none"},
        keyed_groups=[{"key": "attributes.site", "prefix": "site"}],
    )
    # Of groups by key Ansible knows no names beforehand; it warns of such a host.
    assert {name: host["ansible_host"] for name, host in hosts.items()} == {
        "host0": "10.0.0.0",
        "10.0.0.1": "10.0.0.1",
        "10.0.0.2": "10.0.0.2",
        "10.0.0.3": "10.0.0.3",
        "site_berlin": "10.0.0.4",
    }
    assert groups["external_instances"] == groups["ssm_online"] == sorted(hosts)
    assert groups["ecs_cluster_edge"] == groups["busy"] == groups["site_berlin"] == ["host0"]


def test_a_role_to_assume(fleet: Inventory) -> None:
    """STS is asked in the first of the Regions, when the connection has none."""
    done = fleet.start(assume_role_arn="arn:aws:iam::123456789012:role/nobody")
    assert done.returncode != 0
    assert "is not authorized to perform: sts:AssumeRole" in " ".join(done.stderr.split())


def test_pages_and_cache(inventory: Inventory) -> None:
    """120 hosts are three pages of SSM and two of ECS; from the cache they cost nothing."""
    wanted = {"count": 120, "Region": REGION, "IamRole": "one", "cluster": "edge"}
    inventory.playbooks.emulator("POST", "seed", {"fleet": wanted})
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": ".cache"}
    found = inventory.list(clusters=["edge"], **cache)
    assert len(found[0]) == 120
    assert inventory.calls() == {
        "ecs:ListContainerInstances": 2,
        "ecs:DescribeContainerInstances": 2,
        "ssm:DescribeInstanceInformation": 3,
    }
    assert inventory.list(clusters=["edge"], **cache) == found
    assert inventory.calls() == {}
    # What a template gives now is another question.
    assert inventory.list(clusters=["{{ 'elsewhere' }}"], **cache)[0] == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"file": "hosts.yml"}, "could not be verified by inventory plugin"),
        ({"clusters": ["edge"], "ecs": False}, "cannot be looked at with ecs=false"),
        ({"iam_role": "arn:aws:iam::1:role/x"}, "SSM calls the role 'x'"),
        ({"ping_status": ["Lost"]}, "Lost"),
        ({"clusters": ["{{ '' }}"]}, "clusters: one is empty"),
        ({"regions": []}, "region"),
    ],
)
def test_refused(inventory: Inventory, options: dict[str, Any], words: str) -> None:
    done = inventory.start(**options)
    assert done.returncode != 0
    assert words in " ".join(done.stderr.split())


def test_what_aws_refuses_is_told(inventory: Inventory) -> None:
    fault = {"service": "ecs", "operation": "ListClusters", "kind": "error", "count": 1, "status": 400}
    inventory.playbooks.emulator("POST", "faults", {**fault, "code": "AccessDeniedException", "message": "no"})
    done = inventory.start()
    assert done.returncode != 0
    told = " ".join(done.stderr.split())
    assert "The caller lacks the permission ecs:ListClusters" in told
    assert f"Region {REGION}: ecs:ListClusters failed" in told
