# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts are called in the inventory, and in which groups they are."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.onprem.ecs.plugins.module_utils import _inventory
from ansible_collections.onprem.ecs.plugins.module_utils._inventory import groups, names

EVERY = ["computer_name", "name", "ip_address", "instance_id"]


def host(number: int, status: str = "Online", **more: Any) -> dict[str, Any]:
    """A host without names."""
    nothing = {"computer_name": None, "name": None, "ip_address": None, "cluster": None, "ecs_status": None}
    return {**nothing, "instance_id": f"mi-{number}", "ping_status": status, **more}


def called(*hosts: dict[str, Any], preferences: list[str] | None = None) -> list[str]:
    """The names in the order of the hosts."""
    found = names(hosts, preferences or EVERY)
    return [found[one["instance_id"]] for one in hosts]


def test_the_most_wanted_name() -> None:
    one = host(1, computer_name="a.example.com", name="rack-1", ip_address="10.0.0.1")
    assert called(one) == ["a.example.com"]
    assert called(one, preferences=["name", "computer_name"]) == ["rack-1"]
    assert called(host(1, ip_address="fd00::1")) == ["fd00::1"]
    assert called(host(1), preferences=["name"]) == ["mi-1"]


def test_a_name_of_many_is_nobodys() -> None:
    """Nodes that register with the same activation have the same name in SSM."""
    hosts = [host(n, name="edge", ip_address=f"10.0.0.{n}") for n in range(3)]
    assert called(*hosts) == ["10.0.0.0", "10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize("order", [1, -1])
def test_the_living_keeps_its_name(order: int) -> None:
    hosts = [
        host(1, "ConnectionLost", computer_name="a", ip_address="10.0.0.1"),
        host(2, "Online", computer_name="a", ip_address="10.0.0.1"),
        host(3, "ConnectionLost", computer_name="a"),
    ][::order]
    assert called(*hosts) == ["mi-1", "a", "mi-3"][::order]


def test_of_two_dead_neither_has_the_name() -> None:
    assert called(*(host(n, "ConnectionLost", computer_name="a") for n in range(2))) == ["mi-0", "mi-1"]


def test_one_hosts_name_is_anothers_computer_name() -> None:
    assert called(host(1, computer_name="a"), host(2, name="a", ip_address="10.0.0.2")) == ["a", "10.0.0.2"]


@pytest.mark.parametrize("preferences", [EVERY, ["name", "computer_name"]])
def test_what_the_living_is_called_under_another_preference(preferences: list[str]) -> None:
    """The host registered anew, and nobody has given the new node its name yet."""
    old = host(1, "ConnectionLost", computer_name="a", name="a")
    assert called(old, host(2, computer_name="a"), preferences=preferences) == ["mi-1", "a"]


def test_the_more_wanted_name_is_given_first() -> None:
    """Whatever the order of the ids."""
    hosts = [host(1, name="a", ip_address="10.0.0.1"), host(2, computer_name="a", ip_address="10.0.0.2")]
    assert called(*hosts) == ["10.0.0.1", "a"]


def test_no_host_is_called_by_the_id_of_another() -> None:
    assert called(host(1, computer_name="mi-2"), host(2)) == ["mi-1", "mi-2"]
    assert called(host(1, computer_name="a"), preferences=["instance_id", "computer_name"]) == ["mi-1"]


def test_no_host_is_called_like_a_group() -> None:
    found = names([host(1, computer_name="all", name="rack-1"), host(2, computer_name="edge")], EVERY, {"all", "edge"})
    assert found == {"mi-1": "rack-1", "mi-2": "mi-2"}


@pytest.mark.parametrize("name", ["{{ x }}", "a b", "a,b", "!a", "-i"])
def test_what_is_no_name(name: str) -> None:
    assert called(host(1, computer_name=name)) == ["mi-1"]


@pytest.mark.parametrize(
    "name",
    [
        *("localhost", "LOCALHOST", "localhost.", "localhost.localdomain", "localhost4", "web.localhost"),
        *("ip6-localhost", "ip6-loopback", "127.0.0.1", "127.0.1.1", "0x7f.1", "0177.0.0.1", "2130706433", "0"),
        *("::1", "::", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"),
    ],
)
def test_no_host_is_called_like_the_controller(name: str) -> None:
    assert called(host(1, computer_name=name)) == ["mi-1"]


@pytest.mark.parametrize("name", ["not-localhost", "localhost-1", "10.0.0.1", "fd00::1", "1234", "web1"])
def test_what_is_not_the_controller(name: str) -> None:
    assert called(host(1, computer_name=name)) == [name]


def test_a_name_that_the_living_does_not_take_is_for_the_other() -> None:
    hosts = [host(1, "ConnectionLost", computer_name="web1"), host(2, computer_name="web1-new", name="web1")]
    assert called(*hosts) == ["web1", "web1-new"]


@pytest.mark.parametrize(
    ("reported", "shown"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("fd00::1", "fd00::1"),
        ("-oProxyCommand=id", None),  # to ssh an option
        ("127.0.0.1", None),
        ("::1", None),
        ("::", None),
        ("::ffff:127.0.0.1", None),
        ("fe80::1%eth0", None),
        ("fe80::1%$(id)", None),  # to a ProxyCommand with %h a command
        ("", None),
        (None, None),
    ],
)
def test_the_address_of_a_host(reported: str | None, shown: str | None) -> None:
    assert _inventory._address(reported) == shown


def test_groups() -> None:
    assert groups(host(1, "ConnectionLost")) == ["external_instances", "ssm_connection_lost"]
    found = groups(host(1, cluster="my-shop", ecs_status="DRAINING"))
    assert found == ["external_instances", "ssm_online", "ecs_cluster_my_shop", "ecs_draining"]
