# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules promise in DOCUMENTATION, EXAMPLES and RETURN, and whether a result keeps it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

COLLECTION = Path(__file__).resolve().parents[1]
MODULES = COLLECTION / "plugins" / "modules"

#: What ansible-core adds to every result, and what a callback adds. They are documented by ansible-core.
COMMON = {
    *("action", "ansible_facts", "ansible_loop_var", "changed", "deprecations", "diff", "exception", "failed"),
    *("invocation", "item", "msg", "skipped", "task", "warnings"),
}
#: Where a value is documented as the return value of another module, in the words of RETURN.
SHOWN_ELSEWHERE = re.compile(r"each as RV\(onprem\.ecs\.(\w+)#module:(\w+)\)")

PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "complex": (dict,),
    "dict": (dict,),
    "float": (float, int),
    "int": (int,),
    "list": (list,),
    "str": (str,),
}


def modules() -> list[str]:
    """The names of the collection's modules."""
    return sorted(path.stem for path in MODULES.glob("*.py"))


def aws_modules() -> list[str]:
    """The collection's own modules of the action group ``roles``."""
    runtime = yaml.safe_load((COLLECTION / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    return [name for name in runtime["action_groups"]["roles"] if "." not in name]


def section(module: str, name: str) -> Any:
    """A module's ``DOCUMENTATION``, ``EXAMPLES`` or ``RETURN``, read as YAML.

    :raises KeyError: when it has none
    """
    source = ast.parse((MODULES / f"{module}.py").read_text(encoding="utf-8"))
    for node in source.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise KeyError(f"{module} has no {name}")


def broken_promises(module: str, result: dict[str, Any]) -> list[str]:
    """In what way a successful result is not what RETURN says: members too many, missing, or of another type."""
    told = {name: value for name, value in result.items() if name not in COMMON and not name.startswith("_ansible")}
    promised = section(module, "RETURN")
    # "changed" and "msg" may be documented all the same.
    return list(_compare(module, promised, {**{k: v for k, v in result.items() if k in promised}, **told}))


def _compare(where: str, promised: dict[str, Any], told: dict[str, Any]) -> Iterator[str]:
    for name in sorted(told.keys() - promised.keys()):
        yield f"{where}.{name} is returned but not documented"
    for name, word in promised.items():
        if name not in told:
            if word.get("returned") in ("always", "success"):
                yield f"{where}.{name} is documented as returned {word['returned']}, and was not"
            continue
        yield from _compare_value(f"{where}.{name}", word, told[name])


def _compare_value(where: str, word: dict[str, Any], value: Any) -> Iterator[str]:
    if value is None:
        return
    right = PYTHON_TYPES[word["type"]]
    if not isinstance(value, right) or (isinstance(value, bool) and bool not in right):
        yield f"{where} is documented as {word['type']}, and is {value!r}"
        return
    members = _members(word)
    for one in value if isinstance(value, list) else [value]:
        if members and isinstance(one, dict):
            yield from _compare(where, members, one)


def _members(word: dict[str, Any]) -> dict[str, Any]:
    """What a value contains: what is said there, and what is said of the value that it is shown as."""
    text = " ".join([word["description"]] if isinstance(word["description"], str) else word["description"])
    elsewhere = [_members(section(module, "RETURN")[name]) for module, name in SHOWN_ELSEWHERE.findall(text)]
    return {key: one for part in (*elsewhere, word.get("contains", {})) for key, one in part.items()}
