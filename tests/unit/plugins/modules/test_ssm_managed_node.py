# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ssm_managed_node over HTTP, as Ansible starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from emulator.client import REGION

if TYPE_CHECKING:
    from unit.plugins.conftest import Modules

NAME = "ssm_managed_node"
NODES = ["mi-0123456789abcdef0", "mi-0123456789abcdef1"]
GONE = "mi-0123456789abcdeff"


@pytest.fixture
def nodes(modules: Modules) -> list[str]:
    """Two nodes with a role and a tag, of which the second is not alive."""
    common = {"Region": REGION, "IamRole": "oldRole"}
    seeds: list[dict[str, Any]] = [
        {
            "InstanceId": one,
            **common,
            "PingStatus": status,
            "Tags": {"owner": "me"},
            "Reported": {"ComputerName": f"host{n}"},
        }
        for n, (one, status) in enumerate(zip(NODES, ("Online", "ConnectionLost"), strict=True))
    ]
    modules.account.control("POST", "seed", {"nodes": seeds})
    modules.account.role("newRole")
    modules.calls()
    return NODES


def state(modules: Modules) -> dict[str, dict[str, Any]]:
    """The nodes as the emulator has them."""
    return {one["InstanceId"]: one for one in modules.account.control("GET", "state")["managed_nodes"]}


def four_steps(modules: Modules, **options: Any) -> dict[str, Any]:
    """Check, run, check again, run again; the result of the first run."""
    modules.calls()
    checked = modules.check(NAME, **options)
    assert modules.writes() == 0
    done = modules.run(NAME, **options)
    assert done["changed"], done
    told = ("changed", "changes", "diff", "managed_nodes")
    assert [checked[name] for name in told] == [done[name] for name in told]
    assert done["diff"]["before"] != done["diff"]["after"]
    assert modules.writes() == len(done["changes"])
    modules.calls()
    for again in (modules.check(NAME, **options), modules.run(NAME, **options)):
        assert (again["changed"], again["changes"]) == (False, [])
        assert again["diff"] == {"before": {}, "after": {}}
        if options.get("state") != "absent":
            assert again["managed_nodes"] == done["managed_nodes"]
    assert modules.writes() == 0
    return done


def test_nothing_to_do(modules: Modules) -> None:
    result = modules.run(NAME, instance_ids=[])
    assert (result["changed"], result["changes"], result["managed_nodes"]) == (False, [], [])
    assert modules.calls() == {}


def test_only_looking(modules: Modules, nodes: list[str]) -> None:
    result = modules.run(NAME, instance_ids=nodes)
    assert result["changed"] is False
    assert [one["tags"] for one in result["managed_nodes"]] == [None, None]
    assert modules.calls() == {"ssm:DescribeInstanceInformation": 1}


def test_role(modules: Modules, nodes: list[str]) -> None:
    done = four_steps(modules, instance_ids=nodes, iam_role="newRole")
    assert done["changes"] == [f"give {one} the role newRole instead of oldRole" for one in nodes]
    assert {one["IamRole"] for one in state(modules).values()} == {"newRole"}
    assert [one["iam_role"] for one in done["managed_nodes"]] == ["newRole", "newRole"]


def test_role_with_a_path(modules: Modules, nodes: list[str], quick: list[float]) -> None:
    modules.account.role("pathed", Path="/factory/")
    done = four_steps(modules, instance_ids=nodes, iam_role="factory/pathed")
    assert [one["iam_role"] for one in done["managed_nodes"]] == ["factory/pathed"] * 2
    shown = modules.run("ssm_managed_node_info", iam_role="factory/pathed")["managed_nodes"]
    assert sorted(one["instance_id"] for one in shown) == nodes
    refused = modules.run(NAME, instance_ids=nodes, iam_role="pathed")
    assert "A role with a path is called path/NAME" in refused["msg"]
    modules.calls()


def test_tags(modules: Modules, nodes: list[str]) -> None:
    four_steps(modules, instance_ids=nodes, tags={"site": "a"}, purge_tags=False)
    assert [one["Tags"] for one in state(modules).values()] == [{"owner": "me", "site": "a"}] * 2
    done = four_steps(modules, instance_ids=nodes, tags={"site": "b"})
    assert done["changes"] == [
        words for one in nodes for words in (f"remove the tags owner of {one}", f"set the tags site=b on {one}")
    ]
    assert [one["Tags"] for one in state(modules).values()] == [{"site": "b"}] * 2


def test_name(modules: Modules, nodes: list[str]) -> None:
    done = four_steps(modules, instance_ids=nodes[:1], name="rack-1")
    assert done["managed_nodes"][0]["name"] == "rack-1"
    found = state(modules)[nodes[0]]
    assert (found["Name"], found["Tags"]) == ("rack-1", {"owner": "me", "Name": "rack-1"})
    four_steps(modules, instance_ids=nodes[:1], name="rack-1", tags={"a": "b"})
    assert state(modules)[nodes[0]]["Tags"] == {"a": "b", "Name": "rack-1"}
    shown = modules.run("ssm_managed_node_info", instance_ids=nodes[:1])["managed_nodes"]
    assert shown[0]["name"] == "rack-1"


def test_absent(modules: Modules, nodes: list[str]) -> None:
    done = four_steps(modules, instance_ids=[nodes[1], GONE], state="absent")
    assert done["changes"] == [f"deregister {nodes[1]} (host1)"]
    assert [one["computer_name"] for one in done["managed_nodes"]] == ["host1"]
    assert list(state(modules)) == nodes[:1]


@pytest.mark.parametrize("how", ["run", "check"])
def test_protect(modules: Modules, nodes: list[str], how: str) -> None:
    refused = getattr(modules, how)(NAME, instance_ids=nodes, state="absent")
    assert refused["failed"]
    assert f"Online in SSM, so nothing was deregistered: {nodes[0]} (host0)." in refused["msg"]
    assert modules.writes() == 0


def test_without_protection(modules: Modules, nodes: list[str]) -> None:
    four_steps(modules, instance_ids=nodes, state="absent", protect=False)
    assert state(modules) == {}


def test_not_there(modules: Modules, nodes: list[str]) -> None:
    refused = modules.run(NAME, instance_ids=[*nodes, GONE], iam_role="newRole")
    assert f"no managed nodes in the Region {REGION}: {GONE}." in refused["msg"]
    assert modules.writes() == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"instance_ids": ["i-0123456789abcdef0"]}, "is not the id of a managed node"),
        ({"instance_ids": NODES, "name": "x"}, "one node only, but instance_ids has 2"),
        ({"instance_ids": NODES[:1], "name": ""}, "1 to 256"),
        ({"instance_ids": NODES[:1], "name": "hall (3)"}, "name: '(' in hall (3) is neither letter, digit, space nor"),
        ({"instance_ids": NODES[:1], "name": "x", "tags": {"Name": "y"}}, "the tag Name in tags is 'y'"),
        ({"instance_ids": NODES, "state": "absent", "tags": {}}, "state=present only"),
        ({"instance_ids": NODES, "iam_role": "arn:aws:iam::1:role/x"}, "SSM calls the role 'x'"),
        ({"instance_ids": NODES, "tags": {"aws:x": "y"}}, "reserved for AWS"),
    ],
)
def test_bad_input(modules: Modules, options: dict[str, Any], words: str) -> None:
    assert words in modules.run(NAME, **options)["msg"]
    assert modules.calls() == {}


def test_a_role_that_is_not_known(modules: Modules, nodes: list[str], quick: list[float]) -> None:
    refused = modules.run(NAME, instance_ids=nodes, iam_role="nobody")
    assert "onprem.ecs.ecs_iam_role with kind=anywhere makes it so" in refused["msg"]
    assert refused["changes"] == []
    assert quick
    modules.calls()


def test_a_new_role_is_waited_for(modules: Modules, nodes: list[str], quick: list[float]) -> None:
    words = "ValidationException: Nonexistent role or missing ssm service principal in trust policy"
    fault = {"service": "ssm", "operation": "UpdateManagedInstanceRole", "kind": "error", "count": 2, "status": 400}
    modules.account.control("POST", "faults", {**fault, "code": "ValidationException", "message": words})
    assert modules.run(NAME, instance_ids=nodes[:1], iam_role="newRole")["changed"]
    assert len(quick) == 2


def test_half_way(modules: Modules, nodes: list[str]) -> None:
    """One node fails, the other is done; the result says which."""
    fault = {"service": "ssm", "operation": "AddTagsToResource", "kind": "error", "count": 1, "status": 400}
    modules.account.control("POST", "faults", {**fault, "code": "AccessDeniedException", "message": "no"})
    options = {"instance_ids": nodes, "tags": {"site": "a"}, "purge_tags": False}
    failed = modules.run(NAME, **options)
    assert "AccessDeniedException: no" in failed["msg"]
    assert (failed["changed"], len(failed["changes"])) == (True, 1)
    assert len(modules.run(NAME, **options)["changes"]) == 1


def test_somebody_else_tags_the_same_node(modules: Modules, nodes: list[str], quick: list[float]) -> None:
    """AWS takes one change of a node's tags at a time."""
    fault = {"service": "ssm", "operation": "AddTagsToResource", "kind": "error", "count": 2, "status": 400}
    modules.account.control("POST", "faults", {**fault, "code": "TooManyUpdates", "message": "later"})
    assert modules.run(NAME, instance_ids=nodes[:1], tags={"site": "a"}, purge_tags=False)["changed"]
    assert len(quick) == 2


def test_more_tags_than_fit_are_refused_before_anything_is_changed(modules: Modules, nodes: list[str]) -> None:
    options: dict[str, Any] = {"instance_ids": nodes, "tags": {f"k{number}": "" for number in range(50)}}
    for result in (modules.check(NAME, purge_tags=False, **options), modules.run(NAME, purge_tags=False, **options)):
        assert f"tags: {nodes[0]} would have 51 tags with those that it has already" in result["msg"]
    assert modules.writes() == 0
    assert len(modules.run(NAME, **options)["managed_nodes"][0]["tags"]) == 50


def test_absent_half_way(modules: Modules, nodes: list[str]) -> None:
    """What is still registered is told."""
    fault = {"service": "ssm", "operation": "DeregisterManagedInstance", "kind": "error", "count": 1, "status": 400}
    modules.account.control("POST", "faults", {**fault, "code": "AccessDeniedException", "message": "no"})
    failed = modules.run(NAME, instance_ids=nodes, state="absent", protect=False)
    assert "lacks the permission ssm:DeregisterManagedInstance" in failed["msg"]
    (remaining,) = failed["remaining"]
    assert [node["InstanceId"] for node in modules.account.control("GET", "state")["managed_nodes"]] == [remaining]
    assert (failed["changed"], len(failed["changes"])) == (True, len(nodes) - 1)


def test_gone_in_between(modules: Modules, nodes: list[str]) -> None:
    fault = {"service": "ssm", "operation": "DeregisterManagedInstance", "kind": "error", "count": 1, "status": 400}
    modules.account.control("POST", "faults", {**fault, "code": "InvalidInstanceId"})
    assert "failed" not in modules.run(NAME, instance_ids=nodes[1:], state="absent")


def test_a_thousand_nodes(modules: Modules) -> None:
    """Looking is 20 calls, whatever the number of options that say nothing about tags."""
    wanted = {"count": 1000, "Region": REGION, "IamRole": "newRole"}
    fleet = modules.account.control("POST", "seed", {"fleet": wanted})["fleet"]
    modules.calls()
    assert modules.run(NAME, instance_ids=fleet, iam_role="newRole")["changed"] is False
    assert modules.calls() == {"ssm:DescribeInstanceInformation": 20}


def test_a_missing_permission_is_named(modules: Modules, nodes: list[str]) -> None:
    """To give a node a role is to pass it: that is a permission of its own."""
    fault = {"service": "ssm", "operation": "UpdateManagedInstanceRole", "kind": "error", "count": 1, "status": 400}
    modules.account.control("POST", "faults", {**fault, "code": "AccessDeniedException", "message": "no"})
    refused = modules.run(NAME, instance_ids=nodes[:1], iam_role="newRole")
    assert "lacks the permission ssm:UpdateManagedInstanceRole and iam:PassRole" in refused["msg"]
    assert (refused["changed"], refused["changes"]) == (False, [])


def test_throttling_is_waited_for(modules: Modules, nodes: list[str], quick: list[float]) -> None:
    fault = {"service": "ssm", "operation": "DeregisterManagedInstance", "kind": "throttle", "count": 3}
    modules.account.control("POST", "faults", fault)
    modules.run(NAME, instance_ids=nodes, state="absent", protect=False)
    assert state(modules) == {}
    assert quick


@pytest.mark.parametrize("state_", ["present", "absent"])
@pytest.mark.parametrize("check", [True, False])
def test_credentials_of_another_account_are_refused(
    modules: Modules, nodes: list[str], state_: str, check: bool
) -> None:
    """There nothing is found of the nodes, and taking them out would be done without doing anything."""
    options = {"instance_ids": nodes, "state": state_, "protect": False, "_ansible_check_mode": check}
    refused = modules.run(NAME, account_id="111122223333", **options)
    assert "account_id is 111122223333, and these credentials are of 123456789012 (arn:aws:iam::" in refused["msg"]
    assert modules.calls() == {"ecs:ListClusters": 1, "sts:GetCallerIdentity": 1}
    assert "12 digits" in modules.run(NAME, account_id="1234", **options)["msg"]
    assert modules.calls() == {}


def test_credentials_of_the_account_are_taken(modules: Modules, nodes: list[str]) -> None:
    modules.run(NAME, instance_ids=nodes, account_id="123456789012", state="absent", protect=False)
    assert state(modules) == {}
    assert modules.calls()["sts:GetCallerIdentity"] == 1


def test_without_sts_a_cluster_tells_the_account(modules: Modules, nodes: list[str], quick: list[float]) -> None:
    fault = {"service": "sts", "operation": "*", "kind": "drop", "count": -1}
    modules.account.control("POST", "faults", fault)
    options = {"instance_ids": nodes, "account_id": "123456789012", "state": "absent", "protect": False}
    refused = modules.run(NAME, **options)["msg"]
    assert refused.startswith("sts:GetCallerIdentity failed for the caller: ConnectionClosedError")
    assert "there is no cluster in eu-west-1" in refused and "let the controller reach STS" in refused
    assert set(state(modules)) == set(nodes)
    modules.account.boto("ecs").create_cluster(clusterName="edge")
    assert modules.run(NAME, **options)["changed"]
    assert state(modules) == {}
