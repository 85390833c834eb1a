# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that somebody else controls answers what it likes: it must not decide on account, controller or others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from runner import REGION, Playbooks, Run

HOSTS = ("node0", "node1", "node2")
IDS = {name: f"mi-0123456789abcdef{name[-1]}" for name in HOSTS}
ARNS = {name: f"arn:aws:ecs:{REGION}:123456789012:container-instance/edge/{name[-1] * 32}" for name in HOSTS}
PLACE = {"region": REGION, "cluster": "edge"}
LEAVE = {"arn": ARNS["node0"], "place": PLACE}
STALE = {"instance_id": IDS["node0"], "region": REGION, "arn": "", "place": PLACE}
SAID = "node0 says itself, by facts, what ecs_iam_role shall be, which only you may"


def account(playbooks: Playbooks, **said: Any) -> Run:
    """The account's part for a batch of enrolled hosts, of which node2 says something else of itself."""
    hosts = {}
    for name in HOSTS:
        want = {
            "call": "now",
            "host": name,
            "account": {"region": REGION, "iam_role": "ecsAnywhereRole", "tags": {}},
            "place": PLACE,
            "id": IDS[name],
            "arn": ARNS[name],
            "register": False,
            "machine": name,
            "joins": False,
            "leave": {},
            "stale": {},
        }
        hosts[name] = {"__external_instance_want": {**want, **(said if name == "node2" else {})}}
    inventory = {"all": {"hosts": hosts, "vars": {"__external_instance_call": "now"}}}
    role = {"name": "onprem.ecs.external_instance", "tasks_from": "account"}
    given = {"ecs_region": REGION, "ecs_cluster": "edge"}
    play = playbooks.local([{"ansible.builtin.import_role": role}], hosts="all", vars=given)
    for file, content in (("inventory", inventory), ("account", [play])):
        (playbooks.folder / f"{file}.json").write_text(json.dumps(content), encoding="utf-8")
    return playbooks.run_file("account.json", "-i", "inventory.json")


@pytest.mark.parametrize(
    "said",
    [
        {"id": IDS["node0"], "arn": ""},
        # It says that it must leave a cluster, as another host's container instance.
        {"arn": ARNS["node0"], "leave": LEAVE},
        {"register": True, "id": None, "arn": ARNS["node0"], "leave": LEAVE},
        # Or that it was another host's node, and is that no more.
        {"register": True, "id": IDS["node0"], "arn": "", "stale": STALE},
    ],
    ids=["is", "moves", "registers and moves", "was"],
)
def test_a_host_that_says_it_is_another_one_of_the_batch_is_refused(playbooks: Playbooks, said: dict[str, Any]) -> None:
    run = account(playbooks, **said)
    assert run.code != 0
    assert "node0 and node2 are one managed node" in run.text, run.explain()


@pytest.mark.parametrize(
    "said",
    [
        {"leave": {**LEAVE, "arn": ARNS["node2"]}},
        {"register": True, "stale": {**STALE, "instance_id": IDS["node2"]}},
        # A clone has the id of its original, and nothing is done under it.
        {"register": True, "id": IDS["node0"], "arn": ARNS["node0"]},
    ],
    ids=["moves", "was", "clone"],
)
def test_a_host_that_speaks_for_itself_is_not(playbooks: Playbooks, said: dict[str, Any]) -> None:
    run = account(playbooks, **said)
    assert run.code == 0, run.explain()


def answer(playbooks: Playbooks, facts: dict[str, Any], *tasks: dict[str, Any], **given: Any) -> Run:
    """Tasks for a host that has answered a module with facts; its variables stand in the inventory."""
    library = playbooks.folder / "library"
    library.mkdir(exist_ok=True)
    told = json.dumps({"changed": False, "ansible_facts": facts})
    (library / "answer.py").write_text(f"#!/usr/bin/python\nprint({told!r})\n", encoding="utf-8")
    variables = {"ecs_ca_bundle": "", "ecs_region": REGION, "ecs_cluster": "edge", "ecs_iam_role": "mine", **given}
    inventory = {"all": {"hosts": {"node0": variables}}}
    play = playbooks.local([{"answer": {}}, *tasks], hosts="all")
    for file, content in (("inventory", inventory), ("answer", [play])):
        (playbooks.folder / f"{file}.json").write_text(json.dumps(content), encoding="utf-8")
    return playbooks.run_file("answer.json", "-i", "inventory.json")


@pytest.mark.parametrize(
    ("role", "entry"),
    [
        ("external_instance", "main"),
        ("external_instance", "drain"),
        ("external_instance", "upgrade"),
        ("offboard", "main"),
    ],
)
def test_a_host_that_sets_variables_of_the_roles_is_refused(playbooks: Playbooks, role: str, entry: str) -> None:
    """Facts in the answer of a module count more than the inventory."""
    task = {"ansible.builtin.import_role": {"name": f"onprem.ecs.{role}", "tasks_from": entry}}
    run = answer(playbooks, {"ecs_iam_role": "Administrator", "distribution": "Debian"}, task)
    assert run.code != 0
    assert SAID in run.text, run.explain()
    assert playbooks.emulator("GET", "state")["activations"] == []


def test_it_is_refused_also_when_it_answers_so_after_the_look(playbooks: Playbooks) -> None:
    role = {"name": "onprem.ecs.external_instance", "tasks_from": "prepare"}
    given = {
        "__external_instance_refusals": [],
        "__external_instance_wanted": {},
        "__container_engine_needs_fetch": False,
    }
    given |= {"__ssm_agent_right_version": True, "__ecs_agent_right_version": True}
    task = {"ansible.builtin.include_role": {**role, "rolespec_validate": False}, "vars": given}
    run = answer(playbooks, {"ecs_iam_role": "Administrator"}, task)
    assert SAID in run.text, run.explain()


@pytest.mark.parametrize("role", ["ssm_agent", "ecs_agent"])
def test_a_host_gets_no_file_of_the_controller_by_asking_for_it(playbooks: Playbooks, role: str) -> None:
    (playbooks.folder / "authority.pem").write_text("the controller's", encoding="utf-8")
    bundle = {"ecs_ca_bundle": str(playbooks.folder / "authority.pem")}
    found = {
        "system": {"package_format": "deb"},
        "ssm": {"unit": None, "own_config": False},
        "agent": {"exec": {"source": "/opt", "folder": "/opt", "ready": False}},
        "files": {},
    }
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.import_role": {"name": f"onprem.ecs.{role}", "tasks_from": "variables", "public": True}},
        {"ansible.builtin.debug": {"msg": f"{{{{ __{role}_files + __ecs_agent_exec_wanted | default([]) }}}}"}},
    ]
    by_user = answer(playbooks, {}, *tasks, __ecs_look={"ecs_host": found}, **bundle)
    assert "the controller's" in by_user.text, by_user.explain()
    by_host = answer(playbooks, bundle, *tasks, __ecs_look={"ecs_host": found})
    assert by_host.code == 0 and "the controller's" not in by_host.text, by_host.explain()


@pytest.mark.parametrize("role", ["ssm_agent", "ecs_agent"])
def test_a_role_alone_says_why_it_takes_no_authorities(playbooks: Playbooks, role: str) -> None:
    task = {"ansible.builtin.import_role": {"name": f"onprem.ecs.{role}"}}
    run = answer(playbooks, {"ecs_ca_bundle": "/etc/shadow"}, task)
    assert run.code != 0
    assert "node0 says itself, by facts, what ecs_ca_bundle shall be" in run.text, run.explain()


def test_a_host_does_not_choose_the_tasks(playbooks: Playbooks) -> None:
    (playbooks.folder / "other.yml").write_text('[{"ansible.builtin.debug": {"msg": "other tasks"}}]', encoding="utf-8")
    up = "x/" + "../" * 30 + str(playbooks.folder)[1:]
    given = {"__ssm_agent_format": f"{up}/other", "__ssm_agent_wrong": [], "__ssm_agent_right_version": False}
    role = {"name": "onprem.ecs.ssm_agent", "tasks_from": "provide", "rolespec_validate": False}
    run = answer(playbooks, {}, {"ansible.builtin.include_role": role, "vars": given})
    assert run.code != 0 and "install_other.yml" in run.text, run.explain()
    assert "other tasks" not in run.text


def test_a_host_that_does_not_answer_ends_also_in_a_play_that_goes_on_without(playbooks: Playbooks) -> None:
    role = {"ansible.builtin.include_role": {"name": "onprem.ecs.external_instance"}}
    given = {"ecs_region": REGION, "ecs_cluster": "edge", "ansible_host": "127.0.0.1", "ansible_port": 1}
    play = playbooks.local([role], connection="ssh", ignore_unreachable=True, vars=given)
    run = playbooks.run([play])
    assert run.code == 4, run.explain()
    assert "has no attribute" not in run.text
