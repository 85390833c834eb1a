# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The joined view of a host, and what it lacks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.ecs.plugins.module_utils import _ecs_instance as view

NOW = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
ONE, TWO = "mi-00000000000000001", "mi-00000000000000002"


def node(**changed: Any) -> dict[str, Any]:
    """A managed node as DescribeInstanceInformation shows it."""
    return {"InstanceId": ONE, "PingStatus": "Online", "ComputerName": "edge1", **changed}


def container(**changed: Any) -> dict[str, Any]:
    """A container instance as DescribeContainerInstances shows it."""
    return {
        "containerInstanceArn": "arn:aws:ecs:eu-west-1:123456789012:container-instance/edge/1",
        "ec2InstanceId": ONE,
        "status": "ACTIVE",
        "agentConnected": True,
        "registeredAt": NOW,
        **changed,
    }


def arn(number: int) -> str:
    """An ARN."""
    return f"arn:aws:ecs:eu-west-1:123456789012:container-instance/edge/{number}"


def test_each_host_once_sorted() -> None:
    hosts = view.join({TWO: node(InstanceId=TWO)}, [container()], [TWO, "mi-00000000000000003"])
    assert [one.instance_id for one in hosts] == [ONE, TWO, "mi-00000000000000003"]
    assert [(one.node is not None, one.container is not None) for one in hosts] == [
        (False, True),
        (True, False),
        (False, False),
    ]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=1, max_size=5))
def test_of_several_the_newest_connected_counts(made: list[tuple[bool, int]]) -> None:
    found = [
        container(containerInstanceArn=arn(n), agentConnected=connected, registeredAt=NOW + timedelta(days=days))
        for n, (connected, days) in enumerate(made)
    ]
    (host,) = view.join({}, found)
    best = max((one["agentConnected"], one["registeredAt"]) for one in found)
    assert host.container is not None
    assert (host.container["agentConnected"], host.container["registeredAt"]) == best
    told = {host.arn, *(one["containerInstanceArn"] for one in host.duplicates)}
    assert told == {one["containerInstanceArn"] for one in found}
    assert len(host.duplicates) == len(found) - 1


@pytest.mark.parametrize(
    ("in_ssm", "in_ecs", "codes"),
    [
        (node(), container(), []),
        (node(), container(status="DRAINING"), []),
        (None, container(), ["ssm_not_registered"]),
        (node(PingStatus="ConnectionLost"), container(), ["ssm_not_online"]),
        (node(PingStatus="Inactive"), None, ["ssm_not_online", "ecs_not_registered"]),
        (node(), None, ["ecs_not_registered"]),
        (node(), container(status="DEREGISTERING"), ["ecs_not_active"]),
        (node(), container(agentConnected=False), ["ecs_not_connected"]),
        (None, None, ["ssm_not_registered", "ecs_not_registered"]),
    ],
)
def test_what_a_host_lacks(in_ssm: dict[str, Any] | None, in_ecs: dict[str, Any] | None, codes: list[str]) -> None:
    found = view.lacks(view.Instance(ONE, in_ssm, in_ecs), "eu-west-1", "edge")
    assert [one.code for one in found] == codes
    assert all(one.instance_id == ONE and one.what and one.remedy for one in found)
    assert all(one.host == (f"{ONE} (edge1)" if in_ssm else ONE) for one in found)


def test_nothing_is_said_of_ssm_about_an_arn_that_was_not_found() -> None:
    assert [one.code for one in view.lacks(view.Instance(arn(1)), "eu-west-1", "edge")] == ["ecs_not_registered"]


def test_own_attributes_and_those_of_ecs_are_told_apart() -> None:
    attributes = [
        {"name": "site", "value": "berlin"},
        {"name": "gpu"},
        {"name": "ecs.os-type", "value": "linux"},
        {"name": "com.amazonaws.ecs.capability.docker-remote-api.1.44"},
    ]
    shown = view.shown(view.Instance(ONE, node(LastPingDateTime=NOW), container(attributes=attributes)))
    assert shown["attributes"] == {"site": "berlin", "gpu": None}
    assert shown["capabilities"] == {
        "ecs.os-type": "linux",
        "com.amazonaws.ecs.capability.docker-remote-api.1.44": None,
    }
    assert (shown["cluster"], shown["last_ping"]) == ("edge", "2026-01-31T12:00:00Z")


def test_every_host_is_shown_with_the_same_keys() -> None:
    full = view.shown(view.Instance(ONE, node(), container(), (container(),)))
    empty = view.shown(view.Instance(ONE))
    assert list(full) == list(empty)
    assert set(map(str, empty.values())) == {ONE, "None", "{}", "[]"}


def test_table() -> None:
    known = container(versionInfo={"agentVersion": "1.105.1"}, runningTasksCount=12)
    unknown = container(ec2InstanceId="mi-00000000000000003", agentConnected=False, containerInstanceArn=arn(3))
    hosts = view.join({ONE: node(), TWO: node(ComputerName=None, Name="rack-2")}, [known, unknown])
    assert view.table(view.shown(one) for one in hosts) == [
        "CLUSTER  NODE                  NAME    PING    AGENT    ECS     CONNECTED  TASKS",
        "-        mi-00000000000000002  rack-2  Online  -        -       -          -",
        "edge     mi-00000000000000001  edge1   Online  1.105.1  ACTIVE  yes        12",
        "edge     mi-00000000000000003  -       -       -        ACTIVE  no         -",
    ]
