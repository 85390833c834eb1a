# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ecs_external_instance_info over HTTP, as Ansible starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from emulator.client import REGION

if TYPE_CHECKING:
    from unit.plugins.conftest import Modules

NAME = "ecs_external_instance_info"


@pytest.fixture
def fleets(modules: Modules) -> dict[str, list[str]]:
    """Hosts in two clusters, in none, and one whose node was deregistered."""
    made = {}
    for name, cluster, role in (("edge", "edge", "one"), ("core", "core", "two"), ("none", None, "one")):
        wanted = {"count": 2, "Region": REGION, "IamRole": role, "cluster": cluster}
        made[name] = sorted(modules.account.control("POST", "seed", {"fleet": wanted})["fleet"])
    made["gone"] = ["mi-0123456789abcdef0"]
    gone = {"InstanceId": made["gone"][0], "Region": REGION, "cluster": "edge", "agentConnected": False}
    ec2 = {**gone, "InstanceId": "i-0123456789abcdef0"}
    modules.account.control("POST", "seed", {"container_instances": [gone, ec2]})
    modules.calls()
    return made


def ids(result: dict[str, object]) -> list[str]:
    """Whose hosts are shown."""
    found = result["instances"]
    assert isinstance(found, list)
    assert result["changed"] is False
    return [one["instance_id"] for one in found]


def test_an_empty_account(modules: Modules) -> None:
    assert ids(modules.run(NAME)) == []
    assert ids(modules.run(NAME, cluster="nowhere")) == []
    modules.calls()
    assert ids(modules.run(NAME, instance_ids=[])) == []
    assert modules.calls() == {}


def test_a_cluster_that_does_not_exist_is_told(modules: Modules, fleets: dict[str, list[str]]) -> None:
    arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/egde"
    gone = "arn:aws:ecs:eu-west-1:123456789012:container-instance/egde/0"
    for cluster in ("egde", arn):
        result = modules.run(NAME, cluster=cluster)
        assert (ids(result), result["missing_clusters"]) == ([], [cluster])
    assert modules.run(NAME, instance_ids=[gone])["missing_clusters"] == ["egde"]
    there: list[dict[str, Any]] = [{"cluster": "edge"}, {}, {"instance_ids": []}, {"instance_ids": fleets["edge"]}]
    for options in there:
        assert modules.run(NAME, **options)["missing_clusters"] == []


def test_everything(modules: Modules, fleets: dict[str, list[str]]) -> None:
    result = modules.run(NAME)
    assert ids(result) == sorted(one for some in fleets.values() for one in some)
    assert modules.calls() == {
        "ecs:ListClusters": 1,
        "ecs:ListContainerInstances": 2,
        "ecs:DescribeContainerInstances": 2,
        "ssm:DescribeInstanceInformation": 1,
    }
    shown = {one["instance_id"]: one for one in result["instances"]}
    gone = shown[fleets["gone"][0]]
    assert (gone["ping_status"], gone["ecs_status"], gone["agent_connected"]) == (None, "ACTIVE", False)
    alone = shown[fleets["none"][0]]
    assert (alone["ping_status"], alone["container_instance_arn"], alone["cluster"]) == ("Online", None, None)
    assert shown[fleets["core"][0]]["cluster"] == "core"


def test_of_a_cluster(modules: Modules, fleets: dict[str, list[str]]) -> None:
    assert ids(modules.run(NAME, cluster="edge")) == sorted(fleets["edge"] + fleets["gone"])
    assert "ecs:ListClusters" not in modules.calls()


def test_of_a_role(modules: Modules, fleets: dict[str, list[str]]) -> None:
    assert ids(modules.run(NAME, iam_role="one")) == sorted(fleets["edge"] + fleets["none"])
    assert ids(modules.run(NAME, iam_role="one", cluster="edge")) == fleets["edge"]
    assert "SSM calls the role 'one'" in modules.run(NAME, iam_role="arn:aws:iam::1:role/one")["msg"]


def test_by_id_and_by_arn(modules: Modules, fleets: dict[str, list[str]]) -> None:
    wanted = [fleets["core"][0], fleets["none"][1], "mi-00000000000000000"]
    result = modules.run(NAME, instance_ids=wanted)
    assert ids(result) == sorted(wanted[:2])
    (arn,) = [one["container_instance_arn"] for one in result["instances"] if one["container_instance_arn"]]
    modules.calls()
    assert ids(modules.run(NAME, instance_ids=[arn])) == [fleets["core"][0]]
    assert modules.calls() == {"ecs:DescribeContainerInstances": 1, "ssm:DescribeInstanceInformation": 1}
    assert "neither" in modules.run(NAME, instance_ids=["node1"])["msg"]


def test_pages(modules: Modules) -> None:
    wanted = {"count": 250, "Region": REGION, "IamRole": "one", "cluster": "edge"}
    modules.account.control("POST", "seed", {"fleet": wanted})
    modules.calls()
    assert len(ids(modules.run(NAME, cluster="edge"))) == 250
    assert modules.calls() == {
        "ecs:ListContainerInstances": 3,
        "ecs:DescribeContainerInstances": 3,
        "ssm:DescribeInstanceInformation": 5,
    }
