# Copyright: (c) 2026, onprem.ecs contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code blocks of README.md and docs, so that tests run what is shown.

Behind the language of a block stands its kind, and for a file its name:

- ``sh make``: every line is a ``make`` target of this repository;
- ``sh shell``: commands of a user;
- ``yaml file NAME``: a file that a user writes, an inventory or a playbook;
- ``json policy NAME``: an IAM policy document;
- ``text output``: what a program writes, not run.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COLLECTION = Path(__file__).resolve().parents[1]
KINDS = ("make", "shell", "file", "policy", "output")
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A code block."""

    page: str
    """The page's path, relative to the top of the collection."""
    language: str
    kind: str
    name: str
    text: str


#: Pages for those who change the collection. Their blocks have no kind.
FOR_DEVELOPERS = ("emulator.md", "molecule.md", "test-hosts.md")


def pages() -> list[Path]:
    """The pages for users."""
    return [
        COLLECTION / "README.md",
        *(page for page in sorted(COLLECTION.glob("docs/*.md")) if page.name not in FOR_DEVELOPERS),
        *sorted(COLLECTION.glob("roles/*/README.md")),
    ]


def every_block(page: Path) -> list[Block]:
    """The blocks of a page, in their order. What an info string does not say is empty."""
    found = []
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        language, kind, name = [*match["info"].split(), "", "", ""][:3]
        found.append(Block(str(page.relative_to(COLLECTION)), language, kind, name, match["text"]))
    return found


def blocks(kind: str, page: str = "README.md") -> list[Block]:
    """The blocks of one kind on a page."""
    return [block for block in every_block(COLLECTION / page) if block.kind == kind]


def commands(kind: str = "shell", page: str = "README.md") -> list[str]:
    """The commands in the blocks of a kind, those with a backslash at the end of a line joined, comments left out."""
    lines = "".join(block.text for block in blocks(kind, page)).replace("\\\n", " ").splitlines()
    return [" ".join(line.split()) for line in lines if line.strip() and not line.lstrip().startswith("#")]


def write_files(folder: Path, page: str = "README.md") -> list[Path]:
    """Write the files that a page shows into a folder."""
    written = []
    for block in blocks("file", page):
        path = folder / block.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        written.append(path)
    return written


def policy(name: str, page: str = "README.md") -> dict[str, Any]:
    """An IAM policy document that a page shows.

    :raises StopIteration: when it shows none of this name
    """
    document: dict[str, Any] = json.loads(next(block.text for block in blocks("policy", page) if block.name == name))
    return document


def controller_actions() -> set[str]:
    """The actions that README's policy allows whoever runs the playbook, for example ``ssm:CreateActivation``."""
    statements = policy("controller")["Statement"]
    return {action for statement in statements if statement["Effect"] == "Allow" for action in statement["Action"]}
