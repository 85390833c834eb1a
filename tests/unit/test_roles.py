# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles' variables are the same in defaults, argument_specs, tasks, READMEs and in the words of errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

COLLECTION = Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (COLLECTION / "roles").iterdir() if path.is_dir())
#: A public variable, and no part of a longer or dotted name (a module, a role, a key of a result), nor a text.
PUBLIC = re.compile(r"(?<![\w./'-])ecs_\w+")
#: What these are without a value depends on other options, as their descriptions say.
OPEN = {"ecs_allow_move"}
COMMENT = re.compile(r"(?s:{#.*?#})|^\s*#.*$", re.MULTILINE)


def load(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def options(role: str) -> dict[str, dict[str, Any]]:
    """The options in a role's argument_specs, of all its entry points."""
    specs = load(COLLECTION / "roles" / role / "meta/argument_specs.yml")["argument_specs"]
    found: dict[str, dict[str, Any]] = {}
    for entry in specs.values():
        assert all(found.get(name, option) == option for name, option in entry["options"].items())
        found.update(entry["options"])
    return found


def defaults(role: str) -> dict[str, Any]:
    """A role's defaults."""
    found: dict[str, Any] = load(COLLECTION / "roles" / role / "defaults/main.yml")
    return found


def used(role: str) -> set[str]:
    """The public variables in a role's tasks, variables and templates."""
    top = COLLECTION / "roles" / role
    files = chain(top.glob("tasks/*.yml"), top.glob("vars/*.yml"), top.glob("templates/*"))
    return {name for path in files for name in PUBLIC.findall(COMMENT.sub("", path.read_text(encoding="utf-8")))}


def tasks(items: Any) -> Iterator[dict[str, Any]]:
    """Every task of a file of tasks, those in blocks as well."""
    for task in items or []:
        for part in ("block", "rescue", "always"):
            yield from tasks(task.get(part))
        yield task


def role_tasks(role: str) -> list[dict[str, Any]]:
    """Every task of a role."""
    return [task for path in (COLLECTION / "roles" / role / "tasks").glob("*.yml") for task in tasks(load(path))]


def included(role: str) -> dict[str, set[str]]:
    """The roles that a role includes, and the public variables that it hands them."""
    found: dict[str, set[str]] = {}
    for task in role_tasks(role):
        called = task.get("ansible.builtin.include_role") or task.get("ansible.builtin.import_role")
        if called:
            handed = {name for name in task.get("vars", {}) if not name.startswith("__")}
            found.setdefault(called["name"].rpartition(".")[2], set()).update(handed)
    return found


def test_a_host_cannot_name_the_file_of_tasks_that_is_included() -> None:
    """A part of a name that it says would lead out of the folder."""
    files = (COLLECTION / "roles").glob("*/tasks/*.yml")
    everything = [task for path in files for task in tasks(load(path))]
    included = [str(task.get("ansible.builtin.include_tasks", "")) for task in everything]
    included += [str(task.get("ansible.builtin.include_role", {}).get("tasks_from", "")) for task in everything]
    templates = [name for name in included if "{{" in name]
    assert templates and all(re.search(r"\| basename }}(\.yml)?$", name) for name in templates)


@pytest.mark.parametrize("role", ROLES)
def test_defaults_and_specification_agree(role: str) -> None:
    specified = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert specified == defaults(role)
    without = {name for name, option in options(role).items() if "default" not in option}
    assert without - OPEN == {name for name, option in options(role).items() if option.get("required")}


@pytest.mark.parametrize("role", ROLES)
def test_every_option_is_described(role: str) -> None:
    def bare(found: dict[str, dict[str, Any]]) -> Iterator[str]:
        for name, option in found.items():
            if not option.get("description") or "type" not in option:
                yield name
            yield from bare(option.get("options", {}))

    assert list(bare(options(role))) == []


@pytest.mark.parametrize(("one", "other"), list(combinations(ROLES, 2)))
def test_the_same_option_is_the_same_in_two_roles(one: str, other: str) -> None:
    first, second = options(one), options(other)
    assert {name: first[name] for name in first.keys() & second.keys()} == {
        name: second[name] for name in first.keys() & second.keys()
    }


@pytest.mark.parametrize("role", ROLES)
def test_what_tasks_use_is_specified(role: str) -> None:
    known = set(options(role)) | {task["register"] for task in role_tasks(role) if "register" in task}
    known |= set().union(*included(role).values()) if included(role) else set()
    assert used(role) <= known


@pytest.mark.parametrize("role", ROLES)
def test_a_boolean_may_come_as_text(role: str) -> None:
    """As with ``-e ecs_exec=false``, which is the text "false". A module that is handed the value converts it."""
    files = [*(COLLECTION / "roles" / role / "vars").glob("*.yml"), *(COLLECTION / "roles" / role).glob("templates/*")]
    texts = [COMMENT.sub("", path.read_text(encoding="utf-8")) for path in files]
    texts += [yaml.safe_dump(task, width=10_000) for task in role_tasks(role)]
    expressions = [part for text in texts for part in re.findall(r"{[{%](.*?)[%}]}", text, re.DOTALL)]
    expressions += [str(task["when"]) for task in role_tasks(role) if "when" in task]
    booleans = [name for name, option in options(role).items() if option["type"] == "bool"]
    bare = [
        expression
        for expression in expressions
        for name in booleans
        if re.search(rf"\b{name}\b(?!\s*(\|\s*default\([^)]*\)\s*)?\|\s*bool\b)", expression)
        and expression.strip() != name
    ]
    assert bare == []


@pytest.mark.parametrize("role", ROLES)
def test_what_is_specified_is_used(role: str) -> None:
    handed_on = {name for inner in included(role) for name in options(inner)}
    assert set(options(role)) - used(role) - handed_on == set()


@pytest.mark.parametrize("role", [role for role in ROLES if included(role)])
def test_a_composed_role_takes_all_that_its_parts_take(role: str) -> None:
    for inner, handed in included(role).items():
        assert handed <= set(options(inner)), inner
        assert set(options(inner)) - handed <= set(options(role)), inner


TABLE_ROW = re.compile(
    r"^\| `(?P<name>ecs_\w+)` \| (?P<type>[^|]+) \| (?P<default>[^|]+) \| (?P<meaning>.+) \|$", re.MULTILINE
)
REQUIRED = "required"


def readme(role: str) -> str:
    """A role's README."""
    return (COLLECTION / "roles" / role / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("role", ROLES)
def test_readme_table_is_true(role: str) -> None:
    shown = {
        row["name"]: (row["type"], yaml.safe_load(row["default"].strip("`")))
        for row in TABLE_ROW.finditer(readme(role))
    }
    assert shown == {
        name: (
            f"list of {option['elements']}" if option["type"] == "list" else option["type"],
            REQUIRED if option.get("required") else option.get("default"),
        )
        for name, option in options(role).items()
    }


@pytest.mark.parametrize("role", ROLES)
def test_readme_names_every_choice(role: str) -> None:
    rows = {row["name"]: row["meaning"] for row in TABLE_ROW.finditer(readme(role))}
    for name, option in options(role).items():
        for choice in [*option.get("choices", []), *option.get("options", {})]:
            assert f"`{choice}`" in rows[name]


def test_no_paragraph_stands_in_two_readmes() -> None:
    def paragraphs(role: str) -> set[str]:
        text = re.sub(r"^```.*?^```", "", readme(role), flags=re.MULTILINE | re.DOTALL)
        return {part.strip() for part in text.split("\n\n") if len(part) > 80 and not part.lstrip().startswith("|")}

    for one, other in combinations(ROLES, 2):
        assert paragraphs(one) & paragraphs(other) == set()


def test_errors_name_variables_that_there_are() -> None:
    """The remedies that the host modules give name the roles' variables, sometimes with a value."""
    every = {name: option for role in ROLES for name, option in options(role).items()}
    inner = {name for option in every.values() for name in option.get("options", {})}
    modules = {path.stem for path in (COLLECTION / "plugins/modules").glob("*.py")} | set(ROLES)
    for path in chain(COLLECTION.glob("plugins/module_utils/_host_*.py"), COLLECTION.glob("roles/*/*/*.yml")):
        name, text = path.name, path.read_text(encoding="utf-8")
        for variable, value in re.findall(r"\b(ecs_\w+)(?::| to) \"?([a-z]+)\"?", text):
            choices = every.get(variable, {}).get("choices")
            assert not choices or value in choices, f"{name}: {variable}: {value}"
        for remedy in re.findall(r"\((ecs_\w+)\)|set (ecs_\w+)", text):
            variable = "".join(remedy)
            assert variable in every or variable in inner or variable in modules, f"{name}: {variable}"


@pytest.mark.parametrize("role", ROLES)
def test_what_the_controller_does_needs_no_sudo(role: str) -> None:
    """An inventory may set ansible_become, which counts more than the keyword, and counts for localhost too."""
    for task in role_tasks(role):
        if task.get("delegate_to") == "localhost":
            assert task.get("vars", {}).get("ansible_become") is False, task["name"]


@pytest.mark.parametrize("role", ROLES)
def test_what_is_read_of_a_command_is_in_english(role: str) -> None:
    """sshd and sudo pass the language of whoever runs Ansible on to the host, and package managers speak it."""
    for task in role_tasks(role):
        judged = str([task.get(key) for key in ("until", "changed_when", "failed_when")])
        if "ansible.builtin.command" in task and re.search(
            r" in __\w+\.std(out|err)\b|\.std(out|err) is search", judged
        ):
            assert "LC_ALL" in str(task.get("environment")), f"{role}: {task['name']}"
