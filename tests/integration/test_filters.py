# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the filters' documentation run as they are, chained into modules of amazon.aws."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from typing import Any

import pytest
import yaml
from module_docs import COLLECTION
from runner import Playbooks, environment, program

FILTERS = sorted(path.stem for path in (COLLECTION / "plugins/filter").glob("[!_]*.py"))


def examples(name: str) -> list[dict[str, Any]]:
    """The tasks of a filter's ``EXAMPLES``."""
    source = ast.parse((COLLECTION / "plugins/filter" / f"{name}.py").read_text(encoding="utf-8"))
    for node in source.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "EXAMPLES":
            tasks: list[dict[str, Any]] = yaml.safe_load(ast.literal_eval(node.value))
            return tasks
    raise KeyError(f"{name} has no EXAMPLES")


def test_the_examples_of_all_filters(playbooks: Playbooks) -> None:
    """In one play, and again: a document that a module of amazon.aws compares is the same every time."""
    tasks = [task for name in FILTERS for task in examples(name)]
    assert len(FILTERS) == 3
    play = playbooks.local(tasks)
    done = playbooks.run([play])
    assert done.code == 0, done.explain()
    assert all(result["changed"] for result in done.results)
    again = playbooks.run([play])
    assert again.code == 0, again.explain()
    assert [result["task"] for result in again.results if result["changed"]] == []


def test_what_a_user_sees_of_an_error(playbooks: Playbooks) -> None:
    task = {"name": "Wrong", "ansible.builtin.debug": {"msg": "{{ '*' | onprem.ecs.pass_role_document(kind='task') }}"}}
    done = playbooks.run([playbooks.local([task])])
    assert done.code != 0
    assert "a wildcard would let other roles be passed" in done.text


@pytest.mark.parametrize("name", FILTERS)
def test_the_documentation_is_found(name: str, playbooks: Playbooks) -> None:
    command = [program("ansible-doc"), "-t", "filter", "--json", f"onprem.ecs.{name}"]
    shown = subprocess.run(
        command, env={**os.environ, **environment(playbooks.folder)}, check=True, capture_output=True, text=True
    )
    found = json.loads(shown.stdout)[f"onprem.ecs.{name}"]
    assert found["doc"]["version_added"] == "0.2.0"
    assert found["doc"]["positional"] == ["_input"] or found["doc"]["positional"] == "_input"
    assert found["return"]["_value"]["type"] == "dict"
