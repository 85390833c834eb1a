# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ssm_managed_node_info over HTTP, as Ansible starts it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from emulator.client import REGION

if TYPE_CHECKING:
    from unit.plugins.conftest import Modules

NAME = "ssm_managed_node_info"
ACTIVATIONS = [f"11111111-2222-3333-4444-55555555555{n}" for n in range(2)]
ALIVE, STALE, SILENT, OTHER = (f"mi-0123456789abcdef{n}" for n in range(4))


@pytest.fixture
def fleet(modules: Modules) -> None:
    """A host that is alive, what it left behind, one that is silent, and one of another role."""

    def node(one: str, name: str, status: str, **more: Any) -> dict[str, Any]:
        report = {"ComputerName": name, "IPAddress": "10.0.0.1"}
        common = {"InstanceId": one, "Region": REGION, "IamRole": "one", "ActivationId": ACTIVATIONS[0]}
        return {**common, "Reported": report, "PingStatus": status, **more}

    day_ago = time.time() - 86400
    nodes = [
        node(ALIVE, "Host0", "Online", Tags={"site": "a", "rack": "1"}),
        node(STALE, "host0", "ConnectionLost", RegistrationDate=day_ago, Tags={"site": "a", "rack": "2"}),
        node(SILENT, "host1", "ConnectionLost", RegistrationDate=day_ago, Tags={"site": "b"}),
        node(OTHER, "host2", "Online", IamRole="two", ActivationId=ACTIVATIONS[1]),
    ]
    modules.account.control("POST", "seed", {"nodes": nodes})
    modules.calls()


def ids(result: dict[str, Any]) -> list[str]:
    """Whose nodes are shown."""
    assert result["changed"] is False
    return [one["instance_id"] for one in result["managed_nodes"]]


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, [ALIVE, STALE, SILENT, OTHER]),
        ({"instance_ids": [OTHER, ALIVE, "mi-00000000000000000"]}, [ALIVE, OTHER]),
        ({"iam_role": "two"}, [OTHER]),
        ({"activation_ids": ACTIVATIONS[1:]}, [OTHER]),
        ({"activation_ids": ACTIVATIONS}, [ALIVE, STALE, SILENT, OTHER]),
        ({"ping_status": ["ConnectionLost", "Inactive"]}, [STALE, SILENT]),
        ({"ping_status": ["Inactive"]}, []),
        ({"tags": {"site": "a"}}, [ALIVE, STALE]),
        ({"tags": {"site": "a", "rack": 2}}, [STALE]),
        ({"tags": {"site": None}}, [ALIVE, STALE, SILENT]),
        ({"tags": {"site": None, "rack": None}}, [ALIVE, STALE]),
        ({"tags": {"site": "a"}, "ping_status": ["Online"], "iam_role": "one"}, [ALIVE]),
        ({"tags": {"site": "a"}, "instance_ids": [STALE, OTHER]}, [STALE]),
        ({"tags": {}}, [ALIVE, STALE, SILENT, OTHER]),
        ({"computer_names": ["HOST0"]}, [ALIVE, STALE]),
        ({"computer_names": ["host0"], "inactive_for": 3600}, [STALE]),
        ({"inactive_for": 3600}, [STALE, SILENT]),
        ({"inactive_for": 90000}, []),
        ({"instance_ids": [ALIVE, STALE], "ping_status": ["Online"], "iam_role": "one"}, [ALIVE]),
    ],
)
def test_filters(modules: Modules, options: dict[str, Any], found: list[str]) -> None:
    assert ids(modules.run(NAME, **options)) == found
    assert modules.calls() == {"ssm:DescribeInstanceInformation": 1}


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("option", ["instance_ids", "activation_ids", "ping_status", "computer_names"])
def test_an_empty_list_fits_nothing(modules: Modules, option: str) -> None:
    assert ids(modules.run(NAME, **{option: []})) == []
    assert modules.calls() == {}


@pytest.mark.usefixtures("fleet")
def test_what_is_shown(modules: Modules) -> None:
    (shown,) = modules.run(NAME, instance_ids=[ALIVE], include_tags=True)["managed_nodes"]
    expected = {"computer_name": "Host0", "ip_address": "10.0.0.1", "ping_status": "Online", "last_ping": None}
    assert {key: shown[key] for key in expected} == expected
    assert shown["tags"] == {"site": "a", "rack": "1"}
    assert modules.calls() == {"ssm:DescribeInstanceInformation": 1, "ssm:ListTagsForResource": 1}
    (shown,) = modules.run(NAME, instance_ids=[ALIVE])["managed_nodes"]
    assert shown["tags"] is None


def test_a_ping_counts_from_when_it_was(modules: Modules) -> None:
    node = modules.account.node().come_online()
    assert ids(modules.run(NAME, inactive_for=60)) == []
    assert ids(modules.run(NAME, inactive_for=0)) == [node.instance_id]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"instance_ids": ["node1"]}, "'node1' is not the id of a managed node"),
        ({"iam_role": "arn:aws:iam::1:role/x"}, "SSM calls the role 'x'"),
        ({"activation_ids": ["x"]}, "activation_ids: 'x'"),
        ({"inactive_for": -1}, "less than 0"),
        ({"tags": {"site": ""}}, "null stands for any value"),
        ({"tags": {"site": ["a", "b"]}}, "tags: site must have one value"),
    ],
)
def test_bad_input(modules: Modules, options: dict[str, Any], words: str) -> None:
    assert words in modules.run(NAME, **options)["msg"]
    assert modules.calls() == {}


def test_pages(modules: Modules) -> None:
    modules.account.control("POST", "seed", {"fleet": {"count": 120, "Region": REGION, "IamRole": "one"}})
    modules.calls()
    assert len(ids(modules.run(NAME))) == 120
    assert modules.calls() == {"ssm:DescribeInstanceInformation": 3}
