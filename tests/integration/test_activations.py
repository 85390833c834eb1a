# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The activations that the role external_instance makes for a batch: for whom, for how many, at what cost."""

from __future__ import annotations

import json
from typing import Any

from runner import REGION, Playbooks, Run


def prepare(playbooks: Playbooks, hosts: int, tags: dict[str, str]) -> tuple[Run, int]:
    """Prepare the account for so many new hosts; and how often one was asked what it shall be."""
    looks = playbooks.folder / "looks"
    looks.write_text("", encoding="utf-8")
    look = f"{{{{ lookup('ansible.builtin.pipe', 'echo >>{looks}; echo {REGION}') }}}}"
    want: dict[str, Any] = {
        "host": "{{ inventory_hostname }}",
        "account": {"region": look, "iam_role": "ecsAnywhereRole", "tags": tags},
        "place": {"region": REGION, "cluster": "edge"},
        "call": "now",
        "id": "",
        "arn": "",
        "leave": {},
        "stale": {},
        "register": True,
        "machine": None,
        "joins": True,
    }
    # Of the inventory, as each look at it is one look at the file; in the role it is a fact.
    names: dict[str, dict[str, str]] = {f"node{number}": {} for number in range(hosts)}
    inventory = {"all": {"hosts": names, "vars": {"__external_instance_want": want, "__external_instance_call": "now"}}}
    role = {"name": "onprem.ecs.external_instance", "tasks_from": "account"}
    given = {"ecs_region": REGION, "ecs_cluster": "edge"}
    play = playbooks.local([{"ansible.builtin.import_role": role}], hosts="all", vars=given)
    for name, content in (("inventory", inventory), ("account", [play])):
        (playbooks.folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    run = playbooks.run_file("account.json", "-i", "inventory.json")
    return run, len(looks.read_text(encoding="utf-8").splitlines())


def limits(playbooks: Playbooks) -> list[int]:
    """For how many hosts each activation is good."""
    return sorted(one["RegistrationLimit"] for one in playbooks.emulator("GET", "state")["activations"])


def test_an_activation_is_good_for_the_hosts_of_its_account(playbooks: Playbooks) -> None:
    run, _looks = prepare(playbooks, 5, {"rack": "{{ 'b' if inventory_hostname == 'node3' else 'a' }}"})
    assert run.code == 0, run.explain()
    assert limits(playbooks) == [1, 4]


def test_hosts_with_tags_of_their_own_are_looked_at_once(playbooks: Playbooks) -> None:
    """Not once more for each of the others: a thousand would take hours."""
    looks = []
    for hosts in (3, 6):
        run, count = prepare(playbooks, hosts, {"host": "{{ inventory_hostname }}"})
        assert run.code == 0, run.explain()
        looks.append(count / hosts)
    assert limits(playbooks) == [1] * 9
    assert looks[0] == looks[1]


def test_more_hosts_than_one_activation_is_good_for_are_refused(playbooks: Playbooks) -> None:
    run, _looks = prepare(playbooks, 1001, {})
    assert run.code != 0
    assert "1001 hosts must register at once, and an activation is good for 1000 at most" in run.text
    assert limits(playbooks) == []
