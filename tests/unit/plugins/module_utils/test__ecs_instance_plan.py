# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""External instances: the options and the plans."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.ecs.plugins.module_utils import _ecs_instance as view
from ansible_collections.onprem.ecs.plugins.module_utils import _ecs_instance_plan as plans
from ansible_collections.onprem.ecs.plugins.module_utils._errors import EcsError
from ansible_collections.onprem.ecs.plugins.module_utils._plan import Plan

ARN = "arn:aws:ecs:eu-west-1:123456789012:container-instance/edge/{}"
NODE = "mi-00000000000000000"
GIVEN: dict[str, Any] = {
    "cluster": "edge",
    "instance_ids": ["mi-00000000000000001"],
    "state": "active",
    "attributes": None,
    "tags": None,
    "purge_tags": True,
    "names": None,
    "wait": True,
    "wait_timeout": 300,
    "poll_interval": 5,
    "on_timeout": "fail",
    "force": False,
    "account_id": None,
}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"instance_ids": ["i-0123456789abcdef0"]}, "neither the id of a managed node"),
        ({"instance_ids": ["mi-xyz"]}, "neither the id of a managed node"),
        ({"instance_ids": ["mi-0000000000000000a\n"]}, "neither the id of a managed node"),
        ({"instance_ids": [ARN.format(1).replace("edge", "other")]}, "in the cluster other, not in edge"),
        ({"attributes": {"a b": "x"}}, "the name 'a b'"),
        ({"attributes": {"ecs.os-type": "x"}}, "belongs to ECS"),
        ({"attributes": {"a": ""}}, "the value ''"),
        ({"attributes": {"a": " x"}}, "the value ' x'"),
        ({"attributes": {"a": "ä"}}, "the value 'ä'"),
        ({"attributes": {str(n): "x" for n in range(11)}}, "10 at most"),
        ({"attributes": {"a": "x"}, "state": "draining"}, "state=active or present only"),
        ({"tags": {"a": "x"}, "state": "absent"}, "state=active or present only"),
        ({"tags": {"aws:a": "x"}}, "reserved"),
        ({"names": {NODE: "rack-1"}, "state": "draining"}, "state=active or present only"),
        ({"names": {"rack-1": "rack-1"}}, "is not the id of a managed node"),
        ({"names": {NODE: "rack #1"}}, "letters, digits, spaces and any of"),
        ({"names": {NODE: ""}}, "1 to 256"),
        ({"names": {NODE: "rack-1"}, "tags": {"Name": "rack-2"}}, "but the tag Name in tags is 'rack-2'"),
        ({"account_id": "1234"}, "12 digits"),
        ({"wait_timeout": -1}, "wait_timeout"),
        ({"poll_interval": 0}, "poll_interval"),
    ],
)
def test_malformed_options(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(EcsError, match=words):
        plans.options({**GIVEN, **changed})


def test_ids_count_once_and_none_is_none() -> None:
    twice = [ARN.format(1), "mi-00000000000000001", ARN.format(1)]
    assert plans.options({**GIVEN, "instance_ids": twice}).ids == tuple(twice[:2])
    by_arn = {"cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/edge", "instance_ids": twice}
    assert len(plans.options({**GIVEN, **by_arn}).ids) == 2
    assert plans.options({**GIVEN, "instance_ids": None}).ids == ()


def test_values_of_attributes_become_strings() -> None:
    assert plans.wanted_attributes({"n": 1, "gpu": None, "s": "a b:c@d/e\\f-g_h.i"}) == {
        "n": "1",
        "gpu": None,
        "s": "a b:c@d/e\\f-g_h.i",
    }


NAMES, TEXTS = st.sampled_from(["site", "rack", "gpu"]), st.sampled_from(["1", "2"])
HOSTS = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["ACTIVE", "DRAINING", "DEREGISTERING", None]),
            "attributes": st.dictionaries(NAMES, st.none() | TEXTS),
            "tags": st.dictionaries(st.sampled_from(["a", "b", "aws:x"]), TEXTS),
        }
    ),
    max_size=25,
)


def hosts_of(found: list[dict[str, Any]]) -> list[view.Instance]:
    """Hosts as AWS shows them."""
    made = []
    for number, one in enumerate(found):
        container = {
            "containerInstanceArn": ARN.format(number),
            "ec2InstanceId": f"mi-{number:017}",
            "status": one["status"],
            "attributes": [{"name": k, **({} if v is None else {"value": v})} for k, v in one["attributes"].items()],
            "tags": [{"key": k, "value": v} for k, v in one["tags"].items()],
        }
        made.append(view.Instance(f"mi-{number:017}", None, container if one["status"] else None))
    return made


def perform(plan: Plan, found: list[dict[str, Any]]) -> None:
    """Do to the hosts what AWS would do."""
    by_arn = {ARN.format(number): one for number, one in enumerate(found)}
    for change in plan.ordered():
        params = change.params
        if change.operation == "UpdateContainerInstancesState":
            assert 1 <= len(params["containerInstances"]) <= 10
            for arn in params["containerInstances"]:
                by_arn[arn]["status"] = params["status"]
        elif change.operation == "PutAttributes":
            assert 1 <= len(params["attributes"]) <= 10
            for one in params["attributes"]:
                by_arn[one["targetId"]]["attributes"][one["name"]] = one.get("value")
        elif change.operation == "TagResource":
            by_arn[params["resourceArn"]]["tags"].update({tag["key"]: tag["value"] for tag in params["tags"]})
        elif change.operation == "AddTagsToResource":
            assert params["ResourceType"] == "ManagedInstance"
            found[int(params["ResourceId"][3:])]["called"] = [tag["Value"] for tag in params["Tags"]]
        elif change.operation == "UntagResource":
            for key in params["tagKeys"]:
                del by_arn[params["resourceArn"]]["tags"][key]
        else:
            pytest.fail(change.operation)


@given(
    found=HOSTS,
    attributes=st.dictionaries(NAMES, st.none() | TEXTS),
    tags=st.none() | st.dictionaries(st.sampled_from("abc"), TEXTS),
    purge=st.booleans(),
    names=st.dictionaries(st.sampled_from([NODE, "mi-00000000000000001"]), TEXTS),
)
def test_a_plan_leads_to_what_is_wanted_and_the_next_is_empty(
    found: list[dict[str, Any]],
    attributes: dict[str, str | None],
    tags: dict[str, str] | None,
    purge: bool,
    names: dict[str, str],
) -> None:
    want = plans.Options("edge", (), "active", attributes, tags, purge, names)
    left_out = [str(one) for one in found if one["status"] not in ("ACTIVE", "DRAINING")]
    plan = plans.plan_active(hosts_of(found), want)
    perform(plan, found)

    there = {f"mi-{n:017}": one for n, one in enumerate(found) if one["status"] in ("ACTIVE", "DRAINING")}
    called = {node: one.pop("called") for node, one in there.items() if "called" in one}
    assert called == {node: [names[node]] for node in called}
    assert all(one["tags"]["Name"] == names[node] for node, one in there.items() if node in names)
    assert dict(plan.after) == there
    assert all(one["status"] == "ACTIVE" for one in there.values())
    assert all(one["attributes"].items() >= attributes.items() for one in there.values())
    assert all(one["tags"].items() >= (tags or {}).items() for one in there.values())
    assert [str(one) for one in found if one["status"] not in ("ACTIVE", "DRAINING")] == left_out
    assert plans.plan_active(hosts_of(found), want).changes == ()


@given(found=HOSTS, some=st.sets(st.integers(0, 24)))
def test_a_part_of_a_change_and_the_rest_are_the_change(found: list[dict[str, Any]], some: set[int]) -> None:
    """What is left out of a call is in nobody's words; what nobody is left of is no call."""
    want = plans.Options("edge", (), "active", {"site": "1", "gpu": None}, {"a": "1"})
    hosts = hosts_of(found)
    nodes = {str(one.arn): one.instance_id for one in hosts if one.arn}
    chosen = {arn: node for arn, node in nodes.items() if int(node[3:]) in some}
    others = {arn: node for arn, node in nodes.items() if arn not in chosen}
    for change in plans.plan_active(hosts, want).changes:
        assert plans.part(change, nodes) is change
        parts = [part for part in (plans.part(change, chosen), plans.part(change, others)) if part]
        assert sorted(one for part in parts for one in plans.subjects(part)) == sorted(plans.subjects(change))
        for part in parts:
            told = {node for arn, node in nodes.items() if arn in plans.subjects(part)}
            assert {node for node in nodes.values() if node in part.words} == told


def test_words_name_the_hosts() -> None:
    found = [{"status": "DRAINING", "attributes": {}, "tags": {"old": "1"}}]
    want = plans.Options("edge", (), "active", {"site": "berlin", "gpu": None}, {"owner": "me"})
    assert plans.plan_active(hosts_of(found), want).words() == [
        "make mi-00000000000000000 ACTIVE in the cluster edge",
        "set the attribute gpu on mi-00000000000000000, site=berlin on mi-00000000000000000",
        "remove the tags old of mi-00000000000000000",
        "set the tags owner=me on mi-00000000000000000",
    ]


def test_only_active_ones_are_drained() -> None:
    found: list[dict[str, Any]] = [
        {"status": status, "attributes": {}, "tags": {}} for status in ("ACTIVE", "DRAINING", None)
    ]
    plan = plans.plan_draining(hosts_of(found), plans.Options("edge", (), "draining"))
    assert plan.words() == ["make mi-00000000000000000 DRAINING in the cluster edge"]


def test_deregistering_takes_what_was_left_behind_by_force() -> None:
    (host,) = hosts_of([{"status": "DRAINING", "attributes": {}, "tags": {}}])
    old = {"containerInstanceArn": ARN.format("old"), "ec2InstanceId": host.instance_id, "status": "ACTIVE"}
    twice = view.Instance(host.instance_id, None, host.container, (old,))
    plan = plans.plan_deregister([twice], plans.Options("edge", (), "absent"), force=False)
    assert [(one.params["containerInstance"], one.params["force"]) for one in plan.ordered()] == [
        (ARN.format(0), False),
        (ARN.format("old"), True),
    ]


def test_a_name_is_the_last_to_be_noted_where_the_next_run_looks() -> None:
    """A run that is killed in between leaves the container instance without it, and the next one does both again."""
    found = [{"status": "ACTIVE", "attributes": {}, "tags": {"old": "1"}}]
    want = plans.Options("edge", (), "active", names={NODE: "rack-1"})
    plan = plans.plan_active(hosts_of(found), want)
    assert [change.operation for change in plan.ordered()] == ["AddTagsToResource", "TagResource"]
    assert plan.words() == [f"call {NODE} rack-1 in Systems Manager", f"set the tags Name=rack-1 on {NODE}"]
